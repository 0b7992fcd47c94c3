/* Retro: a rule set asked about single values, before anybody puts their events together.
 *
 * Stored events keep each distinct value of a field once. Retro tells, value by value, which rules
 * an event could satisfy because it has this value under this name: the witnesses that live
 * detection looks for (compile.h), under the names of all mappings at once. An event none of whose
 * values raises a rule satisfies none (but those of retro_always); the others are judged by the
 * live matcher, so that history and live detection mean the same. Threads: one a retro; all share
 * the rule set. DESIGN sections 5 and 6. */
#pragma once
#include "detection/ruleset.h"

enum { RETRO_SOURCES_MAX = 62 }; /* log sources told apart at a time */

struct retro;
/* rules: those that matter, as bits by number; NULL: all. Others are never raised. */
struct retro *retro_open(struct ruleset *set, const uint64_t *rules);
void retro_close(struct retro **r);

/* What a name means to the rule set: looked up once a column. */
struct retro_name {
    uint16_t number; /* NAME_NONE: no rule and no mapping asks for it */
    bool asked;      /* its values can raise a rule */
    bool keywords;   /* free text looks at its values */
    uint64_t mask;   /* by retro_weigh: of all rules that its values can tell anything of */
};
/* From here on masks of names are made of these, by rule. */
void retro_weigh(struct retro *r, const uint64_t *rule_masks);
/* derived: made by a mapping, not received. */
void retro_name(const struct retro *r, struct slice name, bool derived, struct retro_name *out);
/* The rules that may hold for an event with this value under this name, each once, until the next
 * call; their number. */
uint32_t retro_value(struct retro *r, const struct retro_name *name, enum value_kind kind,
                     struct slice text, const uint32_t **rules);
/* What the newest retro_value found, to be kept for retro_row_add; good until the next one. */
uint32_t retro_tokens(const struct retro *r, const uint32_t **tokens);

/* A second, closer look at one event, by the tokens of all its values: whether some rule that they
 * raise, and that one of bits allows in masks (by rule), is not contradicted by what the values
 * would have told of its other terms. Only for events whose every value was asked. */
void retro_row_begin(struct retro *r);
/* exact: retro_name_exact of the value's name under the event's mapping. */
void retro_row_add(struct retro *r, const uint32_t *tokens, uint32_t count, bool exact);
bool retro_row_possible(struct retro *r, const uint64_t *masks, uint64_t bits);

/* The index of the mapping of that id, 0: none. */
uint16_t retro_mapping(const struct retro *r, struct slice id);
/* Whether under this mapping the name stands for all that it stands for under any: what its values
 * tell is then certain. */
bool retro_name_exact(const struct retro *r, const struct retro_name *name, uint16_t mapping);

/* The rules that no value tells of. */
const uint32_t *retro_always(const struct retro *r, uint32_t *count);

/* Marks in masks, by rule, the sources (bit by index) whose events the rule's log source does not
 * contradict; without routing all. masks has room for the rules of the set. */
void retro_sources(const struct retro *r, const struct event_source *sources, uint32_t count,
                   uint64_t *masks);
/* The rules that today's mappings may make true by fields they derive anew, out of received fields
 * that has_name says are there: where events were read with other mappings, no value tells of them.
 * Good until the next call. */
typedef bool retro_has_name(void *context, struct slice name);
const uint32_t *retro_derived(struct retro *r, retro_has_name *has_name, void *context,
                              uint32_t *count);
uint32_t retro_rule_count(const struct retro *r);
/* The fingerprint of the mappings that the rule set reads events with. */
uint64_t retro_mapping_set(const struct retro *r);
/* Whether judging can need a field of this name: it is asked by a rule or read by a mapping, or
 * free text looks at every field. */
bool retro_needs(const struct retro *r, struct slice name);

/* What is known of a set of events without looking at their values, by the number of a name. */
struct retro_presence {
    bool (*has_name)(void *context, uint16_t name);
    bool (*has_text)(void *context, uint16_t name, struct slice folded);
    bool (*has_number)(void *context, uint16_t name, double number);
    void *context;
};
/* Whether no event among them can satisfy any rule. */
bool retro_prunes(const struct retro *r, const struct retro_presence *presence);
