/* HTTP listeners' table of endpoints, and the ways to show a token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "watch/intake_http_inside.h"

static struct http_found find(enum http_method method, const char *path)
{
    struct http_found found;
    http_route_find(method, slice_from(path), &found);
    return found;
}

static void is_at(enum http_method method, const char *path, const char *row)
{
    struct http_found found = find(method, path);
    assert_non_null(found.endpoint);
    assert_string_equal(found.endpoint->path, row);
}

static void test_addresses(void **state)
{
    (void)state;
    is_at(HTTP_POST, "/api/v1/ingest", "/api/v1/ingest");
    is_at(HTTP_POST, "/_bulk", "/_bulk");
    is_at(HTTP_PUT, "/logs/_bulk", "/{index}/_bulk");
    is_at(HTTP_POST, "/_data_stream/logs-x/_bulk", "/_data_stream/{}/_bulk");
    is_at(HTTP_POST, "/logs/_doc", "/{index}/_doc");
    is_at(HTTP_PUT, "/logs/_create/_7", "/{index}/_create/{}");
    is_at(HTTP_GET, "/", "/");
    is_at(HTTP_HEAD, "", "/");
    is_at(HTTP_GET, "/_nodes", "/_nodes/*");
    is_at(HTTP_GET, "/_nodes/http", "/_nodes/*");
    is_at(HTTP_GET, "/_ingest/pipeline/a", "/_ingest/*");
    is_at(HTTP_PUT, "/_ingest/pipeline/a", "/_ingest/pipeline/{}");
    is_at(HTTP_HEAD, "/logs", "/{index}");
    struct http_found found = find(HTTP_POST, "/logs/_doc/7");
    assert_true(slice_equal(found.params[0], SLICE("logs")));
    assert_true(slice_equal(found.params[1], SLICE("7")));
}

static void test_addresses_below_es(void **state)
{
    (void)state;
    is_at(HTTP_POST, "/es/_bulk", "/_bulk");
    is_at(HTTP_POST, "//es//_bulk/", "/_bulk");
    is_at(HTTP_POST, "/es_bulk", "/_bulk");
    is_at(HTTP_POST, "/es_data_stream/x/_bulk", "/_data_stream/{}/_bulk");
    is_at(HTTP_GET, "/es", "/");
    is_at(HTTP_GET, "/es/", "/");
    is_at(HTTP_POST, "/es/logs/_bulk", "/{index}/_bulk");
    assert_true(slice_equal(find(HTTP_POST, "/es/logs/_bulk").params[0], SLICE("logs")));
}

static void test_no_such_address(void **state)
{
    (void)state;
    assert_int_equal(find(HTTP_GET, "/other").allowed, 0);
    assert_int_equal(find(HTTP_POST, "/v1/traces").allowed, 0);
    assert_int_equal(find(HTTP_POST, "/_other").allowed, 0);
    assert_true(find(HTTP_POST, "/_other").elastic);
    assert_false(find(HTTP_GET, "/other").elastic);
    assert_int_equal(find(HTTP_POST, "/1/2/3/4/5/6/7/8/9/_bulk").allowed, 0);
    /* a known address, by another method: no index of that name */
    struct http_found found = find(HTTP_PUT, "/gelf");
    assert_null(found.endpoint);
    assert_int_equal(found.allowed, HTTP_POST);
    found = find(HTTP_GET, "/_bulk");
    assert_null(found.endpoint);
    assert_int_equal(found.allowed, HTTP_POST | HTTP_PUT);
    assert_true(found.elastic);
}

/* Each row can be reached, and has one way to answer. */
static void test_rows(void **state)
{
    (void)state;
    for (const struct http_endpoint *e = http_endpoints; e->path; e++) {
        assert_true((e->run != NULL) != (e->answer != NULL));
        for (unsigned method = HTTP_GET; method < HTTP_OTHER; method <<= 1) {
            struct buf path = {0};
            if (!(e->methods & method))
                continue;
            for (const char *at = e->path; *at; at++) {
                if (*at == '*')
                    continue;
                if (*at == '{') {
                    buf_string(&path, "name");
                    at = strchr(at, '}');
                } else {
                    buf_char(&path, *at);
                }
            }
            is_at((enum http_method)method, buf_text(&path), e->path);
            buf_free(&path);
        }
    }
}

static void shows(const char *authorization, const char *secret)
{
    char out[HTTP_SECRET_BYTES];
    bool holds = http_identity_secret(slice_from(authorization), out);
    assert_int_equal(holds, secret != NULL);
    if (secret)
        assert_string_equal(out, secret);
}

static void encoded(const char *scheme, const char *plain, const char *secret)
{
    struct buf header = {0};
    buf_string(&header, scheme);
    buf_char(&header, ' ');
    text_base64(&header, slice_from(plain));
    shows(buf_text(&header), secret);
    buf_free(&header);
}

static void test_tokens(void **state)
{
    (void)state;
    shows("Bearer canh_abc", "canh_abc");
    shows("bearer   canh_abc ", "canh_abc");
    shows("ApiKey canh_abc", "canh_abc");
    encoded("ApiKey", "id:canh_abc", "canh_abc");
    encoded("Basic", "elastic:canh_abc", "canh_abc");
    encoded("basic", ":canh:abc", "canh:abc");
    shows("", NULL);
    shows("Bearer", NULL);
    shows("Bearer ", NULL);
    shows("Basic canh_abc", NULL);
    shows("Digest canh_abc", NULL);
    encoded("Basic", "no colon", NULL);
    encoded("Basic", "empty:", NULL);
    struct buf long_one = {0};
    buf_string(&long_one, "Bearer ");
    for (int i = 0; i < 300; i++)
        buf_char(&long_one, 'x');
    shows(buf_text(&long_one), NULL);
    buf_free(&long_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses),
                                       cmocka_unit_test(test_addresses_below_es),
                                       cmocka_unit_test(test_no_such_address),
                                       cmocka_unit_test(test_rows), cmocka_unit_test(test_tokens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
