/* Bloom: a split-block bloom filter: each key sets one bit in each of the eight words of one block,
 * so that a question touches one block only (docs/store-format.md, "Segment").
 *
 * Limits: the caller's. Threads: a filter belongs to one while it is filled. Ownership: owns its
 * words until bloom_free. */
#pragma once
#include "base/str.h"

enum {
    BLOOM_BLOCK_WORDS = 8,
    BLOOM_BLOCK_BYTES = 32,
    BLOOM_KEY_BITS = 10,         /* of the filter for each key: one wrong yes in about a hundred */
    BLOOM_VALUE_BYTES_MAX = 256, /* folded; longer ones are not in it */
    BLOOM_BLOCKS_MAX = 1 << 24
};

struct bloom {
    uint32_t *words;
    uint32_t block_count;
};

/* Room for that many keys, at least one block. */
void bloom_open(struct bloom *b, uint64_t key_count);
void bloom_free(struct bloom *b);
void bloom_add(struct bloom *b, uint64_t key);
/* The block that a key is in. */
static inline uint32_t bloom_block(uint64_t key, uint32_t block_count)
{
    return (uint32_t)((key >> 32) * block_count >> 32);
}
/* False: the key was not added. block: its BLOOM_BLOCK_BYTES bytes. */
bool bloom_block_has(const void *block, uint64_t key);

/* Keys. scratch is cleared and used. */
uint64_t bloom_key(struct slice name, struct slice folded, struct buf *scratch);
uint64_t bloom_key_number(struct slice name, double number, struct buf *scratch);
