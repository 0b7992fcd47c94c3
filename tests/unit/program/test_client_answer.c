/* What a node says, and what one says that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "program/client_inside.h"

static const struct listing_column columns[] = {
    {.name = "id", .kind = LISTING_NUMBER},    {.name = "name", .kind = LISTING_TEXT},
    {.name = "level", .kind = LISTING_NUMBER}, {.name = "open", .kind = LISTING_BOOL},
    {.name = "made", .kind = LISTING_TIME},
};
static const struct listing listing = {.name = "things",
                                       .noun = "thing",
                                       .columns = columns,
                                       .column_count = sizeof columns / sizeof columns[0]};

struct seen {
    uint32_t rows;
    int64_t ids[8], made, level;
    bool open, level_is_null;
    char name[64];
};

static int see(void *context, const struct listing *l, const struct listing_value *values)
{
    struct seen *s = context;
    assert_ptr_equal(l, &listing);
    s->ids[s->rows++ % 8] = values[0].number;
    (void)snprintf(s->name, sizeof s->name, "%.*s", (int)values[1].text.len, values[1].text.data);
    s->level_is_null = values[2].is_null;
    s->level = values[2].number;
    s->open = values[3].number;
    s->made = values[4].number;
    return ERR_OK;
}

static int rows_of(const char *json, uint64_t limit, struct seen *s, uint64_t *next)
{
    struct err err;
    uint64_t visited = 0;
    *s = (struct seen){0};
    int rc = client_answer_rows(slice_from(json), &listing, limit, see, s, &visited, next, &err);
    assert_int_equal(visited, s->rows);
    return rc;
}

static void rows_are_read_by_their_columns(void **state)
{
    struct seen s;
    uint64_t next;
    (void)state;
    assert_int_equal(
        rows_of("{\"items\":[{\"id\":7,\"name\":\"\\u0110\\\"a\",\"level\":null,"
                "\"open\":true,\"made\":\"1970-01-01T00:00:01Z\",\"more\":{\"a\":[1]}},"
                "{\"name\":\"b\",\"id\":9,\"level\":-3}],\"next\":9}",
                100, &s, &next),
        ERR_OK);
    assert_int_equal(s.rows, 2);
    assert_int_equal(s.ids[0], 7);
    assert_int_equal(s.ids[1], 9);
    assert_int_equal(next, 9);
    assert_int_equal(s.level, -3);
    assert_false(s.open);
    assert_int_equal(rows_of("{\"items\":[{\"id\":7,\"name\":\"\\u0110\\\"a\",\"level\":null,"
                             "\"open\":true,\"made\":\"1970-01-01T00:00:01Z\"},{\"id\":8}],"
                             "\"next\":null}",
                             1, &s, &next),
                     ERR_OK);
    assert_int_equal(s.rows, 1);
    assert_int_equal(next, 0);
    assert_string_equal(s.name, "Đ\"a");
    assert_true(s.level_is_null);
    assert_true(s.open);
    assert_int_equal(s.made, CLOCK_SECOND_NS);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const texts[] = {"",     "<html>",    "{}", "[]", "{\"items\":7}",
                                        "null", "{\"items\""};
    struct seen s;
    uint64_t next;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(rows_of(texts[i], 100, &s, &next), ERR_SYNTAX);
}

static void members_are_found(void **state)
{
    struct slice json = SLICE("{\"a\":{\"b\":\"x\"},\"b\":\"y\\n\",\"c\":[1,{\"b\":2}],\"d\":null,"
                              "\"e\":12,\"f\":true}");
    struct slice value;
    struct buf text = {0};
    (void)state;
    assert_true(client_answer_text(json, "b", &text));
    assert_string_equal(buf_text(&text), "y\n");
    assert_true(client_answer_raw(json, "a", &value));
    assert_true(slice_equal(value, SLICE("{\"b\":\"x\"}")));
    assert_true(client_answer_raw(json, "c", &value));
    assert_true(slice_equal(value, SLICE("[1,{\"b\":2}]")));
    assert_true(client_answer_raw(json, "e", &value));
    assert_true(slice_equal(value, SLICE("12")));
    assert_true(client_answer_raw(json, "f", &value));
    assert_true(slice_equal(value, SLICE("true")));
    assert_false(client_answer_text(json, "d", &text));
    assert_false(client_answer_text(json, "g", &text));
    buf_free(&text);
}

/* Every way of cutting a stream gives the same bytes and the same verdict. */
static void streams_come_in_any_pieces(void **state)
{
    static const char whole[] = "{\"a\":1}\n{\"a\":2}\n\x1e{\"rows\":2,\"error\":null}\n";
    static const char failed[] = "{\"a\":1}\n\x1e{\"rows\":1,\"error\":\"too long\"}\n";
    struct err err;
    (void)state;
    for (size_t piece = 1; piece < sizeof whole; piece++) {
        int ends[2];
        char got[64] = "";
        assert_int_equal(pipe(ends), 0);
        struct client_stream stream = {.to = ends[1]};
        for (size_t at = 0; at < sizeof whole - 1; at += piece)
            client_stream_add(&stream, slice_part(slice_from(whole), at, piece));
        assert_int_equal(client_stream_end(&stream, &err), ERR_OK);
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], got, sizeof got), 16);
        assert_string_equal(got, "{\"a\":1}\n{\"a\":2}\n");
        (void)close(ends[0]);
    }
    struct client_stream bad = {.to = -1}, cut = {.to = -1};
    client_stream_add(&bad, slice_part(slice_from(failed), 8, SIZE_MAX));
    assert_int_equal(client_stream_end(&bad, &err), ERR_IO);
    assert_string_equal(err.text, "too long");
    assert_int_equal(client_stream_end(&cut, &err), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_by_their_columns),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(streams_come_in_any_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
