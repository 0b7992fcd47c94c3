/* The inside of intake_http*.c: a request on its way from the listener's thread to a judging one
 * and back. Threads: the listener's until it is queued, a judging one until it is done. */
#pragma once
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/socket.h"
#include "formats/unpack.h"
#include "watch/intake_http.h"
#include "watch/intake_http_route.h"

enum { HTTP_PIECE_BYTES = 1 << 20, HTTP_PIECE_ITEMS = 4096, HTTP_TOKEN_HASH_BYTES = 32 };

enum http_text { /* a sentence for the sender: intake_http_text.c */
                 HTTP_TEXT_ADDRESS,
                 HTTP_TEXT_METHOD,
                 HTTP_TEXT_SOURCE,
                 HTTP_TEXT_CERTIFICATE,
                 HTTP_TEXT_TOKEN,
                 HTTP_TEXT_TOKEN_UNKNOWN,
                 HTTP_TEXT_TOKEN_RIGHT,
                 HTTP_TEXT_TOKENS,
                 HTTP_TEXT_CONNECTIONS,
                 HTTP_TEXT_PACKING,
                 HTTP_TEXT_TYPE,
                 HTTP_TEXT_TYPE_OTLP,
                 HTTP_TEXT_TYPE_JOURNAL,
                 HTTP_TEXT_LENGTH,
                 HTTP_TEXT_LENGTH_UNPACKED,
                 HTTP_TEXT_ITEMS,
                 HTTP_TEXT_UNPACK,
                 HTTP_TEXT_BODY,
                 HTTP_TEXT_EMPTY,
                 HTTP_TEXT_HELD,
                 HTTP_TEXT_DISK,
                 HTTP_TEXT_RULES,
                 HTTP_TEXT_STORE,
                 HTTP_TEXT_ENDING
};

struct http_address { /* of senders; used while connections > 0 */
    struct ip_address address;
    uint64_t connections;
};

struct http_listener {
    struct intake_http *http;
    const struct config_listener *config;
    const struct live_source *source;
    struct input_file file; /* named after the listener */
    const struct format *json, *gelf, *journal;
    struct socket_allow allow;
    bool wants_certificate;
    struct MHD_Daemon *daemon;
    struct http_address *addresses; /* as many as connections */
};

struct http_peer {                /* a connection */
    struct http_address *address; /* NULL: not known */
    char from[IP_TEXT_BYTES];
    char sender[INTAKE_WHO_BYTES]; /* certificate, token, else its address */
    bool has_certificate;          /* a right one */
    unsigned char token[HTTP_TOKEN_HASH_BYTES];
    uint64_t token_until_ns; /* so long it is believed; 0: none */
};

enum http_work { HTTP_WORK_NONE, HTTP_WORK_IDENTITY, HTTP_WORK_PIECE, HTTP_WORK_LAST };

struct http_request {
    struct http_listener *listener;
    struct MHD_Connection *connection;
    struct http_peer *peer;
    struct http_found found;
    char *path;
    struct buf body;
    size_t held;             /* of it and of the answer, counted in http->held */
    size_t piece_bytes;      /* of a body in pieces: judged when there is so much */
    uint64_t piece_began_ns; /* or when so long passed */
    size_t passed_over;
    uint64_t began_ns; /* monotonic */
    int64_t received_ns;
    enum unpack_kind packing;
    enum http_work work;
    bool is_heading; /* it waits behind its headers */
    bool vietnamese;
    char compatible;             /* the version that the media type asks for; 0: none */
    unsigned status;             /* 0: not known yet */
    enum http_text text;         /* when it failed */
    char reason[ERR_TEXT_BYTES]; /* behind the text; may be empty */
    struct buf answer;
    const char *answer_type; /* NULL: none: status tells it */
    struct split *split;     /* of a body in pieces */
    uint64_t told;
    uint64_t stored, refused, duplicates;
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
    atomic_bool draining;
};

struct http_bench { /* a judging thread's own */
    struct intake_lane *lane;
    struct slice *ids;               /* by place in the block: HTTP_PIECE_ITEMS */
    uint32_t *items;                 /* likewise: which item of the request it is */
    struct intake_refusal *refusals; /* HTTP_PIECE_ITEMS */
};

/* intake_http_answer.c */
void http_fail(struct http_request *r, unsigned status, enum http_text text);
enum MHD_Result http_answer(struct http_request *r);
/* intake_http_text.c: the sentence, and a title for the status, in the request's language. */
const char *http_text_detail(const struct http_request *r);
const char *http_text_title(const struct http_request *r);
/* intake_http_peer.c: for MHD_start_daemon; context: the listener */
enum MHD_Result http_peer_may_connect(void *context, const struct sockaddr *address, socklen_t len);
void http_peer_changed(void *context, struct MHD_Connection *connection, void **own,
                       enum MHD_ConnectionNotificationCode code);
struct http_peer *http_peer_of(struct MHD_Connection *connection);
bool http_peer_has_too_many(const struct http_request *r);
/* intake_http_identity.c */
enum { HTTP_SECRET_BYTES = 256 };
/* The token of an Authorization header, NUL behind it: Bearer T, ApiKey base64(id:T), ApiKey T,
 * Basic base64(anyone:T). False: none of these. */
bool http_identity_secret(struct slice authorization, char out[HTTP_SECRET_BYTES]);
struct slice http_header(const struct http_request *r, const char *name); /* or empty */
bool http_identity_is_known(struct http_request *r); /* on any thread: nobody is asked */
void http_identity_check(struct http_request *r);    /* on a judging thread: status, or sender */
/* intake_http_body.c: on a judging thread. */
bool http_body_unpack(struct http_request *r); /* false: status says why */
/* The block's beginnings; records, ids and so on are the caller's. */
struct intake_block http_body_block(struct http_request *r);
/* Sets the status that a lane's failure means. */
void http_body_unavailable(struct http_request *r, int rc);
/* The whole body is refused, kept as one refused record, and answered with 400. */
void http_body_refuse(struct http_request *r, struct http_bench *bench, const struct err *err);
/* Records that were read refused: count of them for one reason. */
MUST_CHECK int http_body_refused(struct http_request *r, struct http_bench *bench, uint64_t count,
                                 const char *reason);
/* An answer of the request's own: the writer's buffer. */
struct buf *http_body_answer(struct http_request *r, unsigned status, const char *type);

/* the endpoints' */
void http_ingest_run(struct http_request *r, struct http_bench *bench);
void http_alertmanager_run(struct http_request *r, struct http_bench *bench);
void http_gelf_run(struct http_request *r, struct http_bench *bench);
void http_otlp_run(struct http_request *r, struct http_bench *bench);
void http_journal_run(struct http_request *r, struct http_bench *bench);
void http_bulk_run(struct http_request *r, struct http_bench *bench);
void http_document_index(struct http_request *r, struct http_bench *bench);
void http_document_create(struct http_request *r, struct http_bench *bench);
void http_cat_health(struct http_request *r, struct http_bench *bench);
