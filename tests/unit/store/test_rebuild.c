#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <stdio.h>

#include "base/disk_sim.h"
#include "store/store_embedded.h"

#define DAY_NS (86400 * CLOCK_SECOND_NS)

static void in_store(const struct store_make *m, const char *name, char *out, size_t room)
{
    (void)snprintf(out, room, "%s/%s", m->folder, name);
}

static void store_fill(struct store_make *m, uint64_t seed)
{
    store_make_open(m, seed);
    for (int i = 0; i < 3; i++) {
        store_make_rows(m, 80);
        store_make_seal(m);
    }
    store_make_rows(m, 40);
}

static struct store_rebuilt rebuild(struct store_make *m)
{
    struct store_rebuilt out;
    struct err err = {0};
    if (store_rebuild(m->folder, m->now_ns, &out, &err) != ERR_OK)
        fail_msg("store_rebuild: %s", err.text);
    return out;
}

/* The store gives the same rows, verifies, and goes on. */
static void store_is_whole(struct store_make *m, const struct digest *before)
{
    uint64_t rows = m->rows;
    store_make_start(m, true);
    struct digest after = store_make_digest(m->store, rows);
    assert_memory_equal(before->bytes, after.bytes, DIGEST_BYTES);
    assert_int_equal(store_make_problems(m->store, true), 0);
    assert_int_equal(store_next_sequence(m->store), rows + 1);
    store_make_rows(m, 30);
    store_make_seal(m);
    store_make_rows(m, 5);
    store_make_stop(m);
    store_make_start(m, false);
    assert_int_equal(store_make_problems(m->store, true), 0);
    store_make_stop(m);
}

static void test_a_lost_catalog_is_made_again(void **state)
{
    struct store_make m;
    char path[400];
    (void)state;
    store_fill(&m, 1);
    struct digest before = store_make_digest(m.store, m.rows);
    store_make_stop(&m);
    in_store(&m, "catalog.db", path, sizeof path);
    assert_int_equal(remove(path), 0);
    struct store_rebuilt out = rebuild(&m);
    assert_int_equal(out.segments, 9);
    assert_int_equal(out.rows, 240);
    assert_int_equal(out.sealed_sequence, 240);
    assert_false(out.new_checkpoint);
    store_is_whole(&m, &before);
    store_make_close(&m);
}

static void test_a_store_without_catalog_and_checkpoints_is_made_again(void **state)
{
    struct store_make m;
    char path[400];
    (void)state;
    store_fill(&m, 2);
    struct digest before = store_make_digest(m.store, m.rows);
    store_make_stop(&m);
    in_store(&m, "catalog.db", path, sizeof path);
    assert_int_equal(remove(path), 0);
    in_store(&m, "checkpoint", path, sizeof path);
    store_make_remove(path);
    struct store_rebuilt out = rebuild(&m);
    assert_int_equal(out.segments, 9);
    assert_int_equal(out.sealed_sequence, 240);
    assert_true(out.new_checkpoint);
    store_is_whole(&m, &before);
    store_make_close(&m);
}

static void test_a_damaged_checkpoint_is_made_again(void **state)
{
    struct store_make m;
    struct err err = {0};
    char path[400];
    (void)state;
    store_fill(&m, 3);
    struct digest before = store_make_digest(m.store, m.rows);
    store_make_stop(&m);
    in_store(&m, "checkpoint/0000000003.checkpoint", path, sizeof path);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 60, SEEK_SET), 0);
    assert_int_not_equal(fputc('x', f), EOF);
    assert_int_equal(fclose(f), 0);
    m.options.write = true;
    assert_int_equal(store_open(&m.store, m.folder, &m.options, &err), ERR_DAMAGED);
    struct store_rebuilt out = rebuild(&m);
    assert_true(out.new_checkpoint);
    store_is_whole(&m, &before);
    store_make_close(&m);
}

static void test_merges_and_tombstones_count(void **state)
{
    struct store_make m;
    struct err err = {0};
    uint64_t merged;
    struct store_policy policy = {.keep_ns = DAY_NS};
    struct store_expired expired;
    char path[400];
    (void)state;
    store_make_open(&m, 4);
    store_make_rows(&m, 50);
    store_make_seal(&m);
    m.now_ns += 2 * DAY_NS;
    for (int i = 0; i < 8; i++) {
        store_make_rows(&m, 30);
        store_make_seal(&m);
    }
    assert_int_equal(store_expire(m.store, &policy, 1, m.now_ns, false, NULL, NULL, &expired, &err),
                     ERR_OK);
    assert_int_equal(expired.segments, 3);
    assert_int_equal(store_merge(m.store, m.now_ns, &merged, &err), ERR_OK);
    assert_int_equal(merged, 24);
    store_make_rows(&m, 10);
    struct digest before = store_make_digest(m.store, m.rows);
    store_make_stop(&m);
    assert_int_equal(store_make_files(&m, ".segment"), 30);
    in_store(&m, "catalog.db", path, sizeof path);
    assert_int_equal(remove(path), 0);
    struct store_rebuilt out = rebuild(&m);
    assert_int_equal(out.segments, 3);
    assert_int_equal(out.rows, 240);
    store_is_whole(&m, &before);
    store_make_start(&m, true);
    m.now_ns += DAY_NS; /* what was superseded is unlinked as it would have been */
    assert_int_equal(store_expire(m.store, NULL, 0, m.now_ns, false, NULL, NULL, &expired, &err),
                     ERR_OK);
    assert_int_equal(store_make_files(&m, ".g1.segment"), 3);
    assert_int_equal(store_make_files(&m, ".g0.segment"), 3); /* of the seal afterwards */
    store_make_close(&m);
}

static void test_a_store_in_use_is_left_alone(void **state)
{
    struct store_make m;
    struct store_rebuilt out;
    struct err err = {0};
    (void)state;
    store_fill(&m, 5);
    assert_int_equal(store_rebuild(m.folder, m.now_ns, &out, &err), ERR_BUSY);
    store_make_close(&m);
}

static int file_remove(void *context, const struct disk_entry *entry)
{
    struct disk *disk = context;
    char path[100];
    (void)snprintf(path, sizeof path, "checkpoint/%s", entry->name);
    return disk_remove(disk, path, NULL);
}

/* Whatever a power cut leaves of a rebuild, either it is refused or it is whole. */
static void test_a_rebuild_cut_off_is_done_again(void **state)
{
    bool was_cut = true;
    (void)state;
    for (uint64_t n = 1; was_cut; n++) {
        struct disk *disk = disk_sim_open(n);
        struct store_make m;
        struct store_rebuilt out;
        struct err err = {0};
        store_make_on(&m, disk, 6);
        for (int i = 0; i < 2; i++) {
            store_make_rows(&m, 20);
            store_make_seal(&m);
        }
        store_make_rows(&m, 10);
        struct digest before = store_make_digest(m.store, m.rows);
        store_make_stop(&m);
        assert_int_equal(disk_remove(disk, "catalog.db", &err), ERR_OK);
        if (n % 3 == 0)
            assert_int_equal(disk_list(disk, "checkpoint", file_remove, disk, &err), ERR_OK);
        disk_sim_cut_at(disk, n);
        int rc = embedded_rebuild(disk, m.now_ns, &out, &err);
        was_cut = disk_sim_is_cut(disk);
        assert_true(rc == ERR_OK || was_cut);
        disk_sim_restart(disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        if (store_open(&m.store, "simulated", &m.options, &err) != ERR_OK)
            assert_int_equal(embedded_rebuild(disk, m.now_ns, &out, &err), ERR_OK);
        store_make_stop(&m);
        store_make_start(&m, true);
        struct digest after = store_make_digest(m.store, m.rows);
        assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
        assert_int_equal(store_make_problems(m.store, true), 0);
        store_make_close(&m);
        disk_sim_close(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_catalog_is_made_again),
        cmocka_unit_test(test_a_store_without_catalog_and_checkpoints_is_made_again),
        cmocka_unit_test(test_a_damaged_checkpoint_is_made_again),
        cmocka_unit_test(test_merges_and_tombstones_count),
        cmocka_unit_test(test_a_store_in_use_is_left_alone),
        cmocka_unit_test(test_a_rebuild_cut_off_is_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
