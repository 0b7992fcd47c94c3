/* SIGHUP: the settings are read again; if they are good, the roles that they concern are drained
 * and started with them, and the difference is told to the engine, which audits it. */
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "program/folder.h"
#include "program/keys.h"
#include "program/parent.h"
#include "watch/config_table.h"

#define OF(role) (1u << (role))
#define OF_ALL   (OF(ROLES) - 1u)

/* Which roles a section concerns. */
static const struct {
    const char *section;
    unsigned roles;
} concerns[] = {
    {"store", OF_ALL},
    {"store.partitions", OF(ROLE_ENGINE)},
    {"sources", OF(ROLE_ENGINE) | OF(ROLE_INTAKE)},
    {"serve", OF_ALL},
    {"web", OF(ROLE_WEB)},
    {"rules", OF(ROLE_ENGINE) | OF(ROLE_INTAKE) | OF(ROLE_QUERY) | OF(ROLE_COURIER)},
    {"listeners", OF(ROLE_ENGINE) | OF(ROLE_INTAKE)},
    {"health", OF(ROLE_ENGINE)},
    {"outputs", OF(ROLE_ENGINE) | OF(ROLE_COURIER)},
    {"channels", OF(ROLE_ENGINE) | OF(ROLE_COURIER)},
    {"commands", OF(ROLE_ENGINE) | OF(ROLE_COURIER)},
};

static unsigned roles_of(const char *section)
{
    for (size_t i = 0; i < sizeof(concerns) / sizeof(concerns[0]); i++)
        if (strcmp(concerns[i].section, section) == 0)
            return concerns[i].roles;
    return OF_ALL;
}

static struct slice value_of(struct slice line)
{
    size_t comment = slice_find(line, SLICE(" # "));
    return slice_trim(slice_part(line, 0, comment == SLICE_NONE ? line.len : comment));
}

static bool has_line(struct slice text, struct slice line)
{
    while (text.len)
        if (slice_equal(value_of(slice_cut(&text, '\n')), line))
            return true;
    return false;
}

/* The lines of a that b has not. */
static bool lines_missing(struct slice a, struct slice b, const char *mark, struct buf *out)
{
    bool any = false;
    while (a.len) {
        struct slice line = value_of(slice_cut(&a, '\n'));
        if (has_line(b, line))
            continue;
        buf_printf(out, "%s%.*s", mark, (int)line.len, line.data);
        any = true;
    }
    return any;
}

/* The roles that are concerned; out: what differs. */
static unsigned difference(const struct config *old, const struct config *new, struct buf *out)
{
    unsigned roles = 0;
    for (uint32_t i = 0; i < config_table.count; i++) {
        const struct config_section *section = &config_table.sections[i];
        struct buf before = {0}, after = {0}, lines = {0};
        config_print_section(old, section, &before);
        config_print_section(new, section, &after);
        bool gone = lines_missing(buf_as_slice(&before), buf_as_slice(&after), " -", &lines);
        bool come = lines_missing(buf_as_slice(&after), buf_as_slice(&before), " +", &lines);
        if (gone || come) {
            buf_printf(out, "%s%s:%.*s", out->len ? "; " : "", section->name, (int)lines.len,
                       lines.data);
            roles |= roles_of(section->name);
        }
        buf_free(&before);
        buf_free(&after);
        buf_free(&lines);
    }
    return roles;
}

static int settings_read(struct parent *p, struct config **out, struct err *err)
{
    int rc = folder_check_settings(p->config_path, err);
    if (rc == ERR_OK)
        rc = config_open(out, p->config_path, environ, NULL, err);
    if (rc != ERR_OK)
        return rc;
    const struct config_serve *old = &p->config->serve, *new = &(*out)->serve;
    if (!slice_equal(old->user, new->user) || old->one_user != new->one_user)
        rc = err_set(err, ERR_USAGE,
                     "serve.user and serve.one_user hold from a start on: restart the service");
    if (rc == ERR_OK)
        rc = parent_ports_check_users(*out, p->data, err);
    if (rc == ERR_OK && config_has_web(*out) && (*out)->web.tls) {
        struct buf certificate = {0}, key = {0};
        rc = keys_web_pair(*out, p->data, &certificate, &key, err);
        buf_free(&certificate);
        keys_wipe(&key);
    }
    return rc ? rc : parent_ports_open(p, *out, err);
}

/* Which roles have a certificate that is another one now. */
static unsigned certificate_changed(struct parent *p)
{
    struct buf before = p->certificate;
    p->certificate = (struct buf){0};
    parent_certificate_look(p);
    bool same = slice_equal(buf_as_slice(&before), buf_as_slice(&p->certificate));
    buf_free(&before);
    if (same)
        return 0;
    const struct config_listener *listeners = p->config->listeners.items;
    unsigned roles = p->config->web.tls ? OF(ROLE_WEB) : 0;
    for (uint32_t i = 0; i < p->config->listeners.count; i++)
        roles |= listeners[i].tls ? OF(ROLE_INTAKE) : 0;
    return roles;
}

static void roles_restart(struct parent *p, unsigned roles)
{
    for (uint32_t i = 0; i < p->role_count; i++) {
        struct parent_role *r = &p->roles[i];
        bool kept = r->instance == 0 && role_specs[r->role].kept;
        if (kept)
            parent_role_want(r, parent_role_is_configured(p, r->role));
        if (!r->pid || (r->wanted && !(roles & OF(r->role))))
            continue;
        if (r->role == ROLE_ENGINE)
            r->drain_wanted = true;
        else
            parent_role_drain(r);
    }
}

static void refused(struct parent *p, const struct err *err)
{
    log_say(LOG_ERROR, "settings", "canh.yaml is not used, the settings stay: %s", err->text);
    parent_note(p, "settings", "refused: %s", err->text);
}

static void notify_reloading(void)
{
    struct buf text = {0};
    buf_printf(&text, "RELOADING=1\nMONOTONIC_USEC=%llu",
               (unsigned long long)(clock_monotonic_ns() / 1000));
    proc_notify(buf_text(&text));
    buf_free(&text);
}

void parent_reload(struct parent *p)
{
    struct config *new = NULL;
    struct buf text = {0};
    struct err err;
    notify_reloading();
    p->told_ready = false; /* READY=1 again when all is up */
    p->changed = true;
    if (settings_read(p, &new, &err) != ERR_OK) {
        refused(p, &err);
        config_close(&new);
        return;
    }
    unsigned roles = difference(p->config, new, &text);
    config_close(&p->config);
    p->config = new;
    log_open("parent", config_log_level(new));
    roles |= certificate_changed(p);
    metric_add(&p->metrics[PARENT_RELOADS], 1);
    log_say(LOG_INFO, "settings", "read again: %s", text.len ? buf_text(&text) : "no difference");
    if (text.len)
        parent_note(p, "settings", "%s", buf_text(&text));
    buf_free(&text);
    parent_files_forget(p);
    p->files_ns = 0;
    roles_restart(p, roles);
}
