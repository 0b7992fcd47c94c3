/* JSON (RFC 8259): the reader of the hot path, a pull reader for documents, and a writer.
 *
 * Limits: JSON_DEPTH_MAX levels; RECORD_FIELDS_MAX and RECORD_NAME_BYTES_MAX of record.h; text must
 * be valid UTF-8 without NUL bytes or raw control characters (a byte order mark before it is fine);
 * every escape is checked (lone surrogates are refused). Duplicate keys give several fields of one
 * name. Errors: ERR_SYNTAX, and ERR_LIMIT for what is valid but too much; err has line and column
 * within the text where a place is known. Threads: any. */
#pragma once
#include "formats/record.h"

enum { JSON_DEPTH_MAX = 64 };

/* One JSON object, with nothing but blanks around it, into fields (see record.h for the
 * flattening: names joined by '.', array members under the array's name, VALUE_OBJECT for every
 * object and array below the top, before its members). A value that is no object becomes one field
 * `message` when it is a string, else ERR_SYNTAX. On an error r has the fields that it had. */
MUST_CHECK int json_parse_record(struct record *r, struct slice text, struct err *err);

/* The text behind the inside of a JSON string (already checked by a reader). out has room for
 * in.len bytes and is other memory than in. Returns the length. */
size_t json_unescape(char *out, struct slice in);

/* Pull reader over one document in memory. The first error sticks: later calls give JSON_ERROR. */
enum json_token {
    JSON_ERROR,
    JSON_END,
    JSON_OBJECT_OPEN,
    JSON_OBJECT_CLOSE,
    JSON_ARRAY_OPEN,
    JSON_ARRAY_CLOSE,
    JSON_KEY,    /* text, escaped */
    JSON_STRING, /* text, escaped */
    JSON_NUMBER, /* text: lexeme */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json_reader {
    struct slice input;
    size_t at;
    uint32_t depth;
    uint8_t expect;    /* inside: what may come next */
    uint64_t stack;    /* one bit a level: 1 object */
    struct slice text; /* of the newest KEY, STRING or NUMBER */
    bool escaped;      /* text has escapes: json_unescape */
    struct err err;    /* of JSON_ERROR, with line and column within the input */
};

void json_reader_open(struct json_reader *r, struct slice input);
enum json_token json_next(struct json_reader *r);
/* After KEY's value began (OBJECT_OPEN, ARRAY_OPEN): reads on to its end. */
enum json_token json_skip(struct json_reader *r);

/* Writer: appends to a buf, knows about commas. Strings are escaped; each byte that is not UTF-8
 * becomes U+FFFD so that what is written is always valid. */
void json_write_string(struct buf *out, struct slice text); /* with the quotes */
struct json_writer {
    struct buf *out;
    bool comma; /* the next member wants one */
};
void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_key_slice(struct json_writer *w, struct slice key);
void json_string(struct json_writer *w, struct slice text);
void json_u64(struct json_writer *w, uint64_t value);
void json_i64(struct json_writer *w, int64_t value);
/* The shortest text that reads back; null when not finite. */
void json_double(struct json_writer *w, double value);
void json_bool(struct json_writer *w, bool value);
void json_null(struct json_writer *w);
void json_raw(struct json_writer *w, struct slice json); /* already JSON */
/* Members of an object; null: an empty text, CLOCK_NONE. */
void json_member_text(struct json_writer *w, const char *key, struct slice text);
void json_member_time(struct json_writer *w, const char *key, int64_t time_ns);
void json_member_u64(struct json_writer *w, const char *key, uint64_t value);
