/* Tally: what a sender of hauls has cut into records, in a page behind the slots of its shared
 * memory, so that the engine can book what was lost with the sender itself.
 *
 * A listener whose protocol has no acknowledgement adds each record (lines that are joined and
 * records that it refuses, too; not what the kernel dropped) when it is cut, before any haul tells
 * of it. When the sender has died, what its hauls brought is taken off: the rest was in its memory
 * only. The page's id tells senders apart: the engine keeps what hauls brought by it. Layout (bytes
 * of the machine's order; both ends are one program): u64 id, u64 cut by listener, by its row in
 * canh.yaml. A sender may write anything: it lies about its own losses only.
 *
 * Limits: TALLY_LISTENERS_MAX. Threads: any; each value is one atomic. Ownership: borrows the
 * mapping. */
#pragma once
#include <stdint.h>

#include "base/err.h"

enum { TALLY_LISTENERS_MAX = 32, TALLY_BYTES = 4096 };

struct tally_page {
    uint64_t id; /* random; 0: its sender has not begun */
    uint64_t cut[TALLY_LISTENERS_MAX];
};
_Static_assert(sizeof(struct tally_page) <= TALLY_BYTES, "a page holds it");

struct tally { /* of one listener; page NULL: nothing is counted */
    struct tally_page *page;
    uint32_t listener;
};

static inline void tally_add(struct tally tally, uint64_t records)
{
    if (tally.page && tally.listener < TALLY_LISTENERS_MAX)
        (void)__atomic_fetch_add(&tally.page->cut[tally.listener], records, __ATOMIC_RELAXED);
}

/* The sender's side, once, before any haul. */
static inline void tally_begin(struct tally_page *page, uint64_t id)
{
    __atomic_store_n(&page->id, id, __ATOMIC_RELEASE);
}

static inline uint64_t tally_id(const struct tally_page *page)
{
    return __atomic_load_n(&page->id, __ATOMIC_ACQUIRE);
}

static inline uint64_t tally_cut(const struct tally_page *page, uint32_t listener)
{
    return listener < TALLY_LISTENERS_MAX ? __atomic_load_n(&page->cut[listener], __ATOMIC_RELAXED)
                                          : 0;
}

/* What was cut and never brought; a haul that tells of more than was cut lost nothing. */
static inline uint64_t tally_lost(uint64_t cut, uint64_t brought)
{
    return cut > brought ? cut - brought : 0;
}
