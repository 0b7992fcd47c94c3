#include "watch/intake_datagram.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "watch/intake_gelf.h"

/* A datagram's place is a little longer than the longest: were it a power of two, the first bytes
 * of all would share a few lines of the processor's cache. */
enum {
    BATCH = 128,
    DATAGRAM_BYTES = 64 << 10,
    PLACE_BYTES = DATAGRAM_BYTES + 5 * 64,
    TICK_MS = 100
};
#define TICK_NS  ((uint64_t)TICK_MS * 1000000)
#define DRAIN_NS ((uint64_t)CLOCK_SECOND_NS / 2)
#define LOOK_NS  ((uint64_t)CLOCK_SECOND_NS) /* at the kernel's counter, while nothing comes */

struct intake_datagram {
    struct intake_inlet inlet;
    int fd;
    pthread_t thread;
    bool is_started, is_joined;
    atomic_int order;
    atomic_bool has_ended;
    struct intake_parcel *parcel;
    struct intake_gelf gelf; /* of GELF listeners */
    struct socket_drops drops;
    uint64_t count, looked_ns;
    char *space; /* PLACE_BYTES each */
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_storage from[BATCH];
    char control[BATCH][SOCKET_CONTROL_BYTES];
};

/* Longer than the listener takes: in parts, none ending inside of a character. */
static void syslog_add(struct intake_datagram *d, struct slice text, struct slice sender)
{
    size_t max = d->inlet.config->message_bytes;
    enum span_part part = text.len > max ? SPAN_FIRST_PART : SPAN_WHOLE;
    do {
        size_t len = text.len;
        if (len > max)
            for (len = max; len > max - 4 && ((unsigned char)text.data[len] & 0xc0) == 0x80;)
                len--;
        intake_parcel_add(d->parcel,
                          (struct span){.text = slice_part(text, 0, len),
                                        .line = d->count,
                                        .part = (uint8_t)part},
                          sender);
        part = SPAN_LATER_PART;
        text = slice_part(text, len, SIZE_MAX);
    } while (text.len);
}

static void syslog_take(struct intake_datagram *d, struct slice datagram,
                        const struct ip_address *from)
{
    while (datagram.len &&
           (datagram.data[datagram.len - 1] == '\n' || datagram.data[datagram.len - 1] == '\r' ||
            datagram.data[datagram.len - 1] == '\0'))
        datagram.len--;
    if (datagram.len == 0)
        return;
    d->count++;
    syslog_add(d, intake_parcel_text(d->parcel, datagram), intake_parcel_sender(d->parcel, from));
}

static bool parcel_have(struct intake_datagram *d)
{
    while (!d->parcel && atomic_load(&d->order) != INTAKE_ENDS)
        d->parcel = intake_inlet_take(&d->inlet, TICK_NS);
    return d->parcel;
}

static void parcel_give(struct intake_datagram *d)
{
    intake_inlet_dropped(d->parcel, d->drops.total);
    if (!intake_parcel_is_empty(d->parcel) || d->parcel->dropped_kernel) {
        intake_inlet_give(d->parcel);
        d->parcel = NULL;
    }
}

static void datagram_take(struct intake_datagram *d, int i)
{
    struct ip_address from;
    uint16_t port;
    struct slice datagram = slice_make(d->parts[i].iov_base, d->messages[i].msg_len);
    (void)socket_peer_read(&d->from[i], &from, &port);
    if (!intake_inlet_lets_in(&d->inlet, &from))
        return;
    if (intake_parcel_is_full(d->parcel))
        parcel_give(d);
    if (!parcel_have(d))
        return;
    if (d->gelf.chunks)
        intake_gelf_datagram(&d->gelf, d->parcel, datagram, &from);
    else
        syslog_take(d, datagram, &from);
}

static int batch_read(struct intake_datagram *d)
{
    for (int i = 0; i < BATCH; i++) {
        d->messages[i].msg_hdr.msg_namelen = sizeof(d->from[i]);
        d->messages[i].msg_hdr.msg_controllen = sizeof(d->control[i]);
    }
    int count = recvmmsg(d->fd, d->messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++)
        datagram_take(d, i);
    if (count > 0)
        (void)socket_drops_read(&d->drops, &d->messages[count - 1].msg_hdr);
    return count;
}

/* Behind the newest datagram, too; and chunks that nothing comes to. */
static void quiet_look(struct intake_datagram *d)
{
    struct err err;
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns - d->looked_ns < LOOK_NS)
        return;
    d->looked_ns = now_ns;
    if (socket_drops_ask(&d->drops, d->fd, &err) != ERR_OK)
        log_err(LOG_WARNING, "drops", &err);
    if (d->gelf.chunks)
        intake_gelf_tick(&d->gelf, d->parcel);
    if (intake_parcel_is_empty(d->parcel))
        parcel_give(d);
}

/* How long the next datagram may be waited for. */
static int wait_ms(const struct intake_datagram *d)
{
    if (!d->parcel->began_ns)
        return TICK_MS;
    uint64_t passed_ns = clock_monotonic_ns() - d->parcel->began_ns;
    return passed_ns >= INTAKE_DATAGRAM_GATHER_NS
               ? 1
               : 1 + (int)((INTAKE_DATAGRAM_GATHER_NS - passed_ns) / 1000000);
}

static bool parcel_may_go(struct intake_datagram *d, bool quiet)
{
    if (intake_parcel_is_empty(d->parcel))
        return false;
    if (intake_parcel_is_full(d->parcel))
        return true;
    uint64_t passed_ns = clock_monotonic_ns() - d->parcel->began_ns;
    return passed_ns >= INTAKE_DATAGRAM_GATHER_NS && (quiet || intake_inlet_is_hungry(&d->inlet));
}

static void *datagram_run(void *context)
{
    struct intake_datagram *d = context;
    uint64_t until_ns = UINT64_MAX;
    while (atomic_load(&d->order) != INTAKE_ENDS && parcel_have(d)) {
        struct pollfd readable = {.fd = d->fd, .events = POLLIN};
        bool drains = atomic_load(&d->order) == INTAKE_DRAINS;
        int count = batch_read(d);
        if (drains && until_ns == UINT64_MAX)
            until_ns = clock_monotonic_ns() + DRAIN_NS;
        if (drains && (count <= 0 || clock_monotonic_ns() >= until_ns))
            break;
        if (!parcel_have(d))
            break;
        if (count < BATCH)
            quiet_look(d);
        if (d->parcel && parcel_may_go(d, count <= 0))
            parcel_give(d);
        if (count < BATCH && parcel_have(d))
            (void)poll(&readable, 1, wait_ms(d));
    }
    if (d->parcel)
        parcel_give(d);
    intake_parcel_close(&d->parcel);
    atomic_store(&d->has_ended, true);
    return NULL;
}

static void space_set(struct intake_datagram *d)
{
    d->space = mem_alloc((size_t)BATCH * PLACE_BYTES);
    for (size_t i = 0; i < BATCH; i++) {
        d->parts[i] = (struct iovec){d->space + i * PLACE_BYTES, DATAGRAM_BYTES};
        d->messages[i].msg_hdr = (struct msghdr){.msg_name = &d->from[i],
                                                 .msg_iov = &d->parts[i],
                                                 .msg_iovlen = 1,
                                                 .msg_control = d->control[i]};
    }
}

int intake_datagram_open(struct intake_datagram **out, struct intake_queue *queue,
                         const struct listener_socket *listener, struct metric *metrics,
                         struct err *err)
{
    struct intake_datagram *d = mem_zeroed(1, sizeof(*d));
    *out = d;
    d->fd = listener->fd;
    d->inlet.metrics = metrics;
    int rc = intake_inlet_open(&d->inlet, queue, listener, DATAGRAM_BYTES, err);
    if (rc == ERR_OK)
        rc = socket_drops_start(d->fd, err);
    if (rc == ERR_OK)
        rc = socket_drops_ask(&d->drops, d->fd, err);
    if (rc)
        return rc;
    if (d->inlet.kind->service == LISTENER_GELF)
        intake_gelf_open(&d->gelf, d->inlet.config->message_bytes);
    space_set(d);
    check(pthread_create(&d->thread, NULL, datagram_run, d) == 0);
    d->is_started = true;
    return ERR_OK;
}

void intake_datagram_drain(struct intake_datagram *d)
{
    int reading = INTAKE_READS;
    (void)atomic_compare_exchange_strong(&d->order, &reading, INTAKE_DRAINS);
}

bool intake_datagram_has_ended(struct intake_datagram *d)
{
    return !d->is_started || atomic_load(&d->has_ended);
}

void intake_datagram_join(struct intake_datagram *d)
{
    atomic_store(&d->order, INTAKE_ENDS);
    if (d->is_started && !d->is_joined)
        check(pthread_join(d->thread, NULL) == 0);
    d->is_joined = true;
}

void intake_datagram_close(struct intake_datagram **out)
{
    struct intake_datagram *d = *out;
    if (!d)
        return;
    intake_gelf_close(&d->gelf);
    intake_inlet_close(&d->inlet);
    mem_free(d->space);
    mem_free(d);
    *out = NULL;
}
