/* Role intake: the loop with its wires; sources have threads of their own. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/role.h"
#include "store/carry.h"
#include "watch/intake_file.h"
#include "watch/intake_http.h"
#include "watch/intake_messages.h"
#include "watch/live_share.h"
#include "watch/peer.h"

enum { TICK_MS = 250, FILES_TICKS = 4 /* the parent looks for new files once a second */ };

enum { INTAKE_SLOTS_USED = INTAKE_HTTP_METRICS, INTAKE_FILES, INTAKE_OWN_METRICS };
enum { INTAKE_METRICS = INTAKE_OWN_METRICS + INTAKE_MESSAGE_METRICS };

struct intake {
    struct role_context *context;
    struct live live;
    struct live_share *share;
    struct intake_shared *shared;
    struct intake_http *http;
    struct intake_messages *messages;
    struct intake_files *files;
    struct peer *engine;
    uv_timer_t tick;
    uint32_t ticks;
    bool follows, is_ending;
};

static struct metric metrics[INTAKE_METRICS] = {
    [INTAKE_HTTP_OK] = {.name = "canh_ingest_requests_total",
                        .labels = "result=\"stored\"",
                        .help = "bodies of events that were posted"},
    [INTAKE_HTTP_REFUSED] = {.name = "canh_ingest_requests_total",
                             .labels = "result=\"refused\"",
                             .help = "bodies of events that were posted"},
    [INTAKE_HTTP_FAILED] = {.name = "canh_ingest_requests_total",
                            .labels = "result=\"failed\"",
                            .help = "bodies of events that were posted"},
    [INTAKE_HTTP_HELD] = {.name = "canh_ingest_held_bytes",
                          .kind = METRIC_GAUGE,
                          .help = "bodies that wait to be stored"},
    [INTAKE_HTTP_WAITING] = {.name = "canh_ingest_queue",
                             .kind = METRIC_GAUGE,
                             .help = "bodies that wait to be judged"},
    [INTAKE_SLOTS_USED] = {.name = "canh_intake_slots",
                           .kind = METRIC_GAUGE,
                           .help = "batches on their way to the engine"},
    [INTAKE_FILES] = {.name = "canh_followed_files",
                      .kind = METRIC_GAUGE,
                      .help = "files that are followed"},
};

static void engine_message(void *context, struct peer *peer, struct wire_message *message)
{
    struct intake *i = context;
    struct err err;
    int rc;
    (void)peer;
    if (live_share_message(i->share, message, &rc, &err)) {
        if (rc)
            log_err(LOG_ERROR, "engine", &err);
        return;
    }
    if (intake_shared_message(i->shared, message, &err) != ERR_OK)
        log_err(LOG_ERROR, "engine", &err);
}

static void engine_closed(void *context, struct peer *peer, const struct err *err)
{
    struct intake *i = context;
    (void)peer;
    if (!i->context->draining)
        log_err(LOG_WARNING, "engine", err);
    intake_shared_gone(i->shared);
    live_share_engine(i->share, NULL);
    peer_close(&i->engine);
}

static void on_peer(struct role_context *c, enum role role, uint32_t instance, int fd)
{
    static const struct peer_calls calls = {engine_message, engine_closed};
    struct intake *i = c->own;
    (void)instance;
    if (role != ROLE_ENGINE) {
        (void)close(fd);
        return;
    }
    if (i->engine) {
        intake_shared_gone(i->shared);
        peer_close(&i->engine);
    }
    i->engine = peer_open(&c->loop, fd, &calls, i);
    live_share_engine(i->share, i->engine);
    intake_shared_begin(i->shared, i->engine);
}

static void file_message(struct intake *i, struct wire_message *message)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    struct slice source = bytes_take_text(&in, CONFIG_NAME_BYTES_MAX);
    struct slice path = bytes_take_text(&in, CARRY_NAME_BYTES_MAX);
    struct followed_file file = {.inode = bytes_take_u64(&in), .device = bytes_take_u64(&in)};
    if (in.bad || bytes_left(&in) || message->fd_count != 1) {
        log_say(LOG_ERROR, "parent", "the message FILE is not as it must be");
        return;
    }
    file.fd = wire_take_fd(message, 0);
    file.source = mem_copy_text(source.data, source.len);
    file.path = mem_copy_text(path.data, path.len);
    intake_files_add(i->files, &file);
    mem_free(file.source);
    mem_free(file.path);
}

static void on_message(struct role_context *c, struct wire_message *message)
{
    if (message->type == MESSAGE_FILE)
        file_message(c->own, message);
}

static void on_drain(struct role_context *c)
{
    struct intake *i = c->own;
    intake_http_drain(i->http);
    intake_messages_drain(i->messages);
    intake_files_stop(i->files);
    i->is_ending = true;
}

static void tick(uv_timer_t *timer)
{
    struct intake *i = timer->data;
    struct err err;
    metric_set(&metrics[INTAKE_SLOTS_USED], intake_shared_used(i->shared));
    metric_set(&metrics[INTAKE_FILES], intake_files_count(i->files));
    if (i->is_ending && intake_http_idle(i->http) && intake_messages_idle(i->messages) &&
        intake_shared_used(i->shared) == 0) {
        uv_stop(&i->context->loop);
        return;
    }
    if (i->follows && !i->is_ending && i->ticks++ % FILES_TICKS == 0 &&
        wire_send(i->context->parent, MESSAGE_FILES, 0, SLICE(""), NULL, 0, &err) != ERR_OK)
        log_err(LOG_ERROR, "parent", &err);
}

static bool follows(const struct config *config)
{
    const struct config_source *sources = config->sources.items;
    for (uint32_t i = 0; i < config->sources.count; i++)
        if (sources[i].follow.count)
            return true;
    return false;
}

int intake_open(struct role_context *c, struct err *err)
{
    struct live_options options = {.config = c->config, .judges = true};
    struct intake *i = mem_zeroed(1, sizeof(*i));
    c->own = i;
    memcpy(metrics + INTAKE_OWN_METRICS, intake_message_metrics, sizeof(intake_message_metrics));
    c->metrics = metrics;
    c->metric_count = INTAKE_METRICS;
    c->on_peer = on_peer;
    c->on_message = on_message;
    c->on_drain = on_drain;
    i->context = c;
    i->follows = follows(c->config);
    int rc = live_open(&i->live, &options, err);
    return rc ? rc : intake_shared_open(&i->shared, c->shared_fd, c->slots, c->slot_bytes, err);
}

int intake_run(struct role_context *c, struct err *err)
{
    struct intake *i = c->own;
    i->share = live_share_open(&c->loop, &i->live);
    i->files = intake_files_open(&i->live, i->shared);
    for (uint32_t k = 0; k < c->file_count; k++) {
        intake_files_add(i->files, &c->files[k]);
        c->files[k].fd = -1;
    }
    check(uv_timer_init(&c->loop, &i->tick) == 0);
    i->tick.data = i;
    check(uv_timer_start(&i->tick, tick, TICK_MS, TICK_MS) == 0);
    int rc = intake_http_open(&i->http, c->listeners, c->listener_count, &i->live, i->shared,
                              metrics, err);
    if (rc == ERR_OK)
        rc = intake_messages_open(&i->messages, c->listeners, c->listener_count, &i->live,
                                  i->shared, metrics + INTAKE_OWN_METRICS, err);
    if (rc == ERR_OK) {
        intake_files_start(i->files);
        (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    }
    intake_shared_end(i->shared);
    intake_shared_gone(i->shared);
    intake_files_close(&i->files);
    intake_http_close(&i->http);
    intake_messages_close(&i->messages);
    live_share_close(&i->share);
    peer_close(&i->engine);
    uv_close((uv_handle_t *)&i->tick, NULL);
    return rc;
}

void intake_close(struct role_context *c)
{
    struct intake *i = c->own;
    if (!i)
        return;
    intake_shared_close(&i->shared);
    live_close(&i->live);
    mem_free(i);
    c->own = NULL;
}

uint32_t intake_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max)
{
    (void)c;
    (void)paths;
    (void)max;
    return 0;
}
