#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "watch/live.h"

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

struct bed {
    struct config *config;
    struct live live;
};

static void bed_open(struct bed *bed)
{
    struct err err;
    assert_int_equal(config_open_text(&bed->config,
                                      SLICE("sources:\n"
                                            "  - {name: app, category: test}\n"
                                            "  - {name: other, product: windows}\n"),
                                      &err),
                     ERR_OK);
    struct live_options options = {.config = bed->config, .judges = true};
    bed->live = (struct live){0};
    assert_int_equal(live_open(&bed->live, &options, &err), ERR_OK);
}

static void bed_close(struct bed *bed)
{
    live_close(&bed->live);
    config_close(&bed->config);
}

/* A set of the pack's rules; NULL ends them. */
static struct live_rules *set_make(struct bed *bed, const char *pack, const char *const *texts)
{
    struct bundle_writer *w = bundle_writer_open();
    struct bundle_pack about = {slice_from(pack), SLICE(""), SLICE("")};
    struct buf bytes = {0};
    struct live_rules *rules;
    struct err err;
    assert_int_equal(bundle_add_pack(w, &about, NULL), ERR_OK);
    for (int i = 0; texts[i]; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d.yml", i);
        struct bundle_entry entry = {BUNDLE_RULE, slice_from(pack), slice_from(name),
                                     slice_from(texts[i])};
        assert_int_equal(bundle_add(w, &entry, NULL), ERR_OK);
    }
    assert_int_equal(bundle_end(w, &bytes, NULL), ERR_OK);
    bundle_writer_close(&w);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &bed->config->rules,
                                 .indicators.bytes = SLICE("")};
    assert_int_equal(live_compile(&bed->live, &bundle, &rules, &err), ERR_OK);
    buf_free(&bytes);
    return rules;
}

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

static void a_block_keeps_its_set(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed);
    live_put(&bed.live, set_make(&bed, "own", set_one));
    struct live_rules *judging = live_block_begin(&bed.live, 0);
    assert_false(live_is_behind(&bed.live));
    live_put(&bed.live, set_make(&bed, "own", set_two));
    assert_true(live_is_behind(&bed.live));
    assert_int_equal(judging->rules.loaded, 1); /* it is still there */
    struct live_rules *next = live_block_begin(&bed.live, 0);
    assert_int_equal(next->rules.loaded, 2);
    live_block_end(&bed.live, judging);
    assert_false(live_is_behind(&bed.live));
    live_block_end(&bed.live, next);
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
    while (!atomic_load(&c->ends)) {
        struct live_rules *rules = live_block_begin(&c->bed->live, 1000000000);
        check(rules && rules->rules.loaded >= 1 && rules->rules.loaded <= 2);
        check(slice_equal(rules->rules.all.rules[rules->rules.loaded - 1]->title, SLICE("Hit")));
        live_block_end(&c->bed->live, rules);
        (void)atomic_fetch_add(&c->blocks, 1);
    }
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
        cmocka_unit_test(sources_of_one_log_source_share), cmocka_unit_test(selection_holds),
        cmocka_unit_test(numbers_are_found_by_id),         cmocka_unit_test(a_block_keeps_its_set),
        cmocka_unit_test(swaps_while_many_judge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
