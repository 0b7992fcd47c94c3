/* The arithmetic on block masks that the vector versions of json_index.h share. Each of them
 * defines TARGET before it includes this, so that it is compiled for its instructions; the least
 * that it needs is what is meant otherwise. Only for x86-64. */
#pragma once
#include "formats/json_index.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if !defined(TARGET)
#define TARGET __attribute__((target("pclmul")))
#endif
#define INLINE __attribute__((always_inline, unused)) static inline

static const unsigned char BIT_NUMBERS[64] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};

/* Keiser and Lemire: what can be wrong with two bytes in a row, by the high and low half of the
 * first and the high half of the second; wrong is what all three tables say. */
enum {
    SHORT_2 = 1 << 5,   /* 1100000_ 10______ */
    SHORT_3 = 1 << 4,   /* 11100000 100_____ */
    SHORT_4 = 1 << 6,   /* 11110000 1000____, with PAST_1000 */
    PAST_1000 = 1 << 6, /* 11110101 and up, 1000____ */
    PAST = 1 << 3,      /* 11110100 and up, 1001____ and up */
    SURROGATE = 1 << 2, /* 11101101 101_____ */
    CUT = 1 << 0,       /* 11______ followed by no 10______ */
    STRAY = 1 << 1,     /* 0_______ 10______ */
    TWICE = 1 << 7,     /* 10______ 10______: wrong unless a longer lead says so */
    ANY_LOW = CUT | STRAY | TWICE
};
static const unsigned char UTF8_FIRST[16] = {
    STRAY,
    STRAY,
    STRAY,
    STRAY,
    STRAY,
    STRAY,
    STRAY,
    STRAY,
    TWICE,
    TWICE,
    TWICE,
    TWICE,
    CUT | SHORT_2,
    CUT,
    CUT | SHORT_3 | SURROGATE,
    CUT | PAST | PAST_1000,
};
static const unsigned char UTF8_SECOND[16] = {
    ANY_LOW | SHORT_3 | SHORT_2 | SHORT_4,
    ANY_LOW | SHORT_2,
    ANY_LOW,
    ANY_LOW,
    ANY_LOW | PAST,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000 | SURROGATE,
    ANY_LOW | PAST | PAST_1000,
    ANY_LOW | PAST | PAST_1000,
};
static const unsigned char UTF8_THIRD[16] = {
    CUT,
    CUT,
    CUT,
    CUT,
    CUT,
    CUT,
    CUT,
    CUT,
    STRAY | SHORT_2 | TWICE | SHORT_3 | PAST_1000 | SHORT_4,
    STRAY | SHORT_2 | TWICE | SHORT_3 | PAST,
    STRAY | SHORT_2 | TWICE | SURROGATE | PAST,
    STRAY | SHORT_2 | TWICE | SURROGATE | PAST,
    CUT,
    CUT,
    CUT,
    CUT,
};

struct block_bits {
    uint64_t quote, backslash, control, high;
    uint64_t follows; /* may follow a backslash (bytes over 0x7f: anything) */
    uint64_t unicode; /* the letter u */
};

struct block_strings {
    uint64_t quotes;  /* those that open or close a string */
    uint64_t escaped; /* those that close one with escapes */
    uint64_t unicode; /* the u of \u */
};

struct bits_carry {
    uint64_t escape, inside, escapes, high, bad;
};

INLINE struct bits_carry bits_carry_load(const struct json_index *index)
{
    return (struct bits_carry){index->escape, index->inside, index->escapes, index->high,
                               index->bad};
}

INLINE void bits_carry_store(struct json_index *index, const struct bits_carry *carry)
{
    index->escape = carry->escape;
    index->inside = carry->inside;
    index->escapes = carry->escapes;
    index->high = carry->high;
    index->bad |= carry->bad;
}

/* Bits of the bytes that a backslash escapes. In a run of backslashes every second one is escaped:
 * a subtraction per run, borrowing along it, tells runs of odd starts from even ones. */
INLINE uint64_t bits_after_escape(uint64_t backslash, uint64_t *carry)
{
    const uint64_t odd = 0xaaaaaaaaaaaaaaaaull;
    uint64_t starts = backslash & ~*carry;
    uint64_t codes = ((starts << 1 | odd) - starts) ^ odd;
    uint64_t after = codes ^ (backslash | *carry);
    *carry = (codes & backslash) >> 63;
    return after;
}

INLINE TARGET uint64_t bits_prefix_xor(uint64_t bits)
{
    __m128i all = _mm_set1_epi8((char)0xff);
    return (uint64_t)_mm_cvtsi128_si64(
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), all, 0));
}

INLINE TARGET struct block_strings bits_strings(struct bits_carry *carry,
                                                const struct block_bits *bits)
{
    struct block_strings strings;
    uint64_t after = bits_after_escape(bits->backslash, &carry->escape);
    strings.quotes = bits->quote & ~after;
    /* From each opening quote to before its closing quote. */
    uint64_t inside = bits_prefix_xor(strings.quotes) ^ carry->inside;
    carry->inside = (uint64_t)((int64_t)inside >> 63);
    after &= inside;
    carry->bad |= (bits->control & inside) | (after & ~(bits->follows & ~bits->high));
    carry->high = bits->high;
    strings.unicode = after & bits->unicode;
    /* A backslash starts a carry that runs through the ones of its string up to the closing quote.
     */
    uint64_t content = inside & ~strings.quotes, sum;
    bool over = __builtin_add_overflow(content, bits->backslash & content, &sum);
    bool more = __builtin_add_overflow(sum, carry->escapes, &sum);
    carry->escapes = over || more;
    strings.escaped = sum & strings.quotes & ~inside;
    return strings;
}

#endif
