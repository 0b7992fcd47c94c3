/* URLs in their one form: scheme and host in lower case, the host as host.h and ip.h write it, no
 * user and password, no default port, "/" for an empty path, no fragment; in path and query blanks,
 * controls, bytes beyond ASCII and `"<>{}|^'\` and the backquote percent-encoded, the rest as it
 * was. Also without a scheme (`host/path`). Threads: any. */
#pragma once
#include "base/ip.h"

enum { URL_BYTES_MAX = 2048, URL_ROOM_BYTES = URL_BYTES_MAX + 64 };

struct url {
    struct slice text;      /* whole, cut at URL_BYTES_MAX */
    struct slice scheme;    /* without "://"; empty: none */
    struct slice authority; /* host, or host:port */
    struct slice host;      /* without port and [ ] */
    struct slice path;      /* from the "/" on, with the query */
    struct ip_address address;
    uint16_t port;    /* 0: none said, or the scheme's own */
    bool has_address; /* the host is an address */
    bool has_path;    /* there was more than the host and its port */
};

/* The slices point into room. false: no URL. foreign: whether names beyond ASCII may be converted
 * (costly; false: they make it no URL). */
bool url_read(struct url *out, struct slice text, bool foreign, char room[URL_ROOM_BYTES]);
/* It is a network rather than a URL: an address and a prefix length. */
bool url_is_network(const struct url *url);
/* How long "scheme://" is at the begin of text; 0: there is none. */
size_t url_scheme_bytes(struct slice text);
/* The one form of what follows the host: path and query, without the fragment. Cuts at room_bytes;
 * returns the length. */
size_t url_path_normalise(char *out, size_t room_bytes, struct slice path);
