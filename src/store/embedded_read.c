/* One event, the fields there are, and figures about the store. */
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "store/embedded_rows.h"

struct getting {
    store_row_visit *visit;
    void *context;
    bool found;
};

static int row_get(void *context, const struct row *row)
{
    struct getting *g = context;
    g->found = true;
    int rc = g->visit(g->context, row);
    return rc ? rc : ERR_END;
}

int embedded_get(void *self, uint64_t sequence, store_row_visit *visit, void *context,
                 struct err *err)
{
    struct embedded *e = self;
    struct getting g = {visit, context, false};
    struct embedded_range range = {.first = sequence, .last = sequence};
    struct view view;
    int rc = view_open(&view, e->disk, embedded_is_live(e), err);
    if (rc)
        return rc;
    rc = embedded_rows(&view, &range, row_get, &g, err);
    view_close(&view);
    if (g.found && (rc == ERR_END || rc == ERR_OK))
        return ERR_OK;
    if (rc)
        return rc;
    return err_set(err, ERR_NOT_FOUND,
                   "there is no event %u:%llu in the store: it was never stored, or retention "
                   "removed it",
                   e->identity.epoch, (unsigned long long)sequence);
}

enum { FIELDS_MAX = 1 << 20 };
struct field_sum {
    struct slice name;
    bool derived;
    uint64_t occurrences;
};
struct fields {
    struct map names; /* of 'd' or 'r' and the name: number in sums */
    struct arena arena;
    struct field_sum *sums;
    uint32_t count, capacity;
    struct buf key;
};

static void field_add(struct fields *f, struct slice name, bool derived, uint64_t occurrences)
{
    buf_clear(&f->key);
    buf_char(&f->key, derived ? 'd' : 'r');
    buf_slice(&f->key, name);
    struct map_entry *entry = map_find(&f->names, buf_as_slice(&f->key));
    if (!entry) {
        if (f->count == FIELDS_MAX)
            return;
        if (f->count == f->capacity) {
            f->capacity = f->capacity ? f->capacity * 2 : 256;
            f->sums = mem_resize(f->sums, f->capacity, sizeof(*f->sums));
        }
        struct slice key = arena_copy(&f->arena, buf_as_slice(&f->key));
        entry = map_put(&f->names, key, f->count, NULL);
        f->sums[f->count++] =
            (struct field_sum){.name = slice_part(key, 1, name.len), .derived = derived};
    }
    f->sums[entry->value].occurrences += occurrences;
}

static void rest_add(struct fields *f, struct segment *s)
{
    struct segment_values values = {0};
    const struct segment_column *rest = &segment_columns(s)[SEGMENT_REST];
    bool by_block = rest->kind == COLUMN_TEXT || rest->kind == COLUMN_NUMBER;
    uint32_t parts = by_block ? segment_about(s)->block_count : 1;
    for (uint32_t b = 0; b < parts && rest->occurrence_count; b++) {
        if (segment_read_values(s, SEGMENT_REST, by_block ? b : SEGMENT_NO_BLOCK,
                                EMBEDDED_ROW_BYTES_MAX, &values, NULL) != ERR_OK)
            continue; /* too many to hold: their names are left out */
        for (uint32_t i = 0; i < values.count; i++) {
            struct slice name, value;
            uint8_t flags;
            if (segment_rest_split(segment_value(&values, i), &name, &flags, &value))
                field_add(f, name, flags & FIELD_DERIVED, 1);
        }
    }
    segment_values_free(&values);
}

static void segment_fields(struct fields *f, struct disk *disk, const char *path)
{
    struct segment *s = NULL;
    if (segment_open(&s, disk, path, NULL) != ERR_OK)
        return; /* verify tells; the names of the others are worth having */
    for (uint32_t i = 0; i < segment_about(s)->column_count; i++) {
        const struct segment_column *c = &segment_columns(s)[i];
        if (i != SEGMENT_REST)
            field_add(f, c->name, c->flags & FIELD_DERIVED, c->occurrence_count);
    }
    rest_add(f, s);
    segment_close(&s);
}

static int row_fields(void *context, const struct row *row)
{
    struct fields *f = context;
    for (uint32_t i = 0; i < row->record->count; i++)
        field_add(f, row->record->fields[i].name, row->record->fields[i].flags & FIELD_DERIVED, 0);
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct field_sum *x = a, *y = b;
    int order = slice_compare(x->name, y->name);
    return order ? order : (int)x->derived - (int)y->derived;
}

int embedded_fields(void *self, store_field_visit *visit, void *context, struct err *err)
{
    struct embedded *e = self;
    struct fields f = {0};
    struct view view;
    int rc = view_open(&view, e->disk, embedded_is_live(e), err);
    if (rc)
        return rc;
    struct embedded_range range = {.first = view.sealed_sequence + 1, .last = UINT64_MAX};
    for (uint32_t i = 0; i < view.segments.count; i++)
        segment_fields(&f, e->disk, view.segments.items[i].path.data);
    rc = embedded_rows(&view, &range, row_fields, &f, err);
    if (f.count > 1)
        qsort(f.sums, f.count, sizeof(*f.sums), by_name);
    for (uint32_t i = 0; i < f.count && rc == ERR_OK; i++) {
        struct store_field field = {f.sums[i].name, f.sums[i].derived, f.sums[i].occurrences};
        visit(context, &field);
    }
    view_close(&view);
    map_free(&f.names);
    arena_free(&f.arena);
    mem_free(f.sums);
    buf_free(&f.key);
    return rc;
}

static struct store_partition_stats *partition_of(struct store_partition_stats *all,
                                                  uint32_t *count, struct slice name)
{
    for (uint32_t i = 0; i < *count; i++)
        if (slice_equal(all[i].name, name))
            return &all[i];
    if (*count == CHAIN_PARTITIONS_MAX)
        return NULL;
    all[*count] = (struct store_partition_stats){
        .name = name, .time_min_ns = INT64_MAX, .time_max_ns = INT64_MIN};
    return &all[(*count)++];
}

static void segment_sum(struct embedded *e, struct store_partition_stats *all, uint32_t *count,
                        const struct catalog_segment *s)
{
    struct store_partition_stats *p = partition_of(all, count, s->partition);
    if (!p)
        return;
    if (p->segments == 0)
        p->name = arena_copy(&e->stats_arena, s->partition);
    p->segments++;
    p->rows += s->row_count;
    p->bytes += s->file_bytes;
    p->raw_bytes += s->raw_bytes;
    if (s->time_min_ns < p->time_min_ns)
        p->time_min_ns = s->time_min_ns;
    if (s->time_max_ns > p->time_max_ns)
        p->time_max_ns = s->time_max_ns;
}

int embedded_stat(void *self, struct store_stats *out, struct err *err)
{
    struct embedded *e = self;
    struct journal_frame frame;
    struct view view;
    uint32_t count = 0;
    int rc = view_open(&view, e->disk, embedded_is_live(e), err);
    if (rc)
        return rc;
    arena_reset(&e->stats_arena);
    struct store_partition_stats *all =
        arena_zeroed(&e->stats_arena, CHAIN_PARTITIONS_MAX, sizeof(*all));
    *out = (struct store_stats){.epoch = e->identity.epoch,
                                .sealed_sequence = view.sealed_sequence,
                                .next_sequence = view.sealed_sequence + 1,
                                .read_only = e->read_only || !e->options.write,
                                .partitions = all};
    memcpy(out->uuid, e->identity.uuid, sizeof out->uuid);
    for (uint32_t i = 0; i < view.segments.count; i++)
        segment_sum(e, all, &count, &view.segments.items[i]);
    while ((rc = journal_scan_skip(view.journal, &frame, NULL, NULL, err)) == ERR_OK) {
        uint64_t next = frame.first_sequence + frame.row_count;
        if (next <= out->next_sequence)
            continue;
        out->journal_rows +=
            next -
            (frame.first_sequence < out->next_sequence ? out->next_sequence : frame.first_sequence);
        out->journal_bytes += frame.end.offset - frame.begin.offset;
        out->next_sequence = next;
    }
    out->partition_count = count;
    view_close(&view);
    return rc == ERR_END ? ERR_OK : rc;
}
