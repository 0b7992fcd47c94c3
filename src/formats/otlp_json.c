/* The JSON of protobuf's mapping: names in lowerCamelCase, 64-bit numbers as texts or numbers, ids
 * in hex. The whole body is checked first, so that afterwards only kinds can be wrong. */
#include "formats/otlp_inside.h"

static const char WRONG[] = "a value of it is not of the kind that OTLP gives it";
static const char TOO_DEEP[] = "its values are nested more than 32 levels deep";

/* The next value as a whole; what it begins with. */
static enum json_token value_pass(struct json_reader *r)
{
    enum json_token token = json_next(r);
    if (token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN)
        (void)json_skip(r);
    return token;
}

/* From the value that r is before to its member; *member is before that one's value. */
static bool member_find(const struct json_reader *r, const char *name, struct json_reader *member)
{
    struct json_reader at = *r;
    if (json_next(&at) != JSON_OBJECT_OPEN)
        return false;
    while (json_next(&at) == JSON_KEY) {
        bool found = slice_equal(at.text, slice_from(name));
        *member = at;
        if (found)
            return true;
        (void)value_pass(&at);
    }
    return false;
}

/* Goes into the array member of that name; false: there is none. */
static bool list_find(const struct json_reader *r, const char *name, struct json_reader *list)
{
    return member_find(r, name, list) && json_next(list) == JSON_ARRAY_OPEN;
}

/* The next value of an array: *value is before it, list behind it. */
static bool list_next(struct json_reader *list, struct json_reader *value)
{
    *value = *list;
    enum json_token token = value_pass(list);
    return token != JSON_ARRAY_CLOSE && token != JSON_ERROR;
}

static struct slice text_of(struct otlp_writer *w, const struct json_reader *r)
{
    if (!r->escaped)
        return r->text;
    char *out = arena_bytes(w->arena, r->text.len);
    return slice_make(out, json_unescape(out, r->text));
}

/* The text that r is before; the empty slice when it is none. */
static struct slice text_read(struct otlp_writer *w, struct json_reader r)
{
    return json_next(&r) == JSON_STRING ? text_of(w, &r) : SLICE("");
}

static bool u64_read(struct json_reader r, uint64_t *value)
{
    enum json_token token = json_next(&r);
    return (token == JSON_STRING || token == JSON_NUMBER) && slice_to_u64(r.text, value);
}

static const char *value_write(struct otlp_writer *w, const struct json_reader *r, unsigned depth);

static const char *list_write(struct otlp_writer *w, const struct json_reader *r, bool members,
                              unsigned depth)
{
    struct json_reader list, value, pair;
    const char *bad = NULL;
    if (members)
        json_open_object(&w->json);
    else
        json_open_array(&w->json);
    bool any = list_find(r, "values", &list);
    while (!bad && any && list_next(&list, &value)) {
        if (members) {
            pair = value;
            if (!member_find(&pair, "key", &value))
                return WRONG;
            json_key_slice(&w->json, text_read(w, value));
            if (!member_find(&pair, "value", &value)) {
                json_null(&w->json);
                continue;
            }
        }
        bad = value_write(w, &value, depth + 1);
    }
    if (members)
        json_close_object(&w->json);
    else
        json_close_array(&w->json);
    return bad;
}

static const char *integer_write(struct otlp_writer *w, struct slice text)
{
    uint64_t value;
    bool minus = text.len > 0 && text.data[0] == '-';
    if (!slice_to_u64(slice_part(text, minus, text.len), &value) ||
        value > (uint64_t)INT64_MAX + minus)
        return WRONG;
    json_i64(&w->json, (int64_t)(minus ? 0 - value : value));
    return NULL;
}

/* The member of an AnyValue: r is before its value. *known: it is one of the kinds. */
static const char *kind_write(struct otlp_writer *w, struct json_reader r, struct slice kind,
                              bool *known, unsigned depth)
{
    struct json_reader value = r;
    enum json_token token = json_next(&r);
    bool text = token == JSON_STRING, number = token == JSON_NUMBER;
    *known = true;
    if (slice_equal(kind, SLICE("stringValue")) || slice_equal(kind, SLICE("bytesValue"))) {
        if (!text)
            return WRONG;
        json_string(&w->json, text_of(w, &r));
    } else if (slice_equal(kind, SLICE("boolValue"))) {
        if (token != JSON_TRUE && token != JSON_FALSE)
            return WRONG;
        json_bool(&w->json, token == JSON_TRUE);
    } else if (slice_equal(kind, SLICE("intValue"))) {
        return text || number ? integer_write(w, r.text) : WRONG;
    } else if (slice_equal(kind, SLICE("doubleValue"))) {
        if (number)
            json_raw(&w->json, r.text);
        else if (text)
            json_string(&w->json, text_of(w, &r));
        return text || number ? NULL : WRONG;
    } else if (slice_equal(kind, SLICE("arrayValue")) || slice_equal(kind, SLICE("kvlistValue"))) {
        if (token != JSON_OBJECT_OPEN)
            return WRONG;
        return list_write(w, &value, kind.data[0] == 'k', depth);
    } else {
        *known = false;
    }
    return NULL;
}

static const char *value_write(struct otlp_writer *w, const struct json_reader *r, unsigned depth)
{
    struct json_reader at = *r;
    if (depth > OTLP_DEPTH_MAX)
        return TOO_DEEP;
    enum json_token token = json_next(&at);
    if (token != JSON_OBJECT_OPEN && token != JSON_NULL)
        return WRONG;
    while (token == JSON_OBJECT_OPEN && json_next(&at) == JSON_KEY) {
        bool known;
        const char *bad = kind_write(w, at, at.text, &known, depth);
        if (bad || known)
            return bad;
        (void)value_pass(&at);
    }
    json_null(&w->json);
    return NULL;
}

/* The pairs of the array member of that name, as members of the record. */
static const char *pairs_write(struct otlp_writer *w, const struct json_reader *r, const char *name)
{
    struct json_reader list, pair, value;
    const char *bad = NULL;
    bool any = list_find(r, name, &list);
    while (!bad && any && list_next(&list, &pair)) {
        if (!member_find(&pair, "key", &value))
            return WRONG;
        if (!otlp_name(w, text_read(w, value)))
            continue;
        if (member_find(&pair, "value", &value))
            bad = value_write(w, &value, 1);
        else
            json_null(&w->json);
    }
    return bad;
}

static const char *head_read(struct otlp_writer *w, const struct json_reader *record,
                             struct otlp_head *head, struct json_reader *body, bool *has_body)
{
    struct json_reader r = *record;
    const char *bad = json_next(&r) == JSON_OBJECT_OPEN ? NULL : WRONG;
    *head = (struct otlp_head){0};
    *has_body = false;
    while (!bad && json_next(&r) == JSON_KEY) {
        struct slice name = r.text;
        if (slice_equal(name, SLICE("timeUnixNano")))
            bad = u64_read(r, &head->time_ns) ? NULL : WRONG;
        else if (slice_equal(name, SLICE("observedTimeUnixNano")))
            bad = u64_read(r, &head->observed_ns) ? NULL : WRONG;
        else if (slice_equal(name, SLICE("severityNumber")))
            (void)u64_read(r, &head->severity_number);
        else if (slice_equal(name, SLICE("severityText")))
            head->severity_text = text_read(w, r);
        else if (slice_equal(name, SLICE("traceId")))
            head->trace_id = text_read(w, r);
        else if (slice_equal(name, SLICE("spanId")))
            head->span_id = text_read(w, r);
        else if (slice_equal(name, SLICE("eventName")))
            head->event_name = text_read(w, r);
        else if (slice_equal(name, SLICE("body"))) {
            *body = r;
            *has_body = true;
        }
        (void)value_pass(&r);
    }
    return bad;
}

static int record_write(struct otlp_writer *w, const struct json_reader *record, struct err *err)
{
    struct otlp_head head;
    struct json_reader body = *record, members = *record;
    bool has_body;
    const char *bad = head_read(w, record, &head, &body, &has_body);
    otlp_record_begin(w, &head);
    bool has_members = !bad && has_body && member_find(&body, "kvlistValue", &members);
    if (!bad && has_body && !has_members && otlp_name(w, SLICE("body")))
        bad = value_write(w, &body, 1);
    if (!bad)
        bad = pairs_write(w, record, "attributes");
    if (!bad && has_members)
        bad = pairs_write(w, &members, "values");
    return otlp_record_end(w, bad, err);
}

static void resource_read(struct otlp_writer *w, const struct json_reader *resource)
{
    struct json_reader list, pair, value;
    bool any = list_find(resource, "attributes", &list);
    while (!w->resource_bad && any && list_next(&list, &pair)) {
        const char *bad = NULL;
        if (!member_find(&pair, "key", &value)) {
            otlp_resource_refuse(w, WRONG);
            return;
        }
        struct slice name = text_read(w, value);
        if (!otlp_member_begin(w, name))
            continue;
        if (member_find(&pair, "value", &value))
            bad = value_write(w, &value, 1);
        else
            json_null(&w->json);
        if (bad)
            otlp_resource_refuse(w, bad);
        else
            otlp_member_end(w, name);
    }
}

static int scope_logs_read(struct otlp_writer *w, const struct json_reader *scope_logs,
                           struct err *err)
{
    struct json_reader scope, name, list, record;
    size_t count = w->member_count;
    bool was_bad = w->resource_bad;
    int rc = ERR_OK;
    if (member_find(scope_logs, "scope", &scope) && member_find(&scope, "name", &name))
        otlp_scope(w, text_read(w, name));
    bool any = list_find(scope_logs, "logRecords", &list);
    while (!rc && any && list_next(&list, &record))
        rc = record_write(w, &record, err);
    otlp_members_cut(w, count);
    w->resource_bad = was_bad;
    return rc;
}

static int resource_logs_read(struct otlp_writer *w, const struct json_reader *logs,
                              struct err *err)
{
    struct json_reader resource, list, scope_logs;
    int rc = ERR_OK;
    otlp_resource_begin(w);
    if (member_find(logs, "resource", &resource))
        resource_read(w, &resource);
    bool any = list_find(logs, "scopeLogs", &list);
    while (!rc && any && list_next(&list, &scope_logs))
        rc = scope_logs_read(w, &scope_logs, err);
    return rc;
}

static int body_check(struct slice body, struct err *err)
{
    struct json_reader r;
    json_reader_open(&r, body);
    enum json_token token = json_next(&r);
    if (token != JSON_OBJECT_OPEN && token != JSON_ERROR)
        return err_set(err, ERR_SYNTAX,
                       "The body is no ExportLogsServiceRequest: it must be one JSON object.");
    while (token != JSON_ERROR && token != JSON_END)
        token = json_next(&r);
    if (token == JSON_ERROR && err)
        *err = r.err;
    return token == JSON_ERROR ? r.err.code : ERR_OK;
}

int otlp_read_json(struct slice body, struct arena *arena, struct span_list *out,
                   struct otlp_outcome *outcome, struct err *err)
{
    struct otlp_writer w;
    struct json_reader r, list, logs;
    otlp_open(&w, arena, out, outcome);
    int rc = body_check(body, err);
    json_reader_open(&r, body);
    bool any = !rc && list_find(&r, "resourceLogs", &list);
    while (!rc && any && list_next(&list, &logs))
        rc = resource_logs_read(&w, &logs, err);
    return otlp_close(&w, rc);
}
