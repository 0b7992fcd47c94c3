/* The correlation section (Sigma correlation rules specification 2.1.0). */
#include "base/clock.h"
#include "base/text.h"
#include "detection/sigma_inside.h"

enum { TIMESPAN_DAYS_MAX = 3660, CORRELATION_RULES_MAX = 1000, CORRELATION_FIELDS_MAX = 32 };

static const char *const section_keys[] = {"type",    "rules",     "group-by", "timespan",
                                           "aliases", "condition", "generate", NULL};

static bool is_temporal(enum correlation_kind kind)
{
    return kind == CORRELATE_TEMPORAL || kind == CORRELATE_TEMPORAL_ORDERED;
}

static void check_keys(struct sigma_reader *r, const struct yaml_node *section)
{
    for (const struct yaml_node *n = section->child; n; n = n->next) {
        bool known = false;
        for (int i = 0; section_keys[i] && !known; i++)
            known = slice_equal(n->key, slice_from(section_keys[i]));
        if (known)
            continue;
        const char *near = text_nearest(n->key, section_keys);
        if (slice_equal(n->key, SLICE("timeframe")))
            near = "timespan";
        sigma_error(r, "unknown-key", n->key_line, n->key_column,
                    "a correlation has no '%.*s'%s%s%s", sigma_width(n->key), n->key.data,
                    near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
}

static bool read_type(struct sigma_reader *r, const struct yaml_node *section,
                      struct correlation *c)
{
    const struct yaml_node *node = yaml_get(section, "type");
    struct slice text = yaml_text(node);
    for (int i = 0; correlation_kind_names[i]; i++)
        if (slice_equal(text, slice_from(correlation_kind_names[i]))) {
            c->kind = (enum correlation_kind)i;
            return true;
        }
    const char *near = text_nearest(text, correlation_kind_names);
    if (!node)
        node = section;
    sigma_error(r, "unknown-correlation", node->line, node->column,
                "'type' must be event_count, value_count, value_sum, value_avg, value_percentile, "
                "temporal or temporal_ordered%s%s%s",
                near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static bool list_has(const struct slice_list *list, struct slice word)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (slice_equal(list->items[i], word))
            return true;
    return false;
}

static void read_rules(struct sigma_reader *r, const struct yaml_node *section,
                       struct correlation *c)
{
    const struct yaml_node *node = yaml_get(section, "rules");
    if (!sigma_text_list(r, node, &c->rules) || c->rules.count == 0) {
        sigma_error(r, "bad-correlation", node ? node->line : section->line,
                    node ? node->column : section->column,
                    "a correlation needs 'rules': a list of rule ids or names");
        return;
    }
    if (c->rules.count > CORRELATION_RULES_MAX) {
        sigma_error(r, "too-large", node->line, node->column, "more than %d rules in a correlation",
                    CORRELATION_RULES_MAX);
        return;
    }
    for (uint32_t i = 1; i < c->rules.count; i++) {
        struct slice_list before = {c->rules.items, i};
        if (c->kind != CORRELATE_TEMPORAL_ORDERED && list_has(&before, c->rules.items[i]))
            sigma_error(r, "bad-correlation", node->line, node->column,
                        "the rule '%.*s' is named twice", sigma_width(c->rules.items[i]),
                        c->rules.items[i].data);
    }
}

/* Field names as the rules' own: blanks dropped. */
static bool read_fields(struct sigma_reader *r, const struct yaml_node *node,
                        struct slice_list *out)
{
    if (!sigma_text_list(r, node, out) || out->count > CORRELATION_FIELDS_MAX)
        return false;
    for (uint32_t i = 0; i < out->count; i++) {
        struct slice *name = &out->items[i];
        char *kept = arena_bytes(r->arena, name->len + 1);
        size_t length = 0;
        for (size_t j = 0; j < name->len; j++)
            if (name->data[j] != ' ' && name->data[j] != '\t')
                kept[length++] = name->data[j];
        if (length == 0 || length > SIGMA_FIELD_BYTES_MAX)
            return false;
        *name = slice_make(kept, length);
    }
    return true;
}

static void read_group_by(struct sigma_reader *r, const struct yaml_node *section,
                          struct correlation *c)
{
    const struct yaml_node *node = yaml_get(section, "group-by");
    if (node && !read_fields(r, node, &c->group_by))
        sigma_error(r, "bad-correlation", node->line, node->column,
                    "group-by must be a list of at most %d field names", CORRELATION_FIELDS_MAX);
}

static void read_timespan(struct sigma_reader *r, const struct yaml_node *section,
                          struct correlation *c)
{
    const struct yaml_node *node = yaml_get(section, "timespan");
    struct slice text = yaml_text(node);
    if (!node)
        node = section;
    uint64_t number = 0, seconds = 0;
    char unit = text.len > 0 ? text.data[text.len - 1] : '\0';
    seconds = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86400 : 0;
    bool good = seconds > 0 && slice_to_u64(slice_part(text, 0, text.len - 1), &number);
    if (!good || number == 0 || number > (uint64_t)TIMESPAN_DAYS_MAX * 86400 / seconds) {
        sigma_error(r, "bad-timespan", node->line, node->column,
                    "timespan must be a number and one of s, m, h, d, like 90m or 7d, up to %dd",
                    TIMESPAN_DAYS_MAX);
        return;
    }
    c->timespan_ns = (int64_t)(number * seconds) * CLOCK_SECOND_NS;
}

static void read_one_alias(struct sigma_reader *r, const struct yaml_node *node,
                           const struct correlation *c, struct correlation_alias *alias)
{
    if (node->kind != YAML_MAP || node->child_count == 0) {
        sigma_error(r, "bad-alias", node->line, node->column,
                    "an alias must be a map of rule to field name");
        return;
    }
    alias->name = arena_copy(r->arena, node->key);
    alias->rules.items = arena_alloc(r->arena, node->child_count * sizeof(struct slice));
    alias->fields.items = arena_alloc(r->arena, node->child_count * sizeof(struct slice));
    for (const struct yaml_node *n = node->child; n; n = n->next) {
        struct slice_list field;
        if (!list_has(&c->rules, n->key))
            sigma_error(r, "bad-alias", n->key_line, n->key_column,
                        "the alias names '%.*s', which is not among the correlation's rules",
                        sigma_width(n->key), n->key.data);
        if (!read_fields(r, n, &field) || field.count != 1) {
            sigma_error(r, "bad-alias", n->line, n->column, "an alias needs one field name a rule");
            return;
        }
        alias->rules.items[alias->rules.count++] = arena_copy(r->arena, n->key);
        alias->fields.items[alias->fields.count++] = field.items[0];
    }
}

static void read_aliases(struct sigma_reader *r, const struct yaml_node *section,
                         struct correlation *c)
{
    const struct yaml_node *node = yaml_get(section, "aliases");
    if (!node || node->kind == YAML_NULL)
        return;
    if (node->kind != YAML_MAP) {
        sigma_error(r, "bad-alias", node->line, node->column, "aliases must be a map");
        return;
    }
    if (node->child_count > CORRELATION_FIELDS_MAX) {
        sigma_error(r, "too-large", node->line, node->column, "more than %d aliases",
                    CORRELATION_FIELDS_MAX);
        return;
    }
    c->aliases = arena_zeroed(r->arena, node->child_count + 1, sizeof(*c->aliases));
    for (const struct yaml_node *n = node->child; n; n = n->next)
        read_one_alias(r, n, c, &c->aliases[c->alias_count++]);
}

static void read_criterion(struct sigma_reader *r, const struct yaml_node *node,
                           struct correlation *c)
{
    static const char *const names[] = {"gt",  "gte",   "lt",         "lte", "eq",
                                        "neq", "field", "percentile", NULL};
    int op = 0;
    while (names[op] && !slice_equal(node->key, slice_from(names[op])))
        op++;
    double number = 0;
    bool is_number = node->kind != YAML_BOOL && predicate_number_of(yaml_text(node), &number);
    if (!names[op]) {
        const char *near = text_nearest(node->key, names);
        sigma_error(r, "unknown-key", node->key_line, node->key_column,
                    "a condition has no '%.*s': it has gt, gte, lt, lte, eq, neq and field%s%s%s",
                    sigma_width(node->key), node->key.data, near ? "; did you mean '" : "",
                    near ? near : "", near ? "'?" : "");
    } else if (op == 6) {
        if (!read_fields(r, node, &c->fields) || c->fields.count == 0)
            sigma_error(r, "bad-correlation", node->line, node->column,
                        "field must be a field name, or a list of at most %d",
                        CORRELATION_FIELDS_MAX);
    } else if (!is_number) {
        sigma_error(r, "needs-number", node->line, node->column, "'%s' needs a number", names[op]);
    } else if (op == 7) {
        c->percentile = number;
        if (c->kind != CORRELATE_VALUE_PERCENTILE || number < 0 || number > 100)
            sigma_error(r, "bad-correlation", node->line, node->column,
                        "percentile is a number from 0 to 100 of a value_percentile correlation");
    } else if (c->condition_count == 4) {
        sigma_error(r, "bad-correlation", node->line, node->column,
                    "more than four comparisons in a condition");
    } else {
        c->conditions[c->condition_count].op = (enum compare_op)op;
        c->conditions[c->condition_count++].value = number;
    }
}

/* `rule_a and not rule_b` of version 3: the rules stand where a detection has its selections. */
static void read_extended(struct sigma_reader *r, const struct yaml_node *node,
                          struct correlation *c)
{
    if (r->version < 3 || !is_temporal(c->kind)) {
        sigma_error(r, "extended-condition", node->line, node->column,
                    "a condition over rule names is for temporal correlations of rules that say "
                    "'sigma-version: 3'; here it must be a map like 'gte: 10'");
        return;
    }
    struct selection_list rules = {
        .items = arena_zeroed(r->scratch, c->rules.count + 1, sizeof(*rules.items)),
        .count = c->rules.count};
    for (uint32_t i = 0; i < c->rules.count; i++) {
        struct predicate p = {.kind = PREDICATE_EXISTS, .field = c->rules.items[i]};
        rules.items[i].name = c->rules.items[i];
        rules.items[i].expr = sigma_expr_predicate(r, &p, node->line);
    }
    if (rules.count > SIGMA_SELECTIONS_MAX)
        return;
    c->extended = condition_read(r, &rules, yaml_text(node), node);
    if (c->extended && sigma_expr_size(c->extended, RULE_PREDICATES_MAX) > RULE_PREDICATES_MAX)
        sigma_error(r, "too-large", node->line, node->column, "the condition is too large");
}

static void read_condition(struct sigma_reader *r, const struct yaml_node *section,
                           struct correlation *c)
{
    const struct yaml_node *node = yaml_get(section, "condition");
    bool needs_field = !is_temporal(c->kind) && c->kind != CORRELATE_EVENT_COUNT;
    if (node && node->kind == YAML_MAP) {
        for (const struct yaml_node *n = node->child; n; n = n->next)
            read_criterion(r, n, c);
    } else if (node && node->kind == YAML_TEXT) {
        read_extended(r, node, c);
        return;
    } else if (node && node->kind != YAML_NULL) {
        sigma_error(r, "bad-correlation", node->line, node->column,
                    "condition must be a map like 'gte: 10'");
        return;
    }
    const struct yaml_node *place = node ? node : section;
    if (!is_temporal(c->kind) && c->condition_count == 0)
        sigma_error(r, "bad-correlation", place->line, place->column,
                    "this correlation needs a condition like 'gte: 10'");
    if (needs_field && c->fields.count == 0)
        sigma_error(r, "bad-correlation", place->line, place->column,
                    "%s needs 'field' in its condition", correlation_kind_names[c->kind]);
    if (!needs_field && c->fields.count > 0)
        sigma_error(r, "bad-correlation", place->line, place->column,
                    "%s counts events, it has no 'field': use value_count for values",
                    correlation_kind_names[c->kind]);
    if (c->kind != CORRELATE_VALUE_COUNT && c->fields.count > 1)
        sigma_error(r, "bad-correlation", place->line, place->column,
                    "%s works on one field; only value_count joins several",
                    correlation_kind_names[c->kind]);
}

struct correlation *sigma_correlation(struct sigma_reader *r, const struct yaml_node *section)
{
    if (section->kind != YAML_MAP) {
        sigma_error(r, "bad-correlation", section->line, section->column,
                    "correlation must be a map with type, rules, timespan and condition");
        return NULL;
    }
    struct correlation *c = arena_zeroed(r->arena, 1, sizeof(*c));
    c->percentile = -1;
    check_keys(r, section);
    if (!read_type(r, section, c))
        return NULL;
    read_rules(r, section, c);
    read_group_by(r, section, c);
    read_timespan(r, section, c);
    read_aliases(r, section, c);
    read_condition(r, section, c);
    const struct yaml_node *generate = yaml_get(section, "generate");
    c->generate = generate && generate->kind == YAML_BOOL &&
                  slice_equal_nocase(generate->text, SLICE("true"));
    if (generate && generate->kind != YAML_BOOL)
        sigma_error(r, "bad-correlation", generate->line, generate->column,
                    "generate must be true or false");
    return r->refused ? NULL : c;
}
