/* State: what people and the node decided, in SQLite under DATA: state/state.db (everything but
 * secrets), private/credentials.db (only the engine opens it).
 *
 * One process writes (DATA/state/lock) and checkpoints; commands are group-committed: one
 * transaction, a savepoint each. Readers are other connections, read-only, possibly in other
 * processes (state_read_open); they take a missing engine as ERR_BUSY. Threads: execute belongs to
 * the writer's thread, prepare to one other; each has its own connection. Ownership: the state
 * borrows table and key. DESIGN section 7, docs/process-model.md. */
#pragma once
#include "base/migrate.h"
#include "base/sign.h"
#include "state/command.h"

#define STATE_FOLDER      "state"
#define STATE_FILE        "state/state.db"
#define STATE_SECRETS     "private"
#define STATE_SECRET_FILE "private/credentials.db"
enum { STATE_GROUP_MAX = 512 /* commands in one transaction */, STATE_READ_MS_MAX = 2000 };

extern const struct migration_set state_migrations, credential_migrations;

struct state;
struct state_options {
    const char *data; /* folder; its parts are made with their modes */
    const struct command_table *table;
    const struct sign_key *key; /* signs audit heads; NULL: unsigned (tests) */
    bool new_key;               /* it is another one than before, on purpose: is audited */
    struct disk *disk;          /* instead of data: a simulated one, borrowed (tests) */
    int64_t now_ns;
};
/* As the writer: migrates, checks the newest audit rows and the head, removes credentials that
 * nobody names. ERR_BUSY: another process has it. ERR_DAMAGED: the chain's end does not hold: says
 * that `canh audit verify` tells more. */
MUST_CHECK int state_open(struct state **out, const struct state_options *options, struct err *err);
void state_close(struct state **state);
const struct command_table *state_table(const struct state *state);
struct database *state_db(struct state *state);          /* the writer's */
struct database *state_credentials(struct state *state); /* the writer's */

/* prepare of one call (its command has one), behind command_check: on the slow thread. */
void state_prepare(struct state *state, struct command_call *call);
struct database *state_slow_db(struct state *state); /* the slow thread's, for prepare: reads */
struct database *state_slow_credentials(struct state *state); /* the slow thread's, too */
/* Checks and runs all calls in one transaction, audits them, commits, syncs. Each call's rc, err
 * and result are set; what succeeded is durable when this returns ERR_OK. Any other code: nothing
 * of the group was kept, each call has it as its own. now_ns of the calls is set to now_ns when it
 * is 0. */
MUST_CHECK int state_execute(struct state *state, struct command_call **calls, uint32_t count,
                             int64_t now_ns, struct err *err);
/* Copies -wal into the file when it has grown: on the writer's thread, from time to time. */
MUST_CHECK int state_checkpoint(struct state *state, struct err *err);
/* Both databases, consistent, into folder/state and folder/private, by SQLite's backup on the
 * writer's connections. ERR_BUSY: there is a backup in it. */
MUST_CHECK int state_backup(struct state *state, const char *folder, struct err *err);
/* A number that is raised by restore; stands in the audit chain and in answers. */
uint64_t state_epoch(struct state *state);

/* A read-only connection to DATA/state/state.db. ERR_NOT_FOUND: no state there; ERR_BUSY: engine
 * down or not migrated: "unavailable". */
MUST_CHECK int state_read_open(struct database **out, const char *data, struct err *err);
