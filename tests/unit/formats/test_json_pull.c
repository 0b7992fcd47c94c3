#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "formats/json.h"

static void assert_token(struct json_reader *r, enum json_token token, const char *text)
{
    assert_int_equal(json_next(r), token);
    if (text)
        assert_true(slice_equal(r->text, slice_from(text)));
}

static void test_tokens_come_in_order(void **state)
{
    (void)state;
    struct json_reader r;
    json_reader_open(&r,
                     SLICE("\xef\xbb\xbf {\"a\":[1, \"x\\n\", true,false ,null],\"b\\t\":{}} "));
    assert_token(&r, JSON_OBJECT_OPEN, NULL);
    assert_token(&r, JSON_KEY, "a");
    assert_false(r.escaped);
    assert_token(&r, JSON_ARRAY_OPEN, NULL);
    assert_token(&r, JSON_NUMBER, "1");
    assert_token(&r, JSON_STRING, "x\\n");
    assert_true(r.escaped);
    assert_token(&r, JSON_TRUE, NULL);
    assert_token(&r, JSON_FALSE, NULL);
    assert_token(&r, JSON_NULL, NULL);
    assert_token(&r, JSON_ARRAY_CLOSE, NULL);
    assert_token(&r, JSON_KEY, "b\\t");
    assert_true(r.escaped);
    assert_token(&r, JSON_OBJECT_OPEN, NULL);
    assert_int_equal(r.depth, 2);
    assert_token(&r, JSON_OBJECT_CLOSE, NULL);
    assert_token(&r, JSON_OBJECT_CLOSE, NULL);
    assert_token(&r, JSON_END, NULL);
    assert_token(&r, JSON_END, NULL);
}

static void test_any_value_may_be_the_top(void **state)
{
    (void)state;
    struct json_reader r;
    json_reader_open(&r, SLICE(" -1.5e3 "));
    assert_token(&r, JSON_NUMBER, "-1.5e3");
    assert_token(&r, JSON_END, NULL);
    json_reader_open(&r, SLICE("[]"));
    assert_token(&r, JSON_ARRAY_OPEN, NULL);
    assert_token(&r, JSON_ARRAY_CLOSE, NULL);
    assert_token(&r, JSON_END, NULL);
}

static void test_skip_reads_to_the_end_of_the_value(void **state)
{
    (void)state;
    struct json_reader r;
    json_reader_open(&r, SLICE("{\"a\":{\"b\":[{},[1]]},\"c\":[[],2],\"d\":3}"));
    assert_token(&r, JSON_OBJECT_OPEN, NULL);
    assert_token(&r, JSON_KEY, "a");
    assert_token(&r, JSON_OBJECT_OPEN, NULL);
    assert_int_equal(json_skip(&r), JSON_OBJECT_CLOSE);
    assert_token(&r, JSON_KEY, "c");
    assert_token(&r, JSON_ARRAY_OPEN, NULL);
    assert_int_equal(json_skip(&r), JSON_ARRAY_CLOSE);
    assert_token(&r, JSON_KEY, "d");
    assert_token(&r, JSON_NUMBER, "3");
    assert_token(&r, JSON_OBJECT_CLOSE, NULL);
    assert_token(&r, JSON_END, NULL);

    json_reader_open(&r, SLICE("{\"a\":[1,}"));
    assert_token(&r, JSON_OBJECT_OPEN, NULL);
    assert_token(&r, JSON_KEY, "a");
    assert_token(&r, JSON_ARRAY_OPEN, NULL);
    assert_int_equal(json_skip(&r), JSON_ERROR);
}

static void test_the_first_error_stays(void **state)
{
    (void)state;
    struct json_reader r;
    json_reader_open(&r, SLICE("{\"a\" 1}"));
    assert_token(&r, JSON_OBJECT_OPEN, NULL);
    assert_token(&r, JSON_ERROR, NULL);
    assert_int_equal(r.err.code, ERR_SYNTAX);
    assert_int_equal(r.err.line, 1);
    assert_int_equal(r.err.column, 6);
    assert_string_equal(r.err.text, "Not valid JSON: ':' should come here, but '1' is there.");
    assert_token(&r, JSON_ERROR, NULL);
    assert_int_equal(r.err.column, 6);
    assert_int_equal(json_skip(&r), JSON_ERROR);
    assert_int_equal(r.err.column, 6);
}

static void test_errors_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *part;
    } CASES[] = {
        {"[1,\n 2,\n x]", 3, 2, "'x' is there"},
        {"[1", 1, 3, "the text ends"},
        {"[\"abc", 1, 2, "inside the string"},
        {"[\"a\\q\"]", 1, 4, "no escape"},
        {"[\"a\x02\"]", 1, 4, "control character"},
        {"[\"a\xff\"]", 1, 4, "UTF-8"},
        {"[01]", 1, 2, "number"},
        {"[1]\x01", 1, 4, "byte 0x01"},
        {"{,", 1, 2, "a name in quotes or '}'"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct json_reader r;
        enum json_token token;
        json_reader_open(&r, slice_from(CASES[i].text));
        while ((token = json_next(&r)) != JSON_ERROR)
            assert_int_not_equal(token, JSON_END);
        assert_int_equal(r.err.line, CASES[i].line);
        assert_int_equal(r.err.column, CASES[i].column);
        assert_non_null(strstr(r.err.text, CASES[i].part));
    }
}

static void test_unescape_is_safe_with_what_no_reader_gives(void **state)
{
    (void)state;
    char out[32];
    assert_int_equal(json_unescape(out, SLICE("ab\\")), 3);
    assert_memory_equal(out, "ab\\", 3);
    assert_int_equal(json_unescape(out, SLICE("\\u12")), 4);
    assert_memory_equal(out, "\\u12", 4);
    assert_int_equal(json_unescape(out, SLICE("")), 0);
}

static void test_unescape_of_long_text(void **state)
{
    (void)state;
    struct buf in = {0}, expected = {0}, out = {0};
    for (int run = 0; run < 200; run++) { /* runs of all lengths, so that escapes fall anywhere */
        for (int i = 0; i < run % 70; i++) {
            buf_char(&in, 'p');
            buf_char(&expected, 'p');
        }
        static const struct {
            const char *in, *text;
        } ESCAPES[] = {{"\\\\", "\\"},
                       {"\\n", "\n"},
                       {"\\\"", "\""},
                       {"\\u00e9", "\xc3\xa9"},
                       {"\\/", "/"},
                       {"\\\\\\\\", "\\\\"},
                       {"\\b\\f", "\b\f"},
                       {"\\r\\t\\u0041", "\r\tA"},
                       {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"}};
        buf_string(&in, ESCAPES[run % 9].in);
        buf_string(&expected, ESCAPES[run % 9].text);
        buf_clear(&out);
        buf_reserve(&out, in.len);
        out.len = json_unescape(out.data, buf_as_slice(&in));
        assert_true(slice_equal(buf_as_slice(&out), buf_as_slice(&expected)));
    }
    buf_free(&in);
    buf_free(&expected);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_come_in_order),
        cmocka_unit_test(test_any_value_may_be_the_top),
        cmocka_unit_test(test_skip_reads_to_the_end_of_the_value),
        cmocka_unit_test(test_the_first_error_stays),
        cmocka_unit_test(test_errors_say_where),
        cmocka_unit_test(test_unescape_is_safe_with_what_no_reader_gives),
        cmocka_unit_test(test_unescape_of_long_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
