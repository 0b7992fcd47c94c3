/* Judging candidates: the live matcher over rows put together again. */
#include <stdlib.h>

#include "base/mem.h"
#include "detection/indicator_match.h"
#include "store/embedded_search.h"

const struct logsource *search_logsource(struct search *s, struct slice configured)
{
    if (configured.len == 0)
        return NULL;
    struct map_entry *known = map_find(&s->configured, configured);
    if (known)
        return (const struct logsource *)(uintptr_t)known->value;
    struct slice text = arena_copy(&s->arena, configured), rest = text;
    struct logsource *source = arena_alloc(&s->arena, sizeof(*source));
    source->product = slice_cut(&rest, '/');
    source->category = slice_cut(&rest, '/');
    source->service = rest;
    (void)map_put(&s->configured, text, (uint64_t)(uintptr_t)source, NULL);
    return source;
}

void search_context_texts(const struct row_context *c, struct search_text out[SEARCH_CONTEXT_TEXTS])
{
    out[0] = (struct search_text){SLICE("_source"), c->source};
    out[1] = (struct search_text){SLICE("_system"), c->system};
    out[2] = (struct search_text){SLICE("_unit"), c->unit};
    out[3] = (struct search_text){SLICE("_partition"), c->partition};
    out[4] = (struct search_text){SLICE("_file"), c->file};
    out[5] = (struct search_text){SLICE("_mapping"), c->mapping};
    out[6] = (struct search_text){SLICE("_registered"), c->host};
    out[7] = (struct search_text){SLICE("_sender"), c->sender};
    out[8] = (struct search_text){SLICE("_drill"),
                                  c->flags & ROW_DRILL ? SLICE("true") : SLICE("")};
}

static void meta_add(struct search *s, struct slice name, struct slice value, enum value_kind kind)
{
    if (value.len)
        (void)!record_add(&s->judged, name, value, kind, FIELD_DERIVED, NULL);
}

static void meta_time(struct search *s, struct slice name, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    size_t len = clock_text(text, time_ns);
    meta_add(s, name, arena_copy(&s->meta_arena, slice_make(text, len)), VALUE_STRING);
}

static void meta_fields(struct search *s, const struct row *row)
{
    struct search_text texts[SEARCH_CONTEXT_TEXTS];
    search_context_texts(row->context, texts);
    for (uint32_t i = 0; i < SEARCH_CONTEXT_TEXTS; i++)
        meta_add(s, texts[i].name, texts[i].value, VALUE_STRING);
    meta_time(s, SLICE("_time"), row_time(row));
    meta_time(s, SLICE("_received"), row->received_ns);
    meta_add(s, SLICE("_id"),
             arena_printf(&s->meta_arena, "%u:%llu", s->view.identity.epoch,
                          (unsigned long long)row->sequence),
             VALUE_STRING);
    meta_add(s, SLICE("_line"), arena_printf(&s->meta_arena, "%llu", (unsigned long long)row->line),
             VALUE_NUMBER);
}

/* What was received, under today's mappings: what an earlier one derived is left out. */
static uint32_t judge_rules(struct search *s, const struct row *row,
                            const struct logsource *configured, const uint32_t **rules)
{
    record_reset(&s->judged);
    arena_reset(&s->meta_arena);
    for (uint32_t i = 0; i < row->record->count; i++) {
        const struct field *f = &row->record->fields[i];
        if (!(f->flags & FIELD_DERIVED))
            (void)!record_add(&s->judged, f->name, f->value, (enum value_kind)f->kind, f->flags,
                              NULL);
    }
    if (s->options.meta)
        meta_fields(s, row);
    matcher_configure(s->matcher, configured);
    uint32_t count = matcher_run(s->matcher, &s->judged, rules);
    if (s->asks_host) {
        struct slice host = arena_copy(&s->meta_arena, matcher_host(s->matcher));
        meta_add(s, SLICE("_host"), host, VALUE_STRING);
        count = matcher_run(s->matcher, &s->judged, rules);
    }
    return count;
}

void search_hit_copy(struct search_hit *hit, const struct row *row, struct arena *arena)
{
    struct record *record = row->record;
    hit->row = *row;
    hit->record = (struct record){.count = record->count, .capacity = record->count};
    hit->record.fields = arena_alloc(arena, (record->count + 1) * sizeof(struct field));
    for (uint32_t i = 0; i < record->count; i++) {
        struct field *f = &hit->record.fields[i];
        *f = record->fields[i];
        f->name = arena_copy(arena, f->name);
        f->value = arena_copy(arena, f->value);
    }
    hit->row.record = NULL; /* set when it is given out: hits are moved about */
}

static void hit_indicators(struct search *s, struct search_hit *hit, struct record *record,
                           int64_t time_ns, struct arena *arena)
{
    const struct indicator_matches *found =
        indicator_matcher_run(s->indicator_matcher, record, time_ns);
    uint32_t count = found->count;
    uint64_t *numbers = arena_alloc(arena, (count + 1) * sizeof(*numbers));
    struct slice *fields = arena_alloc(arena, (count + 1) * sizeof(*fields));
    struct slice *values = arena_alloc(arena, (count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < count; i++) {
        numbers[i] = found->items[i].number;
        fields[i] = arena_copy(arena, found->items[i].name);
        values[i] = arena_copy(arena, found->items[i].value);
    }
    hit->indicators = numbers;
    hit->indicator_fields = fields;
    hit->indicator_values = values;
    hit->indicator_count = count;
}

bool search_judge(struct search *s, const struct row *row, const struct logsource *configured,
                  struct search_hit *hit, struct arena *arena)
{
    *hit = (struct search_hit){0};
    if (!search_unit_wanted(s, row->context->unit))
        return false;
    s->progress.rows_judged++;
    if (!s->options.rules && !s->options.indicators)
        return true;
    if (s->options.rules) {
        const uint32_t *rules;
        hit->rule_count = judge_rules(s, row, configured, &rules);
        if (hit->rule_count) {
            uint32_t *copy = arena_alloc(arena, hit->rule_count * sizeof(*copy));
            memcpy(copy, rules, hit->rule_count * sizeof(*copy));
            hit->rules = copy;
        }
    }
    if (s->options.indicators)
        hit_indicators(s, hit, row->record, row->time_ns, arena);
    return hit->rule_count || hit->indicator_count;
}

uint32_t search_judge_again(struct search *s, const struct row *row, const uint32_t **rules)
{
    return judge_rules(s, row, search_logsource(s, row->context->configured), rules);
}

static int by_row(const void *a, const void *b)
{
    const struct search_candidate *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static int newest_first(const void *a, const void *b)
{
    const struct search_hit *x = a, *y = b;
    int64_t p = row_time(&x->row), q = row_time(&y->row);
    if (p != q)
        return p > q ? -1 : 1;
    return (x->row.sequence < y->row.sequence) - (x->row.sequence > y->row.sequence);
}

static int oldest_first(const void *a, const void *b)
{
    return -newest_first(a, b);
}

static int by_sequence(const void *a, const void *b)
{
    const struct search_hit *x = a, *y = b;
    return (x->row.sequence > y->row.sequence) - (x->row.sequence < y->row.sequence);
}

void search_hits_sort(const struct search *s, struct search_unit *unit)
{
    static int (*const orders[])(const void *, const void *) = {[STORE_NEWEST] = newest_first,
                                                                [STORE_OLDEST] = oldest_first,
                                                                [STORE_SEQUENCE] = by_sequence};
    if (unit->hit_count > 1)
        qsort(unit->hits, unit->hit_count, sizeof(*unit->hits), orders[s->options.order]);
}

/* A chunk of candidates in the order of their rows, which is how they are read. */
struct search_candidate *search_chunk_take(struct search *s, struct search_unit *unit,
                                           uint32_t *count)
{
    uint32_t left = unit->candidate_count - unit->candidate_next;
    if (unit->chunk == 0)
        unit->chunk = s->options.order == STORE_SEQUENCE ? SEARCH_CHUNK_MAX : SEARCH_CHUNK_MIN;
    else if (s->heap_count > SEARCH_CURSORS_MAX && unit->arena.total_bytes < SEARCH_CHUNK_BYTES)
        unit->chunk =
            SEARCH_CHUNK_MAX; /* its cursors were closed meanwhile: that is to be worth it */
    else if (unit->chunk < SEARCH_CHUNK_MAX && unit->arena.total_bytes < SEARCH_CHUNK_BYTES)
        unit->chunk *= SEARCH_CHUNK_GROWTH;
    else if (unit->chunk > SEARCH_CHUNK_MIN && unit->arena.total_bytes > 4 * SEARCH_CHUNK_BYTES)
        unit->chunk /= SEARCH_CHUNK_GROWTH;
    *count = left < unit->chunk ? left : unit->chunk;
    struct search_candidate *first = &unit->candidates[unit->candidate_next];
    unit->candidate_next += *count;
    arena_reset(&unit->arena);
    unit->hits = arena_alloc(&unit->arena, (*count + 1) * sizeof(*unit->hits));
    unit->hit_count = unit->hit_next = 0;
    if (*count > 1)
        qsort(first, *count, sizeof(*first), by_row);
    return first;
}

static int cursors_open(struct search *s, struct search_unit *unit, struct err *err)
{
    struct search_segment *g = &s->segments[unit->segment];
    bool judges = s->options.rules || s->options.indicators;
    /* a second cursor, and what it gives out, where whole rows are wanted */
    size_t share = s->options.memory_bytes / (s->options.judged_fields ? 3 : 5);
    int rc = ERR_OK;
    if (judges && !unit->judge_cursor)
        rc = segment_cursor_open(&unit->judge_cursor, g->file, unit->block, g->judge_columns, share,
                                 err);
    if (rc == ERR_OK && !unit->full_cursor && !s->options.judged_fields)
        rc = segment_cursor_open(&unit->full_cursor, g->file, unit->block, g->full_columns, share,
                                 err);
    return rc;
}

static void candidate_judge(struct search *s, struct search_unit *unit, uint32_t row_number)
{
    struct search_segment *g = &s->segments[unit->segment];
    struct search_hit *hit = &unit->hits[unit->hit_count];
    struct row row;
    if (unit->judge_cursor) {
        if (segment_cursor_row(unit->judge_cursor, row_number, &row, NULL) != ERR_OK) {
            s->progress.damaged_rows++;
            return;
        }
        if (!search_judge(s, &row, g->configured[row.context_number], hit, &unit->arena))
            return;
    }
    if (unit->full_cursor &&
        segment_cursor_row(unit->full_cursor, row_number, &row, NULL) != ERR_OK) {
        s->progress.damaged_rows++;
        return;
    }
    if (!unit->judge_cursor && !search_judge(s, &row, NULL, hit, &unit->arena))
        return;
    search_hit_copy(hit, &row, &unit->arena);
    unit->hit_count++;
}

static int block_chunk(struct search *s, struct search_unit *unit, struct err *err)
{
    uint32_t count;
    int rc = cursors_open(s, unit, err);
    if (rc == ERR_LIMIT)
        return rc;
    struct search_candidate *chunk = search_chunk_take(s, unit, &count);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        candidate_judge(s, unit, chunk[i].row);
    if (rc)
        s->progress.damaged_rows += count;
    search_hits_sort(s, unit);
    return ERR_OK;
}

int search_chunk(struct search *s, struct search_unit *unit, struct err *err)
{
    int rc = ERR_OK;
    do {
        if (unit->candidate_next == unit->candidate_count && unit->cut)
            rc = search_look_again(s, unit, err);
        if (rc)
            return rc;
        if (unit->candidate_next == unit->candidate_count) {
            search_unit_close(s, unit);
            return ERR_OK;
        }
        rc = unit->segment == UINT32_MAX ? search_frame_chunk(s, unit, err)
                                         : block_chunk(s, unit, err);
    } while (rc == ERR_OK && unit->hit_count == 0);
    return rc;
}
