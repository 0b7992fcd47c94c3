/* Engine commit: hauls of several senders become one durable group: checked, numbered, their
 * findings and refused records made rows, correlations fed, cursors and counters put beside, and
 * all of it booked (engine_account.h).
 *
 * A haul that says what its sender may not say is forged: it is left out, the others go on. When a
 * group cannot be stored, none of it is, and what correlations had seen of it is forgotten. Limits:
 * ENGINE_COMMIT_HAULS_MAX a group. Threads: the committer's. Ownership: borrows what the options
 * name. DESIGN section 4. */
#pragma once
#include <pthread.h>

#include "program/engine_seen.h"
#include "program/engine_watch.h"
#include "program/policy.h"
#include "watch/haul.h"
#include "watch/health.h"
#include "watch/live.h"
#include "watch/sealer.h"

enum {
    ENGINE_COMMIT_HAULS_MAX = 16,
    ENGINE_COMMIT_PLACES_MAX = 100000 /* names of files that a correlator knows */
};
#define ENGINE_COMMIT_BYTES_MAX ((size_t)32 << 20) /* of hauls: a group has one more at most */

struct engine_commit_options {
    const char *data; /* folder of the store */
    const struct store_options *store;
    const struct live *live;
    const struct store_policy *policies;
    uint32_t policy_count;
    uint64_t seal_bytes;
    pthread_mutex_t *care; /* held while the store is opened again */
    struct engine_watch *watch; /* learns from hours that are over; NULL: nobody */
};

struct engine_haul { /* a haul on its way, and what became of it */
    int fd;          /* memory that its sender writes; read once, into the engine's own */
    uint64_t offset;
    uint32_t bytes;
    bool historical; /* a reader's: it may name import_source only, and findings do not alert */
    struct slice import_source;
    const struct live_source *journal_source; /* a journal's reader: live, this one only; or NULL */
    uint64_t sender_id; /* of its tally page; 0: it has none */
    uint32_t sender_role, sender_instance;
    /* ERR_OK: durable. ERR_EXISTS: has ids that are known. ERR_DAMAGED: forged. ERR_UNSUPPORTED: of
     * other rules */
    int rc;
    bool is_repeated; /* ERR_OK: it was durable before, and nothing was stored */
    struct err err;
    struct slice import_cursor; /* what a reader's cursors are called; empty: it has none */
    uint64_t first_sequence, findings, received;
    uint32_t stored, refused;
    struct buf known; /* with ERR_EXISTS: a bit a row whose id is known. The committer fills it */
    int64_t received_ns;
};

struct engine_commit;
/* Opens the store as its one writer; start: its threads begin. */
MUST_CHECK int engine_commit_open(struct engine_commit **out,
                                  const struct engine_commit_options *options, struct err *err);
void engine_commit_start(struct engine_commit *c);
void engine_commit_close(struct engine_commit **commit);
/* From the next group on these rules hold (takes the hold), correlations go on under them from what
 * is durable, and hauls of the set before are taken, too; NULL: those are not any more. */
void engine_commit_rules(struct engine_commit *c, struct live_rules *rules);
/* Hauls of this set are taken, too: of intake that judged by it before the engine started again. */
void engine_commit_rules_before(struct engine_commit *c, struct live_rules *rules);
/* Each haul's result is set. */
void engine_commit_group(struct engine_commit *c, struct engine_haul *const *hauls, uint32_t count);
/* A reader has ended: windows of its correlations close when it read the whole of its file, and
 * they are forgotten. */
MUST_CHECK int engine_commit_run_end(struct engine_commit *c, bool whole, uint64_t *findings,
                                     struct err *err);
/* What became of rows that went on to an output (docs/outputs.md): its cursor, and counts to be
 * added. Durable when ERR_OK. */
struct engine_commit_output {
    struct slice name; /* "output:NAME": of its cursor and counters */
    uint64_t sequence; /* all up to here is done */
    uint64_t received, sent, refused;
};
MUST_CHECK int engine_commit_outputs(struct engine_commit *c,
                                     const struct engine_commit_output *outputs, uint32_t count,
                                     struct err *err);
/* As it stands in the store, counts since ever. False: there is none of this name yet. */
bool engine_commit_output_of(struct engine_commit *c, struct slice name,
                             struct engine_commit_output *out);
/* Time passes: heads are signed, old windows forgotten; a store that failed is opened again when it
 * is time. */
void engine_commit_tick(struct engine_commit *c, int64_t now_ns);
/* Whether the store does what it should; else err says why not. */
bool engine_commit_ok(const struct engine_commit *c, struct err *err);
/* Seals what is there; waits. */
MUST_CHECK int engine_commit_seal(struct engine_commit *c, struct err *err);
struct store *engine_commit_store(struct engine_commit *c);      /* NULL while it has failed */
struct engine_seen *engine_commit_seen(struct engine_commit *c); /* any thread */
struct ledger *engine_commit_ledger(struct engine_commit *c);    /* any thread */
/* A sender died: what it had cut and not brought is booked as lost, as soon as it can be. */
struct engine_account_gone;
void engine_commit_gone(struct engine_commit *c, const struct engine_account_gone *gone);
/* Beginnings and ends of health findings as rows, which of them last as cursors: all or none. */
MUST_CHECK int engine_commit_health(struct engine_commit *c, const struct health_change *changes,
                                    uint32_t count, struct err *err);
