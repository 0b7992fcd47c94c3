#include "detection/rule_burden.h"

#include "base/mem.h"

struct burden_cell {
    _Atomic uint64_t busy_ns, samples, slow_samples, limit_events; /* of the sample, not scaled */
};

struct rule_burden {
    uint64_t (*ticks)(void);
    uint32_t rule_count;
    struct burden_cell *cells;
    struct burden_figures *before; /* by rule: at the start of the window */
    atomic_bool *flags;
    _Atomic uint32_t flag_count;
    struct burden_verdict *verdicts; /* of the suspended ones */
    uint32_t verdict_count;
    bool started;
    uint64_t window_start_ns;
};

struct rule_burden *rule_burden_open(uint32_t rule_count, uint64_t (*ticks)(void))
{
    struct rule_burden *b = mem_zeroed(1, sizeof(*b));
    size_t room = (size_t)rule_count + 1;
    b->ticks = ticks;
    b->rule_count = rule_count;
    b->cells = mem_zeroed(room, sizeof(*b->cells));
    b->before = mem_zeroed(room, sizeof(*b->before));
    b->flags = mem_zeroed(room, sizeof(*b->flags));
    b->verdicts = mem_zeroed(room, sizeof(*b->verdicts));
    return b;
}

void rule_burden_close(struct rule_burden **burden)
{
    struct rule_burden *b = *burden;
    if (!b)
        return;
    mem_free(b->cells);
    mem_free(b->before);
    mem_free(b->flags);
    mem_free(b->verdicts);
    mem_free(b);
    *burden = NULL;
}

/* ---- the matchers' side ---- */

/* Distances from 1 to twice the mean, so that what comes in step with a fixed one is seen, too
 * (xorshift64). */
bool burden_turn_draw(struct burden_turn *turn)
{
    uint64_t x = turn->state ? turn->state : (uint64_t)(uintptr_t)turn | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    turn->state = x;
    turn->left = (uint32_t)(x >> 32) % (2 * BURDEN_SAMPLE_EVENTS - 1);
    return turn->left == 0;
}

uint64_t rule_burden_ticks(const struct rule_burden *burden)
{
    return burden->ticks();
}

static void cell_add(_Atomic uint64_t *cell, uint64_t more)
{
    (void)atomic_fetch_add_explicit(cell, more, memory_order_relaxed);
}

static uint64_t cell_read(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

void rule_burden_add(struct rule_burden *burden, uint32_t rule, uint64_t took_ns)
{
    struct burden_cell *cell = &burden->cells[rule];
    cell_add(&cell->busy_ns, took_ns);
    cell_add(&cell->samples, 1);
    if (took_ns > BURDEN_SLOW_NS)
        cell_add(&cell->slow_samples, 1);
}

void rule_burden_limit(struct rule_burden *burden, uint32_t rule)
{
    cell_add(&burden->cells[rule].limit_events, 1);
}

const atomic_bool *rule_burden_flags(const struct rule_burden *burden)
{
    bool any = atomic_load_explicit(&burden->flag_count, memory_order_relaxed) > 0;
    return any ? burden->flags : NULL;
}

/* ---- the judge's side ---- */

void rule_burden_read(const struct rule_burden *burden, uint32_t rule, struct burden_figures *out)
{
    check(rule < burden->rule_count);
    const struct burden_cell *cell = &burden->cells[rule];
    *out = (struct burden_figures){.busy_ns = cell_read(&cell->busy_ns) * BURDEN_SAMPLE_EVENTS,
                                   .evaluations = cell_read(&cell->samples) * BURDEN_SAMPLE_EVENTS,
                                   .slow_samples = cell_read(&cell->slow_samples),
                                   .limit_events = cell_read(&cell->limit_events)};
}

static struct burden_figures figures_since(const struct burden_figures *now,
                                           const struct burden_figures *before)
{
    return (struct burden_figures){.busy_ns = now->busy_ns - before->busy_ns,
                                   .evaluations = now->evaluations - before->evaluations,
                                   .slow_samples = now->slow_samples - before->slow_samples,
                                   .limit_events = now->limit_events - before->limit_events};
}

/* A window that was judged late is longer: its counts are held against as much more time. */
static enum burden_reason figures_judge(const struct burden_figures *f, uint64_t window_ns)
{
    double windows = (double)window_ns / (double)BURDEN_WINDOW_NS;
    if ((double)f->limit_events > BURDEN_LIMIT_EVENTS * windows)
        return BURDEN_LIMITS;
    if (f->slow_samples >= BURDEN_SLOW_SAMPLES &&
        (double)f->busy_ns > (double)BURDEN_SLOW_NS * (double)f->evaluations &&
        (double)f->busy_ns * 100 > BURDEN_SHARE_PERCENT * (double)window_ns)
        return BURDEN_TIME;
    return BURDEN_NONE;
}

static bool is_suspended(const struct rule_burden *b, uint32_t rule)
{
    return atomic_load_explicit(&b->flags[rule], memory_order_relaxed);
}

static void flag_set(struct rule_burden *b, uint32_t rule, bool suspended)
{
    atomic_store_explicit(&b->flags[rule], suspended, memory_order_relaxed);
    atomic_store_explicit(&b->flag_count, b->verdict_count, memory_order_relaxed);
}

uint32_t rule_burden_judge(struct rule_burden *burden, uint64_t now_ns,
                           const struct burden_verdict **suspended)
{
    uint32_t first = burden->verdict_count;
    uint64_t window_ns = burden->started ? now_ns - burden->window_start_ns : 0;
    *suspended = burden->verdicts + first;
    if (burden->started && window_ns < BURDEN_WINDOW_NS)
        return 0;
    for (uint32_t rule = 0; rule < burden->rule_count; rule++) {
        struct burden_figures now;
        rule_burden_read(burden, rule, &now);
        struct burden_figures took = figures_since(&now, &burden->before[rule]);
        burden->before[rule] = now;
        if (!burden->started || is_suspended(burden, rule))
            continue;
        enum burden_reason reason = figures_judge(&took, window_ns);
        if (reason == BURDEN_NONE)
            continue;
        burden->verdicts[burden->verdict_count++] =
            (struct burden_verdict){rule, reason, now_ns, window_ns, took};
        flag_set(burden, rule, true);
    }
    burden->started = true;
    burden->window_start_ns = now_ns;
    return burden->verdict_count - first;
}

bool rule_burden_resume(struct rule_burden *burden, uint32_t rule)
{
    uint32_t at = 0;
    while (at < burden->verdict_count && burden->verdicts[at].rule != rule)
        at++;
    if (at == burden->verdict_count)
        return false;
    burden->verdict_count--;
    memmove(&burden->verdicts[at], &burden->verdicts[at + 1],
            (burden->verdict_count - at) * sizeof(*burden->verdicts));
    rule_burden_read(burden, rule, &burden->before[rule]);
    flag_set(burden, rule, false);
    return true;
}

uint32_t rule_burden_suspended(const struct rule_burden *burden, const struct burden_verdict **out)
{
    *out = burden->verdicts;
    return burden->verdict_count;
}

static uint32_t input_starving(const struct rule_burden *b, const struct rule_inputs *inputs,
                               uint32_t rule, const uint32_t *input_of)
{
    const uint32_t *rules;
    uint32_t count = rule_inputs_of(inputs, rule, &rules);
    for (uint32_t i = 0; i < count; i++) {
        if (rules[i] == RULE_INPUT_MISSING)
            continue;
        if (is_suspended(b, rules[i]))
            return rules[i];
        if (input_of[rules[i]] != RULE_INPUT_MISSING)
            return input_of[rules[i]];
    }
    return RULE_INPUT_MISSING;
}

uint32_t rule_burden_starve(const struct rule_burden *burden, const struct rule_inputs *inputs,
                            uint32_t *input_of)
{
    uint32_t starved = 0;
    bool changed = burden->verdict_count > 0;
    for (uint32_t i = 0; i < burden->rule_count; i++)
        input_of[i] = RULE_INPUT_MISSING;
    for (uint32_t pass = 0; pass < RULE_CHAIN_MAX && changed; pass++) {
        changed = false;
        for (uint32_t i = 0; i < burden->rule_count; i++) {
            if (input_of[i] != RULE_INPUT_MISSING)
                continue;
            input_of[i] = input_starving(burden, inputs, i, input_of);
            if (input_of[i] != RULE_INPUT_MISSING) {
                changed = true;
                starved++;
            }
        }
    }
    return starved;
}

void burden_verdict_text(struct buf *out, const struct burden_verdict *verdict, bool vietnamese)
{
    const struct burden_figures *f = &verdict->figures;
    uint64_t seconds = (verdict->window_ns + 500000000) / 1000000000;
    if (verdict->reason == BURDEN_LIMITS) {
        buf_printf(out,
                   vietnamese ? "biểu thức chính quy chạm giới hạn ở %llu sự kiện trong %llu giây"
                              : "its regular expressions ran into their limits on %llu events in "
                                "%llu s",
                   (unsigned long long)f->limit_events, (unsigned long long)seconds);
        return;
    }
    uint64_t each_us = f->evaluations ? f->busy_ns / f->evaluations / 1000 : 0;
    uint64_t percent = verdict->window_ns ? f->busy_ns / (verdict->window_ns / 100) : 0;
    buf_printf(out,
               vietnamese ? "chiếm khoảng %llu%% một lõi trong %llu giây (%llu µs mỗi lần xét)"
                          : "took about %llu %% of one core for %llu s (%llu us an evaluation)",
               (unsigned long long)percent, (unsigned long long)seconds,
               (unsigned long long)each_us);
}
