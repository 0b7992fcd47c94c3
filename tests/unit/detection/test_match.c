/* Matching through a whole rule set: routing, filters, several log sources, what matched, and more
 * log sources than there is room for. The rules and events are written here; the corpus is in
 * tests/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "detection/match.h"
#include "detection/sigma.h"
#include "formats/json.h"

struct fixture {
    struct arena arena;
    struct rule_list rules;
    struct problem_list problems;
    struct mapping_set *mappings;
    struct ruleset *set;
    struct matcher *matcher;
    struct record record;
};

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    f = (struct fixture){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    matcher_close(&f.matcher);
    ruleset_close(&f.set);
    mapping_set_close(&f.mappings);
    record_free(&f.record);
    rule_list_free(&f.rules);
    problem_list_free(&f.problems);
    arena_free(&f.arena);
    return 0;
}

static void rule(const char *text)
{
    struct sigma_options options = {0};
    assert_int_equal(
        sigma_read(&f.rules, &f.problems, SLICE("t.yml"), slice_from(text), &options, &f.arena), 0);
}

static void ready(bool routing)
{
    struct ruleset_options options = {.routing = routing, .jit = true};
    struct err err;
    f.mappings = mapping_set_open();
    assert_int_equal(ruleset_open(&f.set, &f.rules, f.mappings, &options, &err), ERR_OK);
    f.matcher = matcher_open(f.set);
}

static uint32_t run(const char *json, const uint32_t **found)
{
    static const uint32_t *unused;
    record_reset(&f.record);
    assert_int_equal(json_parse_record(&f.record, slice_from(json), NULL), ERR_OK);
    return matcher_run(f.matcher, &f.record, found ? found : &unused);
}

#define RULE(title, source, selection)                                                             \
    "title: " title "\nid: " title "\nlogsource: " source                                          \
    "\nlevel: low\ndetection:\n  s:\n    " selection "\n  condition: s\n"

static void routing_leaves_out_what_contradicts(void **state)
{
    (void)state;
    rule(RULE("a", "{product: windows}", "x: 1"));
    rule(RULE("b", "{product: linux}", "x: 1"));
    rule(RULE("c", "{category: proxy}", "x: 1"));
    ready(true);
    assert_int_equal(run("{\"x\":1}", NULL), 3);
    assert_int_equal(run("{\"x\":1,\"product\":\"windows\"}", NULL), 2);
    assert_int_equal(run("{\"x\":1,\"product\":\"linux\",\"category\":\"dns\"}", NULL), 1);
    assert_int_equal(run("{\"x\":1,\"category\":\"proxy\"}", NULL), 3);
}

static void without_routing_all_are_tried(void **state)
{
    (void)state;
    rule(RULE("a", "{product: windows}", "x: 1"));
    rule(RULE("b", "{product: linux}", "x: 1"));
    ready(false);
    assert_int_equal(run("{\"x\":1,\"product\":\"windows\"}", NULL), 2);
}

static void more_sources_than_routes_still_get_their_rules(void **state)
{
    (void)state;
    char text[400];
    enum { PRODUCTS = RULESET_ROUTES_MAX + 40 };
    for (int i = 0; i < PRODUCTS; i++) {
        (void)snprintf(text, sizeof(text), RULE("r%d", "{product: p%d}", "x: 1"), i, i, i);
        rule(text);
    }
    ready(true);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < PRODUCTS; i++) {
            const uint32_t *found;
            (void)snprintf(text, sizeof(text), "{\"x\":1,\"product\":\"p%d\"}", i);
            assert_int_equal(run(text, &found), 1);
            assert_int_equal(found[0], i);
        }
}

static void a_filter_takes_findings_away(void **state)
{
    (void)state;
    rule("title: r\nid: 11111111-1111-4111-8111-111111111111\nlogsource: {product: p}\n"
         "detection:\n  s:\n    x: 1\n  condition: s\n");
    rule("title: f\nlogsource: {product: p}\nfilter:\n"
         "  rules: [11111111-1111-4111-8111-111111111111]\n  s:\n    user: admin\n"
         "  condition: s\n");
    ready(true);
    assert_int_equal(run("{\"x\":1,\"user\":\"bob\"}", NULL), 1);
    assert_int_equal(run("{\"x\":1,\"user\":\"ADMIN\"}", NULL), 0);
}

static void a_filter_for_any_rule_keeps_to_its_log_source(void **state)
{
    (void)state;
    rule(RULE("w", "{product: windows}", "x: 1"));
    rule(RULE("l", "{product: linux}", "x: 1"));
    rule("title: f\nlogsource: {product: windows}\nfilter:\n  rules: any\n  s:\n    user: admin\n"
         "  condition: s\n");
    ready(false);
    const uint32_t *found;
    assert_int_equal(run("{\"x\":1,\"user\":\"admin\"}", &found), 1);
    assert_int_equal(found[0], 1);
}

/* Tuning stands in a file of its own, read before or after the packs. */
static void filters_of_other_files_work_by_id_and_name(void **state)
{
    (void)state;
    static const char tuning[] =
        "title: f\nlogsource: {product: p}\nfilter:\n  rules: [gone, a, called]\n"
        "  s:\n    user: admin\n  condition: s\n"
        "---\ntitle: g\nlogsource: {product: p}\nfilter:\n  rules: [a]\n"
        "  s:\n    host: test\n  condition: s\n";
    for (unsigned first = 0; first < 2; first++) {
        if (first)
            rule(tuning);
        rule(RULE("a", "{product: p}", "x: 1"));
        rule("name: called\n" RULE("b", "{product: p}", "x: 1"));
        rule(RULE("c", "{product: p}", "x: 1"));
        if (!first)
            rule(tuning);
        struct sigma_options options = {0};
        sigma_check_set(&f.rules, &f.problems, &options, &f.arena);
        assert_int_equal(f.problems.error_count, 0);
        ready(true);
        assert_int_equal(run("{\"x\":1,\"user\":\"bob\"}", NULL), 3);
        const uint32_t *found;
        assert_int_equal(run("{\"x\":1,\"user\":\"admin\"}", &found), 1);
        assert_int_equal(found[0], first ? 4 : 2);
        assert_int_equal(run("{\"x\":1,\"host\":\"test\"}", NULL), 2);
        (void)teardown(NULL);
        (void)setup(NULL);
    }
}

static void matched_tells_the_received_values(void **state)
{
    (void)state;
    rule(RULE("a", "{product: p}",
              "Image|endswith: '\\cmd.exe'\n    CommandLine|contains: [x, WHO]"));
    ready(true);
    const uint32_t *found;
    struct matched_field fields[MATCHED_FIELDS_MAX];
    assert_int_equal(run("{\"Image\":\"C:\\\\Cmd.EXE\",\"CommandLine\":\"WhoAmI\\t/all\"}", &found),
                     1);
    assert_int_equal(matcher_matched(f.matcher, found[0], fields), 2);
    for (int i = 0; i < 2; i++) {
        bool image = slice_equal(fields[i].name, SLICE("Image"));
        assert_true(
            slice_equal(fields[i].value, image ? SLICE("C:\\Cmd.EXE") : SLICE("WhoAmI\t/all")));
    }
    assert_int_equal(run("{\"Image\":\"C:\\\\Cmd.EXE\"}", NULL), 0);
}

static void a_rule_without_witness_is_always_tried_on_its_source(void **state)
{
    (void)state;
    rule("title: n\nlogsource: {product: p}\ndetection:\n  s:\n    x: 1\n  condition: not s\n");
    rule("title: m\nlogsource: {product: p}\ndetection:\n  s:\n    y: null\n  condition: s\n");
    ready(true);
    struct ruleset_counts counts;
    ruleset_count(f.set, &counts);
    assert_int_equal(counts.always, 2);
    assert_int_equal(run("{\"z\":1,\"product\":\"p\"}", NULL), 2);
    assert_int_equal(run("{\"x\":1,\"y\":2,\"product\":\"p\"}", NULL), 0);
    /* of what nobody knows they would hold for everything */
    assert_int_equal(run("{\"z\":1}", NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(routing_leaves_out_what_contradicts, setup, teardown),
        cmocka_unit_test_setup_teardown(without_routing_all_are_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(more_sources_than_routes_still_get_their_rules, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_filter_takes_findings_away, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_of_other_files_work_by_id_and_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_filter_for_any_rule_keeps_to_its_log_source, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(matched_tells_the_received_values, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rule_without_witness_is_always_tried_on_its_source, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
