#include "formats/protobuf.h"

#include "base/bytes.h"

enum { VARINT_BYTES_MAX = 10, FIELD_MAX = (1 << 29) - 1 };

void protobuf_open(struct protobuf_reader *r, struct slice message)
{
    *r = (struct protobuf_reader){.rest = message.data ? message : slice_make("", 0)};
}

static bool reader_fail(struct protobuf_reader *r)
{
    r->bad = true;
    r->rest.len = 0;
    return false;
}

static bool varint_read(struct protobuf_reader *r, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && i < r->rest.len; i++) {
        unsigned char byte = (unsigned char)r->rest.data[i];
        if (i == VARINT_BYTES_MAX - 1 && byte > 1)
            break;
        *value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            r->rest = slice_part(r->rest, i + 1, r->rest.len);
            return true;
        }
    }
    return reader_fail(r);
}

static bool bytes_read(struct protobuf_reader *r, uint64_t len, struct slice *bytes)
{
    if (len > r->rest.len)
        return reader_fail(r);
    *bytes = slice_part(r->rest, 0, (size_t)len);
    r->rest = slice_part(r->rest, (size_t)len, r->rest.len);
    return true;
}

bool protobuf_next(struct protobuf_reader *r)
{
    uint64_t key, len;
    r->number = 0;
    r->bytes = slice_make("", 0);
    if (r->rest.len == 0 || !varint_read(r, &key))
        return false;
    if (key >> 3 == 0 || key >> 3 > FIELD_MAX)
        return reader_fail(r);
    r->field = (uint32_t)(key >> 3);
    switch (key & 7) {
    case PROTOBUF_VARINT:
        r->wire = PROTOBUF_VARINT;
        return varint_read(r, &r->number);
    case PROTOBUF_FIXED64:
        r->wire = PROTOBUF_FIXED64;
        if (!bytes_read(r, 8, &r->bytes))
            return false;
        r->number = bytes_u64(r->bytes.data);
        return true;
    case PROTOBUF_BYTES:
        r->wire = PROTOBUF_BYTES;
        return varint_read(r, &len) && bytes_read(r, len, &r->bytes);
    case PROTOBUF_FIXED32:
        r->wire = PROTOBUF_FIXED32;
        if (!bytes_read(r, 4, &r->bytes))
            return false;
        r->number = bytes_u32(r->bytes.data);
        return true;
    default:
        return reader_fail(r);
    }
}

static void varint_put(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_char(out, (char)(value | 0x80));
    buf_char(out, (char)value);
}

void protobuf_put_varint(struct buf *out, uint32_t field, uint64_t value)
{
    varint_put(out, (uint64_t)field << 3 | PROTOBUF_VARINT);
    varint_put(out, value);
}

void protobuf_put_bytes(struct buf *out, uint32_t field, struct slice bytes)
{
    varint_put(out, (uint64_t)field << 3 | PROTOBUF_BYTES);
    varint_put(out, bytes.len);
    buf_slice(out, bytes);
}
