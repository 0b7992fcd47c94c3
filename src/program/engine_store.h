/* The engine's part that writes the store: hauls of intake and reader become durable groups.
 *
 * Its own threads append, seal, expire; the loop hands over and never waits. Threads: the loop's
 * but where said otherwise. Ownership: borrows context and engine. */
#pragma once
#include "formats/json.h"
#include "program/engine.h"

struct engine_store;
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
/* A wire to intake or reader is there: cursors, RESUME. */
void engine_store_peer(struct engine_store *store, struct engine_peer *peer);
/* It is gone: its slots are no more looked at. */
void engine_store_gone(struct engine_store *store, struct engine_peer *peer);
/* HAUL, HAULED_ALL. ERR_SYNTAX: not what the message is: the peer is ended by the caller. */
MUST_CHECK int engine_store_message(struct engine_store *store, struct engine_peer *peer,
                                    struct wire_message *message, struct err *err);
/* MESSAGE_IMPORT of a client who may; answers it by engine_send. Takes the file's descriptor out of
 * the message. ERR_SYNTAX as above. */
MUST_CHECK int engine_store_import(struct engine_store *store, struct engine_peer *client,
                                   struct wire_message *message, struct err *err);
void engine_store_tick(struct engine_store *store, int64_t now_ns); /* four times a second */

/* store_snapshot into folder. A thread that may be slow. */
MUST_CHECK int engine_store_snapshot(struct engine_store *store, const char *folder,
                                     struct err *err);
/* Members of the status's object "store"; docs/status.md. */
void engine_store_status(struct engine_store *store, struct json_writer *out);
/* Whether it does what it should; else why, a word for engine_status.c, and more as a sentence. */
const char *engine_store_trouble(struct engine_store *store, struct buf *why);
/* Intake's newest events were refused, since it judges by other rules. */
bool engine_store_rules_differ(struct engine_store *store);
struct engine_seen *engine_store_seen(struct engine_store *store); /* what came from which source */
/* Its metrics, one table for as long as it is open. */
struct metric *engine_store_metrics(struct engine_store *store, uint32_t *count);
