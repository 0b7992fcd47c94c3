/* Detector: rules, mappings, correlations and time zone of one command, loaded and compiled.
 * Threads: made on one; then immutable (the rule set makes its routes under a lock). Ownership:
 * owns all of its parts. */
#pragma once
#include "detection/correlate.h"
#include "detection/rule_select.h"
#include "detection/ruleset.h"
#include "watch/rules_load.h"

struct detector_options {
    const struct option_list *rule_paths;
    const char *placeholders; /* YAML file, or NULL */
    const char *mappings;     /* file or folder instead of the built-in ones, `none`, or NULL */
    const char *source;       /* product/category/service, parts may be empty, or NULL */
    const char *timezone;     /* of times without one; NULL: UTC */
    bool routing, lint;
    bool trusting;      /* as ruleset.h has it: for tests of rules */
    bool without_rules; /* fine when rule_paths is empty: events are mapped only */
    bool interpreted;   /* regular expressions without machine code (JIT) */
    /* Instead of rule_paths; NULL: not. Outlives the detector; its mappings hold where none are
     * named, and of its rules those that select and hunting let serve. */
    const struct bundle *bundle;
    const struct rule_select *select;
    enum rule_hunting hunting;
};

struct detector {
    struct rules_load load;
    struct mapping_set *mappings;
    struct ruleset *set;
    struct correlate_plan *plan;
    const struct clock_zone *zone;
    struct clock_zone *own_zone;  /* NULL: zone is borrowed */
    bool *hidden;                 /* by rule: only correlations see it; NULL: none */
    uint32_t uses[RULE_LIVE + 1]; /* of a bundle: rules by what they serve */
    struct logsource source;
    struct sigma_placeholders placeholders;
    struct arena arena;
    uint64_t load_ns; /* wall time that detector_open took */
};

/* Rules with problems are left out and told in load.problems; ERR_* only when nothing can be done
 * at all (no rule at all, a bad mapping, zone or source). out is zeroed by the caller and is to be
 * closed either way. */
MUST_CHECK int detector_open(struct detector *out, const struct detector_options *options,
                             struct err *err);
struct detector_bundle {
    const struct bundle *bundle;      /* outlives the detector */
    const struct rule_select *select; /* only what watches is compiled */
    struct slice source;              /* as above; empty: none */
    const struct clock_zone *zone;    /* borrowed */
    bool interpreted;
};
/* Without any file. */
MUST_CHECK int detector_open_bundle(struct detector *out, const struct detector_bundle *options,
                                    struct err *err);
void detector_close(struct detector *d);
/* Whether findings of the rule are shown: not when only correlations want it. */
bool detector_shows(const struct detector *d, uint32_t rule);
/* The built-in mappings, those of a file or folder, or none. */
MUST_CHECK int detector_load_mappings(struct mapping_set *set, const char *from, struct err *err);
