/* Reader of a systemd journal: entries as journalctl prints them (Journal Export Format), live.
 *
 * Each haul carries the __CURSOR of its last entry. journalctl begins with the entry that was
 * stored last; when another one comes first, that one is gone from the journal, and so may be
 * others: a gap. Limits: those of split.h. Threads: one. Ownership: borrows all. */
#pragma once
#include "base/metric.h"
#include "watch/intake_lane.h"

struct reader_journal {
    const struct live_source *source;
    struct intake_shared *shared;
    struct intake_lane *lane;
    const char *name;    /* what the entries come from: HAUL_JOURNAL and the source's journal */
    int fd;              /* what journalctl prints */
    struct metric *gaps; /* counted here */
};
/* Until journalctl ends (ERR_OK) or the node does (ERR_CANCELED). */
MUST_CHECK int reader_journal_run(const struct reader_journal *journal, struct err *err);
