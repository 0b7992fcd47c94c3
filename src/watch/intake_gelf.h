/* GELF on sockets: datagrams (in chunks, packed) and streams (a NUL byte behind each message) into
 * parcels.
 *
 * What is no message, is too long, or never became whole is refused, with its reason. Limits: those
 * of gelf_chunks.h; the listener's message_bytes. Threads: one. Ownership: parcels copy. */
#pragma once
#include "formats/gelf_chunks.h"
#include "watch/intake_parcel.h"

struct intake_gelf { /* of a socket of datagrams */
    struct gelf_chunks *chunks;
    struct gelf_counts told;
    size_t max_bytes; /* of a message, unpacked */
    uint64_t count;   /* of messages */
    struct buf plain;
};
void intake_gelf_open(struct intake_gelf *g, size_t max_bytes);
void intake_gelf_close(struct intake_gelf *g);
void intake_gelf_datagram(struct intake_gelf *g, struct intake_parcel *p, struct slice datagram,
                          const struct ip_address *from);
/* Chunks that nothing came to any more. */
void intake_gelf_tick(struct intake_gelf *g, struct intake_parcel *p);

struct intake_gelf_cut { /* of a stream */
    size_t max_bytes;
    bool passes_over; /* the rest of a message that was too long */
    uint64_t count;
};
/* As syslog_frame_feed. A block of max_bytes and a byte more is always moved on by. */
void intake_gelf_feed(struct intake_gelf_cut *cut, struct slice block, bool last,
                      struct intake_parcel *p, size_t *used_bytes);
