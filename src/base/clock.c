#include "base/clock.h"

#include <time.h>

static int64_t system_clock_ns(clockid_t which)
{
    struct timespec t;
    check(clock_gettime(which, &t) == 0);
    return (int64_t)t.tv_sec * CLOCK_SECOND_NS + t.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return system_clock_ns(CLOCK_REALTIME);
}

uint64_t clock_monotonic_ns(void)
{
    return (uint64_t)system_clock_ns(CLOCK_MONOTONIC);
}

uint64_t clock_cpu_ns(void)
{
    return (uint64_t)system_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_thread_cpu_ns(void)
{
    return (uint64_t)system_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Rounds towards the past, so that times before 1970 have parts like any other. */
static int64_t divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of a date, counted from March so that the leap day is the last of a year.
 */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = divide_down(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, struct clock_date *date)
{
    days += 719468;
    int64_t era = divide_down(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    date->day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    date->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    date->year = (int)(year_of_era + era * 400 + (date->month <= 2));
}

static int month_days(int year, int month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

enum { YEAR_MIN = 1677, YEAR_MAX = 2262, OFFSET_SECONDS_MAX = 26 * 3600 };

int64_t clock_from_date(const struct clock_date *date, int offset_seconds)
{
    if (date->year < YEAR_MIN || date->year > YEAR_MAX || date->month < 1 || date->month > 12 ||
        date->day < 1 || date->day > month_days(date->year, date->month) || date->hour < 0 ||
        date->hour > 23 || date->minute < 0 || date->minute > 59 || date->second < 0 ||
        date->second > 60 || date->nanosecond < 0 || date->nanosecond >= CLOCK_SECOND_NS ||
        offset_seconds > OFFSET_SECONDS_MAX || offset_seconds < -OFFSET_SECONDS_MAX)
        return CLOCK_NONE;
    int64_t seconds = days_from_date(date->year, date->month, date->day) * 86400 +
                      date->hour * 3600 + date->minute * 60 + date->second - offset_seconds;
    int64_t time_ns;
    /* from the second above downwards: the first second of 1677 that fits is not a whole one */
    if (seconds < 0 && date->nanosecond > 0) {
        if (__builtin_mul_overflow(seconds + 1, CLOCK_SECOND_NS, &time_ns) ||
            __builtin_sub_overflow(time_ns, CLOCK_SECOND_NS - date->nanosecond, &time_ns))
            return CLOCK_NONE;
    } else if (__builtin_mul_overflow(seconds, CLOCK_SECOND_NS, &time_ns) ||
               __builtin_add_overflow(time_ns, date->nanosecond, &time_ns))
        return CLOCK_NONE;
    return time_ns;
}

void clock_to_date(int64_t time_ns, int offset_seconds, struct clock_date *date)
{
    int64_t seconds = divide_down(time_ns, CLOCK_SECOND_NS);
    int64_t nanosecond = time_ns % CLOCK_SECOND_NS;
    date->nanosecond = (int32_t)(nanosecond < 0 ? nanosecond + CLOCK_SECOND_NS : nanosecond);
    seconds += offset_seconds;
    int64_t days = divide_down(seconds, 86400);
    int rest = (int)(seconds - days * 86400);
    date_from_days(days, date);
    date->hour = rest / 3600;
    date->minute = rest / 60 % 60;
    date->second = rest % 60;
}

static int64_t local_days(int64_t time_ns, int offset_seconds)
{
    return divide_down(divide_down(time_ns, CLOCK_SECOND_NS) + offset_seconds, 86400);
}

int clock_weekday(int64_t time_ns, int offset_seconds)
{
    int64_t days = local_days(time_ns, offset_seconds) + 3; /* 1970-01-01 was a Thursday */
    return (int)(days - divide_down(days, 7) * 7);
}

int clock_iso_week(int64_t time_ns, int offset_seconds)
{
    int64_t days = local_days(time_ns, offset_seconds);
    int64_t thursday = days - clock_weekday(time_ns, offset_seconds) + 3;
    struct clock_date date;
    date_from_days(thursday, &date); /* the week belongs to the year of its Thursday */
    return (int)((thursday - days_from_date(date.year, 1, 1)) / 7) + 1;
}

static char *put_digits(char *at, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

enum { SECOND_TEXT_BYTES = 19, SECONDS_KNOWN = 16 };

static void second_text(char out[SECOND_TEXT_BYTES], int64_t time_ns)
{
    struct clock_date date;
    clock_to_date(time_ns, 0, &date);
    char *at = put_digits(out, date.year, 4);
    *at++ = '-';
    at = put_digits(at, date.month, 2);
    *at++ = '-';
    at = put_digits(at, date.day, 2);
    *at++ = 'T';
    at = put_digits(at, date.hour, 2);
    *at++ = ':';
    at = put_digits(at, date.minute, 2);
    *at++ = ':';
    (void)put_digits(at, date.second, 2);
}

/* Events that follow each other are of few seconds: each thread keeps the texts of the newest. */
size_t clock_text(char out[CLOCK_TEXT_BYTES], int64_t time_ns)
{
    static _Thread_local struct {
        int64_t second;
        char text[SECOND_TEXT_BYTES];
        bool is_known;
    } known[SECONDS_KNOWN];
    int64_t second = divide_down(time_ns, CLOCK_SECOND_NS);
    int rest = (int)(time_ns % CLOCK_SECOND_NS);
    int nanosecond = rest < 0 ? rest + (int)CLOCK_SECOND_NS : rest;
    size_t slot = (size_t)second % SECONDS_KNOWN;
    if (!known[slot].is_known || known[slot].second != second) {
        second_text(known[slot].text, time_ns);
        known[slot].second = second;
        known[slot].is_known = true;
    }
    memcpy(out, known[slot].text, SECOND_TEXT_BYTES);
    char *at = out + SECOND_TEXT_BYTES;
    if (nanosecond) {
        *at++ = '.';
        at = put_digits(at, nanosecond, 9);
        while (at[-1] == '0')
            at--;
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}
