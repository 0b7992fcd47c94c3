/* What the journal's writer and its scan share: how a file, a frame and a section stand on the disk
 * (docs/store-format.md, "Journal"). Threads: a packer belongs to one. */
#pragma once
#include "store/journal.h"

enum { JOURNAL_FILE_MAGIC_BYTES = 8, JOURNAL_VERSION = 1, JOURNAL_NAME_BYTES = 48 };
#define JOURNAL_FOLDER "journal"

struct journal_header {                          /* of a file */
    uint64_t number, file_bytes, first_sequence; /* first_sequence 0: not in use */
    uint32_t epoch;
    struct journal_place after; /* behind the last frame that was durable when it came into use */
};
void journal_header_write(char out[JOURNAL_SECTOR_BYTES], const struct journal_header *header,
                          const struct journal_identity *identity);
/* ERR_DAMAGED: not a whole header of this store; ERR_UNSUPPORTED: of another version. */
MUST_CHECK int journal_header_read(const char in[JOURNAL_SECTOR_BYTES],
                                   const struct journal_identity *identity,
                                   struct journal_header *out, struct err *err);

struct journal_frame_header {
    struct journal_place begin;
    uint64_t first_sequence;
    int64_t commit_ns;
    uint32_t row_count, section_count, payload_bytes;
};
/* frame: header and payload (payload_bytes of it), written over its header. */
void journal_frame_seal(char *frame, const struct journal_frame_header *header,
                        const struct journal_identity *identity);
/* The header's own check, and that it is the one of this place. ERR_DAMAGED, ERR_UNSUPPORTED. */
MUST_CHECK int journal_frame_header_read(const char in[JOURNAL_FRAME_HEADER_BYTES],
                                         const struct journal_identity *identity,
                                         struct journal_place place,
                                         struct journal_frame_header *out, struct err *err);
/* Whether header and payload (the header says how long) are what was written. */
bool journal_frame_holds(const char *frame, size_t payload_bytes,
                         const struct journal_identity *identity);

static inline uint64_t journal_round(uint64_t bytes) /* up to whole sectors */
{
    return (bytes + JOURNAL_SECTOR_BYTES - 1) & ~(uint64_t)(JOURNAL_SECTOR_BYTES - 1);
}

static inline bool journal_place_before(struct journal_place a, struct journal_place b)
{
    return a.file != b.file ? a.file < b.file : a.offset < b.offset;
}

/* "journal/0000000001.journal"; and back: 0 when the name is not one. */
void journal_name(char out[JOURNAL_NAME_BYTES], uint64_t number);
uint64_t journal_name_number(const char *name);

struct journal_section_header {
    uint16_t kind, version;
    uint32_t flags, stored_bytes, raw_bytes;
};
struct journal_section_header journal_section_read(const char in[JOURNAL_SECTION_HEADER_BYTES]);

/* Packs sections one after the other with one zstd state. */
struct packer;
struct packer *packer_open(void);
void packer_close(struct packer **packer);
void packer_section(struct packer *packer, struct buf *out, enum journal_section_kind kind,
                    struct slice bytes);
