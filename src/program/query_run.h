/* Query run: a query as it was typed, made ready for store_search: read, its filter compiled into a
 * rule set of one rule, the names it may use known.
 *
 * The words of a command line are joined by blanks. Words at the front that are Sigma rule files
 * (*.yml, *.yaml) ask for the events that one of their rules holds for, on the log sources that the
 * rules name; the words behind them narrow that and may pipe it. Limits: those of query.h and
 * sigma.h. Threads: one. Ownership: owns all of its parts; search borrows from it. */
#pragma once
#include "base/option.h"
#include "program/query_values.h"
#include "store/query.h"
#include "store/store.h"
#include "watch/rules_load.h"

struct query_run_options {
    const struct option_list *words; /* none: every event */
    const struct option_list *partitions;
    const char *from, *to;           /* times as `_time` takes them, [from, to); NULL: open */
    const char *mappings, *timezone; /* NULL: the built-in ones, UTC */
    int64_t now_ns;
};

struct query_run {
    struct query *query;
    struct query_values *values; /* of query->fields */
    struct mapping_set *mappings;
    struct ruleset *set; /* the query's; without any rule when every event is asked for */
    struct clock_zone *zone;
    /* rules, span, fields, partitions; order, limit and budgets are the caller's */
    struct store_search search;

    struct rules_load load; /* of rule files */
    struct rule_list rules;
    struct slice_list names;
    struct buf text;
    struct arena arena;
};

/* out is zeroed by the caller and is to be closed either way. Errors of the query itself have
 * err->column, of query_run.text. */
MUST_CHECK int query_run_open(struct query_run *out, struct store *store,
                              const struct query_run_options *options, struct err *err);
void query_run_close(struct query_run *run);
/* Whether whole events come out: no pipe makes columns of them. */
bool query_run_gives_events(const struct query_run *run);
/* The span of --from and --to, [from, to), each as `_time` reads it (docs/query.md) or NULL: open,
 * CLOCK_NONE. */
MUST_CHECK int query_run_span(const char *from, const char *to, const struct clock_zone *zone,
                              int64_t now_ns, struct store_search *out, struct err *err);
