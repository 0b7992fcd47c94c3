/* Correlation: several findings over time make one (Sigma correlation rules 2.1.0).
 *
 * One ordered stage: inputs come in journal (input) order from one thread; windows compare event
 * times; a late input is inserted at its place when it is at most CORRELATE_LATE_MAX_NS behind the
 * newest of its group, and counted as late beyond that. Amortised O(1) an input for counts,
 * distinct counts, sums and averages; percentiles by an ordered multiset in O(log n) (docs/sigma.md
 * says how windows are judged). Limits: CORRELATE_ENTRIES_MAX window entries and
 * CORRELATE_GROUPS_MAX groups over all rules, the stalest groups go first and are counted (the
 * result then says that a cap was reached); CORRELATE_VALUE_BYTES_MAX bytes of a group's value are
 * kept to be shown and to be passed on to a correlation of correlations. Threads: one. Ownership:
 * copies what it keeps. */
#pragma once
#include "base/clock.h"
#include "detection/rule.h"
#include "detection/window.h"

#define CORRELATE_LATE_MAX_NS WINDOW_LATE_MAX_NS
enum {
    CORRELATE_ENTRIES_MAX = 1000000,
    CORRELATE_GROUPS_MAX = 250000,
    CORRELATE_EVENTS_SHOWN_MAX = 100,
    CORRELATE_VALUE_BYTES_MAX = 256
};

/* Where an event is, for findings. An entry that is itself a correlation's finding shows the place
 * of that finding's newest event. */
struct event_place {
    uint32_t file; /* the caller's number */
    uint64_t line;
    int64_t time_ns;
    uint64_t sequence; /* the stored event's number; 0: it is not stored */
};

struct correlate_plan; /* immutable: which rules feed which correlations, with which fields */

/* rules: the checked list; an input's rule is its index in it. Borrows the rules, not the list.
 * ERR_NOT_FOUND: a reference to a rule that is not there; ERR_LIMIT: a circle, or a chain of more
 * than RULE_CHAIN_MAX; ERR_SYNTAX: no timespan, rules or field. */
MUST_CHECK int correlate_plan_open(struct correlate_plan **out, const struct rule_list *rules,
                                   struct err *err);
void correlate_plan_close(struct correlate_plan **plan);
/* The Sigma field names an input of this rule must carry values for; 0 and *is_input false when no
 * correlation refers to the rule, and for correlations: these are passed on inside. Borrowed. */
uint32_t correlate_plan_fields(const struct correlate_plan *plan, uint32_t rule,
                               const struct slice **fields, bool *is_input);
/* Whether the rule's own findings are shown (not when a correlation refers to it without generate).
 */
bool correlate_plan_shows(const struct correlate_plan *plan, uint32_t rule);
int64_t correlate_plan_longest_ns(const struct correlate_plan *plan); /* longest timespan */

struct correlate_input {
    uint32_t rule;
    struct event_place place;   /* time_ns CLOCK_NONE: no time known, counted and not correlated */
    const struct slice *values; /* by correlate_plan_fields; data NULL: missing */
};

struct correlate_finding {
    uint32_t rule; /* the correlation's index in the rule list */
    int64_t time_ns;
    const struct event_place
        *events;          /* oldest first, at most CORRELATE_EVENTS_SHOWN_MAX, the newest */
    uint32_t event_count; /* of them */
    uint64_t event_total; /* in the window */
    const struct slice *group_names, *group_values;
    uint32_t group_count;
    double value; /* what was compared: count, sum ... */
    bool capped;  /* a named cap was reached: the figure may be low */
};
typedef void correlate_emit(void *context, const struct correlate_finding *finding);

struct correlator;
struct correlator *correlator_open(const struct correlate_plan *plan); /* borrows plan */
/* Other caps than the named ones, before the first input. */
void correlator_limit(struct correlator *c, uint64_t entries_max, uint64_t groups_max);
void correlator_close(struct correlator **c);
/* emit is called inside, for each correlation that becomes true (and for chains, in order), unless
 * another correlation takes it in without `generate`. A group fires once for a run of inputs that
 * keep it true, again when a timespan has passed or after it was false (docs/sigma.md). What emit
 * is given is good until it returns; it may not call the correlator. */
void correlate_feed(struct correlator *c, const struct correlate_input *input, correlate_emit *emit,
                    void *context);
/* Event time has reached now_ns in every source: judges what becomes true by time passing (lt, lte,
 * neq windows that closed). Also called once at the end of input with INT64_MAX. */
void correlate_tick(struct correlator *c, int64_t now_ns, correlate_emit *emit, void *context);

struct correlate_stats {
    uint64_t inputs;          /* fed from outside */
    uint64_t late;            /* too late for their group's window */
    uint64_t without_time;    /* not correlated: no time known */
    uint64_t without_group;   /* not correlated by a rule: a group-by field is missing */
    uint64_t without_value;   /* not correlated by a rule: the value is missing or no number */
    uint64_t evicted_entries; /* lost to the caps */
    uint64_t entries, groups; /* held now */
};
void correlate_stats(const struct correlator *c, struct correlate_stats *out);
