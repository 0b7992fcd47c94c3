/* The engine's store: its two threads. */
#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_store_inside.h"

enum { NIGHT_MERGES_MAX = 64, LEARNER_NICE = 10 };
#define FIGURES_NS (2 * CLOCK_SECOND_NS)

void engine_store_queue_put(struct store_queue *queue, struct store_job *job)
{
    if (!queue->first)
        queue->end = &queue->first;
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    queue->count++;
}

static struct store_job *queue_take(struct store_queue *queue)
{
    struct store_job *job = queue->first;
    if (!job)
        return NULL;
    queue->first = job->next;
    queue->count--;
    return job;
}

/* Hauls that stand behind one another, up to a group's worth; anything else alone. Under mutex. */
static uint32_t jobs_take(struct engine_store *s, struct store_job **jobs)
{
    struct store_queue *queue = s->live_jobs.first ? &s->live_jobs : &s->import_jobs;
    size_t bytes = 0;
    uint32_t count = 0;
    while (queue->first && count < ENGINE_COMMIT_HAULS_MAX && bytes < ENGINE_COMMIT_BYTES_MAX) {
        if (count && queue->first->kind != STORE_HAUL)
            break;
        struct store_job *job = queue_take(queue);
        jobs[count++] = job;
        bytes += job->haul.bytes;
        if (job->kind != STORE_HAUL)
            break;
    }
    s->under_way = count;
    return count;
}

static void hauls_commit(struct engine_store *s, struct store_job **jobs, uint32_t count)
{
    struct engine_haul *hauls[ENGINE_COMMIT_HAULS_MAX];
    uint64_t began_ns = clock_monotonic_ns();
    for (uint32_t i = 0; i < count; i++)
        hauls[i] = &jobs[i]->haul;
    engine_commit_group(s->commit, hauls, count);
    metric_observe(&s->metrics[STORE_METRIC_SECONDS_APPEND], clock_monotonic_ns() - began_ns);
    metric_add(&s->metrics[STORE_METRIC_GROUPS], 1);
}

struct cursors_told {
    struct buf *out;
    uint32_t count;
};

static void cursor_tell(void *context, struct slice name, struct slice value)
{
    struct cursors_told *told = context;
    if (told->count++ >= STORE_CURSORS_MAX)
        return;
    bytes_put_text(told->out, name);
    bytes_put_text(told->out, value);
}

static void job_do(struct engine_store *s, struct store_job *job)
{
    struct store *store = engine_commit_store(s->commit);
    struct engine_haul *haul = &job->haul;
    struct cursors_told told = {&job->cursors, 0};
    if (job->kind == STORE_OUTPUTS) {
        job->outputs_done(
            job->outputs_context,
            engine_commit_outputs(s->commit, job->outputs, job->output_count, &haul->err));
        return;
    }
    if (job->kind == STORE_RULES) {
        engine_commit_rules(s->commit, job->rules);
        return;
    }
    if (job->kind == STORE_GONE) {
        engine_commit_gone(s->commit, job->gone);
        return;
    }
    if (job->kind == STORE_HEALTH) {
        haul->rc = engine_commit_health(s->commit, job->changes, job->change_count, &haul->err);
        return;
    }
    if (job->kind == STORE_RUN_END) {
        haul->rc = engine_commit_run_end(s->commit, job->whole, &haul->findings, &haul->err);
        return;
    }
    if (!engine_commit_ok(s->commit, &haul->err) || !store) {
        haul->rc = haul->err.code;
        return;
    }
    if (job->cursors_of.len)
        carry_cursors(store_carry(store), job->cursors_of, cursor_tell, &told);
    if (job->journal)
        carry_cursors(store_carry(store), job->journal->cursor, cursor_tell, &told);
    if (slice_equal(job->cursors_of, HAUL_FOLLOWED))
        carry_cursors(store_carry(store), SLICE(HAUL_LANE), cursor_tell, &told);
    haul->first_sequence = store_epoch(store);
}

static void newest_take(struct engine_store *s)
{
    struct store *store = engine_commit_store(s->commit);
    if (store)
        __atomic_store_n(&s->newest, store_next_sequence(store) - 1, __ATOMIC_RELAXED);
}

static void figures_take(struct engine_store *s)
{
    struct store_figures f = {0};
    struct store_stats stats = {0};
    struct err err;
    int64_t now_ns = (int64_t)clock_monotonic_ns();
    f.failed = !engine_commit_ok(s->commit, &f.err);
    if (!f.failed && s->counted_ns && now_ns - s->counted_ns < FIGURES_NS)
        return;
    s->counted_ns = now_ns;
    struct store *store = engine_commit_store(s->commit);
    if (!f.failed && store && store_stat(store, &stats, &err) != ERR_OK)
        log_err(LOG_ERROR, "store", &err);
    for (uint32_t i = 0; i < stats.partition_count; i++) {
        f.rows += stats.partitions[i].rows;
        f.segments += stats.partitions[i].segments;
        f.bytes += stats.partitions[i].bytes;
    }
    f.journal_rows = stats.journal_rows;
    f.journal_bytes = stats.journal_bytes;
    f.sealed = stats.sealed_sequence;
    f.epoch = stats.epoch;
    f.failed = f.failed || stats.read_only;
    metric_set(&s->metrics[STORE_METRIC_OK], !f.failed);
    metric_set(&s->metrics[STORE_METRIC_BYTES], (int64_t)f.bytes);
    metric_set(&s->metrics[STORE_METRIC_JOURNAL_BYTES], (int64_t)f.journal_bytes);
    check(pthread_mutex_lock(&s->mutex) == 0);
    s->figures = f;
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

static void jobs_done(struct engine_store *s, struct store_job **jobs, uint32_t count)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    for (uint32_t i = 0; i < count; i++)
        engine_store_queue_put(&s->done, jobs[i]);
    s->under_way = 0;
    check(pthread_mutex_unlock(&s->mutex) == 0);
    (void)uv_async_send(&s->ready);
}

void *engine_store_committer(void *context)
{
    struct engine_store *s = context;
    struct store_job *jobs[ENGINE_COMMIT_HAULS_MAX];
    newest_take(s);
    figures_take(s);
    for (;;) {
        check(pthread_mutex_lock(&s->mutex) == 0);
        while (!s->live_jobs.first && !s->import_jobs.first && !s->is_ticked && !s->is_ending)
            check(pthread_cond_wait(&s->changed, &s->mutex) == 0);
        uint32_t count = jobs_take(s, jobs);
        bool ends = s->is_ending && count == 0;
        s->is_ticked = false;
        check(pthread_mutex_unlock(&s->mutex) == 0);
        if (ends)
            return NULL;
        if (count && jobs[0]->kind == STORE_HAUL)
            hauls_commit(s, jobs, count);
        else if (count)
            job_do(s, jobs[0]);
        newest_take(s);
        if (count)
            jobs_done(s, jobs, count);
        engine_commit_tick(s->commit, clock_now_ns());
        figures_take(s);
    }
}

static void expired_tell(void *context, struct slice path, uint64_t rows, uint64_t bytes,
                         const char *reason)
{
    (void)context;
    log_say(LOG_INFO, "expire", "%.*s: %llu events, %llu bytes removed: %s", (int)path.len,
            path.data, (unsigned long long)rows, (unsigned long long)bytes, reason);
}

static void night_work(struct engine_store *s, int64_t now_ns)
{
    struct store_expired expired = {0};
    struct err err = {0};
    uint64_t merged = 1;
    check(pthread_mutex_lock(&s->care) == 0);
    struct store *store = engine_commit_store(s->commit);
    int rc = store ? store_expire(store, s->policies, s->policy_count, now_ns, false, expired_tell,
                                  NULL, &expired, &err)
                   : ERR_OK;
    for (int i = 0; store && rc == ERR_OK && merged && i < NIGHT_MERGES_MAX; i++)
        rc = store_merge(store, now_ns, &merged, &err);
    check(pthread_mutex_unlock(&s->care) == 0);
    if (rc)
        log_err(LOG_ERROR, "night", &err);
}

/* Reads once what is to be learned from, and ends. */
void *engine_store_learner(void *context)
{
    struct engine_store *s = context;
    struct err err;
    (void)setpriority(PRIO_PROCESS, 0, LEARNER_NICE); /* of this thread, as Linux has it */
    if (engine_watch_read(s->watch, s->engine->context->data, s->opened_ns, &s->ends_learning,
                          &err) != ERR_OK)
        log_err(LOG_WARNING, "watch", &err);
    return NULL;
}

void *engine_store_carer(void *context)
{
    struct engine_store *s = context;
    check(pthread_mutex_lock(&s->mutex) == 0);
    while (!s->is_ending) {
        if (!s->is_night) {
            check(pthread_cond_wait(&s->changed, &s->mutex) == 0);
            continue;
        }
        s->is_night = false;
        int64_t now_ns = s->night_ns;
        check(pthread_mutex_unlock(&s->mutex) == 0);
        night_work(s, now_ns);
        check(pthread_mutex_lock(&s->mutex) == 0);
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return NULL;
}
