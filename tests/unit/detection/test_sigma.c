#include "sigma_case.h"

#define TEXT(field, value)                                                                         \
    {                                                                                              \
        field, value, VALUE_STRING                                                                 \
    }
#define HEAD   "title: t\nlogsource: {product: windows}\n"
#define BODY   "detection: {s: {A: 1}, condition: s}\n"
#define UUID_A "929a690e-bef0-4204-a928-ef5e620d6fcc"

static void assert_slice(struct slice s, const char *text)
{
    if (!slice_equal(s, slice_from(text)))
        fail_msg("'%.*s', not '%s'", (int)s.len, s.data, text);
}

static void document_refused(const char *text, const char *code, const char *part)
{
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, text), 1);
    assert_int_equal(c.rules.count, 0);
    assert_problem(&c, 0, code, part);
    case_free(&c);
}

static void every_field_of_a_rule_is_read(void **state)
{
    (void)state;
    struct sigma_case c = {.lint = true};
    assert_int_equal(
        case_read(&c, "# a comment\ntitle: T\nid: " UUID_A "\nname: n\ntitle_vi: \xc4\x90\n"
                      "status: test\ndescription: d\ndescription_vi: m\nauthor: A, B\n"
                      "date: 2026-01-02\nmodified: 2026-02-03\nlicense: MIT\n"
                      "references: [r1, r2]\ntags: [attack.t1059, cve.2026-1]\n"
                      "falsepositives: Unknown\nlevel: critical\ncustom: {any: thing}\n"
                      "logsource: {product: Windows, category: Process_Creation, service: s,\n"
                      "  definition: text}\n" BODY),
        0);
    assert_int_equal(c.problems.count, 0);
    const struct rule *r = c.rules.rules[0];
    assert_true(r->kind == RULE_DETECTION && r->level == LEVEL_CRITICAL);
    assert_int_equal(r->sigma_version, 2);
    assert_int_equal(r->line, 2);
    assert_slice(r->file, "rule.yml");
    assert_slice(r->id, UUID_A);
    assert_slice(r->name, "n");
    assert_slice(r->title, "T");
    assert_slice(r->title_vi, "\xc4\x90");
    assert_slice(r->status, "test");
    assert_slice(r->description, "d");
    assert_slice(r->description_vi, "m");
    assert_slice(r->author, "A, B");
    assert_slice(r->date, "2026-01-02");
    assert_slice(r->modified, "2026-02-03");
    assert_slice(r->license, "MIT");
    assert_int_equal(r->references.count, 2);
    assert_slice(r->references.items[1], "r2");
    assert_int_equal(r->tags.count, 2);
    assert_int_equal(r->falsepositives.count, 1);
    assert_slice(r->falsepositives.items[0], "Unknown");
    assert_slice(r->logsource.product, "windows");
    assert_slice(r->logsource.category, "process_creation");
    assert_slice(r->logsource.service, "s");
    assert_int_equal(r->predicate_count, 1);
    case_free(&c);
}

static void authors_in_a_list_are_joined(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, "author: [One, Two]\n" HEAD BODY), 0);
    assert_slice(c.rules.rules[0]->author, "One, Two");
    case_free(&c);
}

static void several_documents_stand_alone(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, HEAD BODY "---\ntitle: bad\n---\n" HEAD BODY), 1);
    assert_int_equal(c.rules.count, 2);
    assert_int_equal(c.problems.error_count, 1);
    assert_int_equal(c.problems.items[0].line, 5);
    assert_int_equal(c.rules.rules[1]->line, 7);
    case_free(&c);
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    document_refused("", "not-a-rule", "empty");
    document_refused("just text\n", "not-a-rule", "map");
    document_refused("title: x\n", "not-a-rule", "no detection, correlation or filter");
    document_refused("a: [\n", "bad-yaml", "");
    document_refused(HEAD BODY "filter: {}\n", "not-a-rule", "cannot stand in one document");
    document_refused("action: global\n" HEAD BODY, "old-action", "write each rule in full");
    document_refused(HEAD "detection: []\n", "bad-detection", "map");
    document_refused(HEAD "detection: {condition: s}\n", "no-selection", "no selection");
    document_refused(HEAD "detection: {s: {A: 1}}\n", "no-condition", "condition: s");
    document_refused(HEAD "detection: {s: {}, condition: s}\n", "empty-selection", "every event");
    document_refused(HEAD "detection: {s: [], condition: s}\n", "empty-selection", "empty");
    document_refused(HEAD "detection: {s: [null], condition: s}\n", "bad-null", "keyword");
    document_refused(HEAD "detection: {s: [''], condition: s}\n", "empty-keyword", "every event");
    document_refused(HEAD "detection: {s: [[a]], condition: s}\n", "bad-value", "list in a list");
    document_refused(HEAD "level: hihg\n" BODY, "unknown-level", "did you mean 'high'");
    document_refused(HEAD "id: [a]\n" BODY, "bad-field", "'id' must be one text");
    document_refused("logsource: windows\n" BODY, "bad-logsource", "map");
    document_refused(HEAD "sigma-version: 4\n" BODY, "unknown-version", "2 or 3");
}

static void warnings_do_not_refuse(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, HEAD "status: testing\n" BODY), 0);
    assert_problem(&c, 0, "unknown-status", "'testing'");
    assert_int_equal(case_read(&c, HEAD "detection: {s: {A: 1}, condition: s, timeframe: 5m}\n"),
                     0);
    assert_problem(&c, 1, "old-timeframe", "timespan");
    assert_int_equal(c.problems.error_count, 0);
    case_free(&c);
    c.lint = true;
    assert_int_equal(case_read(&c, "date: 2026/01/01\nid: x\n" BODY), 0);
    static const char *const codes[] = {"no-title",  "bad-id",  "bad-date",    "no-level",
                                        "no-status", "no-tags", "no-logsource"};
    assert_int_equal(c.problems.count, 7);
    for (uint32_t i = 0; i < 7; i++)
        assert_problem(&c, i, codes[i], "");
    case_free(&c);
}

static void maps_lists_and_keywords(void **state)
{
    (void)state;
    const char *maps = "    s:\n        - A: 1\n          B: 2\n        - C: 3\n    condition: s\n";
    assert_true(detects(maps, FACTS(TEXT("C", "3"))));
    assert_false(detects(maps, FACTS(TEXT("A", "1"))));
    assert_true(detects(maps, FACTS(TEXT("A", "1"), TEXT("B", "2"))));
    const char *mixed = "    s:\n        - word\n        - C: 3\n    condition: s\n";
    assert_true(detects(mixed, FACTS(TEXT("x", "a WORD b"))));
    assert_true(detects(mixed, FACTS(TEXT("C", "3"))));
    assert_false(detects(mixed, FACTS(TEXT("C", "4"))));
}

static void trap_11_keywords_are_in_any_value(void **state)
{
    (void)state;
    const char *any = "    k: [mimikatz, 4625, 'a*b']\n    condition: k\n";
    assert_true(detects(any, FACTS(TEXT("a.b.c", "run MimiKatz.exe"))));
    assert_true(detects(any, FACTS({"n", "14625", VALUE_NUMBER})));
    assert_true(detects(any, FACTS(TEXT("x", "zaXbz"))));
    assert_false(detects(any, FACTS(TEXT("mimikatz", "field name"))));
    assert_false(detects(any, FACTS({"x", "mimikatz", VALUE_OBJECT})));
    const char *all = "    k: {'|all': [one, two]}\n    condition: k\n";
    assert_true(detects(all, FACTS(TEXT("x", "one"), TEXT("y", "two"))));
    assert_false(detects(all, FACTS(TEXT("x", "one"))));
    const char *regex = "    k: {'|re|i': 'o[n]e$'}\n    condition: k\n";
    assert_true(detects(regex, FACTS(TEXT("x", "an ONE"))));
    const char *single = "    k: word\n    condition: k\n";
    assert_true(detects(single, FACTS(TEXT("x", "WORDS"))));
}

static void filters(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, HEAD "filter: {rules: [a, b], sel: {User|startswith: adm_}, "
                                        "condition: sel}\n"),
                     0);
    const struct rule *r = c.rules.rules[0];
    assert_true(r->kind == RULE_FILTER);
    assert_int_equal(r->filter_rules.count, 2);
    assert_slice(r->filter_rules.items[1], "b");
    assert_true(case_holds(&c.arena, r->condition, FACTS(TEXT("User", "ADM_x"))));
    assert_int_equal(case_read(&c, HEAD "filter: {rules: any, s: {A: 1}, condition: s}\n"), 0);
    assert_slice(c.rules.rules[1]->filter_rules.items[0], "any");
    case_free(&c);
    document_refused(HEAD "filter: {s: {A: 1}, condition: s}\n", "bad-filter", "'rules'");
    document_refused(HEAD "filter: {rules: [], s: {A: 1}, condition: s}\n", "bad-filter",
                     "'rules'");
}

#define CORRELATION(rest)                                                                          \
    "title: c\ncorrelation: {type: event_count, rules: [r], timespan: 5m, " rest "}\n"

static void correlations(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, "title: c\nlevel: high\ncorrelation:\n    type: value_count\n"
                                   "    rules: [r, s]\n    group-by: [User Name, ip]\n"
                                   "    timespan: 90m\n    generate: true\n    aliases:\n"
                                   "        ip: {r: SourceIp, s: Client Ip}\n    condition:\n"
                                   "        gt: 5\n        lte: 10.5\n        field: [A, B]\n"),
                     0);
    const struct correlation *k = c.rules.rules[0]->correlation;
    assert_true(c.rules.rules[0]->kind == RULE_CORRELATION);
    assert_true(k->kind == CORRELATE_VALUE_COUNT && k->generate);
    assert_int_equal(k->rules.count, 2);
    assert_slice(k->group_by.items[0], "UserName");
    assert_true(k->timespan_ns == 90ll * 60 * 1000000000);
    assert_int_equal(k->condition_count, 2);
    assert_true(k->conditions[0].op == COMPARE_GT && k->conditions[0].value > 4.9);
    assert_true(k->conditions[1].op == COMPARE_LTE && k->conditions[1].value > 10.4);
    assert_int_equal(k->fields.count, 2);
    assert_int_equal(k->alias_count, 1);
    assert_slice(k->aliases[0].name, "ip");
    assert_slice(k->aliases[0].rules.items[1], "s");
    assert_slice(k->aliases[0].fields.items[1], "ClientIp");
    assert_true(k->percentile < 0);
    assert_int_equal(case_read(&c, "generate: true\n" CORRELATION("condition: {eq: 3}")), 0);
    assert_true(c.rules.rules[1]->correlation->generate);
    assert_int_equal(case_read(&c, CORRELATION("condition: {neq: 3}")), 0);
    assert_false(c.rules.rules[2]->correlation->generate);
    assert_int_equal(case_read(&c, "correlation: {type: value_percentile, rules: r, timespan: 7d, "
                                   "condition: {field: F, percentile: 95, gt: 5}}\n"),
                     0);
    assert_true(c.rules.rules[3]->correlation->percentile > 94.9);
    assert_int_equal(case_read(&c, "correlation: {type: temporal_ordered, rules: [a, b, a], "
                                   "timespan: 1h}\n"),
                     0);
    assert_int_equal(c.rules.rules[4]->correlation->condition_count, 0);
    assert_int_equal(c.problems.count, 0);
    case_free(&c);
}

static void every_correlation_type_has_its_name(void **state)
{
    (void)state;
    for (int kind = 0; correlation_kind_names[kind]; kind++) {
        struct sigma_case c = {0};
        struct buf text = {0};
        bool field = kind >= CORRELATE_VALUE_COUNT && kind <= CORRELATE_VALUE_PERCENTILE;
        buf_printf(&text,
                   "correlation: {type: %s, rules: [a, b], timespan: 1s, condition: {%sgt: 1}}",
                   correlation_kind_names[kind], field ? "field: F, " : "");
        assert_int_equal(case_read(&c, buf_text(&text)), 0);
        assert_int_equal(c.rules.rules[0]->correlation->kind, kind);
        buf_free(&text);
        case_free(&c);
    }
}

static void wrong_correlations_are_refused(void **state)
{
    (void)state;
    document_refused("correlation: []\n", "bad-correlation", "map");
    document_refused("correlation: {type: event_cont, rules: [r], timespan: 5m}\n",
                     "unknown-correlation", "did you mean 'event_count'");
    document_refused(CORRELATION("condition: {gt: 1}, timeframe: 5m"), "unknown-key", "timespan");
    document_refused(CORRELATION("condition: {gt: 1}, groupby: [a]"), "unknown-key", "group-by");
    document_refused(CORRELATION("condition: {gtt: 1}"), "unknown-key", "'gtt'");
    document_refused(CORRELATION("condition: {gt: many}"), "needs-number", "'gt'");
    document_refused(CORRELATION("condition: {}"), "bad-correlation", "needs a condition");
    document_refused(CORRELATION("condition: {gt: 1, field: A}"), "bad-correlation", "value_count");
    document_refused(CORRELATION("condition: {gt: 1, percentile: 5}"), "bad-correlation",
                     "value_percentile");
    document_refused(CORRELATION("condition: r"), "extended-condition", "sigma-version: 3");
    document_refused(CORRELATION("condition: {gt: 1}, aliases: {x: {q: F}}"), "bad-alias", "'q'");
    document_refused(
        "correlation: {type: value_sum, rules: [r], timespan: 5m, condition: {gt: 1}}\n",
        "bad-correlation", "needs 'field'");
    document_refused("correlation: {type: event_count, timespan: 5m, condition: {gt: 1}}\n",
                     "bad-correlation", "'rules'");
    document_refused("correlation: {type: temporal, rules: [a, a], timespan: 5m}\n",
                     "bad-correlation", "named twice");
    static const char *const spans[] = {
        "5", "m", "5M", "5w", "0s", "-5m", "1h30m", "5 m", "99999999999999999999s", "4000d", "''"};
    for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++) {
        struct buf text = {0};
        buf_printf(&text, "correlation: {type: temporal, rules: [a, b], timespan: %s}\n", spans[i]);
        document_refused(buf_text(&text), "bad-timespan", "s, m, h, d");
        buf_free(&text);
    }
}

static void extended_conditions_of_version_3(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c,
                               "sigma-version: 3\ncorrelation: {type: temporal, rules: [a, b, c],"
                               " timespan: 1h, condition: (a or b) and not c}\n"),
                     0);
    const struct expr *e = c.rules.rules[0]->correlation->extended;
    assert_non_null(e);
    assert_true(e->kind == EXPR_AND && e->child_count == 2);
    assert_slice(e->children[0]->children[1]->predicate->field, "b");
    assert_true(e->children[1]->kind == EXPR_NOT);
    case_free(&c);
    document_refused("sigma-version: 3\ncorrelation: {type: temporal, rules: [a], timespan: 1h, "
                     "condition: b}\n",
                     "unknown-selection", "'b'");
}

static void check_set(struct sigma_case *c)
{
    sigma_check_set(&c->rules, &c->problems, NULL, &c->arena);
}

#define LINK(name, to)                                                                             \
    "---\nname: " name "\ncorrelation: {type: temporal, rules: [" to "], timespan: 1h}\n"

static void sets_refuse_doubled_ids(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    (void)case_read(&c, "id: x\nname: n\n" BODY "---\nid: x\n" BODY "---\nid: y\nname: n\n" BODY);
    check_set(&c);
    assert_int_equal(c.rules.count, 2);
    assert_problem(&c, 0, "duplicate-id", "taken by rule.yml line 1");
    assert_int_equal(c.problems.items[0].line, 5);
    assert_problem(&c, 1, "duplicate-name", "n");
    assert_int_equal(c.problems.error_count, 1);
    case_free(&c);
}

static void sets_refuse_dangling_references(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    (void)case_read(&c, "id: x\n" BODY LINK("good", "x") LINK("bad", "none")
                            LINK("worse", "good, bad") LINK("top", "good, x"));
    check_set(&c);
    assert_int_equal(c.rules.count, 3);
    assert_slice(c.rules.rules[2]->name, "top");
    assert_problem(&c, 0, "unknown-rule", "'none'");
    assert_problem(&c, 1, "unknown-rule", "'bad'");
    case_free(&c);
    (void)case_read(&c,
                    "name: f\nfilter: {rules: [gone], s: {A: 1}, condition: s}\n" LINK("k", "f"));
    check_set(&c);
    assert_int_equal(c.rules.count, 1);
    assert_problem(&c, 0, "unknown-rule", "is a filter");
    assert_problem(&c, 1, "unknown-rule", "'gone'");
    assert_true(c.problems.items[1].level == PROBLEM_WARNING);
    case_free(&c);
}

/* Local tuning beside packs: an update may have taken away what it names. */
static void filters_outlive_the_rules_that_they_name(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    (void)case_read(&c, "id: kept\n" BODY "---\ntitle: night shift\nlogsource: {product: p}\n"
                        "filter: {rules: [gone, kept], s: {A: 1}, condition: s}\n"
                        "---\ntitle: turned round\nlogsource: {product: p}\n"
                        "filter: {rules: [kept], s: {A: 1}, condition: not s}\n");
    check_set(&c);
    assert_int_equal(c.rules.count, 3);
    assert_int_equal(c.problems.count, 2);
    assert_int_equal(c.problems.error_count, 0);
    assert_problem(&c, 0, "unknown-rule", "'night shift' names the rule 'gone'");
    assert_problem(&c, 1, "negated-filter", "'turned round'");
    case_free(&c);
}

static void sets_refuse_circles_and_long_chains(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    (void)case_read(&c, "name: r\n" BODY LINK("a", "b") LINK("b", "c") LINK("c", "a")
                            LINK("self", "self") LINK("fine", "r"));
    check_set(&c);
    assert_int_equal(c.rules.count, 2);
    assert_int_equal(c.problems.error_count, 4);
    assert_problem(&c, 0, "correlation-circle", "refers to itself");
    case_free(&c);
    for (int backwards = 0; backwards < 2; backwards++) {
        struct buf text = {0};
        buf_string(&text, "name: n0\n" BODY);
        for (int i = 1; i <= RULE_CHAIN_MAX + 1; i++) {
            int n = backwards ? RULE_CHAIN_MAX + 2 - i : i;
            buf_printf(&text, LINK("n%d", "n%d"), n, n - 1);
        }
        assert_int_equal(case_read(&c, buf_text(&text)), 0);
        check_set(&c);
        assert_int_equal(c.rules.count, RULE_CHAIN_MAX + 1);
        assert_int_equal(c.problems.error_count, 1);
        buf_free(&text);
        case_free(&c);
    }
}

static void whole_set_of_good_rules_stays(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    (void)case_read(&c, "id: " UUID_A "\nname: base\n" BODY LINK("one", UUID_A)
                            LINK("two", "one, base"));
    check_set(&c);
    assert_int_equal(c.rules.count, 3);
    assert_int_equal(c.problems.count, 0);
    case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_rule_is_read),
        cmocka_unit_test(authors_in_a_list_are_joined),
        cmocka_unit_test(several_documents_stand_alone),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(warnings_do_not_refuse),
        cmocka_unit_test(maps_lists_and_keywords),
        cmocka_unit_test(trap_11_keywords_are_in_any_value),
        cmocka_unit_test(filters),
        cmocka_unit_test(correlations),
        cmocka_unit_test(every_correlation_type_has_its_name),
        cmocka_unit_test(wrong_correlations_are_refused),
        cmocka_unit_test(extended_conditions_of_version_3),
        cmocka_unit_test(sets_refuse_doubled_ids),
        cmocka_unit_test(sets_refuse_dangling_references),
        cmocka_unit_test(filters_outlive_the_rules_that_they_name),
        cmocka_unit_test(sets_refuse_circles_and_long_chains),
        cmocka_unit_test(whole_set_of_good_rules_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
