/* The inside of a segment writer: for segment_writer*.c only. */
#pragma once
#include "base/arena.h"
#include "store/column.h"
#include "store/segment_writer.h"

enum {
    WRITER_COLUMN_SLOTS = 4 * SEGMENT_COLUMNS_MAX,
    WRITER_SHAPE_SLOTS_FIRST = 256,
    WRITER_MEASURE_ROWS = 4096,       /* memory is added up after that many rows */
    WRITER_MEASURE_BYTES = 1 << 20,   /* or that many bytes */
    WRITER_CONTEXT_BYTES_MAX = 56000, /* of one context packed: its texts and their lengths */
};
#define WRITER_RAW_BYTES_MAX ((uint64_t)8 << 30) /* keeps the number of chunks low */

struct writer_row {
    uint64_t sequence, line;
    int64_t time_ns, received_ns;
    uint32_t context, shape;
};

struct writer_name { /* of a column, close together for look-ups */
    struct slice name;
    uint8_t flags;
    uint32_t next; /* the column that came after it last time */
};

/* Distinct things by number, found by hash. */
struct writer_table {
    uint32_t *slots; /* number + 1 */
    uint32_t *hashes;
    uint32_t count, slot_count;
};

struct segment_writer {
    struct segment_writer_options options; /* texts in arena */
    struct segment_about about;
    struct column_tools tools;
    struct column *columns;
    struct writer_name *names;
    uint32_t column_count, column_capacity;
    uint16_t column_slots[WRITER_COLUMN_SLOTS]; /* number; 0: free, for `_rest` has no name */
    struct writer_table shapes, contexts;
    uint32_t *shape_columns, *shape_starts;
    uint32_t shape_columns_capacity;
    struct row_context *context_items;
    struct buf context_bytes; /* packed */
    struct writer_row *rows;  /* of this block */
    uint32_t row_count, row_capacity, field_count, newest_shape;
    struct segment_block blocks[SEGMENT_BLOCKS_MAX];
    struct chunk row_chunks[SEGMENT_BLOCKS_MAX];
    uint32_t block_count; /* ended */
    struct segment_interval *intervals;
    uint32_t interval_count, interval_capacity;
    uint32_t *row_shape; /* scratch: columns of the row being added */
    uint32_t row_shape_capacity;
    struct buf scratch;
    struct arena arena;
    size_t memory_bytes, unmeasured_bytes;
    uint32_t unmeasured_rows;
};

/* Packs the rows and columns of the current block. */
void segment_writer_end_block(struct segment_writer *w);
/* The number of a thing with this hash for which same says yes, or the next free number (then it
 * is the caller's to fill in). */
typedef bool writer_same(const struct segment_writer *w, uint32_t number, const void *thing);
uint32_t segment_writer_find(struct segment_writer *w, struct writer_table *table, uint32_t hash,
                             writer_same *same, const void *thing);
