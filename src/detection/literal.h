/* Literal matcher: which of many literals occur in a text. The hot path of `contains`.
 *
 * How it works. Every literal of 7 bytes or more is entered under four neighbouring grams (of 8
 * bytes when it has 11 or more, else of 4), the rarest run of four that it has; rarity is counted
 * over the literals themselves. However it lies in a text, one of the four starts at a multiple of
 * 4, so the scan looks at every fourth position only: one load, one multiplication, one bit test in
 * a bitmap that fits the near caches. A set bit leads to a hash table of grams and from there to a
 * comparison of the whole literal. Literals of 5 and 6 bytes have two grams (every second
 * position), shorter ones one; where there are few below 7 bytes, literal_short.h looks for them
 * instead. Each class is scanned only if it has members. Figures: docs/benchmarks.md. The naive
 * twin (memmem for each literal) is in tests/unit/detection/test_literal.c and
 * tests/fuzz/fuzz_literal.c.
 *
 * Limits: LITERAL_COUNT_MAX. Texts are read LITERAL_PADDING bytes past their end (any contents).
 * Threads: immutable after it was built. Ownership: copies nothing: literal texts must outlive it.
 */
#pragma once
#include "base/arena.h"

enum { LITERAL_COUNT_MAX = 1 << 22, LITERAL_PADDING = 48 };

struct literal {
    struct slice text; /* 1 byte or more, folded as the texts will be */
    uint32_t term;     /* the caller's number */
};

struct literal_matcher;
/* NULL when count is 0. Memory is the arena's. */
struct literal_matcher *literal_build(const struct literal *literals, uint32_t count,
                                      struct arena *arena);
/* Reports each term once whose seen[term] is not yet generation: sets it and appends the term to
 * terms, which has room for all terms. Returns the new count. */
uint32_t literal_scan(const struct literal_matcher *m, struct slice text, uint32_t *seen,
                      uint32_t generation, uint32_t *terms, uint32_t count);

/* Whether needle occurs in text, which is readable LITERAL_PADDING bytes past its end. */
bool literal_find(struct slice text, struct slice needle);
