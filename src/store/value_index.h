/* Value index: what a segment says of its values without showing them: keys for its bloom filter
 * and the sight hashes of what may be indicators, gathered while it is made.
 *
 * Each distinct value is given once where that is cheap to know; twice does no harm. Limits:
 * VALUE_INDEX_SIGHTS_MAX of a kind, past it that kind is left out and the segment says so.
 * Threads: one. Ownership: copies. */
#pragma once
#include "detection/indicator.h"
#include "store/bloom.h"

enum { VALUE_INDEX_SIGHTS_MAX = 1 << 20 };

struct value_index;
struct value_index *value_index_open(void);
void value_index_close(struct value_index **x);
/* kind: enum value_kind. */
void value_index_add(struct value_index *x, struct slice name, uint8_t kind, struct slice value);
size_t value_index_memory(const struct value_index *x);
/* Sorts what was gathered: call it once, before those below. */
void value_index_finish(struct value_index *x);
uint64_t value_index_keys(const struct value_index *x);
/* An empty bloom, filled with all keys. */
void value_index_bloom(const struct value_index *x, struct bloom *out);
/* Sorted distinct u64 hashes (SIGHT_IP: addresses of 16 bytes). False: too many. */
bool value_index_sights(const struct value_index *x, unsigned kind, struct slice *bytes,
                        uint32_t *count);
