/* What only the whole set of rules shows: doubled ids, references, circles. */
#include "base/mem.h"
#include "detection/sigma_inside.h"

struct set {
    struct rule_list *rules;
    struct problem_list *problems;
    struct arena *arena;
    struct map ids, names; /* value: index of the rule */
    bool *bad;
    uint32_t *level; /* of a correlation: 1 + the highest of what it refers to; 0: not known yet */
};

static void set_problem(struct set *s, enum problem_level level, const char *code,
                        const struct rule *rule, struct slice text)
{
    problem_add(s->problems, s->arena, level, code, rule->file, rule->line, 1, "%.*s",
                (int)(text.len > 500 ? 500 : text.len), text.data);
}

/* Index of the rule of that id or name, or UINT32_MAX. */
static uint32_t set_find(const struct set *s, struct slice reference)
{
    const struct map_entry *entry = map_find(&s->ids, reference);
    if (!entry)
        entry = map_find(&s->names, reference);
    return entry ? (uint32_t)entry->value : UINT32_MAX;
}

static void index_rule(struct set *s, uint32_t i)
{
    struct rule *rule = s->rules->rules[i];
    bool made = true;
    struct map_entry *entry = NULL;
    if (rule->id.len > 0)
        entry = map_put(&s->ids, rule->id, i, &made);
    if (!made) {
        const struct rule *first = s->rules->rules[entry->value];
        s->bad[i] = true;
        set_problem(s, PROBLEM_ERROR, "duplicate-id", rule,
                    arena_printf(s->arena,
                                 "the id %.*s is taken by %.*s line %u: give this rule another id, "
                                 "or load it once",
                                 sigma_width(rule->id), rule->id.data, sigma_width(first->file),
                                 first->file.data, first->line));
        return;
    }
    if (rule->name.len > 0)
        entry = map_put(&s->names, rule->name, i, &made);
    if (!made) {
        const struct rule *first = s->rules->rules[entry->value];
        set_problem(
            s, PROBLEM_WARNING, "duplicate-name", rule,
            arena_printf(s->arena,
                         "the name %.*s is taken by %.*s line %u: correlations mean that one",
                         sigma_width(rule->name), rule->name.data, sigma_width(first->file),
                         first->file.data, first->line));
    }
}

/* Takes out what refers to a rule that is not there; says whether anything changed. */
static bool drop_dangling(struct set *s, uint32_t i)
{
    const struct rule *rule = s->rules->rules[i];
    const struct slice_list *wanted = &rule->correlation->rules;
    for (uint32_t j = 0; j < wanted->count; j++) {
        struct slice reference = wanted->items[j];
        uint32_t at = set_find(s, reference);
        bool filter = at != UINT32_MAX && s->rules->rules[at]->kind == RULE_FILTER;
        if (at != UINT32_MAX && !s->bad[at] && !filter)
            continue;
        s->bad[i] = true;
        set_problem(s, PROBLEM_ERROR, "unknown-rule", rule,
                    arena_printf(s->arena, "the correlation names '%.*s', %s",
                                 sigma_width(reference), reference.data,
                                 filter
                                     ? "which is a filter: name a rule"
                                     : "which is not loaded or was refused: load that rule, too"));
        return true;
    }
    return false;
}

/* Gives a correlation its level once all it refers to have theirs; says whether it did. */
static bool set_level(struct set *s, uint32_t i)
{
    const struct slice_list *wanted = &s->rules->rules[i]->correlation->rules;
    uint32_t highest = 0;
    for (uint32_t j = 0; j < wanted->count; j++) {
        uint32_t at = set_find(s, wanted->items[j]);
        bool correlation = s->rules->rules[at]->kind == RULE_CORRELATION;
        if (correlation && s->level[at] == 0)
            return false;
        if (correlation && s->level[at] > highest)
            highest = s->level[at];
    }
    s->level[i] = highest + 1;
    return true;
}

static bool is_correlation(const struct set *s, uint32_t i)
{
    return !s->bad[i] && s->rules->rules[i]->kind == RULE_CORRELATION;
}

static void check_correlations(struct set *s)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < s->rules->count; i++)
            if (is_correlation(s, i))
                changed = drop_dangling(s, i) || changed;
    }
    /* one level more a pass: what has none after RULE_CHAIN_MAX is too long a chain, or a circle */
    for (uint32_t pass = 0; pass < RULE_CHAIN_MAX; pass++)
        for (uint32_t i = 0; i < s->rules->count; i++)
            if (is_correlation(s, i) && s->level[i] == 0)
                (void)set_level(s, i);
    for (uint32_t i = 0; i < s->rules->count; i++) {
        if (!is_correlation(s, i) || (s->level[i] > 0 && s->level[i] <= RULE_CHAIN_MAX))
            continue;
        set_problem(
            s, PROBLEM_ERROR, "correlation-circle", s->rules->rules[i],
            arena_printf(s->arena,
                         "the correlation refers to itself through others, or is a chain of "
                         "more than %d: take one reference out",
                         RULE_CHAIN_MAX));
    }
    for (uint32_t i = 0; i < s->rules->count; i++)
        if (is_correlation(s, i) && (s->level[i] == 0 || s->level[i] > RULE_CHAIN_MAX))
            s->bad[i] = true;
}

/* The field that the correlation's name stands for in events of the rule of that reference. */
static struct slice alias_field(const struct correlation *c, struct slice name,
                                struct slice reference)
{
    for (uint32_t i = 0; i < c->alias_count; i++)
        for (uint32_t j = 0; j < c->aliases[i].rules.count; j++)
            if (slice_equal(c->aliases[i].name, name) &&
                slice_equal(c->aliases[i].rules.items[j], reference))
                return c->aliases[i].fields.items[j];
    return name;
}

static bool groups_by(const struct correlation *c, struct slice field)
{
    for (uint32_t i = 0; i < c->group_by.count; i++)
        if (slice_equal(c->group_by.items[i], field))
            return true;
    return false;
}

/* What a correlation finds has the values of its groups and no others: another one that asks for
 * more of it would wait in silence. */
static void check_chain(struct set *s, const struct rule *rule, const struct slice_list *wanted)
{
    const struct correlation *c = rule->correlation;
    for (uint32_t i = 0; i < c->rules.count; i++) {
        struct slice reference = c->rules.items[i];
        const struct correlation *inner = s->rules->rules[set_find(s, reference)]->correlation;
        for (uint32_t j = 0; inner && j < wanted->count; j++) {
            struct slice field = alias_field(c, wanted->items[j], reference);
            if (groups_by(inner, field))
                continue;
            set_problem(s, PROBLEM_WARNING, "not-grouped", rule,
                        arena_printf(s->arena,
                                     "the correlation needs '%.*s' of '%.*s', which does not group "
                                     "by it, so nothing of that rule is counted: add '%.*s' to "
                                     "its group-by",
                                     sigma_width(field), field.data, sigma_width(reference),
                                     reference.data, sigma_width(field), field.data));
        }
    }
}

/* A filter outlives the rules that it names (an update may take one away): only warned of. */
static void check_filter(struct set *s, const struct rule *rule)
{
    struct slice title = rule->title.len ? rule->title : rule->id;
    if (rule->condition && rule->condition->kind == EXPR_NOT)
        set_problem(s, PROBLEM_WARNING, "negated-filter", rule,
                    arena_printf(s->arena,
                                 "the filter '%.*s' suppresses whatever its selection is *not*: a "
                                 "condition says what to suppress, so `not` is probably to be "
                                 "left out",
                                 sigma_width(title), title.data));
    for (uint32_t j = 0; j < rule->filter_rules.count; j++) {
        struct slice reference = rule->filter_rules.items[j];
        if (slice_equal(reference, SLICE("any")))
            continue;
        uint32_t at = set_find(s, reference);
        if (at == UINT32_MAX || s->bad[at])
            set_problem(s, PROBLEM_WARNING, "unknown-rule", rule,
                        arena_printf(s->arena,
                                     "the filter '%.*s' names the rule '%.*s', which is not "
                                     "loaded: it does nothing there",
                                     sigma_width(title), title.data, sigma_width(reference),
                                     reference.data));
        else if (s->rules->rules[at]->kind != RULE_DETECTION)
            set_problem(s, PROBLEM_WARNING, "unknown-rule", rule,
                        arena_printf(s->arena,
                                     "the filter '%.*s' names '%.*s', which is no detection rule: "
                                     "filters suppress events of detection rules only",
                                     sigma_width(title), title.data, sigma_width(reference),
                                     reference.data));
    }
}

void sigma_check_set(struct rule_list *rules, struct problem_list *problems,
                     const struct sigma_options *options, struct arena *arena)
{
    (void)options;
    struct set s = {.rules = rules, .problems = problems, .arena = arena};
    s.bad = mem_zeroed(rules->count + 1, sizeof(*s.bad));
    s.level = mem_zeroed(rules->count + 1, sizeof(*s.level));
    for (uint32_t i = 0; i < rules->count; i++)
        index_rule(&s, i);
    check_correlations(&s);
    for (uint32_t i = 0; i < rules->count; i++)
        if (!s.bad[i] && rules->rules[i]->kind == RULE_FILTER)
            check_filter(&s, rules->rules[i]);
    for (uint32_t i = 0; i < rules->count; i++)
        if (is_correlation(&s, i)) {
            check_chain(&s, rules->rules[i], &rules->rules[i]->correlation->group_by);
            check_chain(&s, rules->rules[i], &rules->rules[i]->correlation->fields);
        }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rules->count; i++)
        if (!s.bad[i])
            rules->rules[kept++] = rules->rules[i];
    rules->count = kept;
    map_free(&s.ids);
    map_free(&s.names);
    mem_free(s.bad);
    mem_free(s.level);
}
