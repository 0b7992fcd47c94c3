/* What a reader of its own sees of the store on the simulated disk. */
#pragma once
#include "sim/sim.h"

struct sim_seen {
    uint64_t sequence, content;
    uint8_t partition;
};

struct sim_tomb {
    uint64_t first, last;
    uint8_t partition;
};

struct sim_observed {
    struct sim_seen *items; /* by sequence */
    uint32_t count, capacity;
    uint64_t *named; /* events that findings name */
    uint32_t named_count, named_capacity;
    struct sim_tomb *tombs;
    uint32_t tomb_count, tomb_capacity;
    uint64_t damaged_rows;
};

/* All rows of all partitions, in order, and the tombstones. An error of the store is returned; what
 * comes twice or out of order fails the simulation. */
MUST_CHECK int sim_observe(struct sim *s, struct sim_observed *out, struct err *err);
MUST_CHECK int sim_observe_tombs(struct sim *s, struct sim_observed *out);
void sim_observed_free(struct sim_observed *o);
MUST_CHECK int sim_notary_text(struct disk *disk, struct buf *out, struct err *err);
