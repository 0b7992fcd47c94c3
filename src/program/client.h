/* Client: how the command line reaches a node: by --server URL and token, by DATA/control.sock, or,
 * with no daemon there, through an engine started for this one command.
 *
 * Threads: one. Ownership: answers are the caller's. */
#pragma once
#include "program/cli.h"
#include "state/command.h"
#include "state/listing.h"
#include "watch/config.h"

enum { CLIENT_CALL_ROOM = 64 << 10 /* in a message, round a command */ };
struct client_settings {
    const char *data, *config;
    const char *server;     /* https://...; http on loopback */
    const char *token_file; /* else CANH_TOKEN_FILE */
    const char *ca_file;
    bool vietnamese;
};
struct client;
MUST_CHECK int client_open(struct client **out, const struct client_settings *settings,
                           struct err *err);
void client_close(struct client **client);
const char *client_way(const struct client *client); /* "server", "socket", "alone": for -v */
bool client_has_daemon(const struct client *client); /* false: "alone" */
/* The newest question was refused by right, scope or token. */
bool client_was_denied(const struct client *client);
/* The folder and its settings; NULL with --server. */
const char *client_data(const struct client *client);
const struct config *client_config(const struct client *client);

struct client_result {
    int rc; /* ERR_*: what the command gave */
    bool denied;
    struct err err; /* in the caller's language */
    uint64_t audit_id;
    struct buf json;
};
/* values: as the table wants them. ERR_* only when the node could not be asked. */
MUST_CHECK int client_command(struct client *client, struct slice name,
                              const struct command_value *values, uint32_t count, bool dry,
                              struct client_result *out, struct err *err);
void client_result_free(struct client_result *result);
/* Pages of a listing until all is visited, or limit rows. Direct: reads state.db itself (the rights
 * of the file count, no scope). */
MUST_CHECK int client_list(struct client *client, const struct listing *listing,
                           const struct listing_ask *ask, listing_visit *visit, void *context,
                           struct err *err);
/* state.db for reading, whether or not an engine runs: the rights of the file count. */
MUST_CHECK int client_state_open(struct database **out, const char *data, struct err *err);
/* The status as JSON. ERR_BUSY: no daemon. */
MUST_CHECK int client_status(struct client *client, struct buf *json, struct err *err);
/* A search, export or hunt of the node (server and socket only): bytes go to fd. */
MUST_CHECK int client_ask(struct client *client, const char *kind, const char *const *words,
                          uint32_t word_count, int fd, struct err *err);
/* A file into the running node (socket only): ERR_BUSY when there is none. */
/* A bundle of rules, which the node keeps (socket, or alone); version: room for 65 characters. */
MUST_CHECK int client_rules(struct client *client, const char *origin, int fd, char *version,
                            struct err *err);
/* What stands at an address outside, fetched by the node's courier (socket only): *fd is the
 * caller's. */
MUST_CHECK int client_fetch(struct client *client, const char *url, int *fd, struct err *err);
struct client_imported {
    uint64_t stored, refused, findings, passed_over; /* files that were imported before */
};
MUST_CHECK int client_import(struct client *client, const char *source, const char *path,
                             struct client_imported *out, struct err *err);
