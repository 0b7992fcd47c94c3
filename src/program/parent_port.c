/* Listening sockets: opened and kept by the parent, given to roles that come and go. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/listen.h"
#include "base/log.h"
#include "base/socket.h"
#include "program/folder.h"
#include "program/keys.h"
#include "program/parent.h"

static const char control_name[] = "control";

struct wanted {
    struct slice name, address;
    bool is_datagram;
    uint64_t receive_bytes; /* of datagrams that wait */
};

/* Fills wanted, which has room for all there can be. */
static uint32_t wanted_list(const struct config *config, struct wanted *wanted)
{
    const struct config_listener *listeners = config->listeners.items;
    uint32_t count = 0;
    if (config_has_web(config))
        wanted[count++] = (struct wanted){.name = SLICE("web"), .address = config->web.listen};
    for (uint32_t i = 0; i < config->listeners.count; i++) {
        const struct listener_kind *kind = listener_kind_find(listeners[i].kind);
        wanted[count++] = (struct wanted){listeners[i].row.name, listeners[i].listen,
                                          kind && kind->transport == LISTENER_DATAGRAM,
                                          listeners[i].receive_bytes};
    }
    return count;
}

static bool port_is(const struct parent_port *port, const struct wanted *wanted)
{
    return slice_equal(slice_from(port->name), wanted->name) &&
           slice_equal(buf_as_slice(&port->address), wanted->address) &&
           port->is_datagram == wanted->is_datagram;
}

static int port_of(const struct parent *p, const struct wanted *wanted)
{
    for (uint32_t i = 0; i < p->port_count; i++)
        if (port_is(&p->ports[i], wanted))
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
    *port = (struct parent_port){.fd = fd, .is_datagram = wanted->is_datagram};
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
            is_wanted = is_wanted || port_is(&p->ports[i], &wanted[j]);
        if (is_wanted)
            p->ports[kept++] = p->ports[i];
        else
            port_close(&p->ports[i]);
    }
    p->port_count = kept;
}

/* What the kernel holds while nobody reads; less than asked for is told. */
static void receive_set(const struct parent_port *port, const struct wanted *wanted)
{
    size_t got;
    struct err err;
    if (socket_set_receive_bytes(port->fd, wanted->receive_bytes, &got, &err) != ERR_OK)
        log_err(LOG_WARNING, "port", &err);
    else if (got < wanted->receive_bytes)
        log_say(LOG_WARNING, "port",
                "%s: the kernel gives %llu bytes for datagrams that wait, not receive_bytes "
                "(%llu): run sysctl -w net.core.rmem_max=%llu, and keep it in /etc/sysctl.d",
                port->name, (unsigned long long)got, (unsigned long long)wanted->receive_bytes,
                (unsigned long long)wanted->receive_bytes);
}

static void receives_set(struct parent *p, const struct wanted *wanted, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (wanted[i].is_datagram)
            receive_set(&p->ports[port_of(p, &wanted[i])], &wanted[i]);
}

static int wanted_open(const struct wanted *wanted, int *fd, struct err *err)
{
    return wanted->is_datagram ? listen_open_datagram(wanted->address, fd, err)
                               : listen_open(wanted->address, fd, err);
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
            rc = wanted_open(&wanted[i], &opened[i], err);
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
    receives_set(p, wanted, count);
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
    const struct wanted control = {.name = slice_from(control_name), .address = slice_from(path)};
    port_add(p, &control, fd);
    return ERR_OK;
}

static bool port_is_of(const struct parent_port *port, enum role role)
{
    if (strcmp(port->name, control_name) == 0)
        return role == ROLE_ENGINE;
    return role == (strcmp(port->name, "web") == 0 ? ROLE_WEB : ROLE_INTAKE);
}

/* NULL: the port is no listener's. */
static const struct config_listener *port_listener(const struct parent *p,
                                                   const struct parent_port *port)
{
    const struct config_listener *listeners = p->config->listeners.items;
    for (uint32_t i = 0; i < p->config->listeners.count; i++)
        if (slice_equal(listeners[i].row.name, slice_from(port->name)))
            return &listeners[i];
    return NULL;
}

static bool port_has_tls(const struct parent *p, const struct parent_port *port)
{
    const struct config_listener *listener = port_listener(p, port);
    if (strcmp(port->name, "web") == 0)
        return p->config->web.tls;
    return listener && listener->tls;
}

static int clients_read(const struct parent *p, const struct parent_port *port, struct buf *out,
                        struct err *err)
{
    const struct config_listener *listener = port_listener(p, port);
    if (!listener || !listener->client_ca_file.len)
        return ERR_OK;
    int rc = io_read_file(out, listener->client_ca_file.data, KEYS_BYTES_MAX, err);
    return rc ? err_prefix(err, "listener %s: client_ca_file", port->name) : ERR_OK;
}

static int tls_send(const struct parent *p, const struct parent_port *port, struct wire *wire,
                    struct err *err)
{
    struct buf certificate = {0}, key = {0}, clients = {0}, payload = {0};
    int rc = keys_web_pair(p->config, p->data, &certificate, &key, err);
    if (rc == ERR_OK)
        rc = clients_read(p, port, &clients, err);
    if (rc == ERR_OK) {
        buf_reserve(&payload, 4 * (size_t)KEYS_BYTES_MAX);
        bytes_put_text(&payload, slice_from(port->name));
        message_put_long(&payload, buf_as_slice(&certificate));
        message_put_long(&payload, buf_as_slice(&key));
        message_put_long(&payload, buf_as_slice(&clients));
        rc = wire_send(wire, MESSAGE_TLS, 0, buf_as_slice(&payload), NULL, 0, err);
    }
    buf_free(&certificate);
    buf_free(&clients);
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

void parent_ports_refuse(struct parent *p)
{
    for (uint32_t i = 0; i < p->port_count; i++)
        if (!p->ports[i].is_datagram && strcmp(p->ports[i].name, control_name) != 0)
            (void)shutdown(p->ports[i].fd, SHUT_RD);
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
