/* The cursor of a search: units are looked at in the order wanted, as far as the next row needs. */
#include <stdlib.h>

#include "base/mem.h"
#include "detection/indicator_match.h"
#include "detection/indicator_set.h"
#include "store/embedded_search.h"

static int newest_first(const void *a, const void *b)
{
    const struct search_candidate *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns > y->time_ns ? -1 : 1;
    return (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

static int oldest_first(const void *a, const void *b)
{
    return -newest_first(a, b);
}

static int by_sequence(const void *a, const void *b)
{
    const struct search_candidate *x = a, *y = b;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static int (*const candidate_orders[])(const void *, const void *) = {
    [STORE_NEWEST] = newest_first, [STORE_OLDEST] = oldest_first, [STORE_SEQUENCE] = by_sequence};

void search_candidate_add(const struct search *s, struct search_unit *unit, uint32_t *capacity,
                          const struct search_candidate *candidate)
{
    if (unit->again && candidate_orders[s->options.order](candidate, &unit->bound) <= 0)
        return;
    if (unit->candidate_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 256;
        unit->candidates = mem_resize(unit->candidates, *capacity, sizeof(*unit->candidates));
    }
    unit->candidates[unit->candidate_count++] = *candidate;
}

void search_candidates_keep(struct search *s, struct search_unit *unit)
{
    unit->candidate_next = 0;
    if (unit->candidate_count > 1 && s->options.order != STORE_SEQUENCE) /* so they stand already */
        qsort(unit->candidates, unit->candidate_count, sizeof(*unit->candidates),
              candidate_orders[s->options.order]);
    s->held_candidates += unit->candidate_count;
    unit->cut = s->options.order != STORE_SEQUENCE &&
                unit->candidate_count > SEARCH_CANDIDATES_KEPT &&
                s->held_candidates * sizeof(*unit->candidates) > s->options.memory_bytes / 8;
    if (!unit->cut)
        return;
    s->held_candidates -= unit->candidate_count - SEARCH_CANDIDATES_KEPT;
    unit->candidate_count = SEARCH_CANDIDATES_KEPT;
    unit->bound = unit->candidates[SEARCH_CANDIDATES_KEPT - 1];
    unit->candidates =
        mem_resize(unit->candidates, SEARCH_CANDIDATES_KEPT, sizeof(*unit->candidates));
}

void search_context_keep(struct search *s, struct row *row)
{
    buf_clear(&s->scratch);
    row_context_write(row->context, &s->scratch);
    struct map_entry *known = map_find(&s->contexts, buf_as_slice(&s->scratch));
    if (known) {
        row->context = (const struct row_context *)(uintptr_t)known->value;
        return;
    }
    struct slice key = arena_copy(&s->arena, buf_as_slice(&s->scratch));
    struct row_context *kept = arena_alloc(&s->arena, sizeof(*kept));
    struct bytes_in in = bytes_in(key);
    check(row_context_read(&in, ROW_CONTEXT_2, kept));
    (void)map_put(&s->contexts, key, (uint64_t)(uintptr_t)kept, NULL);
    row->context = kept;
}

void search_unit_close(struct search *s, struct search_unit *unit)
{
    if (unit->state == SEARCH_DONE)
        return;
    segment_cursor_close(&unit->judge_cursor);
    segment_cursor_close(&unit->full_cursor);
    segment_rows_free(&unit->rows);
    s->held_candidates -= unit->candidate_count;
    mem_free(unit->candidates);
    unit->candidates = NULL;
    arena_free(&unit->arena);
    unit->hits = NULL;
    unit->state = SEARCH_DONE;
    if (unit->segment != UINT32_MAX && --s->segments[unit->segment].live == 0)
        search_segment_close(&s->segments[unit->segment]);
}

/* Blocks held open beyond the limit: the one that was not used for longest gives its memory back.
 */
static void cursors_limit(struct search *s)
{
    struct search_unit *oldest = NULL;
    uint32_t open = 0;
    for (uint32_t i = 0; i < s->heap_count; i++) {
        struct search_unit *unit = s->heap[i];
        if (!unit->judge_cursor && !unit->full_cursor)
            continue;
        open++;
        if (!oldest || unit->used < oldest->used)
            oldest = unit;
    }
    if (open <= SEARCH_CURSORS_MAX)
        return;
    segment_cursor_close(&oldest->judge_cursor);
    segment_cursor_close(&oldest->full_cursor);
}

static bool hit_before(const struct search *s, const struct search_unit *a,
                       const struct search_unit *b)
{
    const struct row *x = &a->hits[a->hit_next].row, *y = &b->hits[b->hit_next].row;
    int64_t p = row_time(x), q = row_time(y);
    if (s->options.order == STORE_SEQUENCE || p == q)
        return s->options.order == STORE_NEWEST ? x->sequence > y->sequence
                                                : x->sequence < y->sequence;
    return s->options.order == STORE_NEWEST ? p > q : p < q;
}

static void heap_down(struct search *s, uint32_t at)
{
    for (;;) {
        uint32_t best = at, left = at * 2 + 1;
        for (uint32_t child = left; child < left + 2 && child < s->heap_count; child++)
            if (hit_before(s, s->heap[child], s->heap[best]))
                best = child;
        if (best == at)
            return;
        struct search_unit *swap = s->heap[at];
        s->heap[at] = s->heap[best];
        s->heap[best] = swap;
        at = best;
    }
}

static void heap_add(struct search *s, struct search_unit *unit)
{
    uint32_t at = s->heap_count++;
    s->heap[at] = unit;
    for (uint32_t up; at && hit_before(s, s->heap[at], s->heap[up = (at - 1) / 2]); at = up) {
        struct search_unit *swap = s->heap[at];
        s->heap[at] = s->heap[up];
        s->heap[up] = swap;
    }
}

/* Whether no unit that was not looked at can have a row before the best of the heap. */
static bool best_is_next(const struct search *s)
{
    if (s->heap_count == 0)
        return false;
    if (s->looked == s->unit_count)
        return true;
    const struct row *best = &s->heap[0]->hits[s->heap[0]->hit_next].row;
    const struct search_unit *next = &s->units[s->looked];
    switch (s->options.order) {
    case STORE_NEWEST:
        return row_time(best) > next->time_max_ns;
    case STORE_OLDEST:
        return row_time(best) < next->time_min_ns;
    case STORE_SEQUENCE:
        break;
    }
    return best->sequence < next->first_sequence;
}

int search_look_again(struct search *s, struct search_unit *unit, struct err *err)
{
    unit->again = true;
    unit->cut = false;
    s->held_candidates -= unit->candidate_count;
    unit->candidate_count = unit->candidate_next = 0;
    mem_free(unit->candidates);
    unit->candidates = NULL;
    return unit->segment == UINT32_MAX ? search_frame_look(s, unit, err)
                                       : search_block_look(s, unit, err);
}

static int unit_look(struct search *s, struct err *err)
{
    struct search_unit *unit = &s->units[s->looked];
    int rc = unit->segment == UINT32_MAX ? search_frame_look(s, unit, err)
                                         : search_block_look(s, unit, err);
    s->looked++;
    if (unit->segment != UINT32_MAX && --s->segments[unit->segment].waiting == 0)
        search_masks_forget(&s->segments[unit->segment]);
    s->progress.bytes_done += unit->raw_bytes;
    unit->state = SEARCH_OPEN;
    unit->used = ++s->use;
    if (rc == ERR_OK)
        rc = search_chunk(s, unit, err);
    if (rc == ERR_OK && unit->state == SEARCH_OPEN) {
        heap_add(s, unit);
        cursors_limit(s);
    }
    return rc;
}

static int budget_check(const struct search *s, struct err *err)
{
    if (s->options.canceled && __atomic_load_n(s->options.canceled, __ATOMIC_RELAXED))
        return err_set(err, ERR_CANCELED, "the search was stopped");
    if (s->options.cpu_ns && clock_cpu_ns() - s->cpu_start_ns > s->options.cpu_ns)
        return err_set(err, ERR_LIMIT,
                       "the search used up its processor time (%llu s): narrow the time range or "
                       "the filter",
                       (unsigned long long)(s->options.cpu_ns / 1000000000u));
    return ERR_OK;
}

static void item_fill(struct search *s, struct search_hit *hit, struct store_item *out)
{
    hit->row.record = &hit->record;
    *out = (struct store_item){.kind = STORE_ROW,
                               .row = &hit->row,
                               .rules = hit->rules,
                               .rule_count = hit->rule_count,
                               .indicators = hit->indicators,
                               .indicator_fields = hit->indicator_fields,
                               .indicator_values = hit->indicator_values,
                               .indicator_count = hit->indicator_count};
    if (s->options.rules && s->options.matched) {
        out->rule_count = search_judge_again(s, &hit->row, &out->rules);
        out->matcher = row_judge_matcher(s->judge);
    }
    out->progress = s->progress;
}

static bool progress_due(struct search *s)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns - s->told_ns < SEARCH_PROGRESS_NS)
        return false;
    s->told_ns = now_ns;
    return true;
}

/* The head of the heap was given out by the call before: on to its next hit. */
static int heap_advance(struct search *s, struct err *err)
{
    struct search_unit *unit = s->heap[0];
    unit->used = ++s->use;
    if (++unit->hit_next == unit->hit_count) {
        int rc = search_chunk(s, unit, err);
        if (rc)
            return rc;
        if (unit->state == SEARCH_DONE)
            s->heap[0] = s->heap[--s->heap_count];
        cursors_limit(s);
    }
    heap_down(s, 0);
    return ERR_OK;
}

int embedded_next(void *cursor, struct store_item *out, struct err *err)
{
    struct search *s = cursor;
    int rc = ERR_OK;
    if (s->gave) {
        s->gave = false;
        rc = heap_advance(s, err);
    }
    if (rc == ERR_OK && s->options.limit && s->progress.hits >= s->options.limit)
        return ERR_END;
    while (rc == ERR_OK && !best_is_next(s)) {
        if (s->looked == s->unit_count)
            return ERR_END;
        rc = budget_check(s, err);
        if (rc == ERR_OK)
            rc = unit_look(s, err);
        if (rc == ERR_OK && progress_due(s)) {
            *out = (struct store_item){.kind = STORE_PROGRESS, .progress = s->progress};
            return ERR_OK;
        }
    }
    if (rc)
        return rc;
    struct search_unit *unit = s->heap[0];
    s->progress.hits++;
    s->progress.complete_ns = row_time(&unit->hits[unit->hit_next].row);
    s->gave = true;
    item_fill(s, &unit->hits[unit->hit_next], out);
    return ERR_OK;
}

void embedded_cursor_progress(const void *cursor, struct store_progress *out)
{
    const struct search *s = cursor;
    *out = s->progress;
}

/* Earlier ones stay: segments that were prepared with them hold their tokens. */
void search_retro_open(struct search *s, const uint64_t *rules)
{
    s->retros = mem_resize(s->retros, s->retro_count + 1, sizeof(struct retro *));
    s->retro = s->retros[s->retro_count++] = retro_open(s->options.rules, rules);
}

static bool meta_asked(const struct search *s)
{
    static const char *const names[] = {"_time", "_received", "_id", "_line", "_host"};
    bool asked = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct retro_name name;
        retro_name(s->retro, slice_from(names[i]), true, &name);
        asked |= name.asked;
    }
    return asked;
}

/* Hosts are known only when the mapping is: rules that ask for them are tried twice. */
static void judge_open(struct search *s)
{
    struct retro_name host;
    retro_name(s->retro, SLICE("_host"), true, &host);
    s->judge = row_judge_open(
        &(struct row_judge_options){.rules = s->options.rules,
                                    .epoch = s->view.identity.epoch,
                                    .meta = s->options.meta,
                                    .host = s->options.meta && host.number != NAME_NONE});
}

int embedded_search(void *self, const struct store_search *search, void **cursor, struct err *err)
{
    struct embedded *e = self;
    struct search *s = mem_zeroed(1, sizeof(*s));
    s->store = e;
    s->options = *search;
    if (!s->options.memory_bytes)
        s->options.memory_bytes = STORE_QUERY_BYTES;
    s->cpu_start_ns = clock_cpu_ns();
    s->told_ns = clock_monotonic_ns();
    if (search->rules) {
        s->retro_rules = mem_zeroed(ruleset_rule_count(search->rules) / 64 + 1, sizeof(uint64_t));
        search_retro_open(s, search->meta ? NULL : s->retro_rules);
        s->mapping_set = retro_mapping_set(s->retro);
        s->ask_all = search->meta && meta_asked(s);
    }
    if (search->indicators) {
        s->indicator_matcher = indicator_matcher_open(search->indicators);
        s->indicator_set = indicator_set_open(search->indicators);
    }
    int rc = view_open(&s->view, e->disk, disk_is_real(e->disk) && embedded_is_live(e), err);
    if (rc == ERR_OK && search->rules)
        judge_open(s);
    if (rc == ERR_OK)
        rc = search_units(s, err);
    if (rc) {
        embedded_cursor_close(s);
        return rc;
    }
    *cursor = s;
    return ERR_OK;
}

void embedded_cursor_close(void *cursor)
{
    struct search *s = cursor;
    for (uint32_t i = 0; i < s->unit_count; i++)
        search_unit_close(s, &s->units[i]);
    for (uint32_t i = 0; s->segments && i < s->view.segments.count; i++)
        search_segment_close(&s->segments[i]);
    mem_free(s->segments);
    search_ids_free(s);
    mem_free(s->units);
    mem_free(s->heap);
    row_judge_close(&s->judge);
    for (uint32_t i = 0; i < s->retro_count; i++)
        retro_close(&s->retros[i]);
    mem_free(s->retros);
    mem_free(s->retro_rules);
    indicator_matcher_close(&s->indicator_matcher);
    indicator_set_close(&s->indicator_set);
    batch_reader_free(&s->reader);
    map_free(&s->contexts);
    buf_free(&s->scratch);
    arena_free(&s->arena);
    view_close(&s->view);
    mem_free(s);
}
