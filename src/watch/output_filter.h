/* Output filter: which rows an output is given: a filter of the query language, judged by what
 * judges searches.
 *
 * An output follows what comes, so its filter has no span of time and no pipe. Limits: those of
 * query.h. Threads: made on one, used by one. Ownership: copies the text. */
#pragma once
#include "store/row.h"

/* ERR_USAGE with a sentence: no query, or one with `_time`, `_received` or a pipe. Empty: all. */
MUST_CHECK int output_filter_check(struct slice text, struct err *err);

struct output_filter_options {
    struct slice text;
    const char *mappings; /* as of detector_load_mappings */
    const char *timezone; /* NULL: UTC */
    uint32_t epoch;       /* of the store */
};
struct output_filter;
/* *out NULL: the text is empty, every row holds. */
MUST_CHECK int output_filter_open(struct output_filter **out,
                                  const struct output_filter_options *options, struct err *err);
void output_filter_close(struct output_filter **filter);
bool output_filter_holds(struct output_filter *filter, const struct row *row);
