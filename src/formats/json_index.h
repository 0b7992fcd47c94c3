/* Where the strings of a JSON text begin and end, found 64 bytes at a time: the clever half of the
 * hot path. Private to formats/ and its tests.
 *
 * How it works. A block of 64 bytes becomes bit masks, one bit a byte: quotes, backslashes, control
 * characters, bytes over 0x7f. A subtraction finds the bytes that a backslash escapes (runs of
 * backslashes pair up), a carry-less multiplication by all ones (prefix xor) turns the quotes left
 * into "inside a string", and an addition whose carry runs along each string marks those closing
 * quotes whose string held a backslash. What follows a backslash is checked against a table; \u is
 * rare and is checked one by one; UTF-8 is checked by the method of Keiser and Lemire ("Validating
 * UTF-8 in less than one instruction per byte", 2021), only in blocks with bytes over 0x7f. Carries
 * pass from block to block. Only offsets of quotes are written down: the walker (json_walk.c) sees
 * every byte outside of strings itself, so that nothing escapes the grammar, and tells what is
 * wrong by `bad`, asked once.
 *
 * Nothing outside of the text is read: the last block is a masked load or a copy.
 * Limits: texts of JSON_INDEX_TEXT_MAX bytes. Threads: none of its own. */
#pragma once
#include "base/str.h"

enum {
    JSON_BLOCK_BYTES = 64,
    JSON_WINDOW_BLOCKS = 64, /* as much is indexed at a time */
    JSON_WINDOW_BYTES = JSON_BLOCK_BYTES * JSON_WINDOW_BLOCKS,
    JSON_INDEX_TEXT_MAX = 1 << 30
};

struct json_index {
    const char *text;
    size_t len;
    size_t at;     /* offset of the first block that is not indexed yet */
    size_t window; /* offset that belongs to escaped[0] */
    /* Carries from the block before. */
    uint64_t escape;  /* 1: its last byte escapes the next */
    uint64_t inside;  /* all ones: it ended inside a string ... */
    uint64_t escapes; /* 1: ... that held a backslash */
    uint64_t high;    /* its bytes over 0x7f */
    size_t low_half;  /* offset of the `u` of the low surrogate that a high one announced */
    uint64_t bad;     /* not 0: something in a string is wrong */
    uint32_t count;   /* of quotes */
    uint64_t escaped[JSON_WINDOW_BLOCKS]; /* bits of closing quotes whose string has escapes */
    /* Offsets of quotes, opening and closing in turn: one may be left from the window before, and
     * up to a block's worth may be written past the last. */
    uint32_t quotes[1 + JSON_WINDOW_BYTES + JSON_BLOCK_BYTES];
};

/* Indexes the next window: sets window, escaped, adds to quotes. */
typedef void json_index_fill(struct json_index *index);

#if defined(__x86_64__)
json_index_fill json_index_fill_avx2;   /* needs AVX2, BMI, PCLMUL */
json_index_fill json_index_fill_avx512; /* needs AVX-512 F, BW, VL, VBMI, VBMI2, BMI2, PCLMUL */
#endif

/* The escapes whose `u` is at the bits of mask in the block at offset: checks the digits and that
 * surrogates come in pairs. Sets bad. */
void json_index_unicode(struct json_index *index, size_t offset, uint64_t mask);
