#include "formats/json_unescape.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET                                                                                     \
    __attribute__((                                                                                \
        target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,pclmul,popcnt")))

#include "formats/json_index_bits.h"

bool json_unescape_avx512_usable(void)
{
    return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}

/* What a letter after a backslash stands for, by its low five bits: b f n r t. */
static const unsigned char LETTERS[32] = {
    ['b' & 31] = '\b', ['f' & 31] = '\f', ['n' & 31] = '\n', ['r' & 31] = '\r', ['t' & 31] = '\t'};

INLINE TARGET uint64_t mask_below(size_t count)
{
    return _bzhi_u64(~0ull, (unsigned)count);
}

TARGET size_t json_unescape_avx512(char *out, struct slice in)
{
    const __m512i letters = _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)LETTERS));
    const char *at = in.data, *end = in.data + in.len;
    char *to = out;
    while (at < end) {
        size_t count = (size_t)(end - at) < 64 ? (size_t)(end - at) : 64;
        __m512i block = _mm512_maskz_loadu_epi8(mask_below(count), at);
        uint64_t backslash = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\\')), carry = 0;
        uint64_t after = bits_after_escape(backslash, &carry);
        uint64_t unicode = after & _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('u'));
        uint64_t drop = backslash & ~after;
        /* Ends before the first \u, and not between a backslash and what it escapes. */
        if (unicode)
            count = (size_t)__builtin_ctzll(unicode) - 1;
        else if (drop >> (count - 1))
            count--;
        uint64_t keep = ~drop & mask_below(count);
        uint64_t letter = after & _mm512_cmpge_epu8_mask(block, _mm512_set1_epi8('a'));
        block = _mm512_mask_permutexvar_epi8(block, letter, block, letters);
        size_t kept = (size_t)__builtin_popcountll(keep);
        _mm512_mask_storeu_epi8(to, mask_below(kept), _mm512_maskz_compress_epi8(keep, block));
        at += count;
        to += kept;
        if (unicode || count == 0) {
            size_t used;
            to += json_unicode_put(to, at, end, &used);
            at += used;
        }
    }
    return (size_t)(to - out);
}
#endif
