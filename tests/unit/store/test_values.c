#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "formats/record.h"
#include "store/values.h"
#include "store/varint.h"

static void test_integers(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "0", "7", "-1", "4624", "9223372036854775807", "-9223372036854775807"};
    static const char *const others[] = {"",
                                         "-",
                                         "+1",
                                         "01",
                                         "-0",
                                         "1.0",
                                         "1e3",
                                         " 1",
                                         "1 ",
                                         "9223372036854775808",
                                         "0x1",
                                         "-007",
                                         "99999999999999999999"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        int64_t value;
        char text[VALUES_INTEGER_BYTES];
        assert_true(values_integer(slice_from(plain[i]), &value));
        size_t len = values_integer_text(text, value);
        assert_true(slice_equal(slice_make(text, len), slice_from(plain[i])));
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        int64_t value;
        assert_false(values_integer(slice_from(others[i]), &value));
    }
}

static void test_varints(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t bytes[VARINT_BYTES_MAX];
        size_t len = varint_put(bytes, values[i]);
        struct varint_walk w = varint_walk_make(slice_make((const char *)bytes, len));
        assert_true(varint_next(&w) == values[i] && !w.failed && w.at == w.end);
        assert_true(varint_zigzag(varint_unzigzag(values[i])) == values[i]);
        w = varint_walk_make(slice_make((const char *)bytes, len - 1));
        assert_true(varint_next(&w) == 0 && w.failed);
    }
    struct varint_walk too_long =
        varint_walk_make(SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
    (void)varint_next(&too_long);
    assert_true(too_long.failed);
    assert_int_equal(varint_unzigzag(varint_zigzag(INT64_MIN)), INT64_MIN);
}

static void test_numbers(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, INT64_MAX, INT64_MIN, -1, 5, 5};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    int64_t read[COUNT];
    uint32_t count;
    uint8_t kind;
    struct buf raw = {0};
    values_numbers_pack(VALUE_NUMBER, numbers, COUNT, &raw);
    assert_true(values_numbers_count(buf_as_slice(&raw), &count, &kind));
    assert_int_equal(count, COUNT);
    assert_int_equal(kind, VALUE_NUMBER);
    assert_true(values_numbers_unpack(buf_as_slice(&raw), read));
    assert_memory_equal(read, numbers, sizeof numbers);
    assert_false(values_numbers_unpack(slice_make(raw.data, raw.len - 1), read));
    raw.data[3] = 1; /* more numbers than there are bytes */
    assert_false(values_numbers_count(buf_as_slice(&raw), &count, &kind));
    buf_free(&raw);
}

static void test_ids(void **state)
{
    (void)state;
    static const uint32_t tops[] = {3, 255, 256, 65535, 65536, 1u << 30};
    for (size_t t = 0; t < sizeof tops / sizeof tops[0]; t++) {
        const uint32_t ids[] = {0, tops[t], 1, tops[t] - 1};
        uint32_t read[4];
        struct buf raw = {0};
        values_ids_pack(ids, 4, &raw);
        assert_int_equal(raw.len, 1 + 4 * (tops[t] < 256 ? 1 : tops[t] < 65536 ? 2 : 4));
        assert_true(values_ids_unpack(buf_as_slice(&raw), read, 4, tops[t] + 1));
        assert_memory_equal(read, ids, sizeof ids);
        assert_false(values_ids_unpack(buf_as_slice(&raw), read, 4, tops[t]));
        assert_false(values_ids_unpack(buf_as_slice(&raw), read, 3, tops[t] + 1));
        raw.data[0] = 3;
        assert_false(values_ids_unpack(buf_as_slice(&raw), read, 4, tops[t] + 1));
        buf_free(&raw);
    }
}

static void test_entries(void **state)
{
    (void)state;
    struct values_entries e = {0};
    struct values_view v;
    struct buf raw = {0};
    values_entries_add(&e, VALUE_STRING, SLICE("one"));
    values_entries_add(&e, VALUE_STRING, SLICE(""));
    values_entries_pack(&e, &raw);
    assert_true(values_view_open(&v, buf_as_slice(&raw)));
    assert_true(v.count == 2 && !v.kinds && v.kind == VALUE_STRING && v.masks.len == 0);
    assert_true(slice_equal(v.text, SLICE("one")));
    values_entries_add(&e, VALUE_NULL, SLICE(""));
    for (uint16_t mask = 1; mask < 8; mask = (uint16_t)(mask << 1))
        values_entries_mask(&e, mask);
    values_entries_pack(&e, &raw);
    assert_true(values_view_open(&v, buf_as_slice(&raw)));
    assert_true(v.count == 3 && v.kinds[2] == VALUE_NULL && v.masks.len == 6);
    for (size_t len = 0; len < raw.len; len++)
        assert_false(values_view_open(&v, slice_make(raw.data, len)));
    raw.data[6] = VALUE_OBJECT + 1;
    assert_false(values_view_open(&v, buf_as_slice(&raw)));
    values_entries_free(&e);
    buf_free(&raw);
}

static void test_planes(void **state)
{
    (void)state;
    static const char items[] = "abcdefghi";
    char read[9];
    struct buf raw = {0};
    values_planes_pack(items, 3, 3, &raw);
    assert_true(slice_equal(buf_as_slice(&raw), SLICE("adgbehcfi")));
    assert_true(values_planes_unpack(buf_as_slice(&raw), read, 3, 3));
    assert_memory_equal(read, items, 9);
    assert_false(values_planes_unpack(buf_as_slice(&raw), read, 2, 3));
    buf_free(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers), cmocka_unit_test(test_varints),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_ids),
        cmocka_unit_test(test_entries),  cmocka_unit_test(test_planes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
