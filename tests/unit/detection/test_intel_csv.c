#include "unit/detection/intel_feed.h"

static void test_value_column(void **state)
{
    (void)state;
    feed_expect(INTEL_CSV,
                "Type,Value,Description,Confidence,TLP,Expires,ID\r\n"
                "domain,Evil[.]example.org,\"a \"\"bad\"\" one\",80,amber,2031-01-01,7\r\n"
                "ip-dst,192.0.2.1,,,,,\r\n"
                "\r\n"
                "# a comment\r\n"
                "FileHash-MD5,0c2674c3a97c53082187d930efb645c2,\"two\nlines\",,red,,\r\n",
                "domain evil.example.org 'a \"bad\" one' TLP:AMBER 80% until=2031-01-01T00:00:00Z "
                "id=7\n"
                "ip 192.0.2.1\n"
                "md5 0c2674c3a97c53082187d930efb645c2 'two\nlines' TLP:RED\n");
}

static void test_typed_columns(void **state)
{
    (void)state;
    feed_expect(INTEL_CSV,
                "first_seen;md5;sha256;signature\n"
                "2026-01-01;0c2674c3a97c53082187d930efb645c2;"
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;Emotet\n",
                "md5 0c2674c3a97c53082187d930efb645c2 'Emotet'\n"
                "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 "
                "'Emotet'\n");
    feed_expect(INTEL_CSV, "domain\nevil.example.org\n", "domain evil.example.org\n");
    feed_expect(INTEL_CSV, "ip\tcategory\n192.0.2.1\tscanner\n", "ip 192.0.2.1 'scanner'\n");
}

/* as abuse.ch writes them: the header is the last comment */
static void test_header_in_comment(void **state)
{
    (void)state;
    feed_expect(INTEL_CSV,
                "################\n"
                "# Some feed, updated daily\n"
                "#\n"
                "# id,dateadded,url,url_status,threat\n"
                "\"1\",\"2026-01-01 00:00:00\",\"http://a.example.org/x\",\"online\",\"malware\"\n",
                "url http://a.example.org/x 'malware' id=1\n");
}

static void test_source(void **state)
{
    (void)state;
    static const char text[] = "indicator,source\n192.0.2.1,partner\n192.0.2.2,\n";
    feed_expect(INTEL_CSV, text, "ip 192.0.2.1 source=partner\nip 192.0.2.2\n");
    struct intel_reader_options options = feed_options();
    options.source_fixed = true;
    feed_expect_with(&options, INTEL_CSV, text, "ip 192.0.2.1\nip 192.0.2.2\n");
}

static void test_to_ids(void **state)
{
    (void)state;
    static const char text[] = "uuid,type,value,comment,to_ids\n"
                               "a,ip-src,192.0.2.1,x,1\nb,ip-src,192.0.2.2,x,0\n";
    struct feed f = {.options = feed_options()};
    feed_read(&f, slice_from(text));
    assert_int_equal(f.counts.indicators, 1);
    assert_int_equal(f.counts.passed_over, 1);
    f.options.all = true;
    feed_read(&f, slice_from(text));
    assert_int_equal(f.counts.indicators, 2);
    buf_free(&f.out);
}

static void test_refused(void **state)
{
    (void)state;
    struct feed f = {.options = feed_options()};
    feed_read(&f, SLICE("type,value\nip,192.0.2.1\nip\nip,\nip,no address\nip,\"192.0.2.9\n"
                        "ip,192.0.2.2\n"));
    assert_int_equal(f.rc, ERR_OK);
    assert_int_equal(f.counts.indicators, 2);
    assert_int_equal(f.counts.refused, 4);
    struct slice out = buf_as_slice(&f.out);
    assert_true(slice_find(out, SLICE("? 3: the row has 1 cells, its header has 2")) != SLICE_NONE);
    assert_true(slice_find(out, SLICE("? 4: the row has no value\n")) != SLICE_NONE);
    assert_true(slice_find(out, SLICE("\n? 5: ")) != SLICE_NONE);
    assert_true(slice_find(out, SLICE("? 6: the quotes of cell 2 do not close")) != SLICE_NONE);
    assert_true(slice_ends(out, SLICE("ip 192.0.2.2\n")));
    buf_free(&f.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value_column),
        cmocka_unit_test(test_typed_columns),
        cmocka_unit_test(test_header_in_comment),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_to_ids),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
