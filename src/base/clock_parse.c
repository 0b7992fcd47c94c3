/* Reading of the times that logs carry. One pass, no allocation; the shape of the first characters
 * decides which form is tried. */
#include "base/clock.h"

struct cursor {
    const char *at, *end;
};

static bool at_digit(const struct cursor *c)
{
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool take(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

/* least..most digits. */
static bool take_number(struct cursor *c, int least, int most, int *out)
{
    int value = 0, digits = 0;
    for (; digits < most && at_digit(c); digits++)
        value = value * 10 + (*c->at++ - '0');
    *out = value;
    return digits >= least;
}

/* Digits of a fraction as nanoseconds; those behind the ninth are dropped. */
static bool take_fraction(struct cursor *c, int32_t *nanosecond)
{
    int32_t value = 0, unit = CLOCK_SECOND_NS / 10;
    if (!at_digit(c))
        return false;
    for (; at_digit(c); c->at++, unit /= 10)
        value += (*c->at - '0') * unit;
    *nanosecond = value;
    return true;
}

static bool take_word(struct cursor *c, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(c->end - c->at) < len ||
        !slice_equal_nocase(slice_make(c->at, len), slice_make(word, len)))
        return false;
    c->at += len;
    return true;
}

/* Which of the three-letter names, written one after the other, comes next; from 0, or -1. */
static int take_name(struct cursor *c, const char *names, int count)
{
    if (c->end - c->at < 3)
        return -1;
    for (int i = 0; i < count; i++, names += 3)
        if ((c->at[0] | 0x20) == names[0] && (c->at[1] | 0x20) == names[1] &&
            (c->at[2] | 0x20) == names[2]) {
            c->at += 3;
            return i;
        }
    return -1;
}

static bool take_month(struct cursor *c, int *month)
{
    *month = take_name(c, "janfebmaraprmayjunjulaugsepoctnovdec", 12) + 1;
    return *month > 0;
}

static bool take_weekday(struct cursor *c)
{
    return take_name(c, "montuewedthufrisatsun", 7) >= 0;
}

/* hh:mm[:ss[.fraction]], comma or point. */
static bool take_clock(struct cursor *c, struct clock_date *date)
{
    if (!take_number(c, 1, 2, &date->hour) || !take(c, ':') || !take_number(c, 2, 2, &date->minute))
        return false;
    if (!take(c, ':'))
        return true;
    if (!take_number(c, 2, 2, &date->second))
        return false;
    return (!take(c, '.') && !take(c, ',')) || take_fraction(c, &date->nanosecond);
}

struct zone_text {
    bool stated;
    int offset_seconds;
};

/* Z, UTC, GMT, +hh, +hhmm, +hh:mm, with or without blanks before; nothing at all is fine, too. */
static bool take_zone(struct cursor *c, struct zone_text *zone)
{
    int hours, minutes = 0;
    skip_blanks(c);
    zone->stated = true;
    zone->offset_seconds = 0;
    if (take_word(c, "UTC") || take_word(c, "GMT") || take(c, 'Z') || take(c, 'z'))
        return true;
    bool minus = take(c, '-');
    if (!minus && !take(c, '+')) {
        zone->stated = false;
        return true;
    }
    if (!take_number(c, 2, 2, &hours) || hours > 23)
        return false;
    bool colon = take(c, ':');
    if ((colon || at_digit(c)) && (!take_number(c, 2, 2, &minutes) || minutes > 59))
        return false;
    zone->offset_seconds = (hours * 60 + minutes) * (minus ? -60 : 60);
    return true;
}

static int64_t date_time(const struct clock_date *date, const struct zone_text *stated,
                         const struct clock_zone *zone)
{
    return stated->stated ? clock_from_date(date, stated->offset_seconds)
                          : clock_zone_to_utc(zone, date);
}

/* What may stand behind date and time in every form: a zone, then nothing. */
static int64_t date_end(struct cursor *c, const struct clock_date *date,
                        const struct clock_zone *zone)
{
    struct zone_text stated;
    if (!take_zone(c, &stated) || c->at != c->end)
        return CLOCK_NONE;
    return date_time(date, &stated, zone);
}

/* 2026-11-22T10:36:00, 2026/11/22 10:36:00, 2026-11-22. */
static int64_t parse_iso(struct cursor *c, const struct clock_zone *zone)
{
    struct clock_date date = {0};
    (void)take_number(c, 4, 4, &date.year);
    char separator = *c->at++;
    if (!take_number(c, 1, 2, &date.month) || !take(c, separator) ||
        !take_number(c, 1, 2, &date.day))
        return CLOCK_NONE;
    if (c->at == c->end)
        return clock_zone_to_utc(zone, &date);
    if (!take(c, 'T') && !take(c, 't')) {
        if (*c->at != ' ')
            return CLOCK_NONE;
        skip_blanks(c);
    }
    return take_clock(c, &date) ? date_end(c, &date, zone) : CLOCK_NONE;
}

/* 20261122T103600[.fraction] and 20261122103600. */
static int64_t parse_compact(struct cursor *c, const struct clock_zone *zone)
{
    struct clock_date date = {0};
    if (!take_number(c, 4, 4, &date.year) || !take_number(c, 2, 2, &date.month) ||
        !take_number(c, 2, 2, &date.day))
        return CLOCK_NONE;
    (void)take(c, 'T');
    if (!take_number(c, 2, 2, &date.hour) || !take_number(c, 2, 2, &date.minute) ||
        !take_number(c, 2, 2, &date.second))
        return CLOCK_NONE;
    if ((take(c, '.') || take(c, ',')) && !take_fraction(c, &date.nanosecond))
        return CLOCK_NONE;
    return date_end(c, &date, zone);
}

/* Seconds, milliseconds, microseconds, nanoseconds since 1970, or a Windows FILETIME, by the count
 * of digits. Shorter numbers are no times: a log has many small numbers and none from before 1973.
 */
static int64_t parse_unix(struct cursor *c, size_t digits)
{
    int64_t value = 0, unit, time_ns;
    for (size_t i = 0; i < digits; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *c->at++ - '0', &value))
            return CLOCK_NONE;
    int32_t fraction = 0;
    if (take(c, '.') && !take_fraction(c, &fraction))
        return CLOCK_NONE;
    if (c->at != c->end)
        return CLOCK_NONE;
    if (digits == 9 || digits == 10)
        unit = CLOCK_SECOND_NS;
    else if (digits == 12 || digits == 13)
        unit = 1000000;
    else if (digits == 15 || digits == 16)
        unit = 1000;
    else if (digits == 18) { /* 100 ns since 1601 */
        value -= 116444736000000000ll;
        unit = 100;
    } else if (digits == 19)
        unit = 1;
    else
        return CLOCK_NONE;
    if (__builtin_mul_overflow(value, unit, &time_ns) ||
        __builtin_add_overflow(time_ns, fraction * unit / CLOCK_SECOND_NS, &time_ns))
        return CLOCK_NONE;
    return time_ns;
}

/* Behind the second slash of 07/28/2026: a blank, comma, T or dash, the time, AM or PM. */
static int64_t parse_american(struct cursor *c, const struct clock_zone *zone)
{
    struct clock_date date = {0};
    if (!take_number(c, 1, 2, &date.month) || !take(c, '/') || !take_number(c, 1, 2, &date.day) ||
        !take(c, '/') || !take_number(c, 4, 4, &date.year))
        return CLOCK_NONE;
    if (!take(c, '-') && !take(c, 'T')) {
        (void)take(c, ',');
        if (c->at == c->end || *c->at != ' ')
            return CLOCK_NONE;
        skip_blanks(c);
    }
    if (!take_clock(c, &date))
        return CLOCK_NONE;
    skip_blanks(c);
    bool morning = take_word(c, "AM");
    if (morning || take_word(c, "PM")) {
        if (date.hour < 1 || date.hour > 12)
            return CLOCK_NONE;
        date.hour = date.hour % 12 + (morning ? 0 : 12);
    }
    return date_end(c, &date, zone);
}

/* 22/Nov/2026:10:36:00 +0700, 28 Jul 2026 11:28:00 +0700, 28-Jul-2026 11:28:00.123. */
static int64_t parse_day_first(struct cursor *c, const struct clock_zone *zone)
{
    struct clock_date date = {0};
    if (!take_number(c, 1, 2, &date.day) || c->at == c->end)
        return CLOCK_NONE;
    char separator = *c->at++;
    if ((separator != '/' && separator != ' ' && separator != '-') || !take_month(c, &date.month) ||
        !take(c, separator) || !take_number(c, 4, 4, &date.year))
        return CLOCK_NONE;
    if (!take(c, ':') && !take(c, ' '))
        return CLOCK_NONE;
    skip_blanks(c);
    return take_clock(c, &date) ? date_end(c, &date, zone) : CLOCK_NONE;
}

/* The time in that year, and how far it is from near_ns. */
static int64_t in_year(int year, struct clock_date *date, const struct zone_text *stated,
                       const struct clock_zone *zone, int64_t near_ns, uint64_t *apart)
{
    date->year = year;
    int64_t time_ns = date_time(date, stated, zone);
    *apart = time_ns > near_ns ? (uint64_t)time_ns - (uint64_t)near_ns
                               : (uint64_t)near_ns - (uint64_t)time_ns;
    if (time_ns == CLOCK_NONE)
        *apart = UINT64_MAX;
    return time_ns;
}

static int64_t nearest_year(struct clock_date *date, const struct zone_text *stated,
                            const struct clock_zone *zone, int64_t near_ns)
{
    struct clock_date near;
    uint64_t best_apart, apart;
    if (near_ns == CLOCK_NONE)
        return CLOCK_NONE;
    clock_to_date(near_ns, 0, &near);
    int64_t best = in_year(near.year, date, stated, zone, near_ns, &best_apart);
    if (best_apart < 182 * 86400ull * CLOCK_SECOND_NS)
        return best; /* no other year comes nearer */
    for (int year = near.year - 1; year <= near.year + 1; year += 2) {
        int64_t time_ns = in_year(year, date, stated, zone, near_ns, &apart);
        if (apart < best_apart) {
            best_apart = apart;
            best = time_ns;
        }
    }
    return best;
}

/* Nov 22 10:36:00, Nov 22 2026 10:36:00, Nov 22 10:36:00 2026, Nov 22 10:36:00 UTC 2026. */
static int64_t parse_month_first(struct cursor *c, const struct clock_zone *zone, int64_t near_ns)
{
    struct clock_date date = {0};
    struct zone_text stated;
    if (!take_month(c, &date.month) || !take(c, ' '))
        return CLOCK_NONE;
    skip_blanks(c);
    if (!take_number(c, 1, 2, &date.day))
        return CLOCK_NONE;
    (void)take(c, ',');
    if (!take(c, ' '))
        return CLOCK_NONE;
    skip_blanks(c);
    bool has_year = c->end - c->at > 4 && c->at[1] != ':' && c->at[2] != ':';
    if (has_year && (!take_number(c, 4, 4, &date.year) || !take(c, ' ')))
        return CLOCK_NONE;
    if (has_year)
        skip_blanks(c);
    if (!take_clock(c, &date) || !take_zone(c, &stated))
        return CLOCK_NONE;
    skip_blanks(c);
    if (!has_year && at_digit(c)) {
        has_year = true;
        if (!take_number(c, 4, 4, &date.year) || (!stated.stated && !take_zone(c, &stated)))
            return CLOCK_NONE;
    }
    if (c->at != c->end)
        return CLOCK_NONE;
    return has_year ? date_time(&date, &stated, zone) : nearest_year(&date, &stated, zone, near_ns);
}

int64_t clock_parse(struct slice text, const struct clock_zone *zone, int64_t near_ns)
{
    text = slice_trim(text);
    if (text.len >= 2 && text.data[0] == '[' && text.data[text.len - 1] == ']')
        text = slice_part(text, 1, text.len - 2);
    struct cursor c = {text.data, text.data + text.len};
    size_t digits = 0;
    while (digits < text.len && digits <= 20 && text.data[digits] >= '0' &&
           text.data[digits] <= '9')
        digits++;
    char next = digits < text.len ? text.data[digits] : '\0';
    if (digits == 4 && (next == '-' || next == '/'))
        return parse_iso(&c, zone);
    if (digits == 14 || (digits == 8 && next == 'T'))
        return parse_compact(&c, zone);
    if (digits >= 9)
        return parse_unix(&c, digits);
    if (digits == 1 || digits == 2) {
        bool slash = next == '/' && digits + 1 < text.len && text.data[digits + 1] >= '0' &&
                     text.data[digits + 1] <= '9';
        return slash ? parse_american(&c, zone) : parse_day_first(&c, zone);
    }
    if (digits > 0)
        return CLOCK_NONE;
    if (take_weekday(&c)) {
        (void)take(&c, ',');
        if (!take(&c, ' '))
            return CLOCK_NONE;
        skip_blanks(&c);
    }
    return at_digit(&c) ? parse_day_first(&c, zone) : parse_month_first(&c, zone, near_ns);
}

int64_t clock_parse_again(struct clock_memo *memo, struct slice text, const struct clock_zone *zone,
                          int64_t near_ns)
{
    if (text.len == 0 || text.len > sizeof(memo->text))
        return clock_parse(text, zone, near_ns);
    if (memo->len == text.len && memo->zone == zone && memo->near_ns == near_ns &&
        memcmp(memo->text, text.data, text.len) == 0)
        return memo->time_ns;
    memcpy(memo->text, text.data, text.len);
    memo->len = text.len;
    memo->zone = zone;
    memo->near_ns = near_ns;
    return memo->time_ns = clock_parse(text, zone, near_ns);
}
