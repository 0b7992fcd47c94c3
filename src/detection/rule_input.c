#include "detection/rule_input.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"

struct input_list {
    uint32_t *rules;
    uint32_t count;
};

struct rule_inputs {
    struct arena arena;
    struct input_list *lists; /* by rule */
    uint32_t count;
};

static void words_fill(struct map *ids, struct map *names, const struct rule_list *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct rule *rule = rules->rules[i];
        if (rule->id.len)
            (void)map_put(ids, rule->id, i, NULL);
        if (rule->name.len)
            (void)map_put(names, rule->name, i, NULL);
    }
}

struct rule_inputs *rule_inputs_open(const struct rule_list *rules)
{
    struct rule_inputs *inputs = mem_zeroed(1, sizeof(*inputs));
    struct map ids = {0}, names = {0};
    words_fill(&ids, &names, rules);
    inputs->count = rules->count;
    inputs->lists = arena_zeroed(&inputs->arena, rules->count + 1u, sizeof(*inputs->lists));
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct correlation *c = rules->rules[i]->correlation;
        if (!c)
            continue;
        struct input_list *list = &inputs->lists[i];
        list->rules = arena_zeroed(&inputs->arena, c->rules.count, sizeof(*list->rules));
        list->count = c->rules.count;
        for (uint32_t k = 0; k < c->rules.count; k++) {
            const struct map_entry *entry = map_find(&ids, c->rules.items[k]);
            if (!entry)
                entry = map_find(&names, c->rules.items[k]);
            list->rules[k] = entry ? (uint32_t)entry->value : RULE_INPUT_MISSING;
        }
    }
    map_free(&ids);
    map_free(&names);
    return inputs;
}

void rule_inputs_close(struct rule_inputs **inputs)
{
    if (!*inputs)
        return;
    arena_free(&(*inputs)->arena);
    mem_free(*inputs);
    *inputs = NULL;
}

uint32_t rule_inputs_of(const struct rule_inputs *inputs, uint32_t rule, const uint32_t **out)
{
    check(rule < inputs->count);
    *out = inputs->lists[rule].rules;
    return inputs->lists[rule].count;
}
