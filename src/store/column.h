/* Column: one column of a segment while it is made. It begins as a dictionary and its entry
 * numbers; when most of its values are distinct it becomes numbers (integers that print as they
 * came) or text, the blocks that wait packed included, so that a finished column is of one kind
 * (docs/store-format.md, "Segment").
 *
 * Limits: the writer's memory: column_give_way frees some by force. Threads: one.
 * Ownership: copies values; name belongs to the writer. */
#pragma once
#include "formats/record.h"
#include "store/chunk.h"
#include "store/dictionary.h"
#include "store/segment.h"
#include "store/value_index.h"
#include "store/values.h"

enum {
    COLUMN_SETTLE_FROM = 256,       /* occurrences from which a column may be text or numbers */
    COLUMN_TEXT_BYTES = 512 << 10,  /* of values in one chunk of a text column */
    COLUMN_SMALL_BYTES = 256 << 10, /* what is below it is not worth giving way */
};

struct column_tools { /* shared by the columns of a segment */
    struct chunk_packer *packer;
    struct value_index *index;
    struct buf raw;
    struct values_entries entries;
};

struct column_block {
    struct chunk *chunks;
    uint32_t chunk_count, chunk_capacity;
    uint32_t occurrence_count;
};

struct column {
    struct slice name;
    uint32_t name_hash;
    uint8_t flags;
    enum segment_column_kind kind; /* CONSTANT only when it is finished */
    uint8_t number_kind;
    bool rest;          /* it is `_rest` */
    bool repeated;      /* more than once in a row */
    uint64_t last_row;  /* it was in, from 1 */
    uint64_t raw_bytes; /* of values */
    uint32_t occurrence_count;
    uint32_t indexed; /* entries of the dictionary that are in the index */
    struct dictionary dictionary;
    uint32_t *ids; /* of this block */
    int64_t *numbers;
    uint32_t pending, capacity;  /* ids or numbers */
    struct values_entries texts; /* not in a chunk yet */
    struct column_block blocks[SEGMENT_BLOCKS_MAX];
    size_t packed_bytes; /* of the blocks' chunks */
    struct chunk *parts; /* of the dictionary, when finished */
    uint32_t part_count, part_capacity;
};

/* row: counted from 1. Of `_rest`: column_rest_value. */
void column_add(struct column *c, struct column_tools *t, unsigned block, uint64_t row,
                uint8_t kind, struct slice value);
/* Packs what occurred in the block. */
void column_end_block(struct column *c, struct column_tools *t, unsigned block);
/* What giving way would free. */
size_t column_loose_bytes(const struct column *c);
/* A dictionary becomes text or numbers whatever its values are like; of a text the values that wait
 * are packed. Between two rows; the current block goes on. */
void column_give_way(struct column *c, struct column_tools *t, unsigned block);
/* After its last block: decides about CONSTANT, packs the dictionary. block_rows: by block. */
void column_finish(struct column *c, struct column_tools *t, const uint32_t *block_rows,
                   unsigned block_count);
size_t column_memory(const struct column *c);
void column_free(struct column *c);
/* A value of `_rest`: name, flags and value in one. */
void column_rest_value(struct buf *out, const struct field *f);
