/* Chain: Merkle trees over rows, one a partition and interval, each interval's head made from the
 * one before (docs/store-format.md, "Evidence"; trees as in RFC 6962 section 2.1).
 *
 * Rows go in as they are committed; an interval ends with its minute or with a seal. Memory: some
 * hundred bytes a partition, whatever the number of rows. Threads: one. Ownership: copies. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"

enum { CHAIN_PARTITIONS_MAX = 64, CHAIN_DEPTH_MAX = 64, CHAIN_CLOSED_MAX = 1 << 20 };

struct merkle { /* a tree that grows leaf by leaf: the roots of its full subtrees */
    struct digest stack[CHAIN_DEPTH_MAX];
    uint64_t leaves;
};
void merkle_add(struct merkle *m, const struct digest *leaf, struct digester *d);
struct digest merkle_root(const struct merkle *m, struct digester *d); /* of no leaves: of "" */
/* The audit path of leaf `index` of `count`, bottom up: digests beside it, and which side they are
 * on. Gives their number (at most CHAIN_DEPTH_MAX). */
struct merkle_step {
    struct digest digest;
    bool left; /* it stands left of ours */
};
uint32_t merkle_path(const struct digest *leaves, uint64_t count, uint64_t index,
                     struct merkle_step out[CHAIN_DEPTH_MAX], struct digester *d);

struct chain_interval {
    struct slice partition;
    uint64_t number, first_sequence, last_sequence, row_count;
    int64_t minute_ns;
    struct digest root, head;
};

/* The root line of the notary, up to and including the root; the head is made of it. */
void chain_root_text(const struct chain_interval *interval, struct buf *out);
struct digest chain_head(const struct digest *previous, struct slice root_text, struct digester *d);

struct chain;
struct chain *chain_open(void);
void chain_close(struct chain **chain);
/* Makes room for the partition. ERR_LIMIT: one too many. */
MUST_CHECK int chain_admit(struct chain *c, struct slice partition, struct err *err);
/* A row of a partition, in order of sequence. ERR_LIMIT: one partition too many. */
MUST_CHECK int chain_add(struct chain *c, struct slice partition, uint64_t sequence,
                         const struct digest *row_digest, int64_t commit_ns, struct err *err);
int64_t chain_minute(int64_t commit_ns); /* where its minute begins */
/* Time has come to commit_ns: ends intervals of minutes that are over. */
void chain_tick(struct chain *c, int64_t commit_ns);
void chain_cut(struct chain *c); /* ends all open intervals */
/* Intervals closed and not yet taken, oldest first; good until the next call that closes any. */
const struct chain_interval *chain_closed(const struct chain *c, uint32_t *count);
/* They were written to the notary (up to that many). */
void chain_noted(struct chain *c, uint32_t count);
/* "PARTITION N HEAD\n" of all partitions by name: what a signature is about. */
void chain_heads_text(const struct chain *c, struct buf *out);
/* State for a checkpoint. */
void chain_write(const struct chain *c, struct buf *out);
MUST_CHECK int chain_read(struct chain *c, struct slice state, struct err *err);
/* Goes on behind an interval that was closed before, the last one of its partition; noted: the
 * notary has it. For making a state again. ERR_LIMIT. */
MUST_CHECK int chain_resume(struct chain *c, const struct chain_interval *interval, bool noted,
                            struct err *err);
uint64_t chain_rows(const struct chain *c); /* added since it was made or read */
