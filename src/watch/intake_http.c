#include "watch/intake_http.h"

#include <stdio.h>

#include "api/request.h"
#include "base/log.h"
#include "base/mem.h"
#include "watch/intake_http_inside.h"

enum {
    MEMORY_BYTES = 32 << 10,
    CONNECTIONS_REFUSED = 16 /* of an address: beyond its limit they are told so, then shut out */
};
static const char ingest_path[] = "/api/v1/ingest";

/* ---- a request comes in ---- */

static struct slice header_of(const struct http_request *r, const char *name)
{
    return slice_trim(
        slice_from(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name)));
}

static bool type_is_read(struct slice type)
{
    static const char *const types[] = {
        "application/x-ndjson",     "application/ndjson",
        "application/json",         "text/plain",
        "application/octet-stream", "application/x-www-form-urlencoded" /* curl's own */};
    struct slice rest = type, name = slice_trim(slice_cut(&rest, ';'));
    if (name.len == 0)
        return true;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (slice_equal_nocase(name, slice_from(types[i])))
            return true;
    return false;
}

/* What can be refused before the body is read. */
static void request_check(struct http_request *r, const char *url, const char *method)
{
    uint64_t length;
    struct slice packing = header_of(r, MHD_HTTP_HEADER_CONTENT_ENCODING);
    struct slice said = header_of(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const struct config_listener *config = r->listener->config;
    r->is_gzip = slice_equal_nocase(packing, SLICE("gzip"));
    r->vietnamese = request_language(header_of(r, MHD_HTTP_HEADER_ACCEPT_LANGUAGE)) > 0;
    if (http_address_has_too_many(r))
        http_fail(r, MHD_HTTP_TOO_MANY_REQUESTS, HTTP_TEXT_CONNECTIONS);
    else if (strcmp(url, ingest_path) != 0)
        http_fail(r, MHD_HTTP_NOT_FOUND, HTTP_TEXT_ADDRESS);
    else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        http_fail(r, MHD_HTTP_METHOD_NOT_ALLOWED, HTTP_TEXT_METHOD);
    else if (config->token &&
             !slice_starts(header_of(r, MHD_HTTP_HEADER_AUTHORIZATION), SLICE("Bearer ")))
        http_fail(r, MHD_HTTP_UNAUTHORIZED, HTTP_TEXT_TOKEN);
    else if (packing.len && !r->is_gzip && !slice_equal_nocase(packing, SLICE("identity")))
        http_fail(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, HTTP_TEXT_PACKING);
    else if (!type_is_read(header_of(r, MHD_HTTP_HEADER_CONTENT_TYPE)))
        http_fail(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, HTTP_TEXT_TYPE);
    else if (slice_to_u64(said, &length) && length > config->body_bytes)
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_LENGTH);
}

static bool hold(struct http_request *r, size_t more)
{
    struct intake_http *http = r->listener->http;
    check(pthread_mutex_lock(&http->mutex) == 0);
    bool fits = http->held + more <= INTAKE_HTTP_BYTES_MAX && !http->ending;
    if (fits)
        http->held += more;
    metric_set(&http->metrics[INTAKE_HTTP_HELD], (int64_t)http->held);
    check(pthread_mutex_unlock(&http->mutex) == 0);
    if (fits)
        r->held += more;
    return fits;
}

static void release(struct http_request *r)
{
    struct intake_http *http = r->listener->http;
    check(pthread_mutex_lock(&http->mutex) == 0);
    http->held -= r->held;
    metric_set(&http->metrics[INTAKE_HTTP_HELD], (int64_t)http->held);
    check(pthread_mutex_unlock(&http->mutex) == 0);
    r->held = 0;
    buf_free(&r->body);
}

static void body_take(struct http_request *r, const char *data, size_t len)
{
    if (r->status)
        return;
    if (r->body.len + len > r->listener->config->body_bytes)
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_LENGTH);
    else if (!hold(r, len))
        http_fail(r, MHD_HTTP_SERVICE_UNAVAILABLE, HTTP_TEXT_HELD);
    else
        buf_append(&r->body, data, len);
    if (r->status)
        release(r);
}

/* The connection waits until a judging thread resumes it. */
static void queue(struct http_request *r)
{
    struct intake_http *http = r->listener->http;
    r->is_queued = true;
    MHD_suspend_connection(r->connection);
    check(pthread_mutex_lock(&http->mutex) == 0);
    r->next = NULL;
    *http->end = r;
    http->end = &r->next;
    metric_set(&http->metrics[INTAKE_HTTP_WAITING], ++http->waiting);
    check(pthread_cond_signal(&http->changed) == 0);
    check(pthread_mutex_unlock(&http->mutex) == 0);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **own)
{
    struct http_request *r = *own;
    (void)version;
    if (!r) {
        r = mem_zeroed(1, sizeof(*r));
        *own = r;
        r->listener = context;
        r->connection = connection;
        request_check(r, url, method);
        return r->status ? http_answer(r) : MHD_YES;
    }
    if (*size > 0) {
        body_take(r, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (r->status)
        return http_answer(r);
    if (!r->is_queued)
        queue(r);
    return MHD_YES;
}

static void ended(void *context, struct MHD_Connection *connection, void **own,
                  enum MHD_RequestTerminationCode code)
{
    struct http_request *r = *own;
    (void)context;
    (void)connection;
    (void)code;
    if (!r)
        return;
    release(r);
    mem_free(r);
    *own = NULL;
}

/* ---- judging ---- */

static void *judge_run(void *context)
{
    struct intake_http *http = context;
    struct intake_lane *judge = intake_lane_open(http->live, http->shared);
    check(pthread_mutex_lock(&http->mutex) == 0);
    for (;;) {
        while (!http->first && !http->ending)
            check(pthread_cond_wait(&http->changed, &http->mutex) == 0);
        struct http_request *r = http->first;
        if (!r)
            break;
        http->first = r->next;
        if (!http->first)
            http->end = &http->first;
        metric_set(&http->metrics[INTAKE_HTTP_WAITING], --http->waiting);
        http->judging++;
        check(pthread_mutex_unlock(&http->mutex) == 0);
        http_body_judge(r, judge);
        struct MHD_Connection *connection = r->connection;
        release(r);
        MHD_resume_connection(connection); /* r is the listener's again */
        check(pthread_mutex_lock(&http->mutex) == 0);
        http->judging--;
    }
    check(pthread_mutex_unlock(&http->mutex) == 0);
    intake_lane_close(&judge);
    return NULL;
}

/* ---- life ---- */

static const struct config_listener *config_of(const struct config *config, const char *name)
{
    const struct config_listener *l = config->listeners.items;
    for (uint32_t i = 0; i < config->listeners.count; i++)
        if (slice_equal(l[i].row.name, slice_from(name)) && slice_equal(l[i].kind, SLICE("http")))
            return &l[i];
    return NULL;
}

static int daemon_start(struct http_listener *l, const struct listener_socket *socket,
                        struct err *err)
{
    bool tls = socket->key.len > 0;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ITC | (tls ? (unsigned)MHD_USE_TLS : 0u);
    const struct MHD_OptionItem secure[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, (void *)(uintptr_t)socket->key.data},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)socket->certificate.data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "SECURE192:+SECURE128:-VERS-ALL:"
                             "+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    l->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, l, MHD_OPTION_LISTEN_SOCKET, socket->fd,
        MHD_OPTION_NOTIFY_COMPLETED, ended, l, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)l->config->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)l->config->connections_per_address + CONNECTIONS_REFUSED,
        MHD_OPTION_NOTIFY_CONNECTION, http_connection, l, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(l->config->timeout_ns / (uint64_t)CLOCK_SECOND_NS),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES, MHD_OPTION_ARRAY, secure,
        MHD_OPTION_END);
    return l->daemon ? ERR_OK
                     : err_set(err, ERR_IO, "listener %s cannot be started%s", l->file.name,
                               tls ? ": look at its certificate and key" : "");
}

static int listener_open(struct intake_http *http, const struct listener_socket *socket,
                         struct err *err)
{
    const struct config_listener *config = config_of(http->live->config, socket->name);
    if (!config)
        return ERR_OK;
    struct http_listener *l = &http->listeners[http->listener_count];
    l->http = http;
    l->config = config;
    l->source = live_source(http->live, config->source);
    if (!l->source)
        return err_set(err, ERR_USAGE, "listener %s: canh.yaml has no source %.*s: name one of it",
                       socket->name, (int)config->source.len, config->source.data);
    l->file.name = socket->name;
    l->file.format = l->source->format && l->source->format->split != SPLIT_EVTX
                         ? l->source->format
                         : format_find(SLICE("json"));
    check(l->file.format);
    http_addresses_open(l);
    int rc = daemon_start(l, socket, err);
    if (rc == ERR_OK)
        http->listener_count++;
    return rc;
}

int intake_http_open(struct intake_http **out, const struct listener_socket *sockets,
                     uint32_t count, const struct live *live, struct intake_shared *shared,
                     struct metric *metrics, struct err *err)
{
    struct intake_http *http = mem_zeroed(1, sizeof(*http));
    int rc = ERR_OK;
    *out = http;
    http->live = live;
    http->shared = shared;
    http->metrics = metrics;
    http->end = &http->first;
    http->capacity = count;
    http->listeners = mem_zeroed(http->capacity + 1u, sizeof(*http->listeners));
    check(pthread_mutex_init(&http->mutex, NULL) == 0);
    check(pthread_cond_init(&http->changed, NULL) == 0);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        rc = listener_open(http, &sockets[i], err);
    while (rc == ERR_OK && http->listener_count && http->thread_count < INTAKE_HTTP_THREADS) {
        check(pthread_create(&http->threads[http->thread_count], NULL, judge_run, http) == 0);
        http->thread_count++;
    }
    return rc;
}

void intake_http_drain(struct intake_http *http)
{
    for (uint32_t i = 0; i < http->listener_count; i++)
        (void)MHD_quiesce_daemon(http->listeners[i].daemon);
}

bool intake_http_idle(struct intake_http *http)
{
    check(pthread_mutex_lock(&http->mutex) == 0);
    bool idle = http->held == 0 && !http->first && http->judging == 0;
    check(pthread_mutex_unlock(&http->mutex) == 0);
    return idle;
}

void intake_http_close(struct intake_http **http)
{
    struct intake_http *h = *http;
    if (!h)
        return;
    check(pthread_mutex_lock(&h->mutex) == 0);
    h->ending = true;
    check(pthread_cond_broadcast(&h->changed) == 0);
    check(pthread_mutex_unlock(&h->mutex) == 0);
    for (uint32_t i = 0; i < h->thread_count; i++)
        check(pthread_join(h->threads[i], NULL) == 0);
    intake_http_drain(h); /* sockets stay the context's */
    for (uint32_t i = 0; i < h->listener_count; i++)
        MHD_stop_daemon(h->listeners[i].daemon);
    for (uint32_t i = 0; i < h->capacity; i++)
        mem_free(h->listeners[i].addresses);
    check(pthread_cond_destroy(&h->changed) == 0);
    check(pthread_mutex_destroy(&h->mutex) == 0);
    mem_free(h->listeners);
    mem_free(h);
    *http = NULL;
}
