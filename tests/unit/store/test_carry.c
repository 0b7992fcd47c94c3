/* Carry: the state is what a replay of the items gives, also through a checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/carry.h"
#include "unit/store/rows_random.h"

static void random_items(struct rows_random *r, struct buf *items, uint32_t count)
{
    struct arena arena = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = arena_printf(&arena, "name %u", random_below(r, 9));
        struct slice run =
            random_below(r, 2) ? SLICE("") : arena_printf(&arena, "run %u", random_below(r, 3));
        uint64_t numbers[CARRY_COUNTERS_MAX];
        for (int k = 0; k < CARRY_COUNTERS_MAX; k++)
            numbers[k] = random_below(r, 50);
        int64_t time_ns = random_below(r, 1000);
        struct slice values[3] = {{NULL, 0}, SLICE(""), random_text(r, &arena, 5)};
        struct carry_input input = {.sequence = random_u64(r),
                                    .time_ns = time_ns,
                                    .line = 3,
                                    .rule = name,
                                    .file = SLICE("a"),
                                    .run = run,
                                    .values = values,
                                    .value_count = random_below(r, 4)};
        switch (random_below(r, 8)) {
        case 0:
            carry_put_counters(items, name, numbers, random_below(r, CARRY_COUNTERS_MAX + 1));
            break;
        case 1:
            carry_put_cursor(items, name,
                             random_below(r, 3) ? random_text(r, &arena, 8) : SLICE(""));
            break;
        case 2:
            carry_put_ids(items, time_ns, numbers, random_below(r, CARRY_COUNTERS_MAX + 1));
            break;
        case 3:
            carry_put_tick(items, run, time_ns);
            break;
        case 4:
            if (random_below(r, 10) == 0 && run.len)
                carry_put_end_run(items, run);
            break;
        default:
            carry_put_input(items, &input);
            break;
        }
    }
    arena_free(&arena);
}

static struct buf state_of(const struct carry *c)
{
    struct buf out = {0};
    carry_write(c, &out);
    return out;
}

static void same_state(const struct carry *a, const struct carry *b)
{
    struct buf x = state_of(a), y = state_of(b);
    assert_int_equal(x.len, y.len);
    if (x.len)
        assert_memory_equal(x.data, y.data, x.len);
    buf_free(&x);
    buf_free(&y);
}

/* Any number of checkpoints on the way: the same state as without. */
static void state_is_the_replay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rows_random random = {seed};
        struct carry *straight = carry_open(), *stopped = carry_open();
        for (int step = 0; step < 8; step++) {
            struct buf items = {0};
            random_items(&random, &items, 40);
            assert_int_equal(carry_apply(straight, buf_as_slice(&items), NULL), ERR_OK);
            assert_int_equal(carry_apply(stopped, buf_as_slice(&items), NULL), ERR_OK);
            if (step == 4) {
                carry_trim(straight, 100, 200);
                carry_trim(stopped, 100, 200);
            }
            struct buf whole = state_of(stopped);
            carry_close(&stopped);
            stopped = carry_open();
            assert_int_equal(carry_apply(stopped, buf_as_slice(&whole), NULL), ERR_OK);
            same_state(straight, stopped);
            buf_free(&whole);
            buf_free(&items);
        }
        carry_close(&straight);
        carry_close(&stopped);
    }
}

struct seen {
    uint32_t inputs, ticks;
    int64_t last_time_ns;
    uint64_t last_sequence;
};

static void input_seen(void *context, const struct carry_input *input, int64_t tick_ns)
{
    struct seen *s = context;
    if (input) {
        s->inputs++;
        s->last_sequence = input->sequence;
        assert_true(slice_equal(input->rule, SLICE("rule")));
        assert_int_equal(input->value_count, 2);
        assert_null(input->values[0].data);
        assert_int_equal(input->values[1].len, CARRY_VALUE_BYTES_MAX);
    } else {
        s->ticks++;
        s->last_time_ns = tick_ns;
    }
}

static void each_kind(void **state)
{
    (void)state;
    struct carry *c = carry_open();
    struct buf items = {0};
    const uint64_t add[] = {1, 2, 3}, ids[] = {7, 8};
    char long_value[CARRY_VALUE_BYTES_MAX + 10];
    memset(long_value, 'v', sizeof long_value);
    struct slice values[] = {{NULL, 0}, {long_value, sizeof long_value}};
    struct carry_input input = {
        .sequence = 5, .time_ns = 50, .rule = SLICE("rule"), .values = values, .value_count = 2};
    carry_put_counters(&items, SLICE("s"), add, 3);
    carry_put_counters(&items, SLICE("s"), add, 2);
    carry_put_cursor(&items, SLICE("file"), SLICE("10"));
    carry_put_cursor(&items, SLICE("file"), SLICE("20"));
    carry_put_cursor(&items, SLICE("gone"), SLICE("1"));
    carry_put_cursor(&items, SLICE("gone"), SLICE(""));
    carry_put_ids(&items, 100, ids, 2);
    carry_put_input(&items, &input);
    input.run = SLICE("import 1");
    input.sequence = 6;
    carry_put_input(&items, &input);
    carry_put_tick(&items, SLICE(""), 60);
    assert_int_equal(carry_apply(c, buf_as_slice(&items), NULL), ERR_OK);

    const uint64_t *counters = carry_counters(c, SLICE("s"));
    assert_int_equal(counters[0], 2);
    assert_int_equal(counters[1], 4);
    assert_int_equal(counters[2], 3);
    assert_null(carry_counters(c, SLICE("t")));
    assert_true(slice_equal(carry_cursor(c, SLICE("file")), SLICE("20")));
    assert_int_equal(carry_cursor(c, SLICE("gone")).len, 0);
    assert_true(carry_has_id(c, 8));
    assert_false(carry_has_id(c, 9));
    struct seen live = {0}, run = {0};
    carry_inputs(c, SLICE(""), input_seen, &live);
    carry_inputs(c, SLICE("import 1"), input_seen, &run);
    assert_int_equal(live.inputs, 1);
    assert_int_equal(live.ticks, 1);
    assert_int_equal(live.last_time_ns, 60);
    assert_int_equal(run.inputs, 1);
    assert_int_equal(run.last_sequence, 6);

    carry_trim(c, 100, 55); /* the run's input stays, the live tick is newer */
    assert_true(carry_has_id(c, 8));
    carry_trim(c, 101, 60);
    assert_false(carry_has_id(c, 8));
    struct carry_stats stats;
    carry_stats(c, &stats);
    assert_int_equal(stats.cursors, 1);
    assert_int_equal(stats.inputs, 2);
    buf_clear(&items);
    carry_put_end_run(&items, SLICE("import 1"));
    assert_int_equal(carry_apply(c, buf_as_slice(&items), NULL), ERR_OK);
    carry_stats(c, &stats);
    assert_int_equal(stats.inputs, 1);
    live = (struct seen){0};
    carry_inputs(c, SLICE(""), input_seen, &live);
    assert_int_equal(live.ticks, 1);
    buf_free(&items);
    carry_close(&c);
}

static void oldest_go_when_full(void **state)
{
    (void)state;
    enum { AT_ONCE = 10000 };
    struct carry *c = carry_open();
    struct buf items = {0};
    uint64_t *ids = mem_zeroed(AT_ONCE, sizeof(*ids));
    for (uint64_t id = 1; id <= CARRY_IDS_MAX + 1; id += AT_ONCE) {
        for (uint64_t k = 0; k < AT_ONCE; k++)
            ids[k] = id + k;
        buf_clear(&items);
        carry_put_ids(&items, (int64_t)id, ids, AT_ONCE);
        assert_int_equal(carry_apply(c, buf_as_slice(&items), NULL), ERR_OK);
    }
    struct carry_stats stats;
    carry_stats(c, &stats);
    assert_true(stats.ids <= CARRY_IDS_MAX);
    assert_true(stats.lost_ids > 0);
    assert_false(carry_has_id(c, 1));
    assert_true(carry_has_id(c, stats.lost_ids + 1));
    assert_true(carry_has_id(c, CARRY_IDS_MAX + AT_ONCE - 1));

    char large[CARRY_NAME_BYTES_MAX];
    memset(large, 'r', sizeof large);
    struct carry_input input = {.rule = {large, sizeof large}, .file = {large, sizeof large}};
    for (input.sequence = 1; input.sequence <= 10000; input.sequence++) {
        buf_clear(&items);
        carry_put_input(&items, &input);
        assert_int_equal(carry_apply(c, buf_as_slice(&items), NULL), ERR_OK);
    }
    carry_stats(c, &stats);
    assert_true(stats.input_bytes <= CARRY_INPUT_BYTES_MAX);
    assert_int_equal(stats.inputs + stats.lost_inputs, 10000);
    assert_true(stats.lost_inputs > 0);
    mem_free(ids);
    buf_free(&items);
    carry_close(&c);
}

static void damaged_items_change_nothing(void **state)
{
    (void)state;
    struct rows_random random = {9};
    struct carry *c = carry_open(), *empty = carry_open();
    struct buf items = {0};
    random_items(&random, &items, 12);
    uint32_t refused = 0;
    for (size_t cut = 1; cut < items.len; cut++) {
        char *copy = malloc(cut); /* exact, so that a sanitizer sees the end */
        memcpy(copy, items.data, cut);
        int rc = carry_apply(c, slice_make(copy, cut), NULL);
        if (rc) {
            assert_int_equal(rc, ERR_DAMAGED);
            refused++;
            same_state(c, empty);
        } else {
            carry_close(&c);
            c = carry_open();
        }
        free(copy);
    }
    assert_true(refused > items.len - 15);
    const char unknown[] = {99, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(carry_apply(c, slice_make(unknown, sizeof unknown), NULL), ERR_UNSUPPORTED);
    buf_free(&items);
    carry_close(&c);
    carry_close(&empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_is_the_replay),
        cmocka_unit_test(each_kind),
        cmocka_unit_test(oldest_go_when_full),
        cmocka_unit_test(damaged_items_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
