/* Pipeline: blocks of input through workers to one ordered stage.
 *
 * The calling thread reads blocks, gives them to the workers, and takes what they made of them in
 * the order of the input; with one thread everything happens on the calling one. Limits:
 * 2 * threads + 1 blocks are under way (one with one thread), each job holds what its worker allows
 * before it hands over. When the input would wait for its writer, all that was read is taken first.
 * Threads: the caller's and WORKERS_THREADS_MAX others at most, all ended when workers_run
 * returns. Ownership: jobs and their blocks are the pipeline's; what own points to, the caller's,
 * made by job_open and given back by job_close. */
#pragma once
#include "watch/input.h"

enum { WORKERS_THREADS_MAX = 64 };

struct workers_job {
    struct input_block block;
    void *own; /* what job_open gave: used again for block after block */
    /* Of a job that is in no pipeline (live sources): does what workers_hand_over says. */
    bool (*hand_over)(struct workers_job *job);
};

struct workers_calls {
    /* Once a job, on the calling thread. Both may be NULL. */
    void *(*job_open)(void *context);
    void (*job_close)(void *context, void *own);
    /* Once a worker: opened on the worker's own thread, closed on the calling one when all workers
     * have ended, so that it may add up what they counted. */
    void *(*worker_open)(void *context);
    void (*worker_close)(void *context, void *worker);
    /* Makes job->own of job->block, on the worker's thread. */
    void (*work)(void *context, void *worker, struct workers_job *job);
    /* The ordered stage, on the calling thread: takes what is in job->own. last_part: nothing
     * follows of this block. A code other than ERR_OK stops the pipeline: take is not called again.
     */
    int (*take)(void *context, struct workers_job *job, bool last_part, struct err *err);
    /* All that was read is taken, and the input would wait for its writer: time to write out what
     * is kept back. On the calling thread; ends the pipeline as take does. May be NULL. */
    int (*idle)(void *context, struct err *err);
};

/* How many threads --threads N asks for, within the limit; 0: one a processor. */
uint32_t workers_threads(uint64_t asked);
/* Of all of the input. ERR_OK when it was read and taken to its end, else what take, idle or
 * input_next gave; what was read before the input failed is taken. */
MUST_CHECK int workers_run(struct input *input, const struct workers_calls *calls, void *context,
                           uint32_t threads, struct err *err);

/* Called by work in the middle of a block, when the job holds too much: waits until the blocks
 * before it and what it holds were taken; then own may be filled anew. False: the pipeline has
 * stopped, what is made from here on is not taken. */
bool workers_hand_over(struct workers_job *job);
