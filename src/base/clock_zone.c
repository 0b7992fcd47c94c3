/* Time zones: fixed offsets, and the system's zone table (TZif, RFC 8536) with the rule behind its
 * last change. A zone file is untrusted input: every count is checked against its size and a cap.
 */
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"

enum { ZONE_BYTES_MAX = 256 << 10, ZONE_CHANGES_MAX = 4096, ZONE_NAME_BYTES_MAX = 64 };
/* Years whose neighbours are all within the range of nanoseconds. */
enum { YEAR_RULE_MIN = 1680, YEAR_RULE_MAX = 2258 };
static const char zone_folder[] = "/usr/share/zoneinfo/";

struct zone_rule { /* when a daylight saving period starts or ends, in local time */
    char form;     /* 'M' month.week.day, 'J' day 1..365 without leap days, 'D' day 0..365 */
    int month, week, day, second;
};

struct clock_zone {
    int64_t *changes_s; /* UTC seconds, rising */
    int32_t *offsets;   /* in force from changes_s[i] on */
    uint32_t change_count;
    int32_t first_offset; /* before the first change */
    int32_t standard, daylight;
    bool has_daylight; /* rules hold behind the last change */
    struct zone_rule starts, ends;
};

/* +07:00, -0330, +7; false: not an offset. */
static bool offset_read(struct slice text, int32_t *out)
{
    int digits = 0, value = 0;
    if (text.len < 2 || (text.data[0] != '+' && text.data[0] != '-'))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] == ':' && i == 3 && text.len == 6)
            continue;
        if (text.data[i] < '0' || text.data[i] > '9' || ++digits > 4)
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    if (digits == 3 || (digits < 4 && text.len > 3))
        return false;
    int hours = digits > 2 ? value / 100 : value, minutes = digits > 2 ? value % 100 : 0;
    if (hours > 23 || minutes > 59)
        return false;
    *out = (hours * 60 + minutes) * (text.data[0] == '-' ? -60 : 60);
    return true;
}

static bool zone_name_good(struct slice name)
{
    if (name.len == 0 || name.len > ZONE_NAME_BYTES_MAX || name.data[0] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '/' && c != '_' && c != '-' && c != '+')
            return false; /* no dots: nothing outside the folder can be named */
    }
    return true;
}

static int64_t get_be(const char *data, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | (unsigned char)data[i];
    return bytes == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

/* The numbers of a TZif header (RFC 8536 section 3.1). */
struct zone_header {
    uint32_t isut, isstd, leap, time, type, chars;
};

static bool header_read(struct slice file, size_t at, struct zone_header *h, char *version)
{
    struct slice head = slice_part(file, at, 44);
    if (head.len < 44 || !slice_starts(head, SLICE("TZif")))
        return false;
    *version = head.data[4];
    uint32_t *fields[6] = {&h->isut, &h->isstd, &h->leap, &h->time, &h->type, &h->chars};
    for (size_t i = 0; i < 6; i++) {
        *fields[i] = (uint32_t)get_be(head.data + 20 + i * 4, 4);
        if (*fields[i] > ZONE_CHANGES_MAX)
            return false;
    }
    return h->type > 0;
}

static size_t block_bytes(const struct zone_header *h, size_t time_bytes)
{
    return h->time * (time_bytes + 1) + h->type * 6 + h->chars + h->leap * (time_bytes + 4) +
           h->isstd + h->isut;
}

/* Reads the number at the head of *text: digits with an optional sign. */
static bool rule_number(struct slice *text, int *out)
{
    bool minus = text->len && text->data[0] == '-';
    size_t i = text->len && (minus || text->data[0] == '+') ? 1 : 0, first = i;
    int value = 0;
    for (; i < text->len && text->data[i] >= '0' && text->data[i] <= '9' && i < first + 4; i++)
        value = value * 10 + (text->data[i] - '0');
    *out = minus ? -value : value;
    *text = slice_part(*text, i, text->len);
    return i > first;
}

/* hh[:mm[:ss]] in seconds. */
static bool rule_time(struct slice *text, int *seconds)
{
    bool minus = text->len && text->data[0] == '-';
    int part = 0, unit = 3600, total = 0;
    for (int i = 0; i < 3; i++, unit /= 60) {
        if (!rule_number(text, &part))
            return false;
        total += (part < 0 ? -part : part) * unit;
        if (!text->len || text->data[0] != ':')
            break;
        *text = slice_part(*text, 1, text->len);
    }
    *seconds = minus ? -total : total;
    return total <= 168 * 3600;
}

static bool rule_name(struct slice *text)
{
    size_t i = 0;
    if (text->len && text->data[0] == '<') {
        i = slice_find_char(*text, '>');
        if (i == SLICE_NONE)
            return false;
        i++;
    } else
        while (i < text->len && ((text->data[i] | 0x20) >= 'a' && (text->data[i] | 0x20) <= 'z'))
            i++;
    *text = slice_part(*text, i, text->len);
    return i > 0;
}

static bool rule_read(struct slice *text, struct zone_rule *rule)
{
    if (!text->len || text->data[0] != ',')
        return false;
    *text = slice_part(*text, 1, text->len);
    rule->form = text->len && (text->data[0] == 'M' || text->data[0] == 'J') ? text->data[0] : 'D';
    if (rule->form != 'D')
        *text = slice_part(*text, 1, text->len);
    if (rule->form == 'M') {
        int *parts[3] = {&rule->month, &rule->week, &rule->day};
        for (int i = 0; i < 3; i++) {
            if (i > 0 && (!text->len || text->data[0] != '.'))
                return false;
            if (i > 0)
                *text = slice_part(*text, 1, text->len);
            if (!rule_number(text, parts[i]))
                return false;
        }
        if (rule->month < 1 || rule->month > 12 || rule->week < 1 || rule->week > 5 ||
            rule->day < 0 || rule->day > 6)
            return false;
    } else if (!rule_number(text, &rule->day) || rule->day < 0 || rule->day > 365)
        return false;
    rule->second = 7200;
    if (text->len && text->data[0] == '/') {
        *text = slice_part(*text, 1, text->len);
        return rule_time(text, &rule->second);
    }
    return true;
}

/* The POSIX rule at the end of a TZif file: "<+07>-7", "CET-1CEST,M3.5.0,M10.5.0/3". */
static bool footer_read(struct clock_zone *zone, struct slice text)
{
    int west = 0;
    if (!rule_name(&text) || !rule_time(&text, &west))
        return false;
    zone->standard = zone->daylight = -west;
    if (text.len == 0)
        return true;
    if (!rule_name(&text))
        return false;
    zone->daylight = zone->standard + 3600;
    if (text.len && text.data[0] != ',') {
        if (!rule_time(&text, &west))
            return false;
        zone->daylight = -west;
    }
    zone->has_daylight = rule_read(&text, &zone->starts) && rule_read(&text, &zone->ends);
    return zone->has_daylight && text.len == 0;
}

static bool zone_read(struct clock_zone *zone, struct slice file)
{
    struct zone_header h;
    char version;
    size_t at = 0, time_bytes = 4;
    if (!header_read(file, 0, &h, &version))
        return false;
    if (version >= '2') {
        at = 44 + block_bytes(&h, 4);
        time_bytes = 8;
        if (!header_read(file, at, &h, &version))
            return false;
    }
    at += 44;
    size_t end = at + block_bytes(&h, time_bytes);
    if (end > file.len)
        return false;
    const char *times = file.data + at, *kinds = times + h.time * time_bytes;
    const char *types = kinds + h.time;
    zone->changes_s = mem_zeroed(h.time, sizeof(*zone->changes_s));
    zone->offsets = mem_zeroed(h.time, sizeof(*zone->offsets));
    zone->change_count = h.time;
    zone->first_offset = (int32_t)get_be(types, 4);
    zone->standard = zone->daylight = zone->first_offset;
    for (uint32_t i = 0; i < h.time; i++) {
        unsigned kind = (unsigned char)kinds[i];
        if (kind >= h.type)
            return false;
        zone->changes_s[i] = get_be(times + i * time_bytes, (int)time_bytes);
        zone->offsets[i] = (int32_t)get_be(types + kind * 6, 4);
        if (zone->offsets[i] < -26 * 3600 || zone->offsets[i] > 26 * 3600 ||
            (i > 0 && zone->changes_s[i] <= zone->changes_s[i - 1]))
            return false;
        zone->standard = zone->daylight = zone->offsets[i];
    }
    struct slice footer = slice_trim(slice_part(file, end, file.len));
    return time_bytes == 4 || footer.len == 0 || footer_read(zone, footer);
}

int clock_zone_open(struct clock_zone **out, struct slice name, struct err *err)
{
    struct clock_zone *zone = mem_zeroed(1, sizeof(*zone));
    int rc = ERR_OK;
    *out = NULL;
    if (slice_equal_nocase(name, SLICE("Z")) || slice_equal_nocase(name, SLICE("UTC")) ||
        slice_equal_nocase(name, SLICE("GMT")) || offset_read(name, &zone->first_offset)) {
        zone->standard = zone->daylight = zone->first_offset;
        *out = zone;
        return ERR_OK;
    }
    struct buf path = {0}, file = {0};
    if (!zone_name_good(name)) {
        rc = err_set(err, ERR_USAGE,
                     "\"%.*s\" is not a time zone: give an offset like +07:00 or a name like "
                     "Asia/Ho_Chi_Minh",
                     (int)(name.len > 64 ? 64 : name.len), name.data);
        goto out;
    }
    buf_string(&path, zone_folder);
    buf_slice(&path, name);
    rc = io_read_file(&file, buf_text(&path), ZONE_BYTES_MAX, NULL);
    if (rc) {
        bool vietnam = slice_equal(name, SLICE("Asia/Ho_Chi_Minh"));
        zone->first_offset = zone->standard = zone->daylight = vietnam ? 7 * 3600 : 0;
        rc = vietnam ? ERR_OK
                     : err_set(err, ERR_NOT_FOUND,
                               "the time zone %.*s is not in the system's table (%s): install the "
                               "package tzdata or give an offset like +07:00",
                               (int)name.len, name.data, zone_folder);
        goto out;
    }
    if (!zone_read(zone, buf_as_slice(&file)))
        rc = err_set(err, ERR_SYNTAX, "the system's time zone file %s is damaged", buf_text(&path));
out:
    buf_free(&path);
    buf_free(&file);
    if (rc)
        clock_zone_close(&zone);
    *out = zone;
    return rc;
}

void clock_zone_close(struct clock_zone **zone)
{
    if (!*zone)
        return;
    mem_free((*zone)->changes_s);
    mem_free((*zone)->offsets);
    mem_free(*zone);
    *zone = NULL;
}

/* UTC instant at which a rule takes effect in a year, offset being in force before it. */
static int64_t rule_instant(const struct zone_rule *rule, int year, int32_t offset)
{
    struct clock_date date = {.year = year, .month = 1, .day = 1};
    int64_t day_ns = 86400 * CLOCK_SECOND_NS;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t at;
    if (rule->form == 'M') {
        date.month = rule->month;
        at = clock_from_date(&date, 0);
        int first = (clock_weekday(at, 0) + 1) % 7; /* Sunday 0, as in the rule */
        int day = (rule->day - first + 7) % 7 + (rule->week - 1) * 7;
        date.day = day + 1;
        while (clock_from_date(&date, 0) == CLOCK_NONE)
            date.day -= 7; /* week 5 is the last one */
        at = clock_from_date(&date, 0);
    } else {
        int day = rule->form == 'J' ? rule->day - 1 + (leap && rule->day > 59) : rule->day;
        at = clock_from_date(&date, 0) + day * day_ns;
    }
    return at + (rule->second - offset) * CLOCK_SECOND_NS;
}

static int32_t offset_by_rule(const struct clock_zone *zone, int64_t utc_ns)
{
    struct clock_date date;
    if (!zone->has_daylight)
        return zone->standard;
    clock_to_date(utc_ns, 0, &date);
    if (date.year < YEAR_RULE_MIN || date.year > YEAR_RULE_MAX)
        return zone->standard;
    /* the local year may differ from the UTC year, so both neighbours are asked */
    for (int year = date.year - 1; year <= date.year + 1; year++) {
        int64_t from = rule_instant(&zone->starts, year, zone->standard);
        int64_t to = rule_instant(&zone->ends, year, zone->daylight);
        if (to < from) /* southern half: the period runs over the new year */
            to = rule_instant(&zone->ends, year + 1, zone->daylight);
        if (utc_ns >= from && utc_ns < to)
            return zone->daylight;
    }
    return zone->standard;
}

int clock_zone_offset(const struct clock_zone *zone, int64_t utc_ns)
{
    if (!zone)
        return 0;
    int64_t second = utc_ns / CLOCK_SECOND_NS - (utc_ns % CLOCK_SECOND_NS < 0);
    uint32_t low = 0, high = zone->change_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->changes_s[middle] <= second)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->change_count)
        return offset_by_rule(zone, utc_ns);
    return low == 0 ? zone->first_offset : zone->offsets[low - 1];
}

int64_t clock_zone_to_utc(const struct clock_zone *zone, const struct clock_date *local)
{
    int64_t as_utc = clock_from_date(local, 0);
    if (!zone || as_utc == CLOCK_NONE)
        return as_utc;
    /* A day before and a day after: at a change the offset before it is tried first, so that an
     * hour that comes twice is the first one, and one that is left out is read with the old offset.
     */
    int64_t day_ns = 86400 * CLOCK_SECOND_NS, early, late;
    if (__builtin_sub_overflow(as_utc, day_ns, &early))
        early = as_utc;
    if (__builtin_add_overflow(as_utc, day_ns, &late))
        late = as_utc;
    int before = clock_zone_offset(zone, early), after = clock_zone_offset(zone, late);
    int64_t first = clock_from_date(local, before);
    if (before == after || first == CLOCK_NONE || clock_zone_offset(zone, first) == before)
        return first;
    int64_t second = clock_from_date(local, after);
    return second != CLOCK_NONE && clock_zone_offset(zone, second) == after ? second : first;
}
