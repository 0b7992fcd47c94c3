#include "sigma_case.h"

#define TEXT(field, value)                                                                         \
    {                                                                                              \
        field, value, VALUE_STRING                                                                 \
    }
#define EM_DASH "\xe2\x80\x94"

/* The one predicate of an item. */
static struct predicate predicate_of(struct sigma_case *c, const char *item)
{
    struct buf text = {0};
    buf_printf(&text, "    s:\n        %s\n    condition: s\n", item);
    if (case_detection(c, buf_text(&text)))
        fail_msg("refused: %s", item);
    buf_free(&text);
    const struct expr *e = c->rules.rules[c->rules.count - 1]->condition;
    assert_true(e->kind == EXPR_PREDICATE);
    return *e->predicate;
}

static void assert_kind(const char *item, enum predicate_kind kind, const char *text)
{
    struct sigma_case c = {0};
    struct predicate p = predicate_of(&c, item);
    if (p.kind != kind)
        fail_msg("%s: kind %d, not %d", item, (int)p.kind, (int)kind);
    if (!slice_equal(p.text, slice_from(text)))
        fail_msg("%s: text '%.*s'", item, (int)p.text.len, p.text.data);
    case_free(&c);
}

static uint32_t atoms(const char *item)
{
    struct sigma_case c = {0};
    struct buf text = {0};
    buf_printf(&text, "    s:\n        %s\n    condition: s\n", item);
    assert_int_equal(case_detection(&c, buf_text(&text)), 0);
    uint32_t count = c.rules.rules[0]->predicate_count;
    buf_free(&text);
    case_free(&c);
    return count;
}

static void values_are_classified_after_wrapping(void **state)
{
    (void)state;
    assert_kind("f: Abc", PREDICATE_EQUALS, "abc");
    assert_kind("f: '*Abc'", PREDICATE_ENDSWITH, "abc");
    assert_kind("f: 'Abc*'", PREDICATE_STARTSWITH, "abc");
    assert_kind("f: '*Abc*'", PREDICATE_CONTAINS, "abc");
    assert_kind("f|contains: Abc", PREDICATE_CONTAINS, "abc");
    assert_kind("f|startswith: Abc", PREDICATE_STARTSWITH, "abc");
    assert_kind("f|endswith: Abc", PREDICATE_ENDSWITH, "abc");
    assert_kind("f|startswith: '*Abc'", PREDICATE_CONTAINS, "abc");
    assert_kind("f|endswith: '*Abc'", PREDICATE_ENDSWITH, "abc");
    assert_kind("f: 'a*b'", PREDICATE_PATTERN, "");
    assert_kind("f: '*'", PREDICATE_PATTERN, "");
    assert_kind("f: ''", PREDICATE_EQUALS, "");
    assert_kind("f|contains: ''", PREDICATE_PATTERN, "");
    assert_kind("f: 4688", PREDICATE_NUMBER, "4688");
    assert_kind("f: +04688", PREDICATE_NUMBER, "4688");
    assert_kind("f: -0", PREDICATE_NUMBER, "0");
    assert_kind("f: 2.50", PREDICATE_NUMBER, "2.5");
    assert_kind("f: 7.0", PREDICATE_NUMBER, "7");
    assert_kind("f: '4688'", PREDICATE_EQUALS, "4688");
    assert_kind("f: 0x1F", PREDICATE_EQUALS, "0x1f");
    assert_kind("f: True", PREDICATE_EQUALS, "true");
    assert_kind("f: null", PREDICATE_NULL, "");
    assert_kind("f: ~", PREDICATE_NULL, "");
    assert_kind("f|contains: 46", PREDICATE_CONTAINS, "46");
    assert_kind("f|cased: Abc", PREDICATE_EQUALS, "Abc");
    assert_kind("f|contains|cased: Abc", PREDICATE_CONTAINS, "Abc");
}

static void trap_01_trailing_backslash_is_no_escape(void **state)
{
    (void)state;
    assert_kind("f|contains: 'C:\\Temp\\'", PREDICATE_CONTAINS, "c:\\temp\\");
    assert_kind("f|startswith: '\\\\'", PREDICATE_STARTSWITH, "\\");
    assert_true(item_detects("f|contains: '\\Temp\\'", FACTS(TEXT("f", "C:\\TEMP\\x.exe"))));
    assert_false(item_detects("f|contains: '\\Temp\\'", FACTS(TEXT("f", "C:\\TEMP*"))));
}

static void trap_02_escapes_in_values(void **state)
{
    (void)state;
    assert_kind("f: 'a\\*b'", PREDICATE_EQUALS, "a*b");
    assert_kind("f: 'a\\\\*'", PREDICATE_STARTSWITH, "a\\");
    assert_kind("f: 'a\\\\\\*'", PREDICATE_EQUALS, "a\\*");
    assert_kind("f: '\\\\\\\\server\\share'", PREDICATE_EQUALS, "\\\\server\\share");
    assert_kind("f: \"a\\\\b\"", PREDICATE_EQUALS, "a\\b");
}

static void trap_03_modifiers_with_inner_wildcards(void **state)
{
    (void)state;
    assert_true(item_detects("f|contains: 'a*b'", FACTS(TEXT("f", "xxAyyByy"))));
    assert_true(item_detects("f|endswith: '1?'", FACTS(TEXT("f", "2110"))));
    assert_false(item_detects("f|endswith: '1?'", FACTS(TEXT("f", "1000"))));
    assert_true(item_detects("f|startswith: 'a?c'", FACTS(TEXT("f", "abcd"))));
    assert_false(item_detects("f|startswith: 'a?c'", FACTS(TEXT("f", "xabc"))));
    assert_true(
        detects("    k: ['one*two']\n    condition: k\n", FACTS(TEXT("f", "x one and two y"))));
}

static void trap_04_wildcards_cross_newlines(void **state)
{
    (void)state;
    assert_true(item_detects("f|contains: 'a*b'", FACTS(TEXT("f", "xa\r\n\r\nbx"))));
    assert_true(item_detects("f: 'a?b'", FACTS(TEXT("f", "a\nb"))));
}

static void trap_08_blanks_in_field_names_are_dropped(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    struct predicate p = predicate_of(&c, "'Threat Name|contains': x");
    assert_true(slice_equal(p.field, SLICE("ThreatName")));
    p = predicate_of(&c, "A|fieldref: 'Source Name'");
    assert_true(slice_equal(p.other, SLICE("SourceName")));
    case_free(&c);
}

static void trap_09_dotted_names_stay_whole(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    struct predicate p = predicate_of(&c, "userIdentity.type: Root");
    assert_true(slice_equal(p.field, SLICE("userIdentity.type")));
    case_free(&c);
    item_refuses("userIdentity: {type: Root}", "bad-value", "write nested fields with dots");
}

static void trap_12_windash_varies_the_dashes_of_flags(void **state)
{
    (void)state;
    assert_int_equal(atoms("f|windash|contains: ' -enc'"), 5);
    assert_int_equal(atoms("f|contains|windash: '-a -b'"), 25);
    assert_int_equal(atoms("f|windash: '-a -b /c -d -e'"), 625);
    assert_int_equal(atoms("f|windash: 'a-b c/d -'"), 1);
    assert_int_equal(atoms("f|windash|contains: '*-a'"), 5);
    const char *item = "f|windash|contains: ' -a /b'";
    assert_true(item_detects(item, FACTS(TEXT("f", "x -A /B"))));
    assert_true(item_detects(item, FACTS(TEXT("f", "x /a -b"))));
    assert_true(item_detects(item, FACTS(TEXT("f", "x " EM_DASH "a \xe2\x80\x95"
                                                   "b"))));
    assert_true(item_detects(item, FACTS(TEXT("f", "x \xe2\x80\x93"
                                                   "a -b"))));
    assert_false(item_detects(item, FACTS(TEXT("f", "x +a -b"))));
    item = "f|windash|contains|all: [' -a', ' -b']";
    assert_true(item_detects(item, FACTS(TEXT("f", "x /b /a"))));
    assert_false(item_detects(item, FACTS(TEXT("f", "x /a"))));
}

static void trap_13_case_folding_is_unicode(void **state)
{
    (void)state;
    assert_true(item_detects("f: 'C\xe1\xba\xa2NH'", FACTS(TEXT("f", "c\xe1\xba\xa3nh"))));
    assert_false(item_detects("f|cased: 'C\xe1\xba\xa2NH'", FACTS(TEXT("f", "c\xe1\xba\xa3nh"))));
    assert_true(item_detects("f|re|i: '^c\xe1\xba\xa3nh$'", FACTS(TEXT("f", "C\xe1\xba\xa2NH"))));
}

static void trap_14_neq_is_not_of_the_whole_list(void **state)
{
    (void)state;
    assert_true(item_detects("f|neq: a", FACTS(TEXT("f", "b"))));
    assert_false(item_detects("f|neq: a", FACTS(TEXT("f", "A"))));
    assert_true(item_detects("f|neq: a", FACTS(TEXT("g", "a"))));
    assert_false(item_detects("f|neq: [a, b]", FACTS(TEXT("f", "b"))));
    assert_true(item_detects("f|neq: [a, b]", FACTS(TEXT("f", "c"))));
    assert_false(item_detects("f|neq: 5", FACTS({"f", "5", VALUE_NUMBER})));
    assert_false(item_detects("f|contains|neq: a", FACTS(TEXT("f", "xax"))));
    assert_false(item_detects("f|neq: null", FACTS(TEXT("g", "x"))));
    assert_true(item_detects("f|fieldref|neq: g", FACTS(TEXT("f", "a"), TEXT("g", "b"))));
    assert_false(item_detects("f|fieldref|neq: g", FACTS(TEXT("f", "a"), TEXT("g", "A"))));
}

static void lists_are_or_and_all_is_and(void **state)
{
    (void)state;
    assert_true(item_detects("f|contains: [a, b]", FACTS(TEXT("f", "xb"))));
    assert_false(item_detects("f|contains|all: [a, b]", FACTS(TEXT("f", "xb"))));
    assert_true(item_detects("f|contains|all: [a, b]", FACTS(TEXT("f", "ab"))));
    assert_true(item_detects("f|contains|all: [a, b]", FACTS(TEXT("f", "a"), TEXT("f", "b"))));
    struct sigma_case c = {0};
    (void)predicate_of(&c, "f|contains|all: [a]");
    assert_problem(&c, 0, "all-single", "one value");
    assert_true(c.problems.items[0].level == PROBLEM_WARNING);
    case_free(&c);
}

static void missing_fields_satisfy_only_null(void **state)
{
    (void)state;
    const struct fact *none = FACTS(TEXT("g", "x"));
    assert_true(item_detects("f: null", none));
    assert_true(item_detects("f: null", FACTS({"f", "", VALUE_NULL})));
    assert_false(item_detects("f: null", FACTS(TEXT("f", ""))));
    assert_false(item_detects("f: ''", none));
    assert_true(item_detects("f: ''", FACTS(TEXT("f", ""))));
    assert_false(item_detects("f: '*'", none));
    assert_true(item_detects("f: '*'", FACTS(TEXT("f", ""))));
    assert_false(item_detects("f|lt: 5", none));
    assert_true(item_detects("f|exists: false", none));
    assert_false(item_detects("f|exists: true", none));
    assert_true(item_detects("f|exists: true", FACTS({"f", "", VALUE_NULL})));
    assert_false(item_detects("f|exists: false", FACTS({"f", "{}", VALUE_OBJECT})));
}

static void comparisons_and_times(void **state)
{
    (void)state;
    assert_true(item_detects("f|gt: 5", FACTS({"f", "5.5", VALUE_NUMBER})));
    assert_false(item_detects("f|gt: 5", FACTS({"f", "5", VALUE_NUMBER})));
    assert_true(item_detects("f|lte: '5'", FACTS(TEXT("f", "5"))));
    assert_true(item_detects("f|hour: 3", FACTS(TEXT("f", "2026-11-22 03:59:59"))));
    assert_true(item_detects("f|hour|gte: 22", FACTS(TEXT("f", "2026-11-22T23:00:00Z"))));
    assert_false(item_detects("f|hour|lt: 6", FACTS(TEXT("f", "2026-11-22T06:00:00Z"))));
    assert_true(item_detects("f|day: [21, 22]", FACTS(TEXT("f", "2026-11-22T06:00:00Z"))));
    item_refuses("f|hour: 24", "bad-time-part", "from 0 to 23");
    item_refuses("f|month: 0", "bad-time-part", "from 1 to 12");
    item_refuses("f|lt: many", "needs-number", "number");
    item_refuses("f|minute: true", "needs-number", "number");
}

static void regular_expressions(void **state)
{
    (void)state;
    assert_true(item_detects("f|re: 'b+c'", FACTS(TEXT("f", "abbcd"))));
    assert_false(item_detects("f|re: 'B+c'", FACTS(TEXT("f", "abbcd"))));
    assert_true(item_detects("f|re|i: 'B+C'", FACTS(TEXT("f", "abbcd"))));
    assert_true(item_detects("f|re|m|s: '^b.c$'", FACTS(TEXT("f", "a\nb\nc\n"))));
    assert_false(item_detects("f|re: 'b.c'", FACTS(TEXT("f", "b\nc"))));
    assert_kind("f|re: '\\*\\\\'", PREDICATE_REGEX, "\\*\\\\");
    item_refuses("f|re: 'a('", "bad-regex", "byte");
    item_refuses("f|re: ''", "bad-regex", "empty");
}

static void networks(void **state)
{
    (void)state;
    assert_true(item_detects("f|cidr: [10.0.0.0/8, 'fe80::/10']", FACTS(TEXT("f", "FE80::5"))));
    assert_true(item_detects("f|cidr: 192.168.1.7", FACTS(TEXT("f", "192.168.1.7"))));
    item_refuses("f|cidr: 10.0.0.0/40", "bad-network", "10.0.0.0/40");
    item_refuses("f|cidr: ten", "bad-network", "no network");
}

static void field_references(void **state)
{
    (void)state;
    const struct fact *facts = FACTS(TEXT("a", "Administrator"), TEXT("b", "ADMIN"));
    assert_false(item_detects("a|fieldref: b", facts));
    assert_true(item_detects("a|fieldref|startswith: b", facts));
    assert_true(item_detects("a|contains|fieldref: b", facts));
    assert_false(item_detects("a|fieldref|endswith: b", facts));
    assert_false(item_detects("a|fieldref|startswith|cased: b", facts));
    assert_false(item_detects("a|fieldref: c", facts));
    item_refuses("a|fieldref: 5", "bad-fieldref", "name of a field");
    item_refuses("a|fieldref: ' '", "bad-fieldref", "name of a field");
}

static void encodings(void **state)
{
    (void)state;
    assert_kind("f|base64|cased: 'foobar'", PREDICATE_EQUALS, "Zm9vYmFy");
    assert_kind("f|base64|contains|cased: 'foob'", PREDICATE_CONTAINS, "Zm9vYg==");
    assert_kind("f|wide|base64|cased: 'hi'", PREDICATE_EQUALS, "aABpAA==");
    assert_kind("f|utf16le|base64|cased: 'hi'", PREDICATE_EQUALS, "aABpAA==");
    assert_kind("f|utf16be|base64|cased: 'hi'", PREDICATE_EQUALS, "AGgAaQ==");
    assert_kind("f|utf16|base64|cased: 'hi'", PREDICATE_EQUALS, "//5oAGkA");
    assert_kind("f|base64|cased: 'a\\*'", PREDICATE_EQUALS, "YSo=");
    assert_int_equal(atoms("f|base64offset|contains: 'http://'"), 3);
    static const char *const carriers[] = {"aHR0cDovLw==", "eGh0dHA6Ly94", "eHhodHRwOi8veHg="};
    for (int i = 0; i < 3; i++)
        assert_true(
            item_detects("f|base64offset|contains: 'http://'", FACTS(TEXT("f", carriers[i]))));
    assert_false(
        item_detects("f|base64offset|contains: 'http://'", FACTS(TEXT("f", "bm90aGluZw=="))));
    item_refuses("f|base64: 'a*'", "bad-encoding", "wildcards");
    item_refuses("f|wide: 'a?'", "bad-encoding", "wildcards");
    item_refuses("f|base64: ''", "bad-encoding", "empty");
    item_refuses("f|base64offset|contains: 'a'", "bad-encoding", "two bytes");
    item_refuses("f|base64: 5", "needs-text", "quotes");
    struct sigma_case c = {0};
    assert_int_equal(case_detection(&c, "    s: {'f|base64offset': abcd}\n    condition: s\n"), 0);
    assert_problem(&c, 0, "base64offset-alone", "add '|contains'");
    case_free(&c);
}

static bool expands(const char *item, const struct fact *facts)
{
    struct sigma_case c = {0};
    struct buf text = {0};
    assert_int_equal(sigma_placeholders_read(&c.placeholders,
                                             SLICE("admins: [root, 'adm*']\n'%one%': 1\n"
                                                   "nets: [10.0.0.0/8, 'fe80::/10']\n"),
                                             &c.arena, NULL),
                     ERR_OK);
    buf_printf(&text, "    s:\n        %s\n    condition: s\n", item);
    if (case_detection(&c, buf_text(&text)))
        fail_msg("refused: %.*s", (int)c.problems.items[0].text.len, c.problems.items[0].text.data);
    bool yes = case_holds(&c.arena, c.rules.rules[0]->condition, facts);
    buf_free(&text);
    case_free(&c);
    return yes;
}

static void placeholders(void **state)
{
    (void)state;
    assert_true(expands("f|expand: '%admins%'", FACTS(TEXT("f", "ROOT"))));
    assert_true(expands("f|expand: '%admins%'", FACTS(TEXT("f", "adm_5"))));
    assert_false(expands("f|expand: '%admins%'", FACTS(TEXT("f", "xroot"))));
    assert_true(expands("f|contains|expand: 'x%admins%-%one%'", FACTS(TEXT("f", "yxadmin-1"))));
    assert_true(expands("f|expand: '\\%admins%one%'", FACTS(TEXT("f", "%admins1"))));
    assert_true(expands("f|expand: '100%'", FACTS(TEXT("f", "100%"))));
    assert_true(expands("f|cidr|expand: '%nets%'", FACTS(TEXT("f", "fe80::1"))));
    assert_false(expands("f|expand|cidr: '%nets%'", FACTS(TEXT("f", "11.0.0.1"))));
    assert_true(expands("f: '%admins%'", FACTS(TEXT("f", "%admins%"))));
    item_refuses("f|expand: '%nobody%'", "unresolved-placeholder", "%nobody%");
    struct sigma_placeholders none;
    struct arena arena = {0};
    struct err err;
    assert_int_equal(sigma_placeholders_read(&none, SLICE("a: {b: c}\n"), &arena, &err),
                     ERR_SYNTAX);
    assert_int_equal(sigma_placeholders_read(&none, SLICE("- a\n"), &arena, &err), ERR_SYNTAX);
    assert_int_equal(sigma_placeholders_read(&none, SLICE("a: b\n'%a%': c\n"), &arena, &err),
                     ERR_SYNTAX);
    arena_free(&arena);
}

static void expansions_are_bounded(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    struct buf text = {0}, file = {0};
    buf_string(&file, "many: [");
    for (int i = 0; i < 100; i++)
        buf_printf(&file, "v%d, ", i);
    buf_string(&file, "]\n");
    assert_int_equal(sigma_placeholders_read(&c.placeholders, buf_as_slice(&file), &c.arena, NULL),
                     ERR_OK);
    assert_int_equal(
        case_detection(&c, "    s: {'f|expand': '%many%%many%%many%'}\n    condition: s\n"), 1);
    assert_problem(&c, 0, "too-large", "placeholders");
    buf_string(&text, "    s: {'f|windash': '-a -b -c -d ");
    for (int i = 0; i < 100000; i++)
        buf_char(&text, 'x');
    buf_string(&text, "'}\n    condition: s\n");
    assert_int_equal(case_detection(&c, buf_text(&text)), 1);
    assert_problem(&c, 1, "too-large", "bytes");
    buf_free(&text);
    buf_free(&file);
    case_free(&c);
}

static void combinations_that_mean_nothing_are_refused(void **state)
{
    (void)state;
    item_refuses("f|contians: a", "unknown-modifier", "did you mean 'contains'");
    item_refuses("f|zzzzzzzz: a", "unknown-modifier", "no modifier 'zzzzzzzz'");
    item_refuses("f|: a", "unknown-modifier", "missing");
    item_refuses("f|contains|contains: a", "doubled-modifier", "twice");
    item_refuses("f|contains|endswith: a", "modifier-conflict", "'endswith' cannot stand with");
    item_refuses("f|re|contains: a", "modifier-conflict", "not anchored");
    item_refuses("f|contains|re: a", "modifier-conflict", "not anchored");
    item_refuses("f|re|base64: a", "modifier-conflict", "cannot stand");
    item_refuses("f|lt|gt: 5", "modifier-conflict", "cannot stand");
    item_refuses("f|hour|day: 5", "modifier-conflict", "cannot stand");
    item_refuses("f|exists|all: true", "modifier-conflict", "cannot stand");
    item_refuses("f|cidr|contains: 10.0.0.0/8", "modifier-conflict", "cannot stand");
    item_refuses("f|base64|base64offset: a", "modifier-conflict", "cannot stand");
    item_refuses("f|i: a", "modifier-order", "re|i");
    item_refuses("f|re|all|i: a", "modifier-order", "re|i");
    item_refuses("f|contains|base64: a", "modifier-order", "'base64' must stand before 'contains'");
    item_refuses("f|base64|windash: a", "modifier-order", "'windash' must stand before 'base64'");
    item_refuses("'|endswith': a", "modifier-needs-field", "needs a field");
    item_refuses("'': a", "field-name", "empty");
    item_refuses("f|exists: 'true'", "bad-exists", "without quotes");
    item_refuses("f|contains: null", "bad-null", "no modifier");
    item_refuses("f: [a, null]", "bad-null", "in a list");
    item_refuses("f: []", "empty-list", "no values");
    item_refuses("f: [[a]]", "bad-value", "one list");
}

static void array_matching_needs_version_3(void **state)
{
    (void)state;
    item_refuses("'f[any]': a", "array-matching", "sigma-version: 3");
    static const char text[] = "title: t\nsigma-version: 3\nlogsource: {product: x}\ndetection:\n"
                               "    s:\n        'f[all]|contains': a\n    condition: s\n";
    struct sigma_case c = {0};
    assert_int_equal(case_read(&c, text), 0);
    const struct expr *e = c.rules.rules[0]->condition;
    assert_true(e->predicate->all_members);
    assert_true(slice_equal(e->predicate->field, SLICE("f")));
    assert_true(case_holds(&c.arena, e, FACTS(TEXT("f", "ab"), TEXT("f", "ca"))));
    assert_false(case_holds(&c.arena, e, FACTS(TEXT("f", "ab"), TEXT("f", "c"))));
    assert_false(case_holds(&c.arena, e, FACTS(TEXT("g", "ab"))));
    assert_int_equal(case_read(&c, "sigma-version: 3\ndetection: {s: {'a[any].b[all]': 1}, "
                                   "condition: s}\n"),
                     1);
    assert_problem(&c, 0, "array-matching", "cannot stand in one");
    case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_classified_after_wrapping),
        cmocka_unit_test(trap_01_trailing_backslash_is_no_escape),
        cmocka_unit_test(trap_02_escapes_in_values),
        cmocka_unit_test(trap_03_modifiers_with_inner_wildcards),
        cmocka_unit_test(trap_04_wildcards_cross_newlines),
        cmocka_unit_test(trap_08_blanks_in_field_names_are_dropped),
        cmocka_unit_test(trap_09_dotted_names_stay_whole),
        cmocka_unit_test(trap_12_windash_varies_the_dashes_of_flags),
        cmocka_unit_test(trap_13_case_folding_is_unicode),
        cmocka_unit_test(trap_14_neq_is_not_of_the_whole_list),
        cmocka_unit_test(lists_are_or_and_all_is_and),
        cmocka_unit_test(missing_fields_satisfy_only_null),
        cmocka_unit_test(comparisons_and_times),
        cmocka_unit_test(regular_expressions),
        cmocka_unit_test(networks),
        cmocka_unit_test(field_references),
        cmocka_unit_test(encodings),
        cmocka_unit_test(placeholders),
        cmocka_unit_test(expansions_are_bounded),
        cmocka_unit_test(combinations_that_mean_nothing_are_refused),
        cmocka_unit_test(array_matching_needs_version_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
