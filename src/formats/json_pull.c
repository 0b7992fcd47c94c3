#include <stdio.h>

#include "formats/json_lexeme.h"

/* What may come next (json_reader.expect). */
enum {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_CLOSE, /* just inside an array */
    EXPECT_KEY,
    EXPECT_KEY_OR_CLOSE, /* just inside an object */
    EXPECT_COMMA_OR_CLOSE,
    EXPECT_END,
    EXPECT_NOTHING /* failed */
};

static const char *const EXPECTED[] = {
    "a value",
    "a value or ']'",
    "a name in quotes",
    "a name in quotes or '}'",
    "a comma or the end of the object or array",
    "the end of the text",
};

void json_reader_open(struct json_reader *r, struct slice input)
{
    r->input = input.data ? input : slice_make("", 0);
    r->at = (size_t)(json_mark_end(r->input.data, r->input.data + r->input.len) - r->input.data);
    r->depth = 0;
    r->expect = EXPECT_VALUE;
    r->stack = 0;
    r->text = slice_make("", 0);
    r->escaped = false;
    r->err.code = ERR_OK;
    r->err.line = 0;
    r->err.column = 0;
    r->err.text[0] = '\0';
}

static enum json_token reader_fail(struct json_reader *r, const char *at, int code,
                                   const char *what)
{
    uint64_t line = 1;
    const char *start = r->input.data, *newline;
    while ((newline = memchr(start, '\n', (size_t)(at - start)))) {
        line++;
        start = newline + 1;
    }
    size_t column = (size_t)(at - start) + 1;
    err_set_at(&r->err, code, line, column > UINT32_MAX ? UINT32_MAX : (uint32_t)column, "%s",
               what);
    r->expect = EXPECT_NOTHING;
    return JSON_ERROR;
}

static enum json_token reader_unexpected(struct json_reader *r, const char *at,
                                         const char *expected)
{
    char what[160], found[24];
    unsigned char c = 0;
    if (at < r->input.data + r->input.len)
        c = (unsigned char)*at;
    if (at == r->input.data + r->input.len)
        (void)snprintf(found, sizeof(found), "the text ends");
    else if (c > ' ' && c < 0x7f)
        (void)snprintf(found, sizeof(found), "'%c' is there", c);
    else
        (void)snprintf(found, sizeof(found), "byte 0x%02x is there", c);
    (void)snprintf(what, sizeof(what), "Not valid JSON: %s should come here, but %s.", expected,
                   found);
    return reader_fail(r, at, ERR_SYNTAX, what);
}

/* Reads the string whose opening quote is at `at` into r->text; NULL: failed. */
static const char *string_read(struct json_reader *r, const char *at)
{
    const char *end = r->input.data + r->input.len, *start = ++at;
    r->escaped = false;
    for (;;) {
        at = json_plain_end(at, end);
        if (at == end) {
            (void)reader_fail(r, start - 1, ERR_SYNTAX,
                              "Not valid JSON: the text ends inside the string that starts here.");
            return NULL;
        }
        if (*at == '"')
            break;
        size_t len = 0;
        const char *what;
        if (*at == '\\') {
            r->escaped = true;
            len = json_escape_length(at, end);
            what = "Not valid JSON: this is no escape that strings may hold (a surrogate needs its "
                   "other half).";
        } else if ((unsigned char)*at < ' ') {
            what = "Not valid JSON: a control character in a string must be written as an escape.";
        } else {
            len = json_utf8_length(at, end);
            what = "Not valid JSON: the bytes here are not UTF-8; convert the log to UTF-8 first.";
        }
        if (len == 0) {
            (void)reader_fail(r, at, ERR_SYNTAX, what);
            return NULL;
        }
        at += len;
    }
    r->text = slice_make(start, (size_t)(at - start));
    return at + 1;
}

static void reader_value_done(struct json_reader *r, const char *at)
{
    r->at = (size_t)(at - r->input.data);
    r->expect = r->depth ? EXPECT_COMMA_OR_CLOSE : EXPECT_END;
}

static enum json_token open_read(struct json_reader *r, const char *at)
{
    bool object = *at == '{';
    if (r->depth == JSON_DEPTH_MAX) {
        char what[120];
        (void)snprintf(what, sizeof(what),
                       "JSON is nested more than %d levels deep, which is not read.",
                       JSON_DEPTH_MAX);
        return reader_fail(r, at, ERR_LIMIT, what);
    }
    r->depth++;
    r->stack = r->stack << 1 | (object ? 1u : 0u);
    r->expect = object ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
    r->at = (size_t)(at + 1 - r->input.data);
    return object ? JSON_OBJECT_OPEN : JSON_ARRAY_OPEN;
}

static enum json_token close_read(struct json_reader *r, const char *at)
{
    bool object = r->stack & 1;
    r->depth--;
    r->stack >>= 1;
    reader_value_done(r, at + 1);
    return object ? JSON_OBJECT_CLOSE : JSON_ARRAY_CLOSE;
}

static enum json_token literal_read(struct json_reader *r, const char *at)
{
    size_t left = r->input.len - (size_t)(at - r->input.data);
    if (left >= 4 && memcmp(at, "true", 4) == 0) {
        reader_value_done(r, at + 4);
        return JSON_TRUE;
    }
    if (left >= 5 && memcmp(at, "false", 5) == 0) {
        reader_value_done(r, at + 5);
        return JSON_FALSE;
    }
    if (left >= 4 && memcmp(at, "null", 4) == 0) {
        reader_value_done(r, at + 4);
        return JSON_NULL;
    }
    return reader_unexpected(r, at, EXPECTED[r->expect]);
}

static enum json_token value_read(struct json_reader *r, const char *at)
{
    const char *end = r->input.data + r->input.len, *behind;
    if (at == end)
        return reader_unexpected(r, at, EXPECTED[r->expect]);
    if (*at == '"') {
        behind = string_read(r, at);
        if (!behind)
            return JSON_ERROR;
        reader_value_done(r, behind);
        return JSON_STRING;
    }
    if (*at == '{' || *at == '[')
        return open_read(r, at);
    if (*at != '-' && !json_is_digit(*at))
        return literal_read(r, at);
    behind = json_number_end(at, end);
    if (!behind)
        return reader_fail(r, at, ERR_SYNTAX, "Not valid JSON: the number here is malformed.");
    r->text = slice_make(at, (size_t)(behind - at));
    r->escaped = false;
    reader_value_done(r, behind);
    return JSON_NUMBER;
}

static enum json_token key_read(struct json_reader *r, const char *at)
{
    const char *end = r->input.data + r->input.len;
    if (at == end || *at != '"')
        return reader_unexpected(r, at, EXPECTED[r->expect]);
    at = string_read(r, at);
    if (!at)
        return JSON_ERROR;
    at = json_blank_end(at, end);
    if (at == end || *at != ':')
        return reader_unexpected(r, at, "':'");
    r->at = (size_t)(at + 1 - r->input.data);
    r->expect = EXPECT_VALUE;
    return JSON_KEY;
}

enum json_token json_next(struct json_reader *r)
{
    const char *end = r->input.data + r->input.len;
    const char *at = json_blank_end(r->input.data + r->at, end);
    char c = at < end ? *at : '\0';
    char close = r->stack & 1 ? '}' : ']';
    switch (r->expect) {
    case EXPECT_VALUE_OR_CLOSE:
        return c == close ? close_read(r, at) : value_read(r, at);
    case EXPECT_VALUE:
        return value_read(r, at);
    case EXPECT_KEY_OR_CLOSE:
        return c == close ? close_read(r, at) : key_read(r, at);
    case EXPECT_COMMA_OR_CLOSE:
        if (c == close)
            return close_read(r, at);
        if (c != ',')
            return reader_unexpected(r, at, EXPECTED[r->expect]);
        at = json_blank_end(at + 1, end);
        r->expect = r->stack & 1 ? EXPECT_KEY : EXPECT_VALUE;
        return r->stack & 1 ? key_read(r, at) : value_read(r, at);
    case EXPECT_END:
        return at == end ? JSON_END : reader_unexpected(r, at, EXPECTED[r->expect]);
    default:
        return JSON_ERROR;
    }
}

enum json_token json_skip(struct json_reader *r)
{
    uint32_t depth = r->depth;
    if (depth == 0)
        return reader_fail(r, r->input.data + r->at, ERR_USAGE,
                           "There is no JSON object or array to skip.");
    enum json_token token;
    do {
        token = json_next(r);
    } while (token != JSON_ERROR && r->depth >= depth);
    return token;
}
