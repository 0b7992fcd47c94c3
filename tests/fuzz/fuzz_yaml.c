/* Any bytes: the tree, if there is one, is whole. */
#include "formats/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t walk(const struct yaml_node *node, uint32_t depth)
{
    uint32_t children = 0, nodes = 1;
    check(depth <= YAML_DEPTH_MAX);
    check(node->line > 0 && node->column > 0);
    for (const struct yaml_node *n = node->child; n; n = n->next) {
        children++;
        nodes += walk(n, depth + 1);
        if (node->kind == YAML_MAP)
            check(memchr(n->key.data, 0, n->key.len) || yaml_get(node, n->key.data) == n);
    }
    check(children == node->child_count);
    check(node->kind == YAML_LIST || node->kind == YAML_MAP || children == 0);
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct yaml_documents documents;
    struct err err = {0};
    uint32_t nodes = 0;
    if (yaml_parse(&documents, slice_make((const char *)data, size), &arena, &err) == ERR_OK)
        for (uint32_t i = 0; i < documents.count; i++)
            nodes += walk(documents.roots[i], 0);
    else
        check(err.text[0] != '\0' && err.line > 0 && documents.count == 0);
    check(nodes <= YAML_NODES_MAX);
    arena_free(&arena);
    return 0;
}
