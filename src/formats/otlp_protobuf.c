/* Field numbers: opentelemetry-proto v1, collector/logs, logs, common and resource. */
#include "base/text.h"
#include "formats/otlp_inside.h"
#include "formats/protobuf.h"

enum { REQUEST_RESOURCE_LOGS = 1 };
enum { RESOURCE_LOGS_RESOURCE = 1, RESOURCE_LOGS_SCOPE_LOGS = 2 };
enum { SCOPE_LOGS_SCOPE = 1, SCOPE_LOGS_RECORDS = 2 };
enum { RESOURCE_ATTRIBUTES = 1, SCOPE_NAME = 1 };
enum {
    RECORD_TIME = 1,
    RECORD_SEVERITY_NUMBER = 2,
    RECORD_SEVERITY_TEXT = 3,
    RECORD_BODY = 5,
    RECORD_ATTRIBUTES = 6,
    RECORD_TRACE_ID = 9,
    RECORD_SPAN_ID = 10,
    RECORD_OBSERVED = 11,
    RECORD_EVENT_NAME = 12
};
enum {
    VALUE_TEXT = 1,
    VALUE_TRUTH = 2,
    VALUE_INTEGER = 3,
    VALUE_DOUBLE = 4,
    VALUE_ARRAY = 5,
    VALUE_MEMBERS = 6,
    VALUE_BYTES = 7
};
enum { LIST_VALUES = 1, PAIR_KEY = 1, PAIR_VALUE = 2 };

static const char MALFORMED[] = "its protobuf is malformed";
static const char TOO_DEEP[] = "its values are nested more than 32 levels deep";

/* The parts of a message that are messages or texts of that field. */
static bool next_part(struct protobuf_reader *r, uint32_t field)
{
    while (protobuf_next(r))
        if (r->field == field && r->wire == PROTOBUF_BYTES)
            return true;
    return false;
}

static bool pair_read(struct slice pair, struct slice *name, struct slice *value)
{
    struct protobuf_reader r;
    *name = *value = SLICE("");
    protobuf_open(&r, pair);
    while (protobuf_next(&r)) {
        if (r.field == PAIR_KEY && r.wire == PROTOBUF_BYTES)
            *name = r.bytes;
        if (r.field == PAIR_VALUE && r.wire == PROTOBUF_BYTES)
            *value = r.bytes;
    }
    return !r.bad;
}

static const char *value_write(struct json_writer *w, struct slice value, unsigned depth);

static const char *list_write(struct json_writer *w, struct slice list, bool members,
                              unsigned depth)
{
    struct protobuf_reader r;
    const char *bad = NULL;
    if (members)
        json_open_object(w);
    else
        json_open_array(w);
    protobuf_open(&r, list);
    while (!bad && next_part(&r, LIST_VALUES)) {
        struct slice name, value = r.bytes;
        if (members && !pair_read(r.bytes, &name, &value))
            return MALFORMED;
        if (members)
            json_key_slice(w, name);
        bad = value_write(w, value, depth + 1);
    }
    if (members)
        json_close_object(w);
    else
        json_close_array(w);
    return bad ? bad : r.bad ? MALFORMED : NULL;
}

/* The kind that an AnyValue has: its last field that is one; 0: none, which is null. */
static bool value_read(struct slice value, struct protobuf_reader *last)
{
    static const uint8_t wires[] = {
        [VALUE_TEXT] = PROTOBUF_BYTES,     [VALUE_TRUTH] = PROTOBUF_VARINT,
        [VALUE_INTEGER] = PROTOBUF_VARINT, [VALUE_DOUBLE] = PROTOBUF_FIXED64,
        [VALUE_ARRAY] = PROTOBUF_BYTES,    [VALUE_MEMBERS] = PROTOBUF_BYTES,
        [VALUE_BYTES] = PROTOBUF_BYTES,
    };
    struct protobuf_reader r;
    *last = (struct protobuf_reader){.field = 0};
    protobuf_open(&r, value);
    while (protobuf_next(&r))
        if (r.field <= VALUE_BYTES && wires[r.field] == r.wire)
            *last = r;
    return !r.bad;
}

static const char *value_write(struct json_writer *w, struct slice value, unsigned depth)
{
    struct protobuf_reader r;
    double number;
    if (depth > OTLP_DEPTH_MAX)
        return TOO_DEEP;
    if (!value_read(value, &r))
        return MALFORMED;
    switch (r.field) {
    case VALUE_TEXT:
        json_string(w, r.bytes);
        return NULL;
    case VALUE_TRUTH:
        json_bool(w, r.number != 0);
        return NULL;
    case VALUE_INTEGER:
        json_i64(w, (int64_t)r.number);
        return NULL;
    case VALUE_DOUBLE:
        memcpy(&number, &r.number, sizeof(number));
        otlp_double(w, number);
        return NULL;
    case VALUE_ARRAY:
    case VALUE_MEMBERS:
        return list_write(w, r.bytes, r.field == VALUE_MEMBERS, depth);
    case VALUE_BYTES:
        otlp_base64(w, r.bytes);
        return NULL;
    default:
        json_null(w);
        return NULL;
    }
}

/* The pairs in the fields of that number, as members of the record. */
static const char *pairs_write(struct otlp_writer *w, struct slice message, uint32_t field)
{
    struct protobuf_reader r;
    const char *bad = NULL;
    protobuf_open(&r, message);
    while (!bad && next_part(&r, field)) {
        struct slice name, value;
        if (!pair_read(r.bytes, &name, &value))
            return MALFORMED;
        if (otlp_name(w, name))
            bad = value_write(&w->json, value, 1);
    }
    return bad ? bad : r.bad ? MALFORMED : NULL;
}

static struct slice hex_make(struct arena *arena, struct slice bytes)
{
    struct buf text = {0};
    text_hex(&text, slice_part(bytes, 0, 64));
    struct slice hex = arena_copy(arena, buf_as_slice(&text));
    buf_free(&text);
    return hex;
}

/* All but the attributes; false: the message is malformed. */
static bool head_read(struct otlp_writer *w, struct slice record, struct otlp_head *head,
                      struct slice *body)
{
    struct protobuf_reader r;
    *head = (struct otlp_head){0};
    *body = SLICE("");
    protobuf_open(&r, record);
    while (protobuf_next(&r)) {
        if (r.wire == PROTOBUF_FIXED64 && r.field == RECORD_TIME)
            head->time_ns = r.number;
        if (r.wire == PROTOBUF_FIXED64 && r.field == RECORD_OBSERVED)
            head->observed_ns = r.number;
        if (r.wire == PROTOBUF_VARINT && r.field == RECORD_SEVERITY_NUMBER)
            head->severity_number = r.number;
        if (r.wire != PROTOBUF_BYTES)
            continue;
        if (r.field == RECORD_SEVERITY_TEXT)
            head->severity_text = r.bytes;
        else if (r.field == RECORD_EVENT_NAME)
            head->event_name = r.bytes;
        else if (r.field == RECORD_TRACE_ID)
            head->trace_id = r.bytes;
        else if (r.field == RECORD_SPAN_ID)
            head->span_id = r.bytes;
        else if (r.field == RECORD_BODY)
            *body = r.bytes;
    }
    head->trace_id = hex_make(w->arena, head->trace_id);
    head->span_id = hex_make(w->arena, head->span_id);
    return !r.bad;
}

static int record_write(struct otlp_writer *w, struct slice record, struct err *err)
{
    struct otlp_head head;
    struct slice body;
    struct protobuf_reader value;
    bool whole = head_read(w, record, &head, &body) && value_read(body, &value);
    otlp_record_begin(w, &head);
    if (!whole)
        return otlp_record_end(w, MALFORMED, err);
    bool members = value.field == VALUE_MEMBERS;
    const char *bad = NULL;
    if (!members && value.field != 0 && otlp_name(w, SLICE("body")))
        bad = value_write(&w->json, body, 1);
    if (!bad)
        bad = pairs_write(w, record, RECORD_ATTRIBUTES);
    if (!bad && members)
        bad = pairs_write(w, value.bytes, LIST_VALUES);
    return otlp_record_end(w, bad, err);
}

/* The attributes of a resource; what is bad of it refuses its records. */
static void resource_read(struct otlp_writer *w, struct slice resource)
{
    struct protobuf_reader r;
    protobuf_open(&r, resource);
    while (!w->resource_bad && next_part(&r, RESOURCE_ATTRIBUTES)) {
        struct slice name, value;
        const char *bad = pair_read(r.bytes, &name, &value) ? NULL : MALFORMED;
        if (!bad && !otlp_member_begin(w, name))
            continue;
        if (!bad)
            bad = value_write(&w->json, value, 1);
        if (bad)
            otlp_resource_refuse(w, bad);
        else
            otlp_member_end(w, name);
    }
    if (r.bad)
        otlp_resource_refuse(w, MALFORMED);
}

static void scope_read(struct otlp_writer *w, struct slice scope)
{
    struct protobuf_reader r;
    struct slice name = SLICE("");
    protobuf_open(&r, scope);
    while (next_part(&r, SCOPE_NAME))
        name = r.bytes;
    otlp_scope(w, name);
}

static int frame_bad(struct err *err)
{
    return err_set(err, ERR_SYNTAX,
                   "The body is no ExportLogsServiceRequest in protobuf; check its Content-Type.");
}

static int scope_logs_read(struct otlp_writer *w, struct slice scope_logs, struct err *err)
{
    struct protobuf_reader r;
    size_t count = w->member_count;
    bool was_bad = w->resource_bad;
    int rc = ERR_OK;
    protobuf_open(&r, scope_logs);
    if (next_part(&r, SCOPE_LOGS_SCOPE))
        scope_read(w, r.bytes);
    protobuf_open(&r, scope_logs);
    while (!rc && next_part(&r, SCOPE_LOGS_RECORDS))
        rc = record_write(w, r.bytes, err);
    otlp_members_cut(w, count);
    w->resource_bad = was_bad;
    return rc ? rc : r.bad ? frame_bad(err) : ERR_OK;
}

static int resource_logs_read(struct otlp_writer *w, struct slice resource_logs, struct err *err)
{
    struct protobuf_reader r;
    int rc = ERR_OK;
    otlp_resource_begin(w);
    protobuf_open(&r, resource_logs);
    while (next_part(&r, RESOURCE_LOGS_RESOURCE))
        resource_read(w, r.bytes);
    protobuf_open(&r, resource_logs);
    while (!rc && next_part(&r, RESOURCE_LOGS_SCOPE_LOGS))
        rc = scope_logs_read(w, r.bytes, err);
    return rc ? rc : r.bad ? frame_bad(err) : ERR_OK;
}

int otlp_read_protobuf(struct slice body, struct arena *arena, struct span_list *out,
                       struct otlp_outcome *outcome, struct err *err)
{
    struct otlp_writer w;
    struct protobuf_reader r;
    int rc = ERR_OK;
    otlp_open(&w, arena, out, outcome);
    protobuf_open(&r, body);
    while (!rc && next_part(&r, REQUEST_RESOURCE_LOGS))
        rc = resource_logs_read(&w, r.bytes, err);
    if (!rc && r.bad)
        rc = frame_bad(err);
    return otlp_close(&w, rc);
}
