/* The open objects and arrays while a JSON text becomes a record, and the names of what is in them:
 * private to the two readers that fill records. Threads: none of its own. Ownership: names borrow
 * from the input or from the record's arena. */
#pragma once
#include "formats/json.h"

struct json_level {
    struct slice name; /* of the object or array; of the top: empty */
    uint32_t field;    /* its VALUE_OBJECT field; the top has none */
    uint8_t flags;     /* of its name */
    bool object;
};

struct json_levels {
    struct json_level open[JSON_DEPTH_MAX + 1]; /* [0] is outside of the top value, [1] the top */
    uint32_t depth;
    /* Name of the next value in the newest level. */
    struct slice name;
    uint8_t name_flags;
};

/* Sets levels->name for the key of a member (the inside of a JSON string) of the newest level. */
MUST_CHECK int json_levels_key(struct json_levels *levels, struct record *r, struct slice key,
                               bool escaped, struct err *err);
/* An object or array that is the next value opens; start is its bracket. Below the top this adds
 * its field, which gets its length when the level closes. The caller has checked JSON_DEPTH_MAX. */
MUST_CHECK int json_levels_open(struct json_levels *levels, struct record *r, const char *start,
                                bool object, struct err *err);
/* The newest level ends, behind is behind its bracket. */
void json_levels_close(struct json_levels *levels, struct record *r, const char *behind);
