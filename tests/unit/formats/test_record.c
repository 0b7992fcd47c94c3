#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "formats/record.h"

static void test_fields_are_found_in_order(void **state)
{
    (void)state;
    struct record r = {0};
    assert_int_equal(record_add(&r, SLICE("a"), SLICE("1"), VALUE_NUMBER, 0, NULL), ERR_OK);
    assert_int_equal(record_add(&r, SLICE("b"), SLICE("x"), VALUE_STRING, 0, NULL), ERR_OK);
    assert_int_equal(record_add(&r, SLICE("a"), SLICE("2"), VALUE_NUMBER, 0, NULL), ERR_OK);
    assert_ptr_equal(record_find(&r, SLICE("a")), &r.fields[0]);
    assert_ptr_equal(record_find(&r, SLICE("b")), &r.fields[1]);
    assert_null(record_find(&r, SLICE("A")));
    assert_null(record_find(&r, SLICE("")));
    record_free(&r);
    assert_int_equal(r.count, 0);
    assert_null(r.fields);
}

static void test_text_is_unescaped_once(void **state)
{
    (void)state;
    struct record r = {0};
    assert_int_equal(record_add(&r, SLICE("a"), SLICE("C:\\\\x\\u00e9"), VALUE_STRING,
                                FIELD_ESCAPED | FIELD_NESTED, NULL),
                     ERR_OK);
    assert_int_equal(record_add(&r, SLICE("b"), SLICE("C:\\\\x"), VALUE_STRING, 0, NULL), ERR_OK);
    struct slice text = record_text(&r, &r.fields[0]);
    assert_true(slice_equal(text, SLICE("C:\\x\xc3\xa9")));
    assert_int_equal(r.fields[0].flags, FIELD_NESTED);
    assert_ptr_equal(record_text(&r, &r.fields[0]).data, text.data);
    assert_true(slice_equal(record_text(&r, &r.fields[1]), SLICE("C:\\\\x")));
    record_free(&r);
}

static void test_too_many_fields_are_refused(void **state)
{
    (void)state;
    struct record r = {0};
    struct err err;
    for (int i = 0; i < RECORD_FIELDS_MAX; i++)
        assert_int_equal(record_add(&r, SLICE("a"), SLICE(""), VALUE_NULL, 0, &err), ERR_OK);
    assert_int_equal(record_add(&r, SLICE("a"), SLICE(""), VALUE_NULL, 0, &err), ERR_LIMIT);
    assert_string_equal(err.text, "The record has more than 16384 fields, which is not read.");
    assert_int_equal(r.count, RECORD_FIELDS_MAX);
    record_free(&r);
}

static void test_reset_keeps_the_memory(void **state)
{
    (void)state;
    struct record r = {0};
    assert_int_equal(record_add(&r, SLICE("a"), SLICE("1"), VALUE_NUMBER, 0, NULL), ERR_OK);
    struct field *fields = r.fields;
    record_reset(&r);
    assert_int_equal(r.count, 0);
    assert_null(record_find(&r, SLICE("a")));
    assert_int_equal(record_add(&r, SLICE("b"), SLICE("1"), VALUE_NUMBER, 0, NULL), ERR_OK);
    assert_ptr_equal(r.fields, fields);
    record_free(&r);
}

static void test_hash_tells_names_apart(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",      "a",     "b",          "ab",         "ba",         "abc",        "acb",   "Image",
        "image", "User",  "TargetUser", "TargetUses", "UargetUser", "EventID",    "Event", "Hashes",
        "Hash",  "HashX", "a.b.c.d.e",  "a.b.c.d.f",  "a.b.x.d.e9", "a.b.y.d.e9",
    };
    size_t count = sizeof(NAMES) / sizeof(NAMES[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(field_name_hash(slice_from(NAMES[i])),
                                 field_name_hash(slice_from(NAMES[j])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_found_in_order),
        cmocka_unit_test(test_text_is_unescaped_once),
        cmocka_unit_test(test_too_many_fields_are_refused),
        cmocka_unit_test(test_reset_keeps_the_memory),
        cmocka_unit_test(test_hash_tells_names_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
