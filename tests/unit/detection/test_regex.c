#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "detection/regex.h"

static struct arena arena;
static struct regex_scratch *scratch;

static int setup(void **state)
{
    (void)state;
    scratch = regex_scratch_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    regex_scratch_close(&scratch);
    arena_free(&arena);
    return 0;
}

static struct regex *compile(const char *pattern, unsigned flags, bool jit)
{
    struct regex *regex;
    struct err err;
    if (regex_open(&regex, slice_from(pattern), flags, jit, &err))
        fail_msg("%s: %s", pattern, err.text);
    return regex;
}

/* The same answer from machine code and the interpreter. */
static int match_flags(const char *pattern, unsigned flags, const char *text)
{
    int answer[2];
    for (int jit = 0; jit < 2; jit++) {
        struct regex *regex = compile(pattern, flags, jit != 0);
        answer[jit] = regex_match(regex, scratch, slice_from(text));
        regex_close(&regex);
        assert_null(regex);
    }
    assert_int_equal(answer[0], answer[1]);
    return answer[0];
}

static void flavour_is_as_decided(void **state)
{
    (void)state;
    assert_int_equal(match_flags("b", 0, "abc"), REGEX_YES);
    assert_int_equal(match_flags("B", 0, "abc"), REGEX_NO);
    assert_int_equal(match_flags("B", REGEX_NOCASE, "abc"), REGEX_YES);
    assert_int_equal(match_flags("\xc4\x90\xe1\xbb\x86", REGEX_NOCASE, "\xc4\x91\xe1\xbb\x87"),
                     REGEX_YES);
    assert_int_equal(match_flags("^\\w$", 0, "\xe1\xbb\x87"), REGEX_NO);
    assert_int_equal(match_flags("^\\d$", 0, "\xd9\xa3"), REGEX_NO);
    assert_int_equal(match_flags("^.$", 0, "\xe1\xbb\x87"), REGEX_YES);
    assert_int_equal(match_flags("a.b", 0, "a\nb"), REGEX_NO);
    assert_int_equal(match_flags("a.b", 0, "a\rb"), REGEX_YES);
    assert_int_equal(match_flags("a.b", REGEX_DOTALL, "a\nb"), REGEX_YES);
    assert_int_equal(match_flags("^b$", 0, "a\nb\nc"), REGEX_NO);
    assert_int_equal(match_flags("^b$", REGEX_MULTILINE, "a\nb\nc"), REGEX_YES);
    assert_int_equal(match_flags("^$", 0, ""), REGEX_YES);
}

static void bytes_that_are_no_text_do_not_stop_it(void **state)
{
    (void)state;
    assert_int_equal(match_flags("abc", 0, "\xff\xfe abc \x80"), REGEX_YES);
    assert_int_equal(match_flags("a.c", 0,
                                 "a\xff"
                                 "c"),
                     REGEX_NO);
}

/* PCRE2 issue 224: machine code that tolerates broken UTF-8 said no. */
static void letters_of_several_bytes_are_no_digits(void **state)
{
    (void)state;
    assert_int_equal(match_flags("^\\D$", 0, "\xe1\xbb\x87"), REGEX_YES);
    assert_int_equal(match_flags("\\W", 0, "\xe0\xab\xaa"), REGEX_YES);
    assert_int_equal(match_flags("[^a]b", 0,
                                 "\xe1\xbb\x87"
                                 "b"),
                     REGEX_YES);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"(", "a)", "[a", "*a", "a{2,1}", "\\C", "(?<n", "\xff"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct regex *regex;
        struct err err = {0};
        if (regex_open(&regex, slice_from(wrong[i]), 0, false, &err) != ERR_SYNTAX)
            fail_msg("%s compiled", wrong[i]);
        assert_null(regex);
        assert_non_null(strstr(err.text, "at its byte"));
    }
    struct buf text = {0};
    for (int i = 0; i <= REGEX_BYTES_MAX; i++)
        buf_char(&text, 'a');
    struct regex *regex;
    assert_int_equal(regex_open(&regex, buf_as_slice(&text), 0, false, NULL), ERR_LIMIT);
    buf_free(&text);
}

static void endless_matches_reach_the_limit(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 200; i++)
        buf_char(&text, 'a');
    for (int jit = 0; jit < 2; jit++) {
        struct regex *regex = compile("^(a|aa|a?a)+$", 0, jit != 0);
        buf_char(&text, 'b');
        assert_int_equal(regex_match(regex, scratch, buf_as_slice(&text)), REGEX_LIMIT);
        text.len--;
        assert_int_equal(regex_match(regex, scratch, buf_as_slice(&text)), REGEX_YES);
        regex_close(&regex);
    }
    buf_free(&text);
}

static void groups_by_number_and_name(void **state)
{
    (void)state;
    struct regex *regex = compile("(?<zeta>a)(b)?(?<alpha>c)(?<mid>\\d+)", 0, true);
    struct slice subject = SLICE("xxac42"), names[REGEX_GROUPS_MAX];
    uint32_t numbers[REGEX_GROUPS_MAX];
    assert_int_equal(regex_group_names(regex, names, numbers), 3);
    assert_true(slice_equal(names[0], SLICE("zeta")) && numbers[0] == 1);
    assert_true(slice_equal(names[1], SLICE("alpha")) && numbers[1] == 3);
    assert_true(slice_equal(names[2], SLICE("mid")) && numbers[2] == 4);
    assert_int_equal(regex_match(regex, scratch, subject), REGEX_YES);
    assert_true(slice_equal(regex_group(scratch, subject, 0), SLICE("ac42")));
    assert_true(slice_equal(regex_group(scratch, subject, 4), SLICE("42")));
    assert_null(regex_group(scratch, subject, 2).data);
    assert_null(regex_group(scratch, subject, REGEX_GROUPS_MAX + 1).data);
    regex_close(&regex);
}

static void assert_required(const char *pattern, const char *expected)
{
    struct slice found[8];
    uint32_t count = regex_required(slice_from(pattern), 0, found, 8, &arena);
    struct buf shown = {0};
    for (uint32_t i = 0; i < count; i++)
        buf_printf(&shown, "%s%.*s", i > 0 ? "|" : "", (int)found[i].len, found[i].data);
    if (strcmp(buf_text(&shown), expected) != 0)
        fail_msg("%s: '%s', not '%s'", pattern, buf_text(&shown), expected);
    buf_free(&shown);
}

static void required_literals_of_the_common_syntax(void **state)
{
    (void)state;
    assert_required("cmd\\.exe", "cmd.exe");
    assert_required("(?i)CMD[.]exe\\s+/c", "cmd.exe");
    assert_required("ab+cde", "bcde");
    assert_required("abcd*ef", "abc");
    assert_required("abc(def|gh)?ij", "abc");
    assert_required("a(bcd|efg)h", "bcd|efg");
    assert_required("(one|two)", "one|two");
    assert_required("(one|two|)", "");
    assert_required("x(one|t.o)", "x");
    assert_required("[Pp][Oo]w", "pow");
    assert_required("[^a]bc[0-9]{3}def", "def");
    assert_required("a{0,3}bc", "bc");
    assert_required("a{2}b", "ab");
    assert_required("a{,3}b", "a{,3}b");
    assert_required("(?:abc){2,}", "abc");
    assert_required("(?:abc){0,}", "");
    assert_required("(?<name>abc)x", "abc");
    assert_required("foo(?=barbarbar)", "foo");
    assert_required("foo(?!barbarbar)", "foo");
    assert_required("\\x41\\x42c", "abc");
    assert_required("^\\\\\\\\server\\\\", "\\\\server\\");
    assert_required("\xc4\x90\xe1\xbb\x86.", "\xc4\x91\xe1\xbb\x87");
    assert_required("same|same", "same");
}

static void required_gives_up_on_what_it_does_not_know(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "",        "(*UTF)abc",  "(?x)a b c",  "\\Qabc\\E", "abc\\Kdef",        "(abc)\\1",
        "(?R)abc", "(?(1)a|b)c", "abc\\x{41}", "(?#c)abc",  "abc[[:alpha:]",    ".*",
        "[abc]",   "a|b|",       "(((",        "\\pLabc",   "a|b|c|d|e|f|g|h|i"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
        assert_required(unknown[i], "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(flavour_is_as_decided, setup, teardown),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_do_not_stop_it, setup, teardown),
        cmocka_unit_test_setup_teardown(letters_of_several_bytes_are_no_digits, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_matches_reach_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(groups_by_number_and_name, setup, teardown),
        cmocka_unit_test_setup_teardown(required_literals_of_the_common_syntax, setup, teardown),
        cmocka_unit_test_setup_teardown(required_gives_up_on_what_it_does_not_know, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
