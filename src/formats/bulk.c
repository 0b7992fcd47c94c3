#include "formats/bulk.h"

#include "formats/json_lexeme.h"

static const char *const ACTIONS[] = {
    [BULK_CREATE] = "create", [BULK_INDEX] = "index", [BULK_UPDATE] = "update",
    [BULK_DELETE] = "delete", [BULK_NONE] = "index",
};

static const char ILLEGAL[] = "illegal_argument_exception";
static const char PARSING[] = "document_parsing_exception";

void bulk_open(struct bulk_reader *r, struct slice body, struct arena *arena)
{
    *r = (struct bulk_reader){.rest = body.data ? body : slice_make("", 0), .arena = arena};
    if (slice_starts(r->rest, SLICE("\xef\xbb\xbf")))
        r->rest = slice_part(r->rest, 3, r->rest.len);
}

const char *bulk_action_name(enum bulk_action action)
{
    return ACTIONS[action];
}

static bool is_empty(struct slice line)
{
    return json_blank_end(line.data, line.data + line.len) == line.data + line.len;
}

/* The next line that is not empty; it stays in r->rest until line_take. */
static bool line_peek(struct bulk_reader *r, struct slice *line, struct slice *behind)
{
    while (r->rest.len > 0) {
        *behind = r->rest;
        *line = slice_cut(behind, '\n');
        if (line->len > 0 && line->data[line->len - 1] == '\r')
            line->len--;
        if (!is_empty(*line))
            return true;
        r->rest = *behind;
        r->line++;
    }
    return false;
}

static void line_take(struct bulk_reader *r, struct slice behind)
{
    r->rest = behind;
    r->line++;
}

/* The action whose name is the first of the object in line; BULK_NONE: no action's line. */
static enum bulk_action action_look(struct slice line)
{
    const char *end = line.data + line.len, *at = json_blank_end(line.data, end);
    if (at == end || *at != '{')
        return BULK_NONE;
    at = json_blank_end(at + 1, end);
    if (at == end || *at != '"')
        return BULK_NONE;
    struct slice name = slice_make(at + 1, (size_t)(end - at - 1));
    for (int i = BULK_CREATE; i < BULK_NONE; i++) {
        struct slice action = slice_from(ACTIONS[i]);
        if (slice_starts(name, action) && name.len > action.len && name.data[action.len] == '"')
            return (enum bulk_action)i;
    }
    return BULK_NONE;
}

/* What an action says of its event; other members than these make the line none. */
static bool is_parameter(struct slice name)
{
    static const char *const names[] = {
        "_index",
        "_id",
        "_type",
        "routing",
        "_routing",
        "version",
        "version_type",
        "_version",
        "pipeline",
        "_version_type",
        "op_type",
        "require_alias",
        "if_seq_no",
        "parent",
        "retry_on_conflict",
        "_parent",
        "timestamp",
        "if_primary_term",
        "ttl",
        "require_data_stream",
        "_source",
        "dynamic_templates",
        "list_executed_pipelines",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (slice_equal(name, slice_from(names[i])))
            return true;
    return false;
}

static struct slice text_of(struct bulk_reader *r, const struct json_reader *json)
{
    if (!json->escaped)
        return json->text;
    char *out = arena_bytes(r->arena, json->text.len);
    return slice_make(out, json_unescape(out, json->text));
}

static void item_refuse(struct bulk_item *item, const char *type, const char *reason)
{
    if (item->reason)
        return;
    item->type = type;
    item->reason = reason;
}

static void id_check(struct bulk_reader *r, struct bulk_item *item, bool said)
{
    if (said && item->id.len == 0)
        item_refuse(item, ILLEGAL, "An _id that is given must not be empty.");
    if (item->id.len > BULK_ID_BYTES_MAX)
        item_refuse(item, ILLEGAL,
                    arena_printf(r->arena,
                                 "The _id is too long: %zu bytes, and at most %d are taken.",
                                 item->id.len, BULK_ID_BYTES_MAX)
                        .data);
    if (item->index.len > BULK_INDEX_BYTES_MAX)
        item_refuse(item, "invalid_index_name_exception", "The _index is longer than 255 bytes.");
}

/* The members of the action's object. */
static bool parameters_read(struct bulk_reader *r, struct json_reader *json, struct bulk_item *item)
{
    bool id_said = false;
    enum json_token token;
    while ((token = json_next(json)) == JSON_KEY) {
        struct slice name = json->text;
        if (!is_parameter(name))
            return false;
        token = json_next(json);
        if (token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN) {
            (void)json_skip(json);
        } else if (token == JSON_STRING && slice_equal(name, SLICE("_index"))) {
            item->index = text_of(r, json);
        } else if ((token == JSON_STRING || token == JSON_NUMBER) &&
                   slice_equal(name, SLICE("_id"))) {
            item->id = text_of(r, json);
            id_said = true;
        }
    }
    if (token != JSON_OBJECT_CLOSE)
        return false;
    id_check(r, item, id_said);
    return true;
}

/* False: the line is no action line, and item is as it was. */
static bool action_read(struct bulk_reader *r, struct slice line, struct bulk_item *item)
{
    enum bulk_action action = action_look(line);
    if (action == BULK_NONE || line.len > BULK_ACTION_BYTES_MAX)
        return false;
    struct bulk_item read = {.action = action, .line = item->line};
    struct json_reader json;
    json_reader_open(&json, line);
    if (json_next(&json) != JSON_OBJECT_OPEN || json_next(&json) != JSON_KEY ||
        json_next(&json) != JSON_OBJECT_OPEN || !parameters_read(r, &json, &read) ||
        json_next(&json) != JSON_OBJECT_CLOSE || json_next(&json) != JSON_END)
        return false;
    *item = read;
    return true;
}

static void source_read(struct bulk_reader *r, struct bulk_item *item)
{
    struct slice line, behind;
    struct bulk_item next;
    if (!line_peek(r, &line, &behind) || action_read(r, line, &next)) {
        if (item->action != BULK_NONE)
            item_refuse(item, ILLEGAL, "No line with the event follows this action line.");
        return;
    }
    line_take(r, behind);
    if (line.len > RECORD_BYTES_MAX)
        item_refuse(item, PARSING, "The event is longer than a record may be (16 MiB).");
    else if (*json_blank_end(line.data, line.data + line.len) != '{')
        item_refuse(item, PARSING, "The event's line must be one JSON object.");
    if (!item->reason)
        item->source = line;
}

bool bulk_next(struct bulk_reader *r, struct bulk_item *item)
{
    struct slice line, behind;
    if (!line_peek(r, &line, &behind))
        return false;
    line_take(r, behind);
    *item = (struct bulk_item){.action = BULK_NONE, .line = r->line};
    if (!action_read(r, line, item))
        item_refuse(
            item, ILLEGAL,
            "The line is no action such as {\"create\":{}}; it and its event are left out.");
    if (item->action == BULK_UPDATE || item->action == BULK_DELETE)
        item_refuse(item, ILLEGAL, "Events are only added here: use the actions create or index.");
    if (item->action != BULK_DELETE)
        source_read(r, item);
    return true;
}
