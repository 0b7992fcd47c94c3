#include "watch/live_share.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum { TICK_MS = 1000, TAKEN_MS = 20, RULE_ID_BYTES_MAX = 1024 };
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct order { /* a RULES message */
    bool is_there;
    uint64_t id, fingerprint;
    struct io_map bundle, indicators;
    struct stat table; /* the indicators' file */
};

struct suspended { /* rules that were suspended since the set is the newest */
    uint32_t rule, times;
    uint64_t until_ns; /* monotonic; 0: it works */
};

struct live_share {
    uv_loop_t *loop;
    const struct live *live;
    struct peer *engine;
    uv_async_t done;
    uv_timer_t tick, taken;
    pthread_t thread;
    bool is_compiling;
    struct order now, next;
    struct live_rules *made; /* by the thread */
    int rc;
    struct err err;
    uint64_t answer;   /* RULES that is to be answered once no block is behind; 0: none */
    struct stat table; /* of the newest set's indicators */
    struct suspended *suspended;
    uint32_t suspended_count;
};

static void order_free(struct order *order)
{
    io_unmap(&order->bundle);
    io_unmap(&order->indicators);
    *order = (struct order){.bundle.bytes = SLICE(""), .indicators.bytes = SLICE("")};
}

static void tell(struct live_share *s, uint16_t type, uint64_t id, struct slice payload)
{
    struct err err;
    if (s->engine && peer_send(s->engine, type, id, payload, NULL, 0, &err) != ERR_OK)
        log_err(LOG_WARNING, "engine", &err);
}

static void answer(struct live_share *s, uint64_t id, int rc, const char *why)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)rc);
    bytes_put_text(&payload, slice_part(slice_from(why), 0, ERR_TEXT_BYTES));
    tell(s, MESSAGE_RULES_TAKEN, id, buf_as_slice(&payload));
    buf_free(&payload);
}

/* ---- burden ---- */

static void burden_tell(struct live_share *s, const struct live_rules *rules)
{
    const struct burden_verdict *list;
    struct buf payload = {0}, why = {0};
    uint32_t count = rule_burden_suspended(rules->burden, &list);
    bytes_put_u64(&payload, rules->fingerprint);
    bytes_put_u32(&payload, count);
    for (uint32_t i = 0; i < count; i++) {
        buf_clear(&why);
        burden_verdict_text(&why, &list[i], false);
        bytes_put_u32(&payload, list[i].rule);
        bytes_put_text(&payload, slice_part(buf_as_slice(&why), 0, ERR_TEXT_BYTES));
    }
    tell(s, MESSAGE_RULES_BURDEN, 0, buf_as_slice(&payload));
    buf_free(&payload);
    buf_free(&why);
}

static struct suspended *suspended_of(struct live_share *s, uint32_t rule)
{
    for (uint32_t i = 0; i < s->suspended_count; i++)
        if (s->suspended[i].rule == rule)
            return &s->suspended[i];
    s->suspended = mem_resize(s->suspended, s->suspended_count + 1u, sizeof(*s->suspended));
    struct suspended *made = &s->suspended[s->suspended_count++];
    *made = (struct suspended){.rule = rule};
    return made;
}

static void suspend(struct live_share *s, const struct live_rules *rules,
                    const struct burden_verdict *verdict, uint64_t now_ns)
{
    struct suspended *known = suspended_of(s, verdict->rule);
    struct buf why = {0};
    uint64_t pause_ns = LIVE_RESUME_NS;
    for (uint32_t i = 0; i < known->times && pause_ns < LIVE_RESUME_NS_MAX; i++)
        pause_ns *= 2;
    known->times++;
    known->until_ns = now_ns + pause_ns;
    burden_verdict_text(&why, verdict, false);
    struct slice title = rules->rules.all.rules[verdict->rule]->title;
    log_say(LOG_WARNING, "rules", "the rule \"%.*s\" is suspended: it %s", (int)title.len,
            title.data, buf_text(&why));
    buf_free(&why);
}

static bool resume_due(struct live_share *s, const struct live_rules *rules, uint64_t now_ns)
{
    bool any = false;
    for (uint32_t i = 0; i < s->suspended_count; i++) {
        struct suspended *known = &s->suspended[i];
        if (known->until_ns == 0 || now_ns < known->until_ns)
            continue;
        known->until_ns = 0;
        any |= rule_burden_resume(rules->burden, known->rule);
    }
    return any;
}

void live_share_look(struct live_share *s, uint64_t now_ns)
{
    const struct burden_verdict *list;
    struct live_rules *rules = live_take(s->live, 0);
    if (!rules)
        return;
    uint32_t count = rule_burden_judge(rules->burden, now_ns, &list);
    for (uint32_t i = 0; i < count; i++)
        suspend(s, rules, &list[i], now_ns);
    if (resume_due(s, rules, now_ns) || count)
        burden_tell(s, rules);
    live_rules_unuse(&rules);
}

static void tick(uv_timer_t *timer)
{
    live_share_look(timer->data, clock_monotonic_ns());
}

static int resume_take(struct live_share *s, struct bytes_in *in, struct err *err)
{
    struct slice id = bytes_take_text(in, RULE_ID_BYTES_MAX);
    if (in->bad || bytes_left(in))
        return err_set(err, ERR_SYNTAX, "the engine's message RULES_RESUME is malformed");
    struct live_rules *rules = live_take(s->live, 0);
    for (uint32_t i = 0; rules && i < s->suspended_count; i++) {
        struct suspended *known = &s->suspended[i];
        if (!slice_equal(rules->rules.all.rules[known->rule]->id, id))
            continue;
        known->until_ns = 0;
        known->times = 0;
        if (rule_burden_resume(rules->burden, known->rule))
            burden_tell(s, rules);
    }
    live_rules_unuse(&rules);
    return ERR_OK;
}

/* ---- a new set ---- */

static void *compile(void *context)
{
    struct live_share *s = context;
    struct live_bundle bundle = {.bytes = s->now.bundle.bytes,
                                 .config = &s->live->config->rules,
                                 .indicators = s->now.indicators};
    s->now.indicators = (struct io_map){.bytes = SLICE("")};
    s->rc = live_compile(s->live, &bundle, &s->made, &s->err);
    if (s->rc == ERR_OK && s->made->fingerprint != s->now.fingerprint) {
        live_rules_unuse(&s->made);
        s->rc = err_set(&s->err, ERR_UNSUPPORTED,
                        "the same rules came out otherwise than in the engine: are all processes "
                        "of one version?");
    }
    (void)uv_async_send(&s->done);
    return NULL;
}

static void compile_start(struct live_share *s)
{
    s->is_compiling = true;
    s->now = s->next;
    s->next = (struct order){.bundle.bytes = SLICE(""), .indicators.bytes = SLICE("")};
    check(pthread_create(&s->thread, NULL, compile, s) == 0);
}

static void taken_look(uv_timer_t *timer)
{
    struct live_share *s = timer->data;
    if (!s->answer || live_is_behind(s->live))
        return;
    answer(s, s->answer, ERR_OK, "");
    s->answer = 0;
    (void)uv_timer_stop(timer);
}

static void taken_await(struct live_share *s, uint64_t id)
{
    s->answer = id;
    check(uv_timer_start(&s->taken, taken_look, 0, TAKEN_MS) == 0);
}

static void compile_end(struct live_share *s)
{
    check(pthread_join(s->thread, NULL) == 0);
    s->is_compiling = false;
    if (s->rc == ERR_OK) {
        s->table = s->now.table;
        s->suspended_count = 0;
        live_put(s->live, s->made); /* the owner from here on, until the next */
        log_say(LOG_INFO, "rules", "records are judged by the rules %.*s from now on",
                LIVE_SHORT_BYTES, s->made->version);
        s->made = NULL;
    }
}

static void compiled(uv_async_t *async)
{
    struct live_share *s = async->data;
    if (!s->is_compiling)
        return;
    compile_end(s);
    uint64_t id = s->now.id;
    int rc = s->rc;
    order_free(&s->now);
    if (rc) {
        log_err(LOG_ERROR, "rules", &s->err);
        answer(s, id, rc, s->err.text);
    } else {
        taken_await(s, id);
    }
    if (s->next.is_there)
        compile_start(s);
}

static bool same_table(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_known(struct live_share *s, const struct order *order)
{
    struct live_rules *rules = live_take(s->live, 0);
    bool known = rules && !s->is_compiling && rules->fingerprint == order->fingerprint &&
                 same_table(&s->table, &order->table);
    live_rules_unuse(&rules);
    return known;
}

static int order_map(struct order *order, struct wire_message *message, uint32_t tables,
                     struct err *err)
{
    int fd = message->fds[0], seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return err_set(err, ERR_SYNTAX, "the engine's bundle of rules is not sealed");
    int rc = io_map_descriptor(&order->bundle, fd, "bundle of rules", BUNDLE_BYTES_MAX, err);
    if (rc == ERR_OK && tables) {
        (void)fstat(message->fds[1], &order->table);
        rc = io_map_descriptor(&order->indicators, message->fds[1], "indicators",
                               INTEL_STORE_BYTES_MAX, err);
    }
    return rc;
}

static int rules_take(struct live_share *s, struct wire_message *message, struct bytes_in *in,
                      struct err *err)
{
    struct order order = {.is_there = true,
                          .id = message->id,
                          .bundle.bytes = SLICE(""),
                          .indicators.bytes = SLICE("")};
    (void)bytes_take_text(in, LIVE_VERSION_BYTES);
    order.fingerprint = bytes_take_u64(in);
    uint32_t tables = bytes_take_u32(in);
    if (in->bad || bytes_left(in) || tables > 1 || message->fd_count != 1 + tables)
        return err_set(err, ERR_SYNTAX, "the engine's message RULES is malformed");
    int rc = order_map(&order, message, tables, err);
    if (rc) {
        order_free(&order);
        return rc;
    }
    if (is_known(s, &order)) {
        order_free(&order);
        taken_await(s, message->id);
        return ERR_OK;
    }
    order_free(&s->next);
    s->next = order;
    if (!s->is_compiling)
        compile_start(s);
    return ERR_OK;
}

bool live_share_message(struct live_share *s, struct wire_message *message, int *rc,
                        struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    if (message->type == MESSAGE_RULES)
        *rc = rules_take(s, message, &in, err);
    else if (message->type == MESSAGE_RULES_RESUME)
        *rc = resume_take(s, &in, err);
    else
        return false;
    return true;
}

/* ---- life ---- */

struct live_share *live_share_open(uv_loop_t *loop, const struct live *live)
{
    struct live_share *s = mem_zeroed(1, sizeof(*s));
    s->loop = loop;
    s->live = live;
    order_free(&s->now);
    order_free(&s->next);
    check(uv_async_init(loop, &s->done, compiled) == 0);
    check(uv_timer_init(loop, &s->tick) == 0);
    check(uv_timer_init(loop, &s->taken) == 0);
    s->done.data = s->tick.data = s->taken.data = s;
    check(uv_timer_start(&s->tick, tick, TICK_MS, TICK_MS) == 0);
    return s;
}

void live_share_engine(struct live_share *s, struct peer *engine)
{
    s->engine = engine;
    s->answer = 0;
}

static void closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void live_share_close(struct live_share **share)
{
    struct live_share *s = *share;
    if (!s)
        return;
    s->engine = NULL;
    if (s->is_compiling)
        compile_end(s);
    order_free(&s->now);
    order_free(&s->next);
    mem_free(s->suspended);
    uv_close((uv_handle_t *)&s->tick, NULL);
    uv_close((uv_handle_t *)&s->taken, NULL);
    uv_close((uv_handle_t *)&s->done, closed);
    *share = NULL;
}
