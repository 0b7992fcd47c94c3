#include "formats/json_levels.h"

static int name_long(struct err *err)
{
    return err_set(err, ERR_LIMIT, "A field's name has more than %d bytes, which is not read.",
                   RECORD_NAME_BYTES_MAX);
}

/* What six bytes of escape make is at least one byte. */
enum { KEY_BYTES_MAX = 6 * RECORD_NAME_BYTES_MAX };

void json_levels_start(struct json_levels *levels, struct slice text, struct slice name)
{
    levels->depth = 0;
    levels->end = text.data + text.len;
    levels->open[0].name = name;
    levels->open[0].flags = 0;
    levels->open[0].prefix_len = 0;
    levels->open[0].object = false;
    levels->name = name;
    levels->name_flags = 0;
}

int json_levels_key_any(struct json_levels *levels, struct record *r, struct slice key,
                        bool escaped, struct err *err)
{
    const struct json_level *level = &levels->open[levels->depth];
    size_t prefix = level->prefix_len;
    levels->name_flags = prefix ? FIELD_NESTED : 0;
    if (!escaped) {
        if (prefix + key.len > RECORD_NAME_BYTES_MAX)
            return name_long(err);
        if (prefix == 0) {
            levels->name = key;
            return ERR_OK;
        }
    } else if (key.len > KEY_BYTES_MAX) {
        return name_long(err);
    }
    char *name = arena_bytes(&r->arena, prefix + key.len);
    if (prefix) {
        memcpy(name, level->name.data, prefix - 1);
        name[prefix - 1] = '.';
    }
    size_t len = key.len;
    if (escaped)
        len = json_unescape(name + prefix, key);
    else
        memcpy(name + prefix, key.data, key.len);
    levels->name = slice_make(name, prefix + len);
    return prefix + len > RECORD_NAME_BYTES_MAX ? name_long(err) : ERR_OK;
}

int json_levels_open(struct json_levels *levels, struct record *r, const char *start, bool object,
                     struct err *err)
{
    uint32_t field = r->count;
    if (levels->depth > 0) {
        int rc = record_add(r, levels->name, slice_make(start, 0), VALUE_OBJECT, levels->name_flags,
                            err);
        if (rc)
            return rc;
    }
    struct slice name = levels->name;
    struct json_level *level = &levels->open[++levels->depth];
    level->name = name;
    level->field = field;
    level->flags = levels->name_flags;
    level->object = object;
    level->prefix_len = levels->depth > 1 ? (uint32_t)name.len + 1 : 0;
    if (level->prefix_len > 0 && level->prefix_len <= JSON_SHORT_BYTES) {
        memset(level->prefix, '.', JSON_SHORT_BYTES);
        memcpy(level->prefix, name.data, name.len);
    }
    return ERR_OK;
}

void json_levels_close(struct json_levels *levels, struct record *r, const char *behind)
{
    const struct json_level *closed = &levels->open[levels->depth--];
    if (levels->depth > 0) {
        struct slice *value = &r->fields[closed->field].value;
        value->len = (size_t)(behind - value->data);
    }
    const struct json_level *level = &levels->open[levels->depth];
    levels->name = level->name; /* the next member of an array; an object's will have a key */
    levels->name_flags = level->flags;
}
