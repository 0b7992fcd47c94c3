/* Values as people and feeds write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detection/indicator.h"

enum { ANY = INDICATOR_TYPES };

static const struct {
    const char *text;
    int said;
    const char *expected; /* type and value, or NULL: refused */
} cases[] = {
    {"192.0.2.1", ANY, "ip 192.0.2.1"},
    {" \"192[.]0[.]2[.]1\" ", ANY, "ip 192.0.2.1"},
    {"::FFFF:192.0.2.1", ANY, "ip 192.0.2.1"},
    {"2001:0DB8:0::1", ANY, "ip 2001:db8::1"},
    {"2001:db8[:][:]1", ANY, "ip 2001:db8::1"},
    {"192.0.2.77/24", ANY, "cidr 192.0.2.0/24"},
    {"192.0.2.77/32", INDICATOR_CIDR, "ip 192.0.2.77"},
    {"10.0.0.0/8", INDICATOR_IP, "cidr 10.0.0.0/8"},
    {"2001:db8::/32", ANY, "cidr 2001:db8::/32"},
    {"192.0.2.1:443", ANY, "ip:port 192.0.2.1:443"},
    {"[2001:db8::1]:443", ANY, "ip:port [2001:db8::1]:443"},
    {"192.0.2.1:0", ANY, NULL},
    {"192.0.2.1:70000", INDICATOR_IP_PORT, NULL},
    {"192.0.2.300", INDICATOR_IP, NULL},
    {"Example[.]ORG.", ANY, "domain example.org"},
    {"evil(dot)example{.}org", ANY, "domain evil.example.org"},
    {"evil[.example.org", ANY, "domain evil.example.org"},
    {"evil\\.example\\.org", ANY, "domain evil.example.org"},
    {"*.example.org", ANY, "domain example.org"},
    {".google.ad", INDICATOR_DOMAIN, "domain google.ad"},
    {"example.org:8443", INDICATOR_DOMAIN, "domain example.org"},
    {"b\xc3\xbc"
     "cher.example",
     ANY, "domain xn--bcher-kva.example"},
    {"fa\xc3\x9f.example", ANY, "domain xn--fa-hia.example"},
    {"192.0.2.1", INDICATOR_DOMAIN, "ip 192.0.2.1"},
    {"localhost", INDICATOR_DOMAIN, NULL},
    {"evil.exe", INDICATOR_DOMAIN, NULL},
    {"a..b.org", INDICATOR_DOMAIN, NULL},
    {"http://example.org/x", INDICATOR_DOMAIN, NULL},
    {"hxxp://Example[.]org:80/A?b#c", ANY, "url http://example.org/A?b"},
    {"hXXps[://]example.org/", ANY, "url https://example.org/"},
    {"<http://example.org/a b>", ANY, "url http://example.org/a%20b"},
    {"http://example.org", ANY, "url-prefix http://example.org/"},
    {"http://192.0.2.1", INDICATOR_URL, "url-prefix http://192.0.2.1/"},
    {"http://example.org/a/*", ANY, "url-prefix http://example.org/a/"},
    {"http://example.org/a", INDICATOR_URL_PREFIX, "url-prefix http://example.org/a"},
    {"fxp://example.org/a", ANY, "url ftp://example.org/a"},
    {"http://u:p@example.org/a", ANY, "url http://example.org/a"},
    {"example.org/a/b.php", ANY, "url-prefix example.org/a/b.php"},
    {"192.0.2.1:8080/x", INDICATOR_URL, "url-prefix 192.0.2.1:8080/x"},
    {"example.org", INDICATOR_URL, "domain example.org"},
    {"/owa/auth/x.aspx", ANY, "url-path /owa/auth/x.aspx"},
    {"/a", ANY, NULL},
    {"//abcdef", ANY, NULL},
    {"http://", ANY, NULL},
    {"D41D8CD98F00B204E9800998ECF8427E", ANY, "md5 d41d8cd98f00b204e9800998ecf8427e"},
    {"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", INDICATOR_MD5,
     "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ANY,
     "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"d41d8cd98f00b204e9800998ecf8427", INDICATOR_MD5, NULL},
    {"d41d8cd98f00b204e9800998ecf8427g", INDICATOR_MD5, NULL},
    {"John[at]Example[.]org", ANY, "email john@example.org"},
    {"mailto:john@example.org", ANY, "email john@example.org"},
    {"john@localhost", ANY, NULL},
    {"Evil.EXE", ANY, "file-name evil.exe"},
    {"C:\\Temp\\.x\\My Evil.exe", ANY, "file-name my evil.exe"},
    {"\xc4\x90\xc6\xa1n.exe", INDICATOR_FILE_NAME, "file-name \xc4\x91\xc6\xa1n.exe"},
    {"xmrig", INDICATOR_FILE_NAME, "file-name xmrig"},
    {"xmrig", ANY, NULL},
    {"C:\\Temp\\", INDICATOR_FILE_NAME, NULL},
    {"", ANY, NULL},
    {"\"\"", ANY, NULL},
    {"a\tb", ANY, NULL},
};

static void values_are_read(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct indicator out = {0};
        struct err err = {0};
        struct buf got = {0};
        int rc = indicator_parse(&out, slice_from(cases[i].text),
                                 (enum indicator_type)cases[i].said, &arena, &err);
        if (rc == ERR_OK)
            buf_printf(&got, "%s %.*s", indicator_type_names[out.type], (int)out.value.len,
                       out.value.data);
        else
            assert_true(rc == ERR_SYNTAX && err.text[0]);
        const char *expected = cases[i].expected ? cases[i].expected : "";
        if (strcmp(buf_text(&got), expected) != 0)
            print_error("in: %s\n", cases[i].text);
        assert_string_equal(buf_text(&got), expected);
        buf_free(&got);
        arena_reset(&arena);
    }
    arena_free(&arena);
}

static void long_values_are_refused(void **state)
{
    (void)state;
    char text[INDICATOR_VALUE_BYTES_MAX + 2];
    struct arena arena = {0};
    struct indicator out;
    struct err err;
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://example.org/", 19);
    assert_int_equal(
        indicator_parse(&out, slice_make(text, sizeof(text)), INDICATOR_TYPES, &arena, &err),
        ERR_SYNTAX);
    memset(text + 19, ' ', 1500);
    text[1600] = 'x'; /* would grow past the limit */
    assert_int_equal(indicator_parse(&out, slice_make(text, 1601), INDICATOR_TYPES, &arena, &err),
                     ERR_SYNTAX);
    arena_free(&arena);
}

static void hunts_have_a_hash_to_look_for(void **state)
{
    (void)state;
    uint64_t hash;
    struct indicator i = {.type = INDICATOR_IP_PORT, .value = SLICE("[2001:db8::1]:443")};
    assert_true(indicator_sight_hash(&i, &hash));
    assert_true(hash == sight_hash(SIGHT_IP, SLICE("2001:db8::1")));
    i = (struct indicator){.type = INDICATOR_URL_PREFIX, .value = SLICE("http://example.org:81/a")};
    assert_true(indicator_sight_hash(&i, &hash));
    assert_true(hash == sight_hash(SIGHT_HOST, SLICE("example.org")));
    i = (struct indicator){.type = INDICATOR_URL_PREFIX, .value = SLICE("192.0.2.1/a")};
    assert_true(indicator_sight_hash(&i, &hash));
    assert_true(hash == sight_hash(SIGHT_IP, SLICE("192.0.2.1")));
    i = (struct indicator){.type = INDICATOR_URL_PREFIX, .value = SLICE("http://localhost/a")};
    assert_false(indicator_sight_hash(&i, &hash));
    i = (struct indicator){.type = INDICATOR_CIDR, .value = SLICE("192.0.2.0/24")};
    assert_false(indicator_sight_hash(&i, &hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(long_values_are_refused),
        cmocka_unit_test(hunts_have_a_hash_to_look_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
