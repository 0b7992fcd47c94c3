/* A connection's bytes: read behind what is pending of it, straight into the parcel, and cut there;
 * what is no whole message yet is pending until the next read. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "watch/intake_stream_inside.h"

enum { PROBES = 3, PROBE_SECONDS = 10 };

/* So that a sender that went without a word is seen. */
static void keep_alive(int fd, uint64_t idle_ns)
{
    const int yes = 1, probes = PROBES, between = PROBE_SECONDS;
    const int idle = (int)(idle_ns / CLOCK_SECOND_NS);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof(between));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

struct stream_connection *stream_connection_open(struct intake_stream *s, int fd,
                                                 const struct ip_address *address)
{
    struct stream_connection *c = mem_zeroed(1, sizeof(*c));
    const struct config_listener *config = s->inlet.config;
    c->stream = s;
    c->fd = fd;
    c->address = *address;
    c->sender_len = ip_text(c->sender, address);
    c->frame = syslog_frame_start(config->message_bytes);
    c->cut.max_bytes = config->message_bytes;
    c->active_ns = clock_monotonic_ns();
    keep_alive(fd, config->timeout_ns);
    if (s->tls) {
        c->tls = intake_tls_begin(s->tls, fd);
        c->shakes = true;
        c->unfinished_ns = c->active_ns;
    }
    return c;
}

/* pending and `more` bytes behind it stand at the parcel's end. */
static void cut(struct stream_connection *c, size_t more, bool last)
{
    struct intake_parcel *p = c->stream->parcel;
    struct slice block = slice_make(p->data + p->len, c->pending.len + more);
    size_t used = 0, from = p->spans.count;
    bool was_open = c->pending.len > 0;
    if (c->stream->inlet.kind->service == LISTENER_GELF)
        intake_gelf_feed(&c->cut, block, last, p, &used);
    else
        syslog_frame_feed(&c->frame, block, last, &p->spans, &used);
    if (p->spans.count > from)
        intake_parcel_senders(p, from, arena_copy(&p->arena, slice_make(c->sender, c->sender_len)));
    p->len += used;
    struct slice rest = slice_part(block, used, SIZE_MAX);
    buf_clear(&c->pending);
    buf_slice(&c->pending, rest);
    bool is_open = rest.len > 0 || c->frame.counted_left || c->frame.in_line || c->cut.passes_over;
    if (!is_open)
        c->unfinished_ns = 0;
    else if (!was_open || p->spans.count > from || !c->unfinished_ns)
        c->unfinished_ns = clock_monotonic_ns();
    if (rest.len == 0)
        buf_free(&c->pending);
}

static int shake(struct stream_connection *c, struct err *err)
{
    char name[INTAKE_CERTIFICATE_NAME_BYTES];
    int rc = intake_tls_shake(c->tls, &c->writes, err);
    if (rc != ERR_OK)
        return rc;
    c->shakes = c->writes = false;
    c->unfinished_ns = 0;
    size_t len = intake_tls_name(c->tls, name);
    if (len == 0)
        return ERR_OK;
    memcpy(c->sender, name, len);
    c->sender_len = len;
    return ERR_OK;
}

/* Whatever is there, up to room. */
static int piece_read(struct stream_connection *c, char *at, size_t room, size_t *got,
                      struct err *err)
{
    *got = 0;
    if (c->tls) { /* as many records as fit: what stays inside of TLS no event tells of */
        int rc = ERR_OK;
        for (size_t one; rc == ERR_OK && room - *got >= INTAKE_TLS_RECORD_BYTES; *got += one)
            rc = intake_tls_read(c->tls, at + *got, room - *got, &one, err);
        return *got ? ERR_OK : rc;
    }
    ssize_t rc;
    do
        rc = recv(c->fd, at, room, 0);
    while (rc < 0 && errno == EINTR);
    if (rc > 0)
        *got = (size_t)rc;
    if (rc > 0)
        return ERR_OK;
    if (rc == 0)
        return ERR_END;
    return errno == EAGAIN || errno == EWOULDBLOCK
               ? ERR_BUSY
               : err_set_errno(err, errno, "the connection broke");
}

int stream_connection_read(struct stream_connection *c, struct err *err)
{
    struct intake_parcel *p = c->stream->parcel;
    size_t got;
    if (c->shakes) {
        int rc = shake(c, err);
        if (rc != ERR_OK)
            return rc;
    }
    check(p->capacity - p->len >= c->pending.len + INTAKE_STREAM_READ_BYTES);
    char *at = p->data + p->len;
    int rc = piece_read(c, at + c->pending.len, INTAKE_STREAM_READ_BYTES, &got, err);
    if (rc != ERR_OK)
        return rc;
    if (c->pending.len)
        memcpy(at, c->pending.data, c->pending.len);
    c->active_ns = clock_monotonic_ns();
    cut(c, got, false);
    return ERR_OK;
}

void stream_connection_close(struct stream_connection *c)
{
    struct intake_parcel *p = c->stream->parcel;
    if (p && !c->shakes) {
        if (c->pending.len)
            memcpy(p->data + p->len, c->pending.data, c->pending.len);
        cut(c, 0, true);
    }
    intake_tls_end(&c->tls);
    (void)close(c->fd);
    buf_free(&c->pending);
    mem_free(c);
}
