#include "program/detect_run.h"

#include <stdio.h>

#include "base/io.h"
#include "base/mem.h"
#include "detection/indicator_match.h"
#include "watch/finding.h"
#include "watch/pipeline.h"
#include "watch/workers.h"

/* What a part holds at most before it hands over (and what one event gave on top). */
#define PART_HELD_BYTES_MAX ((size_t)8 << 20)
/* A correlation input, kept until its block's turn comes; offset says where in the block's output
 * its correlation's findings belong. */
struct pending_input {
    struct correlate_input input;
    size_t offset;
};

struct refused_item {
    uint64_t line;
    char text[ERR_TEXT_BYTES];
};

/* What a worker makes of a block. */
struct part {
    const struct input_file *file;
    struct workers_job *job;
    struct buf out;
    struct pending_input *inputs;
    size_t input_count, input_capacity;
    size_t input_bytes;
    struct arena arena; /* values of inputs */
    struct refused_item refused[DETECT_REFUSED_SHOWN];
    uint64_t events, refused_count, findings;
    bool failed_level;
    struct indicator_matcher *indicators; /* the worker's; NULL: none are looked for */
    struct run *run;
};

struct worker {
    struct pipeline judge;
    struct indicator_matcher *indicators;
};

struct run {
    const struct detect_run_options *options;
    struct detect_run_result *result;
    struct input *input;
    struct correlator *correlator;
    const struct input_file **files;
    uint32_t file_capacity;
    struct buf pending; /* output not yet written */
    struct finding_clock clock;
    int64_t near_ns;
    uint64_t refused_shown;
};

static bool level_fails(const struct run *run, uint32_t rule)
{
    enum rule_level fail = run->options->fail_level;
    return fail != LEVEL_NONE && run->options->rules->all.rules[rule]->level >= fail;
}

static void part_empty(struct part *part)
{
    buf_clear(&part->out);
    arena_reset(&part->arena);
    part->input_count = 0;
    part->input_bytes = 0;
    part->refused_count = 0;
    part->findings = 0;
    part->events = 0;
}

/* In the middle of a block, when it holds too much. */
static void part_relieve(struct part *part)
{
    if (part->out.len + part->input_bytes <= PART_HELD_BYTES_MAX)
        return;
    (void)workers_hand_over(part->job); /* stopped: what else the block gives is let go */
    part_empty(part);
}

static void part_show(struct part *part, const struct finding *finding)
{
    part_relieve(part);
    output_finding(part->run->options->output, finding, &part->out);
    part->findings++;
    part->failed_level |= level_fails(part->run, finding->rule);
}

static struct finding_place part_place(const struct part *part, const struct event_place *place)
{
    return (struct finding_place){slice_from(part->file->name), place->line, place->time_ns,
                                  place->sequence};
}

static void part_finding(void *context, struct pipeline *judge, uint32_t rule,
                         const struct event_place *place)
{
    struct part *part = context;
    struct finding_place shown = part_place(part, place);
    struct finding_room room;
    struct finding finding;
    finding_of_rule(&finding, &room, judge->matcher, rule, &shown,
                    output_shows_host(part->run->options->output));
    part_show(part, &finding);
}

static void part_event(void *context, struct pipeline *judge, const struct event_place *place)
{
    struct part *part = context;
    const struct detect_run_options *options = part->run->options;
    const struct indicator_matches *found =
        indicator_matcher_run(part->indicators, &judge->record, place->time_ns);
    struct finding_place shown = part_place(part, place);
    for (uint32_t i = 0; i < found->count; i++) {
        struct indicator indicator;
        struct finding_field field = {found->items[i].name, found->items[i].value};
        struct finding finding;
        indicator_table_get(options->indicators, found->items[i].number, &indicator);
        finding_of_indicator(&finding, options->rules, &indicator, &field, &shown);
        if (output_shows_host(options->output))
            finding.host = matcher_host(judge->matcher);
        part_show(part, &finding);
    }
}

static void part_input(void *context, const struct correlate_input *input, uint32_t value_count)
{
    struct part *part = context;
    part_relieve(part);
    if (part->input_count == part->input_capacity) {
        part->input_capacity = part->input_capacity ? part->input_capacity * 2 : 64;
        part->inputs = mem_resize(part->inputs, part->input_capacity, sizeof(*part->inputs));
    }
    struct slice *values = arena_alloc(&part->arena, (value_count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < value_count; i++) {
        values[i] =
            input->values[i].data ? arena_copy(&part->arena, input->values[i]) : (struct slice){0};
        part->input_bytes += sizeof(*values) + values[i].len;
    }
    struct pending_input *kept = &part->inputs[part->input_count++];
    *kept = (struct pending_input){*input, part->out.len};
    kept->input.values = values;
    part->input_bytes += sizeof(*kept);
}

static void part_refused(void *context, const struct span *span, const struct err *err)
{
    struct part *part = context;
    if (part->refused_count < DETECT_REFUSED_SHOWN) {
        struct refused_item *item = &part->refused[part->refused_count];
        item->line = span->line;
        memcpy(item->text, err->text, sizeof(item->text));
    }
    part->refused_count++;
}

static void run_work(void *context, void *worker, struct workers_job *job)
{
    struct part *part = job->own;
    struct worker *own = worker;
    struct pipeline *judge = &own->judge;
    struct pipeline_sink sink = {.context = part,
                                 .event = own->indicators ? part_event : NULL,
                                 .finding = part_finding,
                                 .input = part_input,
                                 .refused = part_refused};
    uint64_t events = judge->events;
    part_empty(part);
    part->run = context;
    part->indicators = own->indicators;
    part->job = job;
    part->file = job->block.file;
    part->failed_level = false;
    pipeline_block(judge, &job->block, &sink);
    part->events = judge->events - events;
}

static void run_note_file(struct run *run, const struct input_file *file)
{
    while (file->number >= run->file_capacity) {
        run->file_capacity = run->file_capacity ? run->file_capacity * 2 : 64;
        run->files = mem_resize(run->files, run->file_capacity, sizeof(const void *));
    }
    run->files[file->number] = file;
}

struct emission {
    struct run *run;
    struct buf *out;
};

/* Records without a time are correlated by the time at which reading began (judge.h): not a time to
 * show. */
static int64_t shown_time(const struct run *run, int64_t time_ns)
{
    return time_ns == run->near_ns ? CLOCK_NONE : time_ns;
}

static struct finding_place place_of(void *context, const struct event_place *place)
{
    const struct run *run = context;
    return (struct finding_place){slice_from(run->files[place->file]->name), place->line,
                                  shown_time(run, place->time_ns), place->sequence};
}

static void correlation_found(void *context, const struct correlate_finding *found)
{
    struct emission *emission = context;
    struct run *run = emission->run;
    if (!correlate_plan_shows(run->options->detector->plan, found->rule))
        return;
    struct finding_place places[CORRELATE_EVENTS_SHOWN_MAX];
    struct finding finding;
    finding_of_correlation(&finding, places, found, place_of, run);
    output_finding(run->options->output, &finding, emission->out);
    run->result->findings++;
    run->result->failed_level |= level_fails(run, found->rule);
}

static int run_write(struct run *run, struct err *err)
{
    output_pass(run->options->output, &run->pending);
    int rc = io_write_all(run->options->out_fd, run->pending.data, run->pending.len, err);
    buf_clear(&run->pending);
    return rc;
}

static void run_show_refused(struct run *run, const struct part *part)
{
    for (uint64_t i = 0; i < part->refused_count && i < DETECT_REFUSED_SHOWN; i++) {
        if (run->options->quiet || run->refused_shown++ >= DETECT_REFUSED_SHOWN)
            return;
        (void)fprintf(stderr, "%s:%llu: not a record of format %s: %s\n", part->file->name,
                      (unsigned long long)part->refused[i].line, part->file->format->name,
                      part->refused[i].text);
    }
}

/* The ordered stage: what one block gave, correlations put in where they became true. */
static int run_take(void *context, struct workers_job *job, bool last_part, struct err *err)
{
    struct run *run = context;
    const struct part *part = job->own;
    (void)last_part;
    struct emission emission = {run, &run->pending};
    size_t done = 0;
    run_note_file(run, part->file);
    for (size_t i = 0; i < part->input_count; i++) {
        const struct pending_input *kept = &part->inputs[i];
        buf_append(&run->pending, part->out.data + done, kept->offset - done);
        done = kept->offset;
        correlate_feed(run->correlator, &kept->input, correlation_found, &emission);
        int64_t tick_ns;
        if (finding_clock_due(&run->clock, kept->input.place.time_ns, &tick_ns))
            correlate_tick(run->correlator, tick_ns, correlation_found, &emission);
    }
    if (part->out.len > done)
        buf_append(&run->pending, part->out.data + done, part->out.len - done);
    run->result->events += part->events;
    run->result->refused += part->refused_count;
    run->result->findings += part->findings;
    run->result->failed_level |= part->failed_level;
    run_show_refused(run, part);
    return run_write(run, err);
}

static void *worker_open(void *context)
{
    const struct run *run = context;
    struct worker *worker = mem_zeroed(1, sizeof(*worker));
    pipeline_open(&worker->judge, run->options->detector, run->near_ns);
    if (run->options->indicators)
        worker->indicators = indicator_matcher_open(run->options->indicators);
    return worker;
}

static void worker_close(void *context, void *own)
{
    struct run *run = context;
    struct worker *worker = own;
    struct matcher_stats stats, *sum = &run->result->matching;
    matcher_count(worker->judge.matcher, &stats);
    sum->events += stats.events;
    sum->candidates += stats.candidates;
    sum->regex_limits += stats.regex_limits;
    pipeline_close(&worker->judge);
    indicator_matcher_close(&worker->indicators);
    mem_free(worker);
}

static void *part_open(void *context)
{
    (void)context;
    return mem_zeroed(1, sizeof(struct part));
}

static void part_close(void *context, void *own)
{
    struct part *part = own;
    (void)context;
    buf_free(&part->out);
    mem_free(part->inputs);
    arena_free(&part->arena);
    mem_free(part);
}

static void run_close(struct run *run)
{
    mem_free(run->files);
    buf_free(&run->pending);
    correlator_close(&run->correlator);
    input_close(&run->input);
}

static void run_finish(struct run *run)
{
    struct detect_run_result *result = run->result;
    size_t kept;
    const struct input_refused *refused = input_refused_list(run->input, &kept);
    for (size_t i = 0; i < kept && !run->options->quiet; i++) {
        if (run->refused_shown++ >= DETECT_REFUSED_SHOWN)
            break;
        (void)fprintf(stderr, "%s:%llu: %s\n", refused[i].file->name,
                      (unsigned long long)refused[i].line, refused[i].reason);
    }
    result->refused += input_refused_count(run->input);
    result->bytes = input_bytes(run->input);
    result->files = input_file_count(run->input);
    result->unreadable = input_unreadable_count(run->input);
    correlate_stats(run->correlator, &result->correlations);
    if (result->refused > DETECT_REFUSED_SHOWN && !run->options->quiet)
        (void)fprintf(stderr, "canh: %llu records were refused in all; the first are named above\n",
                      (unsigned long long)result->refused);
}

int detect_run(const struct detect_run_options *options, struct detect_run_result *result,
               struct err *err)
{
    struct run run = {.options = options, .result = result, .near_ns = clock_now_ns()};
    static const struct workers_calls calls = {.job_open = part_open,
                                               .job_close = part_close,
                                               .worker_open = worker_open,
                                               .worker_close = worker_close,
                                               .work = run_work,
                                               .take = run_take};
    uint64_t start = clock_monotonic_ns();
    *result = (struct detect_run_result){0};
    finding_clock_begin(&run.clock);
    int rc = input_open(&run.input, &options->input, err);
    if (rc)
        return rc;
    run.correlator = correlator_open(options->detector->plan);
    output_begin(options->output, &run.pending);
    rc = workers_run(run.input, &calls, &run, options->threads, err);
    if (rc == ERR_OK) {
        struct emission emission = {&run, &run.pending};
        correlate_tick(run.correlator, INT64_MAX, correlation_found, &emission);
        output_pass(options->output, &run.pending);
        output_end(options->output, &run.pending);
        rc = io_write_all(options->out_fd, run.pending.data, run.pending.len, err);
    }
    run_finish(&run);
    result->run_ns = clock_monotonic_ns() - start;
    if (rc == ERR_CLOSED) {
        result->closed = true;
        rc = ERR_OK;
    }
    run_close(&run);
    return rc;
}
