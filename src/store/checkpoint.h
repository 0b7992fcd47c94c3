/* Checkpoint: the whole of what must survive besides rows, as it stands behind some frame
 * (docs/store-format.md, "Carry").
 *
 * It is written whole at each seal; the newest two are kept. The carry and the chain's state are
 * bytes to it. Limits: CHECKPOINT_BYTES_MAX. Threads: one writer. Ownership: said at each call. */
#pragma once
#include "store/journal.h"

#define CHECKPOINT_BYTES_MAX ((size_t)512 << 20)
enum { CHECKPOINT_KEPT = 2 };

struct checkpoint {
    uint64_t number; /* from 1, rising */
    struct journal_identity identity;
    uint64_t last_sequence;   /* of all rows that are in it; 0: none yet */
    struct journal_place cut; /* frames that end at or before it are in it */
    int64_t commit_ns;        /* of the newest frame in it */
    struct slice carry, chain;
    struct buf bytes; /* of one that was read: what the slices borrow from */
};

/* Writes it durably under its number (one above the newest), then removes all but the newest two.
 * ERR_FULL, ERR_IO: the ones before are still there; ERR_LIMIT: too large. */
MUST_CHECK int checkpoint_write(struct disk *disk, const struct checkpoint *checkpoint,
                                struct err *err);
/* The newest whole one of this store; checkpoint_free afterwards. ERR_NOT_FOUND: there is none, and
 * out->number is the highest number seen. damaged (may be NULL): those passed over because they do
 * not hold. ERR_UNSUPPORTED: the newest is of another version. */
MUST_CHECK int checkpoint_read(struct disk *disk, const struct journal_identity *identity,
                               struct checkpoint *out, uint32_t *damaged, struct err *err);
/* Reads one text of bytes, which must stay. ERR_DAMAGED, ERR_UNSUPPORTED. */
MUST_CHECK int checkpoint_parse(struct slice bytes, struct checkpoint *out, struct err *err);
void checkpoint_free(struct checkpoint *checkpoint);
