#include "store/chunk.h"

#include <zstd.h>

#include "base/hash.h"
#include "base/mem.h"

const char *const chunk_kind_names[CHUNK_KINDS] = {
    [0] = "?",
    [CHUNK_FOOTER] = "footer",
    [CHUNK_CONTEXTS] = "contexts",
    [CHUNK_SHAPES] = "shapes",
    [CHUNK_ROWS] = "rows",
    [CHUNK_ENTRIES] = "dictionary part",
    [CHUNK_IDS] = "ids",
    [CHUNK_TEXT] = "text",
    [CHUNK_NUMBERS] = "numbers",
    [CHUNK_BLOOM] = "bloom",
    [CHUNK_SIGHTS] = "indicators",
};

enum { CHUNK_COMPRESSED = 1, CHUNK_COMPRESS_FROM = 48 /* shorter ones do not pay */ };

struct chunk_packer {
    ZSTD_CCtx *pack;
    ZSTD_DCtx *unpack;
    struct buf scratch;
    int level;
};

struct chunk_packer *chunk_packer_open(int level)
{
    struct chunk_packer *p = mem_zeroed(1, sizeof *p);
    p->pack = ZSTD_createCCtx();
    p->unpack = ZSTD_createDCtx();
    p->level = level;
    check(p->pack && p->unpack);
    return p;
}

void chunk_packer_close(struct chunk_packer **p)
{
    if (!*p)
        return;
    (void)ZSTD_freeCCtx((*p)->pack);
    (void)ZSTD_freeDCtx((*p)->unpack);
    buf_free(&(*p)->scratch);
    mem_free(*p);
    *p = NULL;
}

size_t chunk_packer_memory(const struct chunk_packer *p)
{
    return p->scratch.capacity + ZSTD_sizeof_CCtx(p->pack) + ZSTD_sizeof_DCtx(p->unpack);
}

struct chunk chunk_pack(struct chunk_packer *p, enum chunk_kind kind, struct slice raw)
{
    check(raw.len <= CHUNK_BYTES_MAX);
    struct chunk chunk = {.kind = (uint16_t)kind, .raw_bytes = (uint32_t)raw.len};
    struct slice stored = raw;
    if (p->level && raw.len >= CHUNK_COMPRESS_FROM) {
        buf_clear(&p->scratch);
        buf_reserve(&p->scratch, ZSTD_compressBound(raw.len));
        size_t packed = ZSTD_compressCCtx(p->pack, p->scratch.data, p->scratch.capacity, raw.data,
                                          raw.len, p->level);
        check(!ZSTD_isError(packed));
        if (packed < raw.len) {
            chunk.compressed = true;
            stored = slice_make(p->scratch.data, packed);
        }
    }
    chunk.stored_bytes = (uint32_t)stored.len;
    chunk.data = mem_alloc(stored.len);
    if (stored.len)
        memcpy(chunk.data, stored.data, stored.len);
    return chunk;
}

struct chunk chunk_plain(enum chunk_kind kind, struct slice raw)
{
    check(raw.len <= CHUNK_BYTES_MAX);
    struct chunk chunk = {.kind = (uint16_t)kind,
                          .raw_bytes = (uint32_t)raw.len,
                          .stored_bytes = (uint32_t)raw.len,
                          .data = mem_alloc(raw.len)};
    if (raw.len)
        memcpy(chunk.data, raw.data, raw.len);
    return chunk;
}

void chunk_unpack(struct chunk_packer *p, const struct chunk *chunk, struct buf *out)
{
    buf_clear(out);
    if (!chunk->compressed) {
        buf_append(out, chunk->data, chunk->stored_bytes);
        return;
    }
    buf_reserve(out, chunk->raw_bytes);
    size_t got = ZSTD_decompressDCtx(p->unpack, out->data, chunk->raw_bytes, chunk->data,
                                     chunk->stored_bytes);
    check(got == chunk->raw_bytes);
    out->len = got;
}

void chunk_free(struct chunk *chunk)
{
    mem_free(chunk->data);
    *chunk = (struct chunk){0};
}

static void u32_put(uint8_t *out, uint32_t value)
{
    memcpy(out, &value, sizeof value);
}

static uint32_t u32_get(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Of the 16 bytes before the checksum and what is stored. Seeded with the place, so that a chunk
 * that stands where another belongs does not pass. */
static uint64_t chunk_checksum(const uint8_t head[CHUNK_HEAD_BYTES], uint64_t offset,
                               struct slice stored)
{
    return hash_slice(stored, hash_bytes(head, 16, offset));
}

void chunk_head(const struct chunk *chunk, uint64_t offset, uint8_t out[CHUNK_HEAD_BYTES])
{
    u32_put(out, chunk->kind | (uint32_t)CHUNK_VERSION << 16);
    u32_put(out + 4, chunk->compressed ? CHUNK_COMPRESSED : 0);
    u32_put(out + 8, chunk->stored_bytes);
    u32_put(out + 12, chunk->raw_bytes);
    uint64_t sum = chunk_checksum(out, offset, slice_make(chunk->data, chunk->stored_bytes));
    memcpy(out + 16, &sum, sizeof sum);
}

struct chunk_reader {
    ZSTD_DCtx *unpack;
};

struct chunk_reader *chunk_reader_open(void)
{
    struct chunk_reader *r = mem_zeroed(1, sizeof *r);
    r->unpack = ZSTD_createDCtx();
    check(r->unpack != NULL);
    return r;
}

void chunk_reader_close(struct chunk_reader **r)
{
    if (!*r)
        return;
    (void)ZSTD_freeDCtx((*r)->unpack);
    mem_free(*r);
    *r = NULL;
}

uint64_t chunk_size(const uint8_t head[CHUNK_HEAD_BYTES])
{
    return (uint64_t)CHUNK_HEAD_BYTES + u32_get(head + 8);
}

int chunk_read(struct chunk_reader *r, struct slice bytes, uint64_t offset, enum chunk_kind kind,
               size_t max_bytes, struct buf *out, struct err *err)
{
    const uint8_t *head = (const uint8_t *)bytes.data;
    buf_clear(out);
    if (bytes.len < CHUNK_HEAD_BYTES || chunk_size(head) != bytes.len)
        return err_set(err, ERR_DAMAGED, "its length is not the one that it says");
    struct slice stored = slice_part(bytes, CHUNK_HEAD_BYTES, bytes.len);
    uint64_t sum;
    memcpy(&sum, head + 16, sizeof sum);
    if (sum != chunk_checksum(head, offset, stored))
        return err_set(err, ERR_DAMAGED, "its checksum does not hold");
    uint32_t found = u32_get(head), flags = u32_get(head + 4), raw = u32_get(head + 12);
    if ((found & 0xffff) != (uint32_t)kind)
        return err_set(err, ERR_DAMAGED, "another kind of chunk stands there (%u)", found & 0xffff);
    if (found >> 16 != CHUNK_VERSION || flags & ~(uint32_t)CHUNK_COMPRESSED)
        return err_set(err, ERR_UNSUPPORTED,
                       "it is of version %u, which this program does not know; use a newer one",
                       found >> 16);
    if (raw > max_bytes || raw > CHUNK_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "it holds %u bytes, more than the limit of %zu", raw,
                       max_bytes < CHUNK_BYTES_MAX ? max_bytes : (size_t)CHUNK_BYTES_MAX);
    if (!(flags & CHUNK_COMPRESSED)) {
        if (raw != stored.len)
            return err_set(err, ERR_DAMAGED, "its two lengths differ");
        buf_slice(out, stored);
        return ERR_OK;
    }
    buf_reserve(out, (size_t)raw + 1);
    size_t got = ZSTD_decompressDCtx(r->unpack, out->data, raw, stored.data, stored.len);
    if (ZSTD_isError(got) || got != raw)
        return err_set(err, ERR_DAMAGED, "it does not unpack");
    out->len = got;
    return ERR_OK;
}
