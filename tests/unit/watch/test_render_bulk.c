#include "unit/watch/render_row.h"

static void test_lines(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, FINDING);
    /* received on the 22nd; what the record says of its time makes no index */
    m.row.time_ns = 0;
    assert_true(
        render_bulk(&m.row, &test_options, RENDER_INDEX, SLICE("canh-findings-%Y.%m.%d"), &m.out));
    struct slice rest = buf_as_slice(&m.out), action = slice_cut(&rest, '\n');
    assert_true(
        slice_equal(action, SLICE("{\"index\":{\"_index\":\"canh-findings-2026.11.22\",\"_id\":"
                                  "\"5:77\"}}")));
    json_t *json = json_strict(slice_cut(&rest, '\n'));
    assert_string_equal(json_string_value(json_at(json, "event.id")), "5:77");
    json_decref(json);
    assert_int_equal(rest.len, 0);
    buf_clear(&m.out);
    assert_true(render_bulk(&m.row, &test_options, RENDER_CREATE, SLICE("logs-canh-vn"), &m.out));
    assert_true(slice_starts(
        buf_as_slice(&m.out),
        SLICE("{\"create\":{\"_index\":\"logs-canh-vn\",\"_id\":\"5:77\"}}\n{\"@timestamp\":")));
    row_drop(&m);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        int code;
    } cases[] = {
        {"canh-%Y.%m.%d", ERR_OK},
        {"a", ERR_OK},
        {"", ERR_USAGE},
        {"Canh", ERR_USAGE},
        {"-canh", ERR_USAGE},
        {".canh", ERR_USAGE},
        {"canh-%H", ERR_USAGE},
        {"canh%", ERR_USAGE},
        {"canh/a", ERR_USAGE},
        {"canh\"},{\"", ERR_USAGE},
        {"c\xc3\xa0nh", ERR_USAGE},
        {"canh*", ERR_USAGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {0};
        int rc = render_index_check(slice_from(cases[i].pattern), &err);
        if (rc != cases[i].code || (rc && !err.text[0]))
            fail_msg("'%s' gives %d", cases[i].pattern, rc);
    }
    char name[RENDER_INDEX_BYTES_MAX + 1];
    memset(name, 'a', sizeof(name));
    assert_int_equal(render_index_check(slice_make(name, sizeof(name)), NULL), ERR_USAGE);
    assert_int_equal(render_index_check(slice_make(name, sizeof(name) - 1), NULL), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
