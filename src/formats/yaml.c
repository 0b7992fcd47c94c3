#include "formats/yaml.h"

#include <yaml.h>

#include "base/map.h"

/* Below this many values a map finds a doubled key by looking at each. */
enum { KEYS_COMPARED_MAX = 12 };

struct level {
    struct yaml_node *node;
    struct yaml_node *last; /* newest child */
    struct map keys;        /* filled from KEYS_COMPARED_MAX values on */
    struct slice key;       /* of the value that comes next */
    uint32_t key_line, key_column;
    bool has_key;
};

struct builder {
    struct arena *arena;
    struct err *err;
    struct level levels[YAML_DEPTH_MAX];
    uint32_t depth, node_count;
    struct yaml_node *root;
};

static uint32_t mark_line(const yaml_mark_t *mark)
{
    return (uint32_t)mark->line + 1;
}

static uint32_t mark_column(const yaml_mark_t *mark)
{
    return (uint32_t)mark->column + 1;
}

static bool text_is_any(struct slice s, const char *const *words)
{
    for (; *words; words++) {
        if (slice_equal(s, slice_from(*words)))
            return true;
    }
    return false;
}

/* Digits, a fraction and an exponent: what YAML's core schema takes for a number, but not 0x and
 * 0o. */
static enum yaml_kind number_kind(struct slice s)
{
    size_t i = s.len > 0 && (s.data[0] == '-' || s.data[0] == '+');
    size_t digits = 0;
    enum yaml_kind kind = YAML_INT;
    for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++)
        digits++;
    if (i < s.len && s.data[i] == '.') {
        kind = YAML_FLOAT;
        for (i++; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++)
            digits++;
    }
    if (digits == 0)
        return YAML_TEXT;
    if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
        kind = YAML_FLOAT;
        i++;
        i += i < s.len && (s.data[i] == '-' || s.data[i] == '+');
        size_t exponent = i;
        while (i < s.len && s.data[i] >= '0' && s.data[i] <= '9')
            i++;
        if (i == exponent)
            return YAML_TEXT;
    }
    return i == s.len ? kind : YAML_TEXT;
}

enum yaml_kind yaml_plain_kind(struct slice s)
{
    static const char *const nulls[] = {"~", "null", "Null", "NULL", NULL};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};
    if (s.len == 0)
        return YAML_NULL;
    char c = s.data[0];
    if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.')
        return number_kind(s);
    if (s.len > 5)
        return YAML_TEXT;
    if (text_is_any(s, nulls))
        return YAML_NULL;
    return text_is_any(s, bools) ? YAML_BOOL : YAML_TEXT;
}

/* Whether the map at this level has the key already. */
static bool level_has_key(struct level *level, struct slice key)
{
    if (level->node->child_count < KEYS_COMPARED_MAX) {
        for (const struct yaml_node *n = level->node->child; n; n = n->next) {
            if (slice_equal(n->key, key))
                return true;
        }
        return false;
    }
    if (level->keys.count == 0) {
        for (const struct yaml_node *n = level->node->child; n; n = n->next)
            map_put(&level->keys, n->key, 0, NULL);
    }
    bool made;
    map_put(&level->keys, key, 0, &made);
    return !made;
}

static int take_key(struct builder *b, const yaml_event_t *event)
{
    struct level *level = &b->levels[b->depth - 1];
    uint32_t line = mark_line(&event->start_mark), column = mark_column(&event->start_mark);
    if (event->type != YAML_SCALAR_EVENT)
        return err_set_at(b->err, ERR_SYNTAX, line, column,
                          "a key must be one text, not a list or a map");
    struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    level->key = arena_copy(b->arena, text);
    if (level_has_key(level, level->key))
        return err_set_at(b->err, ERR_SYNTAX, line, column,
                          "the key '%.*s' is there twice: remove one, or put both values in a list",
                          (int)(text.len > 100 ? 100 : text.len), text.data);
    level->key_line = line;
    level->key_column = column;
    level->has_key = true;
    return ERR_OK;
}

static int node_add(struct builder *b, const yaml_event_t *event, enum yaml_kind kind,
                    struct yaml_node **out)
{
    uint32_t line = mark_line(&event->start_mark), column = mark_column(&event->start_mark);
    if (++b->node_count > YAML_NODES_MAX)
        return err_set_at(b->err, ERR_LIMIT, line, column,
                          "more than %d values in one file: divide it", YAML_NODES_MAX);
    struct yaml_node *node = arena_alloc(b->arena, sizeof(*node));
    *node = (struct yaml_node){.kind = kind, .line = line, .column = column};
    if (b->depth == 0) {
        b->root = node;
    } else {
        struct level *parent = &b->levels[b->depth - 1];
        if (parent->node->kind == YAML_MAP) {
            node->key = parent->key;
            node->key_line = parent->key_line;
            node->key_column = parent->key_column;
            parent->has_key = false;
        }
        if (parent->last)
            parent->last->next = node;
        else
            parent->node->child = node;
        parent->last = node;
        parent->node->child_count++;
    }
    *out = node;
    return ERR_OK;
}

static int level_open(struct builder *b, const yaml_event_t *event, enum yaml_kind kind)
{
    struct yaml_node *node = NULL;
    if (b->depth == YAML_DEPTH_MAX)
        return err_set_at(b->err, ERR_LIMIT, mark_line(&event->start_mark),
                          mark_column(&event->start_mark), "more than %d levels of nesting",
                          YAML_DEPTH_MAX);
    int rc = node_add(b, event, kind, &node);
    if (rc)
        return rc;
    b->levels[b->depth++] = (struct level){.node = node};
    return ERR_OK;
}

static int scalar_add(struct builder *b, const yaml_event_t *event)
{
    struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    enum yaml_kind kind = YAML_TEXT;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        kind = yaml_plain_kind(text);
    struct yaml_node *node = NULL;
    int rc = node_add(b, event, kind, &node);
    if (rc)
        return rc;
    node->text = arena_copy(b->arena, text);
    return ERR_OK;
}

/* Anchors and tags of the events that can carry them. */
static int refuse_extras(struct builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (!anchor && !tag && event->type != YAML_ALIAS_EVENT)
        return ERR_OK;
    return err_set_at(b->err, ERR_SYNTAX, mark_line(&event->start_mark),
                      mark_column(&event->start_mark),
                      tag ? "YAML tags (!name) are not taken: write the plain value, or quote it"
                          : "YAML anchors and aliases (&name, *name) are not taken: "
                            "write the value out, or quote it");
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
    int rc = refuse_extras(b, event);
    if (rc)
        return rc;
    if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT) {
        check(b->depth > 0);
        map_free(&b->levels[--b->depth].keys);
        return ERR_OK;
    }
    if (b->depth > 0) {
        const struct level *level = &b->levels[b->depth - 1];
        if (level->node->kind == YAML_MAP && !level->has_key)
            return take_key(b, event);
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return scalar_add(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return level_open(b, event, YAML_LIST);
    case YAML_MAPPING_START_EVENT:
        return level_open(b, event, YAML_MAP);
    default:
        return ERR_OK;
    }
}

/* Line and column of a byte offset: for what libyaml reports before it counts lines. */
static int offset_error(struct err *err, const yaml_parser_t *parser, struct slice text)
{
    struct slice head = slice_part(text, 0, parser->problem_offset);
    uint64_t line = 1;
    uint32_t column = 1;
    for (size_t i = 0; i < head.len; i++) {
        column++;
        if (head.data[i] == '\n') {
            line++;
            column = 1;
        }
    }
    return err_set_at(err, ERR_SYNTAX, line, column, "not a YAML text in UTF-8: %s",
                      parser->problem ? parser->problem : "a byte that cannot be read");
}

/* libyaml counts characters, not bytes; in the indentation, where a tab is the usual mistake, they
 * are the same. */
static bool mark_is_tab(const yaml_mark_t *mark, struct slice text)
{
    struct slice line = {0};
    for (size_t i = 0; i <= mark->line; i++)
        line = slice_cut(&text, '\n');
    return mark->column < line.len && line.data[mark->column] == '\t';
}

static int parser_error(struct err *err, const yaml_parser_t *parser, struct slice text)
{
    if (parser->error == YAML_READER_ERROR)
        return offset_error(err, parser, text);
    const yaml_mark_t *mark = &parser->problem_mark;
    const char *problem = parser->problem ? parser->problem : "not a YAML text";
    uint32_t line = mark_line(mark), column = mark_column(mark);
    if (mark_is_tab(mark, text))
        return err_set_at(err, ERR_SYNTAX, line, column,
                          "%s: YAML takes no tab for indentation, use blanks", problem);
    if (strstr(problem, "cannot start any token"))
        return err_set_at(err, ERR_SYNTAX, line, column, "%s: put the value in quotes", problem);
    if (parser->context)
        return err_set_at(err, ERR_SYNTAX, line, column, "%s, %s that began on line %u", problem,
                          parser->context, mark_line(&parser->context_mark));
    return err_set_at(err, ERR_SYNTAX, line, column, "%s", problem);
}

struct root_list {
    struct yaml_node **items;
    uint32_t count, capacity;
};

/* Empty documents are left out: a lone `---` at the end is common. */
static void root_add(struct root_list *list, struct builder *b)
{
    struct yaml_node *root = b->root;
    b->root = NULL;
    if (!root || (root->kind == YAML_NULL && root->text.len == 0))
        return;
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        struct yaml_node **items = arena_alloc(b->arena, capacity * sizeof(struct yaml_node *));
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(struct yaml_node *));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = root;
}

int yaml_parse(struct yaml_documents *out, struct slice text, struct arena *arena, struct err *err)
{
    *out = (struct yaml_documents){0};
    if (text.len > YAML_BYTES_MAX)
        return err_set_at(err, ERR_LIMIT, 1, 1, "the file is longer than %zu bytes: divide it",
                          YAML_BYTES_MAX);
    struct builder b = {.arena = arena, .err = err};
    struct root_list roots = {0};
    yaml_parser_t parser;
    check(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.len);
    int rc = ERR_OK;
    bool done = false;
    while (!done && rc == ERR_OK) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            rc = parser_error(err, &parser, text);
            break;
        }
        rc = take_event(&b, &event);
        if (event.type == YAML_DOCUMENT_END_EVENT)
            root_add(&roots, &b);
        done = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    while (b.depth > 0)
        map_free(&b.levels[--b.depth].keys);
    if (rc == ERR_OK)
        *out = (struct yaml_documents){.roots = roots.items, .count = roots.count};
    return rc;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    struct slice wanted = slice_from(key);
    for (const struct yaml_node *n = map->child; n; n = n->next) {
        if (slice_equal(n->key, wanted))
            return n;
    }
    return NULL;
}

struct slice yaml_text(const struct yaml_node *node)
{
    if (!node || node->kind == YAML_NULL || node->kind == YAML_LIST || node->kind == YAML_MAP)
        return slice_from(NULL);
    return node->text;
}
