/* Responses: what is to be answered. Threads: one. Ownership: the body is the response's; header
 * values are the exchange's arena's. */
#pragma once
#include "base/str.h"

enum { RESPONSE_HEADERS_MAX = 6 };
struct response_header {
    const char *name;
    const char *value;
};
struct response {
    unsigned status;
    const char *type; /* Content-Type */
    struct buf body;
    struct slice fixed; /* instead of body: bytes that outlive everything */
    int stream_fd;      /* instead of body, unless -1: what is read from there until its end */
    bool stream_raw;    /* its last line keeps its sign (ASK_END), as programs of ours want it */
    struct response_header headers[RESPONSE_HEADERS_MAX];
    uint32_t header_count;
};

#define RESPONSE_JSON  "application/json"
#define RESPONSE_LINES "application/x-ndjson"

static inline void response_header(struct response *r, const char *name, const char *value)
{
    check(r->header_count < RESPONSE_HEADERS_MAX);
    r->headers[r->header_count++] = (struct response_header){name, value};
}
