#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program/box.h"

static void lines_are_wrapped_at_words_and_commands_are_not(void **state)
{
    struct buf out = {0};
    struct box box = {.out = &out, .columns = 40};
    (void)state;
    box_item(&box, "-", SLICE("nhật ký của máy này được đọc từ các tệp trong thư mục"));
    assert_string_equal(buf_text(&out), "  - nhật ký của máy này được đọc từ các\n"
                                        "    tệp trong thư mục\n");
    buf_clear(&out);
    box_command(&box, SLICE("one two three four five six seven eight nine ten"));
    assert_string_equal(buf_text(&out),
                        "       one two three four five six seven eight nine ten\n");
    buf_free(&out);
}

static void what_could_steer_a_terminal_is_made_harmless(void **state)
{
    struct buf out = {0};
    struct box box = {.out = &out, .columns = 60};
    (void)state;
    box_begin(&box, SLICE("a\033[2J"));
    box_item(&box, "", SLICE("b\033]0;c\007 d\ne"));
    box_end(&box);
    assert_null(strchr(buf_text(&out), '\033'));
    assert_null(strchr(buf_text(&out), '\007'));
    assert_non_null(strstr(buf_text(&out), " d e\n"));
    buf_free(&out);
}

static void rules_are_as_wide_as_the_box(void **state)
{
    struct buf out = {0};
    struct box box = {.out = &out, .columns = 500};
    (void)state;
    box_begin(&box, SLICE("title"));
    assert_int_equal(box.columns, BOX_COLUMNS_MAX);
    buf_clear(&out);
    box_end(&box);
    assert_int_equal(out.len, (size_t)BOX_COLUMNS_MAX * 3 + 1); /* a sign of three bytes each */
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_wrapped_at_words_and_commands_are_not),
        cmocka_unit_test(what_could_steer_a_terminal_is_made_harmless),
        cmocka_unit_test(rules_are_as_wide_as_the_box),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
