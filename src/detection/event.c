#include "detection/event.h"

#include "base/mem.h"

void event_open(struct event *e, const struct name_table *names)
{
    *e = (struct event){.names = names};
    e->by_name = mem_zeroed(name_count(names), sizeof(*e->by_name));
}

void event_close(struct event *e)
{
    mem_free(e->by_name);
    mem_free(e->field_names);
    mem_free(e->next);
    *e = (struct event){0};
}

static void event_reserve(struct event *e, uint32_t count)
{
    if (count <= e->field_capacity)
        return;
    uint32_t capacity = e->field_capacity ? e->field_capacity : 64;
    while (capacity < count)
        capacity *= 2;
    e->field_names = mem_resize(e->field_names, capacity, sizeof(*e->field_names));
    e->next = mem_resize(e->next, capacity, sizeof(*e->next));
    e->field_capacity = capacity;
}

/* A second field of the name: joins the chain, unless one of the two is nested and the other flat.
 */
static void event_join(struct event *e, struct event_chain *chain, uint32_t field)
{
    bool nested = e->record->fields[field].flags & FIELD_NESTED;
    bool first_nested = e->record->fields[chain->first].flags & FIELD_NESTED;
    if (nested && !first_nested) {
        e->field_names[field] = NAME_NONE;
        return;
    }
    if (!nested && first_nested) {
        for (uint32_t f = chain->first; f != EVENT_NO_FIELD; f = e->next[f])
            e->field_names[f] = NAME_NONE;
        chain->first = chain->last = field;
        return;
    }
    e->next[chain->last] = field;
    chain->last = field;
}

void event_bind_more(struct event *e, uint32_t first_field)
{
    const struct record *record = e->record;
    event_reserve(e, record->count);
    for (uint32_t i = first_field; i < record->count; i++) {
        const struct field *f = &record->fields[i];
        uint16_t name = name_find_hashed(e->names, f->name, f->name_hash);
        e->field_names[i] = name;
        e->next[i] = EVENT_NO_FIELD;
        if (name == NAME_NONE)
            continue;
        struct event_chain *chain = &e->by_name[name];
        if (chain->generation == e->generation)
            event_join(e, chain, i);
        else
            *chain = (struct event_chain){e->generation, i, i};
    }
}

void event_bind(struct event *e, struct record *record)
{
    e->record = record;
    e->mapping = NULL;
    if (++e->generation == 0) {
        memset(e->by_name, 0, name_count(e->names) * sizeof(*e->by_name));
        e->generation = 1;
    }
    event_bind_more(e, 0);
}

struct slice event_text(struct event *e, uint16_t name)
{
    uint32_t field = event_first(e, name);
    if (field == EVENT_NO_FIELD)
        return (struct slice){0};
    return record_text(e->record, &e->record->fields[field]);
}
