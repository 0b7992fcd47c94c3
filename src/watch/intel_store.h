/* The imported indicators of a data folder.
 *
 * DATA/intel/indicators.table is what is matched: one table that all processes map, replaced as a
 * whole by each change, so that who has the old one open goes on with it.
 * DATA/intel/exceptions.table keeps the entries of warning lists, with their list as the source:
 * they are built into the other. DATA/intel/lock is held by who changes them.
 * Limits: INTEL_STORE_BYTES_MAX a table, those of indicator.h. Threads: one for a store; an opened
 * table may be shared. */
#pragma once
#include "base/io.h"
#include "base/map.h"
#include "detection/indicator.h"

#define INTEL_STORE_DATA      "/var/lib/canh"
#define INTEL_STORE_BYTES_MAX ((size_t)4 << 30)

enum intel_store_file { INTEL_STORE_INDICATORS, INTEL_STORE_EXCEPTIONS };

/* A table that is mapped from its file. */
struct intel_store_table {
    struct io_map map;
    struct indicator_table *table; /* NULL: there is no such file yet */
};
/* ERR_DAMAGED and ERR_UNSUPPORTED name the file. */
MUST_CHECK int intel_store_open_table(struct intel_store_table *out, const char *data,
                                      enum intel_store_file file, struct err *err);
/* The same of any file. ERR_NOT_FOUND when it is not there. */
MUST_CHECK int intel_store_open_path(struct intel_store_table *out, const char *path,
                                     struct err *err);
void intel_store_close_table(struct intel_store_table *t);

struct intel_store;
/* For changing: makes the folders, takes the lock. ERR_BUSY: another import has it. */
MUST_CHECK int intel_store_open(struct intel_store **out, const char *data, struct err *err);
void intel_store_close(struct intel_store **store);

struct intel_store_change {
    /* what comes in; NULL: nothing */
    const struct indicator_table *indicators, *exceptions;
    const struct map *ids;     /* intel_gather_key: older entries of them go; or NULL */
    const struct map *sources; /* all older entries of these go; or NULL */
    int64_t now_ns;            /* what has ended by then goes */
    /* what it came to */
    uint64_t expired, replaced; /* of the older entries; replaced: by newer ones, or taken out */
    uint64_t indicator_count, exception_count;
};
/* On an error indicators.table is as it was. */
MUST_CHECK int intel_store_change(struct intel_store *store, struct intel_store_change *change,
                                  struct err *err);
