/* Calls: who asks, what is asked, and the answer. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/commands.h"
#include "program/engine.h"
#include "program/engine_parse.h"
#include "program/engine_scope.h"
#include "state/state.h"

/* ---- a call's life ---- */

struct engine_call *engine_call_make(struct engine *e, struct engine_peer *p, uint64_t id)
{
    struct engine_call *call = mem_zeroed(1, sizeof(*call));
    call->engine = e;
    call->peer = engine_peer_use(p);
    call->id = id;
    call->call.own = call;
    call->call.caller = caller_system();
    call->call.now_ns = clock_now_ns();
    return call;
}

void engine_call_drop(struct engine_call *call)
{
    command_call_free(&call->call);
    engine_peer_unuse(call->peer);
    mem_free(call);
}

/* A Unix user, whoever it is, cannot take the room of web and of root. */
static uint32_t calls_max(const struct engine_peer *p)
{
    return p->role == ROLE_PARENT && !engine_control_is_root(&p->who) ? ENGINE_LOCAL_CALLS_MAX
                                                                      : ENGINE_PEER_CALLS_MAX;
}

int engine_call_put(struct engine_call *call, struct err *err)
{
    struct engine *e = call->engine;
    int rc = ERR_OK;
    if (call->peer && e->is_ending)
        rc = call_refuse(&call->call, err, ERR_BUSY,
                         "the node is shutting down: send it again when it is up",
                         "nút đang dừng: hãy gửi lại khi nút đã chạy");
    else if (call->peer &&
             (call->peer->calls >= calls_max(call->peer) || e->calls >= ENGINE_CALLS_MAX ||
              e->call_bytes + call->bytes > ENGINE_CALLS_BYTES_MAX))
        rc = call_refuse(&call->call, err, ERR_BUSY,
                         "the node has too much to do just now: send it again in a moment",
                         "nút đang xử lý quá nhiều yêu cầu: hãy gửi lại sau giây lát");
    if (rc == ERR_OK)
        rc = engine_writer_put(e->writer, call, err);
    if (rc != ERR_OK) {
        metric_add(&engine_metrics[ENGINE_METRIC_COMMANDS_BUSY], 1);
        return rc;
    }
    e->calls++;
    e->call_bytes += call->bytes;
    if (call->peer)
        call->peer->calls++;
    return ERR_OK;
}

static void internal_done(struct engine_call *call)
{
    if (call->call.rc != ERR_OK)
        log_say(LOG_ERROR, "internal", "%s failed: %s", call->call.command->name,
                call->call.err.text);
}

void engine_call_internal(struct engine *e, const char *name, const struct command_value *values,
                          uint32_t count, void (*done)(struct engine_call *call), void *own)
{
    struct err err;
    struct engine_call *call = engine_call_make(e, NULL, 0);
    call->call.command = command_find(&commands, slice_from(name));
    check(call->call.command);
    call->call.values = arena_zeroed(&call->call.arena, count, sizeof(*values));
    call->call.value_count = count;
    for (uint32_t i = 0; i < count; i++) {
        call->call.values[i].name = arena_copy(&call->call.arena, values[i].name);
        call->call.values[i].text = arena_copy(&call->call.arena, values[i].text);
    }
    call->done = done ? done : internal_done;
    call->own = own;
    check(engine_call_put(call, &err) == ERR_OK); /* without a peer nothing is refused */
}

/* ---- who asks ---- */

int engine_call_unknown(bool vietnamese, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "%s",
                   vietnamese ? "phiên làm việc không còn hiệu lực: hãy đăng nhập lại"
                              : "this session is not known or has ended: sign in again");
}

/* Writer's thread: a Unix user's Canh user, as it is now. */
static void unix_find(struct engine_call *call)
{
    struct command_call *c = &call->call;
    bool vietnamese = c->caller.vietnamese;
    c->rc = engine_unix_find(call->engine->signin, call->peer->who.user_id, vietnamese, &c->arena,
                             &c->caller, &c->err);
    c->caller.vietnamese = vietnamese;
    c->denied = call->settled = c->rc != ERR_OK;
}

static void unix_root(struct engine_call *call, struct slice from)
{
    struct command_call *c = &call->call;
    uint32_t user_id = call->peer->who.user_id;
    c->caller.kind = CALLER_UNIX;
    c->caller.name =
        user_id == 0 ? SLICE("unix:root") : arena_printf(&c->arena, "unix:%u", (unsigned)user_id);
    c->caller.from = arena_copy(&c->arena, from);
    c->caller.rights = RIGHT_ALL;
    c->caller.everywhere = true;
}

int engine_call_caller(struct engine_call *call, struct slice secret, struct slice from,
                       struct err *err)
{
    struct command_call *c = &call->call;
    bool vietnamese = c->caller.vietnamese;
    if (call->peer->role == ROLE_PARENT) {
        unix_root(call, SLICE("control"));
        if (!engine_control_is_root(&call->peer->who)) {
            c->caller.rights = 0;
            c->caller.everywhere = false;
            call->before = unix_find;
        }
        return ERR_OK;
    }
    int rc = ERR_NOT_FOUND;
    if (secret.len > 0)
        rc = signin_find(call->engine->signin, secret, c->now_ns, &c->arena, &c->caller, err);
    metric_add(&engine_metrics[rc == ERR_OK ? ENGINE_METRIC_WHO_KNOWN : ENGINE_METRIC_WHO_UNKNOWN],
               1);
    if (rc != ERR_OK)
        c->caller = (struct caller){.kind = CALLER_SESSION, .name = SLICE("nobody")};
    c->caller.from = arena_copy(&c->arena, from);
    if (rc != ERR_OK)
        c->caller.vietnamese = vietnamese;
    return rc == ERR_OK || rc == ERR_LIMIT || rc == ERR_BUSY ? rc
                                                             : engine_call_unknown(vietnamese, err);
}

/* ---- WHO ---- */

static void who_answer(struct engine_call *call)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)call->call.rc);
    if (call->call.rc == ERR_OK)
        caller_pack(&call->call.caller, &payload);
    engine_send(call->peer, MESSAGE_CALLER, call->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

/* At once, but for Unix users that the writer has to look up. */
static void answer(struct engine_call *call, void (*done)(struct engine_call *call))
{
    call->done = done;
    if (call->before) {
        int rc = engine_call_put(call, &call->call.err);
        if (rc == ERR_OK)
            return; /* from here on it is the writer's */
        call->call.rc = rc;
    }
    done(call);
    engine_call_drop(call);
}

static int who_take(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_who who;
    int rc = engine_parse_who(buf_as_slice(&m->payload), &who, err);
    if (rc != ERR_OK)
        return rc;
    struct engine_call *call = engine_call_make(p->engine, p, m->id);
    call->call.rc = engine_call_caller(call, who.secret, who.from, &call->call.err);
    answer(call, who_answer);
    return ERR_OK;
}

/* ---- CALL ---- */

static void result_send(struct engine_peer *p, uint64_t id, const struct command_call *c,
                        uint32_t flags)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)c->rc);
    bytes_put_u32(&payload, flags | (c->denied ? RESULT_DENIED : 0));
    bytes_put_text(&payload, slice_from(c->rc == ERR_OK ? "" : c->err.text));
    bytes_put_u64(&payload, c->audit_id);
    /* also a refusal may have a result: rows that do not fit, another step that is wanted */
    message_put_long(&payload, buf_as_slice(&c->result));
    engine_send(p, MESSAGE_RESULT, id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

static void command_count(const struct command_call *c)
{
    enum engine_metric metric = ENGINE_METRIC_COMMANDS_REFUSED;
    if (c->rc == ERR_OK)
        metric = ENGINE_METRIC_COMMANDS_DONE;
    else if (c->rc == ERR_IO || c->rc == ERR_FULL || c->rc == ERR_DAMAGED)
        metric = ENGINE_METRIC_COMMANDS_FAILED;
    metric_add(&engine_metrics[metric], 1);
}

static void command_answer(struct engine_call *call)
{
    command_count(&call->call);
    result_send(call->peer, call->id, &call->call, 0);
}

static void command_refuse(struct engine_call *call, uint32_t flags)
{
    result_send(call->peer, call->id, &call->call, flags);
    engine_call_drop(call);
}

static int call_take(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_wish wish;
    int rc = engine_parse_call(buf_as_slice(&m->payload), &wish, err);
    if (rc != ERR_OK)
        return rc;
    struct engine_call *call = engine_call_make(p->engine, p, m->id);
    struct command_call *c = &call->call;
    call->bytes = wish.packed.len;
    call->done = command_answer;
    c->caller.vietnamese = wish.flags & CALL_VIETNAMESE;
    int known = engine_call_caller(call, wish.secret, wish.from, &c->err);
    c->caller.vietnamese = wish.flags & CALL_VIETNAMESE; /* as this call wants to be answered */
    struct err why = c->err;
    c->rc = command_unpack(&commands, wish.packed, c, &c->err);
    if (c->rc == ERR_SYNTAX) { /* web and command line pack with the same code */
        rc = err_set(err, ERR_SYNTAX, "%s", c->err.text);
        engine_call_drop(call);
        return rc;
    }
    c->dry |= (wish.flags & CALL_DRY) != 0;
    if (c->rc == ERR_OK && known != ERR_OK && !(c->command->flags & COMMAND_OPEN)) {
        c->rc = known;
        c->err = why;
        c->denied = known == ERR_NOT_FOUND;
        command_refuse(call, c->denied ? RESULT_UNKNOWN : 0);
        return ERR_OK;
    }
    if (c->rc == ERR_OK) {
        rc = engine_call_put(call, &c->err);
        if (rc == ERR_OK)
            return ERR_OK; /* from here on it is the writer's */
        c->rc = rc;
    }
    command_refuse(call, 0);
    return ERR_OK;
}

/* ---- STATUS, METRICS ---- */

struct status_ask { /* in the call's arena */
    struct engine_scope scope;
    void (*resolve)(struct engine_call *call);
};

/* Writer's thread: the names of the units that the caller may see. */
static void status_before(struct engine_call *call)
{
    struct command_call *c = &call->call;
    struct status_ask *ask = call->own;
    if (ask->resolve)
        ask->resolve(call);
    if (c->rc == ERR_OK && !c->caller.everywhere)
        c->rc = engine_scope_read(&ask->scope, state_db(call->engine->state), &c->caller, &c->arena,
                                  &c->err);
}

static void status_answer(struct engine_call *call)
{
    struct command_call *c = &call->call;
    struct status_ask *ask = call->own;
    struct buf payload = {0}, json = {0};
    if (c->rc == ERR_OK && !caller_may(&c->caller, RIGHT_READ))
        c->rc = ERR_USAGE;
    if (c->rc == ERR_OK)
        engine_status_json(call->engine, c->caller.everywhere ? NULL : &ask->scope, &json);
    engine_scope_free(&ask->scope);
    bytes_put_u32(&payload, (uint32_t)c->rc);
    message_put_long(&payload, buf_as_slice(&json));
    engine_send(call->peer, MESSAGE_STATUS_IS, call->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
    buf_free(&json);
}

static int status_take(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_who who;
    int rc = engine_parse_who(buf_as_slice(&m->payload), &who, err);
    if (rc != ERR_OK)
        return rc;
    struct engine_call *call = engine_call_make(p->engine, p, m->id);
    call->call.rc = engine_call_caller(call, who.secret, who.from, &call->call.err);
    struct status_ask *ask = arena_zeroed(&call->call.arena, 1, sizeof(*ask));
    ask->scope.config = p->engine->context->config;
    ask->resolve = call->before;
    call->own = ask;
    if (call->call.rc == ERR_OK && !call->call.caller.everywhere)
        call->before = status_before;
    answer(call, status_answer);
    return ERR_OK;
}

static int metrics_take(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    if (m->payload.len > 0)
        return err_set(err, ERR_SYNTAX, "a message that asks for metrics has no parts");
    struct buf payload = {0};
    engine_status_metrics(p->engine, &payload);
    engine_send(p, MESSAGE_METRICS_ARE, m->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
    return ERR_OK;
}

int engine_call_message(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    switch (m->type) {
    case MESSAGE_WHO:
        return who_take(p, m, err);
    case MESSAGE_CALL:
        return call_take(p, m, err);
    case MESSAGE_STATUS:
        return status_take(p, m, err);
    default:
        return metrics_take(p, m, err);
    }
}
