/* Connections: who may have one, and how many each address has, so that one too many is told so. On
 * the listener's thread. */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "watch/intake_http_inside.h"

static bool address_read(const struct sockaddr *from, struct ip_address *address)
{
    struct sockaddr_storage storage = {0};
    uint16_t port;
    if (!from)
        return false;
    memcpy(&storage, from,
           from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
    return socket_peer_read(&storage, address, &port);
}

enum MHD_Result http_peer_may_connect(void *context, const struct sockaddr *from, socklen_t len)
{
    const struct http_listener *l = context;
    struct ip_address address;
    char text[IP_TEXT_BYTES] = "an unknown address";
    (void)len;
    bool known = address_read(from, &address);
    if (l->allow.count == 0 || (known && socket_allow_has(&l->allow, &address)))
        return MHD_YES;
    if (known)
        (void)ip_text(text, &address);
    log_say(LOG_WARNING, "allow", "listener %s: %s is not in its list `allow`: shut out",
            l->file.name, text);
    return MHD_NO;
}

static struct http_address *address_take(struct http_listener *l, const struct ip_address *address)
{
    struct http_address *free = NULL;
    for (uint64_t i = 0; i < l->config->connections; i++) {
        struct http_address *a = &l->addresses[i];
        if (a->connections && memcmp(&a->address, address, sizeof(*address)) == 0)
            return a;
        if (!a->connections)
            free = a;
    }
    if (free)
        free->address = *address;
    return free;
}

static struct http_peer *peer_begin(struct http_listener *l, struct MHD_Connection *connection)
{
    struct http_peer *peer = mem_zeroed(1, sizeof(*peer));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct ip_address address;
    if (info && address_read(info->client_addr, &address)) {
        (void)ip_text(peer->from, &address);
        peer->address = address_take(l, &address);
    }
    if (peer->address)
        peer->address->connections++;
    (void)snprintf(peer->sender, sizeof(peer->sender), "%s", peer->from);
    return peer;
}

void http_peer_changed(void *context, struct MHD_Connection *connection, void **own,
                       enum MHD_ConnectionNotificationCode code)
{
    struct http_peer *peer = *own;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *own = peer_begin(context, connection);
    } else if (peer) {
        if (peer->address)
            peer->address->connections--;
        mem_free(peer);
        *own = NULL;
    }
}

struct http_peer *http_peer_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

bool http_peer_has_too_many(const struct http_request *r)
{
    const struct http_address *address = r->peer ? r->peer->address : NULL;
    return address && address->connections > r->listener->config->connections_per_address;
}
