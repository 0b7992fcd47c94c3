/* Intake lane: one thread's way from the bytes of a source to hauls that the engine made durable:
 * split, judged, packed, handed over, waited for.
 *
 * Each record that the splitter cut is counted as received by its place in the block, not by what
 * became of it; what becomes of it is counted where it happens (ledger.h). A lane has a number of
 * its own, and so have its hauls: each is stored once, whoever starts again in between. Threads:
 * one a lane. Ownership: borrows live and shared. */
#pragma once
#include "watch/harvester.h"
#include "watch/intake_shared.h"
#include "watch/live.h"

struct intake_refusal {    /* of a record that its listener refuses itself: counted as received */
    enum ledger_count why; /* LEDGER_REFUSED_... */
    uint64_t line;
    struct slice reason, text;
};

struct intake_block { /* records of one source that came together */
    const struct live_source *source;
    const struct origin *row;      /* NULL: the source's own */
    const struct input_file *file; /* name: the listener's or the path; format */
    struct split *split;           /* for what it refuses: `told` of it were told before */
    uint64_t told;
    struct slice sender;         /* whose records these are: token, certificate or address */
    const struct slice *senders; /* instead: of each record, by its place; or NULL */
    const struct slice *ids;     /* `_id`s of the records by place (data NULL: none), or NULL */
    const struct intake_refusal *refusals;
    uint32_t refusal_count;
    uint64_t dropped_kernel; /* datagrams that the kernel lost since the last block */
    int64_t received_ns;
    uint64_t wait_ns;    /* for a slot, and for an engine that starts again */
    uint64_t retries_ns; /* a store that failed is tried again so long */
    /* Cursors that are durable with the first `records` records of the block; may be NULL. */
    void (*cursors)(void *context, uint64_t records, bool last, struct haul_head *head);
    /* What became of the record at `position` (line of a record that was refused), told once it is
     * durable: reason NULL: its id is known. May be NULL. */
    void (*told_of)(void *context, uint64_t position, const char *reason);
    void *context;
    bool always; /* hand over cursors without any record */
    /* what came of it */
    uint64_t stored, refused, duplicates;
};

struct intake_lane;
struct intake_lane *intake_lane_open(const struct live *live, struct intake_shared *shared);
void intake_lane_close(struct intake_lane **lane);
/* The list of spans to fill, empty, and the arena for split_feed. */
struct input_block *intake_lane_block(struct intake_lane *lane);
/* Judges the spans that were filled in. ERR_OK: all is durable; else as intake_shared_haul: what
 * went before is durable. */
MUST_CHECK int intake_lane_run(struct intake_lane *lane, struct intake_block *block,
                               struct err *err);
