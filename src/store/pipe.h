/* Pipes: what a query does with the events that satisfy its filter: counts, tops, order, columns.
 *
 * Rows are fed in any order (newest first is the store's); result rows come out through a callback,
 * at once where the pipes let rows through (limit, fields, uniq), else at the end. What is held is
 * counted in bytes; past the budget it is ERR_LIMIT with a sentence that says what to do.
 * docs/query.md has types, missing values, order and exactness. Limits: below. Threads: one.
 * Ownership: borrows the query; cells live until the callback returns. */
#pragma once
#include "store/query.h"

enum {
    PIPE_GROUPS_MAX = 1 << 20,
    PIPE_DISTINCT_MAX = 1 << 20,    /* values that one `distinct` counts; then it is capped */
    PIPE_PERCENTILE_MAX = 100000,   /* values that one `percentile` keeps; then a sample of them */
    PIPE_VALUES_MAX = 1000,         /* of one field of one row that are looked at */
    PIPE_CELL_BYTES_MAX = 64 * 1024 /* of one cell that is kept; longer text is cut */
};

/* One event. get: the nth value of query->fields[field], text as received, good until the feeding
 * returns; data NULL: there are no more. Meta fields but _time are asked for like others; _time is
 * time_ns. */
struct pipe_row {
    int64_t time_ns; /* row_time */
    uint64_t id;     /* handed back, so that the whole event can be fetched */
    struct slice (*get)(void *context, uint32_t field, uint32_t nth);
    void *context;
};

enum pipe_cell_kind { PIPE_MISSING, PIPE_TEXT, PIPE_NUMBER, PIPE_TIME };

struct pipe_cell {
    enum pipe_cell_kind kind;
    bool capped;       /* a limit was reached: at least so much (distinct), a sample (percentile) */
    struct slice text; /* as it is to be shown, all kinds; several values joined by ", " */
    double number;     /* NUMBER */
    int64_t time_ns;   /* TIME */
};

struct pipe_result {
    const struct pipe_cell *cells; /* as many as query->columns; whole events: none */
    uint32_t cell_count;
    uint64_t id; /* whole events: pipe_row.id; else 0 */
    int64_t time_ns;
    const struct pipe_row *row; /* whole events that pass at once; NULL: fetch it by id */
};

/* A negative code stops the pipeline and is handed on. */
typedef int pipe_emit(void *context, const struct pipe_result *result, struct err *err);

struct pipe;

#define PIPE_ENOUGH 1 /* no further row can change the result */

struct pipe *pipe_open(const struct query *query, size_t budget_bytes, pipe_emit *emit,
                               void *context);
void pipe_close(struct pipe **pipeline);
/* ERR_OK, PIPE_ENOUGH, or an error; after either of the latter no row may be fed. */
MUST_CHECK int pipe_feed(struct pipe *pipeline, const struct pipe_row *row,
                             struct err *err);
/* The rest of the result; once. */
MUST_CHECK int pipe_end(struct pipe *pipeline, struct err *err);
/* The result as it would be if the input ended here, through another callback; nothing is changed.
 * Rows that came out already are not repeated. */
MUST_CHECK int pipe_partial(struct pipe *pipeline, pipe_emit *emit, void *context,
                                struct err *err);

struct pipe_figures {
    uint64_t rows_in, rows_out;
    uint64_t skipped_values; /* no numbers where a function wants them */
    size_t used_bytes, peak_bytes;
    bool capped; /* a cell is */
};
void pipe_measure(const struct pipe *pipeline, struct pipe_figures *out);
