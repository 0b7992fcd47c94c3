/* Live: what a node watches its sources with: rules and mappings by canh.yaml, the detector of each
 * source, and what every row of a source says.
 *
 * Intake, reader and engine open the same and compare fingerprints: rules are named by number
 * between them. Sources of one log source and time zone share a detector. Limits:
 * LIVE_DETECTORS_MAX of them. Threads: made on one; then immutable. Ownership: owns all of its
 * parts; borrows the configuration. */
#pragma once
#include "watch/config.h"
#include "watch/detector.h"
#include "watch/finding.h"
#include "watch/harvester.h"
#include "watch/intel_store.h"

enum { LIVE_DETECTORS_MAX = 32 };

struct live_source {
    const struct config_source *config; /* NULL: of events without a source */
    struct origin row;                  /* of live events; raw */
    const struct detector *detector;
    const struct format *format; /* NULL: guessed */
    struct slice zone;
};

struct live {
    const struct config *config;
    struct live_source *sources; /* the first: events without a source */
    uint32_t source_count;
    struct detector *detectors[LIVE_DETECTORS_MAX];
    struct slice keys[LIVE_DETECTORS_MAX]; /* log source and zone */
    uint32_t detector_count;
    uint64_t fingerprint;       /* of rules and mappings */
    struct finding_rules rules; /* those that findings name by number: loaded, of indicators */
    struct intel_store_table indicators; /* as they were at the start; table NULL: none */
    struct option_list paths;
    struct arena arena;
};

struct live_options {
    const struct config *config;
    const char *data;  /* folder whose indicators are looked for; NULL: none are */
    bool interpreted;  /* regular expressions without machine code */
    bool judges;       /* false: one detector for all, which numbers rules, plans correlations */
    struct slice only; /* data: the one source that is judged; NULL: all are */
};
/* Before a sandbox: reads files. out is zeroed by the caller, closed either way. Rules with
 * problems are left out and logged; ERR_*: no mapping, zone, format. */
MUST_CHECK int live_open(struct live *out, const struct live_options *options, struct err *err);
void live_close(struct live *live);
/* By name in canh.yaml; empty: the one without. NULL: no such source. */
const struct live_source *live_source(const struct live *live, struct slice name);
