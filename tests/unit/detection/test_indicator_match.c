/* Indicators in whole records: fields, ports of their own fields, duplicates, the cap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "detection/indicator_match.h"

static struct indicator_table *table;
static struct buf bytes;
static struct record record;

static void table_make(const char *const *values)
{
    struct indicator_builder *b = indicator_builder_open();
    struct arena arena = {0};
    for (size_t k = 0; values[k]; k++) {
        struct indicator i = {.source = SLICE("test"), .from_ns = CLOCK_NONE, .until_ns = 1000};
        assert_int_equal(indicator_parse(&i, slice_from(values[k]), INDICATOR_TYPES, &arena, NULL),
                         ERR_OK);
        assert_int_equal(indicator_builder_add(b, &i, NULL), ERR_OK);
    }
    indicator_builder_finish(b, &bytes);
    indicator_builder_close(&b);
    arena_free(&arena);
    assert_int_equal(indicator_table_open(&table, buf_as_slice(&bytes), NULL), ERR_OK);
}

static int teardown(void **state)
{
    (void)state;
    indicator_table_close(&table);
    buf_free(&bytes);
    record_free(&record);
    return 0;
}

static void field_add(const char *name, const char *value, enum value_kind kind, unsigned flags)
{
    assert_int_equal(record_add(&record, slice_from(name), slice_from(value), kind, flags, NULL),
                     ERR_OK);
}

/* "field=number" of each hit. */
static void hits_are(int64_t time_ns, const char *expected)
{
    struct indicator_matcher *m = indicator_matcher_open(table);
    struct buf out = {0};
    const struct indicator_matches *got = indicator_matcher_run(m, &record, time_ns);
    for (uint32_t i = 0; i < got->count; i++)
        buf_printf(&out, "%s%.*s=%u", i ? " " : "", (int)got->items[i].name.len,
                   got->items[i].name.data, (unsigned)got->items[i].number);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&out);
    indicator_matcher_close(&m);
}

static void hits_name_field_and_indicator(void **state)
{
    (void)state;
    const char *values[] = {"evil.example", "192.0.2.1", "d41d8cd98f00b204e9800998ecf8427e", NULL};
    table_make(values);
    field_add("cmd", "curl http:\\/\\/a.evil.example\\/x", VALUE_STRING, FIELD_ESCAPED);
    field_add("ip", "192.0.2.1", VALUE_STRING, 0);
    field_add("again", "192.0.2.1", VALUE_STRING, 0);
    field_add("md5", "D41D8CD98F00B204E9800998ECF8427E", VALUE_STRING, FIELD_DERIVED);
    field_add("object", "{\"x\":\"192.0.2.1\"}", VALUE_OBJECT, 0);
    hits_are(CLOCK_NONE, "cmd=0 ip=1");
    hits_are(999, "cmd=0 ip=1");
    hits_are(1000, "");
}

static void ports_of_other_fields_count(void **state)
{
    (void)state;
    const char *values[] = {"192.0.2.1:443", "192.0.2.2:80", "[2001:db8::1]:53", NULL};
    table_make(values);
    field_add("DestinationIp", "192.0.2.1", VALUE_STRING, 0);
    field_add("source", "192.0.2.2", VALUE_STRING, 0);
    field_add("both", "[2001:db8::1]:53", VALUE_STRING, 0);
    field_add("count", "80", VALUE_NUMBER, 0);
    hits_are(CLOCK_NONE, "both=2");
    field_add("DestinationPort", "443", VALUE_NUMBER, 0);
    hits_are(CLOCK_NONE, "DestinationIp=0 both=2");
    field_add("src_port", "80", VALUE_STRING, 0);
    hits_are(CLOCK_NONE, "DestinationIp=0 source=1 both=2");
}

static void there_is_a_cap(void **state)
{
    (void)state;
    char texts[INDICATOR_HITS_MAX + 1][16];
    const char *values[INDICATOR_HITS_MAX + 2] = {0};
    for (unsigned i = 0; i <= INDICATOR_HITS_MAX; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "192.0.2.%u", i);
        values[i] = texts[i];
    }
    table_make(values);
    for (unsigned i = 0; i < INDICATOR_HITS_MAX; i++)
        field_add("ip", texts[i], VALUE_STRING, 0);
    struct indicator_matcher *m = indicator_matcher_open(table);
    const struct indicator_matches *got = indicator_matcher_run(m, &record, CLOCK_NONE);
    assert_int_equal(got->count, INDICATOR_HITS_MAX);
    assert_false(got->overflow);
    field_add("ip", texts[0], VALUE_STRING, 0);
    assert_false(indicator_matcher_run(m, &record, CLOCK_NONE)->overflow);
    field_add("ip", texts[INDICATOR_HITS_MAX], VALUE_STRING, 0);
    assert_true(indicator_matcher_run(m, &record, CLOCK_NONE)->overflow);
    indicator_matcher_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(hits_name_field_and_indicator, teardown),
        cmocka_unit_test_teardown(ports_of_other_fields_count, teardown),
        cmocka_unit_test_teardown(there_is_a_cap, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
