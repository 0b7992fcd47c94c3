#include "program/detector_options.h"

#include "program/node_rules.h"

static bool is_off(const char *choice)
{
    return choice && strcmp(choice, "off") == 0;
}

void detector_options_set(struct detector_options *out, const struct detector_settings *settings)
{
    const struct node_rules *node = settings->node;
    *out = (struct detector_options){.rule_paths = &settings->rules,
                                     .placeholders = settings->placeholders,
                                     .mappings = settings->mappings,
                                     .source = settings->source,
                                     .timezone = settings->timezone,
                                     .routing = !is_off(settings->routing),
                                     .interpreted = is_off(settings->jit)};
    if (!node)
        return;
    out->bundle = &node->bundle;
    out->select = &node->choice.select;
    out->hunting = node->hunting;
}
