/* The inside of intake_stream*.c: a connection. Threads: the stream's. */
#pragma once
#include <stdatomic.h>

#include "formats/syslog_frame.h"
#include "watch/intake_gelf.h"
#include "watch/intake_stream.h"
#include "watch/intake_tls.h"

struct stream_connection {
    struct intake_stream *stream;
    int fd;
    struct ip_address address;
    char sender[INTAKE_CERTIFICATE_NAME_BYTES]; /* certificate's name, or address */
    size_t sender_len;
    struct intake_tls_session *tls;
    bool shakes, writes; /* the handshake goes on; it waits for room to write */
    struct syslog_frame frame;
    struct intake_gelf_cut cut;
    struct buf pending;     /* read, and no whole message yet */
    uint64_t unfinished_ns; /* since when; or since when it shakes hands; 0: nothing is open */
    uint64_t active_ns;     /* when something came */
    struct stream_connection *next, *before; /* the longest idle one first */
};

struct intake_stream {
    struct intake_inlet inlet;
    struct intake_tls *tls; /* NULL: none */
    int fd, events;         /* listening; epoll */
    pthread_t thread;
    bool is_started, is_joined, listens;
    atomic_int order;
    atomic_bool has_ended;
    struct intake_parcel *parcel;
    struct stream_connection *first, *last;
    uint64_t count;   /* of connections */
    uint64_t held_ns; /* until when nothing was read, since parcels waited */
    uint64_t looked_ns, rests_until_ns;
};

/* intake_stream_connection.c */
struct stream_connection *stream_connection_open(struct intake_stream *s, int fd,
                                                 const struct ip_address *address);
/* Reads a piece. ERR_BUSY: nothing is there; others but ERR_OK: it has ended, and is to be closed
 * (ERR_IO with why). The parcel must not be full. */
int stream_connection_read(struct stream_connection *c, struct err *err);
/* What is unfinished is given out; then it is gone. */
void stream_connection_close(struct stream_connection *c);
