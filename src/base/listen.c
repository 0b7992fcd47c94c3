#include "base/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_loopback(const struct ip_address *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return ip_is_v4(a) ? a->bytes[12] == 127 : memcmp(a->bytes, one, sizeof(one)) == 0;
}

int listen_parse(struct slice text, struct listen_address *out, struct err *err)
{
    size_t colon = text.len;
    uint64_t port = 0;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    struct slice host = slice_part(text, 0, colon ? colon - 1 : 0);
    bool in_brackets = host.len > 0 && host.data[0] == '[';
    bool good = colon > 0 && slice_to_u64(slice_part(text, colon, SIZE_MAX), &port) &&
                port <= UINT16_MAX && ip_parse(&out->address, host) &&
                (in_brackets || slice_find_char(host, ':') == SLICE_NONE) &&
                slice_find_char(host, '%') == SLICE_NONE;
    if (!good)
        return err_set(err, ERR_USAGE,
                       "\"%.*s\" is no address with a port: write it as in 127.0.0.1:8480 or "
                       "[::1]:8480 (0.0.0.0 or [::] for all)",
                       text.len > 80 ? 80 : (int)text.len, text.data);
    out->port = (uint16_t)port;
    out->loopback = is_loopback(&out->address);
    return ERR_OK;
}

static int bound(int fd, const struct listen_address *where, int type, struct err *err)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(where->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(where->port)};
    bool v4 = ip_is_v4(&where->address);
    const int yes = 1;
    memcpy(&in4.sin_addr, where->address.bytes + 12, 4);
    memcpy(&in6.sin6_addr, where->address.bytes, 16);
    if (type == SOCK_STREAM) /* two sockets of UDP would share a port by it */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (!v4)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
    const struct sockaddr *at = v4 ? (const struct sockaddr *)&in4 : (const struct sockaddr *)&in6;
    if (bind(fd, at, v4 ? sizeof(in4) : sizeof(in6)) == 0 &&
        (type == SOCK_DGRAM || listen(fd, LISTEN_BACKLOG) == 0))
        return ERR_OK;
    if (errno == EADDRINUSE)
        return err_set(err, ERR_BUSY,
                       "port %u is taken by another program: `ss -l%cnp` shows which; stop it, or "
                       "set another port in canh.yaml",
                       where->port, type == SOCK_DGRAM ? 'u' : 't');
    if (errno == EACCES)
        return err_set(err, ERR_IO,
                       "port %u may not be opened by this user: take one above 1023, or start as "
                       "root",
                       where->port);
    return err_set_errno(err, errno, "cannot listen on port %u", where->port);
}

static int opened(struct slice text, int type, int *fd, struct err *err)
{
    struct listen_address where;
    int rc = listen_parse(text, &where, err);
    if (rc != ERR_OK)
        return rc;
    int made = socket(ip_is_v4(&where.address) ? AF_INET : AF_INET6,
                      type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return err_set_errno(err, errno, "cannot make a socket");
    rc = bound(made, &where, type, err);
    if (rc != ERR_OK) {
        (void)err_prefix(err, "%.*s", (int)text.len, text.data);
        (void)close(made);
        return rc;
    }
    *fd = made;
    return ERR_OK;
}

int listen_open(struct slice text, int *fd, struct err *err)
{
    return opened(text, SOCK_STREAM, fd, err);
}

int listen_open_datagram(struct slice text, int *fd, struct err *err)
{
    return opened(text, SOCK_DGRAM, fd, err);
}
