/* Engine output: findings, and by filter events, on their way to other systems. A thread reads the
 * store behind each output's cursor and renders; the loop gives batches to the courier; what it
 * says was taken moves the cursor on, durably, by way of the committer.
 *
 * One batch an output is under way; nothing is sent before the one ahead of it was taken, so order
 * is kept and memory bounded (OUTPUT_BATCH_*). An output that cannot deliver waits for itself only.
 * Limits: named. Threads: the loop's but where said otherwise. docs/outputs.md. */
#pragma once
#include "formats/json.h"
#include "program/engine.h"

enum {
    OUTPUT_BATCH_ROWS = 1000,
    OUTPUT_BATCH_BYTES = 2 << 20, /* a batch has one row more at most: RENDER_BYTES_MAX */
    OUTPUT_JUDGED_ROWS = 20000,   /* looked at for one output before others have their turn */
    OUTPUT_LOOK_MS = 200,         /* how often the store is asked for what is new */
    OUTPUT_PUT_MS = 1000,         /* cursors become durable so often at most, ... */
    OUTPUT_PUT_IDLE_MS = 30000,   /* ... and so often when they passed over rows only */
    OUTPUT_BACKOFF_MS_MIN = 500,  /* after a failure; doubled up to */
    OUTPUT_BACKOFF_MS_MAX = 30000,
    OUTPUT_LATE_S = 600, /* behind for longer: told by the node's status */
    OUTPUT_WHY_BYTES = 300
};

/* Before the sandbox, behind the store: filters are compiled, cursors found. */
MUST_CHECK int engine_outputs_open(struct engine *e, struct err *err);
void engine_outputs_start(struct engine *e); /* the thread begins */
void engine_outputs_stop(struct engine *e);  /* ahead of the store's end */
void engine_outputs_close(struct engine *e);
void engine_outputs_tick(struct engine *e); /* also when a courier is there */
void engine_outputs_gone(struct engine *e); /* the courier is gone */
/* OUTPUT_DONE. ERR_SYNTAX: not what the message is, or of a batch that was not given. */
MUST_CHECK int engine_outputs_done(struct engine_peer *p, struct wire_message *m, struct err *err);

/* engine_output_status.c: the member "outputs"; docs/status.md. */
void engine_outputs_status(struct engine *e, struct json_writer *w);
/* The next output behind *at that is late, as `siem: not sent for 12 min: connection refused`;
 * false: no further one. */
bool engine_outputs_late(struct engine *e, uint32_t *at, struct buf *english,
                         struct buf *vietnamese);
/* Metrics, one table for as long as it is open; count 0: no outputs. */
struct metric *engine_outputs_metrics(struct engine *e, uint32_t *count);
