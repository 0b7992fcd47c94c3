/* The roles' states: who runs, who is started again and when, who hangs. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "program/parent.h"
#include "program/role_process.h"
#include "watch/haul.h"
#include "watch/tally.h"

static void role_add(struct parent *p, enum role role, uint32_t instance)
{
    check(p->role_count < PARENT_ROLES_MAX);
    p->roles[p->role_count++] = (struct parent_role){.parent = p,
                                                     .role = role,
                                                     .instance = instance,
                                                     .shared_fd = -1,
                                                     .since_ns = clock_now_ns()};
}

void parent_roles_init(struct parent *p)
{
    for (int role = ROLE_ENGINE; role < ROLES; role++)
        for (uint32_t i = 0; i < role_specs[role].instances; i++)
            role_add(p, (enum role)role, i);
    for (uint32_t i = 0; i < p->role_count; i++)
        parent_role_want(&p->roles[i], p->roles[i].instance == 0 &&
                                           parent_role_is_configured(p, p->roles[i].role));
}

static bool has_followed(const struct config *config)
{
    const struct config_source *sources = config->sources.items;
    for (uint32_t i = 0; i < config->sources.count; i++)
        if (sources[i].follow.count)
            return true;
    return false;
}

bool parent_role_is_configured(const struct parent *p, enum role role)
{
    const struct config *c = p->config;
    switch (role) {
    case ROLE_INTAKE:
        return c->listeners.count > 0 || has_followed(c);
    case ROLE_WEB:
        return config_has_web(c);
    case ROLE_COURIER:
        return c->channels.count > 0 || c->outputs.count > 0 || c->rules.update_url.len > 0;
    default:
        return role_specs[role].kept;
    }
}

void parent_role_want(struct parent_role *r, bool wanted)
{
    r->wanted = wanted;
    if (wanted && !r->pid) {
        r->start_ns = 0;
        r->quick_deaths = 0;
    }
}

void parent_role_state(struct parent_role *r, enum role_state state)
{
    if (r->state != state)
        r->since_ns = clock_now_ns();
    r->state = state;
    r->parent->changed = true;
}

void parent_role_send(struct parent_role *r, uint16_t type, uint64_t id, struct slice payload,
                      const int *fds, uint32_t fd_count)
{
    struct err err;
    if (!r->peer || peer_send(r->peer, type, id, payload, fds, fd_count, &err) == ERR_OK)
        return;
    log_say(LOG_WARNING, "wire", "%s: %s", role_specs[r->role].name, err.text);
    if (err.code == ERR_FULL)
        parent_role_kill(r);
}

void parent_role_kill(struct parent_role *r)
{
    if (r->pid)
        (void)kill(r->pid, SIGKILL);
}

void parent_role_drain(struct parent_role *r)
{
    if (!r->pid || r->state == ROLE_ENDING)
        return;
    r->drain_wanted = false;
    r->drain_until_ns = clock_monotonic_ns() + r->parent->config->serve.drain_ns;
    r->ended_by_us = true;
    parent_role_state(r, ROLE_ENDING);
    parent_role_send(r, MESSAGE_DRAIN, 0, SLICE(""), NULL, 0);
}

/* What the role said last may still be in its wire: why it failed. */
static void last_words(struct parent_role *r)
{
    struct wire_message message = {0};
    while (r->peer && wire_receive(peer_wire(r->peer), &message, NULL) == ERR_OK)
        parent_message(r, &message);
    wire_message_free(&message);
    peer_close(&r->peer);
}

static void violation_tell(struct parent_role *r)
{
    struct parent *p = r->parent;
    const char *name = role_specs[r->role].name;
    metric_add(&p->metrics[PARENT_VIOLATIONS + (int)r->role], 1);
    log_say(LOG_ERROR, "violation", "%s tried what it may not and was ended by the kernel", name);
    parent_note(p, "violation", "%s tried what it may not and was ended by the kernel (SIGSYS)",
                name);
}

/* When it is started again after an end that nobody wanted. */
static void restart_plan(struct parent_role *r)
{
    uint64_t now_ns = clock_monotonic_ns(), wait_s = 0;
    if (now_ns - r->started_ns >= PARENT_QUICK_NS)
        r->quick_deaths = 0;
    if (r->quick_deaths > 0)
        wait_s = r->quick_deaths > 6 ? 60 : UINT64_C(1) << (r->quick_deaths - 1);
    r->quick_deaths++;
    r->start_ns = now_ns + (wait_s > 60 ? 60 : wait_s) * PARENT_SECOND_NS;
    if (r->failed && r->start_ns < now_ns + PARENT_FAILED_NS)
        r->start_ns = now_ns + PARENT_FAILED_NS;
}

/* What an intake that died had cut: also an engine that began later can book what was lost. */
static void tally_keep(struct parent_role *r, bool in_order)
{
    static const struct tally_page nothing;
    struct parent *p = r->parent;
    struct parent_tally one = {.id = r->sender_id};
    if (r->role != ROLE_INTAKE || in_order || r->shared_fd < 0 ||
        pread(r->shared_fd, &one.page, sizeof(one.page), HAUL_SLOTS * (off_t)HAUL_SLOT_BYTES) !=
            (ssize_t)sizeof(one.page) ||
        memcmp(&one.page, &nothing, sizeof(nothing)) == 0)
        return;
    if (p->tally_count == PARENT_TALLIES_MAX)
        memmove(p->tallies, p->tallies + 1, --p->tally_count * sizeof(one));
    p->tallies[p->tally_count++] = one;
}

static void role_ended(struct parent_role *r, int status)
{
    struct buf text = {0};
    bool violated = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    last_words(r);
    proc_status_text(status, &text);
    r->pid = 0;
    buf_clear(&r->metrics);
    if (!r->why[0])
        (void)snprintf(r->why, sizeof(r->why), "%s", buf_text(&text));
    bool in_order = (r->ended_by_us || !role_specs[r->role].kept || r->instance > 0) &&
                    WIFEXITED(status) && WEXITSTATUS(status) == 0;
    tally_keep(r, in_order);
    if (r->role == ROLE_READER)
        parent_journal_unread(r->parent, r->ticket);
    log_say(in_order ? LOG_INFO : LOG_ERROR, "role", "%s %u %s%s%s", role_specs[r->role].name,
            r->instance, buf_text(&text), r->failed ? ": " : "", r->failed ? r->why : "");
    buf_free(&text);
    if (violated)
        violation_tell(r);
    if (!role_specs[r->role].kept || r->instance > 0)
        r->wanted = false;
    if (!r->wanted || r->parent->stopping) {
        parent_role_state(r, ROLE_ABSENT);
        return;
    }
    metric_add(&r->parent->metrics[PARENT_RESTARTS + (int)r->role], 1);
    r->restarts++;
    if (r->ended_by_us)
        r->start_ns = 0;
    else
        restart_plan(r);
    parent_role_state(r, ROLE_WAITING);
}

/* A query role may read the store's files that were there when its sandbox closed: it begins behind
 * the engine, and anew with each engine. */
static void queries_renew(struct parent *p)
{
    for (uint32_t i = 0; i < p->role_count; i++)
        if (p->roles[i].role == ROLE_QUERY)
            parent_role_drain(&p->roles[i]);
}

static bool may_begin(struct parent *p, enum role role)
{
    return role != ROLE_QUERY || parent_engine(p)->state == ROLE_READY;
}

bool parent_role_reaped(struct parent *p, pid_t pid, int status)
{
    for (uint32_t i = 0; i < p->role_count; i++)
        if (p->roles[i].pid == pid) {
            role_ended(&p->roles[i], status);
            if (p->roles[i].role == ROLE_ENGINE) {
                queries_renew(p);
                parent_drops_engine_gone(p);
            }
            return true;
        }
    return false;
}

static void role_try_start(struct parent_role *r)
{
    struct err err;
    if (parent_role_start(r, &err) == ERR_OK)
        return;
    log_say(LOG_ERROR, "role", "%s cannot be started: %s", role_specs[r->role].name, err.text);
    (void)snprintf(r->why, sizeof(r->why), "%s", err.text);
    if (r->pid) { /* it began, and is reaped as any other */
        parent_role_kill(r);
        return;
    }
    r->started_ns = clock_monotonic_ns();
    restart_plan(r);
    parent_role_state(r, ROLE_WAITING);
}

static void role_hung(struct parent_role *r, const char *what)
{
    (void)snprintf(r->why, sizeof(r->why), "%s", what);
    log_say(LOG_ERROR, "hang", "%s %s: it is ended", role_specs[r->role].name, what);
    parent_note(r->parent, "hang", "%s %s and was ended", role_specs[r->role].name, what);
    parent_role_kill(r);
    r->ponged_ns = r->started_ns = clock_monotonic_ns(); /* one signal will do for a while */
}

static void role_watch(struct parent_role *r, uint64_t now_ns)
{
    uint64_t hang_ns = r->parent->config->serve.hang_ns;
    uint64_t every_ns = hang_ns / 3 < PARENT_REPORT_NS ? hang_ns / 3 : PARENT_REPORT_NS;
    if (r->state == ROLE_STARTING && now_ns - r->started_ns > PARENT_START_NS) {
        role_hung(r, "was not ready in time");
    } else if (r->state == ROLE_READY && now_ns - r->ponged_ns > hang_ns) {
        role_hung(r, "did not answer");
    } else if (r->state == ROLE_READY && now_ns - r->pinged_ns >= every_ns) {
        r->pinged_ns = now_ns;
        parent_role_send(r, MESSAGE_PING, 0, SLICE(""), NULL, 0);
    } else if (r->state == ROLE_ENDING && now_ns > r->drain_until_ns) {
        log_say(LOG_WARNING, "drain", "%s did not finish in time: it is ended",
                role_specs[r->role].name);
        r->drain_until_ns = now_ns + PARENT_SECOND_NS;
        parent_role_kill(r);
    }
}

/* The engine goes last, and when it is to be another one nobody begins before it. */
static bool engine_goes(struct parent *p, bool *others_gone)
{
    *others_gone = true;
    for (uint32_t i = 0; i < p->role_count; i++)
        if (p->roles[i].role != ROLE_ENGINE && p->roles[i].state == ROLE_ENDING)
            *others_gone = false;
    struct parent_role *engine = parent_engine(p);
    return engine->drain_wanted || (engine->state == ROLE_ENDING && engine->pid);
}

void parent_roles_tick(struct parent *p, uint64_t now_ns)
{
    bool others_gone, waits = engine_goes(p, &others_gone);
    if (parent_engine(p)->drain_wanted && others_gone)
        parent_role_drain(parent_engine(p));
    for (uint32_t i = 0; i < p->role_count; i++) {
        struct parent_role *r = &p->roles[i];
        if (r->role == ROLE_READER && !r->pid && !p->reading_count)
            r->wanted = false; /* another one took it */
        if (r->pid)
            role_watch(r, now_ns);
        else if (r->wanted && !p->stopping && now_ns >= r->start_ns &&
                 !(waits && r->role != ROLE_ENGINE) && may_begin(p, r->role))
            role_try_start(r);
        else if (r->role == ROLE_READER && !r->wanted && p->reading_count && !p->stopping)
            parent_role_want(r, true);
    }
}

static void report_row(struct buf *out, const struct parent_role *r, struct slice metrics)
{
    bytes_put_u32(out, r->role);
    bytes_put_u32(out, r->instance);
    bytes_put_u32(out, r->state);
    bytes_put_u32(out, (uint32_t)r->pid);
    bytes_put_u32(out, r->restarts);
    bytes_put_u32(out, r->layers);
    bytes_put_i64(out, r->since_ns);
    message_put_long(out, metrics);
    bytes_put_text(out, slice_from(r->why));
}

void parent_roles_report(struct parent *p)
{
    struct parent_role *engine = parent_engine(p);
    struct buf payload = {0}, metrics = {0};
    struct role_context own = {.metrics = p->metrics, .metric_count = PARENT_METRICS};
    p->changed = false;
    if (engine->state != ROLE_READY)
        return;
    struct parent_role self = {.role = ROLE_PARENT,
                               .state = ROLE_READY,
                               .pid = getpid(),
                               .layers = p->layers,
                               .since_ns = p->since_ns};
    role_process_pack(&own, &metrics);
    bytes_put_u32(&payload, p->role_count + 1);
    report_row(&payload, &self, buf_as_slice(&metrics));
    for (uint32_t i = 0; i < p->role_count; i++)
        report_row(&payload, &p->roles[i], buf_as_slice(&p->roles[i].metrics));
    parent_role_send(engine, MESSAGE_ROLES, 0, buf_as_slice(&payload), NULL, 0);
    parent_files_report(p);
    buf_free(&payload);
    buf_free(&metrics);
}
