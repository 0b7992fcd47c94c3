/* Any bytes as a rule file: what is read is whole, within its limits, and can be asked. */
#include "base/mem.h"
#include "base/text.h"
#include "detection/sigma.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const samples[] = {"",
                                      "4688",
                                      "C:\\Windows\\System32\\cmd.exe /c whoami",
                                      "10.1.2.3",
                                      "2026-11-22T10:36:00Z",
                                      "\xff\xfe",
                                      "true"};

static void ask(const struct predicate *p)
{
    struct buf text = {0};
    check(predicate_equal(p, p));
    predicate_describe(p, &text);
    check(text.len > 0);
    buf_free(&text);
    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
        char folded[200];
        struct predicate_value value = {.text = slice_from(samples[i]), .kind = VALUE_STRING};
        value.folded = slice_make(folded, text_fold(folded, value.text));
        (void)predicate_test(p, &value, NULL, NULL, NULL);
        if (p->kind == PREDICATE_FIELDREF)
            (void)predicate_compare_fields(p, &value, &value);
    }
}

static uint32_t walk(const struct expr *e, uint32_t depth)
{
    check(depth <= RULE_DEPTH_MAX);
    if (e->kind == EXPR_PREDICATE) {
        check(e->child_count == 0 && e->predicate != NULL);
        check(e->predicate->keyword == (e->predicate->field.len == 0));
        ask(e->predicate);
        return 1;
    }
    check(e->child_count >= 1 && (e->kind != EXPR_NOT || e->child_count == 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->child_count; i++)
        count += walk(e->children[i], depth + 1);
    return count;
}

static void walk_rule(const struct rule *rule)
{
    check((rule->kind == RULE_CORRELATION) == (rule->correlation != NULL));
    check((rule->kind == RULE_CORRELATION) == (rule->condition == NULL));
    if (rule->condition)
        check(walk(rule->condition, 1) == rule->predicate_count);
    if (rule->correlation) {
        check(rule->correlation->timespan_ns > 0 && rule->correlation->rules.count > 0);
        check(rule->correlation->condition_count <= 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct rule_list rules = {0};
    struct problem_list problems = {0};
    struct sigma_placeholders placeholders;
    check(sigma_placeholders_read(&placeholders, SLICE("a: b\nlist: ['x*', 'y']\n"), &arena,
                                  NULL) == ERR_OK);
    struct sigma_options options = {.placeholders = &placeholders, .lint = true};
    uint32_t refused = sigma_read(&rules, &problems, SLICE("f.yml"),
                                  slice_make((const char *)data, size), &options, &arena);
    check(problems.error_count >= refused);
    for (uint32_t i = 0; i < rules.count; i++)
        walk_rule(rules.rules[i]);
    sigma_check_set(&rules, &problems, &options, &arena);
    for (uint32_t i = 0; i < problems.count; i++)
        check(problems.items[i].text.len > 0 && problems.items[i].code);
    rule_list_free(&rules);
    problem_list_free(&problems);
    sigma_placeholders_free(&placeholders);
    arena_free(&arena);
    return 0;
}
