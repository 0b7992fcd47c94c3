/* Every route and every command, with nobody, with each role, with all units, with its own and with
 * a foreign one: what must come of it is reckoned from the tables only. Commands run for real on a
 * state of their own where a foreign unit is asked for; elsewhere they end before their handler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <ftw.h>
#include <unistd.h>

#include "api/route.h"
#include "formats/json.h"
#include "program/cli_node.h"
#include "program/commands.h"
#include "state/sheet.h"
#include "state/state.h"

#define NOW_NS (1790000000 * CLOCK_SECOND_NS)
enum { OWN_UNIT = 1, FOREIGN_UNIT = 2 };

static char folder[64];
static struct state *state;
static struct api *api;
static bool runs;             /* commands to their end */
static struct caller asker;   /* rights 0: nobody */
static bool handled, refused; /* the command got as far as its handler would; or was denied */

/* ---- an engine that answers at once ---- */

static bool is_there(void *context)
{
    (void)context;
    return true;
}

static void who(void *context, struct exchange *x, api_answered *done)
{
    struct api_answer a = {.fd = -1, .caller = &asker};
    (void)context;
    a.rc = asker.rights ? ERR_OK : ERR_NOT_FOUND;
    done(x, &a);
}

static void call(void *context, struct exchange *x, struct slice packed, bool dry,
                 api_answered *done)
{
    struct api_answer a = {.fd = -1};
    struct command_call c = {.now_ns = NOW_NS};
    struct command_call *calls[] = {&c};
    struct err err = {0};
    (void)context;
    (void)dry;
    a.rc = command_unpack(&commands, packed, &c, &err);
    c.caller = asker;
    c.state = state;
    if (a.rc == ERR_OK)
        a.rc = command_check(&c, &err);
    a.denied = c.denied;
    handled = a.rc == ERR_OK;
    if (a.rc == ERR_OK && runs) {
        if (c.command->prepare)
            state_prepare(state, &c);
        assert_int_equal(state_execute(state, calls, 1, NOW_NS, &err), ERR_OK);
        a.rc = c.rc;
        a.denied = c.denied;
        err = c.err;
    }
    refused = a.rc != ERR_OK;
    a.text = slice_from(err.text);
    a.json = buf_as_slice(&c.result);
    done(x, &a);
    command_call_free(&c);
}

static void ask(void *context, struct exchange *x, const char *kind, const struct slice *words,
                uint32_t count, api_answered *done)
{
    struct api_answer a = {.fd = -1, .rc = ERR_USAGE};
    (void)context;
    (void)kind;
    (void)words;
    (void)count;
    done(x, &a);
}

static void plain(void *context, struct exchange *x, api_answered *done)
{
    struct api_answer a = {.fd = -1, .json = SLICE("{}")};
    (void)context;
    done(x, &a);
}

/* ---- values for any command ---- */

static void put_sheet(const char *command, struct json_writer *w)
{
    uint32_t count;
    const struct sheet_column *columns = sheet_columns(command, &count);
    struct buf csv = {0};
    assert_non_null(columns);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(&csv, "%s%s", i ? "," : "", columns[i].heads[0]);
    buf_char(&csv, '\n');
    json_string(w, buf_as_slice(&csv));
    buf_free(&csv);
}

/* Required ones, and references, which are of the foreign unit, if wanted. */
static void put_value(const struct command *c, const struct param *p, struct json_writer *w)
{
    struct slice rest = slice_from(p->choices);
    char text[40];
    json_key(w, p->name);
    switch (p->kind) {
    case PARAM_CHOICE:
        json_string(w, slice_cut(&rest, '|'));
        break;
    case PARAM_NUMBER:
        json_u64(w, p->min);
        break;
    case PARAM_BOOL:
        json_bool(w, true);
        break;
    case PARAM_DATE:
        json_string(w, SLICE("2026-11-22"));
        break;
    case PARAM_DURATION:
        json_string(w, SLICE("1d"));
        break;
    case PARAM_REF:
        (void)snprintf(text, sizeof text, "%s-f", p->ref);
        json_string(w, slice_from(text));
        break;
    case PARAM_SHEET:
        put_sheet(c->name, w);
        break;
    default:
        json_string(w, SLICE("walk"));
    }
}

static void put_call(const struct command *c, bool references, struct buf *out)
{
    struct json_writer w = {.out = out};
    buf_clear(out);
    json_open_object(&w);
    json_key(&w, "name");
    json_string(&w, slice_from(c->name));
    json_key(&w, "params");
    json_open_object(&w);
    for (uint32_t i = 0; i < c->param_count; i++)
        if (c->params[i].required || (references && c->params[i].kind == PARAM_REF))
            put_value(c, &c->params[i], &w);
    json_close_object(&w);
    json_close_object(&w);
}

/* ---- asking ---- */

static unsigned request(enum request_method method, const char *path, struct slice body,
                        struct buf *answer)
{
    struct exchange x;
    struct err err;
    exchange_open(&x, api);
    x.request.method = method;
    x.request.host = SLICE("localhost");
    x.request.from = SLICE("192.0.2.7");
    x.request.content_type = SLICE("application/json");
    if (asker.rights)
        x.request.authorization = SLICE("Bearer somebody");
    assert_int_equal(request_target(&x.request, &x.arena, slice_from(path), &err), ERR_OK);
    api_begin(&x);
    if (x.step == EXCHANGE_BODY) {
        x.request.body = body;
        api_body(&x);
    }
    assert_int_equal(x.step, EXCHANGE_DONE);
    unsigned status = x.response.status;
    if (answer) {
        buf_clear(answer);
        buf_slice(answer, buf_as_slice(&x.response.body));
    }
    exchange_close(&x);
    return status;
}

static struct caller caller_of(const struct role_row *role, bool everywhere)
{
    static const uint64_t own[] = {OWN_UNIT};
    return (struct caller){.kind = CALLER_SESSION,
                           .user_id = 1000,
                           .name = SLICE("walker"),
                           .from = SLICE("192.0.2.7"),
                           .rights = role->rights,
                           .everywhere = everywhere,
                           .units = own,
                           .unit_count = 1};
}

/* 401, 403, or 0: neither. */
static unsigned barrier(unsigned status)
{
    return status == 401 || status == 403 ? status : 0;
}

static void walk_route(const struct route *r, const struct listing *l, const char *path)
{
    struct buf answer = {0};
    bool open = r->flags & (ROUTE_OPEN | ROUTE_OPTIONAL);
    unsigned right = l ? l->right : r->right;
    bool node_wide = l ? !l->unit && !l->own : (r->flags & ROUTE_EVERYWHERE) != 0;
    asker = (struct caller){0};
    if (strcmp(path, "/api/v1/session") != 0 || r->method != METHOD_POST)
        assert_int_equal(barrier(request(r->method, path, SLICE("{}"), NULL)), open ? 0 : 401);
    for (int i = 0; i < ROLE_COUNT * 2; i++) {
        asker = caller_of(&role_table[i / 2], i % 2);
        bool may = open || (caller_may(&asker, right) && (!node_wide || asker.everywhere));
        bool scoped = l && !asker.everywhere;
        unsigned status = request(r->method, path, SLICE("{}"), &answer);
        if (barrier(status) != (may ? 0u : 403u))
            fail_msg("%s as %s%s: %u", path, role_table[i / 2].name, i % 2 ? "" : " of a unit",
                     status);
        if (l && may && status != 200)
            fail_msg("%s: %u %s", path, status, buf_text(&answer));
        if (scoped && slice_find(buf_as_slice(&answer), SLICE("-f\"")) != SLICE_NONE)
            fail_msg("%s shows a foreign unit: %s", path, buf_text(&answer));
    }
    buf_free(&answer);
}

static void test_routes(void **unused)
{
    (void)unused;
    char path[100];
    for (uint32_t i = 0; i < route_count; i++) {
        const struct route *r = &route_table[i];
        assert_true(r->summary_en[0] && r->summary_vi[0] && r->handle);
        if (!(r->flags & ROUTE_LISTING))
            walk_route(r, NULL, r->path);
        for (uint32_t k = 0; r->flags & ROUTE_LISTING && k < listings.count; k++) {
            (void)snprintf(path, sizeof path, "/api/v1/%s", listings.listings[k]->name);
            walk_route(r, listings.listings[k], path);
        }
    }
}

static void test_rows_are_whole(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < commands.count; i++) {
        const struct command *c = commands.commands[i];
        const char *dot = strchr(c->name, '.');
        char noun[COMMAND_NAME_BYTES_MAX] = "";
        if (!dot || !c->title_en || !c->title_vi || !c->title_en[0] || !c->title_vi[0])
            fail_msg("%s has no verb or no title", c->name);
        (void)snprintf(noun, sizeof noun, "%.*s", (int)(dot - c->name), c->name);
        if (!(c->flags & COMMAND_INTERNAL) && !cli_state_has(noun))
            fail_msg("canh %s is no command of the command line", noun);
        if (!c->right && !(c->flags & (COMMAND_OPEN | COMMAND_INTERNAL)))
            fail_msg("%s needs no right", c->name);
    }
    for (uint32_t i = 0; i < listings.count; i++) {
        const struct listing *l = listings.listings[i];
        if (!l->title_en[0] || !l->title_vi[0] || !l->right || !cli_state_has(l->noun))
            fail_msg("the listing %s lacks a title, a right or its noun", l->name);
    }
}

static void test_commands(void **unused)
{
    (void)unused;
    struct buf body = {0}, answer = {0};
    runs = false;
    for (uint32_t i = 0; i < commands.count; i++) {
        const struct command *c = commands.commands[i];
        bool elsewhere =
            c->flags & (COMMAND_INTERNAL | COMMAND_LOCAL) || strcmp(c->name, "session.open") == 0;
        put_call(c, false, &body);
        for (int k = -1; k < ROLE_COUNT * 2; k++) {
            asker = k < 0 ? (struct caller){0} : caller_of(&role_table[k / 2], k % 2);
            bool may =
                c->flags & COMMAND_OPEN || (k >= 0 && caller_may(&asker, c->right) &&
                                            (asker.everywhere || !(c->flags & COMMAND_EVERYWHERE)));
            unsigned want = elsewhere ? 404 : may ? 200 : k < 0 ? 401 : 403;
            handled = false;
            unsigned status =
                request(METHOD_POST, "/api/v1/commands", buf_as_slice(&body), &answer);
            if (status != want || handled != (want == 200))
                fail_msg("%s as %d: %u, not %u: %s", c->name, k, status, want, buf_text(&answer));
        }
    }
    buf_free(&body);
    buf_free(&answer);
}

/* With all rights, but of one unit only: what another unit has is as if it were not there. */
static void test_foreign_units(void **unused)
{
    (void)unused;
    static const struct role_row all = {.name = "all", .rights = RIGHT_ALL};
    struct buf body = {0}, answer = {0};
    runs = true;
    uint32_t walked = 0;
    for (uint32_t i = 0; i < commands.count; i++) {
        const struct command *c = commands.commands[i];
        bool refers = false;
        for (uint32_t k = 0; k < c->param_count; k++)
            refers |= c->params[k].kind == PARAM_REF;
        if (!refers || c->flags & (COMMAND_INTERNAL | COMMAND_LOCAL | COMMAND_OPEN))
            continue;
        put_call(c, true, &body);
        asker = caller_of(&all, false);
        unsigned status = request(METHOD_POST, "/api/v1/commands", buf_as_slice(&body), &answer);
        if ((status != 403 && status != 404) || !refused)
            fail_msg("%s of a foreign unit: %u %s", c->name, status, buf_text(&answer));
        walked++;
    }
    assert_true(walked > 8);
    buf_free(&body);
    buf_free(&answer);
}

/* ---- the state ---- */

static void make(const char *command, const char *params)
{
    struct buf body = {0}, answer = {0};
    runs = true;
    asker = (struct caller){
        .kind = CALLER_SESSION, .name = SLICE("maker"), .rights = RIGHT_ALL, .everywhere = true};
    buf_printf(&body, "{\"name\":\"%s\",\"params\":%s}", command, params);
    if (request(METHOD_POST, "/api/v1/commands", buf_as_slice(&body), &answer) != 200)
        fail_msg("%s: %s", command, buf_text(&answer));
    buf_free(&body);
    buf_free(&answer);
}

static int begin(void **unused)
{
    struct err err;
    (void)unused;
    (void)snprintf(folder, sizeof folder, "/tmp/canh-walk-XXXXXX");
    assert_non_null(mkdtemp(folder));
    struct state_options options = {.data = folder, .table = &commands, .now_ns = NOW_NS};
    if (state_open(&state, &options, &err))
        fail_msg("%s", err.text);
    struct api_options api_options = {.commands = &commands,
                                      .listings = &listings,
                                      .engine = {NULL, is_there, who, call, ask, plain, plain},
                                      .data = folder,
                                      .body_bytes_max = 1 << 20};
    api = api_open(&api_options);
    make("unit.add", "{\"name\":\"unit-o\",\"title\":\"o\"}");
    make("unit.add", "{\"name\":\"unit-f\",\"title\":\"f\"}");
    make("system.add",
         "{\"name\":\"system-f\",\"title\":\"f\",\"unit\":\"unit-f\",\"level\":\"3\"}");
    make("host.add", "{\"name\":\"host-f\",\"unit\":\"unit-f\"}");
    make("user.add",
         "{\"name\":\"user-f\",\"title\":\"f\",\"role\":\"officer\",\"unit\":[\"unit-f\"],"
         "\"home\":\"unit-f\"}");
    make("token.add", "{\"name\":\"token-f\",\"right\":[\"read\"],\"expires\":\"1d\","
                      "\"user\":\"user-f\"}");
    return 0;
}

static int entry_remove(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static int end(void **unused)
{
    (void)unused;
    api_close(&api);
    state_close(&state);
    return nftw(folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_foreign_units),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
