/* Engine commit check: one haul, copied out of its sender's memory, unpacked, and held against what
 * that sender may say: sources, partitions, units and systems of canh.yaml, flags, rules and the
 * fields that correlations want.
 *
 * Threads: one. Ownership: a work owns its memory, which is used again; what it holds borrows from
 * its bytes until the next haul. */
#pragma once
#include "program/engine_commit.h"

struct engine_commit_work {
    struct engine_haul *to;
    struct buf bytes;
    struct haul_head head;
    struct slice raw;
    struct harvest *haul;
    struct batch_reader reader; /* row_count 0: no rows */
    struct batch batch;
    const struct live_source *source;
    const struct live_rules *rules; /* that it was judged by: one of those below */
};
struct engine_commit_sets {
    const struct live *live;
    struct live_rules *now, *before; /* before: NULL when none is waited for */
};

/* ERR_OK, or what haul->err says: ERR_DAMAGED (forged), ERR_UNSUPPORTED (other rules), ERR_IO. */
MUST_CHECK int engine_commit_work_take(struct engine_commit_work *w,
                                       const struct engine_commit_sets *sets,
                                       struct engine_haul *haul);
void engine_commit_work_relieve(struct engine_commit_work *w); /* gives large memory back */
void engine_commit_work_free(struct engine_commit_work *w);
