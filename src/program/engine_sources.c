/* What has come of the sources that canh.yaml names: silence is shown as silence. */
#include <fnmatch.h>

#include "program/engine_seen.h"
#include "program/engine_status.h"
#include "program/engine_store.h"

static void figures_write(const struct engine_seen_figures *f, struct json_writer *w)
{
    char text[CLOCK_TEXT_BYTES];
    json_key(w, "stored");
    json_u64(w, f->stored);
    json_key(w, "stored_since_start");
    json_u64(w, f->stored_since_start);
    json_key(w, "newest");
    if (f->newest_ns == CLOCK_NONE)
        json_null(w);
    else
        json_string(w, slice_make(text, clock_text(text, f->newest_ns)));
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

static bool is_live(const struct engine *e, const struct config_source *source)
{
    const struct config_rows *rows = &e->context->config->listeners;
    const struct config_listener *l = rows->items;
    bool live = source->follow.count > 0;
    for (uint32_t i = 0; i < rows->count; i++)
        live |= slice_equal(l[i].source, source->row.name);
    return live;
}

void engine_status_sources(const struct engine *e, struct json_writer *w)
{
    const struct config_rows *rows = &e->context->config->sources;
    const struct config_source *sources = rows->items;
    struct engine_seen_figures f;
    json_key(w, "sources");
    json_open_array(w);
    for (uint32_t i = 0; i < rows->count; i++) {
        engine_seen_of(engine_store_seen(e->store), sources[i].row.name, SLICE(""), &f);
        json_open_object(w);
        json_key(w, "name");
        json_string(w, sources[i].row.name);
        json_key(w, "live");
        json_bool(w, is_live(e, &sources[i]));
        figures_write(&f, w);
        listeners_write(e, &sources[i], w);
        files_write(e, &sources[i], w);
        json_close_object(w);
    }
    json_close_array(w);
}

uint32_t engine_status_unseen(const struct engine *e, struct buf *names)
{
    enum { NAMES_SHOWN = 10 };
    const struct config_rows *rows = &e->context->config->sources;
    const struct config_source *sources = rows->items;
    struct engine_seen_figures f;
    uint32_t count = 0;
    for (uint32_t i = 0; e->store && i < rows->count; i++) {
        engine_seen_of(engine_store_seen(e->store), sources[i].row.name, SLICE(""), &f);
        if (!is_live(e, &sources[i]) || f.newest_ns != CLOCK_NONE)
            continue;
        if (count < NAMES_SHOWN)
            buf_printf(names, "%s%.*s", count ? ", " : "", (int)sources[i].row.name.len,
                       sources[i].row.name.data);
        else if (count == NAMES_SHOWN)
            buf_string(names, ", ...");
        count++;
    }
    return count;
}
