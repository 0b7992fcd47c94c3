#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "formats/bulk.h"

/* A line an item: `line action index/id source` or `line action ! type`. */
static void expect(struct slice body, const char *expected)
{
    struct arena arena = {0};
    struct buf got = {0};
    struct bulk_reader r;
    struct bulk_item item;
    char *copy = mem_alloc(body.len);
    memcpy(copy, body.data, body.len);
    bulk_open(&r, slice_make(copy, body.len), &arena);
    while (bulk_next(&r, &item)) {
        buf_printf(&got, "%llu %s", (unsigned long long)item.line,
                   item.action == BULK_NONE ? "none" : bulk_action_name(item.action));
        assert_true(!item.type == !item.reason);
        buf_printf(&got, " %.*s/%.*s ", (int)item.index.len, item.index.data, (int)item.id.len,
                   item.id.data);
        if (item.type)
            buf_printf(&got, "! %s\n", item.type);
        else
            buf_printf(&got, "%.*s\n", (int)item.source.len, item.source.data);
    }
    assert_string_equal(buf_text(&got), expected);
    buf_free(&got);
    arena_free(&arena);
    mem_free(copy);
}

static void test_items_in_order(void **state)
{
    (void)state;
    expect(SLICE("{\"create\":{\"_index\":\"logs\",\"_id\":\"a\\u00e9\"}}\n{\"m\":1}\n"
                 "{\"index\":{\"_id\":7,\"routing\":\"x\",\"dynamic_templates\":{\"a\":\"b\"}}}\n"
                 "{\"m\":2}\n{ \"create\" : {} }\n {\"m\":3}"),
           "1 create logs/a\xc3\xa9 {\"m\":1}\n3 index /7 {\"m\":2}\n5 create /  {\"m\":3}\n");
    expect(SLICE(""), "");
    expect(SLICE("\n\r\n"), "");
}

static void test_line_ends(void **state)
{
    (void)state;
    expect(
        SLICE("\xef\xbb\xbf{\"create\":{}}\r\n{\"m\":1}\r\n\r\n\n{\"create\":{}}\n\n{\"m\":2}\r"),
        "1 create / {\"m\":1}\n5 create / {\"m\":2}\n");
}

static void test_bad_action_takes_its_event_only(void **state)
{
    (void)state;
    expect(SLICE("{\"create\":{}\n{\"m\":1}\n{\"create\":{}}\n{\"m\":2}\n"),
           "1 none / ! illegal_argument_exception\n3 create / {\"m\":2}\n");
    expect(SLICE("nonsense\n{\"create\":{}}\n{\"m\":2}\n"),
           "1 none / ! illegal_argument_exception\n2 create / {\"m\":2}\n");
    expect(SLICE("{\"upsert\":{}}\n{\"m\":1}\n{\"index\":{}}\n{\"m\":2}\n"),
           "1 none / ! illegal_argument_exception\n3 index / {\"m\":2}\n");
    expect(SLICE("{\"create\":{\"colour\":1}}\n{\"m\":1}\n{\"index\":{}}\n{\"m\":2}\n"),
           "1 none / ! illegal_argument_exception\n3 index / {\"m\":2}\n");
    expect(SLICE("nonsense"), "1 none / ! illegal_argument_exception\n");
}

static void test_missing_event(void **state)
{
    (void)state;
    expect(SLICE("{\"create\":{\"_id\":\"1\"}}\n{\"create\":{\"_id\":\"2\"}}\n{\"m\":2}\n"),
           "1 create /1 ! illegal_argument_exception\n2 create /2 {\"m\":2}\n");
    expect(SLICE("{\"create\":{}}\n"), "1 create / ! illegal_argument_exception\n");
    expect(SLICE("{\"create\":{}}\n\"text\"\n{\"create\":{}}\n{}\n"),
           "1 create / ! document_parsing_exception\n3 create / {}\n");
    /* an event that only begins like an action */
    expect(SLICE("{\"create\":{}}\n{\"index\":{\"name\":\"x\"}}\n"),
           "1 create / {\"index\":{\"name\":\"x\"}}\n");
}

static void test_update_and_delete_are_refused(void **state)
{
    (void)state;
    expect(SLICE("{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n{\"delete\":{\"_id\":\"2\"}}\n"
                 "{\"create\":{}}\n{\"m\":1}\n"),
           "1 update /1 ! illegal_argument_exception\n3 delete /2 ! illegal_argument_exception\n"
           "4 create / {\"m\":1}\n");
}

static void test_limits(void **state)
{
    (void)state;
    struct buf body = {0};
    for (int over = 0; over < 2; over++) {
        char id[BULK_ID_BYTES_MAX + 2];
        memset(id, 'x', sizeof(id));
        buf_clear(&body);
        buf_printf(&body, "{\"create\":{\"_id\":\"%.*s\"}}\n{}\n{\"create\":{\"_id\":\"\"}}\n{}\n",
                   BULK_ID_BYTES_MAX + over, id);
        struct arena arena = {0};
        struct bulk_reader r;
        struct bulk_item item;
        bulk_open(&r, buf_as_slice(&body), &arena);
        assert_true(bulk_next(&r, &item));
        assert_int_equal(item.id.len, BULK_ID_BYTES_MAX + over);
        assert_true(over == (item.type != NULL));
        assert_true(bulk_next(&r, &item));
        assert_string_equal(item.type, "illegal_argument_exception");
        assert_false(bulk_next(&r, &item));
        arena_free(&arena);
    }
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_in_order),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_bad_action_takes_its_event_only),
        cmocka_unit_test(test_missing_event),
        cmocka_unit_test(test_update_and_delete_are_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
