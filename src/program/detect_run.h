/* Detect run: all input through a detector to an output, on any number of threads, in input order.
 *
 * The calling thread reads blocks and, in order, correlates and writes what the workers made of
 * them; the blocks under way are bounded, so memory is, too. With one thread everything happens on
 * the calling one. */
#pragma once
#include "detection/match.h"
#include "program/output.h"
#include "watch/detector.h"
#include "watch/finding.h"
#include "watch/input.h"

enum { DETECT_REFUSED_SHOWN = 10 };

struct detect_run_options {
    const struct detector *detector;
    const struct finding_rules *rules;        /* those the output was opened with */
    const struct indicator_table *indicators; /* looked for in every event; NULL: none */
    struct input_options input;
    struct output *output;
    int out_fd;
    uint32_t threads;
    enum rule_level fail_level; /* LEVEL_NONE: findings never fail */
    bool quiet;
};

struct detect_run_result {
    uint64_t events, bytes, findings, refused, unreadable, files;
    uint64_t run_ns;
    bool failed_level; /* a finding of fail_level or above */
    bool closed;       /* the reader of the output went away */
    struct correlate_stats correlations;
    struct matcher_stats matching; /* over all threads */
};

/* ERR_OK when all was read and written, whatever was found or refused (messages go to stderr). */
MUST_CHECK int detect_run(const struct detect_run_options *options,
                          struct detect_run_result *result, struct err *err);
