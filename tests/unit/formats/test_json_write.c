#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "formats/json.h"

static void assert_written(struct slice text, const char *expected)
{
    struct buf out = {0};
    json_write_string(&out, text);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void test_strings_are_escaped(void **state)
{
    (void)state;
    assert_written(SLICE(""), "\"\"");
    assert_written(slice_make(NULL, 0), "\"\"");
    assert_written(SLICE("plain text, longer than a word"), "\"plain text, longer than a word\"");
    assert_written(SLICE("\"\\/\b\f\n\r\t"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    assert_written(slice_make("\0\x01\x1f\x7f", 4), "\"\\u0000\\u0001\\u001f\x7f\"");
    assert_written(SLICE("C:\\Windows\\System32\\cmd.exe"),
                   "\"C:\\\\Windows\\\\System32\\\\cmd.exe\"");
    assert_written(SLICE("Ti\xe1\xba\xbfng Vi\xe1\xbb\x87t \xf0\x9f\x98\x80"),
                   "\"Ti\xe1\xba\xbfng Vi\xe1\xbb\x87t \xf0\x9f\x98\x80\"");
}

static void test_what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    assert_written(SLICE("a\xff"
                         "b"),
                   "\"a\xef\xbf\xbd"
                   "b\"");
    assert_written(SLICE("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_written(SLICE("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_written(SLICE("\xed\xa0\x80x"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"");
}

static void test_commas_come_where_they_must(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_open_object(&w);
    json_key(&w, "a");
    json_open_array(&w);
    json_u64(&w, 0);
    json_u64(&w, UINT64_MAX);
    json_i64(&w, INT64_MIN);
    json_i64(&w, 7);
    json_close_array(&w);
    json_key_slice(&w, SLICE("b\""));
    json_open_object(&w);
    json_close_object(&w);
    json_key(&w, "c");
    json_open_array(&w);
    json_open_object(&w);
    json_key(&w, "d");
    json_null(&w);
    json_close_object(&w);
    json_open_array(&w);
    json_close_array(&w);
    json_bool(&w, true);
    json_bool(&w, false);
    json_raw(&w, SLICE("[1]"));
    json_string(&w, SLICE("s"));
    json_close_array(&w);
    json_close_object(&w);
    assert_string_equal(buf_text(&out),
                        "{\"a\":[0,18446744073709551615,-9223372036854775808,7],\"b\\\"\":{},"
                        "\"c\":[{\"d\":null},[],true,false,[1],\"s\"]}");
    buf_free(&out);
}

static void assert_double(double value, const char *expected)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_double(&w, value);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void test_doubles_are_short_and_read_back(void **state)
{
    (void)state;
    assert_double(0, "0");
    assert_double(1.5, "1.5");
    assert_double(0.1, "0.1");
    assert_double(-1e300, "-1e+300");
    assert_double(0.1 + 0.2, "0.30000000000000004");
    assert_double(1.0 / 3, "0.3333333333333333");
    assert_double(NAN, "null");
    assert_double(INFINITY, "null");
    static const double VALUES[] = {
        DBL_MAX, DBL_MIN, 5e-324, 123456789.123456789, -2.5e-8, 9007199254740993.0, 1e22, 1e23};
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        struct buf out = {0};
        struct json_writer w = {.out = &out};
        double back = 0;
        json_double(&w, VALUES[i]);
        assert_true(slice_to_double(buf_as_slice(&out), &back));
        assert_true(back == VALUES[i]);
        buf_free(&out);
    }
}

static void test_members(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_open_object(&w);
    json_member_text(&w, "a", SLICE("x\"y"));
    json_member_text(&w, "b", SLICE(""));
    json_member_time(&w, "c", INT64_C(1795344960250000000));
    json_member_time(&w, "d", CLOCK_NONE);
    json_member_time(&w, "e", 0);
    json_member_u64(&w, "f", UINT64_MAX);
    json_close_object(&w);
    assert_string_equal(buf_text(&out), "{\"a\":\"x\\\"y\",\"b\":null,"
                                        "\"c\":\"2026-11-22T10:56:00.25Z\",\"d\":null,"
                                        "\"e\":\"1970-01-01T00:00:00Z\","
                                        "\"f\":18446744073709551615}");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_what_is_not_utf8_is_replaced),
        cmocka_unit_test(test_commas_come_where_they_must),
        cmocka_unit_test(test_doubles_are_short_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
