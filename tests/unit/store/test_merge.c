#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include "base/disk_sim.h"

#define DAY_NS  (86400 * CLOCK_SECOND_NS)
#define HOUR_NS (3600 * CLOCK_SECOND_NS)

static uint64_t segments_of(struct store *store)
{
    struct store_stats stats;
    struct err err = {0};
    uint64_t count = 0;
    assert_int_equal(store_stat(store, &stats, &err), ERR_OK);
    for (uint32_t i = 0; i < stats.partition_count; i++)
        count += stats.partitions[i].segments;
    return count;
}

static void merge(struct store_make *m, uint64_t expected)
{
    struct err err = {0};
    uint64_t merged;
    if (store_merge(m->store, m->now_ns, &merged, &err) != ERR_OK)
        fail_msg("store_merge: %s", err.text);
    assert_int_equal(merged, expected);
}

static void test_merging_keeps_every_row_and_the_chain(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 1);
    for (int i = 0; i < 8; i++) {
        store_make_rows(&m, 60);
        store_make_seal(&m);
    }
    store_make_rows(&m, 20);
    assert_int_equal(segments_of(m.store), 24);
    struct digest before = store_make_digest(m.store, m.rows);
    merge(&m, 24);
    assert_int_equal(segments_of(m.store), 3);
    struct digest after = store_make_digest(m.store, m.rows);
    assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
    assert_int_equal(store_make_problems(m.store, true), 0);
    merge(&m, 0); /* one level only */
    store_make_stop(&m);
    store_make_start(&m, true);
    after = store_make_digest(m.store, m.rows);
    assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

static void test_few_segments_wait_until_their_day_is_over(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 2);
    for (int i = 0; i < 2; i++) {
        store_make_rows(&m, 60);
        store_make_seal(&m);
    }
    merge(&m, 0);
    m.now_ns += DAY_NS;
    merge(&m, 6);
    store_make_rows(&m, 60); /* of another day: not with the others */
    store_make_seal(&m);
    m.now_ns += DAY_NS;
    merge(&m, 0);
    assert_int_equal(segments_of(m.store), 6);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

static void test_inputs_are_unlinked_after_the_longest_query(void **state)
{
    struct store_make m;
    (void)state;
    store_make_folder(&m, 3);
    m.options.query_ns = HOUR_NS;
    store_make_start(&m, true);
    for (int i = 0; i < 8; i++) {
        store_make_rows(&m, 30);
        store_make_seal(&m);
    }
    merge(&m, 24);
    assert_int_equal(store_make_files(&m, ".g0.segment"), 24);
    m.now_ns += HOUR_NS + CLOCK_SECOND_NS;
    merge(&m, 0);
    assert_int_equal(store_make_files(&m, ".g0.segment"), 0);
    assert_int_equal(store_make_files(&m, ".g1.segment"), 3);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

/* A power cut in any changing call of merging and of what comes after it loses nothing. */
static void test_a_power_cut_at_any_call_loses_nothing(void **state)
{
    bool was_cut = true;
    (void)state;
    for (uint64_t n = 1; was_cut; n += 1 + n / 8) {
        struct disk *disk = disk_sim_open(n);
        struct store_make m;
        struct err err = {0};
        uint64_t merged;
        store_make_on(&m, disk, 4);
        for (int i = 0; i < 8; i++) {
            store_make_rows(&m, 12);
            store_make_seal(&m);
        }
        struct digest before = store_make_digest(m.store, m.rows);
        disk_sim_cut_at(disk, n);
        int rc = store_merge(m.store, m.now_ns, &merged, &err);
        if (rc == ERR_OK)
            rc = store_merge(m.store, m.now_ns + DAY_NS, &merged, &err);
        was_cut = disk_sim_is_cut(disk);
        assert_true(rc == ERR_OK || was_cut);
        store_make_stop(&m);
        disk_sim_restart(disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        store_make_start(&m, true);
        struct digest after = store_make_digest(m.store, m.rows);
        assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
        assert_int_equal(store_make_problems(m.store, true), 0);
        assert_int_equal(store_merge(m.store, m.now_ns + DAY_NS, &merged, &err), ERR_OK);
        assert_int_equal(segments_of(m.store), 3);
        after = store_make_digest(m.store, m.rows);
        assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
        store_make_close(&m);
        disk_sim_close(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging_keeps_every_row_and_the_chain),
        cmocka_unit_test(test_few_segments_wait_until_their_day_is_over),
        cmocka_unit_test(test_inputs_are_unlinked_after_the_longest_query),
        cmocka_unit_test(test_a_power_cut_at_any_call_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
