/* What another detector's finding is called, its number and its level: `found` of a mapping. */
#include "detection/mapping_reader.h"

/* ---- reading ---- */

MUST_CHECK static int read_detector(struct mapping_reader *r, const struct yaml_node *node,
                                    void *target)
{
    struct mapping_verdict *v = target;
    return mapping_read_text(r, node, &v->detector);
}

MUST_CHECK static int read_titles(struct mapping_reader *r, const struct yaml_node *node,
                                  void *target)
{
    struct mapping_verdict *v = target;
    return mapping_read_names(r, node, &v->titles);
}

MUST_CHECK static int read_ids(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    struct mapping_verdict *v = target;
    return mapping_read_names(r, node, &v->ids);
}

MUST_CHECK static int read_level_name(struct mapping_reader *r, const struct yaml_node *node,
                                      enum rule_level *out)
{
    struct slice text = yaml_text(node);
    for (int level = LEVEL_INFORMATIONAL; rule_level_names[level]; level++)
        if (slice_equal(text, slice_from(rule_level_names[level]))) {
            *out = (enum rule_level)level;
            return ERR_OK;
        }
    return mapping_refuse(r, node,
                          "a level is one of informational, low, medium, high and critical");
}

MUST_CHECK static int read_level_fields(struct mapping_reader *r, const struct yaml_node *node,
                                        void *target)
{
    struct mapping_verdict *v = target;
    return mapping_read_names(r, node, &v->level_fields);
}

MUST_CHECK static int read_level_rows(struct mapping_reader *r, const struct yaml_node *node,
                                      void *target)
{
    struct mapping_verdict *v = target;
    if (node->kind != YAML_LIST)
        return mapping_refuse(r, node, "`rows` is a list: [value or values, level]");
    v->rows = arena_zeroed(r->arena, node->child_count + 1u, sizeof *v->rows);
    for (const struct yaml_node *row = node->child; row; row = row->next) {
        struct mapping_level_row *out = &v->rows[v->row_count++];
        if (row->kind != YAML_LIST || row->child_count != 2)
            return mapping_refuse(r, row, "a row is a value, or a list of them, and its level");
        int rc = mapping_read_tests(r, row->child, &out->tests, &out->test_count);
        if (rc == ERR_OK)
            rc = read_level_name(r, row->child->next, &out->level);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

MUST_CHECK static int read_level_default(struct mapping_reader *r, const struct yaml_node *node,
                                         void *target)
{
    struct mapping_verdict *v = target;
    return read_level_name(r, node, &v->level);
}

MUST_CHECK static int read_level(struct mapping_reader *r, const struct yaml_node *node,
                                 void *target)
{
    static const struct mapping_key keys[] = {{"fields", read_level_fields},
                                              {"rows", read_level_rows},
                                              {"default", read_level_default},
                                              {NULL, NULL}};
    struct mapping_verdict *v = target;
    if (node->kind != YAML_MAP)
        return read_level_name(r, node, &v->level);
    int rc = mapping_read_keys(r, node, keys, v);
    if (rc)
        return rc;
    if ((v->level_fields.count == 0) != (v->row_count == 0))
        return mapping_refuse(r, node, "`level` has `fields` and `rows`, or one level for all");
    if (v->level == LEVEL_NONE)
        return mapping_refuse(r, node, "`level` needs a `default` for what no row names");
    return ERR_OK;
}

int mapping_read_found(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    static const struct mapping_key keys[] = {{"detector", read_detector},
                                              {"title", read_titles},
                                              {"id", read_ids},
                                              {"level", read_level},
                                              {NULL, NULL}};
    (void)target;
    r->in->verdict.stated = true;
    return mapping_read_keys(r, node, keys, &r->in->verdict);
}

/* ---- asking ---- */

static struct slice first_text(const struct mapping_names *names, struct event *e)
{
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t field = event_first(e, names->items[i].number);
        for (; field != EVENT_NO_FIELD; field = event_next(e, field)) {
            enum value_kind kind = e->record->fields[field].kind;
            struct slice text = slice_trim(mapping_field_text(e, field));
            if (kind != VALUE_OBJECT && kind != VALUE_NULL && text.len)
                return text;
        }
    }
    return SLICE("");
}

static const struct mapping_level_row *row_of(const struct mapping_verdict *v, struct slice text)
{
    for (uint32_t i = 0; i < v->row_count; i++)
        for (uint32_t k = 0; k < v->rows[i].test_count; k++)
            if (mapping_test_holds(&v->rows[i].tests[k], text))
                return &v->rows[i];
    return NULL;
}

static enum rule_level level_of(const struct mapping_verdict *v, struct event *e)
{
    for (uint32_t i = 0; i < v->level_fields.count; i++) {
        uint32_t field = event_first(e, v->level_fields.items[i].number);
        for (; field != EVENT_NO_FIELD; field = event_next(e, field)) {
            const struct mapping_level_row *row = row_of(v, mapping_field_text(e, field));
            if (row)
                return row->level;
        }
    }
    return v->level;
}

bool mapping_found(struct event *e, struct mapping_found *out)
{
    *out = (struct mapping_found){0};
    if (!mapping_finding(e))
        return false;
    const struct mapping_verdict *v = &e->mapping->inside->verdict;
    out->detector = v->detector.len ? v->detector : e->mapping->title;
    out->title = first_text(&v->titles, e);
    if (!out->title.len)
        out->title = out->detector;
    out->id = first_text(&v->ids, e);
    out->level = level_of(v, e);
    return true;
}
