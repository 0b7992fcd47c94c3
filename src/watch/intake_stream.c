#include "watch/intake_stream.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "watch/intake_stream_inside.h"

enum { EVENTS = 64, ACCEPTS = 64, TICK_MS = 100 };
#define TICK_NS   ((uint64_t)TICK_MS * 1000000)
#define GATHER_NS ((uint64_t)5000000)
#define DRAIN_NS  ((uint64_t)CLOCK_SECOND_NS)
#define REST_NS   ((uint64_t)CLOCK_SECOND_NS) /* when no descriptor is left */

/* ---- connections ---- */

static void list_remove(struct intake_stream *s, struct stream_connection *c)
{
    *(c->before ? &c->before->next : &s->first) = c->next;
    *(c->next ? &c->next->before : &s->last) = c->before;
}

static void list_append(struct intake_stream *s, struct stream_connection *c)
{
    c->before = s->last;
    c->next = NULL;
    *(s->last ? &s->last->next : &s->first) = c;
    s->last = c;
}

static void watch(struct intake_stream *s, struct stream_connection *c, int operation)
{
    struct epoll_event event = {.events = c->writes ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    check(epoll_ctl(s->events, operation, c->fd, &event) == 0);
}

static bool parcel_have(struct intake_stream *s)
{
    bool waited = !s->parcel;
    while (!s->parcel && atomic_load(&s->order) != INTAKE_ENDS)
        s->parcel = intake_inlet_take(&s->inlet, TICK_NS);
    if (waited)
        s->held_ns = clock_monotonic_ns();
    return s->parcel;
}

static void parcel_give(struct intake_stream *s)
{
    if (s->parcel && !intake_parcel_is_empty(s->parcel)) {
        intake_inlet_give(s->parcel);
        s->parcel = NULL;
    }
}

/* With room for one read more. False: all ends. */
static bool parcel_room(struct intake_stream *s)
{
    if (s->parcel && intake_parcel_is_full(s->parcel)) {
        if (intake_parcel_is_empty(s->parcel)) /* empty lines, or what is passed over */
            intake_parcel_clear(s->parcel);
        parcel_give(s);
    }
    return parcel_have(s);
}

static void connection_remove(struct intake_stream *s, struct stream_connection *c)
{
    list_remove(s, c);
    s->count--;
    intake_inlet_count(&s->inlet, INLET_CONNECTIONS, (uint64_t)-1);
    (void)parcel_room(s);
    stream_connection_close(c);
}

/* Asks senders to stop: those that look at their connection before they write (rsyslog, syslog-ng)
 * keep what comes next for a new one, and close this one when all is sent. No TLS close_notify goes
 * ahead of it: they look for the end of the stream, and it would hide that. */
static void connections_half_close(struct intake_stream *s)
{
    for (struct stream_connection *c = s->first; c; c = c->next)
        (void)shutdown(c->fd, SHUT_WR);
}

static void shake_tell(struct intake_stream *s, const struct stream_connection *c,
                       const struct err *err)
{
    char text[IP_TEXT_BYTES];
    intake_inlet_count(&s->inlet, INLET_REFUSED_TLS, 1);
    log_say(LOG_WARNING, "tls", "listener %s: %.*s: %s", s->inlet.file.name,
            (int)ip_text(text, &c->address), text, err->text);
}

static void connection_read(struct intake_stream *s, struct stream_connection *c)
{
    struct err err = {0};
    bool did_shake = c->shakes, wrote = c->writes;
    if (!parcel_room(s))
        return;
    int rc = stream_connection_read(c, &err);
    if (rc == ERR_OK || rc == ERR_BUSY) {
        if (wrote != c->writes)
            watch(s, c, EPOLL_CTL_MOD);
        if (rc == ERR_OK) {
            list_remove(s, c);
            list_append(s, c);
        }
        return;
    }
    if (did_shake && c->shakes)
        shake_tell(s, c, &err);
    connection_remove(s, c);
}

/* ---- new ones ---- */

static uint64_t connections_of(const struct intake_stream *s, const struct ip_address *address)
{
    uint64_t count = 0;
    for (const struct stream_connection *c = s->first; c; c = c->next)
        count += memcmp(&c->address, address, sizeof(*address)) == 0;
    return count;
}

/* Whether one more may be; the longest idle one goes for it when all have been taken. */
static bool room_make(struct intake_stream *s, const struct ip_address *address)
{
    const struct config_listener *config = s->inlet.config;
    bool fits = connections_of(s, address) < config->connections_per_address;
    if (fits && s->count >= config->connections) {
        struct stream_connection *idle = s->first;
        fits = clock_monotonic_ns() - idle->active_ns >= config->timeout_ns;
        if (fits)
            connection_remove(s, idle);
    }
    if (fits)
        return true;
    char text[IP_TEXT_BYTES];
    intake_inlet_count(&s->inlet, INLET_REFUSED_LIMIT, 1);
    log_say(LOG_WARNING, "connections",
            "listener %s: %.*s is refused: %llu connections are open, more than `connections` or "
            "`connections_per_address` allow",
            s->inlet.file.name, (int)ip_text(text, address), text, (unsigned long long)s->count);
    return false;
}

static void connection_add(struct intake_stream *s, int fd, const struct sockaddr_storage *from)
{
    struct ip_address address;
    uint16_t port;
    (void)socket_peer_read(from, &address, &port);
    if (!intake_inlet_lets_in(&s->inlet, &address) || !room_make(s, &address)) {
        (void)close(fd);
        return;
    }
    struct stream_connection *c = stream_connection_open(s, fd, &address);
    list_append(s, c);
    s->count++;
    intake_inlet_count(&s->inlet, INLET_CONNECTIONS, 1);
    watch(s, c, EPOLL_CTL_ADD);
}

static void listen_set(struct intake_stream *s, bool on)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    if (on != s->listens)
        check(epoll_ctl(s->events, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, s->fd, &event) == 0);
    s->listens = on;
}

static void connections_accept(struct intake_stream *s)
{
    for (int i = 0; i < ACCEPTS && s->listens; i++) {
        struct sockaddr_storage from = {0};
        socklen_t size = sizeof(from);
        int fd = accept4(s->fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            connection_add(s, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_say(LOG_WARNING, "connections",
                    "listener %s: no descriptor is left for a new connection: raise LimitNOFILE, "
                    "or lower `connections`",
                    s->inlet.file.name);
            s->rests_until_ns = clock_monotonic_ns() + REST_NS;
            listen_set(s, false);
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

/* ---- the thread ---- */

/* What began and does not go on. While nothing was read, nobody could. */
static void timeouts_look(struct intake_stream *s)
{
    uint64_t now_ns = clock_monotonic_ns(), timeout_ns = s->inlet.config->timeout_ns;
    struct err err;
    if (now_ns - s->looked_ns < (uint64_t)CLOCK_SECOND_NS)
        return;
    s->looked_ns = now_ns;
    for (struct stream_connection *c = s->first, *next; c; c = next) {
        uint64_t since_ns = c->unfinished_ns > s->held_ns ? c->unfinished_ns : s->held_ns;
        next = c->next;
        if (!c->unfinished_ns ||
            now_ns - since_ns < (c->shakes ? INTAKE_STREAM_SHAKE_NS : timeout_ns))
            continue;
        (void)err_set(&err, ERR_IO, "its handshake takes too long");
        if (c->shakes)
            shake_tell(s, c, &err);
        connection_remove(s, c);
    }
    if (!s->listens && atomic_load(&s->order) == INTAKE_READS && now_ns >= s->rests_until_ns)
        listen_set(s, true);
}

static void parcel_look(struct intake_stream *s, bool quiet)
{
    struct intake_parcel *p = s->parcel;
    if (!p || intake_parcel_is_empty(p))
        return;
    bool is_old = clock_monotonic_ns() - p->began_ns >= GATHER_NS;
    if (intake_parcel_is_full(p) || (is_old && (quiet || intake_inlet_is_hungry(&s->inlet))))
        parcel_give(s);
}

static int events_take(struct intake_stream *s)
{
    struct epoll_event events[EVENTS];
    bool waits = s->parcel && !intake_parcel_is_empty(s->parcel);
    bool drains = atomic_load(&s->order) == INTAKE_DRAINS, accepts = false;
    int count = epoll_wait(s->events, events, EVENTS, drains || waits ? 2 : TICK_MS);
    for (int i = 0; i < count; i++)
        if (events[i].data.ptr == s)
            accepts = true;
        else
            connection_read(s, events[i].data.ptr);
    if (accepts) /* behind the others, since it may close one of them */
        connections_accept(s);
    return count;
}

static void *stream_run(void *context)
{
    struct intake_stream *s = context;
    uint64_t until_ns = UINT64_MAX;
    listen_set(s, true);
    while (atomic_load(&s->order) != INTAKE_ENDS && parcel_have(s)) {
        bool drains = atomic_load(&s->order) == INTAKE_DRAINS;
        if (drains && until_ns == UINT64_MAX) {
            until_ns = clock_monotonic_ns() + DRAIN_NS;
            listen_set(s, false);
            connections_half_close(s);
        }
        if (drains && (!s->first || clock_monotonic_ns() >= until_ns))
            break;
        int count = events_take(s);
        parcel_look(s, count <= 0);
        timeouts_look(s);
    }
    while (s->first)
        connection_remove(s, s->first);
    parcel_give(s);
    intake_parcel_close(&s->parcel);
    atomic_store(&s->has_ended, true);
    return NULL;
}

int intake_stream_open(struct intake_stream **out, struct intake_queue *queue,
                       const struct listener_socket *listener, struct metric *metrics,
                       struct err *err)
{
    struct intake_stream *s = mem_zeroed(1, sizeof(*s));
    *out = s;
    s->fd = listener->fd;
    s->inlet.metrics = metrics;
    s->events = epoll_create1(EPOLL_CLOEXEC);
    if (s->events < 0)
        return err_set_errno(err, errno, "listener %s cannot be started", listener->name);
    int rc = intake_inlet_open(&s->inlet, queue, listener, 0, err);
    if (rc == ERR_OK && listener->key.len)
        rc = intake_tls_open(&s->tls, listener, err);
    if (rc)
        return rc;
    s->inlet.parcel_capacity +=
        s->inlet.config->message_bytes + SYSLOG_FRAME_HEAD_BYTES + INTAKE_STREAM_READ_BYTES;
    check(pthread_create(&s->thread, NULL, stream_run, s) == 0);
    s->is_started = true;
    return ERR_OK;
}

void intake_stream_drain(struct intake_stream *s)
{
    int reading = INTAKE_READS;
    (void)atomic_compare_exchange_strong(&s->order, &reading, INTAKE_DRAINS);
}

bool intake_stream_has_ended(struct intake_stream *s)
{
    return !s->is_started || atomic_load(&s->has_ended);
}

void intake_stream_join(struct intake_stream *s)
{
    atomic_store(&s->order, INTAKE_ENDS);
    if (s->is_started && !s->is_joined)
        check(pthread_join(s->thread, NULL) == 0);
    s->is_joined = true;
}

void intake_stream_close(struct intake_stream **out)
{
    struct intake_stream *s = *out;
    if (!s)
        return;
    intake_tls_close(&s->tls);
    intake_inlet_close(&s->inlet);
    if (s->events >= 0)
        (void)close(s->events);
    mem_free(s);
    *out = NULL;
}
