/* The inside of a rule set, shared by compile.c, witness.c, route.c, match.c and explain.c only. */
#pragma once
#include <pthread.h>

#include "base/map.h"
#include "detection/field_index.h"
#include "detection/ruleset.h"

#define ATOM_NONE UINT32_MAX

struct atom {
    uint8_t kind;  /* the predicate's, here for the hot path */
    bool is_plain; /* EQUALS, STARTSWITH, ENDSWITH, CONTAINS on the folded value of a field */
    uint32_t slot;
    struct slice text; /* the predicate's */
    const struct predicate *predicate;
    struct regex *regex; /* REGEX */
    uint32_t other_slot; /* FIELDREF */
    uint32_t uses;       /* rules that ask it */
    uint32_t cost;       /* of testing it, in no unit */
    /* What to look for in an index instead, when the atom itself cannot stand there: literals of
     * which one is in every text that satisfies it. */
    struct slice *required;
    uint32_t required_count;
};

enum node_kind { NODE_ATOM, NODE_NOT, NODE_AND, NODE_OR };

struct node {
    uint8_t kind;
    uint32_t arg;   /* ATOM: the atom; else: its first child in ruleset.nodes */
    uint32_t count; /* children */
    uint32_t cost;
};

/* One way to see that a rule may hold. */
enum witness_kind { WITNESS_TERM, WITNESS_PRESENT };

struct witness {
    enum witness_kind kind;
    uint32_t slot;
    uint32_t atom; /* the atom that a hit decides, or ATOM_NONE: it only raises suspicion */
    enum predicate_kind term; /* TERM: EQUALS, STARTSWITH, ENDSWITH, CONTAINS, NUMBER */
    struct slice text;
};

/* One witness with the rule that it speaks for; sorting brings equal terms together. RULE_NONE: the
 * term is only there to decide its atom. */
struct pending {
    const struct witness *witness;
    uint32_t rule;
};

#define RULE_NONE    UINT32_MAX
#define RULE_CLOSELY (UINT32_MAX - 1) /* the same, for cores that decide substrings, too */

struct program {
    uint32_t root; /* node; UINT32_MAX: no detection rule */
    struct witness *witnesses;
    uint32_t witness_count; /* 0: evaluated on every event */
    bool holds_of_nothing;  /* for an event without any field */
};

struct slot {
    struct slice field; /* Sigma name; slot 0: keywords, without one */
    uint16_t name;
};

struct name_list {
    uint16_t *names;
    uint32_t count;
};

struct route_core;

struct ruleset {
    struct arena arena;
    struct ruleset_options options;
    const struct rule_list *rules;
    struct mapping_set *mappings;
    struct name_table *names;
    struct slot *slots;
    uint32_t slot_count, slot_capacity;
    struct map slot_of_field;
    struct name_list *source_names; /* by mapping index: fields that decide the log source */
    struct name_list *
        *slot_names; /* [mapping index, 0 for none][slot]: received names that stand for it */
    struct atom *atoms;
    uint32_t atom_count, atom_capacity;
    struct node *nodes;
    uint32_t node_count, node_capacity;
    struct program *programs; /* by rule index */
    struct rule_list filters; /* those of rules */
    uint8_t *common_grams;    /* witness.c: bitmap of the 4-grams of common texts */
    uint32_t always_count;

    pthread_mutex_t route_lock;
    struct map routes;         /* by mapping and source, value: struct route * */
    struct map cores_by_rules; /* by rule bits, value: struct route_core * */
    struct map routes_by_core; /* by core and mapping, value: struct route * */
    struct pending *pending;   /* route.c: all terms of all rules, sorted */
    uint32_t pending_count;
    struct route_core **cores;
    struct name_list *union_names;  /* by slot: names under any mapping; NULL: not made yet */
    struct route_core *core_of_all; /* every rule */
    uint32_t core_count;
};

/* The slot of a Sigma field name, made when new; keyword: 0. */
uint32_t ruleset_slot(struct ruleset *set, struct slice field);
/* Once, before witness_choose. */
void witness_prepare(struct ruleset *set);
/* Fills program->witnesses from its nodes (witness.c). */
void witness_choose(struct ruleset *set, struct program *program);
/* Whether what is known of an event's source contradicts the rule's log source. */
bool source_contradicts(const struct event_source *source, const struct logsource *rule);
/* Whether a rule is not for events of this source: it contradicts; or the rule holds for an event
 * that has nothing in it (it asks only for what is absent), and the source is not known to be its
 * own: else it would hold for whatever nobody knows. */
bool source_rules_out(const struct ruleset *set, const struct event_source *source, uint32_t rule);
