/* Rules that take too much: who is suspended, who stays, what a matcher then gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>

#include "detection/match.h"
#include "detection/sigma.h"
#include "formats/json.h"

enum { EVENTS_PER_WINDOW = 20000 };

/* A clock that each look moves on by what the test says. */
static uint64_t clock_ns, step_ns;

static uint64_t ticks(void)
{
    return clock_ns += step_ns;
}

static const char rules_yaml[] =
    "title: greedy\nid: greedy\nlogsource: {product: p}\ndetection:\n  s:\n"
    "    a|re: '(x+x+)+[yw]'\n  condition: s\n"
    "---\n"
    "title: harmless\nid: harmless\nlogsource: {product: p}\ndetection:\n  s:\n"
    "    a|re: 'x.*z'\n  condition: s\n"
    "---\n"
    "title: counted\nid: counted\ncorrelation:\n  type: event_count\n  rules: [greedy]\n"
    "  group-by: [u]\n  timespan: 1m\n  condition: {gte: 2}\n"
    "---\n"
    "title: chained\nid: chained\ncorrelation:\n  type: temporal\n  rules: [harmless, counted]\n"
    "  group-by: [u]\n  timespan: 1m\n"
    "---\n"
    "title: fed\nid: fed\ncorrelation:\n  type: event_count\n  rules: [harmless]\n"
    "  group-by: [u]\n  timespan: 1m\n  condition: {gte: 2}\n";

enum { GREEDY, HARMLESS, COUNTED, CHAINED, FED, RULES };

struct fixture {
    struct arena arena;
    struct rule_list rules;
    struct problem_list problems;
    struct mapping_set *mappings;
    struct ruleset *set;
    struct matcher *matcher;
    struct rule_burden *burden;
    struct record record;
};

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    struct sigma_options options = {0};
    struct ruleset_options how = {.jit = true};
    struct err err;
    f = (struct fixture){0};
    clock_ns = 0;
    step_ns = 1000;
    assert_int_equal(sigma_read(&f.rules, &f.problems, SLICE("t.yml"), slice_from(rules_yaml),
                                &options, &f.arena),
                     0);
    assert_int_equal(f.rules.count, RULES);
    f.mappings = mapping_set_open();
    assert_int_equal(ruleset_open(&f.set, &f.rules, f.mappings, &how, &err), ERR_OK);
    f.matcher = matcher_open(f.set);
    f.burden = rule_burden_open(f.rules.count, ticks);
    matcher_watch(f.matcher, f.burden);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    matcher_close(&f.matcher);
    ruleset_close(&f.set);
    mapping_set_close(&f.mappings);
    rule_burden_close(&f.burden);
    record_free(&f.record);
    rule_list_free(&f.rules);
    problem_list_free(&f.problems);
    arena_free(&f.arena);
    return 0;
}

/* Bits of the rules that held. */
static unsigned run(const char *json)
{
    const uint32_t *found;
    unsigned bits = 0;
    record_reset(&f.record);
    assert_int_equal(json_parse_record(&f.record, slice_from(json), NULL), ERR_OK);
    uint32_t count = matcher_run(f.matcher, &f.record, &found);
    for (uint32_t i = 0; i < count; i++)
        bits |= 1u << found[i];
    return bits;
}

static void backtrack(unsigned events)
{
    for (unsigned i = 0; i < events; i++)
        (void)run("{\"a\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx z\"}");
}

static uint32_t judge_at(uint64_t windows)
{
    const struct burden_verdict *new_ones;
    return rule_burden_judge(f.burden, windows * BURDEN_WINDOW_NS, &new_ones);
}

static void a_regex_that_backtracks_is_suspended_and_the_harmless_one_stays(void **state)
{
    (void)state;
    const struct burden_verdict *verdicts;
    assert_int_equal(judge_at(0), 0);
    backtrack(BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(run("{\"a\":\"xxy xz\"}"), 1u << GREEDY | 1u << HARMLESS);
    assert_int_equal(judge_at(1), 1);
    assert_int_equal(rule_burden_suspended(f.burden, &verdicts), 1);
    assert_int_equal(verdicts[0].rule, GREEDY);
    assert_int_equal(verdicts[0].reason, BURDEN_LIMITS);
    assert_int_equal(verdicts[0].figures.limit_events, BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(run("{\"a\":\"xxy xz\"}"), 1u << HARMLESS);
    struct buf text = {0};
    burden_verdict_text(&text, &verdicts[0], false);
    assert_non_null(strstr(buf_text(&text), "51 events in 10 s"));
    buf_free(&text);
}

static void limits_now_and_then_suspend_nothing(void **state)
{
    (void)state;
    (void)judge_at(0);
    for (uint64_t window = 1; window < 4; window++) {
        backtrack(BURDEN_LIMIT_EVENTS);
        assert_int_equal(judge_at(window), 0);
    }
    /* twice as long a window may have twice as many */
    backtrack(BURDEN_LIMIT_EVENTS + 10);
    assert_int_equal(judge_at(5), 0);
    assert_int_equal(run("{\"a\":\"xxy\"}"), 1u << GREEDY);
}

static void without_a_whole_window_nothing_is_judged(void **state)
{
    (void)state;
    const struct burden_verdict *none;
    backtrack(BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(judge_at(3), 0); /* the first window begins here */
    backtrack(BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(rule_burden_judge(f.burden, 4 * BURDEN_WINDOW_NS - 1, &none), 0);
    assert_int_equal(judge_at(4), 1);
}

static void resumed_it_gives_again_until_it_burns_again(void **state)
{
    (void)state;
    (void)judge_at(0);
    backtrack(BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(judge_at(1), 1);
    assert_false(rule_burden_resume(f.burden, HARMLESS));
    for (unsigned i = 0; i <= BURDEN_LIMIT_EVENTS; i++)
        rule_burden_limit(f.burden, GREEDY); /* of a matcher that had not seen it yet */
    assert_true(rule_burden_resume(f.burden, GREEDY));
    assert_false(rule_burden_resume(f.burden, GREEDY));
    assert_null(rule_burden_flags(f.burden));
    assert_int_equal(run("{\"a\":\"xxy\"}"), 1u << GREEDY);
    assert_int_equal(judge_at(2), 0);
    backtrack(BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(judge_at(3), 1);
}

static void spend(uint64_t each_ns, unsigned events)
{
    step_ns = each_ns;
    for (unsigned i = 0; i < events; i++)
        (void)run("{\"a\":\"xxy\"}");
}

static void time_is_what_many_slow_evaluations_take(void **state)
{
    (void)state;
    const struct burden_verdict *verdicts;
    struct burden_figures figures;
    (void)judge_at(0);
    spend(BURDEN_SLOW_NS * 5, EVENTS_PER_WINDOW); /* about 20 % of the window */
    rule_burden_read(f.burden, GREEDY, &figures);
    assert_in_range(figures.evaluations, EVENTS_PER_WINDOW / 2, EVENTS_PER_WINDOW * 2);
    assert_true(judge_at(1) >= 1);
    assert_true(rule_burden_suspended(f.burden, &verdicts) >= 1);
    assert_int_equal(verdicts[0].reason, BURDEN_TIME);
    assert_int_equal(run("{\"a\":\"xxy xz\"}") & 1u << GREEDY, 0);
}

static void many_fast_ones_and_few_slow_ones_are_harmless(void **state)
{
    (void)state;
    (void)judge_at(0);
    spend(BURDEN_SLOW_NS - 1000, 5 * EVENTS_PER_WINDOW); /* a whole core and more, but fast */
    assert_int_equal(judge_at(1), 0);
    rule_burden_add(f.burden, GREEDY, BURDEN_WINDOW_NS); /* one that by chance took long */
    assert_int_equal(judge_at(2), 0);
    for (unsigned i = 0; i < 10000; i++) /* much time, but on the average fast */
        rule_burden_add(f.burden, GREEDY, i % 1000 ? 10000 : 5 * BURDEN_SLOW_NS);
    assert_int_equal(judge_at(3), 0);
    spend(BURDEN_SLOW_NS * 5, EVENTS_PER_WINDOW / 20); /* slow, but about 1 % of the window */
    assert_int_equal(judge_at(4), 0);
}

static void correlations_say_whose_findings_they_miss(void **state)
{
    (void)state;
    uint32_t input_of[RULES];
    struct rule_inputs *inputs = rule_inputs_open(&f.rules);
    assert_int_equal(rule_burden_starve(f.burden, inputs, input_of), 0);
    (void)judge_at(0);
    backtrack(BURDEN_LIMIT_EVENTS + 1);
    assert_int_equal(judge_at(1), 1);
    assert_int_equal(rule_burden_starve(f.burden, inputs, input_of), 2);
    assert_int_equal(input_of[COUNTED], GREEDY);
    assert_int_equal(input_of[CHAINED], GREEDY);
    assert_int_equal(input_of[FED], RULE_INPUT_MISSING);
    rule_inputs_close(&inputs);
}

static void *limits_of_a_thread(void *burden)
{
    for (unsigned i = 0; i < EVENTS_PER_WINDOW; i++) {
        rule_burden_limit(burden, HARMLESS);
        rule_burden_add(burden, HARMLESS, 1);
        (void)rule_burden_flags(burden);
    }
    return NULL;
}

static void threads_share_one_count(void **state)
{
    (void)state;
    pthread_t threads[2];
    struct burden_figures figures;
    (void)judge_at(0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, limits_of_a_thread, f.burden), 0);
    (void)judge_at(1);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)judge_at(2);
    rule_burden_read(f.burden, HARMLESS, &figures);
    assert_int_equal(figures.limit_events, 2 * EVENTS_PER_WINDOW);
    assert_int_equal(figures.busy_ns, 2 * EVENTS_PER_WINDOW * BURDEN_SAMPLE_EVENTS);
    assert_true(rule_burden_resume(f.burden, HARMLESS));
}

static void nobody_watching_costs_no_look_at_the_clock(void **state)
{
    (void)state;
    matcher_watch(f.matcher, NULL);
    spend(1000, 1000);
    assert_int_equal(clock_ns, 0);
    backtrack(1);
    struct burden_figures figures;
    rule_burden_read(f.burden, GREEDY, &figures);
    assert_int_equal(figures.limit_events, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_regex_that_backtracks_is_suspended_and_the_harmless_one_stays),
        CASE(limits_now_and_then_suspend_nothing),
        CASE(without_a_whole_window_nothing_is_judged),
        CASE(resumed_it_gives_again_until_it_burns_again),
        CASE(time_is_what_many_slow_evaluations_take),
        CASE(many_fast_ones_and_few_slow_ones_are_harmless),
        CASE(correlations_say_whose_findings_they_miss),
        CASE(threads_share_one_count),
        CASE(nobody_watching_costs_no_look_at_the_clock)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
