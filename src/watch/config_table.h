/* The table of settings (config_table.c), what reads values by it (config_value.c), files
 * (config_read.c), and shows it (config_print.c). A new setting is a row here and a member of its
 * section's struct (config.h). Limits: CONFIG_KEYS_MAX keys a section. Threads: as config.h. */
#pragma once
#include "watch/config.h"

enum { CONFIG_KEYS_MAX = 64 };

enum config_kind {
    CONFIG_TEXT,     /* struct slice */
    CONFIG_NAME,     /* struct slice: a-z 0-9 _ - */
    CONFIG_PATH,     /* struct slice: absolute */
    CONFIG_SECRET,   /* struct slice: absolute path of the file that holds it; name ends in _file */
    CONFIG_ZONE,     /* struct slice: +07:00 or a name of the zone table */
    CONFIG_FORMAT,   /* struct slice: of events */
    CONFIG_LIST,     /* struct config_list of texts */
    CONFIG_NUMBER,   /* uint64_t */
    CONFIG_BYTES,    /* uint64_t */
    CONFIG_DURATION, /* uint64_t: nanoseconds */
    CONFIG_BOOL      /* bool */
};

struct config_key {
    const char *name;
    enum config_kind kind;
    size_t offset;         /* in the section's struct */
    const char *fallback;  /* as it would be written; NULL: none */
    const char *min, *max; /* numbers, as they would be written; NULL: 0, no limit */
    const char *help_en, *help_vi;
};

enum config_shape {
    CONFIG_ONE,  /* a map of its keys */
    CONFIG_ROWS, /* a list of maps, each with a `name` */
    CONFIG_MAP   /* a map of maps: their keys are the names */
};

struct config_section {
    const char *name; /* `store`; `store.partitions` stands inside of store */
    enum config_shape shape;
    size_t offset; /* in the config: the struct itself, or a struct config_rows */
    size_t row_bytes;
    uint32_t rows_max;
    const struct config_key *keys;
    uint32_t key_count;
    const char *help_en, *help_vi;
};

struct config_table {
    const struct config_section *sections;
    uint32_t count;
};

extern const struct config_table config_table;
const struct config_section *config_section_find(const struct config_table *table,
                                                 const char *name); /* or NULL */

/* Reads a value as it is written. target: the section's struct. The texts of errors begin behind
 * the key's name. Not for CONFIG_LIST. */
MUST_CHECK int config_value_read(const struct config_key *key, struct slice text, void *target,
                                 struct arena *arena, struct err *err);
/* The items are texts as written. */
MUST_CHECK int config_value_read_list(const struct config_key *key, const struct config_list *items,
                                      void *target, struct arena *arena, struct err *err);
void config_value_default(const struct config_key *key, void *target, struct arena *arena);
MUST_CHECK int config_value_check_name(struct slice name, struct err *err);
size_t config_value_bytes(enum config_kind kind); /* in the struct */
/* As YAML would have it on one line. */
void config_value_write(const struct config_key *key, const void *target, struct buf *out);
const char *config_kind_name(enum config_kind kind, bool vietnamese);

struct config_reader {
    const struct config_table *table;
    void *config; /* what the offsets of sections refer to */
    struct arena *arena;
    struct buf *problems; /* may be NULL */
    uint32_t problem_count;
    struct err first;
};
/* Sets what is no row to its defaults: before any reading. */
void config_read_begin(struct config_reader *r);
void config_read_text(struct config_reader *r, const char *file, struct slice text);
void config_read_environment(struct config_reader *r, char *const *environment);
/* One more problem; column 0, line 0: none known. */
void config_read_problem(struct config_reader *r, const char *file, uint32_t line, uint32_t column,
                         const char *format, ...) PRINTF_LIKE(5, 6);
/* What no single value shows: references between rows, addresses, what is wanted together. */
void config_check(struct config_reader *r, const struct config *config);
/* One section's part of config_print; nothing when it has no rows. */
void config_print_section(const struct config *config, const struct config_section *section,
                          struct buf *out);
/* CANH_STORE_SEAL_ROWS */
void config_environment_name(const struct config_section *section, const struct config_key *key,
                             struct buf *out);

static inline void *config_row_at(const struct config_section *section,
                                  const struct config_rows *rows, uint32_t index)
{
    return (char *)rows->items + (size_t)index * section->row_bytes;
}
