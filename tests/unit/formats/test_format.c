#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/format.h"

static void names_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"json", "syslog", "cef",    "keyvalue", "csv", "weblog",
                                        "w3c",  "auditd", "winxml", "evtx",     "text"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct format *format = format_find(slice_from(names[i]));
        assert_non_null(format);
        assert_string_equal(format->name, names[i]);
        assert_non_null(format->parse);
        assert_true(format->summary[0] != '\0');
    }
    assert_ptr_equal(format_find(SLICE("ndjson")), format_find(SLICE("json")));
    assert_null(format_find(SLICE("yaml")));
    assert_null(format_find(SLICE("")));
}

static void assert_guess(const char *head, const char *name)
{
    assert_string_equal(format_guess(slice_from(head))->name, name);
}

static void formats_are_guessed(void **state)
{
    (void)state;
    assert_guess("{\"a\":1}\n", "json");
    assert_guess("\xef\xbb\xbf\n {\n \"a\": 1", "json");
    assert_guess("[\n{\"a\":1}", "json");
    assert_guess("broken\n{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", "json");
    assert_guess("[2026-01-01 10:00:00] started\n[2026-01-01 10:00:01] stopped\n", "text");
    assert_guess("<?xml version='1.0'?>\n<Events><Event xmlns='x'>", "winxml");
    assert_guess("<e:Event xmlns:e='x'>", "winxml");
    assert_guess("<html><body>Event</body></html>", "text");
    assert_guess("type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59\n",
                 "auditd");
    assert_guess("CEF:0|V|P|1|100|name|5|src=10.0.0.1 dst=10.0.0.2\n", "cef");
    assert_guess("#Software: IIS\n#Fields: date time cs-uri-stem\n", "w3c");
    assert_guess("10.0.0.1 - - [22/Nov/2026:10:36:00 +0700] \"GET / HTTP/1.1\" 200 12\n", "weblog");
    assert_guess("<34>Nov 22 10:36:00 host su[12]: failed\n", "syslog");
    assert_guess("time=2026-11-22T10:36:00Z level=info msg=\"x y\" user=bob\n", "keyvalue");
    assert_guess("a,b,c\n1,2,3\n4,5,6\n", "csv");
    assert_guess("", "text");
    assert_guess("plain words\n", "text");
    assert_string_equal(format_guess((struct slice){"ElfFile\0\0\0", 10})->name, "evtx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(formats_are_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
