#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "detection/pattern.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct pattern parse(const char *text)
{
    struct pattern p;
    struct err err;
    if (pattern_parse(&p, slice_from(text), &arena, &err))
        fail_msg("%s: %s", text, err.text);
    return p;
}

static bool matches(const char *pattern, const char *text)
{
    struct pattern p = parse(pattern);
    return pattern_match(&p, slice_from(text));
}

/* Parts as one text: literals in <>, wildcards as they are. */
static void assert_parts(const struct pattern *p, const char *expected)
{
    struct buf shown = {0};
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->parts[i].kind == PATTERN_LITERAL)
            buf_printf(&shown, "<%.*s>", (int)p->parts[i].literal.len, p->parts[i].literal.data);
        else
            buf_char(&shown, p->parts[i].kind == PATTERN_ANY_RUN ? '*' : '?');
    }
    assert_string_equal(buf_text(&shown), expected);
    buf_free(&shown);
}

static void assert_parses(const char *text, const char *expected)
{
    struct pattern p = parse(text);
    assert_parts(&p, expected);
}

static void trap_01_trailing_backslash_stays_a_backslash(void **state)
{
    (void)state;
    struct pattern p = parse("C:\\temp\\");
    pattern_open(&p, true, true, &arena);
    assert_parts(&p, "*<C:\\temp\\>*");
    assert_true(pattern_match(&p, SLICE("x C:\\temp\\a.exe")));
    assert_false(pattern_match(&p, SLICE("x C:\\temp*")));
}

static void trap_02_escapes_are_read_once(void **state)
{
    (void)state;
    assert_parses("a\\\\b", "<a\\b>");
    assert_parses("a\\b", "<a\\b>");
    assert_parses("a\\\\*", "<a\\>*");
    assert_parses("a\\*b", "<a*b>");
    assert_parses("a\\?b", "<a?b>");
    assert_parses("\\\\\\*", "<\\*>");
    assert_parses("\\\\\\a", "<\\\\a>");
    assert_parses("\\\\\\\\a", "<\\\\a>");
    assert_parses("\\", "<\\>");
    assert_parses("", "");
}

static void trap_03_wildcards_stand_inside(void **state)
{
    (void)state;
    assert_parses("a*b?c", "<a>*<b>?<c>");
    assert_parses("a**b", "<a>*<b>");
    assert_parses("a*?*b", "<a>*?*<b>");
    assert_true(matches("*a*b*", "xxaxxbxx"));
    assert_false(matches("*a*b*", "xxbxxaxx"));
    assert_true(matches("*.exe *", "cmd.exe /c"));
    struct pattern p = parse("1?");
    pattern_open(&p, true, false, &arena);
    assert_true(pattern_match(&p, SLICE("2110")));
    assert_false(pattern_match(&p, SLICE("1000")));
}

static void trap_04_wildcards_cross_lines(void **state)
{
    (void)state;
    assert_true(matches("a*b", "a\r\n\n b"));
    assert_true(matches("a?b", "a\nb"));
}

static void question_mark_is_one_code_point(void **state)
{
    (void)state;
    assert_true(matches("?", "\xe1\xbb\x87"));
    assert_false(matches("??", "\xe1\xbb\x87"));
    assert_true(matches("a?c", "a\xf0\x9f\x98\x80"
                               "c"));
    assert_true(matches("*??", "a\xe1\xbb\x87"));
    assert_false(matches("*??", "\xe1\xbb\x87"));
    assert_true(matches("??", "\xff\xfe"));
    assert_false(matches("?", ""));
    assert_false(matches("a?", "a"));
}

static void whole_text_must_match(void **state)
{
    (void)state;
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
    assert_true(matches("*", ""));
    assert_true(matches("abc", "abc"));
    assert_false(matches("abc", "abcd"));
    assert_false(matches("bcd", "abcd"));
    assert_true(matches("a*", "a"));
    assert_true(matches("*a", "ba"));
    assert_false(matches("*a", "ab"));
    assert_true(matches("a*a", "aa"));
    assert_false(matches("a*a", "a"));
    assert_true(matches("*aab", "aaab"));
    assert_true(matches("*a?b", "aaxbaab"));
    assert_true(matches("a*bc*cd", "abccd"));
    assert_false(matches("a*bc*cd", "abcd"));
    assert_true(matches("*?b*", "ab"));
    assert_false(matches("*?b", "b"));
}

static void open_does_not_double(void **state)
{
    (void)state;
    struct pattern p = parse("*a*");
    pattern_open(&p, true, true, &arena);
    assert_parts(&p, "*<a>*");
    p = parse("");
    pattern_open(&p, true, true, &arena);
    assert_parts(&p, "*");
    p = parse("");
    pattern_open(&p, false, true, &arena);
    assert_parts(&p, "*");
    p = parse("a");
    pattern_open(&p, false, true, &arena);
    assert_parts(&p, "<a>*");
    pattern_open(&p, true, false, &arena);
    assert_parts(&p, "*<a>*");
}

static void literal_takes_all_as_text(void **state)
{
    (void)state;
    struct pattern p;
    pattern_literal(&p, SLICE("a*\\?"), &arena);
    assert_parts(&p, "<a*\\?>");
    assert_false(pattern_has_wildcard(&p));
    pattern_literal(&p, SLICE(""), &arena);
    assert_int_equal(p.count, 0);
    p = parse("a?");
    assert_true(pattern_has_wildcard(&p));
}

static void trap_13_fold_is_unicode(void **state)
{
    (void)state;
    struct pattern p = parse("\xc4\x90i\xe1\xbb\x86n*X");
    pattern_fold(&p, &arena);
    assert_parts(&p, "<\xc4\x91i\xe1\xbb\x87n>*<x>");
}

static void many_parts_are_refused(void **state)
{
    (void)state;
    struct buf text = {0};
    struct pattern p;
    struct err err = {0};
    for (int i = 0; i < PATTERN_PARTS_MAX; i++)
        buf_char(&text, '?');
    assert_int_equal(pattern_parse(&p, buf_as_slice(&text), &arena, &err), ERR_OK);
    assert_int_equal(p.count, PATTERN_PARTS_MAX);
    buf_char(&text, 'a');
    assert_int_equal(pattern_parse(&p, buf_as_slice(&text), &arena, &err), ERR_LIMIT);
    text.data[text.len - 1] = '?';
    assert_int_equal(pattern_parse(&p, buf_as_slice(&text), &arena, &err), ERR_LIMIT);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(trap_01_trailing_backslash_stays_a_backslash, teardown),
        cmocka_unit_test_teardown(trap_02_escapes_are_read_once, teardown),
        cmocka_unit_test_teardown(trap_03_wildcards_stand_inside, teardown),
        cmocka_unit_test_teardown(trap_04_wildcards_cross_lines, teardown),
        cmocka_unit_test_teardown(question_mark_is_one_code_point, teardown),
        cmocka_unit_test_teardown(whole_text_must_match, teardown),
        cmocka_unit_test_teardown(open_does_not_double, teardown),
        cmocka_unit_test_teardown(literal_takes_all_as_text, teardown),
        cmocka_unit_test_teardown(trap_13_fold_is_unicode, teardown),
        cmocka_unit_test_teardown(many_parts_are_refused, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
