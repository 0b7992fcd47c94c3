/* What has come of the sources that canh.yaml names, and what became of it: silence is shown as
 * silence. Figures of a source are the ledger's; of its listeners and files engine_seen.h's, since
 * the ledger has no place. */
#include <fnmatch.h>

#include "program/engine_seen.h"
#include "program/engine_status.h"
#include "program/engine_store.h"
#include "program/engine_unread.h"
#include "program/engine_watch.h"

static void figures_write(const struct engine_seen_figures *f, struct json_writer *w)
{
    json_member_u64(w, "stored", f->stored);
    json_member_u64(w, "stored_since_start", f->stored_since_start);
    json_member_time(w, "newest", f->newest_ns);
}

static void listeners_write(const struct engine *e, const struct config_source *source,
                            struct json_writer *w)
{
    const struct config_rows *rows = &e->context->config->listeners;
    const struct config_listener *l = rows->items;
    struct engine_seen_figures f;
    json_key(w, "listeners");
    json_open_array(w);
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!slice_equal(l[i].source, source->row.name))
            continue;
        engine_seen_of(engine_store_seen(e->store), source->row.name, l[i].row.name, &f);
        json_open_object(w);
        json_key(w, "name");
        json_string(w, l[i].row.name);
        json_key(w, "listen");
        json_string(w, l[i].listen);
        figures_write(&f, w);
        json_close_object(w);
    }
    json_close_array(w);
}

enum { PATTERNS_SHOWN = 64 };

struct files_walk {
    const struct config_source *source;
    struct json_writer *w;
    bool is_seen[PATTERNS_SHOWN]; /* by pattern */
};

static void file_write(struct json_writer *w, struct slice path,
                       const struct engine_seen_figures *figures)
{
    json_open_object(w);
    json_key(w, "path");
    json_string(w, path);
    figures_write(figures, w);
    json_close_object(w);
}

static void file_visit(void *context, struct slice place, const struct engine_seen_figures *figures)
{
    struct files_walk *walk = context;
    const struct config_list *follow = &walk->source->follow;
    struct buf path = {0};
    if (place.data[0] != '/')
        return;
    buf_slice(&path, place);
    for (uint32_t i = 0; i < follow->count && i < PATTERNS_SHOWN; i++)
        if (fnmatch(follow->items[i].data, buf_text(&path), FNM_PATHNAME | FNM_PERIOD) == 0)
            walk->is_seen[i] = true;
    file_write(walk->w, place, figures);
    buf_free(&path);
}

/* Files that something came from; and patterns of which no file gave anything. */
static void files_write(const struct engine *e, const struct config_source *source,
                        struct json_writer *w)
{
    struct files_walk walk = {.source = source, .w = w};
    struct engine_seen_figures none = {.newest_ns = CLOCK_NONE};
    json_key(w, "files");
    json_open_array(w);
    engine_seen_places(engine_store_seen(e->store), source->row.name, file_visit, &walk);
    for (uint32_t i = 0; i < source->follow.count && i < PATTERNS_SHOWN; i++)
        if (!walk.is_seen[i])
            file_write(w, source->follow.items[i], &none);
    json_close_array(w);
}

static void text_put(struct json_writer *w, const char *key, const struct buf *text)
{
    json_key(w, key);
    json_string(w, buf_as_slice(text));
}

/* Counts that are not nought, and received, stored, unaccounted. */
static void counts_write(struct json_writer *w, const char *key, const struct ledger_figures *f)
{
    json_key(w, key);
    json_open_object(w);
    for (int i = 0; i < LEDGER_COUNTS; i++) {
        if (f->counts[i] == 0 && i != LEDGER_RECEIVED && i != LEDGER_STORED)
            continue;
        json_key(w, ledger_names[i].name);
        json_u64(w, f->counts[i]);
    }
    json_key(w, "unaccounted");
    json_i64(w, ledger_unaccounted(f));
    json_key(w, "ahead_max_s");
    json_u64(w, f->ahead_max_s);
    json_key(w, "behind_max_s");
    json_u64(w, f->behind_max_s);
    json_close_object(w);
}

/* unset: nothing of it can come in live. */
static const char *state_name(const struct engine_watch_source *seen)
{
    return seen->is_set_up ? silence_state_names[seen->silence.state] : "unset";
}

static void sentences_write(struct json_writer *w, const struct engine_watch_source *seen)
{
    static const char *const volumes[] = {"ok", "changed", "learning"};
    struct buf en = {0}, vi = {0};
    silence_sentence(&seen->silence, false, &en);
    silence_sentence(&seen->silence, true, &vi);
    if (!seen->is_read && seen->silence.state == SILENCE_LEARNING) {
        buf_string(&en, " (earlier hours are still being read)");
        buf_string(&vi, " (đang đọc các giờ trước)");
    }
    json_key(w, "reason");
    json_string(w, slice_from(silence_reason_names[seen->silence.reason]));
    text_put(w, "reason_en", &en);
    text_put(w, "reason_vi", &vi);
    buf_clear(&en);
    buf_clear(&vi);
    silence_volume_sentence(&seen->volume, false, &en);
    silence_volume_sentence(&seen->volume, true, &vi);
    json_key(w, "volume");
    json_string(w, slice_from(volumes[seen->volume.state]));
    text_put(w, "volume_en", &en);
    text_put(w, "volume_vi", &vi);
    buf_free(&en);
    buf_free(&vi);
}

static void cell_field(void *context, const char *name, uint64_t value)
{
    json_key(context, name);
    json_u64(context, value);
}

static void cell_write(void *context, const struct ledger_cell *cell)
{
    struct json_writer *w = context;
    char time[CLOCK_TEXT_BYTES];
    json_open_object(w);
    json_key(w, "hour");
    json_string(w, slice_make(time, clock_text(time, cell->hour * 3600 * CLOCK_SECOND_NS)));
    json_key(w, "unaccounted");
    json_i64(w, ledger_unaccounted(&cell->figures));
    ledger_cell_fields(cell, cell_field, w);
    json_close_object(w);
}

/* An event that was stored is a sign of life; what was refused is none. */
static void totals_figures(const struct ledger_totals *totals, struct engine_seen_figures *out)
{
    out->stored = totals->ever.counts[LEDGER_STORED];
    out->stored_since_start = totals->since_start.counts[LEDGER_STORED];
    out->newest_ns = out->stored ? totals->newest_ns : CLOCK_NONE;
}

static void source_write(struct engine *e, const struct config_source *source,
                         struct json_writer *w)
{
    struct engine_watch_source seen;
    struct engine_seen_figures f;
    struct ledger *ledger = engine_store_ledger(e->store);
    engine_watch_source(engine_store_watch(e->store), ledger, source, clock_now_ns(), &seen);
    totals_figures(&seen.totals, &f);
    json_open_object(w);
    json_key(w, "name");
    json_string(w, source->row.name);
    json_key(w, "live");
    json_bool(w, seen.is_set_up);
    figures_write(&f, w);
    json_key(w, "unit");
    json_string(w, source->unit);
    json_key(w, "drill");
    json_bool(w, source->drill);
    json_key(w, "state");
    json_string(w, slice_from(state_name(&seen)));
    sentences_write(w, &seen);
    counts_write(w, "this_hour", &seen.hour);
    counts_write(w, "last_day", &seen.day);
    counts_write(w, "since_start", &seen.totals.since_start);
    counts_write(w, "ever", &seen.totals.ever);
    json_key(w, "open_hours");
    json_open_array(w);
    ledger_each_cell(ledger, source->row.name, cell_write, w);
    json_close_array(w);
    listeners_write(e, source, w);
    files_write(e, source, w);
    engine_unread_write(e, source->row.name, w);
    json_close_object(w);
}

void engine_status_sources(struct engine *e, const struct engine_scope *scope,
                           struct json_writer *w)
{
    const struct config_rows *rows = &e->context->config->sources;
    const struct config_source *sources = rows->items;
    json_key(w, "sources");
    json_open_array(w);
    for (uint32_t i = 0; i < rows->count; i++)
        if (engine_scope_has(scope, &sources[i]))
            source_write(e, &sources[i], w);
    json_close_array(w);
}

uint32_t engine_status_unseen(const struct engine *e, const struct engine_scope *scope,
                              struct buf *names, bool *has_more)
{
    enum { NAMES_SHOWN = 10 };
    const struct config_rows *rows = &e->context->config->sources;
    const struct config_source *sources = rows->items;
    struct ledger_totals totals;
    uint32_t count = 0;
    for (uint32_t i = 0; e->store && i < rows->count; i++) {
        (void)ledger_of(engine_store_ledger(e->store), sources[i].row.name, &totals);
        if (!engine_watch_is_live(e->context->config, &sources[i]) ||
            totals.ever.counts[LEDGER_STORED])
            continue;
        if (!engine_scope_has(scope, &sources[i])) {
            *has_more = true;
            continue;
        }
        if (count < NAMES_SHOWN)
            buf_printf(names, "%s%.*s", count ? ", " : "", (int)sources[i].row.name.len,
                       sources[i].row.name.data);
        else if (count == NAMES_SHOWN)
            buf_string(names, ", ...");
        count++;
    }
    return count;
}
