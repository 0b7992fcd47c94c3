/* Unpacking of what comes packed over a wire: HTTP bodies by their Content-Encoding, GELF datagrams
 * by their first bytes.
 *
 * Limits: the caller's; what would be more is never made, however well it is packed. zstd windows
 * up to 2^UNPACK_WINDOW_LOG_MAX bytes (what RFC 9659 asks of HTTP). Threads: any. Ownership: the
 * caller owns out. */
#pragma once
#include "base/str.h"

enum unpack_kind {
    UNPACK_NONE,    /* not packed */
    UNPACK_GZIP,    /* RFC 1952, one member or several */
    UNPACK_DEFLATE, /* zlib (RFC 1950); without its header too, as some senders do */
    UNPACK_ZSTD,    /* RFC 8878, one frame or several */
    UNPACK_SNAPPY,  /* the block format, without frames: Loki, Prometheus remote write */
    UNPACK_UNKNOWN  /* packed in a way that is not offered, or in several ways */
};

enum { UNPACK_WINDOW_LOG_MAX = 23 };

/* Of a Content-Encoding header; absent, empty and `identity` are UNPACK_NONE. */
enum unpack_kind unpack_of_encoding(struct slice content_encoding);
/* By its first bytes: gzip, zlib and zstd (snappy blocks have no mark); else UNPACK_NONE. */
enum unpack_kind unpack_of_magic(struct slice head);

/* Appends packed, unpacked, to out: max_bytes of it at most. ERR_LIMIT: it would be more; what was
 * made until then is left in out, as on the other failures. ERR_SYNTAX: damaged, cut off, or
 * something follows its end. ERR_UNSUPPORTED: UNPACK_UNKNOWN, or a zstd window or dictionary that
 * is not offered. */
MUST_CHECK int unpack_run(enum unpack_kind kind, struct slice packed, size_t max_bytes,
                          struct buf *out, struct err *err);
