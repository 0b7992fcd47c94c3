/* Varint: unsigned numbers in as few bytes as they need (LEB128, seven bits a byte, lowest first,
 * at most ten bytes), signed ones zigzag; and a bounded walk over bytes that are not trusted.
 * Threads: any. */
#pragma once
#include "base/str.h"

enum { VARINT_BYTES_MAX = 10 };

static inline size_t varint_put(uint8_t *out, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (uint8_t)value;
    return n;
}

static inline uint64_t varint_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t varint_unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ (value & 1 ? UINT64_MAX : 0));
}

static inline void varint_append(struct buf *out, uint64_t value)
{
    buf_reserve(out, VARINT_BYTES_MAX);
    out->len += varint_put((uint8_t *)out->data + out->len, value);
}

/* A walk: once something does not fit, failed is set and all further reads give zeros. */
struct varint_walk {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct varint_walk varint_walk_make(struct slice bytes)
{
    const uint8_t *at = (const uint8_t *)(bytes.data ? bytes.data : "");
    return (struct varint_walk){at, at + bytes.len, false};
}

static inline uint64_t varint_next(struct varint_walk *w)
{
    uint64_t value = 0;
    for (unsigned shift = 0; w->at < w->end && shift < 64; shift += 7) {
        uint8_t byte = *w->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    w->failed = true;
    w->at = w->end;
    return 0;
}

/* The same, refused past max. */
static inline uint64_t varint_next_max(struct varint_walk *w, uint64_t max)
{
    uint64_t value = varint_next(w);
    if (value <= max)
        return value;
    w->failed = true;
    w->at = w->end;
    return 0;
}

static inline int64_t varint_next_signed(struct varint_walk *w)
{
    return varint_unzigzag(varint_next(w));
}

static inline struct slice varint_next_bytes(struct varint_walk *w, size_t len)
{
    if ((size_t)(w->end - w->at) < len) {
        w->failed = true;
        w->at = w->end;
        return slice_make("", 0);
    }
    struct slice bytes = slice_make((const char *)w->at, len);
    w->at += len;
    return bytes;
}

static inline struct slice varint_rest(const struct varint_walk *w)
{
    return slice_make((const char *)w->at, (size_t)(w->end - w->at));
}
