/* Observations: what STIX patterns are matched against.
 *
 * Read from JSON: an observed-data object, a bundle, an object of any other kind, or a list of
 * these. Every observed-data (`object_refs`, or the older `objects` map) is one observation; when
 * there is none at all, every object is an observation of its own, without a time.
 * Limits: STIX_OBSERVATIONS_MAX, and those of stix_object.h. Threads: immutable once opened. */
#pragma once
#include "base/map.h"
#include "detection/stix_object.h"
#include "detection/stix_time.h"

enum { STIX_OBSERVATIONS_MAX = 10000, STIX_NUMBER_OBSERVED_MAX = 999999999 };

struct stix_observation {
    const struct stix_value **objects; /* what its patterns may start from */
    uint32_t object_count;
    uint32_t number_observed;
    bool timed; /* first and last are known */
    struct stix_time first, last;
    const struct stix_value *by_key; /* the `objects` map, or NULL: references look there first */
};

struct stix_observations;

/* The document is parsed and copied as far as needed: text may go away afterwards. */
MUST_CHECK int stix_observations_open(struct stix_observations **out, struct slice text,
                                      struct err *err);
/* The same from a tree that the caller keeps alive. */
MUST_CHECK int stix_observations_from(struct stix_observations **out,
                                      const struct stix_value *document, struct err *err);
void stix_observations_close(struct stix_observations **observations);

uint32_t stix_observations_count(const struct stix_observations *observations);
const struct stix_observation *stix_observations_at(const struct stix_observations *observations,
                                                    uint32_t i);
/* The object that an identifier names, seen from an observation; NULL: not there. */
const struct stix_value *stix_observations_find(const struct stix_observations *observations,
                                                const struct stix_observation *from,
                                                struct slice id);
