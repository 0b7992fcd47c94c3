#include "formats/syslog.h"

#include "unit/formats/fields.h"

#define PRI_165 "facility=#20\nseverity=#5\n"
#define PRI_34  "facility=#4\nseverity=#2\n"
#define PRI_189 "facility=#23\nseverity=#5\n"
#define PRI_14  "facility=#1\nseverity=#6\n"

/* RFC 5424 section 6.5, examples 1 to 4; the fourth has no message */
static void test_rfc5424_examples(void **state)
{
    (void)state;
    fields_expect(syslog_parse,
                  "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
                  "\xef\xbb\xbf'su root' failed for lonvick on /dev/pts/8",
                  PRI_34 "timestamp=2003-10-11T22:14:15.003Z\n"
                         "hostname=mymachine.example.com\nappname=su\nmsgid=ID47\n"
                         "message='su root' failed for lonvick on /dev/pts/8\n");
    fields_expect(syslog_parse,
                  "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - "
                  "%% It's time to make the do-nuts.",
                  PRI_165 "timestamp=2003-08-24T05:14:15.000003-07:00\n"
                          "hostname=192.0.2.1\nappname=myproc\nprocid=8710\n"
                          "message=%% It's time to make the do-nuts.\n");
    fields_expect(syslog_parse,
                  "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
                  "[exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"] "
                  "\xef\xbb\xbf"
                  "An application event log entry...",
                  PRI_165 "timestamp=2003-10-11T22:14:15.003Z\n"
                          "hostname=mymachine.example.com\nappname=evntslog\nmsgid=ID47\n"
                          "sd.exampleSDID@32473.iut=3\n"
                          "sd.exampleSDID@32473.eventSource=Application\n"
                          "sd.exampleSDID@32473.eventID=1011\n"
                          "message=An application event log entry...\n");
    fields_expect(syslog_parse,
                  "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 "
                  "[exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"]"
                  "[examplePriority@32473 class=\"high\"]",
                  PRI_165 "timestamp=2003-10-11T22:14:15.003Z\n"
                          "hostname=mymachine.example.com\nappname=evntslog\nmsgid=ID47\n"
                          "sd.exampleSDID@32473.iut=3\n"
                          "sd.exampleSDID@32473.eventSource=Application\n"
                          "sd.exampleSDID@32473.eventID=1011\n"
                          "sd.examplePriority@32473.class=high\n");
}

/* RFC 5424 sections 6.2.3 (nil time), 6.3.3 (escapes; a backslash before anything else stays)
 * and 6.3.1 (an element without parameters) */
static void test_rfc5424_data(void **state)
{
    (void)state;
    fields_expect(syslog_parse, "<0>1 - - - - - [a b=\"\\\"q\\\" \\\\ \\] \\n\"][empty] x",
                  "facility=#0\nseverity=#0\nsd.a.b=\"q\" \\ ] \\n\nsd.empty=\nmessage=x\n");
    fields_expect(syslog_parse, "<191>1 - - - - - -", "facility=#23\nseverity=#7\n");
    /* structured data that is none begins the message */
    fields_expect(syslog_parse, "<14>1 - h - - - [a b=\"open] x",
                  PRI_14 "hostname=h\nmessage=[a b=\"open] x\n");
    fields_expect(syslog_parse, "<14>1 - h - - - [=\"1\"] x",
                  PRI_14 "hostname=h\nmessage=[=\"1\"] x\n");
}

/* RFC 3164 section 5.4, examples 1, 2 and 4 */
static void test_rfc3164_examples(void **state)
{
    (void)state;
    fields_expect(syslog_parse,
                  "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
                  PRI_34 "timestamp=Oct 11 22:14:15\nhostname=mymachine\nappname=su\n"
                         "message='su root' failed for lonvick on /dev/pts/8\n");
    fields_expect(syslog_parse, "Use the BFG!", "message=Use the BFG!\n");
    fields_expect(syslog_parse, "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
                  "facility=#1\nseverity=#5\ntimestamp=Feb  5 17:32:18\nhostname=10.0.0.99\n"
                  "message=Use the BFG!\n");
    fields_expect(syslog_parse, "<0>1990 Oct 22 10:52:01 host sched[0]: That's All Folks!",
                  "facility=#0\nseverity=#0\ntimestamp=1990 Oct 22 10:52:01\nhostname=host\n"
                  "appname=sched\nprocid=0\nmessage=That's All Folks!\n");
}

/* What rsyslog (RSYSLOG_TraditionalFileFormat, RSYSLOG_FileFormat), journalctl -o short and
 * short-iso, and logger write */
static void test_files(void **state)
{
    (void)state;
    fields_expect(syslog_parse, "Nov 22 10:36:00 srv sshd[123]: Failed password for root",
                  "timestamp=Nov 22 10:36:00\nhostname=srv\nappname=sshd\nprocid=123\n"
                  "message=Failed password for root\n");
    fields_expect(syslog_parse, "2026-11-22T10:36:00.123456+07:00 srv CRON[9]: (root) CMD (x)\r\n",
                  "timestamp=2026-11-22T10:36:00.123456+07:00\nhostname=srv\nappname=CRON\n"
                  "procid=9\nmessage=(root) CMD (x)\n");
    fields_expect(syslog_parse, "2026-11-22T10:36:00+0700 srv systemd[1]: Started x.",
                  "timestamp=2026-11-22T10:36:00+0700\nhostname=srv\nappname=systemd\nprocid=1\n"
                  "message=Started x.\n");
    fields_expect(syslog_parse, "2026-11-22 10:36:00,5 srv app: m",
                  "timestamp=2026-11-22 10:36:00,5\nhostname=srv\nappname=app\nmessage=m\n");
    fields_expect(
        syslog_parse, "Nov 22 10:36:00 srv last message repeated 2 times",
        "timestamp=Nov 22 10:36:00\nhostname=srv\nmessage=last message repeated 2 times\n");
    fields_expect(syslog_parse, "Nov 22 10:36:00 sshd[1]: no host",
                  "timestamp=Nov 22 10:36:00\nappname=sshd\nprocid=1\nmessage=no host\n");
    fields_expect(syslog_parse, "<30>sshd[12]: hello",
                  "facility=#3\nseverity=#6\nappname=sshd\nprocid=12\nmessage=hello\n");
    /* MikroTik's topics are no tag */
    fields_expect(
        syslog_parse, "<13>firewall,info forward: in:ether1 out:ether2",
        "facility=#1\nseverity=#5\nmessage=firewall,info forward: in:ether1 out:ether2\n");
    fields_expect(syslog_parse, "<192>x", "message=<192>x\n");
    fields_expect(syslog_parse, "<>x", "message=<>x\n");
}

/* Forms of `service timestamps`, `service sequence-numbers` and `logging origin-id` (IOS), ASA,
 * NX-OS */
static void test_cisco(void **state)
{
    (void)state;
    fields_expect(syslog_parse, "<189>Jan 18 11:29:03 dist-sw03 %AAA-5-USER_LOGGED: User x ran: y",
                  PRI_189 "timestamp=Jan 18 11:29:03\nhostname=dist-sw03\nmsgid=AAA-5-USER_LOGGED\n"
                          "message=%AAA-5-USER_LOGGED: User x ran: y\n");
    fields_expect(syslog_parse, "<189>237: host1: *Jan 18 11:29:03.123 UTC: %SYS-5-CONFIG_I: c",
                  PRI_189 "sequence=237\ntimestamp=Jan 18 11:29:03.123\ntimezone=UTC\n"
                          "hostname=host1\nmsgid=SYS-5-CONFIG_I\nmessage=%SYS-5-CONFIG_I: c\n");
    fields_expect(syslog_parse, "<189>000045: .Mar  1 18:46:11: %SYS-5-CONFIG_I: c",
                  PRI_189 "sequence=000045\ntimestamp=Mar  1 18:46:11\nmsgid=SYS-5-CONFIG_I\n"
                          "message=%SYS-5-CONFIG_I: c\n");
    fields_expect(syslog_parse, "<189>45: %SYS-5-CONFIG_I: c",
                  PRI_189 "sequence=45\nmsgid=SYS-5-CONFIG_I\nmessage=%SYS-5-CONFIG_I: c\n");
    fields_expect(syslog_parse, "<166>Jan 18 2026 11:29:03 fw1 : %ASA-6-302013: Built inbound",
                  "facility=#20\nseverity=#6\ntimestamp=Jan 18 2026 11:29:03\nhostname=fw1\n"
                  "msgid=ASA-6-302013\nmessage=%ASA-6-302013: Built inbound\n");
    fields_expect(syslog_parse, "<166>Jan 18 2026 11:29:03: %ASA-6-302013: Built inbound",
                  "facility=#20\nseverity=#6\ntimestamp=Jan 18 2026 11:29:03\n"
                  "msgid=ASA-6-302013\nmessage=%ASA-6-302013: Built inbound\n");
    fields_expect(syslog_parse, "<189>: 2026 Jan 18 11:29:03 UTC: %AUTHPRIV-5-SYSTEM_MSG: c",
                  PRI_189 "timestamp=2026 Jan 18 11:29:03\ntimezone=UTC\n"
                          "msgid=AUTHPRIV-5-SYSTEM_MSG\nmessage=%AUTHPRIV-5-SYSTEM_MSG: c\n");
}

static void test_contents(void **state)
{
    (void)state;
    fields_expect(syslog_parse, "<14>Nov 22 10:36:00 web app: @cee: {\"a\":1,\"b\":null}",
                  PRI_14 "timestamp=Nov 22 10:36:00\nhostname=web\nappname=app\n"
                         "message=@cee: {\"a\":1,\"b\":null}\na=#1\nb=~\n");
    fields_expect(syslog_parse, "<14>1 - h a - - - {\"a\":\"x\"}",
                  PRI_14 "hostname=h\nappname=a\nmessage={\"a\":\"x\"}\na=x\n");
    /* what rsyslog 8.2302 wrote of `logger --rfc5424=notime,nohost -t app '{"a":1}'` */
    fields_expect(syslog_parse, "Nov 22 11:23:53 - app {\"a\":1}",
                  "timestamp=Nov 22 11:23:53\nappname=app\nmessage={\"a\":1}\na=#1\n");
    /* begins like JSON and is none: only a message */
    fields_expect(syslog_parse, "<14>1 - h a - - - {\"a\":\"x\",",
                  PRI_14 "hostname=h\nappname=a\nmessage={\"a\":\"x\",\n");
    fields_expect(syslog_parse, "<14>Sep 19 08:26:10 host CEF:0|S|t|1|100|w|10|src=1.2.3.4",
                  PRI_14 "timestamp=Sep 19 08:26:10\nhostname=host\n"
                         "message=CEF:0|S|t|1|100|w|10|src=1.2.3.4\nCEFVersion=0\nDeviceVendor=S\n"
                         "DeviceProduct=t\nDeviceVersion=1\nSignatureID=100\nName=w\nSeverity=10\n"
                         "src=1.2.3.4\n");
    fields_expect(syslog_parse, "<189>date=2026-11-22 devname=\"FG T\" action=Add",
                  PRI_189 "message=date=2026-11-22 devname=\"FG T\" action=Add\n"
                          "date=2026-11-22\ndevname=FG T\naction=Add\n");
    fields_expect(syslog_parse,
                  "Nov 22 10:36:00 h audispd: type=EXECVE msg=audit(1700000000.123:456): a0=2D6C61",
                  "timestamp=Nov 22 10:36:00\nhostname=h\nappname=audispd\n"
                  "message=type=EXECVE msg=audit(1700000000.123:456): a0=2D6C61\n"
                  "type=EXECVE\ntimestamp=1700000000.123\nserial=456\na0=-la\n");
    /* two pairs in prose are prose */
    fields_expect(syslog_parse, "Nov 22 10:36:00 h app: took a=1 and b=2 of them",
                  "timestamp=Nov 22 10:36:00\nhostname=h\nappname=app\n"
                  "message=took a=1 and b=2 of them\n");
}

static void test_events_inside(void **state)
{
    (void)state;
    /* a control character makes the XML reader begin anew: the header's fields stay */
    fields_expect(syslog_parse,
                  "<14>Nov 22 10:36:00 h sysmon: <Event><System><EventID>1</EventID></System>"
                  "<EventData><Data Name=\"Image\">a\001</Data></EventData></Event>",
                  PRI_14 "timestamp=Nov 22 10:36:00\nhostname=h\nappname=sysmon\n"
                         "message=<Event><System><EventID>1</EventID></System><EventData>"
                         "<Data Name=\"Image\">a\001</Data></EventData></Event>\n"
                         "EventID=1\nImage=a\xef\xbf\xbd\n");
    /* not well-formed: only a message */
    fields_expect(syslog_parse, "<14>1 - h a - - - <Event><System><EventID>1</Ev",
                  PRI_14 "hostname=h\nappname=a\nmessage=<Event><System><EventID>1</Ev\n");
    fields_expect(
        syslog_parse,
        "<14>1 - h a - - - {\"Event\":{\"System\":{\"EventID\":1},\"EventData\":{\"b\":\"c\"}}}",
        PRI_14 "hostname=h\nappname=a\n"
               "message={\"Event\":{\"System\":{\"EventID\":1},\"EventData\":{\"b\":\"c\"}}}\n"
               "EventID=#1\nb=c\n");
    fields_expect(
        syslog_parse,
        "<14>1 - h nginx - - - 192.0.2.1 - - [22/Nov/2026:12:04:55 +0000] \"GET /a?b\" 200 1",
        PRI_14 "hostname=h\nappname=nginx\n"
               "message=192.0.2.1 - - [22/Nov/2026:12:04:55 +0000] \"GET /a?b\" 200 1\n"
               "c-ip=192.0.2.1\ncs-ident=~\ncs-username=~\n"
               "timestamp=22/Nov/2026:12:04:55 +0000\ncs-method=GET\ncs-uri=/a?b\n"
               "cs-uri-stem=/a\ncs-uri-query=b\nsc-status=#200\nsc-bytes=#1\n");
    /* a client that is no address: a text that only looks like one */
    fields_expect(syslog_parse,
                  "<14>1 - h a - - - user x y [22/Nov/2026:12:04:55 +0000] \"GET /\" 200 1",
                  PRI_14 "hostname=h\nappname=a\n"
                         "message=user x y [22/Nov/2026:12:04:55 +0000] \"GET /\" 200 1\n");
}

static void test_refused(void **state)
{
    (void)state;
    fields_refuse(syslog_parse, NULL, "\r\n", "the line is empty: a syslog line needs a text");
    fields_refuse(text_parse, NULL, "\n", "the line is empty: there is no text to keep");
    fields_expect(text_parse, "<13>Feb  5 17:32:18 h x=1 y=2 z=3\r\n",
                  "message=<13>Feb  5 17:32:18 h x=1 y=2 z=3\n");
}

/* Every cut of a line is a line. */
static void test_cut_short(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "<165>1 2003-10-11T22:14:15Z h evntslog - ID47 [e@3 iut=\"3\" s=\"a\\\"\"][p c=\"h\"] m",
        "<189>237: host1: *Jan 18 11:29:03.123 UTC: %SYS-5-CONFIG_I: c",
        "2026-11-22T10:36:00.123456+07:00 srv CRON[9]: @cee: {\"a\":[1,2]}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (size_t len = 1; len <= strlen(lines[i]); len++) {
            struct record r = {0};
            char *copy = test_malloc(len);
            memcpy(copy, lines[i], len);
            assert_int_equal(syslog_parse(&r, slice_make(copy, len), NULL, NULL), ERR_OK);
            assert_true(r.count > 0);
            record_free(&r);
            test_free(copy);
        }
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(syslog_probe(SLICE("Nov 22 10:36:00 srv sshd[1]: x\nNov 22 10:")), 80);
    assert_int_equal(syslog_probe(SLICE("<14>1 - - - - - -\n")), 80);
    assert_int_equal(syslog_probe(SLICE("<14>hello\n")), 50);
    assert_int_equal(syslog_probe(SLICE("hello\nworld\n")), 0);
    assert_int_equal(syslog_probe(SLICE("")), 0);
    assert_int_equal(syslog_probe(SLICE("{\"a\":1}\n")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc5424_examples),
        cmocka_unit_test(test_rfc5424_data),
        cmocka_unit_test(test_rfc3164_examples),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_cisco),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_events_inside),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
