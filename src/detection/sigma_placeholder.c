/* Values of %placeholders%: one YAML map of name to value or list of values. */
#include "detection/sigma_inside.h"

static int placeholder_add(struct sigma_placeholders *out, const struct yaml_node *node,
                           struct arena *arena, struct err *err)
{
    struct slice_list *list = &out->lists[out->count];
    bool is_list = node->kind == YAML_LIST;
    list->items = arena_alloc(arena, (node->child_count + 1) * sizeof(struct slice));
    for (const struct yaml_node *n = is_list ? node->child : node; n;
         n = is_list ? n->next : NULL) {
        if (n->kind == YAML_LIST || n->kind == YAML_MAP || n->kind == YAML_NULL)
            return err_set_at(err, ERR_SYNTAX, n->line, n->column,
                              "a placeholder's value must be a text or a list of texts");
        list->items[list->count++] = arena_copy(arena, n->text);
    }
    /* both spellings, name and %name% */
    struct slice name = slice_trim(node->key);
    if (name.len > 2 && name.data[0] == '%' && name.data[name.len - 1] == '%')
        name = slice_part(name, 1, name.len - 2);
    bool made;
    map_put(&out->names, arena_copy(arena, name), out->count, &made);
    if (!made)
        return err_set_at(err, ERR_SYNTAX, node->key_line, node->key_column,
                          "the placeholder '%.*s' is there twice", sigma_width(name), name.data);
    out->count++;
    return ERR_OK;
}

int sigma_placeholders_read(struct sigma_placeholders *out, struct slice yaml, struct arena *arena,
                            struct err *err)
{
    *out = (struct sigma_placeholders){0};
    struct arena scratch = {0};
    struct yaml_documents documents;
    int rc = yaml_parse(&documents, yaml, &scratch, err);
    if (rc == ERR_OK && (documents.count != 1 || documents.roots[0]->kind != YAML_MAP))
        rc = err_set_at(err, ERR_SYNTAX, 1, 1,
                        "a placeholder file is one map of name to value or list of values");
    if (rc == ERR_OK) {
        const struct yaml_node *root = documents.roots[0];
        out->lists = arena_zeroed(arena, root->child_count + 1, sizeof(*out->lists));
        for (const struct yaml_node *n = root->child; n && rc == ERR_OK; n = n->next)
            rc = placeholder_add(out, n, arena, err);
    }
    if (rc != ERR_OK) {
        map_free(&out->names);
        *out = (struct sigma_placeholders){0};
    }
    arena_free(&scratch);
    return rc;
}

void sigma_placeholders_free(struct sigma_placeholders *placeholders)
{
    map_free(&placeholders->names);
    *placeholders = (struct sigma_placeholders){0};
}
