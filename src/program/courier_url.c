#include "program/courier_url.h"

#include "base/ip.h"

/* The host of a URL's authority: without user, port and brackets. */
static struct slice host_of(struct slice rest)
{
    size_t end = 0;
    while (end < rest.len && !strchr("/?#", rest.data[end]))
        end++;
    struct slice authority = slice_part(rest, 0, end);
    if (authority.len && authority.data[0] == '[') {
        size_t close = slice_find_char(authority, ']');
        return close == SLICE_NONE ? SLICE("") : slice_part(authority, 1, close - 1);
    }
    return slice_cut(&authority, ':');
}

static bool is_loopback(struct slice host)
{
    return slice_equal(host, SLICE("localhost")) || slice_equal(host, SLICE("::1")) ||
           (slice_starts(host, SLICE("127.")) && ip_parse(&(struct ip_address){0}, host));
}

int courier_url_check(struct slice url, struct err *err)
{
    static const struct slice https = {"https://", 8}, http = {"http://", 7};
    bool secure = slice_starts(url, https);
    if (!secure && !slice_starts(url, http))
        return err_set(err, ERR_USAGE, "%.100s is no address to send to: it begins with https://",
                       url.data);
    struct slice rest = slice_part(url, secure ? https.len : http.len, SIZE_MAX);
    struct slice host = host_of(rest);
    if (host.len == 0 || slice_find_char(rest, '@') != SLICE_NONE)
        return err_set(err, ERR_USAGE,
                       "%.100s has no host, or a name and password: write https://host/path, and "
                       "sign with secret_file",
                       url.data);
    if (!secure && !is_loopback(host))
        return err_set(err, ERR_USAGE,
                       "%.100s would go out unencrypted: write https://; http is for loopback",
                       url.data);
    return ERR_OK;
}
