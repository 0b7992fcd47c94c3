#include "detection/intel_inside.h"

struct slice intel_json_text(const struct json_reader *j, struct arena *arena)
{
    if (!j->escaped)
        return j->text;
    char *out = arena_bytes(arena, j->text.len);
    return slice_make(out, json_unescape(out, j->text));
}

bool intel_json_key_is(const struct json_reader *j, const char *key)
{
    return slice_equal(j->text, slice_from(key));
}

uint64_t intel_json_line(struct intel_reading *r, const struct json_reader *j)
{
    const char *at = r->text.data + r->line_at, *end = r->text.data + j->at, *newline;
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        r->line++;
        at = newline + 1;
    }
    r->line_at = j->at > r->line_at ? j->at : r->line_at;
    return r->line;
}

enum json_token intel_json_pass(struct json_reader *j)
{
    enum json_token token = json_next(j);
    if ((token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN) && json_skip(j) == JSON_ERROR)
        return JSON_ERROR;
    return token;
}

int intel_json_error(const struct json_reader *j, struct err *err)
{
    if (!j->err.code)
        return err_set(err, ERR_SYNTAX, "the document is not as it should be");
    return err_set_at(err, j->err.code, j->err.line, j->err.column, "%s", j->err.text);
}

int intel_json_check(struct slice text, struct err *err)
{
    struct json_reader j;
    json_reader_open(&j, text);
    if (intel_json_pass(&j) == JSON_ERROR || json_next(&j) != JSON_END)
        return intel_json_error(&j, err);
    return ERR_OK;
}

static bool is_uuid(struct slice s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = s.data[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return true;
}

struct looks {
    uint64_t keys, uuids;
    bool type, value, id, spec, objects, misp, list, matching, stix_id;
};

static void look_at_key(struct looks *l, const struct json_reader *j)
{
    static const char *const misp_keys[] = {"Event", "Attribute", "Object", "response",
                                            "threat_level_id"};
    l->keys++;
    l->uuids += is_uuid(j->text);
    l->type = l->type || intel_json_key_is(j, "type");
    l->value = l->value || intel_json_key_is(j, "value");
    l->spec = l->spec || intel_json_key_is(j, "spec_version");
    l->objects = l->objects || intel_json_key_is(j, "objects");
    l->list = l->list || intel_json_key_is(j, "list");
    l->matching = l->matching || intel_json_key_is(j, "matching_attributes");
    for (size_t i = 0; i < sizeof misp_keys / sizeof misp_keys[0]; i++)
        l->misp = l->misp || intel_json_key_is(j, misp_keys[i]);
}

/* The members of an object that is open. */
static enum intel_kind object_kind(struct json_reader *j)
{
    struct looks l = {0};
    enum json_token token;
    while ((token = json_next(j)) == JSON_KEY) {
        bool id = intel_json_key_is(j, "id");
        look_at_key(&l, j);
        token = intel_json_pass(j);
        if (token == JSON_ERROR)
            break;
        if (id && token == JSON_STRING)
            l.stix_id = slice_find(j->text, SLICE("--")) != SLICE_NONE;
    }
    if (l.list && (l.matching || l.type))
        return INTEL_WARNING_LIST;
    if (l.misp)
        return INTEL_MISP;
    if (l.objects || (l.type && (l.stix_id || l.spec)))
        return INTEL_STIX;
    if (l.type && l.value)
        return INTEL_MISP;
    return l.keys && l.uuids == l.keys ? INTEL_MISP_MANIFEST : INTEL_UNKNOWN;
}

enum intel_kind intel_json_kind(struct slice text)
{
    struct json_reader j;
    json_reader_open(&j, text);
    enum json_token token = json_next(&j);
    while (token == JSON_ARRAY_OPEN)
        token = json_next(&j);
    return token == JSON_OBJECT_OPEN ? object_kind(&j) : INTEL_UNKNOWN;
}
