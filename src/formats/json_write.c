#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "formats/json_lexeme.h"

/* What the quote, the backslash or a control character becomes. */
static void escape_write(struct buf *out, unsigned char c)
{
    static const char SHORT[' '] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    static const char HEX[] = "0123456789abcdef";
    char letter = c < ' ' ? SHORT[c] : (char)c;
    if (letter) {
        char text[] = {'\\', letter};
        buf_append(out, text, sizeof(text));
    } else {
        char text[] = {'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]};
        buf_append(out, text, sizeof(text));
    }
}

void json_write_string(struct buf *out, struct slice text)
{
    const char *at = text.len ? text.data : "", *end = at + text.len;
    buf_reserve(out, text.len + 2);
    buf_char(out, '"');
    while (at < end) {
        const char *special = json_plain_end(at, end);
        buf_append(out, at, (size_t)(special - at));
        at = special;
        if (at == end)
            break;
        if ((unsigned char)*at < 0x80) {
            escape_write(out, (unsigned char)*at++);
            continue;
        }
        size_t len = json_utf8_length(at, end);
        if (len)
            buf_append(out, at, len);
        else
            buf_append(out, "\xef\xbf\xbd", 3);
        at += len ? len : 1;
    }
    buf_char(out, '"');
}

static void comma_before(struct json_writer *w)
{
    if (w->comma)
        buf_char(w->out, ',');
    w->comma = true;
}

static void open_write(struct json_writer *w, char bracket)
{
    comma_before(w);
    buf_char(w->out, bracket);
    w->comma = false;
}

static void close_write(struct json_writer *w, char bracket)
{
    buf_char(w->out, bracket);
    w->comma = true;
}

void json_open_object(struct json_writer *w)
{
    open_write(w, '{');
}

void json_close_object(struct json_writer *w)
{
    close_write(w, '}');
}

void json_open_array(struct json_writer *w)
{
    open_write(w, '[');
}

void json_close_array(struct json_writer *w)
{
    close_write(w, ']');
}

void json_key_slice(struct json_writer *w, struct slice key)
{
    json_string(w, key);
    buf_char(w->out, ':');
    w->comma = false;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_slice(w, slice_from(key));
}

void json_string(struct json_writer *w, struct slice text)
{
    comma_before(w);
    json_write_string(w->out, text);
}

static void u64_write(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(out, digits + at, sizeof(digits) - at);
}

void json_u64(struct json_writer *w, uint64_t value)
{
    comma_before(w);
    u64_write(w->out, value);
}

void json_i64(struct json_writer *w, int64_t value)
{
    comma_before(w);
    if (value < 0)
        buf_char(w->out, '-');
    u64_write(w->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* printf's text with the point that the locale writes as something else. */
static struct slice double_text(char out[40], double value, int digits)
{
    int printed = snprintf(out, 40, "%.*g", digits, value);
    size_t len = 0;
    bool point = false;
    for (int i = 0; i < printed; i++) {
        char c = out[i];
        bool foreign = !json_is_digit(c) && c != '-' && c != '+' && c != 'e';
        if (foreign && point)
            continue; /* a point of several bytes */
        point = point || foreign;
        out[len++] = foreign ? '.' : c;
    }
    return slice_make(out, len);
}

void json_double(struct json_writer *w, double value)
{
    char text[40];
    double read = 0;
    if (!isfinite(value)) {
        json_null(w);
        return;
    }
    struct slice shortest = double_text(text, value, 15);
    for (int digits = 16; digits <= 17; digits++) {
        if (slice_to_double(shortest, &read) && memcmp(&read, &value, sizeof(read)) == 0)
            break;
        shortest = double_text(text, value, digits);
    }
    json_raw(w, shortest);
}

void json_bool(struct json_writer *w, bool value)
{
    json_raw(w, value ? SLICE("true") : SLICE("false"));
}

void json_null(struct json_writer *w)
{
    json_raw(w, SLICE("null"));
}

void json_raw(struct json_writer *w, struct slice json)
{
    comma_before(w);
    buf_slice(w->out, json);
}

/* ---- members ---- */

void json_member_text(struct json_writer *w, const char *key, struct slice text)
{
    json_key(w, key);
    if (text.len)
        json_string(w, text);
    else
        json_null(w);
}

void json_member_time(struct json_writer *w, const char *key, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    size_t len = time_ns == CLOCK_NONE ? 0 : clock_text(text, time_ns);
    json_member_text(w, key, slice_make(text, len));
}

void json_member_u64(struct json_writer *w, const char *key, uint64_t value)
{
    json_key(w, key);
    json_u64(w, value);
}
