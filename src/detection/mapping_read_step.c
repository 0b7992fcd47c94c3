/* Reads the `derive` entries of mapping files (form: docs/mappings.md). */
#include "detection/mapping_reader.h"

MUST_CHECK static int read_from(struct mapping_reader *r, const struct yaml_node *node,
                                void *target)
{
    struct mapping_step *step = target;
    return mapping_read_names(r, node, &step->from);
}

MUST_CHECK static int read_step_when(struct mapping_reader *r, const struct yaml_node *node,
                                     void *target)
{
    struct mapping_step *step = target;
    return mapping_read_cases(r, node, &step->when);
}

MUST_CHECK static int read_starts(struct mapping_reader *r, const struct yaml_node *node,
                                  void *target)
{
    struct mapping_step *step = target;
    return mapping_read_text(r, node, &step->starts);
}

MUST_CHECK static int read_contains(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    struct mapping_step *step = target;
    return mapping_read_text(r, node, &step->contains);
}

MUST_CHECK static int set_kind(struct mapping_reader *r, const struct yaml_node *node,
                               struct mapping_step *step, enum mapping_derive_kind kind)
{
    if (step->kind != MAPPING_DERIVE_SET)
        return mapping_refuse(r, node, "one entry has one of regex, keyvalue, columns and join");
    step->kind = kind;
    return ERR_OK;
}

MUST_CHECK static int read_regex(struct mapping_reader *r, const struct yaml_node *node,
                                 void *target)
{
    struct mapping_step *step = target;
    struct slice text, names[REGEX_GROUPS_MAX];
    uint32_t numbers[REGEX_GROUPS_MAX];
    int rc = set_kind(r, node, step, MAPPING_DERIVE_REGEX);
    if (rc == ERR_OK)
        rc = mapping_read_text(r, node, &text);
    if (rc)
        return rc;
    rc = regex_open(&step->regex, text, REGEX_DOTALL, r->jit, r->err);
    if (rc) {
        if (r->err && !r->err->line)
            r->err->line = node->line;
        return rc;
    }
    uint32_t count = regex_group_names(step->regex, names, numbers);
    if (count == 0)
        return mapping_refuse(r, node, "the expression has no named group (?<name>...) to derive");
    step->group_names = arena_zeroed(r->arena, count, sizeof *step->group_names);
    step->group_numbers = arena_zeroed(r->arena, count, sizeof *step->group_numbers);
    for (uint32_t i = 0; i < count; i++) {
        step->group_names[i] = arena_copy(r->arena, names[i]);
        step->group_numbers[i] = numbers[i];
    }
    step->group_count = count;
    return ERR_OK;
}

MUST_CHECK static int read_keyvalue(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    bool on = false;
    int rc = mapping_read_bool(r, node, &on);
    if (rc)
        return rc;
    return on ? set_kind(r, node, target, MAPPING_DERIVE_KEYVALUE)
              : mapping_refuse(r, node, "true, or leave it out");
}

MUST_CHECK static int read_columns(struct mapping_reader *r, const struct yaml_node *node,
                                   void *target)
{
    struct mapping_step *step = target;
    int rc = set_kind(r, node, step, MAPPING_DERIVE_COLUMNS);
    return rc ? rc : mapping_read_texts(r, node, &step->columns);
}

MUST_CHECK static int read_join(struct mapping_reader *r, const struct yaml_node *node,
                                void *target)
{
    struct mapping_step *step = target;
    int rc = set_kind(r, node, step, MAPPING_DERIVE_JOIN);
    return rc ? rc : mapping_read_text(r, node, &step->join_name);
}

MUST_CHECK static int read_separator(struct mapping_reader *r, const struct yaml_node *node,
                                     void *target)
{
    struct mapping_step *step = target;
    return mapping_read_text(r, node, &step->separator);
}

MUST_CHECK static int read_after(struct mapping_reader *r, const struct yaml_node *node,
                                 void *target)
{
    struct mapping_step *step = target;
    return mapping_read_text(r, node, &step->after);
}

MUST_CHECK static int read_set(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    struct mapping_step *step = target;
    if (node->kind != YAML_MAP)
        return mapping_refuse(r, node, "`set` is a map of names and values");
    step->constants = arena_zeroed(r->arena, node->child_count + 1, sizeof *step->constants);
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        struct mapping_constant *constant = &step->constants[step->constant_count++];
        constant->name = arena_copy(r->arena, item->key);
        int rc = mapping_read_text(r, item, &constant->value);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static const struct mapping_key step_keys[] = {
    {"from", read_from},         {"when", read_step_when}, {"starts", read_starts},
    {"contains", read_contains}, {"regex", read_regex},    {"keyvalue", read_keyvalue},
    {"columns", read_columns},   {"join", read_join},      {"separator", read_separator},
    {"after", read_after},       {"set", read_set},        {NULL, NULL}};

/* Every step must be cheap where it does not apply. */
MUST_CHECK static int check_step(struct mapping_reader *r, const struct yaml_node *node,
                                 const struct mapping_step *step)
{
    bool guarded = step->starts.len || step->contains.len || step->when.count;
    if (!step->from.count &&
        (step->kind != MAPPING_DERIVE_SET || step->starts.len || step->contains.len))
        return mapping_refuse(r, node, "`from` is missing: which field is it drawn from?");
    if (step->kind == MAPPING_DERIVE_REGEX && !step->starts.len && !step->contains.len)
        return mapping_refuse(r, node,
                              "a regex needs `starts` or `contains`: a text that must be there, so "
                              "that it costs nothing where it does not apply");
    if (step->kind == MAPPING_DERIVE_SET && (!step->constant_count || !guarded))
        return mapping_refuse(r, node,
                              "an entry that only sets values needs a condition and `set`");
    return ERR_OK;
}

int mapping_read_steps(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    (void)target;
    if (node->kind != YAML_LIST)
        return mapping_refuse(r, node, "`derive` is a list");
    r->in->steps = arena_zeroed(r->arena, node->child_count + 1, sizeof *r->in->steps);
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        struct mapping_step *step = &r->in->steps[r->in->step_count++];
        step->separator = SLICE("");
        int rc = mapping_read_keys(r, item, step_keys, step);
        if (rc == ERR_OK)
            rc = check_step(r, item, step);
        if (rc)
            return rc;
    }
    return ERR_OK;
}
