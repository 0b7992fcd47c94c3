/* Import correlation: the correlator of one import run, whose inputs and ticks are journalled with
 * their events, so that a run that was stopped goes on as if it had not been.
 *
 * Threads: the committer's. Ownership: borrows detector and run; copies names of files. Limits:
 * those of correlate.h; of the journalled inputs CARRY_INPUTS_MAX (a run that goes on behind more
 * sees the newest). */
#pragma once
#include "base/map.h"
#include "store/carry.h"
#include "watch/detector.h"
#include "watch/finding.h"

typedef void import_correlated(void *context, const struct finding *finding);

struct correlation_run {
    const struct detector *detector;
    struct correlator *correlator;
    struct slice run;
    int64_t near_ns;  /* time of records without one (judge.h) */
    int64_t until_ns; /* what is later is not resumed: the clock was set back behind it */
    struct finding_clock clock;
    import_correlated *found; /* NULL while what is known is gone through again */
    void *found_context;
    struct buf *items; /* of the group being made */
    struct map place_of_name;
    struct slice *names; /* of files, by event_place.file */
    uint32_t name_count, name_capacity;
    struct arena arena;
};

void correlation_run_open(struct correlation_run *c, const struct detector *detector,
                          struct slice run, int64_t near_ns);
void correlation_run_close(struct correlation_run *c);
/* The number of a file's name, for event places. */
uint32_t correlation_run_place(struct correlation_run *c, struct slice name);
/* Goes through the inputs and ticks of the run that the store has; nothing is found. */
void correlation_run_resume(struct correlation_run *c, const struct carry *carry);
/* From here on findings are given to found, and what is fed is journalled in items. */
void correlation_run_begin(struct correlation_run *c, struct buf *items, import_correlated *found,
                           void *context);
void correlation_run_feed(struct correlation_run *c, const struct correlate_input *input,
                          uint32_t value_count);
/* The input has ended: windows close. */
void correlation_run_end(struct correlation_run *c);
