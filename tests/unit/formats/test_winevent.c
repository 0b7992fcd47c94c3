#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/format.h"
#include "formats/json.h"
#include "formats/winevent.h"

/* "name=value" a line, in order; null as name~, an object as name{} */
static const char *fields_of(struct record *r, struct buf *out)
{
    buf_clear(out);
    for (uint32_t i = 0; i < r->count; i++) {
        struct field *f = &r->fields[i];
        struct slice value = record_text(r, f);
        assert_int_equal(f->name_hash, field_name_hash(f->name));
        buf_slice(out, f->name);
        if (f->kind == VALUE_NULL)
            buf_string(out, "~");
        else if (f->kind == VALUE_OBJECT)
            buf_string(out, "{}");
        else
            buf_printf(out, "=%.*s", (int)value.len, value.data);
        buf_char(out, '\n');
    }
    return buf_text(out);
}

static void assert_fields(const char *format, const char *text, const char *expected)
{
    struct record r = {0};
    struct buf out = {0};
    struct err err = {0};
    const struct format *row = format_find(slice_from(format));
    /* 64 bytes to look at behind the text, as the input layer promises */
    char room[4096] = {0};
    size_t len = strlen(text);
    assert_true(len + 64 < sizeof(room));
    memcpy(room, text, len);
    if (row->parse(&r, slice_make(room, len), NULL, &err) != ERR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(fields_of(&r, &out), expected);
    for (uint32_t i = 0; i < r.count; i++)
        if (slice_find_char(r.fields[i].name, '.') == SLICE_NONE && r.fields[i].name.len > 0)
            assert_int_equal(r.fields[i].flags & FIELD_NESTED, 0);
    record_free(&r);
    buf_free(&out);
}

static void assert_refused(const char *text, int code)
{
    struct record r = {0};
    struct err err = {0};
    assert_int_equal(winevent_xml_parse(&r, slice_from(text), NULL, &err), code);
    assert_true(err.text[0] != '\0');
    record_free(&r);
}

static const char system_fields[] =
    "Provider_Name=P\nProvider_Guid={1}\nEventID=4\nEventID_Qualifiers=16384\nVersion=2\nLevel=0\n"
    "TimeCreated=2026-01-02T03:04:05Z\nCorrelation~\nExecution_ProcessID=5\nExecution_ThreadID=6\n"
    "Channel=Security\nComputer=c\nSecurity_UserID=S-1\n";

static void json_attributes_shape(void **state)
{
    (void)state;
    struct buf expected = {0};
    buf_printf(&expected, "%sA=1\nB c=x\\y\nSystemTime=2026-01-02T03:04:05Z\n", system_fields);
    assert_fields(
        "json",
        "{\"Event\":{\"#attributes\":{\"xmlns\":\"http://x\"},\"System\":{\"Provider\":{"
        "\"#attributes\":{\"Name\":\"P\",\"Guid\":\"{1}\"}},\"EventID\":{\"#text\":4,"
        "\"#attributes\":{\"Qualifiers\":16384}},\"Version\":2,\"Level\":0,\"TimeCreated\":{"
        "\"#attributes\":{\"SystemTime\":\"2026-01-02T03:04:05Z\"}},\"Correlation\":null,"
        "\"Execution\":{\"#attributes\":{\"ProcessID\":5,\"ThreadID\":6}},\"Channel\":\"Security\","
        "\"Computer\":\"c\",\"Security\":{\"#attributes\":{\"UserID\":\"S-1\"}}},"
        "\"EventData\":{\"A\":1,\"B c\":\"x\\\\y\"}}}",
        buf_text(&expected));
    buf_free(&expected);
}

static void json_other_shapes_of_attributes(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "{\"Event\":{\"@xmlns\":\"x\",\"System\":{\"Provider\":{\"@Name\":\"P\"},\"EventID\":4},"
        "\"EventData\":{\"A\":1}}}",
        "{\"Event\":{\"System\":{\"Provider\":{\"Name\":\"P\"},\"EventID\":4},\"EventData\":{"
        "\"A\":1}}}",
        "{\"Event\":{\"System\":{\"Provider_attributes\":{\"Name\":\"P\"},\"EventID\":4},"
        "\"EventData\":{\"A\":1}},\"Event_attributes\":{\"xmlns\":\"x\"}}",
        "{\"Event.System.Provider.Name\":\"P\",\"Event.System.EventID\":4,"
        "\"Event.EventData.A\":1}"};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        assert_fields("json", shapes[i], "Provider_Name=P\nEventID=4\nA=1\n");
}

static void json_data_lists(void **state)
{
    (void)state;
#define WITH_DATA(data) "{\"Event\":{\"System\":{\"EventID\":4},\"EventData\":{\"Data\":" data "}}}"
    static const char named[] = "EventID=4\nX=v\nY=w\n";
    assert_fields("json",
                  WITH_DATA("[{\"#attributes\":{\"Name\":\"X\"},\"#text\":\"v\"},"
                            "{\"#text\":\"w\",\"#attributes\":{\"Name\":\"Y\"}}]"),
                  named);
    assert_fields(
        "json", WITH_DATA("[{\"@Name\":\"X\",\"#text\":\"v\"},{\"#text\":\"w\",\"@Name\":\"Y\"}]"),
        named);
    assert_fields("json", WITH_DATA("[{\"@Name\":\"X\"},{\"@Name\":\"Y\",\"#text\":\"w\"}]"),
                  "EventID=4\nX~\nY=w\n");
    assert_fields("json", WITH_DATA("{\"@Name\":\"X\",\"#text\":\"v\"}"), "EventID=4\nX=v\n");
    assert_fields("json", WITH_DATA("[\"v\",\"w\"]"), "EventID=4\nData=v\nData=w\n");
    assert_fields("json", WITH_DATA("{\"#text\":[\"v\",\"w\"]}"), "EventID=4\nData=v\nData=w\n");
    assert_fields("json", WITH_DATA("\"v\""), "EventID=4\nData=v\n");
}

static void json_user_data_comes_to_the_top(void **state)
{
    (void)state;
    assert_fields("json",
                  "{\"Event\":{\"System\":{\"EventID\":4},\"UserData\":{\"EventXML\":{"
                  "\"#attributes\":{\"xmlns\":\"x\"},\"A\":1,\"B\":{\"C\":2}}}}}",
                  "EventID=4\nA=1\nB{}\nB.C=2\n");
}

static void other_records_stay_as_they_are(void **state)
{
    (void)state;
    assert_fields("json", "{\"Events\":1,\"Event.System.EventID\":4}",
                  "Events=1\nEvent.System.EventID=4\n");
    assert_fields("json", "{\"Event\":{\"x\":1}}", "Event{}\nEvent.x=1\n");
    assert_fields("json", "{\"Event\":\"text\",\"x\":1}", "Event=text\nx=1\n");
    assert_fields("json", "{}", "");
}

#define XML_SYSTEM                                                                                 \
    "<System><Provider Name='P' Guid='{1}'/><EventID Qualifiers='16384'>4</EventID>"               \
    "<Version>2</Version><Level>0</Level><TimeCreated SystemTime='2026-01-02T03:04:05Z'/>"         \
    "<Correlation/><Execution ProcessID='5' ThreadID='6'/><Channel>Security</Channel>"             \
    "<Computer>c</Computer><Security UserID='S-1'/></System>"

static void xml_gives_what_json_gives(void **state)
{
    (void)state;
    struct buf expected = {0};
    /* the attributes of an element come before its text */
    buf_string(&expected,
               "Provider_Name=P\nProvider_Guid={1}\nEventID_Qualifiers=16384\nEventID=4\n"
               "Version=2\nLevel=0\nTimeCreated=2026-01-02T03:04:05Z\nCorrelation~\n"
               "Execution_ProcessID=5\nExecution_ThreadID=6\nChannel=Security\nComputer=c\n"
               "Security_UserID=S-1\nA=<1&2>\nB c~\nData=u\nBinary=00FF\n"
               "SystemTime=2026-01-02T03:04:05Z\n");
    assert_fields("winxml",
                  "<Event xmlns='http://x'>" XML_SYSTEM "<EventData>\n <Data Name='A'>&lt;1&amp;2>"
                  "</Data>\n <Data Name='B c'></Data><Data>u</Data><Binary>00FF</Binary>"
                  "</EventData></Event>",
                  buf_text(&expected));
    buf_free(&expected);
}

static void xml_prefixes_user_data_and_rendering(void **state)
{
    (void)state;
    assert_fields(
        "winxml",
        "<e:Event xmlns:e='x'><e:System><e:EventID>4</e:EventID></e:System><e:UserData>"
        "<x:EventXML xmlns:x='y'><x:A>1</x:A></x:EventXML></e:UserData>"
        "<RenderingInfo Culture='en'><Message>m</Message><Level>Info</Level>"
        "</RenderingInfo></e:Event>",
        "EventID=4\nA=1\nRenderingInfo_Culture=en\nMessage=m\nRenderingInfo.Level=Info\n");
}

static void xml_that_is_refused(void **state)
{
    (void)state;
    assert_refused("<Event><System>", ERR_SYNTAX);
    assert_refused("<Other/>", ERR_SYNTAX);
    assert_refused("", ERR_SYNTAX);
    assert_refused("<!DOCTYPE Event [<!ENTITY a 'b'>]><Event>&a;</Event>", ERR_SYNTAX);
    assert_refused("<Event>&a;</Event>", ERR_SYNTAX);
    struct buf deep = {0};
    buf_string(&deep, "<Event>");
    for (int i = 0; i < WINEVENT_DEPTH_MAX + 1; i++)
        buf_string(&deep, "<a>");
    assert_refused(buf_text(&deep), ERR_LIMIT);
    buf_free(&deep);
}

static void xml_forbidden_characters_are_replaced(void **state)
{
    (void)state;
    assert_fields("winxml",
                  "<Event><System><EventID>4</EventID></System><EventData><Data Name='A'>a\x01z"
                  "</Data><Data Name='B'>&#x1;&#65;\xff</Data></EventData></Event>",
                  "EventID=4\nA=a\xef\xbf\xbdz\nB=\xef\xbf\xbd"
                  "A\xef\xbf\xbd\n");
}

static void evtx_values_as_windows_writes_them(void **state)
{
    (void)state;
    assert_fields("evtx",
                  "<Event><System><EventID>4</EventID><Keywords>0x8000000000000000</Keywords>"
                  "</System><EventData><Data Name='A'>0x00000000000003e7</Data><Data Name='B'>"
                  "0x00000000</Data><Data Name='C'>0x000003eg</Data><Data Name='D'>x\r\ny</Data>"
                  "</EventData></Event>",
                  "EventID=4\nKeywords=0x8000000000000000\nA=0x3e7\nB=0x0\nC=0x000003eg\n"
                  "D=x\r\ny\n");
    assert_fields("winxml",
                  "<Event><System><EventID>4</EventID></System><EventData><Data Name='A'>"
                  "0x000003e7</Data></EventData></Event>",
                  "EventID=4\nA=0x000003e7\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_attributes_shape),
        cmocka_unit_test(json_other_shapes_of_attributes),
        cmocka_unit_test(json_data_lists),
        cmocka_unit_test(json_user_data_comes_to_the_top),
        cmocka_unit_test(other_records_stay_as_they_are),
        cmocka_unit_test(xml_gives_what_json_gives),
        cmocka_unit_test(xml_prefixes_user_data_and_rendering),
        cmocka_unit_test(xml_that_is_refused),
        cmocka_unit_test(xml_forbidden_characters_are_replaced),
        cmocka_unit_test(evtx_values_as_windows_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
