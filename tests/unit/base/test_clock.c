#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"

#define NEAR 1795344960000000000ll /* 2026-11-22T10:56:00Z */

static struct clock_zone *zone_of(const char *name)
{
    struct clock_zone *zone = NULL;
    struct err err = {0};
    if (clock_zone_open(&zone, slice_from(name), &err))
        fail_msg("%s: %s", name, err.text);
    return zone;
}

static void assert_reads(const char *text, const struct clock_zone *zone, const char *expected)
{
    char got[CLOCK_TEXT_BYTES] = "no time";
    int64_t time_ns = clock_parse(slice_from(text), zone, NEAR);
    if (time_ns != CLOCK_NONE)
        (void)clock_text(got, time_ns);
    if (strcmp(got, expected) != 0)
        fail_msg("\"%s\" reads as %s, not %s", text, got, expected);
}

static void test_every_form(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {"2026-11-22T10:36:00.25Z", "2026-11-22T10:36:00.25Z"},
        {"2026-11-22t10:36:00z", "2026-11-22T10:36:00Z"},
        {"2026-11-22 10:36:00,123", "2026-11-22T10:36:00.123Z"},
        {"2026-11-22 10:36:00 UTC", "2026-11-22T10:36:00Z"},
        {"2026-11-22T10:36:00.123456+0700", "2026-11-22T03:36:00.123456Z"},
        {"2026-11-22T10:36:00.1234567891-03:30", "2026-11-22T14:06:00.123456789Z"},
        {"2026-11-22 10:36:00 +07", "2026-11-22T03:36:00Z"},
        {"2026-11-22T10:36", "2026-11-22T10:36:00Z"},
        {"2026/11/22 10:36:00", "2026-11-22T10:36:00Z"},
        {" 2026-11-22 ", "2026-11-22T00:00:00Z"},
        {"20261122T103600Z", "2026-11-22T10:36:00Z"},
        {"20261122103600.5", "2026-11-22T10:36:00.5Z"},
        {"Nov 22 10:36:00", "2026-11-22T10:36:00Z"},
        {"Nov  2 10:36:00.5", "2026-11-02T10:36:00.5Z"},
        {"Jan  1 00:00:01", "2027-01-01T00:00:01Z"}, /* nearer than this year's */
        {"Nov 22 2025 10:36:00", "2025-11-22T10:36:00Z"},
        {"Nov 22 10:36:00 +0700 2025", "2025-11-22T03:36:00Z"},
        {"Tue Jul 28 11:28:00 2026", "2026-07-28T11:28:00Z"},
        {"Tue Jul  8 11:28:00 UTC 2025", "2025-07-08T11:28:00Z"},
        {"Tue, 28 Jul 2026 11:28:00 +0700", "2026-07-28T04:28:00Z"},
        {"28 Jul 2026 11:28:00", "2026-07-28T11:28:00Z"},
        {"22/Nov/2026:10:36:00 +0700", "2026-11-22T03:36:00Z"},
        {"[22/Nov/2026:10:36:00 +0700]", "2026-11-22T03:36:00Z"},
        {"1700000000", "2023-11-14T22:13:20Z"},
        {"1700000000.123", "2023-11-14T22:13:20.123Z"},
        {"1700000000123", "2023-11-14T22:13:20.123Z"},
        {"1700000000123.5", "2023-11-14T22:13:20.1235Z"},
        {"1700000000123456", "2023-11-14T22:13:20.123456Z"},
        {"1700000000123456789", "2023-11-14T22:13:20.123456789Z"},
        {"133444736001234567", "2023-11-14T22:13:20.1234567Z"}, /* FILETIME */
        {"07/28/2026 11:28:00 AM", "2026-07-28T11:28:00Z"},
        {"7/28/2026 12:28:00 AM", "2026-07-28T00:28:00Z"},
        {"7/28/2026, 1:28:00 PM", "2026-07-28T13:28:00Z"},
        {"07/28/2026 23:28", "2026-07-28T23:28:00Z"},
        {"11/22/2026-10:36:00.123456", "2026-11-22T10:36:00.123456Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        assert_reads(forms[i][0], NULL, forms[i][1]);
}

static void test_refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "-",
                                        "[]",
                                        "4625",
                                        "2026",
                                        "12345678",
                                        "16777216",
                                        "12345678901",
                                        "99999999999999999999",
                                        "2026-13-01",
                                        "2026-02-29",
                                        "2026-11-22T24:00:00",
                                        "2026-11-22T10:60:00",
                                        "2026-11-22T10:36:61",
                                        "2026-11-22T10:36:00X",
                                        "2026-11-22T",
                                        "2026-11-22T10",
                                        "2026-11-22T10:36:00.",
                                        "2026-11-22T10:36:00+",
                                        "2026-11-22T10:36:00+7",
                                        "2026-11-22T10:36:00+24:00",
                                        "2026-11/22",
                                        "Nov",
                                        "Nov 22",
                                        "Nov 31 10:00:00",
                                        "Nov 22 10:36:00 web",
                                        "Foo 22 10:36:00",
                                        "Mon",
                                        "Monday",
                                        "22/Nov/2026",
                                        "32/Nov/2026:10:36:00",
                                        "28/07/2026 11:28:00",
                                        "07/28/2026 13:28:00 AM",
                                        "07/28/26 11:28:00",
                                        "1.1.1.1",
                                        "1700000000.",
                                        "1700000000x",
                                        "-1700000000",
                                        "192.168.1.10",
                                        "9999999999999",
                                        "9223372036854775808",
                                        "2262-04-12T00:00:00Z",
                                        "1600-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_reads(texts[i], NULL, "no time");
    assert_true(clock_parse(SLICE("Nov 22 10:36:00"), NULL, CLOCK_NONE) == CLOCK_NONE);
}

static void test_zone_holds_where_none_is_stated(void **state)
{
    (void)state;
    struct clock_zone *zone = zone_of("+07:00");
    assert_reads("2026-11-22 10:36:00", zone, "2026-11-22T03:36:00Z");
    assert_reads("2026-11-22 10:36:00Z", zone, "2026-11-22T10:36:00Z");
    assert_reads("Nov 22 10:36:00", zone, "2026-11-22T03:36:00Z");
    assert_reads("07/28/2026 11:28:00 AM", zone, "2026-07-28T04:28:00Z");
    assert_reads("1700000000", zone, "2023-11-14T22:13:20Z");
    clock_zone_close(&zone);
    assert_null(zone);
}

static void test_round_trip(void **state)
{
    (void)state;
    const unsigned seed = 20261122;
    srandom(seed);
    for (int i = 0; i < 100000; i++) {
        char text[CLOCK_TEXT_BYTES];
        uint64_t bits = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();
        int64_t time_ns = (int64_t)bits;
        if (i % 3 == 0)
            time_ns = time_ns / CLOCK_SECOND_NS * CLOCK_SECOND_NS;
        if (time_ns == CLOCK_NONE)
            continue;
        size_t len = clock_text(text, time_ns);
        assert_int_equal(len, strlen(text));
        if (clock_parse(slice_make(text, len), NULL, NEAR) != time_ns)
            fail_msg("seed %u: %lld is written as %s", seed, (long long)time_ns, text);
    }
}

static void test_dates(void **state)
{
    (void)state;
    struct clock_date date = {
        .year = 2024, .month = 2, .day = 29, .hour = 23, .minute = 59, .second = 59};
    int64_t leap_day = clock_from_date(&date, 7 * 3600);
    clock_to_date(leap_day, 7 * 3600, &date);
    assert_int_equal(date.month, 2);
    assert_int_equal(date.day, 29);
    clock_to_date(leap_day + CLOCK_SECOND_NS, 7 * 3600, &date);
    assert_int_equal(date.month, 3);
    assert_int_equal(date.day, 1);
    clock_to_date(-1, 0, &date);
    assert_int_equal(date.year, 1969);
    assert_int_equal(date.nanosecond, 999999999);
    date = (struct clock_date){.year = 2023, .month = 2, .day = 29};
    assert_true(clock_from_date(&date, 0) == CLOCK_NONE);
}

static void test_weeks(void **state)
{
    (void)state;
    int64_t sunday = clock_parse(SLICE("2026-11-22T00:00:00Z"), NULL, NEAR);
    assert_int_equal(clock_weekday(sunday, 0), 6);
    assert_int_equal(clock_weekday(sunday - 1, 0), 5);
    assert_int_equal(clock_weekday(sunday - 1, 7 * 3600), 6);
    assert_int_equal(clock_iso_week(sunday, 0), 47);
    assert_int_equal(clock_iso_week(clock_parse(SLICE("2027-01-03"), NULL, NEAR), 0), 53);
    assert_int_equal(clock_iso_week(clock_parse(SLICE("2024-12-30"), NULL, NEAR), 0), 1);
    assert_int_equal(clock_weekday(clock_parse(SLICE("1969-12-28"), NULL, NEAR), 0), 6);
}

static void test_zone_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int offset_seconds;
    } fixed[] = {{"Z", 0},          {"UTC", 0},    {"utc", 0},      {"+07:00", 25200},
                 {"-0330", -12600}, {"+7", 25200}, {"-03", -10800}, {"Asia/Ho_Chi_Minh", 25200}};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        struct clock_zone *zone = zone_of(fixed[i].name);
        assert_int_equal(clock_zone_offset(zone, NEAR), fixed[i].offset_seconds);
        clock_zone_close(&zone);
    }
    assert_int_equal(clock_zone_offset(NULL, NEAR), 0);
    static const char *const bad[] = {"",
                                      "../../etc/passwd",
                                      "/etc/passwd",
                                      "Asia/../UTC",
                                      "+25:00",
                                      "+07:60",
                                      "+123",
                                      "+07:0",
                                      "Mars",
                                      "Asia",
                                      "a b",
                                      "+"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct clock_zone *zone = NULL;
        struct err err = {0};
        if (clock_zone_open(&zone, slice_from(bad[i]), &err) == ERR_OK)
            fail_msg("%s is taken for a zone", bad[i]);
        assert_null(zone);
        assert_true(err.text[0] != '\0');
    }
}

static void test_zone_changes(void **state)
{
    (void)state;
    struct clock_zone *zone = NULL;
    if (clock_zone_open(&zone, SLICE("Europe/Berlin"), NULL))
        skip(); /* a system without the zone table */
    /* by the table, and by the rule behind it */
    assert_reads("2026-03-29 01:59:59", zone, "2026-03-29T00:59:59Z");
    assert_reads("2026-03-29 03:00:00", zone, "2026-03-29T01:00:00Z");
    assert_reads("2026-10-25 02:30:00", zone, "2026-10-25T00:30:00Z"); /* comes twice: the first */
    assert_reads("2026-10-25 03:00:00", zone, "2026-10-25T02:00:00Z");
    assert_reads("2055-07-01 12:00:00", zone, "2055-07-01T10:00:00Z");
    assert_reads("2055-12-01 12:00:00", zone, "2055-12-01T11:00:00Z");
    clock_zone_close(&zone);
    zone = zone_of("Australia/Sydney");
    assert_int_equal(clock_zone_offset(zone, clock_parse(SLICE("2055-01-01"), NULL, NEAR)),
                     11 * 3600);
    assert_int_equal(clock_zone_offset(zone, clock_parse(SLICE("2055-07-01"), NULL, NEAR)),
                     10 * 3600);
    clock_zone_close(&zone);
}

static void test_a_memo_says_what_parsing_says(void **state)
{
    static const char *const texts[] = {"Nov 22 10:36:00",
                                        "Nov 22 10:36:01",
                                        "Nov 22 10:36:0",
                                        "2026-11-22T10:36:00+07:00",
                                        "no time",
                                        "",
                                        "2026-11-22 10:36:00",
                                        "Tue, 28 Jul 2026 11:28:00.123456789 +0700"};
    const int64_t near_ns[] = {CLOCK_NONE, 0, 1795000000 * CLOCK_SECOND_NS};
    struct clock_zone *zones[2] = {NULL, NULL};
    struct clock_memo memo = {0};
    struct err err;
    (void)state;
    assert_int_equal(clock_zone_open(&zones[1], SLICE("+07:00"), &err), ERR_OK);
    srandom(3);
    for (int i = 0; i < 20000; i++) {
        struct slice text = slice_from(texts[random() % 8]);
        const struct clock_zone *zone = zones[random() % 2];
        int64_t near = near_ns[random() % 3];
        for (int again = 0; again < 2; again++)
            assert_true(clock_parse_again(&memo, text, zone, near) ==
                        clock_parse(text, zone, near));
    }
    clock_zone_close(&zones[1]);
}

static void test_clocks_run(void **state)
{
    (void)state;
    uint64_t before = clock_monotonic_ns(), used = clock_cpu_ns();
    assert_true(clock_now_ns() > NEAR - 365ll * 86400 * CLOCK_SECOND_NS);
    assert_true(clock_monotonic_ns() >= before);
    assert_true(clock_cpu_ns() >= used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form),
        cmocka_unit_test(test_refuses_what_is_no_time),
        cmocka_unit_test(test_zone_holds_where_none_is_stated),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_weeks),
        cmocka_unit_test(test_zone_names),
        cmocka_unit_test(test_zone_changes),
        cmocka_unit_test(test_clocks_run),
        cmocka_unit_test(test_a_memo_says_what_parsing_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
