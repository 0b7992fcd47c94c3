/* The state's writer: a thread that takes what was put, in groups, and beside it one for what is
 * slow (argon2id, copying the store), one thing at a time. What they finished comes back to the
 * loop, which alone talks to peers. */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine.h"
#include "program/engine_register.h"
#include "program/engine_writer.h"

enum { FIGURES_S = 2, CHECKPOINT_S = 20, CHECKPOINT_GROUPS = 2000 };

static void calls_add(struct engine_calls *list, struct engine_call *call)
{
    call->next = NULL;
    *(list->last ? &list->last->next : &list->first) = call;
    list->last = call;
    list->count++;
}

static struct engine_call *calls_take(struct engine_calls *list)
{
    struct engine_call *call = list->first;
    if (!call)
        return NULL;
    list->first = call->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    call->next = NULL;
    return call;
}

static void lock(struct engine_writer *w)
{
    check(pthread_mutex_lock(&w->mutex) == 0);
}

static void unlock(struct engine_writer *w)
{
    check(pthread_mutex_unlock(&w->mutex) == 0);
}

/* ---- from the loop ---- */

/* Under the lock. */
static int slow_put(struct engine_writer *w, struct engine_call *call, struct err *err)
{
    if (w->slow.count >= ENGINE_SLOW_MAX)
        return call_refuse(&call->call, err, ERR_BUSY,
                           "too many passwords are being checked just now: try again in a minute",
                           "đang có quá nhiều yêu cầu kiểm tra mật khẩu: hãy thử lại sau một phút");
    calls_add(&w->slow, call);
    check(pthread_cond_signal(&w->slow_wake) == 0);
    return ERR_OK;
}

static bool wants_prepare(const struct engine_call *call)
{
    return call->call.command && call->call.command->prepare && !call->was_prepared &&
           !call->settled;
}

int engine_writer_put(struct engine_writer *w, struct engine_call *call, struct err *err)
{
    int rc = ERR_OK;
    call->queued_ns = clock_monotonic_ns();
    lock(w);
    if (wants_prepare(call) && !call->before) {
        rc = slow_put(w, call, err);
    } else {
        calls_add(&w->queue, call);
        check(pthread_cond_signal(&w->wake) == 0);
    }
    unlock(w);
    return rc;
}

uint32_t engine_writer_queued(struct engine_writer *w)
{
    lock(w);
    uint32_t count = w->queue.count + w->slow.count;
    unlock(w);
    return count;
}

void engine_writer_figures(struct engine_writer *w, struct engine_figures *out)
{
    lock(w);
    *out = w->figures;
    unlock(w);
}

struct engine_due *engine_writer_due(struct engine_writer *w)
{
    lock(w);
    struct engine_due *due = w->due;
    w->due = NULL;
    unlock(w);
    return due;
}

void engine_writer_landed(struct engine_writer *w, uint64_t id)
{
    lock(w);
    for (uint32_t i = 0; i < w->flight_count; i++)
        if (w->flights[i].id == id)
            w->flights[i--] = w->flights[--w->flight_count];
    unlock(w);
}

/* ---- slow thread ---- */

static void slow_one(struct engine_writer *w, struct engine_call *call)
{
    uint64_t began_ns = clock_monotonic_ns();
    if (call->was_executed) {
        call->slowly(call);
    } else {
        state_prepare(w->engine->state, &call->call);
        call->was_prepared = true;
    }
    metric_observe(&engine_metrics[ENGINE_METRIC_SECONDS_SLOW], clock_monotonic_ns() - began_ns);
}

static void *slow_run(void *context)
{
    struct engine_writer *w = context;
    lock(w);
    for (;;) {
        struct engine_call *call = calls_take(&w->slow);
        if (!call && w->slow_ends)
            break;
        if (!call) {
            check(pthread_cond_wait(&w->slow_wake, &w->mutex) == 0);
            continue;
        }
        bool is_last = call->was_executed;
        w->slow_busy = true;
        unlock(w);
        slow_one(w, call);
        lock(w);
        w->slow_busy = false;
        calls_add(is_last ? &w->finished : &w->queue, call);
        check(pthread_cond_signal(&w->wake) == 0);
        if (is_last)
            (void)uv_async_send(&w->collect);
    }
    unlock(w);
    return NULL;
}

/* ---- writer's thread ---- */

/* What signin_refresh has to know of. */
static bool changes_people(const struct engine_call *call)
{
    static const char *const nouns[] = {"unit.", "user.", "token.", "session.", "invite."};
    struct slice name = slice_from(call->call.command->name);
    if (slice_equal(name, SLICE("session.touch")))
        return false;
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
        if (slice_starts(name, slice_from(nouns[i])))
            return true;
    return false;
}

static void group_failed(struct engine_writer *w, const struct err *err)
{
    log_err(LOG_ERROR, "commit", err);
    lock(w);
    w->figures.failures++;
    memcpy(w->figures.failure, err->text, sizeof(w->figures.failure));
    unlock(w);
}

static void group_execute(struct engine_writer *w, struct command_call **calls, uint32_t count)
{
    struct err err = {0};
    uint64_t began_ns = clock_monotonic_ns();
    if (state_execute(w->engine->state, calls, count, clock_now_ns(), &err) != ERR_OK)
        group_failed(w, &err);
    else if (w->figures.failures > 0) {
        lock(w);
        w->figures.failures = 0;
        unlock(w);
    }
    bool refresh = false;
    for (uint32_t i = 0; i < count; i++) {
        struct engine_call *call = calls[i]->own;
        refresh |= (calls[i]->rc == ERR_OK || calls[i]->keep) && changes_people(call);
        if (calls[i]->rc == ERR_OK && w->engine->hosts)
            engine_register_done(w->engine->hosts, slice_from(call->call.command->name));
        if (calls[i]->rc == ERR_OK && call->after)
            call->after(call);
    }
    if (refresh && signin_refresh(w->engine->signin, &err) != ERR_OK) {
        log_err(LOG_ERROR, "sessions", &err);
        w->refresh_again = true;
    }
    metric_observe(&engine_metrics[ENGINE_METRIC_SECONDS_COMMIT], clock_monotonic_ns() - began_ns);
    metric_add(&engine_metrics[ENGINE_METRIC_GROUPS], 1);
    w->groups++;
}

/* A group as it was taken: those with commands go into one transaction. */
static void group_run(struct engine_writer *w, struct engine_call *first)
{
    struct command_call *calls[STATE_GROUP_MAX];
    uint32_t count = 0;
    uint64_t now_ns = clock_monotonic_ns();
    for (struct engine_call *call = first; call; call = call->next) {
        call->began_ns = now_ns;
        metric_observe(&engine_metrics[ENGINE_METRIC_SECONDS_QUEUE], now_ns - call->queued_ns);
        if (call->before)
            call->before(call);
        call->before = NULL;
        if (call->call.command && !call->settled && !wants_prepare(call))
            calls[count++] = &call->call;
    }
    if (count > 0)
        group_execute(w, calls, count);
}

static void group_finish(struct engine_writer *w, struct engine_call *first)
{
    lock(w);
    while (first) {
        struct engine_call *call = first;
        struct err err;
        first = call->next;
        bool more = wants_prepare(call);
        if (!more && call->slowly && !call->settled && call->call.rc == ERR_OK)
            more = call->was_executed = true;
        if (more && slow_put(w, call, &err) != ERR_OK) {
            call->call.rc = err.code;
            call->call.err = err;
            more = false;
        }
        if (!more)
            calls_add(&w->finished, call);
    }
    unlock(w);
    (void)uv_async_send(&w->collect);
}

static void care(struct engine_writer *w, uint64_t now_ns)
{
    struct err err;
    if (w->refresh_again)
        w->refresh_again = signin_refresh(w->engine->signin, &err) != ERR_OK;
    if (w->engine->hosts)
        engine_register_look(w->engine->hosts, now_ns);
    if (now_ns >= w->figures_ns) {
        engine_writer_look(w);
        w->figures_ns = clock_monotonic_ns() + FIGURES_S * (uint64_t)CLOCK_SECOND_NS;
    }
    if (now_ns < w->checkpoint_ns && w->groups - w->checkpoint_groups < CHECKPOINT_GROUPS)
        return;
    if (w->groups != w->checkpoint_groups && state_checkpoint(w->engine->state, &err) != ERR_OK)
        log_err(LOG_WARNING, "checkpoint", &err);
    w->checkpoint_groups = w->groups;
    w->checkpoint_ns = clock_monotonic_ns() + CHECKPOINT_S * (uint64_t)CLOCK_SECOND_NS;
}

/* Nothing more comes: not from the loop, and not from the slow thread. */
static bool all_done(const struct engine_writer *w)
{
    return w->ends && !w->slow.first && !w->slow_busy;
}

/* Waits a second at most; the next group, chained, or NULL. */
static struct engine_call *group_take(struct engine_writer *w, bool *ends)
{
    struct engine_call *first = NULL, **last = &first;
    struct timespec until;
    lock(w);
    check(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec++;
    while (!w->queue.first && !all_done(w)) {
        int rc = pthread_cond_timedwait(&w->wake, &w->mutex, &until);
        if (rc == ETIMEDOUT)
            break;
        check(rc == 0);
    }
    for (uint32_t n = 0; n < STATE_GROUP_MAX && w->queue.first; n++) {
        *last = calls_take(&w->queue);
        last = &(*last)->next;
    }
    *ends = !first && all_done(w);
    unlock(w);
    return first;
}

static void *writer_run(void *context)
{
    struct engine_writer *w = context;
    bool ends = false;
    while (!ends) {
        struct engine_call *first = group_take(w, &ends);
        if (first) {
            group_run(w, first);
            group_finish(w, first);
        }
        if (!ends && !w->engine->is_alone)
            engine_writer_look_out(w);
        care(w, clock_monotonic_ns());
    }
    return NULL;
}

/* ---- life ---- */

static void finished_take(struct engine_writer *w)
{
    struct engine *e = w->engine;
    for (;;) {
        lock(w);
        struct engine_call *call = calls_take(&w->finished);
        unlock(w);
        if (!call)
            break;
        e->calls--;
        e->call_bytes -= call->bytes;
        if (call->peer)
            call->peer->calls--;
        if (call->done)
            call->done(call);
        engine_call_drop(call);
    }
    engine_outbox_send(e);
}

static void collect(uv_async_t *async)
{
    struct engine_writer *w = async->data;
    finished_take(w);
    engine_end_if_done(w->engine);
}

int engine_writer_open(struct engine *e, struct err *err)
{
    pthread_condattr_t attributes;
    struct engine_writer *w = mem_zeroed(1, sizeof(*w));
    (void)err;
    e->writer = w;
    w->engine = e;
    check(pthread_mutex_init(&w->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&w->wake, &attributes) == 0);
    check(pthread_cond_init(&w->slow_wake, NULL) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
    return engine_writer_look_first(w, err);
}

int engine_writer_start(struct engine *e, struct err *err)
{
    struct engine_writer *w = e->writer;
    check(uv_async_init(&e->context->loop, &w->collect, collect) == 0);
    w->collect.data = w;
    w->checkpoint_ns = clock_monotonic_ns() + CHECKPOINT_S * (uint64_t)CLOCK_SECOND_NS;
    if (pthread_create(&w->thread, NULL, writer_run, w) != 0)
        return err_set(err, ERR_IO, "cannot start the thread that writes the state");
    w->started = true;
    if (pthread_create(&w->slow_thread, NULL, slow_run, w) != 0)
        return err_set(err, ERR_IO, "cannot start the thread that checks passwords");
    w->slow_started = true;
    return ERR_OK;
}

void engine_writer_stop(struct engine *e)
{
    struct engine_writer *w = e->writer;
    lock(w);
    w->ends = true;
    check(pthread_cond_signal(&w->wake) == 0);
    unlock(w);
    if (w->started)
        check(pthread_join(w->thread, NULL) == 0);
    lock(w);
    w->slow_ends = true;
    check(pthread_cond_signal(&w->slow_wake) == 0);
    unlock(w);
    if (w->slow_started)
        check(pthread_join(w->slow_thread, NULL) == 0);
    w->started = w->slow_started = false;
    finished_take(w);
    if (w->collect.data)
        uv_close((uv_handle_t *)&w->collect, NULL);
    w->collect.data = NULL;
}

void engine_writer_close(struct engine *e)
{
    struct engine_writer *w = e->writer;
    if (!w)
        return;
    engine_due_free(&w->due);
    check(pthread_cond_destroy(&w->wake) == 0);
    check(pthread_cond_destroy(&w->slow_wake) == 0);
    check(pthread_mutex_destroy(&w->mutex) == 0);
    mem_free(w);
    e->writer = NULL;
}
