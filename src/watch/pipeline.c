#include "watch/pipeline.h"

void pipeline_open(struct pipeline *p, const struct detector *detector, int64_t near_ns)
{
    *p = (struct pipeline){.detector = detector, .stages = pipeline_stages, .near_ns = near_ns};
    p->matcher = matcher_open(detector->set);
}

void pipeline_close(struct pipeline *p)
{
    matcher_close(&p->matcher);
    record_free(&p->record);
    arena_free(&p->arena);
}

void pipeline_swap(struct pipeline *p, const struct detector *detector)
{
    matcher_close(&p->matcher);
    p->detector = detector;
    p->matcher = matcher_open(detector->set);
}

/* ---- stages ---- */

/* A record that is not all of a message says so. */
static int part_mark(struct pipeline *p, struct err *err)
{
    static const char *const parts[] = {[SPAN_FIRST_PART] = "first",
                                        [SPAN_LATER_PART] = "later",
                                        [SPAN_UNFINISHED] = "unfinished"};
    return p->span->part == SPAN_WHOLE
               ? ERR_OK
               : record_add(&p->record, SLICE("canh.part"), slice_from(parts[p->span->part]),
                            VALUE_STRING, 0, err);
}

static enum pipeline_next parse(struct pipeline *p)
{
    const struct span *span = p->span;
    const struct format *format = span->format ? span->format : p->format;
    struct err err;
    record_reset(&p->record);
    if (format->parse(&p->record, span->text, span->header, &err) == ERR_OK &&
        part_mark(p, &err) == ERR_OK)
        return PIPELINE_ON;
    p->refused++;
    if (p->sink->refused)
        p->sink->refused(p->sink->context, span, &err);
    return PIPELINE_DONE;
}

static enum pipeline_next match(struct pipeline *p)
{
    p->events++;
    p->rule_count = matcher_run(p->matcher, &p->record, &p->rules);
    return p->rule_count == 0 && !p->sink->event ? PIPELINE_DONE : PIPELINE_ON;
}

static enum pipeline_next place(struct pipeline *p)
{
    p->place.line = p->span->line;
    p->place.time_ns = matcher_time(p->matcher, p->near_ns);
    return PIPELINE_ON;
}

static enum pipeline_next event(struct pipeline *p)
{
    if (p->sink->event)
        p->sink->event(p->sink->context, p, &p->place);
    return PIPELINE_ON;
}

static enum pipeline_next outside(struct pipeline *p)
{
    struct mapping_found found;
    if (p->sink->outside && matcher_found(p->matcher, &found))
        p->sink->outside(p->sink->context, p, &found, &p->place);
    return p->rule_count ? PIPELINE_ON : PIPELINE_DONE;
}

static void input(struct pipeline *p, uint32_t rule)
{
    const struct slice *fields;
    bool is_input;
    uint32_t count = correlate_plan_fields(p->detector->plan, rule, &fields, &is_input);
    if (!is_input || !p->sink->input)
        return;
    arena_reset(&p->arena);
    struct slice *values = arena_alloc(&p->arena, (count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < count; i++)
        values[i] = matcher_value(p->matcher, fields[i]);
    struct correlate_input in = {rule, p->place, values};
    if (p->place.time_ns == CLOCK_NONE)
        in.place.time_ns = p->near_ns;
    p->sink->input(p->sink->context, &in, count);
}

static enum pipeline_next found(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->rule_count; i++) {
        if (p->sink->finding && detector_shows(p->detector, p->rules[i]))
            p->sink->finding(p->sink->context, p, p->rules[i], &p->place);
        input(p, p->rules[i]);
    }
    return PIPELINE_DONE;
}

const struct pipeline_stage pipeline_stages[] = {
    {"parse", "the record's text into names and values, by its format; or refused", parse},
    {"match", "names numbered, mapping chosen, fields derived, log source, rules that hold", match},
    {"place", "when it happened", place},
    {"event", "the event itself: attributed, stored, held against indicators (the sink's)", event},
    {"outside", "what another detector found, when the event is that", outside},
    {"found", "what rules found, and what correlations wait for", found},
    {NULL, NULL, NULL},
};

void pipeline_block(struct pipeline *p, const struct input_block *block,
                    const struct pipeline_sink *sink)
{
    p->sink = sink;
    p->format = block->file->format;
    p->place = (struct event_place){.file = block->file->number};
    for (p->position = 0; p->position < block->spans.count; p->position++) {
        p->span = &block->spans.spans[p->position];
        for (const struct pipeline_stage *s = p->stages; s->name; s++)
            if (s->run(p) == PIPELINE_DONE)
                break;
    }
}
