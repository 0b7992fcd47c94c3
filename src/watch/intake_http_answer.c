/* What a sender is answered: a count, or a problem with a sentence in its language. */
#include <stdio.h>

#include "base/mem.h"
#include "formats/json.h"
#include "watch/intake_http_inside.h"

enum { RETRY_AFTER_SECONDS = 5 };

struct text {
    const char *en, *vi;
};

static const struct text details[] = {
    [HTTP_TEXT_ADDRESS] = {"Post events to /api/v1/ingest.",
                           "Hãy gửi sự kiện (POST) tới /api/v1/ingest."},
    [HTTP_TEXT_METHOD] = {"Send newline-delimited JSON with POST.",
                          "Hãy gửi JSON, mỗi dòng một sự kiện, bằng POST."},
    [HTTP_TEXT_TOKEN] = {"Send `Authorization: Bearer` and a token.",
                         "Hãy gửi kèm `Authorization: Bearer` và một mã token."},
    [HTTP_TEXT_TOKEN_UNKNOWN] = {"The token is unknown, ended or withdrawn: have a new one made "
                                 "with `canh token add`.",
                                 "Token không có, đã hết hạn hoặc đã bị thu hồi: hãy tạo token mới "
                                 "bằng `canh token add`."},
    [HTTP_TEXT_TOKEN_RIGHT] = {"The token may not send events: it needs the right `ingest`.",
                               "Token không được phép gửi sự kiện: cần quyền `ingest`."},
    [HTTP_TEXT_TOKENS] = {"Too many tokens are being checked: send the events again later.",
                          "Đang phải kiểm tra quá nhiều token: hãy gửi lại sau."},
    [HTTP_TEXT_CONNECTIONS] = {"Too many connections come from this address: send over fewer at a "
                               "time.",
                               "Quá nhiều kết nối từ địa chỉ này: hãy dùng ít kết nối hơn cùng "
                               "lúc."},
    [HTTP_TEXT_PACKING] = {"Send the body plain or packed with gzip.",
                           "Hãy gửi nội dung không nén hoặc nén bằng gzip."},
    [HTTP_TEXT_TYPE] = {"Send newline-delimited JSON: Content-Type: application/x-ndjson.",
                        "Hãy gửi JSON, mỗi dòng một sự kiện: Content-Type: application/x-ndjson."},
    [HTTP_TEXT_LENGTH] = {"The body is longer than this listener takes: send less at a time.",
                          "Nội dung dài hơn mức cổng này nhận: hãy gửi ít hơn mỗi lần."},
    [HTTP_TEXT_LENGTH_UNPACKED] = {"Unpacked, the body is longer than this listener takes: send "
                                   "less at a time.",
                                   "Sau khi giải nén, nội dung dài hơn mức cổng này nhận: hãy gửi "
                                   "ít hơn mỗi lần."},
    [HTTP_TEXT_GZIP] = {"The body says that it is gzip, and cannot be unpacked: send it again.",
                        "Nội dung khai là gzip nhưng không giải nén được: hãy gửi lại."},
    [HTTP_TEXT_HELD] = {"Too many events wait to be stored: send them again later.",
                        "Quá nhiều sự kiện đang chờ lưu: hãy gửi lại sau."},
    [HTTP_TEXT_DISK] = {"The node's disk is full: send the events again when there is room.",
                        "Ổ đĩa của nút đã đầy: hãy gửi lại khi có chỗ trống."},
    [HTTP_TEXT_RULES] = {"The rules on the node's disk changed since it read them: have the "
                         "service restarted (systemctl restart canh), then send again.",
                         "Quy tắc trên đĩa của nút đã thay đổi sau khi nạp: hãy yêu cầu khởi động "
                         "lại dịch vụ (systemctl restart canh), rồi gửi lại."},
    [HTTP_TEXT_STORE] = {"The node cannot store events now: send them again later; its log says "
                         "why.",
                         "Nút hiện không lưu được sự kiện: hãy gửi lại sau; nhật ký của nút ghi rõ "
                         "lý do."},
    [HTTP_TEXT_ENDING] = {"The node is stopping: send the events again later.",
                          "Nút đang dừng: hãy gửi lại sau."},
};

static const struct {
    unsigned status;
    struct text title;
} titles[] = {
    {MHD_HTTP_BAD_REQUEST, {"The request cannot be read.", "Không đọc được yêu cầu."}},
    {MHD_HTTP_UNAUTHORIZED, {"A token is needed.", "Cần có token."}},
    {MHD_HTTP_FORBIDDEN, {"The token may not do this.", "Token không được phép làm việc này."}},
    {MHD_HTTP_NOT_FOUND, {"There is no such address.", "Không có địa chỉ này."}},
    {MHD_HTTP_METHOD_NOT_ALLOWED, {"Events are sent by POST.", "Sự kiện được gửi bằng POST."}},
    {MHD_HTTP_CONTENT_TOO_LARGE, {"The body is too long.", "Nội dung quá dài."}},
    {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
     {"The body's type is not read here.", "Không nhận kiểu nội dung này."}},
    {MHD_HTTP_TOO_MANY_REQUESTS, {"Too much at a time.", "Quá nhiều cùng lúc."}},
    {MHD_HTTP_SERVICE_UNAVAILABLE,
     {"Events cannot be stored now.", "Hiện không lưu được sự kiện."}},
};

static const char *said(const struct text *text, bool vietnamese)
{
    return vietnamese ? text->vi : text->en;
}

void http_fail(struct http_request *r, unsigned status, enum http_text text)
{
    r->status = status;
    r->text = text;
}

static void problem_write(const struct http_request *r, struct json_writer *w)
{
    json_key(w, "type");
    json_string(w, SLICE("about:blank"));
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].status != r->status)
            continue;
        json_key(w, "title");
        json_string(w, slice_from(said(&titles[i].title, r->vietnamese)));
    }
    json_key(w, "status");
    json_u64(w, r->status);
    json_key(w, "detail");
    json_string(w, slice_from(said(&details[r->text], r->vietnamese)));
}

static void body_write(const struct http_request *r, struct buf *out)
{
    struct json_writer w = {.out = out};
    json_open_object(&w);
    if (r->status == MHD_HTTP_OK) {
        json_key(&w, "stored");
        json_u64(&w, r->stored);
        json_key(&w, "refused");
        json_u64(&w, r->refused);
    } else {
        problem_write(r, &w);
    }
    json_close_object(&w);
    buf_char(out, '\n');
}

static void header(struct MHD_Response *response, const char *name, const char *value)
{
    check(MHD_add_response_header(response, name, value) == MHD_YES);
}

static void headers_add(const struct http_request *r, struct MHD_Response *response)
{
    char seconds[16];
    header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
           r->status == MHD_HTTP_OK ? "application/json" : "application/problem+json");
    if (r->status != MHD_HTTP_OK) {
        header(response, MHD_HTTP_HEADER_CONTENT_LANGUAGE, r->vietnamese ? "vi" : "en");
        header(response, MHD_HTTP_HEADER_VARY, "Accept-Language");
    }
    header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    header(response, "X-Content-Type-Options", "nosniff");
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    if (r->status == MHD_HTTP_SERVICE_UNAVAILABLE || r->status == MHD_HTTP_TOO_MANY_REQUESTS) {
        (void)snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER_SECONDS);
        header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
}

enum MHD_Result http_answer(struct http_request *r)
{
    struct buf body = {0};
    struct metric *metrics = r->listener->http->metrics;
    metric_add(&metrics[r->status == MHD_HTTP_OK ? INTAKE_HTTP_OK
                        : r->status < 500        ? INTAKE_HTTP_REFUSED
                                                 : INTAKE_HTTP_FAILED],
               1);
    body_write(r, &body);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, body.data, MHD_RESPMEM_MUST_COPY);
    buf_free(&body);
    if (!response)
        return MHD_NO;
    headers_add(r, response);
    enum MHD_Result queued = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return queued;
}
