/* Output filter: which rows an output is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/output_filter.h"

static bool holds(const char *text, const char *name, const char *value, const char *partition)
{
    const struct output_filter_options options = {
        .text = slice_from(text), .mappings = "none", .epoch = 3};
    const struct row_context context = {.partition = slice_from(partition), .source = SLICE("app")};
    struct output_filter *filter = NULL;
    struct record record = {0};
    struct err err = {0};
    assert_int_equal(output_filter_open(&filter, &options, &err), ERR_OK);
    assert_int_equal(
        record_add(&record, slice_from(name), slice_from(value), VALUE_STRING, 0, NULL), ERR_OK);
    const struct row row = {.sequence = 7,
                            .time_ns = 1000,
                            .received_ns = 2000,
                            .context = &context,
                            .record = &record};
    bool result = output_filter_holds(filter, &row);
    assert_int_equal(output_filter_holds(filter, &row), result);
    record_free(&record);
    output_filter_close(&filter);
    assert_null(filter);
    return result;
}

static void rows_are_judged_as_searches_do(void **state)
{
    (void)state;
    assert_true(holds("", "a", "b", "main"));
    assert_true(holds("*", "a", "b", "main"));
    assert_false(holds("NOT *", "a", "b", "main"));
    assert_true(holds("a:b", "a", "b", "main"));
    assert_false(holds("a:b", "a", "c", "main"));
    assert_true(holds("rule.level:high", "rule.level", "high", "_findings"));
    assert_true(holds("n:>=3", "n", "4", "main"));
    assert_false(holds("n:>=3", "n", "2", "main"));
}

static void rows_tell_of_themselves(void **state)
{
    (void)state;
    assert_true(holds("_source:app", "a", "b", "main"));
    assert_false(holds("_source:other", "a", "b", "main"));
    assert_true(holds("_partition:_findings", "a", "b", "_findings"));
    assert_true(holds("_id:\"3:7\"", "a", "b", "main"));
}

static void spans_and_pipes_are_refused(void **state)
{
    static const char *const bad[] = {"a:(", "a:b | limit 3", "_time:-1h", "_received:today"};
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_not_equal(output_filter_check(slice_from(bad[i]), &err), ERR_OK);
    assert_int_equal(output_filter_check(SLICE(""), &err), ERR_OK);
    assert_int_equal(output_filter_check(SLICE("a:b OR _drill:true"), &err), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_judged_as_searches_do),
                                       cmocka_unit_test(rows_tell_of_themselves),
                                       cmocka_unit_test(spans_and_pipes_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
