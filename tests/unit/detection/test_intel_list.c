#include "unit/detection/intel_feed.h"

static void test_plain(void **state)
{
    (void)state;
    feed_expect(INTEL_LIST,
                "# a list\n"
                "\n"
                "evil.example.org\r\n"
                "hxxp://bad[.]example[.]com/x # why\n"
                "// another comment\n"
                "; and one\n"
                "  192.0.2.7\tscanner\n"
                "198.51.100.0/24 ; SBL1\n"
                "\"d41d8cd98f00b204e9800998ecf8427e\"\n",
                "domain evil.example.org\n"
                "url http://bad.example.com/x 'why'\n"
                "ip 192.0.2.7 'scanner'\n"
                "cidr 198.51.100.0/24 'SBL1'\n"
                "md5 d41d8cd98f00b204e9800998ecf8427e\n");
}

static void test_separators(void **state)
{
    (void)state;
    feed_expect(INTEL_LIST,
                "# MD5;COMMENT\n"
                "0c2674c3a97c53082187d930efb645c2;Some Malware - http://example.org/a;b\n"
                "0d2674c3a97c53082187d930efb645c2;\n",
                "md5 0c2674c3a97c53082187d930efb645c2 'Some Malware - http://example.org/a;b'\n"
                "md5 0d2674c3a97c53082187d930efb645c2\n");
    feed_expect(INTEL_LIST, "\"192.0.2.1\",\"first\"\n\"192.0.2.2\",\"second\"\n",
                "ip 192.0.2.1 'first'\nip 192.0.2.2 'second'\n");
    /* a separator in one value of many is part of the value */
    feed_expect(INTEL_LIST,
                "http://a.example.org/x;y\nhttp://b.example.org/\nhttp://c.example.org/z\n",
                "url http://a.example.org/x;y\nurl http://b.example.org/\nurl "
                "http://c.example.org/z\n");
    feed_expect(INTEL_LIST, "192.0.2.1\t10\n192.0.2.2\t9\n",
                "ip 192.0.2.1 'count 10'\nip 192.0.2.2 'count 9'\n");
}

static void test_hosts(void **state)
{
    (void)state;
    feed_expect(INTEL_LIST,
                "0.0.0.0 a.example.org\n127.0.0.1\tb.example.org # note\n0.0.0.0 # alone\n",
                "domain a.example.org\ndomain b.example.org 'note'\nip 0.0.0.0 'alone'\n");
}

static void test_refused(void **state)
{
    (void)state;
    struct feed f = {.options = feed_options()};
    feed_read(&f, SLICE("192.0.2.1\n!!!\n192.0.2.2\n"));
    assert_int_equal(f.rc, ERR_OK);
    assert_int_equal(f.counts.indicators, 2);
    assert_int_equal(f.counts.refused, 1);
    assert_true(slice_find(buf_as_slice(&f.out), SLICE("\n? 2: ")) != SLICE_NONE);

    struct buf text = {0};
    buf_string(&text, "192.0.2.1\n");
    for (int i = 0; i < INTEL_ROW_BYTES_MAX + 10; i++)
        buf_char(&text, 'a');
    buf_string(&text, "\n192.0.2.2");
    feed_read(&f, buf_as_slice(&text));
    assert_string_equal(buf_text(&f.out),
                        "ip 192.0.2.1\n? 2: the line is longer than 65536 bytes\nip 192.0.2.2\n");
    buf_clear(&text);
    buf_string(&text, "192.0.2.1\nhttp://example.org/");
    for (int i = 0; i < INDICATOR_VALUE_BYTES_MAX; i++)
        buf_char(&text, 'a');
    feed_read(&f, buf_as_slice(&text));
    assert_string_equal(buf_text(&f.out),
                        "ip 192.0.2.1\n? 2: the value is longer than 2048 bytes\n");
    buf_free(&text);
    buf_free(&f.out);
}

static void test_unknown(void **state)
{
    (void)state;
    feed_expect_error("", ERR_UNSUPPORTED, "neither STIX");
    feed_expect_error("This is some text about a program.\nAnd more of it!\n", ERR_UNSUPPORTED,
                      "neither STIX");
    feed_expect_error("{\"a\": 1}", ERR_UNSUPPORTED, "neither STIX");
    feed_expect_error("0c2674c3a97c53082187d930efb645c2,5c8d3f4a-0000-4000-8000-000000000001\n"
                      "0d2674c3a97c53082187d930efb645c2,5c8d3f4a-0000-4000-8000-000000000001\n",
                      ERR_UNSUPPORTED, "digests of values");
}

/* What the caller says of values that say nothing themselves. */
static void test_options(void **state)
{
    (void)state;
    struct intel_reader_options options = feed_options();
    options.tlp = TLP_AMBER;
    options.confidence = 40;
    options.until_ns = 2000 * CLOCK_SECOND_NS;
    feed_expect_with(&options, INTEL_LIST, "192.0.2.1 x\n",
                     "ip 192.0.2.1 'x' TLP:AMBER 40% until=1970-01-01T00:33:20Z\n");
    options.warning_list = true;
    feed_expect_with(&options, INTEL_LIST, "192.0.2.1 x\n", "! ip 192.0.2.1 (test)\n");
    options.warning_list = false;
    options.now_ns = options.until_ns;
    struct feed f = {.options = options};
    feed_read(&f, SLICE("192.0.2.1\n"));
    assert_int_equal(f.counts.indicators, 0);
    assert_int_equal(f.counts.expired, 1);
    buf_free(&f.out);
}

static void test_tlp(void **state)
{
    (void)state;
    enum indicator_tlp tlp;
    assert_true(intel_reader_tlp(SLICE("TLP:WHITE"), &tlp));
    assert_int_equal(tlp, TLP_CLEAR);
    assert_true(intel_reader_tlp(SLICE("tlp:amber+strict"), &tlp));
    assert_int_equal(tlp, TLP_AMBER_STRICT);
    assert_true(intel_reader_tlp(SLICE(" Red "), &tlp));
    assert_int_equal(tlp, TLP_RED);
    assert_false(intel_reader_tlp(SLICE("tlp:"), &tlp));
    assert_false(intel_reader_tlp(SLICE("purple"), &tlp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),   cmocka_unit_test(test_separators),
        cmocka_unit_test(test_hosts),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown), cmocka_unit_test(test_options),
        cmocka_unit_test(test_tlp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
