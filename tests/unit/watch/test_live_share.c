/* A rule that burns too much is suspended, and tried again after a pause that doubles. Times are
 * the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live_bed.h"
#include "watch/live_share.h"

enum { WAIT_MS = 60000, FIRST = 0, SECOND = 1 };
#define START_NS UINT64_C(5000000000000)

static const char rule_first[] = "title: First\nid: 11111111-1111-4111-8111-111111111111\n"
                                 "status: stable\nlevel: high\nlogsource: {category: test}\n"
                                 "detection:\n  a: {a|re: 'h.t'}\n  condition: a\n";
static const char rule_second[] = "title: Second\nid: 22222222-2222-4222-8222-222222222222\n"
                                  "status: stable\nlevel: high\nlogsource: {category: test}\n"
                                  "detection:\n  a: {b|re: 'h.t'}\n  condition: a\n";
static const char *const texts[] = {rule_first, rule_second, NULL};

struct share {
    struct bed bed;
    uv_loop_t loop;
    struct live_share *share;
    struct live_rules *rules; /* the newest; the share holds it */
    struct peer *engine;
    struct wire *engine_end;
    struct wire_message message;
    uint64_t now_ns;
};

static void on_message(void *context, struct peer *peer, struct wire_message *m)
{
    (void)context;
    (void)peer;
    (void)m;
}

static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)context;
    (void)peer;
    (void)err;
}

static int setup(void **state)
{
    static const struct peer_calls calls = {on_message, on_closed};
    static struct share s;
    int ends[2];
    s = (struct share){.now_ns = START_NS};
    bed_open(&s.bed);
    s.rules = set_make(&s.bed, "own", texts);
    live_put(&s.bed.live, s.rules);
    assert_int_equal(uv_loop_init(&s.loop), 0);
    assert_int_equal(wire_pair(ends, NULL), ERR_OK);
    s.engine = peer_open(&s.loop, ends[0], &calls, &s);
    s.engine_end = wire_open(ends[1], -1);
    s.share = live_share_open(&s.loop, &s.bed.live);
    live_share_engine(s.share, s.engine);
    live_share_look(s.share, s.now_ns); /* the first window begins */
    *state = &s;
    return 0;
}

static int teardown(void **state)
{
    struct share *s = *state;
    live_share_close(&s->share);
    peer_close(&s->engine);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    wire_close(&s->engine_end);
    wire_message_free(&s->message);
    bed_close(&s->bed);
    return 0;
}

static void look_after(struct share *s, uint64_t passed_ns)
{
    s->now_ns += passed_ns;
    live_share_look(s->share, s->now_ns);
}

/* The rule runs into its limits for a whole window. */
static void burn(struct share *s, uint32_t rule)
{
    for (int i = 0; i <= BURDEN_LIMIT_EVENTS; i++)
        rule_burden_limit(s->rules->burden, rule);
    look_after(s, BURDEN_WINDOW_NS);
}

static bool is_suspended(const struct share *s, uint32_t rule)
{
    const atomic_bool *flags = rule_burden_flags(s->rules->burden);
    return flags && atomic_load(&flags[rule]);
}

/* How many rules the engine is told to be suspended, in its next message. */
static uint32_t told(struct share *s)
{
    struct err err;
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    assert_int_equal(wire_wait(s->engine_end, &s->message, WAIT_MS, &err), ERR_OK);
    assert_int_equal(s->message.type, MESSAGE_RULES_BURDEN);
    struct bytes_in in = bytes_in(buf_as_slice(&s->message.payload));
    assert_int_equal(bytes_take_u64(&in), s->rules->fingerprint);
    return bytes_take_u32(&in);
}

static void after_ten_minutes_it_works_again(void **state)
{
    struct share *s = *state;
    burn(s, FIRST);
    assert_true(is_suspended(s, FIRST));
    assert_false(is_suspended(s, SECOND));
    assert_int_equal(told(s), 1);
    look_after(s, LIVE_RESUME_NS - 1);
    assert_true(is_suspended(s, FIRST));
    look_after(s, 1);
    assert_false(is_suspended(s, FIRST));
    assert_int_equal(told(s), 0);
    assert_int_equal(LIVE_RESUME_NS, 600 * (uint64_t)CLOCK_SECOND_NS);
}

static void each_further_pause_is_twice_as_long_up_to_a_day(void **state)
{
    struct share *s = *state;
    uint64_t pause_ns = LIVE_RESUME_NS;
    for (int i = 0; i < 12; i++) {
        burn(s, FIRST);
        look_after(s, pause_ns - 1);
        assert_true(is_suspended(s, FIRST));
        look_after(s, 1);
        assert_false(is_suspended(s, FIRST));
        if (pause_ns < LIVE_RESUME_NS_MAX)
            pause_ns *= 2;
    }
    /* another rule's pauses are its own */
    burn(s, SECOND);
    look_after(s, LIVE_RESUME_NS);
    assert_false(is_suspended(s, SECOND));
}

static void each_rule_has_its_own_time(void **state)
{
    struct share *s = *state;
    burn(s, FIRST);
    look_after(s, LIVE_RESUME_NS / 2);
    burn(s, SECOND);
    look_after(s, LIVE_RESUME_NS / 2 - BURDEN_WINDOW_NS);
    assert_false(is_suspended(s, FIRST));
    assert_true(is_suspended(s, SECOND));
    look_after(s, LIVE_RESUME_NS / 2);
    assert_true(is_suspended(s, SECOND));
    look_after(s, BURDEN_WINDOW_NS);
    assert_false(is_suspended(s, SECOND));
}

static void resume(struct share *s, const char *id)
{
    struct wire_message m = {.type = MESSAGE_RULES_RESUME};
    struct err err;
    int rc = ERR_IO;
    bytes_put_text(&m.payload, slice_from(id));
    assert_true(live_share_message(s->share, &m, &rc, &err));
    assert_int_equal(rc, ERR_OK);
    buf_free(&m.payload);
}

static void told_so_it_works_at_once_and_its_pauses_begin_anew(void **state)
{
    struct share *s = *state;
    for (int i = 0; i < 3; i++) {
        burn(s, FIRST);
        resume(s, "22222222-2222-4222-8222-222222222222");
        assert_true(is_suspended(s, FIRST));
        resume(s, "11111111-1111-4111-8111-111111111111");
        assert_false(is_suspended(s, FIRST));
        assert_int_equal(told(s), 1);
        assert_int_equal(told(s), 0);
    }
    burn(s, FIRST);
    look_after(s, LIVE_RESUME_NS);
    assert_false(is_suspended(s, FIRST));
}

static void without_a_set_there_is_nothing_to_do(void **state)
{
    struct share *s = *state;
    struct bed empty;
    bed_open(&empty);
    struct live_share *other = live_share_open(&s->loop, &empty.live);
    live_share_look(other, s->now_ns);
    live_share_close(&other);
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    bed_close(&empty);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(after_ten_minutes_it_works_again),
        CASE(each_further_pause_is_twice_as_long_up_to_a_day),
        CASE(each_rule_has_its_own_time),
        CASE(told_so_it_works_at_once_and_its_pauses_begin_anew),
        CASE(without_a_set_there_is_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
