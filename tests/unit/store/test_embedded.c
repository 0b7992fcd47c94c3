/* The writer of the embedded back end: what is there after a restart, who may write, what a seal
 * that fails leaves, what a crash may leave. The long form of it is tests/sim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/disk_sim.h"
#include "store/notary.h"

static int sequence_note(void *context, const struct row *row)
{
    *(uint64_t *)context = row->sequence;
    return ERR_OK;
}

/* Whether each event from 1 to last is got by its number, and found once by a search. */
static bool all_there(struct store *store, uint64_t last, uint64_t *damaged)
{
    static const struct slice partitions[] = {{"windows", 7}, {"linux", 5}, {"_findings", 9}};
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .order = STORE_SEQUENCE,
                                  .partitions = partitions,
                                  .partition_count = 3};
    struct store_cursor *cursor = NULL;
    struct store_item item;
    struct store_progress progress;
    struct err err = {0};
    uint64_t got, next = 1;
    int rc = store_search(store, &search, &cursor, &err);
    while (rc == ERR_OK && (rc = store_next(cursor, &item, &err)) == ERR_OK)
        if (item.kind == STORE_ROW && item.row->sequence != next++)
            rc = ERR_DAMAGED;
    if (rc == ERR_END) {
        store_cursor_progress(cursor, &progress);
        *damaged = progress.damaged_rows;
    }
    store_cursor_close(&cursor);
    for (uint64_t i = 1; i <= last && rc == ERR_END; i++)
        if (store_get(store, i, sequence_note, &got, &err) != ERR_OK || got != i)
            rc = ERR_DAMAGED;
    return rc == ERR_END && next == last + 1;
}

static void check_store(struct store *store, uint64_t last)
{
    uint64_t damaged = 1;
    assert_true(all_there(store, last, &damaged));
    assert_int_equal(damaged, 0);
    assert_int_equal(store_make_problems(store, true), 0);
}

static int carry_append(struct store_make *m, const char *value, struct err *err)
{
    struct buf items = {0};
    uint64_t sequence, one = 1;
    carry_put_cursor(&items, SLICE("a.log"), slice_from(value));
    carry_put_counters(&items, SLICE("dc01"), &one, 1);
    struct store_group group = {.carry = buf_as_slice(&items), .now_ns = m->now_ns};
    int rc = store_append(m->store, &group, &sequence, err);
    buf_free(&items);
    return rc;
}

static void test_a_restart_finds_everything(void **state)
{
    struct store_make m;
    struct err err;
    (void)state;
    store_make_open(&m, 1);
    for (int i = 0; i < 3; i++) {
        store_make_rows(&m, 70);
        assert_int_equal(carry_append(&m, i ? "17" : "3", &err), ERR_OK);
        if (i == 1)
            store_make_seal(&m);
        struct digest before = store_make_digest(m.store, m.rows);
        store_make_stop(&m);
        store_make_start(&m, true);
        assert_int_equal(store_next_sequence(m.store), m.rows + 1);
        struct digest after = store_make_digest(m.store, m.rows);
        assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
        check_store(m.store, m.rows);
        assert_true(slice_equal(carry_cursor(store_carry(m.store), SLICE("a.log")),
                                i ? SLICE("17") : SLICE("3")));
        assert_int_equal(carry_counters(store_carry(m.store), SLICE("dc01"))[0], i + 1);
    }
    store_make_close(&m);
}

/* Exit code of a process that does work with the store's folder. */
static int in_another_process(struct store_make *m, int (*work)(struct store_make *))
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(work(m));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int reader_work(struct store_make *m)
{
    struct store_options options = {.write = false};
    struct store *reader = NULL;
    struct err err;
    uint64_t damaged = 1;
    if (store_open(&reader, m->folder, &options, &err) != ERR_OK)
        return 1;
    bool ok = all_there(reader, m->rows, &damaged) && damaged == 0;
    store_close(&reader);
    return ok ? 0 : 2;
}

static void test_another_process_sees_what_is_acknowledged(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 2);
    for (int i = 0; i < 4; i++) {
        store_make_rows(&m, 33);
        if (i == 2)
            store_make_seal(&m);
        assert_int_equal(in_another_process(&m, reader_work), 0);
    }
    store_make_stop(&m);
    assert_int_equal(in_another_process(&m, reader_work), 0);
    store_make_close(&m);
}

static int writer_work(struct store_make *m)
{
    struct store_options options = {.write = true, .sign = true};
    struct store *writer = NULL;
    struct err err;
    int rc = store_open(&writer, m->folder, &options, &err);
    store_close(&writer);
    if (rc == ERR_BUSY)
        return strstr(err.text, m->folder) ? 3 : 4;
    return rc ? 1 : 0;
}

static void test_one_process_writes(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 3);
    assert_int_equal(in_another_process(&m, writer_work), 3);
    store_make_stop(&m);
    assert_int_equal(in_another_process(&m, writer_work), 0);
    store_make_close(&m);
}

static void test_a_full_disk_refuses_and_goes_on(void **state)
{
    struct store_make m;
    struct err err = {0};
    struct disk *disk = disk_sim_open(4);
    int rc = ERR_OK;
    (void)state;
    store_make_on(&m, disk, 4);
    store_make_rows(&m, 50);
    disk_sim_capacity(disk, disk_sim_used(disk) + 1000);
    for (int i = 0; i < 100000 && rc == ERR_OK; i++)
        rc = carry_append(&m, "1", &err);
    assert_int_equal(rc, ERR_FULL);
    assert_non_null(strstr(err.text, "make room"));
    assert_int_equal(store_next_sequence(m.store), m.rows + 1);
    disk_sim_capacity(disk, 0);
    assert_int_equal(carry_append(&m, "2", &err), ERR_OK);
    store_make_rows(&m, 50);
    check_store(m.store, m.rows);
    store_make_close(&m);
    disk_sim_close(&disk);
}

/* The clock goes back over a minute that was closed and signed, and the writer is killed. */
static void test_minutes_end_once(void **state)
{
    struct store_make m;
    struct err err;
    struct disk *disk = disk_sim_open(5);
    (void)state;
    store_make_on(&m, disk, 5);
    for (int i = 0; i < 12; i++) {
        store_make_rows(&m, 9);
        assert_int_equal(store_tick(m.store, m.now_ns + 90 * CLOCK_SECOND_NS, &err), ERR_OK);
        m.now_ns -= 30 * CLOCK_SECOND_NS;
        store_make_rows(&m, 9);
        check_store(m.store, m.rows);
        disk_sim_cut_at(disk, 1);
        store_make_stop(&m);
        disk_sim_restart(disk, i % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        store_make_start(&m, true);
        check_store(m.store, m.rows);
        if (i == 6)
            store_make_seal(&m);
    }
    store_make_close(&m);
    disk_sim_close(&disk);
}

static int heads_count(void *context, const struct notary_line *line)
{
    uint32_t *count = context;
    *count += slice_equal(line->words[0], SLICE("heads"));
    return ERR_OK;
}

static uint32_t heads_signed(struct disk *disk)
{
    struct err err;
    uint32_t count = 0;
    assert_int_equal(notary_read(disk, heads_count, &count, &err), ERR_OK);
    return count;
}

/* Heads are signed while the store is open, not only at its end, and not more often than asked. */
static void test_heads_are_signed_as_time_passes(void **state)
{
    struct store_make m;
    struct err err;
    struct disk *disk = disk_sim_open(8);
    (void)state;
    store_make_on(&m, disk, 8);
    store_make_rows(&m, 9);
    assert_int_equal(store_tick(m.store, m.now_ns, &err), ERR_OK);
    uint32_t before = heads_signed(disk);
    m.now_ns += 61 * CLOCK_SECOND_NS;
    assert_int_equal(store_tick(m.store, m.now_ns, &err), ERR_OK);
    assert_int_equal(heads_signed(disk), before + 1);
    assert_int_equal(store_tick(m.store, m.now_ns + CLOCK_SECOND_NS, &err), ERR_OK);
    assert_int_equal(heads_signed(disk), before + 1);
    store_make_close(&m);
    disk_sim_close(&disk);
}

/* A clock that was set back far behind the newest commit: what comes is signed and sealed as ever,
 * also after a start. */
static void test_a_clock_that_is_set_back_stops_nothing(void **state)
{
    struct store_make m;
    struct err err = {0};
    (void)state;
    store_make_folder(&m, 9);
    m.options.seal_age_ns = 600 * CLOCK_SECOND_NS;
    store_make_start(&m, true);
    int64_t now_ns = m.now_ns;
    m.now_ns += (int64_t)4000 * 86400 * CLOCK_SECOND_NS;
    store_make_rows(&m, 10);
    for (int i = 0; i < 2; i++) {
        m.now_ns = now_ns += 3600 * CLOCK_SECOND_NS;
        store_make_rows(&m, 10);
        assert_true(store_wants_seal(m.store, m.now_ns)); /* rows of then wait */
        store_make_seal(&m);
        store_make_rows(&m, 10);
        assert_false(store_wants_seal(m.store, m.now_ns));
        m.now_ns += 60 * CLOCK_SECOND_NS;
        assert_int_equal(store_tick(m.store, m.now_ns, &err), ERR_OK);
        struct store_verified v;
        assert_int_equal(store_verify(m.store, SLICE(""), NULL, NULL, &v, &err), ERR_OK);
        assert_int_equal(v.problems, 0);
        assert_int_equal(v.unsigned_rows, 0);
        uint64_t heads = v.heads;
        m.now_ns += 60 * CLOCK_SECOND_NS;
        assert_int_equal(store_tick(m.store, m.now_ns, &err), ERR_OK);
        assert_int_equal(store_verify(m.store, SLICE(""), NULL, NULL, &v, &err), ERR_OK);
        assert_int_equal(v.heads, heads); /* nothing new */
        m.now_ns += 600 * CLOCK_SECOND_NS;
        assert_true(store_wants_seal(m.store, m.now_ns));
        store_make_stop(&m);
        store_make_start(&m, true);
    }
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

static void test_a_seal_is_wanted_for_rows_bytes_and_age(void **state)
{
    struct store_make m;
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct disk *disk = disk_sim_open(6);
        store_make_on(&m, disk, 6);
        store_make_stop(&m);
        m.options.seal_rows = i == 0 ? 40 : 1000000;
        m.options.seal_bytes = i == 1 ? 100 : (uint64_t)1 << 40;
        m.options.seal_age_ns = i == 2 ? CLOCK_SECOND_NS : 1000000 * CLOCK_SECOND_NS;
        store_make_start(&m, true);
        assert_false(store_wants_seal(m.store, m.now_ns + 500 * CLOCK_SECOND_NS));
        store_make_rows(&m, 40);
        assert_true(store_wants_seal(m.store, m.now_ns));
        store_make_stop(&m);
        store_make_start(&m, true); /* what waits is counted again */
        assert_true(store_wants_seal(m.store, m.now_ns));
        store_make_seal(&m);
        assert_false(store_wants_seal(m.store, m.now_ns));
        store_make_close(&m);
        disk_sim_close(&disk);
    }
}

/* Wherever a seal fails, the next one makes up for it: no row twice, none lost. */
static void test_a_seal_that_fails_is_done_again(void **state)
{
    static const enum disk_sim_call calls[] = {DISK_SIM_CREATE, DISK_SIM_WRITE,
                                               DISK_SIM_SYNC,   DISK_SIM_RENAME,
                                               DISK_SIM_REMOVE, DISK_SIM_SYNC_FOLDER};
    (void)state;
    for (size_t k = 0; k < sizeof calls / sizeof calls[0]; k++) {
        int rc = ERR_IO;
        for (uint64_t n = 1; rc != ERR_OK && n < 200; n++) {
            struct store_make m;
            struct err err = {0};
            struct disk *disk = disk_sim_open(n);
            store_make_on(&m, disk, n);
            store_make_rows(&m, 60);
            store_make_seal(&m);
            store_make_rows(&m, 30);
            disk_sim_fail_at(disk, calls[k], n);
            rc = store_seal(m.store, m.now_ns, &err);
            disk_sim_fail_at(disk, calls[k], 0);
            store_make_rows(&m, 30);
            store_make_seal(&m);
            check_store(m.store, m.rows);
            store_make_stop(&m);
            disk_sim_restart(disk, DISK_SIM_POWER);
            store_make_start(&m, true);
            check_store(m.store, m.rows);
            store_make_close(&m);
            disk_sim_close(&disk);
        }
    }
}

/* A killed writer's last frame was perhaps never synced: what is found of it lasts. */
static void test_what_is_found_is_made_durable(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 40; n++) {
        struct store_make m;
        struct err err;
        struct disk *disk = disk_sim_open(n);
        store_make_on(&m, disk, n);
        store_make_rows(&m, 5);
        if (n % 3 == 0) { /* not even another sync would help */
            disk_sim_fail_at(disk, DISK_SIM_SYNC, 1);
            (void)!store_tick(m.store, m.now_ns += 100 * CLOCK_SECOND_NS, &err);
        }
        disk_sim_cut_at(disk, 1 + n % 4);
        for (int i = 0; i < 5 && !disk_sim_is_cut(disk); i++)
            (void)!carry_append(&m, "1", &err);
        store_make_stop(&m);
        disk_sim_restart(disk, DISK_SIM_KILL);
        store_make_start(&m, true);
        check_store(m.store, m.rows);
        store_make_rows(&m, 5);
        struct buf kept = {0}, found = {0};
        carry_write(store_carry(m.store), &kept);
        disk_sim_cut_at(disk, 1);
        store_make_stop(&m);
        disk_sim_restart(disk, DISK_SIM_POWER);
        store_make_start(&m, true);
        check_store(m.store, m.rows);
        carry_write(store_carry(m.store), &found);
        assert_true(slice_equal(buf_as_slice(&kept), buf_as_slice(&found)));
        buf_free(&kept);
        buf_free(&found);
        store_make_close(&m);
        disk_sim_close(&disk);
    }
}

/* A frame that was torn by a power cut was never acknowledged: no reader counts it as damage. */
static void test_a_torn_end_is_no_damage(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 20; n++) {
        struct store_make m;
        struct err err;
        uint64_t sequence, damaged = 1;
        struct disk *disk = disk_sim_open(n);
        store_make_on(&m, disk, n);
        store_make_rows(&m, 20);
        disk_sim_cut_at(disk, 1);
        struct store_group group = {.batches = &m.batch, .batch_count = 1, .now_ns = m.now_ns};
        assert_int_not_equal(store_append(m.store, &group, &sequence, &err), ERR_OK);
        uint64_t more = m.batch.row_count;
        store_make_stop(&m);
        disk_sim_restart(disk, DISK_SIM_POWER);
        store_make_start(&m, false);
        assert_true(all_there(m.store, m.rows, &damaged) ||
                    all_there(m.store, m.rows + more, &damaged));
        assert_int_equal(damaged, 0);
        store_make_close(&m);
        disk_sim_close(&disk);
    }
}

static void test_a_lost_catalog_is_not_begun_anew(void **state)
{
    struct store_make m;
    struct err err;
    char path[300];
    (void)state;
    store_make_open(&m, 7);
    store_make_rows(&m, 40);
    store_make_seal(&m);
    store_make_stop(&m);
    uint32_t segments = store_make_files(&m, ".segment");
    (void)snprintf(path, sizeof path, "%s/catalog.db", m.folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_open(&m.store, m.folder, &m.options, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "store rebuild"));
    m.store = NULL;
    assert_int_equal(store_make_files(&m, ".segment"), segments);
    store_make_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restart_finds_everything),
        cmocka_unit_test(test_another_process_sees_what_is_acknowledged),
        cmocka_unit_test(test_one_process_writes),
        cmocka_unit_test(test_a_full_disk_refuses_and_goes_on),
        cmocka_unit_test(test_minutes_end_once),
        cmocka_unit_test(test_heads_are_signed_as_time_passes),
        cmocka_unit_test(test_a_clock_that_is_set_back_stops_nothing),
        cmocka_unit_test(test_a_seal_is_wanted_for_rows_bytes_and_age),
        cmocka_unit_test(test_a_seal_that_fails_is_done_again),
        cmocka_unit_test(test_what_is_found_is_made_durable),
        cmocka_unit_test(test_a_torn_end_is_no_damage),
        cmocka_unit_test(test_a_lost_catalog_is_not_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
