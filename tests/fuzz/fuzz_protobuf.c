/* Protobuf messages, and messages within them: fields lie in their message, and what is read and
 * written again is read the same. */
#include "formats/protobuf.h"

static void walk(struct slice message, unsigned depth)
{
    struct protobuf_reader r, again;
    protobuf_open(&r, message);
    while (protobuf_next(&r)) {
        struct buf out = {0};
        check(r.field > 0);
        if (r.wire == PROTOBUF_BYTES)
            protobuf_put_bytes(&out, r.field, r.bytes);
        else
            protobuf_put_varint(&out, r.field, r.number);
        protobuf_open(&again, buf_as_slice(&out));
        check(protobuf_next(&again) && again.field == r.field && again.number == r.number);
        check(r.wire != PROTOBUF_BYTES || slice_equal(again.bytes, r.bytes));
        check(!protobuf_next(&again) && !again.bad);
        buf_free(&out);
        if (r.wire == PROTOBUF_BYTES && depth < 8) {
            check(r.bytes.len < message.len);
            walk(r.bytes, depth + 1);
        }
    }
    check(r.bad || r.rest.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(slice_make((const char *)data, size), 0);
    return 0;
}
