/* The inside of a matcher, shared by match.c and explain.c only. */
#pragma once
#include "detection/match.h"
#include "detection/route.h"

enum { ROUTE_CACHE_SLOTS = 512 };

struct route_cache_slot {
    uint64_t key;
    const struct route *route; /* NULL: free */
};

struct matcher {
    struct ruleset *set;
    struct event event;
    const struct route *route;
    const struct logsource *configured; /* NULL: none */
    struct mapping_scratch *mapping_scratch;
    struct regex_scratch *regex_scratch;
    struct arena folds;
    struct slice *folded; /* by field; data NULL: not yet */
    uint32_t folded_capacity;
    uint32_t generation;   /* 31 bits */
    uint32_t *atom_states; /* generation << 1 | truth */
    uint32_t *rule_seen;   /* generation in which it became a candidate */
    uint32_t *term_seen, *terms;
    uint32_t term_capacity;
    uint32_t *candidates, candidate_count;
    uint32_t *found;
    struct rule_burden *burden; /* NULL: nobody watches */
    struct burden_turn burden_turn;
    struct route_cache_slot route_cache[ROUTE_CACHE_SLOTS];
    struct matcher_stats stats;
};

bool matcher_atom_true(struct matcher *m, uint32_t atom);
/* The index of a field whose value satisfies the atom, or EVENT_NO_FIELD (always for NULL atoms).
 */
uint32_t matcher_atom_field(struct matcher *m, uint32_t atom);
