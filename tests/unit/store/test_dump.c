#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <stdio.h>

#include "store/dump.h"

static int text_take(void *context, struct slice text)
{
    buf_slice(context, text);
    return ERR_OK;
}

struct visiting {
    struct disk *disk;
    const char *folder;
    uint32_t files;
};

static void dump_check(struct disk *disk, const char *path)
{
    struct buf text = {0};
    struct err err = {0};
    for (int rows = 0; rows < 2; rows++) {
        buf_clear(&text);
        if (dump_file(disk, path, rows == 1, text_take, &text, &err) != ERR_OK)
            fail_msg("%s: %s", path, err.text);
        assert_true(text.len > 20);
        assert_int_equal(slice_find(buf_as_slice(&text), SLICE("DAMAGED")), SLICE_NONE);
    }
    buf_free(&text);
}

static int file_visit(void *context, const struct disk_entry *entry)
{
    struct visiting *v = context;
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", v->folder, entry->name);
    struct visiting inner = {v->disk, path, 0};
    if (entry->is_folder) {
        int rc = disk_list(v->disk, path, file_visit, &inner, NULL);
        v->files += inner.files;
        return rc;
    }
    dump_check(v->disk, path);
    v->files++;
    return ERR_OK;
}

static void test_every_file_of_a_store_is_known(void **state)
{
    static const char *const folders[] = {"journal", "checkpoint", "segments", "notary"};
    struct store_make m;
    struct disk *disk = NULL;
    struct err err = {0};
    (void)state;
    store_make_open(&m, 1);
    store_make_rows(&m, 60);
    store_make_seal(&m);
    store_make_rows(&m, 20);
    store_make_stop(&m);
    assert_int_equal(disk_open_folder(&disk, m.folder, &err), ERR_OK);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        struct visiting v = {disk, folders[i], 0};
        assert_int_equal(disk_list(disk, folders[i], file_visit, &v, &err), ERR_OK);
        assert_true(v.files > 0);
    }
    dump_check(disk, "catalog.db");
    dump_check(disk, "STORE");
    dump_check(disk, "keys/notary.pub");
    disk_close_folder(&disk);
    store_make_close(&m);
}

static void test_rows_are_shown_when_asked_for(void **state)
{
    struct store_make m;
    struct disk *disk = NULL;
    struct err err = {0};
    struct buf text = {0};
    (void)state;
    store_make_open(&m, 2);
    store_make_rows(&m, 7);
    store_make_stop(&m);
    assert_int_equal(disk_open_folder(&disk, m.folder, &err), ERR_OK);
    assert_int_equal(dump_file(disk, "journal/0000000001.journal", true, text_take, &text, &err),
                     ERR_OK);
    assert_int_not_equal(slice_find(buf_as_slice(&text), SLICE("row 7\ncanh-event 1\n")),
                         SLICE_NONE);
    buf_clear(&text);
    assert_int_equal(dump_file(disk, "journal/0000000001.journal", false, text_take, &text, &err),
                     ERR_OK);
    assert_int_equal(slice_find(buf_as_slice(&text), SLICE("canh-event")), SLICE_NONE);
    assert_int_equal(dump_file(disk, "keys/notary.key", true, text_take, &text, &err),
                     ERR_UNSUPPORTED); /* a secret is never shown */
    assert_int_equal(dump_file(disk, "nothing", true, text_take, &text, &err), ERR_NOT_FOUND);
    disk_close_folder(&disk);
    buf_free(&text);
    store_make_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_of_a_store_is_known),
        cmocka_unit_test(test_rows_are_shown_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
