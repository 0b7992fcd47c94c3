/* Reads the `lookup` tables of mapping files (form: docs/mappings.md). */
#include "detection/mapping_reader.h"

MUST_CHECK static int read_lookup_fields(struct mapping_reader *r, const struct yaml_node *node,
                                         void *target)
{
    struct mapping_lookup *out = target;
    struct slice_list texts;
    int rc = mapping_read_texts(r, node, &texts);
    if (rc)
        return rc;
    if (texts.count == 0 || texts.count > MAPPING_LOOKUP_FIELDS_MAX)
        return mapping_refuse(r, node, "a look-up has 1 to 4 fields");
    for (uint32_t i = 0; i < texts.count; i++) {
        out->fields[i].is_service = slice_equal(texts.items[i], SLICE("service"));
        out->fields[i].names = mapping_names_of(r, (struct slice_list){&texts.items[i], 1});
    }
    out->field_count = texts.count;
    return ERR_OK;
}

MUST_CHECK static int read_lookup_gives(struct mapping_reader *r, const struct yaml_node *node,
                                        void *target)
{
    struct mapping_lookup *out = target;
    struct slice text = yaml_text(node);
    if (slice_equal(text, SLICE("service")))
        out->gives = MAPPING_SERVICE;
    else if (slice_equal(text, SLICE("category")))
        out->gives = MAPPING_CATEGORY;
    else
        return mapping_refuse(r, node, "`gives` is service or category");
    return ERR_OK;
}

MUST_CHECK static int add_row(struct mapping_reader *r, const struct yaml_node *row,
                              struct mapping_lookup *lookup, const struct yaml_node **cells)
{
    char key[MAPPING_LOOKUP_KEY_BYTES];
    size_t len = 0;
    unsigned mask = 0;
    for (uint32_t i = 0; i < lookup->field_count; i++) {
        struct slice cell = mapping_lower_copy(r, yaml_text(cells[i]));
        if (cell.len + 1 > sizeof key - len)
            return mapping_refuse(r, row, "the values of this row are too long");
        if (slice_equal(cell, SLICE("*")))
            mask |= 1u << i;
        memcpy(key + len, cell.data, cell.len);
        len += cell.len;
        key[len++] = '\x1f';
    }
    struct mapping_lookup_value *value = &lookup->values[lookup->value_count++];
    value->text = mapping_lower_copy(r, yaml_text(cells[lookup->field_count]));
    struct slice kept = arena_copy(r->arena, slice_make(key, len));
    bool made = false;
    struct map_entry *entry = map_put(&lookup->rows, kept, lookup->value_count, &made);
    if (!made) {
        value->next = (uint32_t)entry->value;
        entry->value = lookup->value_count;
    }
    lookup->masks_used |= (uint16_t)(1u << mask);
    return ERR_OK;
}

/* A cell may be a list: the row then stands for one row with each of its values. Cells before `at`
 * are chosen. */
MUST_CHECK static int expand_row(struct mapping_reader *r, const struct yaml_node *row,
                                 struct mapping_lookup *lookup, const struct yaml_node **cells,
                                 uint32_t at)
{
    if (at > lookup->field_count || at > MAPPING_LOOKUP_FIELDS_MAX)
        return add_row(r, row, lookup, cells);
    const struct yaml_node *cell = row->child;
    for (uint32_t i = 0; i < at; i++)
        cell = cell->next;
    check(cell != NULL); /* a row has field_count + 1 cells */
    bool is_list = cell->kind == YAML_LIST;
    for (const struct yaml_node *one = is_list ? cell->child : cell; one; one = one->next) {
        if (!yaml_text(one).data)
            return mapping_refuse(r, one, "a text or a number is expected here");
        cells[at] = one;
        int rc = expand_row(r, row, lookup, cells, at + 1);
        if (rc || !is_list)
            return rc;
    }
    return ERR_OK;
}

MUST_CHECK static int read_lookup_rows(struct mapping_reader *r, const struct yaml_node *node,
                                       struct mapping_lookup *lookup)
{
    if (node->kind != YAML_LIST)
        return mapping_refuse(r, node, "rows are a list of lists");
    uint64_t total = 0;
    for (const struct yaml_node *row = node->child; row; row = row->next) {
        if (row->kind != YAML_LIST || row->child_count != lookup->field_count + 1)
            return mapping_refuse(r, row, "a row has one cell a field and one more: what it gives");
        uint64_t product = 1;
        for (const struct yaml_node *cell = row->child; cell; cell = cell->next)
            product *= cell->kind == YAML_LIST ? cell->child_count : 1;
        total += product;
        if (total > YAML_NODES_MAX)
            return mapping_refuse(r, row, "this look-up has too many rows");
    }
    lookup->values = arena_zeroed(r->arena, total + 1, sizeof *lookup->values);
    for (const struct yaml_node *row = node->child; row; row = row->next) {
        const struct yaml_node *cells[MAPPING_LOOKUP_FIELDS_MAX + 1] = {0};
        int rc = expand_row(r, row, lookup, cells, 0);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

MUST_CHECK static int keep_for_later(struct mapping_reader *r, const struct yaml_node *node,
                                     void *target)
{
    (void)r;
    (void)node;
    (void)target;
    return ERR_OK;
}

int mapping_read_lookups(struct mapping_reader *r, const struct yaml_node *node, void *target)
{
    static const struct mapping_key keys[] = {{"fields", read_lookup_fields},
                                              {"gives", read_lookup_gives},
                                              {"rows", keep_for_later},
                                              {NULL, NULL}};
    (void)target;
    if (node->kind != YAML_LIST)
        return mapping_refuse(r, node, "`lookup` is a list of tables");
    r->in->lookups = arena_zeroed(r->arena, node->child_count + 1, sizeof *r->in->lookups);
    for (const struct yaml_node *item = node->child; item; item = item->next) {
        struct mapping_lookup *lookup = &r->in->lookups[r->in->lookup_count++];
        int rc = mapping_read_keys(r, item, keys, lookup);
        if (rc)
            return rc;
        const struct yaml_node *rows = yaml_get(item, "rows");
        if (!rows || !lookup->field_count || !yaml_get(item, "gives"))
            return mapping_refuse(r, item, "a look-up has fields, gives and rows");
        rc = read_lookup_rows(r, rows, lookup);
        if (rc)
            return rc;
    }
    return ERR_OK;
}
