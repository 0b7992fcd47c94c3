/* What is seen in values, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "detection/sight.h"

static const char *const kind_names[SIGHT_KINDS] = {"ip",     "host",  "url",  "md5", "sha1",
                                                    "sha256", "email", "file", "path"};

static void sight_write(void *context, const struct sight *sight)
{
    struct buf *out = context;
    assert_true(sight->hash == sight_hash(sight->kind, sight->text));
    buf_printf(out, "%s%s %.*s", out->len ? ", " : "", kind_names[sight->kind],
               (int)sight->text.len, sight->text.data);
    if (sight->port)
        buf_printf(out, " port %u", sight->port);
}

/* The same from memory that ends with the value, so that reading past it is noticed. */
static void seen_is(const char *value, const char *expected)
{
    struct buf out = {0}, copy = {0};
    size_t len = strlen(value);
    buf_reserve(&copy, len ? len : 1);
    memcpy(copy.data, value, len);
    sight_scan(slice_make(copy.data, len), sight_write, &out);
    if (strcmp(buf_text(&out), expected) != 0)
        print_error("in: %s\n", value);
    assert_string_equal(buf_text(&out), expected);
    buf_free(&copy);
    buf_free(&out);
}

#define HASH32 "d41d8cd98f00b204e9800998ecf8427e"
#define HASH40 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define HASH64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void addresses(void **state)
{
    (void)state;
    seen_is("192.0.2.1", "ip 192.0.2.1");
    seen_is("from 192.0.2.1 port 22", "ip 192.0.2.1");
    seen_is("192.0.2.1:443", "ip 192.0.2.1 port 443");
    seen_is("192.0.2.1:44300000", "ip 192.0.2.1");
    seen_is("(192.0.2.1),192.0.2.2;", "ip 192.0.2.1, ip 192.0.2.2");
    seen_is("192.0.2.1/24", "ip 192.0.2.1");
    seen_is("192.0.2.256", "");
    seen_is("1.2.3.4.5", "");
    seen_is("10.0.19041.1", "");
    seen_is("v1.2.3.4", "");
    seen_is("address 192.0.2.1.", "ip 192.0.2.1");
    seen_is("2001:DB8::1", "ip 2001:db8::1");
    seen_is("2001:db8:0:0:0:0:0:1", "ip 2001:db8::1");
    seen_is("[2001:db8::1]:53", "ip 2001:db8::1 port 53");
    seen_is("a [2001:db8::1] b", "ip 2001:db8::1");
    seen_is("fe80::1%eth0", "ip fe80::1");
    seen_is("::ffff:192.0.2.1", "ip 192.0.2.1");
    seen_is("::1", "ip ::1");
    seen_is("::", "");
    seen_is("std::string", "");
    seen_is("00:0c:29:aa:bb:cc", "");
    seen_is("22:43:40", "");
    seen_is("2020-09-21 22:43:40.123", "");
}

static void hosts(void **state)
{
    (void)state;
    seen_is("example.org", "file example.org, host example.org");
    seen_is("a query for WWW.Example.ORG. ok", "host www.example.org");
    seen_is("q=example.org&x", "host example.org");
    seen_is("example.org:8080 up", "file example.org, host example.org");
    seen_is("_dmarc.example.org", "file _dmarc.example.org, host _dmarc.example.org");
    seen_is("xn--bcher-kva.example", "file xn--bcher-kva.example, host xn--bcher-kva.example");
    seen_is("b\xc3\xbc"
            "cher.example",
            "file b\xc3\xbc"
            "cher.example, host xn--bcher-kva.example");
    seen_is("\xd0\xbf\xd1\x80\xd0\xb8.\xd1\x80\xd1\x84", "host xn--h1and.xn--p1ai");
    seen_is("see b\xc3\xbc"
            "cher.example now",
            "");
    seen_is("a..example.org", "file a..example.org");
    seen_is("example.o", "file example.o");
    seen_is("1.5", "");
    seen_is("svchost.exe", "file svchost.exe");
    seen_is("\\\\files.example.org\\share", "host files.example.org, file share");
    seen_is("\\\\dav.example.org@8080\\x", "file dav.example.org, host dav.example.org");
    seen_is("u%3Dhttp%3A%2F%2Fexample.org%2Fx", "host example.org");
}

static void urls(void **state)
{
    (void)state;
    seen_is("HTTP://Example.ORG:80/A?b=C#d",
            "url http://example.org/A?b=C, path /A?b=C, path /A, host example.org");
    seen_is("https://example.org", "url https://example.org/, host example.org");
    seen_is("powershell iwr 'http://192.0.2.1:8080/x.ps1';",
            "url http://192.0.2.1:8080/x.ps1, path /x.ps1, ip 192.0.2.1 port 8080, file x.ps1");
    seen_is("(see http://example.org/a.) then",
            "url http://example.org/a, path /a, host example.org");
    seen_is("http://user:pw@example.org/x",
            "url http://example.org/x, path /x, email pw@example.org, host example.org, "
            "url example.org/x, path /x");
    seen_is("http://[2001:db8::1]:81/", "url http://[2001:db8::1]:81/, ip 2001:db8::1 port 81");
    seen_is("http://localhost/abc", "url http://localhost/abc, path /abc");
    seen_is("went to example.org/a/b today", "host example.org, url example.org/a/b, path /a/b");
    seen_is("C://x", "");
    seen_is("/owa/auth/x.aspx?a=1",
            "file x.aspx, path /owa/auth/x.aspx?a=1, path /owa/auth/x.aspx");
    seen_is("/", "");
    seen_is("http://b\xc3\xbc"
            "cher.example/\xc3\xbc",
            "url http://xn--bcher-kva.example/%C3%BC, path /%C3%BC, host xn--bcher-kva.example");
}

static void hashes(void **state)
{
    (void)state;
    seen_is(HASH32, "md5 " HASH32);
    seen_is("SHA1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709,MD5=" HASH32 ",SHA256=" HASH64
            ",IMPHASH=00000000000000000000000000000000",
            "sha1 " HASH40 ", md5 " HASH32 ", sha256 " HASH64
            ", md5 00000000000000000000000000000000");
    seen_is(HASH32 "0", "");
    seen_is(HASH32 "x", "");
    seen_is("x" HASH32, "");
    seen_is("a longer text with " HASH40 " in the middle of it and more", "sha1 " HASH40);
    for (size_t before = 0; before < 70; before++) {
        char text[200];
        (void)snprintf(
            text, sizeof(text), "%.*s%s %.*s", (int)before,
            "---------- ---------- ---------- ---------- ---------- ---------- ---------", HASH64,
            (int)(before / 2), "++++++++++++++++++++++++++++++++++++++++++");
        seen_is(text, "sha256 " HASH64);
    }
}

static void mails(void **state)
{
    (void)state;
    seen_is("to John.Doe@Example.ORG now", "email john.doe@example.org, host example.org");
    seen_is("<mailto:a+b@example.org>", "email a+b@example.org, host example.org");
    seen_is("@example.org", "host example.org");
    seen_is("root@localhost", "");
}

static void files(void **state)
{
    (void)state;
    seen_is("C:\\Windows\\System32\\SVCHOST.EXE -k netsvcs", "file svchost.exe");
    seen_is("C:\\Program Files\\My App\\my app.exe", "file my app.exe");
    seen_is("\"C:\\Users\\x\\Invoice 7.exe\" /s", "file invoice 7.exe");
    seen_is("/usr/bin/xmrig", "file xmrig, path /usr/bin/xmrig");
    seen_is("~/bin/tool", "file tool");
    seen_is("C:\\x\\evil(1).exe", "file evil(1).exe");
    seen_is("OriginalFileName=Evil.exe", "file evil.exe");
    seen_is("run evil.exe now", "");
    seen_is("C:\\x\\", "");
    seen_is("C:\\x\\report,final.docx", "file report,final.docx");
    seen_is("C:\\\xc4\x90\xc6\xa0N.EXE", "file \xc4\x91\xc6\xa1n.exe");
}

static void place_count(void *context, const struct sight *sight)
{
    if (sight->kind == SIGHT_IP && slice_equal(sight->text, SLICE("192.0.2.77")))
        (*(unsigned *)context)++;
}

static void every_place_is_looked_at(void **state)
{
    (void)state;
    for (size_t before = 0; before < 200; before++) {
        for (size_t after = 0; after < 20; after++) {
            char text[256];
            unsigned count = 0;
            memset(text, ' ', sizeof(text));
            memcpy(text + before, "192.0.2.77", 10);
            sight_scan(slice_make(text, before + 10 + after), place_count, &count);
            assert_int_equal(count, 1);
        }
    }
}

static void kinds_are_kept_apart(void **state)
{
    (void)state;
    struct buf out = {0};
    struct slice value = SLICE("http://192.0.2.1/" HASH32 ".exe and a@example.org");
    sight_scan_kinds(value, 1u << SIGHT_IP | 1u << SIGHT_MD5, sight_write, &out);
    assert_string_equal(buf_text(&out), "md5 " HASH32 ", ip 192.0.2.1");
    buf_clear(&out);
    sight_scan_kinds(value, 1u << SIGHT_EMAIL, sight_write, &out);
    assert_string_equal(buf_text(&out), "email a@example.org");
    buf_free(&out);
}

static void parents(void **state)
{
    (void)state;
    struct slice name = SLICE("a.b.example.org");
    assert_int_equal(sight_parent(name, 0), 2);
    assert_int_equal(sight_parent(name, 2), 4);
    assert_true(sight_parent(name, 4) == SLICE_NONE);
}

static void hashes_are_part_of_stored_formats(void **state)
{
    (void)state;
    assert_true(sight_hash(SIGHT_HOST, SLICE("example.org")) == 0x412c8ffbb09525f4ull);
    assert_true(sight_hash(SIGHT_HOST, SLICE("example.org")) !=
                sight_hash(SIGHT_FILE_NAME, SLICE("example.org")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(hosts),
        cmocka_unit_test(urls),
        cmocka_unit_test(hashes),
        cmocka_unit_test(mails),
        cmocka_unit_test(files),
        cmocka_unit_test(every_place_is_looked_at),
        cmocka_unit_test(kinds_are_kept_apart),
        cmocka_unit_test(parents),
        cmocka_unit_test(hashes_are_part_of_stored_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
