#include "detection/stix_observation.h"

#include "base/mem.h"

struct stix_observations {
    struct arena arena;
    struct map by_id; /* to struct stix_value * */
    struct stix_observation *items;
    uint32_t count;
};

typedef int object_visit(struct stix_observations *all, const struct stix_value *object,
                         struct err *err);

/* Every object of the document: of lists and bundles those inside, of these the first level. */
static int objects_each(struct stix_observations *all, const struct stix_value *document,
                        object_visit *visit, struct err *err)
{
    const struct stix_value *inside = NULL;
    int code = ERR_OK;
    if (document->kind == STIX_LIST)
        inside = document;
    else if (slice_equal(stix_object_text(document, SLICE("type")), SLICE("bundle")))
        inside = stix_object_member(document, SLICE("objects"));
    else
        return visit(all, document, err);
    if (!inside || inside->kind != STIX_LIST)
        return ERR_OK;
    for (const struct stix_value *m = inside->as.members; m && code == ERR_OK; m = m->next)
        code = objects_each(all, m, visit, err);
    return code;
}

static const struct stix_value *objects_map(const struct stix_value *object)
{
    const struct stix_value *map = stix_object_member(object, SLICE("objects"));
    return map && map->kind == STIX_OBJECT ? map : NULL;
}

static const struct stix_value *object_refs(const struct stix_value *object)
{
    const struct stix_value *refs = stix_object_member(object, SLICE("object_refs"));
    bool observed = slice_equal(stix_object_text(object, SLICE("type")), SLICE("observed-data"));
    return observed && refs && refs->kind == STIX_LIST ? refs : NULL;
}

static int id_note(struct stix_observations *all, const struct stix_value *object, struct err *err)
{
    (void)err;
    struct slice id = stix_object_text(object, SLICE("id"));
    if (id.len > 0)
        (void)map_put(&all->by_id, id, (uint64_t)(uintptr_t)object, NULL);
    return ERR_OK;
}

static int times_read(struct stix_observation *o, const struct stix_value *object, struct err *err)
{
    struct slice first = stix_object_text(object, SLICE("first_observed"));
    struct slice last = stix_object_text(object, SLICE("last_observed"));
    if (first.len == 0 && last.len == 0)
        return ERR_OK;
    if (first.len == 0 || last.len == 0)
        first = last = first.len > 0 ? first : last;
    if (!stix_time_parse(&o->first, first) || !stix_time_parse(&o->last, last))
        return err_set(err, ERR_SYNTAX,
                       "first_observed and last_observed of an observation must be like "
                       "2026-11-22T10:36:00Z, one of them is not.");
    if (stix_time_compare(o->first, o->last) > 0)
        return err_set(err, ERR_SYNTAX, "An observation has last_observed before first_observed.");
    o->timed = true;
    return ERR_OK;
}

static int observation_add(struct stix_observations *all, const struct stix_value *object,
                           struct err *err)
{
    const struct stix_value *map = objects_map(object), *refs = object_refs(object);
    if (!map && !refs)
        return ERR_OK;
    struct stix_observation *o = &all->items[all->count++];
    const struct stix_value *number = stix_object_member(object, SLICE("number_observed"));
    *o = (struct stix_observation){.number_observed = 1, .by_key = map};
    if (number) {
        if (number->kind != STIX_INTEGER || number->as.integer < 1 ||
            number->as.integer > STIX_NUMBER_OBSERVED_MAX)
            return err_set(err, ERR_SYNTAX,
                           "number_observed of an observation must be a number from 1 to %d.",
                           STIX_NUMBER_OBSERVED_MAX);
        o->number_observed = (uint32_t)number->as.integer;
    }
    size_t room = (map ? map->count : 0) + (size_t)(refs ? refs->count : 0);
    o->objects = arena_alloc(&all->arena, room * sizeof(*o->objects));
    if (map)
        for (const struct stix_value *m = map->as.members; m; m = m->next)
            o->objects[o->object_count++] = m;
    if (refs)
        for (const struct stix_value *m = refs->as.members; m; m = m->next) {
            const struct stix_value *found =
                m->kind == STIX_STRING ? stix_observations_find(all, NULL, m->as.text) : NULL;
            if (found)
                o->objects[o->object_count++] = found;
        }
    return times_read(o, object, err);
}

/* An object that nobody said when it was seen, as an observation of its own. */
static int object_add(struct stix_observations *all, const struct stix_value *object,
                      struct err *err)
{
    (void)err;
    struct stix_observation *o = &all->items[all->count++];
    *o = (struct stix_observation){.number_observed = 1, .object_count = 1};
    o->objects = arena_alloc(&all->arena, sizeof(*o->objects));
    o->objects[0] = object;
    return ERR_OK;
}

static int count_one(struct stix_observations *all, struct err *err)
{
    if (all->count == STIX_OBSERVATIONS_MAX)
        return err_set(err, ERR_LIMIT, "There are more than %d observations: divide them.",
                       STIX_OBSERVATIONS_MAX);
    all->count++;
    return ERR_OK;
}

static int object_count(struct stix_observations *all, const struct stix_value *object,
                        struct err *err)
{
    (void)object;
    return count_one(all, err);
}

static int observation_count(struct stix_observations *all, const struct stix_value *object,
                             struct err *err)
{
    return objects_map(object) || object_refs(object) ? count_one(all, err) : ERR_OK;
}

static int observe(struct stix_observations *all, const struct stix_value *document,
                   struct err *err)
{
    int code = objects_each(all, document, id_note, err);
    if (code == ERR_OK)
        code = objects_each(all, document, observation_count, err);
    bool bare = all->count == 0;
    if (code == ERR_OK && bare)
        code = objects_each(all, document, object_count, err);
    if (code)
        return code;
    all->items = arena_alloc(&all->arena, all->count * sizeof(*all->items));
    all->count = 0;
    return objects_each(all, document, bare ? object_add : observation_add, err);
}

int stix_observations_from(struct stix_observations **out, const struct stix_value *document,
                           struct err *err)
{
    struct stix_observations *all = mem_zeroed(1, sizeof(*all));
    *out = all;
    int code = observe(all, document, err);
    if (code)
        stix_observations_close(out);
    return code;
}

int stix_observations_open(struct stix_observations **out, struct slice text, struct err *err)
{
    struct stix_observations *all = mem_zeroed(1, sizeof(*all));
    const struct stix_value *document;
    *out = all;
    int code = ERR_OK;
    if (text.len > STIX_DOCUMENT_BYTES_MAX)
        code = err_set(err, ERR_LIMIT, "The document is longer than %d bytes: divide it.",
                       STIX_DOCUMENT_BYTES_MAX);
    if (code == ERR_OK)
        code = stix_object_parse(&document, arena_copy(&all->arena, text), &all->arena, err);
    if (code == ERR_OK)
        code = observe(all, document, err);
    if (code)
        stix_observations_close(out);
    return code;
}

void stix_observations_close(struct stix_observations **observations)
{
    if (!*observations)
        return;
    map_free(&(*observations)->by_id);
    arena_free(&(*observations)->arena);
    mem_free(*observations);
    *observations = NULL;
}

uint32_t stix_observations_count(const struct stix_observations *observations)
{
    return observations->count;
}

const struct stix_observation *stix_observations_at(const struct stix_observations *observations,
                                                    uint32_t i)
{
    check(i < observations->count);
    return &observations->items[i];
}

const struct stix_value *stix_observations_find(const struct stix_observations *observations,
                                                const struct stix_observation *from,
                                                struct slice id)
{
    const struct stix_value *near = from ? stix_object_member(from->by_key, id) : NULL;
    if (near)
        return near;
    const struct map_entry *entry = map_find(&observations->by_id, id);
    return entry ? (const struct stix_value *)(uintptr_t)entry->value : NULL;
}
