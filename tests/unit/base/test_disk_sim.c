#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/disk_sim.h"

enum { SECTOR = DISK_SIM_SECTOR_BYTES, SEEDS = 200, SECTORS = 6 };

static struct disk_file *make(struct disk *disk, const char *path)
{
    struct disk_file *file;
    assert_int_equal(disk_open(disk, &file, path, DISK_CREATE, NULL), ERR_OK);
    return file;
}

/* A file whose name is durable, with this synced text. */
static struct disk_file *make_durable(struct disk *disk, const char *path, const char *text)
{
    struct disk_file *file = make(disk, path);
    assert_int_equal(disk_write(file, 0, text, strlen(text), NULL), ERR_OK);
    assert_int_equal(disk_sync(file, NULL), ERR_OK);
    assert_int_equal(disk_sync_folder_of(disk, path, NULL), ERR_OK);
    return file;
}

static void restart(struct disk *disk, struct disk_file **file)
{
    disk_sim_restart(disk, DISK_SIM_POWER);
    if (file)
        disk_close(file);
}

/* Its text, or "-" when it is not there; until the next call. */
static const char *text_of(struct disk *disk, const char *path)
{
    static char text[64];
    struct buf got = {0};
    int rc = disk_read_file(disk, path, sizeof(text) - 1, &got, NULL);
    assert_true(rc == ERR_OK || rc == ERR_NOT_FOUND);
    if (rc == ERR_OK)
        memcpy(text, buf_text(&got), got.len + 1);
    else
        memcpy(text, "-", 2);
    buf_free(&got);
    return text;
}

static void fill(struct disk_file *file, uint64_t sector, uint8_t value, size_t sectors)
{
    uint8_t bytes[SECTOR * SECTORS];
    memset(bytes, value, sizeof(bytes));
    assert_int_equal(disk_write(file, sector * SECTOR, bytes, sectors * SECTOR, NULL), ERR_OK);
}

/* A small stream of numbers of the test's own. */
static unsigned next(uint64_t *state, unsigned below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*state >> 33) % below;
}

/* Each sector is what was synced or what was written later, never anything else; both come up. */
static void test_sectors_at_a_cut(void **state)
{
    (void)state;
    unsigned old_seen = 0, new_seen = 0, middle_seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct disk *disk = disk_sim_open(seed);
        struct disk_file *file = make_durable(disk, "a", "");
        bool may_be[SECTORS][256] = {0};
        uint64_t numbers = seed;
        uint8_t newest[SECTORS] = {0}, synced[SECTORS] = {0};
        fill(file, 0, 0, SECTORS);
        assert_int_equal(disk_sync(file, NULL), ERR_OK);
        for (unsigned s = 0; s < SECTORS; s++)
            may_be[s][0] = true;
        for (unsigned step = 1; step < 20; step++) {
            unsigned s = next(&numbers, SECTORS);
            if (next(&numbers, 6) == 0) {
                assert_int_equal(disk_sync(file, NULL), ERR_OK);
                memset(may_be, 0, sizeof(may_be));
                for (unsigned i = 0; i < SECTORS; i++)
                    may_be[i][synced[i] = newest[i]] = true;
            } else {
                fill(file, s, (uint8_t)step, 1);
                may_be[s][newest[s] = (uint8_t)step] = true;
            }
        }
        restart(disk, &file);
        assert_int_equal(disk_open(disk, &file, "a", DISK_READ, NULL), ERR_OK);
        for (unsigned s = 0; s < SECTORS; s++) {
            uint8_t bytes[SECTOR];
            size_t got;
            assert_int_equal(disk_read(file, (uint64_t)s * SECTOR, bytes, SECTOR, &got, NULL), 0);
            assert_int_equal(got, SECTOR);
            assert_true(may_be[s][bytes[0]]);
            assert_memory_equal(bytes, bytes + 1, SECTOR - 1);
            old_seen += bytes[0] == synced[s] && bytes[0] != newest[s];
            new_seen += bytes[0] != synced[s] && bytes[0] == newest[s];
            middle_seen += bytes[0] != synced[s] && bytes[0] != newest[s];
        }
        disk_close(&file);
        disk_sim_close(&disk);
    }
    assert_true(old_seen > SEEDS / 4 && new_seen > SEEDS / 4 && middle_seen > 0);
}

static void test_size_at_a_cut(void **state)
{
    (void)state;
    unsigned seen[4] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct disk *disk = disk_sim_open(seed);
        struct disk_file *file = make_durable(disk, "a", "0123456789");
        assert_int_equal(disk_write(file, 10, "abcdefghij", 10, NULL), ERR_OK);
        if (seed % 2)
            assert_int_equal(disk_sync(file, NULL), ERR_OK);
        restart(disk, &file);
        const char *text = text_of(disk, "a");
        size_t len = strlen(text);
        assert_memory_equal(text, "0123456789abcdefghij", len < 10 ? len : 10);
        if (seed % 2) {
            assert_string_equal(text, "0123456789abcdefghij");
        } else {
            uint64_t size_bytes;
            assert_int_equal(disk_open(disk, &file, "a", DISK_READ, NULL), ERR_OK);
            assert_int_equal(disk_size(file, &size_bytes, NULL), ERR_OK);
            assert_true(size_bytes >= 10 && size_bytes <= 20);
            seen[size_bytes == 10 ? 0 : size_bytes < 20 ? 1 : len == 20 ? 3 : 2]++;
            disk_close(&file);
        }
        disk_sim_close(&disk);
    }
    /* the old one; one between; the new one with zeros and with the text */
    assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

static void test_names_at_a_cut(void **state)
{
    (void)state;
    enum { CREATE, RENAME, REPLACE, REMOVE, KINDS };
    unsigned done[KINDS] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (int synced = 0; synced < 2; synced++) {
            struct disk *disk = disk_sim_open(seed);
            struct disk_file *files[5];
            files[0] = make_durable(disk, "from", "from");
            files[1] = make_durable(disk, "fresh", "fresh");
            files[2] = make_durable(disk, "old", "old");
            files[3] = make_durable(disk, "gone", "gone");
            files[4] = make(disk, "made");
            assert_int_equal(disk_rename(disk, "from", "to", NULL), ERR_OK);
            assert_int_equal(disk_rename(disk, "fresh", "old", NULL), ERR_OK);
            assert_int_equal(disk_remove(disk, "gone", NULL), ERR_OK);
            if (synced)
                assert_int_equal(disk_sync_folder(disk, "", NULL), ERR_OK);
            disk_sim_restart(disk, DISK_SIM_POWER);
            bool made = disk_exists(disk, "made"), renamed = disk_exists(disk, "to");
            assert_int_equal(disk_exists(disk, "from"), !renamed);
            assert_string_equal(text_of(disk, renamed ? "to" : "from"), "from");
            bool replaced = !disk_exists(disk, "fresh");
            assert_string_equal(text_of(disk, "old"), replaced ? "fresh" : "old");
            bool removed = !disk_exists(disk, "gone");
            if (synced)
                assert_true(made && renamed && replaced && removed);
            done[CREATE] += made;
            done[RENAME] += renamed;
            done[REPLACE] += replaced;
            done[REMOVE] += removed;
            for (int i = 0; i < 5; i++)
                disk_close(&files[i]);
            disk_sim_close(&disk);
        }
    }
    for (int i = 0; i < KINDS; i++)
        assert_true(done[i] > SEEDS && done[i] < 2 * SEEDS);
}

/* A folder whose own name was not synced takes its files with it. */
static void test_folders_at_a_cut(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct disk *disk = disk_sim_open(seed);
        assert_int_equal(disk_make_folder(disk, "in/deep", NULL), ERR_OK);
        struct disk_file *file = make_durable(disk, "in/deep/a", "text");
        assert_int_equal(disk_sync_folder(disk, "in", NULL), ERR_OK);
        if (seed % 2)
            assert_int_equal(disk_sync_folder(disk, "", NULL), ERR_OK);
        restart(disk, &file);
        bool is_there = strcmp(text_of(disk, "in/deep/a"), "text") == 0;
        assert_int_equal(is_there, disk_exists(disk, "in"));
        if (seed % 2)
            assert_true(is_there);
        lost += !is_there;
        disk_sim_close(&disk);
    }
    assert_true(lost > 0 && lost < SEEDS / 2);
}

/* Between two folders a rename needs both synced, and what was done later is not undone by it. */
static void test_rename_between_folders(void **state)
{
    (void)state;
    unsigned moved[4] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct disk *disk = disk_sim_open(seed);
        assert_int_equal(disk_make_folder(disk, "x", NULL), ERR_OK);
        assert_int_equal(disk_make_folder(disk, "y", NULL), ERR_OK);
        assert_int_equal(disk_sync_folder(disk, "", NULL), ERR_OK);
        struct disk_file *file = make_durable(disk, "x/a", "text");
        assert_int_equal(disk_rename(disk, "x/a", "y/a", NULL), ERR_OK);
        if (seed & 1)
            assert_int_equal(disk_sync_folder(disk, "x", NULL), ERR_OK);
        if (seed & 2)
            assert_int_equal(disk_sync_folder(disk, "y", NULL), ERR_OK);
        bool removed = (seed & 4) && (seed & 3) == 2;
        if (removed) {
            assert_int_equal(disk_remove(disk, "y/a", NULL), ERR_OK);
            assert_int_equal(disk_sync_folder(disk, "y", NULL), ERR_OK);
        }
        restart(disk, &file);
        if (removed) {
            assert_false(disk_exists(disk, "y/a"));
        } else {
            assert_int_not_equal(disk_exists(disk, "x/a"), disk_exists(disk, "y/a"));
            moved[seed & 3] += disk_exists(disk, "y/a");
        }
        disk_sim_close(&disk);
    }
    assert_true(moved[0] && moved[1] && moved[2]);
    assert_true(moved[0] < SEEDS / 4 && moved[1] < SEEDS / 4);
    assert_int_equal(moved[3], SEEDS / 4);
}

/* A bit of everything; gives the first error. */
static int work(struct disk *disk)
{
    struct disk_file *file = NULL;
    int rc = disk_make_folder(disk, "in", NULL);
    if (rc == ERR_OK)
        rc = disk_open(disk, &file, "in/7.log", DISK_CREATE, NULL);
    if (rc == ERR_OK)
        rc = disk_reserve(file, 4096, NULL);
    for (unsigned i = 0; rc == ERR_OK && i < 8; i++) {
        char text[300];
        memset(text, 'a' + (int)i, sizeof(text));
        rc = disk_write(file, (uint64_t)i * sizeof(text), text, sizeof(text), NULL);
        if (rc == ERR_OK && i % 3 == 2)
            rc = disk_sync(file, NULL);
    }
    if (rc == ERR_OK)
        rc = disk_resize(file, 2400, NULL);
    if (rc == ERR_OK)
        rc = disk_write_file(disk, "in/state", SLICE("small"), NULL);
    if (rc == ERR_OK)
        rc = disk_remove(disk, "in/7.log", NULL);
    disk_close(&file);
    return rc;
}

static void test_runs_repeat(void **state)
{
    (void)state;
    unsigned points = 0, different = 0;
    for (uint64_t n = 1; n < 100; n++) {
        uint64_t prints[3];
        int rc[3];
        for (unsigned run = 0; run < 3; run++) {
            struct disk *disk = disk_sim_open(run < 2 ? n : n + 1000);
            disk_sim_cut_at(disk, n);
            rc[run] = work(disk);
            assert_int_equal(disk_sim_is_cut(disk), rc[run] == ERR_CLOSED);
            disk_sim_restart(disk, DISK_SIM_POWER);
            assert_false(disk_sim_is_cut(disk));
            prints[run] = disk_sim_fingerprint(disk);
            disk_sim_close(&disk);
        }
        assert_int_equal(rc[0], rc[1]);
        assert_true(prints[0] == prints[1]);
        points += rc[0] == ERR_CLOSED;
        different += prints[0] != prints[2];
        assert_true(rc[0] == (n <= points ? ERR_CLOSED : ERR_OK));
    }
    assert_int_equal(points, 20);
    assert_true(different > 10);
}

static void test_after_a_cut_nothing_works(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(3);
    struct disk_file *file = make_durable(disk, "a", "text"), *again;
    uint64_t number;
    char byte;
    size_t got;
    disk_sim_cut_at(disk, 1);
    assert_int_equal(disk_read(file, 0, &byte, 1, &got, NULL), ERR_OK);
    assert_int_equal(disk_write(file, 0, "b", 1, NULL), ERR_CLOSED);
    for (int after = 0; after < 2; after++) {
        assert_int_equal(disk_write(file, 0, "b", 1, NULL), ERR_CLOSED);
        assert_int_equal(disk_read(file, 0, &byte, 1, &got, NULL), ERR_CLOSED);
        assert_int_equal(disk_sync(file, NULL), ERR_CLOSED);
        assert_int_equal(disk_size(file, &number, NULL), ERR_CLOSED);
        assert_int_equal(disk_resize(file, 1, NULL), ERR_CLOSED);
        assert_int_equal(disk_reserve(file, 1, NULL), ERR_CLOSED);
        if (after)
            break;
        assert_int_equal(disk_open(disk, &again, "a", DISK_READ, NULL), ERR_CLOSED);
        assert_int_equal(disk_open(disk, &again, "b", DISK_CREATE, NULL), ERR_CLOSED);
        assert_int_equal(disk_rename(disk, "a", "b", NULL), ERR_CLOSED);
        assert_int_equal(disk_remove(disk, "a", NULL), ERR_CLOSED);
        assert_int_equal(disk_make_folder(disk, "b", NULL), ERR_CLOSED);
        assert_int_equal(disk_sync_folder(disk, "", NULL), ERR_CLOSED);
        assert_int_equal(disk_list(disk, "", NULL, NULL, NULL), ERR_CLOSED);
        assert_int_equal(disk_free_bytes(disk, &number, NULL), ERR_CLOSED);
        assert_false(disk_exists(disk, "a"));
        disk_sim_restart(disk, DISK_SIM_POWER);
    }
    disk_close(&file);
    assert_true(disk_exists(disk, "a"));
    disk_sim_close(&disk);
}

static void test_a_killed_process_loses_nothing_written(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(3);
    struct disk_file *file = make(disk, "a");
    assert_int_equal(disk_write(file, 0, "text", 4, NULL), ERR_OK);
    disk_sim_cut_at(disk, 1);
    assert_int_equal(disk_sync(file, NULL), ERR_CLOSED);
    disk_sim_restart(disk, DISK_SIM_KILL);
    assert_int_equal(disk_sync(file, NULL), ERR_CLOSED);
    disk_close(&file);
    assert_string_equal(text_of(disk, "a"), "text");
    disk_sim_close(&disk);
}

/* Linux after a failed fsync: what was not written is lost, and the next fsync says nothing. */
static void test_failed_sync(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct disk *disk = disk_sim_open(seed);
        struct disk_file *file = make_durable(disk, "a", "old");
        disk_sim_fail_at(disk, DISK_SIM_SYNC, 2);
        assert_int_equal(disk_sync(file, NULL), ERR_OK);
        assert_int_equal(disk_write(file, 0, "new", 3, NULL), ERR_OK);
        assert_int_equal(disk_sync(file, NULL), ERR_IO);
        assert_int_equal(disk_sync(file, NULL), ERR_OK);
        assert_string_equal(text_of(disk, "a"), "new");
        restart(disk, &file);
        const char *text = text_of(disk, "a");
        lost += strcmp(text, "old") == 0;
        assert_true(strcmp(text, "old") == 0 || strcmp(text, "new") == 0);
        disk_sim_close(&disk);
    }
    assert_true(lost > SEEDS / 10 && lost < SEEDS * 9 / 10);
}

static void test_failures(void **state)
{
    (void)state;
    for (int call = 0; call < DISK_SIM_CALLS; call++) {
        struct disk *disk = disk_sim_open((uint64_t)call);
        struct buf got = {0};
        disk_sim_fail_at(disk, (enum disk_sim_call)call, 1);
        int first = work(disk);
        if (first == ERR_OK)
            first = disk_read_file(disk, "in/state", 100, &got, NULL);
        assert_int_equal(first, ERR_IO);
        assert_int_equal(disk_sim_count(disk, (enum disk_sim_call)call), 1);
        buf_free(&got);
        disk_sim_close(&disk);
    }
    struct disk *disk = disk_sim_open(1);
    assert_int_equal(work(disk), ERR_OK);
    assert_int_equal(disk_sim_changes(disk), 20);
    assert_int_equal(disk_sim_count(disk, DISK_SIM_WRITE), 9);
    assert_int_equal(disk_sim_count(disk, DISK_SIM_SYNC), 3);
    disk_sim_close(&disk);
}

static void test_lies_and_mutations(void **state)
{
    (void)state;
    unsigned lost[5] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (int kind = 0; kind < 5; kind++) {
            struct disk *disk = disk_sim_open(seed);
            struct disk_file *file = make_durable(disk, "a1.log", "old");
            static const char *const mutations[] = {NULL, NULL, "sync a#.log", "sync_folder *",
                                                    "sync b#.log"};
            if (kind == 1)
                disk_sim_lie(disk, 1);
            else if (mutations[kind])
                disk_sim_mutate(disk, mutations[kind]);
            assert_int_equal(disk_write(file, 0, "new", 3, NULL), ERR_OK);
            assert_int_equal(disk_sync(file, NULL), ERR_OK);
            assert_int_equal(disk_rename(disk, "a1.log", "b1.log", NULL), ERR_OK);
            assert_int_equal(disk_sync_folder(disk, "", NULL), ERR_OK);
            restart(disk, &file);
            const char *text = text_of(disk, "b1.log");
            lost[kind] += strcmp(text, "new") != 0;
            disk_sim_mutate(disk, NULL);
            disk_sim_close(&disk);
        }
    }
    assert_int_equal(lost[0], 0);
    assert_int_equal(lost[4], 0);
    for (int kind = 1; kind < 4; kind++)
        assert_true(lost[kind] > SEEDS / 10 && lost[kind] < SEEDS * 9 / 10);
}

static void test_classes(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    assert_int_equal(work(disk), ERR_OK);
    static const char *const wanted[] = {
        "make_folder in",    "create in/#.log", "reserve in/#.log",    "write in/#.log",
        "sync in/#.log",     "resize in/#.log", "create in/state.new", "write in/state.new",
        "sync in/state.new", "rename in/state", "sync_folder in",      "remove in/#.log"};
    size_t count = sizeof(wanted) / sizeof(wanted[0]);
    for (size_t k = 0; k < count; k++)
        assert_string_equal(disk_sim_class(disk, k), wanted[k]);
    assert_null(disk_sim_class(disk, count));
    disk_sim_mutate(disk, "remove *");
    disk_sim_mutate(disk, "write in/state.new");
    assert_int_equal(disk_remove(disk, "in/state", NULL), ERR_OK);
    assert_string_equal(text_of(disk, "in/state"), "small");
    disk_sim_mutate(disk, NULL);
    assert_int_equal(disk_remove(disk, "in/state", NULL), ERR_OK);
    assert_false(disk_exists(disk, "in/state"));
    disk_sim_close(&disk);
}

static void test_rot(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(4);
    struct disk_file *file = make_durable(disk, "a", "text"), *other = make_durable(disk, "b", "");
    struct buf path = {0};
    assert_false(disk_sim_rot(disk, "b", &path));
    assert_false(disk_sim_flip(disk, "a", 32));
    assert_false(disk_sim_flip(disk, "none", 0));
    assert_true(disk_sim_flip(disk, "a", 9));
    assert_string_equal(text_of(disk, "a"), "tgxt");
    assert_true(disk_sim_flip(disk, "a", 9));
    assert_true(disk_sim_rot(disk, "*", &path));
    assert_string_equal(buf_text(&path), "a");
    disk_close(&other);
    restart(disk, &file);
    unsigned bits = 0;
    for (size_t i = 0; i < 4; i++)
        bits += (unsigned)__builtin_popcount((unsigned)(text_of(disk, "a")[i] ^ "text"[i]) & 255u);
    assert_int_equal(bits, 1);
    buf_free(&path);
    disk_sim_close(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sectors_at_a_cut),
        cmocka_unit_test(test_size_at_a_cut),
        cmocka_unit_test(test_names_at_a_cut),
        cmocka_unit_test(test_folders_at_a_cut),
        cmocka_unit_test(test_rename_between_folders),
        cmocka_unit_test(test_runs_repeat),
        cmocka_unit_test(test_after_a_cut_nothing_works),
        cmocka_unit_test(test_a_killed_process_loses_nothing_written),
        cmocka_unit_test(test_failed_sync),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_lies_and_mutations),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_rot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
