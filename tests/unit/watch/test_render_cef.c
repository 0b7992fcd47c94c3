#include "formats/cef.h"
#include "unit/watch/render_row.h"

static void read_back(struct made_row *m, struct record *r)
{
    buf_clear(&m->out);
    render_cef(&m->row, &test_options, &m->out);
    assert_null(memchr(m->out.data, '\n', m->out.len));
    record_reset(r);
    assert_int_equal(cef_parse(r, buf_as_slice(&m->out), NULL, NULL), ERR_OK);
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < i && !(r->fields[i].flags & FIELD_DERIVED); k++)
            if (slice_equal(r->fields[i].name, r->fields[k].name))
                fail_msg("%.*s is there twice", (int)r->fields[i].name.len, r->fields[i].name.data);
}

static void expect(struct record *r, const char *name, const char *value)
{
    const struct field *f = record_find(r, slice_from(name));
    if (!value) {
        assert_null(f);
        return;
    }
    if (!f || !slice_equal(f->value, slice_from(value)))
        fail_msg("%s is '%.*s', not '%s'", name, f ? (int)f->value.len : 0, f ? f->value.data : "",
                 value);
}

static void test_finding(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    row_make(&m, FINDING);
    read_back(&m, &r);
    expect(&r, "CEFVersion", "0");
    expect(&r, "DeviceVendor", "Canh");
    expect(&r, "DeviceVersion", "1.2");
    expect(&r, "SignatureID", "0d1f2c5e-1111-2222-3333-444455556666");
    expect(&r, "Name", "Encoded PowerShell");
    expect(&r, "Severity", "8");
    expect(&r, "rt", "1795343760250");
    expect(&r, "src", "10.0.0.7");
    expect(&r, "dst", NULL);
    expect(&r, "dpt", "443");
    expect(&r, "suser", "an");
    expect(&r, "dhost", "dc01");
    expect(&r, "externalId", "5:77");
    expect(&r, "level", "high");
    expect(&r, "eventIds", "5:70");
    expect(&r, "unit", "Sở Y tế");
    expect(&r, "commandLine", "powershell -enc aQBl");
    expect(&r, "ad.Odd_Name", "x");
    expect(&r, "ad.DestinationIp", "LOCAL");
    expect(&r, "mode", NULL);
    expect(&r, "cut", NULL);
    m.context.flags = ROW_DRILL;
    read_back(&m, &r);
    expect(&r, "mode", "drill");
    record_free(&r);
    row_drop(&m);
}

/* What the format gives a meaning to comes back as it was. */
static void test_escapes(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    row_make(&m, "rule.title=a|b\\c=d\nrule.level=low\nmatched.One=x cs1=forged \\ =\n"
                 "matched.Two=C:\\\nmatched.Three=2\n");
    struct field *three = record_find(&m.record, SLICE("matched.Three"));
    three->value = SLICE("two\nlines\r\n\x01|");
    read_back(&m, &r);
    expect(&r, "Name", "a|b\\c=d");
    expect(&r, "Severity", "3");
    expect(&r, "ad.One", "x cs1=forged \\ =");
    expect(&r, "ad.Two", "C:\\");
    expect(&r, "ad.Three", "two\nlines\r\n |");
    expect(&r, "cs1", "low");
    record_free(&r);
    row_drop(&m);
}

static void test_six_and_same_names(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    row_make(&m, "rule.title=t\nmatched.src_ip=2001:db8::1\nmatched.a b=1\nmatched.a_b=2\n");
    read_back(&m, &r);
    expect(&r, "src", NULL);
    expect(&r, "c6a2", "2001:db8::1");
    expect(&r, "source.ip", "2001:db8::1");
    expect(&r, "ad.a_b", "1");
    expect(&r, "cut", "true");
    record_free(&r);
    row_drop(&m);
}

static void test_limits(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    struct render_options options = test_options;
    row_make(&m, FINDING);
    char *text = malloc(20000);
    assert_non_null(text);
    memset(text, '=', 20000);
    record_find(&m.record, SLICE("matched.CommandLine"))->value = slice_make(text, 20000);
    record_find(&m.record, SLICE("rule.title"))->value = slice_make(text, 20000);
    m.context.unit = m.context.system = m.context.host = slice_make(text, 4000);
    options.bytes_max = RENDER_BYTES_MIN;
    assert_false(render_cef(&m.row, &options, &m.out));
    assert_true(m.out.len <= RENDER_BYTES_MIN);
    assert_int_equal(cef_parse(&r, buf_as_slice(&m.out), NULL, NULL), ERR_OK);
    expect(&r, "cut", "true");
    expect(&r, "externalId", "5:77");
    record_free(&r);
    free(text);
    row_drop(&m);
}

static void test_event(void **state)
{
    (void)state;
    struct made_row m;
    struct record r = {0};
    row_make(&m, "message=hello world\nuser=an\n");
    m.context.partition = SLICE("main");
    read_back(&m, &r);
    expect(&r, "SignatureID", "event");
    expect(&r, "Severity", "0");
    expect(&r, "msg", "hello world");
    expect(&r, "cat", "canh.main");
    record_free(&r);
    row_drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_six_and_same_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
