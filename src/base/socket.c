#include "base/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/mem.h"

int socket_set_nonblocking(int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set_errno(err, errno, "cannot make the socket non-blocking");
    return ERR_OK;
}

int socket_set_receive_bytes(int fd, size_t wanted_bytes, size_t *got_bytes, struct err *err)
{
    int wanted = wanted_bytes < INT_MAX / 2 ? (int)wanted_bytes : INT_MAX / 2, doubled = 0;
    socklen_t len = sizeof(doubled);
    *got_bytes = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted)) != 0)
        return err_set_errno(err, errno, "cannot set the socket's receive buffer");
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &doubled, &len) != 0 || doubled < 0)
        return err_set_errno(err, errno, "cannot read the socket's receive buffer size");
    *got_bytes = (size_t)doubled / 2; /* the kernel adds as much for its own book-keeping */
    return ERR_OK;
}

static void drops_note(struct socket_drops *drops, uint32_t counter)
{
    uint32_t more = counter - drops->newest;
    if (more > INT32_MAX)
        return;
    drops->total += more;
    drops->newest = counter;
}

int socket_drops_start(int fd, struct err *err)
{
    const int yes = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &yes, sizeof(yes)) != 0)
        return err_set_errno(err, errno, "cannot ask for the socket's count of drops");
    return ERR_OK;
}

bool socket_drops_read(struct socket_drops *drops, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        uint32_t counter;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL ||
            c->cmsg_len < CMSG_LEN(sizeof(counter)))
            continue;
        memcpy(&counter, CMSG_DATA(c), sizeof(counter));
        drops_note(drops, counter);
        return true;
    }
    return false;
}

int socket_drops_ask(struct socket_drops *drops, int fd, struct err *err)
{
    uint32_t figures[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(figures);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &len) != 0)
        return err_set_errno(err, errno, "cannot read the socket's count of drops");
    if (len <= SK_MEMINFO_DROPS * sizeof(*figures))
        return err_set(err, ERR_UNSUPPORTED, "this kernel does not count a socket's drops");
    drops_note(drops, figures[SK_MEMINFO_DROPS]);
    return ERR_OK;
}

bool socket_peer_read(const struct sockaddr_storage *from, struct ip_address *address,
                      uint16_t *port)
{
    *address = (struct ip_address){0};
    *port = 0;
    if (from->ss_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, from, sizeof(in4));
        address->bytes[10] = address->bytes[11] = 0xff;
        memcpy(address->bytes + 12, &in4.sin_addr, 4);
        *port = ntohs(in4.sin_port);
        return true;
    }
    if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, from, sizeof(in6));
        memcpy(address->bytes, &in6.sin6_addr, sizeof(address->bytes));
        *port = ntohs(in6.sin6_port);
        return true;
    }
    return false;
}

size_t socket_peer_text(char out[SOCKET_PEER_BYTES], const struct ip_address *address,
                        uint16_t port)
{
    char text[IP_TEXT_BYTES];
    size_t len = ip_text(text, address);
    int all = snprintf(out, SOCKET_PEER_BYTES, ip_is_v4(address) ? "%.*s:%u" : "[%.*s]:%u",
                       (int)len, text, (unsigned)port);
    check(all > 0 && all < SOCKET_PEER_BYTES);
    return (size_t)all;
}

int socket_allow_add(struct socket_allow *list, struct slice text, struct err *err)
{
    struct ip_network network;
    if (!ip_network_parse(&network, text))
        return err_set(err, ERR_USAGE,
                       "\"%.*s\" is no address or network: write it as in 192.0.2.1, 192.0.2.0/24 "
                       "or 2001:db8::/32",
                       text.len > 80 ? 80 : (int)text.len, text.data);
    if (list->count == SOCKET_ALLOW_MAX)
        return err_set(err, ERR_LIMIT,
                       "more than %d addresses and networks: join some of them to networks",
                       SOCKET_ALLOW_MAX);
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        list->networks = mem_resize(list->networks, list->capacity, sizeof(*list->networks));
    }
    list->networks[list->count++] = network;
    return ERR_OK;
}

bool socket_allow_has(const struct socket_allow *list, const struct ip_address *address)
{
    for (size_t i = 0; i < list->count; i++)
        if (ip_network_has(&list->networks[i], address))
            return true;
    return list->count == 0;
}

void socket_allow_free(struct socket_allow *list)
{
    mem_free(list->networks);
    *list = (struct socket_allow){0};
}
