/* Client inside: the ways a client reaches a node. Threads: the client's. */
#pragma once
#include <sys/types.h>

#include "base/wire.h"
#include "program/client.h"

struct client_server;
struct client {
    struct client_settings settings;
    struct config *config; /* not for a server */
    const char *data;      /* folder; not for a server */
    struct wire *wire;     /* control socket, or the lone engine's */
    struct wire *parent;   /* of the lone engine: this is its parent */
    pid_t engine;          /* 0: none */
    uint64_t message_id;
    struct client_server *server;
    bool denied; /* the newest question */
};

/* client_socket.c: over client->wire */
int client_wire_command(struct client *client, struct slice packed, bool dry,
                        struct client_result *out, struct err *err);
int client_wire_status(struct client *client, struct buf *json, struct err *err);
int client_wire_ask(struct client *client, const char *kind, const char *const *words,
                    uint32_t word_count, int fd, struct err *err);
int client_wire_import(struct client *client, const char *source, const char *path,
                       struct client_imported *out, struct err *err);
int client_wire_rules(struct client *client, const char *origin, int fd, char *version,
                      struct err *err);
int client_wire_fetch(struct client *client, const char *url, int *fd, struct err *err);
/* client_alone.c: an engine started for this command, and its end */
int client_alone_start(struct client *client, struct err *err);
void client_alone_end(struct client *client);

/* client_server.c */
int client_server_open(struct client *client, struct err *err);
void client_server_close(struct client_server **server);
int client_server_command(struct client *client, struct slice name,
                          const struct command_value *values, uint32_t count, bool dry,
                          struct client_result *out, struct err *err);
int client_server_list(struct client *client, const struct listing *listing,
                       const struct listing_ask *ask, listing_visit *visit, void *context,
                       struct err *err);
int client_server_status(struct client *client, struct buf *json, struct err *err);
int client_server_ask(struct client *client, const char *kind, const char *const *words,
                      uint32_t word_count, int fd, struct err *err);

/* client_answer.c: what a node says, read with care */
/* Rows of {"items":[{...}],"next":N}: visited; *next 0: there are no more; *last: id of the newest
 * visited row. limit: rows that may still be visited. */
int client_answer_rows(struct slice json, const struct listing *listing, uint64_t limit,
                       listing_visit *visit, void *context, uint64_t *visited, uint64_t *next,
                       struct err *err);
/* The text of a member of an object, unescaped, appended; false: there is none. */
bool client_answer_text(struct slice json, const char *member, struct buf *out);
/* The member as it stands (an object, a number). */
bool client_answer_raw(struct slice json, const char *member, struct slice *out);
/* Copies a result's stream from `from` to `to`, up to its last line (ASK_END), which says whether
 * all is there. */
int client_answer_stream(int from, int to, struct err *err);
/* The same in pieces, for streams that come by callback. */
struct client_stream {
    int to;
    struct buf held; /* what may be the beginning of the last line */
    bool ended;      /* the last line has begun */
    int rc;          /* of writing */
    struct err err;
};
void client_stream_add(struct client_stream *stream, struct slice bytes);
/* Behind the last piece; frees what was held. */
int client_stream_end(struct client_stream *stream, struct err *err);
