/* The engine's store: jobs on their way to the committer, and what is answered when they are back.
 */
#include "base/mem.h"
#include "program/engine_rules.h"
#include "program/engine_store_inside.h"

struct store_job *engine_store_job(struct engine_store *s, enum store_job_kind kind,
                                   struct store_sender *sender)
{
    struct store_job *job = mem_zeroed(1, sizeof(*job));
    (void)s;
    job->kind = kind;
    job->sender = sender;
    job->queued_ns = clock_monotonic_ns();
    if (sender)
        sender->uses++;
    if (kind == STORE_RESUME && sender->peer->role != ROLE_READER)
        job->cursors_of = HAUL_FOLLOWED;
    else if (kind == STORE_RESUME && sender->journal)
        job->cursors_of = sender->journal->cursor;
    else if (kind == STORE_RESUME && sender->import) /* outlives this job: its run ends behind it */
        job->cursors_of = sender->import->cursor;
    return job;
}

void engine_store_job_put(struct engine_store *s, struct store_job *job)
{
    bool imports = job->kind == STORE_RUN_END || job->haul.historical;
    check(pthread_mutex_lock(&s->mutex) == 0);
    engine_store_queue_put(imports ? &s->import_jobs : &s->live_jobs, job);
    metric_set(&s->metrics[STORE_METRIC_QUEUED], s->live_jobs.count + s->import_jobs.count);
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

void engine_store_job_free(struct store_job *job)
{
    if (job->sender)
        engine_store_sender_unuse(job->sender);
    buf_free(&job->cursors);
    mem_free(job->gone);
    mem_free(job->changes);
    arena_free(&job->arena);
    mem_free(job);
}

/* ---- what the committer has done ---- */

static void resume_send(const struct store_job *job)
{
    struct bytes_in in = bytes_in(buf_as_slice(&job->cursors));
    struct buf payload = {0};
    while (bytes_left(&in) && !in.bad && job->sender->peer) {
        buf_clear(&payload);
        bytes_put_text(&payload, bytes_take_text(&in, CARRY_NAME_BYTES_MAX));
        bytes_put_text(&payload, bytes_take_text(&in, CARRY_NAME_BYTES_MAX));
        engine_send(job->sender->peer, MESSAGE_CURSOR, 0, buf_as_slice(&payload), NULL, 0);
    }
    buf_clear(&payload);
    bytes_put_u32(&payload, (uint32_t)job->haul.first_sequence);
    if (job->sender->peer)
        engine_send(job->sender->peer, MESSAGE_RESUME, 0, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

static void haul_count(struct engine_store *s, const struct engine_haul *haul)
{
    int64_t passed_ns = clock_now_ns() - haul->received_ns;
    if (haul->rc || haul->is_repeated) {
        metric_add(&s->metrics[haul->is_repeated         ? STORE_METRIC_REPEATED
                               : haul->rc == ERR_DAMAGED ? STORE_METRIC_FORGED
                               : haul->rc == ERR_EXISTS  ? STORE_METRIC_KNOWN
                                                         : STORE_METRIC_FAILED],
                   1);
        return;
    }
    metric_add(&s->metrics[STORE_METRIC_RECEIVED], haul->received);
    metric_add(&s->metrics[STORE_METRIC_STORED], haul->stored);
    metric_add(&s->metrics[STORE_METRIC_REFUSED], haul->refused);
    metric_add(&s->metrics[STORE_METRIC_FINDINGS], haul->findings);
    if (passed_ns < 0 || haul->historical)
        return;
    metric_observe(&s->metrics[STORE_METRIC_SECONDS_DURABLE], (uint64_t)passed_ns);
    if (haul->findings)
        metric_observe(&s->metrics[STORE_METRIC_SECONDS_FINDING], (uint64_t)passed_ns);
}

static void haul_answer(const struct store_job *job)
{
    const struct engine_haul *haul = &job->haul;
    struct buf payload = {0};
    bytes_put_u32(&payload, job->slot);
    bytes_put_u32(&payload, (uint32_t)haul->rc);
    bytes_put_text(&payload, slice_from(haul->rc ? haul->err.text : ""));
    bytes_put_u64(&payload, haul->first_sequence);
    bytes_put_u32(&payload, haul->stored);
    bytes_put_u32(&payload, haul->refused);
    message_put_long(&payload, haul->rc == ERR_EXISTS ? buf_as_slice(&haul->known) : SLICE(""));
    engine_send(job->sender->peer, MESSAGE_HAUL_DONE, job->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

static void haul_done(struct engine_store *s, const struct store_job *job)
{
    struct store_sender *sender = job->sender;
    sender->busy &= ~(1u << job->slot);
    haul_count(s, &job->haul);
    if (sender->import)
        engine_store_import_hauled(s, job);
    if (sender->journal)
        sender->journal->entries += job->haul.stored;
    if (!sender->peer)
        return;
    if (job->haul.rc == ERR_DAMAGED)
        engine_violation(sender->peer, &job->haul.err);
    else
        haul_answer(job);
}

static void job_done(struct engine_store *s, struct store_job *job)
{
    if (job->kind == STORE_HAUL)
        haul_done(s, job);
    else if (job->kind == STORE_RUN_END)
        engine_store_import_end(s, job);
    else if (job->kind == STORE_JOURNAL)
        engine_store_journal_start(s, job);
    else if (job->kind == STORE_OUTPUTS || job->kind == STORE_GONE)
        return;
    else if (job->kind == STORE_HEALTH)
        engine_health_taken(s->health, job->changes, job->change_count, job->haul.rc == ERR_OK);
    else if (job->kind == STORE_RULES)
        engine_rules_committed(s->rules);
    else if (job->haul.rc == ERR_OK)
        resume_send(job);
    else if (job->sender->peer)
        job->sender->resumes_later = true;
}

void engine_store_done(uv_async_t *async)
{
    struct engine_store *s = async->data;
    check(pthread_mutex_lock(&s->mutex) == 0);
    struct store_job *job = s->done.first;
    s->done = (struct store_queue){0};
    metric_set(&s->metrics[STORE_METRIC_QUEUED], s->live_jobs.count + s->import_jobs.count);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    while (job) {
        struct store_job *next = job->next;
        job_done(s, job);
        engine_store_job_free(job);
        job = next;
    }
}
