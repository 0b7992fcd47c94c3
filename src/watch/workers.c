#include "watch/workers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/ring.h"

struct slot {
    struct workers_job job; /* first: a job's address is its slot's */
    struct workers *pipeline;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done, full; /* full: its worker waits until what it holds was taken */
};

struct workers {
    struct input *input;
    const struct workers_calls *calls;
    void *context;
    struct slot *slots; /* used in a circle: sent in order, awaited in order */
    uint32_t slot_count, thread_count;
    void *workers[WORKERS_THREADS_MAX];
    atomic_uint worker_count;
    struct ring *work; /* NULL: with one thread */
    atomic_bool stopped;
    int stop_rc;
    struct err *err;
};

static void slot_set(struct slot *slot, bool *flag, bool value)
{
    check(pthread_mutex_lock(&slot->mutex) == 0);
    *flag = value;
    check(pthread_cond_broadcast(&slot->changed) == 0);
    check(pthread_mutex_unlock(&slot->mutex) == 0);
}

static void workers_stop(struct workers *p, int rc)
{
    if (rc == ERR_OK || p->stop_rc)
        return;
    p->stop_rc = rc;
    atomic_store(&p->stopped, true);
}

static void take(struct workers *p, struct slot *slot, bool last_part)
{
    if (p->stop_rc == ERR_OK)
        workers_stop(p, p->calls->take(p->context, &slot->job, last_part, p->err));
}

bool workers_hand_over(struct workers_job *job)
{
    if (job->hand_over)
        return job->hand_over(job);
    struct slot *slot = (struct slot *)job;
    struct workers *p = slot->pipeline;
    if (!p->work) {
        take(p, slot, false);
        return p->stop_rc == ERR_OK;
    }
    check(pthread_mutex_lock(&slot->mutex) == 0);
    slot->full = true;
    check(pthread_cond_broadcast(&slot->changed) == 0);
    while (slot->full)
        check(pthread_cond_wait(&slot->changed, &slot->mutex) == 0);
    check(pthread_mutex_unlock(&slot->mutex) == 0);
    return !atomic_load(&p->stopped);
}

static void *worker_begin(struct workers *p)
{
    void *worker = p->calls->worker_open(p->context);
    p->workers[atomic_fetch_add(&p->worker_count, 1)] = worker;
    return worker;
}

static void *worker_run(void *context)
{
    struct workers *p = context;
    void *worker = worker_begin(p);
    for (struct slot *slot; (slot = ring_receive(p->work));) {
        if (!atomic_load(&p->stopped))
            p->calls->work(p->context, worker, &slot->job);
        slot_set(slot, &slot->done, true);
    }
    return NULL;
}

/* Takes what the job hands over until it is done. */
static void slot_await(struct workers *p, struct slot *slot)
{
    for (;;) {
        check(pthread_mutex_lock(&slot->mutex) == 0);
        while (!slot->done && !slot->full)
            check(pthread_cond_wait(&slot->changed, &slot->mutex) == 0);
        bool done = slot->done;
        check(pthread_mutex_unlock(&slot->mutex) == 0);
        take(p, slot, done);
        if (done)
            return;
        slot_set(slot, &slot->full, false);
    }
}

/* ERR_OK without a new block only when the pipeline has stopped. */
static int slot_fill(struct workers *p, struct slot *slot, bool all_taken)
{
    if (p->calls->idle && all_taken && input_waits(p->input))
        workers_stop(p, p->calls->idle(p->context, p->err));
    return p->stop_rc ? ERR_OK : input_next(p->input, &slot->job.block, p->err);
}

static int run_alone(struct workers *p)
{
    struct slot *slot = p->slots;
    void *worker = worker_begin(p);
    int rc = ERR_OK;
    while (p->stop_rc == ERR_OK && (rc = slot_fill(p, slot, true)) == ERR_OK && !p->stop_rc) {
        p->calls->work(p->context, worker, &slot->job);
        take(p, slot, true);
    }
    return rc;
}

static int run_circle(struct workers *p)
{
    const uint32_t slots = p->slot_count;
    uint64_t sent = 0, taken = 0;
    int rc = ERR_OK;
    check(slots > 0);
    while (rc == ERR_OK) {
        while (!p->stop_rc && (sent - taken == slots || (sent > taken && input_waits(p->input)))) {
            slot_await(p, &p->slots[taken % slots]);
            taken++;
        }
        if (p->stop_rc)
            break;
        struct slot *slot = &p->slots[sent % slots];
        rc = slot_fill(p, slot, sent == taken);
        if (rc || p->stop_rc)
            break;
        slot->done = false;
        ring_send(p->work, slot);
        sent++;
    }
    ring_finish(p->work);
    if (rc != ERR_END && rc != ERR_OK)
        p->err = NULL; /* the input's error is the one to tell */
    for (; taken < sent; taken++)
        slot_await(p, &p->slots[taken % slots]);
    return rc;
}

static int run_threads(struct workers *p)
{
    pthread_t ids[WORKERS_THREADS_MAX];
    p->work = ring_open(p->slot_count);
    for (uint32_t i = 0; i < p->thread_count; i++)
        check(pthread_create(&ids[i], NULL, worker_run, p) == 0);
    int rc = run_circle(p);
    for (uint32_t i = 0; i < p->thread_count; i++)
        check(pthread_join(ids[i], NULL) == 0);
    ring_close(&p->work);
    return rc;
}

static void slots_open(struct workers *p)
{
    p->slots = mem_zeroed(p->slot_count, sizeof(*p->slots));
    for (uint32_t i = 0; i < p->slot_count; i++) {
        struct slot *slot = &p->slots[i];
        slot->pipeline = p;
        check(pthread_mutex_init(&slot->mutex, NULL) == 0);
        check(pthread_cond_init(&slot->changed, NULL) == 0);
        if (p->calls->job_open)
            slot->job.own = p->calls->job_open(p->context);
    }
}

static void slots_close(struct workers *p)
{
    for (uint32_t i = 0; i < p->slot_count; i++) {
        struct slot *slot = &p->slots[i];
        if (p->calls->job_close)
            p->calls->job_close(p->context, slot->job.own);
        input_block_free(&slot->job.block);
        check(pthread_mutex_destroy(&slot->mutex) == 0);
        check(pthread_cond_destroy(&slot->changed) == 0);
    }
    mem_free(p->slots);
}

uint32_t workers_threads(uint64_t asked)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = asked ? asked : processors > 0 ? (uint64_t)processors : 1;
    return threads > WORKERS_THREADS_MAX ? WORKERS_THREADS_MAX : (uint32_t)threads;
}

int workers_run(struct input *input, const struct workers_calls *calls, void *context,
                uint32_t threads, struct err *err)
{
    threads = threads > WORKERS_THREADS_MAX ? WORKERS_THREADS_MAX : threads;
    struct workers p = {.input = input,
                        .calls = calls,
                        .context = context,
                        .slot_count = threads > 1 ? threads * 2 + 1 : 1,
                        .thread_count = threads,
                        .err = err};
    slots_open(&p);
    int rc = threads > 1 ? run_threads(&p) : run_alone(&p);
    for (uint32_t i = 0; i < atomic_load(&p.worker_count); i++)
        calls->worker_close(context, p.workers[i]);
    slots_close(&p);
    if (rc != ERR_OK && rc != ERR_END)
        return rc;
    return p.stop_rc;
}
