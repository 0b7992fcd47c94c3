#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/calendar.h"

static struct calendar_hour at(const struct calendar *c, const char *time)
{
    struct calendar_hour hour;
    int64_t time_ns = clock_parse(slice_from(time), NULL, CLOCK_NONE);
    assert_true(time_ns != CLOCK_NONE);
    calendar_at(c, time_ns, &hour);
    return hour;
}

static void weekends_and_listed_days_are_free_where_the_agency_is(void **state)
{
    struct calendar c = {0};
    struct clock_zone *zone;
    struct calendar_hour h;
    (void)state;
    assert_int_equal(clock_zone_open(&zone, SLICE("+07:00"), NULL), ERR_OK);
    c.zone = zone;
    assert_int_equal(calendar_add(&c, SLICE("2027-02-04..2027-02-10"), NULL), ERR_OK);
    assert_int_equal(calendar_add(&c, SLICE(" 2027-04-30 "), NULL), ERR_OK);
    h = at(&c, "2026-11-20T16:59:59Z"); /* Friday 23:59:59 there */
    assert_true(!h.is_free && h.weekday == 4 && h.hour == 23);
    h = at(&c, "2026-11-20T17:00:00Z");
    assert_true(h.is_free && !h.is_listed && h.weekday == 5 && h.hour == 0);
    h = at(&c, "2026-11-22T16:30:00Z");
    assert_true(h.is_free && h.weekday == 6);
    assert_false(at(&c, "2026-11-22T17:00:00Z").is_free);
    assert_false(at(&c, "2027-02-03T16:59:59Z").is_free);
    assert_true(at(&c, "2027-02-03T17:00:00Z").is_listed);
    assert_true(at(&c, "2027-02-07T05:00:00Z").is_listed); /* a Sunday, too */
    assert_true(at(&c, "2027-02-10T16:59:59Z").is_listed);
    assert_false(at(&c, "2027-02-10T17:00:00Z").is_free);
    assert_true(at(&c, "2027-04-30T05:00:00Z").is_listed);
    assert_int_equal(at(&c, "1969-12-31T16:30:00Z").hour, 23);
    clock_zone_close(&zone);
}

static void what_is_no_day_is_refused_with_a_sentence(void **state)
{
    static const char *const wrong[] = {
        "",           "2027-02-30",           "2027-2-5",   "2027-02-05..",
        "05/02/2027", "2027-02-05 2027-02-6", "..",         "2027-13-01",
        "1969-01-01", "2027-02-05T00:00:00",  "2027-00-10", "2027-02-10..2027-02-05",
    };
    struct calendar c = {0};
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(calendar_add(&c, slice_from(wrong[i]), &err), ERR_USAGE);
        assert_true(strstr(err.text, "free day") != NULL);
    }
    assert_int_equal(c.count, 0);
    for (int i = 0; i < CALENDAR_RANGES_MAX; i++)
        assert_int_equal(calendar_add(&c, SLICE("2027-09-02"), &err), ERR_OK);
    assert_int_equal(calendar_add(&c, SLICE("2027-09-02"), &err), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weekends_and_listed_days_are_free_where_the_agency_is),
        cmocka_unit_test(what_is_no_day_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
