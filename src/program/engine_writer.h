/* Inside of the state's writer: engine_writer.c has its threads, engine_look.c what it reads for
 * others between two groups. */
#pragma once
#include <pthread.h>

#include "program/engine.h"

enum {
    ENGINE_FLIGHTS_MAX = 64,       /* messages handed over and not settled */
    ENGINE_CHANNEL_FLIGHTS_MAX = 8 /* of one channel: a slow one does not stop the others */
};
#define ENGINE_DUE_BYTES_MAX ((size_t)16 << 20) /* bodies taken at once */

struct engine_calls {
    struct engine_call *first, *last;
    uint32_t count;
};

struct engine_flight {
    uint64_t id, channel; /* hash of its name */
};

struct engine_writer {
    struct engine *engine;
    pthread_mutex_t mutex;
    pthread_cond_t wake, slow_wake;
    pthread_t thread, slow_thread;
    bool started, slow_started, slow_busy, slow_ends;
    bool ends;
    uv_async_t collect;
    struct engine_calls queue, slow, finished; /* mutex, as all down to due */
    struct engine_figures figures;
    struct engine_flight flights[ENGINE_FLIGHTS_MAX];
    uint32_t flight_count;
    struct engine_due *due;
    /* the writer's thread alone */
    uint64_t looks, groups, checkpoint_groups, checkpoint_ns, figures_ns;
    bool refresh_again;
};

/* Loop: the message was settled, or could not be handed over: it may be found due again. */
void engine_writer_landed(struct engine_writer *w, uint64_t id);

/* engine_look.c, writer's thread */
MUST_CHECK int engine_writer_look_first(struct engine_writer *w, struct err *err);
void engine_writer_look(struct engine_writer *w);     /* figures */
void engine_writer_look_out(struct engine_writer *w); /* the outbox: what is due */
