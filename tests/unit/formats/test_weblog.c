#include "formats/weblog.h"

#include "unit/formats/fields.h"

#define CLIENT "c-ip=127.0.0.1\ncs-ident=~\ncs-username=~\n"

/* "Log Files" of the Apache httpd 2.4 documents */
static void test_apache_documents(void **state)
{
    (void)state;
    fields_expect(weblog_parse,
                  "127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" "
                  "200 2326",
                  "c-ip=127.0.0.1\ncs-ident=~\ncs-username=frank\n"
                  "timestamp=10/Oct/2000:13:55:36 -0700\ncs-method=GET\ncs-uri=/apache_pb.gif\n"
                  "cs-uri-stem=/apache_pb.gif\ncs-version=HTTP/1.0\nsc-status=#200\n"
                  "sc-bytes=#2326\n");
    fields_expect(weblog_parse,
                  "127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" "
                  "200 2326 \"http://www.example.com/start.html\" "
                  "\"Mozilla/4.08 [en] (Win98; I ;Nav)\"",
                  "c-ip=127.0.0.1\ncs-ident=~\ncs-username=frank\n"
                  "timestamp=10/Oct/2000:13:55:36 -0700\ncs-method=GET\ncs-uri=/apache_pb.gif\n"
                  "cs-uri-stem=/apache_pb.gif\ncs-version=HTTP/1.0\nsc-status=#200\n"
                  "sc-bytes=#2326\ncs-referer=http://www.example.com/start.html\n"
                  "cs-user-agent=Mozilla/4.08 [en] (Win98; I ;Nav)\n");
}

/* Lines that Apache httpd 2.4.71 wrote */
static void test_apache(void **state)
{
    (void)state;
    fields_expect(weblog_parse,
                  "127.0.0.1 - - [22/Nov/2026:11:15:59 +0000] "
                  "\"GET /a/..%2f..%2fetc/passwd?q=%27or%201=1&x=y HTTP/1.1\" 404 236 "
                  "\"http://ref/x\" \"a \\\"quoted\\\" \\\\back \\xc3\\xa9\"",
                  CLIENT "timestamp=22/Nov/2026:11:15:59 +0000\ncs-method=GET\n"
                         "cs-uri=/a/..%2f..%2fetc/passwd?q=%27or%201=1&x=y\n"
                         "cs-uri-stem=/a/..%2f..%2fetc/passwd\ncs-uri-query=q=%27or%201=1&x=y\n"
                         "cs-version=HTTP/1.1\nsc-status=#404\nsc-bytes=#236\n"
                         "cs-referer=http://ref/x\ncs-user-agent=a \"quoted\" \\back \xc3\xa9\n");
    fields_expect(weblog_parse,
                  "127.0.0.1 - - [22/Nov/2026:11:15:59 +0000] \"GET /x\\\"y?z=\\\"w HTTP/1.1\" 404 "
                  "236 \"-\" \"\"",
                  CLIENT "timestamp=22/Nov/2026:11:15:59 +0000\ncs-method=GET\ncs-uri=/x\"y?z=\"w\n"
                         "cs-uri-stem=/x\"y\ncs-uri-query=z=\"w\ncs-version=HTTP/1.1\n"
                         "sc-status=#404\nsc-bytes=#236\ncs-referer=~\ncs-user-agent=\n");
    fields_expect(weblog_parse,
                  "web.example:80 127.0.0.1 - - [22/Nov/2026:11:16:00 +0000] \"GET /old\" 404 236",
                  "cs-host=web.example\ns-port=#80\n" CLIENT
                  "timestamp=22/Nov/2026:11:16:00 +0000\ncs-method=GET\ncs-uri=/old\n"
                  "cs-uri-stem=/old\nsc-status=#404\nsc-bytes=#236\n");
}

/* Lines that nginx 1.22.1 wrote, the second with a log_format of its own: a virtual host before,
 * the forwarded address and the time taken behind */
static void test_nginx(void **state)
{
    (void)state;
    fields_expect(weblog_parse,
                  "127.0.0.1 - - [22/Nov/2026:11:15:59 +0000] "
                  "\"\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\xFF\" 400 157 \"-\" \"-\"",
                  CLIENT "timestamp=22/Nov/2026:11:15:59 +0000\n"
                         "cs-uri=\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\xFF\nsc-status=#400\n"
                         "sc-bytes=#157\ncs-referer=~\ncs-user-agent=~\n");
    fields_expect(weblog_parse,
                  "h:18991 127.0.0.1 - - [22/Nov/2026:11:15:58 +0000] "
                  "\"GET /x\\x22y?z=\\x22w HTTP/1.1\" 200 2 \"-\" \"\" \"10.0.0.1\" 0.000",
                  "cs-host=h\ns-port=#18991\n" CLIENT
                  "timestamp=22/Nov/2026:11:15:58 +0000\ncs-method=GET\ncs-uri=/x\"y?z=\"w\n"
                  "cs-uri-stem=/x\"y\ncs-uri-query=z=\"w\ncs-version=HTTP/1.1\nsc-status=#200\n"
                  "sc-bytes=#2\ncs-referer=~\ncs-user-agent=\nextra=10.0.0.1\nextra=0.000\n");
    /* a user with a blank in the name is no virtual host */
    fields_expect(weblog_parse, "10.0.0.1 - a b [22/Nov/2026:11:15:58 +0000] \"-\" 400 -",
                  "c-ip=10.0.0.1\ncs-ident=~\ncs-username=a b\n"
                  "timestamp=22/Nov/2026:11:15:58 +0000\ncs-uri=~\nsc-status=#400\nsc-bytes=~\n");
}

/* What is no request stays whole; quotes that the server did not escape do not end it. */
static void test_odd_requests(void **state)
{
    (void)state;
#define LINE(request) "127.0.0.1 - - [22/Nov/2026:11:15:59 +0000] \"" request "\" 400 0"
#define TAIL          "sc-status=#400\nsc-bytes=#0\n"
    const char *time = CLIENT "timestamp=22/Nov/2026:11:15:59 +0000\n";
    static const struct {
        const char *line, *expected;
    } cases[] = {
        {LINE(""), "cs-uri=\n"},
        {LINE("hello"), "cs-uri=hello\n"},
        {LINE("SSH-2.0-Go"), "cs-uri=SSH-2.0-Go\n"},
        {LINE("G\\x00T / HTTP/1.1"), "cs-uri=G\\x00T / HTTP/1.1\n"},
        {LINE("GET  HTTP/1.1"), "cs-uri=GET  HTTP/1.1\n"},
        {LINE("GET /a b HTTP/1.1"),
         "cs-method=GET\ncs-uri=/a b\ncs-uri-stem=/a b\ncs-version=HTTP/1.1\n"},
        {LINE("GET /a\"b HTTP/1.1"),
         "cs-method=GET\ncs-uri=/a\"b\ncs-uri-stem=/a\"b\ncs-version=HTTP/1.1\n"},
        {LINE("CONNECT h:443 HTTP/1.1"),
         "cs-method=CONNECT\ncs-uri=h:443\ncs-uri-stem=h:443\ncs-version=HTTP/1.1\n"},
        {LINE("GET /%25\\x5c?a?b HTTP/1.1"),
         "cs-method=GET\ncs-uri=/%25\\?a?b\ncs-uri-stem=/%25\\\ncs-uri-query=a?b\n"
         "cs-version=HTTP/1.1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf expected = {0};
        buf_printf(&expected, "%s%s%s", time, cases[i].expected, TAIL);
        fields_expect(weblog_parse, cases[i].line, buf_text(&expected));
        buf_free(&expected);
    }
}

static void test_refused(void **state)
{
    (void)state;
    fields_refuse(weblog_parse, NULL, "127.0.0.1 - - x",
                  "the access log line has no [dd/Mon/yyyy:hh:mm:ss zone]");
    fields_refuse(weblog_parse, NULL, "- [22/Nov/2026:11:15:59 +0000] \"GET / HTTP/1.1\" 1 2",
                  "the access log line does not begin with address, identity and user");
    fields_refuse(weblog_parse, NULL, "a - - [22/Nov/2026:11:15:59 +0000",
                  "the time of the access log line is not closed by ']'");
    fields_refuse(weblog_parse, NULL, "a - - [22/Nov/2026:11:15:59 +0000] \"GET /",
                  "the access log line has no quoted request behind the time");
    fields_refuse(weblog_parse, NULL, "a - - [22/Nov/2026:11:15:59 +0000] \"GET /\" ok 1",
                  "the access log line has no status number behind the request");
    fields_refuse(weblog_parse, NULL, "a - - [22/Nov/2026:11:15:59 +0000] \"GET /\" 200 x",
                  "the access log line has no size behind the status");
}

static struct slice iis[] = {{"time", 4},          {"cs-method", 9},       {"cs-uri-stem", 11},
                             {"cs-uri-query", 12}, {"cs(User-Agent)", 14}, {"sc-status", 9}};
static const struct format_header iis_header = {iis, 6, ' ', {" 2026-11-22 00:00:00", 20}};

/* The form of IIS 10: `+` for blanks, nothing quoted. A value in quotes is one where the count says
 * so (Blue Coat ELFF). */
/* #Fields and rows of Exchange message tracking are parted by commas, quoted as in CSV. */
static void test_w3c_of_exchange(void **state)
{
    (void)state;
    static struct slice columns[] = {{"date-time", 9}, {"event-id", 8}, {"message-subject", 15}};
    static const struct format_header header = {
        .columns = columns, .column_count = 3, .separator = ','};
    fields_expect_slice(w3c_parse, &header,
                        SLICE("2024-01-25T15:16:09.843Z,SEND,\"a, \"\"b\"\" c\""),
                        "date-time=2024-01-25T15:16:09.843Z\n"
                        "event-id=SEND\n"
                        "message-subject=a, \"b\" c\n");
    fields_refuse(w3c_parse, &header, "2024-01-25T15:16:09.843Z,SEND",
                  "the row has 2 cells, its header has 3 columns");
}

static void test_w3c(void **state)
{
    (void)state;
    fields_expect_slice(w3c_parse, &iis_header,
                        SLICE("10:36:00 GET /a%20b - Mozilla/5.0+(Windows+NT) 200\r\n"),
                        "time=10:36:00\ncs-method=GET\ncs-uri-stem=/a%20b\ncs-uri-query=~\n"
                        "cs(User-Agent)=Mozilla/5.0+(Windows+NT)\nsc-status=200\n"
                        "date=2026-11-22\n");
    fields_expect_slice(w3c_parse, &iis_header,
                        SLICE("10:36:00 GET / q=\"x \"Mozilla/5.0 \"\"(Windows NT)\" 200"),
                        "time=10:36:00\ncs-method=GET\ncs-uri-stem=/\ncs-uri-query=q=\"x\n"
                        "cs(User-Agent)=Mozilla/5.0 \"(Windows NT)\nsc-status=200\n"
                        "date=2026-11-22\n");
    fields_expect_slice(w3c_parse, &iis_header, SLICE("10:36:00 GET / - \"curl 200"),
                        "time=10:36:00\ncs-method=GET\ncs-uri-stem=/\ncs-uri-query=~\n"
                        "cs(User-Agent)=\"curl\nsc-status=200\ndate=2026-11-22\n");
    fields_expect_slice(w3c_parse, &iis_header, SLICE("10:36:00\tGET\t/a b\t-\tx\t200"),
                        "time=10:36:00\ncs-method=GET\ncs-uri-stem=/a b\ncs-uri-query=~\n"
                        "cs(User-Agent)=x\nsc-status=200\ndate=2026-11-22\n");
    static struct slice own_date[] = {{"date", 4}, {"time", 4}};
    static const struct format_header own_header = {own_date, 2, ' ', {"2026-11-22", 10}};
    fields_expect_slice(w3c_parse, &own_header, SLICE("2026-11-23 10:36:00"),
                        "date=2026-11-23\ntime=10:36:00\n");
    fields_refuse(w3c_parse, &iis_header, "10:36:00 GET /",
                  "the row has 3 values, #Fields names 6");
    fields_refuse(w3c_parse, NULL, "10:36:00 GET /",
                  "no #Fields line before this row names its columns");
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(weblog_probe(SLICE(
                         "127.0.0.1 - - [22/Nov/2026:11:15:59 +0000] \"GET / HTTP/1.1\" 200 1\n")),
                     92);
    assert_int_equal(weblog_probe(SLICE("Nov 22 10:36:00 srv sshd[1]: x\n")), 0);
    assert_int_equal(w3c_probe(SLICE("#Software: Microsoft IIS 10.0\n#Version: 1.0\n#Date: x\n"
                                     "#Fields: date time\n")),
                     100);
    assert_int_equal(w3c_probe(SLICE("#Software: Microsoft IIS 10.0\n#Ver")), 90);
    assert_int_equal(w3c_probe(SLICE("# a comment\nx=1\n#Fields: date\n")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apache_documents),
        cmocka_unit_test(test_apache),
        cmocka_unit_test(test_nginx),
        cmocka_unit_test(test_odd_requests),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_w3c),
        cmocka_unit_test(test_w3c_of_exchange),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
