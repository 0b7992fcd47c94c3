#include "detection/rule.h"

#include "base/mem.h"

const char *const rule_level_names[] = {"",     "informational", "low", "medium",
                                        "high", "critical",      NULL};

const char *const correlation_kind_names[] = {
    "event_count",      "value_count", "value_sum",        "value_avg",
    "value_percentile", "temporal",    "temporal_ordered", NULL};

void rule_list_add(struct rule_list *list, struct rule *rule)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->rules = mem_resize(list->rules, list->capacity, sizeof(*list->rules));
    }
    list->rules[list->count++] = rule;
}

void rule_list_free(struct rule_list *list)
{
    mem_free(list->rules);
    *list = (struct rule_list){0};
}
