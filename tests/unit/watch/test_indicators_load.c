#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "watch/indicators_load.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/canh-intel-XXXXXX",
                   getenv("TMPDIR") && strlen(getenv("TMPDIR")) < 40 ? getenv("TMPDIR") : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_path(void *context, const char *path)
{
    (void)context;
    return unlink(path);
}

static int remove_folder(void **state)
{
    static const char *const inner[] = {"data/intel", "data"};
    struct buf path = {0};
    (void)state;
    int rc = io_walk(folder, remove_path, NULL, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", folder, inner[i]);
        (void)rmdir(buf_text(&path)); /* not made by every test */
    }
    buf_free(&path);
    return rc ? rc : rmdir(folder);
}

/* folder/name; good until the test's next call with the same slot */
static const char *path_of(int slot, const char *name)
{
    static char paths[4][160];
    (void)snprintf(paths[slot], sizeof paths[slot], "%s/%s", folder, name);
    return paths[slot];
}

static const char *write_file(int slot, const char *name, const char *text)
{
    const char *path = path_of(slot, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

static void count_problem(void *context, const char *text)
{
    int *count = context;
    assert_true(strlen(text) > 0);
    ++*count;
}

static void test_feeds(void **state)
{
    (void)state;
    const char *items[] = {write_file(0, "a.txt", "192.0.2.1\n!!\n"),
                           write_file(1, "b.csv", "domain,comment\nevil.example.org,x\n"),
                           path_of(2, "nowhere")};
    struct option_list paths = {items, 3};
    struct indicators_load load = {0};
    int problems = 0;
    struct err err;
    assert_int_equal(
        indicators_load_paths(&load, &paths, CLOCK_NONE, count_problem, &problems, &err), ERR_OK);
    assert_int_equal(indicator_table_count(load.table), 2);
    assert_int_equal(load.files, 2);
    assert_int_equal(load.unreadable, 1);
    assert_int_equal(load.counts.refused, 1);
    assert_int_equal(problems, 2);
    struct indicator i;
    indicator_table_get(load.table, 1, &i);
    assert_true(slice_equal(i.value, SLICE("evil.example.org")));
    assert_true(slice_equal(i.source, SLICE("b.csv")));
    indicators_load_free(&load);

    paths = (struct option_list){items, 1}; /* alone, a feed is no table that is mapped */
    assert_int_equal(indicators_load_paths(&load, &paths, CLOCK_NONE, NULL, NULL, &err), ERR_OK);
    assert_int_equal(indicator_table_count(load.table), 1);
    indicators_load_free(&load);

    paths = (struct option_list){items + 2, 1};
    assert_int_equal(indicators_load_paths(&load, &paths, CLOCK_NONE, NULL, NULL, &err),
                     ERR_NOT_FOUND);
    indicators_load_free(&load);
}

static int take(struct intel_store *s, const char *source, const char *value,
                struct intel_store_change *change)
{
    struct indicator_builder *b = indicator_builder_open();
    struct indicator i = {.type = INDICATOR_IP,
                          .value = slice_from(value),
                          .source = slice_from(source),
                          .id = SLICE(""),
                          .title = SLICE(""),
                          .confidence = INDICATOR_CONFIDENCE_NONE,
                          .from_ns = CLOCK_NONE,
                          .until_ns = CLOCK_NONE};
    struct indicator_table *t = NULL;
    struct buf bytes = {0};
    struct err err;
    assert_int_equal(indicator_builder_add(b, &i, &err), ERR_OK);
    indicator_builder_finish(b, &bytes);
    indicator_builder_close(&b);
    assert_int_equal(indicator_table_open(&t, buf_as_slice(&bytes), &err), ERR_OK);
    change->indicators = t;
    int rc = intel_store_change(s, change, &err);
    change->indicators = NULL;
    indicator_table_close(&t);
    buf_free(&bytes);
    return rc;
}

static void test_store(void **state)
{
    (void)state;
    struct intel_store *s = NULL, *second = NULL;
    struct intel_store_table before, after;
    struct intel_store_change change = {.now_ns = CLOCK_NONE};
    struct err err;
    char data[160];
    (void)snprintf(data, sizeof data, "%s/data", folder);
    assert_int_equal(intel_store_open_table(&before, data, INTEL_STORE_INDICATORS, &err), ERR_OK);
    assert_null(before.table);
    intel_store_close_table(&before);

    assert_int_equal(intel_store_open(&s, data, &err), ERR_OK);
    assert_int_equal(intel_store_open(&second, data, &err), ERR_BUSY);
    assert_null(second);
    assert_int_equal(take(s, "a", "192.0.2.1", &change), ERR_OK);
    assert_int_equal(change.indicator_count, 1);
    assert_int_equal(change.replaced, 0);
    assert_int_equal(intel_store_open_table(&before, data, INTEL_STORE_INDICATORS, &err), ERR_OK);

    assert_int_equal(take(s, "a", "192.0.2.2", &change), ERR_OK);
    assert_int_equal(take(s, "a", "192.0.2.2", &change), ERR_OK);
    assert_int_equal(change.indicator_count, 2);
    assert_int_equal(change.replaced, 1);
    /* who has the old table open goes on with it */
    assert_int_equal(indicator_table_count(before.table), 1);
    assert_int_equal(intel_store_open_table(&after, data, INTEL_STORE_INDICATORS, &err), ERR_OK);
    assert_int_equal(indicator_table_count(after.table), 2);
    intel_store_close_table(&before);
    intel_store_close_table(&after);
    intel_store_close(&s);
    assert_int_equal(intel_store_open(&second, data, &err), ERR_OK);
    intel_store_close(&second);

    const char *items[] = {path_of(0, "data/intel/indicators.table"),
                           write_file(1, "a.txt", "192.0.2.9\n")};
    struct option_list paths = {items, 1};
    struct indicators_load load = {0};
    assert_int_equal(indicators_load_paths(&load, &paths, CLOCK_NONE, NULL, NULL, &err), ERR_OK);
    assert_ptr_equal(load.table, load.mapped.table);
    assert_int_equal(load.counts.indicators, 2);
    indicators_load_free(&load);
    paths.count = 2;
    assert_int_equal(indicators_load_paths(&load, &paths, CLOCK_NONE, NULL, NULL, &err), ERR_OK);
    assert_ptr_equal(load.table, load.built);
    assert_int_equal(indicator_table_count(load.table), 3);
    indicators_load_free(&load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_feeds, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_store, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
