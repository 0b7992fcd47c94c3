#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "formats/json.h"
#include "program/query_run.h"
#include "program/row_json.h"
#include "store/batch.h"

#define NOON 1795348800000000000ll /* 2026-11-22T12:00:00Z */

struct bed {
    struct disk *disk;
    struct store *store;
};

static const char *const events[] = {
    "{\"winlog\":{\"channel\":\"Security\",\"event_id\":4688,\"computer_name\":\"pc1\",\"event_"
    "data\":"
    "{\"NewProcessName\":\"C:\\\\a.exe\",\"CommandLine\":\"a -x\"}}}",
    "{\"EventID\":1,\"Channel\":\"Sysmon\",\"Image\":\"C:\\\\b.exe\",\"tag\":[\"t1\",\"t2\",\"\"]}",
    "{\"word\":\"w\",\"o\":{\"a\":[1,2.50,null]},\"e\":{},\"word\":\"v\"}",
};

static int bed_open(void **state)
{
    static struct bed bed;
    struct store_options options = {.write = true, .disk = bed.disk = disk_sim_open(1)};
    struct batch_writer *writer = batch_writer_open();
    struct batch batch = {0};
    struct record record = {0};
    uint32_t context, index;
    uint64_t first;
    struct err err;
    if (store_open(&bed.store, "simulated", &options, &err))
        fail_msg("%s", err.text);
    batch_begin(writer, NOON + CLOCK_SECOND_NS, true);
    for (uint32_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct row_context c = {.partition = i == 2 ? SLICE("other") : SLICE("main"),
                                .file = SLICE("f"),
                                .mapping = i == 2 ? SLICE("") : SLICE("windows")};
        assert_int_equal(batch_context(writer, &c, &context, &err), ERR_OK);
        record_reset(&record);
        assert_int_equal(json_parse_record(&record, slice_from(events[i]), &err), ERR_OK);
        int64_t time_ns = i == 2 ? CLOCK_NONE : NOON - (int64_t)i * 3600 * CLOCK_SECOND_NS;
        assert_int_equal(batch_add(writer, context, time_ns, i + 1, &record, &index, &err), ERR_OK);
    }
    batch_end(writer, &batch);
    struct store_group group = {
        .batches = &batch, .batch_count = 1, .now_ns = NOON + CLOCK_SECOND_NS};
    if (store_append(bed.store, &group, &first, &err))
        fail_msg("%s", err.text);
    record_free(&record);
    batch_free(&batch);
    batch_writer_close(&writer);
    *state = &bed;
    return 0;
}

static int bed_close(void **state)
{
    struct bed *bed = *state;
    store_close(&bed->store);
    disk_sim_close(&bed->disk);
    return 0;
}

/* Ids of what the query finds, oldest number first, and with wanted, its first field's values. */
static void found(struct bed *bed, struct query_run_options *options, const char *query,
                  bool values, struct buf *out)
{
    const char *words[] = {query};
    struct option_list list = {words, 1};
    struct query_run run = {0};
    struct store_cursor *cursor = NULL;
    struct store_item item;
    struct err err;
    buf_clear(out);
    options->words = &list;
    options->now_ns = NOON;
    if (query_run_open(&run, bed->store, options, &err))
        fail_msg("%s: %s", query, err.text);
    run.search.order = STORE_SEQUENCE;
    assert_int_equal(store_search(bed->store, &run.search, &cursor, &err), ERR_OK);
    while (store_next(cursor, &item, &err) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        buf_printf(out, "%llu", (unsigned long long)item.row->sequence);
        query_values_row(run.values, item.row);
        struct slice value;
        for (uint32_t n = 0; values && (value = query_values_get(run.values, 0, n)).data; n++)
            buf_printf(out, "[%.*s]", (int)value.len, value.data);
        buf_char(out, ' ');
    }
    store_cursor_close(&cursor);
    query_run_close(&run);
}

static void assert_found(struct bed *bed, const char *query, const char *expected)
{
    struct query_run_options options = {0};
    struct buf out = {0};
    found(bed, &options, query, false, &out);
    if (strcmp(buf_text(&out), expected) != 0)
        fail_msg("%s finds %s, not %s", query, buf_text(&out), expected);
    buf_free(&out);
}

static void assert_values(struct bed *bed, const char *query, const char *expected)
{
    struct query_run_options options = {0};
    struct buf out = {0};
    found(bed, &options, query, true, &out);
    if (strcmp(buf_text(&out), expected) != 0)
        fail_msg("%s gives %s, not %s", query, buf_text(&out), expected);
    buf_free(&out);
}

static void test_filters(void **state)
{
    assert_found(*state, "*", "1 2 3 ");
    assert_found(*state, "Image:*.exe", "1 2 ");
    assert_found(*state, "NewProcessName:*.exe", "1 ");
    assert_found(*state, "EventID:4688", "1 ");
    assert_found(*state, "word:v", "3 ");
    assert_found(*state, "_partition:other", "3 ");
    assert_found(*state, "_mapping:windows NOT EventID:1", "1 ");
    assert_found(*state, "_time:<2026-11-22T11:30:00Z", "2 ");
    assert_found(*state, "_received:<2026-11-22T12:00:00Z", "");
}

static void test_values(void **state)
{
    assert_values(*state, "* | stats count(Image)", "1[C:\\a.exe] 2[C:\\b.exe] 3 ");
    assert_values(*state, "* | stats count(tag)", "1 2[t1][t2][] 3 ");
    assert_values(*state, "* | stats count(word)", "1 2 3[w][v] ");
    assert_values(*state, "* | stats count() by _id", "1[1:1] 2[1:2] 3[1:3] ");
    assert_values(*state, "* | stats count() by _host", "1[pc1] 2 3 ");
    assert_values(*state, "* | stats count() by _mapping", "1[windows] 2[windows] 3 ");
}

static void test_spans(void **state)
{
    struct query_run_options options = {.from = "2026-11-22T11:30:00Z"};
    struct buf out = {0};
    found(*state, &options, "*", false, &out);
    assert_string_equal(buf_text(&out), "1 3 ");
    options = (struct query_run_options){.to = "-30m"};
    found(*state, &options, "*", false, &out);
    assert_string_equal(buf_text(&out), "2 ");
    options = (struct query_run_options){.from = "2026-11-22", .timezone = "+14:00"};
    found(*state, &options, "_time:<=2026-11-22", false, &out);
    assert_string_equal(buf_text(&out), "");
    buf_free(&out);
}

static void assert_refused(struct bed *bed, struct query_run_options options, const char *query,
                           int code, const char *text)
{
    const char *words[] = {query};
    struct option_list list = {words, 1};
    struct query_run run = {0};
    struct err err = {0};
    options.words = &list;
    options.now_ns = NOON;
    assert_int_equal(query_run_open(&run, bed->store, &options, &err), code);
    if (!strstr(err.text, text))
        fail_msg("%s: %s", query, err.text);
    query_run_close(&run);
}

static void test_what_is_wrong(void **state)
{
    struct query_run_options none = {0}, span = {.from = "someday"}, zone = {.timezone = "Mars"};
    struct query_run_options around = {.from = "now", .to = "-1h"};
    assert_refused(*state, none, "wrd:x", ERR_NOT_FOUND, "did you mean 'word'?");
    assert_refused(*state, none, "CommandLin:x", ERR_NOT_FOUND, "did you mean 'CommandLine'?");
    assert_refused(*state, none, "a:(", ERR_NOT_FOUND, "no event has a field 'a'");
    assert_refused(*state, span, "*", ERR_USAGE, "--from \"someday\" is no time");
    assert_refused(*state, around, "*", ERR_USAGE, "nothing lies between");
    assert_refused(*state, zone, "*", ERR_NOT_FOUND, "Mars");
}

struct texts {
    struct buf received, fields;
};

static int row_texts(void *context, const struct row *row)
{
    struct texts *t = context;
    row_json_received(row, false, 1, &t->received);
    row_json_fields(row->record, false, NULL, &t->fields);
    return ERR_OK;
}

static void test_json(void **state)
{
    struct bed *bed = *state;
    struct texts t = {0};
    struct err err;
    for (uint32_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        buf_clear(&t.received);
        buf_clear(&t.fields);
        assert_int_equal(store_get(bed->store, i + 1, row_texts, &t, &err), ERR_OK);
        assert_string_equal(buf_text(&t.received), events[i]);
    }
    assert_string_equal(buf_text(&t.fields),
                        "{\"word\":[\"w\",\"v\"],\"o.a\":[1,2.50,null],\"e\":{}}");
    buf_free(&t.received);
    buf_free(&t.fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters), cmocka_unit_test(test_values),
        cmocka_unit_test(test_spans),   cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, bed_open, bed_close);
}
