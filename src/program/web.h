/* Web: the parts of the role web, one file each; shared by role_web.c and web_*.c only.
 *
 * Two threads of libmicrohttpd run requests (web_server.c); the role's loop takes the engine's
 * answers (web_engine.c), watches streams of results (web_stream.c) and the time that connections
 * take (web_guard.c). A request that waits is suspended; whoever ends its waiting resumes it, once,
 * under `lock`. Threads: said at each call. DESIGN section 4, docs/process-model.md. */
#pragma once
#include <microhttpd.h>
#include <pthread.h>

#include "api/api.h"
#include "program/role.h"
#include "watch/peer.h"

enum {
    WEB_THREADS = 2,
    WEB_POOL_BYTES = 64 << 10, /* of a connection: its headers, its buffers */
    WEB_ANSWER_S = 30,         /* the engine has so long for who, status, figures */
    WEB_CALL_S = 300,          /* and for commands, searches' beginnings */
    WEB_STREAMS_MAX = 16,
    WEB_STREAM_S = 120, /* without a byte of a result: cut */
    WEB_DRAIN_S = 5
};
#define WEB_BODIES_BYTES_MAX ((size_t)128 << 20) /* of all requests under way */

enum web_metric {
    WEB_REQUESTS_OK,
    WEB_REQUESTS_REFUSED,
    WEB_REQUESTS_FAILED,
    WEB_SECONDS,
    WEB_CONNECTIONS,
    WEB_OVERDUE,
    WEB_BYTES,
    WEB_METRICS
};
extern struct metric web_metrics[WEB_METRICS];

struct web_request { /* zeroed; one HTTP request */
    struct exchange x;
    struct web *web;
    struct MHD_Connection *connection;
    uint32_t slot;
    uint64_t began_ns;
    char target[REQUEST_TARGET_BYTES_MAX + 2];
    bool begun, at_headers, has_body;
    struct buf body;
    size_t reserved; /* of WEB_BODIES_BYTES_MAX */
    /* under web->lock */
    bool suspended;
    bool answered;
    int stream_fd;         /* of the result that is being read; -1: none */
    bool cut;              /* the stream: nothing comes any more */
    uint64_t ask_id;       /* 0: nothing is asked */
    uint64_t ask_until_ns; /* of the answer, or of the stream's next byte; 0: no end */
    uint16_t answer_type;  /* 0: away */
    struct buf answer;
    int answer_fd;
    /* the thread's */
    api_answered *done;
};

struct web_guest { /* a connection */
    int fd;
    bool used;
    uint64_t until_ns; /* 0: no end */
};

struct web {
    struct role_context *context;
    struct api *api;
    struct MHD_Daemon *daemon;
    bool tls;
    const char *state_path;
    uint32_t request_max;
    uv_timer_t timer;
    uv_poll_t poll;
    int epoll; /* of streams */
    uint64_t drain_until_ns;
    pthread_mutex_t lock; /* of what follows */
    struct peer *engine;
    bool closing;
    struct web_request **requests; /* by slot */
    uint32_t request_count, stream_count;
    size_t body_bytes;
    uint64_t asked;
    pthread_mutex_t guard; /* of what follows; never held with another */
    struct web_guest *guests;
    uint32_t guest_max;
};

/* web_engine.c: the API's ways to the engine, by messages. */
struct api_engine web_engine(struct web *web);
/* The wire to a new engine; -1: the one before is gone. Loop's thread. Takes fd. */
void web_engine_peer(struct web *web, int fd);
/* Those that wait for too long get their end. Loop's thread. */
void web_engine_overdue(struct web *web, uint64_t now_ns);
/* Everybody stops waiting, for good. Loop's thread. */
void web_engine_close(struct web *web);
/* The answer that is there goes to the exchange. The request's thread. */
void web_engine_answer(struct web_request *r);
/* Under lock: it goes on, if it waits. */
void web_resume(struct web_request *r);

/* web_stream.c: results read from a descriptor while they come. */
MUST_CHECK int web_stream_open(struct web *web, struct err *err); /* loop's thread */
void web_stream_close(struct web *web);
/* NULL: too many streams. Takes the response's descriptor. The request's thread. */
struct MHD_Response *web_stream_response(struct web_request *r);
/* The request is over. */
void web_stream_end(struct web_request *r);

/* web_guard.c: how long a connection may take to say what it wants, and to listen. */
void web_guard_open(struct web *web);
void web_guard_close(struct web *web);
void web_guard_notify(void *web, struct MHD_Connection *connection, void **guest,
                      enum MHD_ConnectionNotificationCode code);
void web_guard_until(struct web *web, struct MHD_Connection *connection, uint64_t until_ns);
void web_guard_overdue(struct web *web, uint64_t now_ns);

/* web_server.c: libmicrohttpd. */
MUST_CHECK int web_server_open(struct web *web, struct listener_socket *listener, struct err *err);
void web_server_quiesce(struct web *web); /* nobody new */
void web_server_close(struct web *web);
