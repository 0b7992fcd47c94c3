/* Protocol Buffers on the wire: a pull reader over one message, and the few writers that answers
 * need. Groups, which nobody sends any more, are refused.
 *
 * The reader never leaves its message; what does not fit in it sets `bad` and ends the message.
 * Threads: any. Ownership: bytes borrow from the message. */
#pragma once
#include "base/str.h"

enum protobuf_wire {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5
};

struct protobuf_reader {
    struct slice rest;
    bool bad;
    uint32_t field;          /* of the newest one */
    enum protobuf_wire wire; /* says which of the two below it has */
    uint64_t number;
    struct slice bytes; /* text, bytes, or a message in it */
};

void protobuf_open(struct protobuf_reader *r, struct slice message);
bool protobuf_next(struct protobuf_reader *r); /* false: at the end, or bad */

void protobuf_put_varint(struct buf *out, uint32_t field, uint64_t value);
void protobuf_put_bytes(struct buf *out, uint32_t field, struct slice bytes);
