/* Import commit: the ordered stage of an import. Hauls become groups; a group is numbered, its
 * findings and refused records become rows, correlations are fed, cursors and counters put beside,
 * and all of it is appended to the store as one durable frame.
 *
 * Limits: a group is closed when its hauls have group_bytes (packed rows and items), so memory is
 * that, one haul more, and what correlations find in it. Threads: the reading one. Ownership:
 * borrows what the options name; takes hauls. */
#pragma once
#include "program/import_cursor.h"
#include "program/output.h"
#include "store/store.h"
#include "watch/harvester.h"

struct import_counts {
    uint64_t received; /* records, refused ones too */
    uint64_t events, findings, refused, bytes;
    uint64_t first_sequence, last_sequence; /* of events; 0: none */
    uint64_t groups;
};

struct import_commit_options {
    struct store *store;
    const struct detector *detector;
    const struct origin *source;
    struct import_cursors *cursors;
    const struct input *input;
    struct output *output; /* NULL: findings are not shown */
    int out_fd;
    uint64_t group_bytes, seal_bytes;
    struct slice run;
    int64_t near_ns;
    const struct store_policy *policies; /* for when the disk is full; NULL: nothing is removed */
    uint32_t policy_count;
    bool resumed; /* the store knows the run: its correlation inputs are gone through again */
    bool stale;   /* the store knows it, and what it has is of no use: it goes */
};

struct import_commit;
struct import_commit *import_commit_open(const struct import_commit_options *options);
void import_commit_close(struct import_commit **commit);
/* An empty haul, for a job. */
struct harvest *import_commit_haul(struct import_commit *c);
void import_commit_give_back(struct import_commit *c, struct harvest *haul);
/* The next haul, in order; makes a group durable when there is enough. */
MUST_CHECK int import_commit_add(struct import_commit *c, struct harvest *haul, struct err *err);
/* Makes durable what is pending. */
MUST_CHECK int import_commit_flush(struct import_commit *c, struct err *err);
/* All input was taken: windows close, the run ends. */
MUST_CHECK int import_commit_end(struct import_commit *c, struct err *err);
/* Waits for the sealing thread; seals the rest, too, and signs. */
MUST_CHECK int import_commit_seal(struct import_commit *c, bool all, struct err *err);

const struct import_counts *import_commit_counts(const struct import_commit *c); /* durable */
bool import_commit_closed(const struct import_commit *c); /* the findings' reader went away */
void import_commit_correlations(const struct import_commit *c, struct correlate_stats *out);
/* Processor time of appending (with correlation and internal rows), and of the sealing thread. */
void import_commit_cpu(const struct import_commit *c, uint64_t *append_ns, uint64_t *seal_ns);
