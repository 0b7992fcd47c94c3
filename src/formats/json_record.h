/* The ways from JSON text to a record: json_parse_record takes the fastest that the processor has.
 * Private to formats/ and to the tests, which hold them against each other. Threads: any. */
#pragma once
#include "formats/json.h"
#include "formats/json_walk.h"

struct json_engine {
    const char *name;
    bool (*usable)(void);  /* on this processor */
    json_index_fill *fill; /* NULL: the portable way */
};

/* From the slowest, which is always usable, to the fastest. */
extern const struct json_engine json_engines[];
extern const size_t json_engine_count;

MUST_CHECK int json_engine_parse(const struct json_engine *engine, struct record *r,
                                 struct slice text, struct err *err);
/* Any processor; gives the exact error. */
MUST_CHECK int json_record_portable(struct record *r, struct slice text, struct err *err);
