/* Intake messages: all listeners of syslog and GELF, over datagrams and streams.
 *
 * Limits: those of the listeners' rows in canh.yaml, of inlets, datagrams and streams. Threads:
 * their own; what is here is the loop's. Ownership: borrows sockets, live and shared. */
#pragma once
#include "watch/intake_inlet.h"

enum { INTAKE_MESSAGE_KINDS = 4, INTAKE_MESSAGE_METRICS = INTAKE_MESSAGE_KINDS * INLET_METRICS };
extern const struct metric intake_message_metrics[INTAKE_MESSAGE_METRICS]; /* to begin with */

struct intake_messages;
/* Of all such listeners among the sockets. Threads begin. */
MUST_CHECK int intake_messages_open(struct intake_messages **out,
                                    const struct listener_socket *sockets, uint32_t count,
                                    const struct live *live, struct intake_shared *shared,
                                    struct metric *metrics, struct err *err);
void intake_messages_drain(struct intake_messages *m);  /* reads what is there, takes nothing new */
bool intake_messages_idle(struct intake_messages *m);   /* drained, and all is durable */
void intake_messages_close(struct intake_messages **m); /* after intake_shared_end */
