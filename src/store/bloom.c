#include "store/bloom.h"

#include "base/hash.h"
#include "base/mem.h"

/* Odd multipliers: each word takes its bit from other bits of the key (those of Parquet's split
 * block filters). */
static const uint32_t bloom_salts[BLOOM_BLOCK_WORDS] = {
    0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
    0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u,
};

void bloom_open(struct bloom *b, uint64_t key_count)
{
    uint64_t blocks =
        (key_count * BLOOM_KEY_BITS + BLOOM_BLOCK_BYTES * 8 - 1) / (BLOOM_BLOCK_BYTES * 8);
    blocks = blocks ? blocks : 1;
    b->block_count = (uint32_t)(blocks > BLOOM_BLOCKS_MAX ? BLOOM_BLOCKS_MAX : blocks);
    b->words = mem_zeroed((size_t)b->block_count * BLOOM_BLOCK_WORDS, sizeof *b->words);
}

void bloom_free(struct bloom *b)
{
    mem_free(b->words);
    *b = (struct bloom){0};
}

static inline uint32_t key_bit(uint64_t key, unsigned word)
{
    return 1u << ((uint32_t)key * bloom_salts[word] >> 27);
}

void bloom_add(struct bloom *b, uint64_t key)
{
    uint32_t *words = b->words + (size_t)bloom_block(key, b->block_count) * BLOOM_BLOCK_WORDS;
    for (unsigned i = 0; i < BLOOM_BLOCK_WORDS; i++)
        words[i] |= key_bit(key, i);
}

bool bloom_block_has(const void *block, uint64_t key)
{
    uint32_t words[BLOOM_BLOCK_WORDS];
    memcpy(words, block, sizeof words);
    bool has = true;
    for (unsigned i = 0; i < BLOOM_BLOCK_WORDS; i++)
        has &= (words[i] & key_bit(key, i)) != 0;
    return has;
}

static uint64_t key_of(struct slice name, char form, struct slice value, struct buf *scratch)
{
    buf_clear(scratch);
    buf_reserve(scratch, name.len + 1 + value.len);
    buf_slice(scratch, name);
    buf_char(scratch, form);
    buf_slice(scratch, value);
    return hash_slice(buf_as_slice(scratch), 0);
}

uint64_t bloom_key(struct slice name, struct slice folded, struct buf *scratch)
{
    return key_of(name, 0, folded, scratch);
}

uint64_t bloom_key_number(struct slice name, double number, struct buf *scratch)
{
    if (number == 0)
        number = 0; /* of the two zeros the one without a sign */
    return key_of(name, 1, slice_make((const char *)&number, sizeof number), scratch);
}
