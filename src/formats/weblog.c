#include "formats/weblog.h"

#include "base/ip.h"
#include "base/text.h"
#include "formats/probe.h"

enum { BEGIN_BYTES_MAX = 512 };

static struct slice slice_after(struct slice s, size_t offset)
{
    return slice_part(s, offset, s.len);
}

static struct slice without_end(struct slice s)
{
    while (s.len && (s.data[s.len - 1] == '\n' || s.data[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static bool is_nil(struct slice s)
{
    return slice_equal(s, SLICE("-"));
}

static bool is_number(struct slice s)
{
    uint64_t number;
    return slice_to_u64(s, &number) && (s.len == 1 || s.data[0] != '0');
}

/* `-` is null; a number is one for the columns that hold numbers. */
static int add(struct record *r, struct slice name, struct slice value, bool number,
               struct err *err)
{
    if (is_nil(value))
        return record_add(r, name, slice_part(value, 0, 0), VALUE_NULL, 0, err);
    enum value_kind kind = number && is_number(value) ? VALUE_NUMBER : VALUE_STRING;
    return record_add(r, name, value, kind, 0, err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that \xhh at `at` stands for, -1: no such escape here. */
static int escaped_byte(struct slice s, size_t at)
{
    if (at + 4 > s.len || s.data[at] != '\\' || s.data[at + 1] != 'x')
        return -1;
    int high = hex_digit(s.data[at + 2]), low = hex_digit(s.data[at + 3]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* One character written as \xhh escapes: puts its bytes, gives how many escapes; 0 when the bytes
 * are control characters or no UTF-8, which stay as written. */
static size_t decode_bytes(char *out, struct slice s, size_t at)
{
    int lead = escaped_byte(s, at);
    size_t count = lead < 0x20 || lead == 0x7f ? 0
                   : lead < 0x80               ? 1
                   : lead < 0xc0               ? 0
                   : lead < 0xe0               ? 2
                   : lead < 0xf0               ? 3
                                               : 4;
    for (size_t i = 0; i < count; i++) {
        int byte = escaped_byte(s, at + 4 * i);
        if (byte < 0)
            return 0;
        out[i] = (char)byte;
    }
    return text_utf8_valid(slice_make(out, count)) == count ? count : 0;
}

/* Undoes what the server did to keep its log line whole; what the client sent encoded stays. */
static struct slice unescape(struct record *r, struct slice s)
{
    if (slice_find_char(s, '\\') == SLICE_NONE)
        return s;
    char *out = arena_bytes(&r->arena, s.len);
    size_t len = 0, i = 0;
    while (i < s.len) {
        size_t escapes = s.data[i] == '\\' ? decode_bytes(out + len, s, i) : 0;
        if (escapes) {
            len += escapes;
            i += 4 * escapes;
            continue;
        }
        if (s.data[i] == '\\' && i + 1 < s.len && (s.data[i + 1] == '"' || s.data[i + 1] == '\\'))
            i++;
        out[len++] = s.data[i++];
    }
    return slice_make(out, len);
}

/* Offset of [dd/Mon/yyyy:hh:mm:ss, or SLICE_NONE. */
static size_t find_time(struct slice s)
{
    for (size_t at = 0; at < s.len;) {
        size_t open = slice_find_char(slice_after(s, at), '[');
        if (open == SLICE_NONE)
            return SLICE_NONE;
        at += open;
        if (at + 21 < s.len && s.data[at + 3] == '/' && s.data[at + 7] == '/' &&
            s.data[at + 12] == ':' && s.data[at + 15] == ':' && s.data[at + 18] == ':')
            return at;
        at++;
    }
    return SLICE_NONE;
}

struct client {
    struct slice host, port, address, ident, user;
};

/* What stands before the time: [vhost[:port]] address ident user. A user may hold blanks. */
static bool read_client(struct slice s, struct client *c)
{
    *c = (struct client){0};
    struct slice rest = slice_trim(s);
    struct slice first = slice_cut(&rest, ' '), second = slice_cut(&rest, ' ');
    size_t blank = slice_find_char(rest, ' ');
    struct slice third = slice_part(rest, 0, blank == SLICE_NONE ? rest.len : blank);
    if (third.len == 0)
        return false;
    bool virtual = blank != SLICE_NONE && !is_nil(second) &&
                   (is_nil(third) ||
                    slice_find_char(slice_after(rest, blank + 1), ' ') == SLICE_NONE);
    if (virtual) {
        c->host = first;
        size_t colon = slice_find_char(first, ':');
        if (colon != SLICE_NONE && is_number(slice_after(first, colon + 1))) {
            c->host = slice_part(first, 0, colon);
            c->port = slice_after(first, colon + 1);
        }
        c->address = second;
        c->ident = third;
        c->user = slice_after(rest, blank + 1);
    } else {
        c->address = first;
        c->ident = second;
        c->user = rest;
    }
    return c->address.len > 0 && c->ident.len > 0;
}

static int add_client(struct record *r, const struct client *c, struct err *err)
{
    int rc = ERR_OK;
    if (c->host.len)
        rc = add(r, SLICE("cs-host"), c->host, false, err);
    if (!rc && c->port.len)
        rc = add(r, SLICE("s-port"), c->port, true, err);
    if (!rc)
        rc = add(r, SLICE("c-ip"), c->address, false, err);
    if (!rc)
        rc = add(r, SLICE("cs-ident"), c->ident, false, err);
    return rc ? rc : add(r, SLICE("cs-username"), c->user, false, err);
}

/* The inside of the quotes at *s; a quote closes when it is not escaped and a blank or the end
 * follows. */
static bool take_quoted(struct slice *s, struct slice *inside)
{
    if (s->len < 2 || s->data[0] != '"')
        return false;
    for (size_t i = 1; i < s->len; i++) {
        if (s->data[i] == '\\') {
            i++;
        } else if (s->data[i] == '"' && (i + 1 == s->len || s->data[i + 1] == ' ')) {
            *inside = slice_part(*s, 1, i - 1);
            *s = slice_after(*s, i + 1);
            return true;
        }
    }
    return false;
}

static bool is_method(struct slice s)
{
    if (s.len == 0 || s.len > 32)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
            return false;
    }
    return true;
}

static int add_uri(struct record *r, struct slice uri, struct err *err)
{
    int rc = record_add(r, SLICE("cs-uri"), uri, VALUE_STRING, 0, err);
    size_t mark = slice_find_char(uri, '?');
    if (!rc)
        rc = record_add(r, SLICE("cs-uri-stem"), slice_part(uri, 0, mark), VALUE_STRING, 0, err);
    if (!rc && mark != SLICE_NONE)
        rc = record_add(r, SLICE("cs-uri-query"), slice_after(uri, mark + 1), VALUE_STRING, 0, err);
    return rc;
}

static size_t find_last_blank(struct slice s)
{
    for (size_t i = s.len; i > 0; i--)
        if (s.data[i - 1] == ' ')
            return i - 1;
    return SLICE_NONE;
}

static int add_request(struct record *r, struct slice request, struct err *err)
{
    request = unescape(r, request);
    if (is_nil(request))
        return add(r, SLICE("cs-uri"), request, false, err);
    struct slice uri = request;
    struct slice method = slice_cut(&uri, ' '), version = {"", 0};
    size_t blank = find_last_blank(uri);
    if (blank != SLICE_NONE && slice_starts(slice_after(uri, blank + 1), SLICE("HTTP/"))) {
        version = slice_after(uri, blank + 1);
        uri = slice_part(uri, 0, blank);
    }
    /* HTTP/0.9 has no version, and then only a path tells a request from noise */
    if (!is_method(method) || uri.len == 0 || (version.len == 0 && uri.data[0] != '/'))
        return record_add(r, SLICE("cs-uri"), request, VALUE_STRING, 0, err);
    int rc = record_add(r, SLICE("cs-method"), method, VALUE_STRING, 0, err);
    if (!rc)
        rc = add_uri(r, uri, err);
    if (!rc && version.len)
        rc = record_add(r, SLICE("cs-version"), version, VALUE_STRING, 0, err);
    return rc;
}

/* Status, bytes, and the fields behind them. */
static int add_answer(struct record *r, struct slice s, struct err *err)
{
    struct slice status = slice_cut(&s, ' '), bytes = slice_cut(&s, ' ');
    if (!is_nil(status) && !is_number(status))
        return err_set(err, ERR_SYNTAX,
                       "the access log line has no status number behind the request");
    if (!is_nil(bytes) && !is_number(bytes))
        return err_set(err, ERR_SYNTAX, "the access log line has no size behind the status");
    int rc = add(r, SLICE("sc-status"), status, true, err);
    if (!rc)
        rc = add(r, SLICE("sc-bytes"), bytes, true, err);
    const struct slice names[] = {SLICE("cs-referer"), SLICE("cs-user-agent")};
    bool closes = true; /* where one quote does not close, none behind it does */
    for (size_t i = 0; !rc;) {
        s = slice_trim(s);
        struct slice value;
        if (s.len == 0)
            break;
        bool quoted = closes && take_quoted(&s, &value);
        if (!quoted) {
            closes = closes && s.data[0] != '"';
            value = slice_cut(&s, ' ');
        }
        rc = add(r, quoted && i < 2 ? names[i] : SLICE("extra"), unescape(r, value), false, err);
        i += quoted ? 1 : 0;
    }
    return rc;
}

int weblog_parse(struct record *r, struct slice text, const struct format_header *header,
                 struct err *err)
{
    (void)header;
    text = without_end(text);
    size_t time = find_time(text);
    if (time == SLICE_NONE)
        return err_set(err, ERR_SYNTAX, "the access log line has no [dd/Mon/yyyy:hh:mm:ss zone]");
    struct client client;
    if (!read_client(slice_part(text, 0, time), &client))
        return err_set(err, ERR_SYNTAX,
                       "the access log line does not begin with address, identity and user");
    struct slice rest = slice_after(text, time + 1);
    size_t close = slice_find_char(slice_part(rest, 0, 64), ']');
    if (close == SLICE_NONE)
        return err_set(err, ERR_SYNTAX, "the time of the access log line is not closed by ']'");
    int rc = add_client(r, &client, err);
    if (!rc)
        rc = record_add(r, SLICE("timestamp"), slice_part(rest, 0, close), VALUE_STRING, 0, err);
    if (rc)
        return rc;
    rest = slice_trim(slice_after(rest, close + 1));
    struct slice request;
    if (!take_quoted(&rest, &request))
        return err_set(err, ERR_SYNTAX,
                       "the access log line has no quoted request behind the time");
    rc = add_request(r, request, err);
    return rc ? rc : add_answer(r, slice_trim(rest), err);
}

static bool looks_weblog(struct slice line)
{
    size_t time = find_time(line);
    struct client client;
    if (time == SLICE_NONE || !read_client(slice_part(line, 0, time), &client))
        return false;
    size_t close = slice_find_char(slice_part(line, time, 64), ']');
    return close != SLICE_NONE && slice_starts(slice_after(line, time + close + 1), SLICE(" \""));
}

bool weblog_begins(struct slice text)
{
    struct ip_address address;
    struct client client;
    struct slice head = slice_part(text, 0, BEGIN_BYTES_MAX);
    size_t time = find_time(head);
    return time != SLICE_NONE && read_client(slice_part(head, 0, time), &client) &&
           ip_parse(&address, client.address) && looks_weblog(text);
}

int weblog_probe(struct slice head)
{
    return probe_share(head, looks_weblog, 92);
}
