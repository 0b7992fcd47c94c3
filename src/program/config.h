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
#include "base/str.h"

#define CONFIG_BYTES_MAX    ((size_t)1 << 20) /* a file */
#define CONFIG_DEFAULT_PATH "/etc/canh/canh.yaml"
enum {
    CONFIG_FILES_MAX = 256,
    CONFIG_PARTITIONS_MAX = 64,
    CONFIG_SOURCES_MAX = 4096,
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
};

struct config {
    struct config_store store;
    struct config_rows partitions; /* of struct config_partition */
    struct config_partition usual; /* for partitions that are not named */
    struct config_rows sources;    /* of struct config_source */
    struct arena arena;
};

/* path NULL: the environment's CANH_CONFIG, else CONFIG_DEFAULT_PATH when it is there, else the
 * defaults. environment: as environ, NULL: none is looked at. problems (may be NULL) gets a line
 * "file:line:column: text" for each problem. ERR_USAGE: there are problems, err has the first;
 * ERR_IO or ERR_LIMIT: a file cannot be read. */
MUST_CHECK int config_open(struct config **out, const char *path, char *const *environment,
                           struct buf *problems, struct err *err);
void config_close(struct config **config);

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
