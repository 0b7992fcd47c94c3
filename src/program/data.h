/* Data: the store of a data folder, opened for a command by its options and the configuration.
 *
 * Threads: one. Ownership: config and store belong to the struct until data_close, unless it was
 * borrowed. */
#pragma once
#include "program/cli.h"
#include "store/store.h"
#include "watch/config.h"

struct data_settings { /* a member of a command's settings */
    const char *data, *config;
};

/* Rows for a command's option table. */
#define DATA_OPTIONS(settings, member)                                                             \
    {"data",                                                                                       \
     'd',                                                                                          \
     OPTION_TEXT,                                                                                  \
     offsetof(struct settings, member.data),                                                       \
     "DIR",                                                                                        \
     0,                                                                                            \
     0,                                                                                            \
     "folder of the store (default: store.data of canh.yaml, /var/lib/canh)",                      \
     "thư mục kho dữ liệu "                                                                 \
     "(mặc định: store.data trong canh.yaml, /var/lib/canh)"},                                     \
    {                                                                                              \
        "config", 'c', OPTION_TEXT, offsetof(struct settings, member.config), "FILE", 0, 0,        \
            "configuration (default: /etc/canh/canh.yaml)",                                        \
            "tệp cấu hình (mặc định: /etc/canh/canh.yaml)"                               \
    }

struct data {
    struct config *config;
    struct store *store;
    const char *path;   /* of the folder */
    struct slice rules; /* the node's bundle, handed over; empty: found by the folder */
    /* scoped: who asks sees only rows of these units (ascending). A command line that opens the
     * files itself has no scope. */
    const struct slice *units;
    uint32_t unit_count;
    bool scoped;
    bool borrowed;
};

/* Only the configuration: path is set, store is not. Problems of it go to stderr. */
MUST_CHECK int data_find(struct data *out, const struct data_settings *settings, struct err *err);
/* As canh.yaml has them. */
void data_store_options(const struct config_store *config, bool write, struct store_options *out);
/* For reading, while others write; with write: as the one writer (ERR_BUSY). out is zeroed by the
 * caller and is to be closed either way. */
MUST_CHECK int data_open(struct data *out, const struct data_settings *settings, bool write,
                         struct err *err);
/* The same store for a command that is run for somebody else; data_close leaves it open. */
void data_borrow(struct data *out, const struct data *given);
void data_close(struct data *data);
/* An event's id: `epoch:sequence`, or the sequence alone. ERR_USAGE. */
MUST_CHECK int data_read_id(const struct data *data, const char *text, uint64_t *sequence,
                            struct err *err);
