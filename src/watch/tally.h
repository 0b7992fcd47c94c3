/* Tally: what a sender of hauls has cut into records, in a page behind the slots of its shared
 * memory, so that the engine can book what was lost with the sender itself.
 *
 * A listener whose protocol has no acknowledgement adds each record (lines that are joined and
 * records that it refuses, too; not what the kernel dropped) when it is cut, before any haul tells
 * of it. When the sender has died, what its hauls brought is taken off: the rest was in its memory
 * only. Layout (bytes of the machine's order; both ends are one program): u64 cut by listener, by
 * its row in canh.yaml. A sender may write anything: it lies about its own losses only.
 *
 * Senders are told apart by ids that the parent gives, not they: a random epoch of the parent and
 * a number that grows with each start, so that "ended up to this one" is one number.
 *
 * Limits: TALLY_LISTENERS_MAX. Threads: any; each value is one atomic. Ownership: borrows the
 * mapping. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { TALLY_LISTENERS_MAX = 32, TALLY_BYTES = 4096, TALLY_STARTS_BITS = 24 };

struct tally_page {
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

static inline uint64_t tally_cut(const struct tally_page *page, uint32_t listener)
{
    return listener < TALLY_LISTENERS_MAX ? __atomic_load_n(&page->cut[listener], __ATOMIC_RELAXED)
                                          : 0;
}

/* The id of a sender: `starts` from 1. */
static inline uint64_t tally_sender(uint64_t epoch, uint32_t starts)
{
    return epoch << TALLY_STARTS_BITS | (starts & ((UINT32_C(1) << TALLY_STARTS_BITS) - 1));
}

/* Whether it is of the same parent as `newest`, and not a later start. */
static inline bool tally_is_up_to(uint64_t sender, uint64_t newest)
{
    return sender >> TALLY_STARTS_BITS == newest >> TALLY_STARTS_BITS && sender <= newest;
}

/* What was cut and never brought; a haul that tells of more than was cut lost nothing. */
static inline uint64_t tally_lost(uint64_t cut, uint64_t brought)
{
    return cut > brought ? cut - brought : 0;
}
