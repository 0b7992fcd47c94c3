/* Hunt run: a store through rules and indicators to an output, as detect_run does it with files:
 * the same events give the same findings, correlations included.
 *
 * Rows come in the order of their numbers, in which live correlation saw them. Correlation begins
 * one longest window before from_ns; what only belongs to that time is not shown. Rows without a
 * time of their own correlate by when they were received. Limits: those of the search and of
 * correlate.h; HUNT_FILES_MAX names of files in correlations, after which names are missing.
 * Threads: one. Ownership: borrows what the options name. */
#pragma once
#include "program/output.h"
#include "store/store.h"
#include "watch/detector.h"
#include "watch/finding.h"

enum { HUNT_FILES_MAX = 1 << 20 };

struct hunt_run_options {
    struct store *store;
    const struct detector *detector;          /* may have no rules */
    const struct finding_rules *rules;        /* those the output was opened with */
    const struct indicator_table *indicators; /* NULL: none */
    struct output *output;
    int out_fd;
    int64_t from_ns, until_ns; /* of row_time; CLOCK_NONE: open */
    int64_t received_from_ns, received_until_ns;
    const struct slice *partitions; /* none: all but internal ones */
    uint32_t partition_count;
    const struct slice *units; /* scoped: rows of these units only (store_search) */
    uint32_t unit_count;
    bool scoped;
    size_t memory_bytes; /* 0: STORE_QUERY_BYTES */
    enum rule_level fail_level;
    bool plain;           /* no pruning (the tests' twin) */
    const bool *canceled; /* NULL: never */
    void (*progress)(void *context, const struct store_progress *progress); /* may be NULL */
    void *context;
};

struct hunt_run_result {
    struct store_progress progress;
    uint64_t findings, run_ns;
    bool failed_level; /* a finding of fail_level or above */
    bool closed;       /* the reader of the output went away */
    struct correlate_stats correlations;
};

/* ERR_CANCELED and ERR_LIMIT (a budget was used up): what was found until then is written, windows
 * that were open are not judged. Damaged rows are counted in progress and are no error. */
MUST_CHECK int hunt_run(const struct hunt_run_options *options, struct hunt_run_result *result,
                        struct err *err);
