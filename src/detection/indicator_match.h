/* Indicator matching of whole events: a record in, hits out.
 *
 * Looked at are the values that were received (not derived ones) of kind string. An ip:port is
 * found as one value, or as an address and, in another field of the same record whose name holds
 * "port", its port. Limits: INDICATOR_HITS_MAX hits an event (overflow says that there were more),
 * INDICATOR_PORTS_MAX ports an event. Threads: a matcher belongs to one thread, its table may be
 * shared. Ownership: borrows the table. */
#pragma once
#include "detection/indicator.h"
#include "formats/record.h"

enum { INDICATOR_HITS_MAX = 64, INDICATOR_PORTS_MAX = 16 };

struct indicator_match {
    uint64_t number;    /* of the indicator in the table */
    uint32_t field;     /* index in the record */
    struct slice name;  /* of the field, as received */
    struct slice value; /* of the field, unescaped; lives as long as the record */
    enum sight_kind kind;
};

struct indicator_matches { /* each indicator once, at the first field that shows it */
    struct indicator_match items[INDICATOR_HITS_MAX];
    uint32_t count;
    bool overflow;
};

struct indicator_matcher;
struct indicator_matcher *indicator_matcher_open(const struct indicator_table *table);
void indicator_matcher_close(struct indicator_matcher **m);
/* Unescapes values of the record where it must. time_ns: the event's (CLOCK_NONE: indicators of any
 * time). The result is good until the next call. */
const struct indicator_matches *indicator_matcher_run(struct indicator_matcher *m,
                                                      struct record *record, int64_t time_ns);
