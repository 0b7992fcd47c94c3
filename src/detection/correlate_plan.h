/* The tables behind correlate_plan_open: for correlate.c only. */
#pragma once
#include "detection/correlate.h"
#include "detection/window.h"

#define PLAN_NONE UINT32_MAX

struct plan_feed { /* a rule's inputs go to a correlation as one of its members */
    uint32_t target, member;
    uint32_t *group_fields,
        *value_fields; /* indexes into the input's values; PLAN_NONE: never there */
};

struct plan_rule {
    struct plan_feed *feeds;
    uint32_t feed_count, field_count;
    struct slice *fields;
    uint32_t correlation; /* its own index, or PLAN_NONE for a detection rule */
    bool shows;
};

struct plan_correlation {
    const struct correlation *meaning;
    uint32_t rule;
    struct window_form form;
    uint32_t *sequence; /* member of each name in meaning->rules */
    bool tumbling;      /* judged when its window ends, else at each input */
    bool share;     /* value_percentile without `percentile`: each input's own value is judged */
    uint32_t depth; /* correlations below it, itself included */
};

struct correlate_plan {
    struct arena arena;
    struct plan_rule *rules;
    uint32_t rule_count;
    struct plan_correlation *correlations;
    uint32_t correlation_count;
    int64_t longest_ns;
};

/* The member that an extended condition's name stands for, or PLAN_NONE. */
uint32_t plan_member(const struct plan_correlation *c, struct slice name);
