/* Burden: how much time each rule of a set takes of all its matchers, and which take too much and
 * are suspended.
 *
 * A matcher that is told so (matcher_watch) times one event in BURDEN_SAMPLE_EVENTS, at random
 * distances, and counts every event on which a regular expression of a rule ran into its limits.
 * rule_burden_judge, called every second or so, looks at windows of BURDEN_WINDOW_NS: a rule that
 * took more than BURDEN_SHARE_PERCENT of one core's time with more than BURDEN_SLOW_NS an
 * evaluation, or that ran into limits on more than BURDEN_LIMIT_EVENTS events, is suspended until
 * rule_burden_resume: matchers pass it over and it gives nothing. Predicates are shared between
 * rules: the rule that asks first pays.
 *
 * Threads: _add and _limit any, all others one (suspension is read by all). Ownership: owns its
 * tables; outlives its matchers. Pure: the clock is the caller's. */
#pragma once
#include <stdatomic.h>

#include "detection/rule_input.h"

enum {
    BURDEN_SAMPLE_EVENTS = 64,
    BURDEN_SHARE_PERCENT = 10,
    BURDEN_SLOW_NS = 20000,
    BURDEN_SLOW_SAMPLES = 5, /* timed evaluations over BURDEN_SLOW_NS: a few may be chance */
    BURDEN_LIMIT_EVENTS = 50
};
#define BURDEN_WINDOW_NS UINT64_C(10000000000)

enum burden_reason { BURDEN_NONE, BURDEN_TIME, BURDEN_LIMITS };

struct burden_figures {
    uint64_t busy_ns;      /* estimated from the sample */
    uint64_t evaluations;  /* the same */
    uint64_t slow_samples; /* timed evaluations of more than BURDEN_SLOW_NS */
    uint64_t limit_events; /* exact */
};

struct burden_verdict {
    uint32_t rule;
    enum burden_reason reason;
    uint64_t since_ns, window_ns;  /* by the judge's clock */
    struct burden_figures figures; /* of the window that decided */
};

struct rule_burden;
/* ticks: nanoseconds that only rise, cheap to read: CLOCK_MONOTONIC. (A thread's CPU clock is a
 * system call. That a thread had to wait in the midst of an evaluation happens to few of them,
 * which is why BURDEN_SLOW_SAMPLES and a mean are asked.) */
struct rule_burden *rule_burden_open(uint32_t rule_count, uint64_t (*ticks)(void));
void rule_burden_close(struct rule_burden **burden);

/* A matcher's own: says of which events evaluations are timed. Zeroed at the start. */
struct burden_turn {
    uint32_t left;
    uint64_t state;
};
bool burden_turn_draw(struct burden_turn *turn); /* the slow side of burden_turn_next */
static inline bool burden_turn_next(struct burden_turn *turn)
{
    return turn->left ? --turn->left == 0 : burden_turn_draw(turn);
}

uint64_t rule_burden_ticks(const struct rule_burden *burden);
void rule_burden_add(struct rule_burden *burden, uint32_t rule, uint64_t took_ns); /* timed */
void rule_burden_limit(struct rule_burden *burden, uint32_t rule);
/* Flags by rule; NULL while no rule is suspended. Good while the burden is open. */
const atomic_bool *rule_burden_flags(const struct rule_burden *burden);

/* now_ns: a clock of the caller that only rises; the first call starts the first window. Returns
 * how many rules were suspended by this call and gives them, good until the next call. */
uint32_t rule_burden_judge(struct rule_burden *burden, uint64_t now_ns,
                           const struct burden_verdict **suspended);
/* False: it was not suspended. What it took until now no longer counts against it. */
bool rule_burden_resume(struct rule_burden *burden, uint32_t rule);
/* All that are suspended, in the order it happened; good until the next judge or resume. */
uint32_t rule_burden_suspended(const struct rule_burden *burden, const struct burden_verdict **out);
/* Since the burden was opened. */
void rule_burden_read(const struct rule_burden *burden, uint32_t rule, struct burden_figures *out);
/* For each rule of the list: a suspended rule that feeds it, itself or through other correlations
 * (it then sees less than happens), or RULE_INPUT_MISSING. input_of has a place for each rule.
 * Returns how many are fed by one. */
uint32_t rule_burden_starve(const struct rule_burden *burden, const struct rule_inputs *inputs,
                            uint32_t *input_of);
/* Why, as a sentence: `took 31 % of one core ... `. */
void burden_verdict_text(struct buf *out, const struct burden_verdict *verdict, bool vietnamese);
