#include "base/ring.h"

#include <pthread.h>

#include "base/err.h"
#include "base/mem.h"

struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    void **items;
    size_t capacity, count, head;
    bool finished;
};

struct ring *ring_open(size_t capacity)
{
    struct ring *ring = mem_zeroed(1, sizeof(*ring));
    check(capacity > 0);
    check(pthread_mutex_init(&ring->mutex, NULL) == 0);
    check(pthread_cond_init(&ring->not_empty, NULL) == 0);
    check(pthread_cond_init(&ring->not_full, NULL) == 0);
    ring->items = mem_zeroed(capacity, sizeof(*ring->items));
    ring->capacity = capacity;
    return ring;
}

void ring_close(struct ring **ring)
{
    if (!*ring)
        return;
    check(pthread_cond_destroy(&(*ring)->not_empty) == 0);
    check(pthread_cond_destroy(&(*ring)->not_full) == 0);
    check(pthread_mutex_destroy(&(*ring)->mutex) == 0);
    mem_free((*ring)->items);
    mem_free(*ring);
    *ring = NULL;
}

void ring_send(struct ring *ring, void *item)
{
    check(pthread_mutex_lock(&ring->mutex) == 0);
    while (ring->count == ring->capacity)
        check(pthread_cond_wait(&ring->not_full, &ring->mutex) == 0);
    ring->items[(ring->head + ring->count) % ring->capacity] = item;
    ring->count++;
    check(pthread_cond_signal(&ring->not_empty) == 0);
    check(pthread_mutex_unlock(&ring->mutex) == 0);
}

void *ring_receive(struct ring *ring)
{
    void *item = NULL;
    check(pthread_mutex_lock(&ring->mutex) == 0);
    while (ring->count == 0 && !ring->finished)
        check(pthread_cond_wait(&ring->not_empty, &ring->mutex) == 0);
    if (ring->count > 0) {
        item = ring->items[ring->head];
        ring->head = (ring->head + 1) % ring->capacity;
        ring->count--;
        check(pthread_cond_signal(&ring->not_full) == 0);
    }
    check(pthread_mutex_unlock(&ring->mutex) == 0);
    return item;
}

void ring_finish(struct ring *ring)
{
    check(pthread_mutex_lock(&ring->mutex) == 0);
    ring->finished = true;
    check(pthread_cond_broadcast(&ring->not_empty) == 0);
    check(pthread_mutex_unlock(&ring->mutex) == 0);
}
