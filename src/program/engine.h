/* The engine as its parts see it: the loop with its peers (role_engine.c), calls (engine_call.c),
 * the state's writer (engine_writer.c), clients at the control socket (engine_control.c), searches
 * (engine_ask.c), the outbox (engine_outbox.c), status (engine_status.c), and the store
 * (engine_store.h).
 *
 * Shared by engine_*.c only. Threads: the loop's, but where said otherwise: the loop waits for no
 * disk and no argon2id; what needs them is a struct engine_call on its way through the writer.
 * Limits: named. DESIGN section 4, docs/process-model.md. */
#pragma once
#include "program/role.h"
#include "state/command.h"
#include "state/outbox.h"
#include "state/signin.h"
#include "watch/peer.h"

enum {
    ENGINE_PEER_CALLS_MAX = 1024, /* of one peer, not answered yet */
    ENGINE_LOCAL_CALLS_MAX = 16,  /* of one that is a Unix user, but not root */
    ENGINE_CALLS_MAX = 8192,      /* of all */
    ENGINE_SLOW_MAX = 32,         /* waiting for argon2id */
    ENGINE_CONTROLS_MAX = 64,     /* clients at the control socket */
    ENGINE_CONTROL_IDLE_S = 600,
    ENGINE_SECRET_BYTES_MAX = 256,
    ENGINE_FROM_BYTES_MAX = 128,
    ENGINE_ERROR_BYTES_MAX = ERR_TEXT_BYTES,
    ENGINE_TICK_MS = 250
};
#define ENGINE_CALLS_BYTES_MAX ((size_t)192 << 20) /* of parameters, all calls together */

struct engine;
struct engine_store;
struct engine_writer;
struct engine_control;
struct engine_asks;
struct engine_outbox;
struct engine_register;
struct engine_status;
struct engine_outputs;

/* Another process that has a wire to this one. It outlives its wire as long as calls of it are
 * under way (uses). */
struct engine_peer {
    struct engine *engine;
    struct peer *peer; /* NULL: the wire is gone */
    enum role role;    /* ROLE_PARENT: a client at the control socket */
    uint32_t instance;
    struct wire_peer who; /* of a client */
    uint32_t uses, calls;
    int64_t last_ns; /* monotonic, of its newest message */
    void *own;       /* engine_store.c's */
    uint64_t rules_told, rules_taken; /* engine_rules.c: RULES by number */
    uint64_t register_version; /* of the hosts that it was told */
    struct engine_peer *next;
};

/* Something that is to be done by the writer: a command, or reading what needs the disk. Made on
 * the loop, ended there by `done`. */
struct engine_call {
    struct command_call call; /* call.own is this; call.command NULL: none, `before` does it all */
    struct engine *engine;
    struct engine_peer *peer; /* NULL: the engine's own. Held (uses) */
    uint64_t id;              /* of the message that it answers */
    size_t bytes;
    uint64_t queued_ns, began_ns; /* monotonic */
    /* Writer's thread, outside of a transaction. before: once; settled is set to leave the command
     * out (call.rc says why). after: only when the command was done and is durable. */
    void (*before)(struct engine_call *call);
    void (*after)(struct engine_call *call);
    void (*slowly)(struct engine_call *call); /* slow thread, behind `after` */
    void (*done)(struct engine_call *call);   /* loop; gives nothing away: freed behind it */
    bool settled;
    bool was_prepared, was_executed; /* the slow thread had it; the transaction had it */
    void *own;
    struct engine_call *next;
};

/* What the writer's thread found last, for status and metrics; under the writer's lock. */
struct engine_figures {
    uint64_t epoch, users, units, systems, hosts, sessions, audit_rows;
    char head[65]; /* of the audit chain, hex */
    char node[40]; /* uuid */
    struct outbox_stats outbox;
    uint64_t disk_free_bytes;
    int64_t certificate_until_ns; /* the console's; CLOCK_NONE: it has none */
    char certificate[96];         /* fingerprint */
    uint64_t failures;            /* commits that failed in a row */
    char failure[ERR_TEXT_BYTES];
};

struct engine {
    struct role_context *context;
    struct sign_key *key;
    struct state *state;
    struct signin *signin;
    struct engine_writer *writer;
    struct engine_store *store; /* NULL: alone */
    struct engine_control *control;
    struct engine_asks *asks;
    struct engine_outbox *outbox;
    struct engine_register *hosts;
    struct engine_status *status;
    struct engine_outputs *outputs; /* NULL: none */
    struct {                        /* engine_fetch.c */
        struct engine_peer *client; /* whom the courier fetches for; NULL: nobody */
        uint64_t client_id, id;
    } fetch;
    struct engine_peer *peers; /* with a wire, and those still used */
    uint32_t calls;            /* under way, of all */
    size_t call_bytes;
    uint32_t violations;
    int64_t started_ns;
    bool is_alone, is_ending;
    uv_timer_t tick;
};

/* role_engine.c */
/* Takes fd. who: of a client at the control socket (role ROLE_PARENT), else NULL. */
struct engine_peer *engine_peer_add(struct engine *e, enum role role, uint32_t instance, int fd,
                                    const struct wire_peer *who);
void engine_peer_end(struct engine_peer *p); /* closes its wire; freed when it is no more used */
struct engine_peer *engine_peer_use(struct engine_peer *p);
void engine_peer_unuse(struct engine_peer *p);
struct engine_peer *engine_peer_find(struct engine *e, enum role role, uint32_t instance);
/* It sent what it may not: counted, told, its wire closed, its process ended by the parent. */
void engine_violation(struct engine_peer *p, const struct err *err);
/* Asks the parent to end a role. why: what it did; empty: it is canceled. */
void engine_end_role(struct engine *e, enum role role, uint32_t instance, const char *why);
/* A peer that is gone gets nothing; one that does not read is closed, and a role then ended. */
void engine_send(struct engine_peer *p, uint16_t type, uint64_t id, struct slice payload,
                 const int *fds, uint32_t fd_count);
/* After a drain: the loop ends when all that was begun is done. */
void engine_end_if_done(struct engine *e);
void engine_tell_parent(struct engine *e, uint16_t type, uint64_t id, struct slice payload,
                        const int *fds, uint32_t fd_count);

/* engine_call.c */
/* WHO, CALL, STATUS, METRICS. ERR_SYNTAX: the message is not what it says it is. */
MUST_CHECK int engine_call_message(struct engine_peer *p, struct wire_message *m, struct err *err);
/* A zeroed call; peer may be NULL. engine_call_drop: one that was never put. */
struct engine_call *engine_call_make(struct engine *e, struct engine_peer *p, uint64_t id);
void engine_call_drop(struct engine_call *call);
/* Hands it to the writer. ERR_BUSY with a sentence in the caller's language: too much is under way;
 * the call is still the caller's. */
MUST_CHECK int engine_call_put(struct engine_call *call, struct err *err);
/* An internal command of Canh itself, with text values; names and values are copied. done may be
 * NULL: what goes wrong is logged. */
void engine_call_internal(struct engine *e, const char *name, const struct command_value *values,
                          uint32_t count, void (*done)(struct engine_call *call), void *own);
/* Fills the call's caller from the secret (web, intake) or the client's Unix user. A Unix user that
 * is no administrator is found by the writer. ERR_NOT_FOUND: no such session. */
MUST_CHECK int engine_call_caller(struct engine_call *call, struct slice secret, struct slice from,
                                  struct err *err);
/* The sentence for somebody whose session is unknown or ended. */
int engine_call_unknown(bool vietnamese, struct err *err);

/* engine_writer.c */
MUST_CHECK int engine_writer_open(struct engine *e, struct err *err);
MUST_CHECK int engine_writer_start(struct engine *e, struct err *err);
MUST_CHECK int engine_writer_put(struct engine_writer *w, struct engine_call *call,
                                 struct err *err);
void engine_writer_stop(struct engine *e); /* all that was put is done */
void engine_writer_close(struct engine *e);
void engine_writer_figures(struct engine_writer *w, struct engine_figures *out);
uint32_t engine_writer_queued(struct engine_writer *w);
/* Outbox messages that are due, found by the writer's thread: engine_outbox.c takes them. */
struct engine_due {
    uint64_t id;
    struct buf channel, key, subject, body;
    struct engine_due *next;
};
struct engine_due *engine_writer_due(struct engine_writer *w);
void engine_due_free(struct engine_due **due);

/* engine_unix.c: writer's thread */
/* The Canh user that the Unix user is bound to. ERR_NOT_FOUND: none; a sentence. */
MUST_CHECK int engine_unix_find(struct signin *signin, uint32_t user_id, bool vietnamese,
                                struct arena *arena, struct caller *out, struct err *err);

/* engine_control.c */
MUST_CHECK int engine_control_open(struct engine *e, struct err *err);
void engine_control_close(struct engine *e);
void engine_control_tick(struct engine *e);
/* IMPORT: only root and the service's user; noted in the audit chain. */
MUST_CHECK int engine_control_import(struct engine_peer *p, struct wire_message *m,
                                     struct err *err);
bool engine_control_is_root(const struct wire_peer *who); /* root, and the service's own user */

/* engine_ask.c */
void engine_asks_open(struct engine *e);
void engine_asks_close(struct engine *e);
MUST_CHECK int engine_ask_message(struct engine_peer *p, struct wire_message *m, struct err *err);
MUST_CHECK int engine_ask_queried(struct engine_peer *p, struct wire_message *m, struct err *err);
void engine_ask_peer(struct engine_peer *p); /* a query role is there */
void engine_ask_gone(struct engine_peer *p); /* a query role or an asker is gone */
void engine_ask_tick(struct engine *e);
/* For search.run: names of the caller's units into the ask. Writer's thread. */
MUST_CHECK int engine_ask_units(struct command_call *call, struct err *err);

/* engine_outbox.c */
/* Appends what may be a parameter of a command: whole characters, one line. */
void engine_text_clean(struct slice text, size_t bytes_max, struct buf *out);
void engine_outbox_open(struct engine *e);
void engine_outbox_close(struct engine *e);
void engine_outbox_send(struct engine *e); /* what the writer found due */
MUST_CHECK int engine_outbox_sent(struct engine_peer *p, struct wire_message *m, struct err *err);
MUST_CHECK int engine_outbox_ran(struct engine *e, struct wire_message *m, struct err *err);
void engine_outbox_gone(struct engine *e); /* the courier is gone */

/* engine_status.c */
void engine_status_open(struct engine *e);
void engine_status_close(struct engine *e);
MUST_CHECK int engine_status_roles(struct engine *e, struct wire_message *m, struct err *err);
struct engine_scope;
/* scope: of who reads it; NULL: everything. */
void engine_status_json(struct engine *e, const struct engine_scope *scope, struct buf *out);
void engine_status_metrics(struct engine *e, struct buf *out); /* METRICS_ARE's payload */
void engine_status_tick(struct engine *e);

/* engine_metric.c */
enum engine_metric {
    ENGINE_METRIC_COMMANDS_DONE,
    ENGINE_METRIC_COMMANDS_REFUSED,
    ENGINE_METRIC_COMMANDS_FAILED,
    ENGINE_METRIC_COMMANDS_BUSY,
    ENGINE_METRIC_SECONDS_QUEUE,
    ENGINE_METRIC_SECONDS_COMMIT,
    ENGINE_METRIC_SECONDS_SLOW,
    ENGINE_METRIC_GROUPS,
    ENGINE_METRIC_QUEUED,
    ENGINE_METRIC_AUDIT_ROWS,
    ENGINE_METRIC_SESSIONS,
    ENGINE_METRIC_OUTBOX_WAITING,
    ENGINE_METRIC_OUTBOX_OLDEST,
    ENGINE_METRIC_OUTBOX_DELIVERED,
    ENGINE_METRIC_OUTBOX_GIVEN_UP,
    ENGINE_METRIC_VIOLATIONS,
    ENGINE_METRIC_CONTROLS,
    ENGINE_METRIC_WHO_KNOWN,
    ENGINE_METRIC_WHO_UNKNOWN,
    ENGINE_METRIC_ASKS_DONE,
    ENGINE_METRIC_ASKS_FAILED,
    ENGINE_METRIC_ASKS_CANCELED,
    ENGINE_METRIC_ASKS_BUSY,
    ENGINE_METRIC_ASKS_WAITING,
    ENGINE_METRIC_ROLES_RESTARTS,
    ENGINE_METRIC_ROLES_READY,
    ENGINE_METRIC_DISK_FREE,
    ENGINE_METRIC_OVERALL,
    ENGINE_METRICS /* how many */
};
extern struct metric engine_metrics[ENGINE_METRICS];
