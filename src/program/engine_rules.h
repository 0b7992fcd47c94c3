/* Engine's rules: the bundle that the node watches with, its versions, and how a new one comes to
 * all who judge without stopping the stream.
 *
 * Bundles stand in DATA/rules/<sha256>.bundle; which one is active, since when and by whom is in
 * state.db (docs/rules.md). A swap: compiled on a thread of its own, taken by the committer between
 * two groups, handed to intake and readers, who say when no block is judged by the old set any
 * more; only then is the old one forgotten and the next swap begun. So hauls are of the newest set
 * or of the one before. Threads: the loop's but where said otherwise. Ownership: borrows engine and
 * live. */
#pragma once
#include "program/engine.h"
#include "watch/live.h"

enum { ENGINE_RULES_SUSPENDED_MAX = 64, ENGINE_RULES_WHY_BYTES = 256 };

struct engine_rules;
/* Before the sandbox: the active bundle, with what the files that canh.yaml names hold now, becomes
 * live's newest set. */
MUST_CHECK int engine_rules_open(struct engine_rules **out, struct engine *engine,
                                 const struct live *live, struct err *err);
/* The set before what the files now hold, when they changed while no engine ran; the caller's hold.
 * NULL: none. Once, behind engine_rules_open. */
struct live_rules *engine_rules_before(struct engine_rules *rules);
void engine_rules_start(struct engine_rules *rules); /* the loop and the writer are there */
void engine_rules_stop(struct engine_rules *rules);  /* while the loop runs once more */
void engine_rules_close(struct engine_rules **rules);
void engine_rules_tick(struct engine_rules *rules); /* four times a second */

void engine_rules_peer(struct engine_rules *rules, struct engine_peer *peer); /* RULES */
void engine_rules_gone(struct engine_rules *rules, struct engine_peer *peer);
/* RULES_TAKEN, RULES_BURDEN. ERR_SYNTAX: the peer is ended by the caller. */
MUST_CHECK int engine_rules_message(struct engine_rules *rules, struct engine_peer *peer,
                                    struct wire_message *message, struct err *err);
/* RULES_NEW of a client; answers it. ERR_SYNTAX as above. */
MUST_CHECK int engine_rules_new(struct engine *e, struct engine_peer *client,
                                struct wire_message *message, struct err *err);
/* The committer has the set that it was given last. */
void engine_rules_committed(struct engine_rules *rules);
/* Any thread: another version is to be active; a suspended rule is to work again. */
void engine_rules_want(struct engine_rules *rules, struct slice version);
void engine_rules_resume(struct engine_rules *rules, struct slice rule_id);

struct engine_rules_suspended {
    char id[64], title[128], why[ENGINE_RULES_WHY_BYTES];
};
/* Rules that are suspended now; good until the loop goes on. */
const struct engine_rules_suspended *engine_rules_suspended(const struct engine_rules *rules,
                                                            uint32_t *count);
/* Why the newest swap failed; "" when it did not. */
const char *engine_rules_failure(const struct engine_rules *rules);
/* Sealed memory of the bundle that is active now; borrowed until the loop goes on. */
int engine_rules_bundle(const struct engine_rules *rules);
/* Whether packs came by updates, and when the newest of them did. */
bool engine_rules_imported(const struct engine_rules *rules, int64_t *updated_ns);
