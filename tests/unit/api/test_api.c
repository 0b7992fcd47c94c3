#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/api/api_bed.h"

static void test_open_pages(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    assert_int_equal(bed_request(&b, "GET", "/", NULL), 200);
    assert_true(bed_has(&b, "Canh keeps the watch"));
    b.language = "vi";
    assert_int_equal(bed_request(&b, "GET", "/", NULL), 200);
    assert_true(bed_has(&b, "canh gác"));
    assert_false(bed_has(&b, "<script") || bed_has(&b, " style="));
    assert_int_equal(bed_request(&b, "GET", "/page.css", NULL), 200);
    assert_int_equal(bed_request(&b, "GET", "/health", NULL), 200);
    assert_int_equal(b.asked, 0);
    b.away = true;
    assert_int_equal(bed_request(&b, "GET", "/health", NULL), 503);
    bed_close(&b);
}

static void test_unknown_things(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    assert_int_equal(bed_request(&b, "GET", "/nothing", NULL), 404);
    assert_int_equal(bed_request(&b, "GET", "/api/v1/nothing", NULL), 404);
    assert_int_equal(bed_request(&b, "GET", "/health/", NULL), 404);
    assert_int_equal(bed_request(&b, "PUT", "/health", NULL), 405);
    assert_string_equal(bed_got(&b, "Allow"), "GET, HEAD");
    assert_int_equal(bed_request(&b, "PUT", "/api/v1/session", NULL), 405);
    assert_string_equal(bed_got(&b, "Allow"), "GET, HEAD, POST, DELETE");
    assert_int_equal(bed_request(&b, "GET", "/%2e", NULL), 400);
    b.host = "evil.example";
    assert_int_equal(bed_request(&b, "GET", "/", NULL), 421);
    b.host = NULL;
    assert_int_equal(bed_request(&b, "GET", "/", NULL), 421);
    bed_close(&b);
}

static void test_problems_speak_both(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    assert_int_equal(bed_request(&b, "GET", "/api/v1/units", NULL), 401);
    assert_string_equal(b.x.response.type, "application/problem+json");
    assert_true(bed_has(&b, "\"type\":\"urn:canh:problem:not-signed-in\""));
    assert_true(bed_has(&b, "\"status\":401") && bed_has(&b, "Sign in"));
    assert_string_equal(bed_got(&b, "Content-Language"), "en");
    b.language = "vi-VN";
    assert_int_equal(bed_request(&b, "GET", "/api/v1/units", NULL), 401);
    assert_true(bed_has(&b, "đăng nhập"));
    assert_int_equal(b.asked, 0); /* nobody said who it is: the engine is left alone */
    b.away = true;
    b.cookie = "canh_session=s";
    assert_int_equal(bed_request(&b, "GET", "/api/v1/units", NULL), 503);
    assert_string_equal(bed_got(&b, "Retry-After"), "2");
    bed_close(&b);
}

static void test_secrets(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    b.cookie = "x=1; canh_session=cookie";
    assert_int_equal(bed_request(&b, "GET", "/api/v1/session", NULL), 200);
    assert_string_equal(b.secret, "cookie");
    assert_true(bed_has(&b, "\"name\":\"an\"") && bed_has(&b, "\"units\":[5,6]"));
    b.authorization = "Bearer canh_token";
    assert_int_equal(bed_request(&b, "GET", "/api/v1/session", NULL), 200);
    assert_string_equal(b.secret, "canh_token");
    b.authorization = "Basic dTpw";
    assert_int_equal(bed_request(&b, "GET", "/api/v1/session", NULL), 400);
    char long_one[REQUEST_SECRET_BYTES_MAX + 20] = "Bearer ";
    memset(long_one + 7, 'x', REQUEST_SECRET_BYTES_MAX + 1);
    b.authorization = long_one;
    assert_int_equal(bed_request(&b, "GET", "/api/v1/session", NULL), 400);
    assert_int_equal(b.asked, 0);
    b.authorization = NULL;
    b.caller.rights = 0; /* ended, or made up */
    assert_int_equal(bed_request(&b, "GET", "/api/v1/session", NULL), 401);
    bed_close(&b);
}

static void test_other_sites(void **state)
{
    (void)state;
    struct api_bed b;
    const char *body = "{\"name\":\"unit.add\"}";
    bed_open(&b);
    b.cookie = "canh_session=s";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", body), 403);
    assert_int_equal(b.asked, 0);
    b.fetch_site = "cross-site";
    assert_int_equal(bed_request(&b, "DELETE", "/api/v1/session", NULL), 403);
    b.fetch_site = "same-site";
    assert_int_equal(bed_request(&b, "DELETE", "/api/v1/session", NULL), 403);
    b.fetch_site = "same-origin";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", body), 200);
    b.fetch_site = NULL;
    b.canh_request = "1";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", body), 200);
    b.canh_request = NULL;
    b.authorization = "Bearer t";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", body), 200);
    b.type = "text/plain"; /* what a form of another site could send */
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", body), 415);
    b.type = "application/json";
    b.authorization = b.cookie = NULL;
    b.fetch_site = "cross-site"; /* signing somebody in as somebody else */
    assert_int_equal(bed_request(&b, "POST", "/api/v1/session", "{}"), 403);
    bed_close(&b);
}

static void test_signing_in(void **state)
{
    (void)state;
    struct api_bed b;
    const char *body = "{\"name\":\"an\",\"password\":\"p\",\"code\":\"123456\",\"from\":\"x\"}";
    bed_open(&b);
    b.cookie = "canh_session=old";
    b.canh_request = "1";
    b.json = "{\"session\":\"canh_new\",\"id\":4,\"user\":\"an\",\"role\":\"lead\"}";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/session", body), 200);
    assert_string_equal(bed_got(&b, "Set-Cookie"),
                        "canh_session=canh_new; Path=/; HttpOnly; SameSite=Strict");
    assert_false(bed_has(&b, "canh_new"));
    assert_true(bed_has(&b, "\"role\":\"lead\""));
    assert_int_equal(b.x.secret.len, 0);
    struct command_call call = {0};
    struct err err;
    assert_int_equal(command_unpack(&b.commands, buf_as_slice(&b.called), &call, &err), ERR_OK);
    assert_string_equal(call.command->name, "session.open");
    assert_true(slice_equal(call_text(&call, "code"), SLICE("123456")));
    assert_int_equal(call.value_count, 3); /* where from is told beside it: nobody chooses it */
    command_call_free(&call);
    b.rc = ERR_USAGE;
    b.text = "wrong";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/session", body), 401);
    assert_string_equal(bed_got(&b, "Set-Cookie"), "");
    assert_int_equal(bed_request(&b, "POST", "/api/v1/session", "{\"name\":\"an\"}"), 400);
    b.rc = ERR_OK;
    assert_int_equal(bed_request(&b, "DELETE", "/api/v1/session", NULL), 200);
    assert_string_equal(bed_got(&b, "Set-Cookie"),
                        "canh_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    bed_close(&b);
}

static void test_commands(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    b.authorization = "Bearer t";
    b.caller.rights = RIGHT_REGISTER | RIGHT_SELF;
    assert_int_equal(bed_request(&b, "GET", "/api/v1/commands", NULL), 200);
    assert_true(bed_has(&b, "\"unit.add\"") && bed_has(&b, "\"choices\":["));
    assert_false(bed_has(&b, "\"user.add\"") || bed_has(&b, "\"session.touch\""));
    b.json = "{\"id\":9}";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"unit.add\"}"), 200);
    assert_true(bed_has(&b, "{\"audit\":7,\"result\":{\"id\":9}}"));
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"user.add\"}"), 403);
    assert_int_equal(b.asked, 1); /* who; the command was not sent */
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"session.touch\"}"),
                     404);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"session.open\"}"),
                     404);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{"), 400);
    b.rc = ERR_USAGE;
    b.text = "kind cannot be that";
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"unit.add\"}"), 400);
    assert_true(bed_has(&b, "\"parameter\":\"kind\"") && bed_has(&b, "\"result\":{\"id\":9}"));
    b.denied = true;
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"unit.add\"}"), 403);
    b.denied = false;
    b.rc = ERR_NOT_FOUND;
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"unit.add\"}"), 404);
    bed_close(&b);
}

static void test_commands_of_nobody(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"invite.accept\"}"),
                     200);
    assert_int_equal(b.x.body_bytes_max, API_OPEN_BODY_BYTES_MAX);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"unit.add\"}"), 401);
    assert_int_equal(b.asked, 0);
    b.cookie = "canh_session=stale";
    b.canh_request = "1";
    b.caller.rights = 0;
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"invite.accept\"}"),
                     200);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/commands", "{\"name\":\"unit.add\"}"), 401);
    bed_close(&b);
}

static void test_searches(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    b.authorization = "Bearer t";
    b.fd = 99;
    assert_int_equal(bed_request(&b, "POST", "/api/v1/search",
                                 "{\"query\":\"--out\",\"from\":\"-24h\",\"limit\":5,"
                                 "\"oldest\":false,\"partition\":[\"a\",\"b\"]}"),
                     200);
    assert_string_equal(b.words,
                        "search|--from|-24h|--limit|5|--partition|a|--partition|b|--|--out|");
    assert_int_equal(b.x.response.stream_fd, 99);
    b.x.response.stream_fd = -1;
    assert_int_equal(bed_request(&b, "POST", "/api/v1/search", "{}"), 400);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/search", "{\"out\":\"/etc/x\"}"), 400);
    assert_true(bed_has(&b, "\"parameter\":\"out\""));
    assert_int_equal(bed_request(&b, "POST", "/api/v1/hunt", "{\"limit\":1}"), 400);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/hunt", "{\"from\":\"-1h\"}"), 200);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/hunt", "{\"hunting\":\"only\"}"), 200);
    assert_int_equal(
        bed_request(&b, "POST", "/api/v1/search", "{\"query\":\"*\",\"hunting\":\"only\"}"), 400);
    assert_int_equal(bed_request(&b, "POST", "/api/v1/export", "{\"words\":[\"-n\",\"a:b\"]}"),
                     200);
    assert_string_equal(b.words, "export|-n|a:b|");
    assert_true(b.x.response.stream_raw);
    b.caller.rights = RIGHT_READ;
    assert_int_equal(bed_request(&b, "POST", "/api/v1/search", "{\"query\":\"*\"}"), 403);
    bed_close(&b);
}

static void test_figures(void **state)
{
    (void)state;
    struct api_bed b;
    bed_open(&b);
    assert_int_equal(bed_request(&b, "GET", "/metrics", NULL), 200);
    b.from_elsewhere = true;
    assert_int_equal(bed_request(&b, "GET", "/metrics", NULL), 401);
    b.authorization = "Bearer t";
    assert_int_equal(bed_request(&b, "GET", "/metrics", NULL), 403); /* not of all units */
    b.caller.everywhere = true;
    assert_int_equal(bed_request(&b, "GET", "/metrics", NULL), 200);
    b.json = "{\"roles\":[]}";
    assert_int_equal(bed_request(&b, "GET", "/api/v1/status", NULL), 200);
    assert_true(bed_has(&b, "roles"));
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_pages),
        cmocka_unit_test(test_unknown_things),
        cmocka_unit_test(test_problems_speak_both),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_other_sites),
        cmocka_unit_test(test_signing_in),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_commands_of_nobody),
        cmocka_unit_test(test_searches),
        cmocka_unit_test(test_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
