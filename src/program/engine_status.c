/* What the node says of itself: one JSON object for people and programs (docs/status.md), and the
 * metrics of all roles. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "canh_commit.h"
#include "formats/json.h"
#include "program/engine_output.h"
#include "program/engine_parse.h"
#include "program/engine_figures.h"
#include "program/engine_health.h"
#include "program/engine_status.h"
#include "program/engine_store.h"
#include "program/engine_watch.h"
#include "program/engine_writer.h"
#include "program/role_process.h"

enum { TOUCH_S = 60 };
#define CLOCK_JUMP_NS (2 * CLOCK_SECOND_NS)

void engine_status_open(struct engine *e)
{
    e->status = mem_zeroed(1, sizeof(*e->status));
    e->status->clock_offset_ns = clock_now_ns() - (int64_t)clock_monotonic_ns();
    e->status->jump_at_ns = CLOCK_NONE;
    e->status->touched_ns = clock_monotonic_ns();
}

void engine_status_close(struct engine *e)
{
    if (!e->status)
        return;
    buf_free(&e->status->roles_payload);
    buf_free(&e->status->unread);
    mem_free(e->status);
    e->status = NULL;
}

int engine_status_roles(struct engine *e, struct wire_message *m, struct err *err)
{
    struct engine_status *s = e->status;
    struct engine_roles roles;
    int rc = engine_parse_roles(buf_as_slice(&m->payload), &roles, err);
    if (rc != ERR_OK)
        return rc;
    buf_clear(&s->roles_payload);
    buf_slice(&s->roles_payload, buf_as_slice(&m->payload));
    rc = engine_parse_roles(buf_as_slice(&s->roles_payload), &s->roles, err);
    s->is_told = rc == ERR_OK;
    return rc;
}

/* ---- time ---- */

static void clock_look(struct engine *e)
{
    struct engine_status *s = e->status;
    int64_t offset_ns = clock_now_ns() - (int64_t)clock_monotonic_ns();
    int64_t jump_ns = offset_ns - s->clock_offset_ns;
    s->clock_offset_ns = offset_ns;
    if (jump_ns < CLOCK_JUMP_NS && jump_ns > -CLOCK_JUMP_NS)
        return;
    if (e->store)
        engine_watch_jumped(engine_store_watch(e->store), clock_now_ns());
    s->jump_ns = jump_ns;
    s->jump_at_ns = clock_now_ns();
    log_say(LOG_WARNING, "clock",
            "the system's clock jumped by %lld seconds: check time "
            "synchronisation",
            (long long)(jump_ns / CLOCK_SECOND_NS));
}

/* When sessions were used last is kept once a minute. */
static void touch(struct engine *e)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (e->is_ending || now_ns - e->status->touched_ns < TOUCH_S * (uint64_t)CLOCK_SECOND_NS)
        return;
    e->status->touched_ns = now_ns;
    struct arena arena = {0};
    struct command_value *values = NULL;
    uint32_t count = signin_touched(e->signin, &arena, &values);
    if (count > 0)
        engine_call_internal(e, "session.touch", values, count, NULL, NULL);
    arena_free(&arena);
}

static void gauges_set(struct engine *e)
{
    struct engine_figures f;
    struct engine_status *s = e->status;
    int64_t ready = 0, restarts = 0, age_ns = 0;
    engine_writer_figures(e->writer, &f);
    for (uint32_t i = 0; i < s->roles.count; i++) {
        ready += s->roles.rows[i].state == ROLE_READY;
        restarts += s->roles.rows[i].restarts;
    }
    if (f.outbox.oldest_ns != CLOCK_NONE && f.outbox.waiting > 0)
        age_ns = clock_now_ns() - f.outbox.oldest_ns;
    metric_set(&engine_metrics[ENGINE_METRIC_QUEUED], engine_writer_queued(e->writer));
    metric_set(&engine_metrics[ENGINE_METRIC_AUDIT_ROWS], (int64_t)f.audit_rows);
    metric_set(&engine_metrics[ENGINE_METRIC_SESSIONS], (int64_t)f.sessions);
    metric_set(&engine_metrics[ENGINE_METRIC_OUTBOX_WAITING], (int64_t)f.outbox.waiting);
    metric_set(&engine_metrics[ENGINE_METRIC_OUTBOX_OLDEST], age_ns > 0 ? age_ns : 0);
    metric_set(&engine_metrics[ENGINE_METRIC_OUTBOX_DELIVERED], (int64_t)f.outbox.delivered);
    metric_set(&engine_metrics[ENGINE_METRIC_OUTBOX_GIVEN_UP], (int64_t)f.outbox.given_up);
    metric_set(&engine_metrics[ENGINE_METRIC_ROLES_READY], ready);
    metric_set(&engine_metrics[ENGINE_METRIC_ROLES_RESTARTS], restarts);
    metric_set(&engine_metrics[ENGINE_METRIC_DISK_FREE], (int64_t)f.disk_free_bytes);
    if (e->store)
        engine_health_tick(e, &f);
    metric_set(&engine_metrics[ENGINE_METRIC_OVERALL],
               engine_status_overall(e, &f, NULL, NULL) == ENGINE_WATCHING);
}

void engine_status_tick(struct engine *e)
{
    clock_look(e);
    touch(e);
    if (e->status->ticks++ % (1000 / ENGINE_TICK_MS) == 0)
        gauges_set(e);
}

/* ---- JSON ---- */

static void time_write(struct json_writer *w, const char *key, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    json_key(w, key);
    if (time_ns == CLOCK_NONE || time_ns == 0)
        json_null(w);
    else
        json_string(w, slice_make(text, clock_text(text, time_ns)));
}

static void text_write(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_string(w, slice_from(text));
}

static void roles_write(const struct engine_status *s, struct json_writer *w)
{
    static const char *const states[] = {"absent", "starting", "ready", "ending", "waiting"};
    json_key(w, "roles");
    json_open_array(w);
    for (uint32_t i = 0; i < s->roles.count; i++) {
        const struct engine_role *r = &s->roles.rows[i];
        struct buf layers = {0};
        sandbox_layers_text(r->layers, &layers);
        json_open_object(w);
        text_write(w, "role", role_specs[r->role].name);
        json_member_u64(w, "instance", r->instance);
        text_write(w, "state", states[r->state]);
        json_member_u64(w, "pid", r->process_id);
        json_member_u64(w, "restarts", r->restarts);
        time_write(w, "since", r->since_ns);
        json_key(w, "sandbox");
        json_string(w, buf_as_slice(&layers));
        json_key(w, "partial");
        json_bool(w, engine_status_is_partial(r));
        json_key(w, "on_demand");
        json_bool(w, !role_specs[r->role].kept || r->instance > 0);
        json_key(w, "why");
        json_string(w, r->why);
        json_close_object(w);
        buf_free(&layers);
    }
    json_close_array(w);
}

static void state_write(struct engine *e, const struct engine_figures *f, struct json_writer *w)
{
    json_key(w, "state");
    json_open_object(w);
    json_member_u64(w, "users", f->users);
    json_member_u64(w, "units", f->units);
    json_member_u64(w, "systems", f->systems);
    json_member_u64(w, "hosts", f->hosts);
    json_member_u64(w, "sessions", f->sessions);
    json_member_u64(w, "audit_rows", f->audit_rows);
    text_write(w, "head", f->head);
    json_member_u64(w, "queued", engine_writer_queued(e->writer));
    json_key(w, "failure");
    if (f->failures > 0)
        json_string(w, slice_from(f->failure));
    else
        json_null(w);
    json_close_object(w);

    json_key(w, "outbox");
    json_open_object(w);
    json_member_u64(w, "waiting", f->outbox.waiting);
    json_member_u64(w, "delivered", f->outbox.delivered);
    json_member_u64(w, "given_up", f->outbox.given_up);
    time_write(w, "oldest", f->outbox.oldest_ns);
    json_close_object(w);

    json_key(w, "disk");
    json_open_object(w);
    json_member_u64(w, "free_bytes", f->disk_free_bytes);
    json_close_object(w);
}

static void clock_write(const struct engine_status *s, struct json_writer *w)
{
    json_key(w, "clock");
    json_open_object(w);
    time_write(w, "now", clock_now_ns());
    time_write(w, "jumped", s->jump_at_ns);
    json_key(w, "jump_seconds");
    json_i64(w, s->jump_ns / CLOCK_SECOND_NS);
    json_close_object(w);
}

static void certificate_write(const struct engine_figures *f, struct json_writer *w)
{
    json_key(w, "certificate");
    if (f->certificate_until_ns == CLOCK_NONE) {
        json_null(w);
        return;
    }
    json_open_object(w);
    time_write(w, "until", f->certificate_until_ns);
    text_write(w, "fingerprint", f->certificate);
    json_close_object(w);
}

void engine_status_json(struct engine *e, const struct engine_scope *scope, struct buf *out)
{
    struct engine_figures f;
    struct json_writer w = {.out = out};
    engine_writer_figures(e->writer, &f);
    json_open_object(&w);
    text_write(&w, "node", f.node);
    text_write(&w, "version", CANH_VERSION);
    text_write(&w, "commit", CANH_COMMIT);
    json_key(&w, "timezone");
    json_string(&w, e->context->config->store.timezone);
    json_member_u64(&w, "epoch", f.epoch);
    time_write(&w, "started", e->started_ns);
    json_key(&w, "overall");
    (void)engine_status_overall(e, &f, scope, &w);
    roles_write(e->status, &w);
    if (e->store) {
        engine_status_sources(e, scope, &w);
        engine_health_status(engine_store_health_of(e->store), scope, &w);
        if (!scope)
            engine_outputs_status(e, &w);
    }
    state_write(e, &f, &w);
    clock_write(e->status, &w);
    certificate_write(&f, &w);
    if (e->store) {
        json_key(&w, "store");
        json_open_object(&w);
        engine_store_status(e->store, &w);
        json_close_object(&w);
    }
    json_close_object(&w);
}

/* ---- metrics ---- */

static void source_put(struct buf *out, const char *role, uint32_t instance, struct slice packed)
{
    char name[40];
    if (instance > 0)
        (void)snprintf(name, sizeof(name), "%s-%u", role, instance);
    else
        (void)snprintf(name, sizeof(name), "%s", role);
    bytes_put_text(out, slice_from(name));
    message_put_long(out, packed);
}

struct tables {
    struct buf *out;
    uint32_t count;
};

static void table_put(void *context, struct slice packed)
{
    struct tables *tables = context;
    source_put(tables->out, "engine", 0, packed);
    tables->count++;
}

void engine_status_metrics(struct engine *e, struct buf *out)
{
    struct tables tables = {.out = out};
    struct engine_status *s = e->status;
    struct buf packed = {0};
    uint32_t count = 1, store_count = 0, output_count;
    size_t at = out->len;
    bytes_put_u32(out, 0);
    gauges_set(e);
    role_process_pack(e->context, &packed);
    source_put(out, "engine", 0, buf_as_slice(&packed));
    if (e->store) {
        const struct metric *metrics = engine_store_metrics(e->store, &store_count);
        buf_clear(&packed);
        metric_pack(metrics, store_count, &packed);
        source_put(out, "engine", 0, buf_as_slice(&packed));
        count++;
    }
    const struct metric *outputs = engine_outputs_metrics(e, &output_count);
    if (output_count) {
        buf_clear(&packed);
        metric_pack(outputs, output_count, &packed);
        source_put(out, "engine", 0, buf_as_slice(&packed));
        count++;
    }
    engine_figures_each(e, table_put, &tables);
    count += tables.count;
    for (uint32_t i = 0; i < s->roles.count; i++) {
        const struct engine_role *r = &s->roles.rows[i];
        if (r->role == ROLE_ENGINE || r->metrics.len == 0)
            continue;
        source_put(out, role_specs[r->role].name, r->instance, r->metrics);
        count++;
    }
    bytes_set_u32(out->data + at, count);
    buf_free(&packed);
}
