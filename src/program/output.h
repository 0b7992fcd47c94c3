/* Output: findings as lines of JSON or CSV, as a table for a terminal, or as one HTML page.
 *
 * The JSON form is docs/finding.schema.json. What a rule says is rendered once when the output is
 * opened, so that a finding costs a few copies.
 * The steps: output_begin once; output_finding for each finding, on any thread, into that thread's
 * buf; output_pass for each filled buf, on one thread and in order, just before its contents are
 * written out; output_end once. The page keeps its findings in output_pass and is written by
 * output_end. Limits: OUTPUT_HTML_FINDINGS_MAX findings and OUTPUT_HTML_BYTES_MAX of them are shown
 * by the page (it counts all and says how many it left out); OUTPUT_MATCHED_MAX fields a finding;
 * FINDING_VALUE_BYTES_MAX of a value, after which it is cut and the finding says so.
 * Threads: as above. Ownership: borrows the rules; copies what it keeps of a finding. */
#pragma once
#include "base/clock.h"
#include "detection/indicator.h"
#include "detection/rule.h"
#include "watch/finding.h"

enum {
    OUTPUT_HTML_FINDINGS_MAX = 20000,
    OUTPUT_HTML_OF_RULE_MAX = 500, /* of one rule, so that a noisy one leaves room for the others */
    OUTPUT_MATCHED_MAX = 256
};
#define OUTPUT_HTML_BYTES_MAX ((size_t)64 << 20)

enum output_kind { OUTPUT_NDJSON, OUTPUT_CSV, OUTPUT_TABLE, OUTPUT_HTML };

struct output_options {
    enum output_kind kind;
    bool vietnamese;               /* headings, and titles where the rule has one */
    bool colour;                   /* table: levels in colour */
    uint32_t columns;              /* table: width to fit into; 0: rows are not cut */
    const struct clock_zone *zone; /* table and page: of the times shown; NULL: UTC. Borrowed */
    int64_t now_ns;                /* page: when it was made; CLOCK_NONE: not said */
    uint32_t epoch;                /* NDJSON: of the store whose numbers places carry */
};

/* kind, colour and columns as fits what fd is: name auto gives a table on a terminal and NDJSON
 * elsewhere; colours only on a terminal and without NO_COLOR. name is auto, table, ndjson, csv or
 * html: ERR_USAGE otherwise. Leaves the other members as they are. */
MUST_CHECK int output_options_set(struct output_options *options, const char *name, int fd,
                                  struct err *err);

struct output;
/* Whether findings are shown with their host: finding it out is not free. */
bool output_shows_host(const struct output *o);
struct output *output_open(const struct output_options *options, const struct rule_list *rules);
void output_close(struct output **o);
void output_begin(const struct output *o, struct buf *out); /* heading of CSV and table */
void output_finding(const struct output *o, const struct finding *f, struct buf *out);
/* What is left in out is to be written. */
void output_pass(struct output *o, struct buf *out);
void output_end(struct output *o, struct buf *out);

/* As people read it; and what colours it on a terminal. */
const char *output_level_text(enum rule_level level, bool vietnamese);
const char *output_level_colour(enum rule_level level);
