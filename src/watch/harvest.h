/* Haul: what a worker of an import made of a block, on its way to the committer: packed rows, and
 * beside them findings, correlation inputs and refused records, in order.
 *
 * Limits: HARVEST_BYTES_MAX of rows and items before it is handed over, and what one event gave
 * on top; of that event's matched values HARVEST_EVENT_BYTES_MAX at full length, further ones
 * HARVEST_VALUE_BYTES_MIN. Threads: one at a time. Ownership: copies. */
#pragma once
#include "store/batch.h"
#include "watch/ledger.h"
#include "watch/finding.h"
#include "watch/input.h"

#define HARVEST_BYTES_MAX       ((size_t)8 << 20)
#define HARVEST_EVENT_BYTES_MAX ((size_t)4 << 20)
enum {
    HARVEST_VALUE_BYTES_MIN = 256,
    HARVEST_REFUSED_BYTES_MAX = 64 << 10 /* kept of a refused record's text */
};

enum harvest_kind { HARVEST_FINDING, HARVEST_INPUT, HARVEST_REFUSED };
struct harvest_item {
    enum harvest_kind kind;
    uint32_t rule; /* FINDING, INPUT */
    uint32_t row;  /* its event's place in the batch */
    uint64_t line;
    int64_t time_ns;
    struct slice host;                  /* FINDING, when it is asked for */
    const struct finding_field *fields; /* FINDING: what matched */
    struct finding_mapping mapping;     /* FINDING: its event's */
    const struct slice *values;         /* INPUT: data NULL: missing */
    uint32_t count;                     /* of either */
    struct slice reason, text;          /* REFUSED */
    enum ledger_count why;              /* REFUSED: LEDGER_REFUSED_... */
};

struct harvest {
    const struct input_file *file;
    struct batch batch;
    struct buf raw; /* instead of batch, when the source wants it so */
    struct harvest_item *items;
    size_t item_count, item_capacity;
    size_t item_bytes;
    struct arena arena;
    uint32_t *positions; /* by row: place of its record in the block */
    size_t position_capacity;
    uint64_t records; /* of the file that are dealt with, refused ones too */
    uint64_t refused; /* all of figures' */
    uint64_t text_bytes;
    struct ledger_figures figures; /* refused by reason, times, who is not known: outcomes only */
    bool last_part;                /* of its block */
    struct harvest *next;          /* the committer's lists */
};

/* A pipeline job's own: the committer takes the haul and leaves another. */
struct harvest_part {
    struct harvest *haul;
};

struct harvest *harvest_open(void);
void harvest_close(struct harvest **haul);
void harvest_clear(struct harvest *haul); /* keeps its memory */
/* A zeroed item at the end; good until the next one. */
struct harvest_item *harvest_add(struct harvest *haul, enum harvest_kind kind);
/* An item of a record that is refused, counted. reason and text are copied; text is cut. */
void harvest_refuse(struct harvest *haul, enum ledger_count why, uint64_t line, struct slice reason,
                    struct slice text);
/* Row `row` (the newest) came of the record at this place. */
void harvest_position(struct harvest *haul, uint32_t row, size_t position);
/* Without the rows whose bit is set in out_rows (a bit a row, lowest first), and what they gave:
 * the raw bytes and items are made anew by writer. ERR_DAMAGED: raw is no batch. */
MUST_CHECK int harvest_without(struct harvest *haul, struct batch_writer *writer,
                               struct slice out_rows, struct err *err);
