#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/steady.h"

#define HOUR_NS ((int64_t)3600 * CLOCK_SECOND_NS)
#define HOLD_NS ((uint64_t)HOUR_NS / 4)
#define NOW_NS  ((int64_t)1795000000 * CLOCK_SECOND_NS)

struct clocks {
    struct steady steady;
    int64_t ahead_ns; /* of the machine's clock */
    uint64_t monotonic_ns;
};

static int64_t real_ns(const struct clocks *c)
{
    return NOW_NS + (int64_t)c->monotonic_ns;
}

static bool pass(struct clocks *c, int64_t ns)
{
    c->monotonic_ns += (uint64_t)ns;
    return steady_look(&c->steady, real_ns(c) + c->ahead_ns, c->monotonic_ns, HOLD_NS);
}

static void begin(struct clocks *c)
{
    *c = (struct clocks){.monotonic_ns = 77};
    steady_begin(&c->steady, real_ns(c), c->monotonic_ns);
}

static int64_t time_of(const struct clocks *c, int64_t time_ns)
{
    return steady_time(&c->steady, time_ns, c->monotonic_ns);
}

static void expect_now(const struct clocks *c, int64_t now_ns)
{
    assert_int_equal(steady_now(&c->steady, c->monotonic_ns), now_ns);
}

static const int64_t jumps[] = {24 * HOUR_NS, -HOUR_NS, -48 * HOUR_NS, 1000 * 24 * HOUR_NS,
                                -NOW_NS};

static void test_it_goes_on_over_a_jump(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        struct clocks c;
        begin(&c);
        assert_false(pass(&c, HOUR_NS));
        c.ahead_ns = jumps[i];
        assert_false(pass(&c, CLOCK_SECOND_NS));
        expect_now(&c, real_ns(&c));
        /* stamped by the machine's clock, and by one that is right */
        assert_int_equal(time_of(&c, real_ns(&c) + c.ahead_ns - 5), real_ns(&c) - 5);
        assert_int_equal(time_of(&c, real_ns(&c) - 5), real_ns(&c) - 5);
        c.ahead_ns = 0;
        assert_false(pass(&c, CLOCK_SECOND_NS));
        expect_now(&c, real_ns(&c));
        assert_false(pass(&c, 24 * HOUR_NS));
        expect_now(&c, real_ns(&c));
        assert_int_equal(c.steady.changed_ns, 0);
    }
}

static void test_it_follows_in_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        struct clocks c;
        begin(&c);
        c.ahead_ns = jumps[i];
        assert_false(pass(&c, 1));
        assert_false(pass(&c, (int64_t)HOLD_NS - 1));
        expect_now(&c, real_ns(&c));
        assert_true(pass(&c, 1));
        expect_now(&c, real_ns(&c) + c.ahead_ns);
        assert_int_equal(c.steady.changed_ns, c.monotonic_ns);
        assert_false(pass(&c, HOUR_NS));
        expect_now(&c, real_ns(&c) + c.ahead_ns);
    }
}

/* A clock that jumps about is never believed. */
static void test_it_follows_only_what_stays(void **state)
{
    struct clocks c;
    (void)state;
    begin(&c);
    for (int i = 0; i < 100; i++) {
        c.ahead_ns = (1 + i % 3) * HOUR_NS;
        assert_false(pass(&c, (int64_t)HOLD_NS - 1));
        expect_now(&c, real_ns(&c));
    }
}

static void test_a_clock_that_is_put_right_slowly_is_followed(void **state)
{
    struct clocks c;
    (void)state;
    begin(&c);
    for (int i = 0; i < 100; i++) {
        c.ahead_ns -= STEADY_JUMP_NS / 2;
        assert_false(pass(&c, CLOCK_SECOND_NS));
        expect_now(&c, real_ns(&c) + c.ahead_ns);
    }
}

static void test_what_is_far_ahead_counts_as_now(void **state)
{
    struct clocks c;
    (void)state;
    begin(&c);
    int64_t now_ns = real_ns(&c);
    assert_int_equal(time_of(&c, now_ns + STEADY_JUMP_NS - 1), now_ns + STEADY_JUMP_NS - 1);
    assert_int_equal(time_of(&c, now_ns + STEADY_JUMP_NS), now_ns);
    assert_int_equal(time_of(&c, INT64_MAX), now_ns);
    assert_int_equal(time_of(&c, now_ns - 1000 * HOUR_NS), now_ns - 1000 * HOUR_NS);
    assert_int_equal(time_of(&c, CLOCK_NONE), CLOCK_NONE);
    c.ahead_ns = 24 * HOUR_NS;
    assert_false(pass(&c, 1));
    assert_int_equal(time_of(&c, real_ns(&c) + 12 * HOUR_NS), real_ns(&c));
    assert_int_equal(time_of(&c, CLOCK_NONE), CLOCK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_goes_on_over_a_jump),
        cmocka_unit_test(test_it_follows_in_the_end),
        cmocka_unit_test(test_it_follows_only_what_stays),
        cmocka_unit_test(test_a_clock_that_is_put_right_slowly_is_followed),
        cmocka_unit_test(test_what_is_far_ahead_counts_as_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
