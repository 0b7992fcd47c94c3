/* What a node says, read with care: it may be another version, or not a node at all. */
#include <errno.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/json.h"
#include "program/client_inside.h"
#include "watch/message.h"

enum { COPY_BYTES = 64 << 10, LAST_LINE_BYTES_MAX = 8192 };

bool client_answer_raw(struct slice json, const char *member, struct slice *out)
{
    struct json_reader r;
    enum json_token token;
    bool found = false;
    json_reader_open(&r, json);
    if (json_next(&r) != JSON_OBJECT_OPEN)
        return false;
    while ((token = json_next(&r)) == JSON_KEY) {
        found = !r.escaped && slice_equal(r.text, slice_from(member));
        token = json_next(&r);
        size_t start = token == JSON_OBJECT_OPEN || token == JSON_ARRAY_OPEN ? r.at - 1 : 0;
        struct slice value = r.text;
        if (token == JSON_TRUE || token == JSON_FALSE || token == JSON_NULL)
            value = token == JSON_TRUE    ? SLICE("true")
                    : token == JSON_FALSE ? SLICE("false")
                                          : SLICE("null");
        if (start) {
            if (json_skip(&r) == JSON_ERROR)
                return false;
            value = slice_part(json, start, r.at - start);
        }
        if (found) {
            *out = value;
            return true;
        }
    }
    return false;
}

bool client_answer_text(struct slice json, const char *member, struct buf *out)
{
    struct slice raw;
    if (!client_answer_raw(json, member, &raw) || slice_equal(raw, SLICE("null")))
        return false;
    buf_reserve(out, raw.len + 1);
    out->len += json_unescape(out->data + out->len, raw);
    return true;
}

static void value_of(const struct listing_column *column, struct record *record,
                     struct listing_value *out)
{
    struct field *field = record_find(record, slice_from(column->name));
    *out = (struct listing_value){.is_null = !field || field->kind == VALUE_NULL};
    if (out->is_null)
        return;
    out->text = record_text(record, field);
    if (column->kind == LISTING_TEXT || column->kind == LISTING_DATE)
        return;
    if (column->kind == LISTING_BOOL) {
        out->number = slice_equal(out->text, SLICE("true"));
        return;
    }
    uint64_t number = 0;
    bool minus = out->text.len && out->text.data[0] == '-';
    if (slice_to_u64(slice_part(out->text, minus, SIZE_MAX), &number) && number <= INT64_MAX)
        out->number = minus ? -(int64_t)number : (int64_t)number;
    else if (column->kind == LISTING_TIME)
        out->number = clock_parse(out->text, NULL, CLOCK_NONE);
    out->is_null = column->kind == LISTING_TIME && out->number == CLOCK_NONE;
}

static int row_visit(struct slice json, const struct listing *listing, struct record *record,
                     listing_visit *visit, void *context, struct err *err)
{
    struct listing_value values[LISTING_COLUMNS_MAX];
    record_reset(record);
    int rc = json_parse_record(record, json, err);
    for (uint32_t i = 0; i < listing->column_count && rc == ERR_OK; i++)
        value_of(&listing->columns[i], record, &values[i]);
    return rc ? rc : visit(context, listing, values);
}

int client_answer_rows(struct slice json, const struct listing *listing, uint64_t limit,
                       listing_visit *visit, void *context, uint64_t *visited, uint64_t *next,
                       struct err *err)
{
    struct slice rows, number;
    struct record record = {0};
    struct json_reader r;
    int rc = ERR_OK;
    *next = 0;
    if (!client_answer_raw(json, "items", &rows) || rows.len == 0 || rows.data[0] != '[')
        return err_set(err, ERR_SYNTAX,
                       "the server's answer is no list: is the address that of a Canh node?");
    if (client_answer_raw(json, "next", &number))
        (void)slice_to_u64(number, next);
    json_reader_open(&r, rows);
    (void)json_next(&r);
    while (rc == ERR_OK && *visited < limit && json_next(&r) == JSON_OBJECT_OPEN) {
        size_t start = r.at - 1;
        if (json_skip(&r) == JSON_ERROR)
            break;
        rc =
            row_visit(slice_part(rows, start, r.at - start), listing, &record, visit, context, err);
        ++*visited;
    }
    record_free(&record);
    return rc;
}

static void stream_put(struct client_stream *s, struct slice bytes)
{
    if (s->rc == ERR_OK && bytes.len)
        s->rc = io_write_all(s->to, bytes.data, bytes.len, &s->err);
}

void client_stream_add(struct client_stream *stream, struct slice bytes)
{
    size_t at = stream->ended ? 0 : slice_find_char(bytes, ASK_END[0]);
    if (at == SLICE_NONE) {
        stream_put(stream, bytes);
        return;
    }
    stream_put(stream, slice_part(bytes, 0, at));
    stream->ended = true;
    if (stream->held.len + bytes.len - at <= LAST_LINE_BYTES_MAX)
        buf_slice(&stream->held, slice_part(bytes, at, SIZE_MAX));
}

int client_stream_end(struct client_stream *stream, struct err *err)
{
    struct buf text = {0};
    struct slice line = slice_trim(slice_part(buf_as_slice(&stream->held), 1, SIZE_MAX));
    int rc = stream->rc;
    if (rc)
        *err = stream->err;
    else if (!stream->ended)
        rc = err_set(err, ERR_IO,
                     "the result was cut: the node ended the search before it was done");
    else if (client_answer_text(line, "error", &text))
        rc = err_set(err, ERR_IO, "%s", buf_text(&text));
    buf_free(&text);
    buf_free(&stream->held);
    return rc;
}

int client_answer_stream(int from, int to, struct err *err)
{
    static char piece[COPY_BYTES];
    struct client_stream stream = {.to = to};
    ssize_t got;
    while ((got = read(from, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0)
            client_stream_add(&stream, slice_make(piece, (size_t)got));
        if (stream.rc)
            break;
    }
    if (got < 0 && stream.rc == ERR_OK) {
        buf_free(&stream.held);
        return err_set_errno(err, errno, "the result cannot be read");
    }
    return client_stream_end(&stream, err);
}
