#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/protobuf.h"

static void test_round_trip(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    struct buf out = {0};
    struct protobuf_reader r;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        protobuf_put_varint(&out, (uint32_t)i + 1, numbers[i]);
    protobuf_put_bytes(&out, 1000, SLICE("text"));
    protobuf_open(&r, buf_as_slice(&out));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        assert_true(protobuf_next(&r));
        assert_int_equal(r.field, i + 1);
        assert_int_equal(r.wire, PROTOBUF_VARINT);
        assert_true(r.number == numbers[i]);
    }
    assert_true(protobuf_next(&r));
    assert_int_equal(r.field, 1000);
    assert_true(slice_equal(r.bytes, SLICE("text")));
    assert_false(protobuf_next(&r));
    assert_false(r.bad);
    buf_free(&out);
}

/* Examples of the Protocol Buffers encoding guide, and the fixed ones. */
static void test_wire(void **state)
{
    (void)state;
    struct protobuf_reader r;
    protobuf_open(&r, SLICE("\x08\x96\x01"));
    assert_true(protobuf_next(&r) && r.field == 1 && r.number == 150);
    protobuf_open(&r, SLICE("\x11\1\0\0\0\0\0\0\x80\x1d\2\0\0\0"));
    assert_true(protobuf_next(&r) && r.wire == PROTOBUF_FIXED64);
    assert_true(r.field == 2 && r.number == 0x8000000000000001u);
    assert_true(protobuf_next(&r) && r.wire == PROTOBUF_FIXED32 && r.field == 3 && r.number == 2);
    assert_false(protobuf_next(&r));
    assert_false(r.bad);
}

static void test_bad(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        {"\x08", 1},
        {"\x08\x80", 2},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},
        {"\x0a\x02x", 3},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
        {"\x09\x01\x02", 3},
        {"\x0d\x01\x02", 3},
        {"\x0b\x0c", 2}, /* a group */
        {"\x00\x00", 2}, /* field 0 */
        {"\x0e\x00", 2}, /* wire type 6 */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct protobuf_reader r;
        protobuf_open(&r, bad[i]);
        assert_false(protobuf_next(&r));
        assert_true(r.bad);
        assert_false(protobuf_next(&r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
