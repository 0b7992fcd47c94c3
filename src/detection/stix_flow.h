/* Handing out observations: each demand wants so many of those it could take, an observation can be
 * taken as often as it was seen. Demands are met one after the other, exactly (an earlier one gives
 * way when another observation serves it as well), and can be taken back in reverse order.
 *
 * Used by stix_pattern_match.c only. Limits: STIX_FLOW_CELLS_MAX, and the steps of the trial.
 * Threads: one. */
#pragma once
#include "detection/stix_pattern_inside.h"

enum { STIX_FLOW_CELLS_MAX = 1 << 24, STIX_FLOW_MOVES_MAX = 1 << 22 };

/* What the times of an observation must be; open where nothing was said. */
struct stix_bounds {
    bool timed;
    struct stix_time first_min, first_max, last_min, last_max;
};

struct stix_flow;

struct stix_flow *stix_flow_open(struct stix_trial *trial);
void stix_flow_close(struct stix_flow **flow);

/* Observations are numbered by their last time, those without times come last. */
uint32_t stix_flow_count(const struct stix_flow *flow);
const struct stix_observation *stix_flow_observation(const struct stix_flow *flow, uint32_t i);

/* 1: met, 0: cannot be met (what was begun is left for stix_flow_undo); or an error. set: one bit
 * an observation, it stays the caller's. */
MUST_CHECK int stix_flow_add(struct stix_flow *flow, const uint64_t *set,
                             const struct stix_bounds *bounds, uint64_t amount);
struct stix_flow_mark {
    uint32_t demands;
    size_t moves;
};
struct stix_flow_mark stix_flow_mark(const struct stix_flow *flow);
void stix_flow_undo(struct stix_flow *flow, struct stix_flow_mark mark);
