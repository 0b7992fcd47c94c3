/* Pattern: the value of a Sigma item after its escapes were read: literal runs and the wildcards *
 * and ?.
 *
 * Escapes (Sigma rules specification 2.1.0, "Escaping"): \* and \? are the literal characters,
 * \\ before a wildcard or another backslash is one backslash, a backslash before anything else
 * stays. Modifiers work on the parsed form, never on the text. `*` and `?` cross newlines; `?` is
 * one code point. Limits: PATTERN_PARTS_MAX parts. Threads: any. Ownership: parts and literals are
 * the arena's. */
#pragma once
#include "base/arena.h"

enum { PATTERN_PARTS_MAX = 256 };

enum pattern_part_kind { PATTERN_LITERAL, PATTERN_ANY_RUN, PATTERN_ANY_ONE };

struct pattern_part {
    enum pattern_part_kind kind;
    struct slice literal; /* of PATTERN_LITERAL, never empty */
};

struct pattern {
    struct pattern_part *parts;
    uint32_t count; /* 0: the empty string */
};

MUST_CHECK int pattern_parse(struct pattern *out, struct slice text, struct arena *arena,
                             struct err *err);
/* The same text without wildcards: everything is literal. */
void pattern_literal(struct pattern *out, struct slice text, struct arena *arena);
/* Adds an ANY_RUN at the head and/or tail (one that is there already is not doubled). */
void pattern_open(struct pattern *p, bool head, bool tail, struct arena *arena);
bool pattern_has_wildcard(const struct pattern *p);
/* Every literal through Unicode simple case folding. */
void pattern_fold(struct pattern *p, struct arena *arena);
/* Whole-text match, linear in text times wildcards. Both sides folded, or neither. */
bool pattern_match(const struct pattern *p, struct slice text);
