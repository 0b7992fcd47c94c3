#include "formats/gelf.h"

#include "base/clock.h"
#include "base/map.h"
#include "formats/json.h"

static const struct slice SHORT_MESSAGE = {"short_message", 13}, MESSAGE = {"message", 7};
static const struct slice SENT_TIME = {"timestamp", 9}, TIME = {"@timestamp", 10};

/* A member's value; the reader stands behind its key, and then behind the value. */
static int value_read(struct json_reader *r, struct slice *value, enum json_token *token,
                      struct err *err)
{
    size_t from = r->at;
    *value = SLICE("");
    *token = json_next(r);
    if (*token == JSON_OBJECT_OPEN || *token == JSON_ARRAY_OPEN)
        if (json_skip(r) == JSON_ERROR)
            *token = JSON_ERROR;
    if (*token == JSON_ERROR) {
        if (err)
            *err = r->err;
        return r->err.code;
    }
    *value = slice_trim(slice_part(r->input, from, r->at - from));
    return ERR_OK;
}

/* CLOCK_NONE: no time. */
static int64_t seconds_read(struct slice text)
{
    double seconds;
    if (slice_find_char(text, 'e') == SLICE_NONE && slice_find_char(text, 'E') == SLICE_NONE)
        return clock_parse(text, NULL, CLOCK_NONE);
    if (!slice_to_double(text, &seconds) || !(seconds > 0 && seconds < 9e9))
        return CLOCK_NONE;
    return (int64_t)(seconds * 1e6) * 1000;
}

static int end_check(struct json_reader *r, struct err *err)
{
    if (json_next(r) == JSON_END)
        return ERR_OK;
    if (err)
        *err = r->err;
    return r->err.code;
}

/* The names of all members. */
static int names_read(struct map *names, struct slice text, struct err *err)
{
    struct json_reader r;
    struct slice value;
    enum json_token token;
    json_reader_open(&r, text);
    token = json_next(&r);
    if (token != JSON_OBJECT_OPEN && token != JSON_ERROR)
        return err_set(err, ERR_SYNTAX, "A GELF message must be one JSON object.");
    while (token != JSON_ERROR && (token = json_next(&r)) == JSON_KEY) {
        struct slice name = r.text;
        int rc = value_read(&r, &value, &token, err);
        if (rc)
            return rc;
        if (names->count == RECORD_FIELDS_MAX)
            return err_set(err, ERR_LIMIT, "The GELF message has more than %d members.",
                           RECORD_FIELDS_MAX);
        (void)map_put(names, name, 0, NULL);
    }
    return end_check(&r, err);
}

static bool is_taken(const struct map *names, struct slice name)
{
    return map_find(names, name) ||
           (slice_equal(name, MESSAGE) && map_find(names, SHORT_MESSAGE)) ||
           (slice_equal(name, TIME) && map_find(names, SENT_TIME));
}

/* The name that a member gets; names are compared as they are written, escapes and all. */
static struct slice name_of(const struct map *names, struct slice sent)
{
    if (slice_equal(sent, SHORT_MESSAGE))
        return map_find(names, MESSAGE) ? sent : MESSAGE;
    struct slice bare = slice_part(sent, 1, sent.len);
    if (sent.len > 1 && sent.data[0] == '_' && !is_taken(names, bare))
        return bare;
    return sent;
}

static void member_write(struct json_writer *w, struct slice name, struct slice value)
{
    if (w->comma)
        buf_char(w->out, ',');
    buf_char(w->out, '"');
    buf_slice(w->out, name);
    buf_string(w->out, "\":");
    buf_slice(w->out, value);
    w->comma = true;
}

int gelf_event(struct buf *out, struct slice text, struct err *err)
{
    struct map names = {0};
    size_t before = out->len;
    struct json_writer w = {.out = out};
    struct json_reader r;
    int rc = names_read(&names, text, err);
    if (rc)
        goto out;
    json_open_object(&w);
    json_reader_open(&r, text);
    (void)json_next(&r);
    while (!rc && json_next(&r) == JSON_KEY) {
        struct slice name = r.text, value;
        enum json_token token;
        rc = value_read(&r, &value, &token, err);
        int64_t time_ns = CLOCK_NONE;
        if (!rc && slice_equal(name, SENT_TIME) && (token == JSON_NUMBER || token == JSON_STRING) &&
            !map_find(&names, TIME))
            time_ns = seconds_read(r.text);
        char time[CLOCK_TEXT_BYTES];
        if (time_ns == CLOCK_NONE) {
            member_write(&w, name_of(&names, name), value);
        } else {
            json_key_slice(&w, TIME);
            json_string(&w, slice_make(time, clock_text(time, time_ns)));
        }
    }
    json_close_object(&w);
out:
    if (rc)
        out->len = before;
    map_free(&names);
    return rc;
}

int gelf_parse(struct record *r, struct slice text, const struct format_header *header,
               struct err *err)
{
    (void)header;
    struct buf event = {0};
    int rc = gelf_event(&event, text, err);
    if (!rc)
        rc = json_parse_record(r, arena_copy(&r->arena, buf_as_slice(&event)), err);
    buf_free(&event);
    return rc;
}

int gelf_probe(struct slice head)
{
    bool parted = slice_find_char(head, '\0') != SLICE_NONE;
    return parted && slice_starts(head, SLICE("{\"")) &&
                   slice_find(head, SLICE("\"short_message\"")) != SLICE_NONE
               ? 97
               : 0;
}
