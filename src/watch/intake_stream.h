/* Intake stream: a listener of streams (syslog over TCP and TLS, GELF over TCP). Its thread accepts
 * connections, reads them in turn and cuts messages; when parcels wait, none is read, and senders
 * wait with it.
 *
 * A connection may be idle for as long as its other side is there (TCP keep-alive asks), since a
 * sender of plain syslog loses what it writes into one that was closed. It is closed when a message
 * is not whole within the listener's timeout, when a handshake takes INTAKE_STREAM_SHAKE_NS, and
 * the longest idle one for a new one when the listener has all it may have. Limits: the listener's
 * connections, and per address; of each message_bytes are held. Threads: its own. Ownership:
 * borrows the socket. */
#pragma once
#include "watch/intake_inlet.h"

#define INTAKE_STREAM_SHAKE_NS ((uint64_t)10 * CLOCK_SECOND_NS)
enum { INTAKE_STREAM_READ_BYTES = 64 << 10 };

struct intake_stream;
/* metrics: INLET_METRICS. Its thread begins. */
MUST_CHECK int intake_stream_open(struct intake_stream **out, struct intake_queue *queue,
                                  const struct listener_socket *listener, struct metric *metrics,
                                  struct err *err);
/* Takes no more connections, reads what is there, for a while, and ends. */
void intake_stream_drain(struct intake_stream *s);
bool intake_stream_has_ended(struct intake_stream *s);
/* Ends at once; behind intake_queue_end. */
void intake_stream_join(struct intake_stream *s);
void intake_stream_close(struct intake_stream **s); /* behind intake_queue_close */
