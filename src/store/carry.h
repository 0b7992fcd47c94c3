/* Carry: what must survive a crash besides rows: counters, cursors, the ids that senders gave their
 * newest events, and the correlation inputs that are still in a window (docs/store-format.md,
 * "Carry").
 *
 * Changes are collected as items, go into the frame of the rows that they belong to (they stand or
 * fall together), and are applied to the one state, which each checkpoint holds whole. Limits:
 * named; past them the oldest inputs go, and of ids the oldest of the sender that has most; new
 * sources and cursors are not taken, and carry_stats says so. Memory of all ids: at most
 * CARRY_IDS_BYTES_MAX. Threads: one. Ownership: copies. */
#pragma once
#include "base/str.h"
#include "base/clock.h"

enum {
    CARRY_NAME_BYTES_MAX = 4096, /* of every text but an input's values: longer ones are cut */
    CARRY_CURSORS_MAX = 100000,
    CARRY_SOURCES_MAX = 10000,
    CARRY_COUNTERS_MAX = 16, /* numbers a source has */
    CARRY_IDS_MAX = 1000000,
    CARRY_ID_BYTES = 16,
    /* Senders with ids, each with a share of its own: those past them share one. */
    CARRY_ID_SENDERS_MAX = 10000,
    CARRY_ID_SENDER_BYTES_MAX = 256, /* longer names are cut */
    CARRY_INPUTS_MAX = 1000000,
    CARRY_INPUT_VALUES_MAX = 64,
    CARRY_VALUE_BYTES_MAX = 256 /* of a correlation input's value: longer ones are cut */
};
#define CARRY_IDS_BYTES_MAX    ((size_t)48 << 20)
#define CARRY_INPUT_BYTES_MAX  ((size_t)64 << 20)
#define CARRY_CURSOR_BYTES_MAX ((size_t)64 << 20) /* names and values of all cursors */

struct carry_id { /* a keyed hash (id_key.h), so that no sender can make ids collide */
    uint8_t bytes[CARRY_ID_BYTES];
};

struct carry_input {   /* one correlation input, by names and not by numbers: rules may change */
    uint64_t sequence; /* of its event */
    int64_t time_ns;
    uint64_t line;
    struct slice rule;          /* id, else title */
    struct slice file;          /* for showing */
    struct slice run;           /* empty: live; else the import it belongs to */
    const struct slice *values; /* data NULL: missing */
    uint32_t value_count;
};

/* Items: appended to a buf that becomes a section of a frame. Each is u16 kind, u16 0, u32 length,
 * and that many bytes; a text is u16 length and bytes:
 *   counters    text source, then u64 each: added to what the source has
 *   cursor      text name, text value: replaces; an empty value removes. A value longer than
 *               CARRY_NAME_BYTES_MAX is a programmer's error
 *   input       u64 sequence, i64 time, u64 line, texts rule, file, run, u16 count of values, then
 *               texts, where the length 65535 says missing
 *   tick        i64 time, text run
 *   end of run  text run: its inputs and ticks are forgotten
 *   ids         text sender, i64 time, then 16 bytes each */
enum carry_kind {
    CARRY_COUNTERS = 1,
    CARRY_CURSOR,
    CARRY_INPUT = 4, /* 3 was never written */
    CARRY_TICK,
    CARRY_END_RUN,
    CARRY_IDS
};
void carry_put_counters(struct buf *items, struct slice source, const uint64_t *add,
                        uint32_t count);
void carry_put_cursor(struct buf *items, struct slice name, struct slice value);
void carry_put_ids(struct buf *items, struct slice sender, int64_t time_ns,
                   const struct carry_id *ids, uint32_t count);
void carry_put_input(struct buf *items, const struct carry_input *input);
void carry_put_tick(struct buf *items, struct slice run, int64_t time_ns);
void carry_put_end_run(struct buf *items, struct slice run);
/* The section of a frame that holds items: header and bytes, appended to out. */
void carry_section(struct slice items, struct buf *out);

struct carry;
struct carry *carry_open(void);
void carry_close(struct carry **carry);
/* Checks all items, then applies them. ERR_DAMAGED, ERR_UNSUPPORTED (a kind that this program does
 * not know): none was applied. */
MUST_CHECK int carry_apply(struct carry *carry, struct slice items, struct err *err);
/* All of the state as items, appended to out; the same state gives the same bytes. */
void carry_write(const struct carry *carry, struct buf *out);
/* Forgets ids, and live inputs (and ticks), older than these times; those of a run go by
 * carry_put_end_run. Ids of a sender go in the order they came: one whose time is before that of an
 * earlier one counts as being as old as that. */
void carry_trim(struct carry *carry, int64_t ids_before_ns, int64_t inputs_before_ns);

/* The value of a cursor, or the empty slice. */
struct slice carry_cursor(const struct carry *carry, struct slice name);
/* Those whose name begins so; in no promised order. */
typedef void carry_cursor_visit(void *context, struct slice name, struct slice value);
void carry_cursors(const struct carry *carry, struct slice begin, carry_cursor_visit *visit,
                   void *context);
/* Whether the sender gave this id, and the window still has it. */
bool carry_has_id(const struct carry *carry, struct slice sender, const struct carry_id *id);
const uint64_t *carry_counters(const struct carry *carry, struct slice source); /* or NULL */
typedef void carry_source_visit(void *context, struct slice source, const uint64_t *counters);
void carry_sources(const struct carry *carry, carry_source_visit *visit, void *context);
/* Inputs and ticks of a run in the order they were journalled. input NULL: a tick at tick_ns. */
typedef void carry_input_visit(void *context, const struct carry_input *input, int64_t tick_ns);
void carry_inputs(const struct carry *carry, struct slice run, carry_input_visit *visit,
                  void *context);
struct carry_stats {
    uint64_t cursors, sources, ids, inputs, input_bytes;        /* inputs: with ticks */
    uint64_t id_senders, id_bytes;                              /* memory of the ids */
    uint64_t lost_cursors, lost_sources, lost_ids, lost_inputs; /* since carry_open */
};
void carry_stats(const struct carry *carry, struct carry_stats *out);
