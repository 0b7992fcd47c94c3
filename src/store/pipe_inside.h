/* Inside of the pipes: rows between stages, and the stages. Nobody else includes this. Threads:
 * one. */
#pragma once
#include "store/pipe.h"

/* A row on its way: an event as it was fed, an event that sort held (cells of the fields that later
 * pipes read, index: by field number), or a table's row (cells by column). */
struct pipe_input {
    const struct pipe_row *event;
    const struct pipe_cell *cells;
    const uint16_t *index; /* held events: field number -> cell */
    uint32_t cell_count;
    uint64_t id;
    int64_t time_ns;
};

struct pipe_chain;
struct pipe_groups;
struct pipe_sort;

struct pipe_stage {
    const struct query_pipe *pipe;
    uint64_t passed;            /* limit */
    struct pipe_groups *groups; /* stats, top, uniq */
    struct pipe_sort *sort;
};

/* The stages from `first` of the query on; what leaves the last goes to emit. */
struct pipe_chain {
    struct pipe *line;
    struct pipe_stage stages[QUERY_PIPES_MAX];
    uint32_t count;
    pipe_emit *emit;
    void *context;
};

struct pipe {
    const struct query *query;
    struct pipe_chain chain;
    size_t budget_bytes;
    uint32_t time_field; /* number of _time among the fields, or UINT32_MAX */
    struct buf key, fold, text;
    struct pipe_figures figures;
};

/* --- pipe.c --- */
/* More bytes are held; ERR_LIMIT past the budget (they count nevertheless). */
int pipe_charge(struct pipe *line, size_t bytes, struct err *err);
void pipe_release(struct pipe *line, size_t bytes);
/* Hands a row to stage `at` of the chain. */
int pipe_push(struct pipe_chain *chain, uint32_t at, const struct pipe_input *row, struct err *err);

/* --- pipe_value.c --- */
/* The nth value as it is; kind MISSING: there is none. Text borrows from the row or, for times,
 * from line->text. */
struct pipe_cell pipe_value(struct pipe *line, const struct pipe_input *row, uint16_t ref,
                            uint32_t nth);
/* All values in one cell, in line->text when there are several. */
struct pipe_cell pipe_joined(struct pipe *line, const struct pipe_input *row, uint16_t ref);
/* The first value, cut into buckets where the key says so. */
struct pipe_cell pipe_key_value(struct pipe *line, const struct pipe_input *row,
                                const struct query_key *key);
/* Numbers, then times, then texts (folded, bytewise), missing last. */
int pipe_cell_compare(const struct pipe_cell *a, const struct pipe_cell *b);
struct pipe_cell pipe_number(double number, struct arena *arena);
struct pipe_cell pipe_time(int64_t time_ns, struct arena *arena);
/* The bytes that tell cells apart: appended to line->key. */
void pipe_key_append(struct pipe *line, const struct pipe_cell *cell);

/* --- pipe_aggregate.c --- */
struct pipe_sum {
    double sum, carry; /* Neumaier: what rounding took away */
};
struct pipe_set { /* hashes of values */
    uint64_t *slots;
    uint32_t capacity, count;
};
struct pipe_sample {
    double *values;
    uint32_t capacity, count;
    uint64_t random;
};
struct pipe_aggregate {
    uint64_t count; /* of values; QUERY_COUNT: of rows */
    bool capped;
    union {
        struct pipe_sum sum;
        struct pipe_cell best;
        struct pipe_set set;
        struct pipe_sample sample;
    };
};
int pipe_aggregate_add(struct pipe *line, const struct query_aggregate *what,
                       struct pipe_aggregate *a, const struct pipe_input *row, struct err *err);
struct pipe_cell pipe_aggregate_result(const struct query_aggregate *what, struct pipe_aggregate *a,
                                       struct arena *arena);
/* Frees what it holds; gives how many bytes that were. */
size_t pipe_aggregate_free(const struct query_aggregate *what, struct pipe_aggregate *a);

/* --- pipe_groups.c: stats, top, uniq --- */
struct pipe_groups *pipe_groups_open(struct pipe *line, const struct query_pipe *pipe);
void pipe_groups_close(struct pipe *line, struct pipe_groups **groups);
/* stats, top: counts the row. */
int pipe_groups_add(struct pipe *line, struct pipe_groups *g, const struct pipe_input *row,
                    struct err *err);
/* uniq: hands the row on when it is the first of its kind. */
int pipe_groups_pass(struct pipe_chain *chain, uint32_t at, struct pipe_groups *g,
                     const struct pipe_input *row, struct err *err);
/* All groups, in order, to stage `at` of the chain. */
int pipe_groups_finish(struct pipe_groups *g, struct pipe_chain *to, uint32_t at, struct err *err);

/* --- pipe_sort.c --- */
/* keep: of the limit that follows at once, or 0. */
struct pipe_sort *pipe_sort_open(struct pipe *line, const struct query_pipe *pipe);
void pipe_sort_close(struct pipe *line, struct pipe_sort **sort);
int pipe_sort_add(struct pipe *line, struct pipe_sort *s, const struct pipe_input *row,
                  struct err *err);
int pipe_sort_finish(struct pipe_sort *s, struct pipe_chain *to, uint32_t at, struct err *err);
