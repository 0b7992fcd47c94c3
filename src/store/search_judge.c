/* Judging candidates: the live matcher over rows put together again. */
#include <stdlib.h>

#include "base/mem.h"
#include "detection/indicator_match.h"
#include "store/embedded_search.h"

const struct logsource *search_logsource(struct search *s, struct slice configured)
{
    return s->judge ? row_judge_logsource(s->judge, configured) : NULL;
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
        hit->rule_count = row_judge_run(s->judge, row, configured, &rules);
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
    return row_judge_run(s->judge, row, search_logsource(s, row->context->configured), rules);
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
