/* Whether a correlation's condition holds over the totals of a window. For correlate.c only. */
#pragma once
#include "detection/correlate_plan.h"

/* since_ns: the window begins after it. own_hash: of the newest input's value (share only). *value
 * is what was compared. */
bool correlate_judge(const struct plan_correlation *c, const struct window_total *total,
                     int64_t since_ns, uint64_t own_hash, double *value);
