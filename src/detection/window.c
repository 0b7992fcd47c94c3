#include "detection/window.h"

#include "base/mem.h"

/* The values seen, by their hash: open addressing, linear steps, gaps closed on removal. */
static struct window_seen *seen_slot(const struct window_total *t, uint64_t hash)
{
    uint32_t mask = t->seen_capacity - 1, at = (uint32_t)hash & mask;
    while (t->seen[at].hash != 0 && t->seen[at].hash != hash)
        at = (at + 1) & mask;
    return &t->seen[at];
}

static void seen_grow(struct window_total *t)
{
    struct window_seen *old = t->seen;
    uint32_t old_capacity = t->seen_capacity;
    t->seen_capacity = old_capacity ? old_capacity * 2 : 8;
    t->seen = mem_zeroed(t->seen_capacity, sizeof(*t->seen));
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i].hash)
            *seen_slot(t, old[i].hash) = old[i];
    mem_free(old);
}

static void seen_add(struct window_total *t, uint64_t hash)
{
    if (t->distinct * 4 >= t->seen_capacity * 3)
        seen_grow(t);
    struct window_seen *slot = seen_slot(t, hash);
    if (slot->hash == 0) {
        slot->hash = hash;
        t->distinct++;
    }
    slot->count++;
}

static void seen_remove(struct window_total *t, uint64_t hash)
{
    struct window_seen *slot = seen_slot(t, hash);
    if (slot->hash == 0 || --slot->count > 0)
        return;
    uint32_t mask = t->seen_capacity - 1, hole = (uint32_t)(slot - t->seen), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (t->seen[at].hash == 0)
            break;
        uint32_t home = (uint32_t)t->seen[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            t->seen[hole] = t->seen[at];
            hole = at;
        }
    }
    t->seen[hole] = (struct window_seen){0};
    t->distinct--;
}

enum { FIXED_ONE = 1000000000 };

/* |number| is at most WINDOW_NUMBER_MAX, so a million of them stay far inside 127 bits. */
static __int128 fixed_from(double number)
{
    __int128 whole = (__int128)number;
    double rest = (number - (double)whole) * FIXED_ONE;
    return whole * FIXED_ONE + (int64_t)(rest < 0 ? rest - 0.5 : rest + 0.5);
}

static void member_add(struct window_total *t, const struct window_form *form,
                       const struct window_entry *e)
{
    if (!t->member_counts)
        t->member_counts = mem_zeroed(form->member_count, sizeof(*t->member_counts));
    if (t->member_counts[e->member]++ == 0)
        t->present++;
}

static void chain_clear(struct window_total *t, const struct window_form *form)
{
    for (uint32_t i = 0; i < form->sequence_count; i++)
        t->chain_starts[i] = INT64_MIN;
}

/* Entries come in order of time here. From the last place down, so that an entry makes one step. */
static void chain_add(struct window_total *t, const struct window_form *form,
                      const struct window_entry *e)
{
    if (!t->chain_starts) {
        t->chain_starts = mem_zeroed(form->sequence_count, sizeof(*t->chain_starts));
        chain_clear(t, form);
    }
    for (uint32_t i = form->sequence_count; i-- > 0;) {
        if (form->sequence[i] != e->member)
            continue;
        int64_t start = i == 0 ? e->time_ns : t->chain_starts[i - 1];
        if (start > t->chain_starts[i])
            t->chain_starts[i] = start;
    }
}

void window_total_add(struct window_total *t, const struct window_form *form,
                      const struct window_entry *e)
{
    t->count++;
    switch (form->kind) {
    case WINDOW_COUNT:
        break;
    case WINDOW_DISTINCT:
        seen_add(t, e->hash);
        break;
    case WINDOW_SUM:
        t->sum += fixed_from(e->number);
        break;
    case WINDOW_RANK:
        window_rank_insert(&t->rank, e->number);
        break;
    case WINDOW_MEMBERS:
        member_add(t, form, e);
        break;
    case WINDOW_ORDERED:
        chain_add(t, form, e);
        break;
    }
}

void window_total_remove(struct window_total *t, const struct window_form *form,
                         const struct window_entry *e)
{
    t->count--;
    switch (form->kind) {
    case WINDOW_COUNT:
    case WINDOW_ORDERED: /* a chain's start tells by itself whether it is still in the window */
        break;
    case WINDOW_DISTINCT:
        seen_remove(t, e->hash);
        break;
    case WINDOW_SUM:
        t->sum -= fixed_from(e->number);
        break;
    case WINDOW_RANK:
        (void)window_rank_remove(&t->rank, e->number);
        break;
    case WINDOW_MEMBERS:
        if (--t->member_counts[e->member] == 0)
            t->present--;
        break;
    }
}

void window_total_clear(struct window_total *t, const struct window_form *form)
{
    t->count = 0;
    t->sum = 0;
    t->present = 0;
    if (t->distinct)
        memset(t->seen, 0, t->seen_capacity * sizeof(*t->seen));
    t->distinct = 0;
    if (t->member_counts)
        memset(t->member_counts, 0, form->member_count * sizeof(*t->member_counts));
    if (t->chain_starts)
        chain_clear(t, form);
    window_rank_clear(&t->rank);
}

void window_total_free(struct window_total *t)
{
    mem_free(t->seen);
    mem_free(t->member_counts);
    mem_free(t->chain_starts);
    window_rank_free(&t->rank);
    *t = (struct window_total){0};
}

uint64_t window_total_of(const struct window_total *t, uint64_t hash)
{
    return t->seen_capacity ? seen_slot(t, hash)->count : 0;
}

double window_total_sum(const struct window_total *t)
{
    return (double)(t->sum / FIXED_ONE) + (double)(int64_t)(t->sum % FIXED_ONE) / FIXED_ONE;
}

uint32_t window_total_chain(const struct window_total *t, const struct window_form *form,
                            int64_t since_ns)
{
    uint32_t steps = form->sequence_count;
    while (t->chain_starts && steps > 0 && t->chain_starts[steps - 1] <= since_ns)
        steps--;
    return t->chain_starts ? steps : 0;
}

static int64_t time_back(int64_t time_ns, int64_t by_ns)
{
    int64_t result;
    return __builtin_sub_overflow(time_ns, by_ns, &result) ? INT64_MIN : result;
}

static void ring_grow(struct window *w)
{
    uint32_t capacity = w->capacity ? w->capacity * 2 : 4;
    struct window_entry *ring = mem_alloc(capacity * sizeof(*ring));
    for (uint32_t i = 0; i < w->count; i++)
        ring[i] = *window_at(w, i);
    mem_free(w->ring);
    w->ring = ring;
    w->capacity = capacity;
    w->head = 0;
}

static void ring_drop_first(struct window *w)
{
    int64_t time_ns = window_at(w, 0)->time_ns;
    if (!w->forgets || time_ns > w->forgotten_ns)
        w->forgotten_ns = time_ns;
    w->forgets = true;
    w->head = (w->head + 1) & (w->capacity - 1);
    w->count--;
}

/* Drops what neither the newest window nor a replay can need. */
static uint32_t ring_forget(struct window *w, const struct window_form *form)
{
    int64_t newest = window_at(w, w->count - 1)->time_ns;
    int64_t since = time_back(time_back(newest, form->timespan_ns), WINDOW_LATE_MAX_NS);
    uint32_t dropped = 0;
    while (w->start > 0 && (w->count > WINDOW_REPLAY_MAX || window_at(w, 0)->time_ns <= since)) {
        w->start--;
        ring_drop_first(w);
        dropped++;
    }
    return dropped;
}

static void window_advance(struct window *w, const struct window_form *form)
{
    int64_t since = time_back(window_at(w, w->count - 1)->time_ns, form->timespan_ns);
    while (window_at(w, w->start)->time_ns <= since) {
        window_total_remove(&w->total, form, window_at(w, w->start));
        w->start++;
    }
}

/* Chains are made in order, so one entry in the middle means going over them again; what was found
 * before stays true, so that the limit only ever costs new chains. */
static void chain_again(struct window *w, const struct window_form *form)
{
    uint32_t first = w->count > WINDOW_REPLAY_MAX ? w->count - WINDOW_REPLAY_MAX : 0;
    int64_t *known = w->total.chain_starts;
    w->total.chain_starts = NULL;
    for (uint32_t i = first > w->start ? first : w->start; i < w->count; i++)
        chain_add(&w->total, form, window_at(w, i));
    for (uint32_t i = 0; known && w->total.chain_starts && i < form->sequence_count; i++)
        if (known[i] > w->total.chain_starts[i])
            w->total.chain_starts[i] = known[i];
    mem_free(known);
}

enum window_place window_insert(struct window *w, const struct window_form *form,
                                const struct window_entry *e, uint32_t *index, uint32_t *dropped)
{
    *dropped = 0;
    uint32_t at = w->count;
    if (at > 0 && e->time_ns < window_at(w, at - 1)->time_ns) {
        uint32_t steps = 0;
        if (e->time_ns < time_back(window_at(w, at - 1)->time_ns, WINDOW_LATE_MAX_NS))
            return WINDOW_TOO_LATE;
        while (at > 0 && e->time_ns < window_at(w, at - 1)->time_ns) {
            if (++steps > WINDOW_LATE_STEPS_MAX)
                return WINDOW_TOO_LATE;
            at--;
        }
    }
    if (w->count == w->capacity)
        ring_grow(w);
    for (uint32_t i = w->count; i > at; i--)
        *window_at(w, i) = *window_at(w, i - 1);
    *window_at(w, at) = *e;
    w->count++;
    bool newest = at + 1 == w->count;
    int64_t since = time_back(window_at(w, w->count - 1)->time_ns, form->timespan_ns);
    if (e->time_ns <= since)
        w->start++; /* before the newest window */
    else if (!newest && form->kind == WINDOW_ORDERED) {
        w->total.count++;
        chain_again(w, form);
    } else
        window_total_add(&w->total, form, e);
    if (newest)
        window_advance(w, form);
    *dropped = ring_forget(w, form);
    *index = *dropped <= at ? at - *dropped : WINDOW_GONE;
    return newest ? WINDOW_NEWEST : WINDOW_INSIDE;
}

bool window_is_whole(const struct window *w, const struct window_form *form, uint32_t index)
{
    return !w->forgets ||
           w->forgotten_ns <= time_back(window_at(w, index)->time_ns, form->timespan_ns);
}

uint32_t window_first(const struct window *w, const struct window_form *form, uint32_t index)
{
    int64_t since = time_back(window_at(w, index)->time_ns, form->timespan_ns);
    uint32_t low = 0, high = index;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (window_at(w, middle)->time_ns <= since)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t window_shed(struct window *w)
{
    uint32_t dropped = w->start;
    for (; w->start > 0; w->start--)
        ring_drop_first(w);
    return dropped;
}

void window_drop(struct window *w, const struct window_form *form, uint32_t entries)
{
    for (; entries > 0 && w->count > 0; entries--) {
        if (w->start > 0)
            w->start--;
        else
            window_total_remove(&w->total, form, window_at(w, 0));
        ring_drop_first(w);
    }
}

void window_clear(struct window *w, const struct window_form *form)
{
    window_total_clear(&w->total, form);
    w->head = w->count = w->start = 0;
}

void window_free(struct window *w)
{
    mem_free(w->ring);
    window_total_free(&w->total);
    *w = (struct window){0};
}
