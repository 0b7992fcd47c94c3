/* Inside of wire*.c: the header of a datagram and what its files share. */
#pragma once
#include "base/wire.h"

/* Little-endian: magic u32, version u16, type u16, flags u32, descriptors u32, id u64, length u64.
 * The payload follows, or it is the file of the first descriptor (which is not counted). */
enum {
    WIRE_MAGIC = 0x52495743, /* CWIR */
    WIRE_VERSION = 1,
    WIRE_HEADER_BYTES = 32,
    WIRE_FLAG_FILE = 1,
    WIRE_SENT_FDS_MAX = WIRE_FDS_MAX + 1
};

/* A new memfd that holds payload and can never be changed. ERR_IO. */
MUST_CHECK int wire_file_make(struct slice payload, int *fd, struct err *err);
/* Asks for room for several messages on the way; what the system grants will do. */
void wire_buffer_set(int fd);
