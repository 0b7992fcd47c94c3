/* Row judge: one stored row held against a rule set, as every search does it: what was received,
 * under today's mappings (what an earlier one derived is left out), and what the row itself tells
 * as meta fields (docs/query.md).
 *
 * Threads: one. Ownership: borrows the rule set; what is given out lives until the next run. */
#pragma once
#include "detection/match.h"
#include "store/row.h"

struct row_judge_options {
    struct ruleset *rules;
    uint32_t epoch; /* of the store: half of `_id` */
    bool meta;      /* the rules ask for `_time`, `_source` ... */
    bool host;      /* the rules ask for `_host` */
};

struct row_judge;
struct row_judge *row_judge_open(const struct row_judge_options *options);
void row_judge_close(struct row_judge **judge);
/* The rules that the row satisfies, ascending. configured: of row_judge_logsource. */
uint32_t row_judge_run(struct row_judge *judge, const struct row *row,
                       const struct logsource *configured, const uint32_t **rules);
/* `windows//sysmon` (row_context.configured): one for each distinct text, the judge's; NULL for
 * none. */
const struct logsource *row_judge_logsource(struct row_judge *judge, struct slice configured);
struct matcher *row_judge_matcher(struct row_judge *judge); /* of the newest row */

/* The texts of a context that rules may ask for as `_source` and the like. */
enum { ROW_JUDGE_TEXTS = 9 };
struct row_judge_text {
    struct slice name, value;
};
void row_judge_texts(const struct row_context *c, struct row_judge_text out[ROW_JUDGE_TEXTS]);
