/* Short literals, few of them: a vector look-up of every position of a text (32 at a time).
 *
 * How it works. The literals, sorted, are dealt into 8 buckets. For each of the first four bytes of
 * a literal two tables of 16 entries say, for the low and the high half of a byte, which buckets
 * allow it there (a shorter literal allows anything behind its end). One shuffle instruction looks
 * 32 text bytes up in such a table at once; the AND of the eight answers is, for each position, the
 * buckets that may start there. Positions with an answer are compared with the literals of those
 * buckets. Used when the processor has AVX2 and there are few enough literals for the answers to be
 * rare; literal.c has the way for all other cases and the same tests hold both.
 *
 * Limits: LITERAL_SHORT_COUNT_MAX literals of LITERAL_SHORT_BYTES_MAX bytes. Texts are read
 * LITERAL_PADDING bytes past their end. Threads: immutable. Ownership: the arena's. */
#pragma once
#include "base/arena.h"

enum { LITERAL_SHORT_COUNT_MAX = 64, LITERAL_SHORT_BYTES_MAX = 6 };

struct literal;
struct literal_short;

/* NULL: count is 0 or over the limit, or the processor lacks AVX2. literals: all of a matcher;
 * members: indexes of the short ones. */
struct literal_short *literal_short_build(const struct literal *literals, const uint32_t *members,
                                          uint32_t count, struct arena *arena);

/* Calls hit for each literal (its index) that stands at a position; the same one may come again. */
typedef void literal_short_hit(void *context, uint32_t literal);
void literal_short_scan(const struct literal_short *set, struct slice text, literal_short_hit *hit,
                        void *context);
