/* Routes: one table of all that can be asked for over HTTP (route.c); docs/api.yaml says the same
 * and a test compares them. Inside of the API: shared by its files. Threads: any. */
#pragma once
#include "api/api.h"

enum route_flag {
    ROUTE_OPEN = 1,       /* for anybody; nobody is asked who it is */
    ROUTE_OPTIONAL = 2,   /* for anybody; who it is counts when it says so */
    ROUTE_LOOPBACK = 4,   /* for anybody on this machine; else as the row says */
    ROUTE_SCOPED = 8,     /* the answer depends on the caller's units */
    ROUTE_LISTING = 16,   /* path ends with the name of a listing, whose right counts */
    ROUTE_EVERYWHERE = 32 /* only for callers of all units */
};
struct route {
    enum request_method method;
    const char *path; /* {listing} stands for a listing's name */
    unsigned right;   /* 0: any caller */
    unsigned flags;   /* enum route_flag */
    void (*handle)(struct exchange *x);
    const char *summary_en, *summary_vi;
};
extern const struct route route_table[];
extern const uint32_t route_count;
/* The route, or NULL; then *methods has those that the path knows (0: no such path). */
const struct route *route_find(const struct listing_table *listings, enum request_method method,
                               struct slice path, const struct listing **listing,
                               unsigned *methods);

const struct api_options *api_options(const struct api *api);
/* A connection to the state for this thread, until it is given back; broken: it is closed. */
MUST_CHECK int api_reader_take(struct api *api, struct database **out, struct err *err);
void api_reader_give(struct api *api, struct database *db, bool broken);

/* handlers */
void page_first(struct exchange *x);
void page_style(struct exchange *x);
void health_show(struct exchange *x);
void metrics_show(struct exchange *x);
void status_show(struct exchange *x);
void session_begin(struct exchange *x);
void session_show(struct exchange *x);
void session_end(struct exchange *x);
void commands_list(struct exchange *x);
void commands_run(struct exchange *x);
void read_listing(struct exchange *x);
void search_events(struct exchange *x);
void search_export(struct exchange *x);
void search_hunt(struct exchange *x);

/* Session: where the secret of a request stands. ERR_SYNTAX: two of them, or one too long. */
#define SESSION_COOKIE "canh_session"
void session_secret(struct exchange *x);
/* false: another site may be behind this request. */
bool session_same_site(const struct exchange *x);
