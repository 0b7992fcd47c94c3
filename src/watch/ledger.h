/* Ledger: what became of every record, by source and hour: received = stored + duplicate + joined +
 * refused (by reason) + dropped (by reason).
 *
 * RECEIVED is counted where records are cut, the outcomes where they happen; the engine adds both
 * while it makes a group. A cell (source and UTC hour of receipt) is open as a cursor of the
 * store's carry ("ledger:HOUR/SOURCE") and so stands or falls with the rows that it counts; what a
 * source sent since ever is one more cursor ("ledger:all/SOURCE"). An hour that has ended is
 * written as a row of the partition LEDGER_PARTITION in the same group that removes its cursor.
 *
 * The hour is that of receipt, by the caller's clock. When an addition comes for an hour that was
 * closed already (the clock was set back; a haul was sent again after a long stop of the engine)
 * its cell is opened once more and closes as one more row: rows of one source and hour add up.
 * Cells of hours that lie ahead (the clock was set back over them) close at once.
 *
 * Limits: LEDGER_SOURCES_MAX sources and LEDGER_CELLS_MAX open cells; what goes beyond them is
 * added up for the source LEDGER_OTHERS, never lost. A cell is about 1 kB. Threads: one adds, puts
 * and settles; any asks. Ownership: copies. */
#pragma once
#include "base/clock.h"
#include "store/carry.h"

enum {
    LEDGER_SOURCES_MAX = 4096, /* as many as canh.yaml may name */
    LEDGER_CELLS_MAX = 16384,
    LEDGER_NAME_BYTES_MAX = 1024, /* of a source; longer ones are LEDGER_OTHERS' */
    LEDGER_GAPS = 24,
    LEDGER_GRACE_S = 120,      /* an ended hour stays open so long */
    LEDGER_CLOSE_MAX = 256,    /* cells that one group closes */
    LEDGER_SKEW_AHEAD_S = 300, /* an event's time so far after its receipt: a clock is wrong */
    LEDGER_SKEW_LATE_S = 3600,
    LEDGER_SKEW_OLD_S = 86400
};
#define LEDGER_PARTITION SLICE("_ledger")
#define LEDGER_OTHERS    SLICE("(others)")

enum ledger_count {
    LEDGER_RECEIVED, /* came to this machine: records cut, and what KERNEL counted */
    LEDGER_STORED,
    LEDGER_DUPLICATE, /* its _id was known */
    LEDGER_JOINED,    /* lines that became part of another record */
    LEDGER_REFUSED_SPLIT,
    LEDGER_REFUSED_PARSE,
    LEDGER_REFUSED_ENCODING,
    LEDGER_REFUSED_TOO_LONG,
    LEDGER_REFUSED_TOO_DEEP,
    LEDGER_REFUSED_ACTION,
    LEDGER_REFUSED_TIME,
    LEDGER_REFUSED_NO_ROOM,
    LEDGER_REFUSED_OTHER,
    LEDGER_DROPPED_KERNEL,
    LEDGER_DROPPED_ENDED,
    LEDGER_DROPPED_OVERLOAD,
    LEDGER_OUTCOMES_END, /* from here on: not part of the sum */
    LEDGER_BYTES = LEDGER_OUTCOMES_END,
    LEDGER_FINDINGS,
    LEDGER_UNATTRIBUTED,
    LEDGER_TIMELESS, /* events that tell no time */
    LEDGER_AHEAD,    /* by more than LEDGER_SKEW_AHEAD_S */
    LEDGER_LATE,     /* by more than LEDGER_SKEW_LATE_S */
    LEDGER_OLD,      /* by more than LEDGER_SKEW_OLD_S; not among LATE */
    LEDGER_COUNTS
};

enum ledger_class {
    LEDGER_CLASS_RECEIVED,
    LEDGER_CLASS_KEPT, /* stored, duplicate, joined */
    LEDGER_CLASS_REFUSED,
    LEDGER_CLASS_DROPPED,
    LEDGER_CLASS_BESIDE
};

struct ledger_name {
    const char *name; /* in rows, cursors, JSON and metric labels */
    const char *title_en, *title_vi;
    enum ledger_class of;
};
extern const struct ledger_name ledger_names[LEDGER_COUNTS];

/* How a record that a reader gave up with this code counts; what the splitter refuses is SPLIT or
 * TOO_LONG, and an action that is not offered ACTION, of which the caller knows. */
enum ledger_count ledger_refused_by(int err_code);

struct ledger_figures { /* one addition, and what several add up to */
    uint64_t counts[LEDGER_COUNTS];
    uint64_t ahead_max_s, behind_max_s; /* event time after, before receipt */
};
/* Counts the skew of one event. event_ns: CLOCK_NONE when it tells none. */
void ledger_figures_time(struct ledger_figures *f, int64_t event_ns, int64_t received_ns);
void ledger_figures_add(struct ledger_figures *to, const struct ledger_figures *more);
/* received - outcomes: nought, or records vanished (above) or were made up (below). */
int64_t ledger_unaccounted(const struct ledger_figures *f);
uint64_t ledger_class_sum(const struct ledger_figures *f, enum ledger_class of);

struct ledger_cell {
    int64_t hour; /* since 1970, UTC */
    struct slice source;
    struct ledger_figures figures;
    /* Seconds between arrivals that ended in this hour: gaps[0] is of one second, gaps[k] of 2^k
     * to 2^(k+1)-1, the last one of more. Arrivals in the same second are one. */
    uint64_t gaps[LEDGER_GAPS];
    uint64_t longest_s;          /* of the gaps that began in this hour and ended in it */
    int64_t first_ns, newest_ns; /* arrivals in the hour; CLOCK_NONE: none */
};
uint64_t ledger_cell_gaps(const struct ledger_cell *cell);

/* A cell as named numbers: for rows and cursors. Those that are nought are left out, but received
 * and stored. */
typedef void ledger_field(void *context, const char *name, uint64_t value);
void ledger_cell_fields(const struct ledger_cell *cell, ledger_field *field, void *context);
/* The cell of an hour without anything in it yet; source is borrowed. */
void ledger_cell_begin(struct ledger_cell *cell, int64_t hour, struct slice source);
/* A field of a stored row; those of other names are passed over. */
void ledger_cell_take(struct ledger_cell *cell, struct slice name, struct slice value);

struct ledger;
struct ledger *ledger_open(const struct carry *carry);
void ledger_close(struct ledger **ledger);
/* Between groups, after a store that failed was opened again: as its carry has it (a group that
 * failed may be durable all the same). What came since the start stays as it was counted. */
void ledger_again(struct ledger *l, const struct carry *carry);

/* ---- while a group is made ---- */

/* An empty source counts for LEDGER_OTHERS. RECEIVED above nought is an arrival at received_ns. */
void ledger_add(struct ledger *l, struct slice source, const struct ledger_figures *add,
                int64_t received_ns);
/* Gives the cells whose hour has ended to the row maker, after all additions of the group; one that
 * it refuses (false) stays open. The cell is borrowed for the call. Returns how many close. */
typedef bool ledger_row(void *context, const struct ledger_cell *cell);
uint32_t ledger_close_hours(struct ledger *l, int64_t now_ns, ledger_row *row, void *context);
void ledger_put(const struct ledger *l, struct buf *items); /* the group's carry */
void ledger_settle(struct ledger *l, bool durable);         /* what became of the group */

/* ---- asking: durable figures only ---- */

struct ledger_totals {
    struct slice source; /* borrowed for the call */
    struct ledger_figures ever, since_start;
    int64_t first_ns, newest_ns; /* arrivals; CLOCK_NONE: there never was one. newest: the last one
                                  * that came, also when the clock was set back since */
};
/* False: nothing ever came of it, and *out is empty. */
bool ledger_of(struct ledger *l, struct slice source, struct ledger_totals *out);
/* Of all sources, under its lock, in the order they were first seen. */
typedef void ledger_totals_visit(void *context, const struct ledger_totals *totals);
void ledger_each_source(struct ledger *l, ledger_totals_visit *visit, void *context);
/* Open cells, of one source or (empty) of all; under its lock. */
typedef void ledger_cell_visit(void *context, const struct ledger_cell *cell);
void ledger_each_cell(struct ledger *l, struct slice source, ledger_cell_visit *visit,
                      void *context);
/* All sources together: the earliest first, the latest newest; no source. */
void ledger_sum(struct ledger *l, struct ledger_totals *out);
