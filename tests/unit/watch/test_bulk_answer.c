#include "watch/bulk_answer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct bulk_answer answer;
static uint8_t verdicts[8];

static int answer_read(const char *body, uint32_t sent)
{
    struct err err = {0};
    int rc = bulk_answer_read(&answer, slice_from(body), verdicts, sent, &err);
    assert_int_equal(rc, err.code);
    assert_true(rc == ERR_OK || err.text[0]);
    return rc;
}

static void test_mixed(void **state)
{
    (void)state;
    assert_int_equal(
        answer_read(
            "{\"took\":3,\"errors\":true,\"items\":["
            "{\"index\":{\"_index\":\"a\",\"_id\":\"5:1\",\"_shards\":{\"total\":2},\"status\":201}"
            "},"
            "{\"index\":{\"status\":400,\"error\":{\"type\":\"mapper_parsing_exception\","
            "\"reason\":\"failed to "
            "parse\\nfield\",\"caused_by\":{\"type\":\"x\",\"reason\":\"y\"}}}},"
            "{\"index\":{\"status\":429,\"error\":{\"type\":\"es_rejected_execution_exception\"}}},"
            "{\"create\":{\"status\":409,\"error\":{\"type\":\"version_conflict_engine_exception\"}"
            "}},"
            "{\"index\":{\"status\":409}},"
            "{\"index\":{\"status\":503,\"error\":\"unavailable\"}},"
            "{\"index\":{\"error\":{\"type\":\"cluster_block_exception\"},\"status\":403}},"
            "{\"index\":{\"status\":200}}]}",
            8),
        ERR_OK);
    static const uint8_t wanted[8] = {BULK_DONE,   BULK_FAILED, BULK_AGAIN, BULK_DONE,
                                      BULK_FAILED, BULK_AGAIN,  BULK_AGAIN, BULK_DONE};
    assert_memory_equal(verdicts, wanted, sizeof(wanted));
    assert_int_equal(answer.done, 3);
    assert_int_equal(answer.again, 3);
    assert_int_equal(answer.failed, 2);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer.reason, "mapper_parsing_exception: failed to parse\\nfield");
}

static void test_without_items(void **state)
{
    (void)state;
    memset(verdicts, BULK_FAILED, sizeof(verdicts));
    assert_int_equal(answer_read("{\"errors\":false}", 3), ERR_OK);
    assert_int_equal(answer.done, 3);
    assert_int_equal(verdicts[2], BULK_DONE);
    assert_int_equal(answer_read("{\"items\":[],\"errors\":true}", 0), ERR_OK);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"errors\":true}",
        "{\"errors\":\"false\"}",
        "{\"errors\":false,\"items\":{}}",
        "{\"errors\":false,\"items\":[{\"index\":{\"status\":201}}]}",
        "{\"items\":[{\"a\":{\"status\":201}},{\"a\":{\"status\":201}},{\"a\":{\"status\":201}}]}",
        "{\"items\":[{\"index\":{\"status\":201}},{\"index\":{}}]}",
        "{\"items\":[{\"index\":{\"status\":201}},{}]}",
        "{\"items\":[{\"index\":{\"status\":201}},7]}",
        "{\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":\"201\"}}]}",
        "{\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":99999999999}}]}",
        "{\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":201}}]",
        "{\"items\":[{\"index\":{\"status\":201}},{\"index\":{\"status\":201}}]} x",
        "{\"items\":[{\"index\":{\"status\":201}}],\"items\":[{\"index\":{\"status\":201}}]}",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        if (answer_read(bodies[i], 2) != ERR_SYNTAX)
            fail_msg("this was read: %s", bodies[i]);
    assert_int_equal(
        bulk_answer_read(&answer, SLICE("{\"errors\":false}"), verdicts, BULK_ITEMS_MAX + 1, NULL),
        ERR_LIMIT);
}

static void test_long_reason(void **state)
{
    (void)state;
    char body[4096] = "{\"items\":[{\"index\":{\"status\":400,\"error\":{\"type\":\"";
    size_t len = strlen(body);
    memset(body + len, 't', 1000);
    memcpy(body + len + 1000, "\",\"reason\":\"", 12);
    memset(body + len + 1012, 'r', 1000);
    memcpy(body + len + 2012, "\"}}}]}", 7);
    assert_int_equal(answer_read(body, 1), ERR_OK);
    assert_int_equal(strlen(answer.reason), BULK_REASON_BYTES - 1);
    assert_int_equal(answer.failed, 1);
}

static void test_status(void **state)
{
    (void)state;
    assert_int_equal(bulk_answer_status(200), BULK_READ);
    assert_int_equal(bulk_answer_status(413), BULK_SMALLER);
    assert_int_equal(bulk_answer_status(400), BULK_SMALLER);
    assert_int_equal(bulk_answer_status(401), BULK_LATER);
    assert_int_equal(bulk_answer_status(429), BULK_LATER);
    assert_int_equal(bulk_answer_status(503), BULK_LATER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixed),       cmocka_unit_test(test_without_items),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_status),
        cmocka_unit_test(test_long_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
