/* Unicode text: UTF-8 checks, simple case folding, hex, base64, UTF-16 and ASCII helpers.
 * Threads: any, after text_init (called by the first user, any thread). */
#pragma once
#include "base/str.h"

/* Offset of the first byte that is not well-formed UTF-8 (RFC 3629, no surrogates), or len. */
size_t text_utf8_valid(struct slice s);

/* Unicode simple case folding (CaseFolding.txt C + S) of UTF-8; bytes that are not UTF-8 are kept.
 * out has room for text_fold_room(s.len) bytes. Returns the length. ASCII runs take the fast way.
 */
size_t text_fold(char *out, struct slice s);
static inline size_t text_fold_room(size_t len)
{
    return len + len / 2 + 64; /* U+023A and the like: 2 bytes fold to 3 */
}
uint32_t text_fold_char(uint32_t code_point); /* one code point */

/* Folded text without its diacritics, for search: canonical decomposition (NFD), combining marks
 * left out, then folding; d with stroke, o with stroke, l with stroke and dotless i become the
 * plain letters. Both spellings of Vietnamese text (composed or not) come out the same. Bytes that
 * are not UTF-8 are kept. out has room for text_unaccent_room(s.len) bytes. Returns the length. */
size_t text_unaccent(char *out, struct slice s);
static inline size_t text_unaccent_room(size_t len)
{
    return len * 4 + 64; /* a Hangul syllable: 3 bytes become 9 */
}

/* Next code point of UTF-8 at *at (< s.len), *at moves behind it; a bad byte comes out as itself
 * with TEXT_BAD_BYTE set, so that every byte string has one reading. */
#define TEXT_BAD_BYTE 0x80000000u
uint32_t text_next_char(struct slice s, size_t *at);
size_t text_put_char(char out[4], uint32_t code_point); /* UTF-8 length; bad-byte values: 1 */

/* Appends the composed form (Unicode NFC); text that is not UTF-8 is appended as it is. */
void text_nfc(struct buf *out, struct slice s);

void text_base64(struct buf *out, struct slice s); /* RFC 4648 section 4, with padding */
bool text_base64_decode(struct buf *out, struct slice s);
void text_hex(struct buf *out, struct slice s); /* lower case */
bool text_hex_decode(struct buf *out, struct slice s);
/* UTF-16 of UTF-8 text; a bad byte becomes U+FFFD. */
void text_utf16(struct buf *out, struct slice s, bool big_endian);
/* UTF-8 of UTF-16 bytes; unpaired surrogates become U+FFFD. */
void text_from_utf16(struct buf *out, struct slice s, bool big_endian);
/* Edit distance (insert, delete, replace, swap of neighbours) up to limit, then limit + 1: for "did
 * you mean". ASCII case is ignored; texts over 255 bytes are only compared for being equal. */
unsigned text_distance(struct slice a, struct slice b, unsigned limit);
/* The entry of a NULL-terminated list nearest to word, or NULL when none is near (a third of it).
 */
const char *text_nearest(struct slice word, const char *const *words);
