/* Prometheus Alertmanager: the body of a webhook (version 4) as one JSON object an alert, which the
 * format `json` reads: `receiver`, `groupKey`, `groupLabels` and `externalURL` of the webhook, then
 * the members of the alert as they are (status, labels, annotations, startsAt, fingerprint ...).
 *
 * Limits: those of json.h; ALERTMANAGER_GROUP_BYTES_MAX of what goes into each alert from the
 * webhook, ALERTMANAGER_ALERTS_MAX alerts, ALERTMANAGER_OUTPUT_BYTES_MAX in all (ERR_LIMIT past
 * them). Threads: any. Ownership: texts are the arena's. */
#pragma once
#include "formats/split.h"

#define ALERTMANAGER_OUTPUT_BYTES_MAX ((size_t)64 << 20)
enum { ALERTMANAGER_GROUP_BYTES_MAX = 16 << 10, ALERTMANAGER_ALERTS_MAX = 100000 };

/* Appends a span for each alert, its line the alert's number from 1. On an error out is as it was.
 * A member of `alerts` that is no object is counted in *refused and left out. */
MUST_CHECK int alertmanager_read(struct slice body, struct arena *arena, struct span_list *out,
                                 uint64_t *refused, struct err *err);
