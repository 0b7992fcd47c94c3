/* Matcher: one thread's use of a rule set: a record in, the rules that it satisfies out.
 *
 * No allocation per event but in arenas that are reset. Threads: one matcher a thread, all share
 * the rule set. Ownership: what is given out lives until the next matcher_run. */
#pragma once
#include "detection/event.h"
#include "detection/rule_burden.h"
#include "detection/ruleset.h"

enum { MATCHED_FIELDS_MAX = 32 };

struct matcher;
struct matcher *matcher_open(struct ruleset *set);
void matcher_close(struct matcher **m);

/* Binds, maps and judges the record (derived fields are added to it). Returns how many rules it
 * satisfies and their numbers, ascending. */
uint32_t matcher_run(struct matcher *m, struct record *record, const uint32_t **rules);

/* Of the newest record: */

struct matched_field {
    struct slice name;  /* as the rule names it; keywords: as received */
    struct slice value; /* as received, unescaped */
};
/* The fields that made the rule hold. Returns how many (at most MATCHED_FIELDS_MAX). */
uint32_t matcher_matched(struct matcher *m, uint32_t rule,
                         struct matched_field out[MATCHED_FIELDS_MAX]);
int64_t matcher_time(struct matcher *m, int64_t near_ns); /* CLOCK_NONE: unknown */
struct slice matcher_host(struct matcher *m);
/* First value of a Sigma field; data NULL: missing. */
struct slice matcher_value(struct matcher *m, struct slice field);
const struct mapping *matcher_mapping(const struct matcher *m);
/* Whether the record is itself another detector's finding, and what that one says (mapping_found).
 */
MUST_CHECK bool matcher_found(struct matcher *m, struct mapping_found *out);
/* From the next record on: the log source configured for their source, in place of the rule set's
 * (NULL: that one). Borrowed until changed; one address means one log source for good. */
void matcher_configure(struct matcher *m, const struct logsource *source);
void matcher_source(struct matcher *m, struct event_source *out);
/* From the next record on, counts what each rule takes and passes over what is suspended. Borrows a
 * burden for as many rules as the set has; NULL: none. */
void matcher_watch(struct matcher *m, struct rule_burden *burden);

/* The rule's condition as a tree, each line with what it found (explain.c). */
void matcher_explain(struct matcher *m, uint32_t rule, struct buf *out);

struct matcher_stats {
    uint64_t events, candidates, regex_limits;
};
void matcher_count(const struct matcher *m, struct matcher_stats *out);
