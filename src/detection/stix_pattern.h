/* STIX patterns (STIX 2.1 section 9, and 2.0 where it differs): what indicators of threat feeds say
 * in text, `[domain-name:value = 'x.example'] REPEATS 3 TIMES WITHIN 60 SECONDS`.
 *
 * A pattern is parsed once and matched against observations (stix_observation.h). Semantics are
 * those of the public OASIS matcher: all terms inside one [ ] hold on one object; AND, FOLLOWEDBY
 * and REPEATS take observations that no other part of the pattern took, an observation counting
 * number_observed times; `=` and IN compare code points, LIKE and MATCHES the NFC forms. Only
 * FOLLOWEDBY is stricter: the left side was last observed before the right one was first observed.
 * Limits: named below; past one it is ERR_LIMIT, never a wrong answer.
 * Threads: a pattern is immutable, any number of threads may match it; a match takes up to 1 MiB of
 * stack. Ownership: a pattern owns copies of everything it needs. */
#pragma once
#include "detection/stix_observation.h"

enum {
    STIX_PATTERN_BYTES_MAX = 1 << 20,
    STIX_PATTERN_NODES_MAX = 1 << 18, /* observation expressions, terms, path steps, constants */
    STIX_PATTERN_DEPTH_MAX = 64,      /* parentheses in parentheses */
    STIX_PATTERN_REGEXES_MAX = 256,   /* MATCHES in one pattern */
    STIX_MATCH_DEPTH_MAX = 2048,      /* observation expressions, copies of REPEATS included */
    STIX_MATCH_BYTES_MAX = 128 << 20, /* of memory for one match */
    STIX_MATCH_STEPS_MAX = 100 * 1000 * 1000 /* comparisons and combinations of one match */
};

enum stix_version { STIX_2_0, STIX_2_1 }; /* 2.0: START and STOP take plain strings */

struct stix_pattern;

/* Errors have the column (1-based, in bytes) and say what was expected there. */
MUST_CHECK int stix_pattern_open(struct stix_pattern **out, struct slice text,
                                 enum stix_version version, struct err *err);
void stix_pattern_close(struct stix_pattern **pattern);

/* What the specification forbids though its meaning is clear: the same qualifier twice on one
 * expression (`REPEATS 2 TIMES REPEATS 3 TIMES`). ERR_OK, or ERR_SYNTAX with the column. */
MUST_CHECK int stix_pattern_strict(const struct stix_pattern *pattern, struct err *err);

/* ERR_SYNTAX: a value that is compared with a timestamp is none. ERR_LIMIT: too many combinations,
 * or a regular expression that ran out of its limits; *match is false then. */
MUST_CHECK int stix_pattern_match(const struct stix_pattern *pattern,
                                  const struct stix_observations *observations, bool *match,
                                  struct err *err);

/* One equality with a text: `file:hashes.'SHA-256' = 'ab12'`, one member of an IN set, or an
 * address within a network: `ipv4-addr:value ISSUBSET '192.0.2.0/24'`. */
struct stix_term {
    struct slice type;  /* file */
    struct slice path;  /* file:hashes.'SHA-256'; keys are quoted only where they must be */
    struct slice value; /* ab12, escapes undone */
    bool network; /* ISSUBSET: value is a network, and every address and network in it is meant */
};
typedef void stix_term_visit(void *context, const struct stix_term *term);

/* Visits every =, IN and ISSUBSET term with a text that is not negated, in the order of the pattern
 * (slices live as long as the pattern). True: the pattern is nothing but an OR of the visited
 * terms, so any one of them seen is a match. False: the pattern says more. */
bool stix_pattern_values(const struct stix_pattern *pattern, stix_term_visit *visit, void *context);
