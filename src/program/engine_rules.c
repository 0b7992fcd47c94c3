#include "program/engine_rules.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/engine_rules_inside.h"
#include "program/engine_store.h"
#include "watch/rules_set.h"

#define LOOK_NS (2 * CLOCK_SECOND_NS)
enum { RULE_ID_BYTES_MAX = 1024 };

/* ---- who judges ---- */

static bool judges(const struct engine_peer *p)
{
    return p->peer && (p->role == ROLE_INTAKE || p->role == ROLE_READER);
}

static int table_open(const struct engine_rules *r, struct stat *about)
{
    char path[4200];
    *about = (struct stat){0};
    if (!r->live->config->rules.indicators)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/intel/indicators.table", r->engine->context->data);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd >= 0 && (fstat(fd, about) != 0 || !S_ISREG(about->st_mode))) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void rules_send(struct engine_rules *r, struct engine_peer *p)
{
    struct live_rules *rules = live_take(r->live, 0);
    struct buf payload = {0};
    struct stat about;
    int fds[2] = {r->fd, table_open(r, &about)};
    bytes_put_text(&payload, slice_from(rules->version));
    bytes_put_u64(&payload, rules->fingerprint);
    bytes_put_u32(&payload, fds[1] >= 0);
    p->rules_told = r->generation;
    engine_send(p, MESSAGE_RULES, r->generation, buf_as_slice(&payload), fds, fds[1] >= 0 ? 2 : 1);
    if (fds[1] >= 0)
        (void)close(fds[1]);
    buf_free(&payload);
    live_rules_unuse(&rules);
}

void engine_rules_peer(struct engine_rules *r, struct engine_peer *p)
{
    rules_send(r, p);
}

static void swap_next(struct engine_rules *r);

/* All have taken the newest set: the one before is forgotten. */
static void handing_look(struct engine_rules *r)
{
    if (r->step != RULES_HANDING)
        return;
    for (struct engine_peer *p = r->engine->peers; p; p = p->next)
        if (judges(p) && p->rules_taken != r->generation)
            return;
    r->step = RULES_IDLE;
    engine_store_rules(r->engine->store, NULL);
    swap_next(r);
}

void engine_rules_gone(struct engine_rules *r, struct engine_peer *p)
{
    if (p->role == ROLE_INTAKE)
        r->suspended_count = 0;
    handing_look(r);
}

static void hand_over(struct engine_rules *r)
{
    struct stat about;
    int fd = table_open(r, &about);
    if (fd >= 0)
        (void)close(fd);
    r->table = about;
    r->generation++;
    r->step = RULES_HANDING;
    for (struct engine_peer *p = r->engine->peers; p; p = p->next)
        if (judges(p))
            rules_send(r, p);
    handing_look(r);
}

static int taken_take(struct engine_rules *r, struct engine_peer *p, uint64_t id,
                      struct bytes_in *in, struct err *err)
{
    int rc = (int32_t)bytes_take_u32(in);
    struct slice why = bytes_take_text(in, ERR_TEXT_BYTES);
    if (in->bad || bytes_left(in) || id > r->generation)
        return err_set(err, ERR_SYNTAX, "the message RULES_TAKEN is not as it must be");
    p->rules_taken = id;
    if (rc) {
        (void)snprintf(r->failure, sizeof(r->failure), "%s cannot judge by the new rules: %.*s",
                       role_specs[p->role].name, (int)why.len, why.data);
        log_say(LOG_ERROR, "rules", "%s", r->failure);
    }
    handing_look(r);
    return ERR_OK;
}

static void text_put(char *to, size_t room, struct slice text)
{
    struct buf clean = {0};
    engine_text_clean(text, room - 1, &clean);
    (void)snprintf(to, room, "%s", buf_text(&clean));
    buf_free(&clean);
}

static void suspended_note(struct engine_rules *r, const struct engine_rules_suspended *s)
{
    struct buf text = {0};
    buf_printf(&text, "suspended: %s (%s): %s", s->title, s->id, s->why);
    struct command_value values[2] = {{SLICE("kind"), SLICE("rules")},
                                      {SLICE("text"), buf_as_slice(&text)}};
    engine_call_internal(r->engine, "node.note", values, 2, NULL, NULL);
    buf_free(&text);
}

static bool was_suspended(const struct engine_rules_suspended *before, uint32_t count,
                          const char *id)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(before[i].id, id) == 0)
            return true;
    return false;
}

static int burden_take(struct engine_rules *r, struct bytes_in *in, struct err *err)
{
    struct engine_rules_suspended before[ENGINE_RULES_SUSPENDED_MAX];
    uint32_t before_count = r->suspended_count;
    uint64_t fingerprint = bytes_take_u64(in);
    uint32_t count = bytes_take_u32(in);
    struct live_rules *rules = live_take(r->live, 0);
    bool is_newest = rules->fingerprint == fingerprint;
    memcpy(before, r->suspended, sizeof(before));
    r->suspended_count = is_newest ? 0 : before_count;
    for (uint32_t i = 0; i < count && !in->bad; i++) {
        uint32_t number = bytes_take_u32(in);
        struct slice why = bytes_take_text(in, ERR_TEXT_BYTES);
        if (is_newest && number >= rules->rules.loaded)
            in->bad = true;
        if (in->bad || !is_newest || r->suspended_count == ENGINE_RULES_SUSPENDED_MAX)
            continue;
        const struct rule *rule = rules->rules.all.rules[number];
        struct engine_rules_suspended *s = &r->suspended[r->suspended_count++];
        text_put(s->id, sizeof(s->id), rule->id);
        text_put(s->title, sizeof(s->title), rule->title);
        text_put(s->why, sizeof(s->why), why);
        if (!was_suspended(before, before_count, s->id))
            suspended_note(r, s);
    }
    live_rules_unuse(&rules);
    return in->bad || bytes_left(in)
               ? err_set(err, ERR_SYNTAX, "the message RULES_BURDEN is not as it must be")
               : ERR_OK;
}

int engine_rules_message(struct engine_rules *r, struct engine_peer *p, struct wire_message *m,
                         struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    if (m->type == MESSAGE_RULES_TAKEN)
        return taken_take(r, p, m->id, &in, err);
    return burden_take(r, &in, err);
}

const struct engine_rules_suspended *engine_rules_suspended(const struct engine_rules *r,
                                                            uint32_t *count)
{
    *count = r->suspended_count;
    return r->suspended;
}

const char *engine_rules_failure(const struct engine_rules *r)
{
    return r->failure;
}

int engine_rules_bundle(const struct engine_rules *r)
{
    return r->fd;
}

bool engine_rules_imported(const struct engine_rules *r, int64_t *updated_ns)
{
    struct live_rules *rules = live_take(r->live, 0);
    bool imported = false;
    for (uint32_t i = 0; i < rules->bundle.pack_count; i++)
        imported |= !rules_set_is_local(rules->bundle.packs[i].name);
    live_rules_unuse(&rules);
    *updated_ns = r->updated_ns;
    return imported;
}

/* ---- a swap ---- */

static void *compile(void *context)
{
    struct engine_rules *r = context;
    struct buf bytes = {0};
    r->rc = engine_rules_read(r->disk, r->version, &bytes, &r->err);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &r->live->config->rules,
                                 .indicators.bytes = SLICE("")};
    if (r->rc == ERR_OK)
        r->rc = live_compile(r->live, &bundle, &r->made, &r->err);
    buf_free(&bytes);
    check(pthread_mutex_lock(&r->mutex) == 0);
    r->is_compiled = true;
    check(pthread_mutex_unlock(&r->mutex) == 0);
    (void)uv_async_send(&r->changed);
    return NULL;
}

/* The next thing that is to be done, when nothing is under way. */
static void swap_next(struct engine_rules *r)
{
    if (r->step != RULES_IDLE || r->engine->is_ending)
        return;
    check(pthread_mutex_lock(&r->mutex) == 0);
    bool wanted = r->wanted[0] && strcmp(r->wanted, r->active) != 0;
    memcpy(r->version, r->wanted, sizeof(r->version));
    r->wanted[0] = '\0';
    r->is_compiled = false;
    check(pthread_mutex_unlock(&r->mutex) == 0);
    if (!wanted)
        return;
    r->step = RULES_COMPILING;
    check(pthread_create(&r->thread, NULL, compile, r) == 0);
}

static void failed(struct engine_rules *r)
{
    (void)snprintf(r->failure, sizeof(r->failure), "the rules %.*s cannot be used: %.300s",
                   LIVE_SHORT_BYTES, r->version, r->err.text);
    log_say(LOG_ERROR, "rules", "%s", r->failure);
    r->step = RULES_IDLE;
    swap_next(r);
}

static void compiled(struct engine_rules *r)
{
    check(pthread_join(r->thread, NULL) == 0);
    int fd = -1;
    if (r->rc == ERR_OK)
        r->rc = engine_rules_memory(buf_as_slice(&r->made->bytes), &fd, &r->err);
    if (r->rc) {
        live_rules_unuse(&r->made);
        failed(r);
        return;
    }
    (void)close(r->fd);
    r->fd = fd;
    r->failure[0] = '\0';
    r->step = RULES_COMMITTING;
    engine_store_rules(r->engine->store, live_rules_use(r->made));
}

void engine_rules_committed(struct engine_rules *r)
{
    if (r->step != RULES_COMMITTING)
        return;
    memcpy(r->active, r->made->version, sizeof(r->active));
    r->suspended_count = 0;
    live_put(r->live, r->made);
    r->made = NULL;
    hand_over(r);
}

static void resumes_send(struct engine_rules *r)
{
    struct buf ids = {0}, payload = {0};
    check(pthread_mutex_lock(&r->mutex) == 0);
    buf_slice(&ids, buf_as_slice(&r->resume));
    buf_clear(&r->resume);
    check(pthread_mutex_unlock(&r->mutex) == 0);
    struct bytes_in in = bytes_in(buf_as_slice(&ids));
    while (bytes_left(&in) && !in.bad) {
        buf_clear(&payload);
        bytes_put_text(&payload, bytes_take_text(&in, RULE_ID_BYTES_MAX));
        for (struct engine_peer *p = r->engine->peers; p; p = p->next)
            if (judges(p))
                engine_send(p, MESSAGE_RULES_RESUME, 0, buf_as_slice(&payload), NULL, 0);
    }
    buf_free(&ids);
    buf_free(&payload);
}

static void changed(uv_async_t *async)
{
    struct engine_rules *r = async->data;
    check(pthread_mutex_lock(&r->mutex) == 0);
    bool is_compiled = r->is_compiled;
    r->is_compiled = false;
    check(pthread_mutex_unlock(&r->mutex) == 0);
    if (is_compiled && r->step == RULES_COMPILING)
        compiled(r);
    resumes_send(r);
    swap_next(r);
}

void engine_rules_want(struct engine_rules *r, struct slice version)
{
    if (version.len != LIVE_VERSION_BYTES - 1)
        return;
    check(pthread_mutex_lock(&r->mutex) == 0);
    memcpy(r->wanted, version.data, version.len);
    r->wanted[version.len] = '\0';
    check(pthread_mutex_unlock(&r->mutex) == 0);
    (void)uv_async_send(&r->changed);
}

void engine_rules_resume(struct engine_rules *r, struct slice rule_id)
{
    check(pthread_mutex_lock(&r->mutex) == 0);
    bytes_put_text(&r->resume, slice_part(rule_id, 0, RULE_ID_BYTES_MAX));
    check(pthread_mutex_unlock(&r->mutex) == 0);
    (void)uv_async_send(&r->changed);
}

/* Indicators that were imported since are handed over with the same rules. */
void engine_rules_tick(struct engine_rules *r)
{
    int64_t now_ns = (int64_t)clock_monotonic_ns();
    struct stat about;
    if (r->step != RULES_IDLE || now_ns - r->looked_ns < LOOK_NS)
        return;
    r->looked_ns = now_ns;
    int fd = table_open(r, &about);
    if (fd >= 0)
        (void)close(fd);
    if (about.st_ino == r->table.st_ino && about.st_size == r->table.st_size &&
        about.st_mtim.tv_sec == r->table.st_mtim.tv_sec &&
        about.st_mtim.tv_nsec == r->table.st_mtim.tv_nsec)
        return;
    log_say(LOG_INFO, "indicators", "they changed: intake takes the new ones");
    hand_over(r);
}

/* ---- life ---- */

/* An intake that lives may hold events that it judged by them. */
static void before_open(struct engine_rules *r, struct slice bytes)
{
    struct live_bundle bundle = {
        .bytes = bytes, .config = &r->live->config->rules, .indicators.bytes = SLICE("")};
    struct err err;
    if (live_compile(r->live, &bundle, &r->before, &err) != ERR_OK)
        log_err(LOG_WARNING, "rules", &err);
}

struct live_rules *engine_rules_before(struct engine_rules *r)
{
    struct live_rules *before = r->before;
    r->before = NULL;
    if (before)
        r->step = RULES_HANDING;
    return before;
}

/* What was active, and what canh.yaml names now. */
static int bytes_make(struct engine_rules *r, struct buf *out, struct err *err)
{
    struct state *state = r->engine->state;
    struct buf before = {0}, problems = {0};
    struct bundle kept = {0};
    struct err why;
    bool has_kept = false;
    if (state && engine_rules_active(state_db(state), r->active)) {
        int rc = engine_rules_read(r->disk, r->active, &before, &why);
        rc = rc ? rc : bundle_open(&kept, buf_as_slice(&before), &why);
        has_kept = rc == ERR_OK;
        if (!has_kept)
            log_err(LOG_ERROR, "rules", &why);
        r->updated_ns = engine_rules_updated(state_db(state));
    }
    int rc = rules_set_make(&r->live->config->rules, has_kept ? &kept : NULL, out, &problems, err);
    if (rc == ERR_OK && has_kept && !slice_equal(buf_as_slice(out), kept.bytes))
        before_open(r, kept.bytes);
    if (problems.len)
        log_say(LOG_WARNING, "rules", "files cannot be read: %s", buf_text(&problems));
    bundle_close(&kept);
    buf_free(&before);
    buf_free(&problems);
    return rc;
}

static int active_make(struct engine_rules *r, struct err *err)
{
    struct buf bytes = {0};
    struct live_rules *made = NULL;
    int rc = bytes_make(r, &bytes, err);
    struct live_bundle bundle = {.bytes = buf_as_slice(&bytes),
                                 .config = &r->live->config->rules,
                                 .indicators.bytes = SLICE("")};
    if (rc == ERR_OK)
        rc = live_compile(r->live, &bundle, &made, err);
    if (rc == ERR_OK)
        rc = engine_rules_memory(buf_as_slice(&bytes), &r->fd, err);
    if (rc == ERR_OK)
        rc = engine_rules_write(r->disk, made->version, buf_as_slice(&bytes), err);
    if (rc == ERR_OK) {
        r->is_new = strcmp(made->version, r->active) != 0;
        memcpy(r->active, made->version, sizeof(r->active));
        live_put(r->live, made);
    } else {
        live_rules_unuse(&made);
    }
    buf_free(&bytes);
    return rc;
}

int engine_rules_open(struct engine_rules **out, struct engine *engine, const struct live *live,
                      struct err *err)
{
    struct engine_rules *r = mem_zeroed(1, sizeof(*r));
    *out = r;
    r->engine = engine;
    r->live = live;
    r->fd = -1;
    r->generation = 1;
    check(pthread_mutex_init(&r->mutex, NULL) == 0);
    int rc = disk_open_folder(&r->disk, engine->context->data, err);
    return rc ? rc : active_make(r, err);
}

void engine_rules_start(struct engine_rules *r)
{
    struct stat about;
    check(uv_async_init(&r->engine->context->loop, &r->changed, changed) == 0);
    r->changed.data = r;
    r->is_started = true;
    int fd = table_open(r, &about);
    if (fd >= 0)
        (void)close(fd);
    r->table = about;
    if (!r->is_new || !r->engine->writer)
        return;
    struct live_rules *rules = live_take(r->live, 0);
    char count[16];
    (void)snprintf(count, sizeof(count), "%u", rules->rules.loaded);
    struct command_value values[4] = {{SLICE("version"), slice_from(rules->version)},
                                      {SLICE("origin"), SLICE("canh.yaml")},
                                      {SLICE("rules"), slice_from(count)},
                                      {SLICE("active"), SLICE("true")}};
    engine_call_internal(r->engine, "rules.record", values, 4, NULL, NULL);
    live_rules_unuse(&rules);
}

void engine_rules_stop(struct engine_rules *r)
{
    if (!r || !r->is_started)
        return;
    if (r->step == RULES_COMPILING) {
        check(pthread_join(r->thread, NULL) == 0);
        r->step = RULES_IDLE;
    }
    r->is_started = false;
    uv_close((uv_handle_t *)&r->changed, NULL);
}

void engine_rules_close(struct engine_rules **rules)
{
    struct engine_rules *r = *rules;
    if (!r)
        return;
    live_rules_unuse(&r->made);
    live_rules_unuse(&r->before);
    if (r->fd >= 0)
        (void)close(r->fd);
    if (r->disk)
        disk_close_folder(&r->disk);
    buf_free(&r->resume);
    buf_free(&r->origin);
    check(pthread_mutex_destroy(&r->mutex) == 0);
    mem_free(r);
    *rules = NULL;
}
