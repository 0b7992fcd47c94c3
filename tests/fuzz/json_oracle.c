#include "fuzz/json_oracle.h"

#include <jansson.h>

struct walk {
    oracle_visit *visit;
    void *context;
};

static void value_walk(const struct walk *walk, struct slice name, json_t *json, bool top);

static void object_walk(const struct walk *walk, struct slice name, json_t *json, bool top)
{
    for (void *i = json_object_iter(json); i; i = json_object_iter_next(json, i)) {
        struct buf path = {0};
        if (!top) {
            buf_slice(&path, name);
            buf_char(&path, '.');
        }
        buf_append(&path, json_object_iter_key(i), json_object_iter_key_len(i));
        value_walk(walk, buf_as_slice(&path), json_object_iter_value(i), false);
        buf_free(&path);
    }
}

static void value_walk(const struct walk *walk, struct slice name, json_t *json, bool top)
{
    struct oracle_value value = {.name = name};
    switch (json_typeof(json)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        value.kind = ORACLE_CONTAINER;
        break;
    case JSON_STRING:
        value.kind = ORACLE_STRING;
        value.string = slice_make(json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        value.kind = ORACLE_INTEGER;
        value.integer = json_integer_value(json);
        break;
    case JSON_REAL:
        value.kind = ORACLE_REAL;
        value.real = json_real_value(json);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        value.kind = ORACLE_BOOL;
        value.integer = json_is_true(json);
        break;
    default:
        value.kind = ORACLE_NULL;
        break;
    }
    if (!top || !json_is_object(json))
        walk->visit(walk->context, &value);
    if (json_is_object(json))
        object_walk(walk, name, json, top);
    for (size_t i = 0; i < json_array_size(json); i++)
        value_walk(walk, name, json_array_get(json, i), false);
}

enum oracle_verdict json_oracle_read(struct slice text, oracle_visit *visit, void *context)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    enum oracle_verdict verdict = ORACLE_ACCEPTED;
    json_error_t error;
    json_t *json = json_loadb(text.data, text.len, flags | JSON_REJECT_DUPLICATES, &error);
    if (!json && json_error_code(&error) == json_error_duplicate_key) {
        verdict = ORACLE_REPEATED;
        json = json_loadb(text.data, text.len, flags, &error);
    }
    if (!json) {
        enum json_error_code code = json_error_code(&error);
        return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
                       code == json_error_stack_overflow
                   ? ORACLE_NO_OPINION
                   : ORACLE_REFUSED;
    }
    if (slice_find_char(text, '\0') != SLICE_NONE)
        verdict = ORACLE_NO_OPINION; /* jansson takes a NUL byte behind a value for the end */
    if (visit && verdict == ORACLE_ACCEPTED) {
        const struct walk walk = {visit, context};
        value_walk(&walk, SLICE("message"), json, true);
    }
    json_decref(json);
    return verdict;
}
