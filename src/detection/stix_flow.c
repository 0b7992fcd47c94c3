#include "detection/stix_flow.h"

#include <stdlib.h>

#include "base/mem.h"

enum { NO_DEMAND = UINT32_MAX };

struct place {
    const struct stix_observation *observation;
    uint32_t left;       /* how often it can still be taken */
    uint32_t reached_by; /* in the search for a way: the demand that found it */
};

struct demand {
    const uint64_t *set;
    struct stix_bounds bounds;
    uint32_t from, to;   /* only places in [from, to) can fit the bounds */
    uint32_t *taken;     /* a place */
    uint32_t reached_by; /* in the search for a way: the place that led here */
    bool seen;
};

struct move {
    uint32_t demand, place;
    int64_t change;
};

struct stix_flow {
    struct stix_trial *trial;
    struct place *places;
    uint32_t place_count, timed_count;
    struct stix_time longest; /* duration of an observation */
    struct demand *demands;
    uint32_t demand_count, demand_max, taken_ready; /* demands that have their taken */
    uint64_t *holders;                              /* a place: one bit a demand that took it */
    size_t holder_words;
    struct move *moves;
    size_t move_count, move_room;
    uint32_t *queue; /* of demands */
};

static int by_last(const void *a, const void *b)
{
    const struct stix_observation *x = ((const struct place *)a)->observation;
    const struct stix_observation *y = ((const struct place *)b)->observation;
    if (x->timed != y->timed)
        return x->timed ? -1 : 1;
    int order = x->timed ? stix_time_compare(x->last, y->last) : 0;
    return order ? order : (x > y) - (x < y);
}

static struct stix_time duration_of(const struct stix_observation *o)
{
    struct stix_time d = {o->last.seconds - o->first.seconds, o->last.nanoseconds};
    if (d.nanoseconds < o->first.nanoseconds) {
        d.seconds--;
        d.nanoseconds += 1000000000;
    }
    d.nanoseconds -= o->first.nanoseconds;
    return d;
}

struct stix_flow *stix_flow_open(struct stix_trial *trial)
{
    struct stix_flow *flow = mem_zeroed(1, sizeof(*flow));
    flow->trial = trial;
    flow->place_count = stix_observations_count(trial->observations);
    flow->places = mem_zeroed(flow->place_count, sizeof(*flow->places));
    for (uint32_t i = 0; i < flow->place_count; i++) {
        const struct stix_observation *o = stix_observations_at(trial->observations, i);
        flow->places[i] = (struct place){.observation = o, .left = o->number_observed};
        if (!o->timed)
            continue;
        flow->timed_count++;
        struct stix_time d = duration_of(o);
        if (stix_time_compare(d, flow->longest) > 0)
            flow->longest = d;
    }
    flow->demand_max = STIX_MATCH_DEPTH_MAX + 1;
    if (flow->place_count > 0 && STIX_FLOW_CELLS_MAX / flow->place_count < flow->demand_max)
        flow->demand_max = STIX_FLOW_CELLS_MAX / flow->place_count;
    flow->holder_words = (flow->demand_max + 63) / 64;
    flow->holders = mem_zeroed(flow->place_count * flow->holder_words + 1, sizeof(*flow->holders));
    flow->demands = mem_zeroed(flow->demand_max, sizeof(*flow->demands));
    flow->queue = mem_zeroed(flow->demand_max, sizeof(*flow->queue));
    qsort(flow->places, flow->place_count, sizeof(*flow->places), by_last);
    return flow;
}

void stix_flow_close(struct stix_flow **flow)
{
    for (uint32_t i = 0; i < (*flow)->taken_ready; i++)
        mem_free((*flow)->demands[i].taken);
    mem_free((*flow)->places);
    mem_free((*flow)->demands);
    mem_free((*flow)->moves);
    mem_free((*flow)->queue);
    mem_free((*flow)->holders);
    mem_free(*flow);
    *flow = NULL;
}

uint32_t stix_flow_count(const struct stix_flow *flow)
{
    return flow->place_count;
}

const struct stix_observation *stix_flow_observation(const struct stix_flow *flow, uint32_t i)
{
    return flow->places[i].observation;
}

/* The first timed place whose last time is not below (above: is above) the time. */
static uint32_t place_after(const struct stix_flow *flow, struct stix_time time, bool above)
{
    uint32_t low = 0, high = flow->timed_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = stix_time_compare(flow->places[middle].observation->last, time);
        if (order < 0 || (above && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void demand_range(const struct stix_flow *flow, struct demand *d)
{
    d->from = 0;
    d->to = flow->place_count;
    if (!d->bounds.timed)
        return;
    struct stix_time end = stix_time_add(d->bounds.first_max, flow->longest);
    if (stix_time_compare(d->bounds.last_max, end) < 0)
        end = d->bounds.last_max;
    d->from = place_after(flow, d->bounds.last_min, false);
    d->to = place_after(flow, end, true);
}

static bool demand_fits(const struct stix_flow *flow, const struct demand *d, uint32_t i)
{
    if (!(d->set[i / 64] >> i % 64 & 1))
        return false;
    if (!d->bounds.timed)
        return true;
    const struct stix_observation *o = flow->places[i].observation;
    return stix_time_compare(o->first, d->bounds.first_min) >= 0 &&
           stix_time_compare(o->first, d->bounds.first_max) <= 0 &&
           stix_time_compare(o->last, d->bounds.last_min) >= 0 &&
           stix_time_compare(o->last, d->bounds.last_max) <= 0;
}

static int demand_push(struct stix_flow *flow, const uint64_t *set,
                       const struct stix_bounds *bounds)
{
    uint32_t n = flow->demand_count;
    if (n == flow->demand_max)
        return err_set(flow->trial->err, ERR_LIMIT,
                       "the pattern asks for too many observations at once: divide it, or give it "
                       "fewer observations");
    if (n == flow->taken_ready) {
        flow->demands[n].taken = mem_zeroed(flow->place_count, sizeof(uint32_t));
        flow->taken_ready++;
    }
    struct demand *d = &flow->demands[n];
    d->set = set;
    d->bounds = *bounds;
    demand_range(flow, d);
    flow->demand_count++;
    return ERR_OK;
}

static void take(struct stix_flow *flow, uint32_t demand, uint32_t place, int64_t change)
{
    uint32_t *taken = &flow->demands[demand].taken[place], *left = &flow->places[place].left;
    uint64_t *holders = &flow->holders[place * flow->holder_words + demand / 64];
    uint64_t bit = (uint64_t)1 << demand % 64;
    *taken = (uint32_t)((int64_t)*taken + change);
    *left = (uint32_t)((int64_t)*left - change);
    *holders = *taken > 0 ? *holders | bit : *holders & ~bit;
}

static int move(struct stix_flow *flow, uint32_t demand, uint32_t place, int64_t change)
{
    if (flow->move_count == STIX_FLOW_MOVES_MAX)
        return err_set(flow->trial->err, ERR_LIMIT,
                       "the pattern moves too many observations: divide it, or give it fewer");
    if (flow->move_count == flow->move_room) {
        flow->move_room = flow->move_room > 0 ? flow->move_room * 2 : 64;
        flow->moves = mem_resize(flow->moves, flow->move_room, sizeof(*flow->moves));
    }
    flow->moves[flow->move_count++] = (struct move){demand, place, change};
    take(flow, demand, place, change);
    return ERR_OK;
}

/* What is free goes to the newest demand. */
static int take_free(struct stix_flow *flow, uint64_t *amount)
{
    uint32_t d = flow->demand_count - 1;
    for (uint32_t i = flow->demands[d].from; i<flow->demands[d].to && * amount> 0; i++) {
        if (flow->places[i].left == 0 || !demand_fits(flow, &flow->demands[d], i))
            continue;
        uint64_t part = flow->places[i].left;
        part = part < *amount ? part : *amount;
        int code = move(flow, d, i, (int64_t)part);
        if (code)
            return code;
        *amount -= part;
    }
    return ERR_OK;
}

/* The demands that took from a place and were not seen yet. */
static int holders_queue(struct stix_flow *flow, uint32_t place, uint32_t *tail)
{
    const uint64_t *holders = &flow->holders[place * flow->holder_words];
    size_t words = (flow->demand_count + 63) / 64;
    for (size_t w = 0; w < words; w++)
        for (uint64_t bits = holders[w]; bits; bits &= bits - 1) {
            uint32_t d = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
            if (flow->demands[d].seen)
                continue;
            flow->demands[d].seen = true;
            flow->demands[d].reached_by = place;
            flow->queue[(*tail)++] = d;
        }
    return stix_trial_spend(flow->trial, words);
}

/* From the newest demand over demands that could take something else: the place with room at the
 * end of a shortest way, or place_count. */
static int way_find(struct stix_flow *flow, uint32_t *end)
{
    uint32_t head = 0, tail = 0, newest = flow->demand_count - 1;
    for (uint32_t i = 0; i < flow->place_count; i++)
        flow->places[i].reached_by = NO_DEMAND;
    for (uint32_t i = 0; i <= newest; i++)
        flow->demands[i].seen = i == newest;
    flow->queue[tail++] = newest;
    *end = flow->place_count;
    while (head < tail) {
        uint32_t d = flow->queue[head++];
        int code = stix_trial_spend(flow->trial, flow->demands[d].to - flow->demands[d].from + 1);
        if (code)
            return code;
        for (uint32_t i = flow->demands[d].from; i < flow->demands[d].to; i++) {
            struct place *place = &flow->places[i];
            if (place->reached_by != NO_DEMAND || !demand_fits(flow, &flow->demands[d], i))
                continue;
            place->reached_by = d;
            if (place->left > 0) {
                *end = i;
                return ERR_OK;
            }
            code = holders_queue(flow, i, &tail);
            if (code)
                return code;
        }
    }
    return ERR_OK;
}

/* Shifts as much as the way that ends there lets through. */
static int way_use(struct stix_flow *flow, uint32_t end, uint64_t *amount)
{
    uint32_t newest = flow->demand_count - 1;
    uint64_t part = flow->places[end].left < *amount ? flow->places[end].left : *amount;
    for (uint32_t d = flow->places[end].reached_by; d != newest;) {
        uint32_t via = flow->demands[d].reached_by, taken = flow->demands[d].taken[via];
        part = taken < part ? taken : part;
        d = flow->places[via].reached_by;
    }
    for (uint32_t place = end;;) {
        uint32_t d = flow->places[place].reached_by;
        int code = ERR_OK;
        if (d != newest)
            code = move(flow, d, flow->demands[d].reached_by, -(int64_t)part);
        if (code == ERR_OK)
            code = move(flow, d, place, (int64_t)part);
        if (code)
            return code;
        if (d == newest)
            break;
        place = flow->demands[d].reached_by;
    }
    *amount -= part;
    return ERR_OK;
}

int stix_flow_add(struct stix_flow *flow, const uint64_t *set, const struct stix_bounds *bounds,
                  uint64_t amount)
{
    int code = demand_push(flow, set, bounds);
    if (code)
        return code;
    const struct demand *d = &flow->demands[flow->demand_count - 1];
    uint64_t room = 0;
    code = stix_trial_spend(flow->trial, (uint64_t)(d->to > d->from ? d->to - d->from : 0) + 1);
    for (uint32_t i = d->from; i < d->to && room < amount && code == ERR_OK; i++)
        if (demand_fits(flow, d, i))
            room += flow->places[i].observation->number_observed;
    if (code || room < amount)
        return code;
    code = take_free(flow, &amount);
    while (code == ERR_OK && amount > 0) {
        uint32_t end;
        code = way_find(flow, &end);
        if (code == ERR_OK && end == flow->place_count)
            return 0;
        if (code == ERR_OK)
            code = way_use(flow, end, &amount);
    }
    return code ? code : 1;
}

struct stix_flow_mark stix_flow_mark(const struct stix_flow *flow)
{
    return (struct stix_flow_mark){flow->demand_count, flow->move_count};
}

void stix_flow_undo(struct stix_flow *flow, struct stix_flow_mark mark)
{
    while (flow->move_count > mark.moves) {
        const struct move *m = &flow->moves[--flow->move_count];
        take(flow, m->demand, m->place, -m->change);
    }
    flow->demand_count = mark.demands;
}
