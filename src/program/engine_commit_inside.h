/* The inside of the engine's commit, shared by engine_commit*.c only. Threads: the committer's. */
#pragma once
#include "program/engine_account.h"
#include "program/engine_commit.h"
#include "program/engine_commit_check.h"
#include "watch/correlation_run.h"
#include "watch/internal_rows.h"
#include "watch/steady.h"

struct engine_commit {
    struct engine_commit_options options;
    struct engine_commit_sets sets; /* of rules; now is held, and before */
    struct store *store;
    struct sealer *sealer;
    struct internal_rows *rows;
    struct engine_seen *seen;
    struct engine_account *account;
    struct correlation_run live, historical;
    struct steady steady; /* of the live one's times */
    bool are_open, is_started;
    struct batch_taker *taker;
    struct engine_commit_work work[ENGINE_COMMIT_HAULS_MAX];
    uint32_t count; /* of works in the group */
    struct batch *batches;
    uint32_t batch_capacity;
    struct buf items;
    struct origin row_source; /* of the internal rows being made */
    uint64_t *findings;       /* counted there */
    uint64_t run_findings;
    bool failed, reopens; /* reopens: the store itself is to be opened again */
    struct err err;
    uint64_t retry_ns, retry_at_ns; /* monotonic */
    int64_t trimmed_ns, closed_ns;
};

/* The group that was built: rows of hauls and internal ones, items. */
MUST_CHECK int engine_commit_append(struct engine_commit *c, struct err *err);
void engine_commit_fail(struct engine_commit *c, const struct err *err); /* the store did */
void engine_commit_retry(struct engine_commit *c);                       /* when it is time */
/* Hours that are over, what senders that died have lost, and that Canh watches still. */
void engine_commit_hours(struct engine_commit *c, int64_t now_ns);
