#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "program/output.h"

#define TIME_NS 1795344960250000000ll /* 2026-11-22T10:56:00.25Z */
#define ID      "0d1c2b3a-0000-4000-8000-000000000001"

static struct slice tags[] = {{"attack.execution", 16}, {"attack.t1059.001", 16}};
static struct slice references[] = {{"https://example.org/a?b=1&c=\"2\"", 31}};
static struct rule plain, correlation;
static struct rule *rule_rows[] = {&plain, &correlation};
static const struct rule_list rules = {rule_rows, 2, 2};
static struct finding_field fields[OUTPUT_MATCHED_MAX + 10];

static void rules_reset(void)
{
    plain = (struct rule){.kind = RULE_DETECTION,
                          .level = LEVEL_HIGH,
                          .file = SLICE("rules/a \"b\".yml"),
                          .id = SLICE(ID),
                          .title = SLICE("Quotes \" and <b>tags</b>"),
                          .title_vi = SLICE("Lệnh đáng ngờ"),
                          .author = SLICE("Nguyễn Văn A, B"),
                          .tags = {tags, 2},
                          .references = {references, 1}};
    correlation = (struct rule){
        .kind = RULE_CORRELATION, .level = LEVEL_CRITICAL, .title = SLICE("Many"), .line = 1};
}

static struct finding finding_make(uint32_t matched_count)
{
    return (struct finding){.rule = 0,
                            .place = {SLICE("C:\\logs\\a.evtx"), 42, TIME_NS, 0},
                            .host = SLICE("ws01"),
                            .matched = fields,
                            .matched_count = matched_count};
}

/* Everything an output writes for these findings; freed by the caller. */
static struct buf written(struct output_options options, const struct finding *findings,
                          size_t count)
{
    struct buf all = {0}, one = {0};
    struct output *o = output_open(&options, &rules);
    output_begin(o, &all);
    for (size_t i = 0; i < count; i++) {
        output_finding(o, &findings[i], &one);
        output_pass(o, &one);
        buf_slice(&all, buf_as_slice(&one));
        buf_clear(&one);
    }
    output_end(o, &all);
    output_close(&o);
    assert_null(o);
    buf_free(&one);
    (void)buf_text(&all);
    return all;
}

static json_t *line_read(struct buf *text)
{
    json_error_t error;
    assert_true(text->len > 0 && text->data[text->len - 1] == '\n');
    json_t *line = json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES, &error);
    if (!line)
        fail_msg("%s: %s", error.text, text->data);
    return line;
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void test_ndjson_event(void **state)
{
    (void)state;
    rules_reset();
    fields[0] = (struct finding_field){SLICE("Image"), SLICE("C:\\cmd.exe \"x\"\n\x01")};
    struct finding f = finding_make(1);
    struct buf text = written((struct output_options){.kind = OUTPUT_NDJSON}, &f, 1);
    json_t *line = line_read(&text);
    json_t *rule = json_object_get(line, "rule"), *event = json_object_get(line, "event");
    assert_string_equal(text_at(rule, "id"), ID);
    assert_string_equal(text_at(rule, "title"), "Quotes \" and <b>tags</b>");
    assert_string_equal(text_at(rule, "level"), "high");
    assert_string_equal(text_at(rule, "author"), "Nguyễn Văn A, B");
    assert_string_equal(text_at(rule, "source"), "rules/a \"b\".yml");
    assert_int_equal(json_array_size(json_object_get(rule, "tags")), 2);
    assert_int_equal(json_array_size(json_object_get(rule, "references")), 1);
    assert_string_equal(text_at(event, "file"), "C:\\logs\\a.evtx");
    assert_int_equal(json_integer_value(json_object_get(event, "line")), 42);
    assert_string_equal(text_at(event, "time"), "2026-11-22T10:56:00.25Z");
    assert_string_equal(text_at(json_object_get(line, "matched"), "Image"),
                        "C:\\cmd.exe \"x\"\n\x01");
    assert_null(json_object_get(line, "events"));
    json_decref(line);
    buf_free(&text);
}

static void test_ndjson_unknowns_are_null(void **state)
{
    (void)state;
    rules_reset();
    plain.id = plain.author = (struct slice){0};
    plain.level = LEVEL_NONE;
    plain.tags.count = plain.references.count = 0;
    struct finding f = finding_make(0);
    f.place.time_ns = CLOCK_NONE;
    struct buf text = written((struct output_options){.kind = OUTPUT_NDJSON}, &f, 1);
    json_t *line = line_read(&text), *rule = json_object_get(line, "rule");
    assert_true(json_is_null(json_object_get(rule, "id")));
    assert_true(json_is_null(json_object_get(rule, "author")));
    assert_true(json_is_null(json_object_get(rule, "level")));
    assert_int_equal(json_array_size(json_object_get(rule, "tags")), 0);
    assert_true(json_is_null(json_object_get(json_object_get(line, "event"), "time")));
    assert_int_equal(json_object_size(json_object_get(line, "matched")), 0);
    json_decref(line);
    buf_free(&text);
}

static void test_ndjson_same_name(void **state)
{
    (void)state;
    rules_reset();
    fields[0] = (struct finding_field){SLICE("a"), SLICE("1")};
    fields[1] = (struct finding_field){SLICE("b"), SLICE("x")};
    fields[2] = (struct finding_field){SLICE("a"), SLICE("2")};
    fields[3] = (struct finding_field){SLICE("a"), SLICE("1")};
    fields[4] = (struct finding_field){SLICE("b"), SLICE("x")};
    fields[5] = (struct finding_field){SLICE("a"), SLICE("3")};
    struct finding f = finding_make(6);
    struct buf text = written((struct output_options){.kind = OUTPUT_NDJSON}, &f, 1);
    assert_non_null(strstr(text.data, "\"matched\":{\"a\":[\"1\",\"2\",\"3\"],\"b\":\"x\"}}\n"));
    json_decref(line_read(&text));
    buf_free(&text);
}

static void test_ndjson_correlation(void **state)
{
    (void)state;
    rules_reset();
    struct finding_place events[] = {{SLICE("a.json"), 1, TIME_NS - 1000000000, 0},
                                     {SLICE("b.json"), 7, CLOCK_NONE, 99}};
    struct slice names[] = {SLICE("user")}, values[] = {SLICE("bob\"")};
    struct finding f = {.rule = 1,
                        .place = {.time_ns = TIME_NS},
                        .events = events,
                        .event_count = 2,
                        .event_total = 150,
                        .group_names = names,
                        .group_values = values,
                        .group_count = 1,
                        .value = 2.5,
                        .capped = true};
    struct buf text = written((struct output_options){.kind = OUTPUT_NDJSON, .epoch = 3}, &f, 1);
    json_t *line = line_read(&text), *list = json_object_get(line, "events");
    assert_null(json_object_get(line, "event"));
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(text_at(json_array_get(list, 0), "file"), "a.json");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "line")), 7);
    assert_true(json_is_null(json_object_get(json_array_get(list, 1), "time")));
    assert_null(json_object_get(json_array_get(list, 0), "id"));
    assert_string_equal(text_at(json_array_get(list, 1), "id"), "3:99");
    assert_string_equal(text_at(json_object_get(line, "group"), "user"), "bob\"");
    assert_int_equal(json_integer_value(json_object_get(line, "count")), 150);
    assert_true(json_real_value(json_object_get(line, "value")) > 2.4);
    assert_true(json_is_true(json_object_get(line, "capped")));
    assert_string_equal(text_at(line, "time"), "2026-11-22T10:56:00.25Z");
    assert_non_null(json_object_get(line, "matched"));
    json_decref(line);
    buf_free(&text);
}

static void test_matched_is_capped(void **state)
{
    (void)state;
    static char names[OUTPUT_MATCHED_MAX + 10][16];
    rules_reset();
    for (int i = 0; i < OUTPUT_MATCHED_MAX + 10; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%d", i);
        fields[i] = (struct finding_field){slice_from(names[i]), SLICE("v")};
    }
    struct finding f = finding_make(OUTPUT_MATCHED_MAX + 10);
    struct buf text = written((struct output_options){.kind = OUTPUT_NDJSON}, &f, 1);
    json_t *line = line_read(&text);
    assert_int_equal(json_object_size(json_object_get(line, "matched")), OUTPUT_MATCHED_MAX);
    json_decref(line);
    buf_free(&text);
}

static void test_csv(void **state)
{
    (void)state;
    rules_reset();
    fields[0] = (struct finding_field){SLICE("Image"), SLICE("say \"hi\"")};
    fields[1] = (struct finding_field){SLICE("User"), SLICE("bob")};
    struct finding f = finding_make(2);
    f.host = SLICE("=cmd|' /C calc'!A0");
    struct buf text = written((struct output_options){.kind = OUTPUT_CSV}, &f, 1);
    assert_string_equal(
        text.data, "time,level,rule,title,author,file,line,matched,host\r\n"
                   "2026-11-22T10:56:00.25Z,high," ID ",\"Quotes \"\" and <b>tags</b>\","
                   "\"Nguyễn Văn A, B\",C:\\logs\\a.evtx,42,\"Image=say \"\"hi\"\"; User=bob\","
                   "\"'=cmd|' /C calc'!A0\"\r\n");
    buf_free(&text);
}

static void test_table_fits(void **state)
{
    (void)state;
    rules_reset();
    plain.title =
        SLICE("Một tiêu đề rất dài để chắc chắn rằng nó phải bị cắt bớt ở đâu đó trong bảng");
    fields[0] = (struct finding_field){SLICE("CommandLine"),
                                       SLICE("\033]0;owned\007 \xe2\x80\xae"
                                             "gpj.exe and much more text than there is room for")};
    struct finding f = finding_make(1);
    struct output_options options = {.kind = OUTPUT_TABLE, .columns = 100, .vietnamese = false};
    struct buf text = written(options, &f, 1);
    struct slice rest = buf_as_slice(&text);
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        size_t width = 0;
        for (size_t i = 0; i < line.len; i++) {
            width += ((unsigned char)line.data[i] & 0xc0) != 0x80;
            assert_true((unsigned char)line.data[i] >= 0x20);
        }
        if (width > 100)
            fail_msg("%zu columns: %.*s", width, (int)line.len, line.data);
    }
    assert_non_null(strstr(text.data, "…"));
    assert_null(strstr(text.data, "\xe2\x80\xae"));
    assert_non_null(strstr(text.data, "2026-11-22 10:56:00  high"));
    buf_free(&text);

    options.columns = 0; /* nothing is cut when it goes to a file */
    text = written(options, &f, 1);
    assert_non_null(strstr(text.data, "bị cắt bớt ở đâu đó trong bảng"));
    assert_non_null(strstr(text.data, "than there is room for\n"));
    buf_free(&text);
}

static void test_table_vietnamese(void **state)
{
    (void)state;
    rules_reset();
    struct finding f = finding_make(0);
    struct output_options options = {.kind = OUTPUT_TABLE, .vietnamese = true, .colour = true};
    struct buf text = written(options, &f, 1);
    assert_non_null(strstr(text.data, "Lệnh đáng ngờ"));
    assert_non_null(strstr(text.data, "mức"));
    assert_non_null(strstr(text.data, "\033[1;31mcao\033[0m"));
    assert_non_null(strstr(text.data, "C:\\logs\\a.evtx:42\n")); /* nothing matched: where it is */
    buf_free(&text);
}

static size_t occurrences(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

static void test_html(void **state)
{
    (void)state;
    rules_reset();
    fields[0] = (struct finding_field){SLICE("<script>alert(1)</script>"), SLICE("\"a' & b\xff")};
    struct finding f[] = {finding_make(1), finding_make(1), {.rule = 1}};
    struct finding_place events[8];
    for (int i = 0; i < 8; i++)
        events[i] = (struct finding_place){SLICE("e.json"), (uint64_t)i + 1, TIME_NS, 0};
    f[2].events = events;
    f[2].event_count = 8;
    f[2].event_total = 8;
    f[2].place.time_ns = TIME_NS;
    struct output_options options = {.kind = OUTPUT_HTML, .now_ns = CLOCK_NONE};
    struct buf text = written(options, f, 3);
    assert_true(slice_starts(buf_as_slice(&text), SLICE("<!doctype html>")));
    assert_null(strstr(text.data, "<script"));
    assert_non_null(strstr(text.data, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(text.data, "&quot;a&#39; &amp; b\xef\xbf\xbd"));
    assert_non_null(strstr(text.data, "Quotes &quot; and &lt;b&gt;tags&lt;/b&gt;"));
    assert_non_null(strstr(text.data, "https://attack.mitre.org/techniques/T1059/001/"));
    assert_non_null(strstr(text.data, "href=\"https://example.org/a?b=1&amp;c=&quot;2&quot;\""));
    assert_int_equal(occurrences(text.data, "<section id=r"), 2);
    assert_int_equal(occurrences(text.data, "C:\\logs\\a.evtx:42"), 2);
    /* the graver rule stands first, and shows some of its events */
    assert_true(strstr(text.data, "<section id=r1>") < strstr(text.data, "<section id=r0>"));
    assert_non_null(strstr(text.data, "e.json:5<br>…"));
    assert_non_null(strstr(text.data, "Nguyễn Văn A, B"));
    buf_free(&text);

    options.vietnamese = true;
    text = written(options, f, 3);
    assert_non_null(strstr(text.data, "<html lang=vi>"));
    assert_non_null(strstr(text.data, "Kết quả phát hiện"));
    assert_non_null(strstr(text.data, "Lệnh đáng ngờ"));
    buf_free(&text);
}

static void test_html_without_findings(void **state)
{
    (void)state;
    rules_reset();
    struct buf text = written((struct output_options){.kind = OUTPUT_HTML}, NULL, 0);
    assert_true(slice_ends(buf_as_slice(&text), SLICE("</html>\n")));
    assert_int_equal(occurrences(text.data, "<section"), 0);
    buf_free(&text);
}

static void test_html_counts_all_and_shows_some(void **state)
{
    (void)state;
    rules_reset();
    enum { COUNT = OUTPUT_HTML_OF_RULE_MAX + 7 };
    static struct finding f[COUNT];
    for (int i = 0; i < COUNT; i++)
        f[i] = finding_make(0);
    struct buf text =
        written((struct output_options){.kind = OUTPUT_HTML, .now_ns = CLOCK_NONE}, f, COUNT);
    assert_int_equal(occurrences(text.data, "C:\\logs\\a.evtx:42"), OUTPUT_HTML_OF_RULE_MAX);
    assert_non_null(strstr(text.data, "<p>507 findings"));
    assert_non_null(strstr(text.data, "<p class=note>7 more were counted"));
    buf_free(&text);
}

static void test_options(void **state)
{
    (void)state;
    struct output_options options = {.vietnamese = true};
    struct err err;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(output_options_set(&options, "auto", fds[1], &err), ERR_OK);
    assert_int_equal(options.kind, OUTPUT_NDJSON);
    assert_int_equal(output_options_set(&options, NULL, fds[1], &err), ERR_OK);
    assert_int_equal(options.kind, OUTPUT_NDJSON);
    assert_int_equal(output_options_set(&options, "table", fds[1], &err), ERR_OK);
    assert_int_equal(options.kind, OUTPUT_TABLE);
    assert_int_equal(options.columns, 0);
    assert_false(options.colour);
    assert_true(options.vietnamese);
    assert_int_equal(output_options_set(&options, "html", fds[1], &err), ERR_OK);
    assert_int_equal(options.kind, OUTPUT_HTML);
    assert_int_equal(output_options_set(&options, "xml", fds[1], &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "xml"));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ndjson_event),
        cmocka_unit_test(test_ndjson_unknowns_are_null),
        cmocka_unit_test(test_ndjson_same_name),
        cmocka_unit_test(test_ndjson_correlation),
        cmocka_unit_test(test_matched_is_capped),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_table_fits),
        cmocka_unit_test(test_table_vietnamese),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_without_findings),
        cmocka_unit_test(test_html_counts_all_and_shows_some),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
