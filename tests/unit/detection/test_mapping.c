/* Mappings: the form and its refusals, selection, log sources, derived fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "unit/detection/mapping_bench.h"

/* Asserts `product/category,category/service`, with a `!` at the end when the categories are known.
 */
static void assert_source(struct bench *b, const char *json, const char *expected)
{
    struct event_source source;
    struct buf text = {0};
    (void)bench_read(b, json);
    mapping_source(b->set, &b->event, &source);
    buf_slice(&text, source.product);
    buf_char(&text, '/');
    for (uint32_t i = 0; i < source.category_count; i++) {
        if (i)
            buf_char(&text, ',');
        buf_slice(&text, source.categories[i]);
    }
    buf_char(&text, '/');
    buf_slice(&text, source.service);
    if (source.categories_known)
        buf_char(&text, '!');
    assert_string_equal(buf_text(&text), expected);
    buf_free(&text);
}

static void assert_derived(struct bench *b, const char *name, const char *expected)
{
    struct field *found = NULL;
    for (uint32_t i = 0; i < b->record.count; i++)
        if (slice_equal(b->record.fields[i].name, slice_from(name)) &&
            b->record.fields[i].flags & FIELD_DERIVED)
            found = &b->record.fields[i];
    if (!expected) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_text(record_text(&b->record, found), expected);
}

/* ---- the form ---- */

static const char head[] = "id: t\ntitle: T\nversion: 1\n";

static void refuse(const char *yaml, unsigned line, const char *part)
{
    struct err err = {0};
    struct mapping_set *set = mapping_set_open();
    struct buf text = {0};
    buf_string(&text, head);
    buf_string(&text, yaml);
    assert_int_equal(mapping_set_add(set, SLICE("t.yaml"), buf_as_slice(&text), &err), ERR_SYNTAX);
    assert_int_equal(err.line, line);
    if (!strstr(err.text, part))
        print_error("'%s' lacks '%s'\n", err.text, part);
    assert_non_null(strstr(err.text, part));
    assert_int_equal(mapping_set_count(set), 0);
    buf_free(&text);
    mapping_set_close(&set);
}

static void mistakes_are_named_with_their_line(void **state)
{
    (void)state;
    refuse("when: {a: b}\nlogsorce: {product: x}\n", 5, "did you mean 'logsource'");
    refuse("when: {a: b}\nlogsource: {produkt: x}\n", 5, "did you mean 'product'");
    refuse("title2: x\n", 4, "did you mean 'title'");
    refuse("logsource: {product: x}\n", 1, "`when` is missing");
    refuse("when: {}\n", 4, "map of field names");
    refuse("when: {a: []}\n", 4, "at least one value");
    refuse("when: {a: b}\nlookup:\n  - {fields: [a], gives: product, rows: []}\n", 6, "service or");
    refuse("when: {a: b}\nlookup:\n  - {fields: [a], gives: service, rows: [[x]]}\n", 6,
           "one cell a field");
    refuse("when: {a: b}\nderive:\n  - {from: a, regex: '(?<x>.)'}\n", 6, "needs `starts`");
    refuse("when: {a: b}\nderive:\n  - {from: a, starts: x, regex: '(.)'}\n", 6, "named group");
    refuse("when: {a: b}\nderive:\n  - {from: a, starts: x, regex: '(?<x>'}\n", 6, "");
    refuse("when: {a: b}\nderive:\n  - {from: a, starts: x, join: y, columns: [z]}\n", 6, "one of");
    refuse("when: {a: b}\nderive:\n  - {set: {x: y}}\n", 6, "needs a condition");
    refuse("when: {a: b}\nprefixes: [b., c., d., e., f., g., h., i.]\ncomplete: [a, b, c, d]\n", 1,
           "too many names");
    refuse("when: {a: b}\nzone: Asia/Hanoi\n", 5, "utc");
    refuse("when: {a: b}\nfound: {title: [a]}\n", 5, "say which by `finding`");
    refuse("when: {a: b}\nfinding: true\nfound:\n  titel: [a]\n", 7, "did you mean 'title'");
    refuse("when: {a: b}\nfinding: true\nfound:\n  level: severe\n", 7, "informational, low");
    refuse("when: {a: b}\nfinding: true\nfound:\n  level: {fields: [a], default: low}\n", 7,
           "`fields` and `rows`");
    refuse("when: {a: b}\nfinding: true\nfound:\n  level: {fields: [a], rows: [[1, low]]}\n", 7,
           "needs a `default`");
    refuse("when: {a: b}\nfinding: true\nfound:\n  level:\n    fields: [a]\n"
           "    rows:\n      - [1]\n",
           10, "a value, or a list");
}

static void one_id_has_one_mapping(void **state)
{
    (void)state;
    struct err err = {0};
    struct bench b;
    memset(&b, 0, sizeof b);
    b.set = mapping_set_open();
    struct slice text = SLICE("id: t\ntitle: T\nversion: 1\nwhen: {a: '*'}\n");
    assert_int_equal(mapping_set_add(b.set, SLICE("a.yaml"), text, &err), ERR_OK);
    assert_int_equal(mapping_set_add(b.set, SLICE("b.yaml"), text, &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "a.yaml"));
    assert_int_equal(mapping_set_count(b.set), 1);
    assert_null(mapping_set_get(b.set, 0));
    assert_null(mapping_set_get(b.set, 2));
    assert_text(mapping_set_get(b.set, 1)->id, "t");
    bench_bind(&b);
    bench_close(&b);
}

/* ---- selection ---- */

static void add(struct mapping_set *set, const char *yaml)
{
    struct err err = {0};
    int rc = mapping_set_add(set, SLICE("t.yaml"), slice_from(yaml), &err);
    if (rc)
        print_error("%u: %s\n", (unsigned)err.line, err.text);
    assert_int_equal(rc, ERR_OK);
}

static void the_highest_priority_that_holds_is_selected(void **state)
{
    (void)state;
    struct bench b;
    memset(&b, 0, sizeof b);
    b.set = mapping_set_open();
    add(b.set, "id: low\ntitle: T\nversion: 1\npriority: 1\nwhen: {a: '*'}\n");
    add(b.set, "id: high\ntitle: T\nversion: 1\npriority: 9\nwhen: {a: 'x*', b: '*'}\n");
    add(b.set, "id: mid\ntitle: T\nversion: 1\npriority: 5\n"
               "when:\n  - {c: ['*end', '*mid*', 'be*een', exact]}\n  - {d: 5}\n");
    bench_bind(&b);
    assert_selected(&b, "{\"a\":\"y\",\"b\":1}", "low");
    assert_selected(&b, "{\"a\":\"xy\"}", "low");
    assert_selected(&b, "{\"a\":\"xy\",\"b\":null,\"c\":\"exact\"}", "high");
    assert_selected(&b, "{\"a\":\"y\",\"c\":\"the end\"}", "mid");
    assert_selected(&b, "{\"c\":\"a mid b\"}", "mid");
    assert_selected(&b, "{\"c\":\"between\"}", "mid");
    assert_selected(&b, "{\"c\":\"exactly\"}", "-");
    assert_selected(&b, "{\"c\":\"EXACT\"}", "-");
    assert_selected(&b, "{\"c\":[\"no\",\"exact\"]}", "mid");
    assert_selected(&b, "{\"c\":\"ex\\u0061ct\"}", "mid");
    assert_selected(&b, "{\"d\":5}", "mid");
    assert_selected(&b, "{\"e\":5}", "-");
    bench_close(&b);
}

/* ---- log source ---- */

static const char source_yaml[] =
    "id: t\ntitle: T\nversion: 1\nwhen: {kind: '*'}\n"
    "logsource: {product: Thing}\ncomplete: [service, number]\n"
    "alias: {number: [n2]}\nprefixes: [data.]\n"
    "lookup:\n"
    "  - {fields: [kind], gives: service, rows: [[[A, B], First], [c, second]]}\n"
    "  - {fields: [other], gives: service, rows: [['*', third]]}\n"
    "  - {fields: [service, number], gives: category,\n"
    "     rows: [[first, 1, one], [first, 1, uno], [second, [2, 3], two]]}\n"
    "  - {fields: [service, number, '*extra'], gives: category, rows: [[first, 1, '*', more]]}\n";

static void look_ups_merge(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, source_yaml);
    assert_source(&b, "{\"kind\":\"a\",\"number\":1}", "thing/uno,one/first!");
    assert_source(&b, "{\"kind\":\"B\",\"number\":\"2\"}", "thing//first!");
    assert_source(&b, "{\"kind\":\"C\",\"number\":3}", "thing/two/second!");
    assert_source(&b, "{\"kind\":\"C\",\"n2\":3}", "thing/two/second!");
    assert_source(&b, "{\"kind\":\"d\",\"number\":1,\"data\":{\"other\":3}}", "thing//third!");
    assert_source(&b, "{\"kind\":\"C\",\"data\":{\"number\":3}}", "thing//second");
    assert_source(&b, "{\"kind\":\"C\",\"number\":[9,3]}", "thing/two/second!");
    assert_source(&b, "{\"kind\":\"C\"}", "thing//second");
    assert_source(&b, "{\"kind\":\"d\",\"number\":1}", "thing//");
    assert_source(&b, "{\"kind\":\"d\",\"number\":1,\"other\":\"\"}", "thing//third!");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"*extra\":0}", "thing/uno,one,more/first!");
    bench_close(&b);
}

static void own_fields_go_first(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, source_yaml);
    assert_source(&b, "{\"product\":\"Windows\",\"category\":\"process_creation\"}",
                  "windows/process_creation/!");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"service\":\"second\"}", "thing//second!");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"category\":\"c\"}", "thing/c/first!");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"product\":\"cisco\"}", "cisco//");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"category\":\"Web Server\"}",
                  "thing/uno,one/first!");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"Product\":\"Notepad\"}",
                  "thing/uno,one/first!");
    assert_source(&b, "{\"kind\":\"a\",\"number\":1,\"service\":{\"name\":\"x\"}}",
                  "thing/uno,one/first!");
    bench_close(&b);
    bench_open(&b, "id: t\ntitle: T\nversion: 1\nwhen: {kind: '*'}\nlogsource: {product: x}\n"
                   "data: [service]\n");
    assert_source(&b, "{\"kind\":\"a\",\"service\":\"http\",\"category\":\"c\"}", "x/c/!");
    bench_close(&b);
}

static void source_names_are_all_that_the_source_depends_on(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, source_yaml);
    static const char *const expected[] = {"product",   "category", "service",    "kind",
                                           "data.kind", "other",    "data.other", "number",
                                           "n2",        "*extra",   "data.*extra"};
    enum { EXPECTED = sizeof expected / sizeof *expected };
    uint16_t names[32];
    uint32_t count = mapping_source_names(b.set, mapping_set_get(b.set, 1), names, 32);
    assert_int_equal(count, EXPECTED);
    for (uint32_t i = 0; i < count; i++)
        assert_text(name_text(b.names, names[i]), expected[i]);
    assert_int_equal(mapping_source_names(b.set, NULL, names, 32), 3);
    assert_int_equal(mapping_source_names(b.set, mapping_set_get(b.set, 1), names, 5), 5);
    bench_close(&b);
}

/* ---- derived fields, findings, time, host ---- */

static const char derive_yaml[] =
    "id: t\ntitle: T\nversion: 1\nwhen: {m: '*'}\nfinding: {level: [high, critical]}\n"
    "time: [day+hour, stamp]\nhost: [box]\n"
    "derive:\n"
    "  - {from: m, starts: 'Failed ', regex: '^Failed (?<method>\\w+) for (?<user>.*) "
    "from (?<src_ip>\\S+)(?: port (?<src_port>\\d+))?$', set: {action: login}}\n"
    "  - {from: [none, m], contains: 'csv:', after: 'csv:', columns: [first, _, third, fourth, "
    "five]}\n"
    "  - {from: m, contains: kv, keyvalue: true}\n"
    "  - {when: {type: exec}, from: a, join: CommandLine, separator: ' '}\n"
    "  - {when: {user: root}, set: {who: administrator}}\n";

static void fields_are_drawn_out_of_texts(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, derive_yaml);
    (void)bench_read(&b, "{\"m\":\"Failed password for root from 10.0.0.1 port 22\"}");
    assert_derived(&b, "method", "password");
    assert_derived(&b, "user", "root");
    assert_derived(&b, "src_ip", "10.0.0.1");
    assert_derived(&b, "src_port", "22");
    assert_derived(&b, "action", "login");
    assert_derived(&b, "who", "administrator");
    (void)bench_read(&b, "{\"m\":\"Failed x for a from b\"}");
    assert_derived(&b, "src_port", NULL);
    assert_derived(&b, "who", NULL);
    (void)bench_read(&b, "{\"m\":\"Failed otherwise\"}");
    assert_derived(&b, "action", NULL);
    (void)bench_read(&b, "{\"m\":\"x csv:one,two,\\\"th\\\"\\\"r,ee\\\",,5,6\"}");
    assert_derived(&b, "first", "one");
    assert_derived(&b, "_", NULL);
    assert_derived(&b, "third", "th\"r,ee");
    assert_derived(&b, "fourth", NULL);
    assert_derived(&b, "five", "5");
    (void)bench_read(&b, "{\"m\":\"kv a=1 b=\\\"two words\\\"\"}");
    assert_derived(&b, "a", "1");
    assert_derived(&b, "b", "two words");
    (void)bench_read(&b, "{\"m\":\"\",\"type\":\"exec\",\"a0\":\"x\",\"a1\":\"y\",\"a2\":\"z\","
                         "\"q\":0}");
    assert_derived(&b, "CommandLine", "x y z");
    bench_close(&b);
}

static void a_later_list_of_arguments_replaces_an_earlier_one(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, derive_yaml);
    (void)bench_read(&b, "{\"m\":\"\",\"type\":\"exec\",\"a0\":\"7f\",\"a1\":\"8f\",\"a2\":\"9f\","
                         "\"a3\":\"1\",\"a0\":\"id\",\"a1\":\"-u\",\"a5\":\"gap\"}");
    assert_derived(&b, "CommandLine", "id -u");
    bench_close(&b);
}

static void findings_times_and_hosts(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, derive_yaml);
    assert_true(mapping_set_get(b.set, 1)->is_finding);
    (void)bench_read(&b, "{\"m\":\"\",\"level\":\"high\",\"box\":\"h1\",\"Computer\":\"h2\"}");
    assert_true(mapping_finding(&b.event));
    assert_text(mapping_host(b.set, &b.event), "h1");
    assert_true(mapping_time(b.set, &b.event, NULL, 0) == CLOCK_NONE);
    (void)bench_read(&b, "{\"m\":\"\",\"level\":\"low\",\"Computer\":\"h2\","
                         "\"day\":\"2026-11-22\",\"hour\":\"10:36:00\",\"stamp\":\"2020-01-01\"}");
    assert_false(mapping_finding(&b.event));
    assert_text(mapping_host(b.set, &b.event), "h2");
    char text[CLOCK_TEXT_BYTES];
    clock_text(text, mapping_time(b.set, &b.event, NULL, 0));
    assert_string_equal(text, "2026-11-22T10:36:00Z");
    (void)bench_read(&b, "{\"m\":\"\",\"@timestamp\":\"2026-11-22T10:36:00Z\"}");
    clock_text(text, mapping_time(b.set, &b.event, NULL, 0));
    assert_string_equal(text, "2026-11-22T10:36:00Z");
    assert_null(bench_read(&b, "{\"x\":1}"));
    assert_false(mapping_finding(&b.event));
    bench_close(&b);
}

static void assert_found(struct bench *b, const char *json, const char *expected)
{
    struct mapping_found found;
    struct buf text = {0};
    (void)bench_read(b, json);
    if (mapping_found(&b->event, &found))
        buf_printf(&text, "%.*s|%.*s|%.*s|%s", (int)found.detector.len, found.detector.data,
                   (int)found.title.len, found.title.data, (int)found.id.len, found.id.data,
                   rule_level_names[found.level]);
    else
        assert_int_equal(found.title.len, 0);
    assert_string_equal(buf_text(&text), expected);
    buf_free(&text);
}

static void what_another_detector_found(void **state)
{
    (void)state;
    struct bench b;
    bench_open(&b, "id: t\ntitle: Thing\nversion: 1\nwhen: {m: '*'}\nfinding: {kind: alert}\n"
                   "alias: {name: [x.name]}\n"
                   "derive:\n  - {from: m, starts: 'sig ', regex: '^sig (?<number>\\d+)'}\n"
                   "found:\n  detector: Snorter\n  title: [name, m]\n  id: [number]\n"
                   "  level:\n    fields: [sev, grade]\n"
                   "    rows:\n      - [1, critical]\n      - [[2, 'warn*'], high]\n"
                   "    default: medium\n");
    assert_found(&b, "{\"m\":\"x\",\"kind\":\"flow\",\"sev\":1}", "");
    assert_found(&b, "{\"m\":\"sig 7\",\"kind\":\"alert\",\"sev\":1,\"x\":{\"name\":\"Bad\"}}",
                 "Snorter|Bad|7|critical");
    assert_found(&b, "{\"m\":\"y\",\"kind\":\"alert\",\"name\":\" \",\"sev\":\"2\"}",
                 "Snorter|y||high");
    assert_found(&b, "{\"m\":\"y\",\"kind\":\"alert\",\"sev\":9,\"grade\":\"warning\"}",
                 "Snorter|y||high");
    assert_found(&b, "{\"m\":{\"a\":1},\"kind\":\"alert\"}", "Snorter|Snorter||medium");
    assert_found(&b, "{\"x\":1,\"kind\":\"alert\"}", "");
    bench_close(&b);
    bench_open(&b, "id: t\ntitle: Thing\nversion: 1\nwhen: {m: '*'}\nfinding: true\n");
    assert_found(&b, "{\"m\":\"x\"}", "Thing|Thing||");
    bench_close(&b);
    bench_open(&b, "id: t\ntitle: Thing\nversion: 1\nwhen: {m: '*'}\nfinding: true\n"
                   "found: {level: low}\n");
    assert_found(&b, "{\"m\":\"x\"}", "Thing|Thing||low");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named_with_their_line),
        cmocka_unit_test(one_id_has_one_mapping),
        cmocka_unit_test(the_highest_priority_that_holds_is_selected),
        cmocka_unit_test(look_ups_merge),
        cmocka_unit_test(own_fields_go_first),
        cmocka_unit_test(source_names_are_all_that_the_source_depends_on),
        cmocka_unit_test(fields_are_drawn_out_of_texts),
        cmocka_unit_test(a_later_list_of_arguments_replaces_an_earlier_one),
        cmocka_unit_test(findings_times_and_hosts),
        cmocka_unit_test(what_another_detector_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
