/* Starting one role: its process, what it is sent up to GO, its wires to the others. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/folder.h"
#include "program/keys.h"
#include "program/parent.h"
#include "program/spawn.h"
#include "watch/haul.h"
#include "watch/tally.h"

enum { SECRET_BYTES_MAX = 4096 };

static void on_message(void *context, struct peer *peer, struct wire_message *message)
{
    (void)peer;
    parent_message(context, message);
}

/* A role without its wire is of no use; its end is seen by SIGCHLD. */
static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    struct parent_role *r = context;
    (void)peer;
    if (err->code != ERR_CLOSED) {
        log_say(LOG_ERROR, "wire", "%s sent what is no message: %s", role_specs[r->role].name,
                err->text);
        parent_note(r->parent, "violation", "%s sent what is no message and was ended: %s",
                    role_specs[r->role].name, err->text);
        metric_add(&r->parent->metrics[PARENT_VIOLATIONS + (int)r->role], 1);
    }
    peer_close(&r->peer);
    if (err->code != ERR_CLOSED)
        parent_role_kill(r);
}

static const struct peer_calls role_calls = {on_message, on_closed};

static bool is_sender(enum role role)
{
    return role == ROLE_INTAKE || role == ROLE_READER;
}

static uint64_t sender_number(struct parent *p)
{
    while (p->sender_epoch << TALLY_STARTS_BITS == 0)
        randombytes_buf(&p->sender_epoch, sizeof(p->sender_epoch));
    return tally_sender(p->sender_epoch, ++p->sender_starts);
}

static int shared_make(struct parent_role *r, struct err *err)
{
    const unsigned seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    r->sender_id = sender_number(r->parent);
    if (r->shared_fd >= 0)
        (void)close(r->shared_fd);
    r->shared_fd = memfd_create("canh-hauls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (r->shared_fd < 0 ||
        ftruncate(r->shared_fd, HAUL_SLOTS * (off_t)HAUL_SLOT_BYTES + TALLY_BYTES) != 0 ||
        fcntl(r->shared_fd, F_ADD_SEALS, seals) != 0)
        return err_set_errno(err, errno, "cannot make the memory that %s shares with the engine",
                             role_specs[r->role].name);
    return ERR_OK;
}

static int shared_send(const struct parent_role *sender, struct wire *wire, struct err *err)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, HAUL_SLOTS);
    bytes_put_u64(&payload, HAUL_SLOT_BYTES);
    bytes_put_u32(&payload, sender->role);
    bytes_put_u32(&payload, sender->instance);
    bytes_put_u64(&payload, sender->ticket);
    bytes_put_u64(&payload, sender->sender_id);
    int rc = wire_send(wire, MESSAGE_SHARED, 0, buf_as_slice(&payload), &sender->shared_fd, 1, err);
    buf_free(&payload);
    return rc;
}

static int peer_send_end(struct parent_role *to, const struct parent_role *other, int fd,
                         struct err *err)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, other->role);
    bytes_put_u32(&payload, other->instance);
    int rc = peer_send(to->peer, MESSAGE_PEER, 0, buf_as_slice(&payload), &fd, 1, err);
    buf_free(&payload);
    return rc;
}

static int tallies_send(const struct parent *p, struct peer *engine, struct err *err)
{
    struct buf payload = {0};
    int rc = ERR_OK;
    for (uint32_t i = 0; i < p->tally_count && rc == ERR_OK; i++) {
        buf_clear(&payload);
        bytes_put_u64(&payload, p->tallies[i].id);
        buf_append(&payload, (const char *)&p->tallies[i].page, sizeof(p->tallies[i].page));
        rc = peer_send(engine, MESSAGE_TALLY, 0, buf_as_slice(&payload), NULL, 0, err);
    }
    buf_free(&payload);
    return rc;
}

static int edge_make(struct parent_role *a, struct parent_role *b, struct err *err)
{
    struct parent_role *engine = a->role == ROLE_ENGINE ? a : b, *other = engine == a ? b : a;
    int ends[2], rc = wire_pair(ends, err);
    if (rc != ERR_OK)
        return rc;
    if (other->role == ROLE_INTAKE)
        rc = tallies_send(engine->parent, engine->peer, err);
    if (rc == ERR_OK && is_sender(other->role))
        rc = shared_send(other, peer_wire(engine->peer), err);
    if (rc == ERR_OK)
        rc = peer_send_end(engine, other, ends[0], err);
    if (rc == ERR_OK)
        rc = peer_send_end(other, engine, ends[1], err);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return rc;
}

/* One that has just died is still to be seen ended; its wires are made when it starts again. */
static int edges_make(struct parent_role *r, struct err *err)
{
    struct parent *p = r->parent;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < p->role_count && rc == ERR_OK; i++) {
        struct parent_role *other = &p->roles[i];
        bool there = other->peer && (other->state == ROLE_STARTING || other->state == ROLE_READY);
        if (other != r && there && role_has_wire(r->role, other->role))
            rc = edge_make(r, other, err);
        if (rc == ERR_CLOSED)
            rc = ERR_OK;
    }
    return rc;
}

static int secret_send(struct wire *wire, struct slice name, const char *path, struct err *err)
{
    struct buf secret = {0}, payload = {0};
    int rc = keys_read_secret(path, &secret, err);
    if (rc == ERR_OK) {
        buf_reserve(&payload, SECRET_BYTES_MAX + secret.len);
        bytes_put_text(&payload, name);
        message_put_long(&payload, slice_trim(buf_as_slice(&secret)));
        rc = wire_send(wire, MESSAGE_SECRET, 0, buf_as_slice(&payload), NULL, 0, err);
    }
    keys_wipe(&secret);
    keys_wipe(&payload);
    return rc;
}

static int secrets_send(const struct parent *p, struct wire *wire, struct err *err)
{
    const struct config_channel *channels = p->config->channels.items;
    const struct config_output *outputs = p->config->outputs.items;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < p->config->channels.count && rc == ERR_OK; i++)
        if (channels[i].secret_file.len)
            rc = secret_send(wire, channels[i].row.name, channels[i].secret_file.data, err);
    for (uint32_t i = 0; i < p->config->outputs.count && rc == ERR_OK; i++) {
        struct buf name = {0};
        if (outputs[i].secret_file.len == 0)
            continue;
        buf_printf(&name, MESSAGE_OF_OUTPUT "%.*s", (int)outputs[i].row.name.len,
                   outputs[i].row.name.data);
        rc = secret_send(wire, buf_as_slice(&name), outputs[i].secret_file.data, err);
        buf_free(&name);
    }
    return rc;
}

/* The file that the reader is for: the first that waits. */
static int reading_send(struct parent *p, struct wire *wire, struct err *err)
{
    struct buf payload = {0};
    struct parent_reading first = p->readings[0];
    p->reading_count--;
    memmove(p->readings, p->readings + 1, p->reading_count * sizeof(p->readings[0]));
    bytes_put_text(&payload, slice_from(first.source));
    bytes_put_text(&payload, slice_from(first.name));
    bytes_put_u64(&payload, 0);
    bytes_put_u64(&payload, 0);
    int rc = wire_send(wire, MESSAGE_FILE, 0, buf_as_slice(&payload), &first.fd, 1, err);
    buf_free(&payload);
    (void)close(first.fd);
    mem_free(first.source);
    mem_free(first.name);
    return rc;
}

static int special_send(struct parent_role *r, struct wire *wire, struct err *err)
{
    struct parent *p = r->parent;
    int rc = parent_ports_send(p, r->role, wire, err);
    if (rc == ERR_OK && is_sender(r->role)) {
        rc = shared_make(r, err);
        if (rc == ERR_OK)
            rc = shared_send(r, wire, err);
    }
    if (rc == ERR_OK && r->role == ROLE_ENGINE)
        rc = spawn_send_key(wire, p->data, err);
    if (rc == ERR_OK && r->role == ROLE_COURIER)
        rc = secrets_send(p, wire, err);
    if (rc == ERR_OK && r->role == ROLE_COURIER)
        parent_outputs_send(p, wire, false);
    if (rc == ERR_OK && r->role == ROLE_READER)
        rc = reading_send(p, wire, err);
    if (rc == ERR_OK && r->role == ROLE_INTAKE)
        parent_files_send(p, wire, false);
    return rc;
}

/* "role,role:what": what it is to try. */
static const char *injection_of(const struct parent *p, enum role role)
{
    struct slice rest = slice_from(p->injection), names = slice_cut(&rest, ':');
    while (names.len)
        if (slice_equal(slice_cut(&names, ','), slice_from(role_specs[role].name)))
            return rest.data;
    return "";
}

/* Its own groups, and those of the roles' table. */
static int user_find(const struct parent *p, enum role role, struct proc_user *out, struct err *err)
{
    const struct role_spec *spec = &role_specs[role];
    int rc = folder_user(p->config, spec->user_suffix, out, err);
    if (rc != ERR_OK || !out->change || p->config->serve.one_user)
        return rc;
    out->groups[0] = out->group;
    out->group_count = 1;
    for (size_t i = 0; rc == ERR_OK && i < sizeof(spec->groups) / sizeof(spec->groups[0]); i++) {
        struct buf name = {0};
        if (!spec->groups[i])
            break;
        buf_printf(&name, "%s%s", p->config->serve.user.data, spec->groups[i]);
        rc = proc_group_find(buf_text(&name), &out->groups[out->group_count++], err);
        buf_free(&name);
    }
    return rc;
}

int parent_role_start(struct parent_role *r, struct err *err)
{
    struct parent *p = r->parent;
    struct spawn spawn = {.role = r->role,
                          .instance = r->instance,
                          .config = p->config,
                          .data = p->data,
                          .injection = injection_of(p, r->role),
                          .lock = r->role == ROLE_ENGINE ? p->lock_fd : -1};
    int fd;
    if (r->role == ROLE_READER) {
        check(p->reading_count > 0);
        r->ticket = p->readings[0].ticket;
        spawn.flags = p->readings[0].is_live ? ROLE_FLAG_LIVE : 0;
    }
    int rc = user_find(p, r->role, &spawn.user, err);
    if (rc == ERR_OK)
        rc = spawn_start(&spawn, &r->pid, &fd, err);
    if (rc != ERR_OK)
        return rc;
    r->started_ns = clock_monotonic_ns();
    r->failed = r->ended_by_us = false;
    r->drain_until_ns = 0;
    r->layers = 0;
    r->why[0] = '\0';
    r->peer = peer_open(&p->loop, fd, &role_calls, r);
    parent_role_state(r, ROLE_STARTING);
    struct wire *wire = peer_wire(r->peer);
    rc = spawn_settle(&spawn, wire, err);
    if (rc == ERR_OK)
        rc = special_send(r, wire, err);
    if (rc == ERR_OK)
        rc = peer_send(r->peer, MESSAGE_GO, 0, SLICE(""), NULL, 0, err);
    return rc ? rc : edges_make(r, err);
}
