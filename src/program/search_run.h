/* Search run: rows of a search, through the query's pipes, to stdout as they come.
 *
 * What was found goes out at once: after SEARCH_RUN_FLUSH_NS at the latest, while the search goes
 * on. On a terminal stderr shows how far it is, and what pipes have counted so far. Limits:
 * SEARCH_RUN_PARTIAL_ROWS of a partial result are shown. Threads: one. Ownership: borrows its
 * options. */
#pragma once
#include "program/output.h"
#include "program/query_run.h"

#define SEARCH_RUN_FLUSH_NS 50000000ull
enum { SEARCH_RUN_PARTIAL_ROWS = 15 };

struct search_run_options {
    struct store *store;
    struct query_run *run; /* its search has order and budgets, too */
    const struct output_options *output;
    uint64_t limit; /* result rows; 0: all */
    bool progress;  /* on stderr, a terminal */
    bool no_heading;
};

struct search_run_result {
    uint64_t rows; /* given out */
    struct store_progress progress;
    uint64_t skipped_values; /* pipe_figures */
    bool capped;
    bool closed;  /* the reader went away */
    bool limited; /* there may be more than `limit` */
    bool stopped; /* the result is of a part: err says why */
};

/* ERR_OK also for a result of a part (stopped). ERR_IO when stdout cannot be written: it was told.
 */
MUST_CHECK int search_run(const struct search_run_options *options,
                          struct search_run_result *result, struct err *err);
