/* The inside of intake_http*.c: a request on its way from the listener's thread to a judging one
 * and back. Threads: the listener's until it is queued, a judging one until it is done. */
#pragma once
#include <microhttpd.h>
#include <pthread.h>

#include "watch/intake_http.h"

enum http_text { /* a sentence for the sender: intake_http_answer.c */
                 HTTP_TEXT_ADDRESS,
                 HTTP_TEXT_METHOD,
                 HTTP_TEXT_TOKEN,
                 HTTP_TEXT_TOKEN_UNKNOWN,
                 HTTP_TEXT_TOKEN_RIGHT,
                 HTTP_TEXT_TOKENS,
                 HTTP_TEXT_CONNECTIONS,
                 HTTP_TEXT_PACKING,
                 HTTP_TEXT_TYPE,
                 HTTP_TEXT_LENGTH,
                 HTTP_TEXT_LENGTH_UNPACKED,
                 HTTP_TEXT_GZIP,
                 HTTP_TEXT_HELD,
                 HTTP_TEXT_DISK,
                 HTTP_TEXT_RULES,
                 HTTP_TEXT_STORE,
                 HTTP_TEXT_ENDING
};

struct http_address;
struct http_listener {
    struct intake_http *http;
    const struct config_listener *config;
    const struct live_source *source;
    struct input_file file; /* named after the listener */
    struct MHD_Daemon *daemon;
    struct http_address *addresses; /* as many as connections */
};

struct http_request {
    struct http_listener *listener;
    struct MHD_Connection *connection;
    struct buf body;
    size_t held; /* of it, counted in http->held */
    bool is_gzip, is_queued, vietnamese;
    unsigned status;     /* 0: not known yet */
    enum http_text text; /* when it failed */
    uint64_t stored, refused;
    struct http_request *next;
};

struct intake_http {
    const struct live *live;
    struct intake_shared *shared;
    struct metric *metrics;
    struct http_listener *listeners;
    uint32_t listener_count, capacity;
    pthread_t threads[INTAKE_HTTP_THREADS];
    uint32_t thread_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct http_request *first, **end; /* that wait */
    uint32_t waiting, judging;
    size_t held;
    bool ending;
};

/* intake_http_answer.c */
void http_fail(struct http_request *r, unsigned status, enum http_text text);
enum MHD_Result http_answer(struct http_request *r);
/* intake_http_address.c: for MHD_OPTION_NOTIFY_CONNECTION; context: the listener */
void http_addresses_open(struct http_listener *l);
void http_connection(void *context, struct MHD_Connection *connection, void **own,
                     enum MHD_ConnectionNotificationCode code);
bool http_address_has_too_many(const struct http_request *r);
/* intake_http_body.c: on a judging thread: status and what was stored. */
void http_body_judge(struct http_request *r, struct intake_lane *judge);
