/* Configuration: `canh.yaml`, the files of `conf.d` beside it, and the environment, read into
 * structs by one typed table (config_table.c; docs/config.md says the same for people).
 *
 * Later wins: defaults, canh.yaml, conf.d/(name).yaml by name, CANH_SECTION_KEY from the
 * environment. Rows of a map (store.partitions) are merged key by key; those of a list (sources)
 * add up. What is unknown or of a wrong type is a problem with its place; nothing is used then.
 * Secrets are not written there: a key `(name)_file` names a file that holds one. Limits: the
 * CONFIG_*_MAX below. Threads: read by one; then any number of readers. Ownership: everything is
 * the config's; texts end with a NUL that their length does not count. */
#pragma once
#include "base/arena.h"
#include "base/log.h"

#define CONFIG_BYTES_MAX    ((size_t)1 << 20) /* a file */
#define CONFIG_DEFAULT_PATH "/etc/canh/canh.yaml"
enum {
    CONFIG_FILES_MAX = 256,
    CONFIG_PARTITIONS_MAX = 64,
    CONFIG_SOURCES_MAX = 4096,
    CONFIG_LISTENERS_MAX = 32,
    CONFIG_CHANNELS_MAX = 64,
    CONFIG_OUTPUTS_MAX = 16,
    CONFIG_COMMANDS_MAX = 16,
    CONFIG_LIST_MAX = 256,
    CONFIG_TEXT_BYTES_MAX = 4096,
    CONFIG_NAME_BYTES_MAX = 32,
    CONFIG_PROBLEMS_MAX = 100 /* told of; all are counted */
};

struct config_list {
    struct slice *items;
    uint32_t count;
};

/* Every section's struct and every row begins with this. Bits are by the key's place in its table.
 */
struct config_row {
    struct slice name; /* of a row; of a section itself empty */
    const char *file;  /* where it was first written; NULL: nowhere */
    uint32_t line;     /* there */
    uint64_t given, from_environment;
};

struct config_rows { /* items: an array of the section's row struct */
    void *items;
    uint32_t count;
};

struct config_store {
    struct config_row row;
    struct slice data;
    uint64_t seal_rows, seal_bytes, seal_age_ns;
    uint64_t journal_file_bytes, group_bytes, reserve_bytes;
    uint64_t query_memory_bytes, query_ns;
    struct slice timezone;
    uint64_t sign_every_ns;
};

struct config_partition {
    struct config_row row;
    uint64_t keep_ns;    /* how long events are kept */
    uint64_t keep_bytes; /* 0: no limit but the disk */
    bool hold;           /* nothing is removed, whatever its age */
};

struct config_source {
    struct config_row row;
    struct slice partition;
    struct config_list match;
    struct slice format; /* empty: guessed for each file */
    struct slice timezone;
    struct slice product, category, service; /* log source; empty: as the mapping says */
    struct slice system, unit;
    struct config_list follow; /* patterns of files that serve follows */
    struct slice journal;      /* "none", "local", or the folder of a systemd journal */
    struct slice drop;         /* folder: files put there are read once; empty: none */
    uint64_t expect_ns;        /* longest time without an event; 0: learned */
    bool silence;              /* whether silence is looked for */
    bool drill;                /* an exercise: what it gives is marked so */
};

struct config_serve { /* the daemon as a whole */
    struct config_row row;
    struct slice user;      /* prefix of the roles' users when started as root */
    bool one_user;          /* started as root, too: all roles run as `user` itself */
    uint64_t drain_ns;      /* how long roles may take to finish */
    uint64_t hang_ns;       /* a role that does not answer as long is ended */
    struct slice log_level; /* error, warning, info, debug */
    bool sandbox_required;  /* no start with a partial sandbox */
};

struct config_web {
    struct config_row row;
    struct slice listen; /* address:port; "none": no web (config_has_web) */
    bool tls;
    struct slice certificate_file, key_file; /* empty: those of DATA/keys */
    uint64_t connections, connections_per_address, timeout_ns, body_bytes;
    struct slice name; /* how people call it: links, certificate */
};

struct config_rules {
    struct config_row row;
    struct config_list paths;   /* rule files and folders */
    struct slice mappings;      /* instead of the built-in ones */
    bool indicators;            /* of DATA/intel */
    struct slice select_status; /* of imported packs: at least; Sigma's words */
    struct slice select_level;
    struct config_list tuning; /* files and folders of Sigma filters of one's own */
    struct slice update_url;   /* where `rules update` gets packs from; empty: from files only */
    struct slice update_ca_file;
    struct slice update_key_file; /* public key that signed bundles must verify with */
};

struct config_listener { /* where events come in */
    struct config_row row;
    struct slice kind;   /* of listener_kinds (listener.h) */
    struct slice listen; /* address:port */
    bool tls;
    bool token;                  /* senders need a token with the right `ingest` */
    struct slice client_ca_file; /* client certificates are asked for, of these authorities */
    struct config_list allow;    /* addresses and networks that may send; none: any */
    uint64_t message_bytes;      /* of a syslog or GELF message: longer ones come in parts */
    uint64_t receive_bytes;      /* of a datagram socket's buffer in the kernel */
    struct slice source;         /* of sources: what its events are */
    uint64_t connections, connections_per_address, timeout_ns, body_bytes;
};

struct config_output { /* where findings and events go on to */
    struct config_row row;
    struct slice kind;   /* syslog, elasticsearch, file */
    struct slice url;    /* tcp://, tls://, udp:// host:port; https:// */
    struct slice path;   /* file: appended to */
    struct slice what;   /* findings, events */
    struct slice filter; /* query language; empty: all */
    struct slice format; /* json, cef */
    struct slice index;  /* elasticsearch: with %Y %m %d */
    struct slice facility;
    struct slice ca_file, secret_file; /* authorities; "user:password" or an API key */
    uint64_t timeout_ns;
};

struct config_health { /* from when on something is told */
    struct config_row row;
    struct config_list free_days; /* 2027-02-05, 2027-02-05..2027-02-11 */
    uint64_t rules_age_ns, indicators_age_ns;
    uint64_t skew_ns;
    uint64_t disk_free_bytes;
    uint64_t refused_percent; /* of an hour's records of a source */
};

struct config_channel { /* where messages go out */
    struct config_row row;
    struct slice kind; /* webhook, command */
    struct slice url;
    struct slice secret_file; /* signs the body: HMAC-SHA-256 */
    struct slice ca_file;     /* instead of the system's authorities */
    struct slice command;     /* of commands */
    uint64_t timeout_ns;
};

struct config_command { /* programs that the parent may start, by their place here */
    struct config_row row;
    struct config_list run; /* absolute path and arguments */
    uint64_t timeout_ns, output_bytes;
};

struct config {
    struct config_store store;
    struct config_serve serve;
    struct config_web web;
    struct config_rules rules;
    struct config_health health;
    struct config_rows listeners, channels, commands; /* of struct config_listener ... */
    struct config_rows outputs;                       /* of struct config_output */
    struct config_rows partitions;                    /* of struct config_partition */
    struct config_partition usual;                    /* for partitions that are not named */
    struct config_rows sources;                       /* of struct config_source */
    struct arena arena;
};

/* path NULL: the environment's CANH_CONFIG, else CONFIG_DEFAULT_PATH when it is there, else the
 * defaults. environment: as environ, NULL: none is looked at. problems (may be NULL) gets a line
 * "file:line:column: text" for each problem. ERR_USAGE: there are problems, err has the first;
 * ERR_IO or ERR_LIMIT: a file cannot be read. */
MUST_CHECK int config_open(struct config **out, const char *path, char *const *environment,
                           struct buf *problems, struct err *err);
void config_close(struct config **config);
/* Of a text that config_print wrote: for roles, which read no files of settings. */
MUST_CHECK int config_open_text(struct config **out, struct slice yaml, struct err *err);
const struct config_channel *config_channel(const struct config *config, struct slice name);
/* *index: its place, which is what the parent is asked for. */
const struct config_command *config_command(const struct config *config, struct slice name,
                                            uint32_t *index);

enum log_level config_log_level(const struct config *config);
bool config_has_web(const struct config *config); /* web.listen is not "none" */

/* What holds for the partition: its row, else that of `default`, else the defaults. */
const struct config_partition *config_partition(const struct config *config, struct slice name);
/* The source of that name, or NULL. */
const struct config_source *config_source(const struct config *config, struct slice name);
/* The first source with a pattern that fits the path, or NULL. A pattern without a slash is held
 * against the last part of the path; `*` does not match a slash. */
const struct config_source *config_source_of_path(const struct config *config, const char *path);

/* As YAML, each value as it holds now; those that nobody set carry the comment "default". */
void config_print(const struct config *config, struct buf *out);
/* The defaults as a file to begin with: every key as a comment, with what it means. */
void config_print_defaults(bool vietnamese, struct buf *out);
