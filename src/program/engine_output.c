/* The outputs' part on the loop: batches to the courier, its answers; life. */
#include "program/engine_output.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "canh_commit.h"
#include "program/engine_output_inside.h"

#define MS_NS ((uint64_t)1000000)
enum { PROCESS_NONE = 0 };

/* ---- what an output is ---- */

static enum engine_output_form form_of(const struct config_output *c)
{
    if (slice_equal(c->kind, SLICE("elasticsearch")))
        return OUTPUT_BULK;
    if (slice_equal(c->kind, SLICE("file")))
        return OUTPUT_LINE;
    return slice_starts(c->url, SLICE("udp://")) ? OUTPUT_DATAGRAM : OUTPUT_FRAME;
}

static int item_open(struct engine_outputs *s, struct engine_output *o, struct err *err)
{
    const struct config *config = s->engine->context->config;
    const struct config_output *c = o->config;
    struct buf name = {0};
    int facility = render_facility(c->facility);
    buf_printf(&name, MESSAGE_OF_OUTPUT "%.*s", (int)c->row.name.len, c->row.name.data);
    o->name = mem_copy_text(name.data, name.len);
    buf_clear(&name);
    buf_printf(&name, "output=\"%.*s\"", (int)c->row.name.len, c->row.name.data);
    o->labels = mem_copy_text(name.data, name.len);
    buf_free(&name);
    o->form = form_of(c);
    o->syslog = (struct render_syslog){
        .facility = (uint8_t)(facility < 0 ? 0 : facility),
        .format = slice_equal(c->format, SLICE("cef")) ? RENDER_CEF : RENDER_JSON,
        .process_id = PROCESS_NONE}; /* what is sent again is to have the same bytes */
    o->failing_since_ns = o->newest_ns = CLOCK_NONE;
    const struct output_filter_options filter = {
        .text = c->filter,
        .mappings = config->rules.mappings.len ? config->rules.mappings.data : NULL,
        .timezone = config->store.timezone.len ? config->store.timezone.data : NULL,
        .epoch = s->render.epoch};
    int rc = output_filter_open(&o->filter, &filter, err);
    return rc ? err_prefix(err, "outputs.%.*s.filter", (int)c->row.name.len, c->row.name.data)
              : ERR_OK;
}

/* Where it goes on: behind what was taken; a new one begins now. */
static void cursor_find(struct engine_outputs *s, struct engine_output *o, uint64_t newest)
{
    struct engine_commit_output kept;
    if (!engine_store_output_of(s->engine->store, slice_from(o->name), &kept)) {
        o->sequence = newest;
        o->durable_sequence = UINT64_MAX;
        return;
    }
    o->ever = (struct engine_output_figures){kept.received, kept.sent, kept.refused};
    o->sequence = o->durable_sequence = kept.sequence;
    if (kept.sequence <= newest)
        return;
    log_say(LOG_WARNING, "output", "%s: its cursor lies ahead of the store: it goes on from now",
            o->name);
    o->sequence = newest;
    o->durable_sequence = UINT64_MAX;
}

static void metrics_make(struct engine_outputs *s)
{
    static const struct metric begin[OUTPUT_METRICS] = {
        [OUTPUT_METRIC_SENT] = {.name = "canh_output_sent_total",
                                .help = "rows that other systems took"},
        [OUTPUT_METRIC_REFUSED] = {.name = "canh_output_refused_total",
                                   .help = "rows that other systems refused for good"},
        [OUTPUT_METRIC_BEHIND] = {.name = "canh_output_behind_seconds",
                                  .kind = METRIC_GAUGE,
                                  .help = "how long the oldest row that is not sent has waited"}};
    s->metrics = mem_zeroed((size_t)s->count * OUTPUT_METRICS, sizeof(*s->metrics));
    for (uint32_t i = 0; i < s->count; i++)
        for (int k = 0; k < OUTPUT_METRICS; k++) {
            struct metric *m = &s->metrics[(uint32_t)k * s->count + i];
            *m = begin[k];
            m->labels = s->items[i].labels;
        }
}

/* ---- out ---- */

static void batch_send(struct engine_outputs *s, struct engine_output *o,
                       struct engine_peer *courier)
{
    check(pthread_mutex_lock(&s->mutex) == 0);
    bool due = o->state == OUTPUT_READY && clock_monotonic_ns() >= o->retry_ns;
    if (due) {
        o->state = OUTPUT_SENT;
        o->id = ++s->next_id;
    }
    check(pthread_mutex_unlock(&s->mutex) == 0);
    if (due)
        engine_send(courier, MESSAGE_OUTPUT, o->id, buf_as_slice(&o->batch), NULL, 0);
}

void engine_outputs_tick(struct engine *e)
{
    struct engine_outputs *s = e->outputs;
    struct engine_peer *courier = engine_peer_use(engine_peer_find(e, ROLE_COURIER, 0));
    for (uint32_t i = 0; s && courier && courier->peer && !e->is_ending && i < s->count; i++)
        batch_send(s, &s->items[i], courier);
    engine_peer_unuse(courier);
}

static void on_ready(uv_async_t *async)
{
    struct engine_outputs *s = async->data;
    engine_outputs_tick(s->engine);
}

/* Under mutex. */
static void failed(struct engine_output *o, struct slice why)
{
    struct buf clean = {0};
    engine_text_clean(why, OUTPUT_WHY_BYTES - 1, &clean);
    if (o->failing_since_ns == CLOCK_NONE)
        o->failing_since_ns = clock_now_ns();
    if (o->backoff_ns == 0 || strcmp(o->why, buf_text(&clean)) != 0)
        log_say(LOG_WARNING, "output", "%s: %u rows were not taken and are sent again: %s", o->name,
                o->rows, buf_text(&clean));
    (void)snprintf(o->why, sizeof(o->why), "%s", buf_text(&clean));
    buf_free(&clean);
    o->backoff_ns = o->backoff_ns ? 2 * o->backoff_ns : OUTPUT_BACKOFF_MS_MIN * MS_NS;
    if (o->backoff_ns > OUTPUT_BACKOFF_MS_MAX * MS_NS)
        o->backoff_ns = OUTPUT_BACKOFF_MS_MAX * MS_NS;
    o->retry_ns = clock_monotonic_ns() + o->backoff_ns;
    o->state = OUTPUT_READY;
}

static void succeeded(struct engine_output *o, uint32_t refused, struct slice why)
{
    if (o->failing_since_ns != CLOCK_NONE)
        log_say(LOG_INFO, "output", "%s: it takes rows again", o->name);
    o->failing_since_ns = CLOCK_NONE;
    o->newest_ns = clock_now_ns();
    o->backoff_ns = 0;
    o->refused = refused;
    o->state = OUTPUT_TAKEN;
    if (refused == 0)
        return;
    struct buf clean = {0};
    engine_text_clean(why, OUTPUT_WHY_BYTES - 1, &clean);
    (void)snprintf(o->refused_why, sizeof(o->refused_why), "%s", buf_text(&clean));
    log_say(LOG_ERROR, "output", "%s: %u of %u rows were refused for good: %s", o->name, refused,
            o->rows, buf_text(&clean));
    buf_free(&clean);
}

static struct engine_output *output_under_way(struct engine_outputs *s, uint64_t id)
{
    for (uint32_t i = 0; s && i < s->count; i++)
        if (s->items[i].state == OUTPUT_SENT && s->items[i].id == id)
            return &s->items[i];
    return NULL;
}

int engine_outputs_done(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_outputs *s = p->engine->outputs;
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    int32_t code = (int32_t)bytes_take_u32(&in);
    uint32_t refused = bytes_take_u32(&in);
    struct slice why = bytes_take_text(&in, ERR_TEXT_BYTES);
    if (in.bad || bytes_left(&in) || m->fd_count || code > 0)
        return err_set(err, ERR_SYNTAX, "the message OUTPUT_DONE is not as it must be");
    if (!s)
        return err_set(err, ERR_SYNTAX, "it sent a batch that it was not given");
    check(pthread_mutex_lock(&s->mutex) == 0);
    struct engine_output *o = output_under_way(s, m->id);
    bool good = o && refused <= o->rows;
    if (good && code)
        failed(o, why);
    else if (good)
        succeeded(o, refused, why);
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    return good ? ERR_OK : err_set(err, ERR_SYNTAX, "it sent a batch that it was not given");
}

void engine_outputs_gone(struct engine *e)
{
    struct engine_outputs *s = e->outputs;
    if (!s)
        return;
    check(pthread_mutex_lock(&s->mutex) == 0);
    for (uint32_t i = 0; i < s->count; i++)
        if (s->items[i].state == OUTPUT_SENT)
            s->items[i].state = OUTPUT_READY;
    check(pthread_mutex_unlock(&s->mutex) == 0);
}

/* ---- life ---- */

static void locks_open(struct engine_outputs *s)
{
    pthread_condattr_t monotonic;
    check(pthread_condattr_init(&monotonic) == 0);
    check(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&s->mutex, NULL) == 0);
    check(pthread_cond_init(&s->changed, &monotonic) == 0);
    check(pthread_condattr_destroy(&monotonic) == 0);
}

int engine_outputs_open(struct engine *e, struct err *err)
{
    const struct config *config = e->context->config;
    const struct config_output *outputs = config->outputs.items;
    int rc = ERR_OK;
    if (config->outputs.count == 0)
        return ERR_OK;
    struct engine_outputs *s = mem_zeroed(1, sizeof(*s));
    e->outputs = s;
    s->engine = e;
    locks_open(s);
    if (config->web.name.len)
        (void)snprintf(s->node, sizeof(s->node), "%s", config->web.name.data);
    else if (gethostname(s->node, sizeof(s->node) - 1) != 0)
        s->node[0] = '\0';
    uint64_t newest = engine_store_newest(e->store, &s->render.epoch);
    s->render.node = slice_from(s->node);
    s->render.version = SLICE(CANH_VERSION);
    s->items = mem_zeroed(config->outputs.count, sizeof(*s->items));
    for (uint32_t i = 0; i < config->outputs.count && rc == ERR_OK; i++) {
        struct engine_output *o = &s->items[s->count++];
        o->config = &outputs[i];
        rc = item_open(s, o, err);
        cursor_find(s, o, newest);
    }
    metrics_make(s);
    return rc;
}

void engine_outputs_start(struct engine *e)
{
    struct engine_outputs *s = e->outputs;
    if (!s)
        return;
    check(uv_async_init(&e->context->loop, &s->ready, on_ready) == 0);
    s->ready.data = s;
    check(pthread_create(&s->reader, NULL, engine_output_reader, s) == 0);
    s->is_started = true;
}

void engine_outputs_stop(struct engine *e)
{
    struct engine_outputs *s = e->outputs;
    if (!s || !s->is_started)
        return;
    check(pthread_mutex_lock(&s->mutex) == 0);
    s->is_ending = true;
    check(pthread_cond_broadcast(&s->changed) == 0);
    check(pthread_mutex_unlock(&s->mutex) == 0);
    check(pthread_join(s->reader, NULL) == 0);
    s->is_started = false;
    uv_close((uv_handle_t *)&s->ready, NULL);
}

void engine_outputs_close(struct engine *e)
{
    struct engine_outputs *s = e->outputs;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        struct engine_output *o = &s->items[i];
        output_filter_close(&o->filter);
        buf_free(&o->batch);
        mem_free(o->name);
        mem_free(o->labels);
    }
    check(pthread_cond_destroy(&s->changed) == 0);
    check(pthread_mutex_destroy(&s->mutex) == 0);
    mem_free(s->metrics);
    mem_free(s->items);
    mem_free(s);
    e->outputs = NULL;
}
