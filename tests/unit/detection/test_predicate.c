#include "sigma_case.h"

static bool test_value(const struct predicate *p, const char *text, enum value_kind kind)
{
    struct arena arena = {0};
    struct fact fact = {"f", text, kind};
    struct predicate_value value = case_value(&arena, &fact);
    bool yes = predicate_test(p, &value, NULL, NULL, NULL);
    arena_free(&arena);
    return yes;
}

static struct predicate text_predicate(enum predicate_kind kind, const char *text)
{
    return (struct predicate){.kind = kind, .field = SLICE("f"), .text = slice_from(text)};
}

static struct predicate number_predicate(enum predicate_kind kind, double number)
{
    return (struct predicate){.kind = kind, .field = SLICE("f"), .number = number};
}

static void texts_compare_folded_unless_cased(void **state)
{
    (void)state;
    struct predicate p = text_predicate(PREDICATE_EQUALS, "abc");
    assert_true(test_value(&p, "ABC", VALUE_STRING));
    assert_false(test_value(&p, "ABCD", VALUE_STRING));
    p.kind = PREDICATE_STARTSWITH;
    assert_true(test_value(&p, "AbCd", VALUE_STRING));
    assert_false(test_value(&p, "xabc", VALUE_STRING));
    p.kind = PREDICATE_ENDSWITH;
    assert_true(test_value(&p, "xABC", VALUE_STRING));
    assert_false(test_value(&p, "abcx", VALUE_STRING));
    p.kind = PREDICATE_CONTAINS;
    assert_true(test_value(&p, "xABCx", VALUE_STRING));
    assert_false(test_value(&p, "ab", VALUE_STRING));
    p.cased = true;
    assert_false(test_value(&p, "xABCx", VALUE_STRING));
    assert_true(test_value(&p, "xabcx", VALUE_STRING));
}

static void trap_05_numbers_match_numbers_and_texts_that_spell_them(void **state)
{
    (void)state;
    struct predicate p = number_predicate(PREDICATE_NUMBER, 4625);
    assert_true(test_value(&p, "4625", VALUE_NUMBER));
    assert_true(test_value(&p, "4625", VALUE_STRING));
    assert_true(test_value(&p, "4625.0", VALUE_NUMBER));
    assert_true(test_value(&p, "4.625e3", VALUE_NUMBER));
    assert_false(test_value(&p, "0x1211", VALUE_STRING));
    assert_false(test_value(&p, "4626", VALUE_NUMBER));
    assert_false(test_value(&p, "", VALUE_STRING));
    assert_false(test_value(&p, "4625 ", VALUE_STRING));
    p = number_predicate(PREDICATE_NUMBER, 1);
    assert_false(test_value(&p, "true", VALUE_BOOL));
    p = text_predicate(PREDICATE_EQUALS, "4625");
    assert_true(test_value(&p, "4625", VALUE_NUMBER));
    assert_true(test_value(&p, "4625", VALUE_STRING));
    assert_false(test_value(&p, "4625.0", VALUE_NUMBER));
}

static void trap_06_a_boolean_matches_its_text(void **state)
{
    (void)state;
    struct predicate p = text_predicate(PREDICATE_EQUALS, "true");
    assert_true(test_value(&p, "true", VALUE_BOOL));
    assert_true(test_value(&p, "True", VALUE_STRING));
    assert_false(test_value(&p, "false", VALUE_BOOL));
    assert_false(test_value(&p, "1", VALUE_NUMBER));
}

static void trap_07_null_and_exists_look_at_presence(void **state)
{
    (void)state;
    struct predicate null = text_predicate(PREDICATE_NULL, "");
    struct predicate exists = text_predicate(PREDICATE_EXISTS, "");
    assert_true(test_value(&null, "", VALUE_NULL));
    assert_false(test_value(&null, "", VALUE_STRING));
    assert_false(test_value(&null, "{}", VALUE_OBJECT));
    assert_true(test_value(&exists, "", VALUE_NULL));
    assert_true(test_value(&exists, "", VALUE_STRING));
    assert_true(test_value(&exists, "{}", VALUE_OBJECT));
}

static void null_and_objects_match_nothing_else(void **state)
{
    (void)state;
    static const enum predicate_kind kinds[] = {PREDICATE_EQUALS,   PREDICATE_STARTSWITH,
                                                PREDICATE_ENDSWITH, PREDICATE_CONTAINS,
                                                PREDICATE_PATTERN,  PREDICATE_LESS_EQUAL};
    struct pattern_part any = {.kind = PATTERN_ANY_RUN};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        struct predicate p = text_predicate(kinds[i], "");
        p.pattern = (struct pattern){&any, 1};
        assert_false(test_value(&p, "", VALUE_NULL));
        assert_false(test_value(&p, "{}", VALUE_OBJECT));
        if (kinds[i] != PREDICATE_LESS_EQUAL)
            assert_true(test_value(&p, "", VALUE_STRING));
    }
}

static void comparisons_need_numbers(void **state)
{
    (void)state;
    static const struct {
        enum predicate_kind kind;
        bool below, equal, above;
    } rows[] = {{PREDICATE_LESS, true, false, false},
                {PREDICATE_LESS_EQUAL, true, true, false},
                {PREDICATE_GREATER, false, false, true},
                {PREDICATE_GREATER_EQUAL, false, true, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct predicate p = number_predicate(rows[i].kind, 10);
        assert_true(test_value(&p, "9.5", VALUE_NUMBER) == rows[i].below);
        assert_true(test_value(&p, "10", VALUE_STRING) == rows[i].equal);
        assert_true(test_value(&p, "1e2", VALUE_NUMBER) == rows[i].above);
        assert_false(test_value(&p, "ten", VALUE_STRING));
        assert_false(test_value(&p, "0x9", VALUE_STRING));
    }
}

static void parts_of_times_in_utc(void **state)
{
    (void)state;
    static const double expected[] = {36, 23, 22, 47, 11, 2026};
    for (int part = TIME_MINUTE; part <= TIME_YEAR; part++) {
        struct predicate p = number_predicate(PREDICATE_TIME_PART, expected[part]);
        p.time_part = (enum predicate_time_part)part;
        p.field_op = PREDICATE_NUMBER;
        assert_true(test_value(&p, "2026-11-22T23:36:00Z", VALUE_STRING));
        assert_true(test_value(&p, "2026-11-23T06:36:00+07:00", VALUE_STRING));
        assert_false(test_value(&p, "2024-02-01T01:01:01Z", VALUE_STRING));
        assert_false(test_value(&p, "no time", VALUE_STRING));
        p.field_op = PREDICATE_GREATER_EQUAL;
        assert_true(test_value(&p, "2026-11-22T23:36:00Z", VALUE_STRING));
        p.field_op = PREDICATE_GREATER;
        assert_false(test_value(&p, "2026-11-22T23:36:00Z", VALUE_STRING));
    }
}

static void networks_hold_addresses(void **state)
{
    (void)state;
    struct predicate p = text_predicate(PREDICATE_CIDR, "10.0.0.0/8");
    assert_true(ip_network_parse(&p.network, p.text));
    assert_true(test_value(&p, "10.255.0.1", VALUE_STRING));
    assert_false(test_value(&p, "11.0.0.1", VALUE_STRING));
    assert_false(test_value(&p, "10.0.0.0/8", VALUE_STRING));
    p.text = SLICE("fe80::/10");
    assert_true(ip_network_parse(&p.network, p.text));
    assert_true(test_value(&p, "fe80::1", VALUE_STRING));
    assert_false(test_value(&p, "10.0.0.1", VALUE_STRING));
}

static void regex_without_its_form_says_no(void **state)
{
    (void)state;
    struct predicate p = text_predicate(PREDICATE_REGEX, "a+$");
    assert_false(test_value(&p, "aa", VALUE_STRING));
    struct regex *regex;
    struct regex_scratch *scratch = regex_scratch_open();
    uint64_t limits = 0;
    assert_int_equal(regex_open(&regex, p.text, 0, false, NULL), ERR_OK);
    struct predicate_value value = {SLICE("baa"), SLICE("baa"), VALUE_STRING};
    assert_true(predicate_test(&p, &value, regex, scratch, &limits));
    value.text = SLICE("BAA");
    assert_false(predicate_test(&p, &value, regex, scratch, NULL));
    assert_int_equal(limits, 0);
    regex_close(&regex);
    assert_int_equal(regex_open(&regex, SLICE("^(a|aa|a?a)+$"), 0, false, NULL), ERR_OK);
    struct buf text = {0};
    for (int i = 0; i < 200; i++)
        buf_char(&text, 'a');
    buf_char(&text, 'b');
    value.text = buf_as_slice(&text);
    assert_false(predicate_test(&p, &value, regex, scratch, &limits));
    assert_int_equal(limits, 1);
    buf_free(&text);
    regex_close(&regex);
    regex_scratch_close(&scratch);
}

static bool compare(enum predicate_kind op, bool cased, struct fact a, struct fact b)
{
    struct arena arena = {0};
    struct predicate p = {.kind = PREDICATE_FIELDREF, .field_op = op, .cased = cased};
    struct predicate_value left = case_value(&arena, &a), right = case_value(&arena, &b);
    bool yes = predicate_compare_fields(&p, &left, &right);
    arena_free(&arena);
    return yes;
}

static void fields_compare_with_fields(void **state)
{
    (void)state;
    struct fact abc = {"a", "ABC", VALUE_STRING}, bc = {"b", "bc", VALUE_STRING};
    struct fact ab = {"b", "Ab", VALUE_STRING}, same = {"b", "abc", VALUE_STRING};
    struct fact five = {"a", "5", VALUE_STRING}, number = {"b", "5.0", VALUE_NUMBER};
    struct fact null = {"b", "", VALUE_NULL}, object = {"b", "", VALUE_OBJECT};
    assert_true(compare(PREDICATE_EQUALS, false, abc, same));
    assert_false(compare(PREDICATE_EQUALS, true, abc, same));
    assert_true(compare(PREDICATE_ENDSWITH, false, abc, bc));
    assert_true(compare(PREDICATE_STARTSWITH, false, abc, ab));
    assert_false(compare(PREDICATE_STARTSWITH, false, abc, bc));
    assert_true(compare(PREDICATE_CONTAINS, false, abc, bc));
    assert_true(compare(PREDICATE_EQUALS, false, five, number));
    assert_true(compare(PREDICATE_EQUALS, false, number, five));
    assert_false(compare(PREDICATE_CONTAINS, false, abc, null));
    assert_false(compare(PREDICATE_CONTAINS, false, abc, object));
    assert_false(compare(PREDICATE_EQUALS, false, null, null));
}

static void number_texts(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-1", "+1", "1.5", ".5", "1e3", "00012"};
    static const char *const bad[] = {"",    " 1",  "1 ", "0x10", "1e999",
                                      "inf", "nan", "-",  "1,5",  "e"};
    double number;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(predicate_number_of(slice_from(good[i]), &number));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(predicate_number_of(slice_from(bad[i]), &number));
}

static void equal_predicates_are_one(void **state)
{
    (void)state;
    struct pattern_part parts[2] = {{.kind = PATTERN_LITERAL, .literal = SLICE("ab")},
                                    {.kind = PATTERN_ANY_RUN}};
    struct predicate a = text_predicate(PREDICATE_EQUALS, "x"), b = a;
    a.pattern = b.pattern = (struct pattern){parts, 2};
    assert_true(predicate_equal(&a, &b));
    assert_true(predicate_hash(&a) == predicate_hash(&b));
    struct predicate changed[10];
    for (int i = 0; i < 10; i++)
        changed[i] = a;
    changed[0].kind = PREDICATE_CONTAINS;
    changed[1].field = SLICE("g");
    changed[2].text = SLICE("y");
    changed[3].cased = true;
    changed[4].keyword = true;
    changed[5].number = 1;
    changed[6].other = SLICE("o");
    changed[7].pattern.count = 1;
    changed[8].regex_flags = REGEX_NOCASE;
    changed[9].all_members = true;
    for (int i = 0; i < 10; i++) {
        assert_false(predicate_equal(&a, &changed[i]));
        assert_false(predicate_hash(&a) == predicate_hash(&changed[i]));
    }
}

static void assert_described(const char *item, const char *expected)
{
    struct sigma_case c = {0};
    struct buf text = {0};
    buf_printf(&text, "    s:\n        %s\n    condition: s\n", item);
    assert_int_equal(case_detection(&c, buf_text(&text)), 0);
    buf_clear(&text);
    assert_true(c.rules.rules[0]->condition->kind == EXPR_PREDICATE);
    predicate_describe(c.rules.rules[0]->condition->predicate, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_free(&text);
    case_free(&c);
}

static void descriptions_read_like_rules(void **state)
{
    (void)state;
    assert_described("CommandLine|contains: 'WhoAmI'", "CommandLine|contains: 'whoami'");
    assert_described("A: 'it''s \\* here'", "A: 'it''s \\* here'");
    assert_described("A: 'a*b?c'", "A: 'a*b?c'");
    assert_described("A|endswith|cased: X", "A|endswith|cased: 'X'");
    assert_described("A: 4688", "A: 4688");
    assert_described("A|gte: 1.5", "A|gte: 1.5");
    assert_described("A|hour|lt: 7", "A|hour|lt: 7");
    assert_described("A: null", "A: null");
    assert_described("A|exists: true", "A|exists: true");
    assert_described("A|re|i|s: 'a.*b'", "A|re|i|s: 'a.*b'");
    assert_described("A|cidr: 10.0.0.0/8", "A|cidr: '10.0.0.0/8'");
    assert_described("A|fieldref|startswith: B", "A|startswith|fieldref: 'B'");
    assert_described("A: \"a\\tb\"", "A: 'a\\x09b'");
    assert_described("'|all': [x]", "keyword: 'x'");
}

static void unaccented_texts_compare_without_diacritics(void **state)
{
    (void)state;
    struct predicate p = text_predicate(PREDICATE_EQUALS, "mat khau");
    p.unaccented = true;
    assert_true(test_value(&p, "mat khau", VALUE_STRING));
    assert_true(test_value(&p, "Mật Khẩu", VALUE_STRING));
    assert_false(test_value(&p, "mật khẩu sai", VALUE_STRING));
    p.kind = PREDICATE_CONTAINS;
    assert_true(test_value(&p, "sai mật khẩu rồi", VALUE_STRING));
    p.kind = PREDICATE_STARTSWITH;
    assert_true(test_value(&p, "mật khẩu sai", VALUE_STRING));
    assert_false(test_value(&p, "sai mật khẩu", VALUE_STRING));
    p.unaccented = false;
    assert_false(test_value(&p, "mật khẩu sai", VALUE_STRING));
}

static void long_texts_are_unaccented_whole(void **state)
{
    (void)state;
    struct predicate p = text_predicate(PREDICATE_ENDSWITH, "het");
    struct buf text = {0};
    p.unaccented = true;
    for (int i = 0; i < 5000; i++)
        buf_string(&text, "ế");
    buf_string(&text, "hết");
    assert_true(test_value(&p, buf_text(&text), VALUE_STRING));
    buf_free(&text);
}

static void unaccented_predicates_are_their_own(void **state)
{
    (void)state;
    struct predicate a = text_predicate(PREDICATE_EQUALS, "a"), b = a;
    struct buf text = {0};
    b.unaccented = true;
    assert_false(predicate_equal(&a, &b));
    assert_true(predicate_hash(&a) != predicate_hash(&b));
    predicate_describe(&b, &text);
    assert_string_equal(buf_text(&text), "f|unaccented: 'a'");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_compare_folded_unless_cased),
        cmocka_unit_test(trap_05_numbers_match_numbers_and_texts_that_spell_them),
        cmocka_unit_test(trap_06_a_boolean_matches_its_text),
        cmocka_unit_test(trap_07_null_and_exists_look_at_presence),
        cmocka_unit_test(null_and_objects_match_nothing_else),
        cmocka_unit_test(comparisons_need_numbers),
        cmocka_unit_test(parts_of_times_in_utc),
        cmocka_unit_test(networks_hold_addresses),
        cmocka_unit_test(regex_without_its_form_says_no),
        cmocka_unit_test(fields_compare_with_fields),
        cmocka_unit_test(number_texts),
        cmocka_unit_test(equal_predicates_are_one),
        cmocka_unit_test(descriptions_read_like_rules),
        cmocka_unit_test(unaccented_texts_compare_without_diacritics),
        cmocka_unit_test(long_texts_are_unaccented_whole),
        cmocka_unit_test(unaccented_predicates_are_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
