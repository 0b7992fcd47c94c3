#include "detection/url.h"

#include "detection/host.h"

enum { SCHEME_BYTES_MAX = 16 };

/* What the one form writes as %XX: blanks, controls, beyond ASCII, and bytes that end URLs in text.
 */
static bool is_encoded(unsigned char c)
{
    return c <= ' ' || c >= 0x7f || memchr("\"<>{}|^'\\`", c, 10) != NULL;
}

size_t url_path_normalise(char *out, size_t room_bytes, struct slice path)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < path.len && path.data[i] != '#'; i++) {
        unsigned char c = (unsigned char)path.data[i];
        bool encoded = is_encoded(c);
        if (len + (encoded ? 3 : 1) > room_bytes)
            break;
        if (encoded) {
            out[len++] = '%';
            out[len++] = digits[c >> 4];
            out[len++] = digits[c & 15];
        } else {
            out[len++] = (char)c;
        }
    }
    return len;
}

static uint16_t scheme_port(struct slice scheme)
{
    static const struct {
        struct slice scheme;
        uint16_t port;
    } ports[] = {{{"http", 4}, 80},
                 {{"https", 5}, 443},
                 {{"ftp", 3}, 21},
                 {{"ws", 2}, 80},
                 {{"wss", 3}, 443}};
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if (slice_equal(ports[i].scheme, scheme))
            return ports[i].port;
    return 0;
}

/* `:port` at the end of an authority, cut off. false: what is there is no port. */
static bool port_cut(struct slice *authority, uint16_t *port)
{
    size_t digits = authority->len;
    uint64_t value = 0;
    while (digits > 0 && authority->data[digits - 1] >= '0' && authority->data[digits - 1] <= '9')
        digits--;
    *port = 0;
    if (digits == 0 || authority->data[digits - 1] != ':')
        return true;
    struct slice text = slice_part(*authority, digits, authority->len);
    if (text.len > 0 &&
        (text.len > 8 || !slice_to_u64(text, &value) || value == 0 || value > UINT16_MAX))
        return false;
    *port = (uint16_t)value;
    authority->len = digits - 1;
    return true;
}

/* The host in its one form to out; its length, or 0. */
static size_t host_put(struct url *u, struct slice host, bool foreign, char *out)
{
    if (ip_parse(&u->address, host)) {
        char text[IP_TEXT_BYTES];
        bool v6 = !ip_is_v4(&u->address);
        size_t len = ip_text(text, &u->address);
        u->has_address = true;
        if (v6)
            *out = '[';
        memcpy(out + v6, text, len);
        if (v6)
            out[len + 1] = ']';
        u->host = slice_make(out + v6, len);
        return len + 2u * v6;
    }
    for (size_t i = 0; !foreign && i < host.len; i++)
        if ((unsigned char)host.data[i] >= 0x80)
            return 0;
    size_t len = host_normalise(out, host);
    u->host = slice_make(out, len);
    return len;
}

size_t url_scheme_bytes(struct slice text)
{
    size_t len = 0;
    for (; len < text.len && len < SCHEME_BYTES_MAX; len++) {
        unsigned char c = host_lower_table[(unsigned char)text.data[len]];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '+' || c == '-';
        if (!letter && (!other || len == 0))
            break;
    }
    return len > 1 && slice_starts(slice_part(text, len, 3), SLICE("://")) ? len + 3 : 0;
}

bool url_read(struct url *out, struct slice text, bool foreign, char room[URL_ROOM_BYTES])
{
    size_t end = 0, at;
    *out = (struct url){0};
    size_t used = url_scheme_bytes(text);
    host_lower(room, text.data, used);
    out->scheme = slice_make(room, used > 0 ? used - 3 : 0);
    text = slice_part(text, used, text.len);
    while (end < text.len && !memchr("/?#\\", text.data[end], 4))
        end++;
    struct slice authority = slice_part(text, 0, end);
    while ((at = slice_find_char(authority, '@')) != SLICE_NONE)
        authority = slice_part(authority, at + 1, authority.len);
    bool bracket = authority.len > 0 && authority.data[authority.len - 1] == ']';
    if (!bracket && !port_cut(&authority, &out->port))
        return false;
    size_t host = host_put(out, authority, foreign, room + used);
    if (host == 0)
        return false;
    out->authority.data = room + used;
    used += host;
    if (out->port == scheme_port(out->scheme))
        out->port = 0;
    if (out->port > 0) {
        char digits[6];
        size_t count = 0;
        room[used++] = ':';
        for (unsigned value = out->port; value > 0; value /= 10)
            digits[count++] = (char)('0' + value % 10);
        while (count > 0)
            room[used++] = digits[--count];
    }
    out->authority.len = (size_t)(room + used - out->authority.data);
    out->path.data = room + used;
    out->has_path = end < text.len && text.data[end] != '#';
    if (!out->has_path || text.data[end] != '/')
        room[used++] = '/';
    used += url_path_normalise(room + used, URL_BYTES_MAX - used, slice_part(text, end, text.len));
    out->path.len = (size_t)(room + used - out->path.data);
    out->text = slice_make(room, used);
    return true;
}

bool url_is_network(const struct url *url)
{
    uint64_t bits;
    return url->scheme.len == 0 && url->has_address && url->port == 0 && url->path.len <= 4 &&
           slice_to_u64(slice_part(url->path, 1, url->path.len), &bits);
}
