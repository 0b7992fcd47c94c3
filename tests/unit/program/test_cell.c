#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program/cell.h"

static void assert_cell(const char *text, uint32_t columns, const char *expected, uint32_t width)
{
    struct buf out = {0};
    uint32_t got = cell_terminal(slice_from(text), columns, &out);
    if (strcmp(buf_text(&out), expected) != 0 || got != width)
        fail_msg("\"%s\" in %u columns: \"%s\", %u wide", text, columns, buf_text(&out), got);
    buf_free(&out);
}

static void test_cuts_to_columns(void **state)
{
    (void)state;
    assert_cell("", 5, "", 0);
    assert_cell("abcde", 5, "abcde", 5);
    assert_cell("abcdef", 5, "abcd…", 5);
    assert_cell("abcdef", 1, "…", 1);
    assert_cell("abcdef", 0, "abcdef", 6);
    assert_cell("Lệnh đáng ngờ", 13, "Lệnh đáng ngờ", 13);
    assert_cell("Lệnh đáng ngờ", 12, "Lệnh đáng n…", 12);
    assert_cell("e\xcc\x81"
                "a",
                2,
                "e\xcc\x81"
                "a",
                2);                       /* a combining accent takes no column */
    assert_cell("中文字", 5, "中文…", 5); /* two columns a letter */
    assert_cell("中文字", 4, "中…", 3);
}

static void test_makes_harmless(void **state)
{
    (void)state;
    assert_cell("a\tb\r\nc", 0, "a b  c", 6);
    assert_cell("\033[31m", 0, "\xef\xbf\xbd[31m", 5);
    assert_cell("a\xff\xfe", 0, "a\xef\xbf\xbd\xef\xbf\xbd", 3);
    assert_cell("\xc2\x9b"
                "0m",
                0,
                "\xef\xbf\xbd"
                "0m",
                3);                                          /* CSI as one character */
    assert_cell("\xe2\x80\xaegpj", 0, "\xef\xbf\xbdgpj", 4); /* right to left override */
}

static void assert_csv(const char *text, const char *expected)
{
    struct buf out = {0};
    cell_csv(slice_from(text), &out);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
}

static void test_csv(void **state)
{
    (void)state;
    assert_csv("", "");
    assert_csv("plain text", "plain text");
    assert_csv("a,b", "\"a,b\"");
    assert_csv("say \"hi\"", "\"say \"\"hi\"\"\"");
    assert_csv("\"", "\"\"\"\"");
    assert_csv("two\nlines", "\"two\nlines\"");
    assert_csv("=1+1", "\"'=1+1\"");
    assert_csv("-2+3", "\"'-2+3\"");
    assert_csv("@SUM(A1)", "\"'@SUM(A1)\"");
    assert_csv("+\"x\"", "\"'+\"\"x\"\"\"");
    assert_csv("a=b", "a=b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_to_columns),
        cmocka_unit_test(test_makes_harmless),
        cmocka_unit_test(test_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
