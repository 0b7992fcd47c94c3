#include "watch/rhythm.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
    HOUR_S = 3600,
    KINDS = RHYTHM_COARSE_KINDS + RHYTHM_FINE_KINDS,
    SAMPLES_MAX =
        RHYTHM_HOURS / 24 + 1, /* of a coarse kind; a clock that is put back doubles one */
    OUTAGE_SHARE = 4,          /* one sample in so many is left out, from the highest on */
    OUTAGE_SAMPLES_MIN = 3
};

struct slot { /* an hour of the window; no records: the source sent nothing */
    uint32_t records;
    uint16_t gaps, first_s, last_s, longest_s;
};

struct kind_state {
    uint32_t gaps, usual_s;
    uint32_t hours;
};

struct rhythm {
    struct slot slots[RHYTHM_HOURS]; /* by hour modulo RHYTHM_HOURS */
    int64_t first, newest;
    bool is_empty, is_changed;
    struct kind_state kinds[KINDS]; /* coarse ones, then fine ones */
};

struct hour_kind {
    int64_t hour; /* this entry is of */
    struct calendar_hour at;
};

struct samples {
    uint32_t values[SAMPLES_MAX];
    uint32_t count;
};

struct rhythm_hours {
    const struct calendar *calendar;
    struct hour_kind kinds[RHYTHM_HOURS]; /* newest asked for */
    int64_t watched[RHYTHM_HOURS];        /* the hour that was */
    struct samples samples[KINDS];        /* while a rhythm is worked out */
};

static size_t index_of(int64_t hour)
{
    int64_t index = hour % RHYTHM_HOURS;
    return (size_t)(index < 0 ? index + RHYTHM_HOURS : index);
}

/* ---- hours ---- */

struct rhythm_hours *rhythm_hours_open(const struct calendar *calendar)
{
    struct rhythm_hours *h = mem_zeroed(1, sizeof(*h));
    h->calendar = calendar;
    for (size_t i = 0; i < RHYTHM_HOURS; i++)
        h->kinds[i].hour = h->watched[i] = INT64_MIN;
    return h;
}

void rhythm_hours_close(struct rhythm_hours **hours)
{
    mem_free(*hours);
    *hours = NULL;
}

void rhythm_hours_watched(struct rhythm_hours *h, int64_t hour)
{
    h->watched[index_of(hour)] = hour;
}

static bool is_watched(const struct rhythm_hours *h, int64_t hour)
{
    return h->watched[index_of(hour)] == hour;
}

static const struct calendar_hour *kind_of(struct rhythm_hours *h, int64_t hour)
{
    struct hour_kind *k = &h->kinds[index_of(hour)];
    if (k->hour != hour) {
        calendar_at(h->calendar, hour * RHYTHM_HOUR_NS, &k->at);
        k->hour = hour;
    }
    return &k->at;
}

void rhythm_hours_kind(struct rhythm_hours *h, int64_t hour, struct calendar_hour *out)
{
    *out = *kind_of(h, hour);
}

static size_t coarse_of(const struct calendar_hour *at)
{
    return (size_t)(at->hour + (at->is_free ? 24 : 0));
}

static size_t fine_of(const struct calendar_hour *at)
{
    return (size_t)(RHYTHM_COARSE_KINDS + at->weekday * 24 + at->hour);
}

/* ---- learning ---- */

struct rhythm *rhythm_open(void)
{
    struct rhythm *r = mem_zeroed(1, sizeof(*r));
    r->is_empty = true;
    return r;
}

void rhythm_close(struct rhythm **rhythm)
{
    mem_free(*rhythm);
    *rhythm = NULL;
}

static void forget(struct rhythm *r)
{
    memset(r, 0, sizeof(*r));
    r->is_empty = true;
}

static void window_move(struct rhythm *r, int64_t hour)
{
    if (!r->is_empty && hour - r->newest >= RHYTHM_HOURS)
        forget(r);
    if (r->is_empty) {
        r->first = r->newest = hour;
        r->is_empty = false;
    }
    while (r->newest < hour)
        r->slots[index_of(++r->newest)] = (struct slot){0};
    if (hour < r->first)
        r->first = hour;
}

static uint16_t capped(uint64_t value)
{
    return (uint16_t)(value > UINT16_MAX ? UINT16_MAX : value);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void rhythm_learn(struct rhythm *r, struct rhythm_hours *hours, const struct rhythm_hour *h)
{
    rhythm_hours_watched(hours, h->hour);
    if (h->records == 0 || (!r->is_empty && h->hour <= r->newest - RHYTHM_HOURS))
        return;
    window_move(r, h->hour);
    struct slot *slot = &r->slots[index_of(h->hour)];
    uint64_t records = slot->records + h->records;
    uint16_t first_s = capped(h->first_s < HOUR_S ? h->first_s : HOUR_S);
    uint16_t last_s = capped(h->last_s < HOUR_S ? h->last_s : HOUR_S);
    if (slot->records == 0 || first_s < slot->first_s)
        slot->first_s = first_s;
    if (last_s > slot->last_s)
        slot->last_s = last_s;
    slot->longest_s = capped(larger(slot->longest_s, h->longest_s));
    slot->gaps = capped(slot->gaps + h->gaps);
    slot->records = (uint32_t)(records > UINT32_MAX ? UINT32_MAX : records);
    r->is_changed = true;
}

void rhythm_forget_after(struct rhythm *r, int64_t hour)
{
    if (r->is_empty || r->newest <= hour)
        return;
    if (r->newest - hour >= RHYTHM_HOURS || r->first > hour) {
        forget(r);
        return;
    }
    for (; r->newest > hour; r->newest--)
        r->slots[index_of(r->newest)] = (struct slot){0};
    r->is_changed = true;
}

int64_t rhythm_hours_learned(const struct rhythm *r)
{
    return r->is_empty ? 0 : r->newest - r->first + 1;
}

/* ---- what is usual ---- */

static int64_t window_begin(const struct rhythm *r)
{
    int64_t begin = r->newest - RHYTHM_HOURS + 1;
    return r->first > begin ? r->first : begin;
}

static void gaps_count(struct rhythm *r, struct rhythm_hours *hours)
{
    for (int64_t hour = window_begin(r); hour <= r->newest; hour++) {
        const struct calendar_hour *at = kind_of(hours, hour);
        uint32_t gaps = r->slots[index_of(hour)].gaps;
        r->kinds[coarse_of(at)].gaps += gaps;
        if (!at->is_listed)
            r->kinds[fine_of(at)].gaps += gaps;
    }
}

/* The number of the kind that an hour is judged by. */
static enum rhythm_grain grain_of(const struct rhythm *r, const struct calendar_hour *at,
                                  size_t *kind)
{
    int64_t learned = rhythm_hours_learned(r);
    *kind = fine_of(at);
    if (learned >= RHYTHM_HOURS && !at->is_listed && r->kinds[*kind].gaps >= RHYTHM_GAPS_MIN)
        return RHYTHM_FINE;
    *kind = coarse_of(at);
    if (learned >= RHYTHM_COARSE_HOURS && r->kinds[*kind].gaps >= RHYTHM_GAPS_MIN)
        return RHYTHM_COARSE;
    return RHYTHM_UNKNOWN;
}

static void sample_add(struct samples *s, uint32_t value)
{
    if (s->count < SAMPLES_MAX)
        s->values[s->count++] = value;
}

/* The clock of silence over the window: its highest reading in each hour. */
static void samples_take(const struct rhythm *r, struct rhythm_hours *hours)
{
    uint32_t clock_s = 0;
    size_t kind;
    for (int64_t hour = window_begin(r); hour <= r->newest; hour++) {
        const struct calendar_hour *at = kind_of(hours, hour);
        const struct slot *slot = &r->slots[index_of(hour)];
        if (!is_watched(hours, hour)) {
            clock_s = 0;
            continue;
        }
        bool is_known = grain_of(r, at, &kind) != RHYTHM_UNKNOWN;
        uint32_t highest = clock_s += is_known && slot->records == 0 ? HOUR_S : 0;
        if (slot->records) {
            highest = clock_s + slot->first_s;
            clock_s = is_known ? (uint32_t)(HOUR_S - slot->last_s) : 0;
            highest = larger(highest, larger(slot->longest_s, clock_s));
        }
        if (!is_known)
            continue;
        sample_add(&hours->samples[coarse_of(at)], highest);
        if (!at->is_listed)
            sample_add(&hours->samples[fine_of(at)], highest);
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t usual_of(struct samples *s)
{
    uint32_t left_out = s->count / OUTAGE_SHARE;
    if (s->count == 0)
        return 0;
    if (left_out == 0 && s->count >= OUTAGE_SAMPLES_MIN)
        left_out = 1;
    qsort(s->values, s->count, sizeof(s->values[0]), compare_u32);
    return s->values[s->count - 1 - left_out];
}

static void work_out(struct rhythm *r, struct rhythm_hours *hours)
{
    if (!r->is_changed)
        return;
    memset(r->kinds, 0, sizeof(r->kinds));
    for (size_t i = 0; i < KINDS; i++)
        hours->samples[i].count = 0;
    gaps_count(r, hours);
    samples_take(r, hours);
    for (size_t i = 0; i < KINDS; i++) {
        r->kinds[i].hours = hours->samples[i].count;
        r->kinds[i].usual_s = usual_of(&hours->samples[i]);
    }
    r->is_changed = false;
}

void rhythm_at(struct rhythm *r, struct rhythm_hours *hours, int64_t hour, struct rhythm_kind *out)
{
    size_t kind;
    work_out(r, hours);
    out->grain = grain_of(r, kind_of(hours, hour), &kind);
    out->gaps = r->kinds[kind].gaps;
    out->hours = r->kinds[kind].hours;
    out->usual_s = r->kinds[kind].usual_s;
}

/* ---- volume ---- */

static uint64_t median_of(uint32_t *values, uint32_t count)
{
    qsort(values, count, sizeof(values[0]), compare_u32);
    return count ? values[count / 2] : 0;
}

static bool is_of_kind(const struct calendar_hour *a, const struct calendar_hour *b,
                       enum rhythm_grain grain)
{
    if (grain == RHYTHM_FINE)
        return !a->is_listed && a->weekday == b->weekday && a->hour == b->hour;
    return coarse_of(a) == coarse_of(b);
}

void rhythm_volume(struct rhythm *r, struct rhythm_hours *hours, int64_t hour,
                   struct rhythm_volume *out)
{
    struct samples *s = &hours->samples[0];
    const struct calendar_hour wanted = *kind_of(hours, hour);
    *out = (struct rhythm_volume){0};
    rhythm_at(r, hours, hour, &out->kind);
    if (out->kind.grain == RHYTHM_UNKNOWN)
        return;
    s->count = 0;
    for (int64_t i = window_begin(r); i <= r->newest; i++)
        if (i != hour && is_watched(hours, i) &&
            is_of_kind(kind_of(hours, i), &wanted, out->kind.grain))
            sample_add(s, r->slots[index_of(i)].records);
    out->hours = s->count;
    out->median = median_of(s->values, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t value = s->values[i];
        s->values[i] = (uint32_t)(value > out->median ? value - out->median : out->median - value);
    }
    out->spread = median_of(s->values, s->count);
}
