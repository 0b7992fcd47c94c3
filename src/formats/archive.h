/* Archives and compressed files as streams of their members, by libarchive over the caller's bytes:
 * gzip, zstd, xz, bzip2, lz4 around one file or a tar; zip; tar.
 *
 * Nothing is ever written to disk; member names are only for showing (control characters are
 * replaced). Limits, each said in a sentence when it is reached: ARCHIVE_OUTPUT_MAX_BYTES unpacked
 * bytes a file, ARCHIVE_RATIO_MAX times what was read + ARCHIVE_RATIO_FREE_BYTES,
 * ARCHIVE_MEMBERS_MAX members; in an archive, a compressed member is opened once more, an archive
 * is not. Threads: a stream belongs to one. Ownership: a stream borrows its source and its parent.
 */
#pragma once
#include "base/str.h"

#define ARCHIVE_OUTPUT_MAX_BYTES ((uint64_t)64 << 30)
#define ARCHIVE_RATIO_FREE_BYTES ((uint64_t)64 << 20)
enum { ARCHIVE_RATIO_MAX = 1000, ARCHIVE_MEMBERS_MAX = 100000, ARCHIVE_NAME_BYTES_MAX = 1024 };

/* Where the packed bytes come from. */
struct archive_source {
    void *context;
    /* Up to room bytes to `to`. Returns how many, 0 at the end, or a negative ERR_* code. */
    int64_t (*read)(void *context, char *to, size_t room, struct err *err);
    /* Goes to an offset from the start; may be NULL when the bytes only come once (zip members are
     * then read in file order). Returns ERR_OK or a negative code. */
    int (*seek)(void *context, uint64_t offset, struct err *err);
    uint64_t size_bytes; /* with seek: the size of it all */
};

struct archive_stream;
bool archive_signature(struct slice head); /* the first bytes are those of something read here */
MUST_CHECK int archive_open(struct archive_stream **out, const struct archive_source *source,
                            struct err *err);
/* The newest member of parent, which is compressed, as a stream of its own. It shares the limits of
 * parent, which must not be read until this one is closed. head: bytes of it that were read
 * already. */
MUST_CHECK int archive_open_member(struct archive_stream **out, struct archive_stream *parent,
                                   struct slice head, struct err *err);
/* Goes to the next member. *name: its name, good until the next call; of a single compressed file
 * the empty slice. ERR_END after the last; ERR_UNSUPPORTED for one that cannot be read here
 * (encrypted, no regular file's kind of data): go on; ERR_SYNTAX, ERR_LIMIT, ERR_IO: no more can be
 * read; ERR_END also when archive_read has said so already. Folders and links are passed over. */
MUST_CHECK int archive_next(struct archive_stream *a, struct slice *name, struct err *err);
/* Bytes of the newest member, up to room. Returns how many, 0 at its end, or a negative code. */
MUST_CHECK int64_t archive_read(struct archive_stream *a, char *to, size_t room, struct err *err);
void archive_close(struct archive_stream **a);
