/* Intake judge: one thread's way from the bytes of a source to hauls that the engine made durable:
 * split, judge, pack, hand over, wait.
 *
 * Threads: one a judge. Ownership: borrows live and shared. */
#pragma once
#include "program/import_worker.h"
#include "program/intake_shared.h"
#include "program/live.h"

struct intake_block { /* records of one source that came together */
    const struct live_source *source;
    const struct import_source *row; /* NULL: the source's own */
    const struct input_file *file;   /* name: the listener's or the path; format */
    struct split *split;             /* for what it refuses: `told` of it were told before */
    uint64_t told;
    int64_t received_ns;
    uint64_t wait_ns;    /* for a slot */
    uint64_t retries_ns; /* a store that failed is tried again so long */
    /* Cursors that are durable with the first `records` records of the block; may be NULL. */
    void (*cursors)(void *context, uint64_t records, bool last, struct haul_head *head);
    void *context;
    bool always; /* hand over cursors without any record */
    /* what came of it */
    uint64_t stored, refused;
};

struct intake_judge;
struct intake_judge *intake_judge_open(const struct live *live, struct intake_shared *shared);
void intake_judge_close(struct intake_judge **judge);
/* The list of spans to fill, empty, and the arena for split_feed. */
struct input_block *intake_judge_block(struct intake_judge *j);
/* Judges the spans that were filled in. ERR_OK: all is durable; else as intake_shared_haul: what
 * went before is durable. */
MUST_CHECK int intake_judge_run(struct intake_judge *j, struct intake_block *block,
                                struct err *err);
