#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "watch/peer.h"

/* Two peers of one loop, and what came to the second. */
struct pair {
    uv_loop_t loop;
    struct peer *peers[2];
    int messages, closed;
    uint64_t last_id;
    bool close_at_once;
    struct err err;
};

static void on_message(void *context, struct peer *peer, struct wire_message *message)
{
    struct pair *pair = context;
    assert_ptr_equal(peer, pair->peers[1]);
    assert_int_equal(message->id, pair->last_id + 1);
    pair->last_id = message->id;
    pair->messages++;
    if (pair->close_at_once)
        peer_close(&pair->peers[1]);
}

static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    struct pair *pair = context;
    pair->closed++;
    pair->err = *err;
    for (int i = 0; i < 2; i++)
        if (pair->peers[i] == peer)
            peer_close(&pair->peers[i]);
}

static const struct peer_calls calls = {on_message, on_closed};

static int set_up(void **state)
{
    static struct pair pair;
    int ends[2];
    pair = (struct pair){0};
    assert_int_equal(uv_loop_init(&pair.loop), 0);
    assert_int_equal(wire_pair(ends, NULL), ERR_OK);
    for (int i = 0; i < 2; i++)
        pair.peers[i] = peer_open(&pair.loop, ends[i], &calls, &pair);
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    peer_close(&pair->peers[0]);
    peer_close(&pair->peers[1]);
    (void)uv_run(&pair->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pair->loop), 0);
    return 0;
}

static void turn(struct pair *pair, int wanted)
{
    for (int i = 0; i < 10000 && pair->messages < wanted; i++)
        (void)uv_run(&pair->loop, UV_RUN_ONCE);
    assert_int_equal(pair->messages, wanted);
}

static void send_many(struct pair *pair, uint64_t count, size_t bytes)
{
    struct buf payload = {0};
    for (size_t i = 0; i < bytes; i++)
        buf_char(&payload, 'x');
    for (uint64_t id = 1; id <= count; id++)
        assert_int_equal(peer_send(pair->peers[0], 7, id, buf_as_slice(&payload), NULL, 0, NULL),
                         ERR_OK);
    buf_free(&payload);
}

static void test_messages_come_in_order(void **state)
{
    struct pair *pair = *state;
    send_many(pair, 3 * PEER_BURST, 10);
    turn(pair, 3 * PEER_BURST);
}

/* More than the socket takes at once: the rest goes out by the loop. */
static void test_what_is_queued_goes_out(void **state)
{
    struct pair *pair = *state;
    send_many(pair, 300, 30000);
    turn(pair, 300);
}

static void *sender_run(void *context)
{
    send_many(context, 300, 30000);
    return NULL;
}

static void test_another_thread_sends(void **state)
{
    struct pair *pair = *state;
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, sender_run, pair), 0);
    turn(pair, 300);
    assert_int_equal(pthread_join(sender, NULL), 0);
}

static void test_the_end_is_told_once_and_last(void **state)
{
    struct pair *pair = *state;
    send_many(pair, 2 * PEER_BURST, 10);
    peer_close(&pair->peers[0]);
    (void)uv_run(&pair->loop, UV_RUN_DEFAULT);
    assert_int_equal(pair->messages, 2 * PEER_BURST);
    assert_int_equal(pair->closed, 1);
    assert_int_equal(pair->err.code, ERR_CLOSED);
}

static void test_what_is_no_message_ends_it(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(send(wire_fd(peer_wire(pair->peers[0])), "nonsense", 8, 0), 8);
    while (!pair->closed)
        (void)uv_run(&pair->loop, UV_RUN_ONCE);
    assert_int_equal(pair->closed, 1);
    assert_int_equal(pair->err.code, ERR_SYNTAX);
}

static void test_it_may_be_closed_by_its_own_callback(void **state)
{
    struct pair *pair = *state;
    pair->close_at_once = true;
    send_many(pair, 5, 10);
    turn(pair, 1);
    for (int i = 0; i < 10; i++)
        (void)uv_run(&pair->loop, UV_RUN_NOWAIT);
    assert_int_equal(pair->messages, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_come_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_queued_goes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_thread_sends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_end_is_told_once_and_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_message_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_may_be_closed_by_its_own_callback, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
