#include "formats/keyvalue.h"

#include <stdlib.h>

#include "unit/formats/fields.h"

/* In the form of the FortiOS log message reference (event 44547, config attribute) */
static void test_fortigate(void **state)
{
    (void)state;
    fields_expect(
        keyvalue_parse,
        "<189>date=2026-11-22 time=10:36:00 devname=\"FGT-60F\" devid=\"FGT60F\" "
        "logid=\"0100044547\" eventtime=1763786160123456789 tz=\"+0700\" user=\"DOM\\\\bob\" "
        "cfgpath=\"system.admin\" cfgobj=\"a \\\"b\\\" ; c=d\" action=\"Add\" msg=\"\"",
        "date=2026-11-22\ntime=10:36:00\ndevname=FGT-60F\ndevid=FGT60F\n"
        "logid=0100044547\neventtime=1763786160123456789\ntz=+0700\nuser=DOM\\bob\n"
        "cfgpath=system.admin\ncfgobj=a \"b\" ; c=d\naction=Add\nmsg=\n");
}

static void test_separators(void **state)
{
    (void)state;
    fields_expect(keyvalue_parse, "a=\"1, 2\", b=2,c=x,y,d=\"e\";f=g; h=i,",
                  "a=1, 2\nb=2\nc=x,y\nd=e\nf=g\nh=i\n");
    /* logfmt (https://brandur.org/logfmt): repeated keys stay, bare words are no pairs */
    fields_expect(keyvalue_parse, "at=info method=GET path=/a?x=1&y=2 debug at=again tail words",
                  "at=info\nmethod=GET\npath=/a?x=1&y=2\nmessage=debug\nat=again\n"
                  "message=tail words\n");
    fields_expect(keyvalue_parse, "k= =v a==b", "k=\nmessage==v\na==b\n");
    /* quotes that do not close: the rest, as of a datagram that was cut */
    fields_expect(keyvalue_parse, "a=1 msg=\"cut \\\"off b=2", "a=1\nmsg=cut \"off b=2\n");
}

/* sudo's line, as sudoers(5) "LOG FORMAT" has it */
static void test_sudo(void **state)
{
    (void)state;
    fields_expect(keyvalue_parse,
                  "millert : TTY=ttyp1 ; PWD=/home/m ; USER=#-1 ; COMMAND=/bin/sh -c ls ; id x=1",
                  "message=millert :\nTTY=ttyp1\nPWD=/home/m\nUSER=#-1\n"
                  "COMMAND=/bin/sh -c ls ; id x=1\n");
    /* two pairs before it: an ordinary line */
    fields_expect(keyvalue_parse, "a=1 b=2 ; c=3 d=4", "a=1\nb=2\nc=3\nd=4\n");
}

static int add_most(struct record *r, struct slice text, const struct format_header *header,
                    struct err *err)
{
    (void)header;
    return keyvalue_add_most(r, text, err);
}

static void test_add_most(void **state)
{
    (void)state;
    fields_expect(add_most, "a=1 b=2 and c=3", "a=1\nb=2\nc=3\n");
    fields_expect(add_most, "a=1 b=2", "");
    fields_expect(add_most, "a sentence with a=1 b=2 c=3 somewhere inside of it", "");
    fields_expect(add_most, "GET /?a=1&b=2&c=3", "");
    fields_expect(add_most, "", "");
}

static void test_limits(void **state)
{
    (void)state;
    fields_refuse(keyvalue_parse, NULL, "no pair at all", "the line has no key=value pair");
    fields_refuse(keyvalue_parse, NULL, "", "the line has no key=value pair");
    struct buf text = {0};
    for (int i = 0; i <= KEYVALUE_KEY_BYTES_MAX; i++)
        buf_char(&text, 'k');
    buf_string(&text, "=1");
    struct record r = {0};
    struct err err;
    assert_int_equal(keyvalue_parse(&r, buf_as_slice(&text), NULL, &err), ERR_SYNTAX);
    record_reset(&r);
    assert_int_equal(keyvalue_parse(&r, slice_part(buf_as_slice(&text), 1, text.len), NULL, &err),
                     ERR_OK);
    record_reset(&r);
    buf_clear(&text);
    for (int i = 0; i <= RECORD_FIELDS_MAX; i++)
        buf_string(&text, "a=1 ");
    assert_int_equal(keyvalue_parse(&r, buf_as_slice(&text), NULL, &err), ERR_LIMIT);
    record_free(&r);
    buf_free(&text);
}

/* Whatever a value holds, it comes back when it was quoted as keyvalue.h says. */
static void test_round_trip(void **state)
{
    (void)state;
    static const char alphabet[] = "ab=\"\\ ,;\t'{}<>\xc3\xa9";
    uint64_t seed = 20261122;
    for (int round = 0; round < 2000; round++) {
        char value[16];
        size_t len = 0;
        struct buf text = {0};
        buf_string(&text, "first=1 key=\"");
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        for (uint64_t bits = seed >> 8; len < sizeof value && bits; bits /= sizeof alphabet - 1) {
            value[len] = alphabet[bits % (sizeof alphabet - 1)];
            if (value[len] == '"' || value[len] == '\\')
                buf_char(&text, '\\');
            buf_char(&text, value[len++]);
        }
        buf_string(&text, "\" last=2");
        struct record r = {0};
        assert_int_equal(keyvalue_parse(&r, buf_as_slice(&text), NULL, NULL), ERR_OK);
        assert_int_equal(r.count, 3);
        assert_true(slice_equal(r.fields[1].value, slice_make(value, len)));
        assert_true(slice_equal(r.fields[2].value, SLICE("2")));
        record_free(&r);
        buf_free(&text);
    }
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(keyvalue_probe(SLICE("<189>date=1 time=2 devname=\"x\"\n")), 75);
    assert_int_equal(keyvalue_probe(SLICE("a=1 b=2 c=3\nplain\n")), 37);
    assert_int_equal(keyvalue_probe(SLICE("plain\n")), 0);
    assert_int_equal(keyvalue_probe(SLICE("{\"a\":\"x=1 y=2 z=3\"}\n")), 0);
}

/* ---- the naive twin of the search for keys: character by character from the front ---- */

static bool is_one_of(char c, const char *these)
{
    return c && strchr(these, c);
}

static bool is_key_char(char c)
{
    return (unsigned char)c > 31 && !is_one_of(c, " ,;=\"'|{}<>?&");
}

static size_t key_at(const char *s, size_t len, size_t at)
{
    size_t i = at;
    while (i < len && is_key_char(s[i]))
        i++;
    return i < len && s[i] == '=' && i - at <= KEYVALUE_KEY_BYTES_MAX ? i - at : 0;
}

static size_t value_end(const char *s, size_t len, size_t at)
{
    for (; at < len && !is_one_of(s[at], " \t\r\n"); at++)
        if (is_one_of(s[at], ",;") &&
            (at + 1 >= len || is_one_of(s[at + 1], " \t\r\n") || key_at(s, len, at + 1) > 0))
            break;
    return at;
}

static bool is_separator(char c)
{
    return is_one_of(c, " \t\r\n,;");
}

/* Pairs of bare values and what is between them, as `name=value` lines. */
static void twin(struct buf *out, const char *s, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t key = key_at(s, len, at), end = at;
        if (is_separator(s[at])) {
            at++;
        } else if (key) {
            end = value_end(s, len, at + key + 1);
            buf_printf(out, "%.*s\n", (int)(end - at), s + at);
            at = end;
        } else {
            size_t last = at;
            do {
                while (end < len && !is_separator(s[end]))
                    end++;
                last = end;
                while (end < len && is_separator(s[end]))
                    end++;
            } while (end < len && key_at(s, len, end) == 0);
            buf_printf(out, "message=%.*s\n", (int)(last - at), s + at);
            at = end;
        }
    }
}

static void test_keys_are_those_of_the_twin(void **state)
{
    static const char letters[] = "aaabbc===   ,,;'|<\t\x01";
    (void)state;
    srandom(5);
    for (int i = 0; i < 60000; i++) {
        char text[1200];
        size_t len = (size_t)random() % 60;
        struct buf wanted = {0}, got = {0};
        struct record r = {0};
        struct err err;
        for (size_t k = 0; k < len; k++)
            text[k] = letters[(size_t)random() % (sizeof(letters) - 1)];
        if (i % 50 == 0) { /* a key at the limit, and behind it */
            size_t run = KEYVALUE_KEY_BYTES_MAX - 1 + (size_t)random() % 3;
            memset(text + len, 'k', run);
            text[len + run] = '=';
            len += run + 1;
        }
        text[len] = '\0';
        if (strstr(text, " ; ")) /* parts pairs in a way of its own */
            continue;
        twin(&wanted, text, len);
        int rc = keyvalue_parse(&r, slice_make(text, len), NULL, &err);
        for (uint32_t k = 0; k < r.count; k++)
            buf_printf(&got, "%.*s=%.*s\n", (int)r.fields[k].name.len, r.fields[k].name.data,
                       (int)r.fields[k].value.len, r.fields[k].value.data);
        assert_true(rc == ERR_OK || rc == ERR_SYNTAX);
        assert_string_equal(buf_text(&got), buf_text(&wanted));
        record_free(&r);
        buf_free(&wanted);
        buf_free(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fortigate), cmocka_unit_test(test_separators),
        cmocka_unit_test(test_sudo),      cmocka_unit_test(test_add_most),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_probe),     cmocka_unit_test(test_keys_are_those_of_the_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
