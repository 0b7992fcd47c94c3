/* Spans of time: `_time:24h`, `_time:2026-11-01`, `_time:[2026-11-01 TO now-1h)`, `_time:>=...`. */
#include "store/query_inside.h"

#define DAY_NS       (86400 * CLOCK_SECOND_NS)
#define DURATION_MAX (36600 * DAY_NS)

/* What a text says: a date is its whole day, a minute its whole minute. */
struct span {
    int64_t begin_ns, end_ns; /* begin <= time < end */
    bool back;                /* a length of time before now */
};

/* ns of one unit, by the letters at *at, or 0. */
static int64_t unit_ns(struct slice text, size_t *at)
{
    if (*at + 1 < text.len && text.data[*at] == 'm' && text.data[*at + 1] == 's') {
        *at += 2;
        return CLOCK_SECOND_NS / 1000;
    }
    switch (*at < text.len ? text.data[(*at)++] : 0) {
    case 's':
        return CLOCK_SECOND_NS;
    case 'm':
        return 60 * CLOCK_SECOND_NS;
    case 'h':
        return 3600 * CLOCK_SECOND_NS;
    case 'd':
        return DAY_NS;
    case 'w':
        return 7 * DAY_NS;
    default:
        return 0;
    }
}

bool query_duration(struct slice text, int64_t *out_ns)
{
    int64_t total = 0;
    for (size_t at = 0; at < text.len;) {
        size_t digits = at;
        while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9')
            at++;
        uint64_t count;
        if (!slice_to_u64(slice_part(text, digits, at - digits), &count))
            return false;
        int64_t unit = unit_ns(text, &at);
        if (unit == 0 || count > (uint64_t)(DURATION_MAX / unit))
            return false;
        total += (int64_t)count * unit;
        if (total > DURATION_MAX)
            return false;
    }
    *out_ns = total;
    return total > 0;
}

/* now, now-7d, now+1h, -7d, 24h */
static bool read_relative(const struct query_options *options, struct slice text, struct span *out)
{
    int64_t length = 0;
    bool named = slice_equal_nocase(slice_part(text, 0, 3), SLICE("now"));
    struct slice rest = named ? slice_part(text, 3, SIZE_MAX) : text;
    bool forward = named && rest.len > 0 && rest.data[0] == '+';
    bool sign = rest.len > 0 && (rest.data[0] == '-' || forward);
    if (named && rest.len > 0 && !sign)
        return false;
    if (sign)
        rest = slice_part(rest, 1, SIZE_MAX);
    if ((rest.len > 0 || !named || sign) && !query_duration(rest, &length))
        return false;
    int64_t at = options->now_ns + (forward ? length : -length);
    *out = (struct span){.begin_ns = at, .end_ns = at + 1, .back = length > 0 && !forward};
    return true;
}

static int64_t local_midnight(const struct query_options *options, const struct clock_date *day,
                              int days_later)
{
    struct clock_date date = {.year = day->year, .month = day->month, .day = day->day};
    int64_t flat = clock_from_date(&date, 0);
    if (flat == CLOCK_NONE)
        return CLOCK_NONE;
    clock_to_date(flat + days_later * DAY_NS, 0, &date);
    return clock_zone_to_utc(options->zone, &date);
}

static bool read_named_day(const struct query_options *options, struct slice text, struct span *out)
{
    bool today = slice_equal_nocase(text, SLICE("today"));
    if (!today && !slice_equal_nocase(text, SLICE("yesterday")))
        return false;
    struct clock_date date;
    clock_to_date(options->now_ns, clock_zone_offset(options->zone, options->now_ns), &date);
    out->begin_ns = local_midnight(options, &date, today ? 0 : -1);
    out->end_ns = local_midnight(options, &date, today ? 1 : 0);
    return out->begin_ns != CLOCK_NONE && out->end_ns != CLOCK_NONE;
}

static bool digits_at(struct slice text, size_t at, size_t count, int *out)
{
    uint64_t number;
    if (at + count > text.len || !slice_to_u64(slice_part(text, at, count), &number))
        return false;
    *out = (int)number;
    return true;
}

/* YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh: of clock_parse's forms those that are a span. */
static bool read_calendar(const struct query_options *options, struct slice text, struct span *out)
{
    struct clock_date begin = {.month = 1, .day = 1}, end;
    size_t len = text.len;
    if ((len != 4 && len != 7 && len != 10 && len != 13) || !digits_at(text, 0, 4, &begin.year) ||
        (len >= 7 && (text.data[4] != '-' || !digits_at(text, 5, 2, &begin.month))) ||
        (len >= 10 && (text.data[7] != '-' || !digits_at(text, 8, 2, &begin.day))) ||
        (len == 13 &&
         ((text.data[10] != 'T' && text.data[10] != ' ') || !digits_at(text, 11, 2, &begin.hour))))
        return false;
    if (clock_from_date(&begin, 0) == CLOCK_NONE)
        return false;
    out->begin_ns = clock_zone_to_utc(options->zone, &begin);
    end = begin;
    if (len == 13)
        out->end_ns = out->begin_ns + 3600 * CLOCK_SECOND_NS;
    else if (len == 10)
        out->end_ns = local_midnight(options, &end, 1);
    else {
        end.year += len == 4 || begin.month == 12;
        end.month = len == 4 || begin.month == 12 ? 1 : begin.month + 1;
        out->end_ns = clock_zone_to_utc(options->zone, &end);
    }
    return out->begin_ns != CLOCK_NONE && out->end_ns != CLOCK_NONE;
}

/* How long the smallest part is that a time of day states: 10:36 is a minute. */
static int64_t precision_ns(struct slice text)
{
    unsigned colons = 0;
    for (size_t i = 0; i < text.len && i < 19; i++) {
        colons += text.data[i] == ':';
        if (colons == 2 && i + 3 < text.len && (text.data[i + 3] == '.' || text.data[i + 3] == ','))
            return 1;
    }
    return colons == 2 ? CLOCK_SECOND_NS : colons == 1 ? 60 * CLOCK_SECOND_NS : 1;
}

static bool read_span(struct query_reader *r, const struct query_word *word, struct span *out)
{
    const struct query_options *options = r->options;
    *out = (struct span){0};
    if (read_relative(options, word->text, out) || read_named_day(options, word->text, out) ||
        read_calendar(options, word->text, out))
        return true;
    out->begin_ns = clock_parse(word->text, options->zone, options->now_ns);
    if (out->begin_ns == CLOCK_NONE || out->begin_ns > INT64_MAX - 60 * CLOCK_SECOND_NS)
        return query_fail(r, word->at, ERR_SYNTAX,
                          "'%.*s' is no time: write it like 24h, now-7d, today, 2026-11-01 or "
                          "2026-11-01T10:36:00",
                          query_width(word->text), word->text.data);
    out->end_ns = out->begin_ns + precision_ns(word->text);
    return true;
}

static void narrow(int64_t *from_ns, int64_t *until_ns, int64_t from, int64_t until)
{
    if (from > *from_ns)
        *from_ns = from;
    if (until < *until_ns)
        *until_ns = until;
}

static bool read_word(struct query_reader *r, const char *stops, struct query_word *out)
{
    query_skip_blanks(r);
    if (!query_read_word(r, stops, out))
        return false;
    if (out->text.len > 0)
        return true;
    return query_fail(r, out->at, ERR_SYNTAX,
                      "a time is expected, like 24h, now-7d, 2026-11-01 or [2026-11-01 TO now]");
}

static bool is_star(const struct query_word *word)
{
    return !word->quoted && slice_equal(word->text, SLICE("*"));
}

static bool read_range(struct query_reader *r, int64_t *from_ns, int64_t *until_ns)
{
    size_t open = r->at;
    char bracket = r->text.data[r->at++];
    struct query_word low, high;
    struct span first = {.begin_ns = QUERY_OPEN_BEGIN, .end_ns = QUERY_OPEN_BEGIN};
    struct span last = {.begin_ns = QUERY_OPEN_END, .end_ns = QUERY_OPEN_END};
    if (!read_word(r, "]},", &low) || (!is_star(&low) && !read_span(r, &low, &first)))
        return false;
    if (!query_take_word(r, "TO"))
        return query_fail(r, r->at, ERR_SYNTAX,
                          "TO is expected, as in [2026-11-01 TO 2026-11-02), not %s",
                          query_found(r, r->at));
    if (!read_word(r, "]}", &high) || (!is_star(&high) && !read_span(r, &high, &last)))
        return false;
    query_skip_blanks(r);
    char close = query_peek(r);
    if (close != ']' && close != ')' && close != '}')
        return query_fail(r, r->at, ERR_SYNTAX, "']' or ')' is expected to end the range");
    r->at++;
    int64_t from = bracket == '[' ? first.begin_ns : first.end_ns;
    int64_t until = close == ']' ? last.end_ns : last.begin_ns;
    if (from >= until)
        return query_fail(r, open, ERR_SYNTAX,
                          "the span of time is empty: its end is not behind its begin");
    narrow(from_ns, until_ns, from, until);
    return true;
}

static bool read_comparison(struct query_reader *r, int64_t *from_ns, int64_t *until_ns)
{
    struct query_word word;
    struct span span;
    bool less = query_peek(r) == '<';
    r->at++;
    bool equal = query_take_char(r, '=');
    if (!read_word(r, "", &word) || !read_span(r, &word, &span))
        return false;
    if (less)
        narrow(from_ns, until_ns, QUERY_OPEN_BEGIN, equal ? span.end_ns : span.begin_ns);
    else
        narrow(from_ns, until_ns, equal ? span.begin_ns : span.end_ns, QUERY_OPEN_END);
    return true;
}

bool query_time(struct query_reader *r, int64_t *from_ns, int64_t *until_ns)
{
    struct query_word word;
    struct span span;
    char c = query_peek(r);
    if (c == '[' || c == '(' || c == '{')
        return read_range(r, from_ns, until_ns);
    if (c == '<' || c == '>')
        return read_comparison(r, from_ns, until_ns);
    if (!read_word(r, "", &word))
        return false;
    if (is_star(&word))
        return true;
    if (!read_span(r, &word, &span))
        return false;
    /* clocks of sources run ahead: what is newer than now belongs to the last hours, too */
    narrow(from_ns, until_ns, span.begin_ns, span.back ? QUERY_OPEN_END : span.end_ns);
    return true;
}
