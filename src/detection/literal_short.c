#include "detection/literal_short.h"

#include <stdlib.h>

#include "base/mem.h"
#include "detection/literal.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { BUCKETS = 8, POSITIONS = 4, BLOCK = 32 };

struct short_literal {
    char bytes[8];
    uint32_t len, literal;
};

struct literal_short {
    _Alignas(32) uint8_t low[POSITIONS][BLOCK], high[POSITIONS][BLOCK]; /* 16 entries, twice */
    struct short_literal *literals;
    uint32_t bucket_first[BUCKETS + 1];
};

static int short_order(const void *a, const void *b)
{
    const struct short_literal *x = a, *y = b;
    return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

static void short_enter(struct literal_short *set, const struct short_literal *l, uint32_t bucket)
{
    uint8_t bit = (uint8_t)(1u << bucket);
    for (uint32_t p = 0; p < POSITIONS; p++) {
        unsigned char byte = (unsigned char)l->bytes[p];
        for (uint32_t half = 0; half < BLOCK; half++) {
            if (p >= l->len || (half & 15) == (byte & 15u))
                set->low[p][half] |= bit;
            if (p >= l->len || (half & 15) == byte >> 4)
                set->high[p][half] |= bit;
        }
    }
}

struct literal_short *literal_short_build(const struct literal *literals, const uint32_t *members,
                                          uint32_t count, struct arena *arena)
{
    if (count == 0 || count > LITERAL_SHORT_COUNT_MAX || !__builtin_cpu_supports("avx2"))
        return NULL;
    struct literal_short *set = arena_alloc_aligned(arena, sizeof(*set), 32);
    memset(set, 0, sizeof(*set));
    set->literals = arena_zeroed(arena, count, sizeof(*set->literals));
    for (uint32_t i = 0; i < count; i++) {
        struct slice text = literals[members[i]].text;
        check(text.len <= LITERAL_SHORT_BYTES_MAX);
        memcpy(set->literals[i].bytes, text.data, text.len);
        set->literals[i].len = (uint32_t)text.len;
        set->literals[i].literal = members[i];
    }
    qsort(set->literals, count, sizeof(*set->literals), short_order);
    for (uint32_t bucket = 0; bucket <= BUCKETS; bucket++)
        set->bucket_first[bucket] = count * bucket / BUCKETS;
    for (uint32_t bucket = 0; bucket < BUCKETS; bucket++)
        for (uint32_t i = set->bucket_first[bucket]; i < set->bucket_first[bucket + 1]; i++)
            short_enter(set, &set->literals[i], bucket);
    return set;
}

static __attribute__((noinline)) void short_candidate(const struct literal_short *set,
                                                      struct slice text, size_t at, uint8_t buckets,
                                                      literal_short_hit *hit, void *context)
{
    for (; buckets; buckets &= (uint8_t)(buckets - 1)) {
        uint32_t bucket = (uint32_t)__builtin_ctz(buckets);
        for (uint32_t i = set->bucket_first[bucket]; i < set->bucket_first[bucket + 1]; i++) {
            const struct short_literal *l = &set->literals[i];
            if (l->len <= text.len - at && memcmp(text.data + at, l->bytes, l->len) == 0)
                hit(context, l->literal);
        }
    }
}

__attribute__((target("avx2"))) static inline __m256i
short_look(const uint8_t *low, const uint8_t *high, const char *text)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i above = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    __m256i from_low = _mm256_shuffle_epi8(_mm256_load_si256((const __m256i *)(const void *)low),
                                           _mm256_and_si256(bytes, nibble));
    __m256i from_high =
        _mm256_shuffle_epi8(_mm256_load_si256((const __m256i *)(const void *)high), above);
    return _mm256_and_si256(from_low, from_high);
}

__attribute__((target("avx2"))) void literal_short_scan(const struct literal_short *set,
                                                        struct slice text, literal_short_hit *hit,
                                                        void *context)
{
    for (size_t at = 0; at < text.len; at += BLOCK) {
        const char *data = text.data + at;
        __m256i found = short_look(set->low[0], set->high[0], data);
        for (int p = 1; p < POSITIONS; p++)
            found = _mm256_and_si256(found, short_look(set->low[p], set->high[p], data + p));
        __m256i none = _mm256_cmpeq_epi8(found, _mm256_setzero_si256());
        uint32_t some = ~(uint32_t)_mm256_movemask_epi8(none);
        if (__builtin_expect(some == 0, 1))
            continue;
        _Alignas(32) uint8_t buckets[BLOCK];
        _mm256_store_si256((__m256i *)(void *)buckets, found);
        for (; some; some &= some - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(some);
            if (at + i < text.len)
                short_candidate(set, text, at + i, buckets[i], hit, context);
        }
    }
}

#else

struct literal_short *literal_short_build(const struct literal *literals, const uint32_t *members,
                                          uint32_t count, struct arena *arena)
{
    (void)literals;
    (void)members;
    (void)count;
    (void)arena;
    return NULL;
}

void literal_short_scan(const struct literal_short *set, struct slice text, literal_short_hit *hit,
                        void *context)
{
    (void)set;
    (void)text;
    (void)hit;
    (void)context;
}

#endif
