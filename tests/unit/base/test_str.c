#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

static void test_parts_and_ends(void **state)
{
    (void)state;
    struct slice s = SLICE("abcdef"), none = {0};
    assert_true(slice_equal(slice_part(s, 2, 2), SLICE("cd")));
    assert_true(slice_equal(slice_part(s, 4, SIZE_MAX), SLICE("ef")));
    assert_int_equal(slice_part(s, 7, 1).len, 0);
    assert_true(slice_starts(s, SLICE("abc")) && slice_starts(s, none) &&
                !slice_starts(SLICE("ab"), s));
    assert_true(slice_ends(s, SLICE("def")) && slice_ends(s, none) &&
                !slice_ends(s, SLICE("xdef")));
    assert_true(slice_equal(none, SLICE("")));
    assert_int_equal(slice_from(NULL).len, 0);
    assert_true(slice_equal(slice_trim(SLICE(" \t a b\r\n")), SLICE("a b")));
    assert_int_equal(slice_trim(SLICE(" \t\r\n")).len, 0);
}

static void test_finding(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("abcabd"), SLICE("abd")), 3);
    assert_int_equal(slice_find(SLICE("abc"), SLICE("")), 0);
    assert_true(slice_find(SLICE("ab"), SLICE("abc")) == SLICE_NONE);
    assert_int_equal(slice_find_char(SLICE("a=b=c"), '='), 1);
    assert_true(slice_find_char(slice_make(NULL, 0), '=') == SLICE_NONE);
}

static size_t find_naively(struct slice s, struct slice needle)
{
    for (size_t at = 0; at + needle.len <= s.len; at++)
        if (memcmp(s.data + at, needle.data, needle.len) == 0)
            return at;
    return SLICE_NONE;
}

/* Few letters, so that nearly all places look right; texts of their own size, so that a sanitizer
 * sees a read beyond them. */
static void test_finds_what_a_plain_search_finds(void **state)
{
    (void)state;
    srandom(7);
    for (int i = 0; i < 40000; i++) {
        size_t len = (size_t)random() % (i % 50 ? 80 : 3000);
        size_t part = 1 + (size_t)random() % (i % 7 ? 6 : 40);
        struct buf needle = {0};
        char *text = malloc(len + 1);
        int letters = 1 + (int)random() % 3;
        for (size_t k = 0; k < len; k++)
            text[k] = (char)('a' + random() % letters);
        text = realloc(text, len ? len : 1);
        if (part <= len && random() % 2)
            buf_append(&needle, text + (size_t)random() % (len - part + 1), part);
        while (needle.len < part)
            buf_char(&needle, (char)('a' + random() % (letters + 1)));
        struct slice s = slice_make(text, len), wanted = buf_as_slice(&needle);
        assert_true(slice_find(s, wanted) == find_naively(s, wanted));
        buf_free(&needle);
        free(text);
    }
}

static void test_comparing(void **state)
{
    (void)state;
    assert_true(slice_equal_nocase(SLICE("AbC[@"), SLICE("aBc[@")));
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_equal_nocase(SLICE("Ê"), SLICE("ê"))); /* ASCII only */
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
    assert_int_equal(slice_compare(SLICE(""), slice_make(NULL, 0)), 0);
}

static void test_cutting(void **state)
{
    (void)state;
    struct slice rest = SLICE("a,,b");
    assert_true(slice_equal(slice_cut(&rest, ','), SLICE("a")));
    assert_int_equal(slice_cut(&rest, ',').len, 0);
    assert_true(slice_equal(slice_cut(&rest, ','), SLICE("b")));
    assert_int_equal(rest.len, 0);
    assert_non_null(rest.data);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    uint64_t n;
    assert_true(slice_to_u64(SLICE("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_true(slice_to_u64(SLICE("007"), &n));
    assert_int_equal(n, 7);
    static const char *const bad[] = {"",   "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616",
                                      "1.0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (slice_to_u64(slice_from(bad[i]), &n))
            fail_msg("%s is taken for a number", bad[i]);
}

static void test_decimal_numbers(void **state)
{
    (void)state;
    double d;
    assert_true(slice_to_double(SLICE("-12.5e-1"), &d) && d == -1.25);
    assert_true(slice_to_double(SLICE("4625"), &d) && d == 4625);
    assert_true(slice_to_double(slice_make("123", 2), &d) && d == 12);
    static const char *const bad[] = {"",    "-",   ".",   "e5", "1e", "0x10",
                                      "inf", "nan", "1,5", " 1", "1 "};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (slice_to_double(slice_from(bad[i]), &d))
            fail_msg("%s is taken for a number", bad[i]);
}

static void test_buffers_grow(void **state)
{
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_as_slice(&b).len, 0);
    assert_non_null(buf_as_slice(&b).data);
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 3890);
    assert_true(slice_ends(buf_as_slice(&b), SLICE(",998,999,")));
    assert_string_equal(buf_text(&b) + 3886, "999,");
    assert_int_equal(b.len, 3890);
    buf_clear(&b);
    buf_append(&b, NULL, 0);
    buf_char(&b, 'x');
    buf_string(&b, "yz");
    assert_string_equal(buf_text(&b), "xyz");
    buf_free(&b);
    assert_null(b.data);
    buf_string(&b, "again");
    assert_string_equal(buf_text(&b), "again");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_and_ends),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_finds_what_a_plain_search_finds),
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_cutting),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_decimal_numbers),
        cmocka_unit_test(test_buffers_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
