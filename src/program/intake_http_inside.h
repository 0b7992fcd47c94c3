/* The inside of intake_http*.c: a request on its way from the listener's thread to a judging one
 * and back. Threads: the listener's until it is queued, a judging one until it is done. */
#pragma once
#include <microhttpd.h>
#include <pthread.h>

#include "program/intake_http.h"

struct http_listener {
    struct intake_http *http;
    const struct config_listener *config;
    const struct live_source *source;
    struct input_file file; /* named after the listener */
    struct MHD_Daemon *daemon;
};

struct http_request {
    struct http_listener *listener;
    struct MHD_Connection *connection;
    struct buf body;
    size_t held; /* of it, counted in http->held */
    bool is_gzip, is_queued;
    unsigned status; /* 0: not known yet */
    const char *title;
    char detail[ERR_TEXT_BYTES];
    uint64_t stored, refused;
    struct http_request *next;
};

struct intake_http {
    const struct live *live;
    struct intake_shared *shared;
    struct metric *metrics;
    struct http_listener *listeners;
    uint32_t listener_count;
    pthread_t threads[INTAKE_HTTP_THREADS];
    uint32_t thread_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct http_request *first, **end; /* that wait */
    uint32_t waiting, judging;
    size_t held;
    bool ending;
};

void http_fail(struct http_request *r, unsigned status, const char *detail);
/* intake_http_body.c: on a judging thread: status and what was stored. */
void http_body_judge(struct http_request *r, struct intake_judge *judge);
