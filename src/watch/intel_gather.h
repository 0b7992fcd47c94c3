/* Feeds from paths into builders of indicator tables: reading, recognising, counting, telling.
 *
 * Limits: those of intel_input.h, intel_reader.h and indicator.h. Threads: one. Ownership: a gather
 * owns its builders until intel_gather_free; options are borrowed. */
#pragma once
#include "base/map.h"
#include "detection/intel_reader.h"
#include "watch/intel_input.h"

struct intel_gather_options {
    const struct option_list *paths;
    /* source: empty for the name of each file */
    struct intel_reader_options reader;
    /* A file or an item that cannot be used: "file:line: sentence". May be NULL. */
    void (*problem)(void *context, const char *text);
    /* What was read, and as what; what was passed over in folders. May be NULL. */
    void (*note)(void *context, const char *text);
    void *context;
    /* Exceptions go into a table of their own, where their list is the source: a table does not
     * give back the exceptions that were built into it. */
    bool exceptions_apart;
};

struct intel_gather {
    struct indicator_builder *indicators, *exceptions; /* exceptions: NULL unless apart */
    struct intel_reader_counts counts;
    uint64_t files, unreadable, passed_over; /* passed over: in a folder, and no feed */
    struct map ids;     /* intel_gather_key of all ids that came, also of revoked ones */
    struct map sources; /* sources and lists that came */
    struct arena arena; /* the keys of both */
};
/* out is zeroed by the caller. A file that cannot be read is told and counted. Negative: ERR_LIMIT,
 * nothing more can be read. */
MUST_CHECK int intel_gather_paths(struct intel_gather *out,
                                  const struct intel_gather_options *options, struct err *err);
void intel_gather_free(struct intel_gather *g);
/* What stands in ids for an id of a source; good until out is changed. */
struct slice intel_gather_key(struct buf *out, struct slice source, struct slice id);
