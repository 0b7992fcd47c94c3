#include "formats/csv.h"

#include "unit/formats/fields.h"

static struct slice abc[] = {{"a", 1}, {"b", 1}, {"c", 1}};
static const struct format_header commas = {abc, 3, ',', {"", 0}};
static const struct format_header semicolons = {abc, 3, ';', {"", 0}};

static void expect(const struct format_header *header, const char *text, const char *expected)
{
    fields_expect_slice(csv_parse, header, slice_from(text), expected);
}

/* RFC 4180 section 2, rules 1 to 7 */
static void test_rfc4180(void **state)
{
    (void)state;
    expect(&commas, "aaa,bbb,ccc\r\n", "a=aaa\nb=bbb\nc=ccc\n");
    expect(&commas, "aaa,bbb,ccc", "a=aaa\nb=bbb\nc=ccc\n");
    expect(&commas, "\"aaa\",\"bbb\",\"ccc\"", "a=aaa\nb=bbb\nc=ccc\n");
    expect(&commas, "\"aaa\",\"b\r\nbb\",\"ccc\"\r\n", "a=aaa\nb=b\r\nbb\nc=ccc\n");
    expect(&commas, "\"aaa\",\"b\"\"bb\",\"\"\"\"", "a=aaa\nb=b\"bb\nc=\"\n");
    expect(&commas, "zzz, y ,x\"x", "a=zzz\nb= y \nc=x\"x\n");
    expect(&commas, ",,", "a=\nb=\nc=\n");
    expect(&commas, "\"\",\",\",", "a=\nb=,\nc=\n");
    expect(&semicolons, "1,5;\"2;\";3", "a=1,5\nb=2;\nc=3\n");
}

static void test_refused(void **state)
{
    (void)state;
    fields_refuse(csv_parse, NULL, "1,2,3",
                  "the CSV file has no header row that names its columns");
    fields_refuse(csv_parse, &commas, "1,2", "the row has 2 cells, its header has 3 columns");
    fields_refuse(csv_parse, &commas, "1,2,3,4", "the row has 4 cells, its header has 3 columns");
    fields_refuse(csv_parse, &commas, "", "the row has 1 cells, its header has 3 columns");
    fields_refuse(csv_parse, &commas, "1,\"2,3",
                  "the quotes of cell 2 do not close before the next ','");
    fields_refuse(csv_parse, &commas, "1,\"2\"x,3",
                  "the quotes of cell 2 do not close before the next ','");
}

/* What a writer by RFC 4180 writes is read back. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char alphabet[] = "a\",\r\n; \xe1\xba\xa1";
    uint64_t seed = 4180;
    for (int round = 0; round < 2000; round++) {
        struct buf row = {0}, cells = {0};
        size_t ends[3];
        for (int i = 0; i < 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            buf_string(&row, i ? ",\"" : "\"");
            for (uint64_t bits = seed >> 40; bits; bits /= sizeof alphabet - 1) {
                char c = alphabet[bits % (sizeof alphabet - 1)];
                buf_char(&cells, c);
                buf_char(&row, c);
                if (c == '"')
                    buf_char(&row, c);
            }
            buf_char(&row, '"');
            ends[i] = cells.len;
        }
        struct record r = {0};
        assert_int_equal(csv_parse(&r, buf_as_slice(&row), &commas, NULL), ERR_OK);
        for (size_t i = 0, start = 0; i < 3; start = ends[i++])
            assert_true(slice_equal(r.fields[i].value,
                                    slice_part(buf_as_slice(&cells), start, ends[i] - start)));
        record_free(&r);
        buf_free(&row);
        buf_free(&cells);
    }
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(csv_probe(SLICE("\xef\xbb\xbf"
                                     "time,user,action\n1,\"a,b\",3\n4,5,")),
                     70);
    assert_int_equal(csv_probe(SLICE("time;user\n1;2\n")), 40);
    assert_int_equal(csv_probe(SLICE("time\tuser\tx\n1\t2\t3\n")), 70);
    assert_int_equal(csv_probe(SLICE("time,user,x\n1,2\n")), 0);
    assert_int_equal(csv_probe(SLICE("date=1,time=2,x=3\ndate=1,time=2,x=3\n")), 0);
    assert_int_equal(csv_probe(SLICE("{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2}\n")), 0);
    assert_int_equal(csv_probe(SLICE("plain text\n")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4180),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
