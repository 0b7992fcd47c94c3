/* An API with an engine that answers at once as the test says, for tests. Include behind cmocka.h.
 * Threads: one. */
#pragma once
#include "api/api.h"
#include "state/commands_state.h"

struct api_bed {
    struct api *api;
    struct command_table commands;
    struct listing_table listings;
    struct exchange x;
    /* what the engine says */
    bool away;
    struct caller caller; /* rights 0: nobody */
    int rc;
    bool denied;
    const char *text, *json;
    int fd;
    /* what it was asked */
    unsigned asked; /* times */
    char secret[REQUEST_SECRET_BYTES_MAX + 1];
    struct buf called; /* command_pack */
    char words[1000];  /* of ask, each with | behind it */
    /* the request */
    const char *authorization, *cookie, *canh_request, *fetch_site, *language, *host, *type;
    bool from_elsewhere;
};

static struct api_answer bed_answer(struct api_bed *b)
{
    b->asked++;
    return (struct api_answer){.rc = b->rc,
                               .away = b->away,
                               .denied = b->denied,
                               .text = slice_from(b->text),
                               .json = slice_from(b->json),
                               .audit_id = 7,
                               .fd = b->fd};
}

static bool bed_is_there(void *context)
{
    struct api_bed *b = context;
    return !b->away;
}

static void bed_who(void *context, struct exchange *x, api_answered *done)
{
    struct api_bed *b = context;
    struct api_answer a = bed_answer(b);
    (void)snprintf(b->secret, sizeof b->secret, "%.*s", (int)x->secret.len, x->secret.data);
    a.rc = b->caller.rights ? ERR_OK : ERR_NOT_FOUND;
    a.caller = &b->caller;
    done(x, &a);
}

static void bed_call(void *context, struct exchange *x, struct slice packed, bool dry,
                     api_answered *done)
{
    struct api_bed *b = context;
    struct api_answer a = bed_answer(b);
    (void)dry;
    buf_clear(&b->called);
    buf_slice(&b->called, packed);
    done(x, &a);
}

static void bed_ask(void *context, struct exchange *x, const char *kind, const struct slice *words,
                    uint32_t count, api_answered *done)
{
    struct api_bed *b = context;
    struct api_answer a = bed_answer(b);
    size_t len = (size_t)snprintf(b->words, sizeof b->words, "%s|", kind);
    for (uint32_t i = 0; i < count; i++)
        len += (size_t)snprintf(b->words + len, sizeof b->words - len, "%.*s|", (int)words[i].len,
                                words[i].data);
    done(x, &a);
}

static void bed_plain(void *context, struct exchange *x, api_answered *done)
{
    struct api_answer a = bed_answer(context);
    done(x, &a);
}

static inline void bed_open(struct api_bed *b)
{
    static const uint64_t units[] = {5, 6};
    *b = (struct api_bed){.fd = -1, .host = "127.0.0.1:8480", .type = "application/json"};
    b->commands = (struct command_table){state_commands, state_command_count};
    b->listings = (struct listing_table){state_listings, state_listing_count};
    b->caller = (struct caller){.kind = CALLER_SESSION,
                                .user_id = 3,
                                .name = SLICE("an"),
                                .rights = RIGHT_ALL,
                                .units = units,
                                .unit_count = 2};
    struct api_options options = {
        .commands = &b->commands,
        .listings = &b->listings,
        .engine = {b, bed_is_there, bed_who, bed_call, bed_ask, bed_plain, bed_plain},
        .data = "/nowhere",
        .name = SLICE("canh.example.vn"),
        .body_bytes_max = 1 << 20};
    b->api = api_open(&options);
}

static inline void bed_close(struct api_bed *b)
{
    exchange_close(&b->x);
    buf_free(&b->called);
    api_close(&b->api);
}

static inline struct slice bed_header(const char *text)
{
    return text ? slice_from(text) : (struct slice){0};
}

/* The status; the response stays until the next request. */
static inline unsigned bed_request(struct api_bed *b, const char *method, const char *target,
                                   const char *body)
{
    struct err err;
    exchange_close(&b->x);
    exchange_open(&b->x, b->api);
    struct request *r = &b->x.request;
    r->method = request_method(slice_from(method));
    r->from = b->from_elsewhere ? SLICE("192.0.2.7") : SLICE("127.0.0.1");
    r->loopback = !b->from_elsewhere;
    r->host = bed_header(b->host);
    r->authorization = bed_header(b->authorization);
    r->cookie = bed_header(b->cookie);
    r->canh_request = bed_header(b->canh_request);
    r->fetch_site = bed_header(b->fetch_site);
    r->accept_language = bed_header(b->language);
    r->content_type = bed_header(b->type);
    b->asked = 0;
    if (request_target(r, &b->x.arena, slice_from(target), &err))
        api_bad_request(&b->x, &err);
    else
        api_begin(&b->x);
    if (b->x.step == EXCHANGE_BODY) {
        r->body = slice_from(body);
        api_body(&b->x);
    }
    check(b->x.step == EXCHANGE_DONE);
    return b->x.response.status;
}

static inline bool bed_has(struct api_bed *b, const char *text)
{
    struct slice all =
        b->x.response.fixed.len ? b->x.response.fixed : buf_as_slice(&b->x.response.body);
    return slice_find(all, slice_from(text)) != SLICE_NONE;
}

static inline const char *bed_got(const struct api_bed *b, const char *header)
{
    for (uint32_t i = 0; i < b->x.response.header_count; i++)
        if (strcmp(b->x.response.headers[i].name, header) == 0)
            return b->x.response.headers[i].value;
    return "";
}
