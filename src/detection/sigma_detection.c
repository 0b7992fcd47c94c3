/* The detection section: its selections, each an expression, and the condition over them. */
#include "base/text.h"
#include "detection/sigma_inside.h"

static uint32_t expr_depth(const struct expr *e)
{
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < e->child_count; i++) {
        uint32_t depth = expr_depth(e->children[i]);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

/* One `key: value` of a selection. */
static bool read_item(struct sigma_reader *r, const struct yaml_node *node)
{
    struct modifiers m;
    uint32_t base = r->stack.count;
    if (!modifier_read(r, &m, node->key, node->key_line, node->key_column))
        return false;
    bool list = node->kind == YAML_LIST;
    const struct yaml_node *value = list ? node->child : node;
    for (; value; value = list ? value->next : NULL) {
        if (list && value->kind == YAML_NULL) {
            sigma_error(r, "bad-null", value->line, value->column,
                        "null cannot be in a list: make a selection of its own for it");
            return false;
        }
        if (!modifier_value(r, &m, value))
            return false;
    }
    if (list && node->child_count == 0) {
        sigma_error(r, "empty-list", node->line, node->column,
                    "the list has no values: remove the item or fill it");
        return false;
    }
    if (m.all && (!list || node->child_count == 1))
        sigma_warning(r, "all-single", node->key_line, node->key_column,
                      "'all' with one value does nothing: remove it");
    struct expr *e = sigma_pop_group(r, base, m.all ? EXPR_AND : EXPR_OR, node->key_line);
    if (m.neq)
        e = sigma_expr_not(r, e, node->key_line);
    sigma_push(r, e);
    return true;
}

static bool read_map(struct sigma_reader *r, const struct yaml_node *map)
{
    uint32_t base = r->stack.count;
    if (map->child_count == 0) {
        sigma_error(r, "empty-selection", map->line, map->column,
                    "the selection is empty: it would match every event");
        return false;
    }
    for (const struct yaml_node *n = map->child; n; n = n->next)
        if (!read_item(r, n))
            return false;
    sigma_push(r, sigma_pop_group(r, base, EXPR_AND, map->line));
    return true;
}

/* A text or number without a field is searched in every value. */
static bool read_keyword(struct sigma_reader *r, const struct yaml_node *node)
{
    static const struct modifiers keyword = {.keyword = true, .number_op = PREDICATE_NUMBER};
    return modifier_value(r, &keyword, node);
}

static struct expr *read_selection(struct sigma_reader *r, const struct yaml_node *node)
{
    uint32_t base = r->stack.count;
    bool list = node->kind == YAML_LIST, good = true;
    if (list && node->child_count == 0) {
        sigma_error(r, "empty-selection", node->line, node->column, "the selection is empty");
        return NULL;
    }
    const struct yaml_node *n = list ? node->child : node;
    for (; n && good; n = list ? n->next : NULL)
        good = n->kind == YAML_MAP ? read_map(r, n) : read_keyword(r, n);
    if (!good) {
        r->stack.count = base;
        return NULL;
    }
    return sigma_pop_group(r, base, EXPR_OR, node->line);
}

static bool is_selection(const struct yaml_node *node, bool filter)
{
    return !slice_equal(node->key, SLICE("condition")) &&
           !slice_equal(node->key, SLICE("timeframe")) &&
           !(filter && slice_equal(node->key, SLICE("rules")));
}

static bool read_selections(struct sigma_reader *r, const struct yaml_node *section, bool filter,
                            struct selection_list *out)
{
    *out = (struct selection_list){0};
    if (section->child_count > SIGMA_SELECTIONS_MAX) {
        sigma_error(r, "too-large", section->line, section->column, "more than %d selections",
                    SIGMA_SELECTIONS_MAX);
        return false;
    }
    out->items = arena_alloc(r->scratch, (section->child_count + 1) * sizeof(*out->items));
    bool good = true;
    for (const struct yaml_node *n = section->child; n; n = n->next) {
        if (slice_equal(n->key, SLICE("timeframe")))
            sigma_warning(
                r, "old-timeframe", n->key_line, n->key_column,
                "timeframe has no meaning here any more: a correlation rule has timespan");
        if (!is_selection(n, filter))
            continue;
        struct selection s = {
            .name = arena_copy(r->arena, n->key), .line = n->key_line, .column = n->key_column};
        s.expr = read_selection(r, n);
        good = good && s.expr;
        if (s.expr)
            s.expr->label = s.name;
        out->items[out->count++] = s;
    }
    if (good && out->count == 0) {
        sigma_error(r, "no-selection", section->line, section->column,
                    "there is no selection: add one with what is looked for");
        return false;
    }
    return good;
}

static struct expr *read_conditions(struct sigma_reader *r, struct selection_list *selections,
                                    const struct yaml_node *condition)
{
    uint32_t base = r->stack.count;
    bool list = condition->kind == YAML_LIST;
    const struct yaml_node *n = list ? condition->child : condition;
    for (; n; n = list ? n->next : NULL) {
        struct expr *one = NULL;
        if (n->kind == YAML_LIST || n->kind == YAML_MAP || n->kind == YAML_NULL)
            sigma_error(r, "bad-condition", n->line, n->column,
                        "a condition must be a text like 'selection and not filter'");
        else
            one = condition_read(r, selections, n->text, n);
        if (!one) {
            r->stack.count = base;
            return NULL;
        }
        sigma_push(r, one);
    }
    struct expr *e = sigma_pop_group(r, base, EXPR_OR, condition->line);
    if (!e)
        sigma_error(r, "bad-condition", condition->line, condition->column,
                    "the list of conditions is empty");
    return e;
}

struct expr *sigma_detection(struct sigma_reader *r, const struct yaml_node *section, bool filter)
{
    struct selection_list selections;
    if (section->kind != YAML_MAP) {
        sigma_error(r, "bad-detection", section->line, section->column,
                    "'%s' must be a map of selections and a condition",
                    filter ? "filter" : "detection");
        return NULL;
    }
    if (!read_selections(r, section, filter, &selections))
        return NULL;
    const struct yaml_node *condition = yaml_get(section, "condition");
    if (!condition) {
        sigma_error(r, "no-condition", section->line, section->column,
                    "there is no condition: add one, like 'condition: %.*s'",
                    sigma_width(selections.items[0].name), selections.items[0].name.data);
        return NULL;
    }
    struct expr *e = read_conditions(r, &selections, condition);
    if (!e)
        return NULL;
    if (sigma_expr_size(e, RULE_PREDICATES_MAX) > RULE_PREDICATES_MAX) {
        sigma_error(r, "too-large", condition->line, condition->column,
                    "the condition asks more than %d questions: divide the rule",
                    RULE_PREDICATES_MAX);
        return NULL;
    }
    if (expr_depth(e) > RULE_DEPTH_MAX) {
        sigma_error(r, "too-deep", condition->line, condition->column,
                    "the condition has more than %d levels", RULE_DEPTH_MAX);
        return NULL;
    }
    for (uint32_t i = 0; i < selections.count; i++)
        if (!selections.items[i].used)
            sigma_warning(r, "unused-selection", selections.items[i].line,
                          selections.items[i].column, "no condition uses the selection '%.*s'",
                          sigma_width(selections.items[i].name), selections.items[i].name.data);
    return e;
}
