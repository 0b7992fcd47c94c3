#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/web.h"

enum { SOURCES_MAX = 64, WEB_TEXT_BYTES_MAX = 4096 };

void web_resume(struct web_request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    r->ask_until_ns = 0;
    MHD_resume_connection(r->connection);
}

/* Under lock. */
static void answer_put(struct web_request *r, uint16_t type)
{
    r->ask_id = 0;
    r->ask_until_ns = 0;
    r->answer_type = type;
    r->answered = true;
    web_resume(r);
}

static void ask(struct web_request *r, uint16_t type, struct slice payload, unsigned seconds,
                api_answered *done)
{
    struct web *web = r->web;
    struct err err;
    r->done = done;
    (void)pthread_mutex_lock(&web->lock);
    r->answered = false;
    r->ask_id = ++web->asked * web->request_max + r->slot;
    r->ask_until_ns = clock_monotonic_ns() + seconds * (uint64_t)CLOCK_SECOND_NS;
    if (web->closing || !web->engine ||
        peer_send(web->engine, type, r->ask_id, payload, NULL, 0, &err) != ERR_OK)
        answer_put(r, 0);
    (void)pthread_mutex_unlock(&web->lock);
}

static void put_who(const struct exchange *x, struct buf *out)
{
    bytes_put_text(out, x->secret);
    bytes_put_text(out, x->request.from);
}

static unsigned call_flags(const struct exchange *x, bool dry)
{
    return (x->vietnamese ? CALL_VIETNAMESE : 0u) | (dry ? CALL_DRY : 0u);
}

static void engine_who(void *web, struct exchange *x, api_answered *done)
{
    struct buf out = {0};
    (void)web;
    put_who(x, &out);
    ask(x->own, MESSAGE_WHO, buf_as_slice(&out), WEB_ANSWER_S, done);
    buf_free(&out);
}

static void engine_status(void *web, struct exchange *x, api_answered *done)
{
    struct buf out = {0};
    (void)web;
    put_who(x, &out);
    ask(x->own, MESSAGE_STATUS, buf_as_slice(&out), WEB_ANSWER_S, done);
    buf_free(&out);
}

static void engine_metrics(void *web, struct exchange *x, api_answered *done)
{
    (void)web;
    ask(x->own, MESSAGE_METRICS, SLICE(""), WEB_ANSWER_S, done);
}

static void engine_call(void *web, struct exchange *x, struct slice packed, bool dry,
                        api_answered *done)
{
    struct buf out = {0};
    (void)web;
    put_who(x, &out);
    bytes_put_u32(&out, call_flags(x, dry));
    message_put_long(&out, packed);
    ask(x->own, MESSAGE_CALL, buf_as_slice(&out), WEB_CALL_S, done);
    explicit_bzero(out.data, out.len);
    buf_free(&out);
}

static void engine_ask(void *web, struct exchange *x, const char *kind, const struct slice *words,
                       uint32_t count, api_answered *done)
{
    struct buf out = {0};
    (void)web;
    put_who(x, &out);
    bytes_put_u32(&out, call_flags(x, false));
    bytes_put_text(&out, slice_from(kind));
    bytes_put_u16(&out, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++)
        bytes_put_text(&out, words[i]);
    ask(x->own, MESSAGE_ASK, buf_as_slice(&out), WEB_CALL_S, done);
    buf_free(&out);
}

static bool engine_is_there(void *context)
{
    struct web *web = context;
    (void)pthread_mutex_lock(&web->lock);
    bool there = web->engine && !web->closing;
    (void)pthread_mutex_unlock(&web->lock);
    return there;
}

struct api_engine web_engine(struct web *web)
{
    return (struct api_engine){web,        engine_is_there, engine_who,    engine_call,
                               engine_ask, engine_status,   engine_metrics};
}

/* ---- answers ---- */

static void read_metrics(struct bytes_in *in, struct api_answer *a, struct api_source *sources)
{
    a->source_count = bytes_take_u32(in);
    if (a->source_count > SOURCES_MAX)
        in->bad = true;
    a->sources = sources;
    for (uint32_t i = 0; i < a->source_count && !in->bad; i++) {
        sources[i].role = bytes_take_text(in, WEB_TEXT_BYTES_MAX);
        sources[i].packed = message_take_long(in, WIRE_BYTES_MAX);
    }
}

static void read_answer(struct web_request *r, struct bytes_in *in, struct api_answer *a,
                        struct caller *caller, struct api_source *sources)
{
    struct err err;
    a->rc = r->answer_type == MESSAGE_METRICS_ARE ? ERR_OK : (int32_t)bytes_take_u32(in);
    switch (r->answer_type) {
    case MESSAGE_CALLER:
        if (a->rc == ERR_OK && caller_unpack(in, &r->x.arena, caller, &err))
            in->bad = true;
        a->caller = caller;
        break;
    case MESSAGE_RESULT:
        a->denied = bytes_take_u32(in) & RESULT_DENIED;
        a->text = bytes_take_text(in, WEB_TEXT_BYTES_MAX);
        a->audit_id = bytes_take_u64(in);
        a->json = message_take_long(in, WIRE_BYTES_MAX);
        break;
    case MESSAGE_ASKED:
        a->text = bytes_take_text(in, WEB_TEXT_BYTES_MAX);
        a->fd = r->answer_fd;
        r->answer_fd = -1;
        break;
    case MESSAGE_STATUS_IS:
        a->json = message_take_long(in, WIRE_BYTES_MAX);
        break;
    case MESSAGE_METRICS_ARE:
        read_metrics(in, a, sources);
        break;
    default:
        in->bad = true;
    }
}

void web_engine_answer(struct web_request *r)
{
    struct api_source sources[SOURCES_MAX];
    struct api_answer a = {.fd = -1};
    struct caller caller;
    struct bytes_in in = bytes_in(buf_as_slice(&r->answer));
    api_answered *done = r->done;
    r->answered = false;
    a.away = r->answer_type == 0;
    if (!a.away)
        read_answer(r, &in, &a, &caller, sources);
    if (in.bad) {
        if (a.fd >= 0)
            (void)close(a.fd);
        log_say(LOG_ERROR, "answer", "an answer of the engine (type %u) is malformed",
                r->answer_type);
        a = (struct api_answer){.fd = -1, .away = true};
    }
    /* done may ask again: the answer's bytes are its own until it returns */
    struct buf bytes = r->answer;
    r->answer = (struct buf){0};
    done(&r->x, &a);
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.len);
    buf_free(&bytes);
    if (r->answer_fd >= 0)
        (void)close(r->answer_fd);
    r->answer_fd = -1;
}

static void engine_said(void *context, struct peer *peer, struct wire_message *m)
{
    struct web *web = context;
    (void)peer;
    (void)pthread_mutex_lock(&web->lock);
    struct web_request *r = web->requests[m->id % web->request_max];
    if (r && r->ask_id && r->ask_id == m->id) {
        buf_free(&r->answer);
        r->answer = m->payload;
        m->payload = (struct buf){0};
        r->answer_fd = wire_take_fd(m, 0);
        answer_put(r, m->type);
    }
    (void)pthread_mutex_unlock(&web->lock);
}

/* Under lock: those that asked get `away`. */
static void give_up(struct web *web, uint64_t now_ns)
{
    for (uint32_t i = 0; i < web->request_max; i++) {
        struct web_request *r = web->requests[i];
        if (!r || r->ask_until_ns == 0 || r->ask_until_ns > now_ns)
            continue;
        if (r->ask_id) {
            answer_put(r, 0);
        } else {
            r->cut = true;
            web_resume(r);
        }
    }
}

static void engine_gone(void *context, struct peer *peer, const struct err *err)
{
    (void)peer;
    (void)err;
    web_engine_peer(context, -1);
}

void web_engine_peer(struct web *web, int fd)
{
    static const struct peer_calls calls = {engine_said, engine_gone};
    (void)pthread_mutex_lock(&web->lock);
    peer_close(&web->engine);
    for (uint32_t i = 0; i < web->request_max; i++)
        if (web->requests[i] && web->requests[i]->ask_id)
            answer_put(web->requests[i], 0);
    if (fd >= 0)
        web->engine = peer_open(&web->context->loop, fd, &calls, web);
    (void)pthread_mutex_unlock(&web->lock);
    api_forget_readers(web->api);
}

void web_engine_overdue(struct web *web, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&web->lock);
    give_up(web, now_ns);
    (void)pthread_mutex_unlock(&web->lock);
}

void web_engine_close(struct web *web)
{
    (void)pthread_mutex_lock(&web->lock);
    web->closing = true;
    give_up(web, UINT64_MAX);
    peer_close(&web->engine);
    (void)pthread_mutex_unlock(&web->lock);
}
