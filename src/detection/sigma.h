/* Sigma reader: one YAML text (one document or several) into rules, with every problem reported.
 *
 * Implements Sigma specification 2.1.0 (rules, modifiers, filters, correlations); decisions where
 * it is silent are in docs/sigma.md. Limits: those of yaml.h and rule.h. Threads: any, each with
 * its own arena. Ownership: rules are the arena's; text may go after the call. */
#pragma once
#include "base/map.h"
#include "detection/rule.h"

enum problem_level { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
    enum problem_level level;
    const char
        *code; /* short and stable: unknown-modifier, bad-regex, duplicate-id ... (for SARIF) */
    struct slice file;
    uint32_t line, column;
    struct slice text; /* a sentence that says what to do */
};

struct problem_list {
    struct problem *items;
    uint32_t count, capacity;
    uint32_t error_count;
};
/* Copies the formatted text to arena; file is borrowed. */
void problem_add(struct problem_list *list, struct arena *arena, enum problem_level level,
                 const char *code, struct slice file, uint32_t line, uint32_t column,
                 const char *format, ...) PRINTF_LIKE(8, 9);
void problem_list_free(struct problem_list *list);

/* Placeholder values of `expand`: %name% -> a list of texts. */
struct sigma_placeholders {
    struct map names; /* value: index into lists */
    struct slice_list *lists;
    uint32_t count;
};
/* A YAML map of name -> value or list of values. */
MUST_CHECK int sigma_placeholders_read(struct sigma_placeholders *out, struct slice yaml,
                                       struct arena *arena, struct err *err);
void sigma_placeholders_free(
    struct sigma_placeholders *placeholders); /* the map; texts are the arena's */

struct sigma_options {
    const struct sigma_placeholders *placeholders; /* NULL: none, `expand` refuses the rule */
    bool lint; /* also warnings of taste: missing id, level, tags ... */
};

/* Adds the rules that are good to rules and all that is wrong to problems; a document that is no
 * rule (no detection, correlation or filter) is a problem, too. action: global/repeat/reset
 * documents are refused with a message. Returns how many documents were refused. */
uint32_t sigma_read(struct rule_list *rules, struct problem_list *problems, struct slice file,
                    struct slice text, const struct sigma_options *options, struct arena *arena);

/* What only the whole set shows: duplicate ids, references to rules that are not there, circles of
 * correlations. Rules that cannot work are taken out of the list. */
void sigma_check_set(struct rule_list *rules, struct problem_list *problems,
                     const struct sigma_options *options, struct arena *arena);
