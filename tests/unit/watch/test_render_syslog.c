#include "formats/syslog.h"
#include "unit/watch/render_row.h"

static void render(struct made_row *m, const struct render_syslog *syslog, struct record *r)
{
    buf_clear(&m->out);
    record_reset(r);
    render_syslog(&m->row, &test_options, syslog, &m->out);
    assert_int_equal(syslog_parse(r, buf_as_slice(&m->out), NULL, NULL), ERR_OK);
}

static void expect(struct record *r, const char *name, const char *value)
{
    struct field *f = record_find(r, slice_from(name));
    struct slice text = f ? record_text(r, f) : (struct slice){"", 0};
    if (!f || !slice_equal(text, slice_from(value)))
        fail_msg("%s is '%.*s', not '%s'", name, (int)text.len, text.data, value);
}

static void test_json(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    row_make(&m, FINDING);
    for (int bom = 0; bom < 2; bom++) {
        struct render_syslog syslog = {.facility = 16, .bom = bom, .process_id = 42};
        render(&m, &syslog, &r);
        struct slice head =
            SLICE("<131>1 2026-11-22T10:36:01.123456Z node-1 canh 42 0d1f2c5e11112222333344445555"
                  "6666 - ");
        assert_memory_equal(m.out.data, head.data, head.len);
        struct slice message = slice_part(buf_as_slice(&m.out), head.len, m.out.len);
        assert_int_equal(slice_starts(message, SLICE("\xef\xbb\xbf")), bom);
        json_decref(json_strict(slice_part(message, bom ? 3 : 0, message.len)));
        expect(&r, "hostname", "node-1");
        expect(&r, "appname", "canh");
        expect(&r, "procid", "42");
        expect(&r, "rule.name", "Encoded PowerShell");
        expect(&r, "process.command_line", "powershell -enc aQBl");
    }
    record_free(&r);
    row_drop(&m);
}

static void test_cef(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    struct render_syslog syslog = {.facility = 4, .format = RENDER_CEF};
    row_make(&m, FINDING);
    render(&m, &syslog, &r);
    expect(&r, "facility", "4");
    expect(&r, "severity", "3");
    expect(&r, "Name", "Encoded PowerShell");
    expect(&r, "src", "10.0.0.7");
    record_free(&r);
    row_drop(&m);
}

/* Header fields are words of ASCII, whatever the names are. */
static void test_header(void **state)
{
    (void)state;
    struct made_row m;
    struct render_syslog syslog = {.facility = 1};
    struct render_options options = test_options;
    row_make(&m, "rule.id=luật số một, a very long identifier of a rule\nrule.level=critical\n");
    options.node = SLICE("máy chủ");
    render_syslog(&m.row, &options, &syslog, &m.out);
    struct slice head =
        SLICE("<10>1 2026-11-22T10:36:01.123456Z mych canh - lutsmt,averylongidentifierofarul - {");
    assert_memory_equal(m.out.data, head.data, head.len);
    record_find(&m.record, SLICE("rule.id"))->value = SLICE("\x01 -");
    buf_clear(&m.out);
    render_syslog(&m.row, &options, &syslog, &m.out);
    head = SLICE("<10>1 2026-11-22T10:36:01.123456Z mych canh - finding - {");
    assert_memory_equal(m.out.data, head.data, head.len);
    options.node = SLICE("");
    m.context.partition = SLICE("main");
    m.row.received_ns = -1;
    buf_clear(&m.out);
    render_syslog(&m.row, &options, &syslog, &m.out);
    head = SLICE("<14>1 1969-12-31T23:59:59.999999Z - canh - event - {");
    assert_memory_equal(m.out.data, head.data, head.len);
    row_drop(&m);
}

static void test_severity(void **state)
{
    static const struct {
        const char *level, *head;
    } rows[] = {{"informational", "<14>1 "}, {"low", "<13>1 "},      {"medium", "<12>1 "},
                {"high", "<11>1 "},          {"critical", "<10>1 "}, {"odd", "<14>1 "}};
    struct render_syslog syslog = {.facility = 1};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct made_row m;
        row_make(&m, "rule.level=low\n");
        record_find(&m.record, SLICE("rule.level"))->value = slice_from(rows[i].level);
        render_syslog(&m.row, &test_options, &syslog, &m.out);
        assert_true(slice_starts(buf_as_slice(&m.out), slice_from(rows[i].head)));
        row_drop(&m);
    }
}

/* A datagram that would be too long is a shorter one, still whole JSON. */
static void test_datagram(void **state)
{
    (void)state;
    struct made_row m;
    struct render_syslog syslog = {.facility = 1};
    struct render_options options = test_options;
    char *text = malloc(9000), *node = malloc(300);
    assert_non_null(text);
    assert_non_null(node);
    memset(text, '\x02', 9000);
    memset(node, 'n', 300);
    row_make(&m, FINDING);
    record_find(&m.record, SLICE("matched.CommandLine"))->value = slice_make(text, 9000);
    record_find(&m.record, SLICE("rule.title"))->value = slice_make(text, 9000);
    record_find(&m.record, SLICE("rule.id"))->value = slice_make(text, 9000);
    m.context.host = slice_make(text, 4000);
    options.node = slice_make(node, 300);
    options.bytes_max = RENDER_DATAGRAM_BYTES;
    assert_false(render_syslog(&m.row, &options, &syslog, &m.out));
    assert_true(m.out.len <= RENDER_DATAGRAM_BYTES);
    size_t brace = slice_find_char(buf_as_slice(&m.out), '{');
    json_t *json = json_strict(slice_part(buf_as_slice(&m.out), brace, m.out.len));
    assert_true(json_is_true(json_at(json, "canh.cut")));
    json_decref(json);
    free(text);
    free(node);
    row_drop(&m);
}

static void test_frame(void **state)
{
    (void)state;
    struct buf out = {0};
    render_frame(SLICE("<1>1 é"), &out);
    assert_true(slice_equal(buf_as_slice(&out), SLICE("7 <1>1 é")));
    buf_free(&out);
    assert_int_equal(render_facility(SLICE("local0")), 16);
    assert_int_equal(render_facility(SLICE("authpriv")), 10);
    assert_int_equal(render_facility(SLICE("local8")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),   cmocka_unit_test(test_cef),
        cmocka_unit_test(test_header), cmocka_unit_test(test_datagram),
        cmocka_unit_test(test_frame),  cmocka_unit_test(test_severity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
