/* Ring: a bounded queue of pointers between threads; a full ring makes the sender wait.
 * Threads: any number on both sides. Ownership: pointers pass from sender to receiver. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct ring;
struct ring *ring_open(size_t capacity);
void ring_close(struct ring **ring); /* must be empty and unused */
void ring_send(struct ring *ring, void *item);
void *ring_receive(struct ring *ring); /* waits; NULL after ring_finish when nothing is left */
void ring_finish(struct ring *ring);   /* no more will be sent */
