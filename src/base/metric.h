/* Metrics: counters, gauges and histograms that a role keeps, and their text for Prometheus
 * (exposition format 0.0.4), clean for `promtool check metrics`.
 *
 * A role's metrics are one static table, whose names, units and labels are fixed (so their number
 * is bounded): canh_<what>_total (counters, and only they), _seconds, _bytes. Values are atomic.
 * They travel between roles as flat bytes (metric_pack), and what comes from another role is
 * checked (metric_unpack). Threads: any. */
#pragma once
#include "base/bytes.h"

enum {
    METRIC_TABLE_MAX = 256,
    METRIC_BUCKETS = 16,
    METRIC_NAME_BYTES_MAX = 80,
    METRIC_TEXT_BYTES_MAX = 200, /* labels, help, role */
    METRIC_SOURCES_MAX = 64
};
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    const char *name; /* without labels: canh_events_stored_total */
    enum metric_kind kind;
    const char *labels; /* `stage="append"`, or NULL; names other than role and le */
    const char *help;
    uint64_t value; /* counters; gauges as int64_t; *_seconds, *_seconds_total: ns */
    uint64_t buckets[METRIC_BUCKETS]; /* histogram of nanoseconds: up to 100 us * 2^i, last: more */
    uint64_t count, sum;
};

void metric_add(struct metric *m, uint64_t add);
void metric_set(struct metric *m, int64_t value);
void metric_observe(struct metric *m, uint64_t ns);
uint64_t metric_value(const struct metric *m); /* of a histogram: how many were observed */
/* All values of a table, appended. */
void metric_pack(const struct metric *table, uint32_t count, struct buf *out);
/* One source's packed values as text: `role` becomes a label (two sources have two). Families of
 * one name stand together: sources are given one after the other, then metric_text_end writes and
 * frees. A source is taken whole or not at all. ERR_DAMAGED: not one, or at odds with those before
 * (a name of another kind, values that are there); ERR_LIMIT: too many. */
struct metric_text;
struct metric_text *metric_text_open(void);
MUST_CHECK int metric_text_add(struct metric_text *t, const char *role, struct slice packed,
                               struct err *err);
void metric_text_end(struct metric_text **t, struct buf *out);
