/* The functions of stats: count, sum, min, max, avg, distinct, percentile. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/pipe_inside.h"

static void sum_add(struct pipe_sum *s, double value)
{
    double sum = s->sum + value;
    s->carry += fabs(s->sum) >= fabs(value) ? (s->sum - sum) + value : (value - sum) + s->sum;
    s->sum = sum;
}

/* Room for one more; hashes are spread over the slots anew. */
static int set_grow(struct pipe *line, struct pipe_set *set, struct err *err)
{
    uint32_t capacity = set->capacity ? set->capacity * 2 : 8;
    uint64_t *slots = mem_zeroed(capacity, sizeof(*slots));
    for (uint32_t i = 0; i < set->capacity; i++) {
        uint32_t at = (uint32_t)set->slots[i] & (capacity - 1);
        if (!set->slots[i])
            continue;
        while (slots[at])
            at = (at + 1) & (capacity - 1);
        slots[at] = set->slots[i];
    }
    mem_free(set->slots);
    pipe_release(line, set->capacity * sizeof(*slots));
    set->slots = slots;
    set->capacity = capacity;
    return pipe_charge(line, capacity * sizeof(*slots), err);
}

static int distinct_add(struct pipe *line, struct pipe_aggregate *a,
                        const struct pipe_cell *cell, struct err *err)
{
    struct pipe_set *set = &a->set;
    buf_clear(&line->key);
    pipe_key_append(line, cell);
    uint64_t hash = hash_bytes(line->key.data, line->key.len, hash_seed());
    hash += hash == 0;
    if (set->count * 2 >= set->capacity) {
        int rc = set_grow(line, set, err);
        if (rc)
            return rc;
    }
    uint32_t at = (uint32_t)hash & (set->capacity - 1);
    while (set->slots[at] && set->slots[at] != hash)
        at = (at + 1) & (set->capacity - 1);
    if (set->slots[at])
        return ERR_OK;
    if (set->count == PIPE_DISTINCT_MAX) {
        a->capped = true;
        return ERR_OK;
    }
    set->slots[at] = hash;
    set->count++;
    return ERR_OK;
}

/* xorshift64: which values a sample keeps is the same for the same input. */
static uint64_t sample_random(struct pipe_sample *sample)
{
    uint64_t x = sample->random ? sample->random : 0x9e3779b97f4a7c15ull;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return sample->random = x;
}

/* All values up to PIPE_PERCENTILE_MAX, then each with equal chance (reservoir sampling). */
static int sample_add(struct pipe *line, struct pipe_aggregate *a, double value,
                      struct err *err)
{
    struct pipe_sample *sample = &a->sample;
    int rc = ERR_OK;
    if (sample->count == PIPE_PERCENTILE_MAX) {
        uint64_t place = sample_random(sample) % a->count;
        a->capped = true;
        if (place < sample->count)
            sample->values[place] = value;
        return ERR_OK;
    }
    if (sample->count == sample->capacity) {
        uint32_t more = sample->capacity ? sample->capacity : 8;
        sample->capacity += more;
        sample->values = mem_resize(sample->values, sample->capacity, sizeof(double));
        rc = pipe_charge(line, more * sizeof(double), err);
    }
    sample->values[sample->count++] = value;
    return rc;
}

static void best_take(enum query_function function, struct pipe_aggregate *a,
                      const struct pipe_cell *cell)
{
    struct pipe_cell *best = &a->best;
    int order = best->kind == PIPE_MISSING ? 0 : pipe_cell_compare(cell, best);
    if (best->kind == PIPE_MISSING || (function == QUERY_MIN ? order < 0 : order > 0))
        *best = (struct pipe_cell){
            .kind = cell->kind, .number = cell->number, .time_ns = cell->time_ns};
}

static int value_add(struct pipe *line, const struct query_aggregate *what,
                     struct pipe_aggregate *a, const struct pipe_cell *cell, struct err *err)
{
    bool extreme = what->function == QUERY_MIN || what->function == QUERY_MAX;
    bool number = cell->kind == PIPE_NUMBER;
    if (what->function != QUERY_DISTINCT && !number && !(extreme && cell->kind == PIPE_TIME)) {
        line->figures.skipped_values++;
        return ERR_OK;
    }
    a->count++;
    switch (what->function) {
    case QUERY_SUM:
    case QUERY_AVG:
        sum_add(&a->sum, cell->number);
        break;
    case QUERY_MIN:
    case QUERY_MAX:
        best_take(what->function, a, cell);
        break;
    case QUERY_DISTINCT:
        return distinct_add(line, a, cell, err);
    case QUERY_PERCENTILE:
        return sample_add(line, a, cell->number, err);
    case QUERY_COUNT:
        break;
    }
    return ERR_OK;
}

int pipe_aggregate_add(struct pipe *line, const struct query_aggregate *what,
                       struct pipe_aggregate *a, const struct pipe_input *row, struct err *err)
{
    if (what->function == QUERY_COUNT) {
        a->count +=
            what->ref == QUERY_NO_REF || pipe_value(line, row, what->ref, 0).kind != PIPE_MISSING;
        return ERR_OK;
    }
    for (uint32_t n = 0; n < PIPE_VALUES_MAX; n++) {
        struct pipe_cell cell = pipe_value(line, row, what->ref, n);
        if (cell.kind == PIPE_MISSING)
            break;
        int rc = value_add(line, what, a, &cell, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static int number_order(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Linear interpolation between the closest ranks, as correlations have it. */
static double percentile_of(struct pipe_sample *sample, double percentile)
{
    qsort(sample->values, sample->count, sizeof(double), number_order);
    double rank = percentile / 100 * (sample->count - 1), low = floor(rank);
    uint32_t at = (uint32_t)low;
    double first = sample->values[at];
    double second = sample->values[at + 1 < sample->count ? at + 1 : at];
    return first + (second - first) * (rank - low);
}

struct pipe_cell pipe_aggregate_result(const struct query_aggregate *what, struct pipe_aggregate *a,
                                       struct arena *arena)
{
    struct pipe_cell cell = {0};
    switch (what->function) {
    case QUERY_COUNT:
        cell = pipe_number((double)a->count, arena);
        break;
    case QUERY_SUM:
        cell = pipe_number(a->sum.sum + a->sum.carry, arena);
        break;
    case QUERY_AVG:
        if (a->count)
            cell = pipe_number((a->sum.sum + a->sum.carry) / (double)a->count, arena);
        break;
    case QUERY_MIN:
    case QUERY_MAX:
        if (a->best.kind == PIPE_NUMBER)
            cell = pipe_number(a->best.number, arena);
        else if (a->best.kind == PIPE_TIME)
            cell = pipe_time(a->best.time_ns, arena);
        break;
    case QUERY_DISTINCT:
        cell = pipe_number(a->set.count, arena);
        break;
    case QUERY_PERCENTILE:
        if (a->sample.count)
            cell = pipe_number(percentile_of(&a->sample, what->percentile), arena);
        break;
    }
    cell.capped = a->capped;
    return cell;
}

size_t pipe_aggregate_free(const struct query_aggregate *what, struct pipe_aggregate *a)
{
    if (what->function == QUERY_DISTINCT) {
        mem_free(a->set.slots);
        return a->set.capacity * sizeof(*a->set.slots);
    }
    if (what->function == QUERY_PERCENTILE) {
        mem_free(a->sample.values);
        return a->sample.capacity * sizeof(*a->sample.values);
    }
    return 0;
}
