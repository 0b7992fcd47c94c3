/* Intake HTTP: events that are posted; intake_http_route.c has the one table of endpoints.
 *
 * 2xx only when what it speaks of is durable. Limits: those of the listener's row in canh.yaml,
 * INTAKE_HTTP_BYTES_MAX of all bodies that are held (beyond: 429), INTAKE_HTTP_THREADS bodies
 * judged at a time; a body slower than 1 KiB/s behind the listener's timeout is given up. Threads:
 * its own; open and close are the loop's. Ownership: borrows sockets, live and shared. */
#pragma once
#include "base/metric.h"
#include "watch/intake_lane.h"
#include "watch/listener.h"

#define INTAKE_HTTP_BYTES_MAX ((size_t)256 << 20)
enum { INTAKE_HTTP_THREADS = 4 };

enum intake_http_metric {
    INTAKE_HTTP_OK,
    INTAKE_HTTP_REFUSED, /* 4xx */
    INTAKE_HTTP_FAILED,  /* 5xx */
    INTAKE_HTTP_HELD,    /* bytes of bodies */
    INTAKE_HTTP_WAITING, /* bodies */
    INTAKE_HTTP_METRICS
};

struct intake_http;
/* Of all listeners of kind http among the sockets (borrowed, as are their texts). Threads begin. */
MUST_CHECK int intake_http_open(struct intake_http **out, const struct listener_socket *sockets,
                                uint32_t count, const struct live *live,
                                struct intake_shared *shared, struct metric *metrics,
                                struct err *err);
/* No new connections. */
void intake_http_drain(struct intake_http *http);
bool intake_http_idle(struct intake_http *http); /* nothing is held */
/* After intake_shared_end: threads end. */
void intake_http_close(struct intake_http **http);
