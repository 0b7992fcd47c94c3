#include "detection/correlate_judge.h"

static bool compare(enum compare_op op, double value, double wanted)
{
    switch (op) {
    case COMPARE_GT:
        return value > wanted;
    case COMPARE_GTE:
        return value >= wanted;
    case COMPARE_LT:
        return value < wanted;
    case COMPARE_LTE:
        return value <= wanted;
    case COMPARE_EQ:
        return !(value < wanted) && !(value > wanted);
    case COMPARE_NEQ:
        return value < wanted || value > wanted;
    }
    return false;
}

static bool extended_holds(const struct plan_correlation *c, const struct window_total *total,
                           const struct expr *e)
{
    bool all = e->kind == EXPR_AND;
    switch (e->kind) {
    case EXPR_PREDICATE:
        return total->member_counts &&
               total->member_counts[plan_member(c, e->predicate->field)] > 0;
    case EXPR_NOT:
        return !extended_holds(c, total, e->children[0]);
    case EXPR_AND:
    case EXPR_OR:
        break;
    }
    for (uint32_t i = 0; i < e->child_count; i++)
        if (extended_holds(c, total, e->children[i]) != all)
            return !all;
    return all;
}

static double judged_value(const struct plan_correlation *c, const struct window_total *total,
                           int64_t since_ns, uint64_t own_hash)
{
    double count = (double)total->count;
    switch (c->meaning->kind) {
    case CORRELATE_EVENT_COUNT:
        return count;
    case CORRELATE_VALUE_COUNT:
        return total->distinct;
    case CORRELATE_VALUE_SUM:
        return window_total_sum(total);
    case CORRELATE_VALUE_AVG:
        return total->count ? window_total_sum(total) / count : 0;
    case CORRELATE_VALUE_PERCENTILE:
        if (!c->share)
            return window_rank_percentile(&total->rank, c->meaning->percentile);
        return total->count ? 100 * (double)window_total_of(total, own_hash) / count : 0;
    case CORRELATE_TEMPORAL:
    case CORRELATE_TEMPORAL_ORDERED:
        break;
    }
    return c->form.kind == WINDOW_ORDERED ? window_total_chain(total, &c->form, since_ns)
                                          : total->present;
}

bool correlate_judge(const struct plan_correlation *c, const struct window_total *total,
                     int64_t since_ns, uint64_t own_hash, double *value)
{
    const struct correlation *meaning = c->meaning;
    *value = judged_value(c, total, since_ns, own_hash);
    if (meaning->extended)
        return extended_holds(c, total, meaning->extended);
    if (meaning->condition_count == 0) {
        if (c->form.kind == WINDOW_ORDERED)
            return *value >= c->form.sequence_count;
        return c->form.kind == WINDOW_MEMBERS && *value >= c->form.member_count;
    }
    for (uint32_t i = 0; i < meaning->condition_count; i++)
        if (!compare(meaning->conditions[i].op, *value, meaning->conditions[i].value))
            return false;
    return true;
}
