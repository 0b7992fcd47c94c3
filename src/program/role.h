/* Roles: the processes of `canh serve` (DESIGN section 4, docs/process-model.md). One table says
 * each role's name, user, what it may, its files, and its functions; both sides use it: the parent
 * to start them, the child to become one.
 *
 * A role's life: started as `canh role NAME` with the parent's wire as descriptor 3; role_main
 * reads its settings up to GO; `open` loads what trusted files it needs; the sandbox closes; READY;
 * `run` until DRAIN. Threads: role_main's; a role makes others in `run` only. Ownership: the
 * context owns what it received. */
#pragma once
#include <uv.h>

#include "base/metric.h"
#include "base/sandbox.h"
#include "watch/config.h"
#include "watch/listener.h"
#include "watch/message.h"

enum role {
    ROLE_PARENT,
    ROLE_ENGINE,
    ROLE_INTAKE,
    ROLE_READER,
    ROLE_QUERY,
    ROLE_WEB,
    ROLE_COURIER,
    ROLES /* how many */
};
enum role_state { ROLE_ABSENT, ROLE_STARTING, ROLE_READY, ROLE_ENDING, ROLE_WAITING };
enum role_flag {
    ROLE_FLAG_ALONE = 1, /* engine for one command line: no listeners, no peers but that client */
    ROLE_FLAG_LIVE = 2   /* reader of what journalctl prints: live events */
};
enum {
    ROLE_QUERIES_MAX = 2,                     /* one kept, one more on demand */
    ROLE_JOURNALS_MAX = 4,                    /* systemd journals that are read */
    ROLE_READERS_MAX = 1 + ROLE_JOURNALS_MAX, /* and one for files */
    ROLE_LISTENERS_MAX = 40,
    ROLE_CALL_BYTES_MAX = 60 << 20
};

struct role_context {
    enum role role;
    uint32_t instance;
    unsigned flags; /* enum role_flag */
    struct config *config;
    const char *data; /* folder */
    struct wire *parent;
    struct listener_socket listeners[ROLE_LISTENERS_MAX];
    uint32_t listener_count;
    struct slice node_key; /* PEM */
    int shared_fd;         /* -1: none */
    uint32_t slots;
    uint64_t slot_bytes;
    struct followed_file *files;
    uint32_t file_count;
    struct slice *secrets;        /* of channels, by their place; empty: none */
    struct slice *output_secrets; /* the same of outputs */
    const char *injection;        /* test builds: what to try once the sandbox is on; "" */
    unsigned layers;              /* that hold */
    struct arena arena;
    uv_loop_t loop;
    void *own; /* from open */
    bool draining;
    /* set by the role in open: */
    void (*on_peer)(struct role_context *c, enum role role, uint32_t instance,
                    int fd);                                                  /* takes fd */
    void (*on_message)(struct role_context *c, struct wire_message *message); /* other types */
    void (*on_drain)(struct role_context *c); /* then ends by uv_stop when it is done */
    struct metric *metrics;
    uint32_t metric_count;
};

struct role_spec {
    const char *name;        /* "intake" */
    const char *user_suffix; /* "-intake"; "" : the engine's */
    const char *groups[4];   /* suffixes of supplementary groups: "-state", "-store" */
    unsigned may;            /* enum sandbox_may */
    uint32_t instances;      /* at most */
    bool kept;               /* started with the node and again when it ends */
    /* Paths that it may read or write, for Landlock, appended to paths. */
    uint32_t (*paths)(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
    int (*open)(struct role_context *c, struct err *err); /* before the sandbox */
    int (*run)(struct role_context *c, struct err *err);  /* uv_run and what it needs */
    void (*close)(struct role_context *c);
};
extern const struct role_spec role_specs[ROLES];        /* role_table.c */
const struct role_spec *role_of_name(const char *name); /* or NULL */
/* Which pairs of roles have a wire: the parent makes them. */
bool role_has_wire(enum role a, enum role b);

int cli_role(int argc, char **argv); /* `canh role NAME`: what the parent starts */

/* role_<name>.c */
int engine_open(struct role_context *c, struct err *err);
int engine_run(struct role_context *c, struct err *err);
void engine_close(struct role_context *c);
uint32_t engine_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
int intake_open(struct role_context *c, struct err *err);
int intake_run(struct role_context *c, struct err *err);
void intake_close(struct role_context *c);
uint32_t intake_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
int reader_open(struct role_context *c, struct err *err);
int reader_run(struct role_context *c, struct err *err);
void reader_close(struct role_context *c);
uint32_t reader_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
int query_open(struct role_context *c, struct err *err);
int query_role_run(struct role_context *c, struct err *err);
void query_close_role(struct role_context *c);
uint32_t query_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
int web_open(struct role_context *c, struct err *err);
int web_run(struct role_context *c, struct err *err);
void web_close(struct role_context *c);
uint32_t web_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
int courier_open(struct role_context *c, struct err *err);
int courier_run(struct role_context *c, struct err *err);
void courier_close(struct role_context *c);
uint32_t courier_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max);
