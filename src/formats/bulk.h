/* Bulk: the body of an Elasticsearch _bulk request as its items, in the order of the body.
 *
 * A line that says what to do ({"create":{"_index":"logs","_id":"7"}}) is followed by the line of
 * the event. Only create and index are taken; a bad item is given out with a reason and costs only
 * itself: an action line that is none takes the line behind it along unless that is an action line,
 * and an action line in the place of an event means that the event is missing. Empty lines, CR LF
 * and a missing last line end are fine.
 * Limits: BULK_ACTION_BYTES_MAX an action line, BULK_ID_BYTES_MAX an id, BULK_INDEX_BYTES_MAX an
 * index name, RECORD_BYTES_MAX an event's line. Time is in proportion to the body. Threads: a
 * reader belongs to one. Ownership: texts borrow from the body or from the arena; type and reason
 * are constants or the arena's. */
#pragma once
#include "formats/record.h"

enum { BULK_ACTION_BYTES_MAX = 64 << 10, BULK_ID_BYTES_MAX = 512, BULK_INDEX_BYTES_MAX = 255 };

enum bulk_action {
    BULK_CREATE,
    BULK_INDEX,
    BULK_UPDATE, /* always bad */
    BULK_DELETE, /* always bad */
    BULK_NONE    /* always bad: the action line is none */
};

struct bulk_item {
    enum bulk_action action;
    uint64_t line;       /* 1-based, of the action line */
    struct slice index;  /* empty: not said */
    struct slice id;     /* empty: not said */
    struct slice source; /* the event's line without its end; empty in a bad item */
    const char *type;    /* Elasticsearch's name of the error (status 400); NULL: a good item */
    const char *reason;  /* a sentence; NULL: a good item */
};

struct bulk_reader {
    struct slice rest;
    uint64_t line;
    struct arena *arena;
};

void bulk_open(struct bulk_reader *r, struct slice body, struct arena *arena);
bool bulk_next(struct bulk_reader *r, struct bulk_item *item); /* false: the body is at its end */
const char *bulk_action_name(enum bulk_action action); /* as answers echo it; none: "index" */
