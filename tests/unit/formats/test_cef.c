#include "formats/cef.h"

#include "unit/formats/fields.h"

#define HEADER                                                                                     \
    "CEFVersion=0\nDeviceVendor=Security\nDeviceProduct=threatmanager\nDeviceVersion=1.0\n"

/* The examples of "Implementing ArcSight Common Event Format (CEF)", revision 27: definitions of
 * the prefix, and the section on character encoding */
static void test_guide_examples(void **state)
{
    (void)state;
    fields_expect(cef_parse,
                  "Sep 19 08:26:10 host CEF:0|Security|threatmanager|1.0|100|worm successfully "
                  "stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232",
                  "timestamp=Sep 19 08:26:10\nhostname=host\n" HEADER
                  "SignatureID=100\nName=worm successfully stopped\nSeverity=10\n"
                  "src=10.0.0.1\ndst=2.1.2.2\nspt=1232\n");
    fields_expect(cef_parse,
                  "CEF:0|Security|threatmanager|1.0|100|detected a \\| in message|10|src=10.0.0.1 "
                  "act=blocked a | dst=1.1.1.1",
                  HEADER "SignatureID=100\nName=detected a | in message\nSeverity=10\n"
                         "src=10.0.0.1\nact=blocked a |\ndst=1.1.1.1\n");
    fields_expect(cef_parse,
                  "CEF:0|Security|threatmanager|1.0|100|detected a \\\\ in packet|10|src=10.0.0.1 "
                  "act=blocked a \\\\ dst=1.1.1.1",
                  HEADER "SignatureID=100\nName=detected a \\ in packet\nSeverity=10\n"
                         "src=10.0.0.1\nact=blocked a \\\ndst=1.1.1.1\n");
    fields_expect(cef_parse,
                  "CEF:0|Security|threatmanager|1.0|100|detected a = in message|10|src=10.0.0.1 "
                  "act=blocked a \\= dst=1.1.1.1",
                  HEADER "SignatureID=100\nName=detected a = in message\nSeverity=10\n"
                         "src=10.0.0.1\nact=blocked a =\ndst=1.1.1.1\n");
    fields_expect(cef_parse,
                  "CEF:0|Security|threatmanager|1.0|100|Detected a threat. No action needed.|10|"
                  "src=10.0.0.1 msg=Detected a threat.\\n No action needed.",
                  HEADER "SignatureID=100\nName=Detected a threat. No action needed.\nSeverity=10\n"
                         "src=10.0.0.1\nmsg=Detected a threat.\n No action needed.\n");
}

static void test_labels(void **state)
{
    (void)state;
    fields_expect(
        cef_parse,
        "CEF:0|a|b|c|d|e|Low|cs1Label=Rule Name cs1=my rule cn1=5 cn1Label=hits cs2Label=x",
        "CEFVersion=0\nDeviceVendor=a\nDeviceProduct=b\nDeviceVersion=c\nSignatureID=d\n"
        "Name=e\nSeverity=Low\ncs1Label=Rule Name\ncs1=my rule\ncn1=5\ncn1Label=hits\n"
        "cs2Label=x\n^Rule Name=my rule\n^hits=5\n");
}

static void test_extension(void **state)
{
    (void)state;
    const char *head = "CEFVersion=1\nDeviceVendor=a\nDeviceProduct=b\nDeviceVersion=c\n"
                       "SignatureID=d\nName=e\nSeverity=\n";
    struct buf expected = {0};
    buf_printf(&expected, "%srequest=http://a/?b=1&c=2\nad.x_y[0]=v w\nempty=\n", head);
    /* an = that no key stands before belongs to the value; blanks after `CEF:` are borne */
    fields_expect(cef_parse, "CEF: 1|a|b|c|d|e||request=http://a/?b=1&c=2 ad.x_y[0]=v w  empty=",
                  buf_text(&expected));
    buf_clear(&expected);
    buf_printf(&expected, "%s", head);
    fields_expect(cef_parse, "CEF:1|a|b|c|d|e|", buf_text(&expected));
    fields_expect(cef_parse, "CEF:1|a|b|c|d|e||", buf_text(&expected));
    fields_expect(cef_parse, "CEF:1|a|b|c|d|e||no pairs here", buf_text(&expected));
    buf_free(&expected);
}

/* IBM: "Log Event Extended Format (LEEF)", examples of versions 1.0 and 2.0 */
static void test_leef(void **state)
{
    (void)state;
    fields_expect(cef_parse,
                  "Jan 18 11:07:53 192.168.1.1 LEEF:1.0|QRadar|QRM|1.0|NEW_PORT_DISCOVERD|"
                  "src=172.5.6.67\tdst=172.50.123.1\tsev=5\tmsg=there are spaces in this message",
                  "timestamp=Jan 18 11:07:53\nhostname=192.168.1.1\nLEEFVersion=1.0\n"
                  "DeviceVendor=QRadar\nDeviceProduct=QRM\nDeviceVersion=1.0\n"
                  "EventID=NEW_PORT_DISCOVERD\nsrc=172.5.6.67\ndst=172.50.123.1\nsev=5\n"
                  "msg=there are spaces in this message\n");
    const char *second = "LEEFVersion=2.0\nDeviceVendor=Lancope\nDeviceProduct=StealthWatch\n"
                         "DeviceVersion=1.0\nEventID=41\nsrc=10.0.1.8\ndst=10.0.0.5\nsev=5\n";
    fields_expect(cef_parse,
                  "LEEF:2.0|Lancope|StealthWatch|1.0|41|^|src=10.0.1.8^dst=10.0.0.5^sev=5", second);
    fields_expect(cef_parse,
                  "LEEF:2.0|Lancope|StealthWatch|1.0|41|x5E|src=10.0.1.8^dst=10.0.0.5^sev=5",
                  second);
    fields_expect(cef_parse,
                  "LEEF:2.0|Lancope|StealthWatch|1.0|41||src=10.0.1.8\tdst=10.0.0.5\tsev=5",
                  second);
}

static void test_refused(void **state)
{
    (void)state;
    fields_refuse(cef_parse, NULL, "nothing", "the line has no CEF or LEEF header (CEF:0|...)");
    fields_refuse(cef_parse, NULL, "CEF:x|a|b", "the line has no CEF or LEEF header (CEF:0|...)");
    fields_refuse(cef_parse, NULL, "CEF:0|a|b",
                  "the CEF header has 3 fields, it needs 7 parted by '|'");
    fields_refuse(cef_parse, NULL, "LEEF:1.0|a|b",
                  "the LEEF header has 2 fields, it needs 5 ended by '|'");
}

static void test_probe(void **state)
{
    (void)state;
    assert_int_equal(cef_probe(SLICE("CEF:0|a|b|c|d|e|f|\n")), 95);
    assert_int_equal(cef_probe(SLICE("Sep 19 08:26:10 host CEF:0|a|b|c|d|e|f|\n")), 95);
    assert_int_equal(cef_probe(SLICE("a,b\n1,2\n")), 0);
    assert_true(cef_begins(SLICE("LEEF:2.0|")));
    assert_false(cef_begins(SLICE(" CEF:0|")));
    assert_false(cef_begins(SLICE("CEF:")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guide_examples), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_extension),      cmocka_unit_test(test_leef),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
