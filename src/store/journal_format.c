#include "store/journal_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <zstd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/bytes.h"

enum {
    HEADER_CHECKED_BYTES = JOURNAL_SECTOR_BYTES - 8,
    FRAME_HEADER_CHECKED_BYTES = 52,
    FRAME_CHECKED_BYTES = 56, /* of the header; the payload besides */
    PACK_LEVEL = 1,
    PACK_BYTES_MIN = 512, /* fewer are stored as they are */
    NAME_DIGITS = 10
};
static const char file_magic[JOURNAL_FILE_MAGIC_BYTES + 1] = "CANHJRNL";
#define FRAME_MAGIC 0x4d524643u /* "CFRM" */

static uint64_t seed_of(const struct journal_identity *identity)
{
    return bytes_u64(identity->uuid);
}

void journal_header_write(char out[JOURNAL_SECTOR_BYTES], const struct journal_header *header,
                          const struct journal_identity *identity)
{
    memset(out, 0, JOURNAL_SECTOR_BYTES);
    memcpy(out, file_magic, JOURNAL_FILE_MAGIC_BYTES);
    bytes_set_u32(out + 8, JOURNAL_VERSION);
    bytes_set_u32(out + 12, JOURNAL_SECTOR_BYTES);
    bytes_set_u64(out + 16, header->number);
    memcpy(out + 24, identity->uuid, sizeof identity->uuid);
    bytes_set_u32(out + 40, identity->epoch);
    bytes_set_u64(out + 48, header->file_bytes);
    bytes_set_u64(out + 56, header->first_sequence);
    bytes_set_u64(out + 64, header->after.file);
    bytes_set_u64(out + 72, header->after.offset);
    bytes_set_u64(out + HEADER_CHECKED_BYTES, hash_bytes(out, HEADER_CHECKED_BYTES, 0));
}

int journal_header_read(const char in[JOURNAL_SECTOR_BYTES],
                        const struct journal_identity *identity, struct journal_header *out,
                        struct err *err)
{
    if (memcmp(in, file_magic, JOURNAL_FILE_MAGIC_BYTES) != 0 ||
        bytes_u64(in + HEADER_CHECKED_BYTES) != hash_bytes(in, HEADER_CHECKED_BYTES, 0))
        return err_set(err, ERR_DAMAGED, "The file's header is damaged.");
    if (bytes_u32(in + 8) != JOURNAL_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "The journal has version %u, and this program reads version %d: use the "
                       "program that wrote it, or a newer one.",
                       bytes_u32(in + 8), JOURNAL_VERSION);
    if (memcmp(in + 24, identity->uuid, sizeof identity->uuid) != 0)
        return err_set(err, ERR_DAMAGED, "The file belongs to another store.");
    *out = (struct journal_header){.number = bytes_u64(in + 16),
                                   .epoch = bytes_u32(in + 40),
                                   .file_bytes = bytes_u64(in + 48),
                                   .first_sequence = bytes_u64(in + 56),
                                   .after = {bytes_u64(in + 64), bytes_u64(in + 72)}};
    return ERR_OK;
}

static uint64_t frame_hash(const char *frame, size_t payload_bytes,
                           const struct journal_identity *identity)
{
    /* two hashes instead of one over a copy: the checksum stands between header and payload */
    uint64_t head = hash_bytes(frame, FRAME_CHECKED_BYTES, seed_of(identity));
    return hash_bytes(frame + JOURNAL_FRAME_HEADER_BYTES, payload_bytes, head);
}

void journal_frame_seal(char *frame, const struct journal_frame_header *h,
                        const struct journal_identity *identity)
{
    bytes_set_u32(frame, FRAME_MAGIC);
    bytes_set_u16(frame + 4, JOURNAL_VERSION);
    bytes_set_u16(frame + 6, 0);
    bytes_set_u64(frame + 8, h->begin.file);
    bytes_set_u64(frame + 16, h->begin.offset);
    bytes_set_u64(frame + 24, h->first_sequence);
    bytes_set_i64(frame + 32, h->commit_ns);
    bytes_set_u32(frame + 40, h->row_count);
    bytes_set_u32(frame + 44, h->section_count);
    bytes_set_u32(frame + 48, h->payload_bytes);
    bytes_set_u32(frame + FRAME_HEADER_CHECKED_BYTES,
                  (uint32_t)hash_bytes(frame, FRAME_HEADER_CHECKED_BYTES, seed_of(identity)));
    bytes_set_u64(frame + FRAME_CHECKED_BYTES, frame_hash(frame, h->payload_bytes, identity));
}

int journal_frame_header_read(const char in[JOURNAL_FRAME_HEADER_BYTES],
                              const struct journal_identity *identity, struct journal_place place,
                              struct journal_frame_header *out, struct err *err)
{
    if (bytes_u32(in) != FRAME_MAGIC || bytes_u64(in + 8) != place.file ||
        bytes_u64(in + 16) != place.offset ||
        bytes_u32(in + FRAME_HEADER_CHECKED_BYTES) !=
            (uint32_t)hash_bytes(in, FRAME_HEADER_CHECKED_BYTES, seed_of(identity)))
        return err_set(err, ERR_DAMAGED, "The frame's header is damaged.");
    if (bytes_u16(in + 4) != JOURNAL_VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "The journal has a frame of version %u, and this program reads version %d: "
                       "use the program that wrote it, or a newer one.",
                       bytes_u16(in + 4), JOURNAL_VERSION);
    *out = (struct journal_frame_header){.begin = place,
                                         .first_sequence = bytes_u64(in + 24),
                                         .commit_ns = bytes_i64(in + 32),
                                         .row_count = bytes_u32(in + 40),
                                         .section_count = bytes_u32(in + 44),
                                         .payload_bytes = bytes_u32(in + 48)};
    if (out->section_count > JOURNAL_SECTIONS_MAX || out->first_sequence == 0 ||
        out->first_sequence > UINT64_MAX - out->row_count ||
        out->payload_bytes > JOURNAL_FRAME_BYTES_MAX)
        return err_set(err, ERR_DAMAGED, "The frame's header does not hold.");
    return ERR_OK;
}

bool journal_frame_holds(const char *frame, size_t payload_bytes,
                         const struct journal_identity *identity)
{
    return bytes_u64(frame + FRAME_CHECKED_BYTES) == frame_hash(frame, payload_bytes, identity);
}

void journal_name(char out[JOURNAL_NAME_BYTES], uint64_t number)
{
    (void)snprintf(out, JOURNAL_NAME_BYTES, JOURNAL_FOLDER "/%0*" PRIu64 ".journal", NAME_DIGITS,
                   number);
}

uint64_t journal_name_number(const char *name)
{
    struct slice rest = slice_from(name), digits = slice_cut(&rest, '.');
    uint64_t number;
    if (digits.len < NAME_DIGITS || !slice_equal(rest, SLICE("journal")) ||
        !slice_to_u64(digits, &number) || number == UINT64_MAX)
        return 0;
    return number;
}

struct journal_section_header journal_section_read(const char in[JOURNAL_SECTION_HEADER_BYTES])
{
    return (struct journal_section_header){.kind = bytes_u16(in),
                                           .version = bytes_u16(in + 2),
                                           .flags = bytes_u32(in + 4),
                                           .stored_bytes = bytes_u32(in + 8),
                                           .raw_bytes = bytes_u32(in + 12)};
}

struct packer {
    ZSTD_CCtx *state;
};

struct packer *packer_open(void)
{
    struct packer *p = mem_zeroed(1, sizeof(*p));
    p->state = ZSTD_createCCtx();
    check(p->state);
    return p;
}

void packer_close(struct packer **packer)
{
    if (!*packer)
        return;
    (void)ZSTD_freeCCtx((*packer)->state);
    mem_free(*packer);
    *packer = NULL;
}

/* packer NULL: a state for this one call. */
static size_t pack(struct packer *packer, char *out, size_t room, struct slice bytes)
{
    size_t packed =
        packer ? ZSTD_compressCCtx(packer->state, out, room, bytes.data, bytes.len, PACK_LEVEL)
               : ZSTD_compress(out, room, bytes.data, bytes.len, PACK_LEVEL);
    return ZSTD_isError(packed) ? SIZE_MAX : packed;
}

void packer_section(struct packer *packer, struct buf *out, enum journal_section_kind kind,
                    struct slice bytes)
{
    check(bytes.len <= JOURNAL_RAW_BYTES_MAX);
    size_t at = out->len, stored = SIZE_MAX;
    if (bytes.len >= PACK_BYTES_MIN) {
        size_t room = ZSTD_compressBound(bytes.len);
        buf_reserve(out, JOURNAL_SECTION_HEADER_BYTES + room);
        stored = pack(packer, out->data + at + JOURNAL_SECTION_HEADER_BYTES, room, bytes);
    }
    bool packed = stored < bytes.len;
    if (!packed) {
        stored = bytes.len;
        buf_reserve(out, JOURNAL_SECTION_HEADER_BYTES + stored);
        if (stored)
            memcpy(out->data + at + JOURNAL_SECTION_HEADER_BYTES, bytes.data, stored);
    }
    char *header = out->data + at;
    bytes_set_u16(header, (uint16_t)kind);
    bytes_set_u16(header + 2, JOURNAL_VERSION);
    bytes_set_u32(header + 4, packed ? JOURNAL_SECTION_ZSTD : 0);
    bytes_set_u32(header + 8, (uint32_t)stored);
    bytes_set_u32(header + 12, (uint32_t)bytes.len);
    out->len = at + JOURNAL_SECTION_HEADER_BYTES + stored;
}

void journal_section(struct buf *out, enum journal_section_kind kind, struct slice bytes)
{
    packer_section(NULL, out, kind, bytes);
}
