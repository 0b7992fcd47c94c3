/* Batch: rows on their way from a worker to the committer, flat, so that they can be handed over in
 * shared memory, written into a frame, and read back without copying (docs/store-format.md,
 * "Batch").
 *
 * A writer fills and packs; a reader checks everything by a bounded walk when it opens, then hands
 * out rows. Limits: named. Threads: each belongs to one. Ownership: said at each call. */
#pragma once
#include "store/row.h"

#define BATCH_BYTES_MAX ((size_t)64 << 20)
enum { BATCH_ROWS_MAX = 1 << 20, BATCH_NAMES_MAX = 1 << 20 };
/* Before the names; before a row's values; of each of its fields. */
enum { BATCH_HEADER_BYTES = 32, BATCH_ROW_BYTES = 28, BATCH_FIELD_BYTES = 8 };
#define BATCH_MAGIC 0x54414243u /* "CBAT" */
enum { BATCH_VERSION = 2 };     /* 1 is read, too: its contexts are of the first form */

struct batch_writer;
struct batch_writer *batch_writer_open(void);
void batch_writer_close(struct batch_writer **w);
/* Begins an empty batch. received_ns: of all its rows. with_digests: row_digest of each is made. */
void batch_begin(struct batch_writer *w, int64_t received_ns, bool with_digests);
/* The number of a context, added when new. ERR_LIMIT: the batch is full (end it, begin another);
 * ERR_USAGE: not a partition's name, a text too long. Copies. */
MUST_CHECK int batch_context(struct batch_writer *w, const struct row_context *context,
                             uint32_t *number, struct err *err);
/* Adds a row: all fields of the record, unescaped (record_text). *index: its place in the batch.
 * ERR_LIMIT when it does not fit any more: the batch stays as it was; a row that fits into no batch
 * is ERR_UNSUPPORTED. */
MUST_CHECK int batch_add(struct batch_writer *w, uint32_t context, int64_t time_ns, uint64_t line,
                         struct record *record, uint32_t *index, struct err *err);
uint32_t batch_rows(const struct batch_writer *w);
size_t batch_bytes(const struct batch_writer *w);

/* A finished batch: a section of a frame as it is written (header and zstd-1 of the bytes), and
 * what the committer needs beside it. */
struct batch {
    struct buf section;
    uint32_t row_count;
    size_t raw_bytes;
    struct digest *digests;   /* by row; NULL without */
    uint16_t *partition;      /* by row: index in partitions */
    struct slice *partitions; /* names, distinct */
    uint32_t partition_count;
    struct arena arena;
};
/* Packs what was added into out (zeroed or used before; its memory is used again). */
void batch_end(struct batch_writer *w, struct batch *out);
/* Instead: the bytes alone, for another process that makes the rest (batch_take). Good until the
 * writer is used again. */
struct slice batch_raw(struct batch_writer *w);
void batch_free(struct batch *batch);

struct batch_reader {
    struct slice bytes;
    struct slice *names; /* text */
    uint8_t *name_flags; /* enum field_flag */
    uint32_t *name_hashes;
    struct row_context *contexts;
    uint32_t row_count, name_count, context_count;
    int64_t received_ns;
    uint64_t first_sequence; /* of row 0, set by the caller */
    size_t at;               /* next row */
    uint32_t next;
    struct record record; /* of the newest row */
    struct arena arena;
    enum row_context_form context_form;
};
/* Checks all of bytes (a raw batch), which must stay until batch_reader_free. ERR_DAMAGED with what
 * does not hold. r is zeroed, or was used before. */
MUST_CHECK int batch_reader_open(struct batch_reader *r, struct slice bytes, struct err *err);
/* The next row into *row (good until the next call); false: no more. */
bool batch_next(struct batch_reader *r, struct row *row);
void batch_reader_free(struct batch_reader *r);

/* Taking what another process wrote: its raw bytes, once a reader has checked them, become a batch
 * with digests, just as if it had been written here. */
struct batch_taker;
struct batch_taker *batch_taker_open(void);
void batch_taker_close(struct batch_taker **taker);
/* All rows of r, which stands at its first one and then at its end. out: as for batch_end. */
void batch_take(struct batch_taker *taker, struct batch_reader *r, struct batch *out);
