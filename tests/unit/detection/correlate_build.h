/* Correlation rules built by hand, fed with small numbers, and the findings as text. For the tests
 * and the fuzz target of detection/correlate.h. Times are whole seconds. */
#pragma once
#include "base/mem.h"
#include "detection/correlate.h"

enum {
    BUILD_RULES_MAX = 12,
    BUILD_WORDS_MAX = 8,
    BUILD_SEQUENCE = 1000 /* a line and its stored number differ by it */
};

struct build {
    struct rule rules[BUILD_RULES_MAX];
    struct rule *pointers[BUILD_RULES_MAX];
    struct correlation correlations[BUILD_RULES_MAX];
    struct slice words[BUILD_RULES_MAX][3][BUILD_WORDS_MAX];
    struct rule_list list;
    struct correlate_plan *plan;
    struct correlator *correlator;
    struct buf findings; /* one line a finding: title @time value [group] lines */
    uint64_t line;
};

static inline struct slice_list build_words(struct build *b, uint32_t rule, int which,
                                            const char *text)
{
    struct slice_list list = {.items = b->words[rule][which]};
    struct slice rest = slice_from(text);
    while (rest.len > 0 && list.count < BUILD_WORDS_MAX)
        list.items[list.count++] = slice_cut(&rest, ' ');
    return list;
}

static inline uint32_t build_rule(struct build *b, const char *name)
{
    uint32_t i = b->list.count++;
    b->rules[i] = (struct rule){.kind = RULE_DETECTION, .name = slice_from(name)};
    b->pointers[i] = &b->rules[i];
    b->list.rules = b->pointers;
    return i;
}

/* rules and group_by: words with blanks between. The condition is added by build_condition. */
static inline struct correlation *build_correlation(struct build *b, const char *name,
                                                    enum correlation_kind kind, const char *rules,
                                                    const char *group_by)
{
    uint32_t i = build_rule(b, name);
    struct correlation *c = &b->correlations[i];
    *c = (struct correlation){.kind = kind,
                              .rules = build_words(b, i, 0, rules),
                              .group_by = build_words(b, i, 1, group_by),
                              .timespan_ns = 100 * CLOCK_SECOND_NS,
                              .percentile = -1};
    if (kind != CORRELATE_EVENT_COUNT && kind < CORRELATE_TEMPORAL)
        c->fields = build_words(b, i, 2, "value");
    b->rules[i].kind = RULE_CORRELATION;
    b->rules[i].correlation = c;
    return c;
}

static inline void build_condition(struct correlation *c, enum compare_op op, double value)
{
    c->conditions[c->condition_count].op = op;
    c->conditions[c->condition_count++].value = value;
}

static inline int build_open(struct build *b, struct err *err)
{
    int rc = correlate_plan_open(&b->plan, &b->list, err);
    if (rc == ERR_OK)
        b->correlator = correlator_open(b->plan);
    return rc;
}

static inline void build_close(struct build *b)
{
    correlator_close(&b->correlator);
    correlate_plan_close(&b->plan);
    buf_free(&b->findings);
}

static inline void build_emit(void *context, const struct correlate_finding *f)
{
    struct build *b = context;
    struct slice name = b->rules[f->rule].name;
    buf_printf(&b->findings, "%.*s @%lld %.10g [", (int)name.len, name.data,
               (long long)(f->time_ns / CLOCK_SECOND_NS), f->value);
    for (uint32_t i = 0; i < f->group_count; i++)
        buf_printf(&b->findings, "%s%.*s=%.*s", i ? " " : "", (int)f->group_names[i].len,
                   f->group_names[i].data, (int)f->group_values[i].len, f->group_values[i].data);
    buf_printf(&b->findings, "] %llu:", (unsigned long long)f->event_total);
    for (uint32_t i = 0; i < f->event_count; i++) {
        buf_printf(&b->findings, " %llu", (unsigned long long)f->events[i].line);
        if (f->events[i].sequence != f->events[i].line + BUILD_SEQUENCE)
            buf_printf(&b->findings, " is stored as %llu",
                       (unsigned long long)f->events[i].sequence);
    }
    buf_printf(&b->findings, "%s\n", f->capped ? " capped" : "");
}

/* One input; its line is the count of inputs so far. Fields that are not `user` are `value`; NULL:
 * missing. */
static inline void build_feed(struct build *b, uint32_t rule, int64_t second, const char *user,
                              const char *value)
{
    const struct slice *fields;
    struct slice values[BUILD_WORDS_MAX * 2];
    bool is_input;
    uint32_t count = correlate_plan_fields(b->plan, rule, &fields, &is_input);
    for (uint32_t i = 0; i < count; i++) {
        const char *text = slice_equal(fields[i], SLICE("user")) ? user : value;
        values[i] = slice_make(text, text ? strlen(text) : 0);
    }
    b->line++;
    struct correlate_input input = {.rule = rule,
                                    .place = {.line = b->line,
                                              .time_ns = second * CLOCK_SECOND_NS,
                                              .sequence = b->line + BUILD_SEQUENCE},
                                    .values = values};
    correlate_feed(b->correlator, &input, build_emit, b);
}

static inline void build_tick(struct build *b, int64_t second)
{
    correlate_tick(b->correlator, second == INT64_MAX ? second : second * CLOCK_SECOND_NS,
                   build_emit, b);
}
