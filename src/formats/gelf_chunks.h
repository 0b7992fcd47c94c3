/* GELF chunks: messages of UDP that were sent in several datagrams, put together. A chunk is the
 * bytes 1e 0f, 8 bytes of message id, its number, the count of chunks, and its part.
 *
 * Limits: GELF_CHUNKS_MAX chunks a message (the format's own), GELF_MESSAGE_BYTES_MAX a message,
 * GELF_OPEN_MAX messages and GELF_OPEN_BYTES_MAX bytes waiting (the oldest goes when one more
 * comes), GELF_AGE_NS from the first chunk. What is given up or refused is counted.
 * Threads: one. Ownership: copies what it keeps; a message is good until the next call. */
#pragma once
#include "base/str.h"

#define GELF_MESSAGE_BYTES_MAX ((size_t)8 << 20)
#define GELF_OPEN_BYTES_MAX    ((size_t)32 << 20)
#define GELF_AGE_NS            5000000000ll
enum { GELF_CHUNKS_MAX = 128, GELF_OPEN_MAX = 256 };

struct gelf_counts {
    uint64_t incomplete; /* messages given up: too old, or room was needed */
    uint64_t bad;        /* datagrams that are no chunk of their message */
    uint64_t repeated;   /* chunks that were there already */
};

struct gelf_chunks;

struct gelf_chunks *gelf_chunks_open(void);
/* One datagram. sender: a number that tells senders apart (a hash of the address), since ids are
 * only unique there. True: *message is a whole message, maybe packed: the datagram itself when it
 * is no chunk, else what its chunks make. False: it waits, or was counted. now_ns never goes back
 * (a monotonic clock). */
bool gelf_chunks_add(struct gelf_chunks *c, struct slice datagram, uint64_t sender, int64_t now_ns,
                     struct slice *message);
/* Gives up what is too old; gelf_chunks_add does it too. */
void gelf_chunks_expire(struct gelf_chunks *c, int64_t now_ns);
size_t gelf_chunks_waiting(const struct gelf_chunks *c); /* messages */
struct gelf_counts gelf_chunks_counts(const struct gelf_chunks *c);
void gelf_chunks_close(struct gelf_chunks **c);
