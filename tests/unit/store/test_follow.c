#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include "base/disk_sim.h"

#define DAY_NS (86400 * CLOCK_SECOND_NS)

static struct store_follow *follow_open(struct store_make *m, uint64_t after,
                                        const struct slice *partition, bool internal)
{
    struct err err = {0};
    struct store_follow_options options = {.after_sequence = after,
                                           .partitions = partition,
                                           .partition_count = partition ? 1 : 0,
                                           .internal = internal};
    struct store_follow *follow;
    if (store_follow_open(m->store, &options, &follow, &err) != ERR_OK)
        fail_msg("store_follow_open: %s", err.text);
    return follow;
}

/* Rows, at most max, each behind the one before; *last: the newest. */
static uint64_t take(struct store_follow *follow, uint64_t max, uint64_t *last)
{
    struct err err = {0};
    const struct row *row;
    uint64_t count = 0;
    int rc = ERR_OK;
    while (count < max && (rc = store_follow_next(follow, &row, &err)) == ERR_OK) {
        assert_true(row->sequence > *last);
        assert_true(row->context->partition.len > 0);
        assert_non_null(row->record);
        *last = row->sequence;
        count++;
    }
    if (rc != ERR_OK && rc != ERR_END)
        fail_msg("store_follow_next: %s", err.text);
    return count;
}

static uint64_t count_of(struct store_make *m, struct slice partition)
{
    struct err err = {0};
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .partitions = &partition,
                                  .partition_count = 1};
    struct store_cursor *cursor;
    struct store_item item;
    uint64_t count = 0;
    assert_int_equal(store_search(m->store, &search, &cursor, &err), ERR_OK);
    while (store_next(cursor, &item, &err) == ERR_OK)
        count += item.kind == STORE_ROW;
    store_cursor_close(&cursor);
    return count;
}

static struct store_follow_stats stats_of(const struct store_follow *follow)
{
    struct store_follow_stats stats;
    store_follow_stats(follow, &stats);
    return stats;
}

/* Seals, merges and further rows come between and in the middle: every row once, in order. */
static void test_every_row_comes_once_whatever_happens_between(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct store_make m;
        struct err err = {0};
        uint64_t last = 0, got = 0, merged;
        store_make_open(&m, seed);
        struct store_follow *follow = follow_open(&m, 0, NULL, true);
        for (int step = 0; step < 40; step++) {
            switch (random_below(&m.random, 6)) {
            case 0:
                store_make_seal(&m);
                break;
            case 1:
                assert_int_equal(store_merge(m.store, m.now_ns + 2 * DAY_NS, &merged, &err),
                                 ERR_OK);
                break;
            case 2: /* the caller begins anew where it was */
                store_follow_close(&follow);
                follow = follow_open(&m, last, NULL, true);
                break;
            default:
                store_make_rows(&m, 1 + random_below(&m.random, 50));
            }
            got += take(follow, random_below(&m.random, 3) ? 1000 : random_below(&m.random, 30),
                        &last);
            assert_int_equal(last, got); /* no number is left out */
        }
        got += take(follow, UINT64_MAX, &last);
        assert_int_equal(got, m.rows);
        assert_int_equal(stats_of(follow).sequence, m.rows);
        assert_int_equal(take(follow, 1, &last), 0);
        assert_int_equal(stats_of(follow).expired_rows + stats_of(follow).damaged_rows, 0);
        store_follow_close(&follow);
        store_make_close(&m);
    }
}

static void test_only_the_partitions_wanted(void **state)
{
    struct store_make m;
    struct slice findings = SLICE("_findings");
    uint64_t last = 0, others_last = 0;
    (void)state;
    store_make_open(&m, 2);
    struct store_follow *follow = follow_open(&m, 0, &findings, false);
    struct store_follow *others = follow_open(&m, 0, NULL, false);
    uint64_t got = 0, others_got = 0;
    for (int i = 0; i < 6; i++) {
        store_make_rows(&m, 70);
        if (i % 2)
            store_make_seal(&m);
        got += take(follow, UINT64_MAX, &last);
        others_got += take(others, UINT64_MAX, &others_last);
        assert_int_equal(stats_of(follow).sequence, m.rows); /* also where none was wanted */
    }
    assert_int_equal(got, count_of(&m, findings));
    assert_int_equal(got + others_got, m.rows);
    store_follow_close(&follow);
    store_follow_close(&others);
    store_make_close(&m);
}

static void test_a_restart_goes_on_behind_the_position(void **state)
{
    struct store_make m;
    uint64_t last = 0;
    (void)state;
    store_make_open(&m, 3);
    store_make_rows(&m, 100);
    struct store_follow *follow = follow_open(&m, 0, NULL, true);
    assert_int_equal(take(follow, 60, &last), 60);
    store_follow_close(&follow);
    store_make_stop(&m);
    store_make_start(&m, true);
    store_make_seal(&m);
    store_make_rows(&m, 10);
    follow = follow_open(&m, last, NULL, true);
    assert_int_equal(take(follow, UINT64_MAX, &last), 50);
    assert_int_equal(last, 110);
    store_follow_close(&follow);
    store_make_stop(&m);
    store_make_start(&m, false); /* a reader, and nobody writes */
    follow = follow_open(&m, 105, NULL, true);
    last = 105;
    assert_int_equal(take(follow, UINT64_MAX, &last), 5);
    assert_int_equal(take(follow, UINT64_MAX, &last), 0);
    store_follow_close(&follow);
    store_make_close(&m);
}

static void expired_note(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                         const char *reason)
{
    (void)context;
    assert_true(path.len && rows && bytes && reason);
}

static void expire(struct store_make *m, const char *partition)
{
    struct err err = {0};
    struct store_policy policies[] = {{.partition = slice_from(partition), .keep_ns = DAY_NS},
                                      {.partition = SLICE("")}};
    struct store_expired expired;
    assert_int_equal(store_expire(m->store, policies, 2, m->now_ns + 3 * DAY_NS, false,
                                  expired_note, NULL, &expired, &err),
                     ERR_OK);
    assert_true(expired.rows > 0);
}

static void test_what_retention_removed_is_passed_over_and_counted(void **state)
{
    struct store_make m;
    struct slice findings = SLICE("_findings");
    uint64_t last = 0, all_last = 0, later_last = 150;
    (void)state;
    store_make_open(&m, 4);
    store_make_rows(&m, 200);
    store_make_seal(&m);
    uint64_t windows = count_of(&m, SLICE("windows"));
    struct store_follow *only = follow_open(&m, 0, &findings, false);
    struct store_follow *all = follow_open(&m, 0, NULL, true);
    struct store_follow *later = follow_open(&m, 150, NULL, true);
    expire(&m, "windows");
    store_make_rows(&m, 30);
    store_make_seal(&m);
    assert_int_equal(take(all, UINT64_MAX, &all_last), 230 - windows);
    assert_int_equal(stats_of(all).expired_rows, windows);
    assert_int_equal(stats_of(all).sequence, 230);
    assert_int_equal(take(only, UINT64_MAX, &last), count_of(&m, findings));
    assert_int_equal(stats_of(only).expired_rows, 0); /* none of those it wants */
    uint64_t given = take(later, UINT64_MAX, &later_last);
    assert_true(given < 80);
    assert_true(stats_of(later).expired_rows >= 80 - given);
    /* what was given before it went is not counted */
    expire(&m, "linux");
    store_make_rows(&m, 10);
    assert_int_equal(take(all, UINT64_MAX, &all_last), 10);
    store_make_seal(&m);
    assert_int_equal(take(all, UINT64_MAX, &all_last), 0);
    assert_int_equal(stats_of(all).expired_rows, windows);
    store_follow_close(&only);
    store_follow_close(&all);
    store_follow_close(&later);
    store_make_close(&m);
}

static void test_on_a_simulated_disk(void **state)
{
    struct store_make m;
    uint64_t last = 0;
    (void)state;
    struct disk *disk = disk_sim_open(5);
    store_make_on(&m, disk, 5);
    struct store_follow *follow = follow_open(&m, 0, NULL, true);
    store_make_rows(&m, 90);
    assert_int_equal(take(follow, 40, &last), 40);
    store_make_seal(&m);
    store_make_rows(&m, 10);
    assert_int_equal(take(follow, UINT64_MAX, &last), 50); /* what there was when it began */
    assert_int_equal(take(follow, UINT64_MAX, &last), 10);
    assert_int_equal(take(follow, UINT64_MAX, &last), 0);
    store_follow_close(&follow);
    store_make_close(&m);
    disk_sim_close(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_comes_once_whatever_happens_between),
        cmocka_unit_test(test_only_the_partitions_wanted),
        cmocka_unit_test(test_a_restart_goes_on_behind_the_position),
        cmocka_unit_test(test_what_retention_removed_is_passed_over_and_counted),
        cmocka_unit_test(test_on_a_simulated_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
