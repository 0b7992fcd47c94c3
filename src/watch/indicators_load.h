/* Indicators for a command that matches: --indicators F, each a table that was built before or any
 * feed that `canh intel import` reads.
 *
 * One table alone is mapped, shared with all who map it; anything else is built in memory. Limits:
 * those of intel_gather.h. Threads: one to load; the table may be shared. Ownership: the table
 * belongs to the load until indicators_load_free. */
#pragma once
#include "watch/intel_gather.h"
#include "watch/intel_store.h"

struct indicators_load {
    const struct indicator_table *table; /* NULL before it is loaded */
    struct intel_reader_counts counts;
    uint64_t files, unreadable; /* unreadable ones were told */

    struct intel_store_table mapped;
    struct buf bytes;
    struct indicator_table *built;
};
/* out is zeroed by the caller. problem (may be NULL): as in intel_gather_options.
 * What has ended by now_ns is left out of what is built. Negative: nothing was loaded. */
MUST_CHECK int indicators_load_paths(struct indicators_load *out, const struct option_list *paths,
                                     int64_t now_ns, void (*problem)(void *, const char *),
                                     void *context, struct err *err);
void indicators_load_free(struct indicators_load *load);
