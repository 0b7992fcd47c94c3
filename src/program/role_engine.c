/* The engine's life: opening what it writes, its peers, its loop, its end. */
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/commands.h"
#include "program/engine.h"
#include "program/engine_fetch.h"
#include "program/engine_output.h"
#include "program/engine_parse.h"
#include "program/engine_register.h"
#include "program/engine_rules.h"
#include "program/engine_store.h"
#include "program/engine_unread.h"

/* ---- peers ---- */

static struct engine_peer **peer_place(struct engine *e, const struct engine_peer *p)
{
    struct engine_peer **at = &e->peers;
    while (*at && *at != p)
        at = &(*at)->next;
    return at;
}

struct engine_peer *engine_peer_use(struct engine_peer *p)
{
    if (p)
        p->uses++;
    return p;
}

void engine_peer_unuse(struct engine_peer *p)
{
    if (!p || --p->uses > 0)
        return;
    *peer_place(p->engine, p) = p->next;
    mem_free(p);
}

void engine_peer_end(struct engine_peer *p)
{
    if (!p->peer)
        return;
    peer_close(&p->peer);
    if (p->role == ROLE_INTAKE || p->role == ROLE_READER) {
        if (p->engine->store)
            engine_store_gone(p->engine->store, p);
    } else if (p->role == ROLE_COURIER) {
        engine_outbox_gone(p->engine);
        engine_outputs_gone(p->engine);
        engine_fetch_gone(p->engine);
    }
    engine_ask_gone(p);
    engine_peer_unuse(p);
}

struct engine_peer *engine_peer_find(struct engine *e, enum role role, uint32_t instance)
{
    for (struct engine_peer *p = e->peers; p; p = p->next)
        if (p->peer && p->role == role && p->instance == instance)
            return p;
    return NULL;
}

void engine_end_role(struct engine *e, enum role role, uint32_t instance, const char *why)
{
    struct buf payload = {0}, clean = {0};
    engine_text_clean(slice_from(why), ERR_TEXT_BYTES, &clean);
    bytes_put_u32(&payload, (uint32_t)role);
    bytes_put_u32(&payload, instance);
    bytes_put_text(&payload, buf_as_slice(&clean));
    engine_tell_parent(e, MESSAGE_END_ROLE, 0, buf_as_slice(&payload), NULL, 0);
    buf_free(&clean);
    buf_free(&payload);
}

void engine_violation(struct engine_peer *p, const struct err *err)
{
    struct engine *e = p->engine;
    const char *name =
        p->role == ROLE_PARENT ? "a client at the control socket" : role_specs[p->role].name;
    metric_add(&engine_metrics[ENGINE_METRIC_VIOLATIONS], 1);
    e->violations++;
    log_say(LOG_ERROR, "violation", "%s broke the rules of its wire and is cut off: %s", name,
            err->text);
    enum role role = p->role;
    uint32_t instance = p->instance;
    engine_peer_end(p);
    if (role != ROLE_PARENT)
        engine_end_role(e, role, instance, err->text);
}

void engine_send(struct engine_peer *p, uint16_t type, uint64_t id, struct slice payload,
                 const int *fds, uint32_t fd_count)
{
    struct err err;
    if (!p || !p->peer)
        return;
    int rc = peer_send(p->peer, type, id, payload, fds, fd_count, &err);
    if (rc == ERR_OK)
        return;
    if (rc == ERR_CLOSED)
        return;
    if (p->role != ROLE_PARENT) { /* without its wire a role is of no use */
        engine_violation(p, &err);
        return;
    }
    log_err(LOG_WARNING, "send", &err);
    engine_peer_end(p);
}

void engine_tell_parent(struct engine *e, uint16_t type, uint64_t id, struct slice payload,
                        const int *fds, uint32_t fd_count)
{
    struct err err;
    if (wire_send(e->context->parent, type, id, payload, fds, fd_count, &err) != ERR_OK)
        log_err(LOG_WARNING, "parent", &err);
}

static int unexpected(const struct wire_message *m, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "a message of type %u may not come from there", m->type);
}

/* What each may send: nothing else is looked at. */
static int message_take(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine *e = p->engine;
    bool is_client = p->role == ROLE_WEB || p->role == ROLE_PARENT;
    switch (m->type) {
    case MESSAGE_WHO:
        return is_client || p->role == ROLE_INTAKE ? engine_call_message(p, m, err)
                                                   : unexpected(m, err);
    case MESSAGE_CALL:
    case MESSAGE_STATUS:
    case MESSAGE_METRICS:
        return is_client ? engine_call_message(p, m, err) : unexpected(m, err);
    case MESSAGE_ASK:
        return is_client ? engine_ask_message(p, m, err) : unexpected(m, err);
    case MESSAGE_IMPORT:
        return p->role == ROLE_PARENT && e->store ? engine_control_import(p, m, err)
                                                  : unexpected(m, err);
    case MESSAGE_HAUL:
    case MESSAGE_HAULED_ALL:
        return (p->role == ROLE_INTAKE || p->role == ROLE_READER) && e->store
                   ? engine_store_message(e->store, p, m, err)
                   : unexpected(m, err);
    case MESSAGE_RULES_TAKEN:
    case MESSAGE_RULES_BURDEN:
        return (p->role == ROLE_INTAKE || p->role == ROLE_READER) && e->store
                   ? engine_rules_message(engine_store_rules_of(e->store), p, m, err)
                   : unexpected(m, err);
    case MESSAGE_RULES_NEW:
        return p->role == ROLE_PARENT ? engine_rules_new(e, p, m, err) : unexpected(m, err);
    case MESSAGE_RULES_FETCH:
        return p->role == ROLE_PARENT ? engine_fetch_ask(p, m, err) : unexpected(m, err);
    case MESSAGE_RULES_FETCHED:
        return p->role == ROLE_COURIER ? engine_fetch_done(p, m, err) : unexpected(m, err);
    case MESSAGE_QUERIED:
        return p->role == ROLE_QUERY ? engine_ask_queried(p, m, err) : unexpected(m, err);
    case MESSAGE_OUTPUT_DONE:
        return p->role == ROLE_COURIER ? engine_outputs_done(p, m, err) : unexpected(m, err);
    case MESSAGE_SENT:
        return p->role == ROLE_COURIER ? engine_outbox_sent(p, m, err) : unexpected(m, err);
    default:
        return unexpected(m, err);
    }
}

static void peer_message(void *context, struct peer *peer, struct wire_message *message)
{
    struct engine_peer *p = context;
    struct err err;
    (void)peer;
    p->last_ns = (int64_t)clock_monotonic_ns();
    engine_peer_use(p);
    if (message_take(p, message, &err) != ERR_OK && p->peer)
        engine_violation(p, &err);
    engine_peer_unuse(p);
}

static void peer_closed(void *context, struct peer *peer, const struct err *err)
{
    struct engine_peer *p = context;
    struct engine *e = p->engine;
    (void)peer;
    bool ends_all = e->is_alone && p->role == ROLE_PARENT;
    if (err->code == ERR_CLOSED || err->code == ERR_END)
        engine_peer_end(p);
    else
        engine_violation(p, err);
    if (ends_all)
        e->context->on_drain(e->context);
}

struct engine_peer *engine_peer_add(struct engine *e, enum role role, uint32_t instance, int fd,
                                    const struct wire_peer *who)
{
    static const struct peer_calls calls = {peer_message, peer_closed};
    struct engine_peer *p = mem_zeroed(1, sizeof(*p));
    p->engine = e;
    p->role = role;
    p->instance = instance;
    p->uses = 1;
    p->last_ns = (int64_t)clock_monotonic_ns();
    if (who)
        p->who = *who;
    p->next = e->peers;
    e->peers = p;
    p->peer = peer_open(&e->context->loop, fd, &calls, p);
    return p;
}

/* ---- what comes from the parent ---- */

static void on_peer(struct role_context *c, enum role role, uint32_t instance, int fd)
{
    struct engine *e = c->own;
    struct wire_peer who;
    struct err err;
    if (role == ROLE_PARENT) {
        if (!e->is_alone || wire_peer(fd, &who, &err) != ERR_OK) {
            (void)close(fd);
            return;
        }
        (void)engine_peer_add(e, role, 0, fd, &who);
        return;
    }
    struct engine_peer *old = engine_peer_find(e, role, instance);
    if (old)
        engine_peer_end(old);
    struct engine_peer *p = engine_peer_add(e, role, instance, fd, NULL);
    if ((role == ROLE_INTAKE || role == ROLE_READER) && e->store)
        engine_store_peer(e->store, p);
    else if (role == ROLE_QUERY)
        engine_ask_peer(p);
    else if (role == ROLE_COURIER) {
        engine_outbox_send(e);
        engine_outputs_tick(e);
    }
}

static int note_take(struct engine *e, struct wire_message *m, struct err *err)
{
    struct engine_note note;
    int rc = engine_parse_note(buf_as_slice(&m->payload), &note, err);
    if (rc != ERR_OK)
        return rc;
    struct buf text = {0}; /* it may hold what a role said: a note is never lost for that */
    engine_text_clean(note.text, ENGINE_NOTE_BYTES_MAX, &text);
    struct command_value values[2] = {{SLICE("kind"), note.kind},
                                      {SLICE("text"), buf_as_slice(&text)}};
    engine_call_internal(e, "node.note", values, 2, NULL, NULL);
    buf_free(&text);
    return ERR_OK;
}

/* The parent is trusted: what it sends wrongly is a bug that the log shows. */
static void on_message(struct role_context *c, struct wire_message *m)
{
    struct engine *e = c->own;
    struct err err;
    int rc = ERR_OK;
    if (m->type == MESSAGE_RAN)
        rc = engine_outbox_ran(e, m, &err);
    else if (m->type == MESSAGE_ROLES)
        rc = engine_status_roles(e, m, &err);
    else if (m->type == MESSAGE_TALLY && e->store)
        rc = engine_store_tally(e->store, m, &err);
    else if (m->type == MESSAGE_UNREAD)
        rc = engine_unread_take(e, m, &err);
    else if (m->type == MESSAGE_NOTE)
        rc = note_take(e, m, &err);
    else if (m->type == MESSAGE_SHARED && e->store)
        rc = engine_store_shared(e->store, m, &err);
    else if (m->type == MESSAGE_IMPORT && e->store)
        rc = engine_store_import(e->store, NULL, m, &err);
    else if (m->type == MESSAGE_JOURNAL_ENDED && e->store)
        rc = engine_store_journal_ended(e->store, m, &err);
    else
        rc = unexpected(m, &err);
    if (rc != ERR_OK)
        log_err(LOG_ERROR, "parent", &err);
}

void engine_end_if_done(struct engine *e)
{
    if (e->is_ending && e->calls == 0 && (!e->store || engine_store_idle(e->store)))
        uv_stop(&e->context->loop);
}

static void on_drain(struct role_context *c)
{
    struct engine *e = c->own;
    if (e->is_ending)
        return;
    e->is_ending = true;
    engine_control_close(e);
    if (e->store)
        engine_store_drain(e->store);
    engine_end_if_done(e);
}

/* ---- life ---- */

static void tick(uv_timer_t *timer)
{
    struct engine *e = timer->data;
    struct err err;
    engine_end_if_done(e);
    if (wire_flush(e->context->parent, &err) != ERR_OK && err.code != ERR_CLOSED)
        log_err(LOG_WARNING, "parent", &err);
    engine_control_tick(e);
    engine_ask_tick(e);
    engine_status_tick(e);
    if (e->hosts)
        engine_register_tell(e->hosts, NULL);
    engine_outputs_tick(e);
    if (e->store)
        engine_store_tick(e->store, clock_now_ns());
}

int engine_open(struct role_context *c, struct err *err)
{
    struct engine *e = mem_zeroed(1, sizeof(*e));
    c->own = e;
    c->on_peer = on_peer;
    c->on_message = on_message;
    c->on_drain = on_drain;
    c->metrics = engine_metrics;
    c->metric_count = ENGINE_METRICS;
    e->context = c;
    e->is_alone = (c->flags & ROLE_FLAG_ALONE) != 0;
    e->started_ns = clock_now_ns();
    commands_check();
    if (c->node_key.len > 0) {
        int rc = sign_secret_read(&e->key, c->node_key, err);
        if (rc != ERR_OK)
            return rc;
    }
    struct state_options options = {
        .data = c->data, .table = &commands, .key = e->key, .now_ns = e->started_ns};
    int rc = state_open(&e->state, &options, err);
    if (rc == ERR_OK)
        rc = signin_open(&e->signin, e->state, err);
    if (rc == ERR_OK && !e->is_alone)
        rc = engine_store_open(&e->store, e, err);
    if (rc == ERR_OK)
        rc = engine_writer_open(e, err);
    if (rc == ERR_OK && e->store)
        rc = engine_outputs_open(e, err);
    engine_asks_open(e);
    engine_outbox_open(e);
    if (!e->is_alone)
        e->hosts = engine_register_open(e);
    engine_status_open(e);
    return rc;
}

static int parts_start(struct engine *e, struct err *err)
{
    int rc = engine_writer_start(e, err);
    if (rc == ERR_OK && e->store)
        rc = engine_store_start(e->store, err);
    if (rc == ERR_OK)
        engine_outputs_start(e);
    if (rc == ERR_OK)
        rc = engine_control_open(e, err);
    return rc;
}

int engine_run(struct role_context *c, struct err *err)
{
    struct engine *e = c->own;
    check(uv_timer_init(&c->loop, &e->tick) == 0);
    e->tick.data = e;
    check(uv_timer_start(&e->tick, tick, ENGINE_TICK_MS, ENGINE_TICK_MS) == 0);
    int rc = parts_start(e, err);
    if (rc == ERR_OK)
        (void)uv_run(&c->loop, UV_RUN_DEFAULT);
    e->is_ending = true;
    engine_control_close(e);
    engine_outputs_stop(e);
    if (e->store)
        engine_store_stop(e->store);
    engine_writer_stop(e);
    struct engine_peer *p = e->peers;
    while (p) {
        engine_peer_use(p);
        engine_peer_end(p);
        struct engine_peer *next = p->next;
        engine_peer_unuse(p);
        p = next;
    }
    uv_close((uv_handle_t *)&e->tick, NULL);
    (void)uv_run(&c->loop, UV_RUN_NOWAIT); /* handles are closed before their memory goes */
    return rc;
}

void engine_close(struct role_context *c)
{
    struct engine *e = c->own;
    if (!e)
        return;
    engine_status_close(e);
    engine_outbox_close(e);
    engine_register_close(&e->hosts);
    engine_asks_close(e);
    engine_writer_close(e);
    engine_outputs_close(e);
    engine_store_close(&e->store);
    signin_close(&e->signin);
    state_close(&e->state);
    sign_key_close(&e->key);
    mem_free(e);
    c->own = NULL;
}

static uint32_t path_add(struct sandbox_path *paths, uint32_t at, uint32_t max, const char *path,
                         bool write)
{
    check(at < max);
    paths[at] = (struct sandbox_path){.path = path, .write = write};
    return at + 1;
}

/* The data folder; who Unix users are; what zones say. */
uint32_t engine_paths(const struct role_context *c, struct sandbox_path *paths, uint32_t max)
{
    uint32_t n = path_add(paths, 0, max, c->data, true);
    n = path_add(paths, n, max, "/etc/passwd", false);
    if (c->config->web.certificate_file.len > 0)
        n = path_add(paths, n, max, c->config->web.certificate_file.data, false);
    n = path_add(paths, n, max, "/usr/share/zoneinfo", false);
    return path_add(paths, n, max, "/etc/localtime", false);
}
