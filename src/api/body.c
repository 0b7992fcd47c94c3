#include "api/body.h"

#include "formats/json.h"

struct body_list {
    struct arena *arena;
    struct command_value *values;
    uint32_t count, room;
};

static struct slice body_text(const struct json_reader *r, struct arena *arena)
{
    if (!r->escaped)
        return r->text;
    char *text = arena_bytes(arena, r->text.len + 1);
    return slice_make(text, json_unescape(text, r->text));
}

static int body_refuse(const struct json_reader *r, struct err *err, const char *what)
{
    if (r->err.code) {
        *err = r->err;
        return err_prefix(err, "the body is no JSON as wanted");
    }
    return err_set(err, ERR_SYNTAX, "the body is no JSON as wanted: %s, at byte %zu", what, r->at);
}

static int body_add(struct body_list *list, struct slice name, struct slice text, struct err *err)
{
    if (list->count == COMMAND_VALUES_MAX)
        return err_set(err, ERR_LIMIT, "the body has more than %d values", COMMAND_VALUES_MAX);
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 4 : 16;
        struct command_value *more = arena_zeroed(list->arena, room, sizeof *more);
        if (list->count)
            memcpy(more, list->values, list->count * sizeof *more);
        list->values = more;
        list->room = room;
    }
    list->values[list->count++] = (struct command_value){name, text};
    return ERR_OK;
}

/* token: of the value, which is read to its end. */
static int body_member(struct json_reader *r, enum json_token token, struct slice name,
                       bool in_array, struct body_list *list, struct err *err)
{
    int rc = ERR_OK;
    switch (token) {
    case JSON_STRING:
        return body_add(list, name, body_text(r, list->arena), err);
    case JSON_NUMBER:
        return body_add(list, name, r->text, err);
    case JSON_TRUE:
        return body_add(list, name, SLICE("true"), err);
    case JSON_FALSE:
        return body_add(list, name, SLICE("false"), err);
    case JSON_NULL:
        return ERR_OK;
    case JSON_ARRAY_OPEN:
        if (in_array)
            return body_refuse(r, err, "a list within a list");
        while (rc == ERR_OK && (token = json_next(r)) != JSON_ARRAY_CLOSE)
            rc = body_member(r, token, name, true, list, err);
        return rc;
    default:
        return body_refuse(r, err, "values are texts, numbers, true, false or lists of them");
    }
}

/* Behind its opening brace. */
static int body_object(struct json_reader *r, struct body_list *list, struct err *err)
{
    enum json_token token;
    int rc = ERR_OK;
    while (rc == ERR_OK && (token = json_next(r)) == JSON_KEY) {
        struct slice name = body_text(r, list->arena);
        if (name.len > COMMAND_NAME_BYTES_MAX)
            return body_refuse(r, err, "a name that is too long");
        rc = body_member(r, json_next(r), name, false, list, err);
    }
    if (rc == ERR_OK && token != JSON_OBJECT_CLOSE)
        rc = body_refuse(r, err, "it does not end");
    return rc;
}

static int body_end(struct json_reader *r, struct err *err)
{
    return json_next(r) == JSON_END ? ERR_OK : body_refuse(r, err, "something behind the object");
}

static int body_command_member(struct json_reader *r, struct slice key, struct body_list *list,
                               struct body_command *out, struct err *err)
{
    enum json_token token = json_next(r);
    if (slice_equal(key, SLICE("name")) && token == JSON_STRING && !out->name.data) {
        out->name = body_text(r, list->arena);
        return ERR_OK;
    }
    if (slice_equal(key, SLICE("dry")) && (token == JSON_TRUE || token == JSON_FALSE)) {
        out->dry = token == JSON_TRUE;
        return ERR_OK;
    }
    if (slice_equal(key, SLICE("params")) && token == JSON_OBJECT_OPEN)
        return body_object(r, list, err);
    return body_refuse(r, err, "wanted are name (text), params (object), dry (true or false)");
}

int body_command(struct slice json, struct arena *arena, struct body_command *out, struct err *err)
{
    struct body_list list = {.arena = arena};
    struct json_reader r;
    enum json_token token;
    int rc = ERR_OK;
    *out = (struct body_command){0};
    json_reader_open(&r, json);
    if (json_next(&r) != JSON_OBJECT_OPEN)
        return body_refuse(&r, err, "an object { } is wanted");
    while (rc == ERR_OK && (token = json_next(&r)) == JSON_KEY)
        rc = body_command_member(&r, body_text(&r, arena), &list, out, err);
    if (rc == ERR_OK && token != JSON_OBJECT_CLOSE)
        rc = body_refuse(&r, err, "it does not end");
    if (rc == ERR_OK)
        rc = body_end(&r, err);
    if (rc == ERR_OK && (out->name.len == 0 || out->name.len > COMMAND_NAME_BYTES_MAX))
        rc = err_set(err, ERR_SYNTAX, "the body has no name of a command: \"name\":\"unit.add\"");
    out->values = list.values;
    out->count = list.count;
    return rc;
}

int body_values(struct slice json, struct arena *arena, struct command_value **values,
                uint32_t *count, struct err *err)
{
    struct body_list list = {.arena = arena};
    struct json_reader r;
    json_reader_open(&r, json);
    if (json_next(&r) != JSON_OBJECT_OPEN)
        return body_refuse(&r, err, "an object { } is wanted");
    int rc = body_object(&r, &list, err);
    if (rc == ERR_OK)
        rc = body_end(&r, err);
    *values = list.values;
    *count = list.count;
    return rc;
}

struct slice body_value(const struct command_value *values, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_equal(values[i].name, slice_from(name)))
            return values[i].text;
    return (struct slice){"", 0};
}
