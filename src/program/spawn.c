#include "program/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program/folder.h"
#include "program/keys.h"

enum { READY_MS_MAX = 120000, SPARE_DESCRIPTORS = 512 };

static uint64_t descriptors_of(const struct spawn *spawn)
{
    uint64_t wanted = SPARE_DESCRIPTORS;
    if (spawn->role == ROLE_WEB)
        wanted += spawn->config->web.connections * 2;
    if (spawn->role == ROLE_INTAKE) {
        const struct config_listener *listeners = spawn->config->listeners.items;
        for (uint32_t i = 0; i < spawn->config->listeners.count; i++)
            wanted += listeners[i].connections;
        wanted += CONFIG_SOURCES_MAX;
    }
    return spawn->role == ROLE_ENGINE || spawn->role == ROLE_QUERY ? 0 : wanted;
}

int spawn_start(const struct spawn *spawn, pid_t *pid, int *fd, struct err *err)
{
    const char *arguments[] = {"canh", "role", role_specs[spawn->role].name, NULL};
    int ends[2];
    int rc = wire_pair(ends, err);
    if (rc != ERR_OK)
        return rc;
    int given[2] = {ends[1], spawn->lock};
    struct proc_start start = {.arguments = arguments,
                               .fds = given,
                               .fd_count = spawn->lock >= 0 ? 2 : 1,
                               .input = -1,
                               .output = -1,
                               .user = spawn->user,
                               .descriptors = descriptors_of(spawn),
                               .new_session = true,
                               .ends_with_parent = true};
    rc = proc_start(&start, pid, err);
    (void)close(ends[1]);
    if (rc == ERR_OK)
        *fd = ends[0];
    else
        (void)close(ends[0]);
    return rc;
}

int spawn_settle(const struct spawn *spawn, struct wire *wire, struct err *err)
{
    struct buf yaml = {0}, payload = {0};
    config_print(spawn->config, &yaml);
    message_put_long(&payload, buf_as_slice(&yaml));
    int rc = wire_send(wire, MESSAGE_CONFIG, 0, buf_as_slice(&payload), NULL, 0, err);
    if (rc == ERR_OK) {
        buf_clear(&payload);
        bytes_put_text(&payload, slice_from(spawn->data));
        bytes_put_u32(&payload, spawn->instance);
        bytes_put_u32(&payload, spawn->flags);
        bytes_put_text(&payload, slice_from(spawn->injection));
        rc = wire_send(wire, MESSAGE_ROLE, 0, buf_as_slice(&payload), NULL, 0, err);
    }
    buf_free(&yaml);
    buf_free(&payload);
    return rc;
}

int spawn_send_key(struct wire *wire, const char *data, struct err *err)
{
    struct buf pem = {0}, payload = {0};
    int rc = keys_read(data, KEYS_NODE, &pem, err);
    if (rc == ERR_OK) {
        message_put_long(&payload, buf_as_slice(&pem));
        rc = wire_send(wire, MESSAGE_NODE_KEY, 0, buf_as_slice(&payload), NULL, 0, err);
    }
    keys_wipe(&pem);
    keys_wipe(&payload);
    return rc;
}

/* Up to READY. What else comes meanwhile (why it failed) is told. */
static int ready_await(struct wire *wire, struct err *err)
{
    struct wire_message message = {0};
    int rc = wire_wait(wire, &message, READY_MS_MAX, err);
    if (rc == ERR_OK && message.type == MESSAGE_FAILED) {
        struct bytes_in in = bytes_in(buf_as_slice(&message.payload));
        struct slice why = message_take_long(&in, ERR_TEXT_BYTES);
        rc = err_set(err, ERR_IO, "%.*s", (int)why.len, why.data);
    } else if (rc == ERR_OK && message.type != MESSAGE_READY) {
        rc = err_set(err, ERR_SYNTAX, "the engine said something else than that it is ready");
    }
    wire_message_free(&message);
    return rc;
}

static int client_send(struct wire *wire, int *client, struct err *err)
{
    struct buf payload = {0};
    int ends[2];
    int rc = wire_pair(ends, err);
    if (rc != ERR_OK)
        return rc;
    bytes_put_u32(&payload, ROLE_PARENT);
    bytes_put_u32(&payload, 0);
    rc = wire_send(wire, MESSAGE_PEER, 0, buf_as_slice(&payload), &ends[1], 1, err);
    (void)close(ends[1]);
    if (rc == ERR_OK)
        *client = ends[0];
    else
        (void)close(ends[0]);
    buf_free(&payload);
    return rc;
}

/* As the owner of the folder: what it writes must be readable for a daemon later. */
static int alone_user(const struct config *config, const char *data, struct proc_user *out,
                      struct err *err)
{
    struct stat about;
    char number[24];
    *out = (struct proc_user){0};
    if (geteuid() != 0)
        return ERR_OK;
    if (stat(data, &about) != 0) { /* a machine without the service's users: as this one */
        int rc = folder_user(config, "", out, err);
        return rc == ERR_NOT_FOUND ? ERR_OK : rc;
    }
    (void)snprintf(number, sizeof(number), "%lu", (unsigned long)about.st_uid);
    return proc_user_find(number, out, err);
}

int spawn_engine_alone(const struct config *config, const char *data, pid_t *pid, int *parent,
                       int *client, struct err *err)
{
    struct spawn spawn = {.role = ROLE_ENGINE,
                          .config = config,
                          .data = data,
                          .flags = ROLE_FLAG_ALONE,
                          .injection = "",
                          .lock = -1};
    int fd = -1;
    *pid = 0;
    int rc = alone_user(config, data, &spawn.user, err);
    if (rc == ERR_OK)
        rc = folder_make(config, data, &spawn.user, err);
    if (rc == ERR_OK)
        rc = folder_lock(data, &spawn.lock, err);
    if (rc == ERR_OK)
        rc = keys_make(config, data, NULL, err);
    if (rc == ERR_OK)
        rc = spawn_start(&spawn, pid, &fd, err);
    if (spawn.lock >= 0)
        (void)close(spawn.lock); /* the engine has it, as long as it lives */
    if (rc != ERR_OK)
        return rc;
    struct wire *wire = wire_open(fd, -1);
    rc = spawn_settle(&spawn, wire, err);
    if (rc == ERR_OK)
        rc = spawn_send_key(wire, data, err);
    if (rc == ERR_OK)
        rc = wire_send(wire, MESSAGE_GO, 0, SLICE(""), NULL, 0, err);
    if (rc == ERR_OK)
        rc = ready_await(wire, err);
    if (rc == ERR_OK)
        rc = client_send(wire, client, err);
    if (rc == ERR_OK) {
        *parent = fcntl(wire_fd(wire), F_DUPFD_CLOEXEC, 0);
        if (*parent < 0)
            rc = err_set_errno(err, errno, "cannot keep the engine's wire");
    }
    wire_close(&wire);
    if (rc != ERR_OK) {
        (void)kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    return rc;
}
