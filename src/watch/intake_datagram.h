/* Intake datagram: a listener of datagrams (syslog, GELF over UDP): each is a message. Its thread
 * reads as many as come within INTAKE_DATAGRAM_GATHER_NS, more while judging does not keep up.
 *
 * What the kernel drops since nobody reads in time is counted from its own counter, over restarts,
 * too. Limits: those of inlets. Threads: its own. Ownership: borrows the socket. */
#pragma once
#include "watch/intake_inlet.h"

#define INTAKE_DATAGRAM_GATHER_NS ((uint64_t)5000000)

struct intake_datagram;
/* metrics: INLET_METRICS. Its thread begins. */
MUST_CHECK int intake_datagram_open(struct intake_datagram **out, struct intake_queue *queue,
                                    const struct listener_socket *listener, struct metric *metrics,
                                    struct err *err);
/* Reads what is there, for a while, and ends. */
void intake_datagram_drain(struct intake_datagram *d);
bool intake_datagram_has_ended(struct intake_datagram *d);
/* Ends at once; behind intake_queue_end. */
void intake_datagram_join(struct intake_datagram *d);
void intake_datagram_close(struct intake_datagram **d); /* behind intake_queue_close */
