#include "detection/stix_time.h"

enum { DURATION_SECONDS_MAX_BITS = 40, NANOSECOND_DIGITS = 9 };
static const uint32_t NANOSECONDS = 1000000000;

/* Exactly count digits at *at as a number, *at moves behind them; -1: there are fewer. */
static int digits_read(struct slice text, size_t *at, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (*at >= text.len || text.data[*at] < '0' || text.data[*at] > '9')
            return -1;
        value = value * 10 + (text.data[*at] - '0');
    }
    return value;
}

/* Digits of a fraction as nanoseconds; false: there is none. */
static bool fraction_read(struct slice text, size_t *at, uint32_t *nanoseconds)
{
    size_t start = *at;
    *nanoseconds = 0;
    for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++)
        if (*at - start < NANOSECOND_DIGITS)
            *nanoseconds = *nanoseconds * 10 + (uint32_t)(text.data[*at] - '0');
    for (size_t i = *at - start; i < NANOSECOND_DIGITS; i++)
        *nanoseconds *= 10;
    return *at > start;
}

static bool year_leaps(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_before(int year, int month, int day)
{
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const int64_t days_0000_to_1970 = 719528;
    int64_t y = year, leaps = y > 0 ? (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 + 1 : 0;
    int64_t days = y * 365 + leaps + before_month[month - 1] + day - 1;
    return days + (month > 2 && year_leaps(year)) - days_0000_to_1970;
}

bool stix_time_parse(struct stix_time *out, struct slice text)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const char between[] = "--T::";
    int part[6];
    size_t at = 0;
    for (size_t i = 0; i < 6; i++) {
        part[i] = digits_read(text, &at, i == 0 ? 4 : 2);
        if (part[i] < 0 || (i < 5 && (at >= text.len || text.data[at++] != between[i])))
            return false;
    }
    *out = (struct stix_time){0};
    if (at < text.len && text.data[at] == '.') {
        at++;
        if (!fraction_read(text, &at, &out->nanoseconds))
            return false;
    }
    if (at + 1 != text.len || text.data[at] != 'Z' || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > month_days[part[1] - 1] || part[3] > 23 || part[4] > 59 || part[5] > 60 ||
        (part[1] == 2 && part[2] == 29 && !year_leaps(part[0])))
        return false;
    out->seconds =
        ((days_before(part[0], part[1], part[2]) * 24 + part[3]) * 60 + part[4]) * 60 + part[5];
    return true;
}

bool stix_time_parse_duration(struct stix_time *out, struct slice text)
{
    size_t point = slice_find_char(text, '.'), at = 0;
    struct slice whole = slice_part(text, 0, point);
    uint64_t seconds = 0;
    *out = (struct stix_time){0};
    if (whole.len > 0 && !slice_to_u64(whole, &seconds))
        return false;
    if (seconds >> DURATION_SECONDS_MAX_BITS)
        return false;
    out->seconds = (int64_t)seconds;
    if (point == SLICE_NONE)
        return whole.len > 0;
    struct slice fraction = slice_part(text, point + 1, text.len);
    return fraction_read(fraction, &at, &out->nanoseconds) && at == fraction.len;
}

int stix_time_compare(struct stix_time a, struct stix_time b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return (a.nanoseconds > b.nanoseconds) - (a.nanoseconds < b.nanoseconds);
}

struct stix_time stix_time_add(struct stix_time a, struct stix_time b)
{
    struct stix_time sum = {a.seconds + b.seconds, a.nanoseconds + b.nanoseconds};
    if (sum.nanoseconds >= NANOSECONDS) {
        sum.nanoseconds -= NANOSECONDS;
        sum.seconds++;
    }
    return sum;
}
