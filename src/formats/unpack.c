#include "formats/unpack.h"

#include <limits.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE_BYTES = 64 << 10,
    GZIP_WINDOW = 15 + 16,
    ZLIB_WINDOW = 15,
    RAW_WINDOW = -15,
    SNAPPY_RATIO_MAX = 22 /* three bytes make 64 at most */
};

static int err_too_long(struct err *err, size_t max_bytes)
{
    return err_set(err, ERR_LIMIT,
                   "unpacked it is longer than the %zu bytes that are taken: send less at a time",
                   max_bytes);
}

static int err_damaged(struct err *err, const char *name)
{
    return err_set(err, ERR_SYNTAX, "the %s data is damaged, cut off, or more follows its end",
                   name);
}

enum unpack_kind unpack_of_encoding(struct slice content_encoding)
{
    static const struct {
        struct slice name;
        enum unpack_kind kind;
    } names[] = {{{"", 0}, UNPACK_NONE},           {{"identity", 8}, UNPACK_NONE},
                 {{"gzip", 4}, UNPACK_GZIP},       {{"x-gzip", 6}, UNPACK_GZIP},
                 {{"deflate", 7}, UNPACK_DEFLATE}, {{"zstd", 4}, UNPACK_ZSTD},
                 {{"snappy", 6}, UNPACK_SNAPPY}};
    struct slice name = slice_trim(content_encoding);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (slice_equal_nocase(name, names[i].name))
            return names[i].kind;
    return UNPACK_UNKNOWN;
}

/* A zlib header: method 8, window up to 32 KiB, its check bits right. */
static bool has_zlib_head(struct slice s)
{
    if (s.len < 2)
        return false;
    unsigned first = (unsigned char)s.data[0], second = (unsigned char)s.data[1];
    return (first & 0x0f) == Z_DEFLATED && first >> 4 <= 7 && (first << 8 | second) % 31 == 0;
}

enum unpack_kind unpack_of_magic(struct slice head)
{
    if (slice_starts(head, SLICE("\x1f\x8b")))
        return UNPACK_GZIP;
    if (slice_starts(head, SLICE("\x28\xb5\x2f\xfd")))
        return UNPACK_ZSTD;
    if (slice_starts(head, SLICE("\x78")) && has_zlib_head(head))
        return UNPACK_DEFLATE;
    return UNPACK_NONE;
}

/* Room for the next piece in out, up to end and one byte more, by which too much shows itself. */
static size_t make_room(struct buf *out, size_t end)
{
    size_t room = end - out->len < PIECE_BYTES ? end - out->len + 1 : PIECE_BYTES;
    buf_reserve(out, room);
    return room;
}

static int unpack_zlib(struct slice packed, int window, size_t end, struct buf *out,
                       struct err *err)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.data};
    size_t left = packed.len;
    check(inflateInit2(&z, window) == Z_OK);
    int rc = Z_OK;
    while (rc == Z_OK && out->len <= end) {
        if (z.avail_in == 0) {
            z.avail_in = left < UINT_MAX ? (uInt)left : UINT_MAX;
            left -= z.avail_in;
        }
        size_t room = make_room(out, end);
        z.next_out = (Bytef *)out->data + out->len;
        z.avail_out = (uInt)room;
        rc = inflate(&z, Z_NO_FLUSH);
        out->len += room - z.avail_out;
        if (rc == Z_STREAM_END && z.avail_in + left > 0)
            rc = window == GZIP_WINDOW ? inflateReset(&z) : Z_DATA_ERROR;
    }
    (void)inflateEnd(&z);
    if (out->len > end)
        return ERR_LIMIT;
    return rc == Z_STREAM_END ? ERR_OK
                              : err_damaged(err, window == GZIP_WINDOW ? "gzip" : "deflate");
}

static int unpack_zstd(struct slice packed, size_t end, struct buf *out, struct err *err)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    check(z &&
          !ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, UNPACK_WINDOW_LOG_MAX)));
    ZSTD_inBuffer in = {packed.data, packed.len, 0};
    size_t hint = 1;
    bool more = true; /* in the input, or still inside of the reader */
    while (more && !ZSTD_isError(hint) && out->len <= end) {
        size_t room = make_room(out, end);
        ZSTD_outBuffer to = {out->data + out->len, room, 0};
        hint = ZSTD_decompressStream(z, &to, &in);
        out->len += to.pos;
        more = in.pos < in.size || (hint > 0 && to.pos == room);
    }
    (void)ZSTD_freeDCtx(z);
    if (out->len > end)
        return ERR_LIMIT;
    if (hint == 0)
        return ERR_OK;
    ZSTD_ErrorCode code = ZSTD_isError(hint) ? ZSTD_getErrorCode(hint) : ZSTD_error_no_error;
    if (code == ZSTD_error_frameParameter_windowTooLarge)
        return err_set(err, ERR_UNSUPPORTED,
                       "the zstd window is larger than 8 MiB: pack with a lower level");
    if (code == ZSTD_error_dictionary_wrong)
        return err_set(err, ERR_UNSUPPORTED,
                       "the zstd data needs a dictionary: pack it without one");
    return err_damaged(err, "zstd");
}

static int unpack_snappy(struct slice packed, size_t end, struct buf *out, struct err *err)
{
    size_t len;
    if (snappy_uncompressed_length(packed.data, packed.len, &len) != SNAPPY_OK ||
        len / SNAPPY_RATIO_MAX > packed.len)
        return err_damaged(err, "snappy");
    if (len > end - out->len)
        return ERR_LIMIT;
    buf_reserve(out, len + 1);
    if (snappy_uncompress(packed.data, packed.len, out->data + out->len, &len) != SNAPPY_OK)
        return err_damaged(err, "snappy");
    out->len += len;
    return ERR_OK;
}

static int unpack_plain(struct slice packed, size_t end, struct buf *out)
{
    if (packed.len > end - out->len)
        return ERR_LIMIT;
    buf_slice(out, packed);
    return ERR_OK;
}

int unpack_run(enum unpack_kind kind, struct slice packed, size_t max_bytes, struct buf *out,
               struct err *err)
{
    check(max_bytes <= BUF_BYTES_MAX / 2 && out->len <= BUF_BYTES_MAX / 2 - PIECE_BYTES);
    size_t end = out->len + max_bytes;
    int rc = ERR_OK;
    switch (kind) {
    case UNPACK_NONE:
        rc = unpack_plain(packed, end, out);
        break;
    case UNPACK_GZIP:
        rc = unpack_zlib(packed, GZIP_WINDOW, end, out, err);
        break;
    case UNPACK_DEFLATE:
        rc = unpack_zlib(packed, has_zlib_head(packed) ? ZLIB_WINDOW : RAW_WINDOW, end, out, err);
        break;
    case UNPACK_ZSTD:
        rc = unpack_zstd(packed, end, out, err);
        break;
    case UNPACK_SNAPPY:
        rc = unpack_snappy(packed, end, out, err);
        break;
    case UNPACK_UNKNOWN:
        return err_set(err, ERR_UNSUPPORTED,
                       "packed in a way that is not offered: use gzip, deflate, zstd or snappy");
    }
    if (out->len > end)
        out->len = end;
    return rc == ERR_LIMIT ? err_too_long(err, max_bytes) : rc;
}
