#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/text.h"
#include "state/sheet_columns.h"

static struct buf flat;
static struct err err;

static int read_systems(struct slice csv, bool vietnamese)
{
    buf_clear(&flat);
    err = (struct err){0};
    return sheet_read_csv(csv, sheet_system_columns, SYSTEM_COLUMNS, vietnamese, &flat, &err);
}

static void next_is(struct sheet *sheet, uint32_t line, const char *title, const char *level)
{
    struct sheet_row row;
    assert_int_equal(sheet_next(sheet, &row, NULL), ERR_OK);
    assert_int_equal(row.line, line);
    assert_true(slice_equal(row.cells[SYSTEM_TITLE], slice_from(title)));
    assert_true(slice_equal(row.cells[SYSTEM_LEVEL], slice_from(level)));
    assert_int_equal(row.cells[SYSTEM_OWNER].len, 0);
}

static void test_headings_are_known_by_many_names(void **state)
{
    (void)state;
    static const char *const files[] = {
        "Tên hệ thống,Cấp độ\nCổng dịch vụ công,3\nThư điện tử,2\n",
        "\xef\xbb\xbfTÊN HỆ THỐNG;Cấp độ (1-5)\r\nCổng dịch vụ công;3\r\nThư điện tử;2\r\n",
        "title\tlevel\nCổng dịch vụ công\t3\nThư điện tử\t2",
        ("STT,Te\xcc\x82n he\xcc\xa3\xcc\x82 tho\xcc\x82\xcc\x81ng,Cap do,Ghi chú\n"
         "1,Cổng dịch vụ công,3,\n2,Thư điện tử, 2 ,x\n"),
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct sheet sheet;
        struct sheet_row row;
        if (read_systems(slice_from(files[i]), true) != ERR_OK)
            fail_msg("%zu: %s", i, err.text);
        assert_int_equal(sheet_open(&sheet, buf_as_slice(&flat), SYSTEM_COLUMNS, NULL), ERR_OK);
        next_is(&sheet, 2, "Cổng dịch vụ công", "3");
        next_is(&sheet, 3, "Thư điện tử", "2");
        assert_int_equal(sheet_next(&sheet, &row, NULL), ERR_END);
    }
}

static void test_titles_above_quotes_and_lines(void **state)
{
    (void)state;
    struct sheet sheet;
    assert_int_equal(read_systems(SLICE("DANH MỤC HỆ THỐNG,,\n,,\nCấp độ,Tên hệ thống,\n"
                                        "3,\"Một, \"\"hai\"\"\nba\",\n\n,,\n2,Bốn,\n"),
                                  true),
                     ERR_OK);
    assert_int_equal(sheet_open(&sheet, buf_as_slice(&flat), SYSTEM_COLUMNS, NULL), ERR_OK);
    next_is(&sheet, 4, "Một, \"hai\" ba", "3");
    next_is(&sheet, 8, "Bốn", "2");
}

static void test_utf16(void **state)
{
    (void)state;
    struct buf csv = {0};
    struct sheet sheet;
    buf_string(&csv, "\xff\xfe");
    text_utf16(&csv, SLICE("Tên hệ thống\tCấp độ\r\nThư điện tử\t2\r\n"), false);
    assert_int_equal(read_systems(buf_as_slice(&csv), true), ERR_OK);
    assert_int_equal(sheet_open(&sheet, buf_as_slice(&flat), SYSTEM_COLUMNS, NULL), ERR_OK);
    next_is(&sheet, 2, "Thư điện tử", "2");
    buf_free(&csv);
}

static void refused(struct slice csv, bool vietnamese, uint64_t line, const char *part)
{
    assert_int_equal(read_systems(csv, vietnamese), ERR_SYNTAX);
    if (!strstr(err.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err.text);
    assert_int_equal(err.line, line);
}

static void test_what_is_wrong_is_said_with_its_place(void **state)
{
    (void)state;
    refused(SLICE("Tên hệ thống,Cấp đô x\nA,3\n"), true, 1, "dòng 1, cột \"Cấp đô x\"");
    refused(SLICE("Tên hệ thống,levle\nA,3\n"), false, 1, "is it \"level\"?");
    refused(SLICE("Cấp độ,Chủ quản\n3,x\n"), true, 1, "thiếu cột \"Tên hệ thống\"");
    refused(SLICE("Tên hệ thống,Cấp độ,title\nA,3,x\n"), false, 1, "twice");
    refused(SLICE("Tên hệ thống,Cấp độ\nA,3,x\n"), false, 2, "more cells");
    refused(SLICE("Tên hệ thống,Cấp độ\nA,\"3\n"), false, 2, "quote");
    refused(SLICE("Tên hệ thống,Cấp độ\nA,\"3\" x\n"), false, 2, "behind a closing quote");
    refused(SLICE("Tên hệ thống,Cấp độ\nA,3\nB\xff,1\n"), true, 3, "CSV UTF-8");
    refused(SLICE(""), true, 0, "tiêu đề");
    struct buf csv = {0};
    buf_string(&csv, "title,level\n");
    for (int i = 0; i < SHEET_CELL_BYTES_MAX + 1; i++)
        buf_char(&csv, 'x');
    refused(buf_as_slice(&csv), true, 2, "cột \"title\": nội dung quá dài");
    buf_free(&csv);
}

/* Every cut and every changed byte is either read or refused, and never read past. */
static void test_a_damaged_flat_form(void **state)
{
    (void)state;
    assert_int_equal(read_systems(SLICE("title,level\nA,3\nB,1\n"), true), ERR_OK);
    for (size_t len = 0; len < flat.len; len++) {
        struct sheet sheet;
        struct sheet_row row;
        char *cut = malloc(len + 1);
        memcpy(cut, flat.data, len);
        int rc = sheet_open(&sheet, slice_make(cut, len), SYSTEM_COLUMNS, NULL);
        while (rc == ERR_OK)
            rc = sheet_next(&sheet, &row, NULL);
        assert_int_equal(rc, ERR_DAMAGED);
        free(cut);
    }
    for (size_t at = 0; at < flat.len * 256; at++) {
        struct sheet sheet;
        struct sheet_row row;
        char old = flat.data[at / 256];
        flat.data[at / 256] = (char)(at % 256);
        int rc = sheet_open(&sheet, buf_as_slice(&flat), SYSTEM_COLUMNS, NULL);
        while (rc == ERR_OK)
            rc = sheet_next(&sheet, &row, NULL);
        assert_true(rc == ERR_DAMAGED || rc == ERR_END);
        flat.data[at / 256] = old;
    }
}

static int free_flat(void **state)
{
    (void)state;
    buf_free(&flat);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headings_are_known_by_many_names),
        cmocka_unit_test(test_titles_above_quotes_and_lines),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_place),
        cmocka_unit_test(test_a_damaged_flat_form),
    };
    return cmocka_run_group_tests(tests, NULL, free_flat);
}
