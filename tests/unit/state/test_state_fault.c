/* The state on a disk that is cut off, full or refuses: acknowledged commands are there, each is
 * all or nothing, and the audit chain holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "state/audit.h"
#include "unit/state/state_bed.h"

enum { GROUPS = 4, GROUP_CALLS = 3, SEEDS = 2 };

struct life {
    struct disk *disk;
    struct sign_key *key;
    struct state *state;
    uint32_t acknowledged; /* groups */
    int rc;
    char text[ERR_TEXT_BYTES]; /* of the first call of the group that failed */
};

static int life_open(struct life *l, struct err *err)
{
    struct state_options options = {
        .disk = l->disk, .table = &bed_table, .key = l->key, .now_ns = STATE_BED_NOW_NS};
    int rc = state_open(&l->state, &options, err);
    if (rc == ERR_OK)
        rc = database_run(state_db(l->state),
                          "CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY,"
                          " text TEXT UNIQUE NOT NULL, unit_id INTEGER) STRICT",
                          err);
    return rc;
}

/* One group; each of its notes has its number. */
static int group_run(struct life *l, uint32_t number)
{
    struct command_call calls[GROUP_CALLS], *group[GROUP_CALLS];
    struct command_value values[GROUP_CALLS][1];
    char texts[GROUP_CALLS][32];
    for (uint32_t i = 0; i < GROUP_CALLS; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%u.%u", number, i);
        values[i][0] = (struct command_value){SLICE("text"), slice_from(texts[i])};
        bed_call(&calls[i], i == 1 ? &bed_fail : &bed_add, values[i], 1);
        group[i] = &calls[i];
    }
    int rc = state_execute(l->state, group, GROUP_CALLS, STATE_BED_NOW_NS, NULL);
    for (uint32_t i = 0; i < GROUP_CALLS; i++) {
        if (rc != ERR_OK)
            assert_int_equal(calls[i].rc, rc);
        else
            assert_int_equal(calls[i].rc, i == 1 ? ERR_USAGE : ERR_OK);
        if (i == 0)
            memcpy(l->text, calls[i].err.text, sizeof(l->text));
        command_call_free(&calls[i]);
    }
    return rc;
}

static void life_run(struct life *l)
{
    l->rc = life_open(l, NULL);
    for (uint32_t i = 0; l->rc == ERR_OK && i < GROUPS; i++) {
        l->rc = group_run(l, i);
        l->acknowledged += l->rc == ERR_OK;
    }
    state_close(&l->state);
}

/* What is there after a new start: whole groups, at least those that were acknowledged. */
static bool is_whole(struct life *l)
{
    struct err err = {0};
    struct audit_verified v = {0};
    uint8_t key[SIGN_PUBLIC_BYTES];
    sign_key_public(l->key, key);
    if (life_open(l, &err) != ERR_OK) {
        print_error("%s\n", err.text);
        state_close(&l->state);
        return false;
    }
    struct database *db = state_db(l->state);
    int64_t notes = bed_number(db, "SELECT count(*) FROM note");
    bool whole = notes % 2 == 0 && notes / 2 >= l->acknowledged && notes / 2 <= GROUPS;
    whole &= bed_number(db, "SELECT count(*) FROM note WHERE text LIKE '%.1'") == 0;
    whole &= bed_number(db, "SELECT count(*) FROM audit WHERE command = 'note.add'") == notes;
    whole &= audit_verify(db, key, SLICE(""), NULL, NULL, &v, NULL) == ERR_OK && v.problems == 0 &&
             v.is_signed;
    whole &= group_run(l, GROUPS) == ERR_OK; /* and it goes on */
    state_close(&l->state);
    return whole;
}

static void life_begin(struct life *l, uint64_t seed)
{
    *l = (struct life){.disk = disk_sim_open(seed), .key = sign_key_make()};
}

static void life_end(struct life *l)
{
    disk_sim_close(&l->disk);
    sign_key_close(&l->key);
}

static void test_a_cut_at_every_point(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bool more = true;
        for (uint64_t n = 1; more; n += 1 + seed % 3) {
            struct life l;
            life_begin(&l, seed);
            disk_sim_cut_at(l.disk, n);
            life_run(&l);
            more = disk_sim_is_cut(l.disk);
            assert_int_equal(l.rc != ERR_OK, more);
            disk_sim_restart(l.disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
            if (!is_whole(&l))
                fail_msg("seed %d, cut at %d", (int)seed, (int)n);
            life_end(&l);
        }
    }
}

/* Without the syncs the test above fails: it can see what it looks for. */
static void test_the_syncs_matter(void **state)
{
    (void)state;
    bool whole = true;
    for (uint64_t seed = 0; seed < 6 && whole; seed++)
        for (uint64_t n = 20; n < 400 && whole; n += 7) {
            struct life l;
            life_begin(&l, seed);
            disk_sim_mutate(l.disk, "sync *");
            disk_sim_cut_at(l.disk, n);
            life_run(&l);
            bool cut = disk_sim_is_cut(l.disk);
            disk_sim_restart(l.disk, DISK_SIM_POWER);
            struct err err = {0};
            int64_t notes = -1;
            if (cut && life_open(&l, &err) == ERR_OK)
                notes = bed_number(state_db(l.state), "SELECT count(*) FROM note") / 2;
            whole = !cut || notes >= l.acknowledged;
            state_close(&l.state);
            life_end(&l);
        }
    assert_false(whole);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    struct life l;
    life_begin(&l, 1);
    assert_int_equal(life_open(&l, NULL), ERR_OK);
    assert_int_equal(group_run(&l, 0), ERR_OK);
    disk_sim_capacity(l.disk, disk_sim_used(l.disk));
    assert_int_equal(group_run(&l, 1), ERR_FULL);
    assert_non_null(strstr(l.text, "make room"));
    disk_sim_capacity(l.disk, 0);
    assert_int_equal(group_run(&l, 2), ERR_OK);
    state_close(&l.state);
    l.acknowledged = 2;
    assert_true(is_whole(&l));
    life_end(&l);
}

/* Every kind of failing call, at every place: the group fails as a whole, or not at all. */
static void test_failing_calls(void **state)
{
    (void)state;
    static const enum disk_sim_call kinds[] = {DISK_SIM_WRITE, DISK_SIM_SYNC, DISK_SIM_REMOVE,
                                               DISK_SIM_SYNC_FOLDER};
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
        for (uint64_t n = 1; n < 12; n++) {
            struct life l;
            life_begin(&l, n);
            assert_int_equal(life_open(&l, NULL), ERR_OK);
            disk_sim_fail_at(l.disk, kinds[k], n);
            uint32_t done = 0;
            for (uint32_t i = 0; i < GROUPS; i++)
                done += group_run(&l, i) == ERR_OK;
            state_close(&l.state);
            disk_sim_fail_at(l.disk, kinds[k], 0);
            l.acknowledged = done;
            if (!is_whole(&l))
                fail_msg("kind %d, call %d", (int)kinds[k], (int)n);
            life_end(&l);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cut_at_every_point),
        cmocka_unit_test(test_the_syncs_matter),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_failing_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
