#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "formats/yaml.h"
#include "watch/config_table.h"

/* Where a value stands: its problems begin with it. */
struct place {
    const char *file;
    uint32_t line, column;
};

void config_read_problem(struct config_reader *r, const char *file, uint32_t line, uint32_t column,
                         const char *format, ...)
{
    char text[ERR_TEXT_BYTES], where[48] = "";
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    if (line)
        (void)snprintf(where, sizeof(where), ":%lu:%lu", (unsigned long)line,
                       (unsigned long)column);
    if (r->problem_count++ == 0) {
        (void)err_set(&r->first, ERR_USAGE, "%.150s%s: %s", file, where, text);
        r->first.line = line;
        r->first.column = column;
    }
    if (r->problems && r->problem_count <= CONFIG_PROBLEMS_MAX)
        buf_printf(r->problems, "%s%s: %s\n", file, where, text);
}

static bool key_of(const struct config_section *section, struct slice name, uint32_t *index)
{
    for (uint32_t i = 0; i < section->key_count; i++)
        if (slice_equal(slice_from(section->keys[i].name), name)) {
            *index = i;
            return true;
        }
    return false;
}

/* The section of that name: inside of outer, or at the top when outer is NULL. */
static const struct config_section *
section_of(const struct config_table *table, const struct config_section *outer, struct slice name)
{
    for (uint32_t i = 0; i < table->count; i++) {
        struct slice full = slice_from(table->sections[i].name);
        if (outer) {
            struct slice head = slice_from(outer->name);
            if (!slice_starts(full, head) || full.len <= head.len || full.data[head.len] != '.')
                continue;
            full = slice_part(full, head.len + 1, SIZE_MAX);
        }
        if (slice_equal(full, name))
            return &table->sections[i];
    }
    return NULL;
}

/* Of a secret that is written in place of its file: the key that names the file. */
static const char *secret_of(const struct config_section *section, struct slice name)
{
    for (uint32_t i = 0; section && i < section->key_count; i++) {
        struct slice key = slice_from(section->keys[i].name);
        if (section->keys[i].kind == CONFIG_SECRET && key.len == name.len + 5 &&
            slice_starts(key, name))
            return section->keys[i].name;
    }
    return NULL;
}

/* Says which key there is instead. section NULL: at the top. */
static void unknown(struct config_reader *r, const struct place *at,
                    const struct config_section *section, struct slice name)
{
    const char *names[2 * CONFIG_KEYS_MAX + 1] = {0};
    size_t count = 0;
    for (uint32_t i = 0; section && i < section->key_count; i++)
        names[count++] = section->keys[i].name;
    for (uint32_t i = 0; i < r->table->count && count < 2 * CONFIG_KEYS_MAX; i++) {
        const char *full = r->table->sections[i].name;
        size_t head = section ? strlen(section->name) : 0;
        if (section && (strncmp(full, section->name, head) != 0 || full[head] != '.'))
            continue;
        if (!strchr(full + (section ? head + 1 : 0), '.'))
            names[count++] = full + (section ? head + 1 : 0);
    }
    const char *secret = secret_of(section, name);
    const char *near = text_nearest(name, names);
    int len = name.len > 60 ? 60 : (int)name.len;
    const char *where = section ? section->name : "the configuration";
    if (secret)
        config_read_problem(r, at->file, at->line, at->column,
                            "secrets are not written here: put \"%.*s\" into a file of its own and "
                            "name it by %s",
                            len, name.data, secret);
    else if (near)
        config_read_problem(r, at->file, at->line, at->column,
                            "there is no key \"%.*s\" in %s: did you mean \"%s\"?", len, name.data,
                            where, near);
    else
        config_read_problem(r, at->file, at->line, at->column,
                            "there is no key \"%.*s\" in %s: canh config print --defaults shows "
                            "which there are",
                            len, name.data, where);
}

static struct config_row *row_of(void *target)
{
    return target;
}

static void note_given(void *target, uint32_t key, const struct place *at)
{
    struct config_row *row = row_of(target);
    row->given |= 1ull << key;
    if (!row->file) {
        row->file = at->file;
        row->line = at->line;
    }
}

static int list_read(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *node, void *target, struct err *err)
{
    struct config_list list = {
        arena_alloc(r->arena, (node->child_count + 1) * sizeof(struct slice)), 0};
    for (const struct yaml_node *n = node->child; n; n = n->next) {
        if (n->kind == YAML_LIST || n->kind == YAML_MAP || n->kind == YAML_NULL)
            return err_set(err, ERR_USAGE, "item %lu of the list is no text",
                           (unsigned long)list.count + 1);
        list.items[list.count++] = n->text;
    }
    return config_value_read_list(key, &list, target, r->arena, err);
}

static int node_read(struct config_reader *r, const struct config_key *key,
                     const struct yaml_node *node, void *target, struct err *err)
{
    bool is_text = key->kind != CONFIG_NUMBER && key->kind != CONFIG_BYTES &&
                   key->kind != CONFIG_DURATION && key->kind != CONFIG_BOOL;
    switch (node->kind) {
    case YAML_NULL:
        return err_set(err, ERR_USAGE, "there is no value: write one, or leave the key out");
    case YAML_LIST:
        if (key->kind == CONFIG_LIST)
            return list_read(r, key, node, target, err);
        return err_set(err, ERR_USAGE, "here is a list where one %s is wanted",
                       config_kind_name(key->kind, false));
    case YAML_MAP:
        return err_set(err, ERR_USAGE, "here are keys and values where a %s is wanted",
                       config_kind_name(key->kind, false));
    case YAML_BOOL:
        if (is_text)
            return err_set(err, ERR_USAGE,
                           "here is true or false where a %s is wanted: put a text between quotes",
                           config_kind_name(key->kind, false));
        break;
    case YAML_INT:
    case YAML_FLOAT:
    case YAML_TEXT:
        break;
    }
    return config_value_read(key, node->text, target, r->arena, err);
}

static void key_read(struct config_reader *r, const char *file,
                     const struct config_section *section, const struct yaml_node *node,
                     void *target)
{
    struct place at = {file, node->key_line, node->key_column};
    uint32_t index;
    struct err err;
    if (!key_of(section, node->key, &index)) {
        unknown(r, &at, section, node->key);
    } else if (node_read(r, &section->keys[index], node, target, &err)) {
        config_read_problem(r, file, node->line, node->column, "%s.%s: %s", section->name,
                            section->keys[index].name, err.text);
    } else {
        note_given(target, index, &at);
    }
}

static void defaults_set(struct config_reader *r, const struct config_section *section,
                         void *target)
{
    for (uint32_t i = 0; i < section->key_count; i++)
        config_value_default(&section->keys[i], target, r->arena);
}

static struct config_rows *rows_of(const struct config_reader *r,
                                   const struct config_section *section)
{
    return (struct config_rows *)(void *)((char *)r->config + section->offset);
}

static void *row_find(const struct config_section *section, const struct config_rows *rows,
                      struct slice name)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        struct config_row *row = config_row_at(section, rows, i);
        if (slice_equal(row->name, name))
            return row;
    }
    return NULL;
}

/* A new row with the defaults, or NULL when there are too many. */
static void *row_add(struct config_reader *r, const struct config_section *section,
                     struct slice name, const struct place *at)
{
    struct config_rows *rows = rows_of(r, section);
    if (rows->count >= section->rows_max) {
        config_read_problem(r, at->file, at->line, at->column, "%s has more than %lu rows",
                            section->name, (unsigned long)section->rows_max);
        return NULL;
    }
    if ((rows->count & (rows->count - 1)) == 0) {
        size_t capacity = rows->count ? (size_t)rows->count * 2 : 1;
        void *items = arena_zeroed(r->arena, capacity, section->row_bytes);
        if (rows->count)
            memcpy(items, rows->items, rows->count * section->row_bytes);
        rows->items = items;
    }
    struct config_row *row = config_row_at(section, rows, rows->count++);
    row->name = arena_copy(r->arena, name);
    row->file = at->file;
    row->line = at->line;
    defaults_set(r, section, row);
    return row;
}

static void map_read(struct config_reader *r, const char *file,
                     const struct config_section *section, const struct yaml_node *node)
{
    for (const struct yaml_node *n = node->child; n; n = n->next) {
        struct place at = {file, n->key_line, n->key_column};
        struct err err;
        if (config_value_check_name(n->key, &err)) {
            config_read_problem(r, file, at.line, at.column, "%s: %s", section->name, err.text);
            continue;
        }
        if (n->kind != YAML_MAP && n->kind != YAML_NULL) {
            config_read_problem(r, file, n->line, n->column,
                                "%s.%.*s: here is a value where keys and values are wanted",
                                section->name, (int)n->key.len, n->key.data);
            continue;
        }
        void *row = row_find(section, rows_of(r, section), n->key);
        if (!row)
            row = row_add(r, section, n->key, &at);
        for (const struct yaml_node *key = n->child; row && key; key = key->next)
            key_read(r, file, section, key, row);
    }
}

static void list_row_read(struct config_reader *r, const char *file,
                          const struct config_section *section, const struct yaml_node *node)
{
    struct place at = {file, node->line, node->column};
    const struct yaml_node *name = node->kind == YAML_MAP ? yaml_get(node, "name") : NULL;
    struct err err;
    if (node->kind != YAML_MAP) {
        config_read_problem(r, file, at.line, at.column,
                            "%s: here is a value where keys and values are wanted, each row "
                            "beginning with \"- name:\"",
                            section->name);
        return;
    }
    if (!name || config_value_check_name(yaml_text(name), &err)) {
        config_read_problem(r, file, name ? name->line : at.line, name ? name->column : at.column,
                            "%s: %s", section->name,
                            name ? err.text : "this row has no name: add one, as in \"name: web\"");
        return;
    }
    const struct config_row *earlier = row_find(section, rows_of(r, section), name->text);
    if (earlier) {
        config_read_problem(r, file, name->line, name->column,
                            "%s: \"%.*s\" is already there (%s:%lu): give each its own name",
                            section->name, (int)name->text.len, name->text.data, earlier->file,
                            (unsigned long)earlier->line);
        return;
    }
    void *row = row_add(r, section, name->text, &at);
    for (const struct yaml_node *key = node->child; row && key; key = key->next)
        if (key != name)
            key_read(r, file, section, key, row);
}

static void section_read(struct config_reader *r, const char *file,
                         const struct config_section *section, const struct yaml_node *node)
{
    bool is_list = section->shape == CONFIG_ROWS;
    if (node->kind == YAML_NULL)
        return;
    if (node->kind != (is_list ? YAML_LIST : YAML_MAP)) {
        config_read_problem(r, file, node->line, node->column, "%s: here %s wanted", section->name,
                            is_list ? "a list of rows is" : "keys and values are");
        return;
    }
    if (section->shape == CONFIG_MAP) {
        map_read(r, file, section, node);
        return;
    }
    for (const struct yaml_node *n = node->child; n; n = n->next) {
        const struct config_section *inner;
        if (is_list)
            list_row_read(r, file, section, n);
        else if ((inner = section_of(r->table, section, n->key)))
            section_read(r, file, inner, n);
        else
            key_read(r, file, section, n, (char *)r->config + section->offset);
    }
}

void config_read_begin(struct config_reader *r)
{
    for (uint32_t i = 0; i < r->table->count; i++) {
        const struct config_section *section = &r->table->sections[i];
        check(section->key_count <= CONFIG_KEYS_MAX);
        if (section->shape == CONFIG_ONE)
            defaults_set(r, section, (char *)r->config + section->offset);
    }
}

void config_read_text(struct config_reader *r, const char *file, struct slice text)
{
    struct arena arena = {0};
    struct yaml_documents documents;
    struct err err;
    file = arena_copy(r->arena, slice_from(file)).data;
    if (yaml_parse(&documents, text, &arena, &err)) {
        config_read_problem(r, file, (uint32_t)err.line, err.column, "%s", err.text);
    } else if (documents.count > 1) {
        config_read_problem(r, file, documents.roots[1]->line, documents.roots[1]->column,
                            "a second document begins here: keep to one, without ---");
    } else if (documents.count == 1 && documents.roots[0]->kind != YAML_MAP) {
        if (documents.roots[0]->kind != YAML_NULL)
            config_read_problem(r, file, documents.roots[0]->line, documents.roots[0]->column,
                                "here are no keys: a section and its keys are written as in "
                                "\"store:\"");
    } else if (documents.count == 1) {
        for (const struct yaml_node *n = documents.roots[0]->child; n; n = n->next) {
            const struct config_section *section = section_of(r->table, NULL, n->key);
            struct place at = {file, n->key_line, n->key_column};
            if (section && !strchr(section->name, '.'))
                section_read(r, file, section, n);
            else
                unknown(r, &at, NULL, n->key);
        }
    }
    arena_free(&arena);
}

void config_environment_name(const struct config_section *section, const struct config_key *key,
                             struct buf *out)
{
    buf_printf(out, "CANH_%s_%s", section->name, key ? key->name : "");
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] >= 'a' && out->data[i] <= 'z')
            out->data[i] = (char)(out->data[i] - 'a' + 'A');
        else if (out->data[i] == '.')
            out->data[i] = '_';
}

static int environment_value(struct config_reader *r, const struct config_key *key,
                             struct slice value, void *target, struct err *err)
{
    struct slice items[CONFIG_LIST_MAX + 1];
    struct config_list list = {items, 0};
    if (key->kind != CONFIG_LIST)
        return config_value_read(key, value, target, r->arena, err);
    while (value.len > 0 && list.count <= CONFIG_LIST_MAX)
        items[list.count++] = slice_trim(slice_cut(&value, ','));
    return config_value_read_list(key, &list, target, r->arena, err);
}

/* variable begins with the section's head: CANH_STORE_. */
static void variable_read(struct config_reader *r, const struct config_section *section,
                          struct slice name, struct slice value)
{
    const char *names[CONFIG_KEYS_MAX + 1] = {0};
    char *target = (char *)r->config + section->offset;
    struct buf known = {0};
    struct err err;
    for (uint32_t i = 0; i < section->key_count; i++) {
        const struct config_key *key = &section->keys[i];
        buf_clear(&known);
        config_environment_name(section, key, &known);
        names[i] = arena_copy(r->arena, buf_as_slice(&known)).data;
        if (!slice_equal(buf_as_slice(&known), name))
            continue;
        if (environment_value(r, key, value, target, &err)) {
            config_read_problem(r, names[i], 0, 0, "%s", err.text);
        } else {
            row_of(target)->given |= 1ull << i;
            row_of(target)->from_environment |= 1ull << i;
        }
        buf_free(&known);
        return;
    }
    const char *near = text_nearest(name, names);
    config_read_problem(r, "environment", 0, 0, "there is no setting %.*s%s%s%s",
                        name.len > 80 ? 80 : (int)name.len, name.data,
                        near ? ": did you mean " : ": take the variable away", near ? near : "",
                        near ? "?" : "");
    buf_free(&known);
}

void config_read_environment(struct config_reader *r, char *const *environment)
{
    for (; *environment; environment++) {
        struct slice value = slice_from(*environment), name = slice_cut(&value, '=');
        if (!slice_starts(name, SLICE("CANH_")))
            continue;
        for (uint32_t i = 0; i < r->table->count; i++) {
            const struct config_section *section = &r->table->sections[i];
            struct buf head = {0};
            config_environment_name(section, NULL, &head);
            if (section->shape == CONFIG_ONE && slice_starts(name, buf_as_slice(&head)))
                variable_read(r, section, name, value);
            buf_free(&head);
        }
    }
}
