/* Inside of indicator tables: the block of bytes, written by indicator_builder.c and read by
 * indicator_table.c. Numbers are little-endian (a table is built on the machine that uses it; on
 * another kind the magic does not fit). All sections begin at multiples of 64. Texts are in the
 * pool: a 16-bit length and the bytes; offset 0 is the empty text. */
#pragma once
#include "base/hash.h"
#include "detection/indicator.h"

#define INDICATOR_MAGIC 0x31434f49484e4143ull /* "CANHIOC1" */
enum {
    INDICATOR_VERSION = 1,
    INDICATOR_BLOCK_BYTES = 64,   /* of a bloom: one cache line */
    INDICATOR_BLOOM_BITS = 14,    /* per key: about 1 of 300 misses passes */
    INDICATOR_HEADS_BYTES = 8192, /* a bit for each first 16 bits of an address */
    INDICATOR_CHECKED_FROM = 16   /* what the checksum covers */
};

struct indicator_record {
    uint32_t value, id; /* in the pool */
    uint32_t meta;      /* index */
    uint32_t next;      /* the next record of the same key or network, a higher index; 0: none */
    uint32_t type;
};

struct indicator_meta { /* what whole feeds share */
    uint32_t source, title;
    int64_t from_ns, until_ns;
    uint32_t confidence, tlp;
};

struct indicator_slot {
    uint32_t tag;    /* low half of the key */
    uint32_t record; /* index + 1; 0: free */
};

struct indicator_net {  /* sorted by base and prefix; all that hold an address are one chain */
    uint64_t high, low; /* of the base */
    uint32_t record;
    uint32_t
        parent; /* the smallest network around it, index + 1, not over its own index; 0: none */
    uint32_t prefix_bits;
    uint32_t unused;
};

struct indicator_section {
    uint64_t at, count; /* bytes from the begin; elements */
};

struct indicator_header {
    uint64_t magic, checksum;
    uint32_t version, kinds; /* set of 1 << SIGHT_... */
    uint64_t size_bytes;
    uint64_t count; /* records up to here are indicators, those after it exceptions */
    struct indicator_section records, metas, slots, nets, exception_nets, prefixes, pool;
    struct indicator_section heads[2]; /* v4: by the first 16 bits; all others */
    struct indicator_section blooms[SIGHT_KINDS];
};

/* What a record is found by. */
static inline uint64_t indicator_port_key(uint64_t address_hash, uint16_t port)
{
    return (address_hash ^ ((uint64_t)port + 1)) * 0x9e3779b97f4a7c15ull;
}
uint64_t indicator_key(enum indicator_type type, struct slice value);
extern const uint8_t indicator_sight_kinds[INDICATOR_TYPES]; /* the kind that a type matches */

static inline uint64_t indicator_bloom_block(uint64_t key, uint64_t blocks)
{
    return ((key * 0xd6e8feb86659fd93ull >> 32) * blocks) >> 32;
}

static inline void indicator_bloom_put(uint64_t *block, uint64_t key)
{
    for (int i = 0; i < 6; i++, key >>= 9)
        block[key >> 6 & 7] |= 1ull << (key & 63);
}

static inline bool indicator_bloom_has(const uint64_t *block, uint64_t key)
{
    uint64_t missing = 0;
    for (int i = 0; i < 6; i++, key >>= 9)
        missing |= ~block[key >> 6 & 7] >> (key & 63) & 1;
    return missing == 0;
}

static inline uint64_t indicator_slot_at(uint64_t key, uint64_t slots)
{
    return ((key >> 32) * slots) >> 32;
}

static inline void indicator_words(const struct ip_address *a, uint64_t *high, uint64_t *low)
{
    memcpy(high, a->bytes, 8);
    memcpy(low, a->bytes + 8, 8);
    *high = __builtin_bswap64(*high);
    *low = __builtin_bswap64(*low);
}
