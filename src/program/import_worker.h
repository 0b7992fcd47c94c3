/* Import worker: one thread's way from a block's records to a haul: judge, and every event into a
 * batch. Threads: one a worker; all share the detector. Ownership: borrows what it is opened with.
 */
#pragma once
#include "detection/indicator.h"
#include "program/import_haul.h"
#include "program/judge.h"
#include "program/pipeline.h"

struct import_source { /* what all events of an import, or of a live source, have in common */
    struct slice partition, name, system, unit, configured; /* as struct row_context has them */
    uint32_t flags; /* enum row_context_flag: ROW_HISTORICAL, or 0 for what comes in live */
    bool raw;       /* hauls carry the batch's raw bytes, for the engine */
};

struct import_worker;
/* hosts: findings are shown with their host. */
struct import_worker *import_worker_open(const struct detector *detector,
                                         const struct import_source *source, int64_t near_ns,
                                         bool hosts);
/* Adds the thread's processor time and what its matcher counted to the sums. */
void import_worker_close(struct import_worker **worker, uint64_t *cpu_ns,
                         struct matcher_stats *sum);
/* Known indicators are looked for, too, and found under rules from first_rule on, one a type. */
void import_worker_indicators(struct import_worker *worker, const struct indicator_table *table,
                              uint32_t first_rule);
/* For a worker that lives long: what near_ns is from now on. */
void import_worker_near(struct import_worker *worker, int64_t near_ns);
/* Makes the haul of job's part; hands it over in between when it holds too much. */
void import_worker_run(struct import_worker *worker, struct pipeline_job *job);
