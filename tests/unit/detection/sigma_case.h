/* For tests: a rule text read by sigma_read and asked of a few facts in the plainest way. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "detection/sigma.h"

struct fact { /* a list of them ends with field NULL */
    const char *field, *value;
    enum value_kind kind;
};
#define FACTS(...) ((const struct fact[]){__VA_ARGS__, {NULL, NULL, VALUE_NULL}})

struct sigma_case {
    struct arena arena;
    struct rule_list rules;
    struct problem_list problems;
    struct sigma_placeholders placeholders;
    bool lint;
};

static inline void case_free(struct sigma_case *c)
{
    rule_list_free(&c->rules);
    problem_list_free(&c->problems);
    sigma_placeholders_free(&c->placeholders);
    arena_free(&c->arena);
    *c = (struct sigma_case){0};
}

static inline uint32_t case_read(struct sigma_case *c, const char *text)
{
    struct sigma_options options = {.placeholders = &c->placeholders, .lint = c->lint};
    /* of its exact size, so that reading past its end is seen, and gone afterwards */
    size_t length = strlen(text);
    char *copy = mem_alloc(length);
    memcpy(copy, text, length);
    uint32_t refused = sigma_read(&c->rules, &c->problems, SLICE("rule.yml"),
                                  slice_make(copy, length), &options, &c->arena);
    mem_free(copy);
    return refused;
}

/* A rule with this text (indented by 4) as its detection section. */
static inline uint32_t case_detection(struct sigma_case *c, const char *detection)
{
    struct buf text = {0};
    buf_printf(&text, "title: t\nlogsource: {product: windows}\ndetection:\n%s", detection);
    uint32_t refused = case_read(c, buf_text(&text));
    buf_free(&text);
    return refused;
}

static inline struct predicate_value case_value(struct arena *arena, const struct fact *fact)
{
    struct predicate_value v = {.text = slice_from(fact->value), .kind = fact->kind};
    char *folded = arena_bytes(arena, text_fold_room(v.text.len));
    v.folded = slice_make(folded, text_fold(folded, v.text));
    return v;
}

static inline bool case_compare(struct arena *arena, const struct predicate *p,
                                const struct predicate_value *value, const struct fact *facts)
{
    for (; facts->field; facts++) {
        struct predicate_value other = case_value(arena, facts);
        if (slice_equal(slice_from(facts->field), p->other) &&
            predicate_compare_fields(p, value, &other))
            return true;
    }
    return false;
}

static inline bool case_ask(struct arena *arena, const struct predicate *p,
                            const struct fact *facts)
{
    bool present = false, any = false, every = true;
    struct regex *regex = NULL;
    struct regex_scratch *scratch = NULL;
    if (p->kind == PREDICATE_REGEX) {
        assert_int_equal(regex_open(&regex, p->text, p->regex_flags, true, NULL), ERR_OK);
        scratch = regex_scratch_open();
    }
    for (const struct fact *f = facts; f->field; f++) {
        if (!p->keyword && !slice_equal(slice_from(f->field), p->field))
            continue;
        struct predicate_value value = case_value(arena, f);
        bool yes = p->kind == PREDICATE_FIELDREF ? case_compare(arena, p, &value, facts)
                                                 : predicate_test(p, &value, regex, scratch, NULL);
        present = true;
        any = any || yes;
        every = every && yes;
    }
    regex_close(&regex);
    regex_scratch_close(&scratch);
    if (!present)
        return p->kind == PREDICATE_NULL;
    return p->all_members ? every : any;
}

static inline bool case_holds(struct arena *arena, const struct expr *e, const struct fact *facts)
{
    if (e->kind == EXPR_PREDICATE)
        return case_ask(arena, e->predicate, facts);
    if (e->kind == EXPR_NOT)
        return !case_holds(arena, e->children[0], facts);
    bool is_and = e->kind == EXPR_AND;
    for (uint32_t i = 0; i < e->child_count; i++)
        if (case_holds(arena, e->children[i], facts) != is_and)
            return !is_and;
    return is_and;
}

/* Whether the rule with this detection section matches the facts; it must be a good one. */
static inline bool detects(const char *detection, const struct fact *facts)
{
    struct sigma_case c = {0};
    if (case_detection(&c, detection))
        fail_msg("refused: %.*s", (int)c.problems.items[0].text.len, c.problems.items[0].text.data);
    bool yes = case_holds(&c.arena, c.rules.rules[0]->condition, facts);
    case_free(&c);
    return yes;
}

/* Whether `item` (one line, "field|modifier: value") matches the facts. */
static inline bool item_detects(const char *item, const struct fact *facts)
{
    struct buf text = {0};
    buf_printf(&text, "    selection:\n        %s\n    condition: selection\n", item);
    bool yes = detects(buf_text(&text), facts);
    buf_free(&text);
    return yes;
}

static inline void assert_problem(const struct sigma_case *c, uint32_t i, const char *code,
                                  const char *part)
{
    if (i >= c->problems.count)
        fail_msg("no problem %u, wanted %s", i, code);
    const struct problem *p = &c->problems.items[i];
    assert_string_equal(p->code, code);
    if (slice_find(p->text, slice_from(part)) == SLICE_NONE)
        fail_msg("'%.*s' lacks '%s'", (int)p->text.len, p->text.data, part);
}

/* The detection section is refused for this reason, in words with this part. */
static inline void refuses(const char *detection, const char *code, const char *part)
{
    struct sigma_case c = {0};
    assert_int_equal(case_detection(&c, detection), 1);
    assert_int_equal(c.rules.count, 0);
    assert_problem(&c, 0, code, part);
    assert_true(c.problems.items[0].level == PROBLEM_ERROR);
    assert_true(c.problems.items[0].line > 0);
    case_free(&c);
}

static inline void item_refuses(const char *item, const char *code, const char *part)
{
    struct buf text = {0};
    buf_printf(&text, "    selection:\n        %s\n    condition: selection\n", item);
    refuses(buf_text(&text), code, part);
    buf_free(&text);
}
