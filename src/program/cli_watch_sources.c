/* What the node's status tells of the places that events come by. */
#include "formats/json.h"
#include "program/cli_watch.h"
#include "program/client_inside.h"

struct visiting {
    const struct watch *w;
    watch_place_visit *visit;
    void *context;
};

static uint64_t number_of(struct slice object, const char *member)
{
    struct slice raw = {0};
    uint64_t number = 0;
    return client_answer_raw(object, member, &raw) && slice_to_u64(raw, &number) ? number : 0;
}

/* The elements of an array of objects that is a member of object. */
static void each(struct slice object, const char *member, void (*call)(void *, struct slice),
                 void *context)
{
    struct slice array = {0};
    struct json_reader r;
    if (!client_answer_raw(object, member, &array))
        return;
    json_reader_open(&r, array);
    if (json_next(&r) != JSON_ARRAY_OPEN)
        return;
    while (json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        if (json_skip(&r) == JSON_ERROR)
            return;
        call(context, slice_part(array, start, r.at - start));
    }
}

struct place_walk {
    struct visiting *visiting;
    struct watch_place place;
};

static void figures_read(struct watch_place *place, struct slice object)
{
    place->stored = number_of(object, "stored_since_start");
    place->stored_ever = number_of(object, "stored");
}

static void place_text(struct place_walk *walk, struct slice object, const char *member)
{
    struct buf text = {0};
    if (client_answer_text(object, member, &text)) {
        figures_read(&walk->place, object);
        walk->place.what = buf_as_slice(&text);
        walk->visiting->visit(walk->visiting->context, &walk->place);
    }
    buf_free(&text);
}

static void listener_see(void *context, struct slice object)
{
    struct place_walk *walk = context;
    struct slice address = {0};
    walk->place.kind = WATCH_LISTENER;
    walk->place.address = client_answer_raw(object, "listen", &address) ? address : SLICE("");
    place_text(walk, object, "name");
}

static void file_see(void *context, struct slice object)
{
    struct place_walk *walk = context;
    walk->place.kind = WATCH_FILE;
    place_text(walk, object, "path");
}

static void file_count(void *context, struct slice object)
{
    struct watch_place *place = context;
    place->files += number_of(object, "stored") > 0;
}

static void source_see(void *context, struct slice object)
{
    struct visiting *v = context;
    struct buf name = {0};
    const struct config_source *source = NULL;
    if (client_answer_text(object, "name", &name))
        source = config_source(v->w->config, buf_as_slice(&name));
    if (source) {
        struct place_walk walk = {.visiting = v, .place = {.source = source->row.name}};
        figures_read(&walk.place, object);
        if (source->drill) {
            walk.place.kind = WATCH_DRILL;
            each(object, "files", file_count, &walk.place);
            v->visit(v->context, &walk.place);
        } else {
            walk.place.kind = source->drop.len ? WATCH_DROP : WATCH_JOURNAL;
            walk.place.what = source->drop.len ? source->drop : source->journal;
            if (source->drop.len || !slice_equal(source->journal, SLICE("none")))
                v->visit(v->context, &walk.place);
            each(object, "listeners", listener_see, &walk);
            each(object, "files", file_see, &walk);
        }
    }
    buf_free(&name);
}

void watch_places(const struct watch *w, watch_place_visit *visit, void *context)
{
    struct visiting visiting = {w, visit, context};
    each(buf_as_slice(&w->status), "sources", source_see, &visiting);
}
