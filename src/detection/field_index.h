/* Field index: all terms (literals) that some rules ask of one field, found in one look at its
 * value.
 *
 * Equality, heads and tails are hash probes on up to 8 bytes of the value and a comparison;
 * substrings go to the literal matcher. Numbers are found by their canonical spelling. Threads:
 * immutable after field_index_finish. Ownership: the arena's; literal texts are borrowed. */
#pragma once
#include "detection/literal.h"
#include "detection/predicate.h"

struct field_index;
struct field_index *field_index_open(struct arena *arena);
/* kind: EQUALS, STARTSWITH, ENDSWITH, CONTAINS or NUMBER; text folded (NUMBER: canonical). */
void field_index_add(struct field_index *index, enum predicate_kind kind, struct slice text,
                     uint32_t term);
/* No more terms follow. scratch is freed by the caller. */
void field_index_finish(struct field_index *index, struct arena *arena);

/* No term but substrings: then several values can be scanned as one text. */
bool field_index_only_contains(const struct field_index *index);

/* As literal_scan: reports each term of the value once a generation. folded is readable
 * LITERAL_PADDING bytes past its end. */
uint32_t field_index_scan(const struct field_index *index, struct slice folded, uint32_t *seen,
                          uint32_t generation, uint32_t *terms, uint32_t count);

enum { NUMBER_CANONICAL_BYTES = 40 };
/* One spelling for all texts of one number (4688, 4688.0, 0004688, 4.688e3). Gives its length, or 0
 * when text spells no number. */
size_t number_canonical(char out[NUMBER_CANONICAL_BYTES], struct slice text);
