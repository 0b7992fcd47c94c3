/* Requests: what of an HTTP request the API looks at, read strictly.
 *
 * Limits: named. Threads: any. Ownership: slices borrow from the arena that the server fills them
 * into, or from what it gives. */
#pragma once
#include "base/arena.h"

enum {
    REQUEST_TARGET_BYTES_MAX = 4096,
    REQUEST_QUERY_MAX = 32, /* parameters */
    REQUEST_HEADER_BYTES_MAX = 4096,
    REQUEST_SECRET_BYTES_MAX = 128
};
enum request_method { METHOD_OTHER = 0, METHOD_GET = 1, METHOD_POST = 2, METHOD_DELETE = 4 };

struct request_param {
    struct slice name, value;
};
struct request {
    enum request_method method; /* HEAD is GET */
    struct slice path;
    struct request_param query[REQUEST_QUERY_MAX];
    uint32_t query_count;
    /* headers; data NULL: not sent */
    struct slice host, authorization, cookie, accept_language, content_type;
    struct slice fetch_site, canh_request;
    struct slice body;
    struct slice from; /* the other side's address */
    bool loopback;     /* it is this machine */
    bool tls;
};

enum request_method request_method(struct slice name);
/* "/path?a=b%20c" into path and query. ERR_SYNTAX: no path, bytes that may not stand there, %xx
 * that is none or no UTF-8 text; ERR_LIMIT. */
MUST_CHECK int request_target(struct request *r, struct arena *arena, struct slice target,
                              struct err *err);
/* The value, or one with data NULL. */
struct slice request_query(const struct request *r, const char *name);
/* false: neither an address, nor a name of this machine, nor `name` (which may be empty): another
 * site's page may have been pointed here. */
bool request_host_is_ours(struct slice host, struct slice name);
/* The cookie's value; the empty slice when there is none. */
struct slice request_cookie(struct slice cookies, struct slice name);
