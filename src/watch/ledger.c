#include "watch/ledger.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/map.h"
#include "base/mem.h"

#define NAME_BEGIN SLICE("ledger:")
#define NAME_EVER  SLICE("all")
#define HOUR_NS    (3600 * CLOCK_SECOND_NS)

enum {
    OTHERS_CELLS_MAX = 64, /* beyond LEDGER_CELLS_MAX */
    SOURCES = LEDGER_SOURCES_MAX + 1
};

struct tally { /* durable, and with what the group adds */
    struct ledger_cell durable, next;
    bool is_changed, is_durable;
};

struct open_cell {
    struct tally tally;
    bool is_closing; /* with the group */
    struct open_cell *after;
};

struct source {
    char *name;
    struct tally ever;                      /* hour 0, no gaps */
    struct ledger_figures start, start_add; /* since the start; of it the group's */
    int64_t last_ns, last_next_ns;          /* newest arrival since the start */
    struct open_cell *cells;
    bool is_touched;
};

struct ledger {
    pthread_mutex_t mutex; /* what others than the one that adds may see */
    struct source sources[SOURCES];
    uint32_t count, cell_count;
    struct map of_name; /* number in sources */
    bool has_others;
    struct source *touched[SOURCES]; /* by the group */
    uint32_t touched_count;
};

/* ---- sources and cells ---- */

static void tally_begin(struct tally *t, int64_t hour, struct slice source)
{
    ledger_cell_begin(&t->durable, hour, source);
    t->is_changed = t->is_durable = false;
}

static struct ledger_cell *tally_change(struct tally *t)
{
    if (!t->is_changed)
        t->next = t->durable;
    t->is_changed = true;
    return &t->next;
}

static void tally_settle(struct tally *t, bool durable)
{
    if (durable && t->is_changed) {
        t->durable = t->next;
        t->is_durable = true;
    }
    t->is_changed = false;
}

static struct source *source_find(struct ledger *l, struct slice name)
{
    struct map_entry *entry = map_find(&l->of_name, name);
    return entry ? &l->sources[entry->value] : NULL;
}

static struct source *source_make(struct ledger *l, struct slice name)
{
    bool is_others = slice_equal(name, LEDGER_OTHERS);
    struct source *s = &l->sources[l->count];
    s->name = mem_copy_text(name.data, name.len);
    struct slice kept = slice_make(s->name, name.len);
    tally_begin(&s->ever, 0, kept);
    s->last_ns = s->last_next_ns = CLOCK_NONE;
    (void)map_put(&l->of_name, kept, l->count++, NULL);
    l->has_others |= is_others;
    return s;
}

static void source_touch(struct ledger *l, struct source *s)
{
    if (!s->is_touched)
        l->touched[l->touched_count++] = s;
    s->is_touched = true;
}

static struct source *source_of(struct ledger *l, struct slice name)
{
    if (name.len == 0 || name.len > LEDGER_NAME_BYTES_MAX)
        name = LEDGER_OTHERS;
    struct source *s = source_find(l, name);
    if (s)
        return s;
    if (l->count - l->has_others == LEDGER_SOURCES_MAX && !slice_equal(name, LEDGER_OTHERS))
        return source_of(l, LEDGER_OTHERS);
    return source_make(l, name);
}

static struct open_cell *cell_find(const struct source *s, int64_t hour)
{
    for (struct open_cell *c = s->cells; c; c = c->after)
        if (c->tally.durable.hour == hour && !c->is_closing)
            return c;
    return NULL;
}

static struct open_cell *cell_make(struct ledger *l, struct source *s, int64_t hour)
{
    struct open_cell *c = mem_zeroed(1, sizeof(*c));
    tally_begin(&c->tally, hour, s->ever.durable.source);
    c->after = s->cells;
    s->cells = c;
    l->cell_count++;
    return c;
}

static struct open_cell *cell_open_any(const struct source *s)
{
    struct open_cell *c = s->cells;
    while (c && c->is_closing)
        c = c->after;
    return c;
}

static struct open_cell *cell_of(struct ledger *l, struct source *s, int64_t hour)
{
    struct open_cell *c = cell_find(s, hour);
    if (c || l->cell_count < LEDGER_CELLS_MAX)
        return c ? c : cell_make(l, s, hour);
    s = source_of(l, LEDGER_OTHERS);
    source_touch(l, s);
    c = cell_find(s, hour);
    if (!c && l->cell_count >= LEDGER_CELLS_MAX + OTHERS_CELLS_MAX)
        c = cell_open_any(s);
    return c ? c : cell_make(l, s, hour);
}

/* ---- opening ---- */

static void value_read(struct ledger_cell *cell, struct slice value)
{
    while (value.len) {
        struct slice number = slice_cut(&value, ' ');
        struct slice name = slice_cut(&number, '=');
        ledger_cell_take(cell, name, number);
    }
}

static void load(void *context, struct slice name, struct slice value)
{
    struct ledger *l = context;
    struct slice source = slice_part(name, NAME_BEGIN.len, SIZE_MAX);
    struct slice hour_text = slice_cut(&source, '/');
    uint64_t hour;
    bool is_ever = slice_equal(hour_text, NAME_EVER);
    if (!is_ever && (!slice_to_u64(hour_text, &hour) || hour > INT64_MAX / HOUR_NS))
        return;
    struct source *s = source_of(l, source);
    struct tally *t = is_ever ? &s->ever : &cell_make(l, s, (int64_t)hour)->tally;
    value_read(&t->durable, value);
    t->is_durable = true;
}

struct ledger *ledger_open(const struct carry *carry)
{
    struct ledger *l = mem_zeroed(1, sizeof(*l));
    check(pthread_mutex_init(&l->mutex, NULL) == 0);
    carry_cursors(carry, NAME_BEGIN, load, l);
    return l;
}

static void cells_free(struct ledger *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        struct open_cell *after;
        for (struct open_cell *c = l->sources[i].cells; c; c = after) {
            after = c->after;
            mem_free(c);
        }
        l->sources[i].cells = NULL;
    }
    l->cell_count = 0;
}

void ledger_again(struct ledger *l, const struct carry *carry)
{
    check(pthread_mutex_lock(&l->mutex) == 0);
    cells_free(l);
    for (uint32_t i = 0; i < l->count; i++)
        tally_begin(&l->sources[i].ever, 0, l->sources[i].ever.durable.source);
    carry_cursors(carry, NAME_BEGIN, load, l);
    check(pthread_mutex_unlock(&l->mutex) == 0);
}

void ledger_close(struct ledger **ledger)
{
    struct ledger *l = *ledger;
    if (!l)
        return;
    cells_free(l);
    for (uint32_t i = 0; i < l->count; i++)
        mem_free(l->sources[i].name);
    map_free(&l->of_name);
    check(pthread_mutex_destroy(&l->mutex) == 0);
    mem_free(l);
    *ledger = NULL;
}

/* ---- a group ---- */

static void gap_add(struct ledger_cell *cell, uint64_t gap_s)
{
    size_t bucket = 0;
    while (gap_s >> (bucket + 1) && bucket + 1 < LEDGER_GAPS)
        bucket++;
    cell->gaps[bucket]++;
}

static void arrive(struct source *s, struct ledger_cell *cell, int64_t received_ns)
{
    struct ledger_cell *ever = tally_change(&s->ever);
    int64_t last_ns = s->last_next_ns;
    if (last_ns != CLOCK_NONE && received_ns > last_ns) {
        int64_t gap_s = received_ns / CLOCK_SECOND_NS - last_ns / CLOCK_SECOND_NS;
        if (gap_s > 0)
            gap_add(cell, (uint64_t)gap_s);
        if (gap_s > 0 && last_ns >= cell->hour * HOUR_NS && (uint64_t)gap_s > cell->longest_s)
            cell->longest_s = (uint64_t)gap_s;
    }
    if (cell->first_ns == CLOCK_NONE || received_ns < cell->first_ns)
        cell->first_ns = received_ns;
    if (received_ns > cell->newest_ns)
        cell->newest_ns = received_ns;
    if (ever->first_ns == CLOCK_NONE)
        ever->first_ns = received_ns;
    ever->newest_ns = received_ns;
    s->last_next_ns = received_ns;
}

void ledger_add(struct ledger *l, struct slice source, const struct ledger_figures *add,
                int64_t received_ns)
{
    if (received_ns < 0)
        received_ns = 0;
    check(pthread_mutex_lock(&l->mutex) == 0);
    struct source *s = source_of(l, source);
    source_touch(l, s);
    struct ledger_cell *cell = tally_change(&cell_of(l, s, received_ns / HOUR_NS)->tally);
    ledger_figures_add(&cell->figures, add);
    ledger_figures_add(&tally_change(&s->ever)->figures, add);
    ledger_figures_add(&s->start_add, add);
    if (add->counts[LEDGER_RECEIVED])
        arrive(s, cell, received_ns);
    check(pthread_mutex_unlock(&l->mutex) == 0);
}

static bool is_over(int64_t hour, int64_t now_ns)
{
    int64_t now_hour = now_ns / HOUR_NS;
    return hour > now_hour + 1 || now_ns >= (hour + 1) * HOUR_NS + LEDGER_GRACE_S * CLOCK_SECOND_NS;
}

static const struct ledger_cell *newest_of(const struct tally *t)
{
    return t->is_changed ? &t->next : &t->durable;
}

uint32_t ledger_close_hours(struct ledger *l, int64_t now_ns, ledger_row *row, void *context)
{
    uint32_t closed = 0;
    for (uint32_t i = 0; i < l->count; i++)
        for (struct open_cell *c = l->sources[i].cells; c && closed < LEDGER_CLOSE_MAX;
             c = c->after) {
            if (c->is_closing || !is_over(c->tally.durable.hour, now_ns))
                continue;
            c->is_closing = row(context, newest_of(&c->tally));
            closed += c->is_closing;
            source_touch(l, &l->sources[i]);
        }
    return closed;
}

static void value_put(void *context, const char *name, uint64_t value)
{
    struct buf *out = context;
    buf_printf(out, "%s%s=%" PRIu64, out->len ? " " : "", name, value);
}

static void cursor_put(struct buf *items, const struct ledger_cell *cell, bool is_ever,
                       bool is_gone)
{
    struct buf name = {0}, value = {0};
    buf_slice(&name, NAME_BEGIN);
    if (is_ever)
        buf_slice(&name, NAME_EVER);
    else
        buf_printf(&name, "%" PRId64, cell->hour);
    buf_char(&name, '/');
    buf_slice(&name, cell->source);
    if (!is_gone)
        ledger_cell_fields(cell, value_put, &value);
    carry_put_cursor(items, buf_as_slice(&name), buf_as_slice(&value));
    buf_free(&name);
    buf_free(&value);
}

/* Removals first: a cell that is closed may be opened anew in the same group. */
void ledger_put(const struct ledger *l, struct buf *items)
{
    for (uint32_t i = 0; i < l->touched_count; i++)
        for (const struct open_cell *c = l->touched[i]->cells; c; c = c->after)
            if (c->is_closing && c->tally.is_durable)
                cursor_put(items, &c->tally.durable, false, true);
    for (uint32_t i = 0; i < l->touched_count; i++) {
        const struct source *s = l->touched[i];
        for (const struct open_cell *c = s->cells; c; c = c->after)
            if (!c->is_closing && c->tally.is_changed)
                cursor_put(items, &c->tally.next, false, false);
        if (s->ever.is_changed)
            cursor_put(items, &s->ever.next, true, false);
    }
}

static void cells_settle(struct ledger *l, struct source *s, bool durable)
{
    for (struct open_cell **at = &s->cells; *at;) {
        struct open_cell *c = *at;
        bool is_closed = c->is_closing && durable;
        tally_settle(&c->tally, durable);
        c->is_closing = false;
        if (is_closed || !c->tally.is_durable) {
            *at = c->after;
            mem_free(c);
            l->cell_count--;
        } else {
            at = &c->after;
        }
    }
}

void ledger_settle(struct ledger *l, bool durable)
{
    check(pthread_mutex_lock(&l->mutex) == 0);
    for (uint32_t i = 0; i < l->touched_count; i++) {
        struct source *s = l->touched[i];
        cells_settle(l, s, durable);
        tally_settle(&s->ever, durable);
        if (durable) {
            ledger_figures_add(&s->start, &s->start_add);
            s->last_ns = s->last_next_ns;
        }
        s->start_add = (struct ledger_figures){0};
        s->last_next_ns = s->last_ns;
        s->is_touched = false;
    }
    l->touched_count = 0;
    check(pthread_mutex_unlock(&l->mutex) == 0);
}

/* ---- asking ---- */

static void totals_of(const struct source *s, struct ledger_totals *out)
{
    out->source = s->ever.durable.source;
    out->ever = s->ever.durable.figures;
    out->since_start = s->start;
    out->first_ns = s->ever.durable.first_ns;
    out->newest_ns = s->ever.durable.newest_ns;
}

bool ledger_of(struct ledger *l, struct slice source, struct ledger_totals *out)
{
    *out =
        (struct ledger_totals){.source = source, .first_ns = CLOCK_NONE, .newest_ns = CLOCK_NONE};
    check(pthread_mutex_lock(&l->mutex) == 0);
    const struct source *s = source_find(l, source);
    bool is_there = s && s->ever.is_durable;
    if (is_there)
        totals_of(s, out);
    out->source = source;
    check(pthread_mutex_unlock(&l->mutex) == 0);
    return is_there;
}

void ledger_each_source(struct ledger *l, ledger_totals_visit *visit, void *context)
{
    struct ledger_totals totals;
    check(pthread_mutex_lock(&l->mutex) == 0);
    for (uint32_t i = 0; i < l->count; i++) {
        if (!l->sources[i].ever.is_durable)
            continue;
        totals_of(&l->sources[i], &totals);
        visit(context, &totals);
    }
    check(pthread_mutex_unlock(&l->mutex) == 0);
}

void ledger_each_cell(struct ledger *l, struct slice source, ledger_cell_visit *visit,
                      void *context)
{
    check(pthread_mutex_lock(&l->mutex) == 0);
    for (uint32_t i = 0; i < l->count; i++) {
        const struct source *s = &l->sources[i];
        if (source.len && !slice_equal(source, s->ever.durable.source))
            continue;
        for (const struct open_cell *c = s->cells; c; c = c->after)
            if (c->tally.is_durable)
                visit(context, &c->tally.durable);
    }
    check(pthread_mutex_unlock(&l->mutex) == 0);
}

static void sum_add(void *context, const struct ledger_totals *totals)
{
    struct ledger_totals *sum = context;
    ledger_figures_add(&sum->ever, &totals->ever);
    ledger_figures_add(&sum->since_start, &totals->since_start);
    if (totals->newest_ns > sum->newest_ns)
        sum->newest_ns = totals->newest_ns;
    if (totals->first_ns != CLOCK_NONE &&
        (sum->first_ns == CLOCK_NONE || totals->first_ns < sum->first_ns))
        sum->first_ns = totals->first_ns;
}

void ledger_sum(struct ledger *l, struct ledger_totals *out)
{
    *out = (struct ledger_totals){
        .source = SLICE(""), .first_ns = CLOCK_NONE, .newest_ns = CLOCK_NONE};
    ledger_each_source(l, sum_add, out);
}
