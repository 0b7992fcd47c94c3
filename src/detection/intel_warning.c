/* MISP warning lists: well-known good values. */
#include "detection/intel_inside.h"

struct warning_list {
    struct slice name, type;
    struct json_reader list; /* just inside it */
    bool has_list;
};

static int read_head(struct json_reader *j, struct arena *arena, struct warning_list *out,
                     struct err *err)
{
    enum json_token token = json_next(j);
    while (token == JSON_OBJECT_OPEN && json_next(j) == JSON_KEY) {
        bool list = intel_json_key_is(j, "list");
        struct slice *text = intel_json_key_is(j, "name")   ? &out->name
                             : intel_json_key_is(j, "type") ? &out->type
                                                            : NULL;
        enum json_token value = json_next(j);
        if (list && value == JSON_ARRAY_OPEN) {
            out->list = *j;
            out->has_list = true;
        }
        if (text && value == JSON_STRING)
            *text = intel_json_text(j, arena);
        if (value == JSON_OBJECT_OPEN || value == JSON_ARRAY_OPEN)
            value = json_skip(j);
        if (value == JSON_ERROR)
            return intel_json_error(j, err);
    }
    return ERR_OK;
}

int intel_warning_read(struct intel_reading *r, struct err *err)
{
    struct warning_list about = {.name = SLICE(""), .type = SLICE("")};
    struct intel_item item = intel_item_make();
    struct json_reader j;
    enum json_token token;
    json_reader_open(&j, r->text);
    int rc = read_head(&j, &r->kept, &about, err);
    if (rc)
        return rc;
    if (!about.has_list)
        return err_set(err, ERR_SYNTAX, "the warning list has no array `list`");
    item.list = about.name.len ? about.name : r->options->source;
    if (slice_equal(about.type, SLICE("hostname")))
        item.type = INDICATOR_DOMAIN;
    if (slice_equal(about.type, SLICE("cidr")))
        item.type = INDICATOR_IP;
    bool usable = item.type != INDICATOR_TYPES || slice_equal(about.type, SLICE("string"));
    j = about.list;
    while (rc == ERR_OK && (token = json_next(&j)) != JSON_ARRAY_CLOSE) {
        if (token == JSON_ERROR)
            return intel_json_error(&j, err);
        if ((token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN) && json_skip(&j) == JSON_ERROR)
            return intel_json_error(&j, err);
        item.line = intel_json_line(r, &j);
        arena_reset(&r->scratch);
        item.value = intel_json_text(&j, &r->scratch);
        if (!usable)
            intel_refuse(r, item.line, "warning lists of type \"%.*s\" are not applied",
                         (int)(about.type.len < 40 ? about.type.len : 40), about.type.data);
        else if (token != JSON_STRING)
            intel_refuse(r, item.line, "a member of `list` is no text");
        else
            rc = intel_item_give(r, &item, err);
    }
    return rc;
}
