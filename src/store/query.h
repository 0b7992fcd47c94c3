/* Query: one line of text read into what it asks: a filter that the rules' own engine judges, a
 * span of time, and pipes (docs/query.md has the language).
 *
 * Reading is total: any bytes give a query or an error with a column. Limits below, and those of
 * rules (rule.h). Threads: immutable once read, any number of readers. Ownership: everything is the
 * query's, but for the zone, which is borrowed and must outlive it. */
#pragma once
#include "base/clock.h"
#include "detection/rule.h"

enum {
    QUERY_BYTES_MAX = 65536,
    QUERY_DEPTH_MAX = 28, /* brackets and NOTs inside each other */
    QUERY_TERMS_MAX = 4096,
    QUERY_VALUES_MAX = 4096, /* in one list */
    QUERY_PIPES_MAX = 16,
    QUERY_COLUMNS_MAX = 64, /* of one pipe */
    QUERY_TOP_MAX = 100000,
    QUERY_BUCKET_NS_MIN = 1000000 /* of _time:1ms */
};

#define QUERY_OPEN_BEGIN INT64_MIN
#define QUERY_OPEN_END   INT64_MAX

enum query_pipe_kind { QUERY_STATS, QUERY_TOP, QUERY_UNIQ, QUERY_SORT, QUERY_LIMIT, QUERY_FIELDS };

enum query_function {
    QUERY_COUNT,
    QUERY_SUM,
    QUERY_MIN,
    QUERY_MAX,
    QUERY_AVG,
    QUERY_DISTINCT,
    QUERY_PERCENTILE
};

#define QUERY_NO_REF UINT16_MAX

/* A `ref` is what a pipe reads: an event's field (index into query.fields), or, where
 * query_pipe.table_input, a column of the table that the pipe before it made. */
struct query_aggregate {
    enum query_function function;
    uint16_t ref; /* QUERY_NO_REF: count() of all rows */
    double percentile;
    struct slice name; /* of the column */
};

struct query_key { /* by, uniq, sort, top, fields */
    uint16_t ref;
    bool descending;   /* sort */
    int64_t bucket_ns; /* by _time:1h; 0: none */
    struct slice name; /* of the column */
};

struct query_pipe {
    enum query_pipe_kind kind;
    bool table_input;                   /* it reads a table's columns, not an event's fields */
    bool table_output;                  /* its rows are a table's; else they are whole events */
    uint32_t column;                    /* of its name in the text, 1-based */
    struct query_aggregate *aggregates; /* stats; top: one count */
    uint32_t aggregate_count;
    struct query_key *keys; /* stats: by; top: by, then what is counted; the others: the list */
    uint32_t key_count;
    uint32_t group_count;      /* top: keys that stand behind `by` */
    uint64_t limit;            /* limit, top */
    struct slice_list columns; /* table_output: names, in order */
};

struct query {
    struct arena arena;
    struct slice text;
    struct expr *filter;                         /* NULL: every event of the span */
    bool nothing;                                /* no event can satisfy it (`NOT *`) */
    int64_t from_ns, until_ns;                   /* of _time: from <= time < until */
    int64_t received_from_ns, received_until_ns; /* of _received; whoever gives rows checks both */
    /* Names that filter and pipes ask for, each once. Meta fields begin with '_'; those that are
     * among these are to be given as derived fields. */
    struct slice_list fields;
    bool asks_meta;     /* the filter names meta fields: they must be among the row's fields */
    bool asks_keywords; /* the filter looks into every received value */
    struct query_pipe *pipes;
    uint32_t pipe_count;
    struct slice_list hidden;  /* `fields -a`: left out when whole events are shown */
    struct slice_list columns; /* of the result; none: whole events */
    const struct clock_zone *zone;
};

struct query_options {
    int64_t now_ns;                /* what relative times start from */
    const struct clock_zone *zone; /* of dates without one and of buckets; NULL: UTC */
    /* Fields that events have (names of Sigma and names as received); one that is not among them is
     * an error that names the nearest. NULL: any name is accepted. */
    const struct slice_list *known_fields;
};

/* ERR_SYNTAX, ERR_NOT_FOUND (a name) and ERR_LIMIT come with err->line 1 and the column. */
MUST_CHECK int query_parse(struct query **out, struct slice text,
                           const struct query_options *options, struct err *err);
void query_close(struct query **query);
/* What the query means, in one line: times as UTC, predicates as predicate_describe has them, pipes
 * with their columns. */
void query_describe(const struct query *query, struct buf *out);
/* The same of one filter; NULL: `*`. */
void query_describe_filter(const struct expr *filter, struct buf *out);
/* The names of meta fields, NULL-terminated. */
extern const char *const query_meta_fields[];
