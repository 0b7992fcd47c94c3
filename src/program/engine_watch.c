#include "program/engine_watch.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/map.h"
#include "base/mem.h"

#define WATCHING SLICE("watching")
#define WEEK_NS  ((int64_t)7 * 86400 * CLOCK_SECOND_NS)
#define NOTED_NS (60 * CLOCK_SECOND_NS)

enum { DAY_HOURS = 24 };

struct day { /* of a source: its newest closed hours, each at the place hour % DAY_HOURS */
    char *name;
    int64_t hours[DAY_HOURS];
    struct ledger_figures figures[DAY_HOURS];
};

struct late { /* a cell that closed while those of before were read */
    struct ledger_cell cell;
    char *name;
    struct late *next;
};

struct engine_watch {
    pthread_mutex_t mutex;
    const struct config *config;
    struct calendar calendar;
    struct silence *silence;
    struct day *days[LEDGER_SOURCES_MAX];
    uint32_t day_count;
    struct map day_of;
    struct late *late, **late_end;
    bool is_read;
    int64_t since_ns, noted_ns, jumped_ns, watched_hour;
};

static int calendar_fill(struct engine_watch *w, const struct clock_zone *zone, struct err *err)
{
    const struct config_list *days = &w->config->health.free_days;
    int rc = ERR_OK;
    w->calendar.zone = zone;
    for (uint32_t i = 0; i < days->count && rc == ERR_OK; i++)
        rc = calendar_add(&w->calendar, days->items[i], err);
    return rc ? err_prefix(err, "health.free_days") : ERR_OK;
}

int engine_watch_open(struct engine_watch **out, const struct config *config,
                      const struct clock_zone *zone, struct err *err)
{
    struct engine_watch *w = mem_zeroed(1, sizeof(*w));
    *out = w;
    check(pthread_mutex_init(&w->mutex, NULL) == 0);
    w->config = config;
    w->late_end = &w->late;
    w->since_ns = w->noted_ns = w->jumped_ns = CLOCK_NONE;
    int rc = calendar_fill(w, zone, err);
    w->silence = silence_open(&w->calendar);
    return rc;
}

void engine_watch_close(struct engine_watch **watch)
{
    struct engine_watch *w = *watch;
    if (!w)
        return;
    while (w->late) {
        struct late *late = w->late;
        w->late = late->next;
        mem_free(late->name);
        mem_free(late);
    }
    for (uint32_t i = 0; i < w->day_count; i++) {
        mem_free(w->days[i]->name);
        mem_free(w->days[i]);
    }
    map_free(&w->day_of);
    silence_close(&w->silence);
    check(pthread_mutex_destroy(&w->mutex) == 0);
    mem_free(w);
    *watch = NULL;
}

static void lock(struct engine_watch *w)
{
    check(pthread_mutex_lock(&w->mutex) == 0);
}

static void unlock(struct engine_watch *w)
{
    check(pthread_mutex_unlock(&w->mutex) == 0);
}

/* ---- since when ---- */

void engine_watch_begin(struct engine_watch *w, const struct carry *carry, int64_t now_ns)
{
    struct slice value = carry_cursor(carry, WATCHING);
    uint64_t since_ns, noted_ns;
    lock(w);
    w->since_ns = now_ns;
    if (slice_to_u64(slice_cut(&value, ' '), &since_ns) && slice_to_u64(value, &noted_ns) &&
        (int64_t)since_ns <= (int64_t)noted_ns && (int64_t)noted_ns <= now_ns &&
        now_ns - (int64_t)noted_ns < ENGINE_WATCH_STOP_S * CLOCK_SECOND_NS)
        w->since_ns = (int64_t)since_ns;
    unlock(w);
}

bool engine_watch_is_due(struct engine_watch *w, int64_t now_ns)
{
    lock(w);
    bool due = w->since_ns != CLOCK_NONE && (w->noted_ns == CLOCK_NONE || now_ns < w->noted_ns ||
                                             now_ns - w->noted_ns >= NOTED_NS);
    unlock(w);
    return due;
}

void engine_watch_put(struct engine_watch *w, int64_t now_ns, struct buf *items)
{
    struct buf value = {0};
    lock(w);
    w->noted_ns = now_ns;
    buf_printf(&value, "%" PRId64 " %" PRId64, w->since_ns, now_ns);
    unlock(w);
    carry_put_cursor(items, WATCHING, buf_as_slice(&value));
    buf_free(&value);
}

void engine_watch_jumped(struct engine_watch *w, int64_t now_ns)
{
    lock(w);
    w->since_ns = w->jumped_ns = now_ns;
    w->noted_ns = CLOCK_NONE;
    unlock(w);
}

/* ---- learning ---- */

static struct day *day_make(struct engine_watch *w, struct slice source)
{
    struct map_entry *known = map_find(&w->day_of, source);
    if (known)
        return w->days[known->value];
    if (w->day_count == LEDGER_SOURCES_MAX)
        return NULL;
    struct day *day = mem_zeroed(1, sizeof(*day));
    day->name = mem_copy_text(source.data, source.len);
    (void)map_put(&w->day_of, slice_make(day->name, source.len), w->day_count, NULL);
    return w->days[w->day_count++] = day;
}

static void learn(struct engine_watch *w, const struct ledger_cell *cell)
{
    struct day *day = day_make(w, cell->source);
    size_t place = cell->hour >= 0 ? (size_t)(cell->hour % DAY_HOURS) : 0;
    silence_learn_cell(w->silence, cell);
    if (!day)
        return;
    if (cell->hour != day->hours[place]) /* a later one: the clock was set back */
        day->figures[place] = (struct ledger_figures){0};
    day->hours[place] = cell->hour;
    ledger_figures_add(&day->figures[place], &cell->figures);
}

void engine_watch_learn(struct engine_watch *w, const struct ledger_cell *cell)
{
    lock(w);
    if (w->is_read) {
        learn(w, cell);
    } else {
        struct late *late = mem_zeroed(1, sizeof(*late));
        late->cell = *cell;
        late->name = mem_copy_text(cell->source.data, cell->source.len);
        late->cell.source = slice_make(late->name, cell->source.len);
        *w->late_end = late;
        w->late_end = &late->next;
    }
    unlock(w);
}

static void row_learn(struct engine_watch *w, const struct row *row)
{
    struct ledger_cell cell;
    if (row->time_ns == CLOCK_NONE)
        return;
    ledger_cell_begin(&cell, rhythm_hour_of(row->time_ns), row->context->source);
    for (uint32_t i = 0; i < row->record->count; i++)
        ledger_cell_take(&cell, row->record->fields[i].name, row->record->fields[i].value);
    lock(w);
    learn(w, &cell);
    unlock(w);
}

static void read_end(struct engine_watch *w)
{
    lock(w);
    while (w->late) {
        struct late *late = w->late;
        w->late = late->next;
        learn(w, &late->cell);
        mem_free(late->name);
        mem_free(late);
    }
    w->late_end = &w->late;
    w->is_read = true;
    unlock(w);
}

static int rows_read(struct engine_watch *w, struct store *store, int64_t until_ns,
                     const bool *canceled, struct err *err)
{
    struct slice partition = LEDGER_PARTITION;
    struct store_search search = {.from_ns = until_ns - ENGINE_WATCH_WEEKS * WEEK_NS,
                                  .until_ns = until_ns,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = until_ns,
                                  .order = STORE_OLDEST,
                                  .partitions = &partition,
                                  .partition_count = 1,
                                  .canceled = canceled};
    struct store_cursor *cursor = NULL;
    struct store_item item;
    int rc = store_search(store, &search, &cursor, err);
    while (rc == ERR_OK && (rc = store_next(cursor, &item, err)) == ERR_OK)
        if (item.kind == STORE_ROW)
            row_learn(w, item.row);
    store_cursor_close(&cursor);
    return rc == ERR_END ? ERR_OK : rc;
}

int engine_watch_read(struct engine_watch *w, const char *data, int64_t until_ns,
                      const bool *canceled, struct err *err)
{
    struct store_options options = {0};
    struct store *store = NULL;
    int rc = store_open(&store, data, &options, err);
    if (rc == ERR_OK)
        rc = rows_read(w, store, until_ns, canceled, err);
    store_close(&store);
    read_end(w);
    return rc;
}

void engine_watch_tick(struct engine_watch *w, int64_t now_ns)
{
    int64_t hour = rhythm_hour_of(now_ns);
    lock(w);
    silence_tick(w->silence, now_ns);
    /* an hour is watched when the watch had begun before it, and lasts still */
    if (hour != w->watched_hour && w->since_ns != CLOCK_NONE &&
        w->since_ns <= (hour - 1) * RHYTHM_HOUR_NS) {
        w->watched_hour = hour;
        silence_watched(w->silence, hour - 1);
    }
    unlock(w);
}

/* ---- asking ---- */

bool engine_watch_is_live(const struct config *config, const struct config_source *source)
{
    const struct config_listener *l = config->listeners.items;
    if (source->follow.count > 0 ||
        (source->journal.len && !slice_equal(source->journal, SLICE("none"))))
        return true;
    for (uint32_t i = 0; i < config->listeners.count; i++)
        if (slice_equal(l[i].source, source->row.name))
            return true;
    return false;
}

struct cells {
    int64_t hour; /* that it is now */
    struct engine_watch_source *out;
};

static void cell_visit(void *context, const struct ledger_cell *cell)
{
    struct cells *cells = context;
    int64_t ago = cells->hour - cell->hour;
    if (ago == 0)
        ledger_figures_add(&cells->out->hour, &cell->figures);
    if (ago == 1)
        ledger_figures_add(&cells->out->before, &cell->figures);
    if (ago >= 0 && ago < DAY_HOURS)
        ledger_figures_add(&cells->out->day, &cell->figures);
}

/* Under the lock. */
static void days_add(struct engine_watch *w, struct slice name, int64_t hour,
                     struct engine_watch_source *out)
{
    const struct map_entry *known = map_find(&w->day_of, name);
    const struct day *day = known ? w->days[known->value] : NULL;
    for (int64_t i = 0; day && i < DAY_HOURS; i++) {
        struct ledger_cell cell = {.hour = day->hours[i], .figures = day->figures[i]};
        struct cells cells = {hour, out};
        cell_visit(&cells, &cell);
    }
}

void engine_watch_source(struct engine_watch *w, struct ledger *ledger,
                         const struct config_source *source, int64_t now_ns,
                         struct engine_watch_source *out)
{
    struct slice name = source->row.name;
    struct cells cells = {rhythm_hour_of(now_ns), out};
    *out = (struct engine_watch_source){.is_set_up = engine_watch_is_live(w->config, source)};
    (void)ledger_of(ledger, name, &out->totals);
    ledger_each_cell(ledger, name, cell_visit, &cells);
    lock(w);
    days_add(w, name, cells.hour, out);
    struct silence_question question = {.source = name,
                                        .is_disabled = !source->silence || !out->is_set_up,
                                        .interval_s =
                                            (uint32_t)(source->expect_ns / CLOCK_SECOND_NS),
                                        .newest_ns = out->totals.newest_ns,
                                        .watching_since_ns = w->since_ns,
                                        .now_ns = now_ns};
    silence_judge(w->silence, &question, &out->silence);
    out->is_read = w->is_read;
    out->has_jumped = w->jumped_ns != CLOCK_NONE && rhythm_hour_of(w->jumped_ns) >= cells.hour - 1;
    out->volume.state = SILENCE_VOLUME_LEARNING;
    calendar_at(&w->calendar, (cells.hour - 1) * RHYTHM_HOUR_NS, &out->volume.hour);
    if (w->is_read && out->before.counts[LEDGER_RECEIVED])
        silence_volume(w->silence, name, cells.hour - 1, out->before.counts[LEDGER_RECEIVED],
                       &out->volume);
    unlock(w);
}
