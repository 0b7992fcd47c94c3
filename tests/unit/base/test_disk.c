#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/disk_sim.h"

/* Every test runs on both kinds of disk: they are to behave alike. */
struct place {
    char folder[64];
    struct disk *disk;
};

static int open_real(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    memcpy(p->folder, "/tmp/canh-disk-XXXXXX", 22);
    *state = p;
    return mkdtemp(p->folder) && disk_open_folder(&p->disk, p->folder, NULL) == ERR_OK ? 0 : -1;
}

static int open_simulated(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    *state = p;
    p->disk = disk_sim_open(1);
    return 0;
}

struct emptying {
    struct disk *disk;
    const char *root, *folder;
};

/* Files of a folder and of the folders in it. */
static int remove_entry(void *context, const struct disk_entry *entry)
{
    const struct emptying *e = context;
    struct buf path = {0};
    buf_printf(&path, "%s%s%s", e->folder, *e->folder ? "/" : "", entry->name);
    int rc = ERR_OK;
    if (entry->is_folder) {
        struct emptying inner = {e->disk, e->root, buf_text(&path)};
        rc = disk_list(e->disk, buf_text(&path), remove_entry, &inner, NULL);
        struct buf whole = {0};
        buf_printf(&whole, "%s/%s", e->root, buf_text(&path));
        (void)rmdir(buf_text(&whole));
        buf_free(&whole);
    } else {
        rc = disk_remove(e->disk, buf_text(&path), NULL);
    }
    buf_free(&path);
    return rc;
}

static int close_place(void **state)
{
    struct place *p = *state;
    int rc = 0;
    if (disk_is_real(p->disk)) {
        struct emptying e = {p->disk, p->folder, ""};
        rc = disk_list(p->disk, "", remove_entry, &e, NULL);
        disk_close_folder(&p->disk);
        rc |= rmdir(p->folder);
    } else {
        disk_sim_close(&p->disk);
    }
    free(p);
    return rc;
}

static void put(struct disk *disk, const char *path, const char *text)
{
    assert_int_equal(disk_write_file(disk, path, slice_from(text), NULL), ERR_OK);
}

static void assert_text(struct disk *disk, const char *path, const char *text)
{
    struct buf got = {0};
    assert_int_equal(disk_read_file(disk, path, 1000, &got, NULL), ERR_OK);
    assert_string_equal(buf_text(&got), text);
    buf_free(&got);
}

static void test_files(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct disk_file *file, *again;
    struct err err;
    assert_int_equal(disk_open(disk, &file, "a", DISK_WRITE, &err), ERR_NOT_FOUND);
    assert_null(file);
    assert_int_equal(disk_open(disk, &file, "a", DISK_CREATE, &err), ERR_OK);
    assert_string_equal(disk_path(file), "a");
    assert_int_equal(disk_open(disk, &again, "a", DISK_CREATE, &err), ERR_BUSY);
    assert_int_equal(disk_write(file, 3, "defg", 4, &err), ERR_OK);
    assert_int_equal(disk_write(file, 0, "abc", 3, &err), ERR_OK);
    assert_int_equal(disk_sync(file, &err), ERR_OK);
    assert_int_equal(disk_open(disk, &again, "a", DISK_READ, &err), ERR_OK);
    char text[16] = {0};
    size_t got;
    uint64_t size_bytes;
    assert_int_equal(disk_read(again, 1, text, 10, &got, &err), ERR_OK);
    assert_int_equal(got, 6);
    assert_memory_equal(text, "bcdefg", 6);
    assert_int_equal(disk_read(again, 7, text, 10, &got, &err), ERR_OK);
    assert_int_equal(got, 0);
    assert_int_equal(disk_write(again, 0, "x", 1, &err), ERR_IO);
    assert_int_equal(disk_size(again, &size_bytes, &err), ERR_OK);
    assert_int_equal(size_bytes, 7);
    disk_close(&again);
    assert_null(again);
    assert_int_equal(disk_resize(file, 2, &err), ERR_OK);
    assert_int_equal(disk_resize(file, 4, &err), ERR_OK);
    assert_int_equal(disk_read(file, 0, text, 10, &got, &err), ERR_OK);
    assert_int_equal(got, 4);
    assert_memory_equal(text, "ab\0\0", 4);
    assert_int_equal(disk_reserve(file, 70000, &err), ERR_OK);
    assert_int_equal(disk_reserve(file, 10, &err), ERR_OK);
    assert_int_equal(disk_size(file, &size_bytes, &err), ERR_OK);
    assert_int_equal(size_bytes, 70000);
    assert_int_equal(disk_read(file, 69999, text, 10, &got, &err), ERR_OK);
    assert_int_equal(got, 1);
    assert_int_equal(text[0], 0);
    disk_close(&file);
    disk_close(&file);
}

static void test_names(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct err err;
    assert_int_equal(disk_make_folder(disk, "one/two/three", &err), ERR_OK);
    assert_int_equal(disk_make_folder(disk, "one/two", &err), ERR_OK);
    put(disk, "one/two/a", "first");
    assert_int_equal(disk_rename(disk, "one/two/a", "one/b", &err), ERR_OK);
    assert_false(disk_exists(disk, "one/two/a"));
    assert_text(disk, "one/b", "first");
    put(disk, "one/c", "second");
    assert_int_equal(disk_rename(disk, "one/c", "one/b", &err), ERR_OK);
    assert_text(disk, "one/b", "second");
    assert_int_equal(disk_sync_folder(disk, "one", &err), ERR_OK);
    assert_int_equal(disk_sync_folder(disk, "", &err), ERR_OK);
    assert_int_equal(disk_sync_folder_of(disk, "one/b", &err), ERR_OK);
    assert_int_equal(disk_sync_folder_of(disk, "one", &err), ERR_OK);
    assert_int_equal(disk_sync_folder(disk, "none", &err), ERR_NOT_FOUND);
    assert_int_equal(disk_rename(disk, "one/none", "one/d", &err), ERR_NOT_FOUND);
    assert_int_equal(disk_rename(disk, "one/b", "none/d", &err), ERR_NOT_FOUND);
    assert_int_equal(disk_make_folder(disk, "one/b", &err), ERR_BUSY);
    assert_int_equal(disk_remove(disk, "one/b", &err), ERR_OK);
    assert_int_equal(disk_remove(disk, "one/b", &err), ERR_NOT_FOUND);
    assert_true(disk_exists(disk, "one/two"));
    assert_false(disk_exists(disk, "one/b"));
    struct disk_file *file;
    assert_int_equal(disk_open(disk, &file, "one/two", DISK_READ, &err), ERR_IO);
    assert_int_equal(disk_open(disk, &file, "none/a", DISK_CREATE, &err), ERR_NOT_FOUND);
}

static void test_a_removed_file_stays_while_open(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct disk_file *file;
    put(disk, "a", "text");
    assert_int_equal(disk_open(disk, &file, "a", DISK_READ, NULL), ERR_OK);
    assert_int_equal(disk_remove(disk, "a", NULL), ERR_OK);
    char text[8];
    size_t got;
    assert_int_equal(disk_read(file, 0, text, 8, &got, NULL), ERR_OK);
    assert_int_equal(got, 4);
    disk_close(&file);
}

static void test_paths(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    static const char *const wrong[] = {"/etc/passwd", "..",  "../a", "a/../b", "a/..",
                                        ".",           "./a", "a//b", "a/",     ""};
    struct disk_file *file;
    struct err err;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(disk_open(disk, &file, wrong[i], DISK_READ, &err), ERR_USAGE);
        assert_int_equal(disk_open(disk, &file, wrong[i], DISK_CREATE, &err), ERR_USAGE);
        assert_int_equal(disk_make_folder(disk, wrong[i], &err), ERR_USAGE);
        assert_int_equal(disk_remove(disk, wrong[i], &err), ERR_USAGE);
        assert_int_equal(disk_rename(disk, wrong[i], "a", &err), ERR_USAGE);
        assert_int_equal(disk_rename(disk, "a", wrong[i], &err), ERR_USAGE);
        assert_false(disk_exists(disk, wrong[i]));
    }
    assert_int_equal(disk_sync_folder(disk, "..", &err), ERR_USAGE);
    assert_int_equal(disk_list(disk, "..", NULL, NULL, &err), ERR_USAGE);
    char name[DISK_PATH_BYTES_MAX + 2];
    memset(name, 'a', sizeof(name));
    name[DISK_PATH_BYTES_MAX + 1] = '\0';
    assert_int_equal(disk_remove(disk, name, &err), ERR_USAGE);
    put(disk, "..a", "a name like any other");
    assert_text(disk, "..a", "a name like any other");
}

static int note_entry(void *context, const struct disk_entry *entry)
{
    buf_printf(context, "%s%s:%d ", entry->name, entry->is_folder ? "/" : "",
               (int)entry->size_bytes);
    return strcmp(entry->name, "stop") == 0 ? ERR_CANCELED : ERR_OK;
}

static void test_list(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct buf seen = {0};
    assert_int_equal(disk_list(disk, "none", note_entry, &seen, NULL), ERR_OK);
    assert_int_equal(disk_list(disk, "", note_entry, &seen, NULL), ERR_OK);
    assert_int_equal(seen.len, 0);
    assert_int_equal(disk_make_folder(disk, "in/folder", NULL), ERR_OK);
    put(disk, "in/b", "12");
    put(disk, "in/a", "123");
    put(disk, "in/folder/z", "1");
    put(disk, "inside", "1");
    assert_int_equal(disk_list(disk, "in", note_entry, &seen, NULL), ERR_OK);
    assert_string_equal(buf_text(&seen), "a:3 b:2 folder/:0 ");
    buf_clear(&seen);
    assert_int_equal(disk_list(disk, "", note_entry, &seen, NULL), ERR_OK);
    assert_string_equal(buf_text(&seen), "in/:0 inside:1 ");
    buf_clear(&seen);
    put(disk, "in/stop", "");
    put(disk, "in/zz", "");
    assert_int_equal(disk_list(disk, "in", note_entry, &seen, NULL), ERR_CANCELED);
    assert_string_equal(buf_text(&seen), "a:3 b:2 folder/:0 stop:0 ");
    buf_free(&seen);
}

static void test_whole_files(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct buf got = {0};
    struct err err;
    put(disk, "a", "old");
    put(disk, "a.new", "left by a crash");
    put(disk, "a", "new");
    assert_text(disk, "a", "new");
    assert_false(disk_exists(disk, "a.new"));
    put(disk, "empty", "");
    assert_text(disk, "empty", "");
    buf_string(&got, "before ");
    assert_int_equal(disk_read_file(disk, "a", 3, &got, &err), ERR_OK);
    assert_string_equal(buf_text(&got), "before new");
    assert_int_equal(disk_read_file(disk, "a", 2, &got, &err), ERR_LIMIT);
    assert_int_equal(disk_read_file(disk, "none", 2, &got, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "none"));
    assert_int_equal(disk_write_file(disk, "none/a", SLICE("x"), &err), ERR_NOT_FOUND);
    buf_free(&got);
    uint64_t bytes = 0;
    assert_int_equal(disk_free_bytes(disk, &bytes, &err), ERR_OK);
    assert_true(bytes > 0);
}

static void test_links_are_not_followed(void **state)
{
    struct place *p = *state;
    struct buf link = {0};
    struct disk_file *file;
    buf_printf(&link, "%s/link", p->folder);
    assert_int_equal(symlink("/etc/passwd", buf_text(&link)), 0);
    assert_int_equal(disk_open(p->disk, &file, "link", DISK_READ, NULL), ERR_IO);
    assert_int_equal(disk_open(p->disk, &file, "link", DISK_CREATE, NULL), ERR_BUSY);
    struct buf seen = {0};
    assert_int_equal(disk_list(p->disk, "", note_entry, &seen, NULL), ERR_OK);
    assert_int_equal(seen.len, 0);
    assert_int_equal(unlink(buf_text(&link)), 0);
    assert_int_equal(mkfifo(buf_text(&link), 0600), 0);
    assert_int_equal(disk_open(p->disk, &file, "link", DISK_READ, NULL), ERR_IO);
    assert_int_equal(unlink(buf_text(&link)), 0);
    buf_free(&link);
    buf_free(&seen);
}

static void test_real_folder(void **state)
{
    struct place *p = *state;
    assert_string_equal(disk_folder(p->disk), p->folder);
    assert_true(disk_is_real(p->disk));
    put(p->disk, "a", "text");
    struct buf path = {0};
    struct stat info;
    buf_printf(&path, "%s/a", p->folder);
    assert_int_equal(stat(buf_text(&path), &info), 0);
    assert_int_equal(info.st_mode & 0007, 0);
    assert_int_equal(info.st_size, 4);
    buf_string(&path, "/none");
    struct disk *disk;
    struct err err;
    assert_int_equal(disk_open_folder(&disk, "/nonexistent/canh", &err), ERR_NOT_FOUND);
    assert_null(disk);
    assert_int_equal(disk_open_folder(&disk, buf_text(&path), &err), ERR_IO);
    buf_free(&path);
}

static void test_full(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct disk_file *file;
    struct err err;
    disk_sim_capacity(disk, 2048);
    assert_int_equal(disk_open(disk, &file, "a", DISK_CREATE, &err), ERR_OK);
    assert_int_equal(disk_reserve(file, 1024, &err), ERR_OK);
    assert_int_equal(disk_reserve(file, 4096, &err), ERR_FULL);
    char bytes[2000] = {1};
    assert_int_equal(disk_write(file, 0, bytes, 1024, &err), ERR_OK);
    assert_int_equal(disk_write(file, 1024, bytes, 2000, &err), ERR_FULL);
    assert_int_equal(disk_write(file, 0, bytes, 1024, &err), ERR_OK);
    uint64_t left;
    assert_int_equal(disk_free_bytes(disk, &left, &err), ERR_OK);
    assert_int_equal(left, 2048 - disk_sim_used(disk));
    disk_sim_capacity(disk, 8192);
    assert_int_equal(disk_write(file, 1024, bytes, 2000, &err), ERR_OK);
    disk_close(&file);
    disk_sim_close(&disk);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, open_real, close_place),                                 \
        cmocka_unit_test_setup_teardown(test, open_simulated, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_files),
        BOTH(test_names),
        BOTH(test_a_removed_file_stays_while_open),
        BOTH(test_paths),
        BOTH(test_list),
        BOTH(test_whole_files),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, open_real, close_place),
        cmocka_unit_test_setup_teardown(test_real_folder, open_real, close_place),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
