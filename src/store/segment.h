/* Segment: an immutable columnar file of the rows (a, b] of one partition
 * (docs/store-format.md, "Segment").
 *
 * A reader keeps the footer, contexts and shapes in memory and reads chunks when asked; every chunk
 * is checked by its checksum and walked with bounds before use: hostile or damaged files give
 * ERR_DAMAGED, and only what is asked for is lost. Limits: named. Threads: a segment belongs to one
 * thread. Ownership: what is given out is the segment's until it is closed, or the caller's
 * struct's where it says so. */
#pragma once
#include "base/disk.h"
#include "store/row.h"

enum {
    SEGMENT_BLOCK_ROWS = 65536,
    SEGMENT_BLOCKS_MAX = 16,
    SEGMENT_ROWS_MAX = SEGMENT_BLOCK_ROWS * SEGMENT_BLOCKS_MAX,
    SEGMENT_COLUMNS_MAX = 1024,
    SEGMENT_SHAPES_MAX = 65535,
    SEGMENT_SHAPE_FIELDS_MAX = 1 << 22,  /* entries of all shapes together */
    SEGMENT_BLOCK_FIELDS_MAX = 1 << 22,  /* fields of all rows of a block */
    SEGMENT_CONTEXT_BYTES_MAX = 8 << 20, /* of all contexts */
    SEGMENT_FOOTER_BYTES_MAX = 32 << 20,
    SEGMENT_CHUNKS_MAX = 1 << 18, /* of columns */
    SEGMENT_PART_BYTES = 128 << 10,
    SEGMENT_INPUTS_MAX = 1024, /* segments that a merge makes one */
    SEGMENT_INTERVALS_MAX = 1 << 17,
    SEGMENT_REST = 0, /* number of the column `_rest`; always there, may be empty */
    SEGMENT_NO_BLOCK = UINT32_MAX
};

enum segment_column_kind { COLUMN_CONSTANT, COLUMN_DICTIONARY, COLUMN_TEXT, COLUMN_NUMBER };

struct segment_column {
    struct slice name;
    uint8_t flags; /* FIELD_NESTED, FIELD_DERIVED */
    enum segment_column_kind kind;
    uint16_t block_mask;       /* blocks in which it occurs */
    uint32_t entry_count;      /* DICTIONARY, CONSTANT: distinct (kind, value) */
    uint32_t occurrence_count; /* in all rows */
    uint64_t raw_bytes;        /* of all values as received, for progress */
    uint64_t stored_bytes;
};

struct segment_block {
    uint32_t row_count, first_row;
    int64_t time_min_ns, time_max_ns; /* row_time */
    uint64_t first_sequence, last_sequence;
};

struct segment_interval { /* of the partition's chain, rows all in this segment */
    uint64_t number, first_sequence, last_sequence, row_count;
    int64_t minute_ns;
    struct digest root, head;
};

struct segment_about { /* of the footer */
    struct slice partition;
    uint64_t first_sequence, last_sequence, row_count;
    int64_t time_min_ns, time_max_ns, received_min_ns, received_max_ns;
    uint64_t raw_bytes;                /* names and values of all rows as received */
    uint64_t seal_after, seal_through; /* (a, b] */
    uint32_t generation;               /* 0: sealed, else merged */
    uint32_t input_count;
    uint32_t block_count, column_count, context_count, shape_count, interval_count;
    uint64_t file_bytes;
};

struct segment;
/* ERR_NOT_FOUND, ERR_DAMAGED, ERR_UNSUPPORTED (another version). Checks trailer, footer, contexts
 * and shapes; not the other chunks (segment_check). */
MUST_CHECK int segment_open(struct segment **out, struct disk *disk, const char *path,
                            struct err *err);
void segment_close(struct segment **s);
const struct segment_about *segment_about(const struct segment *s);
const char *segment_path(const struct segment *s);
struct slice segment_input(const struct segment *s, uint32_t number); /* merged: its path */
const struct segment_block *segment_blocks(const struct segment *s);
const struct segment_column *segment_columns(const struct segment *s);
const struct row_context *segment_contexts(const struct segment *s);
const struct segment_interval *segment_intervals(const struct segment *s);
/* The columns of a shape, one entry a field, in order. */
const uint32_t *segment_shape(const struct segment *s, uint32_t shape, uint32_t *count);
/* Bytes read from the disk so far, for progress. */
uint64_t segment_bytes_read(const struct segment *s);

/* The rows of a block. */
struct segment_rows {
    uint32_t count;
    uint64_t *sequences, *lines;
    int64_t *times_ns, *received_ns;
    uint32_t *contexts;
    uint32_t *shapes;
    struct arena arena;
};
MUST_CHECK int segment_read_rows(struct segment *s, uint32_t block, struct segment_rows *out,
                                 struct err *err);
void segment_rows_free(struct segment_rows *rows);

/* Values: the entries of a column. CONSTANT and DICTIONARY: of the whole segment (block
 * SEGMENT_NO_BLOCK); TEXT and NUMBER: of one block, each occurrence an entry. */
struct segment_values {
    uint32_t count;
    uint8_t *kinds;        /* enum value_kind */
    uint32_t *starts;      /* count + 1 offsets into text */
    uint16_t *block_masks; /* DICTIONARY: blocks in which the entry occurs; else NULL */
    struct buf text;
    struct arena arena;
};
/* `_rest`: the values have their names before them: segment_rest_split. ERR_LIMIT when more than
 * max_bytes would be held. */
MUST_CHECK int segment_read_values(struct segment *s, uint32_t column, uint32_t block,
                                   size_t max_bytes, struct segment_values *out, struct err *err);
void segment_values_free(struct segment_values *v);
static inline struct slice segment_value(const struct segment_values *v, uint32_t entry)
{
    return slice_make(v->text.data + v->starts[entry], v->starts[entry + 1] - v->starts[entry]);
}
/* The same entries one after the other, a chunk in memory at a time: for columns of any size. visit
 * gets each entry once, in order; text is good until it returns, and it must not read from the
 * segment. */
typedef void segment_value_visit(void *context, uint32_t entry, enum value_kind kind,
                                 struct slice text);
MUST_CHECK int segment_visit_values(struct segment *s, uint32_t column, uint32_t block,
                                    segment_value_visit *visit, void *context, struct err *err);
/* How many entries segment_visit_values gives. */
uint32_t segment_value_count(const struct segment *s, uint32_t column, uint32_t block);
/* A value of `_rest` into name, flags and value. False: damaged. */
bool segment_rest_split(struct slice entry, struct slice *name, uint8_t *flags,
                        struct slice *value);

/* Entry numbers of a column in a block by occurrence, in row order. TEXT and NUMBER: 0, 1, 2 ... */
struct segment_ids {
    uint32_t count, room;
    uint32_t *entries;
    uint32_t *rows; /* the row (in the block) of each occurrence */
};
/* rows: of that block. */
MUST_CHECK int segment_read_ids(struct segment *s, uint32_t column, uint32_t block,
                                const struct segment_rows *rows, struct segment_ids *out,
                                struct err *err);
void segment_ids_free(struct segment_ids *ids);

/* Whole rows of a block, for export, evidence and judging: in any order, near ones are cheap.
 * columns: which to fill in (by column number; NULL: all). Holds at most about max_bytes. */
struct segment_cursor;
MUST_CHECK int segment_cursor_open(struct segment_cursor **out, struct segment *s, uint32_t block,
                                   const bool *columns, size_t max_bytes, struct err *err);
/* The row into *row and its record (good until the next call): fields of the wanted columns in the
 * order received. ERR_DAMAGED: some are lost, *row has the others; later rows may be asked for. */
MUST_CHECK int segment_cursor_row(struct segment_cursor *c, uint32_t row_in_block, struct row *row,
                                  struct err *err);
void segment_cursor_close(struct segment_cursor **c);

/* Whether the segment may have a field of this name with this folded value (number: that spells
 * this number). True when it cannot say. */
bool segment_may_have(struct segment *s, struct slice name, struct slice folded);
bool segment_may_have_number(struct segment *s, struct slice name, double number);

/* Sorted distinct sight hashes of one kind (enum sight_kind); of SIGHT_IP: sorted addresses
 * instead. Damaged or absent for want of room: ERR_DAMAGED or ERR_UNSUPPORTED: look at the columns.
 */
struct segment_sights {
    uint64_t *hashes;
    struct ip_address *addresses;
    uint32_t count;
    struct buf bytes;
};
MUST_CHECK int segment_read_sights(struct segment *s, unsigned kind, struct segment_sights *out,
                                   struct err *err);
void segment_sights_free(struct segment_sights *sights);

/* Reads every chunk and its checksum, the trailer's SHA-256, and that columns, shapes and rows fit
 * one another. Each thing that does not hold is told; the number of them is returned, or an error
 * when the file cannot be read at all. */
typedef void segment_problem(void *context, const char *what);
MUST_CHECK int segment_check(struct segment *s, segment_problem *problem, void *context,
                             struct err *err);
/* Everything but the values, as text (values too with rows). */
MUST_CHECK int segment_dump(struct segment *s, bool rows, struct buf *out, struct err *err);
