/* Text as slices (borrowed pointer and length) and growable byte buffers.
 *
 * A slice never owns and is never NUL-terminated by promise. A buf owns its bytes.
 * Limits: a buf grows to BUF_BYTES_MAX, past it the program aborts: callers cap their input first.
 * Threads: none of its own; a buf belongs to one thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

#define BUF_BYTES_MAX ((size_t)4 << 30)

struct slice {
    const char *data;
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_make(const char *data, size_t len)
{
    return (struct slice){data, len};
}

static inline struct slice slice_from(const char *text) /* NULL gives the empty slice */
{
    return (struct slice){text ? text : "", text ? strlen(text) : 0};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_starts(struct slice s, struct slice head)
{
    return s.len >= head.len && (head.len == 0 || memcmp(s.data, head.data, head.len) == 0);
}

static inline bool slice_ends(struct slice s, struct slice tail)
{
    return s.len >= tail.len &&
           (tail.len == 0 || memcmp(s.data + s.len - tail.len, tail.data, tail.len) == 0);
}

/* The part from offset on, cut to len; out of range gives the empty slice. */
static inline struct slice slice_part(struct slice s, size_t offset, size_t len)
{
    if (offset > s.len)
        offset = s.len;
    if (len > s.len - offset)
        len = s.len - offset;
    return (struct slice){offset ? s.data + offset : s.data, len};
}

#define SLICE_NONE SIZE_MAX
bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII letters only */
size_t slice_find(struct slice s, struct slice needle);  /* offset, or SLICE_NONE */
size_t slice_find_char(struct slice s, char c);          /* offset, or SLICE_NONE */
struct slice slice_trim(struct slice s);           /* without blanks, tabs, CR, LF at both ends */
int slice_compare(struct slice a, struct slice b); /* bytewise, as memcmp */
/* Cuts *rest at the first c: gives what is before it, *rest becomes what is after (empty slice and
 * rest->data at the end when c is not there). */
struct slice slice_cut(struct slice *rest, char c);
/* A whole decimal number without sign or blanks into *out; false: not one, or over UINT64_MAX. */
bool slice_to_u64(struct slice s, uint64_t *out);
/* A decimal number as in JSON or YAML (sign, fraction, exponent); false: not one. Locale-free. */
bool slice_to_double(struct slice s, double *out);

struct buf {
    char *data;
    size_t len, capacity;
};

void buf_reserve(struct buf *b, size_t more_bytes);
void buf_append(struct buf *b, const void *data, size_t len);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_free(struct buf *b); /* leaves an empty buf that can be used again */
/* A closing NUL after the contents (not counted in len). The pointer is good until the next change.
 */
const char *buf_text(struct buf *b);

static inline void buf_char(struct buf *b, char c)
{
    if (b->len == b->capacity)
        buf_reserve(b, 1);
    b->data[b->len++] = c;
}

static inline void buf_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.data, s.len);
}

static inline void buf_string(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

static inline struct slice buf_as_slice(const struct buf *b)
{
    return (struct slice){b->data ? b->data : "", b->len};
}

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}
