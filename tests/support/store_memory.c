#include "support/store_memory.h"

#include <stdlib.h>

#include <zstd.h>

#include "base/map.h"
#include "base/mem.h"
#include "detection/indicator_match.h"
#include "store/journal_format.h"
#include "store/store_backend.h"

enum { MEMORY_EPOCH = 1 };

struct memory_row {
    struct row row;
    struct record record;
};

struct memory {
    struct memory_row **rows; /* by sequence - 1 */
    uint64_t count, capacity;
    uint64_t raw_bytes;
    struct carry *carry;
    struct arena arena;
    struct store_partition_stats stats[16];
};

static struct row_context *context_copy(struct arena *arena, const struct row_context *c)
{
    struct row_context *kept = arena_alloc(arena, sizeof *kept);
    struct slice *texts[ROW_CONTEXT_TEXTS];
    *kept = *c;
    row_context_texts(kept, texts);
    for (size_t i = 0; i < ROW_CONTEXT_TEXTS; i++)
        *texts[i] = arena_copy(arena, *texts[i]);
    return kept;
}

static void row_keep(struct memory *m, const struct row *row)
{
    struct memory_row *kept = arena_zeroed(&m->arena, 1, sizeof *kept);
    kept->row = *row;
    kept->row.context = context_copy(&m->arena, row->context);
    kept->row.record = &kept->record;
    for (uint32_t i = 0; i < row->record->count; i++) {
        const struct field *f = &row->record->fields[i];
        check(record_add(&kept->record, arena_copy(&m->arena, f->name),
                         arena_copy(&m->arena, f->value), (enum value_kind)f->kind, f->flags,
                         NULL) == ERR_OK);
    }
    if (m->count == m->capacity) {
        m->capacity = m->capacity ? m->capacity * 2 : 64;
        m->rows = mem_resize(m->rows, m->capacity, sizeof(struct memory_row *));
    }
    m->rows[m->count++] = kept;
}

static int batch_keep(struct memory *m, const struct batch *batch, struct err *err)
{
    struct journal_section_header h = journal_section_read(batch->section.data);
    const char *stored = batch->section.data + JOURNAL_SECTION_HEADER_BYTES;
    char *raw = mem_alloc(h.raw_bytes + 1);
    struct batch_reader reader = {0};
    struct row row;
    int rc = ERR_OK;
    if (h.flags & JOURNAL_SECTION_ZSTD)
        check(ZSTD_decompress(raw, h.raw_bytes, stored, h.stored_bytes) == h.raw_bytes);
    else
        memcpy(raw, stored, h.raw_bytes);
    rc = batch_reader_open(&reader, slice_make(raw, h.raw_bytes), err);
    reader.first_sequence = m->count + 1;
    while (rc == ERR_OK && batch_next(&reader, &row))
        row_keep(m, &row);
    m->raw_bytes += batch->raw_bytes;
    batch_reader_free(&reader);
    mem_free(raw);
    return rc;
}

static int memory_append(void *self, const struct store_group *group, uint64_t *first_sequence,
                         struct err *err)
{
    struct memory *m = self;
    int rc = ERR_OK;
    *first_sequence = m->count + 1;
    for (uint32_t i = 0; i < group->batch_count && rc == ERR_OK; i++)
        rc = batch_keep(m, &group->batches[i], err);
    if (rc == ERR_OK && group->carry.len)
        rc = carry_apply(m->carry, group->carry, err);
    return rc;
}

static uint64_t memory_next_sequence(void *self)
{
    const struct memory *m = self;
    return m->count + 1;
}

static uint32_t memory_epoch(const void *self)
{
    (void)self;
    return MEMORY_EPOCH;
}

static const struct carry *memory_carry(const void *self)
{
    const struct memory *m = self;
    return m->carry;
}

static void memory_carry_trim(void *self, int64_t ids_before_ns, int64_t inputs_before_ns)
{
    struct memory *m = self;
    carry_trim(m->carry, ids_before_ns, inputs_before_ns);
}

/* --- searching: all hits are found when the search begins --- */

struct memory_cursor {
    const struct memory *memory;
    struct store_search options;
    struct memory_row **hits;
    uint64_t count, next;
    struct matcher *matcher;
    struct indicator_matcher *indicators;
    struct record judged;
    struct row given; /* with the fields wanted */
    struct record shown;
    uint64_t numbers[INDICATOR_HITS_MAX];
    struct slice fields[INDICATOR_HITS_MAX], values[INDICATOR_HITS_MAX];
    struct store_progress progress;
};

static bool in_span(int64_t time_ns, int64_t from_ns, int64_t until_ns)
{
    return (from_ns == CLOCK_NONE || time_ns >= from_ns) &&
           (until_ns == CLOCK_NONE || time_ns < until_ns);
}

static bool in_partitions(const struct store_search *o, struct slice partition)
{
    for (uint32_t i = 0; i < o->partition_count; i++)
        if (slice_equal(o->partitions[i], partition))
            return true;
    return o->partition_count == 0 && partition.data[0] != '_';
}

static bool in_scope(const struct store_search *o, struct slice unit)
{
    for (uint32_t i = 0; i < o->unit_count; i++)
        if (slice_equal(o->units[i], unit))
            return true;
    return !o->scoped;
}

static uint32_t rules_of(struct memory_cursor *c, const struct memory_row *row,
                         const uint32_t **rules)
{
    *rules = NULL;
    if (!c->matcher)
        return 0;
    record_reset(&c->judged);
    for (uint32_t i = 0; i < row->record.count; i++) {
        const struct field *f = &row->record.fields[i];
        if (!(f->flags & FIELD_DERIVED))
            check(record_add(&c->judged, f->name, f->value, (enum value_kind)f->kind, f->flags,
                             NULL) == ERR_OK);
    }
    return matcher_run(c->matcher, &c->judged, rules);
}

static bool row_is_hit(struct memory_cursor *c, struct memory_row *row)
{
    const struct store_search *o = &c->options;
    const uint32_t *rules;
    if (row->row.sequence <= o->after_sequence || !in_partitions(o, row->row.context->partition) ||
        !in_scope(o, row->row.context->unit) ||
        !in_span(row_time(&row->row), o->from_ns, o->until_ns) ||
        !in_span(row->row.received_ns, o->received_from_ns, o->received_until_ns))
        return false;
    c->progress.rows_judged++;
    if (!c->matcher && !c->indicators)
        return true;
    return rules_of(c, row, &rules) ||
           (c->indicators &&
            indicator_matcher_run(c->indicators, &row->record, row->row.time_ns)->count);
}

static int newest_first(const void *a, const void *b)
{
    const struct memory_row *x = *(struct memory_row *const *)a;
    const struct memory_row *y = *(struct memory_row *const *)b;
    int64_t p = row_time(&x->row), q = row_time(&y->row);
    if (p != q)
        return p > q ? -1 : 1;
    return x->row.sequence > y->row.sequence ? -1 : 1;
}

static int oldest_first(const void *a, const void *b)
{
    return -newest_first(a, b);
}

static int memory_search(void *self, const struct store_search *search, void **cursor,
                         struct err *err)
{
    struct memory *m = self;
    struct memory_cursor *c = mem_zeroed(1, sizeof *c);
    (void)err;
    c->memory = m;
    c->options = *search;
    c->hits = mem_zeroed(m->count + 1, sizeof(struct memory_row *));
    if (search->rules)
        c->matcher = matcher_open(search->rules);
    if (search->indicators)
        c->indicators = indicator_matcher_open(search->indicators);
    for (uint64_t i = 0; i < m->count; i++)
        if (row_is_hit(c, m->rows[i]))
            c->hits[c->count++] = m->rows[i];
    if (search->order != STORE_SEQUENCE && c->count > 1)
        qsort(c->hits, c->count, sizeof(struct memory_row *),
              search->order == STORE_NEWEST ? newest_first : oldest_first);
    *cursor = c;
    return ERR_OK;
}

static void indicators_give(struct memory_cursor *c, struct memory_row *row, struct store_item *out)
{
    const struct indicator_matches *found =
        indicator_matcher_run(c->indicators, &row->record, row->row.time_ns);
    for (uint32_t i = 0; i < found->count; i++) {
        c->numbers[i] = found->items[i].number;
        c->fields[i] = found->items[i].name;
        c->values[i] = found->items[i].value;
    }
    out->indicators = c->numbers;
    out->indicator_fields = c->fields;
    out->indicator_values = c->values;
    out->indicator_count = found->count;
}

static void fields_choose(struct memory_cursor *c, const struct memory_row *row)
{
    record_reset(&c->shown);
    for (uint32_t i = 0; i < row->record.count; i++) {
        const struct field *f = &row->record.fields[i];
        bool wanted = !c->options.fields;
        for (uint32_t k = 0; k < c->options.field_count && !wanted; k++)
            wanted = slice_equal(c->options.fields[k], f->name);
        if (wanted)
            check(record_add(&c->shown, f->name, f->value, (enum value_kind)f->kind, f->flags,
                             NULL) == ERR_OK);
    }
    c->given = row->row;
    c->given.record = &c->shown;
}

static int memory_next(void *cursor, struct store_item *out, struct err *err)
{
    struct memory_cursor *c = cursor;
    if (c->options.canceled && *c->options.canceled)
        return err_set(err, ERR_CANCELED, "the search was stopped");
    if (c->next == c->count || (c->options.limit && c->next == c->options.limit))
        return ERR_END;
    struct memory_row *row = c->hits[c->next++];
    fields_choose(c, row);
    *out = (struct store_item){.kind = STORE_ROW, .row = &c->given};
    out->rule_count = rules_of(c, row, &out->rules);
    if (c->options.matched)
        out->matcher = c->matcher;
    if (c->indicators)
        indicators_give(c, row, out);
    c->progress.hits = c->next;
    c->progress.complete_ns = row_time(&row->row);
    out->progress = c->progress;
    return ERR_OK;
}

static void memory_progress(const void *cursor, struct store_progress *out)
{
    const struct memory_cursor *c = cursor;
    *out = c->progress;
}

static void memory_cursor_close(void *cursor)
{
    struct memory_cursor *c = cursor;
    matcher_close(&c->matcher);
    indicator_matcher_close(&c->indicators);
    record_free(&c->judged);
    record_free(&c->shown);
    mem_free(c->hits);
    mem_free(c);
}

/* --- reading --- */

static int memory_get(void *self, uint64_t sequence, store_row_visit *visit, void *context,
                      struct err *err)
{
    struct memory *m = self;
    if (sequence == 0 || sequence > m->count)
        return err_set(err, ERR_NOT_FOUND, "there is no event of this number");
    return visit(context, &m->rows[sequence - 1]->row);
}

static int by_name(const void *a, const void *b)
{
    const struct store_field *x = a, *y = b;
    size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = len ? memcmp(x->name.data, y->name.data, len) : 0;
    return order ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static int memory_fields(void *self, store_field_visit *visit, void *context, struct err *err)
{
    struct memory *m = self;
    struct map known = {0};
    struct buf fields = {0};
    (void)err;
    for (uint64_t r = 0; r < m->count; r++)
        for (uint32_t i = 0; i < m->rows[r]->record.count; i++) {
            const struct field *f = &m->rows[r]->record.fields[i];
            bool made = map_find(&known, f->name) == NULL;
            if (!made)
                continue;
            struct store_field field = {f->name, f->flags & FIELD_DERIVED, 0};
            (void)map_put(&known, f->name, 1, NULL);
            buf_append(&fields, &field, sizeof field);
        }
    size_t count = fields.len / sizeof(struct store_field);
    struct store_field *items = mem_zeroed(count + 1, sizeof *items);
    if (count)
        memcpy(items, fields.data, fields.len);
    qsort(items, count, sizeof *items, by_name);
    for (size_t i = 0; i < count; i++)
        visit(context, &items[i]);
    mem_free(items);
    buf_free(&fields);
    map_free(&known);
    return ERR_OK;
}

static int memory_stat(void *self, struct store_stats *out, struct err *err)
{
    struct memory *m = self;
    uint32_t count = 0;
    (void)err;
    *out = (struct store_stats){
        .epoch = MEMORY_EPOCH, .next_sequence = m->count + 1, .partitions = m->stats};
    for (uint64_t r = 0; r < m->count; r++) {
        const struct row *row = &m->rows[r]->row;
        uint32_t at = 0;
        while (at < count && !slice_equal(m->stats[at].name, row->context->partition))
            at++;
        check(at < sizeof m->stats / sizeof m->stats[0]);
        if (at == count)
            m->stats[count++] = (struct store_partition_stats){.name = row->context->partition,
                                                               .time_min_ns = row_time(row),
                                                               .time_max_ns = row_time(row)};
        struct store_partition_stats *p = &m->stats[at];
        p->rows++;
        p->time_min_ns = row_time(row) < p->time_min_ns ? row_time(row) : p->time_min_ns;
        p->time_max_ns = row_time(row) > p->time_max_ns ? row_time(row) : p->time_max_ns;
    }
    out->partition_count = count;
    return ERR_OK;
}

static void memory_close(void *self)
{
    struct memory *m = self;
    for (uint64_t i = 0; i < m->count; i++)
        record_free(&m->rows[i]->record);
    mem_free(m->rows);
    carry_close(&m->carry);
    arena_free(&m->arena);
    mem_free(m);
}

struct store *store_memory_open(void)
{
    static const struct store_calls calls = {.close = memory_close,
                                             .append = memory_append,
                                             .next_sequence = memory_next_sequence,
                                             .epoch = memory_epoch,
                                             .carry = memory_carry,
                                             .carry_trim = memory_carry_trim,
                                             .search = memory_search,
                                             .next = memory_next,
                                             .cursor_progress = memory_progress,
                                             .cursor_close = memory_cursor_close,
                                             .get = memory_get,
                                             .fields = memory_fields,
                                             .stat = memory_stat};
    struct memory *m = mem_zeroed(1, sizeof *m);
    m->carry = carry_open();
    return store_wrap(&calls, m);
}
