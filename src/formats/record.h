/* Record: one log record as its format's reader saw it: a flat list of (name, value).
 *
 * Nested values are flattened: {"a":{"b":1}} gives a.b = 1; each member of an array gives one field
 * of the array's name; objects and arrays also give one VALUE_OBJECT field with their text, so that
 * their presence is known. Names and values are exact: number lexemes are kept, JSON strings stay
 * escaped (FIELD_ESCAPED) until somebody asks for their text.
 * Limits: RECORD_FIELDS_MAX fields, RECORD_NAME_BYTES_MAX a name; past them the record is refused
 * (ERR_LIMIT). Threads: a record belongs to one thread. Ownership: names and values borrow from the
 * input text or from the record's arena: both live until record_reset. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

enum { RECORD_FIELDS_MAX = 16384, RECORD_NAME_BYTES_MAX = 4096 };
/* A longer record is refused by the splitter, and what follows it is read on. */
#define RECORD_BYTES_MAX ((size_t)16 << 20)

enum value_kind {
    VALUE_STRING,
    VALUE_NUMBER, /* value: the exact lexeme */
    VALUE_BOOL,   /* value: true or false */
    VALUE_NULL,   /* value: empty */
    VALUE_OBJECT  /* value: the text of a nested object or array; matches nothing but `exists` */
};

enum field_flag {
    FIELD_ESCAPED = 1, /* value is the inside of a JSON string with escapes: use record_text */
    FIELD_NESTED = 2,  /* name is made of nested keys: a flat key of that name goes first */
    FIELD_DERIVED = 4  /* made by Canh from other fields; keywords do not look at it */
};

struct field {
    struct slice name, value;
    uint32_t name_hash; /* field_name_hash(name) */
    uint8_t kind;       /* enum value_kind */
    uint8_t flags;      /* enum field_flag */
};

struct record {
    struct field *fields;
    uint32_t count, capacity;
    struct arena arena;
};

/* Two loads and two multiplications: names are short and come by the dozen with each event. Not
 * seeded: the tables it is used with compare the name itself and are capped. */
static inline uint32_t field_name_hash(struct slice name)
{
    uint64_t head = 0, tail = 0;
    if (name.len >= 8) {
        memcpy(&head, name.data, 8);
        memcpy(&tail, name.data + name.len - 8, 8);
    } else if (name.len >= 4) {
        uint32_t h, t;
        memcpy(&h, name.data, 4);
        memcpy(&t, name.data + name.len - 4, 4);
        head = h;
        tail = t;
    } else if (name.len > 0) {
        head = (uint64_t)(unsigned char)name.data[0] |
               (uint64_t)(unsigned char)name.data[name.len / 2] << 8 |
               (uint64_t)(unsigned char)name.data[name.len - 1] << 16;
    }
    uint64_t mixed = (head ^ (name.len * 0x9e3779b97f4a7c15ull)) * 0xbf58476d1ce4e5b9ull;
    mixed = ((mixed ^ mixed >> 31) + tail) * 0x94d049bb133111ebull;
    return (uint32_t)(mixed >> 32);
}

int record_grow(struct record *r, struct err *err);

/* Adds a field. ERR_LIMIT past RECORD_FIELDS_MAX; the fields before stay. */
MUST_CHECK static inline int record_add(struct record *r, struct slice name, struct slice value,
                                        enum value_kind kind, unsigned flags, struct err *err)
{
    if (__builtin_expect(r->count == r->capacity, 0)) {
        int rc = record_grow(r, err);
        if (rc)
            return rc;
    }
    r->fields[r->count++] = (struct field){.name = name,
                                           .value = value,
                                           .name_hash = field_name_hash(name),
                                           .kind = (uint8_t)kind,
                                           .flags = (uint8_t)flags};
    return ERR_OK;
}

/* The value as text: unescapes a FIELD_ESCAPED value once (into the arena, clearing the flag). */
struct slice record_text(struct record *r, struct field *f);
/* The first field of that name, or NULL. Linear: for readers' own tests and rare use. */
struct field *record_find(struct record *r, struct slice name);
void record_reset(struct record *r); /* forgets fields and arena contents, keeps the memory */
void record_free(struct record *r);
