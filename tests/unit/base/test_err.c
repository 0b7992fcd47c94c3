#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"

static void test_set_clears_the_old_place(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set_at(&err, ERR_SYNTAX, 7, 3, "bad %s", "word"), ERR_SYNTAX);
    assert_string_equal(err.text, "bad word");
    assert_int_equal(err.line, 7);
    assert_int_equal(err.column, 3);
    assert_int_equal(err_set(&err, ERR_LIMIT, "full"), ERR_LIMIT);
    assert_int_equal(err.code, ERR_LIMIT);
    assert_int_equal(err.line, 0);
    assert_int_equal(err.column, 0);
}

static void test_nobody_needs_the_detail(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_USAGE, "x"), ERR_USAGE);
    assert_int_equal(err_set_at(NULL, ERR_SYNTAX, 1, 1, "x"), ERR_SYNTAX);
    assert_int_equal(err_set_errno(NULL, ENOENT, "x"), ERR_IO);
    assert_int_equal(err_prefix(NULL, "x"), ERR_OK);
}

static void test_errno_and_prefix(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set_errno(&err, ENOENT, "a/%d", 1), ERR_IO);
    assert_string_equal(err.text, "a/1: No such file or directory");
    assert_int_equal(err_prefix(&err, "rules"), ERR_IO);
    assert_string_equal(err.text, "rules: a/1: No such file or directory");
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct err err;
    char text[ERR_TEXT_BYTES * 2];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)err_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    (void)err_prefix(&err, "head");
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
    assert_memory_equal(err.text, "head: a", 7);
    (void)err_set_errno(&err, ENOENT, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_clears_the_old_place),
        cmocka_unit_test(test_nobody_needs_the_detail),
        cmocka_unit_test(test_errno_and_prefix),
        cmocka_unit_test(test_long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
