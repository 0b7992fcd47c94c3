/* API: HTTP requests turned into answers, without sockets: the server gives a request, asks what is
 * wanted next, and gets a response.
 *
 * A request's life (struct exchange): api_begin with the headers; then, by `step`, an answer of the
 * engine is awaited (its callback moves on), the body is wanted (api_body), or the response is
 * there. Who asks is settled before a body is read; without a caller a body is short. Reads of the
 * state happen here, on connections of its own, a page in a transaction. Threads: exchanges in any,
 * each in one at a time. DESIGN sections 4, 7 and 9; docs/api.yaml. */
#pragma once
#include "api/request.h"
#include "api/response.h"
#include "state/command.h"
#include "state/listing.h"

enum {
    API_OPEN_BODY_BYTES_MAX = 16 << 10, /* of those who have not signed in */
    API_READERS_MAX = 4,                /* connections to the state that are kept */
    API_WORDS_MAX = 32,
    API_RETRY_S = 2 /* Retry-After, while the engine is away */
};

struct exchange;
struct api_source { /* of metrics */
    struct slice role, packed;
};
/* What the engine said. Everything is borrowed until the callback returns, but fd: it is taken. */
struct api_answer {
    int rc;    /* ERR_*: of the asking */
    bool away; /* no engine, or no answer in time: nobody knows what became of it */
    bool denied;
    struct slice text; /* why not, in the language that was asked for */
    const struct caller *caller;
    uint64_t audit_id;
    struct slice json;
    int fd; /* -1: none */
    const struct api_source *sources;
    uint32_t source_count;
};
typedef void api_answered(struct exchange *x, const struct api_answer *answer);

/* Ways to the engine. Each calls done exactly once, later or at once, in the exchange's thread. Who
 * asks is the exchange's `secret` and `request.from`. */
struct api_engine {
    void *context;
    bool (*is_there)(void *context);
    void (*who)(void *context, struct exchange *x, api_answered *done);
    /* packed: command_pack */
    void (*call)(void *context, struct exchange *x, struct slice packed, bool dry,
                 api_answered *done);
    void (*ask)(void *context, struct exchange *x, const char *kind, const struct slice *words,
                uint32_t count, api_answered *done);
    void (*status)(void *context, struct exchange *x, api_answered *done);
    void (*metrics)(void *context, struct exchange *x, api_answered *done);
};

struct api_options {
    const struct command_table *commands;
    const struct listing_table *listings;
    struct api_engine engine;
    const char *data;  /* folder with the state */
    struct slice name; /* web.name */
    size_t body_bytes_max;
};
struct api;
struct api *api_open(const struct api_options *options); /* borrows what they point to */
void api_close(struct api **api);
/* Connections to the state are opened anew from here on: the engine was restarted. Any thread. */
void api_forget_readers(struct api *api);

enum exchange_step { EXCHANGE_ASKING, EXCHANGE_BODY, EXCHANGE_DONE };
struct route;
struct exchange {
    struct api *api;
    struct arena arena;
    struct request request;
    struct response response;
    enum exchange_step step;
    size_t body_bytes_max; /* while step is EXCHANGE_BODY */
    /* inside */
    const struct route *route;
    const struct listing *listing; /* of a listing's route */
    struct slice secret;           /* empty: none was sent */
    bool by_cookie;
    bool signed_in;
    struct caller caller;
    bool vietnamese;
    const struct command *command; /* that was sent */
    void *own;                     /* the server's */
};
/* zeroed by the caller; then it fills request, body not yet. */
void exchange_open(struct exchange *x, struct api *api);
void exchange_close(struct exchange *x);
void api_begin(struct exchange *x);
/* request.body is there. */
void api_body(struct exchange *x);
/* The body is longer than body_bytes_max. */
void api_too_long(struct exchange *x);
/* Too many results are being read at once. */
void api_busy(struct exchange *x);
/* The request was none: code and text of request_target. */
void api_bad_request(struct exchange *x, const struct err *err);
