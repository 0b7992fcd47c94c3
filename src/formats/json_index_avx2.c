#include "formats/json_index.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,bmi,pclmul,popcnt")))

#include "formats/json_index_bits.h"

/* What may follow a backslash (" / \ b f n r t u): one bit for each high half (2, 5, 6, 7) that has
 * such a character, by low half, and the bit of each high half. */
static const unsigned char FOLLOWS_LOW[16] = {
    [0x2] = 1 | 4 | 8, [0xf] = 1, [0xc] = 2, [0x6] = 4, [0xe] = 4, [0x4] = 8, [0x5] = 8};
static const unsigned char FOLLOWS_HIGH[16] = {[2] = 1, [5] = 2, [6] = 4, [7] = 8};

struct block {
    __m256i low, high; /* halves by place */
};

INLINE TARGET __m256i nibble_table(const unsigned char table[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table));
}

INLINE TARGET struct block block_load(const char *from)
{
    return (struct block){_mm256_loadu_si256((const void *)from),
                          _mm256_loadu_si256((const void *)(from + 32))};
}

INLINE TARGET uint64_t mask_join(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

INLINE TARGET uint64_t mask_equal(const struct block *b, char c)
{
    __m256i all = _mm256_set1_epi8(c);
    return mask_join(_mm256_cmpeq_epi8(b->low, all), _mm256_cmpeq_epi8(b->high, all));
}

INLINE TARGET __m256i control_find(__m256i half)
{
    __m256i last = _mm256_set1_epi8(0x1f);
    return _mm256_cmpeq_epi8(_mm256_max_epu8(half, last), last);
}

INLINE TARGET __m256i high_nibbles(__m256i half)
{
    return _mm256_and_si256(_mm256_srli_epi16(half, 4), _mm256_set1_epi8(0x0f));
}

/* Bytes over 0x7f give 0. */
INLINE TARGET __m256i other_find(__m256i half)
{
    __m256i low = _mm256_shuffle_epi8(nibble_table(FOLLOWS_LOW), half);
    __m256i high = _mm256_shuffle_epi8(nibble_table(FOLLOWS_HIGH), high_nibbles(half));
    return _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256());
}

INLINE TARGET __m256i utf8_wrong(__m256i half, __m256i before)
{
    __m256i moved = _mm256_permute2x128_si256(before, half, 0x21);
    __m256i one = _mm256_alignr_epi8(half, moved, 15);
    __m256i two = _mm256_alignr_epi8(half, moved, 14);
    __m256i three = _mm256_alignr_epi8(half, moved, 13);
    __m256i first = _mm256_shuffle_epi8(nibble_table(UTF8_FIRST), high_nibbles(one));
    __m256i second = _mm256_shuffle_epi8(nibble_table(UTF8_SECOND),
                                         _mm256_and_si256(one, _mm256_set1_epi8(0x0f)));
    __m256i third = _mm256_shuffle_epi8(nibble_table(UTF8_THIRD), high_nibbles(half));
    __m256i wrong = _mm256_and_si256(_mm256_and_si256(first, second), third);
    __m256i follow = _mm256_or_si256(_mm256_subs_epu8(two, _mm256_set1_epi8(0xe0 - 0x80)),
                                     _mm256_subs_epu8(three, _mm256_set1_epi8(0xf0 - 0x80)));
    follow = _mm256_and_si256(follow, _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(wrong, follow);
}

INLINE TARGET uint64_t utf8_bad(const struct block *b, __m256i before)
{
    __m256i wrong = _mm256_or_si256(utf8_wrong(b->low, before), utf8_wrong(b->high, b->low));
    return !_mm256_testz_si256(wrong, wrong);
}

/* Eight at a time, whether there are so many or not: what is too much is written over later. */
INLINE TARGET void quotes_write(struct json_index *index, uint64_t quotes, size_t offset)
{
    uint32_t *to = index->quotes + index->count, base = (uint32_t)offset;
    index->count += (uint32_t)__builtin_popcountll(quotes);
    do {
        for (int i = 0; i < 8; i++) {
            to[i] = base + (uint32_t)_tzcnt_u64(quotes);
            quotes = _blsr_u64(quotes);
        }
        to += 8;
    } while (__builtin_expect(quotes != 0, 0));
}

TARGET void json_index_fill_avx2(struct json_index *index)
{
    struct bits_carry carry = bits_carry_load(index);
    index->window = index->at;
    for (size_t number = 0; number < JSON_WINDOW_BLOCKS && index->at < index->len; number++) {
        const char *from = index->text + index->at;
        char last[JSON_BLOCK_BYTES];
        size_t left = index->len - index->at;
        struct block block;
        if (left >= JSON_BLOCK_BYTES) {
            block = block_load(from);
        } else {
            memset(last, 0, sizeof(last));
            memcpy(last, from, left);
            block = block_load(last);
        }
        struct block_bits bits = {
            .quote = mask_equal(&block, '"'),
            .backslash = mask_equal(&block, '\\'),
            .control = mask_join(control_find(block.low), control_find(block.high)),
            .high = mask_join(block.low, block.high),
            .follows = ~mask_join(other_find(block.low), other_find(block.high)),
            .unicode = mask_equal(&block, 'u'),
        };
        if (__builtin_expect((bits.high | carry.high >> 61) != 0, 0)) {
            __m256i before = _mm256_setzero_si256();
            if (index->at)
                before = _mm256_loadu_si256((const void *)(from - 32));
            carry.bad |= utf8_bad(&block, before);
        }
        struct block_strings strings = bits_strings(&carry, &bits);
        index->escaped[number] = strings.escaped;
        if (__builtin_expect(strings.unicode != 0, 0))
            json_index_unicode(index, index->at, strings.unicode);
        quotes_write(index, strings.quotes, index->at);
        index->at += JSON_BLOCK_BYTES;
    }
    bits_carry_store(index, &carry);
}
#endif
