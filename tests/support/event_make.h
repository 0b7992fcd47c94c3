/* Events made of rules (and, now and then, of indicators: bad.example and 198.51.100.9): for a rule
 * values that its condition asks for, with the fields that tell its log source, as one line of
 * JSON. Regular expressions are not solved: what needs one may not fire. The same seed gives the
 * same lines. Threads: one. Ownership: borrows the rules. */
#pragma once
#include "detection/rule.h"

struct event_make {
    uint64_t state;          /* of the random numbers; not 0 */
    uint64_t overflow_names; /* further fields are named by numbers below this; 0: there are none */
    bool misses;             /* one of the fields that the rule asks for is left out */
    struct arena arena;
};
uint64_t event_make_random(struct event_make *m, uint64_t below);
/* Appends an event of time_ns (CLOCK_NONE: without a time) and a newline. */
void event_make_line(struct event_make *m, const struct rule *rule, int64_t time_ns,
                     struct buf *out);
void event_make_free(struct event_make *m);
