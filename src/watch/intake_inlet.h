/* Inlet: what listeners of messages (syslog, GELF; datagrams, streams) have in common: settings,
 * who may send, parcels to fill, figures; and the threads that judge what is filled.
 *
 * An inlet has INTAKE_INLET_PARCELS: when all wait to be judged, its socket is not read, and the
 * kernel's buffer fills; a parcel that was given away is handed over however long the engine takes.
 * Threads: an inlet's reading thread; INTAKE_QUEUE_THREADS judge. Ownership: borrows live, shared
 * and settings. */
#pragma once
#include <pthread.h>

#include "base/metric.h"
#include "base/socket.h"
#include "watch/intake_parcel.h"
#include "watch/listener.h"

enum { INTAKE_INLET_PARCELS = 8, INTAKE_QUEUE_THREADS = 3 };

enum intake_order { INTAKE_READS, INTAKE_DRAINS, INTAKE_ENDS }; /* to a reading thread */

enum intake_inlet_metric { /* of each kind of listener */
                           INLET_BYTES,
                           INLET_CONNECTIONS,
                           INLET_DROPPED, /* by the kernel */
                           INLET_HELD,    /* ns without reading, since parcels waited */
                           INLET_REFUSED_ADDRESS,
                           INLET_REFUSED_LIMIT,
                           INLET_REFUSED_TLS,
                           INLET_METRICS
};

struct intake_queue { /* of all inlets */
    const struct live *live;
    struct intake_shared *shared;
    pthread_t threads[INTAKE_QUEUE_THREADS];
    uint32_t thread_count;
    pthread_mutex_t mutex;
    pthread_cond_t filled, freed;
    struct intake_parcel *first, **end; /* that wait to be judged */
    uint32_t out;                       /* given away and not free again */
    bool ending;
};

struct intake_inlet {
    struct intake_queue *queue;
    const struct config_listener *config;
    const struct listener_kind *kind;
    const struct live_source *source;
    const struct format *format; /* of every record; NULL: guessed for each */
    struct input_file file;      /* named after the listener */
    struct socket_allow allow;
    struct metric *metrics; /* INLET_METRICS of its kind */
    struct tally tally;     /* of records that were cut: these senders send nothing again */
    size_t parcel_capacity;
    struct intake_parcel *free; /* under the queue's mutex, as is what follows */
    uint32_t made;
    bool has_drops_out;                   /* a parcel that tells of drops is not durable yet */
    uint64_t drops_kept;                  /* of the socket's, durable */
    bool drops_are_known;                 /* the reading thread's, as is what follows */
    uint64_t socket_id;                   /* tells sockets apart that have one listener's name */
    uint64_t told_ns, untold;             /* senders that are not allowed */
    char drops_name[48], drops_value[48]; /* cursor of the parcel that is out */
};

/* read_bytes: the most that one read puts into a parcel. ERR_USAGE: its source is none. Closed
 * either way. */
MUST_CHECK int intake_inlet_open(struct intake_inlet *inlet, struct intake_queue *queue,
                                 const struct listener_socket *socket, size_t read_bytes,
                                 struct err *err);
void intake_inlet_close(struct intake_inlet *inlet); /* behind the queue's end */
/* A free parcel, empty. NULL: none within wait_ns. */
struct intake_parcel *intake_inlet_take(struct intake_inlet *inlet, uint64_t wait_ns);
void intake_inlet_give(struct intake_parcel *parcel); /* to be judged */
/* The socket has dropped so many, ever: what is new of it goes with the parcel, as soon as it is
 * known what an intake before this one told of. */
void intake_inlet_dropped(struct intake_parcel *parcel, uint64_t total);
/* Nothing waits to be judged: even a parcel that is not full may go. */
bool intake_inlet_is_hungry(struct intake_inlet *inlet);
/* Whether the sender may send; one that may not is counted, and told of at times. */
bool intake_inlet_lets_in(struct intake_inlet *inlet, const struct ip_address *address);
void intake_inlet_count(struct intake_inlet *inlet, enum intake_inlet_metric metric, uint64_t add);

void intake_queue_open(struct intake_queue *queue, const struct live *live,
                       struct intake_shared *shared);
void intake_queue_start(struct intake_queue *queue);
/* What a judging thread does: the next parcel, waited for (NULL: the queue ends); and when it is
 * durable, or never will be. */
struct intake_parcel *intake_queue_next(struct intake_queue *queue);
void intake_queue_done(struct intake_parcel *parcel);
bool intake_queue_is_idle(struct intake_queue *queue);
/* After intake_shared_end: nobody waits for a parcel any more. */
void intake_queue_end(struct intake_queue *queue);
/* Behind it and the reading threads' end; inlets are closed then. */
void intake_queue_close(struct intake_queue *queue);
