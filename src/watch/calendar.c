#include "watch/calendar.h"

#define DAY_NS (86400 * CLOCK_SECOND_NS)

enum { SATURDAY = 5 };

static bool number_cut(struct slice *text, size_t digits, int *out)
{
    uint64_t number;
    if (text->len < digits || !slice_to_u64(slice_part(*text, 0, digits), &number))
        return false;
    *out = (int)number;
    *text = slice_part(*text, digits, SIZE_MAX);
    return true;
}

static bool dash_cut(struct slice *text)
{
    bool is_there = slice_starts(*text, SLICE("-"));
    *text = slice_part(*text, is_there, SIZE_MAX);
    return is_there;
}

static bool day_read(struct slice text, int64_t *day)
{
    struct clock_date date = {0}, back;
    if (!number_cut(&text, 4, &date.year) || !dash_cut(&text) ||
        !number_cut(&text, 2, &date.month) || !dash_cut(&text) ||
        !number_cut(&text, 2, &date.day) || text.len)
        return false;
    int64_t time_ns = clock_from_date(&date, 0);
    if (time_ns == CLOCK_NONE || time_ns < 0)
        return false;
    clock_to_date(time_ns, 0, &back);
    *day = time_ns / DAY_NS;
    return back.day == date.day;
}

int calendar_add(struct calendar *c, struct slice text, struct err *err)
{
    struct calendar_range range;
    size_t dots = slice_find(text, SLICE(".."));
    struct slice first = slice_trim(slice_part(text, 0, dots == SLICE_NONE ? text.len : dots));
    struct slice last =
        dots == SLICE_NONE ? first : slice_trim(slice_part(text, dots + 2, SIZE_MAX));
    if (!day_read(first, &range.first_day) || !day_read(last, &range.last_day))
        return err_set(err, ERR_USAGE,
                       "'%.*s' is not a free day: write 2027-02-05, or 2027-02-05..2027-02-11 "
                       "for several in a row",
                       (int)slice_part(text, 0, 60).len, text.data);
    if (range.last_day < range.first_day)
        return err_set(err, ERR_USAGE,
                       "the free days '%.*s' end before they begin: write the earlier day first",
                       (int)slice_part(text, 0, 60).len, text.data);
    if (c->count == CALENDAR_RANGES_MAX)
        return err_set(err, ERR_LIMIT,
                       "more than %d free days or ranges: write days in a row as one range",
                       CALENDAR_RANGES_MAX);
    c->ranges[c->count++] = range;
    return ERR_OK;
}

static int64_t day_of(int64_t local_ns)
{
    return local_ns / DAY_NS - (local_ns % DAY_NS < 0);
}

void calendar_at(const struct calendar *c, int64_t time_ns, struct calendar_hour *out)
{
    int offset = clock_zone_offset(c->zone, time_ns);
    int64_t local_ns = time_ns + offset * CLOCK_SECOND_NS;
    int64_t day = day_of(local_ns);
    out->weekday = clock_weekday(time_ns, offset);
    out->hour = (int)((local_ns - day * DAY_NS) / (3600 * CLOCK_SECOND_NS));
    out->is_listed = false;
    for (uint32_t i = 0; i < c->count && !out->is_listed; i++)
        out->is_listed = day >= c->ranges[i].first_day && day <= c->ranges[i].last_day;
    out->is_free = out->is_listed || out->weekday >= SATURDAY;
}
