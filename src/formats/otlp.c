#include "formats/otlp_inside.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/protobuf.h"

enum { NAMES_KEPT = 256, PADDING_BYTES = 64 };

void otlp_open(struct otlp_writer *w, struct arena *arena, struct span_list *out,
               struct otlp_outcome *outcome)
{
    *w = (struct otlp_writer){
        .arena = arena, .out = out, .outcome = outcome, .spans_before = out->count};
    *outcome = (struct otlp_outcome){0};
}

int otlp_close(struct otlp_writer *w, int rc)
{
    if (rc) {
        w->out->count = w->spans_before;
        *w->outcome = (struct otlp_outcome){0};
    }
    buf_free(&w->text);
    buf_free(&w->resource);
    map_free(&w->names);
    mem_free(w->members);
    return rc;
}

/* A map that one large record made large is not cleared for each small one. */
static void names_clear(struct map *names)
{
    if (names->capacity > NAMES_KEPT)
        map_free(names);
    else if (names->count > 0)
        memset(names->entries, 0, names->capacity * sizeof(*names->entries));
    names->count = 0;
}

void otlp_resource_begin(struct otlp_writer *w)
{
    buf_clear(&w->resource);
    names_clear(&w->names);
    w->member_count = 0;
    w->resource_bad = false;
}

void otlp_resource_refuse(struct otlp_writer *w, const char *reason)
{
    if (!w->resource_bad)
        w->resource_reason = reason;
    w->resource_bad = true;
}

bool otlp_member_begin(struct otlp_writer *w, struct slice name)
{
    bool made = name.len > 0;
    if (made)
        (void)map_put(&w->names, name, 0, &made);
    if (!made)
        return false;
    if (w->member_count == w->member_capacity) {
        w->member_capacity = w->member_capacity ? w->member_capacity * 2 : 16;
        w->members = mem_resize(w->members, w->member_capacity, sizeof(*w->members));
    }
    w->members[w->member_count] = (struct otlp_member){.name = name, .at = w->resource.len};
    w->json = (struct json_writer){.out = &w->resource};
    return true;
}

void otlp_member_end(struct otlp_writer *w, struct slice name)
{
    struct otlp_member *m = &w->members[w->member_count++];
    m->len = w->resource.len - m->at;
    if (w->resource.len + w->member_count * sizeof(*m) + name.len > OTLP_RESOURCE_BYTES_MAX) {
        otlp_resource_refuse(w, "the attributes of its resource are longer than 64 KiB");
        w->member_count--;
        w->resource.len = m->at;
    }
}

void otlp_scope(struct otlp_writer *w, struct slice name)
{
    static const struct slice member = {"otel.scope.name", 15};
    names_clear(&w->names);
    if (name.len == 0 || !otlp_member_begin(w, member))
        return;
    json_string(&w->json, name);
    otlp_member_end(w, member);
}

void otlp_members_cut(struct otlp_writer *w, size_t count)
{
    if (w->member_count > count)
        w->resource.len = w->members[count].at;
    if (w->member_count > count)
        w->member_count = count;
}

bool otlp_name(struct otlp_writer *w, struct slice name)
{
    bool made = name.len > 0;
    if (made)
        (void)map_put(&w->names, name, 0, &made);
    if (made)
        json_key_slice(&w->json, name);
    return made;
}

static void text_write(struct otlp_writer *w, struct slice name, struct slice text)
{
    if (text.len > 0 && otlp_name(w, name))
        json_string(&w->json, text);
}

void otlp_record_begin(struct otlp_writer *w, const struct otlp_head *head)
{
    buf_clear(&w->text);
    names_clear(&w->names);
    w->json = (struct json_writer){.out = &w->text};
    json_open_object(&w->json);
    uint64_t time_ns = head->time_ns ? head->time_ns : head->observed_ns;
    char time[CLOCK_TEXT_BYTES];
    if (time_ns > 0 && time_ns <= INT64_MAX)
        text_write(w, SLICE("@timestamp"), slice_make(time, clock_text(time, (int64_t)time_ns)));
    text_write(w, SLICE("severity_text"), head->severity_text);
    if (head->severity_number > 0 && otlp_name(w, SLICE("severity_number")))
        json_u64(&w->json, head->severity_number);
    text_write(w, SLICE("trace_id"), head->trace_id);
    text_write(w, SLICE("span_id"), head->span_id);
    text_write(w, SLICE("event.name"), head->event_name);
}

static void record_refuse(struct otlp_writer *w, const char *reason)
{
    if (w->outcome->refused++ == 0)
        (void)snprintf(w->outcome->reason, sizeof(w->outcome->reason), "Log record %llu: %s.",
                       (unsigned long long)w->outcome->received, reason);
}

int otlp_record_end(struct otlp_writer *w, const char *bad, struct err *err)
{
    if (++w->outcome->received > OTLP_RECORDS_MAX)
        return err_set(err, ERR_LIMIT, "The request has more than %d log records; send fewer.",
                       OTLP_RECORDS_MAX);
    bad = bad ? bad : w->resource_bad ? w->resource_reason : NULL;
    for (size_t i = 0; !bad && i < w->member_count; i++) {
        const struct otlp_member *m = &w->members[i];
        if (otlp_name(w, m->name))
            json_raw(&w->json, slice_make(w->resource.data + m->at, m->len));
    }
    json_close_object(&w->json);
    if (!bad && w->text.len > RECORD_BYTES_MAX)
        bad = "it is longer than a record may be (16 MiB)";
    w->output_bytes += w->text.len;
    if (w->output_bytes > OTLP_OUTPUT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "The log records of the request are too long; send fewer.");
    if (bad) {
        record_refuse(w, bad);
        return ERR_OK;
    }
    char *text = arena_bytes(w->arena, w->text.len + PADDING_BYTES);
    memcpy(text, w->text.data, w->text.len);
    memset(text + w->text.len, 0, PADDING_BYTES);
    span_list_add(
        w->out, (struct span){.text = slice_make(text, w->text.len), .line = w->outcome->received});
    return ERR_OK;
}

void otlp_base64(struct json_writer *w, struct slice bytes)
{
    struct buf text = {0};
    text_base64(&text, bytes);
    json_string(w, buf_as_slice(&text));
    buf_free(&text);
}

void otlp_double(struct json_writer *w, double value)
{
    if (isfinite(value))
        json_double(w, value);
    else
        json_string(w, isnan(value) ? SLICE("NaN")
                       : value > 0  ? SLICE("Infinity")
                                    : SLICE("-Infinity"));
}

void otlp_answer_protobuf(struct buf *out, uint64_t refused, const char *reason)
{
    struct buf partial = {0};
    if (refused == 0)
        return;
    protobuf_put_varint(&partial, 1, refused);
    protobuf_put_bytes(&partial, 2, slice_from(reason));
    protobuf_put_bytes(out, 1, buf_as_slice(&partial));
    buf_free(&partial);
}

void otlp_answer_json(struct buf *out, uint64_t refused, const char *reason)
{
    struct json_writer w = {.out = out};
    char count[24];
    json_open_object(&w);
    if (refused > 0) {
        json_key(&w, "partialSuccess");
        json_open_object(&w);
        int len = snprintf(count, sizeof(count), "%llu", (unsigned long long)refused);
        json_key(&w, "rejectedLogRecords");
        json_string(&w, slice_make(count, (size_t)len));
        json_key(&w, "errorMessage");
        json_string(&w, slice_from(reason));
        json_close_object(&w);
    }
    json_close_object(&w);
}
