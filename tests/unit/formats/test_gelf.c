#include "formats/gelf.h"

#include "formats/gelf_chunks.h"
#include "unit/formats/fields.h"
#include "unit/formats/split_harness.h"

static void expect(const char *sent, const char *expected)
{
    struct buf out = {0};
    struct err err;
    buf_string(&out, ">");
    assert_int_equal(gelf_event(&out, slice_from(sent), &err), ERR_OK);
    assert_string_equal(buf_text(&out) + 1, expected);
    buf_free(&out);
}

static void test_event(void **state)
{
    (void)state;
    expect("{\"version\":\"1.1\",\"host\":\"web1\",\"short_message\":\"a\\nb\", \"timestamp\" : "
           "1385053862.3072 ,\"level\":1,\"_user_id\":9001,\"_tags\":[1,{\"_a\":2}]}",
           "{\"version\":\"1.1\",\"host\":\"web1\",\"message\":\"a\\nb\",\"@timestamp\":\"2013-11-"
           "21T17:11:02.3072Z\",\"level\":1,\"user_id\":9001,\"tags\":[1,{\"_a\":2}]}");
    expect("{}", "{}");
    expect("{\"timestamp\":1.385053862E9}", "{\"@timestamp\":\"2013-11-21T17:11:02Z\"}");
    expect("{\"timestamp\":\"soon\"}", "{\"timestamp\":\"soon\"}");
    expect("{\"timestamp\":true}", "{\"timestamp\":true}");
}

static void test_names_that_are_taken(void **state)
{
    (void)state;
    expect("{\"short_message\":\"a\",\"_message\":\"b\",\"host\":\"h\",\"_host\":\"i\",\"_\":1,"
           "\"__x\":1,\"_x\":2}",
           "{\"message\":\"a\",\"_message\":\"b\",\"host\":\"h\",\"_host\":\"i\",\"_\":1,"
           "\"__x\":1,\"x\":2}");
    expect("{\"short_message\":\"a\",\"message\":\"b\"}",
           "{\"short_message\":\"a\",\"message\":\"b\"}");
    expect("{\"_timestamp\":5,\"timestamp\":1385053862,\"_@timestamp\":6}",
           "{\"_timestamp\":5,\"@timestamp\":\"2013-11-21T17:11:02Z\",\"_@timestamp\":6}");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "\"text\"", "{\"a\":1", "{\"a\":1} x", "{\"a\":}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct buf out = {0};
        struct err err = {0};
        buf_string(&out, "kept");
        assert_int_equal(gelf_event(&out, slice_from(bad[i]), &err), ERR_SYNTAX);
        assert_true(err.text[0]);
        assert_string_equal(buf_text(&out), "kept");
        buf_free(&out);
    }
}

static void test_parse_and_split(void **state)
{
    (void)state;
    fields_expect(gelf_parse, "{\"short_message\":\"a\",\"_EventID\":4625}",
                  "message=a\nEventID=#4625\n");
    static const char text[] = "{\"a\":1}\0\n{\"b\":\n2}\0\0{\"c\":3}\r\n";
    static const size_t sizes[] = {1 << 20, 1, 2, 5};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct split_run run;
        split_run_text(&run, "gelf", slice_make(text, sizeof(text) - 1), sizes[i]);
        assert_string_equal(buf_text(&run.text), "1:{\"a\":1}\n2:{\"b\":\\n2}\n3:{\"c\":3}\n");
        split_run_free(&run);
    }
    assert_int_equal(gelf_probe(SLICE("{\"version\":\"1.1\",\"short_message\":\"x\"}\0{")), 97);
    assert_int_equal(gelf_probe(SLICE("{\"version\":\"1.1\",\"short_message\":\"x\"}\n{")), 0);
}

#define CHUNK(id, number, count, part) SLICE("\x1e\x0f" id number count part)

static void test_chunks(void **state)
{
    (void)state;
    struct gelf_chunks *c = gelf_chunks_open();
    struct slice whole;
    assert_true(gelf_chunks_add(c, SLICE("{}"), 1, 0, &whole));
    assert_true(slice_equal(whole, SLICE("{}")));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\x01", "\x03", "b"), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\x02", "\x03", "c"), 1, 1, &whole));
    /* the same id of another sender is another message */
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\0", "\x03", "x"), 2, 1, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\x01", "\x03", "B"), 1, 2, &whole));
    assert_int_equal(gelf_chunks_waiting(c), 2);
    assert_true(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\0", "\x03", "a"), 1, 3, &whole));
    assert_true(slice_equal(whole, SLICE("abc")));
    assert_int_equal(gelf_chunks_counts(c).repeated, 1);
    gelf_chunks_expire(c, 1 + GELF_AGE_NS);
    assert_int_equal(gelf_chunks_waiting(c), 1);
    gelf_chunks_expire(c, 2 + GELF_AGE_NS);
    assert_int_equal(gelf_chunks_waiting(c), 0);
    assert_int_equal(gelf_chunks_counts(c).incomplete, 1);
    gelf_chunks_close(&c);
}

static void test_chunks_that_are_none(void **state)
{
    (void)state;
    struct gelf_chunks *c = gelf_chunks_open();
    struct slice whole;
    assert_false(gelf_chunks_add(c, SLICE(""), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, SLICE("\x1e\x0f"), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\0", "\0", "x"), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\x02", "\x02", "x"), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\0", "\x81", "x"), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\0", "\x02", ""), 1, 0, &whole));
    assert_int_equal(gelf_chunks_counts(c).bad, 6);
    assert_int_equal(gelf_chunks_waiting(c), 0);
    /* a chunk that tells another count than the first */
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\0", "\x02", "x"), 1, 0, &whole));
    assert_false(gelf_chunks_add(c, CHUNK("aaaaaaaa", "\x01", "\x03", "x"), 1, 0, &whole));
    assert_int_equal(gelf_chunks_counts(c).bad, 7);
    gelf_chunks_close(&c);
}

static void test_chunks_are_bounded(void **state)
{
    (void)state;
    struct gelf_chunks *c = gelf_chunks_open();
    struct slice whole;
    struct buf datagram = {0};
    buf_append(&datagram, "\x1e\x0f", 2);
    buf_append(&datagram, "aaaaaaaa\0\x02", 10);
    for (int i = 0; i < 60000; i++)
        buf_char(&datagram, 'x');
    for (uint64_t sender = 0; sender < 1000; sender++)
        assert_false(gelf_chunks_add(c, buf_as_slice(&datagram), sender, 0, &whole));
    assert_int_equal(gelf_chunks_waiting(c), GELF_OPEN_MAX);
    assert_int_equal(gelf_chunks_counts(c).incomplete, 1000 - GELF_OPEN_MAX);
    /* the oldest went */
    datagram.data[10] = 1;
    assert_true(gelf_chunks_add(c, buf_as_slice(&datagram), 999, 0, &whole));
    assert_int_equal(whole.len, 120000);
    assert_false(gelf_chunks_add(c, buf_as_slice(&datagram), 0, 0, &whole));
    datagram.data[11] = (char)128;
    for (int i = 0; i < GELF_CHUNKS_MAX - 1; i++)
        for (uint64_t sender = 2000; sender < 2010; sender++) {
            datagram.data[10] = (char)i;
            (void)gelf_chunks_add(c, buf_as_slice(&datagram), sender, 0, &whole);
        }
    /* none of the ten got to its end, the older ones are gone */
    assert_true(gelf_chunks_waiting(c) <= 10);
    assert_true(gelf_chunks_counts(c).incomplete >= 1000 + 5);
    gelf_chunks_close(&c);
    buf_free(&datagram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_names_that_are_taken),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_parse_and_split),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_chunks_that_are_none),
        cmocka_unit_test(test_chunks_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
