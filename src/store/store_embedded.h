/* The embedded back end: a folder with journal, segments, catalog and notary.
 * Shared by embedded_*.c only, but for the defaults.
 *
 * Threads: append, tick and carry on the committer's; seal, merge and expire on one other at a time
 * (care_mutex); what both touch is under mutex. */
#pragma once
#include <pthread.h>

#include "store/checkpoint.h"
#include "store/identity.h"
#include "store/notary.h"
#include "store/store_backend.h"
#include "store/view.h"

#define EMBEDDED_SEAL_BYTES        ((uint64_t)256 << 20) /* of rows as received */
#define EMBEDDED_SEAL_ROWS         SEGMENT_ROWS_MAX
#define EMBEDDED_SEAL_AGE_NS       (900 * CLOCK_SECOND_NS)
#define EMBEDDED_SIGN_NS           (60 * CLOCK_SECOND_NS)
#define EMBEDDED_QUERY_NS          (600 * CLOCK_SECOND_NS)
#define EMBEDDED_SEAL_MEMORY_BYTES ((size_t)96 << 20)

struct embedded_intervals { /* closed, their rows not sealed yet */
    struct chain_interval *items;
    uint32_t count, capacity;
};

struct embedded {
    struct store_options options; /* defaults filled in */
    struct disk *disk;
    bool owns_disk, read_only;
    struct journal_identity identity;
    int lock_fd; /* -1: not real */

    /* writing; NULL in a reader */
    pthread_mutex_t mutex, care_mutex;
    struct journal *journal;
    struct durable *durable;
    struct carry *carry;
    struct chain *chain;
    struct notary *notary;
    struct catalog *catalog; /* care_mutex */
    struct sign_key *key;
    struct digester *digester;
    struct embedded_intervals unsealed;
    uint32_t chain_seen;      /* closed intervals of chain that are in unsealed already */
    struct journal_place cut; /* rows before it are sealed */
    uint64_t sealed_sequence, checkpoint_number;
    uint64_t rows_since_cut, bytes_since_cut;
    int64_t first_since_cut_ns; /* CLOCK_NONE: no row */
    int64_t floor_ns;           /* no commit is before it */
    int64_t back_ns;            /* the clock at the newest head made while it was set back */
    uint64_t back_sequence;     /* of the first row that was not below that head */
    int64_t signed_ns;
    uint64_t lost_rows; /* in damaged frames, found at start */
    struct arena stats_arena;
};

int embedded_open(struct store **out, const char *folder, const struct store_options *options,
                  struct err *err);
int embedded_recover(struct embedded *e, struct err *err);
int embedded_seal(void *self, int64_t now_ns, struct err *err);
int embedded_merge(void *self, int64_t now_ns, uint64_t *merged, struct err *err);
int embedded_search(void *self, const struct store_search *search, void **cursor, struct err *err);
int embedded_next(void *cursor, struct store_item *out, struct err *err);
void embedded_cursor_progress(const void *cursor, struct store_progress *out);
void embedded_cursor_close(void *cursor);
int embedded_follow_open(void *self, const struct store_follow_options *options, void **follow,
                         struct err *err);
int embedded_follow_next(void *follow, const struct row **row, struct err *err);
void embedded_follow_stats(const void *follow, struct store_follow_stats *out);
void embedded_follow_close(void *follow);
int embedded_get(void *self, uint64_t sequence, store_row_visit *visit, void *context,
                 struct err *err);
int embedded_fields(void *self, store_field_visit *visit, void *context, struct err *err);
int embedded_expire(void *self, const struct store_policy *policies, uint32_t count, int64_t now_ns,
                    bool dry_run, store_expire_visit *visit, void *context,
                    struct store_expired *out, struct err *err);
int embedded_verify(void *self, struct slice head, store_verify_visit *visit, void *context,
                    struct store_verified *out, struct err *err);
int embedded_prove(void *self, uint64_t sequence, const char *folder, struct err *err);
int embedded_snapshot(void *self, const char *folder, struct err *err);
int embedded_stat(void *self, struct store_stats *out, struct err *err);
/* Makes the catalog again from the segments (the store is not open). */
int embedded_rebuild(struct disk *disk, int64_t now_ns, struct store_rebuilt *out, struct err *err);
int embedded_rebuild_folder(const char *folder, int64_t now_ns, struct store_rebuilt *out,
                            struct err *err);
/* Whether a writer, this store or another process, may be at work. */
bool embedded_is_live(const struct embedded *e);
/* Whether some process holds the writer's lock. */
bool embedded_is_written(const struct disk *disk);
/* segments/PARTITION/YYYYMMDD/FIRST-LAST.gN.segment, and its folders made and synced. */
int embedded_segment_path(struct disk *disk, const struct catalog_segment *s, struct buf *out,
                          struct err *err);
/* Under mutex: takes over the intervals that were closed; signs heads. */
void embedded_intervals_take(struct embedded *e);
/* A frame that ends all intervals, so that recovery ends them at the same place. */
int embedded_cut(struct embedded *e, int64_t now_ns, struct err *err);
int embedded_sign(struct embedded *e, int64_t now_ns, struct err *err);
