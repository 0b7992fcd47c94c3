#include "watch/output_url.h"

#include <stdio.h>

enum { PORT_MAX = 65535 };

static bool transport_take(struct slice *rest, enum output_transport *out)
{
    static const struct {
        const char *begin;
        enum output_transport transport;
    } kinds[] = {{"udp://", OUTPUT_UDP}, {"tcp://", OUTPUT_TCP}, {"tls://", OUTPUT_TLS}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct slice begin = slice_from(kinds[i].begin);
        if (!slice_starts(*rest, begin))
            continue;
        *rest = slice_part(*rest, begin.len, SIZE_MAX);
        *out = kinds[i].transport;
        return true;
    }
    return false;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':';
}

static bool host_take(struct slice *rest, struct slice *host)
{
    bool bracket = rest->len && rest->data[0] == '[';
    size_t end = bracket ? slice_find_char(*rest, ']') : slice_find_char(*rest, ':');
    if (end == SLICE_NONE)
        return false;
    *host = slice_part(*rest, bracket, end - bracket);
    *rest = slice_part(*rest, end + bracket, SIZE_MAX);
    for (size_t i = 0; i < host->len; i++)
        if (!is_host_char(host->data[i]))
            return false;
    return host->len > 0 && host->len < OUTPUT_HOST_BYTES;
}

int output_url_parse(struct slice url, struct output_url *out, struct err *err)
{
    struct slice rest = url, host;
    uint64_t port = 0;
    *out = (struct output_url){0};
    if (!transport_take(&rest, &out->transport) || !host_take(&rest, &host) || rest.len < 2 ||
        rest.data[0] != ':' || !slice_to_u64(slice_part(rest, 1, SIZE_MAX), &port) || port == 0 ||
        port > PORT_MAX)
        return err_set(err, ERR_USAGE,
                       "\"%.*s\" is no address of a syslog receiver: write tls://host:6514, "
                       "tcp://host:port or udp://host:514",
                       (int)(url.len < 100 ? url.len : 100), url.len ? url.data : "");
    memcpy(out->host, host.data, host.len);
    (void)snprintf(out->port, sizeof(out->port), "%u", (unsigned)port);
    return ERR_OK;
}
