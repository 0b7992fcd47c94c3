/* Rule set: rules and mappings compiled into one immutable thing that any number of threads match
 * with.
 *
 * Compiling makes three things (compile.h has the tables): atoms, each distinct question once over
 * all rules; a program a rule, its condition over atoms; and a witness a rule, a few cheap atoms of
 * which one must hold whenever the rule does. A route (route.h) is what is left for one kind of log
 * source: its rules' witnesses, indexed by field, so that one look at each value tells which few
 * rules to evaluate.
 *
 * Limits: RULESET_ROUTES_MAX routes, further log sources share the route of all rules, each rule
 * checked as it comes. Threads: immutable but for the routes, which are made on first sight under a
 * lock. Ownership: borrows rules and mappings, which must outlive it. DESIGN section 5. */
#pragma once
#include "detection/mapping.h"
#include "detection/rule.h"

enum { RULESET_ROUTES_MAX = 128 };

struct ruleset;

struct ruleset_options {
    bool routing; /* try a rule only where the log source does not contradict it */
    /* With it: a log source that is not known is the rule's own, also for a rule that asks only for
     * what is absent. */
    bool trusting;
    bool jit;   /* regular expressions to machine code */
    bool plain; /* no witnesses: every rule is evaluated on every event (the tests' twin) */
    const struct logsource *source; /* configured log source of all events, or NULL */
    const struct clock_zone *zone;  /* of times without one; NULL: UTC */
};

/* An empty set of mappings means names as received. Rules that are not detections are passed over
 * (filters are put into the rules they name). A rule's number everywhere is its index in rules. */
MUST_CHECK int ruleset_open(struct ruleset **out, const struct rule_list *rules,
                            struct mapping_set *mappings, const struct ruleset_options *options,
                            struct err *err);
void ruleset_close(struct ruleset **set);

uint32_t ruleset_rule_count(const struct ruleset *set); /* of the list it was made from */

struct ruleset_counts {
    uint32_t rules, atoms, always; /* always: rules without a witness */
    uint32_t routes;
};
void ruleset_count(const struct ruleset *set, struct ruleset_counts *out);
