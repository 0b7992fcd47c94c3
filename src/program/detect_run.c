#include "program/detect_run.h"

#include <pthread.h>
#include <stdio.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/ring.h"
#include "program/judge.h"

/* What a job holds at most before it hands over (and what one event gave on top). */
#define JOB_HELD_BYTES_MAX ((size_t)8 << 20)
/* Event time between two ticks of the correlator: no matter of blocks, so that files, pipes and any
 * number of threads give the same. */
#define TICK_NS (10 * CLOCK_SECOND_NS)

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

struct job {
    struct input_block block;
    struct buf out;
    struct pending_input *inputs;
    size_t input_count, input_capacity;
    size_t input_bytes;
    struct arena arena; /* values of inputs */
    struct refused_item refused[DETECT_REFUSED_SHOWN];
    uint64_t events, refused_count, findings;
    bool failed_level;
    struct run *run;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done, full; /* full: its worker waits until what it holds was taken */
};

struct run {
    const struct detect_run_options *options;
    struct detect_run_result *result;
    struct input *input;
    struct correlator *correlator;
    const struct input_file **files;
    uint32_t file_capacity;
    struct buf pending; /* output not yet written */
    int64_t near_ns, newest_ns, ticked_ns;
    uint64_t refused_shown;
    bool alone;
    int alone_rc; /* of what was handed over in the middle of a block */
    struct job *jobs;
    uint32_t job_count;
    struct ring *work;
    pthread_mutex_t stats_mutex;
    struct err *err;
};

static bool level_fails(const struct run *run, uint32_t rule)
{
    enum rule_level fail = run->options->fail_level;
    return fail != LEVEL_NONE && run->options->detector->load.rules.rules[rule]->level >= fail;
}

static int run_take(struct run *run, struct job *job);

static void job_empty(struct job *job)
{
    buf_clear(&job->out);
    arena_reset(&job->arena);
    job->input_count = 0;
    job->input_bytes = 0;
    job->refused_count = 0;
    job->findings = 0;
    job->events = 0;
}

/* In the middle of a block, when it holds too much. */
static void job_hand_over(struct job *job)
{
    struct run *run = job->run;
    if (job->out.len + job->input_bytes <= JOB_HELD_BYTES_MAX)
        return;
    if (run->alone) {
        int rc = run_take(run, job);
        run->alone_rc = run->alone_rc ? run->alone_rc : rc;
    } else {
        check(pthread_mutex_lock(&job->mutex) == 0);
        job->full = true;
        check(pthread_cond_broadcast(&job->changed) == 0);
        while (job->full)
            check(pthread_cond_wait(&job->changed, &job->mutex) == 0);
        check(pthread_mutex_unlock(&job->mutex) == 0);
    }
    job_empty(job);
}

static void job_finding(void *context, struct judge *judge, uint32_t rule,
                        const struct event_place *place)
{
    struct job *job = context;
    struct matched_field matched[MATCHED_FIELDS_MAX];
    struct output_field fields[MATCHED_FIELDS_MAX];
    uint32_t count = matcher_matched(judge->matcher, rule, matched);
    for (uint32_t i = 0; i < count; i++)
        fields[i] = (struct output_field){matched[i].name, matched[i].value};
    struct output_finding finding = {
        .rule = rule,
        .place = {slice_from(job->block.file->name), place->line, place->time_ns},
        .host = output_shows_host(job->run->options->output) ? matcher_host(judge->matcher)
                                                             : (struct slice){0},
        .matched = fields,
        .matched_count = count};
    job_hand_over(job);
    output_finding(job->run->options->output, &finding, &job->out);
    job->findings++;
    job->failed_level |= level_fails(job->run, rule);
}

static void job_input(void *context, const struct correlate_input *input, uint32_t value_count)
{
    struct job *job = context;
    job_hand_over(job);
    if (job->input_count == job->input_capacity) {
        job->input_capacity = job->input_capacity ? job->input_capacity * 2 : 64;
        job->inputs = mem_resize(job->inputs, job->input_capacity, sizeof(*job->inputs));
    }
    struct slice *values = arena_alloc(&job->arena, (value_count + 1) * sizeof(*values));
    for (uint32_t i = 0; i < value_count; i++) {
        values[i] =
            input->values[i].data ? arena_copy(&job->arena, input->values[i]) : (struct slice){0};
        job->input_bytes += sizeof(*values) + values[i].len;
    }
    struct pending_input *kept = &job->inputs[job->input_count++];
    *kept = (struct pending_input){*input, job->out.len};
    kept->input.values = values;
    job->input_bytes += sizeof(*kept);
}

static void job_refused(void *context, uint64_t line, const struct err *err)
{
    struct job *job = context;
    if (job->refused_count < DETECT_REFUSED_SHOWN) {
        struct refused_item *item = &job->refused[job->refused_count];
        item->line = line;
        memcpy(item->text, err->text, sizeof(item->text));
    }
    job->refused_count++;
}

static void job_judge(struct job *job, struct judge *judge)
{
    struct judge_sink sink = {job, job_finding, job_input, job_refused};
    uint64_t events = judge->events;
    job_empty(job);
    job->failed_level = false;
    judge_block(judge, &job->block, &sink);
    job->events = judge->events - events;
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

static void correlation_found(void *context, const struct correlate_finding *found)
{
    struct emission *emission = context;
    struct run *run = emission->run;
    if (!correlate_plan_shows(run->options->detector->plan, found->rule))
        return;
    struct output_place places[CORRELATE_EVENTS_SHOWN_MAX];
    for (uint32_t i = 0; i < found->event_count; i++)
        places[i] =
            (struct output_place){slice_from(run->files[found->events[i].file]->name),
                                  found->events[i].line, shown_time(run, found->events[i].time_ns)};
    struct output_finding finding = {.rule = found->rule,
                                     .place = {.time_ns = shown_time(run, found->time_ns)},
                                     .events = places,
                                     .event_count = found->event_count,
                                     .event_total = found->event_total,
                                     .group_names = found->group_names,
                                     .group_values = found->group_values,
                                     .group_count = found->group_count,
                                     .value = found->value,
                                     .capped = found->capped};
    output_finding(run->options->output, &finding, emission->out);
    run->result->findings++;
    run->result->failed_level |= level_fails(run, found->rule);
}

static int run_write(struct run *run)
{
    output_pass(run->options->output, &run->pending);
    int rc = io_write_all(run->options->out_fd, run->pending.data, run->pending.len, run->err);
    buf_clear(&run->pending);
    return rc;
}

static void run_show_refused(struct run *run, const struct job *job)
{
    for (uint64_t i = 0; i < job->refused_count && i < DETECT_REFUSED_SHOWN; i++) {
        if (run->options->quiet || run->refused_shown++ >= DETECT_REFUSED_SHOWN)
            return;
        (void)fprintf(stderr, "%s:%llu: not a record of format %s: %s\n", job->block.file->name,
                      (unsigned long long)job->refused[i].line, job->block.file->format->name,
                      job->refused[i].text);
    }
}

static void run_tick(struct run *run, int64_t time_ns, struct emission *emission)
{
    if (time_ns == CLOCK_NONE || time_ns <= run->newest_ns)
        return;
    run->newest_ns = time_ns;
    uint64_t passed_ns = (uint64_t)time_ns - (uint64_t)run->ticked_ns;
    if (passed_ns < TICK_NS || time_ns < CLOCK_NONE + CORRELATE_LATE_MAX_NS)
        return;
    run->ticked_ns = time_ns;
    correlate_tick(run->correlator, time_ns - CORRELATE_LATE_MAX_NS, correlation_found, emission);
}

/* The ordered stage: what one block gave, correlations put in where they became true. */
static int run_take(struct run *run, struct job *job)
{
    struct emission emission = {run, &run->pending};
    size_t done = 0;
    run_note_file(run, job->block.file);
    for (size_t i = 0; i < job->input_count; i++) {
        const struct pending_input *kept = &job->inputs[i];
        buf_append(&run->pending, job->out.data + done, kept->offset - done);
        done = kept->offset;
        correlate_feed(run->correlator, &kept->input, correlation_found, &emission);
        run_tick(run, kept->input.place.time_ns, &emission);
    }
    if (job->out.len > done)
        buf_append(&run->pending, job->out.data + done, job->out.len - done);
    run->result->events += job->events;
    run->result->refused += job->refused_count;
    run->result->findings += job->findings;
    run->result->failed_level |= job->failed_level;
    run_show_refused(run, job);
    return run_write(run);
}

static void run_add_stats(struct run *run, const struct judge *judge)
{
    struct matcher_stats stats, *sum = &run->result->matching;
    matcher_count(judge->matcher, &stats);
    check(pthread_mutex_lock(&run->stats_mutex) == 0);
    sum->events += stats.events;
    sum->candidates += stats.candidates;
    sum->regex_limits += stats.regex_limits;
    check(pthread_mutex_unlock(&run->stats_mutex) == 0);
}

static int run_alone(struct run *run)
{
    struct judge judge;
    struct job *job = &run->jobs[0];
    int rc;
    judge_open(&judge, run->options->detector, run->near_ns);
    while ((rc = input_next(run->input, &job->block, run->err)) == ERR_OK) {
        job_judge(job, &judge);
        rc = run_take(run, job);
        rc = run->alone_rc ? run->alone_rc : rc;
        if (rc)
            break;
    }
    run_add_stats(run, &judge);
    judge_close(&judge);
    return rc == ERR_END ? ERR_OK : rc;
}

static void *worker(void *context)
{
    struct run *run = context;
    struct judge judge;
    judge_open(&judge, run->options->detector, run->near_ns);
    for (struct job *job; (job = ring_receive(run->work));) {
        job_judge(job, &judge);
        check(pthread_mutex_lock(&job->mutex) == 0);
        job->done = true;
        check(pthread_cond_broadcast(&job->changed) == 0);
        check(pthread_mutex_unlock(&job->mutex) == 0);
    }
    run_add_stats(run, &judge);
    judge_close(&judge);
    return NULL;
}

/* Takes what the job hands over until it is done. */
static int job_await(struct run *run, struct job *job)
{
    int rc = ERR_OK;
    for (;;) {
        check(pthread_mutex_lock(&job->mutex) == 0);
        while (!job->done && !job->full)
            check(pthread_cond_wait(&job->changed, &job->mutex) == 0);
        bool done = job->done;
        check(pthread_mutex_unlock(&job->mutex) == 0);
        int part_rc = run_take(run, job);
        rc = rc ? rc : part_rc;
        if (done)
            return rc;
        check(pthread_mutex_lock(&job->mutex) == 0);
        job->full = false;
        check(pthread_cond_broadcast(&job->changed) == 0);
        check(pthread_mutex_unlock(&job->mutex) == 0);
    }
}

/* Jobs are used in a circle: sent in order, awaited in order. */
static int run_circle(struct run *run)
{
    const uint32_t jobs = run->job_count;
    uint64_t sent = 0, taken = 0;
    int rc = ERR_OK;
    check(jobs > 0);
    while (rc == ERR_OK) {
        struct job *job = &run->jobs[sent % jobs];
        while (rc == ERR_OK &&
               (sent - taken == jobs || (sent > taken && input_waits(run->input)))) {
            rc = job_await(run, &run->jobs[taken % jobs]);
            taken++;
        }
        if (rc)
            break;
        rc = input_next(run->input, &job->block, run->err);
        if (rc)
            break;
        job->done = false;
        ring_send(run->work, job);
        sent++;
    }
    ring_finish(run->work);
    bool ended = rc == ERR_END;
    for (; taken < sent; taken++) {
        struct job *job = &run->jobs[taken % jobs];
        int last = job_await(run, job);
        if (ended && rc == ERR_END && last)
            rc = last;
    }
    return rc == ERR_END ? ERR_OK : rc;
}

static int run_threads(struct run *run, uint32_t threads)
{
    pthread_t ids[DETECT_THREADS_MAX];
    run->work = ring_open(run->job_count);
    for (uint32_t i = 0; i < threads; i++)
        check(pthread_create(&ids[i], NULL, worker, run) == 0);
    int rc = run_circle(run);
    for (uint32_t i = 0; i < threads; i++)
        check(pthread_join(ids[i], NULL) == 0);
    ring_close(&run->work);
    return rc;
}

static void run_open_jobs(struct run *run, uint32_t threads)
{
    run->job_count = threads > 1 ? threads * 2 + 1 : 1;
    run->jobs = mem_zeroed(run->job_count, sizeof(*run->jobs));
    for (uint32_t i = 0; i < run->job_count; i++) {
        run->jobs[i].run = run;
        check(pthread_mutex_init(&run->jobs[i].mutex, NULL) == 0);
        check(pthread_cond_init(&run->jobs[i].changed, NULL) == 0);
    }
}

static void run_close(struct run *run)
{
    for (uint32_t i = 0; i < run->job_count; i++) {
        struct job *job = &run->jobs[i];
        input_block_free(&job->block);
        buf_free(&job->out);
        mem_free(job->inputs);
        arena_free(&job->arena);
        check(pthread_mutex_destroy(&job->mutex) == 0);
        check(pthread_cond_destroy(&job->changed) == 0);
    }
    mem_free(run->jobs);
    check(pthread_mutex_destroy(&run->stats_mutex) == 0);
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
    struct run run = {.options = options,
                      .result = result,
                      .near_ns = clock_now_ns(),
                      .newest_ns = CLOCK_NONE,
                      .ticked_ns = CLOCK_NONE,
                      .alone = options->threads <= 1,
                      .err = err};
    uint64_t start = clock_monotonic_ns();
    *result = (struct detect_run_result){0};
    int rc = input_open(&run.input, &options->input, err);
    if (rc)
        return rc;
    check(pthread_mutex_init(&run.stats_mutex, NULL) == 0);
    run.correlator = correlator_open(options->detector->plan);
    run_open_jobs(&run, options->threads);
    output_begin(options->output, &run.pending);
    rc = run.alone ? run_alone(&run) : run_threads(&run, options->threads);
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
