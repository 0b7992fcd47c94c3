#include "program/query_values.h"

#include "base/map.h"
#include "base/mem.h"
#include "store/query.h"

struct value_names { /* received names of one field under one mapping */
    struct slice *items;
    uint32_t *hashes;
    uint32_t count;
    bool made;
};

enum value_meta {
    META_NONE,
    META_TIME,
    META_RECEIVED,
    META_ID,
    META_SOURCE,
    META_SYSTEM,
    META_UNIT,
    META_PARTITION,
    META_FILE,
    META_LINE,
    META_MAPPING,
    META_HOST,
    META_REGISTERED,
    META_SENDER,
    META_DRILL
};

struct query_values {
    struct query_values_options options;
    struct matcher *matcher; /* for hosts, made when first asked */
    struct record record;    /* what it is given */
    struct arena arena, row_arena;
    struct map mapping_numbers; /* id: number */
    struct value_names *names;  /* by mapping, then field */
    enum value_meta *metas;     /* by field */
    const struct row *row;
    uint32_t mapping;
    bool host_known;
    struct slice host;
    /* where the newest answer stands, so that the next one of the field goes on from there */
    uint32_t at_field, at_nth, at_name, at_record;
};

static enum value_meta meta_of(struct slice name)
{
    for (unsigned i = 0; query_meta_fields[i]; i++)
        if (slice_equal(name, slice_from(query_meta_fields[i])))
            return (enum value_meta)(i + 1);
    return META_NONE;
}

struct query_values *query_values_open(const struct query_values_options *options)
{
    struct query_values *v = mem_zeroed(1, sizeof(*v));
    uint32_t mappings = mapping_set_count(options->mappings), fields = options->fields->count;
    v->options = *options;
    v->names = mem_zeroed((size_t)(mappings + 1) * (fields + 1), sizeof(*v->names));
    v->metas = mem_zeroed(fields + 1, sizeof(*v->metas));
    for (uint32_t i = 0; i < fields; i++)
        v->metas[i] = meta_of(options->fields->items[i]);
    for (uint32_t i = 1; i <= mappings; i++)
        (void)map_put(&v->mapping_numbers, mapping_set_get(options->mappings, i)->id, i, NULL);
    return v;
}

void query_values_close(struct query_values **v)
{
    if (!*v)
        return;
    matcher_close(&(*v)->matcher);
    record_free(&(*v)->record);
    arena_free(&(*v)->arena);
    arena_free(&(*v)->row_arena);
    map_free(&(*v)->mapping_numbers);
    mem_free((*v)->names);
    mem_free((*v)->metas);
    mem_free(*v);
    *v = NULL;
}

/* The names of a field under a mapping (NULL: itself), in the order that rules look at them. Room
 * for all is the caller's. */
static uint32_t names_of(const struct mapping *mapping, struct slice field, struct arena *arena,
                         struct slice *out)
{
    uint32_t count = 0;
    out[count++] = field;
    for (uint32_t i = 0; mapping && i < mapping->prefixes.count; i++) {
        struct slice prefix = mapping->prefixes.items[i];
        out[count++] = arena_printf(arena, "%.*s%.*s", (int)prefix.len, prefix.data, (int)field.len,
                                    field.data);
    }
    for (uint32_t a = 0; mapping && a < mapping->alias_count; a++)
        if (slice_equal(mapping->aliases[a].name, field))
            for (uint32_t i = 0; i < mapping->aliases[a].originals.count; i++)
                out[count++] = mapping->aliases[a].originals.items[i];
    return count;
}

static uint32_t names_room(const struct mapping *mapping, struct slice field)
{
    uint32_t room = 1 + (mapping ? mapping->prefixes.count : 0);
    for (uint32_t a = 0; mapping && a < mapping->alias_count; a++)
        if (slice_equal(mapping->aliases[a].name, field))
            room += mapping->aliases[a].originals.count;
    return room;
}

static const struct value_names *names_get(struct query_values *v, uint32_t field)
{
    const struct slice_list *fields = v->options.fields;
    struct value_names *names = &v->names[(size_t)v->mapping * fields->count + field];
    if (names->made)
        return names;
    const struct mapping *mapping =
        v->mapping ? mapping_set_get(v->options.mappings, v->mapping) : NULL;
    uint32_t room = names_room(mapping, fields->items[field]);
    names->items = arena_alloc(&v->arena, room * sizeof(*names->items));
    names->hashes = arena_alloc(&v->arena, room * sizeof(*names->hashes));
    names->count = names_of(mapping, fields->items[field], &v->arena, names->items);
    for (uint32_t i = 0; i < names->count; i++)
        names->hashes[i] = field_name_hash(names->items[i]);
    names->made = true;
    return names;
}

void query_values_names(const struct query_values *v, struct slice_list *out)
{
    struct query_values *own = (struct query_values *)(uintptr_t)v;
    const struct mapping_set *set = v->options.mappings;
    struct map seen = {0};
    uint32_t mappings = mapping_set_count(set), room = 0;
    for (uint32_t m = 0; m <= mappings; m++)
        for (uint32_t f = 0; f < v->options.fields->count; f++)
            room += names_room(m ? mapping_set_get(set, m) : NULL, v->options.fields->items[f]);
    *out =
        (struct slice_list){.items = arena_alloc(&own->arena, (room + 1) * sizeof(struct slice))};
    struct slice *some = arena_alloc(&own->arena, (room + 1) * sizeof(*some));
    for (uint32_t m = 0; m <= mappings; m++)
        for (uint32_t f = 0; f < v->options.fields->count; f++) {
            uint32_t count = names_of(m ? mapping_set_get(set, m) : NULL,
                                      v->options.fields->items[f], &own->arena, some);
            for (uint32_t i = 0; i < count; i++) {
                bool made;
                (void)map_put(&seen, some[i], 0, &made);
                if (made)
                    out->items[out->count++] = some[i];
            }
        }
    map_free(&seen);
}

bool query_values_ask_host(const struct query_values *v)
{
    for (uint32_t i = 0; i < v->options.fields->count; i++)
        if (v->metas[i] == META_HOST)
            return true;
    return false;
}

void query_values_row(struct query_values *v, const struct row *row)
{
    struct map_entry *number = map_find(&v->mapping_numbers, row->context->mapping);
    v->row = row;
    v->mapping = number ? (uint32_t)number->value : 0;
    v->host_known = false;
    v->at_field = UINT32_MAX;
    arena_reset(&v->row_arena);
}

struct slice query_values_host(struct query_values *v)
{
    const uint32_t *rules;
    if (v->host_known || !v->options.set)
        return v->host_known ? v->host : SLICE("");
    if (!v->matcher)
        v->matcher = matcher_open(v->options.set);
    record_reset(&v->record);
    for (uint32_t i = 0; i < v->row->record->count; i++) {
        const struct field *f = &v->row->record->fields[i];
        if (!(f->flags & FIELD_DERIVED))
            (void)!record_add(&v->record, f->name, f->value, (enum value_kind)f->kind, f->flags,
                              NULL);
    }
    (void)matcher_run(v->matcher, &v->record, &rules);
    v->host = arena_copy(&v->row_arena, matcher_host(v->matcher));
    v->host_known = true;
    return v->host;
}

static struct slice time_text(struct query_values *v, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    return arena_copy(&v->row_arena, slice_make(text, clock_text(text, time_ns)));
}

static struct slice meta_text(struct query_values *v, enum value_meta meta)
{
    const struct row_context *c = v->row->context;
    switch (meta) {
    case META_TIME:
        return time_text(v, row_time(v->row));
    case META_RECEIVED:
        return time_text(v, v->row->received_ns);
    case META_ID:
        return arena_printf(&v->row_arena, "%lu:%llu", (unsigned long)v->options.epoch,
                            (unsigned long long)v->row->sequence);
    case META_SOURCE:
        return c->source;
    case META_SYSTEM:
        return c->system;
    case META_UNIT:
        return c->unit;
    case META_PARTITION:
        return c->partition;
    case META_FILE:
        return c->file;
    case META_LINE:
        return arena_printf(&v->row_arena, "%llu", (unsigned long long)v->row->line);
    case META_MAPPING:
        return c->mapping;
    case META_HOST:
        return query_values_host(v);
    case META_REGISTERED:
        return c->host;
    case META_SENDER:
        return c->sender;
    case META_DRILL:
        return c->flags & ROW_DRILL ? SLICE("true") : SLICE("");
    case META_NONE:
        break;
    }
    return SLICE("");
}

static bool has_text(const struct field *f)
{
    return f->kind == VALUE_STRING || f->kind == VALUE_NUMBER || f->kind == VALUE_BOOL;
}

struct slice query_values_get(struct query_values *v, uint32_t field, uint32_t nth)
{
    struct slice none = {0};
    if (v->metas[field] != META_NONE) {
        struct slice text = nth == 0 ? meta_text(v, v->metas[field]) : none;
        return text.len ? text : none;
    }
    const struct value_names *names = names_get(v, field);
    struct record *record = v->row->record;
    bool goes_on = v->at_field == field && v->at_nth + 1 == nth;
    if (!goes_on)
        v->at_name = v->at_record = 0;
    uint32_t left = goes_on ? 0 : nth;
    for (; v->at_name < names->count; v->at_name++, v->at_record = 0)
        while (v->at_record < record->count) {
            struct field *f = &record->fields[v->at_record++];
            if (f->name_hash != names->hashes[v->at_name] || !has_text(f) ||
                !slice_equal(f->name, names->items[v->at_name]) || left-- > 0)
                continue;
            v->at_field = field;
            v->at_nth = nth;
            struct slice text = record_text(record, f);
            return text.len ? text : SLICE("");
        }
    v->at_field = UINT32_MAX;
    return none;
}
