/* Wire: whole messages between processes, over a SOCK_SEQPACKET Unix socket.
 *
 * A message has a type, an id that an answer repeats, a payload and at most WIRE_FDS_MAX
 * descriptors. A payload longer than WIRE_INLINE_BYTES_MAX travels as a sealed memfd, which the
 * receiver copies: the sender cannot change it afterwards. What is received is checked before it is
 * given out; descriptors beyond those announced are closed. Nothing waits: what the socket does not
 * take is queued, up to WIRE_QUEUE_BYTES_MAX, and goes out by wire_flush.
 *
 * Limits: named. Threads: wire_send any; receive, flush and close belong to one (the loop).
 * Ownership: the wire owns its descriptor; a message owns its payload and descriptors. DESIGN
 * section 4, docs/process-model.md. */
#pragma once
#include "base/bytes.h"

enum { WIRE_FDS_MAX = 4, WIRE_INLINE_BYTES_MAX = 32 << 10, WIRE_QUEUE_MESSAGES_MAX = 4096 };
#define WIRE_BYTES_MAX       ((size_t)64 << 20) /* a payload */
#define WIRE_QUEUE_BYTES_MAX ((size_t)80 << 20) /* not sent yet */

struct wire_message { /* zeroed by the caller before first use */
    uint16_t type;
    uint64_t id;
    struct buf payload;
    int fds[WIRE_FDS_MAX]; /* -1 where taken (wire_take_fd) */
    uint32_t fd_count;
};

struct wire;
/* Takes fd (closed by wire_close), which becomes non-blocking and close-on-exec. wake: an eventfd
 * that is written when a message was queued, so that the loop looks for POLLOUT; -1: none. */
struct wire *wire_open(int fd, int wake);
void wire_close(struct wire **wire);
int wire_fd(const struct wire *wire);
/* A connected pair, both ends close-on-exec, with room for several messages. */
MUST_CHECK int wire_pair(int out[2], struct err *err);
/* What to poll for: POLLIN, and POLLOUT while messages are queued. */
short wire_events(struct wire *wire);
/* Descriptors are duplicated by the kernel: the caller keeps its own. ERR_CLOSED: the other side is
 * gone; ERR_FULL: it does not read (close it); ERR_LIMIT: payload too long; ERR_IO: no descriptors
 * left, nothing was sent. */
MUST_CHECK int wire_send(struct wire *wire, uint16_t type, uint64_t id, struct slice payload,
                         const int *fds, uint32_t fd_count, struct err *err);
/* Sends what is queued, as far as it goes. ERR_CLOSED. */
MUST_CHECK int wire_flush(struct wire *wire, struct err *err);
/* The next message into out (what it held before is given back). ERR_END: none is there;
 * ERR_CLOSED: the other side is gone; ERR_SYNTAX, ERR_LIMIT: not one of ours (close it). */
MUST_CHECK int wire_receive(struct wire *wire, struct wire_message *out, struct err *err);
/* wire_receive that waits, timeout_ms at most (ERR_BUSY), flushing meanwhile. For starting up and
 * for clients. */
MUST_CHECK int wire_wait(struct wire *wire, struct wire_message *out, int timeout_ms,
                         struct err *err);
/* What wire_receive does with a datagram once it is there (for tests). Takes the descriptors. */
MUST_CHECK int wire_parse(struct slice datagram, const int *fds, uint32_t fd_count,
                          struct wire_message *out, struct err *err);
void wire_message_free(struct wire_message *message);           /* leaves a zeroed one */
int wire_take_fd(struct wire_message *message, uint32_t index); /* -1 when there is none */

/* Who is at the other side of a Unix socket (SO_PEERCRED). */
struct wire_peer {
    uint32_t user_id, group_id;
    int32_t process_id;
};
MUST_CHECK int wire_peer(int fd, struct wire_peer *out, struct err *err);
/* A listening SOCK_SEQPACKET socket at path (an old one there is replaced, whether or not somebody
 * listens: the caller holds the lock), and a client of it. ERR_NOT_FOUND: nobody listens; ERR_BUSY:
 * it takes nobody in time; ERR_LIMIT: path longer than a socket's can be. mode: of its file. */
MUST_CHECK int wire_listen(const char *path, unsigned mode, int *fd, struct err *err);
MUST_CHECK int wire_connect(const char *path, int *fd, struct err *err);
