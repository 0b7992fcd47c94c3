/* Listen: addresses of canh.yaml ("127.0.0.1:8480", "[::1]:8480") and sockets that listen there.
 * Threads: any. Ownership: the caller owns the descriptor. */
#pragma once
#include "base/ip.h"

enum { LISTEN_BACKLOG = 1024 };
struct listen_address {
    struct ip_address address;
    uint16_t port;
    bool loopback;
};
/* ERR_USAGE. */
MUST_CHECK int listen_parse(struct slice text, struct listen_address *out, struct err *err);
/* TCP, close-on-exec, non-blocking. ERR_BUSY names the port and how to see who has it. */
MUST_CHECK int listen_open(struct slice text, int *fd, struct err *err);
/* The same of UDP. */
MUST_CHECK int listen_open_datagram(struct slice text, int *fd, struct err *err);
