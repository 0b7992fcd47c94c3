/* Store: events on disk, behind one interface: embedded (store_embedded.c, a folder) or another
 * back end (store_backend.h). Nothing above this floor knows which.
 *
 * One process writes (it holds DATA/lock), any number read. Threads: append, tick and carry belong
 * to one thread (the committer); store_seal may run on another at the same time; a cursor belongs
 * to the thread that uses it; a store opened for reading to one thread. Ownership: said at each
 * call. Errors: ERR_FULL and ERR_BUSY may work later; after ERR_IO of store_append the store is
 * read-only. DESIGN sections 2 and 6, docs/store-format.md. */
#pragma once
#include "base/disk.h"
#include "detection/indicator.h"
#include "detection/match.h"
#include "store/batch.h"
#include "store/carry.h"

enum store_can {                       /* what a back end can do; store_can */
                 STORE_CAN_CHAIN = 1,  /* verify, prove */
                 STORE_CAN_PRUNE = 2,  /* hunts without looking at every row */
                 STORE_CAN_RETAIN = 4, /* expire */
                 STORE_CAN_SNAPSHOT = 8
};

struct store;
struct store_options {
    bool write;
    bool sign;                      /* false: no key, heads are not signed (tests) */
    uint64_t seal_rows, seal_bytes; /* 0: defaults of store_embedded.h */
    int64_t seal_age_ns;
    uint64_t journal_file_bytes, reserve_bytes;
    int64_t query_ns;  /* longest allowed query; 0: default */
    int64_t sign_ns;   /* heads are signed this often; 0: a minute */
    struct disk *disk; /* instead of the uri's folder (tests): borrowed; NULL: the uri */
};
/* uri: a folder, or "memory:" and the like of other back ends. Made when it is not there and write
 * is set. ERR_BUSY: another process writes; the text says which. */
MUST_CHECK int store_open(struct store **out, const char *uri, const struct store_options *options,
                          struct err *err);
/* Does not seal: what is journalled is durable. */
void store_close(struct store **store);
unsigned store_can(const struct store *store);

/* One group: rows, and what stands or falls with them. */
struct store_group {
    const struct batch *batches; /* rows are numbered in this order */
    uint32_t batch_count;
    struct slice carry; /* items (carry_put_*), applied when durable */
    int64_t now_ns;     /* wall clock */
};
/* Durable when ERR_OK. *first_sequence: of the first row. */
MUST_CHECK int store_append(struct store *store, const struct store_group *group,
                            uint64_t *first_sequence, struct err *err);
/* What store_append would give next: for rows that name others of their group. */
uint64_t store_next_sequence(const struct store *store);
uint32_t store_epoch(const struct store *store);
/* The state that survives, as of the last append. */
const struct carry *store_carry(const struct store *store);
void store_carry_trim(struct store *store, int64_t ids_before_ns, int64_t inputs_before_ns);
/* Time passes: signs heads when it is due. */
MUST_CHECK int store_tick(struct store *store, int64_t now_ns, struct err *err);
bool store_wants_seal(const struct store *store, int64_t now_ns);
/* Makes everything appended so far into segments, and a checkpoint. */
MUST_CHECK int store_seal(struct store *store, int64_t now_ns, struct err *err);
/* Merges small segments, one level. *merged: how many were made one. */
MUST_CHECK int store_merge(struct store *store, int64_t now_ns, uint64_t *merged, struct err *err);

/* Searching: rows that satisfy a rule set (a query is a rule set of one rule), or hold indicators.
 */
enum store_order { STORE_NEWEST, STORE_OLDEST, STORE_SEQUENCE };
struct store_search {
    struct ruleset *rules;                       /* NULL: every row (or those with indicators) */
    const struct indicator_table *indicators;    /* NULL: none */
    int64_t from_ns, until_ns;                   /* row_time in [from, until); CLOCK_NONE: open */
    int64_t received_from_ns, received_until_ns; /* received_ns, the same way */
    uint64_t after_sequence;                     /* only rows behind this one */
    enum store_order order;
    const struct slice *partitions; /* only these; none: all but internal ones */
    uint32_t partition_count;
    bool internal; /* internal ones, too, when none is named */
    const struct slice
        *units; /* scoped: only rows of these units, ascending (the caller's scope) */
    uint32_t unit_count;
    bool scoped;
    const struct slice *fields; /* names wanted in the rows given out; NULL: all */
    uint32_t field_count;
    uint64_t limit;      /* rows; 0: none */
    size_t memory_bytes; /* budget; 0: STORE_QUERY_BYTES */
    uint64_t cpu_ns;     /* budget of processor time; 0: none */
    bool plain;          /* no pruning: every row is judged (the tests' twin) */
    bool meta;           /* rules ask for `_time`, `_source` ... (docs/query.md) */
    bool matched; /* the matcher is given with each row, which has at least what judging needs */
    bool judged_fields;   /* rows are given out with the fields that judging needs, only */
    const bool *canceled; /* looked at between blocks; NULL: never */
};
#define STORE_QUERY_BYTES ((size_t)128 << 20)

enum store_item_kind { STORE_ROW, STORE_PROGRESS };
struct store_progress {
    uint64_t bytes_done, bytes_total; /* of what received rows were long: an estimate */
    uint64_t rows_judged, rows_pruned, segments, segments_pruned, hits;
    uint64_t damaged_rows; /* could not be read: reported, not judged */
    int64_t complete_ns;   /* NEWEST: all of it is given out down to here; OLDEST: up to here */
};
struct store_item {
    enum store_item_kind kind;
    const struct row *row; /* good until the next call */
    const uint32_t *rules; /* that the row satisfies, ascending */
    uint32_t rule_count;
    struct matcher
        *matcher; /* of this row, for matched fields, host and time; NULL without rules */
    const uint64_t *indicators;           /* numbers in the table */
    const struct slice *indicator_fields; /* names of the fields that hold them */
    const struct slice *indicator_values;
    uint32_t indicator_count;
    struct store_progress progress;
};
struct store_cursor;
MUST_CHECK int store_search(struct store *store, const struct store_search *search,
                            struct store_cursor **out, struct err *err);
/* The next row, or how far it is (from time to time). ERR_END: done; ERR_LIMIT: a budget was used
 * up; ERR_CANCELED. Damage is counted and told in progress, and reading goes on. */
MUST_CHECK int store_next(struct store_cursor *cursor, struct store_item *out, struct err *err);
void store_cursor_progress(const struct store_cursor *cursor, struct store_progress *out);
void store_cursor_close(struct store_cursor **cursor); /* also in the middle */

/* Following: rows in the order of their numbers, as they become durable, for outputs and the like
 * that go on where they were. What seals and merges move is given once; what retention removed
 * before it was given is counted. Its position is all that need be kept. Do not keep one open while
 * its receiver is away: files that were sealed or removed meanwhile keep their room on the disk. */
struct store_follow_options {
    uint64_t after_sequence;        /* rows behind this one */
    const struct slice *partitions; /* only these; none: all but internal ones */
    uint32_t partition_count;
    bool internal; /* internal ones, too, when none is named */
};
struct store_follow_stats {
    uint64_t sequence;     /* every wanted row up to here was given, is gone, or is damaged */
    uint64_t expired_rows; /* gone before they were given */
    uint64_t damaged_rows; /* could not be read; a reading that was long may tell some again */
};
struct store_follow;
MUST_CHECK int store_follow_open(struct store *store, const struct store_follow_options *options,
                                 struct store_follow **out, struct err *err);
/* The next row, good until the next call. ERR_END: no more is there yet; ask again. Cheap when
 * there is nothing new. */
MUST_CHECK int store_follow_next(struct store_follow *follow, const struct row **row,
                                 struct err *err);
void store_follow_stats(const struct store_follow *follow, struct store_follow_stats *out);
void store_follow_close(struct store_follow **follow);

/* One event, whole, given to visit. ERR_NOT_FOUND. */
typedef int store_row_visit(void *context, const struct row *row);
MUST_CHECK int store_get(struct store *store, uint64_t sequence, store_row_visit *visit,
                         void *context, struct err *err);
struct store_field {
    struct slice name;
    bool derived;
    uint64_t occurrences; /* in sealed rows */
};
typedef void store_field_visit(void *context, const struct store_field *field);
/* The fields there are, each once, by name. */
MUST_CHECK int store_fields(struct store *store, store_field_visit *visit, void *context,
                            struct err *err);

struct store_policy {       /* retention of a partition */
    struct slice partition; /* empty: all those not named */
    int64_t keep_ns;        /* 0: for ever */
    uint64_t keep_bytes;    /* on disk; 0: any */
    bool hold;              /* legal hold: nothing goes */
};
struct store_expired {
    uint64_t segments, rows, bytes;
};
typedef void store_expire_visit(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                                const char *reason);
/* Removes whole segments that no policy keeps, each with a signed tombstone. dry_run: only says. */
MUST_CHECK int store_expire(struct store *store, const struct store_policy *policies,
                            uint32_t count, int64_t now_ns, bool dry_run, store_expire_visit *visit,
                            void *context, struct store_expired *out, struct err *err);

struct store_verified {
    uint64_t rows, intervals, segments, heads, tombstones, problems;
    bool anchored;          /* the head that was given is in the chain */
    uint64_t unsigned_rows; /* newest ones, not under a signed head yet */
};
/* visit: each problem as a sentence. head: 64 hex digits of a DIGEST kept elsewhere, or empty. */
typedef void store_verify_visit(void *context, const char *problem);
MUST_CHECK int store_verify(struct store *store, struct slice head, store_verify_visit *visit,
                            void *context, struct store_verified *out, struct err *err);
/* Writes the bundle of one event into folder (made). ERR_NOT_FOUND; ERR_BUSY: not signed yet. */
MUST_CHECK int store_prove(struct store *store, uint64_t sequence, const char *folder,
                           struct err *err);
/* A copy that can be opened as a store, with an epoch of its own: hard links where they can be. */
MUST_CHECK int store_snapshot(struct store *store, const char *folder, struct err *err);

/* Makes the catalog of a store that nobody has open again from its segments, the old one moved
 * aside, and a checkpoint when none is whole. now_ns: wall clock. ERR_BUSY: a process writes. */
struct store_rebuilt {
    uint64_t segments, rows, sealed_sequence;
    uint64_t damaged, dropped; /* segments: cannot be read; the journal has their rows */
    bool new_checkpoint;       /* what sources had read last may be older: they are read again */
};
MUST_CHECK int store_rebuild(const char *uri, int64_t now_ns, struct store_rebuilt *out,
                             struct err *err);

struct store_partition_stats {
    struct slice name;
    uint64_t rows, segments, bytes, raw_bytes;
    int64_t time_min_ns, time_max_ns;
};
struct store_stats {
    uint8_t uuid[16];
    uint32_t epoch;
    uint64_t next_sequence, sealed_sequence;
    uint64_t journal_rows, journal_bytes;
    bool read_only;                                 /* a write failed for good: said loudly */
    const struct store_partition_stats *partitions; /* the store's, until the next call */
    uint32_t partition_count;
};
MUST_CHECK int store_stat(struct store *store, struct store_stats *out, struct err *err);
