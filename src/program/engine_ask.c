/* Searches, hunts and exports: audited, then answered by a query role over a pipe, one at a time
 * for each of them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/commands.h"
#include "program/engine.h"
#include "program/engine_parse.h"
#include "program/engine_rules.h"
#include "program/engine_store.h"

enum {
    ASK_WAITING_MAX = 8,
    ASKS_MAX = ROLE_QUERIES_MAX + ASK_WAITING_MAX,
    ASKS_OF_ONE_MAX = ASKS_MAX / 2, /* of one user: others find room */
    ASK_START_S = 10,               /* until a query role that was asked for is asked for again */
    ASK_IDLE_S = 60,                /* then the further query role ends */
    ASK_LATE_S = 60                 /* beyond store.query_seconds: then its role is ended */
};

enum ask_state { ASK_AUDIT, ASK_WAITING, ASK_RUNNING };

struct ask {
    enum ask_state state;
    struct engine_peer *asker; /* used */
    struct engine_peer *query; /* RUNNING; used */
    uint64_t id, query_id;
    uint64_t user_id; /* who asks; 0: a Unix user, unix_id */
    uint32_t unix_id;
    struct buf caller, units, question; /* parts of QUERY */
    uint16_t unit_count;
    bool hunts;
    void (*resolve)(struct engine_call *call);
    int fd; /* the end that is written to */
    uint64_t began_ns;
    struct ask *next;
};

struct engine_asks {
    struct engine *engine;
    struct ask *first; /* oldest first */
    uint32_t count;
    uint64_t newest_id;
    uint64_t wanted_ns; /* when one more role was asked for; 0: not */
    uint64_t idle_ns;   /* since when a further role has nothing to do; 0: it has */
};

void engine_asks_open(struct engine *e)
{
    e->asks = mem_zeroed(1, sizeof(*e->asks));
    e->asks->engine = e;
}

static void ask_free(struct engine_asks *asks, struct ask *ask)
{
    struct ask **at = &asks->first;
    while (*at != ask)
        at = &(*at)->next;
    *at = ask->next;
    asks->count--;
    if (ask->fd >= 0)
        (void)close(ask->fd);
    engine_peer_unuse(ask->asker);
    engine_peer_unuse(ask->query);
    buf_free(&ask->caller);
    buf_free(&ask->units);
    buf_free(&ask->question);
    mem_free(ask);
}

void engine_asks_close(struct engine *e)
{
    if (!e->asks)
        return;
    while (e->asks->first)
        ask_free(e->asks, e->asks->first);
    mem_free(e->asks);
    e->asks = NULL;
}

static void asked_send(struct engine_peer *p, uint64_t id, const struct err *err, int fd)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)(err ? err->code : ERR_OK));
    bytes_put_text(&payload, slice_from(err ? err->text : ""));
    engine_send(p, MESSAGE_ASKED, id, buf_as_slice(&payload), &fd, err ? 0 : 1);
    buf_free(&payload);
}

/* ---- with the query roles ---- */

static void query_end(struct engine_peer *query)
{
    engine_end_role(query->engine, query->role, query->instance, "");
    engine_peer_end(query);
}

static struct ask *ask_of_query(const struct engine_asks *asks, const struct engine_peer *query)
{
    for (struct ask *ask = asks->first; ask; ask = ask->next)
        if (ask->query == query)
            return ask;
    return NULL;
}

static struct engine_peer *query_free(const struct engine_asks *asks, uint32_t *queries)
{
    struct engine_peer *found = NULL;
    *queries = 0;
    for (struct engine_peer *p = asks->engine->peers; p; p = p->next) {
        if (!p->peer || p->role != ROLE_QUERY)
            continue;
        ++*queries;
        if (!ask_of_query(asks, p) && (!found || p->instance < found->instance))
            found = p;
    }
    return found;
}

static void ask_start(struct engine_asks *asks, struct ask *ask, struct engine_peer *query)
{
    struct buf payload = {0};
    int fds[2] = {ask->fd, -1};
    if (ask->hunts && asks->engine->store)
        fds[1] = engine_rules_bundle(engine_store_rules_of(asks->engine->store));
    buf_slice(&payload, buf_as_slice(&ask->caller));
    bytes_put_u16(&payload, ask->unit_count);
    buf_slice(&payload, buf_as_slice(&ask->units));
    buf_slice(&payload, buf_as_slice(&ask->question));
    ask->state = ASK_RUNNING;
    ask->query = engine_peer_use(query);
    ask->query_id = ++asks->newest_id;
    ask->began_ns = clock_monotonic_ns();
    engine_send(query, MESSAGE_QUERY, ask->query_id, buf_as_slice(&payload), fds,
                fds[1] >= 0 ? 2 : 1);
    buf_free(&payload);
}

static void asks_go_on(struct engine_asks *asks)
{
    struct ask *next;
    for (struct ask *ask = asks->first; ask; ask = next) {
        uint32_t queries;
        next = ask->next;
        if (ask->state != ASK_WAITING)
            continue;
        struct engine_peer *query = query_free(asks, &queries);
        if (query) {
            ask_start(asks, ask, query);
            continue;
        }
        uint64_t now_ns = clock_monotonic_ns();
        if (queries < ROLE_QUERIES_MAX && queries > 0 &&
            (asks->wanted_ns == 0 ||
             now_ns - asks->wanted_ns > ASK_START_S * (uint64_t)CLOCK_SECOND_NS)) {
            asks->wanted_ns = now_ns;
            engine_tell_parent(asks->engine, MESSAGE_START_QUERY, 0, SLICE(""), NULL, 0);
        }
        break;
    }
}

void engine_ask_peer(struct engine_peer *p)
{
    struct engine_asks *asks = p->engine->asks;
    asks->wanted_ns = 0;
    asks_go_on(asks);
}

/* What it was answering is cut: the stream has no closing line. */
void engine_ask_gone(struct engine_peer *p)
{
    struct engine_asks *asks = p->engine->asks;
    struct ask *ask = p->role == ROLE_QUERY && asks ? ask_of_query(asks, p) : NULL;
    if (!ask)
        return;
    metric_add(&engine_metrics[ENGINE_METRIC_ASKS_FAILED], 1);
    ask_free(asks, ask);
}

int engine_ask_queried(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_asks *asks = p->engine->asks;
    struct engine_outcome outcome;
    int rc = engine_parse_queried(buf_as_slice(&m->payload), &outcome, err);
    if (rc != ERR_OK)
        return rc;
    struct ask *ask = ask_of_query(asks, p);
    if (!ask || ask->query_id != m->id)
        return err_set(err, ERR_SYNTAX, "it ends a search that it was not given");
    if (outcome.rc != ERR_OK && outcome.rc != ERR_CLOSED && outcome.rc != ERR_CANCELED)
        log_say(LOG_INFO, "search", "a search ended early: %.*s", (int)outcome.why.len,
                outcome.why.data);
    metric_add(
        &engine_metrics[outcome.rc == ERR_OK ? ENGINE_METRIC_ASKS_DONE : ENGINE_METRIC_ASKS_FAILED],
        1);
    ask_free(asks, ask);
    asks_go_on(asks);
    return ERR_OK;
}

/* ---- with who asks ---- */

/* Writer's thread: the caller as the query role gets it; then Canh itself runs the command, in the
 * caller's name and with its rights. */
static void ask_before(struct engine_call *call)
{
    struct ask *ask = call->own;
    if (ask->resolve)
        ask->resolve(call);
    caller_pack(&call->call.caller, &ask->caller);
    call->call.caller.kind = CALLER_SYSTEM;
}

int engine_ask_units(struct command_call *call, struct err *err)
{
    struct engine_call *own = call->own;
    struct ask *ask = own ? own->own : NULL;
    if (!ask || call->caller.everywhere)
        return ERR_OK;
    for (uint32_t i = 0; i < call->caller.unit_count; i++) {
        struct statement *s = statement_get(call->db, "SELECT name FROM unit WHERE id = ?1");
        statement_u64(s, 1, call->caller.units[i]);
        int rc = statement_step(s, err);
        if (rc == ERR_END)
            continue;
        if (rc != ERR_OK)
            return rc;
        bytes_put_text(&ask->units, statement_column_text(s, 0));
        ask->unit_count++;
        statement_reset(s);
    }
    return ERR_OK;
}

static void ask_audited(struct engine_call *call)
{
    struct engine *e = call->engine;
    struct ask *ask = call->own;
    int ends[2];
    if (call->call.rc == ERR_OK && pipe2(ends, O_CLOEXEC) != 0)
        call->call.rc = err_set_errno(&call->call.err, errno, "cannot make a pipe for a search");
    if (call->call.rc != ERR_OK) {
        asked_send(ask->asker, ask->id, &call->call.err, -1);
        ask_free(e->asks, ask);
        return;
    }
    ask->state = ASK_WAITING;
    ask->fd = ends[1];
    asked_send(ask->asker, ask->id, NULL, ends[0]);
    (void)close(ends[0]);
    asks_go_on(e->asks);
}

static struct ask *ask_add(struct engine_asks *asks, struct engine_peer *p, uint64_t id,
                           const struct engine_question *question)
{
    struct ask *ask = mem_zeroed(1, sizeof(*ask)), **at = &asks->first;
    ask->fd = -1;
    ask->asker = engine_peer_use(p);
    ask->id = id;
    ask->hunts = slice_equal(question->kind, SLICE("hunt"));
    bytes_put_text(&ask->question, question->kind);
    bytes_put_u16(&ask->question, question->count);
    for (uint16_t i = 0; i < question->count; i++)
        bytes_put_text(&ask->question, question->words[i]);
    bytes_put_u32(&ask->question, question->flags);
    while (*at)
        at = &(*at)->next;
    *at = ask;
    asks->count++;
    return ask;
}

static struct engine_call *run_make(struct engine_peer *p, uint64_t id,
                                    const struct engine_question *question)
{
    struct engine_call *call = engine_call_make(p->engine, p, id);
    struct command_call *c = &call->call;
    c->command = command_find(&commands, SLICE("search.run"));
    check(c->command);
    c->caller.vietnamese = question->flags & CALL_VIETNAMESE;
    c->value_count = 1u + question->count;
    c->values = arena_zeroed(&c->arena, c->value_count, sizeof(*c->values));
    c->values[0] = (struct command_value){SLICE("kind"), arena_copy(&c->arena, question->kind)};
    for (uint16_t i = 0; i < question->count; i++)
        c->values[i + 1] =
            (struct command_value){SLICE("word"), arena_copy(&c->arena, question->words[i])};
    return call;
}

/* Root and the service's user are their own masters. */
static bool has_room(const struct engine_asks *asks, const struct engine_peer *p, uint64_t user_id,
                     uint32_t unix_id)
{
    if (p->role == ROLE_PARENT && engine_control_is_root(&p->who))
        return true;
    uint32_t count = 0;
    for (const struct ask *ask = asks->first; ask; ask = ask->next)
        count += ask->user_id == user_id && ask->unix_id == unix_id;
    return count < ASKS_OF_ONE_MAX;
}

int engine_ask_message(struct engine_peer *p, struct wire_message *m, struct err *err)
{
    struct engine_asks *asks = p->engine->asks;
    struct engine_question question;
    int rc = engine_parse_ask(buf_as_slice(&m->payload), &question, err);
    if (rc != ERR_OK)
        return rc;
    struct engine_call *call = run_make(p, m->id, &question);
    struct command_call *c = &call->call;
    bool vietnamese = c->caller.vietnamese;
    rc = engine_call_caller(call, question.secret, question.from, &c->err);
    c->caller.vietnamese = vietnamese; /* as the question wants to be answered */
    uint64_t user_id = c->caller.user_id;
    uint32_t unix_id = user_id ? 0 : p->who.user_id;
    if (rc == ERR_OK &&
        (asks->count >= ASKS_MAX || p->engine->is_alone || !has_room(asks, p, user_id, unix_id)))
        rc = call_refuse(c, &c->err, ERR_BUSY,
                         "too many searches are running or waiting: try again in a minute",
                         "đang có quá nhiều lượt tìm kiếm: hãy thử lại sau một phút");
    if (rc == ERR_OK) {
        struct ask *ask = ask_add(asks, p, m->id, &question);
        ask->user_id = user_id;
        ask->unix_id = unix_id;
        ask->resolve = call->before;
        call->own = ask;
        call->before = ask_before;
        call->done = ask_audited;
        rc = engine_call_put(call, &c->err);
        if (rc == ERR_OK)
            return ERR_OK;
        ask_free(asks, ask);
    }
    if (rc == ERR_BUSY)
        metric_add(&engine_metrics[ENGINE_METRIC_ASKS_BUSY], 1);
    asked_send(p, m->id, &c->err, -1);
    engine_call_drop(call);
    return ERR_OK;
}

/* ---- time ---- */

static bool reader_gone(int fd)
{
    struct pollfd one = {.fd = fd};
    return poll(&one, 1, 0) == 1 && (one.revents & (POLLERR | POLLHUP));
}

static void further_query_care(struct engine_asks *asks, uint64_t now_ns)
{
    struct engine_peer *further = NULL;
    for (struct engine_peer *p = asks->engine->peers; p; p = p->next)
        if (p->peer && p->role == ROLE_QUERY && p->instance > 0 && !ask_of_query(asks, p))
            further = p;
    if (!further || asks->idle_ns == 0)
        asks->idle_ns = further ? now_ns : 0;
    else if (now_ns - asks->idle_ns > ASK_IDLE_S * (uint64_t)CLOCK_SECOND_NS)
        query_end(further);
}

void engine_ask_tick(struct engine *e)
{
    struct engine_asks *asks = e->asks;
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t longest_ns =
        e->context->config->store.query_ns + ASK_LATE_S * (uint64_t)CLOCK_SECOND_NS;
    int64_t waiting = 0;
    struct ask *next;
    for (struct ask *ask = asks->first; ask; ask = next) {
        next = ask->next;
        waiting += ask->state == ASK_WAITING;
        bool gone = ask->fd >= 0 && reader_gone(ask->fd);
        bool late = ask->state == ASK_RUNNING && now_ns - ask->began_ns > longest_ns;
        if (!gone && !late)
            continue;
        metric_add(&engine_metrics[ENGINE_METRIC_ASKS_CANCELED], 1);
        struct engine_peer *query = ask->query;
        engine_peer_use(query);
        ask_free(asks, ask);
        if (query && query->peer)
            query_end(query);
        engine_peer_unuse(query);
    }
    metric_set(&engine_metrics[ENGINE_METRIC_ASKS_WAITING], waiting);
    asks_go_on(asks);
    further_query_care(asks, now_ns);
}
