/* Hauls of a lane whose engine goes while one is on its way, with the test as the engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/watch/lane_bed.h"

#define SHORT_NS ((uint64_t)CLOCK_SECOND_NS / 10)
#define LONG_NS  ((uint64_t)60 * CLOCK_SECOND_NS)
#define EVENT    "{\"a\":\"1\"}"

static void cursor_goes_on(void *context, uint64_t records, bool last, struct haul_head *head)
{
    (void)context;
    (void)records;
    (void)last;
    head->cursors[head->cursor_count++] = (struct haul_cursor){CURSOR, SLICE("20")};
}

static void *block_run(void *context)
{
    static char room[64] = EVENT; /* formats read a little behind the text */
    struct sides *s = context;
    struct input_file file = {.name = "in", .format = format_find(SLICE("ndjson"))};
    struct intake_block block = {.source = live_source(&s->bed.live, SLICE("app")),
                                 .file = &file,
                                 .received_ns = clock_now_ns(),
                                 .wait_ns = s->wait_ns,
                                 .cursors = cursor_goes_on};
    struct input_block *in = intake_lane_block(s->lane);
    span_list_add(&in->spans, (struct span){.text = slice_from(room), .line = 1});
    s->rc = intake_lane_run(s->lane, &block, NULL);
    return NULL;
}

static pthread_t block_begin(struct sides *s, uint64_t wait_ns)
{
    pthread_t thread;
    s->wait_ns = wait_ns;
    assert_int_equal(pthread_create(&thread, NULL, block_run, s), 0);
    return thread;
}

/* An engine that came too late had stored it: another haul of its number would pass for it. */
static void a_haul_that_failed_has_had_its_number(void **state)
{
    struct sides *s = *state;
    engine_comes(s, NULL);
    pthread_t thread = block_begin(s, SHORT_NS);
    haul_await(s, 1);
    uint64_t first = s->number;
    intake_shared_gone(s->shared);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_CLOSED);
    assert_int_equal(first, 1);
    engine_comes(s, "1");
    thread = block_begin(s, LONG_NS);
    haul_await(s, 2);
    engine_answers(s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_OK);
    assert_true(s->number > first);
}

/* The next engine tells its cursors before it has the haul that is handed over again. */
static void a_haul_handed_over_again_moves_its_cursor(void **state)
{
    struct sides *s = *state;
    struct buf value = {0};
    engine_comes(s, NULL);
    pthread_t thread = block_begin(s, LONG_NS);
    haul_await(s, 1);
    intake_shared_gone(s->shared);
    engine_comes(s, NULL);
    haul_await(s, 2);
    assert_int_equal(s->number, 1);
    engine_answers(s);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_OK);
    assert_true(intake_shared_cursor(s->shared, CURSOR, &value));
    assert_true(slice_equal(buf_as_slice(&value), SLICE("20")));
    buf_free(&value);
}

/* One that is durable is not handed over again. */
static void a_durable_haul_is_answered_by_the_next_engine(void **state)
{
    struct sides *s = *state;
    engine_comes(s, NULL);
    pthread_t thread = block_begin(s, LONG_NS);
    haul_await(s, 1);
    intake_shared_gone(s->shared);
    engine_comes(s, "1");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(s->rc, ERR_OK);
    assert_int_equal(s->got, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_haul_that_failed_has_had_its_number, open_all, close_all),
        cmocka_unit_test_setup_teardown(a_haul_handed_over_again_moves_its_cursor, open_all,
                                        close_all),
        cmocka_unit_test_setup_teardown(a_durable_haul_is_answered_by_the_next_engine, open_all,
                                        close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
