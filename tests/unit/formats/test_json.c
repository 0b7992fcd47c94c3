#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "formats/json_record.h"

/* One line a field: name=value, kind as a letter, e: escaped, n: nested. */
static void record_render(struct buf *out, struct record *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct field *f = &r->fields[i];
        buf_slice(out, f->name);
        buf_char(out, ' ');
        buf_char(out, "snb0o"[f->kind]);
        if (f->flags & FIELD_ESCAPED)
            buf_char(out, 'e');
        if (f->flags & FIELD_NESTED)
            buf_char(out, 'n');
        buf_char(out, ' ');
        buf_slice(out, record_text(r, f));
        buf_char(out, '\n');
    }
}

static int parse_render(const struct json_engine *engine, struct slice text, struct buf *out,
                        struct err *err)
{
    struct record r = {0};
    buf_clear(out);
    int rc = json_engine_parse(engine, &r, text, err);
    record_render(out, &r);
    record_free(&r);
    return rc;
}

static void assert_record(struct slice text, const char *expected)
{
    struct buf out = {0};
    struct err err;
    for (size_t i = 0; i < json_engine_count; i++) {
        if (!json_engines[i].usable())
            continue;
        assert_int_equal(parse_render(&json_engines[i], text, &out, &err), ERR_OK);
        assert_string_equal(buf_text(&out), expected);
    }
    buf_free(&out);
}

static void assert_refused(struct slice text, int code)
{
    struct buf out = {0};
    struct err err;
    for (size_t i = 0; i < json_engine_count; i++) {
        if (!json_engines[i].usable())
            continue;
        err.text[0] = '\0';
        assert_int_equal(parse_render(&json_engines[i], text, &out, &err), code);
        assert_int_equal(err.code, code);
        assert_true(err.text[0] != '\0');
        assert_int_equal(out.len, 0);
        if (json_engines[i].fill) {
            struct record r = {0};
            assert_false(json_walk(&r, text, json_engines[i].fill));
            record_free(&r);
        }
    }
    buf_free(&out);
}

static void test_flat_object(void **state)
{
    (void)state;
    assert_record(SLICE("{\"EventID\":1,\"Image\":\"C:\\\\Windows\\\\cmd.exe\",\"ok\":true,"
                        "\"no\":false,\"nil\":null,\"a.b\":\"\"}"),
                  "EventID n 1\nImage se C:\\Windows\\cmd.exe\nok b true\nno b false\nnil 0 \n"
                  "a.b s \n");
    assert_record(SLICE("{}"), "");
    assert_record(SLICE(" \t\r\n{ \"a\" : 1 ,\n\"b\"\t:\r\"c\" } \n"), "a n 1\nb s c\n");
    assert_record(SLICE("\xef\xbb\xbf{\"a\":1}"), "a n 1\n");
    assert_record(SLICE("{\"\":1,\"a\":1,\"a\":2}"), " n 1\na n 1\na n 2\n");
}

static void test_nested_values_are_flattened(void **state)
{
    (void)state;
    assert_record(SLICE("{\"a\":{\"b\":{\"c\":1},\"d\":\"x\"},\"e\":2}"),
                  "a o {\"b\":{\"c\":1},\"d\":\"x\"}\na.b on {\"c\":1}\na.b.c nn 1\na.d sn x\n"
                  "e n 2\n");
    assert_record(SLICE("{\"t\":[\"x\",[1,null],{\"u\":true}],\"v\":[]}"),
                  "t o [\"x\",[1,null],{\"u\":true}]\nt s x\nt o [1,null]\nt n 1\nt 0 \n"
                  "t o {\"u\":true}\nt.u bn true\nv o []\n");
    assert_record(SLICE("{\"a\":{\"b\":[1,2]}}"),
                  "a o {\"b\":[1,2]}\na.b on [1,2]\na.b nn 1\na.b nn 2\n");
    assert_record(SLICE("{\"a\": { \"\" : { \"\" : 1 } } , \"b\" : { } }"),
                  "a o { \"\" : { \"\" : 1 } }\na. on { \"\" : 1 }\na.. nn 1\nb o { }\n");
    assert_record(SLICE("{\"\\u0061\":{\"\\\"\":{\"c\":1}}}"),
                  "a o {\"\\\"\":{\"c\":1}}\na.\" on {\"c\":1}\na.\".c nn 1\n");
}

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789abcdefghijklmnopqrstuvwxyz";

static void test_nested_names_of_all_lengths(void **state)
{
    (void)state;
    struct buf text = {0}, expected = {0};
    for (int prefix = 0; prefix < 70; prefix += prefix < 28 || prefix > 34 ? 7 : 1) {
        for (int key = 0; key < 70; key += key < 28 || key > 34 ? 7 : 1) {
            buf_clear(&text);
            buf_printf(&text, "{\"%.*s\":{\"%.*s\":1,\"\":{\"z\":2}},\"last\":3}", prefix, LETTERS,
                       key, LETTERS + 1);
            buf_clear(&expected);
            buf_printf(&expected, "%.*s o {\"%.*s\":1,\"\":{\"z\":2}}\n", prefix, LETTERS, key,
                       LETTERS + 1);
            buf_printf(&expected, "%.*s.%.*s nn 1\n", prefix, LETTERS, key, LETTERS + 1);
            buf_printf(&expected, "%.*s. on {\"z\":2}\n%.*s..z nn 2\nlast n 3\n", prefix, LETTERS,
                       prefix, LETTERS);
            assert_record(buf_as_slice(&text), buf_text(&expected));
        }
    }
    buf_free(&text);
    buf_free(&expected);
}

static void test_text_that_is_no_object(void **state)
{
    (void)state;
    assert_record(SLICE("\"a line\""), "message s a line\n");
    assert_record(SLICE(" \"a\\tline\" "), "message se a\tline\n");
    assert_refused(SLICE("1"), ERR_SYNTAX);
    assert_refused(SLICE("null"), ERR_SYNTAX);
    assert_refused(SLICE("[{\"a\":1}]"), ERR_SYNTAX);
    assert_refused(SLICE(""), ERR_SYNTAX);
    assert_refused(slice_make(NULL, 0), ERR_SYNTAX);
    assert_refused(SLICE("  "), ERR_SYNTAX);
}

static void test_escapes(void **state)
{
    (void)state;
    assert_record(SLICE("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"), "a se \"\\/\b\f\n\r\t\n");
    assert_record(SLICE("{\"a\":\"\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\\uffff\"}"),
                  "a se A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbf\n");
    assert_record(SLICE("{\"a\":\"\\\\u0041\\\\\"}"), "a se \\u0041\\\n");
    struct record r = {0};
    assert_int_equal(json_parse_record(&r, SLICE("{\"a\":\"x\\u0000y\"}"), NULL), ERR_OK);
    struct slice text = record_text(&r, &r.fields[0]);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.data, "x\0y", 3);
    record_free(&r);
}

static const char *const REFUSED[] = {
    "{",
    "}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}}",
    "{\"a\":1}{",
    "{\"a\":1} x",
    "{a:1}",
    "{'a':1}",
    "{\"a\" 1}",
    "{\"a\":1;}",
    "{\"a\":[1,]}",
    "{\"a\":[,1]}",
    "{\"a\":[1}",
    "{\"a\":{]}",
    "{\"a\":[}",
    "{\"a\":(1)}",
    "{\"a\":tru}",
    "{\"a\":True}",
    "{\"a\":nul}",
    "{\"a\":nullx}",
    "{\"a\":truefalse}",
    "{\"a\":fals}",
    "{1:2}",
    "{\"a\"::1}",
    "{\"a\":1,,\"b\":2}",
    "{\"a\":\"b}",
    "{\"a\":\"b\\\"}",
    "\"a",
    "{\"a\":1}\\\"",
    "{\\\"a\":1}",
    "{\"a\":\"b\"\"c\"}",
    "{\"a\":NaN}",
    "{\"a\":/**/1}",
    /* escapes */
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\\xe2\x82\xac\"}",
    "{\"a\":\"\\u12\"}",
    "{\"a\":\"\\u12g4\"}",
    "{\"a\":\"\\U0041\"}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":\"\\udc00\"}",
    "{\"a\":\"\\ud800x\"}",
    "{\"a\":\"\\ud800\\n\"}",
    "{\"a\":\"\\ud800\\u0041\"}",
    "{\"a\":\"\\ud800\\ud800\"}",
    "{\"a\":\"\\ud83d\\ude00\\ude00\"}",
    "{\"\\ud800\":1}",
    "{\"a\":\"\\u\"}",
    /* control characters */
    "{\"a\":\"\x01\"}",
    "{\"a\":\"x\ty\"}",
    "{\"a\":\"x\ny\"}",
    "{\"a\x1f\":1}",
    "{\"a\":\x0b 1}",
    /* UTF-8: stray, cut, over-long, surrogate, past the end, never used bytes, not in a string
     */
    "{\"a\":\"\x80\"}",
    "{\"a\":\"\xbf\x80\"}",
    "{\"a\":\"\xc3\"}",
    "{\"a\":\"\xe2\x82\"}",
    "{\"a\":\"\xf0\x9f\x98\"}",
    "{\"a\":\"\xc0\xaf\"}",
    "{\"a\":\"\xc1\xbf\"}",
    "{\"a\":\"\xe0\x80\x80\"}",
    "{\"a\":\"\xe0\x9f\xbf\"}",
    "{\"a\":\"\xf0\x8f\xbf\xbf\"}",
    "{\"a\":\"\xed\xa0\x80\"}",
    "{\"a\":\"\xed\xbf\xbf\"}",
    "{\"a\":\"\xf4\x90\x80\x80\"}",
    "{\"a\":\"\xf5\x80\x80\x80\"}",
    "{\"a\":\"\xfe\"}",
    "{\"a\":\"\xff\xff\"}",
    "{\"a\":\"\xc3\xa9\xa9\"}",
    "{\"\xc3\":1}",
    "{\"a\":\xc3\xa9}",
    "{\xef\xbb\xbf\"a\":1}",
    /* numbers */
    "{\"a\":01}",
    "{\"a\":-}",
    "{\"a\":+1}",
    "{\"a\":.5}",
    "{\"a\":1.}",
    "{\"a\":1.e5}",
    "{\"a\":1e}",
    "{\"a\":1e+}",
    "{\"a\":-01}",
    "{\"a\":0x10}",
    "{\"a\":1 2}",
    "{\"a\":--1}",
    "{\"a\":1a}",
    "{\"a\":00}",
    "{\"a\":12345678901.}",
    "{\"a\":1.2.3}",
};

static void test_syntax_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++)
        assert_refused(slice_from(REFUSED[i]), ERR_SYNTAX);
    assert_refused(slice_make("{\"a\":\"x\0y\"}", 11), ERR_SYNTAX);
    assert_refused(slice_make("{\"a\":1}\0", 8), ERR_SYNTAX);
    assert_refused(slice_make("{\0\"a\":1}", 8), ERR_SYNTAX);
}

static void test_well_formed_utf8_is_taken(void **state)
{
    (void)state;
    assert_record(SLICE("{\"t\xc3\xaan\":\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
                        "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\x7f\"}"),
                  "t\xc3\xaan s \xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
                  "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\x7f\n");
}

static void test_numbers_keep_their_text(void **state)
{
    (void)state;
    assert_record(SLICE("{\"a\":0,\"b\":-0,\"c\":1.50,\"d\":1E+05,\"e\":-12.0e-3,\"f\":12345678,"
                        "\"g\":123456789012,\"h\":0.0,\"i\":1e999999,\"j\":0e0}"),
                  "a n 0\nb n -0\nc n 1.50\nd n 1E+05\ne n -12.0e-3\nf n 12345678\n"
                  "g n 123456789012\nh n 0.0\ni n 1e999999\nj n 0e0\n");
    struct buf text = {0}, expected = {0};
    buf_string(&text, "{\"a\":");
    buf_string(&expected, "a n ");
    for (int i = 0; i < 4000; i++) {
        buf_char(&text, '7');
        buf_char(&expected, '7');
    }
    buf_string(&text, "}");
    buf_string(&expected, "\n");
    assert_record(buf_as_slice(&text), buf_text(&expected));
    buf_free(&text);
    buf_free(&expected);
}

static void nest(struct buf *text, int objects, int arrays)
{
    buf_clear(text);
    for (int i = 0; i < objects; i++)
        buf_string(text, "{\"a\":");
    for (int i = 0; i < arrays; i++)
        buf_char(text, '[');
    buf_char(text, '1');
    for (int i = 0; i < arrays; i++)
        buf_char(text, ']');
    for (int i = 0; i < objects; i++)
        buf_char(text, '}');
}

static void test_depth_is_limited(void **state)
{
    (void)state;
    struct buf text = {0};
    struct record r = {0};
    nest(&text, JSON_DEPTH_MAX, 0);
    assert_int_equal(json_parse_record(&r, buf_as_slice(&text), NULL), ERR_OK);
    assert_int_equal(r.count, JSON_DEPTH_MAX);
    assert_int_equal(r.fields[r.count - 1].name.len, 2 * JSON_DEPTH_MAX - 1);
    nest(&text, 1, JSON_DEPTH_MAX);
    assert_refused(buf_as_slice(&text), ERR_LIMIT);
    nest(&text, JSON_DEPTH_MAX + 1, 0);
    assert_refused(buf_as_slice(&text), ERR_LIMIT);
    nest(&text, 1, 10000);
    assert_refused(buf_as_slice(&text), ERR_LIMIT);
    nest(&text, 10000, 0);
    assert_refused(buf_as_slice(&text), ERR_LIMIT);
    record_free(&r);
    buf_free(&text);
}

static void members(struct buf *text, int count)
{
    buf_clear(text);
    buf_string(text, "{\"k\":0");
    for (int i = 1; i < count; i++)
        buf_string(text, ",\"k\":\"v\"");
    buf_char(text, '}');
}

static void test_fields_and_names_are_limited(void **state)
{
    (void)state;
    struct buf text = {0};
    struct record r = {0};
    members(&text, RECORD_FIELDS_MAX);
    assert_int_equal(json_parse_record(&r, buf_as_slice(&text), NULL), ERR_OK);
    assert_int_equal(r.count, RECORD_FIELDS_MAX);
    members(&text, RECORD_FIELDS_MAX + 1);
    assert_refused(buf_as_slice(&text), ERR_LIMIT);

    const char *const parts[][3] = {{"{\"", "x", "\":1}"},
                                    {"{\"y\":{\"", "x", "\":1}}"},
                                    {"{\"", "\\u0078", "\":1}"},
                                    {"{\"y\":{\"", "\\u0078", "\":1}}"}};
    for (size_t p = 0; p < 4; p++) {
        for (int over = 0; over < 2; over++) {
            int count = RECORD_NAME_BYTES_MAX - (p % 2 ? 2 : 0) + over;
            buf_clear(&text);
            buf_string(&text, parts[p][0]);
            for (int i = 0; i < count; i++)
                buf_string(&text, parts[p][1]);
            buf_string(&text, parts[p][2]);
            record_reset(&r);
            if (over) {
                assert_refused(buf_as_slice(&text), ERR_LIMIT);
                continue;
            }
            assert_int_equal(json_parse_record(&r, buf_as_slice(&text), NULL), ERR_OK);
            assert_int_equal(r.fields[r.count - 1].name.len, RECORD_NAME_BYTES_MAX);
        }
    }
    record_free(&r);
    buf_free(&text);
}

static void test_a_refused_text_leaves_earlier_fields(void **state)
{
    (void)state;
    struct record r = {0};
    assert_int_equal(json_parse_record(&r, SLICE("{\"a\":1}"), NULL), ERR_OK);
    assert_int_equal(json_parse_record(&r, SLICE("{\"b\":1,\"c\":2,}"), NULL), ERR_SYNTAX);
    assert_int_equal(r.count, 1);
    record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat_object),
        cmocka_unit_test(test_nested_values_are_flattened),
        cmocka_unit_test(test_nested_names_of_all_lengths),
        cmocka_unit_test(test_text_that_is_no_object),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_syntax_is_refused),
        cmocka_unit_test(test_well_formed_utf8_is_taken),
        cmocka_unit_test(test_numbers_keep_their_text),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_fields_and_names_are_limited),
        cmocka_unit_test(test_a_refused_text_leaves_earlier_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
