#include "unit/detection/intel_feed.h"

#define ID "indicator--00000000-0000-4000-8000-00000000000"
#define INDICATOR(number, pattern, more)                                                           \
    "{`type`:`indicator`,`id`:`" ID number                                                         \
    "`,`spec_version`:`2.1`,`pattern_type`:`stix`,`pattern`:`" pattern "`" more "}"

static void test_bundle(void **state)
{
    (void)state;
    feed_expect(INTEL_STIX,
                "{`type`:`bundle`,`id`:`bundle--1`,`objects`:[\n" INDICATOR(
                    "1",
                    "[ipv4-addr:value = '192.0.2.1' OR domain-name:value = 'Evil.example.org']",
                    ",`name`:`Bad`,`confidence`:80,`created_by_ref`:`identity--1`,"
                    "`object_marking_refs`:[`marking-definition--f88d31f6-486f-44da-b317-"
                    "01333bde0b82`],"
                    "`valid_from`:`2026-01-01T00:00:00Z`,`valid_until`:`2031-01-01T00:00:"
                    "00Z`") ","
                            "{`type`:`identity`,`id`:`identity--1`,`name`:`ACME`}]}",
                "ip 192.0.2.1 'Bad (ACME)' TLP:AMBER 80% from=2026-01-01T00:00:00Z "
                "until=2031-01-01T00:00:00Z id=" ID "1\n"
                "domain evil.example.org 'Bad (ACME)' TLP:AMBER 80% from=2026-01-01T00:00:00Z "
                "until=2031-01-01T00:00:00Z id=" ID "1\n");
}

static void test_forms(void **state)
{
    (void)state;
    const char *expected = "ip 192.0.2.1 id=" ID "1\n";
    feed_expect(INTEL_STIX, INDICATOR("1", "[ipv4-addr:value = '192.0.2.1']", ""), expected);
    feed_expect(INTEL_STIX, "[" INDICATOR("1", "[ipv4-addr:value = '192.0.2.1']", "") "]",
                expected);
    feed_expect(
        INTEL_STIX,
        "{`more`:false,`objects`:[" INDICATOR("1", "[ipv4-addr:value = '192.0.2.1']", "") "]}",
        expected);
    /* 2.0: no pattern_type, spec_version in the bundle */
    feed_expect(INTEL_STIX,
                "{`type`:`bundle`,`id`:`bundle--1`,`spec_version`:`2.0`,`objects`:["
                "{`type`:`indicator`,`id`:`" ID "1`,`labels`:[`malicious-activity`],"
                "`pattern`:`[ipv4-addr:value = '192.0.2.1']`}]}",
                expected);
    feed_expect(INTEL_STIX, "{`type`:`bundle`,`id`:`bundle--1`}", "");
}

static void test_values(void **state)
{
    (void)state;
    feed_expect(INTEL_STIX,
                "[" INDICATOR("1",
                              "[file:hashes.'SHA-256' = "
                              "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'] "
                              "OR [file:hashes.MD5 = '0c2674c3a97c53082187d930efb645c2'] OR "
                              "[url:value IN ('http://a.example.org/x', 'http://b.example.org/y')]",
                              "") "," INDICATOR("2",
                                                "[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR "
                                                "email-addr:value = 'who@example.org' OR "
                                                "file:name = 'x ISSUBSET y.exe']",
                                                "") "]",
                "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 id=" ID
                "1\n"
                "md5 0c2674c3a97c53082187d930efb645c2 id=" ID "1\n"
                "url http://a.example.org/x id=" ID "1\n"
                "url http://b.example.org/y id=" ID "1\n"
                "cidr 198.51.100.0/24 id=" ID "2\n"
                "email who@example.org id=" ID "2\n"
                "file-name x issubset y.exe id=" ID "2\n");
}

/* More than a list of values: not in the table, and said so. */
static void test_patterns(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "[file:name = 'a.exe' AND file:hashes.MD5 = '0c2674c3a97c53082187d930efb645c2']",
        "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [domain-name:value = 'a.example.org']",
        "[ipv4-addr:value = '192.0.2.1'] REPEATS 3 TIMES",
        "[ipv4-addr:value != '192.0.2.1']",
        "[ipv4-addr:value NOT = '192.0.2.1']",
        "[ipv4-addr:value NOT ISSUBSET '192.0.2.0/24']",
        "[mutex:name = 'abc']",
        "[url:value LIKE 'http://%']",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct feed f = {.options = feed_options()};
        struct buf text = {0};
        buf_printf(&text,
                   "{`type`:`indicator`,`id`:`" ID "1`,`pattern_type`:`stix`,"
                   "`pattern`:`%s`}",
                   patterns[i]);
        feed_read_quoted(&f, buf_text(&text));
        assert_int_equal(f.rc, ERR_OK);
        if (f.counts.patterns != 1 || f.counts.indicators != 0)
            fail_msg("%s: %s", patterns[i], buf_text(&f.out));
        buf_free(&text);
        buf_free(&f.out);
    }
}

static void test_versions(void **state)
{
    (void)state;
    feed_expect(INTEL_STIX,
                "[" INDICATOR("1", "[ipv4-addr:value = '192.0.2.1']",
                              ",`modified`:`2026-01-01T00:00:00Z`") "," //
                INDICATOR("1", "[ipv4-addr:value = '192.0.2.2']",
                          ",`modified`:`2026-01-02T00:00:00Z`") "," //
                INDICATOR("2", "[ipv4-addr:value = '192.0.2.3']",
                          ",`modified`:`2026-01-01T00:00:00Z`") "," //
                INDICATOR("2", "[ipv4-addr:value = '192.0.2.3']",
                          ",`modified`:`2026-01-02T00:00:00Z`,`revoked`:true") "]",
                "ip 192.0.2.2 id=" ID "1\n- " ID "2 of test\n");
}

static void test_markings(void **state)
{
    (void)state;
    feed_expect(
        INTEL_STIX,
        "[" INDICATOR("1", "[ipv4-addr:value = '192.0.2.1']",
                      ",`object_marking_refs`:[`marking-definition--own`]") "," //
        INDICATOR(
            "2", "[ipv4-addr:value = '192.0.2.2']",
            ",`object_marking_refs`:[`marking-definition--new`,"
            "`marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9`]") ","
                                                                           "{`type`:`marking-"
                                                                           "definition`,`id`:"
                                                                           "`marking-definition-"
                                                                           "-own`,"
                                                                           "`definition_type`:"
                                                                           "`tlp`,"
                                                                           "`definition`:{"
                                                                           "`tlp`:`green`}},"
                                                                           "{`type`:`marking-"
                                                                           "definition`,`id`:"
                                                                           "`marking-definition-"
                                                                           "-new`,"
                                                                           "`extensions`:{"
                                                                           "`extension-"
                                                                           "definition--60a3c5c5-"
                                                                           "0d10-413e-aab3-"
                                                                           "9e08dde9e88d`:"
                                                                           "{`extension_type`:"
                                                                           "`property-"
                                                                           "extension`,`tlp_2_"
                                                                           "0`:`amber+strict`}"
                                                                           "}}]",
        "ip 192.0.2.1 TLP:GREEN id=" ID "1\nip 192.0.2.2 TLP:AMBER+STRICT id=" ID "2\n");
}

static void test_refused(void **state)
{
    (void)state;
    feed_expect(INTEL_STIX,
                "[\n{`type`:`indicator`,`id`:`" ID "1`,`pattern_type`:`yara`,"
                "`pattern`:`rule x {}`},\n" INDICATOR("2", "", "") ",\n" INDICATOR(
                    "3", "[ipv4-addr:value = 'no address']", "") "]",
                "? 2: patterns of type \"yara\" are not read\n"
                "? 3: the indicator has no pattern\n"
                "? 4: \"no address\" is not an IP address\n");
    struct feed f = {.options = feed_options()};
    feed_read_quoted(&f, INDICATOR("1", "[ipv4-addr:value == '192.0.2.1'", ""));
    assert_int_equal(f.counts.refused, 1);
    assert_true(slice_starts(buf_as_slice(&f.out), SLICE("? 1: pattern, column ")));
    buf_free(&f.out);
    feed_expect_error("{`type`:`bundle`,`id`:`bundle--1`,`objects`:[", ERR_SYNTAX, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle),   cmocka_unit_test(test_forms),
        cmocka_unit_test(test_values),   cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_versions), cmocka_unit_test(test_markings),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
