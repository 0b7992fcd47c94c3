/* Predicate: one question about one field of an event, the atom of every condition. Live detection,
 * search and hunt ask the same ones.
 *
 * A field with several values (arrays, aliases) satisfies a predicate when any value does. On a
 * missing field every kind is false but NULL. Texts are folded unless `cased`. Threads: immutable
 * after it was made. Ownership: the arena's of its rule. */
#pragma once
#include "base/ip.h"
#include "detection/pattern.h"
#include "detection/regex.h"
#include "formats/record.h"

enum predicate_kind {
    PREDICATE_EQUALS,     /* text */
    PREDICATE_STARTSWITH, /* text */
    PREDICATE_ENDSWITH,   /* text */
    PREDICATE_CONTAINS,   /* text; of keywords too */
    PREDICATE_PATTERN,    /* pattern: wildcards inside */
    PREDICATE_NUMBER,     /* number: an event number of that value, or a text that spells it */
    PREDICATE_LESS,       /* number; all four: value is a number or spells one */
    PREDICATE_LESS_EQUAL,
    PREDICATE_GREATER,
    PREDICATE_GREATER_EQUAL,
    PREDICATE_TIME_PART, /* the part (time_part, UTC) of a value that is a time, against number */
    PREDICATE_REGEX,     /* text is the source, regex_flags; always on the unfolded value */
    PREDICATE_CIDR,      /* network; value is an address inside */
    PREDICATE_FIELDREF, /* other: name of a field, of which any value compares (field_op, folded) */
    PREDICATE_EXISTS,   /* the field is there, whatever its value */
    PREDICATE_NULL      /* the field is missing or null */
};

enum predicate_time_part { TIME_MINUTE, TIME_HOUR, TIME_DAY, TIME_WEEK, TIME_MONTH, TIME_YEAR };

struct predicate {
    enum predicate_kind kind;
    enum predicate_time_part time_part;
    /* FIELDREF: EQUALS, CONTAINS, STARTSWITH or ENDSWITH; TIME_PART: NUMBER (equal) or one of the
     * four comparisons */
    enum predicate_kind field_op;
    bool cased;
    bool unaccented; /* the text kinds: both sides by text_unaccent; never with cased */
    bool keyword;    /* asks every received value; field is empty */
    uint8_t regex_flags;
    bool all_members;   /* v3 field[all]: every value must satisfy, and there is one */
    struct slice field; /* Sigma name, blanks dropped */
    struct slice text;
    struct pattern pattern;
    double number;
    struct ip_network network;
    struct slice other; /* Sigma name */
};

/* One value, given in the forms the kinds want. folded is text_fold(text). */
struct predicate_value {
    struct slice text, folded;
    enum value_kind kind;
};

/* Whether this value satisfies p: the specification's meaning, in the plainest way; EXISTS and NULL
 * answer for a present value, FIELDREF is asked with predicate_compare_fields instead. regex is p's
 * compiled form (REGEX only). *limit_hits counts regex limits (may be NULL). */
bool predicate_test(const struct predicate *p, const struct predicate_value *value,
                    const struct regex *regex, struct regex_scratch *scratch, uint64_t *limit_hits);
bool predicate_compare_fields(const struct predicate *p, const struct predicate_value *value,
                              const struct predicate_value *other);
/* A text that spells a decimal number (as JSON or YAML write it; hexadecimal stays text). */
bool predicate_number_of(struct slice text, double *out);
bool predicate_equal(const struct predicate *a, const struct predicate *b);
uint64_t predicate_hash(const struct predicate *p);
/* For explain and messages: `CommandLine|contains: 'whoami'`. */
void predicate_describe(const struct predicate *p, struct buf *out);
