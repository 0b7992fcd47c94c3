#include "program/courier_dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define MS_NS UINT64_C(1000000)
enum { USER_TIMEOUT_MS = 30000, WAIT_MS_MAX = 60000 };

int courier_wait(int fd, short events, uint64_t until_ns, struct err *err)
{
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        uint64_t left_ms = until_ns > now_ns ? (until_ns - now_ns) / MS_NS + 1 : 0;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)(left_ms < WAIT_MS_MAX ? left_ms : WAIT_MS_MAX));
        if (n > 0)
            return ERR_OK;
        if (n < 0 && errno != EINTR)
            return err_set_errno(err, errno, "poll");
        if (left_ms == 0)
            return err_set(err, ERR_BUSY, "the receiver did not answer in time");
    }
}

static int try_connect(int fd, const struct addrinfo *a, uint64_t until_ns, struct err *err)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return ERR_OK;
    if (errno != EINPROGRESS)
        return err_set(err, ERR_IO, "%s", strerror(errno));
    int rc = courier_wait(fd, POLLOUT, until_ns, err);
    if (rc)
        return rc;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    return error ? err_set(err, ERR_IO, "%s", strerror(error)) : ERR_OK;
}

/* A receiver whose machine vanished is noticed, also between batches. */
static void options_set(int fd)
{
    const int on = 1, timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int courier_dial(const struct output_url *to, uint64_t until_ns, int *fd, struct err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype =
                                       to->transport == OUTPUT_UDP ? SOCK_DGRAM : SOCK_STREAM,
                                   .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(to->host, to->port, &hints, &list);
    if (rc)
        return err_set(err, ERR_IO, "%s is not found: %s", to->host, gai_strerror(rc));
    rc = err_set(err, ERR_IO, "%s has no address", to->host);
    for (const struct addrinfo *a = list; a && rc; a = a->ai_next) {
        *fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        if (*fd < 0) {
            rc = err_set_errno(err, errno, "socket");
            continue;
        }
        rc = try_connect(*fd, a, until_ns, err);
        if (rc)
            (void)close(*fd);
        else if (to->transport != OUTPUT_UDP)
            options_set(*fd);
    }
    freeaddrinfo(list);
    if (rc) {
        *fd = -1;
        return err_prefix(err, "%s port %s", to->host, to->port);
    }
    return ERR_OK;
}
