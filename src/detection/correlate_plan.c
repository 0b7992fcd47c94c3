#include "detection/correlate_plan.h"

#include "base/map.h"
#include "base/mem.h"

struct planner {
    struct correlate_plan *plan;
    const struct rule_list *rules;
    struct map by_word; /* id or name -> index in rules */
    struct err *err;
};

static uint32_t rule_find(const struct planner *p, struct slice word)
{
    const struct map_entry *e = map_find(&p->by_word, word);
    return e ? (uint32_t)e->value : PLAN_NONE;
}

static struct slice rule_word(const struct rule *rule)
{
    return rule->title.len ? rule->title : rule->name.len ? rule->name : rule->id;
}

static void words_fill(struct planner *p)
{
    for (uint32_t i = 0; i < p->rules->count; i++) {
        const struct rule *rule = p->rules->rules[i];
        if (rule->id.len)
            (void)map_put(&p->by_word, rule->id, i, NULL);
        if (rule->name.len)
            (void)map_put(&p->by_word, rule->name, i, NULL);
    }
}

static enum window_kind window_kind_of(const struct correlation *c)
{
    switch (c->kind) {
    case CORRELATE_EVENT_COUNT:
        return WINDOW_COUNT;
    case CORRELATE_VALUE_COUNT:
        return WINDOW_DISTINCT;
    case CORRELATE_VALUE_SUM:
    case CORRELATE_VALUE_AVG:
        return WINDOW_SUM;
    case CORRELATE_VALUE_PERCENTILE:
        return c->percentile < 0 ? WINDOW_DISTINCT : WINDOW_RANK;
    case CORRELATE_TEMPORAL:
        return WINDOW_MEMBERS;
    case CORRELATE_TEMPORAL_ORDERED:
        break;
    }
    return c->extended ? WINDOW_MEMBERS : WINDOW_ORDERED;
}

static bool expr_negates(const struct expr *e)
{
    if (e->kind == EXPR_NOT)
        return true;
    for (uint32_t i = 0; i < e->child_count; i++)
        if (expr_negates(e->children[i]))
            return true;
    return false;
}

/* What a later input can make false again is judged when the window is over. */
static bool is_tumbling(const struct correlation *c)
{
    if (c->kind == CORRELATE_VALUE_PERCENTILE && c->percentile < 0)
        return false;
    if (c->extended)
        return expr_negates(c->extended);
    for (uint32_t i = 0; i < c->condition_count; i++)
        if (c->conditions[i].op == COMPARE_LT || c->conditions[i].op == COMPARE_LTE ||
            c->conditions[i].op == COMPARE_NEQ)
            return true;
    return false;
}

static bool kind_has_fields(enum correlation_kind kind)
{
    return kind == CORRELATE_VALUE_COUNT || kind == CORRELATE_VALUE_SUM ||
           kind == CORRELATE_VALUE_AVG || kind == CORRELATE_VALUE_PERCENTILE;
}

static int extended_check(const struct planner *p, const struct plan_correlation *c,
                          const struct expr *e, uint32_t depth)
{
    const struct slice word = rule_word(p->rules->rules[c->rule]);
    if (depth > RULE_DEPTH_MAX)
        return err_set(p->err, ERR_LIMIT, "correlation \"%.*s\": the condition is nested too deep",
                       (int)word.len, word.data);
    if (e->kind == EXPR_PREDICATE && plan_member(c, e->predicate->field) == PLAN_NONE)
        return err_set(
            p->err, ERR_NOT_FOUND,
            "correlation \"%.*s\": the condition names \"%.*s\", which is not in its list "
            "of rules",
            (int)word.len, word.data, (int)e->predicate->field.len, e->predicate->field.data);
    for (uint32_t i = 0; i < e->child_count; i++) {
        int rc = extended_check(p, c, e->children[i], depth + 1);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

/* Members: the referred rules, each once, numbered by their first place in the list. */
static int correlation_plan(struct planner *p, struct plan_correlation *out, uint32_t rule)
{
    const struct correlation *c = p->rules->rules[rule]->correlation;
    const struct slice word = rule_word(p->rules->rules[rule]);
    *out = (struct plan_correlation){.meaning = c, .rule = rule};
    if (c->timespan_ns <= 0 || c->rules.count == 0 ||
        (kind_has_fields(c->kind) && c->fields.count == 0))
        return err_set(p->err, ERR_SYNTAX,
                       "correlation \"%.*s\" needs rules, a timespan and, for values, a field",
                       (int)word.len, word.data);
    out->sequence = arena_zeroed(&p->plan->arena, c->rules.count, sizeof(*out->sequence));
    for (uint32_t i = 0; i < c->rules.count; i++) {
        uint32_t referred = rule_find(p, c->rules.items[i]);
        if (referred == PLAN_NONE || p->rules->rules[referred]->kind == RULE_FILTER)
            return err_set(p->err, ERR_NOT_FOUND,
                           "correlation \"%.*s\" refers to the rule \"%.*s\", which is not there",
                           (int)word.len, word.data, (int)c->rules.items[i].len,
                           c->rules.items[i].data);
        uint32_t first = 0;
        while (rule_find(p, c->rules.items[first]) != referred)
            first++;
        out->sequence[i] = first < i ? out->sequence[first] : out->form.member_count++;
    }
    out->form.kind = window_kind_of(c);
    out->form.timespan_ns = c->timespan_ns;
    out->form.sequence = out->sequence;
    out->form.sequence_count = c->rules.count;
    out->tumbling = is_tumbling(c);
    if (out->tumbling)
        out->form.timespan_ns =
            INT64_MAX; /* nothing slides out: the window is emptied when it ends */
    out->share = c->kind == CORRELATE_VALUE_PERCENTILE && c->percentile < 0;
    if (c->timespan_ns > p->plan->longest_ns)
        p->plan->longest_ns = c->timespan_ns;
    return c->extended ? extended_check(p, out, c->extended, 0) : ERR_OK;
}

uint32_t plan_member(const struct plan_correlation *c, struct slice name)
{
    for (uint32_t i = 0; i < c->meaning->rules.count; i++)
        if (slice_equal(c->meaning->rules.items[i], name))
            return c->sequence[i];
    return PLAN_NONE;
}

/* The field of this rule that the correlation's name stands for. */
static struct slice alias_field(const struct planner *p, const struct correlation *c,
                                struct slice name, uint32_t rule)
{
    for (uint32_t i = 0; i < c->alias_count; i++) {
        const struct correlation_alias *alias = &c->aliases[i];
        if (!slice_equal(alias->name, name))
            continue;
        for (uint32_t j = 0; j < alias->rules.count && j < alias->fields.count; j++)
            if (rule_find(p, alias->rules.items[j]) == rule)
                return alias->fields.items[j];
    }
    return name;
}

/* The index of the field among the values an input of this rule carries. A detection rule is asked
 * for every field; a correlation has the values of its groups and no more. */
static uint32_t field_index(struct planner *p, uint32_t rule, struct slice name)
{
    struct plan_rule *r = &p->plan->rules[rule];
    const struct correlation *own = p->rules->rules[rule]->correlation;
    if (own) {
        for (uint32_t i = 0; i < own->group_by.count; i++)
            if (slice_equal(own->group_by.items[i], name))
                return i;
        return PLAN_NONE;
    }
    for (uint32_t i = 0; i < r->field_count; i++)
        if (slice_equal(r->fields[i], name))
            return i;
    struct slice *grown = arena_zeroed(&p->plan->arena, r->field_count + 1, sizeof(*grown));
    if (r->field_count)
        memcpy(grown, r->fields, r->field_count * sizeof(*grown));
    grown[r->field_count] = arena_copy(&p->plan->arena, name);
    r->fields = grown;
    return r->field_count++;
}

static uint32_t *field_indexes(struct planner *p, const struct correlation *c, uint32_t rule,
                               const struct slice_list *names)
{
    uint32_t *indexes = arena_zeroed(&p->plan->arena, names->count + 1, sizeof(*indexes));
    for (uint32_t i = 0; i < names->count; i++)
        indexes[i] = field_index(p, rule, alias_field(p, c, names->items[i], rule));
    return indexes;
}

static void feeds_plan(struct planner *p, uint32_t target)
{
    struct plan_correlation *t = &p->plan->correlations[target];
    const struct correlation *c = t->meaning;
    static const struct slice_list none;
    for (uint32_t i = 0, next_member = 0; i < c->rules.count; i++) {
        if (t->sequence[i] != next_member)
            continue; /* comes again */
        next_member++;
        uint32_t rule = rule_find(p, c->rules.items[i]);
        struct plan_rule *r = &p->plan->rules[rule];
        struct plan_feed *grown = arena_zeroed(&p->plan->arena, r->feed_count + 1, sizeof(*grown));
        if (r->feed_count)
            memcpy(grown, r->feeds, r->feed_count * sizeof(*grown));
        grown[r->feed_count++] = (struct plan_feed){
            .target = target,
            .member = t->sequence[i],
            .group_fields = field_indexes(p, c, rule, &c->group_by),
            .value_fields =
                field_indexes(p, c, rule, kind_has_fields(c->kind) ? &c->fields : &none),
        };
        r->feeds = grown;
        r->shows = c->generate || (r->feed_count > 1 && r->shows);
    }
}

/* Depths settle within RULE_CHAIN_MAX rounds; where they do not, the chain is too long or a circle.
 */
static int depths_check(struct planner *p)
{
    for (int round = 0; round <= RULE_CHAIN_MAX; round++) {
        bool settled = true, too_deep = false;
        for (uint32_t i = 0; i < p->plan->correlation_count; i++) {
            struct plan_correlation *c = &p->plan->correlations[i];
            uint32_t depth = 1;
            for (uint32_t j = 0; j < c->meaning->rules.count; j++) {
                uint32_t below =
                    p->plan->rules[rule_find(p, c->meaning->rules.items[j])].correlation;
                if (below != PLAN_NONE && p->plan->correlations[below].depth >= depth)
                    depth = p->plan->correlations[below].depth + 1;
            }
            settled = settled && depth == c->depth;
            c->depth = depth;
            too_deep = too_deep || depth > RULE_CHAIN_MAX;
        }
        if (too_deep)
            break;
        if (settled)
            return ERR_OK;
    }
    return err_set(
        p->err, ERR_LIMIT,
        "correlations that refer to one another make a circle or a chain of more than %d",
        RULE_CHAIN_MAX);
}

int correlate_plan_open(struct correlate_plan **out, const struct rule_list *rules, struct err *err)
{
    struct correlate_plan *plan = mem_zeroed(1, sizeof(*plan));
    struct planner p = {.plan = plan, .rules = rules, .err = err};
    int rc = ERR_OK;
    words_fill(&p);
    plan->rule_count = rules->count;
    plan->rules = arena_zeroed(&plan->arena, rules->count + 1, sizeof(*plan->rules));
    for (uint32_t i = 0; i < rules->count; i++) {
        bool correlates = rules->rules[i]->kind == RULE_CORRELATION;
        plan->rules[i].correlation = correlates ? plan->correlation_count++ : PLAN_NONE;
        plan->rules[i].shows = true;
    }
    plan->correlations =
        arena_zeroed(&plan->arena, plan->correlation_count + 1, sizeof(*plan->correlations));
    for (uint32_t i = 0; i < rules->count && !rc; i++)
        if (plan->rules[i].correlation != PLAN_NONE)
            rc = correlation_plan(&p, &plan->correlations[plan->rules[i].correlation], i);
    if (!rc)
        rc = depths_check(&p);
    for (uint32_t i = 0; i < plan->correlation_count && !rc; i++)
        feeds_plan(&p, i);
    map_free(&p.by_word);
    if (rc)
        correlate_plan_close(&plan);
    *out = plan;
    return rc;
}

void correlate_plan_close(struct correlate_plan **plan)
{
    if (!*plan)
        return;
    arena_free(&(*plan)->arena);
    mem_free(*plan);
    *plan = NULL;
}

uint32_t correlate_plan_fields(const struct correlate_plan *plan, uint32_t rule,
                               const struct slice **fields, bool *is_input)
{
    const struct plan_rule *r = &plan->rules[rule];
    *is_input = r->feed_count > 0 && r->correlation == PLAN_NONE;
    *fields = r->fields;
    return *is_input ? r->field_count : 0;
}

bool correlate_plan_shows(const struct correlate_plan *plan, uint32_t rule)
{
    return plan->rules[rule].shows;
}

int64_t correlate_plan_longest_ns(const struct correlate_plan *plan)
{
    return plan->longest_ns;
}
