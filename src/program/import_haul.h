/* Haul: what a worker of an import made of a block, on its way to the committer: packed rows, and
 * beside them findings, correlation inputs and refused records, in order.
 *
 * Limits: IMPORT_HAUL_BYTES_MAX of rows and items before it is handed over, and what one event gave
 * on top; of that event's matched values IMPORT_EVENT_BYTES_MAX at full length, further ones
 * IMPORT_VALUE_BYTES_MIN. Threads: one at a time. Ownership: copies. */
#pragma once
#include "program/input.h"
#include "program/output.h"
#include "store/batch.h"

#define IMPORT_HAUL_BYTES_MAX  ((size_t)8 << 20)
#define IMPORT_EVENT_BYTES_MAX ((size_t)4 << 20)
enum {
    IMPORT_VALUE_BYTES_MIN = 256,
    IMPORT_REFUSED_BYTES_MAX = 64 << 10 /* kept of a refused record's text */
};

enum import_item_kind { IMPORT_FINDING, IMPORT_INPUT, IMPORT_REFUSED };

struct import_item {
    enum import_item_kind kind;
    uint32_t rule; /* FINDING, INPUT */
    uint32_t row;  /* its event's place in the batch */
    uint64_t line;
    int64_t time_ns;
    struct slice host;                 /* FINDING, when it is asked for */
    const struct output_field *fields; /* FINDING: what matched */
    const struct slice *values;        /* INPUT: data NULL: missing */
    uint32_t count;                    /* of either */
    struct slice reason, text;         /* REFUSED */
};

struct import_haul {
    const struct input_file *file;
    struct batch batch;
    struct buf raw; /* instead of batch, when the source wants it so */
    struct import_item *items;
    size_t item_count, item_capacity;
    size_t item_bytes;
    struct arena arena;
    uint64_t records; /* of the file that are dealt with, refused ones too */
    uint64_t refused;
    uint64_t text_bytes;
    bool last_part;           /* of its block */
    struct import_haul *next; /* the committer's lists */
};

/* A pipeline job's own: the committer takes the haul and leaves another. */
struct import_part {
    struct import_haul *haul;
};

struct import_haul *import_haul_open(void);
void import_haul_close(struct import_haul **haul);
void import_haul_clear(struct import_haul *haul); /* keeps its memory */
/* A zeroed item at the end; good until the next one. */
struct import_item *import_haul_add(struct import_haul *haul, enum import_item_kind kind);
