/* Import worker: one thread's way from a block's records to a haul: judge, and every event into a
 * batch. Threads: one a worker; all share the detector. Ownership: borrows what it is opened with.
 */
#pragma once
#include "detection/indicator.h"
#include "watch/harvest.h"
#include "watch/register.h"
#include "watch/pipeline.h"
#include "watch/workers.h"

struct origin { /* what all events of an import, or of a live source, have in common */
    struct slice partition, name, system, unit, configured; /* as struct row_context has them */
    uint32_t flags; /* enum row_context_flag: ROW_HISTORICAL, or 0 for what comes in live */
    bool raw;       /* hauls carry the batch's raw bytes, for the engine */
};

struct harvester;
/* hosts: findings are shown with their host. */
struct harvester *harvester_open(const struct detector *detector, const struct origin *source,
                                 int64_t near_ns, bool hosts);
/* Adds the thread's processor time and what its matcher counted to the sums. */
void harvester_close(struct harvester **worker, uint64_t *cpu_ns, struct matcher_stats *sum);
/* Known indicators are looked for, too, and found under rules from first_rule on, one a type. */
void harvester_indicators(struct harvester *worker, const struct indicator_table *table,
                          uint32_t first_rule);
/* What other detectors found is found under this rule (finding_rules_outside). */
void harvester_outside(struct harvester *worker, uint32_t rule);
/* Its rules' time is taken, and suspended ones are passed over; burden outlives it. */
void harvester_watch(struct harvester *worker, struct rule_burden *burden);
/* For a worker that lives long: what near_ns is from now on. */
void harvester_near(struct harvester *worker, int64_t near_ns);
/* Makes the haul of job's part; hands it over in between when it holds too much. */
void harvester_run(struct harvester *worker, struct workers_job *job);
/* While it runs: how many of the block's records went in before the one it is at. */
size_t harvester_position(const struct harvester *worker);
/* Who sent the block that comes: all of it, or (senders not NULL) each of its records. Borrowed. */
void harvester_sender(struct harvester *worker, struct slice sender, const struct slice *senders);
/* Its writer of batches, between runs. */
struct batch_writer *harvester_writer(struct harvester *worker);
/* Hosts that records of the runs that come are attributed to; NULL: none. Borrowed. */
void harvester_register(struct harvester *worker, const struct register_table *table);
