/* Segment writer: rows in, one columnar file out (docs/store-format.md, "Segment").
 *
 * Rows of the current block wait in memory as entry numbers; whole blocks wait packed. Limits:
 * those of segment.h, and memory_bytes: segment_writer_full says that the segment is
 * to be ended before the next row. Threads: one. Ownership: copies. */
#pragma once
#include "store/segment.h"

#define SEGMENT_WRITER_BYTES_MAX ((size_t)96 << 20)

struct segment_writer_options {
    uint8_t uuid[16];
    struct slice partition;
    int compression;     /* zstd level: 1 when sealed, 3 or more when merged; 0: none */
    size_t memory_bytes; /* 0: SEGMENT_WRITER_BYTES_MAX */
    uint64_t seal_after, seal_through;
    uint32_t generation;
    const struct slice *inputs; /* of a merge: paths */
    uint32_t input_count;
};

struct segment_writer;
struct segment_writer *segment_writer_open(const struct segment_writer_options *options);
void segment_writer_close(struct segment_writer **w);
/* Rows in rising order of sequence. */
void segment_writer_add(struct segment_writer *w, const struct row *row);
bool segment_writer_full(const struct segment_writer *w); /* end it before the next row */
uint64_t segment_writer_rows(const struct segment_writer *w);
size_t segment_writer_memory(const struct segment_writer *w);
/* At most SEGMENT_INTERVALS_MAX; the writer is full at half of them. */
void segment_writer_interval(struct segment_writer *w, const struct segment_interval *interval);
/* Writes the file (which must not exist) and syncs it. The caller
 * renames it and syncs the folder. */
MUST_CHECK int segment_writer_end(struct segment_writer *w, struct disk *disk, const char *path,
                                  struct err *err);
