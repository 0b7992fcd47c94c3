/* Dictionary: the distinct (kind, value) of a column while a segment is made, numbered in the order
 * of their first coming.
 *
 * Limits: the caller's memory limit; 4 GiB of values, past it the program aborts. Threads: one.
 * Ownership: copies values. */
#pragma once
#include "base/str.h"

struct dictionary_entry {
    uint32_t start, length; /* in text */
    uint16_t blocks;        /* bit by block in which it occurs */
    uint8_t kind;
};

struct dictionary {
    struct dictionary_entry *entries;
    uint64_t *slots; /* hash << 32 | entry + 1 */
    struct buf text;
    uint32_t count, capacity, slot_count;
    uint32_t newest; /* given last: logs repeat themselves */
};

/* The number of the entry, made when new; it occurs in that block. */
uint32_t dictionary_put(struct dictionary *d, uint8_t kind, struct slice value, unsigned block);
size_t dictionary_memory(const struct dictionary *d);
void dictionary_free(struct dictionary *d);

static inline struct slice dictionary_value(const struct dictionary *d, uint32_t entry)
{
    const struct dictionary_entry *e = &d->entries[entry];
    return slice_make(d->text.data + e->start, e->length);
}
