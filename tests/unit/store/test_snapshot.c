#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <stdio.h>
#include <stdlib.h>

static void copy_name(char *out, size_t room)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(out, room, "%s/canh-copy-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(out));
}

static void store_fill(struct store_make *m, uint64_t seed)
{
    store_make_open(m, seed);
    for (int i = 0; i < 2; i++) {
        store_make_rows(m, 80);
        store_make_seal(m);
    }
    store_make_rows(m, 40);
}

/* The copy as a store_make of its own, which removes it. */
static void copy_open(struct store_make *copy, const struct store_make *m, const char *folder,
                      bool write)
{
    store_make_folder(copy, 77);
    store_make_remove(copy->folder);
    (void)snprintf(copy->folder, sizeof copy->folder, "%s", folder);
    copy->now_ns = m->now_ns;
    copy->rows = m->rows;
    store_make_start(copy, write);
}

static void test_a_copy_is_a_store(void **state)
{
    struct store_make m, copy;
    struct err err = {0};
    char folder[200];
    (void)state;
    store_fill(&m, 1);
    copy_name(folder, sizeof folder);
    if (store_snapshot(m.store, folder, &err) != ERR_OK)
        fail_msg("store_snapshot: %s", err.text);
    struct digest before = store_make_digest(m.store, m.rows);
    copy_open(&copy, &m, folder, false);
    assert_int_equal(store_epoch(copy.store), store_epoch(m.store) + 1);
    struct digest after = store_make_digest(copy.store, m.rows);
    assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
    assert_int_equal(store_make_problems(copy.store, true), 0);
    store_make_stop(&copy);
    store_make_start(&copy, true); /* with a key of its own */
    store_make_rows(&copy, 50);
    store_make_seal(&copy);
    store_make_stop(&copy);
    store_make_start(&copy, false);
    assert_int_equal(store_make_problems(copy.store, true), 0);
    store_make_rows(&m, 10); /* the first one goes on, too */
    assert_int_equal(store_make_problems(m.store, true), 0);
    store_make_close(&copy);
    store_make_close(&m);
}

/* By another process than the writer: nothing is sealed for it. */
static void test_a_reader_copies_what_is_not_sealed(void **state)
{
    struct store_make m, copy;
    struct err err = {0};
    struct store *reader = NULL;
    struct store_options options = {.write = false};
    char folder[200];
    (void)state;
    store_fill(&m, 2);
    copy_name(folder, sizeof folder);
    assert_int_equal(store_open(&reader, m.folder, &options, &err), ERR_OK);
    if (store_snapshot(reader, folder, &err) != ERR_OK)
        fail_msg("store_snapshot: %s", err.text);
    store_close(&reader);
    struct digest before = store_make_digest(m.store, m.rows);
    copy_open(&copy, &m, folder, true);
    struct digest after = store_make_digest(copy.store, m.rows);
    assert_memory_equal(before.bytes, after.bytes, DIGEST_BYTES);
    assert_int_equal(store_next_sequence(copy.store), m.rows + 1);
    assert_int_equal(store_make_problems(copy.store, true), 0);
    store_make_close(&copy);
    store_make_close(&m);
}

static void test_a_folder_in_use_is_refused(void **state)
{
    struct store_make m;
    struct err err = {0};
    (void)state;
    store_fill(&m, 3);
    assert_int_equal(store_snapshot(m.store, m.folder, &err), ERR_BUSY);
    store_make_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_a_store),
        cmocka_unit_test(test_a_reader_copies_what_is_not_sealed),
        cmocka_unit_test(test_a_folder_in_use_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
