#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

enum { FLIPS_A_FILE = 250 };

static struct store_verified verified(struct store *store, struct slice head)
{
    struct err err = {0};
    struct store_verified out;
    assert_int_equal(store_verify(store, head, NULL, NULL, &out, &err), ERR_OK);
    return out;
}

/* Sealed rows, then some that are not. */
static void store_fill(struct store_make *m, uint64_t seed)
{
    store_make_open(m, seed);
    for (int i = 0; i < 3; i++) {
        store_make_rows(m, 60);
        store_make_seal(m);
    }
    store_make_rows(m, 50);
    store_make_stop(m);
}

static void test_whole_store_verifies(void **state)
{
    struct store_make m;
    (void)state;
    store_fill(&m, 1);
    store_make_start(&m, false);
    assert_int_equal(store_make_problems(m.store, true), 0);
    struct store_verified v = verified(m.store, SLICE(""));
    assert_int_equal(v.rows, m.rows);
    assert_int_equal(v.unsigned_rows, 0);
    assert_int_equal(v.segments, 9);
    assert_true(v.heads > 1);
    assert_true(v.intervals >= 9);
    assert_false(v.anchored);
    store_make_close(&m);
}

static void test_writer_verifies_while_open(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 2);
    store_make_rows(&m, 100);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_seal(&m);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_rows(&m, 100);
    assert_int_equal(store_make_problems(m.store, true), 0);
    assert_true(verified(m.store, SLICE("")).rows == 200);
    store_make_close(&m);
}

static void test_restart_goes_on_with_the_chain(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 3);
    for (int i = 0; i < 4; i++) {
        store_make_rows(&m, 33);
        if (i % 2)
            store_make_seal(&m);
        store_make_stop(&m);
        store_make_start(&m, true);
    }
    store_make_rows(&m, 10);
    store_make_stop(&m);
    store_make_start(&m, false);
    assert_int_equal(store_make_problems(m.store, true), 0);
    assert_int_equal(verified(m.store, SLICE("")).rows, m.rows);
    store_make_close(&m);
}

static void test_empty_store_verifies(void **state)
{
    struct store_make m;
    (void)state;
    store_make_open(&m, 4);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_stop(&m);
    store_make_start(&m, false);
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&m);
}

/* All files under the store's folder whose path ends so. */
static struct {
    char paths[64][512];
    int count;
    const char *end;
} files;

static int file_note(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)at;
    if (kind == FTW_F && st->st_size > 0 && files.count < 64 &&
        slice_ends(slice_from(path), slice_from(files.end)))
        (void)snprintf(files.paths[files.count++], sizeof files.paths[0], "%s", path);
    return 0;
}

static void files_find(const char *folder, const char *end)
{
    files.count = 0;
    files.end = end;
    assert_int_equal(nftw(folder, file_note, 16, FTW_PHYS), 0);
}

static void byte_flip(const char *path, long at, int bit)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(c ^ (1 << bit), f), EOF);
    assert_int_equal(fclose(f), 0);
}

static long file_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

/* Flips a bit of one byte in `step`, drawn anew each time (all bytes below `whole`); each must be
 * found. */
static void flips_find(struct store_make *m, const char *path, long whole, long end)
{
    long step = 1 + (end - whole) / FLIPS_A_FILE;
    store_make_start(m, false);
    for (long at = 0; at < end;
         at += at < whole ? 1 : 1 + (long)(random_u64(&m->random) % (uint64_t)(2 * step - 1))) {
        int bit = (int)(random_u64(&m->random) % 8);
        byte_flip(path, at, bit);
        if (store_make_problems(m->store, false) == 0)
            fail_msg("%s: bit %d of byte %ld was flipped and verify says nothing", path, bit, at);
        byte_flip(path, at, bit);
    }
    assert_int_equal(store_make_problems(m->store, true), 0);
    store_make_stop(m);
}

static void store_fill_small(struct store_make *m, uint64_t seed)
{
    store_make_open(m, seed);
    store_make_rows(m, 12);
    store_make_seal(m);
    store_make_rows(m, 5);
    store_make_stop(m);
}

static void test_every_flip_in_a_segment_is_found(void **state)
{
    struct store_make m;
    (void)state;
    store_fill_small(&m, 5);
    files_find(m.folder, ".segment");
    assert_int_equal(files.count, 3);
    for (int i = 0; i < files.count; i++)
        flips_find(&m, files.paths[i], 64, file_size(files.paths[i]));
    store_make_close(&m);
}

static void test_every_flip_in_the_notary_is_found(void **state)
{
    struct store_make m;
    (void)state;
    store_fill_small(&m, 6);
    files_find(m.folder, ".log");
    assert_int_equal(files.count, 1);
    flips_find(&m, files.paths[0], 256, file_size(files.paths[0]));
    store_make_close(&m);
}

/* Frames end where the durable page says; behind that there is nothing to be kept. */
static long journal_end(const struct store_make *m, char *path, size_t room)
{
    char page[64], name[512];
    (void)snprintf(name, sizeof name, "%s/journal/durable", m->folder);
    FILE *f = fopen(name, "rb");
    assert_non_null(f);
    assert_int_equal(fread(page, 1, sizeof page, f), sizeof page);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(path, room, "%s/journal/%010llu.journal", m->folder,
                   (unsigned long long)bytes_u64(page + 24));
    return (long)bytes_u64(page + 32);
}

static void test_every_flip_in_the_journal_is_found(void **state)
{
    struct store_make m;
    char path[512];
    (void)state;
    store_fill_small(&m, 7);
    long end = journal_end(&m, path, sizeof path);
    assert_true(end > 512);
    flips_find(&m, path, 640, end);
    store_make_close(&m);
}

static void test_a_missing_segment_is_named(void **state)
{
    struct store_make m;
    (void)state;
    store_fill(&m, 8);
    files_find(m.folder, ".segment");
    for (int i = 0; i < files.count; i++) {
        char aside[600];
        (void)snprintf(aside, sizeof aside, "%s.aside", files.paths[i]);
        assert_int_equal(rename(files.paths[i], aside), 0);
        store_make_start(&m, false);
        assert_true(store_make_problems(m.store, false) > 0);
        store_make_stop(&m);
        assert_int_equal(rename(aside, files.paths[i]), 0);
    }
    store_make_close(&m);
}

/* The newest DIGEST of the notary. */
static struct slice newest_head(struct store_make *m, struct buf *out)
{
    struct err err = {0};
    struct disk *disk = NULL;
    files_find(m->folder, ".log");
    assert_int_equal(disk_open_folder(&disk, m->folder, &err), ERR_OK);
    buf_clear(out);
    assert_int_equal(
        disk_read_file(disk, strstr(files.paths[files.count - 1], "notary/"), 1 << 24, out, &err),
        ERR_OK);
    disk_close_folder(&disk);
    struct slice rest = buf_as_slice(out), head = {0};
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        struct slice kind = slice_cut(&line, ' ');
        for (int i = 0; i < 3 && slice_equal(kind, SLICE("heads")); i++)
            (void)slice_cut(&line, ' ');
        if (slice_equal(kind, SLICE("heads")))
            head = slice_cut(&line, ' ');
    }
    return head;
}

static void test_a_kept_head_is_found_until_lines_are_cut_off(void **state)
{
    struct store_make m;
    struct buf text = {0};
    (void)state;
    store_fill(&m, 9);
    struct slice head = newest_head(&m, &text);
    assert_int_equal(head.len, 64);
    store_make_start(&m, false);
    struct store_verified v = verified(m.store, head);
    assert_true(v.anchored);
    assert_int_equal(v.problems, 0);
    v = verified(m.store, SLICE("00"));
    assert_false(v.anchored);
    assert_int_equal(v.problems, 1);
    store_make_stop(&m);
    size_t end = (size_t)(head.data - text.data); /* cut off before the line of the head */
    while (end > 0 && text.data[end - 1] != '\n')
        end--;
    assert_int_equal(truncate(files.paths[files.count - 1], (off_t)end), 0);
    store_make_start(&m, false);
    v = verified(m.store, head);
    assert_false(v.anchored);
    assert_true(v.problems > 0);
    buf_free(&text);
    store_make_close(&m);
}

/* Rows that no signed head covers are told, and the next writer signs them again. */
static void test_an_emptied_notary_leaves_rows_unsigned(void **state)
{
    struct store_make m;
    (void)state;
    store_fill_small(&m, 10);
    files_find(m.folder, ".log");
    assert_int_equal(truncate(files.paths[0], 0), 0);
    store_make_start(&m, false);
    assert_int_equal(verified(m.store, SLICE("")).unsigned_rows, m.rows);
    assert_int_equal(verified(m.store, SLICE("")).heads, 0);
    store_make_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_store_verifies),
        cmocka_unit_test(test_writer_verifies_while_open),
        cmocka_unit_test(test_restart_goes_on_with_the_chain),
        cmocka_unit_test(test_empty_store_verifies),
        cmocka_unit_test(test_every_flip_in_a_segment_is_found),
        cmocka_unit_test(test_every_flip_in_the_notary_is_found),
        cmocka_unit_test(test_every_flip_in_the_journal_is_found),
        cmocka_unit_test(test_a_missing_segment_is_named),
        cmocka_unit_test(test_a_kept_head_is_found_until_lines_are_cut_off),
        cmocka_unit_test(test_an_emptied_notary_leaves_rows_unsigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
