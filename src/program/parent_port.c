/* Listening sockets: opened and kept by the parent, given to roles that come and go. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/listen.h"
#include "base/log.h"
#include "program/folder.h"
#include "program/keys.h"
#include "program/parent.h"

static const char control_name[] = "control";

struct wanted {
    struct slice name, address;
};

/* Fills wanted, which has room for all there can be. */
static uint32_t wanted_list(const struct config *config, struct wanted *wanted)
{
    const struct config_listener *listeners = config->listeners.items;
    uint32_t count = 0;
    if (config_has_web(config))
        wanted[count++] = (struct wanted){SLICE("web"), config->web.listen};
    for (uint32_t i = 0; i < config->listeners.count; i++)
        wanted[count++] = (struct wanted){listeners[i].row.name, listeners[i].listen};
    return count;
}

static int port_of(const struct parent *p, const struct wanted *wanted)
{
    for (uint32_t i = 0; i < p->port_count; i++)
        if (slice_equal(slice_from(p->ports[i].name), wanted->name) &&
            slice_equal(buf_as_slice(&p->ports[i].address), wanted->address))
            return (int)i;
    return -1;
}

static void port_tell(const struct parent_port *port)
{
    struct sockaddr_storage at;
    struct sockaddr_in6 six;
    socklen_t size = sizeof(at);
    uint16_t number = 0;
    if (getsockname(port->fd, (struct sockaddr *)&at, &size) == 0) {
        memcpy(&six, &at, sizeof(six)); /* the port is at the same place in both */
        number = ntohs(six.sin6_port);
    }
    log_say(LOG_INFO, "port", "%s listens on %.*s (port %u)", port->name, (int)port->address.len,
            port->address.data, number);
}

static void port_close(struct parent_port *port)
{
    (void)close(port->fd);
    buf_free(&port->address);
}

static void port_add(struct parent *p, const struct wanted *wanted, int fd)
{
    check(p->port_count < ROLE_LISTENERS_MAX);
    struct parent_port *port = &p->ports[p->port_count++];
    *port = (struct parent_port){.fd = fd};
    (void)snprintf(port->name, sizeof(port->name), "%.*s", (int)wanted->name.len,
                   wanted->name.data);
    buf_slice(&port->address, wanted->address);
}

/* Those that nothing wants any more, behind the first `keep` that were just looked at. */
static void ports_close_unwanted(struct parent *p, const struct wanted *wanted, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->port_count; i++) {
        struct slice name = slice_from(p->ports[i].name);
        bool is_wanted = slice_equal(name, SLICE("control"));
        for (uint32_t j = 0; j < count; j++)
            is_wanted =
                is_wanted || (slice_equal(name, wanted[j].name) &&
                              slice_equal(buf_as_slice(&p->ports[i].address), wanted[j].address));
        if (is_wanted)
            p->ports[kept++] = p->ports[i];
        else
            port_close(&p->ports[i]);
    }
    p->port_count = kept;
}

int parent_ports_open(struct parent *p, const struct config *config, struct err *err)
{
    struct wanted wanted[ROLE_LISTENERS_MAX];
    int opened[ROLE_LISTENERS_MAX], rc = ERR_OK;
    uint32_t count = wanted_list(config, wanted);
    for (uint32_t i = 0; i < count; i++)
        opened[i] = -1;
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++)
        if (port_of(p, &wanted[i]) < 0)
            rc = listen_open(wanted[i].address, &opened[i], err);
    if (rc != ERR_OK) {
        for (uint32_t i = 0; i < count; i++)
            if (opened[i] >= 0)
                (void)close(opened[i]);
        return rc;
    }
    ports_close_unwanted(p, wanted, count);
    for (uint32_t i = 0; i < count; i++)
        if (opened[i] >= 0) {
            port_add(p, &wanted[i], opened[i]);
            port_tell(&p->ports[p->port_count - 1]);
        }
    return ERR_OK;
}

int parent_ports_open_control(struct parent *p, const struct proc_user *engine, struct err *err)
{
    char path[FOLDER_PATH_BYTES_MAX];
    int fd;
    (void)snprintf(path, sizeof(path), "%s/control.sock", p->data);
    int rc = wire_listen(path, 0660, &fd, err);
    if (rc != ERR_OK)
        return rc;
    if (engine->change && chown(path, engine->user, engine->group) != 0) {
        rc = err_set_errno(err, errno, "%s cannot be given to the engine's user", path);
        (void)close(fd);
        return rc;
    }
    port_add(p, &(struct wanted){slice_from(control_name), slice_from(path)}, fd);
    return ERR_OK;
}

static bool port_is_of(const struct parent_port *port, enum role role)
{
    if (strcmp(port->name, control_name) == 0)
        return role == ROLE_ENGINE;
    return role == (strcmp(port->name, "web") == 0 ? ROLE_WEB : ROLE_INTAKE);
}

static bool port_has_tls(const struct parent *p, const struct parent_port *port)
{
    const struct config_listener *listeners = p->config->listeners.items;
    if (strcmp(port->name, "web") == 0)
        return p->config->web.tls;
    for (uint32_t i = 0; i < p->config->listeners.count; i++)
        if (slice_equal(listeners[i].row.name, slice_from(port->name)))
            return listeners[i].tls;
    return false;
}

static int tls_send(const struct parent *p, const struct parent_port *port, struct wire *wire,
                    struct err *err)
{
    struct buf certificate = {0}, key = {0}, payload = {0};
    int rc = keys_web_pair(p->config, p->data, &certificate, &key, err);
    if (rc == ERR_OK) {
        buf_reserve(&payload, 3 * (size_t)KEYS_BYTES_MAX);
        bytes_put_text(&payload, slice_from(port->name));
        message_put_long(&payload, buf_as_slice(&certificate));
        message_put_long(&payload, buf_as_slice(&key));
        rc = wire_send(wire, MESSAGE_TLS, 0, buf_as_slice(&payload), NULL, 0, err);
    }
    buf_free(&certificate);
    keys_wipe(&key);
    keys_wipe(&payload);
    return rc;
}

int parent_ports_send(const struct parent *p, enum role role, struct wire *wire, struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < p->port_count && rc == ERR_OK; i++) {
        const struct parent_port *port = &p->ports[i];
        struct buf payload = {0};
        if (!port_is_of(port, role))
            continue;
        bytes_put_text(&payload, slice_from(port->name));
        rc = wire_send(wire, MESSAGE_LISTENER, 0, buf_as_slice(&payload), &port->fd, 1, err);
        if (rc == ERR_OK && port_has_tls(p, port))
            rc = tls_send(p, port, wire, err);
        buf_free(&payload);
    }
    return rc;
}

void parent_ports_close(struct parent *p)
{
    char path[FOLDER_PATH_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s/control.sock", p->data);
    (void)unlink(path);
    while (p->port_count)
        port_close(&p->ports[--p->port_count]);
}

void parent_certificate_look(struct parent *p)
{
    struct buf certificate = {0}, key = {0};
    struct keys_certificate about;
    struct err err;
    int rc = keys_web_pair(p->config, p->data, &certificate, &key, &err);
    if (rc == ERR_OK)
        rc = keys_certificate_read(buf_as_slice(&certificate), &about, &err);
    buf_free(&p->certificate);
    p->certificate = certificate;
    keys_wipe(&key);
    if (rc != ERR_OK) {
        log_err(LOG_WARNING, "certificate", &err);
        return;
    }
    int64_t left_ns = about.not_after_ns - clock_now_ns();
    metric_set(&p->metrics[PARENT_CERTIFICATE], left_ns);
    if (left_ns < KEYS_WARN_DAYS * 86400 * CLOCK_SECOND_NS)
        log_say(LOG_WARNING, "certificate",
                "the server certificate ends in %lld days: run canh key rotate tls, or install a "
                "new one (canh key install)",
                (long long)(left_ns / (86400 * CLOCK_SECOND_NS)));
}
