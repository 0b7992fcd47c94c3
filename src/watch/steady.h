/* Steady: a clock for correlation and for what is kept so long, which goes on as real time does
 * when the machine's clock jumps. It follows the machine's clock while that one does not leave it
 * by STEADY_JUMP_NS; after a jump it runs on as before, until the machine's clock has kept its new
 * time for as long as the caller says.
 *
 * Pure: the machine's clock (wall) and one that only rises come in as values. Threads: one. */
#pragma once
#include "base/clock.h"
#include "detection/correlate.h"

#define STEADY_JUMP_NS CORRELATE_LATE_MAX_NS

struct steady {
    int64_t offset_ns;   /* its time is a monotonic reading and this */
    int64_t wall_ns;     /* the machine's clock's offset, when it was looked at last */
    uint64_t jumped_ns;  /* monotonic: when that clock went to where it is */
    uint64_t changed_ns; /* monotonic: when this one was set to that; 0: never */
    bool differs;
};

void steady_begin(struct steady *s, int64_t wall_ns, uint64_t monotonic_ns);
/* Looks at both clocks; true when this one was set to the machine's, which had kept its new time
 * for hold_ns. */
bool steady_look(struct steady *s, int64_t wall_ns, uint64_t monotonic_ns, uint64_t hold_ns);
int64_t steady_now(const struct steady *s, uint64_t monotonic_ns);
/* An event's time by this clock: one that is near the machine's wrong time was taken from it. None
 * is later than STEADY_JUMP_NS after now: what tells such a time counts as now. CLOCK_NONE stays.
 */
int64_t steady_time(const struct steady *s, int64_t time_ns, uint64_t monotonic_ns);
