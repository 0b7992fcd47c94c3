/* Source: the bytes of one file or archive member, with a look at its head before, and UTF-16
 * turned into UTF-8. Shared by input*.c and intel_input.c. */
#pragma once
#include "formats/archive.h"
#include "formats/format.h"

enum { SOURCE_HEAD_BYTES = 64 << 10 };

struct source {
    int fd;         /* or -1 */
    bool streaming; /* fd is no regular file: give what is there, do not wait for more */
    struct archive_stream *archive; /* the member that it stands on, or NULL */
    struct buf head;                /* raw bytes that were read ahead */
    size_t head_used;
    bool at_end;
    enum { SOURCE_UTF8, SOURCE_UTF16_LE, SOURCE_UTF16_BE } encoding;
    struct buf wide, narrow; /* UTF-16 that waits, UTF-8 that waits */
    size_t narrow_used;
};

/* Fills the head (again: more of it). Negative: ERR_IO and the like. */
MUST_CHECK int source_peek(struct source *s, struct err *err);
struct slice source_head(const struct source *s); /* raw */
/* Looks for UTF-16 in the head: with its mark, or every other byte zero. */
void source_find_encoding(struct source *s);
/* The head as text, for the probes: UTF-8 of it. Good until the next call for s. */
struct slice source_text_head(struct source *s, struct buf *room);
/* Up to room text bytes. Returns how many, 0 at the end, or a negative code. */
MUST_CHECK int64_t source_read(struct source *s, char *to, size_t room, struct err *err);
/* The same without decoding. */
MUST_CHECK int64_t source_read_raw(struct source *s, char *to, size_t room, struct err *err);
/* Whether the next read would wait for a writer. */
bool source_waits(const struct source *s);
void source_close(struct source *s); /* fd and buffers, not the archive */
