/* Catalog: which segments there are, in SQLite; it can be made again from the segments.
 *
 * Threads: as database.h. Ownership: lists own their texts. Errors: those of database.h. */
#pragma once
#include "base/database.h"
#include "store/segment.h"

struct catalog_segment {
    uint64_t id;
    struct slice partition, path;
    uint64_t first_sequence, last_sequence, row_count, file_bytes, raw_bytes;
    int64_t time_min_ns, time_max_ns, received_min_ns, received_max_ns;
    uint32_t generation;
};

struct catalog_list {
    struct catalog_segment *items; /* by first_sequence */
    uint32_t count;
    uint64_t sealed_sequence;
    struct arena arena;
};

struct catalog;
/* write: made when it is not there. ERR_UNSUPPORTED: of a later version. */
MUST_CHECK int catalog_open(struct catalog **out, struct disk *disk, bool write, struct err *err);
void catalog_close(struct catalog **catalog);
/* All live segments, at one instant. ERR_DAMAGED also: they do not fit together. */
MUST_CHECK int catalog_read(struct catalog *c, struct catalog_list *out, struct err *err);
void catalog_list_free(struct catalog_list *list);
/* One transaction: segments come in, others go (ids; now_ns: their files may be removed when the
 * longest query has passed), sealed_sequence is set (0: stays). */
MUST_CHECK int catalog_change(struct catalog *c, const struct catalog_segment *add,
                              uint32_t add_count, const uint64_t *remove, uint32_t remove_count,
                              uint64_t sealed_sequence, int64_t now_ns, struct err *err);
/* Files that are there and no part of the store are to be removed as if they had gone at now_ns. */
MUST_CHECK int catalog_disown(struct catalog *c, const struct slice *paths, uint32_t count,
                              int64_t now_ns, struct err *err);
/* Files that went before before_ns: visited, then forgotten when visit gives ERR_OK. */
typedef int catalog_gone_visit(void *context, struct slice path);
MUST_CHECK int catalog_gone(struct catalog *c, int64_t before_ns, catalog_gone_visit *visit,
                            void *context, struct err *err);
/* Whether the path is one of a segment, live or waiting to be removed. */
MUST_CHECK int catalog_knows(struct catalog *c, struct slice path, bool *known, struct err *err);
/* Fills *out from an open segment. */
void catalog_segment_of(const struct segment *s, struct slice path, struct catalog_segment *out);
