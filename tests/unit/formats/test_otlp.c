#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "formats/json.h"
#include "formats/otlp.h"
#include "formats/protobuf.h"

typedef int otlp_read(struct slice body, struct arena *arena, struct span_list *out,
                      struct otlp_outcome *outcome, struct err *err);

static struct otlp_outcome outcome;

/* A line a record: `number:text`; every text is one that the JSON reader takes. */
static void expect(otlp_read *read, struct slice body, const char *expected)
{
    struct arena arena = {0};
    struct span_list spans = {0};
    struct buf got = {0};
    struct err err = {0};
    int rc = read(body, &arena, &spans, &outcome, &err);
    if (rc)
        print_error("%s\n", err.text);
    assert_int_equal(rc, ERR_OK);
    for (size_t i = 0; i < spans.count; i++) {
        struct record r = {0};
        assert_int_equal(json_parse_record(&r, spans.spans[i].text, NULL), ERR_OK);
        record_free(&r);
        buf_printf(&got, "%llu:", (unsigned long long)spans.spans[i].line);
        buf_slice(&got, spans.spans[i].text);
        buf_char(&got, '\n');
    }
    assert_string_equal(buf_text(&got), expected);
    assert_int_equal(outcome.received, spans.count + outcome.refused);
    buf_free(&got);
    span_list_free(&spans);
    arena_free(&arena);
}

static void expect_error(otlp_read *read, struct slice body, int code)
{
    struct arena arena = {0};
    struct span_list spans = {0};
    struct err err = {0};
    span_list_add(&spans, (struct span){.line = 7});
    assert_int_equal(read(body, &arena, &spans, &outcome, &err), code);
    assert_int_equal(err.code, code);
    assert_true(err.text[0]);
    assert_int_equal(spans.count, 1);
    assert_int_equal(outcome.received, 0);
    span_list_free(&spans);
    arena_free(&arena);
}

/* opentelemetry-proto, examples/logs.json, shortened */
static void test_json(void **state)
{
    (void)state;
    expect(
        otlp_read_json,
        SLICE("{\"resourceLogs\":[{\"scopeLogs\":[{\"scope\":{\"name\":\"my.library\"},"
              "\"logRecords\":[{\"timeUnixNano\":\"1544712660300000000\","
              "\"observedTimeUnixNano\":\"1544712660400000000\",\"severityNumber\":10,"
              "\"severityText\":\"Information\",\"traceId\":\"5B8EFFF798038103D269B633813FC60C\","
              "\"spanId\":\"EEE19B7EC3C1B174\",\"body\":{\"stringValue\":\"Example \\\"log\\\"\"},"
              "\"attributes\":["
              "{\"key\":\"string.attribute\",\"value\":{\"stringValue\":\"some string\"}},"
              "{\"key\":\"boolean.attribute\",\"value\":{\"boolValue\":true}},"
              "{\"key\":\"int.attribute\",\"value\":{\"intValue\":\"-10\"}},"
              "{\"key\":\"double.attribute\",\"value\":{\"doubleValue\":637.704}},"
              "{\"key\":\"array.attribute\",\"value\":{\"arrayValue\":{\"values\":["
              "{\"stringValue\":\"many\"},{}]}}},"
              "{\"key\":\"map.attribute\",\"value\":{\"kvlistValue\":{\"values\":["
              "{\"key\":\"k\",\"value\":{\"intValue\":1}}]}}},"
              "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"mine\"}}]}]}],"
              "\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
              "{\"stringValue\":\"my.service\"}},"
              "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"other\"}}]}}]}"),
        "1:{\"@timestamp\":\"2018-12-13T14:51:00.3Z\",\"severity_text\":\"Information\","
        "\"severity_number\":10,\"trace_id\":\"5B8EFFF798038103D269B633813FC60C\","
        "\"span_id\":\"EEE19B7EC3C1B174\",\"body\":\"Example \\\"log\\\"\","
        "\"string.attribute\":\"some string\",\"boolean.attribute\":true,"
        "\"int.attribute\":-10,\"double.attribute\":637.704,"
        "\"array.attribute\":[\"many\",null],\"map.attribute\":{\"k\":1},\"host.name\":\"mine\","
        "\"service.name\":\"my.service\",\"otel.scope.name\":\"my.library\"}\n");
    expect(otlp_read_json, SLICE("{}"), "");
    expect(otlp_read_json, SLICE("{\"resourceLogs\":[{},{\"scopeLogs\":[{}]}]}"), "");
}

#define RECORDS(text) SLICE("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[" text "]}]}]}")

static void test_body_of_members(void **state)
{
    (void)state;
    expect(otlp_read_json,
           RECORDS("{\"observedTimeUnixNano\":1,\"body\":{\"kvlistValue\":{\"values\":["
                   "{\"key\":\"a\",\"value\":{\"intValue\":1}},"
                   "{\"key\":\"b\",\"value\":{\"intValue\":2}}]}},"
                   "\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":3}}]}"),
           "1:{\"@timestamp\":\"1970-01-01T00:00:00.000000001Z\",\"a\":3,\"b\":2}\n");
}

static void test_json_bad_record(void **state)
{
    (void)state;
    expect(otlp_read_json,
           RECORDS("{\"body\":{\"stringValue\":1}},{\"body\":{\"intValue\":\"7\"}},5,"
                   "{\"attributes\":[{\"value\":{}}]},{\"timeUnixNano\":\"soon\"},"
                   "{\"body\":{\"intValue\":\"1e3\"}},{\"body\":{\"stringValue\":\"z\"}}"),
           "2:{\"body\":7}\n7:{\"body\":\"z\"}\n");
    assert_int_equal(outcome.refused, 5);
    assert_string_equal(outcome.reason,
                        "Log record 1: a value of it is not of the kind that OTLP gives it.");
}

static void test_frame_that_does_not_hold(void **state)
{
    (void)state;
    expect_error(otlp_read_json, SLICE(""), ERR_SYNTAX);
    expect_error(otlp_read_json, SLICE("[]"), ERR_SYNTAX);
    expect_error(otlp_read_json, RECORDS("{\"body\":{\"stringValue\":\"x\"}},{"), ERR_SYNTAX);
    expect_error(otlp_read_protobuf, SLICE("{\"resourceLogs\":[]}"), ERR_SYNTAX);
    expect_error(otlp_read_protobuf, SLICE("\x0a\x05\x12"), ERR_SYNTAX);
}

/* Puts what is in inner into out as the field, and empties inner. */
static void wrap(struct buf *out, uint32_t field, struct buf *inner)
{
    protobuf_put_bytes(out, field, buf_as_slice(inner));
    buf_clear(inner);
}

static void put_fixed64(struct buf *out, uint32_t field, uint64_t value)
{
    buf_char(out, (char)(field << 3 | PROTOBUF_FIXED64));
    bytes_put_u64(out, value);
}

/* A pair of the key and the AnyValue in value. */
static void put_pair(struct buf *out, uint32_t field, const char *key, struct buf *value)
{
    struct buf pair = {0};
    protobuf_put_bytes(&pair, 1, slice_from(key));
    wrap(&pair, 2, value);
    wrap(out, field, &pair);
    buf_free(&pair);
}

static void put_text_pair(struct buf *out, uint32_t field, const char *key, const char *text)
{
    struct buf value = {0};
    protobuf_put_bytes(&value, 1, slice_from(text));
    put_pair(out, field, key, &value);
    buf_free(&value);
}

/* The request of one resource {host.name: h1} and one scope `lib` with the records, each a field 2.
 */
static void make_request(struct buf *out, const struct buf *records)
{
    struct buf a = {0}, b = {0};
    protobuf_put_bytes(&a, 1, SLICE("lib"));
    wrap(&b, 1, &a);
    buf_slice(&b, buf_as_slice(records));
    wrap(&a, 2, &b); /* scope_logs before the resource */
    put_text_pair(&b, 1, "host.name", "h1");
    wrap(&a, 1, &b);
    wrap(out, 1, &a);
    buf_free(&a);
    buf_free(&b);
}

static void test_protobuf(void **state)
{
    (void)state;
    struct buf record = {0}, value = {0}, list = {0}, records = {0}, request = {0};
    put_fixed64(&record, 1, 1544712660300000000u);
    protobuf_put_varint(&record, 2, 9);
    protobuf_put_bytes(&record, 3, SLICE("INFO"));
    protobuf_put_bytes(&record, 9, SLICE("\x5b\x8e\xff\xf7"));
    protobuf_put_bytes(&value, 1, SLICE("hello \xff"));
    wrap(&record, 5, &value);
    protobuf_put_varint(&value, 2, 1);
    put_pair(&record, 6, "truth", &value);
    protobuf_put_varint(&value, 3, (uint64_t)-5);
    put_pair(&record, 6, "integer", &value);
    double half = 0.5;
    uint64_t bits;
    memcpy(&bits, &half, sizeof(bits));
    put_fixed64(&value, 4, bits);
    put_pair(&record, 6, "double", &value);
    protobuf_put_bytes(&value, 7, SLICE("\x01\x02"));
    put_pair(&record, 6, "bytes", &value);
    protobuf_put_bytes(&list, 1, SLICE(""));
    put_text_pair(&list, 9, "unknown", "field");
    wrap(&value, 5, &list);
    put_pair(&record, 6, "array", &value);
    put_text_pair(&list, 1, "k", "v");
    wrap(&value, 6, &list);
    put_pair(&record, 6, "map", &value);
    wrap(&records, 2, &record);
    make_request(&request, &records);
    expect(otlp_read_protobuf, buf_as_slice(&request),
           "1:{\"@timestamp\":\"2018-12-13T14:51:00.3Z\",\"severity_text\":\"INFO\","
           "\"severity_number\":9,\"trace_id\":\"5b8efff7\",\"body\":\"hello \xef\xbf\xbd\","
           "\"truth\":true,\"integer\":-5,\"double\":0.5,\"bytes\":\"AQI=\",\"array\":[null],"
           "\"map\":{\"k\":\"v\"},\"host.name\":\"h1\",\"otel.scope.name\":\"lib\"}\n");
    buf_free(&record);
    buf_free(&value);
    buf_free(&list);
    buf_free(&records);
    buf_free(&request);
}

static void test_protobuf_bad_record(void **state)
{
    (void)state;
    struct buf value = {0}, list = {0}, record = {0}, records = {0}, request = {0};
    protobuf_put_bytes(&records, 2, SLICE("\x2a\x05x")); /* a body longer than its record */
    protobuf_put_bytes(&value, 1, SLICE("good"));
    wrap(&record, 5, &value);
    wrap(&records, 2, &record);
    for (int i = 0; i < 40; i++) { /* arrays in arrays */
        wrap(&list, 1, &value);
        wrap(&value, 5, &list);
    }
    wrap(&record, 5, &value);
    wrap(&records, 2, &record);
    make_request(&request, &records);
    expect(otlp_read_protobuf, buf_as_slice(&request),
           "2:{\"body\":\"good\",\"host.name\":\"h1\",\"otel.scope.name\":\"lib\"}\n");
    assert_int_equal(outcome.refused, 2);
    assert_string_equal(outcome.reason, "Log record 1: its protobuf is malformed.");
    buf_free(&value);
    buf_free(&list);
    buf_free(&record);
    buf_free(&records);
    buf_free(&request);
}

static void test_large_resource_refuses_its_records(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_string(&body, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":"
                      "{\"stringValue\":\"");
    for (size_t i = 0; i < OTLP_RESOURCE_BYTES_MAX; i++)
        buf_char(&body, 'x');
    buf_string(&body, "\"}}]},\"scopeLogs\":[{\"logRecords\":[{},{}]}]},"
                      "{\"scopeLogs\":[{\"logRecords\":[{}]}]}]}");
    expect(otlp_read_json, buf_as_slice(&body), "3:{}\n");
    assert_int_equal(outcome.refused, 2);
    buf_free(&body);
}

static void test_output_is_bounded(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_string(&body, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"k\",\"value\":"
                      "{\"stringValue\":\"");
    for (size_t i = 0; i < OTLP_RESOURCE_BYTES_MAX - 1000; i++)
        buf_char(&body, 'x');
    buf_string(&body, "\"}}]},\"scopeLogs\":[{\"logRecords\":[{}");
    for (size_t i = 0; i < OTLP_OUTPUT_BYTES_MAX / (OTLP_RESOURCE_BYTES_MAX - 1000); i++)
        buf_string(&body, ",{}");
    buf_string(&body, "]}]}]}");
    expect_error(otlp_read_json, buf_as_slice(&body), ERR_LIMIT);
    buf_free(&body);
}

static void test_answers(void **state)
{
    (void)state;
    struct buf out = {0};
    otlp_answer_protobuf(&out, 0, "");
    assert_int_equal(out.len, 0);
    otlp_answer_protobuf(&out, 3, "why");
    assert_true(slice_equal(buf_as_slice(&out), SLICE("\x0a\x07\x08\x03\x12\x03why")));
    buf_clear(&out);
    otlp_answer_json(&out, 0, "");
    assert_string_equal(buf_text(&out), "{}");
    buf_clear(&out);
    otlp_answer_json(&out, 3, "why");
    assert_string_equal(
        buf_text(&out),
        "{\"partialSuccess\":{\"rejectedLogRecords\":\"3\",\"errorMessage\":\"why\"}}");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_body_of_members),
        cmocka_unit_test(test_json_bad_record),
        cmocka_unit_test(test_frame_that_does_not_hold),
        cmocka_unit_test(test_protobuf),
        cmocka_unit_test(test_protobuf_bad_record),
        cmocka_unit_test(test_large_resource_refuses_its_records),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
