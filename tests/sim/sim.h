/* Fault tests of the event store: one seed is one scripted life of a store on a simulated disk, and
 * a model in memory of what was acknowledged.
 *
 * sim_group.c draws what is appended, sim_life.c does and breaks things, sim_check.c compares the
 * store with the model, sim_rot.c flips bits, sim_mutation.c leaves calls out. Threads: one. */
#pragma once
#include "base/disk_sim.h"
#include "store/store_embedded.h"
#include "unit/store/rows_random.h"

enum {
    SIM_PARTITIONS = 5,
    SIM_BATCHES_MAX = 3,
    SIM_BATCH_ROWS_MAX = 40,
    SIM_UNKNOWN_MAX = 64, /* groups whose fate is not known, at one time */
    SIM_WHY_BYTES = 600
};
extern const struct slice sim_partitions[SIM_PARTITIONS];

struct sim_row {
    uint64_t content;  /* hash of the canonical text */
    uint8_t partition; /* in sim_partitions */
    bool gone;         /* retention said that it removed it */
};

struct sim_group {
    struct batch batches[SIM_BATCHES_MAX];
    uint32_t batch_count;
    struct sim_row *rows;
    uint32_t row_count;
    struct buf carry;
};

struct sim {
    uint64_t seed;
    struct rows_random random;
    bool loud;
    struct disk *disk;   /* the simulated one */
    struct disk *passed; /* what the store is given: tells of its calls */
    struct store_options options;
    struct store *store;
    struct batch_writer *writer;
    struct record record;
    struct arena arena;
    int64_t now_ns;
    uint64_t made; /* rows ever drawn */
    /* the model: rows by sequence - 1; all were acknowledged or, after a crash, found to be there
     */
    struct sim_row *rows;
    uint64_t row_count, row_capacity;
    struct carry *carry;
    struct sim_group unknown[SIM_UNKNOWN_MAX];
    uint32_t unknown_count;
    struct buf notary; /* what was in it when a tick last said that all is well */
    bool failing;      /* an error was injected in this life */
    bool full;         /* the disk has an end */
    bool over;         /* nothing can be asked of it any more: the seed ends */
    bool sealing;      /* other work may be done between the calls of the disk */
    bool notary_torn;  /* a write to it failed: what lies behind its last line does not count */
    char why[SIM_WHY_BYTES]; /* what does not hold; empty: all does */
    uint64_t operations, appended, seals, merges, expired, lives;
};

/* What does not hold: the first one counts. */
void sim_fail(struct sim *s, const char *format, ...) PRINTF_LIKE(2, 3);
void sim_say(const struct sim *s, const char *format, ...) PRINTF_LIKE(2, 3);
static inline uint32_t sim_draw(struct sim *s, uint32_t bound)
{
    return random_below(&s->random, bound);
}

/* A group that is to be appended next. */
void sim_group_draw(struct sim *s, struct sim_group *g);
void sim_group_free(struct sim_group *g);
uint64_t sim_row_hash(const struct row *row);

/* Takes over a group that was acknowledged. */
void sim_model_take(struct sim *s, const struct sim_group *g);
void sim_unknown_forget(struct sim *s);

/* The store, opened anew after a crash, against the model; then the model is what the store is. */
void sim_check_start(struct sim *s);
/* The store in the middle of its life, by a reader of its own. */
void sim_check_now(struct sim *s);
/* One event that must be there. */
void sim_check_one(struct sim *s);
/* The notary as text of all its files. */
void sim_notary_read(struct sim *s, struct buf *out);

/* One whole seed. mutation: calls left out, or NULL. *why: what does not hold. True: all holds. */
bool sim_run(uint64_t seed, const char *mutation, bool loud, char why[SIM_WHY_BYTES]);
/* Between two lives: a bit is flipped, the damage is looked at, and the bit is flipped back. */
void sim_rot(struct sim *s);
/* Rows, findings, notary, files and evidence, without counters and their like. */
void sim_check_rows(struct sim *s);
void sim_store_open(struct sim *s, bool expected);
