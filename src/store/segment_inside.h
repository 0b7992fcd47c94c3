/* The inside of an open segment: for segment*.c only. */
#pragma once
#include "store/bloom.h"
#include "store/chunk.h"
#include "store/segment.h"
#include "detection/indicator.h"

enum {
    SEGMENT_VERSION = 2, /* 1 is read, too: its contexts are of the first form */
    SEGMENT_HEADER_BYTES = 64,
    SEGMENT_TRAILER_BYTES = 64,
    SEGMENT_BLOOM_BLOCKS = 512 /* in one chunk: 16 KiB */
};
#define SEGMENT_MAGIC     "CANHSEG1"
#define SEGMENT_END_MAGIC "CANHSEG."

struct segment_ref { /* a chunk */
    uint64_t offset;
    uint32_t bytes; /* with its head */
    uint32_t entries;
};

struct segment_refs {
    const struct segment_ref *items;
    uint32_t count;
    uint32_t entries; /* of all */
};

struct segment_column_refs {
    struct segment_refs parts;
    struct segment_refs blocks[SEGMENT_BLOCKS_MAX];
    uint32_t occurrences[SEGMENT_BLOCKS_MAX];
};

struct segment {
    struct disk_file *file;
    char *path;
    struct segment_about about;
    uint8_t uuid[16];
    uint32_t version;
    uint64_t footer_offset, bytes_read;
    struct digest digest; /* of all before the trailer, as the trailer says */
    struct slice *inputs;
    struct segment_block blocks[SEGMENT_BLOCKS_MAX];
    struct segment_ref row_refs[SEGMENT_BLOCKS_MAX];
    struct segment_column *columns;
    struct segment_column_refs *column_refs;
    struct row_context *contexts;
    struct segment_ref context_ref, shape_ref;
    uint32_t shape_field_count;
    uint32_t *shape_columns, *shape_starts;
    struct segment_ref *refs; /* of all columns' chunks */
    uint32_t ref_count;
    uint32_t bloom_block_count;
    uint64_t bloom_offset;
    char **bloom_chunks; /* by number, when they were read */
    struct segment_ref sight_refs[SIGHT_KINDS];
    bool sights_whole[SIGHT_KINDS];
    struct segment_interval *intervals;
    struct chunk_reader *reader;
    struct buf stored, raw, key;         /* scratch */
    uint32_t *shape_counts;              /* occurrences of counted_column in each shape */
    uint32_t *list_starts, *list_shapes; /* by column: its shapes; made when first asked */
    uint32_t counted_column;
    uint32_t placed_block;                 /* UINT32_MAX: none; of its rows: */
    uint32_t *shape_rows, *shape_row_ends; /* numbers, those of one shape together */
    uint64_t *row_bits;                    /* scratch, all 0 */
    struct arena arena;                    /* of the footer's lists */
};

/* Reads and verifies a chunk into out (cleared first). */
MUST_CHECK int segment_read_chunk(struct segment *s, const struct segment_ref *ref,
                                  enum chunk_kind kind, size_t max_bytes, struct buf *out,
                                  struct err *err);
/* ERR_DAMAGED: "path: what ..." */
int segment_damaged(const struct segment *s, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The footer's raw bytes into s. */
MUST_CHECK int segment_parse_footer(struct segment *s, struct slice raw, struct err *err);
/* The bytes of contexts and shapes; both are in memory afterwards. */
MUST_CHECK int segment_parse_contexts(struct segment *s, struct err *err);
MUST_CHECK int segment_parse_shapes(struct segment *s, struct err *err);
/* By shape: how often it has the column. Good until it is asked for another column. */
const uint32_t *segment_shape_counts(struct segment *s, uint32_t column);
struct segment_ref segment_bloom_ref(const struct segment *s, uint32_t number);
uint32_t segment_bloom_chunks(const struct segment *s);
/* Entries of some chunks of a column (parts or text); masks only of parts. */
MUST_CHECK int segment_read_entries(struct segment *s, uint32_t column,
                                    const struct segment_refs *refs, enum chunk_kind kind,
                                    size_t max_bytes, struct segment_values *out, struct err *err);
/* Of a NUMBER column; numbers has room for its occurrences in the block. */
MUST_CHECK int segment_read_numbers(struct segment *s, uint32_t column, uint32_t block,
                                    int64_t *numbers, uint8_t *kind, struct err *err);
/* By occurrence; entries has room for all in the block. */
MUST_CHECK int segment_read_entry_numbers(struct segment *s, uint32_t column, uint32_t block,
                                          uint32_t *entries, struct err *err);
