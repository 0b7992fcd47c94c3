/* Chunk: a piece of a segment with its kind, its compression and its checksum
 * (docs/store-format.md, "Segment").
 *
 * Limits: CHUNK_BYTES_MAX raw. Threads: a packer belongs to one. Ownership: a chunk owns its bytes
 * until chunk_free. */
#pragma once
#include "base/str.h"

enum chunk_kind {
    CHUNK_FOOTER = 1,
    CHUNK_CONTEXTS,
    CHUNK_SHAPES,
    CHUNK_ROWS,
    CHUNK_ENTRIES,
    CHUNK_IDS,
    CHUNK_TEXT,
    CHUNK_NUMBERS,
    CHUNK_BLOOM,
    CHUNK_SIGHTS,
    CHUNK_KINDS
};
extern const char *const chunk_kind_names[CHUNK_KINDS];

enum {
    CHUNK_VERSION = 1,
    CHUNK_HEAD_BYTES = 24,
    CHUNK_ALIGN = 8,
    CHUNK_BYTES_MAX = 72 << 20 /* raw; the longest value with room for what stands around it */
};

struct chunk {
    char *data; /* as stored, without head */
    uint32_t stored_bytes, raw_bytes;
    uint32_t entry_count; /* of a column's chunks: values in it */
    uint16_t kind;
    bool compressed;
};

struct chunk_packer;                               /* contexts of zstd, used again and again */
struct chunk_packer *chunk_packer_open(int level); /* of zstd; 0: nothing is compressed */
void chunk_packer_close(struct chunk_packer **p);
size_t chunk_packer_memory(const struct chunk_packer *p);
/* Compressed when that is smaller. Copies. */
struct chunk chunk_pack(struct chunk_packer *p, enum chunk_kind kind, struct slice raw);
/* Never compressed: for what is as good as random. */
struct chunk chunk_plain(enum chunk_kind kind, struct slice raw);
/* Its raw bytes (out is cleared first). A chunk of one's own: it fits, or the program is wrong. */
void chunk_unpack(struct chunk_packer *p, const struct chunk *chunk, struct buf *out);
void chunk_free(struct chunk *chunk);
/* The head of a chunk that will stand at offset: the checksum is made with it. */
void chunk_head(const struct chunk *chunk, uint64_t offset, uint8_t out[CHUNK_HEAD_BYTES]);

/* Reading: bytes are the head and what is stored, as found at offset. */
struct chunk_reader;
struct chunk_reader *chunk_reader_open(void);
void chunk_reader_close(struct chunk_reader **r);
/* out is cleared, then has the raw bytes. ERR_DAMAGED, ERR_UNSUPPORTED (another version),
 * ERR_LIMIT (more than max_bytes raw), with the reason, without the file's name. */
MUST_CHECK int chunk_read(struct chunk_reader *r, struct slice bytes, uint64_t offset,
                          enum chunk_kind kind, size_t max_bytes, struct buf *out, struct err *err);
/* Size of a chunk (head and stored bytes) by its head, before it is verified. */
uint64_t chunk_size(const uint8_t head[CHUNK_HEAD_BYTES]);

static inline uint64_t chunk_aligned(uint64_t bytes)
{
    return (bytes + CHUNK_ALIGN - 1) & ~(uint64_t)(CHUNK_ALIGN - 1);
}
