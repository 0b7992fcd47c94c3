#include "watch/peer.h"

#include <poll.h>

#include "base/mem.h"

struct peer {
    struct wire *wire;
    uv_poll_t poll;
    uv_async_t queued; /* a message waits for room in the socket */
    const struct peer_calls *calls;
    void *context;
    struct wire_message message;
    int handles; /* of the loop, that are not closed yet */
    bool closing, told;
};

static void events_set(struct peer *peer);

static void handle_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    if (--peer->handles > 0)
        return;
    wire_message_free(&peer->message);
    wire_close(&peer->wire);
    mem_free(peer);
}

static void peer_end(struct peer *peer, const struct err *err)
{
    if (peer->closing || peer->told)
        return;
    peer->told = true;
    (void)uv_poll_stop(&peer->poll);
    peer->calls->closed(peer->context, peer, err);
}

static void messages_take(struct peer *peer)
{
    struct err err;
    for (int i = 0; i < PEER_BURST && !peer->closing && !peer->told; i++) {
        int rc = wire_receive(peer->wire, &peer->message, &err);
        if (rc == ERR_END)
            return;
        if (rc != ERR_OK) {
            peer_end(peer, &err);
            return;
        }
        peer->calls->message(peer->context, peer, &peer->message);
    }
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
    struct peer *peer = poll->data;
    struct err err;
    if (status < 0 || events & UV_READABLE)
        messages_take(peer); /* tells, too, when the wire is broken */
    if (peer->closing || peer->told)
        return;
    int rc = wire_flush(peer->wire, &err);
    if (rc != ERR_OK && rc != ERR_CLOSED) /* a closed one is told when all of it was read */
        peer_end(peer, &err);
    else
        events_set(peer);
}

static void events_set(struct peer *peer)
{
    int events = UV_READABLE;
    if (wire_events(peer->wire) & POLLOUT)
        events |= UV_WRITABLE;
    check(uv_poll_start(&peer->poll, events, poll_ready) == 0);
}

static void queued_ready(uv_async_t *queued)
{
    struct peer *peer = queued->data;
    if (!peer->closing && !peer->told)
        events_set(peer);
}

struct peer *peer_open(uv_loop_t *loop, int fd, const struct peer_calls *calls, void *context)
{
    struct peer *peer = mem_zeroed(1, sizeof(*peer));
    peer->calls = calls;
    peer->context = context;
    peer->wire = wire_open(fd, -1);
    check(uv_poll_init(loop, &peer->poll, fd) == 0);
    check(uv_async_init(loop, &peer->queued, queued_ready) == 0);
    peer->poll.data = peer;
    peer->queued.data = peer;
    peer->handles = 2;
    events_set(peer);
    return peer;
}

void peer_close(struct peer **peer)
{
    struct peer *p = *peer;
    if (!p)
        return;
    *peer = NULL;
    if (p->closing)
        return;
    p->closing = true;
    uv_close((uv_handle_t *)&p->poll, handle_closed);
    uv_close((uv_handle_t *)&p->queued, handle_closed);
}

int peer_send(struct peer *peer, uint16_t type, uint64_t id, struct slice payload, const int *fds,
              uint32_t fd_count, struct err *err)
{
    int rc = wire_send(peer->wire, type, id, payload, fds, fd_count, err);
    if (rc == ERR_OK && wire_events(peer->wire) & POLLOUT)
        (void)uv_async_send(&peer->queued);
    return rc;
}

struct wire *peer_wire(struct peer *peer)
{
    return peer->wire;
}
