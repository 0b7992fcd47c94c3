/* How many connections each address has, so that one too many is told so. On the listener's thread.
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "watch/intake_http_inside.h"

struct http_address { /* used while connections > 0 */
    char bytes[16];   /* an IPv4 one has four, then zeros */
    uint64_t connections;
};

static bool address_bytes(struct MHD_Connection *connection, char out[16])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    memset(out, 0, 16);
    if (!info || !info->client_addr)
        return false;
    if (info->client_addr->sa_family == AF_INET)
        memcpy(out, &((const struct sockaddr_in *)info->client_addr)->sin_addr, 4);
    else if (info->client_addr->sa_family == AF_INET6)
        memcpy(out, &((const struct sockaddr_in6 *)info->client_addr)->sin6_addr, 16);
    return true;
}

static struct http_address *address_take(struct http_listener *l, struct MHD_Connection *connection)
{
    char bytes[16];
    struct http_address *free = NULL;
    if (!address_bytes(connection, bytes))
        return NULL;
    for (uint64_t i = 0; i < l->config->connections; i++) {
        struct http_address *a = &l->addresses[i];
        if (a->connections && memcmp(a->bytes, bytes, sizeof(bytes)) == 0)
            return a;
        if (!a->connections)
            free = a;
    }
    if (free)
        memcpy(free->bytes, bytes, sizeof(bytes));
    return free;
}

void http_addresses_open(struct http_listener *l)
{
    l->addresses = mem_zeroed((size_t)l->config->connections, sizeof(*l->addresses));
}

void http_connection(void *context, struct MHD_Connection *connection, void **own,
                     enum MHD_ConnectionNotificationCode code)
{
    struct http_listener *l = context;
    struct http_address *address = *own;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        address = address_take(l, connection);
        *own = address;
        if (address)
            address->connections++;
    } else if (address) {
        address->connections--;
    }
}

bool http_address_has_too_many(const struct http_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct http_address *address = info ? info->socket_context : NULL;
    return address && address->connections > r->listener->config->connections_per_address;
}
