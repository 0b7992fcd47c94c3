/* What single values tell of rules: never less than the matcher finds when they are put together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detection/match.h"
#include "detection/retro.h"
#include "detection/sigma.h"

static struct arena arena;
static struct rule_list rules;
static struct mapping_set *mappings;
static struct ruleset *set;
static struct retro *retro;

static void rules_open(const char *text, const char *mapping)
{
    struct problem_list problems = {0};
    struct sigma_options sigma = {0};
    struct ruleset_options options = {.routing = true};
    struct err err = {0};
    mappings = mapping_set_open();
    if (mapping)
        assert_int_equal(mapping_set_add(mappings, SLICE("m.yaml"), slice_from(mapping), &err),
                         ERR_OK);
    (void)sigma_read(&rules, &problems, SLICE("test.yml"), slice_from(text), &sigma, &arena);
    assert_int_equal(problems.error_count, 0);
    problem_list_free(&problems);
    assert_int_equal(ruleset_open(&set, &rules, mappings, &options, &err), ERR_OK);
    retro = retro_open(set, NULL);
}

static void rules_close(void)
{
    retro_close(&retro);
    ruleset_close(&set);
    mapping_set_close(&mappings);
    rule_list_free(&rules);
    arena_free(&arena);
    arena = (struct arena){0};
}

static bool raises(const char *name, enum value_kind kind, const char *value, uint32_t rule)
{
    struct retro_name known;
    const uint32_t *raised;
    retro_name(retro, slice_from(name), false, &known);
    uint32_t count = retro_value(retro, &known, kind, slice_from(value), &raised);
    for (uint32_t i = 0; i < count; i++)
        if (raised[i] == rule)
            return true;
    return false;
}

static const char three[] = "title: A\nlogsource: {product: windows}\ndetection:\n"
                            "    a: {Image|endswith: '\\cmd.exe', User: root}\n    condition: a\n"
                            "---\ntitle: B\nlogsource: {product: linux}\ndetection:\n"
                            "    a: {size|gt: 10}\n    condition: a\n"
                            "---\ntitle: C\nlogsource: {product: linux}\ndetection:\n"
                            "    a: ['needle']\n    condition: a\n";

static void test_values_raise_rules(void **state)
{
    (void)state;
    rules_open(three, NULL);
    /* one of the two terms of A is its witness: the values of both fields never raise nothing */
    assert_true(raises("Image", VALUE_STRING, "C:\\Windows\\CMD.exe", 0) ||
                raises("User", VALUE_STRING, "ROOT", 0));
    assert_false(raises("Image", VALUE_STRING, "C:\\other.exe", 0));
    assert_false(raises("User", VALUE_STRING, "guest", 0));
    assert_false(raises("Parent", VALUE_STRING, "x\\cmd.exe", 0));
    assert_true(raises("size", VALUE_NUMBER, "11", 1));
    assert_true(raises("anything", VALUE_STRING, "hay needle hay", 2));
    assert_false(raises("anything", VALUE_STRING, "hay", 2));
    assert_true(raises("size", VALUE_STRING, "Needle", 2));
    rules_close();
}

static void test_rules_that_no_value_tells(void **state)
{
    (void)state;
    uint32_t count;
    rules_open("title: A\nlogsource: {product: linux}\ndetection:\n    a: {User: root}\n"
               "    condition: not a\n"
               "---\ntitle: B\nlogsource: {product: linux}\ndetection:\n    a: {User: root}\n"
               "    condition: a\n",
               NULL);
    const uint32_t *always = retro_always(retro, &count);
    assert_int_equal(count, 1);
    assert_int_equal(always[0], 0);
    rules_close();
}

/* Correlations are of the list, and are no rules for values. */
static void test_correlations_are_left_out(void **state)
{
    (void)state;
    uint32_t count;
    uint64_t every = ~(uint64_t)0;
    rules_open("title: A\nname: a\nlogsource: {product: linux}\ndetection:\n    a: {User: root}\n"
               "    condition: a\n"
               "---\ntitle: B\ncorrelation:\n    type: event_count\n    rules: [a]\n"
               "    group-by: [User]\n    timespan: 5m\n    condition: {gte: 2}\n",
               NULL);
    (void)retro_always(retro, &count);
    assert_int_equal(count, 0);
    retro_close(&retro);
    retro = retro_open(set, &every);
    (void)retro_always(retro, &count);
    assert_int_equal(count, 0);
    assert_true(raises("User", VALUE_STRING, "root", 0));
    assert_false(raises("User", VALUE_STRING, "root", 1));
    rules_close();
}

static void test_only_the_rules_asked_for(void **state)
{
    (void)state;
    uint64_t second = 2;
    rules_open(three, NULL);
    retro_close(&retro);
    retro = retro_open(set, &second);
    assert_true(raises("size", VALUE_NUMBER, "11", 1));
    assert_false(raises("anything", VALUE_STRING, "needle", 2));
    rules_close();
}

static void test_sources(void **state)
{
    (void)state;
    struct event_source sources[2] = {{.product = SLICE("windows")}, {.product = SLICE("linux")}};
    uint64_t masks[3];
    rules_open(three, NULL);
    retro_sources(retro, sources, 2, masks);
    assert_int_equal(masks[0], 1);
    assert_int_equal(masks[1], 2);
    assert_int_equal(masks[2], 2);
    rules_close();
}

/* Names of every mapping are asked: rows may have been read by any of them. */
static void test_names_of_mappings(void **state)
{
    (void)state;
    struct retro_name name;
    rules_open("title: A\nlogsource: {product: p}\ndetection:\n    a: {User: root}\n"
               "    condition: a\n",
               "id: m\nversion: 1\ntitle: M\npriority: 1\nwhen: [{kind: x}]\n"
               "logsource: {product: p}\nalias: {User: [account]}\n");
    assert_true(raises("User", VALUE_STRING, "root", 0));
    assert_true(raises("account", VALUE_STRING, "root", 0));
    assert_false(raises("other", VALUE_STRING, "root", 0));
    assert_true(retro_needs(retro, SLICE("kind")));
    assert_false(retro_needs(retro, SLICE("other")));
    retro_name(retro, SLICE("other"), false, &name);
    assert_false(name.asked);
    rules_close();
}

struct present {
    const char *name, *text;
};

static void row_value(const char *name, const char *value, bool exact)
{
    struct retro_name known;
    const uint32_t *raised, *tokens;
    retro_name(retro, slice_from(name), false, &known);
    (void)retro_value(retro, &known, VALUE_STRING, slice_from(value), &raised);
    uint32_t count = retro_tokens(retro, &tokens);
    retro_row_add(retro, tokens, count, exact);
}

/* Whether rule 0 can hold for an event with these values. */
static bool row_possible(const char *image, const char *user, bool exact)
{
    static const uint64_t masks[1] = {1};
    retro_row_begin(retro);
    row_value("Image", image, exact);
    if (user)
        row_value("User", user, exact);
    return retro_row_possible(retro, masks, 1);
}

static void test_values_of_a_row_together(void **state)
{
    (void)state;
    rules_open("title: A\nlogsource: {product: windows}\ndetection:\n"
               "    a: {Image|endswith: '\\cmd.exe'}\n    b: {User: root}\n"
               "    condition: a and not b\n",
               NULL);
    assert_true(row_possible("C:\\cmd.exe", "guest", true));
    assert_true(row_possible("C:\\cmd.exe", NULL, true));
    assert_false(row_possible("C:\\cmd.exe", "root", true));
    /* under another mapping the name may mean something else: nothing is certain */
    assert_true(row_possible("C:\\cmd.exe", "root", false));
    assert_false(row_possible("C:\\other.exe", "guest", true));
    rules_close();
    rules_open("title: A\nlogsource: {product: windows}\ndetection:\n"
               "    a: {Image|endswith: '\\cmd.exe', User: root}\n"
               "    b: {Image|re: 'x'}\n    condition: a and not b\n",
               NULL);
    assert_true(row_possible("C:\\x\\cmd.exe", "root", true)); /* only judging tells of b */
    assert_false(row_possible("C:\\cmd.exe", "guest", true));
    assert_false(row_possible("C:\\cmd.exe", NULL, false));
    rules_close();
}

static bool present_name(void *context, uint16_t name)
{
    const struct present *p = context;
    struct retro_name known;
    retro_name(retro, slice_from(p->name), false, &known);
    return known.number == name;
}

static bool present_text(void *context, uint16_t name, struct slice folded)
{
    const struct present *p = context;
    return present_name(context, name) && slice_equal(folded, slice_from(p->text));
}

static bool present_number(void *context, uint16_t name, double number)
{
    (void)number;
    return present_name(context, name);
}

static void test_prunes(void **state)
{
    (void)state;
    struct present p = {"User", "root"};
    struct retro_presence presence = {present_name, present_text, present_number, &p};
    rules_open("title: A\nlogsource: {product: p}\ndetection:\n    a: {User: Root}\n"
               "    condition: a\n",
               NULL);
    assert_false(retro_prunes(retro, &presence));
    p.text = "guest";
    assert_true(retro_prunes(retro, &presence));
    p = (struct present){"Account", "root"};
    assert_true(retro_prunes(retro, &presence));
    rules_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_raise_rules),
        cmocka_unit_test(test_rules_that_no_value_tells),
        cmocka_unit_test(test_correlations_are_left_out),
        cmocka_unit_test(test_only_the_rules_asked_for),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_names_of_mappings),
        cmocka_unit_test(test_values_of_a_row_together),
        cmocka_unit_test(test_prunes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
