#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include "base/disk_sim.h"

#define DAY_NS  (86400 * CLOCK_SECOND_NS)
#define HOUR_NS (3600 * CLOCK_SECOND_NS)

struct seen {
    uint64_t segments, rows, bytes;
    const char *reason;
};

static void expire_note(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                        const char *reason)
{
    struct seen *s = context;
    assert_true(slice_starts(path, SLICE("segments/")));
    s->segments++;
    s->rows += rows;
    s->bytes += bytes;
    s->reason = reason;
}

static struct store_expired expire(struct store_make *m, const struct store_policy *policies,
                                   uint32_t count, bool dry_run)
{
    struct store_expired out;
    struct seen seen = {0};
    struct err err = {0};
    if (store_expire(m->store, policies, count, m->now_ns, dry_run, expire_note, &seen, &out,
                     &err) != ERR_OK)
        fail_msg("store_expire: %s", err.text);
    assert_int_equal(out.segments, seen.segments);
    assert_int_equal(out.rows, seen.rows);
    assert_int_equal(out.bytes, seen.bytes);
    return out;
}

/* Three days of rows, three partitions each; then some that are not sealed. */
static void store_fill(struct store_make *m, uint64_t seed)
{
    store_make_folder(m, seed);
    m->options.query_ns = HOUR_NS;
    store_make_start(m, true);
    for (int i = 0; i < 3; i++) {
        store_make_rows(m, 90);
        store_make_seal(m);
        m->now_ns += DAY_NS;
    }
    store_make_rows(m, 15);
}

static uint64_t rows_found(struct store_make *m)
{
    struct err err = {0};
    struct store_verified v;
    assert_int_equal(store_verify(m->store, SLICE(""), NULL, NULL, &v, &err), ERR_OK);
    assert_int_equal(v.problems, 0);
    return v.rows;
}

static void test_old_segments_go_and_leave_tombstones(void **state)
{
    struct store_make m;
    struct err err = {0};
    struct store_verified v;
    struct store_policy two_days = {.keep_ns = 2 * DAY_NS + HOUR_NS};
    (void)state;
    store_fill(&m, 1);
    struct store_expired would = expire(&m, &two_days, 1, true);
    assert_int_equal(would.segments, 3);
    assert_int_equal(rows_found(&m), m.rows); /* it only said so */
    struct store_expired did = expire(&m, &two_days, 1, false);
    assert_memory_equal(&would, &did, sizeof did);
    assert_int_equal(did.rows, 90);
    assert_int_equal(expire(&m, &two_days, 1, false).segments, 0);
    assert_int_equal(store_make_problems(m.store, true), 0);
    assert_int_equal(rows_found(&m), m.rows - 90);
    assert_int_equal(store_verify(m.store, SLICE(""), NULL, NULL, &v, &err), ERR_OK);
    assert_int_equal(v.tombstones, 3);
    assert_int_equal(store_make_files(&m, ".segment"), 9);
    m.now_ns += HOUR_NS + CLOCK_SECOND_NS; /* the longest query is over */
    (void)expire(&m, NULL, 0, false);
    assert_int_equal(store_make_files(&m, ".segment"), 6);
    store_make_stop(&m);
    store_make_start(&m, true);
    store_make_rows(&m, 10);
    store_make_stop(&m);
    store_make_start(&m, false);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

static void test_a_hold_keeps_everything(void **state)
{
    struct store_make m;
    struct store_policy policies[] = {
        {.partition = SLICE("windows"), .keep_ns = 1, .keep_bytes = 1, .hold = true},
        {.keep_ns = 1}};
    (void)state;
    store_fill(&m, 2);
    assert_int_equal(expire(&m, policies, 2, false).segments, 6);
    assert_int_equal(store_make_problems(m.store, true), 0);
    assert_int_equal(expire(&m, policies, 1, false).segments, 0);
    store_make_close(&m);
}

static void test_oldest_go_when_there_is_too_much(void **state)
{
    struct store_make m;
    struct store_stats stats;
    struct err err = {0};
    uint64_t bytes = 0;
    (void)state;
    store_fill(&m, 3);
    assert_int_equal(store_stat(m.store, &stats, &err), ERR_OK);
    for (uint32_t i = 0; i < stats.partition_count; i++)
        if (slice_equal(stats.partitions[i].name, SLICE("linux")))
            bytes = stats.partitions[i].bytes;
    struct store_policy most = {.partition = SLICE("linux"), .keep_bytes = bytes - 1};
    assert_int_equal(expire(&m, &most, 1, false).segments, 1);
    assert_int_equal(expire(&m, &most, 1, false).segments, 0);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

static void test_rows_not_sealed_never_go(void **state)
{
    struct store_make m;
    struct store_policy nothing = {.keep_ns = 1, .keep_bytes = 1};
    (void)state;
    store_fill(&m, 4);
    m.now_ns += 30 * DAY_NS;
    assert_int_equal(expire(&m, &nothing, 1, false).rows, 270);
    assert_int_equal(rows_found(&m), 15);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_seal(&m);
    assert_int_equal(rows_found(&m), 15);
    store_make_close(&m);
}

static void test_merged_segments_expire(void **state)
{
    struct store_make m;
    struct err err = {0};
    struct store_policy nothing = {.keep_ns = HOUR_NS};
    uint64_t merged;
    (void)state;
    store_make_open(&m, 5);
    for (int i = 0; i < 8; i++) {
        store_make_rows(&m, 30);
        store_make_seal(&m);
    }
    assert_int_equal(store_merge(m.store, m.now_ns, &merged, &err), ERR_OK);
    assert_int_equal(merged, 24);
    m.now_ns += DAY_NS;
    store_make_rows(&m, 30);
    assert_int_equal(expire(&m, &nothing, 1, false).segments, 3);
    assert_int_equal(rows_found(&m), 30);
    store_make_close(&m);
}

/* Neither while the clock is wrong nor when it is right again does anything go that is not old. */
static void test_a_clock_that_jumps_makes_nothing_old(void **state)
{
    struct store_make m;
    struct store_policy week = {.keep_ns = 7 * DAY_NS};
    int64_t jumps[] = {4000 * DAY_NS, -4000 * DAY_NS};
    (void)state;
    store_fill(&m, 7);
    int64_t now_ns = m.now_ns;
    for (int i = 0; i < 2; i++) {
        m.now_ns = now_ns + jumps[i];
        assert_int_equal(expire(&m, &week, 1, false).segments, 0);
        store_make_rows(&m, 30);
        store_make_seal(&m);
        assert_int_equal(expire(&m, &week, 1, false).segments, 0);
        m.now_ns = now_ns += HOUR_NS;
        store_make_rows(&m, 30);
        store_make_seal(&m);
        assert_int_equal(expire(&m, &week, 1, false).segments, 0);
    }
    for (int i = 0; i < 8; i++) {
        m.now_ns += DAY_NS;
        store_make_rows(&m, 30);
        store_make_seal(&m);
    }
    assert_true(expire(&m, &week, 1, false).segments >= 9); /* the first three days */
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

/* After a power cut in any changing call, either a segment is there or its tombstone is. */
static void test_a_power_cut_at_any_call_leaves_no_hole(void **state)
{
    bool was_cut = true;
    (void)state;
    for (uint64_t n = 1; was_cut; n += 1 + n / 8) {
        struct disk *disk = disk_sim_open(n);
        struct store_make m;
        struct store_expired out;
        struct err err = {0};
        struct store_policy policy = {.keep_ns = DAY_NS};
        store_make_on(&m, disk, 6);
        for (int i = 0; i < 2; i++) {
            store_make_rows(&m, 20);
            store_make_seal(&m);
            m.now_ns += 2 * DAY_NS;
        }
        store_make_rows(&m, 5);
        disk_sim_cut_at(disk, n);
        int rc = store_expire(m.store, &policy, 1, m.now_ns, false, NULL, NULL, &out, &err);
        if (rc == ERR_OK)
            rc = store_expire(m.store, NULL, 0, m.now_ns + DAY_NS, false, NULL, NULL, &out, &err);
        was_cut = disk_sim_is_cut(disk);
        assert_true(rc == ERR_OK || was_cut);
        store_make_stop(&m);
        disk_sim_restart(disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        store_make_start(&m, true);
        assert_int_equal(store_make_problems(m.store, true), 0);
        (void)expire(&m, &policy, 1, false);
        assert_int_equal(rows_found(&m), 5);
        store_make_close(&m);
        disk_sim_close(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_segments_go_and_leave_tombstones),
        cmocka_unit_test(test_a_hold_keeps_everything),
        cmocka_unit_test(test_oldest_go_when_there_is_too_much),
        cmocka_unit_test(test_rows_not_sealed_never_go),
        cmocka_unit_test(test_merged_segments_expire),
        cmocka_unit_test(test_a_clock_that_jumps_makes_nothing_old),
        cmocka_unit_test(test_a_power_cut_at_any_call_leaves_no_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
