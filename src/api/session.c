/* Signing in and out, and who it is. The session's secret lives in a cookie that no script reads.
 * Passwords and codes are the engine's business. */
#include "api/body.h"
#include "api/problem.h"
#include "api/route.h"
#include "formats/json.h"

void session_secret(struct exchange *x)
{
    const struct request *r = &x->request;
    struct slice scheme = r->authorization;
    if (scheme.data) {
        struct slice token = scheme;
        scheme = slice_cut(&token, ' ');
        if (slice_equal_nocase(scheme, SLICE("Bearer")))
            x->secret = slice_trim(token);
        if (x->secret.len == 0)
            problem_say(x, PROBLEM_BAD_REQUEST, "Authorization is to be: Bearer and a token",
                        "Authorization phải là: Bearer và mã truy cập");
    } else if (r->cookie.data) {
        x->secret = request_cookie(r->cookie, SLICE(SESSION_COOKIE));
        x->by_cookie = x->secret.len > 0;
    }
    if (x->secret.len > REQUEST_SECRET_BYTES_MAX)
        problem_say(x, PROBLEM_BAD_REQUEST, "The token is longer than tokens are",
                    "Mã truy cập dài hơn mức cho phép");
}

bool session_same_site(const struct exchange *x)
{
    const struct request *r = &x->request;
    if (x->secret.len > 0 && !x->by_cookie)
        return true; /* no page of another site can know a token */
    if (slice_equal(r->canh_request, SLICE("1")))
        return true; /* nor send this header without being asked for leave, which is not given */
    if (r->fetch_site.data)
        return slice_equal(r->fetch_site, SLICE("same-origin"));
    return !x->by_cookie;
}

/* The text of a member of an answer of the engine, which is ours; the empty slice: not there. */
static struct slice session_member(struct exchange *x, struct slice json, const char *name)
{
    struct command_value *values;
    uint32_t count;
    if (body_values(json, &x->arena, &values, &count, NULL))
        return (struct slice){"", 0};
    return body_value(values, count, name);
}

static void session_cookie(struct exchange *x, struct slice secret, bool ends)
{
    response_header(&x->response, "Set-Cookie",
                    arena_printf(&x->arena,
                                 SESSION_COOKIE "=%.*s; Path=/; HttpOnly; SameSite=Strict%s%s",
                                 (int)secret.len, secret.data, x->request.tls ? "; Secure" : "",
                                 ends ? "; Max-Age=0" : "")
                        .data);
}

static void session_begun(struct exchange *x, const struct api_answer *answer)
{
    struct slice secret = {0};
    if (answer->away || (answer->rc && problem_of_code(answer->rc) == PROBLEM_FAILED)) {
        problem_of_answer(x, answer);
        return;
    }
    if (answer->rc == ERR_OK)
        secret = session_member(x, answer->json, "session");
    if (secret.len == 0) {
        problem_answer(x, PROBLEM_SIGN_IN_FAILED, answer->text, (struct slice){0});
        return;
    }
    session_cookie(x, secret, false);
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    static const char *const told[] = {"user", "title", "role", "language", "expires"};
    struct json_writer w = {.out = &x->response.body};
    json_open_object(&w);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct slice text = session_member(x, answer->json, told[i]);
        json_key(&w, told[i]);
        json_string(&w, text);
    }
    json_close_object(&w);
    buf_char(&x->response.body, '\n');
    x->step = EXCHANGE_DONE;
}

static void session_call(struct exchange *x, const char *command,
                         const struct command_value *values, uint32_t count, api_answered *done)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    struct buf packed = {0};
    command_pack(slice_from(command), values, count, false, &packed);
    x->step = EXCHANGE_ASKING;
    engine->call(engine->context, x, buf_as_slice(&packed), false, done);
    explicit_bzero(packed.data, packed.len);
    buf_free(&packed);
}

void session_begin(struct exchange *x)
{
    struct command_value *values, sent[3];
    uint32_t count, at = 0;
    struct err err;
    if (body_values(x->request.body, &x->arena, &values, &count, &err)) {
        problem_answer(x, PROBLEM_BAD_REQUEST, slice_from(err.text), (struct slice){0});
        return;
    }
    static const char *const members[3] = {"name", "password", "code"};
    for (uint32_t i = 0; i < 3; i++) {
        struct slice value = body_value(values, count, members[i]);
        if (value.len > 0)
            sent[at++] = (struct command_value){slice_from(members[i]), value};
        else if (i < 2) {
            problem_say(x, PROBLEM_BAD_REQUEST, "%s is missing", "Thiếu %s", members[i]);
            return;
        }
    }
    x->secret = (struct slice){"", 0}; /* whoever signs in is nobody yet */
    session_call(x, "session.open", sent, at, session_begun);
}

static void session_ended(struct exchange *x, const struct api_answer *answer)
{
    if (answer->rc && answer->rc != ERR_NOT_FOUND) {
        problem_of_answer(x, answer);
        return;
    }
    session_cookie(x, SLICE(""), true);
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    buf_string(&x->response.body, "{}\n");
    x->step = EXCHANGE_DONE;
}

void session_end(struct exchange *x)
{
    session_call(x, "session.close", NULL, 0, session_ended);
}

/* Role, full name and units' names, as far as the state can be read now. */
static void session_names(struct exchange *x, struct json_writer *w)
{
    struct database *db;
    struct err err;
    if (api_reader_take(x->api, &db, &err))
        return;
    struct statement *s = statement_get(db, "SELECT title, role FROM user WHERE id = ?1");
    statement_u64(s, 1, x->caller.user_id);
    int rc = statement_step(s, &err);
    if (rc == ERR_OK) {
        json_key(w, "title");
        json_string(w, statement_column_text(s, 0));
        json_key(w, "role");
        json_string(w, statement_column_text(s, 1));
    }
    statement_reset(s);
    api_reader_give(x->api, db, rc && rc != ERR_END);
}

void session_show(struct exchange *x)
{
    const struct caller *caller = &x->caller;
    struct json_writer w = {.out = &x->response.body};
    json_open_object(&w);
    json_key(&w, "name");
    json_string(&w, caller->name);
    json_key(&w, "by");
    json_string(&w, caller->kind == CALLER_TOKEN ? SLICE("token") : SLICE("session"));
    session_names(x, &w);
    json_key(&w, "language");
    json_string(&w, caller->vietnamese ? SLICE("vi") : SLICE("en"));
    json_key(&w, "rights");
    json_open_array(&w);
    for (uint32_t i = 0; i < RIGHT_COUNT; i++)
        if (caller->rights & right_table[i].right)
            json_string(&w, slice_from(right_table[i].name));
    json_close_array(&w);
    json_key(&w, "everywhere");
    json_bool(&w, caller->everywhere);
    json_key(&w, "units");
    json_open_array(&w);
    for (uint32_t i = 0; i < caller->unit_count; i++)
        json_u64(&w, caller->units[i]);
    json_close_array(&w);
    json_close_object(&w);
    buf_char(&x->response.body, '\n');
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    x->step = EXCHANGE_DONE;
}
