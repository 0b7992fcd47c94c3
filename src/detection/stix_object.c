#include "detection/stix_object.h"

#include "formats/json.h"

struct tree {
    struct json_reader reader;
    struct arena *arena;
    uint32_t values;
};

static void number_set(struct stix_value *value, struct slice lexeme)
{
    bool negative = slice_starts(lexeme, SLICE("-"));
    uint64_t magnitude;
    if (slice_to_u64(slice_part(lexeme, negative, lexeme.len), &magnitude) &&
        magnitude <= INT64_MAX) {
        value->kind = STIX_INTEGER;
        value->as.integer = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        return;
    }
    value->kind = STIX_FLOAT;
    if (!slice_to_double(lexeme, &value->as.number))
        value->as.number = 0;
}

static struct slice text_take(struct tree *tree)
{
    struct slice raw = tree->reader.text;
    if (!tree->reader.escaped)
        return raw;
    char *out = arena_bytes(tree->arena, raw.len);
    return slice_make(out, json_unescape(out, raw));
}

/* The value that a token begins; a list or object comes out empty. NULL: the token is none. */
static struct stix_value *value_make(struct tree *tree, enum json_token token)
{
    struct stix_value *value = arena_zeroed(tree->arena, 1, sizeof(*value));
    tree->values++;
    switch (token) {
    case JSON_OBJECT_OPEN:
        value->kind = STIX_OBJECT;
        break;
    case JSON_ARRAY_OPEN:
        value->kind = STIX_LIST;
        break;
    case JSON_STRING:
        value->kind = STIX_STRING;
        value->as.text = text_take(tree);
        break;
    case JSON_NUMBER:
        number_set(value, tree->reader.text);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        value->kind = STIX_BOOL;
        value->as.boolean = token == JSON_TRUE;
        break;
    default:
        value->kind = STIX_NULL;
    }
    return value;
}

struct level {
    struct stix_value *container, *last;
};

int stix_object_parse(const struct stix_value **out, struct slice text, struct arena *arena,
                      struct err *err)
{
    struct level levels[JSON_DEPTH_MAX + 1] = {0};
    struct tree tree = {.arena = arena};
    struct slice key = {0};
    uint32_t depth = 0;
    *out = NULL;
    if (text.len > STIX_DOCUMENT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The document is longer than %d bytes: divide it.",
                       STIX_DOCUMENT_BYTES_MAX);
    json_reader_open(&tree.reader, text);
    for (;;) {
        enum json_token token = json_next(&tree.reader);
        if (token == JSON_ERROR) {
            if (err)
                *err = tree.reader.err;
            return tree.reader.err.code;
        }
        if (token == JSON_END)
            return ERR_OK;
        if (token == JSON_KEY) {
            key = text_take(&tree);
            continue;
        }
        if (token == JSON_OBJECT_CLOSE || token == JSON_ARRAY_CLOSE) {
            depth--;
            continue;
        }
        if (tree.values == STIX_DOCUMENT_VALUES_MAX)
            return err_set(err, ERR_LIMIT, "The document has more than %d values: divide it.",
                           STIX_DOCUMENT_VALUES_MAX);
        struct stix_value *value = value_make(&tree, token);
        struct level *level = depth > 0 ? &levels[depth - 1] : NULL;
        if (!level)
            *out = value;
        else {
            value->key = level->container->kind == STIX_OBJECT ? key : (struct slice){0};
            if (level->last)
                level->last->next = value;
            else
                level->container->as.members = value;
            level->last = value;
            level->container->count++;
        }
        if (token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN) {
            check(depth <= JSON_DEPTH_MAX);
            levels[depth++] = (struct level){.container = value};
        }
    }
}

const struct stix_value *stix_object_member(const struct stix_value *object, struct slice name)
{
    if (!object || object->kind != STIX_OBJECT)
        return NULL;
    for (const struct stix_value *m = object->as.members; m; m = m->next)
        if (slice_equal(m->key, name))
            return m;
    return NULL;
}

struct slice stix_object_text(const struct stix_value *object, struct slice name)
{
    const struct stix_value *m = stix_object_member(object, name);
    return m && m->kind == STIX_STRING ? m->as.text : SLICE("");
}
