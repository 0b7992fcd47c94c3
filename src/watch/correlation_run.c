#include "watch/correlation_run.h"

#include "base/mem.h"

void correlation_run_open(struct correlation_run *c, const struct detector *detector,
                          struct slice run, int64_t near_ns)
{
    *c = (struct correlation_run){.detector = detector,
                                  .correlator = correlator_open(detector->plan),
                                  .run = run,
                                  .near_ns = near_ns,
                                  .until_ns = INT64_MAX};
    finding_clock_begin(&c->clock);
}

void correlation_run_close(struct correlation_run *c)
{
    correlator_close(&c->correlator);
    map_free(&c->place_of_name);
    mem_free(c->names);
    arena_free(&c->arena);
}

uint32_t correlation_run_place(struct correlation_run *c, struct slice name)
{
    bool made;
    struct map_entry *known = map_find(&c->place_of_name, name);
    if (known)
        return (uint32_t)known->value;
    struct slice copy = arena_copy(&c->arena, name);
    (void)map_put(&c->place_of_name, copy, c->name_count, &made);
    if (c->name_count == c->name_capacity) {
        c->name_capacity = c->name_capacity ? c->name_capacity * 2 : 64;
        c->names = mem_resize(c->names, c->name_capacity, sizeof(*c->names));
    }
    c->names[c->name_count] = copy;
    return c->name_count++;
}

/* The time of records without one is not a time to show. */
static struct finding_place place_of(void *context, const struct event_place *place)
{
    const struct correlation_run *c = context;
    return (struct finding_place){c->names[place->file], place->line,
                                  place->time_ns == c->near_ns ? CLOCK_NONE : place->time_ns,
                                  place->sequence};
}

static void correlation_found(void *context, const struct correlate_finding *found)
{
    struct correlation_run *c = context;
    struct finding_place places[CORRELATE_EVENTS_SHOWN_MAX];
    if (!c->found || !detector_shows(c->detector, found->rule))
        return;
    struct finding finding;
    finding_of_correlation(&finding, places, found, place_of, c);
    c->found(c->found_context, &finding);
}

static struct slice rule_key(const struct rule *rule)
{
    return rule->id.len ? rule->id : rule->title;
}

struct resumption {
    struct correlation_run *correlation;
    struct map rules; /* by rule_key */
};

static void resume_input(void *context, const struct carry_input *input, int64_t tick_ns)
{
    struct resumption *r = context;
    struct correlation_run *c = r->correlation;
    if ((input ? input->time_ns : tick_ns) > c->until_ns)
        return;
    if (!input) {
        c->clock.ticked_ns = tick_ns + CORRELATE_LATE_MAX_NS;
        correlate_tick(c->correlator, tick_ns, correlation_found, c);
        return;
    }
    const struct slice *fields;
    bool is_input;
    struct map_entry *rule = map_find(&r->rules, input->rule);
    if (!rule)
        return;
    uint32_t wanted =
        correlate_plan_fields(c->detector->plan, (uint32_t)rule->value, &fields, &is_input);
    if (!is_input || wanted != input->value_count)
        return;
    struct correlate_input fed = {.rule = (uint32_t)rule->value,
                                  .place = {correlation_run_place(c, input->file), input->line,
                                            input->time_ns, input->sequence},
                                  .values = input->values};
    correlate_feed(c->correlator, &fed, correlation_found, c);
    if (input->time_ns != CLOCK_NONE && input->time_ns > c->clock.newest_ns)
        c->clock.newest_ns = input->time_ns;
}

void correlation_run_resume(struct correlation_run *c, const struct carry *carry)
{
    struct resumption r = {.correlation = c};
    const struct rule_list *rules = &c->detector->load.rules;
    for (uint32_t i = 0; i < rules->count; i++)
        (void)map_put(&r.rules, rule_key(rules->rules[i]), i, NULL);
    carry_inputs(carry, c->run, resume_input, &r);
    map_free(&r.rules);
}

void correlation_run_begin(struct correlation_run *c, struct buf *items, import_correlated *found,
                           void *context)
{
    c->items = items;
    c->found = found;
    c->found_context = context;
}

void correlation_run_feed(struct correlation_run *c, const struct correlate_input *input,
                          uint32_t value_count)
{
    struct carry_input kept = {.sequence = input->place.sequence,
                               .time_ns = input->place.time_ns,
                               .line = input->place.line,
                               .rule = rule_key(c->detector->load.rules.rules[input->rule]),
                               .file = c->names[input->place.file],
                               .run = c->run,
                               .values = input->values,
                               .value_count = value_count};
    int64_t tick_ns;
    carry_put_input(c->items, &kept);
    correlate_feed(c->correlator, input, correlation_found, c);
    if (finding_clock_due(&c->clock, input->place.time_ns, &tick_ns)) {
        carry_put_tick(c->items, c->run, tick_ns);
        correlate_tick(c->correlator, tick_ns, correlation_found, c);
    }
}

void correlation_run_end(struct correlation_run *c)
{
    correlate_tick(c->correlator, INT64_MAX, correlation_found, c);
}
