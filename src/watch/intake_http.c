#include "watch/intake_http.h"

#include <stdio.h>

#include "base/language.h"
#include "base/log.h"
#include "base/mem.h"
#include "watch/intake_http_inside.h"

/* Slower than this behind the listener's timeout, and a body is given up. */
#define BODY_BYTES_A_SECOND_MIN ((uint64_t)1 << 10)
#define PIECE_NS                ((uint64_t)CLOCK_SECOND_NS / 2)
enum {
    MEMORY_BYTES = 32 << 10,
    PASSED_OVER_BYTES_MAX = 1 << 20, /* of a refused body, so that the answer can be read */
    CONNECTIONS_REFUSED = 16 /* of an address: beyond its limit they are told so, then shut out */
};

/* ---- a request comes in ---- */

static bool type_is_read(const char *const *types, struct slice type)
{
    struct slice name = slice_trim(slice_cut(&type, ';'));
    bool held = !types || name.len == 0;
    for (; !held && *types; types++)
        held = slice_equal_nocase(name, slice_from(*types));
    return held;
}

static enum http_text type_text(const struct http_endpoint *e)
{
    return e->style == HTTP_OTLP         ? HTTP_TEXT_TYPE_OTLP
           : e->body == HTTP_BODY_PIECES ? HTTP_TEXT_TYPE_JOURNAL
                                         : HTTP_TEXT_TYPE;
}

/* Elasticsearch's clients name a version in the media type, and want it back. */
static char compatible_of(struct slice type)
{
    const struct slice mark = SLICE("compatible-with=");
    size_t at = slice_find(type, mark);
    if (!slice_starts(type, SLICE("application/vnd.elasticsearch+")) || at == SLICE_NONE)
        return 0;
    struct slice version = slice_part(type, at + mark.len, 1);
    return version.len && version.data[0] >= '1' && version.data[0] <= '9' ? version.data[0] : 0;
}

/* What can be refused before the body is read. */
static void request_check(struct http_request *r)
{
    uint64_t length;
    const struct http_endpoint *e = r->found.endpoint;
    struct slice said = http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    r->packing = unpack_of_encoding(http_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING));
    if (http_peer_has_too_many(r))
        http_fail(r, MHD_HTTP_TOO_MANY_REQUESTS, HTTP_TEXT_CONNECTIONS);
    else if (r->found.allowed == 0)
        http_fail(r, MHD_HTTP_NOT_FOUND, HTTP_TEXT_ADDRESS);
    else if (!e)
        http_fail(r, MHD_HTTP_METHOD_NOT_ALLOWED, HTTP_TEXT_METHOD);
    else if (r->packing == UNPACK_UNKNOWN)
        http_fail(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, HTTP_TEXT_PACKING);
    else if (!type_is_read(e->types, http_header(r, MHD_HTTP_HEADER_CONTENT_TYPE)))
        http_fail(r, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, type_text(e));
    else if (e->body == HTTP_BODY_WHOLE && slice_to_u64(said, &length) &&
             length > r->listener->config->body_bytes)
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_LENGTH);
}

/* Of bodies that are held, within the limit of all. */
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

/* It holds so much now, whether or not others have room. */
static void held_set(struct http_request *r, size_t now)
{
    struct intake_http *http = r->listener->http;
    check(pthread_mutex_lock(&http->mutex) == 0);
    http->held = http->held - r->held + now;
    metric_set(&http->metrics[INTAKE_HTTP_HELD], (int64_t)http->held);
    check(pthread_mutex_unlock(&http->mutex) == 0);
    r->held = now;
}

static void body_release(struct http_request *r)
{
    buf_free(&r->body);
    held_set(r, 0);
}

static bool comes_in_pieces(const struct http_request *r)
{
    return r->found.endpoint->body == HTTP_BODY_PIECES && r->packing == UNPACK_NONE;
}

/* The connection waits until a judging thread resumes it. */
static void queue(struct http_request *r, enum http_work work)
{
    struct intake_http *http = r->listener->http;
    r->work = work;
    MHD_suspend_connection(r->connection);
    check(pthread_mutex_lock(&http->mutex) == 0);
    r->next = NULL;
    *http->end = r;
    http->end = &r->next;
    metric_set(&http->metrics[INTAKE_HTTP_WAITING], ++http->waiting);
    check(pthread_cond_signal(&http->changed) == 0);
    check(pthread_mutex_unlock(&http->mutex) == 0);
}

/* A body that is refused is read on for a while, so that the sender comes to read the answer. */
static enum MHD_Result body_pass_over(struct http_request *r, size_t len)
{
    body_release(r);
    r->passed_over += len;
    return r->passed_over > r->listener->config->body_bytes + PASSED_OVER_BYTES_MAX ? MHD_NO
                                                                                    : MHD_YES;
}

static bool is_too_slow(const struct http_request *r)
{
    uint64_t passed_ns = clock_monotonic_ns() - r->began_ns;
    uint64_t allowed_ns = r->listener->config->timeout_ns;
    return !comes_in_pieces(r) && passed_ns > allowed_ns + r->body.len * (uint64_t)CLOCK_SECOND_NS /
                                                               BODY_BYTES_A_SECOND_MIN;
}

/* Enough, or for long enough: what came is not to wait for what does not. */
static bool piece_is_due(const struct http_request *r)
{
    return r->body.len >= r->piece_bytes || clock_monotonic_ns() - r->piece_began_ns >= PIECE_NS;
}

static enum MHD_Result body_take(struct http_request *r, const char *data, size_t len)
{
    if (r->status || r->found.endpoint->body == HTTP_BODY_NONE)
        return body_pass_over(r, len);
    if (is_too_slow(r) || (comes_in_pieces(r) && atomic_load(&r->listener->http->draining)))
        return MHD_NO;
    if (!comes_in_pieces(r) && r->body.len + len > r->listener->config->body_bytes)
        http_fail(r, MHD_HTTP_CONTENT_TOO_LARGE, HTTP_TEXT_LENGTH);
    else if (!hold(r, len))
        http_fail(r, MHD_HTTP_TOO_MANY_REQUESTS, HTTP_TEXT_HELD);
    if (r->status)
        return body_pass_over(r, len);
    buf_append(&r->body, data, len);
    if (comes_in_pieces(r) && piece_is_due(r))
        queue(r, HTTP_WORK_PIECE);
    return MHD_YES;
}

static struct http_request *request_begin(struct http_listener *l,
                                          struct MHD_Connection *connection, const char *url,
                                          const char *method)
{
    struct http_request *r = mem_zeroed(1, sizeof(*r));
    r->listener = l;
    r->connection = connection;
    r->peer = http_peer_of(connection);
    r->began_ns = clock_monotonic_ns();
    r->received_ns = clock_now_ns();
    r->piece_bytes = HTTP_PIECE_BYTES;
    r->piece_began_ns = r->began_ns;
    r->path = mem_copy_text(url, strlen(url));
    http_route_find(http_method(slice_from(method)), slice_from(r->path), &r->found);
    r->vietnamese = language_wanted(http_header(r, MHD_HTTP_HEADER_ACCEPT_LANGUAGE)) > 0;
    r->compatible = compatible_of(http_header(r, MHD_HTTP_HEADER_ACCEPT));
    if (!r->compatible)
        r->compatible = compatible_of(http_header(r, MHD_HTTP_HEADER_CONTENT_TYPE));
    return r;
}

/* Told at once: when the sender waits to be told, or the body is too much to be read on. */
static bool is_told_early(const struct http_request *r)
{
    uint64_t length = 0;
    struct slice said = http_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return http_header(r, MHD_HTTP_HEADER_EXPECT).len > 0 ||
           (said.len && (!slice_to_u64(said, &length) || length > PASSED_OVER_BYTES_MAX));
}

/* Behind the headers, once or (after its identity was asked for) twice. */
static enum MHD_Result heading(struct http_request *r)
{
    if (r->status && is_told_early(r))
        return http_answer(r);
    return MHD_YES;
}

/* libmicrohttpd hands over the next chunk that it has even to a connection that is suspended. */
static bool is_away(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);
    return info && info->suspended == MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **own)
{
    struct http_request *r = *own;
    (void)version;
    if (!r) {
        *own = r = request_begin(context, connection, url, method);
        if (!r->peer)
            return MHD_NO;
        request_check(r);
        if (r->status || http_identity_is_known(r))
            return heading(r);
        r->is_heading = true;
        queue(r, HTTP_WORK_IDENTITY);
        return MHD_YES;
    }
    if (is_away(connection))
        return MHD_YES; /* nothing was taken: it comes again */
    if (*size > 0) {
        size_t len = *size;
        *size = 0;
        r->is_heading = false;
        return body_take(r, data, len);
    }
    if (r->is_heading) {
        r->is_heading = false;
        return heading(r);
    }
    if (r->status)
        return http_answer(r);
    queue(r, HTTP_WORK_LAST);
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
    body_release(r);
    buf_free(&r->answer);
    split_close(&r->split);
    mem_free(r->path);
    mem_free(r);
    *own = NULL;
}

/* ---- judging ---- */

static void request_run(struct http_request *r, struct http_bench *bench)
{
    const struct http_endpoint *e = r->found.endpoint;
    if (r->work == HTTP_WORK_IDENTITY)
        http_identity_check(r);
    else if (e->run)
        e->run(r, bench);
    else
        buf_string(http_body_answer(r, e->status, "application/json"), e->answer);
}

/* What it holds on to behind its work: the rest of a body, or the answer. */
static void request_hold(struct http_request *r)
{
    if (r->work == HTTP_WORK_IDENTITY)
        return;
    if (r->status) {
        buf_free(&r->body);
        held_set(r, r->answer.len);
    } else {
        r->piece_bytes = r->body.len + HTTP_PIECE_BYTES;
        r->piece_began_ns = clock_monotonic_ns();
        held_set(r, r->body.len);
    }
}

static void bench_open(struct http_bench *bench, const struct intake_http *http)
{
    bench->lane = intake_lane_open(http->live, http->shared);
    bench->ids = mem_zeroed(HTTP_PIECE_ITEMS, sizeof(*bench->ids));
    bench->items = mem_zeroed(HTTP_PIECE_ITEMS, sizeof(*bench->items));
    bench->refusals = mem_zeroed(HTTP_PIECE_ITEMS, sizeof(*bench->refusals));
}

static void bench_close(struct http_bench *bench)
{
    intake_lane_close(&bench->lane);
    mem_free(bench->ids);
    mem_free(bench->items);
    mem_free(bench->refusals);
}

static void *judge_run(void *context)
{
    struct intake_http *http = context;
    struct http_bench bench;
    bench_open(&bench, http);
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
        request_run(r, &bench);
        request_hold(r);
        MHD_resume_connection(r->connection); /* r is the listener's again */
        check(pthread_mutex_lock(&http->mutex) == 0);
        http->judging--;
    }
    check(pthread_mutex_unlock(&http->mutex) == 0);
    bench_close(&bench);
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
    /* With epoll a handshake that stops half-way keeps libmicrohttpd 0.9.75 running in circles. */
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     (tls ? (unsigned)MHD_USE_TLS | MHD_USE_POLL : (unsigned)MHD_USE_EPOLL);
    struct MHD_OptionItem secure[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, (void *)(uintptr_t)socket->key.data},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)socket->certificate.data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "SECURE192:+SECURE128:-VERS-ALL:"
                             "+VERS-TLS1.3:+VERS-TLS1.2"},
        {l->wants_certificate ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
         (void *)(uintptr_t)socket->clients.data},
        {MHD_OPTION_END, 0, NULL}};
    l->daemon = MHD_start_daemon(
        flags, 0, http_peer_may_connect, l, handle, l, MHD_OPTION_LISTEN_SOCKET, socket->fd,
        MHD_OPTION_NOTIFY_COMPLETED, ended, l, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)l->config->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)l->config->connections_per_address + CONNECTIONS_REFUSED,
        MHD_OPTION_NOTIFY_CONNECTION, http_peer_changed, l, MHD_OPTION_CONNECTION_TIMEOUT,
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
    l->json = l->file.format->split == SPLIT_JSON ? l->file.format : format_find(SLICE("json"));
    l->gelf = format_find(SLICE("gelf"));
    l->journal = format_find(SLICE("journal-export"));
    l->wants_certificate = config->client_ca_file.len > 0;
    l->addresses = mem_zeroed((size_t)config->connections, sizeof(*l->addresses));
    int rc = ERR_OK;
    for (uint32_t i = 0; i < config->allow.count && rc == ERR_OK; i++)
        rc = socket_allow_add(&l->allow, config->allow.items[i], err);
    if (rc == ERR_OK)
        rc = daemon_start(l, socket, err);
    http->listener_count += rc == ERR_OK;
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
    atomic_store(&http->draining, true);
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
    for (uint32_t i = 0; i < h->capacity; i++) {
        mem_free(h->listeners[i].addresses);
        socket_allow_free(&h->listeners[i].allow);
    }
    check(pthread_cond_destroy(&h->changed) == 0);
    check(pthread_mutex_destroy(&h->mutex) == 0);
    mem_free(h->listeners);
    mem_free(h);
    *http = NULL;
}
