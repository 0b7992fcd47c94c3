/* The inside of a mapping set, shared by mapping*.c only: what mapping_read.c makes of a file and
 * what mapping_select.c and mapping_derive.c walk for every event.
 *
 * Ownership: everything hangs on the arena of its mapping_inside; regexes are closed with it. */
#pragma once
#include "base/map.h"
#include "detection/mapping.h"

enum {
    MAPPING_LOOKUP_FIELDS_MAX = 4,
    MAPPING_LOOKUP_KEY_BYTES = 512, /* a row's values, joined */
    MAPPING_LOOKUP_PROBES_MAX = 64, /* of one table for one event: fields can have many values */
    MAPPING_JOIN_MAX = 256,         /* numbered fields put together by `join` */
    MAPPING_TIME_BYTES = 80         /* a date and a time, joined */
};

struct mapping_name { /* a name in the record and its number once bound */
    struct slice text;
    uint16_t number;
};

struct mapping_names {
    struct mapping_name *items;
    uint32_t count;
};

enum mapping_test_kind {
    MAPPING_PRESENT,
    MAPPING_EQUALS,
    MAPPING_STARTS,
    MAPPING_ENDS,
    MAPPING_CONTAINS,
    MAPPING_PATTERN
};

struct mapping_test {
    enum mapping_test_kind kind;
    struct slice text; /* MAPPING_PATTERN: the literal it begins with, or empty */
    struct pattern pattern;
};

struct mapping_condition { /* any value of the field meets any of the tests */
    struct mapping_name field;
    struct mapping_test *tests;
    uint32_t test_count;
};

struct mapping_case { /* all conditions hold */
    struct mapping_condition *conditions;
    uint32_t count;
};

struct mapping_cases { /* any case holds; none: always */
    struct mapping_case *items;
    uint32_t count;
};

enum mapping_dimension { MAPPING_SERVICE, MAPPING_CATEGORY };

struct mapping_lookup_field {
    bool is_service;            /* the service found so far, not a field */
    struct mapping_names names; /* the field's name and what stands for it */
};

struct mapping_lookup_value { /* one answer of a row; rows of equal keys are chained */
    struct slice text;
    uint32_t next; /* index + 1, or 0 */
};

struct mapping_lookup {
    struct mapping_lookup_field fields[MAPPING_LOOKUP_FIELDS_MAX];
    uint32_t field_count;
    enum mapping_dimension gives;
    struct map rows;     /* key: cells in lower case, each ended by \x1f; value: index + 1 */
    uint16_t masks_used; /* bit m: rows exist whose cells of the bits of m are `*` */
    struct mapping_lookup_value *values;
    uint32_t value_count;
};

struct mapping_time {                  /* one name, or a date and a time to be joined */
    struct mapping_name first, second; /* second.text empty: none */
};

enum mapping_derive_kind {
    MAPPING_DERIVE_SET, /* only the constants */
    MAPPING_DERIVE_REGEX,
    MAPPING_DERIVE_KEYVALUE,
    MAPPING_DERIVE_COLUMNS,
    MAPPING_DERIVE_JOIN
};

struct mapping_constant {
    struct slice name, value;
};

struct mapping_step { /* one entry of `derive` */
    enum mapping_derive_kind kind;
    struct mapping_names from;
    struct mapping_cases when;
    struct slice starts, contains; /* guards; empty: none */
    struct regex *regex;
    struct slice *group_names; /* parallel to group_numbers */
    uint32_t *group_numbers;
    uint32_t group_count;
    struct slice_list columns;
    struct slice separator; /* join: between the parts; columns: its first byte */
    struct slice after; /* keyvalue, columns, regex: the text begins behind the first of these */
    struct slice join_name;
    struct mapping_constant *constants;
    uint32_t constant_count;
};

struct mapping_level_row {
    struct mapping_test *tests; /* any of them */
    uint32_t test_count;
    enum rule_level level;
};

struct mapping_verdict { /* `found` */
    bool stated;
    struct slice detector;             /* empty: the mapping's title */
    struct mapping_names titles, ids;  /* the first that is there and not empty */
    struct mapping_names level_fields; /* the first of which a row holds */
    struct mapping_level_row *rows;
    uint32_t row_count;
    enum rule_level level; /* when no row holds */
};

struct mapping_inside {
    struct mapping mapping; /* what callers see */
    struct arena arena;
    int32_t priority;
    struct mapping_cases when;
    struct slice product, service;
    struct slice_list categories;
    bool complete;         /* categories are all there is, when complete_fields are there */
    bool complete_service; /* and a service is known */
    struct mapping_names *complete_fields; /* of each, a name must be there */
    uint32_t complete_count;
    bool data_product, data_category, data_service; /* these fields are the product's own data */
    struct mapping_lookup *lookups;
    uint32_t lookup_count;
    struct mapping_time *times;
    uint32_t time_count;
    bool zone_utc; /* times without a zone are UTC, whatever the source's zone */
    struct mapping_names hosts;
    struct mapping_step *steps;
    uint32_t step_count;
    bool finding_always;
    struct mapping_cases finding; /* when not always */
    struct mapping_verdict verdict;
};

struct mapping_gate_entry {
    uint32_t rank;
    const struct mapping_case *when;
    const struct mapping_inside *inside;
};

/* All cases of all mappings that begin with the same field: one presence test answers for them. */
struct mapping_gate {
    uint16_t name;
    uint32_t lowest_rank;
    struct mapping_gate_entry *entries; /* by rank */
    uint32_t count;
};

struct mapping_set {
    struct mapping_inside *mappings[MAPPING_COUNT_MAX];
    uint32_t count;
    uint64_t fingerprint;
    bool bound;
    bool interpreted;           /* regular expressions without machine code */
    struct arena arena;         /* gates */
    struct mapping_gate *gates; /* by lowest rank */
    uint32_t gate_count;
    struct mapping_name own[3]; /* product, category, service */
    struct mapping_time *usual_times;
    uint32_t usual_time_count;
    struct mapping_names usual_hosts;
};

/* Reads one file's text into a new mapping; *out is NULL on failure. */
MUST_CHECK int mapping_read(struct mapping_inside **out, struct slice file, struct slice text,
                            bool jit, struct err *err);
void mapping_inside_close(struct mapping_inside **inside);
bool mapping_test_holds(const struct mapping_test *test, struct slice text);
bool mapping_cases_hold(const struct mapping_cases *cases, struct event *e);
/* Text of one field of the event, unescaped. */
static inline struct slice mapping_field_text(struct event *e, uint32_t field)
{
    return record_text(e->record, &e->record->fields[field]);
}
/* Splits `date+time`. */
struct mapping_time mapping_time_of(struct slice text);
