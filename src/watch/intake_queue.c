/* Parcels that wait, and the threads that judge them. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "watch/intake_inlet.h"

/* For a slot, and for an engine that starts again: what was read from a socket is nowhere else. */
#define WAIT_NS ((uint64_t)365 * 86400 * CLOCK_SECOND_NS)

void intake_queue_open(struct intake_queue *q, const struct live *live,
                       struct intake_shared *shared)
{
    pthread_condattr_t attributes;
    *q = (struct intake_queue){.live = live, .shared = shared};
    q->end = &q->first;
    check(pthread_mutex_init(&q->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&q->filled, &attributes) == 0);
    check(pthread_cond_init(&q->freed, &attributes) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
}

static void formats_set(const struct intake_parcel *p)
{
    const struct format *text = format_find(SLICE("text"));
    for (size_t i = 0; i < p->spans.count; i++) {
        struct span *span = &p->spans.spans[i];
        if (span->part == SPAN_LATER_PART)
            span->format = text; /* what it begins with is the middle of something */
        else
            span->format = p->inlet->format ? p->inlet->format : format_guess_record(span->text);
    }
}

/* How many the socket has dropped, ever: goes with the haul that says how many more there are. */
static void drops_cursor(void *context, uint64_t records, bool last, struct haul_head *head)
{
    const struct intake_parcel *p = context;
    struct intake_inlet *inlet = p->inlet;
    (void)records;
    if (!last || !p->dropped_kernel)
        return;
    int len = snprintf(inlet->drops_value, sizeof(inlet->drops_value), "%llu %llu",
                       (unsigned long long)inlet->socket_id, (unsigned long long)p->dropped_all);
    head->cursors[head->cursor_count++] = (struct haul_cursor){
        slice_from(inlet->drops_name), slice_make(inlet->drops_value, (size_t)len)};
}

static void spans_swap(struct input_block *block, struct intake_parcel *p)
{
    struct span_list other = block->spans;
    block->spans = p->spans;
    p->spans = other;
}

static void parcel_judge(struct intake_lane *lane, struct intake_parcel *p)
{
    struct intake_inlet *inlet = p->inlet;
    struct input_block *records = intake_lane_block(lane);
    struct intake_block block = {.source = inlet->source,
                                 .file = &inlet->file,
                                 .sender = SLICE(""),
                                 .senders = p->senders,
                                 .refusals = p->refusals,
                                 .refusal_count = p->refusal_count,
                                 .dropped_kernel = p->dropped_kernel,
                                 .received_ns = p->received_ns,
                                 .wait_ns = WAIT_NS,
                                 .retries_ns = UINT64_MAX,
                                 .cursors = drops_cursor,
                                 .context = p};
    struct err err = {0};
    size_t count = p->spans.count;
    formats_set(p);
    spans_swap(records, p);
    int rc = intake_lane_run(lane, &block, &err);
    spans_swap(records, p);
    if (rc == ERR_OK)
        return;
    (void)err_prefix(&err, "listener %s: %llu of %llu records were not stored", inlet->file.name,
                     (unsigned long long)(count + p->refusal_count - block.stored - block.refused),
                     (unsigned long long)(count + p->refusal_count));
    log_err(LOG_ERROR, "listener", &err);
}

struct intake_parcel *intake_queue_next(struct intake_queue *q)
{
    check(pthread_mutex_lock(&q->mutex) == 0);
    while (!q->first && !q->ending)
        check(pthread_cond_wait(&q->filled, &q->mutex) == 0);
    struct intake_parcel *p = q->first;
    if (p)
        q->first = p->next;
    if (!q->first)
        q->end = &q->first;
    check(pthread_mutex_unlock(&q->mutex) == 0);
    return p;
}

void intake_queue_done(struct intake_parcel *p)
{
    struct intake_inlet *inlet = p->inlet;
    struct intake_queue *q = inlet->queue;
    check(pthread_mutex_lock(&q->mutex) == 0);
    if (p->dropped_kernel) {
        inlet->drops_kept = p->dropped_all;
        inlet->has_drops_out = false;
    }
    p->next = inlet->free;
    inlet->free = p;
    q->out--;
    check(pthread_cond_broadcast(&q->freed) == 0);
    check(pthread_mutex_unlock(&q->mutex) == 0);
}

static void *queue_run(void *context)
{
    struct intake_queue *q = context;
    struct intake_lane *lane = intake_lane_open(q->live, q->shared);
    for (struct intake_parcel *p; (p = intake_queue_next(q));) {
        parcel_judge(lane, p);
        intake_queue_done(p);
    }
    intake_lane_close(&lane);
    return NULL;
}

void intake_queue_start(struct intake_queue *q)
{
    while (q->thread_count < INTAKE_QUEUE_THREADS) {
        check(pthread_create(&q->threads[q->thread_count], NULL, queue_run, q) == 0);
        q->thread_count++;
    }
}

bool intake_queue_is_idle(struct intake_queue *q)
{
    check(pthread_mutex_lock(&q->mutex) == 0);
    bool idle = q->out == 0;
    check(pthread_mutex_unlock(&q->mutex) == 0);
    return idle;
}

void intake_queue_end(struct intake_queue *q)
{
    check(pthread_mutex_lock(&q->mutex) == 0);
    q->ending = true;
    check(pthread_cond_broadcast(&q->filled) == 0);
    check(pthread_cond_broadcast(&q->freed) == 0);
    check(pthread_mutex_unlock(&q->mutex) == 0);
}

void intake_queue_close(struct intake_queue *q)
{
    for (uint32_t i = 0; i < q->thread_count; i++)
        check(pthread_join(q->threads[i], NULL) == 0);
    check(pthread_cond_destroy(&q->filled) == 0);
    check(pthread_cond_destroy(&q->freed) == 0);
    check(pthread_mutex_destroy(&q->mutex) == 0);
}
