/* STIX objects in memory: a JSON document as a tree, in an arena.
 *
 * Limits: named below, and JSON_DEPTH_MAX of formats/json.h. Threads: a tree is immutable once it
 * was parsed. Ownership: the tree is the arena's; texts may point into the parsed text, which has
 * to live as long. */
#pragma once
#include "base/arena.h"

enum { STIX_DOCUMENT_BYTES_MAX = 16 << 20, STIX_DOCUMENT_VALUES_MAX = 1 << 20 };

enum stix_kind {
    STIX_NULL,
    STIX_BOOL,
    STIX_INTEGER,
    STIX_FLOAT,
    STIX_STRING,
    STIX_LIST,
    STIX_OBJECT
};

struct stix_value {
    enum stix_kind kind;
    uint32_t count;   /* of members */
    struct slice key; /* in an object: its name there */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct slice text;
        struct stix_value *members; /* of a list or object: the first, in order */
    } as;
    struct stix_value *next; /* the next member of the same list or object */
};

MUST_CHECK int stix_object_parse(const struct stix_value **out, struct slice text,
                                 struct arena *arena, struct err *err);
/* The member of that name (the first of several), or NULL; also when object is none or NULL. */
const struct stix_value *stix_object_member(const struct stix_value *object, struct slice name);
/* Its text, or the empty slice when it has no such string. */
struct slice stix_object_text(const struct stix_value *object, struct slice name);
