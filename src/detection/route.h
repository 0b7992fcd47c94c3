/* Route: what of a rule set concerns one kind of log source under one mapping: the rules that its
 * events do not contradict, and their witnesses indexed by received field name. The index of the
 * witnesses (the core) depends on the rules only and is shared. Threads: immutable
 * once made. Ownership: the rule set's. */
#pragma once
#include "detection/compile.h"

struct route_term {
    uint32_t atom;                   /* decided by a hit, or ATOM_NONE */
    uint32_t rule_first, rule_count; /* in route.rules: what becomes a candidate */
    uint32_t target;                 /* whose index it is in */
};

struct route_target {                /* what is looked for in the fields of one name */
    struct field_index *index;       /* NULL: only presence matters */
    uint32_t rule_first, rule_count; /* candidates by presence alone */
};

/* What a set of rules looks for, by slot: shared by all mappings under which these rules are tried.
 */
struct route_core {
    struct arena arena;
    uint32_t number; /* in ruleset.cores */
    struct route_term *terms;
    uint32_t term_count;
    uint32_t *rules;              /* rule indexes that terms and targets point into */
    struct route_target *targets; /* from 1; 0: keywords */
    uint32_t target_count;
    uint32_t *target_of_slot; /* 0: none */
    bool has_keywords;
    uint32_t *always;
    uint32_t always_count;
    uint64_t *atom_decided; /* bit an atom: the index tells its truth, absent hit means false */
};

struct route {
    struct arena arena;
    const struct route_core *core;
    const struct name_list *slot_names; /* by slot */
    uint16_t *target_of_name;           /* by name's number: 0 none, else first in target_lists */
    uint16_t *target_lists;             /* target numbers from 1, each list ended by 0 */
    bool check_source; /* more log sources than routes: each rule is checked when it comes up */
};

/* The route of a source; made on first sight. */
const struct route *route_get(struct ruleset *set, const struct mapping *mapping,
                              const struct event_source *source);
void route_close(struct route **route);
void route_core_close(struct route_core **core);
/* Once, when the rule set is made: sorts its terms; without routing also makes the one core. */
void route_prepare(struct ruleset *set);
/* The core of these rules (bits by number; NULL: all) under the names of all mappings at once: what
 * any event could have. Made on first sight. */
const struct route *route_union(struct ruleset *set, const uint64_t *rules);

static inline bool route_decides(const struct route *route, uint32_t atom)
{
    return route->core->atom_decided[atom / 64] >> (atom % 64) & 1;
}
