/* Live: what a node watches its sources with: what every row of a source says, and the set of rules
 * that holds now.
 *
 * The sources stay while the process lives; the set (live_rules.h) is swapped while events come:
 * who judges takes the newest set for a block, and gives it back. Sources of one log source and
 * time zone share a detector of each set. Limits: LIVE_DETECTORS_MAX of them. Threads: opened on
 * one; then immutable but for the newest set, which any may take or put. Ownership: owns all of its
 * parts; borrows the configuration. */
#pragma once
#include "watch/config.h"
#include "watch/harvester.h"
#include "watch/live_rules.h"

struct live_source {
    const struct config_source *config; /* NULL: of events without a source */
    struct origin row;                  /* of live events; raw */
    uint32_t detector;                  /* which of a set's */
    const struct format *format;        /* NULL: guessed */
    struct slice zone;
};

struct live_box; /* the newest set */
struct live {
    const struct config *config;
    struct live_source *sources; /* the first: events without a source */
    uint32_t source_count;
    struct live_detector detectors[LIVE_DETECTORS_MAX];
    uint32_t detector_count;
    bool interpreted;
    struct live_box *box;
    struct arena arena;
};

struct live_options {
    const struct config *config;
    bool interpreted;  /* regular expressions without machine code */
    bool judges;       /* false: one detector for all, which numbers rules, plans correlations */
    struct slice only; /* data: the one source that is judged; NULL: all are */
};
/* Before a sandbox: reads time zones; no rules are there yet. out is zeroed by the caller, closed
 * either way. ERR_*: no zone, format. */
MUST_CHECK int live_open(struct live *out, const struct live_options *options, struct err *err);
void live_close(struct live *live);
/* By name in canh.yaml; empty: the one without. NULL: no such source. */
const struct live_source *live_source(const struct live *live, struct slice name);
/* A set of the bundle's rules for these sources; rules with problems are left out and logged. */
MUST_CHECK int live_compile(const struct live *live, const struct live_bundle *bundle,
                            struct live_rules **out, struct err *err);
/* The newest set, held until live_rules_unuse; waits for the first one, at most wait_ns. NULL: none
 * is there. */
struct live_rules *live_take(const struct live *live, uint64_t wait_ns);
/* From here on it is the newest. Takes the caller's hold. */
void live_put(const struct live *live, struct live_rules *rules);
/* Whether a block is still judged by an older set than the newest. */
bool live_is_behind(const struct live *live);
/* Who judges, and keeps of a set between two blocks what is costly to make anew. At a swap it lets
 * go of it: between two blocks on the thread that swaps, else at its block's end on its own; never
 * while it judges. let_go is quick and calls nothing of live. */
struct live_holder {
    void (*let_go)(void *context);
    void *context;
    bool is_judging; /* live.c's, as is next */
    struct live_holder *next;
};
void live_hold(const struct live *live, struct live_holder *holder);
void live_unhold(const struct live *live, struct live_holder *holder); /* it judges nothing */
/* A holder begins and ends a block: live_take, and what live_is_behind looks at. */
struct live_rules *live_block_begin(const struct live *live, struct live_holder *holder,
                                    uint64_t wait_ns);
void live_block_end(const struct live *live, struct live_holder *holder, struct live_rules *rules);
