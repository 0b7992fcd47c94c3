#include "formats/journal_export.h"

#include "unit/formats/fields.h"
#include "unit/formats/split_harness.h"

#define SIZED(name, size, value) name "\n" size "\0\0\0\0\0\0\0" value "\n"

static void test_fields(void **state)
{
    (void)state;
    fields_expect(journal_export_parse,
                  "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795351654891920\nMESSAGE=a=b\nN=\n",
                  "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795351654891920\nMESSAGE=a=b\nN=\n");
    fields_expect_slice(journal_export_parse, NULL,
                        SLICE("A=1\n" SIZED("MESSAGE", "\x05",
                                            "a\n\n\xff"
                                            "b") "A=2"),
                        "A=1\nMESSAGE=a\n\n\xff"
                        "b\nA=2\n");
}

static void test_refused(void **state)
{
    (void)state;
    fields_refuse(journal_export_parse, NULL, "", "The journal entry is empty.");
    fields_refuse(journal_export_parse, NULL, "=x\n",
                  "A field of the journal entry has no name of 1 to 256 bytes.");
    fields_refuse(journal_export_parse, NULL, "A=1\nMESSAGE\n",
                  "The journal entry ends inside the field MESSAGE: it was cut off.");
    struct record r = {0};
    struct err err;
    assert_int_equal(journal_export_parse(&r, SLICE(SIZED("M", "\x02", "abc")), NULL, &err),
                     ERR_SYNTAX);
    record_free(&r);
}

static void test_cursor(void **state)
{
    (void)state;
    struct slice cursor = journal_export_cursor(SLICE("__CURSOR=s=1;i=2\nA=1\n"));
    assert_true(slice_equal(cursor, SLICE("s=1;i=2")));
    cursor = journal_export_cursor(SLICE(SIZED("M", "\x0b", "\n__CURSOR=x") "__CURSOR=y\n"));
    assert_true(slice_equal(cursor, SLICE("y")));
    assert_int_equal(journal_export_cursor(SLICE("A=1\n")).len, 0);
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(journal_export_probe(SLICE("__CURSOR=s=1\nA=1\n")), 99);
    assert_int_equal(journal_export_probe(SLICE("A=1\n")), 0);
    assert_string_equal(format_guess(SLICE("__CURSOR=s=1\nMESSAGE=x\n\n"))->name, "journal-export");
}

/* The text may hold NUL bytes. */
static void expect_split(struct slice text, const char *expected)
{
    static const size_t sizes[] = {1 << 20, 1, 2, 3, 7, 16};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct split_run run;
        split_run_text(&run, "journal-export", text, sizes[i]);
        for (size_t k = 0; k < run.text.len; k++)
            if (run.text.data[k] == '\0')
                run.text.data[k] = '0';
        assert_string_equal(buf_text(&run.text), expected);
        split_run_free(&run);
    }
}

static void test_entries(void **state)
{
    (void)state;
    expect_split(SLICE("A=1\nB=2\n\n\nA=3\n\nA=4"), "1:A=1\\nB=2\\n\n2:A=3\\n\n3:A=4\n");
    /* an empty line inside of a value ends nothing */
    expect_split(SLICE("A=1\n" SIZED("M", "\x04", "x\n\ny") "\nA=2\n\n"),
                 "1:A=1\\nM\\n\x04"
                 "0000000x\\n\\ny\\n\n2:A=2\\n\n");
}

static void test_broken_entries(void **state)
{
    (void)state;
    expect_split(SLICE("A=1\n" SIZED("M", "\x01", "xy") "\nA=2\n\n"), "2:A=2\\n\n!1\n");
    expect_split(SLICE("M\n\xff\xff\xff\xff\xff\xff\xff\xffxy\nB=1\n\nA=2\n\n"), "2:A=2\\n\n!1\n");
    expect_split(SLICE("A=1\n\nM\n\x09\0\0\0\0\0\0\0abc"), "1:A=1\\n\n!2\n");
    expect_split(SLICE("A=1\n\nM"), "1:A=1\\n\n!2\n");
    expect_split(SLICE("A=1\n\nM\n\x09\0"), "1:A=1\\n\n!2\n");
}

static void test_entry_too_long(void **state)
{
    (void)state;
    struct buf text = {0};
    struct split_run run;
    static const uint8_t size[8] = {0, 0, 0, 1}; /* 16 MiB */
    buf_string(&text, "A=1\n\n");
    for (size_t i = 0; i <= RECORD_BYTES_MAX / 1024; i++)
        buf_printf(&text, "B=%01021d\n", 0);
    buf_string(&text, "\nA=2\n\nM\n");
    buf_append(&text, size, sizeof(size));
    for (size_t i = 0; i < (size_t)16 << 20; i++)
        buf_char(&text, '\n');
    buf_string(&text, "\n\nA=3\n\n");
    split_run_text(&run, "journal-export", buf_as_slice(&text), (size_t)1 << 20);
    assert_string_equal(buf_text(&run.text), "1:A=1\\n\n3:A=2\\n\n5:A=3\\n\n!2\n!4\n");
    split_run_free(&run);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cursor),         cmocka_unit_test(test_probe),
        cmocka_unit_test(test_entries),        cmocka_unit_test(test_broken_entries),
        cmocka_unit_test(test_entry_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
