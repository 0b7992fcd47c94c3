#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/web.h"

#define WEB_CIPHERS                                                                                \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-SHA1:%SERVER_PRECEDENCE"
#define WEB_POLICY                                                                                 \
    "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "             \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
enum { WEB_SLOW_TIMES = 10 /* timeouts that a whole body or answer may take */ };

/* ---- what was asked ---- */

struct header_want {
    const char *name;
    size_t offset; /* of the slice in struct request */
};
static const struct header_want wanted[] = {
    {"Host", offsetof(struct request, host)},
    {"Authorization", offsetof(struct request, authorization)},
    {"Cookie", offsetof(struct request, cookie)},
    {"Accept-Language", offsetof(struct request, accept_language)},
    {"Content-Type", offsetof(struct request, content_type)},
    {"Sec-Fetch-Site", offsetof(struct request, fetch_site)},
    {"Canh-Request", offsetof(struct request, canh_request)},
};
struct header_read {
    struct web_request *request;
    uint32_t lengths, encodings;
    bool twice, too_long;
};

static enum MHD_Result header_take(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t len)
{
    struct header_read *h = context;
    struct slice found = slice_make(name, name_len);
    (void)kind;
    h->lengths += slice_equal_nocase(found, SLICE("Content-Length"));
    h->encodings += slice_equal_nocase(found, SLICE("Transfer-Encoding"));
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (!slice_equal_nocase(found, slice_from(wanted[i].name)))
            continue;
        struct slice *place = (void *)((char *)&h->request->x.request + wanted[i].offset);
        h->twice |= place->data != NULL;
        h->too_long |= len > REQUEST_HEADER_BYTES_MAX;
        *place = arena_copy(&h->request->x.arena, slice_make(value ? value : "", len));
    }
    return MHD_YES;
}

static void request_peer(struct web_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct ip_address address = {{0}};
    char text[IP_TEXT_BYTES];
    if (info && info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)info->client_addr;
        memset(address.bytes + 10, 0xff, 2);
        memcpy(address.bytes + 12, &in->sin_addr, 4);
    } else if (info && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)info->client_addr;
        memcpy(address.bytes, &in->sin6_addr, 16);
    }
    static const uint8_t loopback[16] = {[15] = 1};
    size_t len = ip_text(text, &address);
    r->x.request.from = arena_copy(&r->x.arena, slice_make(text, len));
    r->x.request.loopback =
        ip_is_v4(&address) ? address.bytes[12] == 127 : memcmp(address.bytes, loopback, 16) == 0;
    r->x.request.tls = r->web->tls;
}

/* Reads what came, up to the headers' end. */
static void request_begin(struct web_request *r, const char *method)
{
    struct header_read h = {.request = r};
    struct err err;
    request_peer(r);
    r->x.request.method = request_method(slice_from(method));
    (void)MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, header_take, &h);
    r->has_body = h.lengths + h.encodings > 0;
    if (h.too_long) {
        (void)err_set(&err, ERR_SYNTAX, "a header is longer than %d bytes",
                      REQUEST_HEADER_BYTES_MAX);
        api_bad_request(&r->x, &err);
    } else if (h.twice || h.lengths + h.encodings > 1) {
        (void)err_set(&err, ERR_SYNTAX, "the length of the body, or a header, is said twice");
        api_bad_request(&r->x, &err);
    } else if (request_target(&r->x.request, &r->x.arena, slice_from(r->target), &err)) {
        api_bad_request(&r->x, &err);
    } else {
        api_begin(&r->x);
    }
}

/* ---- the body ---- */

/* false: there is no room for so much more. */
static bool body_reserve(struct web_request *r, size_t more)
{
    struct web *web = r->web;
    (void)pthread_mutex_lock(&web->lock);
    bool may = more <= WEB_BODIES_BYTES_MAX - web->body_bytes;
    if (may)
        web->body_bytes += more;
    (void)pthread_mutex_unlock(&web->lock);
    if (may)
        r->reserved += more;
    return may;
}

static bool body_take(struct web_request *r, const char *data, size_t len)
{
    if (len > r->x.body_bytes_max - r->body.len)
        return false;
    if (r->body.len + len > r->reserved && !body_reserve(r, r->body.len + len - r->reserved))
        return false;
    buf_append(&r->body, data, len);
    return true;
}

/* A body that says its length is refused before it comes. */
static void body_announced(struct web_request *r)
{
    const char *text =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t len = 0;
    if (text && (!slice_to_u64(slice_from(text), &len) || len > r->x.body_bytes_max))
        api_too_long(&r->x);
}

/* ---- the answer ---- */

static void count_answer(const struct web_request *r)
{
    unsigned status = r->x.response.status;
    metric_add(&web_metrics[status < 400   ? WEB_REQUESTS_OK
                            : status < 500 ? WEB_REQUESTS_REFUSED
                                           : WEB_REQUESTS_FAILED],
               1);
    metric_add(&web_metrics[WEB_BYTES], r->x.response.body.len + r->x.response.fixed.len);
    metric_observe(&web_metrics[WEB_SECONDS], clock_monotonic_ns() - r->began_ns);
}

static void answer_headers(const struct web_request *r, struct MHD_Response *out)
{
    static const char *const always[][2] = {
        {"Content-Security-Policy", WEB_POLICY},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    const struct response *from = &r->x.response;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        (void)MHD_add_response_header(out, always[i][0], always[i][1]);
    if (r->web->tls)
        (void)MHD_add_response_header(out, "Strict-Transport-Security", "max-age=31536000");
    if (from->type)
        (void)MHD_add_response_header(out, "Content-Type", from->type);
    for (uint32_t i = 0; i < from->header_count; i++)
        (void)MHD_add_response_header(out, from->headers[i].name, from->headers[i].value);
}

static enum MHD_Result answer_queue(struct web_request *r)
{
    const struct response *from = &r->x.response;
    struct MHD_Response *out = NULL;
    uint64_t until_ns =
        clock_monotonic_ns() + WEB_SLOW_TIMES * r->web->context->config->web.timeout_ns;
    if (from->stream_fd >= 0) {
        out = web_stream_response(r);
        until_ns = out ? 0 : until_ns;
        if (!out)
            api_busy(&r->x);
    }
    if (!out) {
        struct slice body = from->fixed.len ? from->fixed : buf_as_slice(&from->body);
        void *bytes = (void *)(uintptr_t)body.data;
        out = MHD_create_response_from_buffer(body.len, bytes, MHD_RESPMEM_PERSISTENT);
    }
    if (!out)
        return MHD_NO;
    answer_headers(r, out);
    web_guard_until(r->web, r->connection, until_ns);
    count_answer(r);
    enum MHD_Result queued = MHD_queue_response(r->connection, from->status, out);
    MHD_destroy_response(out);
    return queued;
}

/* ---- a request's way ---- */

static void *request_new(void *context, const char *target, struct MHD_Connection *connection)
{
    struct web *web = context;
    struct web_request *r = mem_zeroed(1, sizeof *r);
    r->web = web;
    r->connection = connection;
    r->began_ns = clock_monotonic_ns();
    r->answer_fd = r->stream_fd = -1;
    exchange_open(&r->x, web->api);
    r->x.own = r;
    (void)snprintf(r->target, sizeof r->target, "%s", target);
    (void)pthread_mutex_lock(&web->lock);
    while (r->slot < web->request_max && web->requests[r->slot])
        r->slot++;
    check(r->slot < web->request_max);
    web->requests[r->slot] = r;
    web->request_count++;
    (void)pthread_mutex_unlock(&web->lock);
    return r;
}

static void request_over(void *context, struct MHD_Connection *connection, void **own,
                         enum MHD_RequestTerminationCode code)
{
    struct web *web = context;
    struct web_request *r = *own;
    (void)code;
    if (!r)
        return;
    *own = NULL;
    web_stream_end(r);
    (void)pthread_mutex_lock(&web->lock);
    web->requests[r->slot] = NULL;
    web->request_count--;
    web->body_bytes -= r->reserved;
    (void)pthread_mutex_unlock(&web->lock);
    web_guard_until(web, connection, clock_monotonic_ns() + web->context->config->web.timeout_ns);
    if (r->body.data)
        explicit_bzero(r->body.data, r->body.len);
    if (r->x.response.stream_fd >= 0)
        (void)close(r->x.response.stream_fd);
    if (r->answer_fd >= 0)
        (void)close(r->answer_fd);
    buf_free(&r->body);
    buf_free(&r->answer);
    exchange_close(&r->x);
    mem_free(r);
}

/* true: it waits for the engine; whoever answers resumes it. */
static bool request_waits(struct web_request *r)
{
    while (r->x.step == EXCHANGE_ASKING) {
        (void)pthread_mutex_lock(&r->web->lock);
        bool answered = r->answered;
        if (!answered) {
            r->suspended = true;
            MHD_suspend_connection(r->connection);
        }
        (void)pthread_mutex_unlock(&r->web->lock);
        if (!answered)
            return true;
        web_engine_answer(r);
    }
    return false;
}

/* true: the headers are dealt with, and the rest is to be read before the answer: an answer given
 * now would cost the connection. */
static bool request_reads_on(struct web_request *r)
{
    if (r->x.step == EXCHANGE_BODY)
        body_announced(r);
    if (r->x.step == EXCHANGE_BODY) {
        uint64_t timeout_ns = r->web->context->config->web.timeout_ns;
        web_guard_until(r->web, r->connection, clock_monotonic_ns() + WEB_SLOW_TIMES * timeout_ns);
        return true;
    }
    return !r->has_body;
}

static enum MHD_Result request_go_on(void *context, struct MHD_Connection *connection,
                                     const char *url, const char *method, const char *version,
                                     const char *data, size_t *len, void **own)
{
    struct web *web = context;
    struct web_request *r = *own;
    (void)url;
    (void)version;
    if (!r->begun) {
        r->begun = r->at_headers = true;
        web_guard_until(web, connection, 0);
        request_begin(r, method);
    }
    if (request_waits(r))
        return MHD_YES;
    if (r->at_headers) {
        r->at_headers = false;
        if (request_reads_on(r))
            return MHD_YES;
    }
    if (r->x.step == EXCHANGE_BODY && *len > 0) {
        bool taken = body_take(r, data, *len);
        *len = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    if (r->x.step == EXCHANGE_BODY) {
        web_guard_until(web, connection, 0);
        r->x.request.body = buf_as_slice(&r->body);
        api_body(&r->x);
        if (request_waits(r))
            return MHD_YES;
    }
    return answer_queue(r);
}

/* The API reads addresses itself, as they came. */
static size_t unescape_nothing(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static void server_says(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void server_says(void *context, const char *format, va_list arguments)
{
    char text[ERR_TEXT_BYTES];
    (void)context;
    (void)vsnprintf(text, sizeof text, format, arguments);
    log_say(LOG_DEBUG, "http", "%s", text);
}

int web_server_open(struct web *web, struct listener_socket *listener, struct err *err)
{
    const struct config_web *config = &web->context->config->web;
    char *certificate = mem_copy_text(listener->certificate.data, listener->certificate.len);
    char *key = mem_copy_text(listener->key.data, listener->key.len);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)server_says, web},
        {MHD_OPTION_LISTEN_SOCKET, listener->fd, NULL},
        {MHD_OPTION_THREAD_POOL_SIZE, WEB_THREADS, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)config->connections, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)config->connections_per_address, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)(config->timeout_ns / CLOCK_SECOND_NS), NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, WEB_POOL_BYTES, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape_nothing, web},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_new, web},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_over, web},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)web_guard_notify, web},
        {web->tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)WEB_CIPHERS},
        {MHD_OPTION_END, 0, NULL},
    };
    /* poll for TLS: as in watch/intake_http.c */
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG |
                     (web->tls ? (unsigned)MHD_USE_TLS | MHD_USE_POLL : (unsigned)MHD_USE_EPOLL);
    web->daemon = MHD_start_daemon(flags, 0, NULL, NULL, request_go_on, web, MHD_OPTION_ARRAY,
                                   options, MHD_OPTION_END);
    explicit_bzero(key, listener->key.len);
    mem_free(key);
    mem_free(certificate);
    if (!web->daemon)
        return err_set(err, ERR_IO,
                       "the web server cannot be started: look at web.* of canh.yaml, certificate "
                       "and key included");
    return ERR_OK;
}

void web_server_quiesce(struct web *web)
{
    int fd = web->daemon ? MHD_quiesce_daemon(web->daemon) : -1;
    if (fd >= 0)
        (void)close(fd);
}

void web_server_close(struct web *web)
{
    if (web->daemon)
        MHD_stop_daemon(web->daemon);
    web->daemon = NULL;
}
