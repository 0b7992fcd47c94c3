/* The inside of rebuild, shared by embedded_rebuild.c and rebuild_checkpoint.c only. */
#pragma once
#include "base/map.h"
#include "store/segment.h"
#include "store/store_embedded.h"

struct rebuild_segment {
    struct catalog_segment item;
    uint64_t seal_after, seal_through;
    struct segment_interval *intervals;
    uint32_t interval_count;
    struct slice *inputs;
    uint32_t input_count;
};

struct rebuild_note { /* the last root lines of a partition */
    struct slice partition;
    uint64_t number, last;
    struct digest head;
};

struct rebuild_tomb { /* what a tombstone names */
    struct slice partition;
    uint64_t first, last, rows;
};

struct rebuild {
    struct disk *disk;
    struct err *err;
    struct store_rebuilt *out;
    struct journal_identity identity;
    struct arena arena;
    struct rebuild_segment *found; /* by first sequence, the longer before the shorter */
    uint32_t count, capacity;
    struct catalog_segment *gone; /* files that are no part of the store any more */
    uint32_t gone_count;
    struct map buried; /* paths that tombstones name */
    struct rebuild_tomb *tombs;
    uint32_t tomb_count, tomb_capacity;
    uint64_t buried_last;       /* highest sequence that one names */
    struct rebuild_note *notes; /* of all root lines */
    uint32_t note_count, note_capacity;
    bool has_checkpoint;
    uint64_t checkpoint_number; /* highest that was ever used */
    uint64_t sealed_sequence;
    struct buf old_carry; /* of an older checkpoint that is whole */
    struct journal_place old_cut;
};

/* Whether one before it, in the order of found, has all rows of it; ends: of each partition, the
 * last sequence so far. */
bool rebuild_is_repeated(struct map *ends, const struct rebuild_segment *s);
void rebuild_note(struct rebuild *r, const struct chain_interval *interval);
/* Whether the newest checkpoint is whole, and where the sealed rows end. */
MUST_CHECK int rebuild_checkpoint_find(struct rebuild *r);
/* A checkpoint at sealed_sequence. */
MUST_CHECK int rebuild_checkpoint_make(struct rebuild *r);
