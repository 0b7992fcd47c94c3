/* Clients at DATA/control.sock: command lines on this machine. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_parse.h"
#include "program/engine_store.h"

enum { ACCEPT_BURST = 16 };

struct engine_control {
    struct engine *engine;
    uv_poll_t poll;
    int fd;
    int spare; /* given up for the moment in which a client is sent away; -1: none */
};

bool engine_control_is_root(const struct wire_peer *who)
{
    return who->user_id == 0 || who->user_id == geteuid();
}

static uint32_t client_count(const struct engine *e, struct engine_peer **oldest)
{
    uint32_t count = 0;
    *oldest = NULL;
    for (struct engine_peer *p = e->peers; p; p = p->next) {
        if (!p->peer || p->role != ROLE_PARENT)
            continue;
        count++;
        if (p->calls == 0 && p->uses == 1 && (!*oldest || p->last_ns < (*oldest)->last_ns))
            *oldest = p;
    }
    return count;
}

/* When there is no room, the one that was quiet longest goes; none is quiet: the new one goes. */
static void client_take(struct engine *e, int fd)
{
    struct engine_peer *oldest;
    struct wire_peer who;
    struct err err;
    if (client_count(e, &oldest) >= ENGINE_CONTROLS_MAX) {
        if (!oldest) {
            log_say(LOG_WARNING, "control", "%d clients are at work: a further one is sent away",
                    ENGINE_CONTROLS_MAX);
            (void)close(fd);
            return;
        }
        engine_peer_end(oldest);
    }
    if (wire_peer(fd, &who, &err) != ERR_OK) {
        log_err(LOG_WARNING, "control", &err);
        (void)close(fd);
        return;
    }
    (void)engine_peer_add(e, ROLE_PARENT, 0, fd, &who);
}

static int client_accept(const struct engine_control *control)
{
    return accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* No descriptor is left: whoever waits is sent away, and does not wait for an answer. Without a
 * spare one nobody is looked for until the next tick. */
static void client_send_away(struct engine_control *control)
{
    if (control->spare < 0) {
        (void)uv_poll_stop(&control->poll);
        return;
    }
    (void)close(control->spare);
    int fd = client_accept(control);
    if (fd >= 0)
        (void)close(fd);
    control->spare = fcntl(control->fd, F_DUPFD_CLOEXEC, 0);
}

static void ready(uv_poll_t *poll, int status, int events)
{
    struct engine_control *control = poll->data;
    (void)events;
    if (status < 0)
        return;
    for (int i = 0; i < ACCEPT_BURST; i++) {
        int fd = client_accept(control);
        if (fd < 0) {
            int reason = errno;
            if (reason != EAGAIN && reason != EINTR && reason != ECONNABORTED)
                log_say(LOG_WARNING, "control", "cannot take a client: %s", strerror(reason));
            if (reason == EMFILE || reason == ENFILE)
                client_send_away(control);
            return;
        }
        client_take(control->engine, fd);
    }
}

int engine_control_open(struct engine *e, struct err *err)
{
    const struct role_context *c = e->context;
    for (uint32_t i = 0; i < c->listener_count; i++) {
        if (strcmp(c->listeners[i].name, "control") != 0)
            continue;
        struct engine_control *control = mem_zeroed(1, sizeof(*control));
        control->engine = e;
        control->fd = c->listeners[i].fd;
        control->spare = fcntl(control->fd, F_DUPFD_CLOEXEC, 0);
        control->poll.data = control;
        e->control = control;
        int rc = uv_poll_init(&e->context->loop, &control->poll, control->fd);
        if (rc == 0)
            rc = uv_poll_start(&control->poll, UV_READABLE, ready);
        if (rc != 0)
            return err_set(err, ERR_IO, "cannot listen at the control socket: %s", uv_strerror(rc));
        return ERR_OK;
    }
    return ERR_OK;
}

static void closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void engine_control_close(struct engine *e)
{
    if (!e->control)
        return;
    if (e->control->spare >= 0)
        (void)close(e->control->spare);
    uv_close((uv_handle_t *)&e->control->poll, closed);
    e->control = NULL;
}

/* Again with a spare descriptor, when there was none. */
static void spare_take(struct engine_control *control)
{
    if (!control || control->spare >= 0)
        return;
    control->spare = fcntl(control->fd, F_DUPFD_CLOEXEC, 0);
    check(uv_poll_start(&control->poll, UV_READABLE, ready) == 0);
}

void engine_control_tick(struct engine *e)
{
    spare_take(e->control);
    int64_t now_ns = (int64_t)clock_monotonic_ns(), count = 0;
    struct engine_peer *next;
    for (struct engine_peer *p = e->peers; p; p = next) {
        next = p->next;
        if (!p->peer || p->role != ROLE_PARENT)
            continue;
        count++;
        if (!e->is_alone && p->calls == 0 && p->uses == 1 &&
            now_ns - p->last_ns > ENGINE_CONTROL_IDLE_S * CLOCK_SECOND_NS)
            engine_peer_end(p);
    }
    metric_set(&engine_metrics[ENGINE_METRIC_CONTROLS], count);
}

static void import_refuse(struct engine_peer *p, uint64_t id)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)ERR_USAGE);
    bytes_put_text(&payload, SLICE("only root and the user that runs Canh may import into a "
                                   "running node: use sudo"));
    for (int i = 0; i < 3; i++)
        bytes_put_u64(&payload, 0);
    engine_send(p, MESSAGE_IMPORTED, id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

int engine_control_import(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_import import;
    int rc = engine_parse_import(buf_as_slice(&m->payload), m->fd_count, &import, err);
    if (rc != ERR_OK)
        return rc;
    if (!engine_control_is_root(&p->who)) {
        import_refuse(p, m->id);
        return ERR_OK;
    }
    struct buf text = {0};
    buf_printf(&text, "unix:%u: ", p->who.user_id);
    engine_text_clean(import.name, ENGINE_PATH_BYTES_MAX,
                      &text); /* a name with a line break, too */
    struct command_value values[2] = {{SLICE("kind"), SLICE("import")},
                                      {SLICE("text"), buf_as_slice(&text)}};
    engine_call_internal(p->engine, "node.note", values, 2, NULL, NULL);
    buf_free(&text);
    return engine_store_import(p->engine->store, p, m, err);
}
