#include "watch/silence.h"

#include "base/map.h"
#include "base/mem.h"

struct silence_source {
    char *name;
    struct rhythm *rhythm;
};

struct silence {
    struct rhythm_hours *hours;
    struct silence_source sources[SILENCE_SOURCES_MAX];
    uint32_t count;
    struct map of_name; /* number in sources */
};

const char *const silence_state_names[] = {"ok", "silent", "learning", "unknown", "disabled"};
const char *const silence_reason_names[] = {
    "set",      "hour_of_week", "hour_of_day", "window",     "few_days",
    "few_gaps", "no_room",      "never_seen",  "clock_back", "off"};

struct silence *silence_open(const struct calendar *calendar)
{
    struct silence *s = mem_zeroed(1, sizeof(*s));
    s->hours = rhythm_hours_open(calendar);
    return s;
}

void silence_close(struct silence **silence)
{
    struct silence *s = *silence;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        rhythm_close(&s->sources[i].rhythm);
        mem_free(s->sources[i].name);
    }
    map_free(&s->of_name);
    rhythm_hours_close(&s->hours);
    mem_free(s);
    *silence = NULL;
}

static struct rhythm *rhythm_of(struct silence *s, struct slice source)
{
    struct map_entry *entry = map_find(&s->of_name, source);
    return entry ? s->sources[entry->value].rhythm : NULL;
}

void silence_learn(struct silence *s, struct slice source, const struct rhythm_hour *hour)
{
    rhythm_hours_watched(s->hours, hour->hour);
    struct rhythm *rhythm = rhythm_of(s, source);
    if (!rhythm && s->count < SILENCE_SOURCES_MAX) {
        struct silence_source *made = &s->sources[s->count];
        made->name = mem_copy_text(source.data, source.len);
        made->rhythm = rhythm = rhythm_open();
        (void)map_put(&s->of_name, slice_make(made->name, source.len), s->count++, NULL);
    }
    if (rhythm)
        rhythm_learn(rhythm, s->hours, hour);
}

static uint32_t second_of(int64_t time_ns, int64_t hour)
{
    int64_t second = (time_ns - hour * RHYTHM_HOUR_NS) / CLOCK_SECOND_NS;
    return second > 0 && second < 3600 ? (uint32_t)second : 0;
}

void silence_learn_cell(struct silence *s, const struct ledger_cell *cell)
{
    struct rhythm_hour hour = {.hour = cell->hour,
                               .gaps = ledger_cell_gaps(cell),
                               .longest_s =
                                   (uint32_t)(cell->longest_s < 3600 ? cell->longest_s : 3600)};
    if (cell->first_ns != CLOCK_NONE && cell->newest_ns != CLOCK_NONE) {
        hour.records = cell->figures.counts[LEDGER_RECEIVED];
        hour.first_s = second_of(cell->first_ns, cell->hour);
        hour.last_s = second_of(cell->newest_ns, cell->hour);
    }
    silence_learn(s, cell->source, &hour);
}

void silence_watched(struct silence *s, int64_t hour)
{
    rhythm_hours_watched(s->hours, hour);
}

void silence_tick(struct silence *s, int64_t now_ns)
{
    for (uint32_t i = 0; i < s->count; i++)
        rhythm_forget_after(s->sources[i].rhythm, rhythm_hour_of(now_ns));
}

void silence_forget(struct silence *s, struct slice source)
{
    struct map_entry *entry = map_find(&s->of_name, source);
    if (!entry)
        return;
    struct silence_source *gone = &s->sources[entry->value], *last = &s->sources[--s->count];
    uint64_t number = entry->value;
    (void)map_remove(&s->of_name, source);
    rhythm_close(&gone->rhythm);
    mem_free(gone->name);
    if (gone != last) {
        *gone = *last;
        map_find(&s->of_name, slice_from(gone->name))->value = number;
    }
    *last = (struct silence_source){0};
}

/* ---- verdict ---- */

static uint64_t seconds_between(int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (uint64_t)((to_ns - from_ns) / CLOCK_SECOND_NS) : 0;
}

static int64_t start_of(const struct silence_question *q)
{
    bool is_later = q->watching_since_ns > q->newest_ns && q->watching_since_ns <= q->now_ns;
    int64_t start_ns = is_later ? q->watching_since_ns : q->newest_ns;
    return start_ns < q->now_ns ? start_ns : q->now_ns;
}

static void judge_set(const struct silence_question *q, struct silence_verdict *v)
{
    int64_t start_ns = start_of(q);
    v->reason = SILENCE_BY_SETTING;
    v->limit_s = q->interval_s;
    v->passed_s = v->clock_s = seconds_between(start_ns, q->now_ns);
    v->state = v->passed_s > v->limit_s ? SILENCE_SILENT : SILENCE_OK;
    if (v->state == SILENCE_SILENT)
        v->since_ns = start_ns + (int64_t)v->limit_s * CLOCK_SECOND_NS;
}

static uint64_t limit_of(const struct rhythm_kind *kind)
{
    uint64_t limit_s = (uint64_t)SILENCE_FACTOR * kind->usual_s;
    return limit_s > SILENCE_LIMIT_MIN_S ? limit_s : SILENCE_LIMIT_MIN_S;
}

struct limit {
    struct rhythm_kind kind;
    int64_t hour; /* whose kind it is: the one asked for, or the one before */
    uint64_t seconds;
};

static void limit_at(struct rhythm *rhythm, struct rhythm_hours *hours, int64_t hour,
                     struct limit *out)
{
    struct rhythm_kind before;
    out->hour = hour;
    rhythm_at(rhythm, hours, hour, &out->kind);
    out->seconds = limit_of(&out->kind);
    if (out->kind.grain == RHYTHM_UNKNOWN)
        return;
    rhythm_at(rhythm, hours, hour - 1, &before);
    if (before.grain == RHYTHM_UNKNOWN || limit_of(&before) <= out->seconds)
        return;
    out->hour = hour - 1;
    out->kind = before;
    out->seconds = limit_of(&before);
}

static void limit_set(struct silence *s, struct silence_verdict *v, const struct limit *limit)
{
    v->kind = limit->kind;
    v->reason = limit->kind.grain == RHYTHM_FINE ? SILENCE_BY_WEEK : SILENCE_BY_DAY;
    v->limit_s = limit->seconds;
    rhythm_hours_kind(s->hours, limit->hour, &v->hour);
}

struct walk {
    struct silence *s;
    struct rhythm *rhythm;
    int64_t start_ns, now_ns;
    uint64_t clock_s;
    bool any_known;
};

/* One hour of the clock's way; true: the limit was passed in it. */
static bool walk_hour(struct walk *w, int64_t hour, struct silence_verdict *v)
{
    struct limit limit;
    int64_t from_ns = hour * RHYTHM_HOUR_NS, to_ns = from_ns + RHYTHM_HOUR_NS;
    limit_at(w->rhythm, w->s->hours, hour, &limit);
    if (limit.kind.grain == RHYTHM_UNKNOWN)
        return false;
    w->any_known = true;
    from_ns = from_ns > w->start_ns ? from_ns : w->start_ns;
    to_ns = to_ns < w->now_ns ? to_ns : w->now_ns;
    uint64_t before_s = w->clock_s;
    w->clock_s += seconds_between(from_ns, to_ns);
    if (w->clock_s <= limit.seconds)
        return false;
    limit_set(w->s, v, &limit);
    v->state = SILENCE_SILENT;
    v->since_ns = from_ns;
    if (limit.seconds > before_s)
        v->since_ns += (int64_t)(limit.seconds - before_s) * CLOCK_SECOND_NS;
    v->clock_s = w->clock_s;
    return true;
}

/* Not silent: is anything expected at this hour? */
static void judge_hour(struct walk *w, struct silence_verdict *v)
{
    struct limit limit;
    limit_at(w->rhythm, w->s->hours, rhythm_hour_of(w->now_ns), &limit);
    limit_set(w->s, v, &limit);
    v->clock_s = w->clock_s;
    v->state = SILENCE_OK;
    if (limit.kind.grain != RHYTHM_UNKNOWN)
        return;
    v->state = SILENCE_LEARNING;
    v->reason = SILENCE_FEW_GAPS;
    v->limit_s = 0;
}

static void judge_learned(struct silence *s, const struct silence_question *q,
                          struct silence_verdict *v)
{
    struct walk w = {
        .s = s, .rhythm = rhythm_of(s, q->source), .start_ns = start_of(q), .now_ns = q->now_ns};
    int64_t learned = w.rhythm ? rhythm_hours_learned(w.rhythm) : 0;
    v->passed_s = seconds_between(w.start_ns, q->now_ns);
    v->state = SILENCE_LEARNING;
    v->days = (uint32_t)(learned / 24);
    v->reason = !w.rhythm && s->count == SILENCE_SOURCES_MAX ? SILENCE_NO_ROOM : SILENCE_FEW_DAYS;
    if (learned < RHYTHM_COARSE_HOURS)
        return;
    int64_t first = rhythm_hour_of(w.start_ns), last = rhythm_hour_of(w.now_ns);
    int64_t end = last - first < RHYTHM_HOURS ? last : first + RHYTHM_HOURS;
    for (int64_t hour = first; hour <= end; hour++)
        if (walk_hour(&w, hour, v))
            return;
    judge_hour(&w, v);
    if (last - first < RHYTHM_HOURS || !w.any_known)
        return;
    v->state = SILENCE_SILENT;
    v->reason = SILENCE_BY_WINDOW;
    v->limit_s = (uint64_t)RHYTHM_HOURS * 3600;
    v->since_ns = w.start_ns + RHYTHM_HOURS * RHYTHM_HOUR_NS;
}

void silence_judge(struct silence *s, const struct silence_question *q, struct silence_verdict *v)
{
    *v = (struct silence_verdict){.newest_ns = q->newest_ns, .since_ns = CLOCK_NONE};
    v->state = SILENCE_UNKNOWN;
    if (q->is_disabled) {
        v->state = SILENCE_DISABLED;
        v->reason = SILENCE_OFF;
    } else if (q->newest_ns == CLOCK_NONE) {
        v->reason = SILENCE_NEVER_SEEN;
    } else if (q->newest_ns > q->now_ns + SILENCE_CLOCK_SLACK_S * CLOCK_SECOND_NS) {
        v->reason = SILENCE_CLOCK_BACK;
    } else if (q->interval_s) {
        judge_set(q, v);
    } else {
        judge_learned(s, q, v);
    }
}

/* ---- volume ---- */

void silence_volume(struct silence *s, struct slice source, int64_t hour, uint64_t records,
                    struct silence_volume *v)
{
    struct rhythm *rhythm = rhythm_of(s, source);
    *v = (struct silence_volume){.state = SILENCE_VOLUME_LEARNING, .records = records};
    rhythm_hours_kind(s->hours, hour, &v->hour);
    if (!rhythm)
        return;
    rhythm_volume(rhythm, s->hours, hour, &v->usual);
    if (v->usual.kind.grain == RHYTHM_UNKNOWN || v->usual.hours < SILENCE_VOLUME_HOURS_MIN)
        return;
    uint64_t median = v->usual.median;
    uint64_t away = records > median ? records - median : median - records;
    bool is_far =
        away >= SILENCE_VOLUME_RECORDS_MIN && away / SILENCE_VOLUME_SPREADS >= v->usual.spread;
    v->is_more = records > median;
    bool is_other = v->is_more ? records / SILENCE_VOLUME_TIMES >= median
                               : records <= median / SILENCE_VOLUME_TIMES;
    v->state = is_far && is_other ? SILENCE_VOLUME_CHANGED : SILENCE_VOLUME_OK;
}
