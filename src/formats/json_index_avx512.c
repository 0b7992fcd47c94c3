#include "formats/json_index.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET                                                                                     \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,pclmul,popcnt")))

#include "formats/json_index_bits.h"

/* 0x80 for what may follow a backslash: " / \ b f n r t u (by the low seven bits). */
static const unsigned char FOLLOWS[128] = {
    ['"'] = 0x80, ['/'] = 0x80, ['\\'] = 0x80, ['b'] = 0x80, ['f'] = 0x80,
    ['n'] = 0x80, ['r'] = 0x80, ['t'] = 0x80,  ['u'] = 0x80,
};

struct block_tables {
    __m512i follows_low, follows_high, iota, utf8_first, utf8_second, utf8_third;
};

INLINE TARGET __m512i nibble_table(const unsigned char table[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)table));
}

INLINE TARGET uint64_t utf8_bad(const struct block_tables *t, __m512i block, __m512i before)
{
    /* The bytes one, two and three before each byte: lanes moved by one, then joined. */
    __m512i moved = _mm512_alignr_epi32(block, before, 12);
    __m512i one = _mm512_alignr_epi8(block, moved, 15);
    __m512i two = _mm512_alignr_epi8(block, moved, 14);
    __m512i three = _mm512_alignr_epi8(block, moved, 13);
    __m512i nibble = _mm512_set1_epi8(0x0f);
    __m512i first =
        _mm512_shuffle_epi8(t->utf8_first, _mm512_and_si512(_mm512_srli_epi16(one, 4), nibble));
    __m512i second = _mm512_shuffle_epi8(t->utf8_second, _mm512_and_si512(one, nibble));
    __m512i third =
        _mm512_shuffle_epi8(t->utf8_third, _mm512_and_si512(_mm512_srli_epi16(block, 4), nibble));
    __m512i wrong = _mm512_ternarylogic_epi32(first, second, third, 0x80);
    __m512i follow =
        _mm512_or_si512(_mm512_subs_epu8(two, _mm512_set1_epi8(0xe0 - 0x80)),
                        _mm512_subs_epu8(three, _mm512_set1_epi8((char)(0xf0 - 0x80))));
    follow = _mm512_and_si512(follow, _mm512_set1_epi8((char)0x80));
    return _mm512_test_epi8_mask(_mm512_xor_si512(wrong, follow), _mm512_set1_epi8((char)0xff));
}

INLINE TARGET void quotes_write(struct json_index *index, const struct block_tables *t,
                                uint64_t quotes, size_t offset)
{
    __m512i places = _mm512_maskz_compress_epi8(quotes, t->iota);
    __m512i base = _mm512_set1_epi32((int)offset);
    uint32_t *to = index->quotes + index->count;
    uint32_t count = (uint32_t)_mm_popcnt_u64(quotes);
    _mm512_storeu_si512(
        to, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places))));
    if (count > 16) {
        _mm512_storeu_si512(
            to + 16,
            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, 1))));
        _mm512_storeu_si512(
            to + 32,
            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, 2))));
        _mm512_storeu_si512(
            to + 48,
            _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, 3))));
    }
    index->count += count;
}

TARGET void json_index_fill_avx512(struct json_index *index)
{
    const struct block_tables t = {
        .follows_low = _mm512_loadu_si512(FOLLOWS),
        .follows_high = _mm512_loadu_si512(FOLLOWS + 64),
        .iota = _mm512_loadu_si512(BIT_NUMBERS),
        .utf8_first = nibble_table(UTF8_FIRST),
        .utf8_second = nibble_table(UTF8_SECOND),
        .utf8_third = nibble_table(UTF8_THIRD),
    };
    struct bits_carry carry = bits_carry_load(index);
    index->window = index->at;
    for (size_t number = 0; number < JSON_WINDOW_BLOCKS && index->at < index->len; number++) {
        const char *from = index->text + index->at;
        size_t left = index->len - index->at;
        __m512i block = left >= JSON_BLOCK_BYTES
                            ? _mm512_loadu_si512(from)
                            : _mm512_maskz_loadu_epi8(_bzhi_u64(~0ull, (unsigned)left), from);
        __m512i follows = _mm512_permutex2var_epi8(t.follows_low, block, t.follows_high);
        struct block_bits bits = {
            .quote = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('"')),
            .backslash = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\\')),
            .control = _mm512_cmplt_epu8_mask(block, _mm512_set1_epi8(' ')),
            .high = _mm512_movepi8_mask(block),
            .follows = _mm512_movepi8_mask(follows),
            .unicode = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('u')),
        };
        if (__builtin_expect((bits.high | carry.high >> 61) != 0, 0)) {
            __m512i before = _mm512_setzero_si512();
            if (index->at)
                before = _mm512_loadu_si512(from - JSON_BLOCK_BYTES);
            carry.bad |= utf8_bad(&t, block, before);
        }
        struct block_strings strings = bits_strings(&carry, &bits);
        index->escaped[number] = strings.escaped;
        if (__builtin_expect(strings.unicode != 0, 0))
            json_index_unicode(index, index->at, strings.unicode);
        quotes_write(index, &t, strings.quotes, index->at);
        index->at += JSON_BLOCK_BYTES;
    }
    bits_carry_store(index, &carry);
}
#endif
