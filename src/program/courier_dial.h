/* Courier dial: a socket to a host, within a time. Threads: any. */
#pragma once
#include "watch/output_url.h"

/* Connected, non-blocking, close-on-exec. until_ns: monotonic. ERR_IO with a sentence. */
MUST_CHECK int courier_dial(const struct output_url *to, uint64_t until_ns, int *fd,
                            struct err *err);
/* Waits for events (POLLIN ...) until then. ERR_BUSY: the time is over. */
MUST_CHECK int courier_wait(int fd, short events, uint64_t until_ns, struct err *err);
