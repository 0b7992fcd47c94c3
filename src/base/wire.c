#include "base/wire_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct queued {
    struct queued *next;
    struct buf bytes; /* a whole datagram */
    int fds[WIRE_SENT_FDS_MAX];
    uint32_t fd_count;
    size_t cost_bytes; /* what it holds, the file's bytes included */
};

struct wire {
    int fd, wake;
    pthread_mutex_t mutex; /* over what follows, up to received */
    struct queued *first, **last;
    size_t queued_bytes;
    uint32_t queued_messages;
    bool closed;
    char received[WIRE_HEADER_BYTES + WIRE_INLINE_BYTES_MAX];
};

union control { /* aligned as a control message must be */
    struct cmsghdr header;
    char bytes[CMSG_SPACE(WIRE_SENT_FDS_MAX * sizeof(int))];
};

static void wire_lock(struct wire *wire)
{
    check(pthread_mutex_lock(&wire->mutex) == 0);
}

static void wire_unlock(struct wire *wire)
{
    check(pthread_mutex_unlock(&wire->mutex) == 0);
}

static void fds_close(const int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

struct wire *wire_open(int fd, int wake)
{
    struct wire *wire = mem_zeroed(1, sizeof(*wire));
    wire->fd = fd;
    wire->wake = wake;
    wire->last = &wire->first;
    check(pthread_mutex_init(&wire->mutex, NULL) == 0);
    check(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0);
    check(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0);
    wire_buffer_set(fd);
    return wire;
}

static void queued_drop_first(struct wire *wire)
{
    struct queued *gone = wire->first;
    wire->first = gone->next;
    if (!wire->first)
        wire->last = &wire->first;
    wire->queued_bytes -= gone->cost_bytes;
    wire->queued_messages--;
    fds_close(gone->fds, gone->fd_count);
    buf_free(&gone->bytes);
    mem_free(gone);
}

void wire_close(struct wire **wire)
{
    struct wire *w = *wire;
    if (!w)
        return;
    while (w->first)
        queued_drop_first(w);
    (void)close(w->fd);
    check(pthread_mutex_destroy(&w->mutex) == 0);
    mem_free(w);
    *wire = NULL;
}

int wire_fd(const struct wire *wire)
{
    return wire->fd;
}

short wire_events(struct wire *wire)
{
    wire_lock(wire);
    short events = wire->first ? POLLIN | POLLOUT : POLLIN;
    wire_unlock(wire);
    return events;
}

static int closed_set(struct wire *wire, struct err *err)
{
    wire->closed = true;
    while (wire->first)
        queued_drop_first(wire);
    return err_set(err, ERR_CLOSED, "the other side of the wire is gone");
}

/* One datagram out. ERR_BUSY: the socket takes none now (err is left alone). */
static int datagram_send(struct wire *wire, struct iovec *parts, size_t part_count, const int *fds,
                         uint32_t fd_count, struct err *err)
{
    union control control = {0};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = part_count};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(wire->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return ERR_OK;
    /* ETOOMANYREFS: too many descriptors are on their way; they arrive, and there is room again */
    if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
        return ERR_BUSY;
    if (errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED || errno == ENOTCONN)
        return closed_set(wire, err);
    return err_set_errno(err, errno, "cannot send on a wire");
}

static int queued_flush(struct wire *wire, struct err *err)
{
    int rc = ERR_OK;
    while (wire->first && rc == ERR_OK) {
        struct queued *q = wire->first;
        struct iovec part = {q->bytes.data, q->bytes.len};
        rc = datagram_send(wire, &part, 1, q->fds, q->fd_count, err);
        if (rc == ERR_OK)
            queued_drop_first(wire);
    }
    return rc == ERR_BUSY ? ERR_OK : rc;
}

int wire_flush(struct wire *wire, struct err *err)
{
    wire_lock(wire);
    int rc = wire->closed ? closed_set(wire, err) : queued_flush(wire, err);
    wire_unlock(wire);
    return rc;
}

/* What wire_send makes of a message before it takes the lock. */
struct outgoing {
    char header[WIRE_HEADER_BYTES];
    struct slice inline_payload;
    int fds[WIRE_SENT_FDS_MAX]; /* the caller's, behind the file if there is one */
    uint32_t fd_count;
    size_t cost_bytes;
};

static int outgoing_queue(struct wire *wire, const struct outgoing *o, struct err *err)
{
    if (wire->queued_messages >= WIRE_QUEUE_MESSAGES_MAX ||
        o->cost_bytes > WIRE_QUEUE_BYTES_MAX - wire->queued_bytes)
        return err_set(err, ERR_FULL, "the other side of the wire does not read: %u messages wait",
                       wire->queued_messages);
    struct queued *q = mem_zeroed(1, sizeof(*q));
    for (; q->fd_count < o->fd_count; q->fd_count++) {
        int copy = fcntl(o->fds[q->fd_count], F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            int rc = err_set_errno(err, errno, "cannot keep a descriptor for a wire");
            fds_close(q->fds, q->fd_count);
            mem_free(q);
            return rc;
        }
        q->fds[q->fd_count] = copy;
    }
    buf_append(&q->bytes, o->header, sizeof(o->header));
    buf_slice(&q->bytes, o->inline_payload);
    q->cost_bytes = o->cost_bytes;
    *wire->last = q;
    wire->last = &q->next;
    wire->queued_bytes += q->cost_bytes;
    wire->queued_messages++;
    uint64_t one = 1;
    if (wire->wake >= 0 && write(wire->wake, &one, sizeof(one)) < 0)
        check(errno == EAGAIN); /* its counter is full: the loop is awake */
    return ERR_OK;
}

static int outgoing_send(struct wire *wire, const struct outgoing *o, struct err *err)
{
    if (wire->closed)
        return closed_set(wire, err);
    if (!wire->first) {
        char header[WIRE_HEADER_BYTES];
        memcpy(header, o->header, sizeof(header));
        struct iovec parts[2] = {{header, sizeof(header)}, {NULL, o->inline_payload.len}};
        memcpy(&parts[1].iov_base, &o->inline_payload.data, sizeof(void *)); /* only read from */
        int rc =
            datagram_send(wire, parts, o->inline_payload.len ? 2 : 1, o->fds, o->fd_count, err);
        if (rc != ERR_BUSY)
            return rc;
    }
    return outgoing_queue(wire, o, err);
}

int wire_send(struct wire *wire, uint16_t type, uint64_t id, struct slice payload, const int *fds,
              uint32_t fd_count, struct err *err)
{
    check(fd_count <= WIRE_FDS_MAX);
    if (payload.len > WIRE_BYTES_MAX)
        return err_set(err, ERR_LIMIT,
                       "a message of %zu bytes is too long for a wire (at most %zu)", payload.len,
                       WIRE_BYTES_MAX);
    struct outgoing o = {.cost_bytes = sizeof(o.header) + payload.len};
    int file = -1;
    if (payload.len > WIRE_INLINE_BYTES_MAX) {
        int rc = wire_file_make(payload, &file, err);
        if (rc != ERR_OK)
            return rc;
        o.fds[o.fd_count++] = file;
    } else {
        o.inline_payload = payload;
    }
    for (uint32_t i = 0; i < fd_count; i++)
        o.fds[o.fd_count++] = fds[i];
    bytes_set_u32(o.header, WIRE_MAGIC);
    bytes_set_u16(o.header + 4, WIRE_VERSION);
    bytes_set_u16(o.header + 6, type);
    bytes_set_u32(o.header + 8, file >= 0 ? WIRE_FLAG_FILE : 0);
    bytes_set_u32(o.header + 12, fd_count);
    bytes_set_u64(o.header + 16, id);
    bytes_set_u64(o.header + 24, payload.len);
    wire_lock(wire);
    int rc = outgoing_send(wire, &o, err);
    wire_unlock(wire);
    fds_close(&file, 1);
    return rc;
}

/* Descriptors of all control messages; there is room for no more (see wire_receive). */
static uint32_t control_fds(struct msghdr *message, int fds[WIRE_SENT_FDS_MAX])
{
    uint32_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            check(count < WIRE_SENT_FDS_MAX);
            memcpy(&fds[count++], CMSG_DATA(head) + i * sizeof(int), sizeof(int));
        }
    }
    return count;
}

/* A reset is told before what was sent ahead of it, and only once. */
static ssize_t datagram_receive(int fd, struct msghdr *message)
{
    size_t control_size = message->msg_controllen;
    bool reset_seen = false;
    for (;;) {
        message->msg_controllen = control_size;
        ssize_t got = recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got >= 0)
            return got;
        if (errno == EINTR)
            continue;
        if (errno != ECONNRESET || reset_seen)
            return -1;
        reset_seen = true;
    }
}

int wire_receive(struct wire *wire, struct wire_message *out, struct err *err)
{
    union control control = {0};
    struct iovec part = {wire->received, sizeof(wire->received)};
    /* CMSG_LEN: the padding that CMSG_SPACE counts has room for one more */
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_LEN(WIRE_SENT_FDS_MAX * sizeof(int))};
    ssize_t got = datagram_receive(wire->fd, &message);
    if (got < 0 && errno == EAGAIN)
        return ERR_END;
    if (got < 0 && errno != ECONNRESET)
        return err_set_errno(err, errno, "cannot receive from a wire");
    if (got <= 0)
        return err_set(err, ERR_CLOSED, "the other side of the wire is gone");
    int fds[WIRE_SENT_FDS_MAX];
    uint32_t fd_count = control_fds(&message, fds);
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        fds_close(fds, fd_count);
        return message.msg_flags & MSG_TRUNC
                   ? err_set(err, ERR_LIMIT, "what came on a wire is longer than a message can be")
                   : err_set(err, ERR_LIMIT,
                             "descriptors that came on a wire were lost: there were more than %d, "
                             "or this process has no room for them (raise LimitNOFILE)",
                             WIRE_SENT_FDS_MAX);
    }
    return wire_parse(slice_make(wire->received, (size_t)got), fds, fd_count, out, err);
}

int wire_wait(struct wire *wire, struct wire_message *out, int timeout_ms, struct err *err)
{
    uint64_t end_ns = clock_monotonic_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
    for (;;) {
        int rc = wire_flush(wire, err);
        if (rc != ERR_OK && rc != ERR_CLOSED) /* what came before the end can still be read */
            return rc;
        rc = wire_receive(wire, out, err);
        if (rc != ERR_END)
            return rc;
        uint64_t now_ns = clock_monotonic_ns();
        if (now_ns >= end_ns)
            return err_set(err, ERR_BUSY, "no answer within %d ms", timeout_ms);
        struct pollfd one = {.fd = wire->fd, .events = wire_events(wire)};
        if (poll(&one, 1, (int)((end_ns - now_ns + 999999u) / 1000000u)) < 0 && errno != EINTR)
            return err_set_errno(err, errno, "cannot wait for a wire");
    }
}
