/* The outputs' reading thread: rows behind each cursor, wanted ones rendered into batches; cursors
 * of what was taken, handed to the committer. */
#include <errno.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_output_inside.h"

#define MS_NS      ((uint64_t)1000000)
#define TROUBLE_NS (2000 * MS_NS) /* until a store that could not be read is asked again */
enum { NICE = 10 };

static int follow_begin(struct engine_outputs *s, struct engine_output *o, struct err *err)
{
    const struct slice findings = ROW_FINDINGS;
    bool events = slice_equal(o->config->what, SLICE("events"));
    const struct store_options reading = {0};
    struct store_follow_options options = {.after_sequence = o->sequence,
                                           .partitions = events ? NULL : &findings,
                                           .partition_count = events ? 0 : 1};
    int rc = s->store ? ERR_OK : store_open(&s->store, s->engine->context->data, &reading, err);
    o->expired_seen = 0;
    return rc ? rc : store_follow_open(s->store, &options, &o->follow, err);
}

static void item_end(struct engine_output *o, size_t at)
{
    bytes_set_u32(o->batch.data + at, (uint32_t)(o->batch.len - at - sizeof(uint32_t)));
}

/* As it goes out. A frame says its length ahead of it: it is rendered beside. */
static void row_put(const struct engine_outputs *s, struct engine_output *o, const struct row *row,
                    struct buf *scratch)
{
    size_t at = o->batch.len;
    struct render_options render = s->render;
    bytes_put_u32(&o->batch, 0);
    switch (o->form) {
    case OUTPUT_LINE:
        (void)(o->syslog.format == RENDER_CEF ? render_cef(row, &render, &o->batch)
                                              : render_ecs(row, &render, &o->batch));
        buf_char(&o->batch, '\n');
        break;
    case OUTPUT_FRAME:
        buf_clear(scratch);
        (void)render_syslog(row, &render, &o->syslog, scratch);
        render_frame(buf_as_slice(scratch), &o->batch);
        break;
    case OUTPUT_DATAGRAM:
        render.bytes_max = RENDER_DATAGRAM_BYTES;
        (void)render_syslog(row, &render, &o->syslog, &o->batch);
        break;
    case OUTPUT_BULK:
        (void)render_bulk(row, &render, RENDER_INDEX, o->config->index, &o->batch);
        break;
    }
    item_end(o, at);
    if (o->rows++ == 0)
        o->oldest_ns = row->received_ns;
    o->batch_sequence = row->sequence;
}

static void lost_count(struct engine_outputs *s, struct engine_output *o,
                       const struct store_follow_stats *stats)
{
    uint64_t expired = stats->expired_rows - o->expired_seen;
    o->expired_seen = stats->expired_rows;
    if (expired)
        log_say(LOG_ERROR, "output",
                "%s: up to %llu events were removed by their retention before they could be sent",
                o->name, (unsigned long long)expired);
    check(pthread_mutex_lock(&s->mutex) == 0);
    o->expired += expired;
    o->damaged = stats->damaged_rows > o->damaged ? stats->damaged_rows : o->damaged;
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

/* Fills the batch. *more: there may be further rows at once. */
static int batch_fill(struct engine_outputs *s, struct engine_output *o, bool *more,
                      struct err *err)
{
    struct buf scratch = {0};
    const struct row *row;
    int rc = o->follow ? ERR_OK : follow_begin(s, o, err);
    buf_clear(&o->batch);
    bytes_put_text(&o->batch, o->config->row.name);
    size_t count_at = o->batch.len;
    bytes_put_u32(&o->batch, 0);
    o->rows = 0;
    *more = true;
    for (uint32_t i = 0; rc == ERR_OK && i < OUTPUT_JUDGED_ROWS && o->rows < OUTPUT_BATCH_ROWS &&
                         o->batch.len < OUTPUT_BATCH_BYTES;
         i++) {
        rc = store_follow_next(o->follow, &row, err);
        if (rc == ERR_OK && output_filter_holds(o->filter, row))
            row_put(s, o, row, &scratch);
    }
    bytes_set_u32(o->batch.data + count_at, o->rows);
    buf_free(&scratch);
    *more = rc == ERR_OK;
    return rc == ERR_END ? ERR_OK : rc;
}

static void follow_end(struct engine_output *o)
{
    store_follow_close(&o->follow);
}

static void trouble(struct engine_output *o, const struct err *err)
{
    log_say(LOG_ERROR, "output", "%s: the store could not be read: %s", o->name, err->text);
    o->read_at_ns = clock_monotonic_ns() + TROUBLE_NS;
    follow_end(o);
}

/* An idle output: what is new becomes its batch. True: look again at once. */
static bool output_read(struct engine_outputs *s, struct engine_output *o)
{
    struct store_follow_stats stats;
    struct err err;
    bool more;
    if (clock_monotonic_ns() < o->read_at_ns)
        return false;
    int rc = batch_fill(s, o, &more, &err);
    if (rc && o->rows == 0) {
        trouble(o, &err);
        return false;
    }
    store_follow_stats(o->follow, &stats);
    lost_count(s, o, &stats);
    /* the next row was not looked at yet where the batch is full */
    if (o->rows && !more && stats.sequence > o->batch_sequence)
        o->batch_sequence = stats.sequence;
    check(pthread_mutex_lock(&s->mutex) == 0);
    if (o->rows) {
        o->state = OUTPUT_READY;
        o->retry_ns = 0;
    } else if (stats.sequence > o->sequence) {
        o->sequence = stats.sequence;
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
    if (rc)
        trouble(o, &err);
    if (o->rows)
        (void)uv_async_send(&s->ready);
    return more && o->rows == 0;
}

/* Under mutex: what the other side has. */
static void taken(struct engine_output *o)
{
    o->sequence = o->batch_sequence;
    o->unput.received += o->rows;
    o->unput.sent += o->rows - o->refused;
    o->unput.refused += o->refused;
    o->state = OUTPUT_IDLE;
}

static bool output_step(struct engine_outputs *s, struct engine_output *o)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    if (o->state == OUTPUT_TAKEN)
        taken(o);
    bool idle = o->state == OUTPUT_IDLE, failing = o->backoff_ns > 0;
    check(pthread_mutex_unlock(&s->mutex) == 0);
    if (failing && !idle)
        follow_end(o); /* it would keep files of the store */
    return idle && output_read(s, o);
}

/* ---- cursors ---- */

static void put_done(void *context, int rc)
{
    struct engine_outputs *s = context;
    check(pthread_mutex_lock(&s->mutex) == 0);
    for (uint32_t i = 0; i < s->count && rc == ERR_OK; i++) {
        struct engine_output *o = &s->items[i];
        const struct engine_output_figures *f = &o->put_figures;
        o->durable_sequence = o->put_sequence;
        o->ever.received += f->received;
        o->ever.sent += f->sent;
        o->ever.refused += f->refused;
        o->unput.received -= f->received;
        o->unput.sent -= f->sent;
        o->unput.refused -= f->refused;
    }
    s->is_put = false;
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

/* Under mutex: whether there is something to be kept, and whether it is more than rows passed over.
 */
static bool put_wanted(const struct engine_outputs *s, bool *only_passed)
{
    bool wanted = false;
    *only_passed = true;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct engine_output *o = &s->items[i];
        wanted |= o->sequence > o->durable_sequence || o->durable_sequence == UINT64_MAX;
        *only_passed &= o->unput.received == 0 && o->durable_sequence != UINT64_MAX;
    }
    return wanted;
}

static void put(struct engine_outputs *s, struct engine_commit_output *outputs)
{
    s->is_put = true;
    for (uint32_t i = 0; i < s->count; i++) {
        struct engine_output *o = &s->items[i];
        o->put_figures = o->unput;
        o->put_sequence = o->sequence;
        outputs[i] = (struct engine_commit_output){.name = slice_from(o->name),
                                                   .sequence = o->sequence,
                                                   .received = o->unput.received,
                                                   .sent = o->unput.sent,
                                                   .refused = o->unput.refused};
    }
    s->put_at_ns = clock_monotonic_ns();
    engine_store_outputs(s->engine->store, outputs, s->count, put_done, s);
}

static void put_if_due(struct engine_outputs *s, struct engine_commit_output *outputs, bool at_once)
{
    bool only_passed;
    check(pthread_mutex_lock(&s->mutex) == 0);
    uint64_t passed_ns = clock_monotonic_ns() - s->put_at_ns;
    if (!s->is_put && put_wanted(s, &only_passed) &&
        (at_once || s->put_at_ns == 0 ||
         passed_ns > (only_passed ? OUTPUT_PUT_IDLE_MS : OUTPUT_PUT_MS) * MS_NS))
        put(s, outputs);
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

static void put_wait(struct engine_outputs *s)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    while (s->is_put)
        check(pthread_cond_wait(&s->changed, &s->mutex) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

/* ---- the thread ---- */

static void wait_a_little(struct engine_outputs *s)
{
    struct timespec until;
    check(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += (long)(OUTPUT_LOOK_MS * MS_NS);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    check(pthread_mutex_lock(&s->mutex) == 0);
    bool taken = false;
    for (uint32_t i = 0; i < s->count; i++)
        taken |= s->items[i].state == OUTPUT_TAKEN;
    if (!taken && !s->is_ending) {
        int rc = pthread_cond_timedwait(&s->changed, &s->mutex, &until);
        check(rc == 0 || rc == ETIMEDOUT);
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

void *engine_output_reader(void *context)
{
    struct engine_outputs *s = context;
    struct engine_commit_output *outputs = mem_zeroed(s->count, sizeof(*outputs));
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread, as Linux has it */
    for (bool ends = false; !ends;) {
        check(pthread_mutex_lock(&s->mutex) == 0);
        ends = s->is_ending;
        check(pthread_mutex_unlock(&s->mutex) == 0);
        bool more = false;
        for (uint32_t i = 0; i < s->count; i++)
            more |= output_step(s, &s->items[i]);
        if (!ends)
            put_if_due(s, outputs, false);
        if (!more && !ends)
            wait_a_little(s);
    }
    put_wait(s); /* what was taken is not to be sent again after an end in good order */
    put_if_due(s, outputs, true);
    put_wait(s);
    for (uint32_t i = 0; i < s->count; i++)
        follow_end(&s->items[i]);
    store_close(&s->store);
    mem_free(outputs);
    return NULL;
}
