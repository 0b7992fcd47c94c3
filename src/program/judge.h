/* Judge: one thread's way from the texts of records to findings: parse, map, match, and hand what
 * was found to a sink. The detect command, `rules test` and `rules explain` use it. Threads: one a
 * judge; all share the detector. Ownership: what a sink is given lives until it returns. */
#pragma once
#include "detection/match.h"
#include "program/detector.h"
#include "program/input.h"

struct judge {
    const struct detector *detector;
    struct matcher *matcher;
    struct record record;
    struct arena arena; /* of one event: values for correlations */
    int64_t near_ns;    /* when reading began: for times without a year, and the time that
                         * correlations take for records without any */
    uint64_t events, refused;
};

struct judge_sink {
    void *context;
    /* Every record that could be parsed and mapped, before what it gives to the calls below. May be
     * NULL: the place's time is then found out only for records that a rule holds for. */
    void (*event)(void *context, struct judge *judge, const struct event_place *place);
    /* A rule whose findings are shown holds for the newest record (ask judge->matcher about it).
     * May be NULL. */
    void (*finding)(void *context, struct judge *judge, uint32_t rule,
                    const struct event_place *place);
    /* A rule that correlations wait for holds. May be NULL. */
    void (*input)(void *context, const struct correlate_input *input, uint32_t value_count);
    /* A record could not be parsed: span has its text. May be NULL. */
    void (*refused)(void *context, const struct span *span, const struct err *err);
};

void judge_open(struct judge *j, const struct detector *detector, int64_t near_ns);
void judge_close(struct judge *j);
/* Every record of the block, in order. */
void judge_block(struct judge *j, const struct input_block *block, const struct judge_sink *sink);
