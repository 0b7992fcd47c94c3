/* Pipeline: one thread's way of a record from its text to what is known of it: one table of stages
 * (pipeline.c), run in order for each record, live, in imports, in `canh detect` and in `canh rules
 * test`, so that all of them mean the same.
 *
 * A record that enters leaves as an event or as refused, once: what a stage ends is told to the
 * sink. Threads: one a pipeline; all share the detector. Ownership: what a sink is given lives
 * until it returns. DESIGN sections 2 and 5. */
#pragma once
#include "detection/match.h"
#include "watch/detector.h"
#include "watch/input.h"

struct pipeline;
struct pipeline_sink {
    void *context;
    /* Every record that could be parsed and mapped, before what it gives to the calls below. May be
     * NULL: the place's time is then found out only for records that a rule holds for. */
    void (*event)(void *context, struct pipeline *pipeline, const struct event_place *place);
    /* The newest record is itself what another detector found. May be NULL. */
    void (*outside)(void *context, struct pipeline *pipeline, const struct mapping_found *found,
                    const struct event_place *place);
    /* A rule whose findings are shown holds for the newest record (ask pipeline->matcher about it).
     * May be NULL. */
    void (*finding)(void *context, struct pipeline *pipeline, uint32_t rule,
                    const struct event_place *place);
    /* A rule that correlations wait for holds. May be NULL. */
    void (*input)(void *context, const struct correlate_input *input, uint32_t value_count);
    /* A record could not be parsed: span has its text. May be NULL. */
    void (*refused)(void *context, const struct span *span, const struct err *err);
};

enum pipeline_next { PIPELINE_ON, PIPELINE_DONE }; /* to the next stage; the record is dealt with */
struct pipeline_stage {
    const char *name, *does;
    enum pipeline_next (*run)(struct pipeline *p);
};
/* In order; ends with a row without a name. */
extern const struct pipeline_stage pipeline_stages[];

struct pipeline {
    const struct detector *detector;
    const struct pipeline_stage *stages; /* pipeline_stages; tests lose records in one of them */
    struct matcher *matcher;
    struct record record;
    struct arena arena; /* of one event: values for correlations */
    int64_t near_ns;    /* when reading began: for times without a year, and the time that
                         * correlations take for records without any */
    uint64_t events, refused;
    /* the newest record on its way */
    const struct pipeline_sink *sink;
    const struct format *format; /* of the file; a span may have its own */
    const struct span *span;
    size_t position; /* of span in its block */
    struct event_place place;
    const uint32_t *rules; /* that hold */
    uint32_t rule_count;
};

void pipeline_open(struct pipeline *p, const struct detector *detector, int64_t near_ns);
void pipeline_close(struct pipeline *p);
/* From here on rules and mappings are these; between blocks. */
void pipeline_swap(struct pipeline *p, const struct detector *detector);
/* Every record of the block, in order. */
void pipeline_block(struct pipeline *p, const struct input_block *block,
                    const struct pipeline_sink *sink);
