#include "unit/formats/split_harness.h"

static void lines_lose_their_ends_and_blanks(void **state)
{
    (void)state;
    assert_split("text", "a\r\n\n  \nb\nlast", "1:a\n4:b\n5:last\n");
    assert_split("text",
                 "\xef\xbb\xbf"
                 "a\n",
                 "1:a\n");
    assert_split("text", "", "");
    assert_split("text", "\n\n", "");
}

static void json_one_a_line(void **state)
{
    (void)state;
    assert_split("json", "{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}",
                 "1:{\"a\":1}\n2:{\"b\":2}\n4:{\"c\":3}\n");
    assert_split("json", "\xef\xbb\xbf{\"a\":1}\n", "1:{\"a\":1}\n");
    assert_split("json", "  {\"a\":1}\n\t{\"b\":2}\n", "1:{\"a\":1}\n2:{\"b\":2}\n");
}

static void json_pretty_printed(void **state)
{
    (void)state;
    assert_split("json", "{\n  \"a\": {\n    \"b\": \"}\\\"{\"\n  }\n}\n{\n  \"c\": []\n}\n",
                 "1:{\\n  \"a\": {\\n    \"b\": \"}\\\"{\"\\n  }\\n}\n6:{\\n  \"c\": []\\n}\n");
    /* without indentation */
    assert_split("json", "{\n\"a\":\n{\n\"b\":[\n{\n}\n]\n}\n}\n{\"c\":1}\n",
                 "1:{\\n\"a\":\\n{\\n\"b\":[\\n{\\n}\\n]\\n}\\n}\n10:{\"c\":1}\n");
    /* a line that looks whole and is not */
    assert_split("json", "{\"a\": {\"b\": 1}\n, \"c\": 2}\n{\"d\":3}\n",
                 "1:{\"a\": {\"b\": 1}\\n, \"c\": 2}\n3:{\"d\":3}\n");
}

static void json_values_without_line_ends(void **state)
{
    (void)state;
    assert_split("json", "{\"a\":1}{\"b\":2} {\"c\":3}\n{\"d\":4}",
                 "1:{\"a\":1}\n1:{\"b\":2}\n1:{\"c\":3}\n2:{\"d\":4}\n");
}

static void json_broken_line_takes_only_itself(void **state)
{
    (void)state;
    assert_split("json", "{\"a\":1}\n{\"b\":\"cut\n{\"c\":3}\n",
                 "1:{\"a\":1}\n2:{\"b\":\"cut\n3:{\"c\":3}\n");
    assert_split("json", "{\"b\":[1,\n{\"c\":3}\n{\"d\":4}\n",
                 "1:{\"b\":[1,\n2:{\"c\":3}\n3:{\"d\":4}\n");
    assert_split("json", "{\"b\":\n{\"c\":3}\n", "1:{\"b\":\n2:{\"c\":3}\n");
    assert_split("json", "{\"b\":1]}\n{\"c\":3}\n", "1:{\"b\":1]}\n2:{\"c\":3}\n");
    assert_split("json", "{\"a\":1} tail\n{\"c\":3}\n", "1:{\"a\":1} tail\n2:{\"c\":3}\n");
    assert_split("json", "not json\n{\"c\":3}\n", "1:not json\n2:{\"c\":3}\n");
    assert_split("json", "{\"c\":3}\n{\"d\":4, \"cut", "1:{\"c\":3}\n2:{\"d\":4, \"cut\n");
    assert_split("json", "{\n{\"c\":3}\n", "1:{\n2:{\"c\":3}\n");
    assert_split("json", "{\"b\":\"x\\\n{\"c\":3}\n", "1:{\"b\":\"x\\\n2:{\"c\":3}\n");
}

static void json_broken_pretty_value_ends_at_the_next(void **state)
{
    (void)state;
    assert_split("json", "{\n  \"a\": \"cut\n  \"b\": 1\n}\n{\n  \"c\": 1\n}\n",
                 "1:{\\n  \"a\": \"cut\\n  \"b\": 1\\n}\n5:{\\n  \"c\": 1\\n}\n");
    assert_split("json", "{\n  \"a\": 1\n{\n  \"c\": 1\n}\n",
                 "1:{\\n  \"a\": 1\n3:{\\n  \"c\": 1\\n}\n");
}

static void json_arrays_are_opened(void **state)
{
    (void)state;
    assert_split("json", "[{\"a\":1},{\"b\":[{}]}]\n", "1:{\"a\":1}\n2:{\"b\":[{}]}\n");
    assert_split("json", "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": 2\n  }\n]\n",
                 "1:{\\n    \"a\": 1\\n  }\n2:{\\n    \"b\": 2\\n  }\n");
    assert_split("json", "[]\n[ ]\n", "");
    assert_split("json", "[{\"a\":1}]\n[{\"b\":2}]\n", "1:{\"a\":1}\n2:{\"b\":2}\n");
    assert_split("json", "[{\"a\":1}, 7, \"x,]\", [1], {\"b\":2}]",
                 "1:{\"a\":1}\n2:7\n3:\"x,]\"\n4:[1]\n5:{\"b\":2}\n");
    assert_split("json", "[{\"a\":1},\n{\"b\":\"cut\n{\"c\":3}\n]",
                 "1:{\"a\":1}\n2:{\"b\":\"cut\n3:{\"c\":3}\n");
    assert_split("json", "[{\"a\":1},\n{\"b\":{\"c\":2},\n{\"d\":3},\n{\"e\":4}\n]",
                 "1:{\"a\":1}\n2:{\"b\":{\"c\":2},\n3:{\"d\":3}\n4:{\"e\":4}\n");
    assert_split("json", "[{\"a\":1}", "1:{\"a\":1}\n!2\n");
    assert_split("json", "[2026-01-01] text\n{\"a\":1}\n", "1:[2026-01-01] text\n2:{\"a\":1}\n");
}

static void json_wrappers_are_opened(void **state)
{
    (void)state;
    assert_split("json", "{\"Records\":[{\"a\":1},{\"b\":2}]}\n", "1:{\"a\":1}\n2:{\"b\":2}\n");
    assert_split("json",
                 "{ \"records\" : [\n {\"a\":1} ] , \"more\":{\"x\":[1,\"]}\"]} }\n{\"b\":2}\n",
                 "1:{\"a\":1}\n3:{\"b\":2}\n");
    assert_split("json", "{\"Events\":[]}\n{\"value\":[{\"a\":1}]}\n", "1:{\"a\":1}\n");
    assert_split("json", "{\"@odata.context\":\"x\",\"value\":[{\"a\":1}]}", "1:{\"a\":1}\n");
    assert_split("json", "{\"value\":[1,2]}\n{\"Records\":7}\n",
                 "1:{\"value\":[1,2]}\n2:{\"Records\":7}\n");
}

static struct slice repeat(struct buf *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_string(out, text);
    return buf_as_slice(out);
}

/* What is behind a record of 17 MiB is still read; memory stays at a record and a block. */
static void assert_long_is_refused(const char *format, const char *head, const char *filler,
                                   const char *tail, const char *expected)
{
    struct buf text = {0};
    struct split_run run;
    buf_string(&text, head);
    repeat(&text, filler, ((size_t)17 << 20) / strlen(filler));
    buf_string(&text, tail);
    split_run_text(&run, format, buf_as_slice(&text), (size_t)4 << 20);
    assert_string_equal(buf_text(&run.text), expected);
    split_run_free(&run);
    buf_free(&text);
}

static void too_long_records_are_passed_over(void **state)
{
    (void)state;
    assert_long_is_refused("text", "a\n", "x", "\nb\n", "1:a\n3:b\n!2\n");
    assert_long_is_refused("json", "{\"a\":1}\n{\"b\":\"", "xxxxxxxx", "\"}\n{\"c\":3}\n",
                           "1:{\"a\":1}\n3:{\"c\":3}\n!2\n");
    assert_long_is_refused("json", "{\"a\":1}\nxx", "xxxxxxxx", "\"}\n{\"c\":3}\n",
                           "1:{\"a\":1}\n3:{\"c\":3}\n!2\n");
    assert_long_is_refused("json", "[{\"a\":1},{\"b\":[1", ",1,1,1,1", "]},{\"c\":3}]",
                           "1:{\"a\":1}\n3:{\"c\":3}\n!2\n");
    assert_long_is_refused("json", "{\n \"b\":[1", ",\n1,1,12", "]}\n{\"c\":3}",
                           "2228227:{\"c\":3}\n!1\n");
    assert_long_is_refused("winxml", "<Event>a</Event><Event>", "xxxxxxxx",
                           "</Event>\n<Event>c</Event>",
                           "1:<Event>a</Event>\n2:<Event>c</Event>\n!1\n");
    assert_long_is_refused("csv", "h\na\n", "xxxxxxxx", "\nb\n", "2:a\n4:b\n!3\n");
}

static void csv_rows_may_span_lines(void **state)
{
    (void)state;
    assert_split("csv", "a,b\n1,\"x\ny\"\"z\"\r\n3,4\n", "2:1,\"x\\ny\"\"z\"\n4:3,4\n");
    assert_split("csv", "a,b\n1,x\"y\n3,4\n", "2:1,x\"y\n3:3,4\n");
}

static void csv_stray_quote_costs_one_line(void **state)
{
    (void)state;
    assert_split("csv", "a,b\n1,\"open\n3,4\n5,6\n", "3:3,4\n4:5,6\n!2\n");
    assert_split("csv", "a,b\n1,\"x\"y\n3,4\n", "3:3,4\n!2\n");
}

static void assert_columns(const char *format, const char *text, char separator,
                           const char *const *columns)
{
    struct split *s = split_open(format_find(slice_from(format)));
    struct span_list spans = {0};
    struct arena arena = {0};
    size_t used, count = 0;
    split_feed(s, slice_from(text), true, &arena, &spans, &used);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.spans[0].header->separator, separator);
    for (; columns[count]; count++) {
        assert_true(count < spans.spans[0].header->column_count);
        assert_true(slice_equal(spans.spans[0].header->columns[count], slice_from(columns[count])));
    }
    assert_int_equal(spans.spans[0].header->column_count, count);
    assert_true(split_has_headers(s));
    span_list_free(&spans);
    arena_free(&arena);
    split_close(&s);
}

static void header_rows_name_the_columns(void **state)
{
    (void)state;
    assert_columns("csv",
                   "\xef\xbb\xbf"
                   "a,\"b \"\"x\"\",c\", d \n1,2,3\n",
                   ',', (const char *[]){"a", "b \"x\",c", "d", NULL});
    assert_columns("csv", "a;b,c;d\n1;2;3\n", ';', (const char *[]){"a", "b,c", "d", NULL});
    assert_columns("csv", "a\tb\n1\t2\n", '\t', (const char *[]){"a", "b", NULL});
    assert_columns("csv", "a|b\n1|2\n", '|', (const char *[]){"a", "b", NULL});
    assert_columns("w3c", "#Version: 1.0\n#Fields: date  time cs-uri\n1 2 3\n", ' ',
                   (const char *[]){"date", "time", "cs-uri", NULL});
}

static void w3c_headers_change(void **state)
{
    (void)state;
    struct split *s = split_open(format_find(SLICE("w3c")));
    struct span_list spans = {0};
    struct arena arena = {0};
    size_t used;
    split_feed(s, SLICE("lost\n#Fields: a b\n1 2\n#Date: 2026-01-02\n3 4\n#Fields: c\n5\n"), true,
               &arena, &spans, &used);
    assert_int_equal(spans.count, 3);
    assert_int_equal(split_refused_count(s), 1);
    assert_int_equal(spans.spans[0].header->date.len, 0);
    assert_int_equal(spans.spans[1].header->column_count, 2);
    assert_true(slice_equal(spans.spans[1].header->date, SLICE("2026-01-02")));
    assert_int_equal(spans.spans[2].header->column_count, 1);
    assert_true(slice_equal(spans.spans[2].header->date, SLICE("2026-01-02")));
    assert_int_equal(spans.spans[2].line, 7);
    span_list_free(&spans);
    arena_free(&arena);
    split_close(&s);
}

static void xml_events_anywhere(void **state)
{
    (void)state;
    assert_split(
        "winxml",
        "<?xml version='1.0'?>\n<Events>\n<Event xmlns='x'><EventData/>\n</Event>"
        "<Event/> <Event >b</Event\n></Events>\n",
        "3:<Event xmlns='x'><EventData/>\\n</Event>\n4:<Event/>\n4:<Event >b</Event\\n>\n");
    assert_split("winxml", "<e:Event><e:System/></e:Event>", "1:<e:Event><e:System/></e:Event>\n");
    assert_split("winxml", "<Event><![CDATA[</Event><Event>]]><!-- </Event> --></Event>",
                 "1:<Event><![CDATA[</Event><Event>]]><!-- </Event> --></Event>\n");
}

static void xml_cut_event_takes_only_itself(void **state)
{
    (void)state;
    assert_split("winxml", "<Event>a\n<Event>b</Event><Event>c", "2:<Event>b</Event>\n!1\n!2\n");
}

#define A(serial, time) "msg=audit(" time ".000:" serial "): "
static void audit_lines_are_joined(void **state)
{
    (void)state;
    assert_split(
        "auditd",
        "type=SYSCALL " A("1", "100") "s\ntype=SYSCALL " A(
            "2", "100") "s\n"
                        "type=PATH " A("1", "100") "p\ntype=EOE " A(
                            "1", "100") "\n"
                                        "type=PATH " A("2", "100") "p\ntype=EOE " A("2",
                                                                                    "100") "\n",
        "1:type=SYSCALL " A("1", "100") "s\\ntype=PATH " A(
            "1", "100") "p\n"
                        "2:type=SYSCALL " A("2", "100") "s\\ntype=PATH " A("2", "100") "p\n");
    assert_split("auditd",
                 "type=SYSCALL " A("1", "100") "s\ntype=PROCTITLE " A(
                     "1", "100") "t\n"
                                 "type=USER_CMD " A("2", "100") "msg='x'\ntype=USER_CMD " A(
                                     "3", "100") "msg='y'\n",
                 "1:type=SYSCALL " A("1", "100") "s\\ntype=PROCTITLE " A(
                     "1", "100") "t\n"
                                 "3:type=USER_CMD " A("2", "100") "msg='x'\n4:type=USER_CMD " A(
                                     "3", "100") "msg='y'\n");
    assert_split("auditd", "no audit\ntype=CWD " A("1", "100") "c\n",
                 "2:type=CWD " A("1", "100") "c\n!1\n");
    /* the same serial of two machines */
    assert_split("auditd",
                 "node=a type=CWD " A("1", "100") "c\nnode=b type=CWD " A("1", "100") "d\n",
                 "1:node=a type=CWD " A("1", "100") "c\n2:node=b type=CWD " A("1", "100") "d\n");
}

/* Spans that are out before the end of the text: when a serial counts as whole. */
static size_t audit_spans_before_end(const char *text)
{
    struct split *s = split_open(format_find(SLICE("auditd")));
    struct span_list spans = {0};
    struct arena arena = {0};
    size_t used;
    split_feed(s, slice_from(text), false, &arena, &spans, &used);
    size_t count = spans.count;
    span_list_free(&spans);
    arena_free(&arena);
    split_close(&s);
    return count;
}

static void audit_serials_are_given_out_in_time(void **state)
{
    (void)state;
    assert_int_equal(audit_spans_before_end("type=SYSCALL " A("1", "100") "s\n"), 0);
    assert_int_equal(
        audit_spans_before_end("type=SYSCALL " A("1", "100") "s\ntype=EOE " A("1", "100") "\n"), 1);
    assert_int_equal(audit_spans_before_end(
                         "type=SYSCALL " A("1", "100") "s\ntype=SYSCALL " A("2", "101") "s\n"),
                     0);
    assert_int_equal(audit_spans_before_end(
                         "type=SYSCALL " A("1", "100") "s\ntype=SYSCALL " A("2", "102") "s\n"),
                     1);
    assert_int_equal(audit_spans_before_end("type=USER_CMD " A(
                         "1", "100") "msg='x'\ntype=SYSCALL " A("2", "100") "s\n"),
                     1);
    struct buf many = {0};
    for (int i = 0; i < SPLIT_JOIN_MAX + 3; i++)
        buf_printf(&many, "type=SYSCALL msg=audit(100.000:%d): s\n", i);
    assert_int_equal(audit_spans_before_end(buf_text(&many)), 3);
    buf_free(&many);
}

static void refused_items_are_all_counted_and_some_kept(void **state)
{
    (void)state;
    struct buf text = {0};
    struct split_run run;
    repeat(&text, "no audit line\n", SPLIT_REFUSED_KEPT + 50);
    split_run_text(&run, "auditd", buf_as_slice(&text), 1 << 20);
    size_t count;
    assert_int_equal(run.refused, SPLIT_REFUSED_KEPT + 50);
    assert_non_null(split_refused_list(run.split, &count));
    assert_int_equal(count, SPLIT_REFUSED_KEPT);
    split_run_free(&run);
    buf_free(&text);
}

/* What was received, of which that many lines were joined and items refused. */
static void assert_received(const char *format, const char *text, uint64_t count, uint64_t joined,
                            uint64_t refused)
{
    struct split_run run;
    split_run_text(&run, format, slice_from(text), 13);
    assert_int_equal(split_count(run.split), count);
    assert_int_equal(run.joined, joined);
    assert_int_equal(run.refused, refused);
    split_run_free(&run);
}

static void records_are_counted_where_they_are_cut(void **state)
{
    (void)state;
    assert_received("syslog", "a\n\n  \r\nb\nc", 3, 0, 0);
    assert_received("json", "{\"a\":1}\n\n{\"a\":\n2}\nnone\n{\"a\":3", 4, 0, 0);
    assert_received("json", "[{\"a\":1},\n{\"a\":2}, 3]\n", 3, 0, 0);
    assert_received("json", "{\"Records\":[{\"a\":1},{\"a\":2}]}\n", 2, 0, 0);
    assert_received("json", "[{\"a\":1},{\"a\":2}", 3, 0, 1);
    assert_received("csv", "a,b\n1,2\n\n\"3\n4\",5\nx,\"y\"z\n6,7\n", 4, 0, 1);
    assert_received("w3c", "#Version: 1\n1 2\n#Fields: a b\n1 2\n\n#Date: 2026-01-01\n3 4\n", 3, 0,
                    1);
    assert_received("winxml", "<Events><Event>a</Event>\n<Event>cut<Event>b</Event></Events>", 3, 0,
                    1);
    assert_received("auditd", "", 0, 0, 0);
}

static void joined_lines_are_counted_one_by_one(void **state)
{
    (void)state;
    assert_received("auditd",
                    "type=SYSCALL msg=audit(1.1:7): a=1\n"
                    "type=SYSCALL msg=audit(1.1:8): a=2\n"
                    "nonsense\n\n"
                    "type=CWD msg=audit(1.1:7): b=1\n"
                    "type=EOE msg=audit(1.1:7): \n"
                    "type=EOE msg=audit(1.1:9): \n"
                    "type=PROCTITLE msg=audit(1.1:8): c=1\n",
                    6, 3, 1);
}

static void open_serials_are_not_counted_yet(void **state)
{
    (void)state;
    struct split *s = split_open(format_find(SLICE("auditd")));
    struct span_list spans = {0};
    struct arena arena = {0};
    size_t used;
    split_feed(s, SLICE("type=SYSCALL msg=audit(1.1:7): a=1\ntype=CWD msg=audit(1.1:7): b=1\n"),
               false, &arena, &spans, &used);
    assert_int_equal(spans.count, 0);
    assert_int_equal(split_count(s), 0);
    split_feed(s, SLICE("type=EOE msg=audit(1.1:7): \n"), false, &arena, &spans, &used);
    assert_int_equal(spans.count, 1);
    assert_int_equal(spans.spans[0].joined, 2);
    assert_int_equal(split_count(s), 3);
    split_close(&s);
    span_list_free(&spans);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_lose_their_ends_and_blanks),
        cmocka_unit_test(json_one_a_line),
        cmocka_unit_test(json_pretty_printed),
        cmocka_unit_test(json_values_without_line_ends),
        cmocka_unit_test(json_broken_line_takes_only_itself),
        cmocka_unit_test(json_broken_pretty_value_ends_at_the_next),
        cmocka_unit_test(json_arrays_are_opened),
        cmocka_unit_test(json_wrappers_are_opened),
        cmocka_unit_test(too_long_records_are_passed_over),
        cmocka_unit_test(csv_rows_may_span_lines),
        cmocka_unit_test(csv_stray_quote_costs_one_line),
        cmocka_unit_test(header_rows_name_the_columns),
        cmocka_unit_test(w3c_headers_change),
        cmocka_unit_test(xml_events_anywhere),
        cmocka_unit_test(xml_cut_event_takes_only_itself),
        cmocka_unit_test(audit_lines_are_joined),
        cmocka_unit_test(audit_serials_are_given_out_in_time),
        cmocka_unit_test(refused_items_are_all_counted_and_some_kept),
        cmocka_unit_test(records_are_counted_where_they_are_cut),
        cmocka_unit_test(joined_lines_are_counted_one_by_one),
        cmocka_unit_test(open_serials_are_not_counted_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
