/* Sockets of listeners: buffers, the kernel's count of what it dropped, addresses of senders.
 *
 * Limits: SOCKET_ALLOW_MAX networks a list. Threads: any; a list that is read by several does not
 * change. Ownership: descriptors are the caller's; a list owns its memory. */
#pragma once
#include <sys/socket.h>

#include "base/ip.h"

enum { SOCKET_ALLOW_MAX = 4096, SOCKET_PEER_BYTES = IP_TEXT_BYTES + 8, SOCKET_CONTROL_BYTES = 64 };

MUST_CHECK int socket_set_nonblocking(int fd, struct err *err);

/* Asks for a receive buffer of so many bytes of payload: past the system's limit where this process
 * may (CAP_NET_ADMIN), else up to net.core.rmem_max. *got_bytes: what there is now. */
MUST_CHECK int socket_set_receive_bytes(int fd, size_t wanted_bytes, size_t *got_bytes,
                                        struct err *err);

/* How many datagrams the kernel dropped on a socket because nobody took them in time (and those
 * with a wrong checksum), since it was made. The kernel counts in 32 bits; the total goes on past
 * that as long as it is looked at once in 2^31 drops. */
struct socket_drops {
    uint64_t total;
    uint32_t newest;
};
/* From here on, messages that are received with room for control data carry the counter. */
MUST_CHECK int socket_drops_start(int fd, struct err *err);
/* Takes the counter out of a received message; false: it has none (nothing was dropped before). A
 * counter that is older than what is known is passed over. */
bool socket_drops_read(struct socket_drops *drops, struct msghdr *message);
/* Asks the kernel now: also sees what was dropped behind the newest message. */
MUST_CHECK int socket_drops_ask(struct socket_drops *drops, int fd, struct err *err);

/* The sender's address and port; false: not of IP (then both are zero). */
bool socket_peer_read(const struct sockaddr_storage *from, struct ip_address *address,
                      uint16_t *port);
/* "192.0.2.1:514", "[2001:db8::1]:514", NUL behind it; returns the length. */
size_t socket_peer_text(char out[SOCKET_PEER_BYTES], const struct ip_address *address,
                        uint16_t port);

/* Addresses and networks that may send. */
struct socket_allow {
    struct ip_network *networks;
    size_t count, capacity;
};
/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". ERR_USAGE, or ERR_LIMIT past SOCKET_ALLOW_MAX. */
MUST_CHECK int socket_allow_add(struct socket_allow *list, struct slice text, struct err *err);
bool socket_allow_has(const struct socket_allow *list,
                      const struct ip_address *address); /* an empty list has all */
void socket_allow_free(struct socket_allow *list);
