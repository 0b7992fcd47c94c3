#include "sigma_case.h"

#define SELECTIONS                                                                                 \
    "    a: {A: 1}\n    b: {B: 1}\n    c: {C: 1}\n    sel_x: {X: 1}\n    sel_y: {Y: 1}\n"          \
    "    sel_z: {Z: 1}\n    _hidden: {H: 1}\n    x_sel: {W: 1}\n    condition: "

/* Holds the condition over one-letter selections against the letters of present fields. */
static bool holds(const char *condition, const char *present)
{
    struct fact facts[30] = {{NULL, NULL, VALUE_NULL}};
    char names[30][2];
    struct buf text = {0};
    size_t count = strlen(present);
    assert_true(count < 29);
    for (size_t i = 0; i < count; i++) {
        names[i][0] = present[i];
        names[i][1] = '\0';
        facts[i] = (struct fact){names[i], "1", VALUE_NUMBER};
    }
    facts[count].field = NULL;
    buf_printf(&text, "%s%s\n", SELECTIONS, condition);
    bool yes = detects(buf_text(&text), facts);
    buf_free(&text);
    return yes;
}

static void wrong(const char *condition, const char *code, const char *part)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s\n", SELECTIONS, condition);
    refuses(buf_text(&text), code, part);
    buf_free(&text);
}

static void binding_is_or_and_not(void **state)
{
    (void)state;
    assert_true(holds("a or b and c", "A"));
    assert_false(holds("(a or b) and c", "A"));
    assert_true(holds("(a or b) and c", "BC"));
    assert_true(holds("not a and b", "B"));
    assert_false(holds("not a and b", "AB"));
    assert_false(holds("not a and b", ""));
    assert_true(holds("not (a and b)", "A"));
    assert_true(holds("a and not b or c", "ABC"));
    assert_false(holds("a and not b or c", "AB"));
    assert_true(holds("not not a", "A"));
    assert_true(holds("not 1 of sel_* or a", ""));
    assert_false(holds("not all of sel_* and b", "XYZB"));
    assert_true(holds("a AND NOT b OR c", "A"));
    assert_true(holds("((a))", "A"));
}

static void quantifiers_choose_selections(void **state)
{
    (void)state;
    assert_true(holds("1 of sel_*", "Z"));
    assert_false(holds("1 of sel_*", "AW"));
    assert_true(holds("any of sel_*", "Y"));
    assert_false(holds("all of sel_*", "XY"));
    assert_true(holds("all of sel_*", "XYZ"));
    assert_true(holds("1 of *sel", "W"));
    assert_false(holds("1 of *sel", "X"));
    assert_true(holds("1 of s*_z", "Z"));
    assert_false(holds("1 of s*_z", "XY"));
    assert_true(holds("1 of *sel*", "W"));
    assert_true(holds("1 of a", "A"));
    assert_false(holds("1 of them", "H"));
    assert_true(holds("1 of them", "W"));
    assert_false(holds("all of them", "ABCXYZ"));
    assert_true(holds("all of them", "ABCXYZW"));
    assert_true(holds("1 of _*", "H"));
    assert_true(holds("(1 of sel_*) and a", "XA"));
}

static void at_least_n_of_many(void **state)
{
    (void)state;
    assert_false(holds("2 of sel_*", "X"));
    assert_true(holds("2 of sel_*", "XZ"));
    assert_true(holds("2 of sel_*", "YZ"));
    assert_true(holds("2 of sel_*", "XYZ"));
    assert_false(holds("3 of sel_*", "YZ"));
    assert_true(holds("3 of sel_*", "XYZ"));
    assert_false(holds("4 of them", "ABC"));
    assert_true(holds("4 of them", "BXZW"));
    assert_true(holds("4 of them", "ABCXYZW"));
    wrong("4 of sel_*", "bad-condition", "4 of 3");
    wrong("0 of sel_*", "bad-condition", "from 1 on");
}

static void a_list_of_conditions_is_or(void **state)
{
    (void)state;
    assert_true(holds("[a, b and c]", "A"));
    assert_true(holds("[a, b and c]", "BC"));
    assert_false(holds("[a, b and c]", "B"));
    wrong("[]", "bad-condition", "empty");
    wrong("{a: b}", "bad-condition", "text like");
    wrong("null", "bad-condition", "text like");
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    wrong("sel_w", "unknown-selection", "did you mean 'sel_x'");
    wrong("nothing_like_it", "unknown-selection", "no selection 'nothing_like_it'");
    wrong("1 of filter*", "unknown-selection", "like 'filter*'");
    wrong("sel_*", "bad-condition", "'1 of' or 'all of'");
    wrong("a and", "bad-condition", "missing (at the end)");
    wrong("and a", "bad-condition", "missing (at 'and')");
    wrong("a b", "bad-condition", "'and' or 'or' is missing");
    wrong("(a", "bad-condition", "closing parenthesis");
    wrong("a)", "bad-condition", "'and' or 'or' is missing");
    wrong("()", "bad-condition", "missing");
    wrong("some of them", "bad-condition", "all, any or a number");
    wrong("1 of", "bad-condition", "after 'of'");
    wrong("1 of (a)", "bad-condition", "after 'of'");
    wrong("''", "bad-condition", "missing");
}

static void old_aggregations_point_at_correlations(void **state)
{
    (void)state;
    wrong("a | count() by User > 5", "old-aggregation", "correlation rule");
    wrong("a|near b", "old-aggregation", "correlation rule");
}

static void size_and_depth_are_bounded(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 5000; i++)
        buf_char(&text, '(');
    wrong(buf_text(&text), "too-deep", "levels");
    buf_clear(&text);
    for (int i = 0; i < 3000; i++)
        buf_string(&text, "not ");
    buf_string(&text, "a");
    wrong(buf_text(&text), "too-deep", "levels");
    buf_clear(&text);
    buf_string(&text, "a");
    for (int i = 0; i < 5000; i++)
        buf_string(&text, " or a");
    wrong(buf_text(&text), "too-large", "longer than");
    buf_clear(&text);
    for (int i = 0; i < 200; i++)
        buf_printf(&text, "    s%d: {F: %d}\n", i, i);
    buf_string(&text, "    condition: 60 of s*\n");
    refuses(buf_text(&text), "too-large", "combinations");
    buf_free(&text);
}

static void big_conditions_over_big_selections_are_refused(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_string(&text, "    s: {F: [");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "v%d, ", i);
    buf_string(&text, "]}\n    condition: s");
    for (int i = 0; i < 20; i++)
        buf_string(&text, " or s");
    buf_string(&text, "\n");
    refuses(buf_text(&text), "too-large", "questions");
    buf_free(&text);
}

static void unused_selections_are_warned_of(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(case_detection(&c, "    a: {A: 1}\n    b: {B: 1}\n    condition: a\n"), 0);
    assert_int_equal(c.problems.count, 1);
    assert_problem(&c, 0, "unused-selection", "'b'");
    assert_int_equal(c.problems.items[0].line, 5);
    assert_int_equal(c.problems.error_count, 0);
    case_free(&c);
}

static void selections_carry_their_names(void **state)
{
    (void)state;
    struct sigma_case c = {0};
    assert_int_equal(
        case_detection(&c, "    one: {A: 1, B: 2}\n    two: {C: 3}\n    condition: one or two\n"),
        0);
    const struct expr *e = c.rules.rules[0]->condition;
    assert_int_equal(e->label.len, 0);
    assert_true(slice_equal(e->children[0]->label, SLICE("one")));
    assert_true(slice_equal(e->children[1]->label, SLICE("two")));
    assert_int_equal(c.rules.rules[0]->predicate_count, 3);
    case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binding_is_or_and_not),
        cmocka_unit_test(quantifiers_choose_selections),
        cmocka_unit_test(at_least_n_of_many),
        cmocka_unit_test(a_list_of_conditions_is_or),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(old_aggregations_point_at_correlations),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(big_conditions_over_big_selections_are_refused),
        cmocka_unit_test(unused_selections_are_warned_of),
        cmocka_unit_test(selections_carry_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
