/* Listener: where records come in. A row of canh.yaml's `listeners` has a socket, which the parent
 * opened, and a kind, which one row of `listener_kinds` (listener.c) describes.
 *
 * A further protocol over HTTP (Splunk HEC, Loki) is a row of the table of endpoints
 * (intake_http_route.c); a further one on a socket of its own is a file intake_<name>.c and a row
 * here. Limits: CONFIG_LISTENERS_MAX. Threads: the table is constant. Ownership: sockets are the
 * role's. */
#pragma once
#include "base/str.h"

struct listener_socket {
    char *name; /* "web", "control", or of `listeners` */
    int fd;
    struct slice certificate, key; /* PEM; empty: no TLS */
    struct slice clients;          /* PEM of the authorities that client certificates must come
                                    * from; empty: none are asked for */
};

struct followed_file { /* to be followed */
    char *source, *path;
    int fd;
    uint64_t inode, device;
};

enum listener_transport { LISTENER_STREAM, LISTENER_DATAGRAM };
enum listener_service { LISTENER_HTTP, LISTENER_SYSLOG, LISTENER_GELF };

struct listener_kind {
    const char *name; /* `kind` in canh.yaml */
    enum listener_transport transport;
    enum listener_service service;
    bool takes_tokens; /* senders may show a token */
    bool takes_tls;
    const char *en, *vi; /* for lists and errors */
};
extern const struct listener_kind listener_kinds[];
extern const size_t listener_kind_count;
const struct listener_kind *listener_kind_find(struct slice name); /* NULL: no such kind */
