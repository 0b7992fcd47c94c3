/* Calendar: is it a working or a free day where the agency is, and which hour of the day.
 *
 * Free are Saturday, Sunday and the days that the settings list. Pure. Limits:
 * CALENDAR_RANGES_MAX. Threads: any, once it is filled. Ownership: borrows the zone. */
#pragma once
#include "base/clock.h"

enum { CALENDAR_RANGES_MAX = 366 };

struct calendar_range {
    int64_t first_day, last_day; /* since 1970, both free */
};

struct calendar {
    const struct clock_zone *zone; /* NULL: UTC */
    struct calendar_range ranges[CALENDAR_RANGES_MAX];
    uint32_t count;
};

/* A day "2027-02-05" or a range "2027-02-05..2027-02-11". ERR_USAGE: no such day, or the range ends
 * before it begins; ERR_LIMIT. */
MUST_CHECK int calendar_add(struct calendar *c, struct slice text, struct err *err);

struct calendar_hour {
    int weekday; /* 0 Monday .. 6 Sunday */
    int hour;    /* 0..23, local */
    bool is_free;
    bool is_listed; /* free because the settings say so, be it a weekend or not */
};
void calendar_at(const struct calendar *c, int64_t time_ns, struct calendar_hour *out);
