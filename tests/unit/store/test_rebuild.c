#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <stdio.h>

#include "base/disk_sim.h"
#include "base/map.h"
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

static void sealed_fill(struct store_make *m, uint64_t seed)
{
    store_make_folder(m, seed);
    m->options.query_ns = 10 * DAY_NS;
    m->options.sign = false;
    store_make_start(m, true);
    for (int i = 0; i < 8; i++) {
        store_make_rows(m, 30);
        store_make_seal(m);
    }
}

/* Eight seals and a merge of them, of which the inputs stay: queries may be reading them. */
static void merged_fill(struct store_make *m, uint64_t seed)
{
    struct err err = {0};
    uint64_t merged;
    sealed_fill(m, seed);
    assert_int_equal(store_merge(m->store, m->now_ns, &merged, &err), ERR_OK);
    assert_int_equal(merged, 24);
}

static void file_remove_in(const struct store_make *m, const char *name)
{
    char path[400];
    in_store(m, name, path, sizeof path);
    assert_int_equal(remove(path), 0);
}

static void checkpoints_remove(const struct store_make *m)
{
    char path[400];
    in_store(m, "checkpoint", path, sizeof path);
    store_make_remove(path);
}

struct tree {
    struct disk *disk;
    char folder[200];
};

static int merged_remove(void *context, const struct disk_entry *entry)
{
    struct tree *t = context, inner = {.disk = t->disk};
    (void)snprintf(inner.folder, sizeof inner.folder, "%.80s/%.100s", t->folder, entry->name);
    if (entry->is_folder)
        return disk_list(t->disk, inner.folder, merged_remove, &inner, NULL);
    return slice_ends(slice_from(entry->name), SLICE(".g1.segment"))
               ? disk_remove(t->disk, inner.folder, NULL)
               : ERR_OK;
}

/* A tombstone of a merged segment names that file only; its inputs may outlive it, when a crash
 * comes while files are removed. */
static void test_inputs_of_an_expired_merge_stay_away(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct store_make m;
        struct store_policy policy = {.keep_ns = DAY_NS};
        struct store_expired expired;
        struct err err = {0};
        merged_fill(&m, 7);
        m.now_ns += 3 * DAY_NS;
        store_make_rows(&m, 10);
        store_make_seal(&m);
        assert_int_equal(
            store_expire(m.store, &policy, 1, m.now_ns, false, NULL, NULL, &expired, &err), ERR_OK);
        assert_int_equal(expired.rows, 240);
        struct digest before = store_make_digest(m.store, m.rows);
        store_make_stop(&m);
        struct tree tree = {.folder = "segments"};
        assert_int_equal(disk_open_folder(&tree.disk, m.folder, &err), ERR_OK);
        assert_int_equal(disk_list(tree.disk, "segments", merged_remove, &tree, &err), ERR_OK);
        disk_close_folder(&tree.disk);
        assert_int_equal(store_make_files(&m, ".segment"), 27);
        file_remove_in(&m, "catalog.db");
        if (lost)
            checkpoints_remove(&m);
        struct store_rebuilt out = rebuild(&m);
        assert_int_equal(out.rows, 10);
        assert_int_equal(out.sealed_sequence, 250);
        store_is_whole(&m, &before);
        store_make_close(&m);
    }
}

static int first_see(void *context, const struct disk_entry *entry)
{
    char *name = context;
    if (name[0] == '\0')
        (void)snprintf(name, 100, "%s", entry->name);
    return ERR_OK;
}

/* A merge that the catalog never took in, and then retention removed one of its inputs: the merge
 * does not bring it back, and the other inputs are not lost. */
static void test_a_merge_does_not_bring_back_what_expired(void **state)
{
    struct store_make m;
    struct disk *disk = NULL;
    struct digester *digester = digester_open();
    struct notary *notary = NULL;
    struct catalog *catalog = NULL;
    struct catalog_list list;
    struct err err = {0};
    (void)state;
    sealed_fill(&m, 8);
    assert_int_equal(disk_open_folder(&disk, m.folder, &err), ERR_OK);
    assert_int_equal(catalog_open(&catalog, disk, false, &err), ERR_OK);
    assert_int_equal(catalog_read(catalog, &list, &err), ERR_OK);
    catalog_close(&catalog);
    uint64_t merged;
    assert_int_equal(store_merge(m.store, m.now_ns, &merged, &err), ERR_OK);
    store_make_stop(&m);
    assert_int_equal(notary_open(&notary, disk, NULL, digester, &err), ERR_OK);
    struct notary_tombstone stone = {list.items[0].partition,      list.items[0].path,
                                     list.items[0].first_sequence, list.items[0].last_sequence,
                                     list.items[0].row_count,      "age"};
    assert_int_equal(notary_bury(notary, &stone, m.now_ns, &err), ERR_OK);
    /* once more, as after a crash between it and the catalog */
    assert_int_equal(notary_bury(notary, &stone, m.now_ns, &err), ERR_OK);
    notary_close(&notary);
    file_remove_in(&m, "catalog.db");
    struct store_rebuilt out = rebuild(&m);
    assert_int_equal(out.rows, 240 - stone.row_count);
    assert_int_equal(out.segments, 7 + 2);
    store_make_start(&m, true);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
    catalog_list_free(&list);
    digester_close(&digester);
    disk_close_folder(&disk);
}

/* The same rows under another name, as a seal that failed and was done again may leave them. */
static void test_rows_under_two_names_come_once(void **state)
{
    struct store_make m;
    struct disk *disk = NULL;
    struct err err = {0};
    struct buf bytes = {0}, from = {0}, to = {0};
    char day[100] = "", name[100] = "";
    (void)state;
    store_fill(&m, 9);
    struct digest before = store_make_digest(m.store, m.rows);
    store_make_stop(&m);
    assert_int_equal(disk_open_folder(&disk, m.folder, &err), ERR_OK);
    assert_int_equal(disk_list(disk, "segments/linux", first_see, day, &err), ERR_OK);
    buf_printf(&from, "segments/linux/%s", day);
    assert_int_equal(disk_list(disk, buf_text(&from), first_see, name, &err), ERR_OK);
    buf_printf(&to, "%s/again.segment", buf_text(&from));
    buf_printf(&from, "/%s", name);
    assert_int_equal(disk_read_file(disk, buf_text(&from), 1 << 24, &bytes, &err), ERR_OK);
    assert_int_equal(disk_write_file(disk, buf_text(&to), buf_as_slice(&bytes), &err), ERR_OK);
    file_remove_in(&m, "catalog.db");
    checkpoints_remove(&m);
    struct store_rebuilt out = rebuild(&m);
    assert_int_equal(out.segments, 9);
    assert_int_equal(out.rows, 240);
    store_is_whole(&m, &before);
    store_make_close(&m);
    buf_free(&bytes);
    buf_free(&from);
    buf_free(&to);
    disk_close_folder(&disk);
}

/* A catalog that was brought back alone, older than the rest. */
static void test_a_stale_catalog_is_refused(void **state)
{
    struct store_make m;
    struct disk *disk = NULL;
    struct buf old = {0};
    struct err err = {0};
    (void)state;
    store_make_open(&m, 10);
    store_make_rows(&m, 50);
    store_make_seal(&m);
    store_make_stop(&m);
    assert_int_equal(disk_open_folder(&disk, m.folder, &err), ERR_OK);
    assert_int_equal(disk_read_file(disk, "catalog.db", 1 << 24, &old, &err), ERR_OK);
    store_make_start(&m, true);
    store_make_rows(&m, 50);
    store_make_seal(&m);
    struct digest before = store_make_digest(m.store, m.rows);
    store_make_stop(&m);
    assert_int_equal(disk_write_file(disk, "catalog.db", buf_as_slice(&old), &err), ERR_OK);
    m.options.write = true;
    assert_int_equal(store_open(&m.store, m.folder, &m.options, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "older than its newest checkpoint"));
    assert_non_null(strstr(err.text, "canh store rebuild"));
    assert_int_equal(store_make_files(&m, ".segment"), 6); /* nothing was taken for a leftover */
    assert_int_equal(rebuild(&m).rows, 100);
    store_is_whole(&m, &before);
    store_make_close(&m);
    buf_free(&old);
    disk_close_folder(&disk);
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

struct buried {
    struct map paths;
    uint64_t rows;
};

static int line_count(void *context, const struct notary_line *line)
{
    struct buried *b = context;
    uint64_t rows;
    if (line->torn || !slice_equal(line->words[0], SLICE("gone")) ||
        map_find(&b->paths, line->words[5]))
        return ERR_OK;
    assert_true(slice_to_u64(line->words[4], &rows));
    (void)map_put(&b->paths, line->words[5], 1, NULL);
    b->rows += rows;
    return ERR_OK;
}

/* Retention cut off anywhere, then the catalog lost, with the checkpoints or without: rows that
 * have a tombstone are gone, all others are there. */
static void test_expiry_cut_off_loses_nothing_else(void **state)
{
    bool was_cut = true;
    (void)state;
    for (uint64_t n = 1; was_cut; n += 1 + n / 8) {
        struct disk *disk = disk_sim_open(n);
        struct store_make m;
        struct store_rebuilt out;
        struct store_expired expired;
        struct store_policy policy = {.keep_ns = DAY_NS};
        struct buried buried = {0};
        struct err err = {0};
        uint64_t merged;
        store_make_on(&m, disk, 11);
        for (int i = 0; i < 8; i++) {
            store_make_rows(&m, 20);
            store_make_seal(&m);
        }
        assert_int_equal(store_merge(m.store, m.now_ns, &merged, &err), ERR_OK);
        m.now_ns += 2 * DAY_NS;
        store_make_rows(&m, 20);
        store_make_seal(&m);
        disk_sim_cut_at(disk, n);
        int rc = store_expire(m.store, &policy, 1, m.now_ns, false, NULL, NULL, &expired, &err);
        was_cut = disk_sim_is_cut(disk);
        assert_true(rc == ERR_OK || was_cut);
        store_make_stop(&m);
        disk_sim_restart(disk, n % 2 ? DISK_SIM_POWER : DISK_SIM_KILL);
        assert_int_equal(disk_remove(disk, "catalog.db", &err), ERR_OK);
        if (n % 3 == 0)
            assert_int_equal(disk_list(disk, "checkpoint", file_remove, disk, &err), ERR_OK);
        assert_int_equal(embedded_rebuild(disk, m.now_ns, &out, &err), ERR_OK);
        store_make_start(&m, true);
        assert_int_equal(notary_read(disk, line_count, &buried, &err), ERR_OK);
        assert_int_equal(out.rows, m.rows - buried.rows);
        assert_int_equal(store_make_problems(m.store, true), 0);
        store_make_close(&m);
        map_free(&buried.paths);
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
        cmocka_unit_test(test_inputs_of_an_expired_merge_stay_away),
        cmocka_unit_test(test_a_merge_does_not_bring_back_what_expired),
        cmocka_unit_test(test_rows_under_two_names_come_once),
        cmocka_unit_test(test_a_stale_catalog_is_refused),
        cmocka_unit_test(test_a_store_in_use_is_left_alone),
        cmocka_unit_test(test_a_rebuild_cut_off_is_done_again),
        cmocka_unit_test(test_expiry_cut_off_loses_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
