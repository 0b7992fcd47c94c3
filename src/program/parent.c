#include "program/parent.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

struct parent_role *parent_engine(struct parent *p)
{
    return &p->roles[0]; /* the first that was added */
}

static void note_send(struct parent *p, const struct parent_note *note)
{
    struct buf payload = {0};
    bytes_put_text(&payload, slice_from(note->kind));
    bytes_put_text(&payload, slice_from(note->text));
    parent_role_send(parent_engine(p), MESSAGE_NOTE, 0, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

void parent_note(struct parent *p, const char *kind, const char *format, ...)
{
    if (p->note_count >= PARENT_NOTES_MAX) {
        log_say(LOG_WARNING, "note", "a note of kind %s is lost: the engine is away", kind);
        return;
    }
    struct parent_note *note = &p->notes[p->note_count++];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(note->text, sizeof(note->text), format, list);
    va_end(list);
    (void)snprintf(note->kind, sizeof(note->kind), "%s", kind);
    parent_notes_send(p);
}

void parent_notes_send(struct parent *p)
{
    if (parent_engine(p)->state != ROLE_READY)
        return;
    for (uint32_t i = 0; i < p->note_count; i++)
        note_send(p, &p->notes[i]);
    p->note_count = 0;
}

static bool is_ready(const struct parent *p)
{
    for (uint32_t i = 0; i < p->role_count; i++) {
        const struct parent_role *r = &p->roles[i];
        bool counts = r->role == ROLE_ENGINE || r->role == ROLE_INTAKE || r->role == ROLE_WEB;
        if (r->drain_wanted || (counts && r->wanted && r->state != ROLE_READY))
            return false;
    }
    return true;
}

static void status_notify(struct parent *p)
{
    static const char *const states[] = {"absent", "starting", "ready", "ending", "waiting"};
    struct buf text = {0};
    buf_string(&text, "STATUS=");
    for (uint32_t i = 0; i < p->role_count; i++) {
        const struct parent_role *r = &p->roles[i];
        if (r->state == ROLE_ABSENT && !r->wanted)
            continue;
        buf_printf(&text, "%s%s %s", text.len > 7 ? ", " : "", role_specs[r->role].name,
                   states[r->state]);
    }
    proc_notify(buf_text(&text));
    if (!p->told_ready && !p->stopping && is_ready(p)) {
        p->told_ready = true;
        proc_notify("READY=1");
        log_say(LOG_INFO, "ready", "the watch is kept");
    }
    buf_free(&text);
}

static void stop_begin(struct parent *p)
{
    if (p->stopping) { /* asked twice: no more patience */
        for (uint32_t i = 0; i < p->role_count; i++)
            parent_role_kill(&p->roles[i]);
        return;
    }
    p->stopping = true;
    parent_ports_refuse(p);
    proc_notify("STOPPING=1");
    log_say(LOG_INFO, "stop", "finishes what was begun");
    parent_commands_kill(p);
    parent_journals_kill(p);
    for (uint32_t i = 0; i < p->role_count; i++) {
        struct parent_role *r = &p->roles[i];
        if (r->pid && r->role == ROLE_ENGINE)
            r->drain_wanted = true;
        else if (r->pid)
            parent_role_drain(r);
        else
            parent_role_state(r, ROLE_ABSENT);
    }
}

static void children_reap(struct parent *p)
{
    pid_t pid;
    int status;
    struct err err;
    while (proc_reap(&pid, &status, &err) == ERR_OK)
        if (!parent_role_reaped(p, pid, status) && !parent_journal_reaped(p, pid, status))
            (void)parent_command_reaped(p, pid, status);
}

static void all_gone_look(struct parent *p)
{
    for (uint32_t i = 0; i < p->role_count; i++)
        if (p->roles[i].pid)
            return;
    for (int i = 0; i < PARENT_COMMANDS_MAX; i++)
        if (p->commands[i])
            return;
    for (int i = 0; i < PARENT_JOURNALS_MAX; i++)
        if (p->journals[i].pid)
            return;
    uv_stop(&p->loop);
}

static void files_look(struct parent *p)
{
    for (uint32_t i = 0; i < p->role_count; i++) {
        struct parent_role *r = &p->roles[i];
        if (r->role == ROLE_INTAKE && r->state == ROLE_READY && r->peer)
            parent_files_send(p, peer_wire(r->peer), true);
        if (r->role == ROLE_COURIER && r->state == ROLE_READY && r->peer)
            parent_outputs_send(p, peer_wire(r->peer), true);
    }
}

static void tick(struct parent *p)
{
    uint64_t now_ns = clock_monotonic_ns();
    parent_roles_tick(p, now_ns);
    parent_commands_tick(p, now_ns);
    if (p->stopping)
        all_gone_look(p);
    if (!p->stopping && (p->files_ns == 0 || now_ns - p->files_ns >= PARENT_REPORT_NS)) {
        p->files_ns = now_ns;
        files_look(p);
    }
    if (!p->stopping)
        parent_drops_tick(p, now_ns);
    if (p->tls_ns == 0 || now_ns - p->tls_ns >= PARENT_CHECK_TLS_NS) {
        p->tls_ns = now_ns;
        parent_certificate_look(p);
    }
    if (p->changed || now_ns - p->reported_ns >= PARENT_REPORT_NS) {
        p->reported_ns = now_ns;
        status_notify(p);
        parent_roles_report(p);
    }
    uint64_t watchdog_ns = proc_watchdog_ns();
    if (watchdog_ns && now_ns - p->watchdog_ns >= watchdog_ns) {
        p->watchdog_ns = now_ns;
        proc_notify("WATCHDOG=1");
    }
}

static void timer_ready(uv_timer_t *timer)
{
    tick(timer->data);
}

static void signal_ready(uv_poll_t *poll, int status, int events)
{
    struct parent *p = poll->data;
    (void)status;
    (void)events;
    for (int number; (number = proc_signal_next(p->signal_fd));) {
        if (number == SIGTERM || number == SIGINT)
            stop_begin(p);
        else if (number == SIGHUP && !p->stopping)
            parent_reload(p);
    }
    children_reap(p);
    tick(p);
}

static void metrics_init(struct parent *p)
{
    static const char *const labels[ROLES] = {"of=\"parent\"", "of=\"engine\"", "of=\"intake\"",
                                              "of=\"reader\"", "of=\"query\"",  "of=\"web\"",
                                              "of=\"courier\""};
    for (int i = 0; i < ROLES; i++) {
        p->metrics[PARENT_RESTARTS + i] = (struct metric){
            .name = "canh_role_restarts_total", .labels = labels[i], .help = "roles started again"};
        p->metrics[PARENT_VIOLATIONS + i] =
            (struct metric){.name = "canh_sandbox_violations_total",
                            .labels = labels[i],
                            .help = "roles ended since they tried what they may not"};
    }
    p->metrics[PARENT_RUNS] = (struct metric){.name = "canh_commands_run_total",
                                              .labels = "result=\"good\"",
                                              .help = "fixed commands that were run"};
    p->metrics[PARENT_RUN_FAILURES] = (struct metric){.name = "canh_commands_run_total",
                                                      .labels = "result=\"bad\"",
                                                      .help = "fixed commands that were run"};
    p->metrics[PARENT_CERTIFICATE] = (struct metric){.name = "canh_certificate_expires_seconds",
                                                     .kind = METRIC_GAUGE,
                                                     .help = "until the certificate ends"};
    p->metrics[PARENT_FILES] = (struct metric){
        .name = "canh_followed_files", .kind = METRIC_GAUGE, .help = "files that are followed"};
    p->metrics[PARENT_RELOADS] =
        (struct metric){.name = "canh_settings_reloads_total", .help = "settings read again"};
}

static void loop_end(struct parent *p)
{
    for (uint32_t i = 0; i < p->role_count; i++) {
        peer_close(&p->roles[i].peer);
        buf_free(&p->roles[i].metrics);
    }
    uv_close((uv_handle_t *)&p->timer, NULL);
    uv_close((uv_handle_t *)&p->signals, NULL);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&p->loop) == 0);
}

void parent_readings_free(struct parent *p)
{
    for (uint32_t i = 0; i < p->reading_count; i++) {
        mem_free(p->readings[i].source);
        mem_free(p->readings[i].name);
        (void)close(p->readings[i].fd);
    }
    p->reading_count = 0;
}

int parent_run(struct parent *p, struct err *err)
{
    p->since_ns = clock_now_ns();
    metrics_init(p);
    parent_roles_init(p);
    if (uv_poll_init(&p->loop, &p->signals, p->signal_fd) != 0 ||
        uv_timer_init(&p->loop, &p->timer) != 0)
        return err_set(err, ERR_IO, "the event loop cannot watch for signals");
    p->signals.data = p->timer.data = p;
    check(uv_poll_start(&p->signals, UV_READABLE, signal_ready) == 0);
    check(uv_timer_start(&p->timer, timer_ready, 0, PARENT_TICK_MS) == 0);
    (void)uv_run(&p->loop, UV_RUN_DEFAULT);
    loop_end(p);
    parent_files_forget(p);
    buf_free(&p->unread);
    parent_readings_free(p);
    parent_drops_free(p);
    buf_free(&p->certificate);
    log_say(LOG_INFO, "stop", "has ended in order");
    return ERR_OK;
}
