/* The journal's files as a scan sees them: which are in use, up to where their frames count, and
 * reading one frame of them. Private to journal_*.c. Threads: one. */
#pragma once
#include "store/journal_format.h"

enum { JOURNAL_FILES_MAX = 1 << 16 };

struct journal_scan_file {
    struct disk_file *file;
    uint64_t number, bytes; /* bytes: as it is on the disk */
    bool in_use, header_whole;
    uint64_t first_sequence;
    struct journal_place after;
    uint64_t begin;             /* offset of its first frame */
    struct journal_place limit; /* frames that end behind it are void */
    uint64_t limit_sequence;    /* so are those with rows at or above it */
};

struct journal_window { /* a piece of a file, read at once */
    struct disk_file *file;
    uint64_t offset;
    struct buf bytes;
    bool failed; /* a read did, since somebody cleared it; err says how */
    struct err err;
};

struct journal_files {
    struct journal_scan_file *list;
    uint32_t count;
    uint64_t last_file; /* highest number seen */
};

/* Opens the files from from.file on and reads their headers. */
MUST_CHECK int journal_files_open(struct journal_files *files, struct disk *disk,
                                  const struct journal_identity *identity,
                                  struct journal_place from, struct journal_window *window,
                                  struct err *err);
/* Sets the limits of all files. end, end_sequence: nothing behind them counts. */
void journal_files_limit(struct journal_files *files, struct journal_place end,
                         uint64_t end_sequence);
void journal_files_close(struct journal_files *files);

/* The frame at offset. whole: its payload is checked, too, and stands in the window (*frame).
 * ERR_DAMAGED: there is none; ERR_UNSUPPORTED: of another version. */
MUST_CHECK int journal_frame_at(struct journal_window *window,
                                const struct journal_identity *identity,
                                const struct journal_scan_file *file, uint64_t offset, bool whole,
                                struct journal_frame_header *header, const char **frame,
                                struct err *err);
static inline uint64_t journal_frame_end(const struct journal_frame_header *h)
{
    return h->begin.offset + journal_round(JOURNAL_FRAME_HEADER_BYTES + (uint64_t)h->payload_bytes);
}
