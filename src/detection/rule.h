/* Rule: what a Sigma document says, read and checked, not yet compiled.
 *
 * Three kinds (Sigma specification 2.1.0): detection rules, correlation rules, filters.
 * Limits: RULE_PREDICATES_MAX atoms a rule, RULE_DEPTH_MAX levels of a condition.
 * Threads: immutable once read. Ownership: everything is the arena's that sigma_read was given. */
#pragma once
#include "detection/predicate.h"

enum { RULE_PREDICATES_MAX = 20000, RULE_DEPTH_MAX = 64, RULE_CHAIN_MAX = 10 };

enum rule_kind { RULE_DETECTION, RULE_CORRELATION, RULE_FILTER };
enum rule_level {
    LEVEL_NONE,
    LEVEL_INFORMATIONAL,
    LEVEL_LOW,
    LEVEL_MEDIUM,
    LEVEL_HIGH,
    LEVEL_CRITICAL
};
extern const char *const rule_level_names[]; /* by enum rule_level; "" for none */

enum expr_kind { EXPR_AND, EXPR_OR, EXPR_NOT, EXPR_PREDICATE };

struct expr {
    enum expr_kind kind;
    uint32_t child_count;
    struct expr **children;            /* AND, OR: 1 or more; NOT: 1 */
    const struct predicate *predicate; /* EXPR_PREDICATE */
    struct slice label; /* selection name where one starts, else empty: for explain */
    uint32_t line;
};

struct slice_list {
    struct slice *items;
    uint32_t count;
};

struct logsource {
    struct slice product, category, service; /* lower case; empty: not stated */
};

enum correlation_kind {
    CORRELATE_EVENT_COUNT,
    CORRELATE_VALUE_COUNT,
    CORRELATE_VALUE_SUM,
    CORRELATE_VALUE_AVG,
    CORRELATE_VALUE_PERCENTILE,
    CORRELATE_TEMPORAL,
    CORRELATE_TEMPORAL_ORDERED
};
extern const char *const correlation_kind_names[];

enum compare_op { COMPARE_GT, COMPARE_GTE, COMPARE_LT, COMPARE_LTE, COMPARE_EQ, COMPARE_NEQ };

struct correlation_alias { /* name stands for rule's field of that name */
    struct slice name;
    struct slice_list rules; /* references, parallel to fields */
    struct slice_list fields;
};

struct correlation {
    enum correlation_kind kind;
    struct slice_list rules;    /* ids or names, as written */
    struct slice_list group_by; /* field or alias names */
    int64_t timespan_ns;
    struct {
        enum compare_op op;
        double value;
    } conditions[4]; /* all must hold; temporal kinds may have none (all rules needed) */
    uint32_t condition_count;
    struct slice_list fields; /* condition.field: one, or several joined for value_count */
    double percentile;        /* 0..100, or negative: not stated */
    struct correlation_alias *aliases;
    uint32_t alias_count;
    bool generate;         /* the referred rules give findings of their own, too */
    struct expr *extended; /* v3 temporal condition over rule names (predicate->field), or NULL */
};

struct rule {
    enum rule_kind kind;
    enum rule_level level;
    uint32_t sigma_version; /* 2 unless the rule states another */
    struct slice file;      /* path as given, `a.zip!member` in archives */
    uint32_t line;          /* of the document's start */
    struct slice id, name, title, title_vi, status, author, description, description_vi, date,
        modified, license;
    struct slice_list tags, references, falsepositives;
    struct logsource logsource;
    struct expr *condition;          /* detection; filter: its own condition */
    struct correlation *correlation; /* correlation */
    struct slice_list filter_rules;  /* filter: ids or names, or the word `any` */
    uint32_t predicate_count;
};

struct rule_list {
    struct rule **rules;
    uint32_t count, capacity;
};
void rule_list_add(struct rule_list *list, struct rule *rule);
void rule_list_free(struct rule_list *list); /* the list, not the rules: those are an arena's */
