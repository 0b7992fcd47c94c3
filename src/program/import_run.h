/* Import run: event files into a store: read, judged by workers, made durable in groups, sealed on
 * the side.
 *
 * What is durable is never half of a record's: rows, findings, correlation inputs, counters and the
 * files' cursors stand or fall together, and a run that was stopped goes on behind the last group
 * when it is started again. Memory is bounded: 2 * threads + 1 blocks and hauls (harvest.h), a
 * group (import_commit.h), and one seal. Threads: workers and the sealing one, ended on return.
 * Ownership: borrows what the options name. */
#pragma once
#include "program/import_commit.h"

struct import_run_options {
    struct store *store;
    const struct detector *detector;
    const struct origin *source;
    struct input_options input; /* its hook for opened files is taken */
    struct output *output;      /* of findings; NULL: they are not shown */
    int out_fd;
    uint32_t threads;
    uint64_t group_bytes, seal_bytes;
    const struct store_policy *policies; /* for when the disk is full */
    uint32_t policy_count;
    bool again;    /* cursors are not looked at */
    bool progress; /* a line on stderr, renewed */
    bool vietnamese;
};

struct import_result {
    struct import_counts counts;
    uint64_t resumed_records; /* durable before, of files that were read on */
    uint64_t passed_over;     /* files that were imported before */
    uint64_t files, unreadable;
    bool closed;  /* the findings' reader went away */
    bool stopped; /* import_run_stop was called */
    uint64_t run_ns, worker_cpu_ns, append_cpu_ns, seal_cpu_ns;
    struct correlate_stats correlations;
    struct matcher_stats matching;
};

/* ERR_OK when all was read and sealed, or it was stopped; result is filled in either way. */
MUST_CHECK int import_run(const struct import_run_options *options, struct import_result *result,
                          struct err *err);
/* From a signal handler: the run ends behind the group that is being made. Says whether all that
 * was read is durable and it waits for a pipe's writer: then the process may end at once. */
bool import_run_stop(void);
