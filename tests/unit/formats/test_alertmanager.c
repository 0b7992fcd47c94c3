#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/alertmanager.h"

static void expect(struct slice body, const char *expected, uint64_t expected_refused)
{
    struct arena arena = {0};
    struct span_list spans = {0};
    struct buf got = {0};
    struct err err = {0};
    uint64_t refused;
    assert_int_equal(alertmanager_read(body, &arena, &spans, &refused, &err), ERR_OK);
    for (size_t i = 0; i < spans.count; i++) {
        buf_printf(&got, "%llu:", (unsigned long long)spans.spans[i].line);
        buf_slice(&got, spans.spans[i].text);
        buf_char(&got, '\n');
    }
    assert_string_equal(buf_text(&got), expected);
    assert_int_equal(refused, expected_refused);
    buf_free(&got);
    span_list_free(&spans);
    arena_free(&arena);
}

static void test_alerts(void **state)
{
    (void)state;
    expect(SLICE("{\"receiver\":\"canh\",\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\","
                 "\"labels\":{\"alertname\":\"A\"}}, {\"status\":\"resolved\"},{},7],"
                 "\"groupLabels\":{\"job\":\"x\"},\"commonLabels\":{\"job\":\"x\"},"
                 "\"version\":\"4\",\"groupKey\":\"{}:{}\"}\n"),
           "1:{\"receiver\":\"canh\",\"groupLabels\":{\"job\":\"x\"},\"groupKey\":\"{}:{}\","
           "\"status\":\"firing\",\"labels\":{\"alertname\":\"A\"}}\n"
           "2:{\"receiver\":\"canh\",\"groupLabels\":{\"job\":\"x\"},\"groupKey\":\"{}:{}\","
           "\"status\":\"resolved\"}\n"
           "3:{\"receiver\":\"canh\",\"groupLabels\":{\"job\":\"x\"},\"groupKey\":\"{}:{}\"}\n",
           1);
    expect(SLICE("{\"alerts\":[{\"a\":1}]}"), "1:{\"a\":1}\n", 0);
    expect(SLICE("{\"alerts\":[{ }]}"), "1:{}\n", 0);
    expect(SLICE("{\"alerts\":[]}"), "", 0);
}

static void expect_error(struct slice body, int code)
{
    struct arena arena = {0};
    struct span_list spans = {0};
    struct err err = {0};
    uint64_t refused;
    assert_int_equal(alertmanager_read(body, &arena, &spans, &refused, &err), code);
    assert_int_equal(err.code, code);
    assert_int_equal(spans.count, 0);
    span_list_free(&spans);
    arena_free(&arena);
}

static void test_refused(void **state)
{
    (void)state;
    expect_error(SLICE(""), ERR_SYNTAX);
    expect_error(SLICE("[]"), ERR_SYNTAX);
    expect_error(SLICE("{}"), ERR_SYNTAX);
    expect_error(SLICE("{\"alerts\":{}}"), ERR_SYNTAX);
    expect_error(SLICE("{\"alerts\":[{}]"), ERR_SYNTAX);
    expect_error(SLICE("{\"alerts\":[{}]} x"), ERR_SYNTAX);
    struct buf body = {0};
    buf_string(&body, "{\"alerts\":[{}],\"receiver\":\"");
    for (size_t i = 0; i < ALERTMANAGER_GROUP_BYTES_MAX; i++)
        buf_char(&body, 'x');
    buf_string(&body, "\"}");
    expect_error(buf_as_slice(&body), ERR_LIMIT);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alerts),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
