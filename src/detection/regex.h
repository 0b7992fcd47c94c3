/* Regular expressions of rules and mappings: PCRE2 with limits.
 *
 * Flavour (docs/sigma.md): UTF mode that tolerates bytes which are not UTF-8, unanchored,
 * case-sensitive unless REGEX_NOCASE (then Unicode folding), \w \d \s ASCII, `.` stops at a newline
 * unless REGEX_DOTALL. Limits: REGEX_BYTES_MAX a pattern, and match, depth and heap limits on every
 * call, past which a match counts as *no* and is reported (REGEX_LIMIT).
 * Threads: a regex is immutable; each thread has its own scratch. */
#pragma once
#include "base/arena.h"

enum { REGEX_BYTES_MAX = 8192, REGEX_GROUPS_MAX = 32 };
enum regex_flag { REGEX_NOCASE = 1, REGEX_MULTILINE = 2, REGEX_DOTALL = 4 };
enum { REGEX_NO = 0, REGEX_YES = 1, REGEX_LIMIT = 2 };

struct regex;
struct regex_scratch; /* match data and JIT stack of one thread */

/* jit: compile to machine code where the process may (else the interpreter runs, same answers). */
MUST_CHECK int regex_open(struct regex **out, struct slice pattern, unsigned flags, bool jit,
                          struct err *err);
void regex_close(struct regex **regex);
struct regex_scratch *regex_scratch_open(void);
void regex_scratch_close(struct regex_scratch **scratch);

/* REGEX_NO, REGEX_YES or REGEX_LIMIT. */
int regex_match(const struct regex *regex, struct regex_scratch *scratch, struct slice subject);
/* After a REGEX_YES: the text of group n (0: the whole match); data NULL when it took no part. */
struct slice regex_group(const struct regex_scratch *scratch, struct slice subject, uint32_t n);
/* Named groups, in order of number; returns how many. */
uint32_t regex_group_names(const struct regex *regex, struct slice names[REGEX_GROUPS_MAX],
                           uint32_t numbers[REGEX_GROUPS_MAX]);

/* Literals of which at least one (folded, as a substring) is in every text the pattern matches:
 * gives 1 .. max of them in the arena, or 0 when none can be told. Reads the common subset of the
 * syntax, and says 0 for anything it is not sure of. */
uint32_t regex_required(struct slice pattern, unsigned flags, struct slice *out, uint32_t max,
                        struct arena *arena);
