/* Answers: an endpoint's own, or a failure in the words of the protocol that was spoken. */
#include <stdio.h>

#include "base/mem.h"
#include "formats/json.h"
#include "watch/intake_http_inside.h"

enum { RETRY_AFTER_SECONDS = 5, TYPE_BYTES = 80 };

void http_fail(struct http_request *r, unsigned status, enum http_text text)
{
    r->status = status;
    r->text = text;
    r->answer_type = NULL;
    buf_clear(&r->answer);
}

/* ---- failures ---- */

static void detail_put(const struct http_request *r, struct buf *text)
{
    buf_string(text, http_text_detail(r));
    if (r->reason[0])
        buf_printf(text, "%s%s", r->text == HTTP_TEXT_BODY ? ": " : " ", r->reason);
}

static void detail_write(const struct http_request *r, struct json_writer *w)
{
    struct buf text = {0};
    detail_put(r, &text);
    json_string(w, buf_as_slice(&text));
    buf_free(&text);
}

static const char *problem_write(const struct http_request *r, struct json_writer *w)
{
    json_open_object(w);
    json_key(w, "type");
    json_string(w, SLICE("about:blank"));
    json_key(w, "title");
    json_string(w, slice_from(http_text_title(r)));
    json_key(w, "status");
    json_u64(w, r->status);
    json_key(w, "detail");
    detail_write(r, w);
    json_close_object(w);
    buf_char(w->out, '\n');
    return "application/problem+json";
}

static const char *elastic_type(unsigned status)
{
    switch (status) {
    case MHD_HTTP_UNAUTHORIZED:
    case MHD_HTTP_FORBIDDEN:
        return "security_exception";
    case MHD_HTTP_NOT_FOUND:
        return "resource_not_found_exception";
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return "content_too_long_exception";
    case MHD_HTTP_UNSUPPORTED_MEDIA_TYPE:
        return "media_type_header_exception";
    case MHD_HTTP_TOO_MANY_REQUESTS:
        return "es_rejected_execution_exception";
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        return "unavailable_shards_exception";
    default:
        return "illegal_argument_exception";
    }
}

static void elastic_cause(const struct http_request *r, struct json_writer *w)
{
    json_key(w, "type");
    json_string(w, slice_from(elastic_type(r->status)));
    json_key(w, "reason");
    detail_write(r, w);
}

static const char *elastic_write(const struct http_request *r, struct json_writer *w)
{
    json_open_object(w);
    json_key(w, "error");
    json_open_object(w);
    json_key(w, "root_cause");
    json_open_array(w);
    json_open_object(w);
    elastic_cause(r, w);
    json_close_object(w);
    json_close_array(w);
    elastic_cause(r, w);
    json_close_object(w);
    json_key(w, "status");
    json_u64(w, r->status);
    json_close_object(w);
    return "application/json";
}

/* google.rpc.Status, which OTLP answers failures with: code and message. */
static const char *otlp_write(const struct http_request *r, struct json_writer *w)
{
    enum { INVALID = 3, DENIED = 7, EXHAUSTED = 8, UNAVAILABLE = 14, UNAUTHENTICATED = 16 };
    unsigned code = r->status == MHD_HTTP_UNAUTHORIZED          ? UNAUTHENTICATED
                    : r->status == MHD_HTTP_FORBIDDEN           ? DENIED
                    : r->status == MHD_HTTP_TOO_MANY_REQUESTS   ? EXHAUSTED
                    : r->status == MHD_HTTP_SERVICE_UNAVAILABLE ? UNAVAILABLE
                                                                : INVALID;
    struct slice type = http_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (slice_starts(type, SLICE("application/json"))) {
        json_open_object(w);
        json_key(w, "code");
        json_u64(w, code);
        json_key(w, "message");
        detail_write(r, w);
        json_close_object(w);
        return "application/json";
    }
    enum { CODE_TAG = 1 << 3, MESSAGE_TAG = 2 << 3 | 2, VARINT_BITS = 7, VARINT_MORE = 0x80 };
    struct buf text = {0};
    detail_put(r, &text);
    buf_char(w->out, CODE_TAG);
    buf_char(w->out, (char)code);
    buf_char(w->out, MESSAGE_TAG);
    for (size_t rest = text.len; rest; rest >>= VARINT_BITS)
        buf_char(w->out, (char)((rest & (VARINT_MORE - 1)) |
                                (rest >> VARINT_BITS ? (unsigned)VARINT_MORE : 0)));
    buf_slice(w->out, buf_as_slice(&text));
    buf_free(&text);
    return "application/x-protobuf";
}

static const char *failure_write(struct http_request *r)
{
    struct json_writer w = {.out = &r->answer};
    buf_clear(&r->answer);
    if (r->found.elastic)
        return elastic_write(r, &w);
    if (r->found.endpoint && r->found.endpoint->style == HTTP_OTLP)
        return otlp_write(r, &w);
    return problem_write(r, &w);
}

/* ---- headers ---- */

static void header(struct MHD_Response *response, const char *name, const char *value)
{
    check(MHD_add_response_header(response, name, value) == MHD_YES);
}

static void allow_add(const struct http_request *r, struct MHD_Response *response)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
    struct buf text = {0};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (r->found.allowed >> i & 1)
            buf_printf(&text, "%s%s", text.len ? ", " : "", names[i]);
    header(response, MHD_HTTP_HEADER_ALLOW, buf_text(&text));
    buf_free(&text);
}

static void failure_headers(const struct http_request *r, struct MHD_Response *response)
{
    char seconds[16];
    header(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, r->vietnamese ? "vi" : "en");
    header(response, MHD_HTTP_HEADER_VARY, "Accept-Language");
    if (r->status == MHD_HTTP_UNAUTHORIZED) {
        header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
        header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"canh\"");
        header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "ApiKey");
    }
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        allow_add(r, response);
    if (r->status == MHD_HTTP_SERVICE_UNAVAILABLE || r->status == MHD_HTTP_TOO_MANY_REQUESTS) {
        (void)snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_SECONDS);
        header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
}

static void headers_add(const struct http_request *r, struct MHD_Response *response,
                        const char *type)
{
    char vendor[TYPE_BYTES];
    if (r->compatible && strcmp(type, "application/json") == 0) {
        (void)snprintf(vendor, sizeof(vendor),
                       "application/vnd.elasticsearch+json;compatible-with=%c", r->compatible);
        type = vendor;
    }
    header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    header(response, "X-Content-Type-Options", "nosniff");
    header(response, "X-Elastic-Product", "Elasticsearch"); /* clients look at every answer */
    if (!r->answer_type)
        failure_headers(r, response);
}

enum MHD_Result http_answer(struct http_request *r)
{
    struct metric *metrics = r->listener->http->metrics;
    const char *type = r->answer_type ? r->answer_type : failure_write(r);
    metric_add(&metrics[r->status < 300   ? INTAKE_HTTP_OK
                        : r->status < 500 ? INTAKE_HTTP_REFUSED
                                          : INTAKE_HTTP_FAILED],
               1);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->answer.len, r->answer.data, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    headers_add(r, response, type);
    enum MHD_Result queued = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return queued;
}
