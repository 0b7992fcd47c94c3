/* Bytes: little-endian numbers and texts in what stands on the disk.
 *
 * Reading goes through a struct bytes_in that never runs past its end: what is not there sets `bad`
 * and gives zero, so that a walk is checked once, behind it. Threads: any. Ownership: borrows. */
#pragma once
#include <endian.h>

#include "base/str.h"

static inline uint16_t bytes_u16(const void *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return le16toh(v);
}

static inline uint32_t bytes_u32(const void *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return le32toh(v);
}

static inline uint64_t bytes_u64(const void *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return le64toh(v);
}

static inline int64_t bytes_i64(const void *at)
{
    return (int64_t)bytes_u64(at);
}

static inline void bytes_set_u16(void *at, uint16_t v)
{
    v = htole16(v);
    memcpy(at, &v, sizeof v);
}

static inline void bytes_set_u32(void *at, uint32_t v)
{
    v = htole32(v);
    memcpy(at, &v, sizeof v);
}

static inline void bytes_set_u64(void *at, uint64_t v)
{
    v = htole64(v);
    memcpy(at, &v, sizeof v);
}

static inline void bytes_set_i64(void *at, int64_t v)
{
    bytes_set_u64(at, (uint64_t)v);
}

/* Appended. */
static inline void bytes_put_u16(struct buf *out, uint16_t v)
{
    v = htole16(v);
    buf_append(out, &v, sizeof v);
}

static inline void bytes_put_u32(struct buf *out, uint32_t v)
{
    v = htole32(v);
    buf_append(out, &v, sizeof v);
}

static inline void bytes_put_u64(struct buf *out, uint64_t v)
{
    v = htole64(v);
    buf_append(out, &v, sizeof v);
}

static inline void bytes_put_i64(struct buf *out, int64_t v)
{
    bytes_put_u64(out, (uint64_t)v);
}

/* u16 length and bytes; the text is at most UINT16_MAX long (the caller's promise). */
static inline void bytes_put_text(struct buf *out, struct slice text)
{
    bytes_put_u16(out, (uint16_t)text.len);
    if (text.len)
        buf_append(out, text.data, text.len);
}

struct bytes_in {
    const char *at, *end;
    bool bad;
};

static inline struct bytes_in bytes_in(struct slice bytes)
{
    const char *at = bytes.data ? bytes.data : "";
    return (struct bytes_in){at, at + bytes.len, false};
}

static inline size_t bytes_left(const struct bytes_in *in)
{
    return (size_t)(in->end - in->at);
}

/* The next len bytes; the empty slice and bad when there are fewer. */
static inline struct slice bytes_take(struct bytes_in *in, size_t len)
{
    if (len > bytes_left(in)) {
        in->bad = true;
        in->at = in->end;
        return (struct slice){"", 0};
    }
    struct slice taken = {in->at, len};
    in->at += len;
    return taken;
}

static inline uint8_t bytes_take_u8(struct bytes_in *in)
{
    struct slice s = bytes_take(in, 1);
    return s.len ? (uint8_t)s.data[0] : 0;
}

static inline uint16_t bytes_take_u16(struct bytes_in *in)
{
    struct slice s = bytes_take(in, 2);
    return s.len ? bytes_u16(s.data) : 0;
}

static inline uint32_t bytes_take_u32(struct bytes_in *in)
{
    struct slice s = bytes_take(in, 4);
    return s.len ? bytes_u32(s.data) : 0;
}

static inline uint64_t bytes_take_u64(struct bytes_in *in)
{
    struct slice s = bytes_take(in, 8);
    return s.len ? bytes_u64(s.data) : 0;
}

static inline int64_t bytes_take_i64(struct bytes_in *in)
{
    return (int64_t)bytes_take_u64(in);
}

/* u16 length and bytes; bad when longer than max. */
static inline struct slice bytes_take_text(struct bytes_in *in, size_t max)
{
    size_t len = bytes_take_u16(in);
    if (len > max)
        in->bad = true;
    return bytes_take(in, len);
}
