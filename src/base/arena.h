/* Arena: bump memory for a batch, a record or a rule set, freed or reset as a whole.
 * Limits: none of its own; what is put in is capped where it comes from.
 * Threads: an arena belongs to one thread at a time. Ownership: memory is the arena's. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    char *next, *end;           /* free room in the newest chunk */
    size_t total_bytes;
};

void *arena_grow(struct arena *a, size_t size_bytes, size_t align);

/* Uninitialised bytes, aligned to align (a power of two, at most 64). Never NULL. */
static inline void *arena_alloc_aligned(struct arena *a, size_t size_bytes, size_t align)
{
    uintptr_t at = ((uintptr_t)a->next + align - 1) & ~(uintptr_t)(align - 1);
    if (a->next && at + size_bytes <= (uintptr_t)a->end) {
        a->next = (char *)at + size_bytes;
        return (char *)at;
    }
    return arena_grow(a, size_bytes, align);
}

static inline void *arena_alloc(struct arena *a, size_t size_bytes)
{
    return arena_alloc_aligned(a, size_bytes, 8);
}

static inline char *arena_bytes(struct arena *a, size_t size_bytes)
{
    return arena_alloc_aligned(a, size_bytes, 1);
}

void *arena_zeroed(struct arena *a, size_t count, size_t size_bytes);
struct slice arena_copy(struct arena *a, struct slice s); /* copies, with a NUL after it */
struct slice arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
/* Forgets the contents, keeps one chunk (the largest) for the next use. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);
/* For what held secrets: overwritten, then freed. */
void arena_wipe(struct arena *a);
