/* Map from byte strings to 64-bit values, open addressing, seeded.
 * Keys are borrowed: they must outlive the map (put them into an arena first).
 * Limits: MAP_ENTRIES_MAX entries, past it the program aborts: callers cap. Threads: one writer, or
 * any number of readers. */
#pragma once
#include "base/str.h"

enum { MAP_ENTRIES_MAX = 1 << 28 };

struct map_entry {
    struct slice key; /* data NULL: free */
    uint64_t hash, value;
};

struct map {
    struct map_entry *entries;
    size_t count, capacity; /* capacity: 0 or a power of two */
};

/* The entry of the key, or NULL. Its value may be changed in place. */
struct map_entry *map_find(const struct map *m, struct slice key);
/* The entry of the key, made with value when absent; *made (may be NULL) says which. */
struct map_entry *map_put(struct map *m, struct slice key, uint64_t value, bool *made);
bool map_remove(struct map *m, struct slice key); /* false: was not there */
void map_free(struct map *m);                     /* leaves an empty map */

/* for (struct map_entry *e = NULL; (e = map_next(m, e));) in no promised order */
struct map_entry *map_next(const struct map *m, struct map_entry *previous);
