#include "watch/intake_inlet.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define TELL_NS ((uint64_t)3600 * CLOCK_SECOND_NS)

static const struct config_listener *config_of(const struct config *config, const char *name)
{
    const struct config_listener *l = config->listeners.items;
    for (uint32_t i = 0; i < config->listeners.count; i++)
        if (slice_equal(l[i].row.name, slice_from(name)))
            return &l[i];
    return NULL;
}

/* Formats whose records mean nothing without a file around them are no listener's. */
static bool format_suits(const struct format *format)
{
    return format->split != SPLIT_EVTX && format->split != SPLIT_CSV && format->split != SPLIT_W3C;
}

static void format_set(struct intake_inlet *inlet)
{
    const struct format *wanted = inlet->source->format;
    inlet->file.format = format_find(SLICE("syslog"));
    if (inlet->kind->service == LISTENER_GELF)
        inlet->format = format_find(SLICE("gelf"));
    else if (wanted && format_suits(wanted))
        inlet->format = wanted;
    else if (wanted)
        log_say(LOG_WARNING, "listener",
                "%s: records of format %s come in files only: the format of each message is "
                "guessed",
                inlet->file.name, wanted->name);
}

static int allow_set(struct intake_inlet *inlet, struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < inlet->config->allow.count && rc == ERR_OK; i++)
        rc = socket_allow_add(&inlet->allow, inlet->config->allow.items[i], err);
    return rc;
}

int intake_inlet_open(struct intake_inlet *inlet, struct intake_queue *queue,
                      const struct listener_socket *listener, size_t read_bytes, struct err *err)
{
    socklen_t size = sizeof(inlet->socket_id);
    inlet->queue = queue;
    inlet->config = config_of(queue->live->config, listener->name);
    check(inlet->config);
    inlet->kind = listener_kind_find(inlet->config->kind);
    inlet->source = live_source(queue->live, inlet->config->source);
    inlet->file.name = listener->name;
    if (!inlet->source)
        return err_set(err, ERR_USAGE, "listener %s: canh.yaml has no source %.*s: name one of it",
                       listener->name, (int)inlet->config->source.len, inlet->config->source.data);
    const struct config_listener *rows = queue->live->config->listeners.items;
    inlet->tally = intake_shared_tally(queue->shared, (uint32_t)(inlet->config - rows));
    format_set(inlet);
    inlet->parcel_capacity = INTAKE_PARCEL_BYTES + read_bytes;
    (void)snprintf(inlet->drops_name, sizeof(inlet->drops_name), "%.*s%s", (int)HAUL_DROPPED.len,
                   HAUL_DROPPED.data, listener->name);
    if (getsockopt(listener->fd, SOL_SOCKET, SO_COOKIE, &inlet->socket_id, &size) != 0)
        return err_set_errno(err, errno, "listener %s: the socket has no number", listener->name);
    return allow_set(inlet, err);
}

void intake_inlet_close(struct intake_inlet *inlet)
{
    while (inlet->free) {
        struct intake_parcel *p = inlet->free;
        inlet->free = p->next;
        intake_parcel_close(&p);
    }
    socket_allow_free(&inlet->allow);
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / CLOCK_SECOND_NS),
                             .tv_nsec = (long)(ns % CLOCK_SECOND_NS)};
}

/* Under the mutex. NULL: all are given away. */
static struct intake_parcel *parcel_free(struct intake_inlet *inlet)
{
    struct intake_parcel *p = inlet->free;
    if (p)
        inlet->free = p->next;
    else if (inlet->made < INTAKE_INLET_PARCELS) {
        p = intake_parcel_open(inlet, inlet->parcel_capacity);
        inlet->made++;
    }
    return p;
}

struct intake_parcel *intake_inlet_take(struct intake_inlet *inlet, uint64_t wait_ns)
{
    struct intake_queue *q = inlet->queue;
    uint64_t began_ns = clock_monotonic_ns();
    const struct timespec until = timespec_of(began_ns + wait_ns);
    check(pthread_mutex_lock(&q->mutex) == 0);
    struct intake_parcel *p = parcel_free(inlet);
    bool waited = !p;
    for (int rc = 0; !p && rc == 0 && !q->ending; p = parcel_free(inlet)) {
        rc = pthread_cond_timedwait(&q->freed, &q->mutex, &until);
        check(rc == 0 || rc == ETIMEDOUT);
    }
    check(pthread_mutex_unlock(&q->mutex) == 0);
    if (waited)
        intake_inlet_count(inlet, INLET_HELD, clock_monotonic_ns() - began_ns);
    if (p)
        intake_parcel_clear(p);
    return p;
}

void intake_inlet_give(struct intake_parcel *parcel)
{
    struct intake_queue *q = parcel->inlet->queue;
    intake_inlet_count(parcel->inlet, INLET_BYTES, parcel->len + parcel->apart_bytes);
    if (!parcel->received_ns || !parcel->began_ns)
        parcel->received_ns = clock_now_ns();
    check(pthread_mutex_lock(&q->mutex) == 0);
    parcel->next = NULL;
    *q->end = parcel;
    q->end = &parcel->next;
    q->out++;
    check(pthread_cond_signal(&q->filled) == 0);
    check(pthread_mutex_unlock(&q->mutex) == 0);
}

/* What the store has of the socket's drops: nothing of one that is new. False: not known yet. */
static bool drops_find(struct intake_inlet *inlet)
{
    struct intake_shared *shared = inlet->queue->shared;
    struct buf value = {0};
    uint64_t id, total;
    if (!inlet->drops_are_known && intake_shared_term(shared, 0, 0)) {
        inlet->drops_are_known = true;
        if (intake_shared_cursor(shared, slice_from(inlet->drops_name), &value)) {
            struct slice rest = buf_as_slice(&value), first = slice_cut(&rest, ' ');
            if (slice_to_u64(first, &id) && id == inlet->socket_id && slice_to_u64(rest, &total))
                inlet->drops_kept = total;
        }
        buf_free(&value);
    }
    return inlet->drops_are_known;
}

void intake_inlet_dropped(struct intake_parcel *p, uint64_t total)
{
    struct intake_inlet *inlet = p->inlet;
    struct intake_queue *q = inlet->queue;
    if (!drops_find(inlet))
        return;
    check(pthread_mutex_lock(&q->mutex) == 0);
    if (!inlet->has_drops_out && total > inlet->drops_kept) {
        p->dropped_kernel = total - inlet->drops_kept;
        p->dropped_all = total;
        inlet->has_drops_out = true;
        intake_inlet_count(inlet, INLET_DROPPED, p->dropped_kernel);
    }
    check(pthread_mutex_unlock(&q->mutex) == 0);
}

bool intake_inlet_is_hungry(struct intake_inlet *inlet)
{
    struct intake_queue *q = inlet->queue;
    check(pthread_mutex_lock(&q->mutex) == 0);
    bool hungry = !q->first;
    check(pthread_mutex_unlock(&q->mutex) == 0);
    return hungry;
}

bool intake_inlet_lets_in(struct intake_inlet *inlet, const struct ip_address *address)
{
    char text[IP_TEXT_BYTES];
    if (socket_allow_has(&inlet->allow, address))
        return true;
    uint64_t now_ns = clock_monotonic_ns();
    intake_inlet_count(inlet, INLET_REFUSED_ADDRESS, 1);
    inlet->untold++;
    if (inlet->told_ns && now_ns - inlet->told_ns < TELL_NS)
        return false;
    log_say(LOG_WARNING, "address",
            "listener %s: %.*s may not send here, and what it sends is dropped (%llu times since "
            "this was last said): add it to the listener's `allow`, or stop it",
            inlet->file.name, (int)ip_text(text, address), text, (unsigned long long)inlet->untold);
    inlet->told_ns = now_ns;
    inlet->untold = 0;
    return false;
}

void intake_inlet_count(struct intake_inlet *inlet, enum intake_inlet_metric metric, uint64_t add)
{
    metric_add(&inlet->metrics[metric], add);
}
