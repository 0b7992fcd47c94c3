/* The inside of STIX patterns: the parsed form, the reader of tokens, and what the parts of the
 * engine ask of each other. Used by stix_pattern*.c only.
 * Ownership: everything is in the arena of the pattern. Limits: those of stix_pattern.h. */
#pragma once
#include "base/ip.h"
#include "detection/pattern.h"
#include "detection/regex.h"
#include "detection/stix_pattern.h"

enum {
    STIX_PATH_STEPS_MAX = 64,
    STIX_QUALIFIERS_MAX = 16, /* behind one expression */
    STIX_FOLLOWEDBY_MAX = 64  /* in one chain */
};

enum stix_constant_kind {
    CONSTANT_INTEGER,
    CONSTANT_FLOAT,
    CONSTANT_STRING,
    CONSTANT_BINARY,
    CONSTANT_TIME,
    CONSTANT_BOOL
};

struct stix_constant {
    enum stix_constant_kind kind;
    bool boolean;
    int64_t integer;
    double number;     /* of an integer, too */
    struct slice text; /* of a string, or the bytes of a binary */
    struct stix_time time;
    const struct stix_constant *next; /* of the same set */
};

enum stix_operator {
    OPERATOR_EQUAL,
    OPERATOR_UNEQUAL,
    OPERATOR_LESS,
    OPERATOR_GREATER,
    OPERATOR_LESS_EQUAL,
    OPERATOR_GREATER_EQUAL,
    OPERATOR_IN,
    OPERATOR_LIKE,
    OPERATOR_MATCHES,
    OPERATOR_SUBSET,
    OPERATOR_SUPERSET,
    OPERATOR_EXISTS
};

enum stix_step_kind { STEP_KEY, STEP_INDEX, STEP_ALL };

struct stix_step {
    enum stix_step_kind kind;
    struct slice key;
    uint64_t index;
    const struct stix_step *next;
};

/* What stands inside [ ]: a term, or a list of at least two. */
enum stix_comparison_kind { COMPARISON_TERM, COMPARISON_AND, COMPARISON_OR };

struct stix_comparison {
    enum stix_comparison_kind kind;
    enum stix_operator op;
    bool negated;
    struct slice type, path_text;
    const struct stix_step *steps;
    const struct stix_constant *constants; /* one, or those of a set */
    struct pattern like;
    struct regex *regex;       /* owned by the pattern */
    struct ip_network network; /* of SUBSET and SUPERSET */
    struct stix_comparison *children, *next;
};

enum stix_expression_kind {
    EXPRESSION_SINGLE,   /* [ ] */
    EXPRESSION_AND,      /* of its children */
    EXPRESSION_OR,       /* of its children */
    EXPRESSION_FOLLOWED, /* two children */
    EXPRESSION_REPEATS,  /* one child, as the two below */
    EXPRESSION_WITHIN,
    EXPRESSION_BETWEEN /* START and STOP */
};

struct stix_expression {
    enum stix_expression_kind kind;
    const struct stix_comparison *comparison;
    struct stix_expression *children, *next;
    uint64_t count;
    struct stix_time duration, start, stop;
};

struct stix_pattern {
    struct arena arena;
    struct stix_expression *root;
    struct regex *regexes[STIX_PATTERN_REGEXES_MAX];
    uint32_t regex_count;
    size_t repeated_at; /* 1-based place of the first REPEATS behind another, or 0 */
};

enum stix_token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_HEX,
    TOKEN_BINARY,
    TOKEN_TIME,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_OPERATOR, /* = == != <> < > <= >= */
    TOKEN_SIGN      /* one of [ ] ( ) , : . * */
};

struct stix_parser {
    struct stix_pattern *pattern;
    enum stix_version version;
    struct slice input;
    size_t at;    /* behind the token */
    size_t start; /* of the token */
    enum stix_token token;
    struct slice text; /* of the token; of quoted ones the inside, escapes not undone */
    uint32_t nodes, depth;
    struct err *err;
};

/* Reads the next token. ERR_OK, or ERR_SYNTAX for what is none. */
MUST_CHECK int stix_token_next(struct stix_parser *p);
bool stix_token_is(const struct stix_parser *p, enum stix_token token, const char *text);
/* Reads over the sign, word or operator, or says that what should come there. */
MUST_CHECK int stix_token_expect(struct stix_parser *p, enum stix_token token, const char *text);
int stix_token_unexpected(struct stix_parser *p, const char *expected);
int stix_parse_error(struct stix_parser *p, int code, size_t start, const char *what);
/* Memory for one node of the parsed form. */
MUST_CHECK int stix_parse_node(struct stix_parser *p, void *node, size_t size_bytes);
/* One level of parentheses more. */
MUST_CHECK int stix_parse_deeper(struct stix_parser *p);

MUST_CHECK int stix_constant_parse(struct stix_parser *p, struct stix_constant **out);
MUST_CHECK int stix_path_parse(struct stix_parser *p, struct stix_comparison *term);
MUST_CHECK int stix_comparison_parse(struct stix_parser *p, struct stix_comparison **out);
MUST_CHECK int stix_expression_parse(struct stix_parser *p, struct stix_expression **out);

/* One match in progress. */
struct stix_trial {
    const struct stix_observations *observations;
    struct regex_scratch *scratch; /* NULL when the pattern has no regular expression */
    struct buf bytes, text;        /* of the value that is looked at */
    uint64_t steps;                /* that are left */
    struct err *err;
};
/* ERR_OK, or ERR_LIMIT when the steps are used up. */
MUST_CHECK int stix_trial_spend(struct stix_trial *trial, uint64_t steps);

/* 1: the object satisfies what stands inside [ ]; 0: it does not; or an error. */
MUST_CHECK int stix_comparison_holds(struct stix_trial *trial,
                                     const struct stix_comparison *comparison,
                                     const struct stix_observation *from,
                                     const struct stix_value *object);
/* 1: the value satisfies the term (negation included), 0: it does not; or an error. name: of the
 * property that holds the value. */
MUST_CHECK int stix_term_holds(struct stix_trial *trial, const struct stix_comparison *term,
                               const struct stix_value *value, struct slice name);
/* 1: observations can be bound so that the expression holds, 0: they cannot; or an error. */
MUST_CHECK int stix_expression_holds(struct stix_trial *trial,
                                     const struct stix_expression *expression);
