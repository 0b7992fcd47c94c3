/* Live rules: one set of rules that a node watches with, compiled from a bundle: a detector for
 * each log source and time zone, indicators, and the burden of each rule. What roles hand each
 * other names rules by number, so each says by a fingerprint which set it means.
 *
 * Threads: made on one; then immutable (burden: as rule_burden.h has it) and held by any number of
 * users, the last of which frees it. Ownership: owns all of its parts, bundle and indicators
 * included. */
#pragma once
#include "detection/rule_burden.h"
#include "watch/bundle.h"
#include "watch/config.h"
#include "watch/detector.h"
#include "watch/finding.h"
#include "watch/intel_store.h"

enum { LIVE_DETECTORS_MAX = 32, LIVE_VERSION_BYTES = 2 * DIGEST_BYTES + 1, LIVE_SHORT_BYTES = 12 };

struct live_detector {       /* what a detector is opened for */
    struct slice configured; /* product/category/service, or empty */
    struct slice zone;       /* its name */
    struct clock_zone *clock;
};

struct live_bundle {
    struct slice bytes; /* copied */
    const struct config_rules *config;
    struct io_map indicators; /* taken over; empty: none are looked for */
};

struct live_rules {
    struct detector *detectors[LIVE_DETECTORS_MAX];
    uint32_t detector_count;
    uint64_t fingerprint;       /* of bundle and selection */
    struct finding_rules rules; /* those that findings name by number: loaded, of indicators */
    struct intel_store_table indicators; /* table NULL: none */
    struct rule_burden *burden;
    struct buf bytes;
    struct bundle bundle;
    char version[LIVE_VERSION_BYTES]; /* SHA-256 of the bundle */
    uint64_t compile_ns;
    atomic_uint uses;
    uint32_t running; /* live.c: blocks that are judged by it */
};

MUST_CHECK int live_rules_open(struct live_rules **out, const struct live_bundle *bundle,
                               const struct live_detector *detectors, uint32_t count,
                               bool interpreted, struct err *err);
struct live_rules *live_rules_use(struct live_rules *rules);
void live_rules_unuse(struct live_rules **rules); /* NULL is fine */
/* The rule of the number in another set; RULE_INPUT_MISSING: it has none of that id. */
uint32_t live_rules_number(const struct live_rules *of, uint32_t rule, const struct live_rules *in);
void live_version_text(char out[LIVE_VERSION_BYTES], const struct digest *digest);
