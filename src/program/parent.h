/* Parent: the process of `canh serve` itself: ports, roles, followed files, fixed commands,
 * settings. It parses nothing but canh.yaml and flat messages of its own roles (DESIGN section 4,
 * docs/process-model.md).
 *
 * Limits: named here. Threads: one, a libuv loop; times are monotonic. Ownership: the struct owns
 * everything. */
#pragma once
#include "base/proc.h"
#include "program/role.h"
#include "watch/message.h"
#include "watch/peer.h"
#include "watch/tally.h"

enum {
    PARENT_ROLES_MAX = ROLES - 2 + ROLE_QUERIES_MAX + ROLE_READERS_MAX - 1,
    PARENT_TICK_MS = 100,
    PARENT_TALLIES_MAX = 16, /* of intakes that died; behind so many the oldest loss is unknown */
    PARENT_NOTES_MAX = 64, /* kept while the engine is away; more are counted in the log */
    PARENT_NOTE_BYTES = 2000,
    PARENT_READERS_WAITING_MAX = 16,
    PARENT_COMMANDS_MAX = 4, /* at a time */
    PARENT_FILES_MAX = 1024,
    PARENT_UNREAD_BYTES_MAX = 64 * 1024, /* told of */
    PARENT_JOURNALS_MAX = ROLE_JOURNALS_MAX
};
#define PARENT_SECOND_NS    UINT64_C(1000000000)
#define PARENT_START_NS     (180 * PARENT_SECOND_NS) /* up to READY, else it is ended */
#define PARENT_REPORT_NS    (5 * PARENT_SECOND_NS)   /* MESSAGE_ROLES, followed files */
#define PARENT_QUICK_NS     (60 * PARENT_SECOND_NS)  /* who dies sooner waits longer */
#define PARENT_FAILED_NS    (5 * PARENT_SECOND_NS)   /* who said FAILED waits at least so long */
#define PARENT_CHECK_TLS_NS (3600 * PARENT_SECOND_NS)

struct parent;
struct parent_role { /* one instance */
    struct parent *parent;
    enum role role;
    uint32_t instance;
    enum role_state state;
    bool wanted; /* to be started when start_ns has come */
    bool failed, ended_by_us;
    bool drain_wanted; /* the engine: when the others are gone */
    pid_t pid;         /* 0: none */
    struct peer *peer;
    uint64_t started_ns, start_ns, pinged_ns, ponged_ns;
    uint64_t drain_until_ns; /* then it is killed; 0: not draining */
    int64_t since_ns;        /* wall clock, of the state */
    uint32_t restarts, quick_deaths, layers;
    int shared_fd;      /* -1: none */
    uint64_t sender_id; /* of who shares it (watch/tally.h) */
    uint64_t ticket;    /* of the engine: what this reader was started for */
    struct buf metrics;
    char why[ERR_TEXT_BYTES];
};
struct parent_tally { /* an intake that died */
    uint64_t id;
    struct tally_page page;
};
struct parent_note {
    char kind[24], text[PARENT_NOTE_BYTES];
};
struct parent_port {
    char name[CONFIG_NAME_BYTES_MAX + 1];
    struct buf address; /* as in canh.yaml */
    bool is_datagram;
    int fd;
};
struct parent_reading { /* a file, or journalctl's output, that waits for a reader */
    char *source, *name;
    int fd;
    uint64_t ticket;
    bool is_live;
};
struct parent_journal { /* a journalctl that runs */
    pid_t pid;          /* 0: free place */
    uint64_t ticket;
};
struct parent_followed {
    char *source, *path;
    uint64_t inode, device;
    bool seen;
};
struct parent_output { /* the file of an output, by its place in canh.yaml */
    bool is_open, is_told;
    uint64_t inode, device;
};
struct parent_command;
struct parent_drops;

enum parent_metric {
    PARENT_RESTARTS,                             /* + role */
    PARENT_VIOLATIONS = PARENT_RESTARTS + ROLES, /* + role */
    PARENT_RUNS = PARENT_VIOLATIONS + ROLES,
    PARENT_RUN_FAILURES,
    PARENT_CERTIFICATE,
    PARENT_FILES,
    PARENT_RELOADS,
    PARENT_METRICS
};

struct parent {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_poll_t signals;
    int signal_fd, lock_fd;
    struct config *config;
    const char *config_path, *data;
    const char *injection; /* "" or "role,role:what": test builds */
    struct parent_role roles[PARENT_ROLES_MAX];
    uint32_t role_count;
    struct parent_port ports[ROLE_LISTENERS_MAX];
    uint32_t port_count;
    struct parent_tally tallies[PARENT_TALLIES_MAX]; /* the newest, in their order */
    uint32_t tally_count;
    uint64_t sender_epoch; /* 0: no sender has begun */
    uint32_t sender_starts;
    struct parent_note notes[PARENT_NOTES_MAX];
    uint32_t note_count;
    struct parent_reading readings[PARENT_READERS_WAITING_MAX];
    uint32_t reading_count;
    struct parent_followed files[PARENT_FILES_MAX];
    uint32_t file_count;
    struct buf unread; /* followed files that are not read, as UNREAD has them */
    struct parent_output outputs[CONFIG_OUTPUTS_MAX];
    struct parent_command *commands[PARENT_COMMANDS_MAX];
    struct parent_journal journals[PARENT_JOURNALS_MAX];
    struct parent_drops *drops; /* NULL: none was looked at yet */
    struct metric metrics[PARENT_METRICS];
    struct buf certificate; /* as it was given out */
    uint64_t reported_ns, files_ns, watchdog_ns, tls_ns;
    unsigned layers;
    int64_t since_ns;
    bool changed, stopping, told_ready;
};

/* parent.c */
MUST_CHECK int parent_run(struct parent *p, struct err *err); /* until it was told to stop */
void parent_note(struct parent *p, const char *kind, const char *format, ...) PRINTF_LIKE(3, 4);
void parent_notes_send(struct parent *p);
void parent_readings_free(struct parent *p);
struct parent_role *parent_engine(struct parent *p);

/* parent_role.c */
void parent_roles_init(struct parent *p);
void parent_role_want(struct parent_role *r, bool wanted);
bool parent_role_is_configured(const struct parent *p, enum role role);
void parent_role_drain(struct parent_role *r);
void parent_role_state(struct parent_role *r, enum role_state state);
void parent_role_kill(struct parent_role *r);
/* Whether pid was a role. */
bool parent_role_reaped(struct parent *p, pid_t pid, int status);
void parent_roles_tick(struct parent *p, uint64_t now_ns);
void parent_roles_report(struct parent *p);
void parent_role_send(struct parent_role *r, uint16_t type, uint64_t id, struct slice payload,
                      const int *fds, uint32_t fd_count);

/* parent_start.c */
MUST_CHECK int parent_role_start(struct parent_role *r, struct err *err);

/* parent_message.c: what a role says */
void parent_message(struct parent_role *r, struct wire_message *message);

/* parent_port.c */
/* Opens what is new, closes what is gone; on failure all stays as it was. */
MUST_CHECK int parent_ports_open(struct parent *p, const struct config *config, struct err *err);
MUST_CHECK int parent_ports_open_control(struct parent *p, const struct proc_user *engine,
                                         struct err *err);
MUST_CHECK int parent_ports_send(const struct parent *p, enum role role, struct wire *wire,
                                 struct err *err);
/* For the end of all: whoever connects from now on is refused at once. Otherwise the kernel would
 * take what a sender writes into a connection that nobody accepts any more. */
void parent_ports_refuse(struct parent *p);
void parent_ports_close(struct parent *p);
/* Beyond loopback there must be users (DESIGN section 9). */
MUST_CHECK int parent_ports_check_users(const struct config *config, const char *data,
                                        struct err *err);
void parent_certificate_look(struct parent *p); /* days left: metric and warning */

/* parent_command.c */
void parent_command_run(struct parent *p, uint64_t id, uint32_t index, struct slice input);
bool parent_command_reaped(struct parent *p, pid_t pid, int status);
void parent_commands_tick(struct parent *p, uint64_t now_ns);
void parent_commands_kill(struct parent *p);

/* parent_journal.c */
/* Starts journalctl behind the cursor; what it prints waits for a reader. */
void parent_journal_start(struct parent *p, uint64_t ticket, struct slice source,
                          struct slice cursor);
bool parent_journal_reaped(struct parent *p, pid_t pid, int status);
/* The reader of this ticket has ended: what it read of has nobody to print for. */
void parent_journal_unread(struct parent *p, uint64_t ticket);
void parent_journals_kill(struct parent *p);

/* parent_drop.c */
void parent_drops_tick(struct parent *p, uint64_t now_ns);
void parent_drops_engine_gone(struct parent *p); /* what it was importing is given to the next */
/* IMPORTED of the engine. False: it is not as it must be. */
bool parent_drops_imported(struct parent *p, uint64_t id, struct bytes_in *in);
void parent_drops_free(struct parent *p);

/* parent_file.c */
/* Those that are there, as FILE messages; only new ones when `only_new`. */
void parent_files_send(struct parent *p, struct wire *wire, bool only_new);
void parent_files_report(struct parent *p); /* to the engine: those that are not read */
void parent_files_forget(struct parent *p);

/* parent_output.c */
/* Files of outputs, as FILE messages to the courier; only those that are other ones now, when
 * `only_new`. */
void parent_outputs_send(struct parent *p, struct wire *wire, bool only_new);

/* parent_reload.c */
void parent_reload(struct parent *p);
