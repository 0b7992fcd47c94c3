#include <pthread.h>

#include "api/problem.h"
#include "api/route.h"
#include "base/language.h"
#include "base/mem.h"
#include "state/state.h"

struct api {
    struct api_options options;
    pthread_mutex_t lock; /* of what follows */
    struct database *idle[API_READERS_MAX];
    uint32_t idle_count;
    uint32_t taken; /* of this generation */
    bool forget;    /* those that are out are older than the newest engine */
};

struct api *api_open(const struct api_options *options)
{
    struct api *api = mem_zeroed(1, sizeof *api);
    api->options = *options;
    check(pthread_mutex_init(&api->lock, NULL) == 0);
    return api;
}

void api_close(struct api **api)
{
    if (!*api)
        return;
    api_forget_readers(*api);
    (void)pthread_mutex_destroy(&(*api)->lock);
    mem_free(*api);
    *api = NULL;
}

const struct api_options *api_options(const struct api *api)
{
    return &api->options;
}

void api_forget_readers(struct api *api)
{
    (void)pthread_mutex_lock(&api->lock);
    while (api->idle_count > 0)
        database_close(&api->idle[--api->idle_count]);
    api->forget = api->taken > 0;
    (void)pthread_mutex_unlock(&api->lock);
}

int api_reader_take(struct api *api, struct database **out, struct err *err)
{
    int rc = ERR_OK;
    *out = NULL;
    (void)pthread_mutex_lock(&api->lock);
    if (api->idle_count > 0)
        *out = api->idle[--api->idle_count];
    api->taken++;
    (void)pthread_mutex_unlock(&api->lock);
    if (!*out)
        rc = state_read_open(out, api->options.data, err);
    if (rc)
        api_reader_give(api, NULL, true);
    return rc;
}

void api_reader_give(struct api *api, struct database *db, bool broken)
{
    (void)pthread_mutex_lock(&api->lock);
    api->taken--;
    if (!broken && !api->forget && api->idle_count < API_READERS_MAX) {
        api->idle[api->idle_count++] = db;
        db = NULL;
    }
    if (api->taken == 0)
        api->forget = false;
    (void)pthread_mutex_unlock(&api->lock);
    if (db)
        database_close(&db);
}

void exchange_open(struct exchange *x, struct api *api)
{
    *x = (struct exchange){.api = api};
    x->response.stream_fd = -1;
}

void exchange_close(struct exchange *x)
{
    if (x->response.body.data)
        explicit_bzero(x->response.body.data, x->response.body.len);
    buf_free(&x->response.body);
    arena_free(&x->arena);
}

static void api_methods(struct exchange *x, unsigned methods)
{
    response_header(
        &x->response, "Allow",
        arena_printf(&x->arena, "%s%s%s", methods & METHOD_GET ? "GET, HEAD" : "",
                     methods & METHOD_POST ? methods & METHOD_GET ? ", POST" : "POST" : "",
                     methods & METHOD_DELETE ? ", DELETE" : "")
            .data);
    problem_say(x, PROBLEM_METHOD, "This address takes %s only", "Địa chỉ này chỉ nhận %s",
                x->response.headers[0].value);
}

/* It may be answered: at once, or behind its body. */
static void api_go_on(struct exchange *x)
{
    if (x->route->method != METHOD_POST) {
        x->route->handle(x);
        return;
    }
    if (!slice_starts(x->request.content_type, SLICE(RESPONSE_JSON))) {
        problem_say(x, PROBLEM_MEDIA_TYPE, "Send the header Content-Type: %s",
                    "Hãy gửi tiêu đề Content-Type: %s", RESPONSE_JSON);
        return;
    }
    x->body_bytes_max = x->api->options.body_bytes_max;
    if (!x->signed_in && x->body_bytes_max > API_OPEN_BODY_BYTES_MAX)
        x->body_bytes_max = API_OPEN_BODY_BYTES_MAX;
    x->step = EXCHANGE_BODY;
}

static void api_not_signed_in(struct exchange *x)
{
    problem_say(x, PROBLEM_NOT_SIGNED_IN,
                "Sign in (POST /api/v1/session), or send a token that is valid: Authorization: "
                "Bearer",
                "Hãy đăng nhập (POST /api/v1/session) hoặc gửi mã truy cập còn hiệu lực: "
                "Authorization: Bearer");
}

static void api_keep_caller(struct exchange *x, const struct caller *caller)
{
    uint64_t *units = arena_alloc(&x->arena, caller->unit_count * sizeof *units);
    if (caller->unit_count > 0)
        memcpy(units, caller->units, caller->unit_count * sizeof *units);
    x->caller = *caller;
    x->caller.name = arena_copy(&x->arena, caller->name);
    x->caller.from = arena_copy(&x->arena, caller->from);
    x->caller.units = units;
}

static void api_known(struct exchange *x, const struct api_answer *answer)
{
    const struct route *route = x->route;
    unsigned right = x->listing ? x->listing->right : route->right;
    bool nobody = answer->rc == ERR_NOT_FOUND && !answer->away;
    if (answer->rc == ERR_LIMIT && !answer->away) {
        problem_say(x, PROBLEM_FORBIDDEN,
                    "You are for more than %d units, which is the limit: an administrator gives "
                    "you fewer, or all",
                    "Bạn được giao quá %d đơn vị, là giới hạn: quản trị hãy giao ít hơn, hoặc giao "
                    "toàn bộ đơn vị",
                    CALLER_UNITS_MAX);
        return;
    }
    if ((answer->rc || answer->away) && !nobody) {
        problem_of_answer(x, answer);
        return;
    }
    if (nobody && !(route->flags & ROUTE_OPTIONAL)) {
        api_not_signed_in(x);
        return;
    }
    if (nobody) {
        api_go_on(x);
        return;
    }
    api_keep_caller(x, answer->caller);
    x->signed_in = true;
    if (x->caller.kind == CALLER_SESSION || !x->request.accept_language.data)
        x->vietnamese = x->caller.vietnamese;
    x->caller.vietnamese = x->vietnamese;
    bool node_wide =
        x->listing ? !x->listing->unit && !x->listing->own : (route->flags & ROUTE_EVERYWHERE) != 0;
    if (!caller_may(&x->caller, right) || (node_wide && !x->caller.everywhere)) {
        problem_say(x, PROBLEM_FORBIDDEN,
                    "Your role or token has no right to this: ask an administrator",
                    "Vai trò hoặc mã truy cập của bạn không có quyền này: hãy hỏi quản trị viên");
        return;
    }
    api_go_on(x);
}

void api_begin(struct exchange *x)
{
    const struct api_options *options = &x->api->options;
    struct request *r = &x->request;
    unsigned methods;
    x->vietnamese = language_wanted(r->accept_language) > 0;
    if (!request_host_is_ours(r->host, options->name)) {
        problem_say(x, PROBLEM_HOST,
                    "Use the node's address, or set web.name in canh.yaml to the name that you use",
                    "Hãy dùng địa chỉ của máy, hoặc đặt web.name trong canh.yaml là tên đang dùng");
        return;
    }
    x->route = route_find(options->listings, r->method, r->path, &x->listing, &methods);
    if (!x->route && methods) {
        api_methods(x, methods);
        return;
    }
    if (!x->route) {
        problem_say(x, PROBLEM_NOT_FOUND, "There is nothing at this address",
                    "Không có gì ở địa chỉ này");
        return;
    }
    session_secret(x);
    if (x->step == EXCHANGE_DONE)
        return;
    if (r->method != METHOD_GET && !session_same_site(x)) {
        problem_say(x, PROBLEM_CROSS_SITE,
                    "Changes by cookie need the header Canh-Request: 1, so that no other site's "
                    "page can make them",
                    "Thay đổi bằng cookie phải có tiêu đề Canh-Request: 1, để trang của nơi khác "
                    "không thể gửi thay");
        return;
    }
    bool open = x->route->flags & ROUTE_OPEN || (x->route->flags & ROUTE_LOOPBACK && r->loopback) ||
                (x->route->flags & ROUTE_OPTIONAL && x->secret.len == 0);
    if (open) {
        api_go_on(x);
    } else if (x->secret.len == 0) {
        api_not_signed_in(x);
    } else {
        x->step = EXCHANGE_ASKING;
        options->engine.who(options->engine.context, x, api_known);
    }
}

void api_body(struct exchange *x)
{
    x->route->handle(x);
}

void api_too_long(struct exchange *x)
{
    problem_say(x, PROBLEM_TOO_LARGE, "At most %zu bytes are taken here",
                "Ở đây chỉ nhận tối đa %zu byte", x->body_bytes_max);
}

void api_busy(struct exchange *x)
{
    problem_say(x, PROBLEM_UNAVAILABLE, "Too many results are being read: ask again later",
                "Đang có quá nhiều lượt đọc kết quả: hãy thử lại sau");
}

void api_bad_request(struct exchange *x, const struct err *err)
{
    problem_answer(x, err->code == ERR_LIMIT ? PROBLEM_TOO_LONG : PROBLEM_BAD_REQUEST,
                   slice_from(err->text), (struct slice){0});
}
