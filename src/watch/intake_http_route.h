/* The one table of endpoints of HTTP listeners: who speaks to which address, and what answers.
 *
 * A further protocol is its rows here and a file intake_http_<name>.c. An address holds with
 * doubled or closing slashes, and below /es too. Limits: HTTP_SEGMENTS_MAX parts of an address.
 * Threads: the table is constant. Ownership: parameters borrow from the address. */
#pragma once
#include "base/str.h"

enum { HTTP_SEGMENTS_MAX = 8, HTTP_PARAMS_MAX = 2 };
enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD = 2,
    HTTP_POST = 4,
    HTTP_PUT = 8,
    HTTP_DELETE = 16,
    HTTP_OTHER = 32
};
enum http_style { HTTP_PLAIN, HTTP_ELASTIC, HTTP_OTLP }; /* in whose words failures are told */
enum http_body {
    HTTP_BODY_NONE,  /* passed over */
    HTTP_BODY_WHOLE, /* run at its end */
    HTTP_BODY_PIECES /* may last for hours: run whenever there is a piece, and at its end */
};

struct http_request;
struct http_bench;
struct http_endpoint {
    unsigned methods; /* enum http_method */
    /* Parts: a word; {index}: any that does not begin with _; {}: any; * (last): whatever
     * follows, or nothing. Rows with a word for a part stand before those with any. */
    const char *path;
    enum http_style style;
    enum http_body body;
    const char *const *types; /* of bodies, ends with NULL; NULL: any */
    /* On a judging thread; sets status and answer. */
    void (*run)(struct http_request *r, struct http_bench *bench);
    unsigned status; /* run NULL: always this, and this JSON */
    const char *answer;
};

struct http_found {
    const struct http_endpoint *endpoint; /* NULL: none */
    unsigned allowed;                     /* methods that the address has; 0: no such address */
    bool elastic;                         /* it looks like one of Elasticsearch's */
    struct slice params[HTTP_PARAMS_MAX]; /* what {index} and {} stand for */
};
enum http_method http_method(struct slice name);
/* path: decoded, without its query. */
void http_route_find(enum http_method method, struct slice path, struct http_found *found);
/* Rows end with one without a path. */
extern const struct http_endpoint http_endpoints[];
