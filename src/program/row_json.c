#include "program/row_json.h"

#include "base/map.h"
#include "base/mem.h"
#include "formats/json.h"

void row_json_about(const struct row *row, uint32_t epoch, struct buf *out)
{
    struct json_writer w = {.out = out};
    buf_printf(out, "\"id\":\"%lu:%llu\"", (unsigned long)epoch, (unsigned long long)row->sequence);
    w.comma = true;
    json_member_time(&w, "time", row->time_ns);
    json_member_time(&w, "received", row->received_ns);
    json_member_text(&w, "source", row->context->source);
    json_member_text(&w, "partition", row->context->partition);
    json_member_text(&w, "file", row->context->file);
    json_key(&w, "line");
    json_u64(&w, row->line);
    json_member_text(&w, "mapping", row->context->mapping);
    if (row->context->system.len)
        json_member_text(&w, "system", row->context->system);
    if (row->context->host.len)
        json_member_text(&w, "registered", row->context->host);
    if (row->context->sender.len)
        json_member_text(&w, "sender", row->context->sender);
    if (row->context->flags & ROW_DRILL) {
        json_key(&w, "drill");
        json_bool(&w, true);
    }
}

static bool is_number(struct slice text)
{
    struct json_reader r;
    json_reader_open(&r, text);
    return json_next(&r) == JSON_NUMBER && r.text.len == text.len && json_next(&r) == JSON_END;
}

static void value_put(struct record *record, struct field *f, struct buf *out)
{
    struct slice text = record_text(record, f);
    if (f->kind == VALUE_NULL)
        buf_string(out, "null");
    else if ((f->kind == VALUE_NUMBER && is_number(text)) || f->kind == VALUE_BOOL)
        buf_slice(out, text);
    else
        json_write_string(out, text);
}

static bool is_hidden(const struct slice_list *hidden, struct slice name)
{
    for (uint32_t i = 0; hidden && i < hidden->count; i++)
        if (slice_equal(hidden->items[i], name))
            return true;
    return false;
}

/* Empty objects and arrays have no members that would stand for them. */
static bool is_shown(struct record *record, struct field *f, bool derived)
{
    struct slice text = record_text(record, f);
    return ((f->flags & FIELD_DERIVED) != 0) == derived &&
           (f->kind != VALUE_OBJECT || slice_equal(text, SLICE("{}")) ||
            slice_equal(text, SLICE("[]")));
}

static void values_put(struct record *record, const uint32_t *next, uint32_t first, struct buf *out)
{
    bool several = next[first] != 0;
    if (several)
        buf_char(out, '[');
    for (uint32_t i = first;; i = next[i]) {
        struct field *f = &record->fields[i];
        if (f->kind == VALUE_OBJECT)
            buf_slice(out, record_text(record, f));
        else
            value_put(record, f, out);
        if (!next[i])
            break;
        buf_char(out, ',');
    }
    if (several)
        buf_char(out, ']');
}

void row_json_fields(struct record *record, bool derived, const struct slice_list *hidden,
                     struct buf *out)
{
    struct map seen = {0}; /* name: its newest field */
    uint32_t *next = mem_zeroed(record->count + 1, sizeof(*next));
    bool *first = mem_zeroed(record->count + 1, sizeof(*first));
    bool comma = false;
    for (uint32_t i = 0; i < record->count; i++) {
        struct field *f = &record->fields[i];
        if (!is_shown(record, f, derived) || is_hidden(hidden, f->name))
            continue;
        struct map_entry *entry = map_put(&seen, f->name, i, &first[i]);
        if (!first[i])
            next[entry->value] = i;
        entry->value = i;
    }
    buf_char(out, '{');
    for (uint32_t i = 0; i < record->count; i++) {
        if (!first[i])
            continue;
        if (comma)
            buf_char(out, ',');
        comma = true;
        json_write_string(out, record->fields[i].name);
        buf_char(out, ':');
        values_put(record, next, i, out);
    }
    buf_char(out, '}');
    mem_free(first);
    mem_free(next);
    map_free(&seen);
}

/* ---- exact ---- */

/* On one line: outside of strings JSON has line ends as blanks only, inside of them not at all. */
static void object_put(struct slice text, struct buf *out)
{
    size_t start = out->len;
    buf_slice(out, text);
    for (size_t i = start; i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
}

/* How many fields behind an object or array are its members, told by reading its text again; -1:
 * the text does not give what stands there, so the members are written themselves. */
static int64_t members_of(struct record *record, uint32_t at, struct record *scratch)
{
    struct field *f = &record->fields[at];
    struct buf text = {0};
    int64_t count = -1;
    record_reset(scratch);
    buf_char(&text, '{');
    json_write_string(&text, f->name);
    buf_char(&text, ':');
    buf_slice(&text, record_text(record, f));
    buf_char(&text, '}');
    if (json_parse_record(scratch, buf_as_slice(&text), NULL) == ERR_OK && scratch->count > 0 &&
        scratch->count <= record->count - at) {
        count = scratch->count - 1;
        for (uint32_t i = 1; i < scratch->count && count >= 0; i++) {
            struct field *a = &scratch->fields[i], *b = &record->fields[at + i];
            if (a->kind != b->kind || !slice_equal(a->name, b->name) ||
                !slice_equal(record_text(scratch, a), record_text(record, b)))
                count = -1;
        }
    }
    buf_free(&text);
    return count;
}

void row_json_received(const struct row *row, bool about, uint32_t epoch, struct buf *out)
{
    struct record *record = row->record, scratch = {0};
    bool comma = false;
    buf_char(out, '{');
    for (uint32_t i = 0; i < record->count; i++) {
        struct field *f = &record->fields[i];
        int64_t members = 0;
        if (f->flags & FIELD_DERIVED)
            continue;
        if (f->kind == VALUE_OBJECT && (members = members_of(record, i, &scratch)) < 0)
            continue;
        if (comma)
            buf_char(out, ',');
        comma = true;
        json_write_string(out, f->name);
        buf_char(out, ':');
        if (f->kind == VALUE_OBJECT)
            object_put(record_text(record, f), out);
        else
            value_put(record, f, out);
        i += (uint32_t)members;
    }
    if (about) {
        buf_string(out, comma ? ",\"_canh\":{" : "\"_canh\":{");
        row_json_about(row, epoch, out);
        buf_char(out, '}');
    }
    buf_char(out, '}');
    record_free(&scratch);
}
