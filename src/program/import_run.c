#include "program/import_run.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/mem.h"

#define PROGRESS_NS (CLOCK_SECOND_NS / 2)

static volatile sig_atomic_t stop_asked, run_waits;

struct run {
    const struct import_run_options *options;
    struct import_result *result;
    struct import_cursors cursors;
    struct input *input;
    struct import_commit *commit;
    struct buf name; /* of the run */
    int64_t near_ns;
    uint64_t start_ns, shown_ns;
    bool line_shown;
};

bool import_run_stop(void)
{
    stop_asked = 1;
    return run_waits != 0;
}

static void *part_open(void *context)
{
    struct run *run = context;
    struct harvest_part *part = mem_zeroed(1, sizeof(*part));
    part->haul = import_commit_haul(run->commit);
    return part;
}

static void part_close(void *context, void *own)
{
    struct run *run = context;
    struct harvest_part *part = own;
    import_commit_give_back(run->commit, part->haul);
    mem_free(part);
}

static void *worker_open(void *context)
{
    const struct run *run = context;
    const struct import_run_options *o = run->options;
    return harvester_open(o->detector, o->source, run->near_ns,
                          o->output && output_shows_host(o->output));
}

static void worker_close(void *context, void *own)
{
    struct run *run = context;
    struct harvester *worker = own;
    harvester_close(&worker, &run->result->worker_cpu_ns, &run->result->matching);
}

static void run_work(void *context, void *worker, struct workers_job *job)
{
    (void)context;
    harvester_run(worker, job);
}

static void bytes_text(uint64_t bytes, char *out, size_t room)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, room, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void progress_show(struct run *run)
{
    uint64_t now_ns = clock_monotonic_ns(), done, total;
    char done_text[32], total_text[32];
    if (!run->options->progress || now_ns - run->shown_ns < PROGRESS_NS)
        return;
    run->shown_ns = now_ns;
    run->line_shown = true;
    uint64_t records = import_commit_counts(run->commit)->received;
    double seconds = (double)(now_ns - run->start_ns) / 1e9;
    input_progress(run->input, &done, &total);
    bytes_text(total ? done : input_bytes(run->input), done_text, sizeof(done_text));
    bytes_text(total, total_text, sizeof(total_text));
    bool vi = run->options->vietnamese;
    (void)fprintf(stderr, "\r%llu %s, %s%s%s, %.0f/s   ", (unsigned long long)records,
                  vi ? "bản ghi" : "records", done_text, total ? vi ? " trên " : " of " : "",
                  total ? total_text : "", seconds > 0 ? (double)records / seconds : 0.0);
}

static int run_check_stop(struct run *run, struct err *err)
{
    if (!stop_asked)
        return ERR_OK;
    int rc = import_commit_flush(run->commit, err);
    return rc ? rc : err_set(err, ERR_CANCELED, "the import was stopped");
}

static int run_take(void *context, struct workers_job *job, bool last_part, struct err *err)
{
    struct run *run = context;
    struct harvest_part *part = job->own;
    struct harvest *haul = part->haul;
    run_waits = 0;
    haul->last_part = last_part;
    part->haul = import_commit_haul(run->commit);
    int rc = import_commit_add(run->commit, haul, err);
    progress_show(run);
    return rc ? rc : run_check_stop(run, err);
}

static int run_idle(void *context, struct err *err)
{
    struct run *run = context;
    int rc = import_commit_flush(run->commit, err);
    progress_show(run);
    run_waits = rc == ERR_OK;
    return rc ? rc : run_check_stop(run, err);
}

/* What comes from a pipe does not come again. */
static bool paths_repeat(const struct input_options *input)
{
    struct stat about;
    for (size_t i = 0; i < input->path_count; i++)
        if (strcmp(input->paths[i], "-") == 0 ||
            (stat(input->paths[i], &about) == 0 && !S_ISREG(about.st_mode) &&
             !S_ISDIR(about.st_mode)))
            return false;
    return true;
}

/* The run's name, and whether the store knows it: then its time of reading goes on, too. */
static void run_name(struct run *run, struct import_commit_options *commit)
{
    const struct import_run_options *o = run->options;
    uint64_t near_ns;
    import_cursor_run(o->input.paths, o->input.path_count, o->source->partition, o->source->name,
                      &run->name);
    struct slice text = carry_cursor(store_carry(o->store), buf_as_slice(&run->name));
    bool known = slice_to_u64(text, &near_ns) && near_ns <= INT64_MAX;
    run->near_ns = clock_now_ns();
    commit->resumed = known && !o->again && paths_repeat(&o->input);
    commit->stale = known && !commit->resumed;
    if (commit->resumed)
        run->near_ns = (int64_t)near_ns;
    commit->run = buf_as_slice(&run->name);
    commit->near_ns = run->near_ns;
}

static int run_open(struct run *run, struct err *err)
{
    const struct import_run_options *o = run->options;
    struct input_options input = o->input;
    struct import_commit_options commit = {.store = o->store,
                                           .detector = o->detector,
                                           .source = o->source,
                                           .cursors = &run->cursors,
                                           .output = o->output,
                                           .out_fd = o->out_fd,
                                           .group_bytes = o->group_bytes,
                                           .seal_bytes = o->seal_bytes,
                                           .policies = o->policies,
                                           .policy_count = o->policy_count};
    run_name(run, &commit);
    run->cursors = (struct import_cursors){.carry = o->again ? NULL : store_carry(o->store),
                                           .note = o->input.note,
                                           .note_context = o->input.note_context};
    input.opened = import_cursor_opened;
    input.opened_context = &run->cursors;
    int rc = input_open(&run->input, &input, err);
    if (rc)
        return rc;
    commit.input = run->input;
    run->commit = import_commit_open(&commit);
    return ERR_OK;
}

static int run_read(struct run *run, struct err *err)
{
    static const struct workers_calls calls = {.job_open = part_open,
                                               .job_close = part_close,
                                               .worker_open = worker_open,
                                               .worker_close = worker_close,
                                               .work = run_work,
                                               .take = run_take,
                                               .idle = run_idle};
    int rc = workers_run(run->input, &calls, run, run->options->threads, err);
    run_waits = 0;
    if (rc == ERR_OK)
        rc = import_commit_end(run->commit, err);
    run->result->stopped = rc == ERR_CANCELED;
    if (rc == ERR_OK || rc == ERR_CANCELED)
        rc = import_commit_seal(run->commit, rc == ERR_OK, err);
    return rc;
}

static void run_close(struct run *run)
{
    struct import_result *r = run->result;
    if (run->line_shown)
        (void)fputc('\n', stderr);
    if (run->commit) {
        r->counts = *import_commit_counts(run->commit);
        r->closed = import_commit_closed(run->commit);
        import_commit_correlations(run->commit, &r->correlations);
        import_commit_cpu(run->commit, &r->append_cpu_ns, &r->seal_cpu_ns);
    }
    if (run->input) {
        r->files = input_file_count(run->input);
        r->unreadable = input_unreadable_count(run->input);
    }
    r->resumed_records = run->cursors.resumed_records;
    r->passed_over = run->cursors.passed_over;
    r->run_ns = clock_monotonic_ns() - run->start_ns;
    import_commit_close(&run->commit);
    input_close(&run->input);
    import_cursors_free(&run->cursors);
    buf_free(&run->name);
}

static int output_write(const struct import_run_options *o,
                        void (*write)(const struct run *run, struct buf *out),
                        const struct run *run, struct err *err)
{
    struct buf text = {0};
    write(run, &text);
    int rc = io_write_all(o->out_fd, text.data, text.len, err);
    buf_free(&text);
    return rc == ERR_CLOSED ? ERR_OK : rc;
}

static void heading_write(const struct run *run, struct buf *out)
{
    output_begin(run->options->output, out);
}

static void end_write(const struct run *run, struct buf *out)
{
    output_end(run->options->output, out);
}

int import_run(const struct import_run_options *options, struct import_result *result,
               struct err *err)
{
    struct run run = {.options = options, .result = result, .start_ns = clock_monotonic_ns()};
    *result = (struct import_result){0};
    stop_asked = run_waits = 0;
    int rc = run_open(&run, err);
    if (rc == ERR_OK && options->output)
        rc = output_write(options, heading_write, &run, err);
    if (rc == ERR_OK)
        rc = run_read(&run, err);
    if (rc == ERR_OK && options->output && !import_commit_closed(run.commit))
        rc = output_write(options, end_write, &run, err);
    run_close(&run);
    return rc;
}
