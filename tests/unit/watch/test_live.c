#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "live_bed.h"

enum { THREADS = 4, SWAPS = 40 };

static const char rule_live[] = "title: Hit\nid: 11111111-1111-4111-8111-111111111111\n"
                                "status: stable\nlevel: high\nlogsource: {category: test}\n"
                                "detection:\n  a: {a: hit}\n  condition: a\n";
static const char rule_low[] = "title: Low\nid: 22222222-2222-4222-8222-222222222222\n"
                               "status: stable\nlevel: low\nlogsource: {category: test}\n"
                               "detection:\n  a: {a: low}\n  condition: a\n";
static const char rule_more[] = "title: More\nid: 33333333-3333-4333-8333-333333333333\n"
                                "status: stable\nlevel: high\nlogsource: {category: test}\n"
                                "detection:\n  a: {a: more}\n  condition: a\n";
static const char rule_many[] = "title: Many\nid: 44444444-4444-4444-8444-444444444444\n"
                                "status: stable\nlevel: high\n"
                                "correlation:\n  type: event_count\n"
                                "  rules: [22222222-2222-4222-8222-222222222222]\n"
                                "  group-by: [user]\n  timespan: 5m\n  condition: {gte: 3}\n";

static const char *const set_one[] = {rule_live, NULL};
static const char *const set_two[] = {rule_more, rule_live, NULL};

static void sources_of_one_log_source_share(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed);
    assert_int_equal(bed.live.detector_count, 3);
    assert_int_not_equal(live_source(&bed.live, SLICE("app"))->detector,
                         live_source(&bed.live, SLICE("other"))->detector);
    assert_null(live_source(&bed.live, SLICE("none")));
    assert_null(live_take(&bed.live, 0));
    bed_close(&bed);
}

/* Of an imported pack what is not grave enough serves only the correlation that asks for it. */
static void selection_holds(void **state)
{
    static const char *const texts[] = {rule_live, rule_low, rule_many, NULL};
    static const char *const alone[] = {rule_live, rule_low, NULL};
    struct bed bed;
    (void)state;
    bed_open(&bed);
    struct live_rules *all = set_make(&bed, "own", alone);
    assert_int_equal(all->rules.loaded, 2);
    struct live_rules *few = set_make(&bed, "sigma", alone);
    assert_int_equal(few->rules.loaded, 1);
    struct live_rules *with = set_make(&bed, "sigma", texts);
    assert_int_equal(with->rules.loaded, 3);
    assert_true(detector_shows(with->detectors[0], 0));
    assert_false(detector_shows(with->detectors[0], 1));
    assert_true(detector_shows(with->detectors[0], 2));
    assert_int_not_equal(all->fingerprint, few->fingerprint);
    live_rules_unuse(&all);
    live_rules_unuse(&few);
    live_rules_unuse(&with);
    bed_close(&bed);
}

static void numbers_are_found_by_id(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed);
    struct live_rules *one = set_make(&bed, "own", set_one), *two = set_make(&bed, "own", set_two);
    assert_int_equal(live_rules_number(one, 0, two), 1);
    assert_int_equal(live_rules_number(two, 1, one), 0);
    assert_int_equal(live_rules_number(two, 0, one), RULE_INPUT_MISSING);
    live_rules_unuse(&one);
    live_rules_unuse(&two);
    bed_close(&bed);
}

/* Keeps the set of its newest block, as a lane does. */
struct keeper {
    struct live_holder holder;
    struct live_rules *kept;
    bool judges; /* told by its own thread, so that a let_go meanwhile is seen */
};

static void keeper_let_go(void *context)
{
    struct keeper *k = context;
    check(!k->judges);
    live_rules_unuse(&k->kept);
}

static void keeper_open(struct keeper *k, struct bed *bed)
{
    k->holder = (struct live_holder){.let_go = keeper_let_go, .context = k};
    live_hold(&bed->live, &k->holder);
}

static void keeper_close(struct keeper *k, struct bed *bed)
{
    live_unhold(&bed->live, &k->holder);
    live_rules_unuse(&k->kept);
}

static struct live_rules *keeper_begin(struct keeper *k, struct bed *bed)
{
    struct live_rules *rules = live_block_begin(&bed->live, &k->holder, 1000000000);
    k->judges = true;
    if (k->kept != rules) {
        live_rules_unuse(&k->kept);
        k->kept = live_rules_use(rules);
    }
    return rules;
}

static void keeper_end(struct keeper *k, struct bed *bed, struct live_rules *rules)
{
    k->judges = false;
    live_block_end(&bed->live, &k->holder, rules);
}

/* One that waits for events gives up the old set at the swap, one that judges at its block's end:
 * nobody holds it any longer. */
static void idle_ones_let_go_of_the_old_set(void **state)
{
    struct bed bed;
    struct keeper idle = {0}, judging = {0};
    (void)state;
    bed_open(&bed);
    keeper_open(&idle, &bed);
    keeper_open(&judging, &bed);
    struct live_rules *old = set_make(&bed, "own", set_one);
    live_put(&bed.live, live_rules_use(old));
    keeper_end(&idle, &bed, keeper_begin(&idle, &bed));
    assert_ptr_equal(idle.kept, old); /* for its next block */
    struct live_rules *rules = keeper_begin(&judging, &bed);
    live_put(&bed.live, set_make(&bed, "own", set_two));
    assert_null(idle.kept);
    assert_ptr_equal(judging.kept, old);
    keeper_end(&judging, &bed, rules);
    assert_null(judging.kept);
    assert_int_equal(atomic_load(&old->uses), 1); /* ours */
    live_rules_unuse(&old);
    keeper_close(&idle, &bed);
    keeper_close(&judging, &bed);
    bed_close(&bed);
}

static void a_block_keeps_its_set(void **state)
{
    struct bed bed;
    (void)state;
    struct keeper first = {0}, second = {0};
    bed_open(&bed);
    keeper_open(&first, &bed);
    keeper_open(&second, &bed);
    live_put(&bed.live, set_make(&bed, "own", set_one));
    struct live_rules *judging = live_block_begin(&bed.live, &first.holder, 0);
    assert_false(live_is_behind(&bed.live));
    live_put(&bed.live, set_make(&bed, "own", set_two));
    assert_true(live_is_behind(&bed.live));
    assert_int_equal(judging->rules.loaded, 1); /* it is still there */
    struct live_rules *next = live_block_begin(&bed.live, &second.holder, 0);
    assert_int_equal(next->rules.loaded, 2);
    live_block_end(&bed.live, &first.holder, judging);
    assert_false(live_is_behind(&bed.live));
    live_block_end(&bed.live, &second.holder, next);
    keeper_close(&first, &bed);
    keeper_close(&second, &bed);
    bed_close(&bed);
}

struct crowd {
    struct bed *bed;
    atomic_bool ends;
    atomic_uint blocks;
};

static void *judge(void *context)
{
    struct crowd *c = context;
    struct keeper keeper = {0};
    keeper_open(&keeper, c->bed);
    while (!atomic_load(&c->ends)) {
        struct live_rules *rules = keeper_begin(&keeper, c->bed);
        check(rules && rules->rules.loaded >= 1 && rules->rules.loaded <= 2);
        check(slice_equal(rules->rules.all.rules[rules->rules.loaded - 1]->title, SLICE("Hit")));
        keeper_end(&keeper, c->bed, rules);
        (void)atomic_fetch_add(&c->blocks, 1);
    }
    keeper_close(&keeper, c->bed);
    return NULL;
}

static void swaps_while_many_judge(void **state)
{
    struct bed bed;
    struct crowd crowd = {.bed = &bed};
    pthread_t threads[THREADS];
    (void)state;
    bed_open(&bed);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, judge, &crowd), 0);
    for (int i = 0; i < SWAPS; i++)
        live_put(&bed.live, set_make(&bed, "own", i % 2 ? set_two : set_one));
    while (atomic_load(&crowd.blocks) < SWAPS)
        (void)sched_yield();
    atomic_store(&crowd.ends, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(live_is_behind(&bed.live));
    bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_of_one_log_source_share),
        cmocka_unit_test(selection_holds),
        cmocka_unit_test(numbers_are_found_by_id),
        cmocka_unit_test(a_block_keeps_its_set),
        cmocka_unit_test(swaps_while_many_judge),
        cmocka_unit_test(idle_ones_let_go_of_the_old_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
