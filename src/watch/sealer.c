#include "watch/sealer.h"

#include <pthread.h>

#include "base/mem.h"

enum { SEALS_BEHIND_MAX = 2 };

struct sealer {
    struct store *store;
    uint64_t behind_bytes_max;
    uint64_t bytes; /* appended since the newest seal began */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool busy, ended;
    int rc;
    struct err err;
    uint64_t cpu_ns;
};

static void *sealer_run(void *context)
{
    struct sealer *s = context;
    (void)pthread_setname_np(pthread_self(), "sealer"); /* told apart by top -H and the bench */
    check(pthread_mutex_lock(&s->mutex) == 0);
    for (;;) {
        while (!s->busy && !s->ended)
            check(pthread_cond_wait(&s->changed, &s->mutex) == 0);
        if (!s->busy)
            break;
        check(pthread_mutex_unlock(&s->mutex) == 0);
        struct err err = {0};
        uint64_t start = clock_thread_cpu_ns();
        int rc = store_seal(s->store, clock_now_ns(), &err);
        uint64_t cpu_ns = clock_thread_cpu_ns() - start;
        check(pthread_mutex_lock(&s->mutex) == 0);
        s->busy = false;
        s->cpu_ns += cpu_ns;
        if (rc && !s->rc) {
            s->rc = rc;
            s->err = err;
        }
        check(pthread_cond_broadcast(&s->changed) == 0);
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return NULL;
}

struct sealer *sealer_open(struct store *store, uint64_t seal_bytes)
{
    struct sealer *s = mem_zeroed(1, sizeof(*s));
    s->store = store;
    s->behind_bytes_max = SEALS_BEHIND_MAX * seal_bytes;
    check(pthread_mutex_init(&s->mutex, NULL) == 0);
    check(pthread_cond_init(&s->changed, NULL) == 0);
    check(pthread_create(&s->thread, NULL, sealer_run, s) == 0);
    return s;
}

/* Under mutex. */
static void seal_begin(struct sealer *s)
{
    s->busy = true;
    s->bytes = 0;
    check(pthread_cond_broadcast(&s->changed) == 0);
}

static void seal_await(struct sealer *s)
{
    while (s->busy)
        check(pthread_cond_wait(&s->changed, &s->mutex) == 0);
}

/* Under mutex. */
static int seal_result(const struct sealer *s, struct err *err)
{
    if (s->rc && err)
        *err = s->err;
    return s->rc;
}

int sealer_appended(struct sealer *s, uint64_t bytes, struct err *err)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    s->bytes += bytes;
    if (s->bytes > s->behind_bytes_max)
        seal_await(s);
    if (!s->busy && !s->rc && store_wants_seal(s->store, clock_now_ns()))
        seal_begin(s);
    int rc = seal_result(s, err);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return rc;
}

int sealer_finish(struct sealer *s, bool all, struct err *err)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    seal_await(s);
    if (all && !s->rc) {
        seal_begin(s);
        seal_await(s);
    }
    int rc = seal_result(s, err);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return rc;
}

uint64_t sealer_cpu_ns(const struct sealer *s)
{
    return s->cpu_ns;
}

void sealer_close(struct sealer **sealer)
{
    struct sealer *s = *sealer;
    if (!s)
        return;
    check(pthread_mutex_lock(&s->mutex) == 0);
    s->ended = true;
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    check(pthread_join(s->thread, NULL) == 0);
    check(pthread_cond_destroy(&s->changed) == 0);
    check(pthread_mutex_destroy(&s->mutex) == 0);
    mem_free(s);
    *sealer = NULL;
}
