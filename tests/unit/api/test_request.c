#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/body.h"
#include "api/request.h"
#include "base/language.h"

static int target(struct arena *arena, struct request *r, const char *text)
{
    struct err err;
    *r = (struct request){0};
    return request_target(r, arena, slice_from(text), &err);
}

static void test_targets(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct request r;
    char deep[REQUEST_TARGET_BYTES_MAX + 2];
    assert_int_equal(target(&arena, &r, "/api/v1/units?limit=5&text=S%E1%BB%9F+T&x="), ERR_OK);
    assert_true(slice_equal(r.path, SLICE("/api/v1/units")));
    assert_int_equal(r.query_count, 3);
    assert_true(slice_equal(request_query(&r, "text"), SLICE("Sở T")));
    assert_non_null(request_query(&r, "x").data);
    assert_null(request_query(&r, "y").data);
    static const char *const bad[] = {"",       "x",       "/a%2fb", "/a b",      "/?a=%",
                                      "/?a=%2", "/?a=%zz", "/?=1",   "/?a=%00",   "/?a=%ff",
                                      "/?&",    "/a\\b",   "/a\x80", "/?a=1&a=2", "*"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (target(&arena, &r, bad[i]) != ERR_SYNTAX)
            fail_msg("%s was taken", bad[i]);
    memset(deep, 'a', sizeof deep);
    deep[0] = '/';
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(target(&arena, &r, deep), ERR_LIMIT);
    assert_int_equal(
        target(&arena, &r, "/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x&y&z&1&2&3&4&5&6&7"),
        ERR_LIMIT);
    arena_free(&arena);
}

static bool ours(const char *host)
{
    return request_host_is_ours(slice_from(host), SLICE("canh.example.vn"));
}

static void test_hosts(void **state)
{
    (void)state;
    static const char *const good[] = {
        "localhost", "localhost:8480",   "127.0.0.1",       "192.0.2.1:443",
        "[::1]",     "[2001:db8::1]:80", "Canh.Example.VN", "canh.example.vn:443"};
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "localhost.evil.example",
                                      "canh.example.vn.",
                                      "127.0.0.1.evil.example",
                                      "[::1",
                                      "[evil]",
                                      "[::1]x",
                                      "localhost:",
                                      "localhost:0",
                                      "localhost:99999",
                                      "localhost:80:80",
                                      "127.0.0.1:80@evil"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!ours(good[i]))
            fail_msg("%s was refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ours(bad[i]))
            fail_msg("%s was taken", bad[i]);
    assert_false(request_host_is_ours(SLICE(""), SLICE("")));
}

static void test_cookies_and_languages(void **state)
{
    (void)state;
    struct slice name = SLICE("canh_session");
    assert_true(slice_equal(request_cookie(SLICE("a=1; canh_session=xy; b=2"), name), SLICE("xy")));
    assert_int_equal(request_cookie(SLICE("xcanh_session=xy"), name).len, 0);
    assert_int_equal(request_cookie(SLICE(""), name).len, 0);
    assert_int_equal(language_wanted(SLICE("")), -1);
    assert_int_equal(language_wanted(SLICE("fr, de;q=0.5")), -1);
    assert_int_equal(language_wanted(SLICE("fr, en;q=0.5, vi-VN;q=0.9")), 1);
    assert_int_equal(language_wanted(SLICE("en-US,vi;q=0.9")), 0);
    assert_int_equal(language_wanted(SLICE("vi;q=0")), -1);
    assert_int_equal(language_wanted(SLICE("vi;q=x")), -1);
}

static void test_bodies(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct body_command c;
    struct err err;
    struct slice json = SLICE("{\"name\":\"unit.add\",\"params\":{\"name\":\"a\\u0111\",\"n\":12,"
                              "\"yes\":true,\"none\":null,\"many\":[\"x\",\"y\"]},\"dry\":true}");
    assert_int_equal(body_command(json, &arena, &c, &err), ERR_OK);
    assert_true(slice_equal(c.name, SLICE("unit.add")) && c.dry);
    assert_int_equal(c.count, 5);
    assert_true(slice_equal(c.values[0].text, SLICE("ađ")));
    assert_true(slice_equal(c.values[1].text, SLICE("12")));
    assert_true(slice_equal(c.values[2].text, SLICE("true")));
    assert_true(slice_equal(c.values[4].name, SLICE("many")));
    assert_true(slice_equal(c.values[4].text, SLICE("y")));
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"name\":5}",
                                      "{\"name\":\"a\"",
                                      "{\"name\":\"a\"}x",
                                      "{\"name\":\"a\",\"name\":\"b\"}",
                                      "{\"name\":\"a\",\"other\":1}",
                                      "{\"name\":\"a\",\"params\":[]}",
                                      "{\"name\":\"a\",\"params\":{\"x\":{}}}",
                                      "{\"name\":\"a\",\"params\":{\"x\":[[]]}}",
                                      "{\"name\":\"a\",\"params\":{\"x\":[1,}}",
                                      "{\"name\":\"a\",\"dry\":\"yes\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (body_command(slice_from(bad[i]), &arena, &c, &err) != ERR_SYNTAX)
            fail_msg("%s was taken", bad[i]);
    struct buf many = {0};
    buf_string(&many, "{\"name\":\"a\",\"params\":{\"x\":[0");
    for (uint32_t i = 0; i < COMMAND_VALUES_MAX; i++)
        buf_string(&many, ",1");
    buf_string(&many, "]}}");
    assert_int_equal(body_command(buf_as_slice(&many), &arena, &c, &err), ERR_LIMIT);
    buf_free(&many);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_cookies_and_languages),
        cmocka_unit_test(test_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
