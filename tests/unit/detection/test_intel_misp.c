#include "unit/detection/intel_feed.h"

#define UUID "5c8d3f4a-0000-4000-8000-00000000000"

static void test_event(void **state)
{
    (void)state;
    feed_expect(INTEL_MISP,
                "{`Event`:{`Attribute`:[\n"
                "{`type`:`ip-dst`,`value`:`192.0.2.1`,`to_ids`:true,`uuid`:`" UUID "1`},\n"
                "{`type`:`domain`,`value`:`evil.example.org`,`to_ids`:`1`,"
                "`Tag`:[{`name`:`tlp:red`}]},\n"
                "{`type`:`domain`,`value`:`gone.example.org`,`to_ids`:true,"
                "`deleted`:true},\n"
                "{`type`:`ip-src`,`value`:`192.0.2.2`,`to_ids`:false,"
                "`ShadowAttribute`:[{`type`:`ip-src`,`value`:`192.0.2.9`,"
                "`to_ids`:true}]}],\n"
                "`Object`:[{`name`:`file`,`Attribute`:[{`type`:`sha1`,`to_ids`:true,"
                "`value`:`da39a3ee5e6b4b0d3255bfef95601890afd80709`}]}],\n"
                "`RelatedEvent`:[{`Event`:{`Attribute`:[{`type`:`ip-src`,`to_ids`:true,"
                "`value`:`192.0.2.8`}]}}],\n"
                "`Orgc`:{`name`:`An Org`},`info`:`A campaign`,"
                "`Tag`:[{`name`:`tlp:green`},{`name`:`misp:confidence-level="
                "\\`usually-confident\\``}]}}",
                "ip 192.0.2.1 'A campaign (An Org)' TLP:GREEN 75% id=" UUID "1\n"
                "domain evil.example.org 'A campaign (An Org)' TLP:RED 75%\n"
                "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709 'A campaign (An Org)' TLP:GREEN "
                "75%\n");
}

#define ATTRIBUTE(type, value) "{`type`:`" type "`,`value`:`" value "`,`to_ids`:true,`comment`:`c`}"

static void test_types(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"ip-dst|port", "192.0.2.1|8080", "ip:port 192.0.2.1:8080 'c'\n"},
        {"ip-dst|port", "2001:db8::1|443", "ip:port [2001:db8::1]:443 'c'\n"},
        {"domain|ip", "a.example|192.0.2.2", "domain a.example 'c'\nip 192.0.2.2 'c'\n"},
        {"hostname|port", "b.example.org|80", "domain b.example.org 'c'\n"},
        {"filename|md5", "x.exe|0c2674c3a97c53082187d930efb645c2",
         "md5 0c2674c3a97c53082187d930efb645c2 'c'\n"},
        {"filename", "dropper.exe", "file-name dropper.exe 'c'\n"},
        {"url", "hxxps://c.example.org/p", "url https://c.example.org/p 'c'\n"},
        {"email-src", "who@example.org", "email who@example.org 'c'\n"},
        {"ip-src", "198.51.100.0/24", "cidr 198.51.100.0/24 'c'\n"},
        {"mutex", "abc", "? 1: attributes of type \"mutex\" are not matched\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = {0};
        buf_printf(&text, "{`type`:`%s`,`value`:`%s`,`to_ids`:true,`comment`:`c`}", rows[i][0],
                   rows[i][1]);
        feed_expect(INTEL_MISP, buf_text(&text), rows[i][2]);
        buf_free(&text);
    }
}

static void test_forms(void **state)
{
    (void)state;
    const char *expected = "ip 192.0.2.1 'c'\n";
    feed_expect(INTEL_MISP, "[" ATTRIBUTE("ip-src", "192.0.2.1") "]", expected);
    feed_expect(INTEL_MISP, ATTRIBUTE("ip-src", "192.0.2.1"), expected);
    feed_expect(INTEL_MISP, "{`response`:{`Attribute`:[" ATTRIBUTE("ip-src", "192.0.2.1") "]}}",
                expected);
    feed_expect(INTEL_MISP,
                "{`response`:[{`Event`:{`info`:`one`,`Attribute`:[" ATTRIBUTE(
                    "ip-src", "192.0.2.1") "]}},{`Event`:{`info`:`two`,`Attribute`:"
                                           "[" ATTRIBUTE("ip-src", "192.0.2.2") "]}}]}",
                "ip 192.0.2.1 'one'\nip 192.0.2.2 'two'\n");
    /* a search for attributes: each names its event */
    feed_expect(INTEL_MISP,
                "{`response`:{`Attribute`:[{`type`:`ip-src`,`value`:`192.0.2.1`,"
                "`to_ids`:true,`Event`:{`id`:`1`,`info`:`of it`}}]}}",
                "ip 192.0.2.1 'of it'\n");
    feed_expect(INTEL_MISP, "{`Event`:{`info`:`nothing in it`}}", "");
}

static void test_all(void **state)
{
    (void)state;
    static const char text[] =
        "{`Attribute`:[{`type`:`ip-src`,`value`:`192.0.2.1`,`to_ids`:false}]}";
    struct intel_reader_options options = feed_options();
    feed_expect_with(&options, INTEL_MISP, text, "");
    options.all = true;
    feed_expect_with(&options, INTEL_MISP, text, "ip 192.0.2.1\n");
}

static void test_refused(void **state)
{
    (void)state;
    feed_expect_error("{`" UUID "1`:{`info`:`x`},`" UUID "2`:{}}", ERR_UNSUPPORTED,
                      "manifest of a MISP feed");
    /* cut off: nothing of it comes in */
    feed_expect_error("{`Attribute`:[" ATTRIBUTE("ip-src", "192.0.2.1") ",", ERR_SYNTAX, "");
    feed_expect_error("[" ATTRIBUTE("ip-src", "192.0.2.1") ",{`type", ERR_SYNTAX, "");
    feed_expect_error("[" ATTRIBUTE("ip-src", "192.0.2.1") "] and more", ERR_SYNTAX, "");
    struct buf deep = {0};
    for (int i = 0; i < 20; i++)
        buf_string(&deep, "{`Event`:");
    buf_string(&deep, "{}");
    for (int i = 0; i < 20; i++)
        buf_char(&deep, '}');
    feed_expect(INTEL_MISP, buf_text(&deep), "? 1: more than 8 objects inside one another\n");
    buf_free(&deep);
}

static void test_warning_lists(void **state)
{
    (void)state;
    feed_expect(INTEL_WARNING_LIST,
                "{`description`:`d`,`list`:[`.good.example.org`,\n`!`],`name`:`Good`,"
                "`matching_attributes`:[`domain`],`type`:`hostname`}",
                "! domain good.example.org (Good)\n? 2: \"!\" is not a domain name\n");
    feed_expect(INTEL_WARNING_LIST,
                "{`name`:`Private`,`type`:`cidr`,`list`:[`10.0.0.0/8`,`192.0.2.1`]}",
                "! cidr 10.0.0.0/8 (Private)\n! ip 192.0.2.1 (Private)\n");
    feed_expect(INTEL_WARNING_LIST,
                "{`name`:`Empty`,`type`:`string`,"
                "`list`:[`d41d8cd98f00b204e9800998ecf8427e`,`.good.example.org`,7]}",
                "! md5 d41d8cd98f00b204e9800998ecf8427e (Empty)\n"
                "! domain good.example.org (Empty)\n"
                "? 1: a member of `list` is no text\n");
    feed_expect(INTEL_WARNING_LIST, "{`name`:`R`,`type`:`regex`,`list`:[`a.*`]}",
                "? 1: warning lists of type \"regex\" are not applied\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),   cmocka_unit_test(test_types),
        cmocka_unit_test(test_forms),   cmocka_unit_test(test_all),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_warning_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
