/* SQLite on the simulated disk: whatever happens, what was committed is there, whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/database.h"
#include "base/disk_sim.h"

enum { ROUNDS = 6, ROWS = 40, SEEDS = 12 };

struct run {
    struct disk *disk;
    int committed; /* rounds, acknowledged */
    int rc;        /* what ended it */
};

/* Each round adds rows and changes every old one: its number is in all rows. */
static int do_round(struct database *db, int round)
{
    int rc = database_begin(db, NULL);
    struct statement *put = statement_get(db, "INSERT INTO t (round, text) VALUES (?, ?)");
    for (int i = 0; rc == ERR_OK && i < ROWS; i++) {
        char text[100];
        memset(text, 'a' + i % 26, sizeof(text));
        statement_i64(put, 1, round);
        statement_text(put, 2, slice_make(text, sizeof(text)));
        rc = statement_run(put, NULL);
    }
    if (rc == ERR_OK) {
        struct statement *change = statement_get(db, "UPDATE t SET round = ?");
        statement_i64(change, 1, round);
        rc = statement_run(change, NULL);
    }
    if (rc == ERR_OK)
        return database_commit(db, NULL);
    database_roll_back(db);
    return rc;
}

static void work(struct run *run)
{
    struct database *db;
    run->rc = database_open(&db, run->disk, "in/test.db", DATABASE_WRITE, NULL);
    if (run->rc == ERR_OK)
        run->rc = database_run(db,
                               "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY,"
                               " round INTEGER, text TEXT) STRICT;"
                               "CREATE INDEX IF NOT EXISTS t_text ON t (text)",
                               NULL);
    while (run->rc == ERR_OK && run->committed < ROUNDS) {
        run->rc = do_round(db, run->committed + 1);
        run->committed += run->rc == ERR_OK;
    }
    database_close(&db);
}

static struct disk *make_disk(uint64_t seed)
{
    struct disk *disk = disk_sim_open(seed);
    assert_int_equal(disk_make_folder(disk, "in", NULL), ERR_OK);
    assert_int_equal(disk_sync_folder(disk, "", NULL), ERR_OK);
    return disk;
}

/* Whether all is as after `committed` rounds, or after one more. */
static bool is_whole(struct disk *disk, int committed)
{
    struct database *db;
    struct err err = {0};
    if (database_open(&db, disk, "in/test.db", DATABASE_WRITE, &err) != ERR_OK)
        return false;
    bool whole = database_check(db, NULL) == ERR_OK;
    struct statement *s = statement_get(db, "SELECT count(*), min(round), max(round) FROM t");
    int rc = statement_step(s, NULL);
    if (rc == ERR_OK) {
        int64_t rows = statement_column_i64(s, 0), round = statement_column_i64(s, 1);
        whole &= rows == round * ROWS && round == statement_column_i64(s, 2) &&
                 (round == committed || round == committed + 1);
    } else {
        whole &= rc == ERR_DAMAGED && committed == 0; /* the table was not made yet */
    }
    database_close(&db);
    return whole;
}

/* Runs with the power cut in the n-th change; false: there was no such change. */
static bool cut_at(uint64_t seed, uint64_t n, const char *mutation, bool *whole)
{
    struct run run = {.disk = make_disk(seed)};
    if (mutation)
        disk_sim_mutate(run.disk, mutation);
    disk_sim_cut_at(run.disk, n);
    work(&run);
    bool was_cut = disk_sim_is_cut(run.disk);
    assert_int_equal(run.rc, was_cut ? ERR_CLOSED : ERR_OK);
    disk_sim_restart(run.disk, DISK_SIM_POWER);
    *whole = is_whole(run.disk, run.committed);
    disk_sim_close(&run.disk);
    return was_cut;
}

static void test_a_cut_at_every_point(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bool whole = true, more = true;
        for (uint64_t n = 1; more; n++) {
            more = cut_at(seed, n, NULL, &whole);
            if (!whole)
                print_error("seed %d, cut at %d\n", (int)seed, (int)n);
            assert_true(whole);
        }
    }
}

/* Twice in a row, the second time while the first is being mended. */
static void test_a_cut_in_recovery(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS * 8; seed++) {
        struct run run = {.disk = make_disk(seed)};
        disk_sim_cut_at(run.disk, 20 + seed * 7 % 100);
        work(&run);
        int committed = run.committed;
        disk_sim_restart(run.disk, DISK_SIM_POWER);
        disk_sim_cut_at(run.disk, 1 + seed % 5);
        struct database *db;
        struct err err;
        (void)(database_open(&db, run.disk, "in/test.db", DATABASE_WRITE, &err) == ERR_OK);
        database_close(&db);
        disk_sim_restart(run.disk, DISK_SIM_POWER);
        assert_true(is_whole(run.disk, committed));
        disk_sim_close(&run.disk);
    }
}

/* Each sync that SQLite does is needed: without it some cut loses what was committed. */
static void test_every_sync_matters(void **state)
{
    (void)state;
    static const char *const mutations[] = {"sync in/test.db", "sync in/test.db-journal",
                                            "sync_folder in", "sync *"};
    for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
        bool whole = true;
        for (uint64_t seed = 0; seed < SEEDS && whole; seed++)
            for (uint64_t n = 1; whole && cut_at(seed, n, mutations[i], &whole); n++)
                ;
        if (whole)
            print_error("nothing lost without \"%s\"\n", mutations[i]);
        assert_false(whole);
    }
}

static void test_failures(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 60; n++) {
        for (int call = 0; call < DISK_SIM_CALLS; call++) {
            struct run run = {.disk = make_disk(n)};
            disk_sim_fail_at(run.disk, (enum disk_sim_call)call, n);
            work(&run);
            assert_true(run.rc == ERR_OK || run.rc == ERR_IO);
            disk_sim_restart(run.disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
            assert_true(is_whole(run.disk, run.committed));
            disk_sim_close(&run.disk);
        }
    }
}

static void test_a_full_disk(void **state)
{
    (void)state;
    unsigned full = 0;
    for (uint64_t n = 0; n < 60; n++) {
        struct run run = {.disk = make_disk(n)};
        disk_sim_capacity(run.disk, 4096 * (n + 1));
        work(&run);
        assert_true(run.rc == ERR_OK || run.rc == ERR_FULL);
        full += run.rc == ERR_FULL;
        disk_sim_capacity(run.disk, 0);
        assert_true(is_whole(run.disk, run.committed));
        work(&run);
        disk_sim_restart(run.disk, DISK_SIM_POWER);
        assert_int_equal(run.rc, ERR_OK);
        assert_true(is_whole(run.disk, ROUNDS));
        disk_sim_close(&run.disk);
    }
    assert_true(full > 10 && full < 60);
}

static void test_runs_repeat(void **state)
{
    (void)state;
    uint64_t prints[2];
    for (int i = 0; i < 2; i++) {
        struct run run = {.disk = make_disk(5)};
        disk_sim_cut_at(run.disk, 77);
        work(&run);
        disk_sim_restart(run.disk, DISK_SIM_POWER);
        prints[i] = disk_sim_fingerprint(run.disk);
        disk_sim_close(&run.disk);
    }
    assert_true(prints[0] == prints[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_at_every_point), cmocka_unit_test(test_a_cut_in_recovery),
        cmocka_unit_test(test_every_sync_matters),   cmocka_unit_test(test_failures),
        cmocka_unit_test(test_a_full_disk),          cmocka_unit_test(test_runs_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
