/* The inside of the engine's outputs, shared by engine_output*.c only. Threads: said at each
 * member; `mutex` guards what both threads use. */
#pragma once
#include <pthread.h>

#include "program/engine_output.h"
#include "program/engine_store.h"
#include "watch/output_filter.h"
#include "watch/render.h"

enum engine_output_form { OUTPUT_LINE, OUTPUT_FRAME, OUTPUT_DATAGRAM, OUTPUT_BULK };
enum engine_output_state {
    OUTPUT_IDLE,  /* the reading thread's: it may make a batch */
    OUTPUT_READY, /* the loop's: to be sent, when retry_ns has come and a courier is there */
    OUTPUT_SENT,  /* the loop's: under way */
    OUTPUT_TAKEN  /* the reading thread's: the other side has it */
};

struct engine_output_figures {
    uint64_t received, sent, refused; /* rows: wanted; taken by the other side; refused for good */
};

enum { OUTPUT_METRIC_SENT, OUTPUT_METRIC_REFUSED, OUTPUT_METRIC_BEHIND, OUTPUT_METRICS };

struct engine_output {
    const struct config_output *config;
    char *name; /* "output:NAME" */
    enum engine_output_form form;
    struct render_syslog syslog;

    /* the reading thread's */
    struct output_filter *filter;
    struct store_follow *follow;
    uint64_t read_at_ns;                      /* not before; monotonic */
    uint64_t expired_seen;                    /* by this follow */
    struct engine_output_figures put_figures; /* what the carry under way adds */
    uint64_t put_sequence;
    char *labels;

    /* of whom the state says */
    struct buf batch; /* OUTPUT's payload */
    uint32_t rows, refused;
    uint64_t batch_sequence; /* of its last row */
    int64_t oldest_ns;       /* when its first row was received */

    /* under mutex */
    enum engine_output_state state;
    uint64_t id, retry_ns, backoff_ns;        /* of the batch; monotonic */
    uint64_t sequence;                        /* all up to here was taken, or is not wanted */
    uint64_t durable_sequence;                /* the same, in the store */
    struct engine_output_figures ever, unput; /* durable; not put yet */
    uint64_t expired, damaged;
    int64_t failing_since_ns;   /* CLOCK_NONE: it is not */
    int64_t newest_ns;          /* when something was taken last; CLOCK_NONE: not since the start */
    char why[OUTPUT_WHY_BYTES]; /* why it fails, or failed last */
    char refused_why[OUTPUT_WHY_BYTES];
};

struct engine_outputs {
    struct engine *engine;
    struct store *store; /* for reading; the reading thread's */
    struct render_options render;
    char node[65], epoch_text[16];
    struct engine_output *items;
    uint32_t count;
    struct metric *metrics;
    uint64_t next_id; /* the loop's */
    pthread_t reader;
    uv_async_t ready;
    bool is_started;
    uint64_t put_at_ns; /* the reading thread's: when the newest carry was put */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_ending, is_put; /* is_put: a carry is under way */
    int put_rc;
};

/* engine_output_read.c */
void *engine_output_reader(void *outputs);
