#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/ring.h"

enum { SENDERS = 3, RECEIVERS = 2, ITEMS = 5000 };
static int items[SENDERS * ITEMS]; /* how often each was received */

static void test_order_of_one_sender(void **state)
{
    (void)state;
    int numbers[3] = {0, 1, 2};
    struct ring *ring = ring_open(3);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 3; i++)
            ring_send(ring, &numbers[i]);
        for (int i = 0; i < 3; i++)
            assert_ptr_equal(ring_receive(ring), &numbers[i]);
    }
    ring_send(ring, &numbers[0]);
    ring_finish(ring);
    assert_ptr_equal(ring_receive(ring), &numbers[0]); /* what is inside is still given */
    assert_null(ring_receive(ring));
    assert_null(ring_receive(ring));
    ring_close(&ring);
    assert_null(ring);
    ring_close(&ring);
}

struct sender {
    struct ring *ring;
    int *first;
};

static void *send_all(void *context)
{
    struct sender *s = context;
    for (int i = 0; i < ITEMS; i++)
        ring_send(s->ring, s->first + i);
    return NULL;
}

static void *receive_all(void *context)
{
    for (int *item; (item = ring_receive(context));)
        __atomic_add_fetch(item, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void test_each_item_arrives_once(void **state)
{
    (void)state;
    struct ring *ring = ring_open(7); /* small: senders wait */
    pthread_t senders[SENDERS], receivers[RECEIVERS];
    struct sender contexts[SENDERS];
    memset(items, 0, sizeof(items));
    for (int i = 0; i < RECEIVERS; i++)
        assert_int_equal(pthread_create(&receivers[i], NULL, receive_all, ring), 0);
    for (int i = 0; i < SENDERS; i++) {
        contexts[i] = (struct sender){ring, items + i * ITEMS};
        assert_int_equal(pthread_create(&senders[i], NULL, send_all, &contexts[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(senders[i], NULL), 0);
    ring_finish(ring);
    for (int i = 0; i < RECEIVERS; i++)
        assert_int_equal(pthread_join(receivers[i], NULL), 0);
    for (int i = 0; i < SENDERS * ITEMS; i++)
        assert_int_equal(items[i], 1);
    ring_close(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_one_sender),
        cmocka_unit_test(test_each_item_arrives_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
