/* The role web: HTTP for people and programs. It reads the state, asks the engine for the rest, and
 * can write nothing and connect nowhere. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/commands.h"
#include "program/web.h"
#include "state/state.h"

enum { WEB_TICK_MS = 500 };

#define REQUESTS_HELP "requests answered, by outcome"
struct metric web_metrics[WEB_METRICS] = {
    [WEB_REQUESTS_OK] = {.name = "canh_web_requests_total",
                         .labels = "outcome=\"answered\"",
                         .help = REQUESTS_HELP},
    [WEB_REQUESTS_REFUSED] = {.name = "canh_web_requests_total",
                              .labels = "outcome=\"refused\"",
                              .help = REQUESTS_HELP},
    [WEB_REQUESTS_FAILED] = {.name = "canh_web_requests_total",
                             .labels = "outcome=\"failed\"",
                             .help = REQUESTS_HELP},
    [WEB_SECONDS] = {.name = "canh_web_request_seconds",
                     .kind = METRIC_HISTOGRAM,
                     .help = "from a request's first line to its answer"},
    [WEB_CONNECTIONS] = {.name = "canh_web_connections_total", .help = "connections taken"},
    [WEB_OVERDUE] = {.name = "canh_web_connections_overdue_total",
                     .help = "connections closed because they took too long"},
    [WEB_BYTES] = {.name = "canh_web_sent_bytes_total", .help = "bytes of answers"},
};

uint32_t web_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max)
{
    struct web *web = c->own;
    check(max > 0);
    paths[0] = (struct sandbox_path){.path = web->state_path};
    return 1;
}

static void web_drained(struct web *web, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&web->lock);
    bool idle = web->request_count == 0;
    (void)pthread_mutex_unlock(&web->lock);
    if (idle || now_ns >= web->drain_until_ns)
        uv_stop(&web->context->loop);
}

static void web_tick(uv_timer_t *timer)
{
    struct web *web = timer->data;
    uint64_t now_ns = clock_monotonic_ns();
    web_engine_overdue(web, now_ns);
    web_guard_overdue(web, now_ns);
    if (web->context->draining)
        web_drained(web, now_ns);
}

static void web_peer(struct role_context *c, enum role role, uint32_t instance, int fd)
{
    (void)role;
    (void)instance;
    web_engine_peer(c->own, fd);
}

static void web_drain(struct role_context *c)
{
    struct web *web = c->own;
    web->drain_until_ns = clock_monotonic_ns() + WEB_DRAIN_S * (uint64_t)CLOCK_SECOND_NS;
    web_server_quiesce(web);
    web_drained(web, clock_monotonic_ns());
}

int web_open(struct role_context *c, struct err *err)
{
    struct web *web = mem_zeroed(1, sizeof *web);
    (void)err;
    web->context = c;
    c->own = web;
    c->on_peer = web_peer;
    c->on_drain = web_drain;
    c->metrics = web_metrics;
    c->metric_count = WEB_METRICS;
    web->state_path = arena_printf(&c->arena, "%s/%s", c->data, STATE_FOLDER).data;
    web->request_max = (uint32_t)c->config->web.connections + WEB_THREADS;
    web->requests = mem_zeroed(web->request_max, sizeof(struct web_request *));
    check(pthread_mutex_init(&web->lock, NULL) == 0);
    web_guard_open(web);
    struct api_options options = {.commands = &commands,
                                  .listings = &listings,
                                  .engine = web_engine(web),
                                  .data = c->data,
                                  .name = c->config->web.name,
                                  .body_bytes_max = c->config->web.body_bytes};
    web->api = api_open(&options);
    return ERR_OK;
}

int web_run(struct role_context *c, struct err *err)
{
    struct web *web = c->own;
    struct listener_socket *listener = NULL;
    for (uint32_t i = 0; i < c->listener_count; i++)
        if (strcmp(c->listeners[i].name, "web") == 0)
            listener = &c->listeners[i];
    int rc = web_stream_open(web, err);
    if (rc == ERR_OK && listener) {
        web->tls = listener->certificate.len > 0;
        rc = web_server_open(web, listener, err);
    }
    if (rc)
        return rc;
    check(uv_timer_init(&c->loop, &web->timer) == 0);
    web->timer.data = web;
    check(uv_timer_start(&web->timer, web_tick, WEB_TICK_MS, WEB_TICK_MS) == 0);
    (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    web_engine_close(web);
    web_server_close(web);
    web_stream_close(web);
    uv_close((uv_handle_t *)&web->timer, NULL);
    uv_close((uv_handle_t *)&web->poll, NULL);
    (void)uv_run(&c->loop, UV_RUN_NOWAIT); /* handles are gone only then */
    return ERR_OK;
}

void web_close(struct role_context *c)
{
    struct web *web = c->own;
    if (!web)
        return;
    api_close(&web->api);
    web_guard_close(web);
    (void)pthread_mutex_destroy(&web->lock);
    mem_free((void *)web->requests);
    mem_free(web);
    c->own = NULL;
}
