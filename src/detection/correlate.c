#include "detection/correlate.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "detection/correlate_group.h"
#include "detection/correlate_judge.h"

struct correlator {
    const struct correlate_plan *plan;
    struct group_table groups;
    struct correlate_stats stats;
    uint64_t entries_max, groups_max, seed;
    int64_t ticked_ns;
    struct buf key;               /* of the input in hand */
    struct slice *shown_values;   /* its group values */
    struct window_total *replays; /* by correlation */
    struct event_place shown[CORRELATE_EVENTS_SHOWN_MAX];
    correlate_emit *emit; /* during one call from outside */
    void *context;
};

struct correlator *correlator_open(const struct correlate_plan *plan)
{
    struct correlator *c = mem_zeroed(1, sizeof(*c));
    uint32_t groups_by_max = 0;
    c->plan = plan;
    c->entries_max = CORRELATE_ENTRIES_MAX;
    c->groups_max = CORRELATE_GROUPS_MAX;
    c->seed = hash_seed();
    c->ticked_ns = INT64_MIN;
    for (uint32_t i = 0; i < plan->correlation_count; i++)
        if (plan->correlations[i].meaning->group_by.count > groups_by_max)
            groups_by_max = plan->correlations[i].meaning->group_by.count;
    c->shown_values = mem_zeroed(groups_by_max, sizeof(*c->shown_values));
    c->replays = mem_zeroed(plan->correlation_count, sizeof(*c->replays));
    group_table_open(&c->groups, plan->correlation_count);
    return c;
}

void correlator_close(struct correlator **c)
{
    if (!*c)
        return;
    for (uint32_t i = 0; i < (*c)->plan->correlation_count; i++)
        window_total_free(&(*c)->replays[i]);
    group_table_close(&(*c)->groups);
    buf_free(&(*c)->key);
    mem_free((*c)->shown_values);
    mem_free((*c)->replays);
    mem_free(*c);
    *c = NULL;
}

void correlator_limit(struct correlator *c, uint64_t entries_max, uint64_t groups_max)
{
    c->entries_max = entries_max;
    c->groups_max = groups_max;
}

static int64_t time_sum(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static bool within(int64_t a, int64_t b, int64_t span_ns)
{
    uint64_t apart = a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
    return apart < (uint64_t)span_ns;
}

static void key_add(struct buf *key, struct slice value)
{
    buf_reserve(key, text_fold_room(value.len) + sizeof(uint64_t));
    size_t at = key->len;
    uint64_t len = text_fold(key->data + at + sizeof(len), value);
    memcpy(key->data + at, &len, sizeof(len)); /* so that a|bc is not ab|c */
    key->len = at + sizeof(len) + len;
}

/* The folded values of the named fields as one key; false: one is missing. shown may be NULL. */
static bool key_make(struct correlator *c, const uint32_t *fields, uint32_t count,
                     const struct slice *values, struct slice *shown)
{
    buf_clear(&c->key);
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i] == PLAN_NONE || !values[fields[i]].data)
            return false;
        key_add(&c->key, values[fields[i]]);
        if (shown)
            shown[i] = values[fields[i]];
    }
    return true;
}

static uint64_t key_hash(const struct correlator *c, uint64_t more)
{
    uint64_t hash = hash_bytes(c->key.data, c->key.len, c->seed + more * 0x9e3779b97f4a7c15ull);
    return hash ? hash : 1;
}

/* The value that the entry brings into the totals; false: it has none of use. */
static bool value_read(struct correlator *c, const struct plan_correlation *t,
                       const struct plan_feed *feed, const struct slice *values,
                       struct window_entry *e)
{
    if (t->form.kind == WINDOW_DISTINCT) {
        if (!key_make(c, feed->value_fields, t->meaning->fields.count, values, NULL))
            return false;
        e->hash = key_hash(c, 0);
    } else if (t->form.kind == WINDOW_SUM || t->form.kind == WINDOW_RANK) {
        uint32_t field = feed->value_fields[0];
        if (field == PLAN_NONE || !values[field].data ||
            !slice_to_double(slice_trim(values[field]), &e->number))
            return false;
        return e->number >= -WINDOW_NUMBER_MAX && e->number <= WINDOW_NUMBER_MAX;
    }
    return true;
}

static void feed_rule(struct correlator *c, uint32_t rule, const struct event_place *place,
                      const struct slice *values);

struct firing {
    uint32_t first, last; /* entries of the window */
    int64_t time_ns;
    double value;
};

static bool is_capped(const struct correlator *c, const struct group *g, int64_t time_ns)
{
    const struct group_list *list = &c->groups.lists[g->target];
    int64_t timespan_ns = c->plan->correlations[g->target].meaning->timespan_ns;
    return list->has_lost && list->lost_ns > time_sum(time_ns, -timespan_ns);
}

static struct event_place entry_place(const struct window_entry *e)
{
    return (struct event_place){
        .file = e->file, .line = e->line, .time_ns = e->time_ns, .sequence = e->sequence};
}

/* Tells of it and passes it on to the correlations of this correlation. */
static void fire(struct correlator *c, struct group *g, const struct firing *f)
{
    const struct plan_correlation *t = &c->plan->correlations[g->target];
    uint32_t total = f->last - f->first + 1;
    uint32_t count = total < CORRELATE_EVENTS_SHOWN_MAX ? total : CORRELATE_EVENTS_SHOWN_MAX;
    struct event_place place = entry_place(window_at(&g->window, f->last));
    place.time_ns = f->time_ns;
    if (c->plan->rules[t->rule].shows) {
        for (uint32_t i = 0; i < count; i++)
            c->shown[i] = entry_place(window_at(&g->window, f->last - (count - 1 - i)));
        struct correlate_finding finding = {.rule = t->rule,
                                            .time_ns = f->time_ns,
                                            .events = c->shown,
                                            .event_count = count,
                                            .event_total = total,
                                            .group_names = t->meaning->group_by.items,
                                            .group_values = g->values,
                                            .group_count = t->meaning->group_by.count,
                                            .value = f->value,
                                            .capped = is_capped(c, g, f->time_ns)};
        c->emit(c->context, &finding);
    }
    feed_rule(c, t->rule, &place, g->values);
}

/* A late entry: goes over the windows that end at it and at the entries behind it, but the newest,
 * until one fires. Nothing when the group is in a run of firings, or the entries are too many or
 * gone. */
static bool replay(struct correlator *c, struct group *g, uint32_t index, struct firing *f)
{
    const struct plan_correlation *t = &c->plan->correlations[g->target];
    const struct window *w = &g->window;
    struct window_total *total = &c->replays[g->target];
    int64_t timespan_ns = t->form.timespan_ns, late_ns = window_at(w, index)->time_ns;
    uint32_t first = window_first(w, &t->form, index);
    if (g->active || w->count - first > WINDOW_REPLAY_MAX || !window_is_whole(w, &t->form, index))
        return false;
    window_total_clear(total, &t->form);
    for (uint32_t i = first; i < index; i++)
        window_total_add(total, &t->form, window_at(w, i));
    for (uint32_t i = index; i + 1 < w->count; i++) {
        const struct window_entry *e = window_at(w, i);
        int64_t since_ns = time_sum(e->time_ns, -timespan_ns);
        if (late_ns <= since_ns || (t->share && i > index))
            break;
        window_total_add(total, &t->form, e);
        for (; window_at(w, first)->time_ns <= since_ns; first++)
            window_total_remove(total, &t->form, window_at(w, first));
        if (window_at(w, i + 1)->time_ns == e->time_ns)
            continue; /* the window ends with the last entry of its time */
        if (!t->share && g->fired_ns != CLOCK_NONE && within(e->time_ns, g->fired_ns, timespan_ns))
            continue;
        *f = (struct firing){.first = first, .last = i, .time_ns = e->time_ns};
        if (correlate_judge(t, total, since_ns, e->hash, &f->value))
            return true;
    }
    return false;
}

static void feed_sliding(struct correlator *c, struct group *g, const struct window_entry *e)
{
    const struct plan_correlation *t = &c->plan->correlations[g->target];
    struct window *w = &g->window;
    struct firing f;
    uint32_t index, dropped;
    enum window_place place = window_insert(w, &t->form, e, &index, &dropped);
    if (place == WINDOW_TOO_LATE) {
        c->stats.late++;
        return;
    }
    c->stats.entries += 1 - (uint64_t)dropped;
    bool fires = place == WINDOW_INSIDE && index != WINDOW_GONE && replay(c, g, index, &f);
    if (!t->share || place == WINDOW_NEWEST) {
        struct firing newest = {.first = w->start,
                                .last = w->count - 1,
                                .time_ns = window_at(w, w->count - 1)->time_ns};
        bool holds = correlate_judge(t, &w->total, time_sum(newest.time_ns, -t->form.timespan_ns),
                                     t->share ? e->hash : 0, &newest.value);
        bool again = t->share || !g->active || g->fired_ns == CLOCK_NONE ||
                     newest.time_ns >= time_sum(g->fired_ns, t->form.timespan_ns);
        if (holds && again && !fires) {
            f = newest;
            fires = true;
        }
        g->active = holds && !t->share;
    }
    if (fires) {
        if (g->fired_ns == CLOCK_NONE || f.time_ns > g->fired_ns)
            g->fired_ns = f.time_ns;
        fire(c, g, &f);
    }
    /* filling up: what only a late input could need goes before what the caps would take */
    if (c->stats.entries > c->entries_max / 2)
        c->stats.entries -= window_shed(w);
}

/* Judges a tumbling window at its end and empties it. */
static void window_close(struct correlator *c, struct group *g)
{
    const struct plan_correlation *t = &c->plan->correlations[g->target];
    struct firing f = {.last = g->window.count - 1, .time_ns = g->deadline_ns};
    group_unwait(&c->groups, g);
    g->closed_until_ns = g->deadline_ns;
    if (g->window.count > 0 && correlate_judge(t, &g->window.total, INT64_MIN, 0, &f.value))
        fire(c, g, &f);
    c->stats.entries -= g->window.count;
    window_clear(&g->window, &t->form);
}

static void feed_tumbling(struct correlator *c, struct group *g, const struct window_entry *e)
{
    const struct plan_correlation *t = &c->plan->correlations[g->target];
    uint32_t index, dropped;
    if (g->heap_index != GROUP_NOT_OPEN && e->time_ns >= g->deadline_ns)
        window_close(c, g);
    bool open = g->heap_index != GROUP_NOT_OPEN;
    bool late = g->closed_until_ns != CLOCK_NONE && e->time_ns < g->closed_until_ns;
    late = late || (!open && e->time_ns < c->ticked_ns);
    if (late || window_insert(&g->window, &t->form, e, &index, &dropped) == WINDOW_TOO_LATE) {
        c->stats.late++;
        if (!open && g->closed_until_ns == CLOCK_NONE)
            group_remove(&c->groups, g);
        return;
    }
    c->stats.entries++;
    if (!open) {
        g->deadline_ns = time_sum(e->time_ns, t->meaning->timespan_ns);
        group_wait(&c->groups, g);
    }
}

static void feed_one(struct correlator *c, const struct plan_feed *feed,
                     const struct event_place *place, const struct slice *values)
{
    const struct plan_correlation *t = &c->plan->correlations[feed->target];
    const struct slice_list *names = &t->meaning->group_by;
    struct window_entry e = {.time_ns = place->time_ns,
                             .line = place->line,
                             .sequence = place->sequence,
                             .file = place->file,
                             .member = feed->member};
    if (!value_read(c, t, feed, values, &e)) {
        c->stats.without_value++;
        return;
    }
    if (!key_make(c, feed->group_fields, names->count, values, c->shown_values)) {
        c->stats.without_group++;
        return;
    }
    struct group key = {.target = feed->target,
                        .hash = key_hash(c, feed->target * 2ull + 1),
                        .check_hash = key_hash(c, feed->target * 2ull + 2)};
    struct group *g = group_use(&c->groups, &key, c->shown_values, names->count);
    if (t->tumbling)
        feed_tumbling(c, g, &e);
    else
        feed_sliding(c, g, &e);
}

static void feed_rule(struct correlator *c, uint32_t rule, const struct event_place *place,
                      const struct slice *values)
{
    const struct plan_rule *r = &c->plan->rules[rule];
    for (uint32_t i = 0; i < r->feed_count; i++)
        feed_one(c, &r->feeds[i], place, values);
}

static void lose(struct correlator *c, struct group_list *list, const struct window *w,
                 uint32_t entries)
{
    for (uint32_t i = 0; i < entries; i++)
        if (!list->has_lost || window_at(w, i)->time_ns > list->lost_ns) {
            list->lost_ns = window_at(w, i)->time_ns;
            list->has_lost = true;
        }
    c->stats.evicted_entries += entries;
    c->stats.entries -= entries;
}

/* Back under the caps: the stalest groups go; a group that is alone loses its oldest entries. */
static void trim(struct correlator *c)
{
    while (c->stats.entries > c->entries_max || c->groups.count > c->groups_max) {
        struct group *g = group_stalest(&c->groups);
        struct group_list *list = &c->groups.lists[g->target];
        struct window *w = &g->window;
        if (c->groups.count == 1 && w->count > 1) {
            uint32_t entries = w->count / 16 + 1;
            lose(c, list, w, entries);
            window_drop(w, &c->plan->correlations[g->target].form, entries);
        } else {
            lose(c, list, w, w->count);
            group_remove(&c->groups, g);
        }
    }
}

void correlate_feed(struct correlator *c, const struct correlate_input *input, correlate_emit *emit,
                    void *context)
{
    c->stats.inputs++;
    if (input->place.time_ns == CLOCK_NONE) {
        c->stats.without_time++;
        return;
    }
    c->emit = emit;
    c->context = context;
    feed_rule(c, input->rule, &input->place, input->values);
    if (c->stats.entries > c->entries_max || c->groups.count > c->groups_max)
        trim(c);
}

/* Forgets groups whose windows no input that is not late can reach any more. */
static void sweep(struct correlator *c, uint32_t target, int64_t now_ns)
{
    const struct plan_correlation *t = &c->plan->correlations[target];
    int64_t kept_ns = time_sum(t->meaning->timespan_ns, WINDOW_LATE_MAX_NS);
    for (struct group *g; (g = c->groups.lists[target].oldest);) {
        const struct window *w = &g->window;
        int64_t newest_ns = w->count ? window_at(w, w->count - 1)->time_ns : g->closed_until_ns;
        if (time_sum(newest_ns, kept_ns) > now_ns || g->heap_index != GROUP_NOT_OPEN)
            break;
        c->stats.entries -= w->count;
        group_remove(&c->groups, g);
    }
}

void correlate_tick(struct correlator *c, int64_t now_ns, correlate_emit *emit, void *context)
{
    c->emit = emit;
    c->context = context;
    while (c->groups.heap_count > 0 && c->groups.heap[0]->deadline_ns <= now_ns) {
        struct group *g = c->groups.heap[0];
        window_close(c, g);
        group_remove(&c->groups, g);
    }
    if (now_ns > c->ticked_ns)
        c->ticked_ns = now_ns;
    for (uint32_t i = 0; i < c->plan->correlation_count; i++)
        sweep(c, i, now_ns);
    trim(c);
}

void correlate_stats(const struct correlator *c, struct correlate_stats *out)
{
    *out = c->stats;
    out->groups = c->groups.count;
}
