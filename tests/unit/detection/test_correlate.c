#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/detection/correlate_build.h"

static void open_or_fail(struct build *b)
{
    struct err err = {0};
    if (build_open(b, &err))
        fail_msg("%s", err.text);
}

static void assert_found(struct build *b, const char *expected)
{
    assert_string_equal(buf_text(&b->findings), expected);
    buf_clear(&b->findings);
}

static struct correlate_stats stats_of(const struct build *b)
{
    struct correlate_stats stats;
    correlate_stats(b->correlator, &stats);
    return stats;
}

static void test_event_count(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t fail = build_rule(&b, "fail");
    build_condition(build_correlation(&b, "brute", CORRELATE_EVENT_COUNT, "fail", "user"),
                    COMPARE_GTE, 3);
    open_or_fail(&b);
    build_feed(&b, fail, 0, "Bob", NULL);
    build_feed(&b, fail, 10, "eve", NULL);
    build_feed(&b, fail, 50, "BOB", NULL);
    assert_found(&b, "");
    build_feed(&b, fail, 99, "bob",
               NULL); /* one group however it is written, shown as first seen */
    assert_found(&b, "brute @99 3 [user=Bob] 3: 1 3 4\n");
    build_feed(&b, fail, 100, "bob", NULL); /* 0 has just left; still true: said already */
    assert_found(&b, "");
    build_feed(&b, fail, 120, "bob", NULL);
    build_feed(&b, fail, 198, "bob", NULL);
    assert_found(&b, "");
    build_feed(&b, fail, 199, "bob", NULL); /* a timespan later it is said again */
    assert_found(&b, "brute @199 4 [user=Bob] 4: 5 6 7 8\n");
    build_feed(&b, fail, 900, "bob", NULL);
    build_feed(&b, fail, 901, "bob", NULL);
    build_feed(&b, fail, 902, "bob", NULL); /* it was false between */
    assert_found(&b, "brute @902 3 [user=Bob] 3: 9 10 11\n");
    build_close(&b);
}

static void test_the_window_is_open_at_its_start(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", ""), COMPARE_GTE, 2);
    open_or_fail(&b);
    build_feed(&b, rule, 0, NULL, NULL);
    build_feed(&b, rule, 100, NULL, NULL);
    assert_found(&b, "");
    build_feed(&b, rule, 199, NULL, NULL);
    assert_found(&b, "c @199 2 [] 2: 2 3\n");
    build_close(&b);
}

static void test_ranges_and_eq(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "two", CORRELATE_EVENT_COUNT, "r", ""), COMPARE_EQ, 2);
    struct correlation *range = build_correlation(&b, "range", CORRELATE_EVENT_COUNT, "r", "");
    build_condition(range, COMPARE_GT, 1);
    build_condition(range, COMPARE_LT, 4);
    open_or_fail(&b);
    for (int64_t second = 0; second < 4; second++)
        build_feed(&b, rule, second, NULL, NULL);
    assert_found(
        &b, "two @1 2 [] 2: 1 2\n"); /* the range waits for the end of its window: 4 are too many */
    build_tick(&b, 100);
    assert_found(&b, "");
    for (int64_t second = 500; second < 503; second++)
        build_feed(&b, rule, second, NULL, NULL);
    assert_found(&b, "two @501 2 [] 2: 5 6\n");
    build_tick(&b, INT64_MAX);
    assert_found(&b, "range @600 3 [] 3: 5 6 7\n");
    assert_int_equal(stats_of(&b).entries, 0);
    build_close(&b);
}

static void test_less_than_is_judged_at_the_end(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "beat");
    build_condition(build_correlation(&b, "quiet", CORRELATE_EVENT_COUNT, "beat", "user"),
                    COMPARE_LT, 3);
    open_or_fail(&b);
    build_feed(&b, rule, 0, "a", NULL);
    build_feed(&b, rule, 10, "b", NULL);
    build_feed(&b, rule, 20, "a", NULL);
    build_tick(&b, 99);
    assert_found(&b, "");
    build_tick(&b, 100);
    assert_found(&b, "quiet @100 2 [user=a] 2: 1 3\n");
    build_feed(&b, rule, 5, "a", NULL); /* its window is over */
    assert_int_equal(stats_of(&b).late, 1);
    build_feed(&b, rule, 60, "b", NULL);
    build_feed(&b, rule, 8, "b", NULL); /* a bit earlier than the first: joins */
    assert_found(&b, "");
    build_feed(&b, rule, 110, "b", NULL); /* opens the next window */
    build_tick(&b, INT64_MAX);
    assert_found(&b, "quiet @210 1 [user=b] 1: 7\n");
    build_close(&b);
}

static void test_value_count(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "login");
    build_condition(build_correlation(&b, "spray", CORRELATE_VALUE_COUNT, "login", "user"),
                    COMPARE_GTE, 3);
    open_or_fail(&b);
    build_feed(&b, rule, 0, "a", "x");
    build_feed(&b, rule, 1, "a", "X"); /* the same value */
    build_feed(&b, rule, 2, "a", "y");
    build_feed(&b, rule, 3, "a", NULL);  /* no value: not counted */
    build_feed(&b, rule, 101, "a", "z"); /* both x have left */
    assert_found(&b, "");
    build_feed(&b, rule, 101, "a", "w");
    assert_found(&b, "spray @101 3 [user=a] 3: 3 5 6\n");
    assert_int_equal(stats_of(&b).without_value, 1);
    build_close(&b);
}

static void test_value_count_over_fields_jointly(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "login");
    struct correlation *c = build_correlation(&b, "pairs", CORRELATE_VALUE_COUNT, "login", "");
    c->fields = build_words(&b, 1, 2, "user value");
    build_condition(c, COMPARE_GTE, 3);
    open_or_fail(&b);
    build_feed(&b, rule, 0, "a", "bc");
    build_feed(&b, rule, 1, "ab", "c"); /* another pair, though the same letters */
    build_feed(&b, rule, 2, "a", "bc");
    assert_found(&b, "");
    build_feed(&b, rule, 3, "a", "c");
    assert_found(&b, "pairs @3 3 [] 4: 1 2 3 4\n");
    build_close(&b);
}

static void test_sums_are_exact(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "out");
    build_condition(build_correlation(&b, "sum", CORRELATE_VALUE_SUM, "out", ""), COMPARE_GTE, 1);
    struct correlation *average = build_correlation(&b, "avg", CORRELATE_VALUE_AVG, "out", "");
    build_condition(average, COMPARE_GT, 1e15);
    open_or_fail(&b);
    build_feed(&b, rule, 0, NULL, "1e16"); /* leaves nothing behind */
    assert_found(&b, "sum @0 1e+16 [] 1: 1\navg @0 1e+16 [] 1: 1\n");
    build_feed(&b, rule, 100, NULL, "-0.5");
    build_feed(&b, rule, 101, NULL, "0.5");
    for (int64_t i = 0; i < 9; i++)
        build_feed(&b, rule, 102 + i, NULL, "0.1");
    assert_found(&b, "");
    build_feed(&b, rule, 150, NULL, " 0.1 "); /* ten tenths are one */
    assert_found(&b, "sum @150 1 [] 12: 2 3 4 5 6 7 8 9 10 11 12 13\n");
    build_feed(&b, rule, 151, NULL, "many");
    build_feed(&b, rule, 151, NULL, "1e300");
    assert_int_equal(stats_of(&b).without_value, 4);
    build_close(&b);
}

static void test_percentile(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    struct correlation *c = build_correlation(&b, "p", CORRELATE_VALUE_PERCENTILE, "r", "");
    c->percentile = 50;
    build_condition(c, COMPARE_GT, 4);
    open_or_fail(&b);
    build_feed(&b, rule, 0, NULL, "1");
    build_feed(&b, rule, 1, NULL, "7"); /* half way between: 4 */
    assert_found(&b, "");
    build_feed(&b, rule, 2, NULL, "5");
    assert_found(&b, "p @2 5 [] 3: 1 2 3\n");
    build_close(&b);
}

static void test_percentile_of_the_own_value(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "rare", CORRELATE_VALUE_PERCENTILE, "r", ""), COMPARE_LT,
                    25);
    open_or_fail(&b);
    for (int64_t i = 0; i < 4; i++)
        build_feed(&b, rule, i, NULL, "often");
    build_feed(&b, rule, 4, NULL, "often");
    assert_found(&b, "");
    build_feed(&b, rule, 5, NULL, "seldom");
    assert_found(&b, "rare @5 16.66666667 [] 6: 1 2 3 4 5 6\n");
    build_close(&b);
}

static void test_temporal(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t one = build_rule(&b, "one"), two = build_rule(&b, "two");
    (void)build_correlation(&b, "both", CORRELATE_TEMPORAL, "one two", "user");
    (void)build_correlation(&b, "order", CORRELATE_TEMPORAL_ORDERED, "one two", "user");
    open_or_fail(&b);
    build_feed(&b, two, 0, "a", NULL);
    build_feed(&b, one, 5, "b", NULL);
    assert_found(&b, "");
    build_feed(&b, one, 10, "a", NULL);
    assert_found(&b, "both @10 2 [user=a] 2: 1 3\n");
    build_feed(&b, two, 109, "a", NULL);
    assert_found(&b,
                 "order @109 2 [user=a] 2: 3 4\n"); /* `both` was said less than a timespan ago */
    build_feed(&b, one, 300, "a", NULL);
    build_feed(&b, two, 400, "a", NULL); /* too far apart */
    assert_found(&b, "");
    build_close(&b);
}

static void test_ordered_with_a_rule_that_comes_again(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t a = build_rule(&b, "a"), x = build_rule(&b, "x");
    (void)build_correlation(&b, "axa", CORRELATE_TEMPORAL_ORDERED, "a x a", "");
    open_or_fail(&b);
    build_feed(&b, a, 0, NULL, NULL);
    build_feed(&b, a, 1, NULL, NULL);
    build_feed(&b, x, 2, NULL, NULL);
    assert_found(&b, "");
    build_feed(&b, a, 3, NULL, NULL);
    assert_found(&b, "axa @3 3 [] 4: 1 2 3 4\n");
    build_close(&b);
}

static void test_extended_condition(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t one = build_rule(&b, "one"), two = build_rule(&b, "two");
    struct predicate names[2] = {{.field = SLICE("one")}, {.field = SLICE("two")}};
    struct expr first = {.kind = EXPR_PREDICATE, .predicate = &names[0]};
    struct expr second = {.kind = EXPR_PREDICATE, .predicate = &names[1]};
    struct expr *negated[1] = {&second};
    struct expr no_second = {.kind = EXPR_NOT, .child_count = 1, .children = negated};
    struct expr *parts[2] = {&first, &no_second};
    struct expr both = {.kind = EXPR_AND, .child_count = 2, .children = parts};
    struct correlation *c = build_correlation(&b, "alone", CORRELATE_TEMPORAL, "one two", "user");
    c->extended = &both;
    open_or_fail(&b);
    build_feed(&b, one, 0, "a", NULL);
    build_feed(&b, one, 0, "b", NULL);
    build_feed(&b, two, 90, "b", NULL);
    build_tick(&b, 200);
    assert_found(&b, "alone @100 1 [user=a] 1: 1\n");
    build_close(&b);
}

static void test_chain_through_an_alias(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t fail = build_rule(&b, "fail"), good = build_rule(&b, "good");
    struct correlation *brute =
        build_correlation(&b, "brute", CORRELATE_EVENT_COUNT, "fail", "user");
    build_condition(brute, COMPARE_GTE, 2);
    struct correlation *taken =
        build_correlation(&b, "taken", CORRELATE_TEMPORAL_ORDERED, "brute good", "who");
    struct slice rules[2] = {SLICE("brute"), SLICE("good")},
                 fields[2] = {SLICE("user"), SLICE("value")};
    struct correlation_alias alias = {
        .name = SLICE("who"), .rules = {rules, 2}, .fields = {fields, 2}};
    taken->aliases = &alias;
    taken->alias_count = 1;
    open_or_fail(&b);
    bool is_input;
    const struct slice *names;
    assert_int_equal(correlate_plan_fields(b.plan, good, &names, &is_input), 1);
    assert_true(is_input && slice_equal(names[0], SLICE("value")));
    assert_int_equal(correlate_plan_fields(b.plan, 2, &names, &is_input), 0);
    assert_false(is_input);
    assert_false(correlate_plan_shows(b.plan, fail));
    assert_false(correlate_plan_shows(b.plan, 2));
    assert_true(correlate_plan_shows(b.plan, 3));
    build_feed(&b, good, 0, NULL, "bob");
    build_feed(&b, fail, 1, "bob", NULL);
    build_feed(&b, fail, 2, "bob", NULL);
    build_feed(&b, good, 3, NULL, "eve");
    assert_found(&b, "");
    build_feed(&b, good, 4, NULL, "BOB");
    assert_found(&b, "taken @4 2 [who=bob] 3: 1 3 5\n");
    build_close(&b);
}

static void test_generate_shows_the_parts(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    struct correlation *inner = build_correlation(&b, "inner", CORRELATE_EVENT_COUNT, "r", "");
    struct correlation *outer = build_correlation(&b, "outer", CORRELATE_EVENT_COUNT, "inner", "");
    build_condition(inner, COMPARE_GTE, 1);
    build_condition(outer, COMPARE_GTE, 1);
    inner->generate = outer->generate = true;
    open_or_fail(&b);
    assert_true(correlate_plan_shows(b.plan, rule));
    build_feed(&b, rule, 1, NULL, NULL);
    assert_found(&b, "inner @1 1 [] 1: 1\nouter @1 1 [] 1: 1\n");
    build_close(&b);
}

static void test_plan_refuses(void **state)
{
    (void)state;
    struct err err = {0};
    struct build missing = {0};
    (void)build_correlation(&missing, "c", CORRELATE_TEMPORAL, "nobody", "");
    assert_int_equal(build_open(&missing, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "nobody"));
    struct build circle = {0};
    (void)build_correlation(&circle, "a", CORRELATE_TEMPORAL, "b", "");
    (void)build_correlation(&circle, "b", CORRELATE_TEMPORAL, "a", "");
    assert_int_equal(build_open(&circle, &err), ERR_LIMIT);
    struct build no_field = {0};
    (void)build_rule(&no_field, "r");
    build_correlation(&no_field, "c", CORRELATE_VALUE_SUM, "r", "")->fields.count = 0;
    assert_int_equal(build_open(&no_field, &err), ERR_SYNTAX);
    static const char names[RULE_CHAIN_MAX + 1][3] = {"c0", "c1", "c2", "c3", "c4", "c5",
                                                      "c6", "c7", "c8", "c9", "ca"};
    struct build chain = {0};
    (void)build_rule(&chain, "r");
    for (int i = 0; i <= RULE_CHAIN_MAX; i++) {
        (void)build_correlation(&chain, names[i], CORRELATE_TEMPORAL, i ? names[i - 1] : "r", "");
        int rc = build_open(&chain, &err);
        assert_int_equal(rc, i < RULE_CHAIN_MAX ? ERR_OK : ERR_LIMIT);
        build_close(&chain);
    }
}

static void test_what_cannot_be_correlated_is_counted(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", "user"), COMPARE_GTE, 1);
    open_or_fail(&b);
    build_feed(&b, rule, 1, NULL, NULL);
    struct slice user = SLICE("a");
    struct correlate_input input = {
        .rule = rule, .place = {.time_ns = CLOCK_NONE}, .values = &user};
    correlate_feed(b.correlator, &input, build_emit, &b);
    assert_found(&b, "");
    struct correlate_stats stats = stats_of(&b);
    assert_int_equal(stats.inputs, 2);
    assert_int_equal(stats.without_group, 1);
    assert_int_equal(stats.without_time, 1);
    assert_int_equal(stats.entries, 0);
    build_feed(&b, rule, 1, "", NULL); /* an empty value is a value */
    assert_found(&b, "c @1 1 [user=] 1: 2\n");
    build_close(&b);
}

static void test_late_inputs_find_their_place(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", ""), COMPARE_GTE, 3);
    open_or_fail(&b);
    build_feed(&b, rule, 0, NULL, NULL);
    build_feed(&b, rule, 20, NULL, NULL);
    build_feed(&b, rule, 500, NULL, NULL);
    build_feed(&b, rule, 10, NULL, NULL); /* makes the window that ended at 20 */
    assert_found(&b, "c @20 3 [] 3: 1 4 2\n");
    build_feed(&b, rule, 15, NULL, NULL); /* the same firing */
    assert_found(&b, "");
    build_feed(&b, rule, 490, NULL, NULL);
    build_feed(&b, rule, 480, NULL, NULL); /* the newest window */
    assert_found(&b, "c @500 3 [] 3: 7 6 3\n");
    build_feed(&b, rule, 1100, NULL, NULL);
    build_feed(&b, rule, 499, NULL, NULL); /* more than ten minutes */
    assert_int_equal(stats_of(&b).late, 1);
    build_close(&b);
}

static void test_late_order(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t one = build_rule(&b, "one"), two = build_rule(&b, "two");
    (void)build_correlation(&b, "order", CORRELATE_TEMPORAL_ORDERED, "one two", "");
    open_or_fail(&b);
    build_feed(&b, two, 50, NULL, NULL);
    build_feed(&b, one, 60, NULL, NULL);
    assert_found(&b, ""); /* not in order by event time */
    build_feed(&b, one, 40, NULL, NULL);
    assert_found(&b, "order @50 2 [] 2: 3 1\n");
    build_close(&b);
}

static void test_caps_evict_the_stalest(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", "user"), COMPARE_GTE, 3);
    open_or_fail(&b);
    correlator_limit(b.correlator, 4, 100);
    build_feed(&b, rule, 1, "a", NULL);
    build_feed(&b, rule, 2, "a", NULL);
    build_feed(&b, rule, 3, "b", NULL);
    build_feed(&b, rule, 4, "b", NULL);
    assert_int_equal(stats_of(&b).evicted_entries, 0);
    build_feed(&b, rule, 5, "b", NULL); /* fires; the fifth entry puts a out */
    assert_found(&b, "c @5 3 [user=b] 3: 3 4 5\n");
    assert_int_equal(stats_of(&b).evicted_entries, 2);
    build_feed(&b, rule, 6, "a", NULL);
    assert_found(&b, "");
    build_feed(&b, rule, 7, "a", NULL); /* puts b out */
    build_feed(&b, rule, 8, "a", NULL);
    assert_found(&b, "c @8 3 [user=a] 3: 6 7 8 capped\n");
    assert_int_equal(stats_of(&b).entries, 3);
    build_feed(&b, rule, 200, "a", NULL);
    build_feed(&b, rule, 201, "a", NULL);
    build_feed(&b, rule, 202, "a", NULL); /* what was lost is far behind */
    build_tick(&b, INT64_MAX);
    assert_int_equal(stats_of(&b).entries, 0);
    assert_int_equal(stats_of(&b).groups, 0);
    build_close(&b);
}

static void test_near_the_cap_only_windows_are_kept(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", ""), COMPARE_GTE, 9);
    open_or_fail(&b);
    correlator_limit(b.correlator, 8, 100);
    for (int64_t i = 0; i < 50; i++)
        build_feed(&b, rule, i * 60, NULL, NULL); /* two in a window, ten more for late inputs */
    assert_int_equal(stats_of(&b).evicted_entries, 0);
    assert_true(stats_of(&b).entries >= 2);
    build_close(&b);
}

static void test_a_lone_group_loses_its_oldest(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_VALUE_COUNT, "r", ""), COMPARE_GTE, 30);
    open_or_fail(&b);
    correlator_limit(b.correlator, 40, 100);
    for (int64_t i = 0; i < 90; i++) {
        char value[3] = {(char)('a' + i / 10 % 10), (char)('a' + i % 10), 0};
        build_feed(&b, rule, i, NULL, value);
        assert_true(stats_of(&b).entries <= 40);
    }
    assert_true(slice_starts(buf_as_slice(&b.findings), SLICE("c @29 30 [] 30: 1 2 3")));
    assert_true(stats_of(&b).entries > 30);
    build_close(&b);
}

static void test_many_groups_are_capped(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", "user"), COMPARE_GTE, 2);
    open_or_fail(&b);
    correlator_limit(b.correlator, 1000, 10);
    for (int64_t i = 0; i < 500; i++) {
        char user[4] = {(char)('a' + i % 23), (char)('a' + i / 23), 0, 0};
        build_feed(&b, rule, i, user, NULL);
        assert_true(stats_of(&b).groups <= 10);
    }
    assert_int_equal(stats_of(&b).evicted_entries, 490);
    build_close(&b);
}

static void test_only_the_newest_events_are_shown(void **state)
{
    (void)state;
    struct build b = {0};
    uint32_t rule = build_rule(&b, "r");
    build_condition(build_correlation(&b, "c", CORRELATE_EVENT_COUNT, "r", ""), COMPARE_GTE, 150);
    open_or_fail(&b);
    for (int i = 0; i < 150; i++)
        build_feed(&b, rule, 1, NULL, NULL);
    const char *text = buf_text(&b.findings);
    assert_true(slice_starts(slice_from(text), SLICE("c @1 150 [] 150: 51 52 ")));
    assert_true(slice_ends(slice_from(text), SLICE(" 149 150\n")));
    build_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_count),
        cmocka_unit_test(test_the_window_is_open_at_its_start),
        cmocka_unit_test(test_ranges_and_eq),
        cmocka_unit_test(test_less_than_is_judged_at_the_end),
        cmocka_unit_test(test_value_count),
        cmocka_unit_test(test_value_count_over_fields_jointly),
        cmocka_unit_test(test_sums_are_exact),
        cmocka_unit_test(test_percentile),
        cmocka_unit_test(test_percentile_of_the_own_value),
        cmocka_unit_test(test_temporal),
        cmocka_unit_test(test_ordered_with_a_rule_that_comes_again),
        cmocka_unit_test(test_extended_condition),
        cmocka_unit_test(test_chain_through_an_alias),
        cmocka_unit_test(test_generate_shows_the_parts),
        cmocka_unit_test(test_plan_refuses),
        cmocka_unit_test(test_what_cannot_be_correlated_is_counted),
        cmocka_unit_test(test_late_inputs_find_their_place),
        cmocka_unit_test(test_late_order),
        cmocka_unit_test(test_caps_evict_the_stalest),
        cmocka_unit_test(test_near_the_cap_only_windows_are_kept),
        cmocka_unit_test(test_a_lone_group_loses_its_oldest),
        cmocka_unit_test(test_many_groups_are_capped),
        cmocka_unit_test(test_only_the_newest_events_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
