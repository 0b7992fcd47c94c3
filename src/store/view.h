/* View: everything that a store held at one instant, for reading in any process
 * (docs/store-format.md, "Readers' snapshot rule").
 *
 * Journal files first, then the durable page, then the catalog; rows at or below sealed_sequence
 * come from segments. Threads: one. Ownership: owns its files until view_close. */
#pragma once
#include "store/catalog.h"
#include "store/journal.h"

struct view {
    struct disk *disk; /* borrowed */
    struct journal_identity identity;
    struct journal_scan *journal;
    struct catalog_list segments;
    uint64_t sealed_sequence;
};

/* live: a writer may be at work: what it has not published is left out. */
MUST_CHECK int view_open(struct view *out, struct disk *disk, bool live, struct err *err);
void view_close(struct view *view);
