/* Binding observations to a pattern.
 *
 * A plan is made of the expression first: which observations satisfy each [ ] (START and STOP
 * already applied). What is left to choose are the branches of OR, the windows of WITHIN and the
 * moments between the sides of FOLLOWEDBY; once these are chosen every [ ] only asks for some
 * observations within bounds of time, and stix_flow.h tells exactly whether all can be served. */
#include "detection/stix_flow.h"

#include <stdlib.h>

#include "base/mem.h"

enum plan_kind { PLAN_LEAF, PLAN_AND, PLAN_OR, PLAN_FOLLOWED, PLAN_WITHIN, PLAN_REPEATS };

struct plan {
    enum plan_kind kind;
    uint64_t *set; /* of a leaf: one bit an observation */
    struct plan *children, *next;
    uint64_t count;
    struct stix_time duration;
    struct stix_time *moments; /* of FOLLOWED and WITHIN: last times, ascending, each once */
    uint32_t moment_count;
};

struct interval {
    struct stix_time start, stop;
    const struct interval *outer;
};

struct search {
    struct stix_trial *trial;
    struct stix_flow *flow;
    struct arena arena;
    uint32_t depth;
};

static size_t set_words(const struct search *s)
{
    return (stix_flow_count(s->flow) + 63) / 64;
}

static bool interval_has(const struct interval *interval, const struct stix_observation *o)
{
    for (; interval; interval = interval->outer)
        if (!o->timed || stix_time_compare(interval->start, interval->stop) >= 0 ||
            stix_time_compare(o->first, interval->stop) >= 0 ||
            stix_time_compare(o->last, interval->start) < 0)
            return false;
    return true;
}

static int observation_holds(struct search *s, const struct stix_comparison *comparison,
                             const struct stix_observation *o)
{
    int code = 0;
    for (uint32_t k = 0; k < o->object_count && code == 0; k++)
        code = stix_comparison_holds(s->trial, comparison, o, o->objects[k]);
    return code;
}

static int leaf_fill(struct search *s, struct plan *leaf, const struct stix_comparison *comparison,
                     const struct interval *interval)
{
    if (!leaf->set)
        leaf->set = arena_zeroed(&s->arena, set_words(s), sizeof(*leaf->set));
    for (uint32_t i = 0; i < stix_flow_count(s->flow); i++) {
        const struct stix_observation *o = stix_flow_observation(s->flow, i);
        uint64_t bit = (uint64_t)1 << i % 64;
        int code = stix_trial_spend(s->trial, 1);
        if (code)
            return code;
        if ((leaf->set[i / 64] & bit) || !interval_has(interval, o))
            continue;
        code = observation_holds(s, comparison, o);
        if (code < 0)
            return code;
        if (code)
            leaf->set[i / 64] |= bit;
    }
    return ERR_OK;
}

static int plan_make(struct search *s, const struct stix_expression *e,
                     const struct interval *interval, struct plan **out);

static int children_make(struct search *s, const struct stix_expression *e,
                         const struct interval *interval, struct plan *plan)
{
    struct plan **tail = &plan->children;
    for (const struct stix_expression *c = e->children; c; c = c->next) {
        int code = plan_make(s, c, interval, tail);
        if (code)
            return code;
        tail = &(*tail)->next;
    }
    return ERR_OK;
}

/* All [ ] of an OR become one leaf: patterns of feeds are ORs of thousands. */
static int or_make(struct search *s, const struct stix_expression *e,
                   const struct interval *interval, struct plan **out)
{
    struct plan *plan = arena_zeroed(&s->arena, 1, sizeof(*plan)), *leaf = NULL;
    plan->kind = PLAN_OR;
    for (const struct stix_expression *c = e->children; c; c = c->next) {
        struct plan *child;
        int code = ERR_OK;
        if (c->kind == EXPRESSION_SINGLE && leaf) {
            code = leaf_fill(s, leaf, c->comparison, interval);
            if (code)
                return code;
            continue;
        }
        code = plan_make(s, c, interval, &child);
        if (code)
            return code;
        if (child->kind == PLAN_LEAF && leaf) {
            for (size_t i = 0; i < set_words(s); i++)
                leaf->set[i] |= child->set[i];
            continue;
        }
        if (child->kind == PLAN_LEAF)
            leaf = child;
        child->next = plan->children;
        plan->children = child;
    }
    *out = plan->children->next ? plan : plan->children;
    return ERR_OK;
}

static void set_collect(const struct search *s, const struct plan *plan, uint64_t *set)
{
    if (plan->kind == PLAN_LEAF)
        for (size_t i = 0; i < set_words(s); i++)
            set[i] |= plan->set[i];
    for (const struct plan *c = plan->children; c; c = c->next)
        set_collect(s, c, set);
}

/* The last times at which a choice can change: of all below a WITHIN, where a window may begin; of
 * the left side of a FOLLOWEDBY, where it may end. Observations are in this order already. */
static void moments_make(struct search *s, struct plan *plan)
{
    uint64_t *set = arena_zeroed(&s->arena, set_words(s), sizeof(*set));
    set_collect(s, plan->kind == PLAN_FOLLOWED ? plan->children : plan, set);
    plan->moments = arena_alloc(&s->arena, stix_flow_count(s->flow) * sizeof(*plan->moments));
    for (uint32_t i = 0; i < stix_flow_count(s->flow); i++) {
        const struct stix_observation *o = stix_flow_observation(s->flow, i);
        if (!(set[i / 64] >> i % 64 & 1) || !o->timed)
            continue;
        if (plan->moment_count == 0 ||
            stix_time_compare(plan->moments[plan->moment_count - 1], o->last) != 0)
            plan->moments[plan->moment_count++] = o->last;
    }
}

static int compound_make(struct search *s, const struct stix_expression *e,
                         const struct interval *interval, struct plan **out)
{
    static const enum plan_kind kinds[] = {[EXPRESSION_AND] = PLAN_AND,
                                           [EXPRESSION_FOLLOWED] = PLAN_FOLLOWED,
                                           [EXPRESSION_WITHIN] = PLAN_WITHIN,
                                           [EXPRESSION_REPEATS] = PLAN_REPEATS};
    struct plan *plan = arena_zeroed(&s->arena, 1, sizeof(*plan));
    plan->kind = kinds[e->kind];
    plan->count = e->count;
    plan->duration = e->duration;
    int code = children_make(s, e, interval, plan);
    if (code)
        return code;
    /* one observation is within any duration */
    bool same = (plan->kind == PLAN_WITHIN && plan->children->kind == PLAN_LEAF) ||
                (plan->kind == PLAN_REPEATS && plan->count == 1);
    *out = same ? plan->children : plan;
    if (!same && (plan->kind == PLAN_WITHIN || plan->kind == PLAN_FOLLOWED))
        moments_make(s, plan);
    return ERR_OK;
}

static int plan_make(struct search *s, const struct stix_expression *e,
                     const struct interval *interval, struct plan **out)
{
    if (s->arena.total_bytes > STIX_MATCH_BYTES_MAX)
        return err_set(
            s->trial->err, ERR_LIMIT,
            "matching the pattern takes more than %d bytes on these observations: divide "
            "the pattern, or give it fewer observations",
            STIX_MATCH_BYTES_MAX);
    if (e->kind == EXPRESSION_BETWEEN) {
        struct interval inner = {e->start, e->stop, interval};
        return plan_make(s, e->children, &inner, out);
    }
    if (e->kind == EXPRESSION_OR)
        return or_make(s, e, interval, out);
    if (e->kind != EXPRESSION_SINGLE)
        return compound_make(s, e, interval, out);
    *out = arena_zeroed(&s->arena, 1, sizeof(**out));
    return leaf_fill(s, *out, e->comparison, interval);
}

/* What is still to be served: the plan, so many times, within the bounds. */
struct task {
    const struct plan *plan;
    uint64_t times;
    struct stix_bounds bounds;
    uint32_t moment; /* copies choose moments in ascending order, as they are interchangeable */
    const struct task *next;
};

static int search(struct search *s, const struct task *task);

static uint64_t times_of(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* A cheap look ahead: 0 when the [ ] alone, without choices of time, cannot be served. */
static int could_hold(struct search *s, const struct plan *plan, uint64_t times,
                      const struct stix_bounds *bounds)
{
    if (plan->kind == PLAN_LEAF)
        return stix_flow_add(s->flow, plan->set, bounds, times);
    if (plan->kind == PLAN_OR)
        return 1;
    if (plan->kind == PLAN_REPEATS)
        times = times_of(times, plan->count);
    int code = 1;
    for (const struct plan *c = plan->children; c && code == 1; c = c->next)
        code = could_hold(s, c, times, bounds);
    return code;
}

static int search_leaf(struct search *s, const struct task *task)
{
    struct stix_flow_mark mark = stix_flow_mark(s->flow);
    int code = stix_flow_add(s->flow, task->plan->set, &task->bounds, task->times);
    if (code == 1)
        code = search(s, task->next);
    if (code == 0)
        stix_flow_undo(s->flow, mark);
    return code;
}

/* Child after child; next is NULL behind the last. */
static int search_and(struct search *s, const struct task *task, const struct plan *child)
{
    struct task one = {child, task->times, task->bounds, 0, task->next};
    struct task rest = {task->plan, task->times, task->bounds, 0, task->next};
    if (!child->next)
        return search(s, &one);
    struct plan others = *task->plan;
    others.children = child->next;
    rest.plan = &others;
    one.next = &rest;
    return search(s, &one);
}

/* So many of the copies by the first branch, the others by those behind it. */
static int search_or(struct search *s, const struct task *task)
{
    const struct plan *child = task->plan->children;
    struct plan others = *task->plan;
    others.children = child->next;
    for (uint64_t first = task->times;; first--) {
        struct task rest = {&others, task->times - first, task->bounds, 0, task->next};
        struct task one = {child, first, task->bounds, 0, first < task->times ? &rest : task->next};
        int code = stix_trial_spend(s->trial, 1);
        if (code == ERR_OK)
            code = search(s, first > 0 ? &one : &rest);
        if (code != 0 || first == 0 || !child->next)
            return code;
    }
}

static void bounds_open(struct stix_bounds *b)
{
    static const struct stix_time never = {INT64_MIN / 4, 0}, ever = {INT64_MAX / 4, 0};
    if (!b->timed)
        *b = (struct stix_bounds){true, never, ever, never, ever};
}

static void time_raise(struct stix_time *bound, struct stix_time to)
{
    if (stix_time_compare(*bound, to) < 0)
        *bound = to;
}

static void time_lower(struct stix_time *bound, struct stix_time to)
{
    if (stix_time_compare(*bound, to) > 0)
        *bound = to;
}

/* One copy around a moment; again: the copies after it, or NULL. */
static int search_around(struct search *s, const struct task *task, struct stix_time moment,
                         const struct task *next)
{
    const struct plan *child = task->plan->children;
    struct task right = {child->next, 1, task->bounds, 0, next};
    struct task left = {child, 1, task->bounds, 0, next};
    bounds_open(&left.bounds);
    bounds_open(&right.bounds);
    if (task->plan->kind == PLAN_WITHIN) {
        time_raise(&left.bounds.last_min, moment);
        time_lower(&left.bounds.first_max, stix_time_add(moment, task->plan->duration));
    } else {
        time_lower(&left.bounds.last_max, moment);
        time_raise(&right.bounds.first_min, moment);
        left.next = &right;
    }
    return search(s, &left);
}

static int search_moments(struct search *s, const struct task *task)
{
    struct stix_flow_mark mark = stix_flow_mark(s->flow);
    int code = 1;
    for (const struct plan *c = task->plan->children; c && code == 1; c = c->next)
        code = could_hold(s, c, task->times, &task->bounds);
    stix_flow_undo(s->flow, mark);
    if (code != 1)
        return code;
    for (uint32_t i = task->moment; i < task->plan->moment_count; i++) {
        struct task again = {task->plan, task->times - 1, task->bounds, i, task->next};
        code = stix_trial_spend(s->trial, 1);
        if (code == ERR_OK)
            code = search_around(s, task, task->plan->moments[i],
                                 again.times > 0 ? &again : task->next);
        if (code != 0)
            return code;
    }
    return 0;
}

static int search_kind(struct search *s, const struct task *task)
{
    switch (task->plan->kind) {
    case PLAN_LEAF:
        return search_leaf(s, task);
    case PLAN_AND:
        return search_and(s, task, task->plan->children);
    case PLAN_OR:
        return search_or(s, task);
    case PLAN_REPEATS: {
        struct task child = {task->plan->children, times_of(task->times, task->plan->count),
                             task->bounds, 0, task->next};
        return search(s, &child);
    }
    default:
        return search_moments(s, task);
    }
}

static int search(struct search *s, const struct task *task)
{
    if (!task)
        return 1;
    if (s->depth == STIX_MATCH_DEPTH_MAX)
        return err_set(s->trial->err, ERR_LIMIT,
                       "the pattern has more than %d expressions and repetitions to match at once: "
                       "divide it",
                       STIX_MATCH_DEPTH_MAX);
    s->depth++;
    int code = search_kind(s, task);
    s->depth--;
    return code;
}

int stix_expression_holds(struct stix_trial *trial, const struct stix_expression *expression)
{
    struct search s = {.trial = trial, .flow = stix_flow_open(trial)};
    struct plan *plan;
    int code = plan_make(&s, expression, NULL, &plan);
    if (code == ERR_OK) {
        struct task task = {.plan = plan, .times = 1};
        code = search(&s, &task);
    }
    stix_flow_close(&s.flow);
    arena_free(&s.arena);
    return code;
}
