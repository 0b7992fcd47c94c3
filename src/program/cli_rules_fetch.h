/* Rules from an address outside, for `canh rules update`: the node's courier fetches them; a
 * process of its own, without files, network or much time and memory, unpacks and reads them, so
 * that an archive made to harm ends that process.
 *
 * Limits: FETCH_BYTES_MAX as it comes (courier_fetch.h), those of formats/archive.h and bundle.h,
 * RULES_UNPACK_SECONDS of work, RULES_UNPACK_MEMORY_BYTES. Threads: the main one, before there is
 * any other. */
#pragma once
#include "program/client.h"

#define RULES_UNPACK_MEMORY_BYTES ((size_t)1 << 30)
enum { RULES_UNPACK_SECONDS = 60 };

/* *fd: what stands there, sealed; the caller's. ERR_*: a sentence with the address. */
MUST_CHECK int cli_rules_fetch(struct client *client, const char *url, int *fd, struct err *err);

struct rules_archive {
    int fd;
    const char *name; /* shown */
    struct slice pack;
};
/* bundle: its bytes, of the one pack; not checked yet (bundle_open). problems: a line for each file
 * that cannot be read. */
MUST_CHECK int cli_rules_unpack(const struct rules_archive *archive, struct buf *bundle,
                                struct buf *problems, struct err *err);
