#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "program/web.h"

enum { GUESTS_SPARE = 64 /* refused ones are seen for a moment, too */ };

void web_guard_open(struct web *web)
{
    check(pthread_mutex_init(&web->guard, NULL) == 0);
    web->guest_max = (uint32_t)web->context->config->web.connections + GUESTS_SPARE;
    web->guests = mem_zeroed(web->guest_max, sizeof *web->guests);
}

void web_guard_close(struct web *web)
{
    mem_free(web->guests);
    (void)pthread_mutex_destroy(&web->guard);
}

void web_guard_notify(void *context, struct MHD_Connection *connection, void **guest,
                      enum MHD_ConnectionNotificationCode code)
{
    struct web *web = context;
    struct web_guest *g = *guest;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    (void)pthread_mutex_lock(&web->guard);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED && g)
        *g = (struct web_guest){0};
    for (uint32_t i = 0; code == MHD_CONNECTION_NOTIFY_STARTED && i < web->guest_max; i++) {
        if (web->guests[i].used)
            continue;
        uint64_t until_ns = clock_monotonic_ns() + web->context->config->web.timeout_ns;
        web->guests[i] = (struct web_guest){info->connect_fd, true, until_ns};
        *guest = &web->guests[i];
        metric_add(&web_metrics[WEB_CONNECTIONS], 1);
        break;
    }
    (void)pthread_mutex_unlock(&web->guard);
}

void web_guard_until(struct web *web, struct MHD_Connection *connection, uint64_t until_ns)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct web_guest *g = info ? info->socket_context : NULL;
    if (!g)
        return;
    (void)pthread_mutex_lock(&web->guard);
    g->until_ns = until_ns;
    (void)pthread_mutex_unlock(&web->guard);
}

/* The server sees the end of the connection and clears it away. */
void web_guard_overdue(struct web *web, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&web->guard);
    for (uint32_t i = 0; i < web->guest_max; i++) {
        struct web_guest *g = &web->guests[i];
        if (!g->used || g->until_ns == 0 || g->until_ns > now_ns)
            continue;
        (void)shutdown(g->fd, SHUT_RDWR);
        g->until_ns = 0;
        metric_add(&web_metrics[WEB_OVERDUE], 1);
    }
    (void)pthread_mutex_unlock(&web->guard);
}
