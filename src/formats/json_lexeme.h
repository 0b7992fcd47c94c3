/* What the tokens of JSON look like (RFC 8259): shared by its readers, private to them.
 *
 * Every function looks at bytes of [at, end) only. Threads: any. */
#pragma once
#include "formats/json.h"

static inline bool json_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *json_blank_end(const char *at, const char *end)
{
    while (at < end && json_is_blank(*at))
        at++;
    return at;
}

/* Eight bytes, the first one lowest. */
static inline uint64_t json_load8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline const char *json_digits_end(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word = json_load8(at) ^ 0x3030303030303030ull; /* digits become 0 .. 9 */
        uint64_t other = ((word & 0x7f7f7f7f7f7f7f7full) + 0x7676767676767676ull) | word;
        other &= 0x8080808080808080ull;
        if (other)
            return at + (__builtin_ctzll(other) >> 3);
        at += 8;
    }
    while (at < end && json_is_digit(*at))
        at++;
    return at;
}

/* The first byte of [at, end) that a string does not simply contain: quote, backslash, control
 * character, or a byte over 0x7f; end when there is none. */
const char *json_plain_end(const char *at, const char *end);

/* Behind the number that starts at `at`; NULL: not one. What follows it is for the caller to judge.
 */
const char *json_number_end(const char *at, const char *end);

/* The value of \uXXXX at `at`; -1: that is not there. */
int32_t json_escape_unit(const char *at, const char *end);

/* Bytes of the escape whose backslash is at `at`, a surrogate pair being one of 12; 0: not an
 * escape of RFC 8259, or half a pair. */
size_t json_escape_length(const char *at, const char *end);

/* Bytes of the well-formed UTF-8 character (RFC 3629) at `at`; 0: there is none. */
size_t json_utf8_length(const char *at, const char *end);

/* Behind the byte order mark, where there is one. */
static inline const char *json_mark_end(const char *at, const char *end)
{
    return end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? at + 3 : at;
}
