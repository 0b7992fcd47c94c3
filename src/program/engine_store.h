/* The engine's part that writes the store: hauls of intake and reader become durable groups.
 *
 * Its own threads append, seal, expire; the loop hands over and never waits. Threads: the loop's
 * but where said otherwise. Ownership: borrows context and engine. */
#pragma once
#include "formats/json.h"
#include "program/engine.h"
#include "program/engine_commit.h"

struct engine_store;
struct engine_rules;
struct live_rules;
/* Before the sandbox: rules and mappings are loaded, the store is opened as its one writer. */
MUST_CHECK int engine_store_open(struct engine_store **out, struct engine *engine, struct err *err);
/* Threads begin. */
MUST_CHECK int engine_store_start(struct engine_store *store, struct err *err);
/* Takes nothing new; what was handed over becomes durable. idle: whether all of it is. */
void engine_store_drain(struct engine_store *store);
bool engine_store_idle(struct engine_store *store);
void engine_store_stop(struct engine_store *store); /* threads end; what they have is durable */
void engine_store_close(struct engine_store **store);

/* MESSAGE_SHARED of the parent: memory of a sender whose wire comes next. ERR_SYNTAX as below. */
MUST_CHECK int engine_store_shared(struct engine_store *store, struct wire_message *message,
                                   struct err *err);
/* MESSAGE_TALLY of the parent. ERR_SYNTAX as below. */
MUST_CHECK int engine_store_tally(struct engine_store *store, struct wire_message *message,
                                  struct err *err);
/* A wire to intake or reader is there: cursors, RESUME. */
void engine_store_peer(struct engine_store *store, struct engine_peer *peer);
/* It is gone: its slots are no more looked at. */
void engine_store_gone(struct engine_store *store, struct engine_peer *peer);
/* HAUL, HAULED_ALL. ERR_SYNTAX: not what the message is: the peer is ended by the caller. */
MUST_CHECK int engine_store_message(struct engine_store *store, struct engine_peer *peer,
                                    struct wire_message *message, struct err *err);
/* MESSAGE_IMPORT of a client who may, or of the parent (client NULL); answers it. Takes the
 * file's descriptor out of the message. ERR_SYNTAX as above. */
MUST_CHECK int engine_store_import(struct engine_store *store, struct engine_peer *client,
                                   struct wire_message *message, struct err *err);
/* JOURNAL_ENDED of the parent. ERR_SYNTAX: not as it must be. */
MUST_CHECK int engine_store_journal_ended(struct engine_store *store, struct wire_message *message,
                                          struct err *err);
struct engine_store_journal {
    bool reads;
    struct slice
        why; /* it is not read; empty: it is, or nobody tried yet. Good until the next tick */
    uint64_t entries; /* stored since the start */
    int64_t since_ns; /* wall clock, of the state */
};
/* False: no journal is read for the source. */
bool engine_store_journal_of(const struct engine_store *store, struct slice source,
                             struct engine_store_journal *out);
void engine_store_tick(struct engine_store *store, int64_t now_ns); /* four times a second */

/* Makes cursors and counts of outputs durable; done is called by the committer's thread, `outputs`
 * is borrowed until then. Any thread. */
typedef void engine_store_outputs_done(void *context, int rc);
void engine_store_outputs(struct engine_store *store, const struct engine_commit_output *outputs,
                          uint32_t count, engine_store_outputs_done *done, void *context);
/* Before start: engine_commit_output_of. */
bool engine_store_output_of(struct engine_store *store, struct slice name,
                            struct engine_commit_output *out);
/* The newest durable row's number. Any thread. *epoch (may be NULL): before start only. */
uint64_t engine_store_newest(struct engine_store *store, uint32_t *epoch);

/* store_snapshot into folder. A thread that may be slow. */
MUST_CHECK int engine_store_snapshot(struct engine_store *store, const char *folder,
                                     struct err *err);
/* Members of the status's object "store"; docs/status.md. */
void engine_store_status(struct engine_store *store, struct json_writer *out);
/* Whether it does what it should; else why, a word for engine_status.c, and more as a sentence. */
const char *engine_store_trouble(struct engine_store *store, struct buf *why);
/* The committer judges by this set from its next group on (takes the hold); NULL: hauls of the set
 * before do not come any more. engine_rules_committed follows when a set was given. */
void engine_store_rules(struct engine_store *store, struct live_rules *rules);
struct engine_rules *engine_store_rules_of(struct engine_store *store);
struct engine_seen *engine_store_seen(struct engine_store *store); /* what came by which listener or
                                                                    * file of a source */
struct engine_watch *engine_store_watch(struct engine_store *store);
struct ledger *engine_store_ledger(struct engine_store *store);
struct engine_health;
struct engine_health *engine_store_health_of(struct engine_store *store);
/* What of health began and ended goes to the committer, who makes it durable. */
struct health;
void engine_store_health(struct engine_store *store, struct health *health);
/* Its metrics, one table for as long as it is open. */
struct metric *engine_store_metrics(struct engine_store *store, uint32_t *count);
