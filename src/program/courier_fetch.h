/* Courier fetch: one file from an address outside into memory, for the engine to hand on: nothing
 * of it is looked at here.
 *
 * https anywhere, http on loopback only; a redirect is followed by hand, and never from https to
 * http. Limits: FETCH_BYTES_MAX, FETCH_REDIRECTS_MAX, FETCH_SECONDS_MAX for all of it. Threads: any
 * (one a call). Ownership: *fd is the caller's. */
#pragma once
#include <stdatomic.h>

#include "base/str.h"

#define FETCH_BYTES_MAX ((size_t)64 << 20)
enum { FETCH_REDIRECTS_MAX = 5, FETCH_SECONDS_MAX = 120, FETCH_URL_BYTES_MAX = 2000 };

struct courier_fetching {
    struct slice url;
    struct slice ca_file;     /* authorities to trust instead of the system's; empty: those */
    const atomic_bool *ended; /* set: it is given up */
};
/* *fd: sealed memory. ERR_*: a sentence with the address. */
MUST_CHECK int courier_fetch(const struct courier_fetching *what, int *fd, struct err *err);
