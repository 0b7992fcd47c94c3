#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "detection/stix_time.h"

static void times_are_seconds_since_1970(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        uint32_t nanoseconds;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"0000-01-01T00:00:00Z", -62167219200, 0},
        {"0000-12-31T00:00:00Z", -62135683200, 0},
        {"0001-01-01T00:00:00Z", -62135596800, 0},
        {"1900-03-01T00:00:00Z", -2203891200, 0},
        {"2000-02-29T00:00:00Z", 951782400, 0},
        {"2000-03-01T00:00:00Z", 951868800, 0},
        {"2024-02-01T00:00:00Z", 1706745600, 0},
        {"2024-02-29T12:34:56.5Z", 1709210096, 500000000},
        {"2026-12-31T23:59:60Z", 1798761600, 0},
        {"2026-11-22T10:36:00.1234567899Z", 1795343760, 123456789},
        {"9999-12-31T23:59:59Z", 253402300799, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stix_time time;
        assert_true(stix_time_parse(&time, slice_from(rows[i].text)));
        assert_int_equal(time.seconds, rows[i].seconds);
        assert_int_equal(time.nanoseconds, rows[i].nanoseconds);
    }
}

static void other_texts_are_no_times(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "2026-11-22",
        "2026-11-22T10:36Z",
        "2026-11-22T10:36:00",
        "2026-11-22T10:36:00z",
        "2026-11-22t10:36:00Z",
        "2026-11-22 10:36:00Z",
        "2026-11-22T10:36:00.Z",
        "2026-11-22T10:36:00,5Z",
        "2026-11-22T10:36:00+00:00",
        "2026-11-22T10:36:00Z ",
        "2026-00-22T10:36:00Z",
        "2026-13-22T10:36:00Z",
        "2026-11-31T10:36:00Z",
        "2026-11-00T10:36:00Z",
        "2026-02-29T10:36:00Z",
        "1900-02-29T10:36:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:36:61Z",
        "26-11-22T10:36:00Z",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stix_time time;
        if (stix_time_parse(&time, slice_from(rows[i])))
            fail_msg("%s was read", rows[i]);
    }
}

static void durations_are_decimal_seconds(void **state)
{
    (void)state;
    struct stix_time d;
    assert_true(stix_time_parse_duration(&d, SLICE("300")));
    assert_int_equal(d.seconds, 300);
    assert_int_equal(d.nanoseconds, 0);
    assert_true(stix_time_parse_duration(&d, SLICE(".05")));
    assert_int_equal(d.seconds, 0);
    assert_int_equal(d.nanoseconds, 50000000);
    static const char *const wrong[] = {"", ".", "1.", "-1", "1e3", "1.5x", "99999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(stix_time_parse_duration(&d, slice_from(wrong[i])));
}

static void sums_carry_and_order_is_by_both_parts(void **state)
{
    (void)state;
    struct stix_time a = {5, 600000000}, b = {1, 500000000}, sum = stix_time_add(a, b);
    assert_int_equal(sum.seconds, 7);
    assert_int_equal(sum.nanoseconds, 100000000);
    assert_int_equal(stix_time_compare(a, b), 1);
    assert_int_equal(stix_time_compare(b, a), -1);
    assert_int_equal(stix_time_compare(a, a), 0);
    b.seconds = 5;
    assert_int_equal(stix_time_compare(a, b), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_seconds_since_1970),
        cmocka_unit_test(other_texts_are_no_times),
        cmocka_unit_test(durations_are_decimal_seconds),
        cmocka_unit_test(sums_carry_and_order_is_by_both_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
