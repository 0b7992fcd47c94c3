/* What senders are told, in both languages. */
#include "watch/intake_http_inside.h"

struct text {
    const char *en, *vi;
};

static const struct text details[] = {
    [HTTP_TEXT_ADDRESS] = {"Post events to /api/v1/ingest, /_bulk, /v1/logs, /gelf or /upload.",
                           "Hãy gửi sự kiện (POST) tới /api/v1/ingest, /_bulk, /v1/logs, /gelf "
                           "hoặc /upload."},
    [HTTP_TEXT_METHOD] = {"This address takes other methods: see the header Allow.",
                          "Địa chỉ này nhận phương thức khác: xem tiêu đề Allow."},
    [HTTP_TEXT_SOURCE] = {"The parameter `source` is not this listener's source: leave it out, or "
                          "send to the listener of that source.",
                          "Tham số `source` không phải nguồn của cổng này: hãy bỏ tham số, hoặc "
                          "gửi tới cổng của nguồn đó."},
    [HTTP_TEXT_CERTIFICATE] = {"Show a client certificate of an authority in the listener's "
                               "`client_ca_file`.",
                               "Hãy xuất trình chứng thư máy khách do CA trong `client_ca_file` "
                               "của cổng cấp."},
    [HTTP_TEXT_TOKEN] = {"Send a token: `Authorization: Bearer TOKEN`, `ApiKey`, or `Basic` with "
                         "the token as the password.",
                         "Hãy gửi kèm token: `Authorization: Bearer TOKEN`, `ApiKey`, hoặc `Basic` "
                         "với token là mật khẩu."},
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
    [HTTP_TEXT_PACKING] = {"Send the body plain or packed with gzip, deflate, zstd or snappy.",
                           "Hãy gửi nội dung không nén hoặc nén bằng gzip, deflate, zstd, snappy."},
    [HTTP_TEXT_TYPE] = {"Send newline-delimited JSON: Content-Type: application/x-ndjson.",
                        "Hãy gửi JSON, mỗi dòng một sự kiện: Content-Type: application/x-ndjson."},
    [HTTP_TEXT_TYPE_OTLP] = {"Send OTLP logs as application/x-protobuf or application/json.",
                             "Hãy gửi nhật ký OTLP dạng application/x-protobuf hoặc "
                             "application/json."},
    [HTTP_TEXT_TYPE_JOURNAL] = {"Send journal entries as application/vnd.fdo.journal.",
                                "Hãy gửi nhật ký journal dạng application/vnd.fdo.journal."},
    [HTTP_TEXT_LENGTH] = {"The body is longer than this listener takes: send less at a time.",
                          "Nội dung dài hơn mức cổng này nhận: hãy gửi ít hơn mỗi lần."},
    [HTTP_TEXT_LENGTH_UNPACKED] = {"Unpacked, the body is longer than this listener takes: send "
                                   "less at a time.",
                                   "Sau khi giải nén, nội dung dài hơn mức cổng này nhận: hãy gửi "
                                   "ít hơn mỗi lần."},
    [HTTP_TEXT_ITEMS] = {"The body has too many items: send fewer at a time.",
                         "Nội dung có quá nhiều mục: hãy gửi ít hơn mỗi lần."},
    [HTTP_TEXT_UNPACK] = {"The body is not packed as it says: send it again.",
                          "Nội dung không được nén như đã khai: hãy gửi lại."},
    [HTTP_TEXT_BODY] = {"The body cannot be read", "Không đọc được nội dung"},
    [HTTP_TEXT_EMPTY] = {"The body is empty: send events in it.",
                         "Nội dung trống: hãy gửi sự kiện trong đó."},
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
    {MHD_HTTP_FORBIDDEN, {"The sender may not do this.", "Bên gửi không được phép làm việc này."}},
    {MHD_HTTP_NOT_FOUND, {"There is no such address.", "Không có địa chỉ này."}},
    {MHD_HTTP_METHOD_NOT_ALLOWED,
     {"The address does not take this method.", "Địa chỉ này không nhận phương thức đó."}},
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

const char *http_text_detail(const struct http_request *r)
{
    return said(&details[r->text], r->vietnamese);
}

const char *http_text_title(const struct http_request *r)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (titles[i].status == r->status)
            return said(&titles[i].title, r->vietnamese);
    return "";
}
