#include "formats/alertmanager.h"

#include "formats/json.h"

enum { PADDING_BYTES = 64 };

/* Of the webhook. */
struct group {
    struct buf head;           /* the opened object with what each alert gets */
    struct json_reader alerts; /* before the array */
    bool found;
};

/* The value that r is before, as it is written; r is behind it then. */
static struct slice value_read(struct json_reader *r, enum json_token *token)
{
    size_t from = r->at;
    *token = json_next(r);
    if (*token == JSON_OBJECT_OPEN || *token == JSON_ARRAY_OPEN)
        if (json_skip(r) == JSON_ERROR)
            *token = JSON_ERROR;
    struct slice value = slice_trim(slice_part(r->input, from, r->at - from));
    bool later = value.len > 0 && value.data[0] == ','; /* a later member of an array */
    return slice_trim(slice_part(value, later, value.len));
}

static bool is_shared(struct slice name)
{
    return slice_equal(name, SLICE("receiver")) || slice_equal(name, SLICE("groupKey")) ||
           slice_equal(name, SLICE("groupLabels")) || slice_equal(name, SLICE("externalURL"));
}

static int group_read(struct group *g, struct slice body, struct err *err)
{
    struct json_reader r;
    struct json_writer w = {.out = &g->head};
    json_reader_open(&r, body);
    enum json_token token = json_next(&r);
    json_open_object(&w);
    bool object = token == JSON_OBJECT_OPEN;
    while (object && token != JSON_ERROR && (token = json_next(&r)) == JSON_KEY) {
        struct slice name = r.text;
        struct json_reader before = r;
        struct slice value = value_read(&r, &token);
        if (slice_equal(name, SLICE("alerts")) && token == JSON_ARRAY_OPEN) {
            g->alerts = before;
            g->found = true;
        } else if (token != JSON_ERROR && is_shared(name)) {
            json_key_slice(&w, name);
            json_raw(&w, value);
        }
        if (g->head.len > ALERTMANAGER_GROUP_BYTES_MAX)
            return err_set(err, ERR_LIMIT,
                           "The labels and texts of the alert group are longer than %d bytes.",
                           ALERTMANAGER_GROUP_BYTES_MAX);
    }
    if (token != JSON_ERROR && object)
        token = json_next(&r);
    if (token == JSON_ERROR && err)
        *err = r.err;
    if (token == JSON_ERROR)
        return r.err.code;
    return g->found ? ERR_OK
                    : err_set(err, ERR_SYNTAX,
                              "The body is no Alertmanager webhook: it has no array `alerts`.");
}

static struct slice alert_make(struct arena *arena, const struct group *g, struct slice alert)
{
    struct slice inside = slice_trim(slice_part(alert, 1, alert.len - 2));
    struct slice head = buf_as_slice(&g->head);
    bool comma = head.len > 1 && inside.len > 0;
    size_t len = head.len + comma + inside.len + 1;
    char *text = arena_bytes(arena, len + PADDING_BYTES);
    memcpy(text, head.data, head.len);
    if (comma)
        text[head.len] = ',';
    if (inside.len > 0)
        memcpy(text + head.len + comma, inside.data, inside.len);
    text[len - 1] = '}';
    memset(text + len, 0, PADDING_BYTES);
    return slice_make(text, len);
}

int alertmanager_read(struct slice body, struct arena *arena, struct span_list *out,
                      uint64_t *refused, struct err *err)
{
    struct group g = {.found = false};
    size_t before = out->count, bytes = 0;
    uint64_t number = 0;
    *refused = 0;
    int rc = group_read(&g, body, err);
    if (!rc)
        (void)json_next(&g.alerts);
    while (!rc) {
        enum json_token token;
        struct slice alert = value_read(&g.alerts, &token);
        if (token == JSON_ARRAY_CLOSE || token == JSON_ERROR)
            break;
        bytes += g.head.len + alert.len;
        if (++number > ALERTMANAGER_ALERTS_MAX || bytes > ALERTMANAGER_OUTPUT_BYTES_MAX) {
            rc = err_set(err, ERR_LIMIT, "The webhook has more or longer alerts than are taken.");
        } else if (token != JSON_OBJECT_OPEN) {
            ++*refused;
        } else {
            span_list_add(out, (struct span){.text = alert_make(arena, &g, alert), .line = number});
        }
    }
    if (rc)
        out->count = before;
    buf_free(&g.head);
    return rc;
}
