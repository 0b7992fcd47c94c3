/* Correlation: several findings over time make one (Sigma correlation rules 2.1.0).
 *
 * One ordered stage: inputs come in journal (input) order from one thread; windows compare event
 * times; a late input is inserted at its place when it is at most CORRELATE_LATE_MAX_NS behind the
 * newest of its group, and counted as late beyond that. Amortised O(1) an input for counts, distinct counts,
 * sums and averages; percentiles by an ordered multiset (docs/sigma.md says the method).
 * Limits: CORRELATE_ENTRIES_MAX window entries over all rules, the stalest groups go first and are
 * counted (the result then says that a cap was reached). Ownership: copies what it keeps. */
#pragma once
#include "base/clock.h"
#include "detection/rule.h"

#define CORRELATE_LATE_MAX_NS (600ll * CLOCK_SECOND_NS)
enum { CORRELATE_ENTRIES_MAX = 1000000, CORRELATE_EVENTS_SHOWN_MAX = 100 };

/* Where an event is, for findings. */
struct event_place {
    uint32_t file; /* the caller's number */
    uint64_t line;
    int64_t time_ns;
};

struct correlate_plan; /* immutable: which rules feed which correlations, with which fields */

/* rules: the checked list; an input's rule is its index in it. */
MUST_CHECK int correlate_plan_open(struct correlate_plan **out, const struct rule_list *rules,
                                   struct err *err);
void correlate_plan_close(struct correlate_plan **plan);
/* The Sigma field names an input of this rule must carry values for; 0 and *is_input false when no
 * correlation refers to the rule. Borrowed. */
uint32_t correlate_plan_fields(const struct correlate_plan *plan, uint32_t rule,
                               const struct slice **fields, bool *is_input);
/* Whether the rule's own findings are shown (not when a correlation refers to it without generate). */
bool correlate_plan_shows(const struct correlate_plan *plan, uint32_t rule);
int64_t correlate_plan_longest_ns(const struct correlate_plan *plan); /* longest timespan */

struct correlate_input {
    uint32_t rule;
    struct event_place place;    /* time_ns CLOCK_NONE: no time known, counted and not correlated */
    const struct slice *values;  /* by correlate_plan_fields; data NULL: missing */
};

struct correlate_finding {
    uint32_t rule; /* the correlation's index in the rule list */
    int64_t time_ns;
    const struct event_place *events; /* oldest first, at most CORRELATE_EVENTS_SHOWN_MAX, the newest */
    uint32_t event_count;             /* of them */
    uint64_t event_total;             /* in the window */
    const struct slice *group_names, *group_values;
    uint32_t group_count;
    double value; /* what was compared: count, sum ... */
    bool capped;  /* a named cap was reached: the figure may be low */
};
typedef void correlate_emit(void *context, const struct correlate_finding *finding);

struct correlator;
struct correlator *correlator_open(const struct correlate_plan *plan); /* borrows plan */
void correlator_close(struct correlator **c);
/* emit is called inside, for each correlation that becomes true (and for chains, in order). A group fires
 * once for a run of inputs that keep it true, again after it was false (docs/sigma.md). */
void correlate_feed(struct correlator *c, const struct correlate_input *input, correlate_emit *emit,
                    void *context);
/* Event time has reached now_ns in every source: judges what becomes true by time passing (lt, lte, eq,
 * neq windows that closed). Also called once at the end of input with INT64_MAX. */
void correlate_tick(struct correlator *c, int64_t now_ns, correlate_emit *emit, void *context);

struct correlate_stats {
    uint64_t inputs, late, without_time, without_group, evicted_entries, entries;
};
void correlate_stats(const struct correlator *c, struct correlate_stats *out);
