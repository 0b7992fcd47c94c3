#include "api/problem.h"

#include <stdio.h>

#include "formats/json.h"

const struct problem_row problem_table[PROBLEM_COUNT] = {
    [PROBLEM_BAD_REQUEST] = {400, "bad-request", "The request cannot be read",
                             "Yêu cầu không hợp lệ"},
    [PROBLEM_NOT_SIGNED_IN] = {401, "not-signed-in", "Sign in first", "Chưa đăng nhập"},
    [PROBLEM_SIGN_IN_FAILED] = {401, "sign-in-failed", "Sign-in failed",
                                "Đăng nhập không thành công"},
    [PROBLEM_FORBIDDEN] = {403, "forbidden", "Not allowed", "Không có quyền"},
    [PROBLEM_CROSS_SITE] = {403, "cross-site", "Not from this site's own pages",
                            "Không phải từ trang của hệ thống này"},
    [PROBLEM_NOT_FOUND] = {404, "not-found", "There is no such thing", "Không tìm thấy"},
    [PROBLEM_METHOD] = {405, "method", "That cannot be done there", "Phương thức không áp dụng"},
    [PROBLEM_TOO_LARGE] = {413, "too-large", "The body is too long", "Nội dung quá dài"},
    [PROBLEM_TOO_LONG] = {414, "too-long", "The address is too long", "Địa chỉ quá dài"},
    [PROBLEM_MEDIA_TYPE] = {415, "media-type", "The body is to be JSON", "Nội dung phải là JSON"},
    [PROBLEM_HOST] = {421, "host", "Not a name of this node", "Không phải tên của máy này"},
    [PROBLEM_REFUSED] = {400, "refused", "The command was refused", "Lệnh bị từ chối"},
    [PROBLEM_CONFLICT] = {409, "conflict", "Somebody else is at it", "Đang có thao tác khác"},
    [PROBLEM_FAILED] = {500, "failed", "It failed", "Thao tác bị lỗi"},
    [PROBLEM_UNAVAILABLE] = {503, "unavailable", "Not available now", "Tạm thời chưa sẵn sàng"},
    [PROBLEM_FULL] = {507, "full", "No room is left", "Hết chỗ lưu trữ"},
};

void problem_answer(struct exchange *x, enum problem problem, struct slice detail,
                    struct slice parameter)
{
    problem_answer_result(x, problem, detail, parameter, (struct slice){0});
}

void problem_answer_result(struct exchange *x, enum problem problem, struct slice detail,
                           struct slice parameter, struct slice result)
{
    const struct problem_row *row = &problem_table[problem];
    struct response *r = &x->response;
    struct json_writer w = {.out = &r->body};
    buf_clear(&r->body);
    r->status = row->status;
    r->type = "application/problem+json";
    json_open_object(&w);
    json_key(&w, "type");
    json_string(&w, arena_printf(&x->arena, "urn:canh:problem:%s", row->word));
    json_key(&w, "title");
    json_string(&w, slice_from(x->vietnamese ? row->title_vi : row->title_en));
    json_key(&w, "status");
    json_u64(&w, row->status);
    if (detail.len > 0) {
        json_key(&w, "detail");
        json_string(&w, detail);
    }
    if (parameter.len > 0) {
        json_key(&w, "parameter");
        json_string(&w, parameter);
    }
    if (result.len > 0) {
        json_key(&w, "result");
        json_raw(&w, result);
    }
    json_close_object(&w);
    buf_char(&r->body, '\n');
    response_header(r, "Content-Language", x->vietnamese ? "vi" : "en");
    if (row->status == 401)
        response_header(r, "WWW-Authenticate", "Bearer realm=\"canh\"");
    if (problem == PROBLEM_UNAVAILABLE)
        response_header(r, "Retry-After", arena_printf(&x->arena, "%d", API_RETRY_S).data);
    x->step = EXCHANGE_DONE;
}

void problem_say(struct exchange *x, enum problem problem, const char *english,
                 const char *vietnamese, ...)
{
    char detail[ERR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, vietnamese);
    if (x->vietnamese)
        (void)vsnprintf(detail, sizeof detail, vietnamese, arguments);
    else
        (void)vsnprintf(detail, sizeof detail, english, arguments);
    va_end(arguments);
    problem_answer(x, problem, slice_from(detail), (struct slice){0});
}

enum problem problem_of_code(int code)
{
    switch (code) {
    case ERR_SYNTAX:
    case ERR_USAGE:
    case ERR_UNSUPPORTED:
    case ERR_LIMIT:
        return PROBLEM_REFUSED;
    case ERR_NOT_FOUND:
        return PROBLEM_NOT_FOUND;
    case ERR_BUSY:
        return PROBLEM_CONFLICT;
    case ERR_CLOSED:
    case ERR_CANCELED:
        return PROBLEM_UNAVAILABLE;
    case ERR_FULL:
        return PROBLEM_FULL;
    default:
        return PROBLEM_FAILED;
    }
}

void problem_of_answer(struct exchange *x, const struct api_answer *answer)
{
    if (answer->away)
        problem_say(x, PROBLEM_UNAVAILABLE,
                    "The engine is starting or does not answer: ask again in a few seconds; if "
                    "this was a change, look first whether it was made",
                    "Tiến trình chính đang khởi động hoặc không trả lời: hãy thử lại sau vài giây; "
                    "nếu là thay đổi, hãy kiểm tra xem đã được thực hiện chưa");
    else if (answer->denied)
        problem_answer(x, PROBLEM_FORBIDDEN, answer->text, (struct slice){0});
    else
        problem_answer(x, problem_of_code(answer->rc), answer->text, (struct slice){0});
}
