#include "program/judge.h"

void judge_open(struct judge *j, const struct detector *detector, int64_t near_ns)
{
    *j = (struct judge){.detector = detector, .near_ns = near_ns};
    j->matcher = matcher_open(detector->set);
}

void judge_close(struct judge *j)
{
    matcher_close(&j->matcher);
    record_free(&j->record);
    arena_free(&j->arena);
}

static void judge_input(struct judge *j, uint32_t rule, const struct event_place *place,
                        const struct judge_sink *sink)
{
    const struct slice *fields;
    bool is_input;
    uint32_t count = correlate_plan_fields(j->detector->plan, rule, &fields, &is_input);
    if (!is_input || !sink->input)
        return;
    arena_reset(&j->arena);
    struct slice *values = arena_alloc(&j->arena, (count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < count; i++)
        values[i] = matcher_value(j->matcher, fields[i]);
    struct correlate_input input = {rule, *place, values};
    if (place->time_ns == CLOCK_NONE)
        input.place.time_ns = j->near_ns;
    sink->input(sink->context, &input, count);
}

static void judge_record(struct judge *j, struct event_place *place, const struct judge_sink *sink)
{
    const uint32_t *rules;
    uint32_t count = matcher_run(j->matcher, &j->record, &rules);
    if (count == 0 && !sink->event)
        return;
    place->time_ns = matcher_time(j->matcher, j->near_ns);
    if (sink->event)
        sink->event(sink->context, j, place);
    for (uint32_t i = 0; i < count; i++) {
        if (sink->finding && correlate_plan_shows(j->detector->plan, rules[i]))
            sink->finding(sink->context, j, rules[i], place);
        judge_input(j, rules[i], place, sink);
    }
}

void judge_block(struct judge *j, const struct input_block *block, const struct judge_sink *sink)
{
    const struct format *format = block->file->format;
    struct event_place place = {.file = block->file->number};
    struct err err;
    for (size_t i = 0; i < block->spans.count; i++) {
        const struct span *span = &block->spans.spans[i];
        record_reset(&j->record);
        if (format->parse(&j->record, span->text, span->header, &err) != ERR_OK) {
            j->refused++;
            if (sink->refused)
                sink->refused(sink->context, span, &err);
            continue;
        }
        j->events++;
        place.line = span->line;
        judge_record(j, &place, sink);
    }
}
