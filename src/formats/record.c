#include "formats/record.h"

#include "base/mem.h"
#include "formats/json.h"

enum { RECORD_FIELDS_FIRST = 128 };

int record_grow(struct record *r, struct err *err)
{
    if (r->count >= RECORD_FIELDS_MAX)
        return err_set(err, ERR_LIMIT, "The record has more than %d fields, which is not read.",
                       RECORD_FIELDS_MAX);
    uint32_t capacity = r->capacity ? r->capacity * 2 : RECORD_FIELDS_FIRST;
    if (capacity > RECORD_FIELDS_MAX)
        capacity = RECORD_FIELDS_MAX;
    r->fields = mem_resize(r->fields, capacity, sizeof(*r->fields));
    r->capacity = capacity;
    return ERR_OK;
}

struct slice record_text(struct record *r, struct field *f)
{
    if (f->flags & FIELD_ESCAPED) {
        char *text = arena_bytes(&r->arena, f->value.len);
        f->value = slice_make(text, json_unescape(text, f->value));
        f->flags &= (uint8_t)~FIELD_ESCAPED;
    }
    return f->value;
}

struct field *record_find(struct record *r, struct slice name)
{
    uint32_t hash = field_name_hash(name);
    for (uint32_t i = 0; i < r->count; i++)
        if (r->fields[i].name_hash == hash && slice_equal(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

void record_reset(struct record *r)
{
    r->count = 0;
    arena_reset(&r->arena);
}

void record_free(struct record *r)
{
    mem_free(r->fields);
    arena_free(&r->arena);
    *r = (struct record){0};
}
