/* The correlator against a twin that keeps every entry and counts each window anew: random rules
 * and inputs, some late. A failure prints its seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "unit/detection/correlate_build.h"

enum { INPUTS = 400, USERS = 3, VALUES = 6, MEMBERS = 3, ROUNDS = 1500 };
static const char *const user_names[USERS] = {"a", "b", "c"};
static const char *const value_names[VALUES] = {"1", "2", "2.5", "-3", "10", "0"};
static const double value_numbers[VALUES] = {1, 2, 2.5, -3, 10, 0};

struct twin_entry {
    int64_t second;
    uint64_t line;
    uint32_t value, member;
};

struct twin_group {
    struct twin_entry entries[INPUTS];
    uint32_t count;
    bool active, fired, open, closed;
    int64_t fired_at, deadline, closed_until;
};

struct twin {
    struct twin_group groups[USERS];
    const struct correlation *c;
    int64_t span;
    struct buf findings;
    bool tumbling, share;
};

static int number_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double twin_value(const struct twin *t, const struct twin_entry *e, uint32_t count)
{
    double sum = 0, sorted[INPUTS];
    uint32_t seen[VALUES] = {0}, members[MEMBERS] = {0}, distinct = 0, steps = 0, present = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += value_numbers[e[i].value];
        sorted[i] = value_numbers[e[i].value];
        distinct += seen[e[i].value]++ == 0;
        present += members[e[i].member]++ == 0;
        steps += steps < MEMBERS && e[i].member == steps;
    }
    switch (t->c->kind) {
    case CORRELATE_EVENT_COUNT:
        return count;
    case CORRELATE_VALUE_COUNT:
        return distinct;
    case CORRELATE_VALUE_SUM:
        return sum;
    case CORRELATE_VALUE_AVG:
        return sum / count;
    case CORRELATE_VALUE_PERCENTILE:
        if (t->share)
            return 100.0 * seen[e[count - 1].value] / count;
        break;
    case CORRELATE_TEMPORAL:
        return present;
    case CORRELATE_TEMPORAL_ORDERED:
        return steps;
    }
    qsort(sorted, count, sizeof(*sorted), number_order);
    double place = t->c->percentile / 100 * (count - 1);
    uint32_t below = (uint32_t)place;
    double next = below + 1 < count ? sorted[below + 1] : sorted[below];
    return sorted[below] + (next - sorted[below]) * (place - below);
}

static bool twin_holds(const struct twin *t, double value)
{
    if (t->c->condition_count == 0)
        return value >= MEMBERS;
    for (uint32_t i = 0; i < t->c->condition_count; i++) {
        double wanted = t->c->conditions[i].value;
        bool holds[] = {value > wanted,  value >= wanted, value < wanted,
                        value <= wanted, value == wanted, value != wanted};
        if (!holds[t->c->conditions[i].op])
            return false;
    }
    return true;
}

static void twin_tell(struct twin *t, uint32_t user, const struct twin_entry *e, uint32_t count,
                      int64_t second)
{
    buf_printf(&t->findings, "c @%lld %.10g [user=%s] %u:", (long long)second,
               twin_value(t, e, count), user_names[user], count);
    for (uint32_t i = count > CORRELATE_EVENTS_SHOWN_MAX ? count - CORRELATE_EVENTS_SHOWN_MAX : 0;
         i < count; i++)
        buf_printf(&t->findings, " %llu", (unsigned long long)e[i].line);
    buf_string(&t->findings, "\n");
}

/* Judges the window that ends with the entry last; fires when it may. */
static bool twin_judge(struct twin *t, uint32_t user, uint32_t last, bool newest)
{
    struct twin_group *g = &t->groups[user];
    int64_t second = g->entries[last].second;
    uint32_t first = 0;
    while (g->entries[first].second <= second - t->span)
        first++;
    const struct twin_entry *e = &g->entries[first];
    uint32_t count = last - first + 1;
    bool holds = twin_holds(t, twin_value(t, e, count)), may = true;
    if (!t->share && newest)
        may = !g->active || second >= g->fired_at + t->span;
    else if (!t->share && g->fired)
        may = llabs(second - g->fired_at) >= t->span;
    if (newest)
        g->active = holds && !t->share;
    if (!holds || !may)
        return false;
    twin_tell(t, user, e, count, second);
    g->fired_at = !g->fired || second > g->fired_at ? second : g->fired_at;
    g->fired = true;
    return true;
}

static void twin_insert(struct twin_group *g, const struct twin_entry *e, uint32_t *at)
{
    *at = g->count++;
    for (; *at > 0 && g->entries[*at - 1].second > e->second; (*at)--)
        g->entries[*at] = g->entries[*at - 1];
    g->entries[*at] = *e;
}

static void twin_slide(struct twin *t, uint32_t user, const struct twin_entry *e)
{
    struct twin_group *g = &t->groups[user];
    uint32_t at;
    if (g->count && e->second < g->entries[g->count - 1].second - 600)
        return;
    twin_insert(g, e, &at);
    bool fired = false, is_newest = at + 1 == g->count;
    for (uint32_t i = at; i + 1 < g->count && !g->active && !fired; i++) {
        if (g->entries[i].second - e->second >= t->span || (t->share && i > at))
            break;
        if (g->entries[i + 1].second != g->entries[i].second)
            fired = twin_judge(t, user, i, false);
    }
    if (t->share && !is_newest)
        return;
    if (!fired)
        (void)twin_judge(t, user, g->count - 1, true);
    else {
        struct buf kept = t->findings; /* only its state, not its firing */
        struct twin_group before = *g;
        t->findings = (struct buf){0};
        (void)twin_judge(t, user, g->count - 1, true);
        g->fired_at = before.fired_at;
        buf_free(&t->findings);
        t->findings = kept;
    }
}

static void twin_close(struct twin *t, uint32_t user)
{
    struct twin_group *g = &t->groups[user];
    if (twin_holds(t, twin_value(t, g->entries, g->count)))
        twin_tell(t, user, g->entries, g->count, g->deadline);
    g->count = 0;
    g->open = false;
    g->closed = true;
    g->closed_until = g->deadline;
}

static void twin_tumble(struct twin *t, uint32_t user, const struct twin_entry *e)
{
    struct twin_group *g = &t->groups[user];
    uint32_t at;
    if (g->open && e->second >= g->deadline)
        twin_close(t, user);
    if ((g->closed && e->second < g->closed_until) ||
        (g->count && e->second < g->entries[g->count - 1].second - 600))
        return;
    twin_insert(g, e, &at);
    if (!g->open)
        g->deadline = e->second + t->span;
    g->open = true;
}

/* By deadline; groups of the same one in the order in which they were opened (here: by first line
 * of the opening entry, which is the only one when no later entry came before it). */
static void twin_end(struct twin *t, const uint64_t *opened_at)
{
    for (;;) {
        uint32_t next = USERS;
        for (uint32_t u = 0; u < USERS; u++)
            if (t->groups[u].open &&
                (next == USERS || t->groups[u].deadline < t->groups[next].deadline ||
                 (t->groups[u].deadline == t->groups[next].deadline &&
                  opened_at[u] < opened_at[next])))
                next = u;
        if (next == USERS)
            return;
        twin_close(t, next);
    }
}

static void random_conditions(struct correlation *c)
{
    c->percentile =
        c->kind == CORRELATE_VALUE_PERCENTILE && random() % 2 ? (double)(random() % 101) : -1;
    c->timespan_ns = (1 + random() % 60) * CLOCK_SECOND_NS;
    if (c->kind >= CORRELATE_TEMPORAL && random() % 2)
        return;
    long most = c->kind == CORRELATE_VALUE_PERCENTILE && c->percentile < 0 ? 100 : 12;
    for (long count = 1 + random() % 2; count > 0; count--)
        build_condition(c, (enum compare_op)(random() % 6), (double)(random() % most));
}

static void compare_once(unsigned seed)
{
    struct build b = {0};
    static struct twin t;
    srandom(seed);
    (void)build_rule(&b, "r0");
    (void)build_rule(&b, "r1");
    (void)build_rule(&b, "r2");
    struct correlation *c =
        build_correlation(&b, "c", (enum correlation_kind)(random() % 7), "r0 r1 r2", "user");
    random_conditions(c);
    struct err err = {0};
    if (build_open(&b, &err))
        fail_msg("seed %u: %s", seed, err.text);
    t = (struct twin){.c = c, .span = c->timespan_ns / CLOCK_SECOND_NS};
    t.share = c->kind == CORRELATE_VALUE_PERCENTILE && c->percentile < 0;
    for (uint32_t i = 0; i < c->condition_count && !t.share; i++)
        t.tumbling = t.tumbling || c->conditions[i].op == COMPARE_LT ||
                     c->conditions[i].op == COMPARE_LTE || c->conditions[i].op == COMPARE_NEQ;
    int64_t now = 1000, pace = 1 + random() % 20, lateness = random() % 3 ? random() % 80 : 700;
    uint64_t opened_at[USERS] = {0};
    uint32_t inputs = 20 + (uint32_t)random() % (INPUTS - 20);
    for (uint32_t i = 1; i <= inputs; i++) {
        uint32_t user = (uint32_t)random() % USERS;
        now += random() % pace;
        struct twin_entry e = {.second = now,
                               .line = i,
                               .value = (uint32_t)random() % VALUES,
                               .member = (uint32_t)random() % MEMBERS};
        if (lateness && random() % 4 == 0)
            e.second -= random() % (lateness + 1);
        build_feed(&b, e.member, e.second, user_names[user], value_names[e.value]);
        bool was_open = t.groups[user].open;
        int64_t deadline = t.groups[user].deadline;
        if (t.tumbling)
            twin_tumble(&t, user, &e);
        else
            twin_slide(&t, user, &e);
        if (t.groups[user].open && (!was_open || t.groups[user].deadline != deadline))
            opened_at[user] = i;
    }
    build_tick(&b, INT64_MAX);
    twin_end(&t, opened_at);
    if (strcmp(buf_text(&b.findings), buf_text(&t.findings)) != 0)
        fail_msg("seed %u, kind %d, timespan %lld, condition %d %g:\n%s\nbut the twin says\n%s",
                 seed, (int)c->kind, (long long)t.span, (int)c->conditions[0].op,
                 c->conditions[0].value, buf_text(&b.findings), buf_text(&t.findings));
    buf_free(&t.findings);
    build_close(&b);
}

static void test_same_findings_as_the_twin(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= ROUNDS; seed++)
        compare_once(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_findings_as_the_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
