/* The journal on disks that fail, are full, or lose their power. */
#include "unit/store/journal_model.h"

/* A sync fails: what the given-up file holds is void, although it may verify. */
static void failed_sync_gives_the_file_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct model m;
        struct damages damages;
        model_begin(&m, seed);
        frames_add(&m, 3);
        disk_sim_fail_at(m.disk, seed % 2 ? DISK_SIM_SYNC : DISK_SIM_WRITE, 1);
        assert_int_equal(frame_add(&m, (uint32_t)seed % 3, 2000, NULL), ERR_OK);
        assert_int_equal(m.frames[3].end.file, 2);
        struct journal_stats stats;
        journal_stats(m.journal, &stats);
        assert_int_equal(stats.given_up_files, 1);
        frames_add(&m, 3);
        scan_expects(&m, NULL, 0, &damages, NULL);
        assert_int_equal(damages.count, 0);
        if (seed % 3) { /* its rows say so, too, when the next file's header is lost */
            assert_true(disk_sim_flip(m.disk, "journal/0000000002.journal", 300));
            scan_expects(&m, NULL, 0, &damages, NULL);
            assert_int_equal(damages.rows, 0);
            assert_true(disk_sim_flip(m.disk, "journal/0000000002.journal", 300));
        }
        model_restart(&m, 0);
        frames_add(&m, 2);
        disk_sim_restart(m.disk, DISK_SIM_POWER);
        model_restart(&m, 0);
        model_end(&m);
    }
}

static void second_failure_is_read_only(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    struct err err;
    model_begin(&m, 1);
    frames_add(&m, 3);
    assert_int_equal(journal_prepare(m.journal, NULL), ERR_OK);
    disk_sim_fail_at(m.disk, DISK_SIM_SYNC, 1);
    disk_sim_fail_at(m.disk, DISK_SIM_WRITE, 2);
    assert_int_equal(frame_add(&m, 1, 100, &err), ERR_IO);
    assert_non_null(strstr(err.text, "read-only"));
    assert_int_equal(frame_add(&m, 1, 100, &err), ERR_IO);
    assert_int_equal(journal_prepare(m.journal, &err), ERR_IO);
    scan_expects(&m, NULL, 1, &damages, NULL);
    assert_int_equal(damages.count, 0);
    model_end(&m);
}

static void full_disk_refuses_and_goes_on(void **state)
{
    (void)state;
    for (uint64_t reserve = 0; reserve < 2; reserve++) {
        struct model m;
        struct damages damages;
        struct err err;
        model_begin(&m, 3);
        journal_close(&m.journal);
        struct journal_options tight = options;
        tight.reserve_bytes = reserve ? 100000 : 0;
        struct journal_start start = {.next_sequence = 1};
        assert_int_equal(journal_open(&m.journal, m.disk, &tight, &start, NULL), ERR_OK);
        uint64_t room = 3 * (64 << 10) + tight.reserve_bytes;
        disk_sim_capacity(m.disk, room);
        int rc;
        while ((rc = frame_add(&m, 2, 3000, &err)) == ERR_OK)
            continue;
        assert_int_equal(rc, ERR_FULL);
        assert_non_null(strstr(err.text, "make room"));
        assert_true(disk_sim_used(m.disk) + tight.reserve_bytes <= room);
        assert_int_equal(m.frames[m.count - 1].end.file, 3);
        uint64_t next = journal_next_sequence(m.journal);
        assert_int_equal(frame_add(&m, 2, 3000, &err), ERR_FULL);
        assert_int_equal(journal_next_sequence(m.journal), next);
        while (frame_add(&m, 1, 20, &err) == ERR_OK) /* smaller ones still fit */
            continue;
        scan_expects(&m, NULL, 0, &damages, NULL);
        assert_int_equal(journal_forget(m.journal, m.frames[m.count - 1].end, NULL), ERR_OK);
        disk_sim_capacity(m.disk, 0);
        assert_int_equal(frame_add(&m, 2, 3000, &err), ERR_OK);
        assert_true(m.frames[m.count - 1].first_sequence >= next);
        model_end(&m);
    }
}

static void full_disk_after_a_failed_sync(void **state)
{
    (void)state;
    struct model m;
    struct damages damages;
    model_begin(&m, 5);
    frames_add(&m, 3);
    disk_sim_capacity(m.disk, 70 << 10);
    disk_sim_fail_at(m.disk, DISK_SIM_SYNC, 1);
    assert_int_equal(frame_add(&m, 1, 100, NULL), ERR_FULL);
    disk_sim_capacity(m.disk, 0);
    frames_add(&m, 3);
    scan_expects(&m, NULL, 0, &damages, NULL);
    assert_int_equal(damages.count, 0);
    model_end(&m);
}

/* The power is cut in every changing call: each acknowledged frame is there, once, in order. */
static void power_cut_anywhere(void **state)
{
    (void)state;
    for (uint64_t n = 1, cut = 1; cut; n++) {
        struct model m;
        model_begin(&m, n);
        if (n % 3 == 0)
            disk_sim_fail_at(m.disk, DISK_SIM_SYNC, 4 + n % 7);
        disk_sim_cut_at(m.disk, n);
        struct rows_random random = {n};
        for (int i = 0; i < 25; i++)
            if (frame_add(&m, random_below(&random, 4), random_below(&random, 9000), NULL))
                break;
        cut = disk_sim_is_cut(m.disk);
        disk_sim_restart(m.disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        model_restart(&m, 1);
        model_adopt(&m);
        frames_add(&m, 3);
        model_restart(&m, 0);
        model_end(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_sync_gives_the_file_up),
        cmocka_unit_test(second_failure_is_read_only),
        cmocka_unit_test(full_disk_refuses_and_goes_on),
        cmocka_unit_test(full_disk_after_a_failed_sync),
        cmocka_unit_test(power_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
