/* Peer: a wire in a role's loop: messages come to a callback, what is queued goes out when there is
 * room, and the end of the other side is told once.
 *
 * Threads: peer_send any; all else the loop's. Ownership: the peer owns the wire. */
#pragma once
#include <uv.h>

#include "watch/message.h"

struct peer;
struct peer_calls {
    void (*message)(void *context, struct peer *peer, struct wire_message *message);
    /* The other side is gone, or sent what is no message (err says which). The peer is closed by
     * the callee, or later. */
    void (*closed)(void *context, struct peer *peer, const struct err *err);
};
/* Takes fd. */
struct peer *peer_open(uv_loop_t *loop, int fd, const struct peer_calls *calls, void *context);
void peer_close(struct peer **peer); /* also from its callbacks */
/* As wire_send; ERR_FULL: the other side does not read. */
MUST_CHECK int peer_send(struct peer *peer, uint16_t type, uint64_t id, struct slice payload,
                         const int *fds, uint32_t fd_count, struct err *err);
struct wire *peer_wire(struct peer *peer);
/* At most so many messages are taken from this peer before others have their turn. */
enum { PEER_BURST = 64 };
