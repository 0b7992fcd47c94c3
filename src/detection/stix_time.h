/* STIX timestamps: RFC 3339 in UTC with a capital T and Z, nothing else; years 0000 to 9999 (wider
 * than base/clock.h). Digits of a fraction past the ninth are dropped. Threads: any. */
#pragma once
#include "base/str.h"

struct stix_time {
    int64_t seconds; /* since 1970 */
    uint32_t nanoseconds;
};

bool stix_time_parse(struct stix_time *out, struct slice text);
/* Seconds with an optional fraction (`300`, `.5`); false: not a number, or over 2^40 seconds. */
bool stix_time_parse_duration(struct stix_time *out, struct slice text);
int stix_time_compare(struct stix_time a, struct stix_time b); /* -1, 0, 1 */
struct stix_time stix_time_add(struct stix_time a, struct stix_time b);
