/* The open objects and arrays while a JSON text becomes a record, and the names of what is in them:
 * private to the two readers that fill records. Threads: none of its own. Ownership: names borrow
 * from the input or from the record's arena. */
#pragma once
#include "formats/json.h"

/* Prefixes and keys up to here are copied as a block of that size. */
enum { JSON_SHORT_BYTES = 32 };

struct json_level {
    struct slice name;   /* of the object or array; of the top: empty */
    uint32_t field;      /* its VALUE_OBJECT field; the top has none */
    uint32_t prefix_len; /* of what goes before its members' keys */
    uint8_t flags;       /* of its name */
    bool object;
    char prefix[JSON_SHORT_BYTES]; /* when it is that short */
};

struct json_levels {
    struct json_level open[JSON_DEPTH_MAX + 1]; /* [0] is outside of the top value, [1] the top */
    uint32_t depth;
    const char *end; /* of the text */
    /* Name of the next value in the newest level. */
    struct slice name;
    uint8_t name_flags;
};

/* Nothing is open yet; name is that of a top value which is no object. */
void json_levels_start(struct json_levels *levels, struct slice text, struct slice name);
/* json_levels_key for names of any length. */
MUST_CHECK int json_levels_key_any(struct json_levels *levels, struct record *r, struct slice key,
                                   bool escaped, struct err *err);

/* Sets levels->name for the key of a member (the inside of a JSON string in the text) of the newest
 * level. */
MUST_CHECK static inline int json_levels_key(struct json_levels *levels, struct record *r,
                                             struct slice key, bool escaped, struct err *err)
{
    const struct json_level *level = &levels->open[levels->depth];
    if (escaped || key.len > JSON_SHORT_BYTES || level->prefix_len > JSON_SHORT_BYTES ||
        levels->end - key.data < JSON_SHORT_BYTES)
        return json_levels_key_any(levels, r, key, escaped, err);
    levels->name_flags = 0;
    levels->name = key;
    if (level->prefix_len) {
        char *name = arena_bytes(&r->arena, 2 * JSON_SHORT_BYTES);
        memcpy(name, level->prefix, JSON_SHORT_BYTES);
        memcpy(name + level->prefix_len, key.data, JSON_SHORT_BYTES);
        levels->name_flags = FIELD_NESTED;
        levels->name = slice_make(name, level->prefix_len + key.len);
    }
    return ERR_OK;
}

/* An object or array that is the next value opens; start is its bracket. Below the top this adds
 * its field, which gets its length when the level closes. The caller has checked JSON_DEPTH_MAX. */
MUST_CHECK int json_levels_open(struct json_levels *levels, struct record *r, const char *start,
                                bool object, struct err *err);
/* The newest level ends, behind is behind its bracket. */
void json_levels_close(struct json_levels *levels, struct record *r, const char *behind);
