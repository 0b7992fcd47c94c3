#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/outbox.h"
#include "unit/state/state_bed.h"

#define NOW STATE_BED_NOW_NS

struct seen {
    uint32_t count;
    uint64_t last;
    uint32_t tries;
    char key[OUTBOX_KEY_BYTES];
    int64_t due_ns;
};

static int see(void *context, const struct outbox_message *m)
{
    struct seen *s = context;
    s->count++;
    s->last = m->id;
    s->tries = m->tries;
    s->due_ns = m->due_ns;
    assert_int_equal(m->key.len, OUTBOX_KEY_BYTES - 1);
    memcpy(s->key, m->key.data, m->key.len);
    assert_true(slice_equal(m->channel, SLICE("duty")));
    assert_true(slice_equal(m->body, SLICE("{}")));
    return ERR_OK;
}

static struct seen due(struct database *db, int64_t now_ns)
{
    struct seen s = {0};
    assert_int_equal(outbox_due(db, now_ns, 10, see, &s, NULL), ERR_OK);
    return s;
}

static uint64_t put(struct database *db)
{
    uint64_t id = 0;
    assert_int_equal(outbox_put(db, SLICE("duty"), SLICE("s"), SLICE("{}"), NOW, &id, NULL),
                     ERR_OK);
    return id;
}

static void test_a_message_waits_until_it_is_received(void **state)
{
    (void)state;
    struct bed b;
    struct outbox_stats stats;
    bed_open_state(&b);
    struct database *db = state_db(b.state);
    uint64_t id = put(db);
    struct seen first = due(db, NOW);
    assert_int_equal(first.count, 1);
    assert_int_equal(due(db, NOW - 1).count, 0);

    int64_t now = NOW, wait = 0, longest = 0;
    for (uint32_t i = 1; i < 30; i++) {
        assert_int_equal(outbox_settle(db, id, false, SLICE("no answer"), now, NULL), ERR_OK);
        struct seen s = due(db, INT64_MAX);
        assert_int_equal(s.tries, i);
        assert_string_equal(s.key, first.key);
        assert_true(s.due_ns - now >= wait);
        wait = s.due_ns - now;
        longest = wait;
        assert_int_equal(due(db, s.due_ns - 1).count, 0);
        now = s.due_ns;
    }
    assert_int_equal(longest, OUTBOX_WAIT_MAX_S * CLOCK_SECOND_NS);
    assert_int_equal(outbox_stats(db, &stats, NULL), ERR_OK);
    assert_true(stats.waiting == 1 && stats.delivered == 0 && stats.oldest_ns == NOW);
    assert_int_equal(outbox_settle(db, id, true, SLICE(""), now, NULL), ERR_OK);
    assert_int_equal(due(db, INT64_MAX).count, 0);
    assert_int_equal(outbox_stats(db, &stats, NULL), ERR_OK);
    assert_true(stats.waiting == 0 && stats.delivered == 1 && stats.oldest_ns == CLOCK_NONE);
    assert_int_equal(outbox_settle(db, id, true, SLICE(""), now, NULL), ERR_NOT_FOUND);
    bed_close(&b);
}

static void test_it_is_given_up_at_last(void **state)
{
    (void)state;
    struct bed b;
    struct outbox_stats stats;
    bed_open_state(&b);
    struct database *db = state_db(b.state);
    uint64_t id = put(db);
    assert_int_equal(outbox_settle(db, id, false, SLICE("x"), NOW + OUTBOX_KEEP_NS - 1, NULL),
                     ERR_OK);
    assert_int_equal(due(db, INT64_MAX).count, 1);
    assert_int_equal(outbox_settle(db, id, false, SLICE("x"), NOW + OUTBOX_KEEP_NS, NULL), ERR_OK);
    assert_int_equal(due(db, INT64_MAX).count, 0);
    assert_int_equal(outbox_stats(db, &stats, NULL), ERR_OK);
    assert_true(stats.given_up == 1 && stats.waiting == 0);
    assert_true(bed_text_is(db, "SELECT why FROM outbox", "x"));
    bed_close(&b);
}

/* What a clock that was ahead has put or put off is not kept back until that time comes again. */
static void test_the_clock_goes_back(void **state)
{
    enum { DAY_S = 86400 };
    (void)state;
    struct bed b;
    bed_open_state(&b);
    struct database *db = state_db(b.state);
    uint64_t id = put(db);
    int64_t now_ns = NOW - 400 * DAY_S * CLOCK_SECOND_NS;
    assert_int_equal(due(db, now_ns).count, 1);
    /* a little is waited for, but never longer than between two tries */
    assert_int_equal(due(db, NOW - OUTBOX_WAIT_MAX_S * CLOCK_SECOND_NS).count, 0);
    assert_int_equal(due(db, NOW - OUTBOX_WAIT_MAX_S * CLOCK_SECOND_NS - 1).count, 1);
    /* a try that fails now waits as any other */
    assert_int_equal(outbox_settle(db, id, false, SLICE("x"), now_ns, NULL), ERR_OK);
    assert_int_equal(due(db, now_ns).count, 0);
    assert_int_equal(due(db, now_ns + OUTBOX_WAIT_MIN_S * CLOCK_SECOND_NS).count, 1);
    bed_close(&b);
}

static void test_limits(void **state)
{
    (void)state;
    struct bed b;
    struct buf body = {0};
    bed_open_state(&b);
    struct database *db = state_db(b.state);
    buf_reserve(&body, OUTBOX_BODY_BYTES_MAX + 1);
    memset(body.data, 'x', OUTBOX_BODY_BYTES_MAX + 1);
    assert_int_equal(outbox_put(db, SLICE("duty"), SLICE("s"),
                                slice_make(body.data, OUTBOX_BODY_BYTES_MAX + 1), NOW, NULL, NULL),
                     ERR_LIMIT);
    buf_free(&body);
    assert_int_equal(
        database_run(db, "UPDATE meta SET value = 100000 WHERE key = 'outbox_waiting'", NULL),
        ERR_OK);
    assert_int_equal(outbox_put(db, SLICE("duty"), SLICE("s"), SLICE("{}"), NOW, NULL, NULL),
                     ERR_FULL);
    bed_close(&b);
}

static void test_what_is_settled_does_not_pile_up(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    struct database *db = state_db(b.state);
    uint64_t waits = put(db);
    assert_int_equal(database_begin(db, NULL), ERR_OK);
    for (int i = 0; i < 10100; i++)
        assert_int_equal(outbox_settle(db, put(db), true, SLICE(""), NOW, NULL), ERR_OK);
    assert_int_equal(database_commit(db, NULL), ERR_OK);
    assert_int_equal(bed_number(db, "SELECT count(*) FROM outbox"), 10001);
    assert_int_equal(due(db, INT64_MAX).last, waits);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_waits_until_it_is_received),
        cmocka_unit_test(test_it_is_given_up_at_last),
        cmocka_unit_test(test_the_clock_goes_back),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_what_is_settled_does_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
