#include "api/request.h"

#include "base/ip.h"
#include "base/text.h"

enum request_method request_method(struct slice name)
{
    if (slice_equal(name, SLICE("GET")) || slice_equal(name, SLICE("HEAD")))
        return METHOD_GET;
    if (slice_equal(name, SLICE("POST")))
        return METHOD_POST;
    if (slice_equal(name, SLICE("DELETE")))
        return METHOD_DELETE;
    return METHOD_OTHER;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode(struct arena *arena, struct slice in, struct slice *out, struct err *err)
{
    char *text = arena_bytes(arena, in.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.data[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < in.len ? hex_digit(in.data[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_digit(in.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return err_set(err, ERR_SYNTAX, "a %% in the query has no two hex digits after it");
            c = (char)(high * 16 + low);
            i += 2;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return err_set(err, ERR_SYNTAX, "the query has a control character");
        text[len++] = c;
    }
    *out = slice_make(text, len);
    if (text_utf8_valid(*out) != len)
        return err_set(err, ERR_SYNTAX, "the query is not UTF-8 text");
    return ERR_OK;
}

static bool path_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '-' || c == '_' || c == '.' || c == '~';
}

int request_target(struct request *r, struct arena *arena, struct slice target, struct err *err)
{
    if (target.len > REQUEST_TARGET_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the address is longer than %d bytes",
                       REQUEST_TARGET_BYTES_MAX);
    struct slice rest = arena_copy(arena, target);
    r->path = slice_cut(&rest, '?');
    r->query_count = 0;
    if (r->path.len == 0 || r->path.data[0] != '/')
        return err_set(err, ERR_SYNTAX, "the address does not begin with /");
    for (size_t i = 0; i < r->path.len; i++)
        if (!path_char(r->path.data[i]))
            return err_set(err, ERR_SYNTAX, "no path here has such characters");
    while (rest.len > 0) {
        struct slice value = slice_cut(&rest, '&');
        struct slice name = slice_cut(&value, '=');
        if (r->query_count == REQUEST_QUERY_MAX)
            return err_set(err, ERR_LIMIT, "the query has more than %d parameters",
                           REQUEST_QUERY_MAX);
        struct request_param *p = &r->query[r->query_count];
        int rc = decode(arena, name, &p->name, err);
        if (rc == ERR_OK)
            rc = decode(arena, value, &p->value, err);
        if (rc)
            return rc;
        if (p->name.len == 0)
            return err_set(err, ERR_SYNTAX, "a parameter of the query has no name");
        for (uint32_t i = 0; i < r->query_count; i++)
            if (slice_equal(r->query[i].name, p->name))
                return err_set(err, ERR_SYNTAX, "the query has a parameter twice");
        r->query_count++;
    }
    return ERR_OK;
}

struct slice request_query(const struct request *r, const char *name)
{
    for (uint32_t i = 0; i < r->query_count; i++)
        if (slice_equal(r->query[i].name, slice_from(name)))
            return r->query[i].value;
    return (struct slice){0};
}

bool request_host_is_ours(struct slice host, struct slice name)
{
    struct slice port = host;
    struct ip_address address;
    uint64_t number;
    if (host.len > 0 && host.data[0] == '[') {
        struct slice inside = slice_cut(&port, ']');
        if (port.data == inside.data + inside.len) /* no ] */
            return false;
        host = slice_part(inside, 1, inside.len);
        if (!ip_parse(&address, host))
            return false;
        if (port.len == 0)
            return true;
        if (port.data[0] != ':')
            return false;
        port = slice_part(port, 1, port.len);
    } else {
        bool has_port = slice_find_char(host, ':') != SLICE_NONE;
        host = slice_cut(&port, ':');
        if (!slice_equal_nocase(host, SLICE("localhost")) && !ip_parse(&address, host) &&
            (name.len == 0 || !slice_equal_nocase(host, name)))
            return false;
        if (!has_port)
            return true;
    }
    return slice_to_u64(port, &number) && number > 0 && number <= UINT16_MAX;
}

struct slice request_cookie(struct slice cookies, struct slice name)
{
    while (cookies.len > 0) {
        struct slice value = slice_trim(slice_cut(&cookies, ';'));
        if (slice_equal(slice_cut(&value, '='), name))
            return value;
    }
    return (struct slice){"", 0};
}
