#include "unit/watch/render_row.h"
#include "watch/render_inside.h"

static json_t *render(struct made_row *m)
{
    buf_clear(&m->out);
    render_ecs(&m->row, &test_options, &m->out);
    assert_null(memchr(m->out.data, '\n', m->out.len));
    return json_strict(buf_as_slice(&m->out));
}

static void expect(const json_t *json, const char *path, const char *value)
{
    const json_t *at = json_at(json, path);
    if (!value) {
        assert_null(at);
        return;
    }
    if (!at)
        fail_msg("there is no %s", path);
    char *text = json_is_string(at) ? NULL : json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_string_equal(text ? text : json_string_value(at), value);
    free(text);
}

static void test_finding(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, FINDING);
    json_t *json = render(&m);
    expect(json, "@timestamp", "2026-11-22T10:36:00.25Z");
    expect(json, "event.id", "5:77");
    expect(json, "event.kind", "alert");
    expect(json, "event.severity", "8");
    expect(json, "event.category", "[\"intrusion_detection\"]");
    expect(json, "event.dataset", "canh.findings");
    expect(json, "event.created", "2026-11-22T10:36:01.123456789Z");
    expect(json, "rule.id", "0d1f2c5e-1111-2222-3333-444455556666");
    expect(json, "rule.name", "Encoded PowerShell");
    expect(json, "rule.reference", "[\"https://example.test/1\",\"https://example.test/2\"]");
    expect(json, "threat.framework", "MITRE ATT&CK");
    expect(json, "threat.tactic.id", "[\"TA0002\"]");
    expect(json, "threat.technique.id", "[\"T1059\"]");
    expect(json, "threat.technique.subtechnique.id", "[\"T1059.001\"]");
    expect(json, "threat.group.id", "[\"G0016\"]");
    expect(json, "vulnerability.id", "[\"CVE-2021-44228\"]");
    expect(json, "host.name", "dc01");
    expect(json, "process.executable", "C:\\Windows\\powershell.exe");
    expect(json, "process.name", "powershell.exe");
    expect(json, "process.pid", "420");
    expect(json, "user.name", "an");
    expect(json, "user.domain", "SOYTE");
    expect(json, "source.ip", "10.0.0.7");
    expect(json, "destination.ip", NULL); /* no address: Elasticsearch would refuse it */
    expect(json, "destination.port", "443");
    expect(json, "related.user", "[\"an\"]");
    expect(json, "observer.name", "node-1");
    expect(json, "canh.rule.level", "high");
    expect(json, "canh.event.ids", "[\"5:70\"]");
    expect(json, "canh.mapping.version", "3");
    expect(json, "canh.system", "mail");
    expect(json, "canh.cut", NULL);
    expect(json, "labels", NULL);
    const json_t *matched = json_at(json, "canh.matched");
    assert_int_equal(json_array_size(matched), 8);
    expect(json_array_get(matched, 4), "name", "DestinationIp");
    expect(json_array_get(matched, 4), "value", "LOCAL");
    json_decref(json);
    row_drop(&m);
}

static void test_flags(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, FINDING);
    m.context.flags = ROW_DRILL;
    json_t *json = render(&m);
    expect(json, "event.kind", "event");
    expect(json, "labels.drill", "true");
    json_decref(json);
    m.context.flags = ROW_HISTORICAL;
    json = render(&m);
    expect(json, "event.kind", "event");
    expect(json, "labels.historical", "true");
    json_decref(json);
    row_drop(&m);
}

static void test_correlation(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, "rule.title=Many\nrule.level=critical\nevent.id=5:1\nevent.id=5:2\n"
                 "group.src_ip=2001:DB8::1\ngroup.process=a\ngroup.process.name=b\n"
                 "value=2.5\ncount=12\n");
    m.row.time_ns = CLOCK_NONE;
    json_t *json = render(&m);
    expect(json, "@timestamp", "2026-11-22T10:36:01.123456789Z");
    expect(json, "event.severity", "10");
    expect(json, "source.ip", "2001:db8::1");
    expect(json, "canh.event.ids", "[\"5:1\",\"5:2\"]");
    expect(json, "canh.value", "2.5");
    expect(json, "canh.count", "12");
    assert_int_equal(json_array_size(json_at(json, "canh.group")), 3);
    json_decref(json);
    row_drop(&m);
}

static void test_event(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, "message=hello\na.b=1\na=2\nuser=-\noutcome=maybe\nprocid=18446744073709551615\n"
                 "src_port=70000\nproto=TCP\nname=\xff\x01\"\n");
    m.context.partition = SLICE("main");
    m.context.category = SLICE("process_creation|network_connection|other");
    json_t *json = render(&m);
    expect(json, "event.kind", "event");
    expect(json, "event.dataset", "canh.main");
    expect(json, "event.severity", "0");
    expect(json, "event.category", "[\"process\",\"network\"]");
    expect(json, "event.type", "[\"start\",\"connection\"]");
    expect(json, "message", "hello");
    expect(json, "network.transport", "tcp");
    expect(json, "user", NULL);
    expect(json, "event.outcome", NULL);
    expect(json, "process", NULL);
    expect(json, "source", NULL);
    assert_int_equal(json_array_size(json_at(json, "canh.fields")), 9);
    expect(json_array_get(json_at(json, "canh.fields"), 8), "value", "\xef\xbf\xbd\x01\"");
    json_decref(json);
    row_drop(&m);
}

static void test_refused(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, "reason=no JSON\ntext={\"a\nfile=f\nline=3\n");
    m.context.partition = ROW_REFUSED;
    json_t *json = render(&m);
    expect(json, "event.kind", "pipeline_error");
    expect(json, "error.message", "no JSON");
    expect(json, "event.original", "{\"a");
    json_decref(json);
    row_drop(&m);
}

/* Every bytes_max from the least on is kept, and what is cut says so. */
static void test_limits(void **state)
{
    (void)state;
    struct made_row m;
    row_make(&m, FINDING);
    char *text = malloc(20000), *name = malloc(600 * 8);
    assert_non_null(text);
    assert_non_null(name);
    memset(text, '\x01', 20000);
    struct field *title = record_find(&m.record, SLICE("rule.title"));
    title->value = slice_make(text, 20000);
    m.context.host = slice_make(text, 4000);
    for (size_t i = 0; i < 600; i++) {
        memcpy(name + i * 8, "matched.", 8);
        assert_int_equal(
            record_add(&m.record, slice_make(name + i * 8, 8), SLICE("v"), VALUE_STRING, 0, NULL),
            ERR_OK);
    }
    for (size_t max = RENDER_BYTES_MIN; max <= (1 << 18); max *= 4) {
        struct render_options options = test_options;
        options.bytes_max = max;
        buf_clear(&m.out);
        assert_false(render_ecs(&m.row, &options, &m.out));
        assert_true(m.out.len <= max);
        json_t *json = json_strict(buf_as_slice(&m.out));
        expect(json, "canh.cut", "true");
        expect(json, "event.id", "5:77");
        json_decref(json);
    }
    free(text);
    free(name);
    row_drop(&m);
}

static void test_cut_between_characters(void **state)
{
    (void)state;
    struct slice text = SLICE("a\xc3\xa9\xe1\xba\xbf");
    assert_int_equal(render_cut(text, 6).len, 6);
    assert_int_equal(render_cut(text, 5).len, 3);
    assert_int_equal(render_cut(text, 2).len, 1);
    assert_int_equal(render_cut(text, 0).len, 0);
}

/* The table is searched by halves, and no place may be both a value and an object. */
static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < render_names_count; i++) {
        const struct render_name *n = &render_names[i];
        if (i > 0)
            assert_true(strcmp(render_names[i - 1].name, n->name) < 0);
        assert_int_equal(n->second != NULL, n->kind == NAME_PATH || n->kind == NAME_USER);
        for (size_t k = 0; k < render_names_count; k++) {
            const char *other = render_names[k].path;
            size_t len = strlen(n->path);
            assert_false(strncmp(n->path, other, len) == 0 && other[len] == '.');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding),     cmocka_unit_test(test_flags),
        cmocka_unit_test(test_correlation), cmocka_unit_test(test_event),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
