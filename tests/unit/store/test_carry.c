/* Carry: the state is what a replay of the items gives, also through a checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/carry.h"
#include "unit/store/rows_random.h"

static struct carry_id id_of(uint64_t number)
{
    struct carry_id id = {{0}};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

static bool has(const struct carry *c, const char *sender, uint64_t number)
{
    struct carry_id id = id_of(number);
    return carry_has_id(c, slice_from(sender), &id);
}

static void random_items(struct rows_random *r, struct buf *items, uint32_t count)
{
    struct arena arena = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = arena_printf(&arena, "name %u", random_below(r, 9));
        struct slice run =
            random_below(r, 2) ? SLICE("") : arena_printf(&arena, "run %u", random_below(r, 3));
        uint64_t numbers[CARRY_COUNTERS_MAX];
        struct carry_id ids[CARRY_COUNTERS_MAX];
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
            for (int k = 0; k < CARRY_COUNTERS_MAX; k++)
                ids[k] = id_of(numbers[k]);
            carry_put_ids(items, name, time_ns, ids, random_below(r, CARRY_COUNTERS_MAX + 1));
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
    const uint64_t add[] = {1, 2, 3};
    const struct carry_id ids[] = {id_of(7), id_of(8)};
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
    carry_put_ids(&items, SLICE("token"), 100, ids, 2);
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
    assert_true(has(c, "token", 8));
    assert_false(has(c, "token", 9));
    assert_false(has(c, "other", 8));
    struct seen live = {0}, run = {0};
    carry_inputs(c, SLICE(""), input_seen, &live);
    carry_inputs(c, SLICE("import 1"), input_seen, &run);
    assert_int_equal(live.inputs, 1);
    assert_int_equal(live.ticks, 1);
    assert_int_equal(live.last_time_ns, 60);
    assert_int_equal(run.inputs, 1);
    assert_int_equal(run.last_sequence, 6);

    carry_trim(c, 100, 55); /* the run's input stays, the live tick is newer */
    assert_true(has(c, "token", 8));
    carry_trim(c, 101, 60);
    assert_false(has(c, "token", 8));
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

/* Gives count ids from first on, at their numbers' time. */
static void ids_give(struct carry *c, const char *sender, uint64_t first, uint64_t count)
{
    enum { AT_ONCE = 10000 };
    struct carry_id *ids = mem_zeroed(AT_ONCE, sizeof(*ids));
    struct buf items = {0};
    for (uint64_t done = 0; done < count;) {
        uint32_t n = 0;
        for (; n < AT_ONCE && done + n < count; n++)
            ids[n] = id_of(first + done + n);
        buf_clear(&items);
        carry_put_ids(&items, slice_from(sender), (int64_t)(first + done), ids, n);
        assert_int_equal(carry_apply(c, buf_as_slice(&items), NULL), ERR_OK);
        done += n;
    }
    mem_free(ids);
    buf_free(&items);
}

static uint32_t ids_held(const struct carry *c, const char *sender, uint64_t first, uint64_t count)
{
    uint32_t held = 0;
    for (uint64_t i = 0; i < count; i++)
        held += has(c, sender, first + i);
    return held;
}

static void same_through_a_checkpoint(const struct carry *c)
{
    struct buf whole = state_of(c);
    struct carry *again = carry_open();
    assert_int_equal(carry_apply(again, buf_as_slice(&whole), NULL), ERR_OK);
    same_state(c, again);
    buf_free(&whole);
    carry_close(&again);
}

static void a_noisy_sender_loses_its_own_ids(void **state)
{
    enum { QUIET = 1000, SHARE = CARRY_IDS_MAX / 3 };
    (void)state;
    struct carry *c = carry_open();
    struct carry_stats stats;
    ids_give(c, "quiet", 1, QUIET);
    ids_give(c, "noisy", 1, CARRY_IDS_MAX);
    carry_stats(c, &stats);
    assert_int_equal(stats.ids, CARRY_IDS_MAX);
    assert_int_equal(stats.id_senders, 2);
    assert_int_equal(stats.lost_ids, QUIET);
    assert_true(stats.id_bytes <= CARRY_IDS_BYTES_MAX);
    assert_int_equal(ids_held(c, "quiet", 1, QUIET), QUIET);
    assert_int_equal(ids_held(c, "noisy", 1, QUIET), 0);
    assert_int_equal(ids_held(c, "noisy", QUIET + 1, CARRY_IDS_MAX - QUIET), CARRY_IDS_MAX - QUIET);
    ids_give(c, "third", 1, CARRY_IDS_MAX); /* takes what is above a share, and no more */
    assert_int_equal(ids_held(c, "quiet", 1, QUIET), QUIET);
    assert_true(ids_held(c, "noisy", 1, CARRY_IDS_MAX) >= SHARE);
    assert_true(ids_held(c, "third", 1, CARRY_IDS_MAX) >= SHARE);
    carry_stats(c, &stats);
    assert_int_equal(stats.ids, CARRY_IDS_MAX);
    same_through_a_checkpoint(c);
    carry_trim(c, CARRY_IDS_MAX, 0);
    carry_stats(c, &stats);
    assert_int_equal(stats.ids, 0); /* the newest ten thousand are of the time of their first */
    assert_int_equal(stats.id_senders, 0);
    carry_close(&c);
}

static void senders_past_the_limit_share_a_place(void **state)
{
    enum { MORE = 50 };
    char name[32];
    (void)state;
    struct carry *c = carry_open();
    struct carry_stats stats;
    for (unsigned i = 0; i < CARRY_ID_SENDERS_MAX + MORE; i++) {
        (void)snprintf(name, sizeof name, "%u", i);
        ids_give(c, name, 7 + (uint64_t)i, 1);
    }
    carry_stats(c, &stats);
    assert_int_equal(stats.id_senders, CARRY_ID_SENDERS_MAX + 1);
    assert_int_equal(stats.ids, CARRY_ID_SENDERS_MAX + MORE);
    assert_true(has(c, name, 7 + CARRY_ID_SENDERS_MAX + MORE - 1));
    assert_true(has(c, "3", 10));
    assert_false(has(c, "3", 11));
    same_through_a_checkpoint(c);
    carry_trim(c, 8 + CARRY_ID_SENDERS_MAX, 0); /* only some of those that share are left */
    carry_stats(c, &stats);
    assert_int_equal(stats.id_senders, 1);
    assert_int_equal(stats.ids, MORE - 1);
    ids_give(c, name, CARRY_IDS_MAX, 1); /* has a place of its own now */
    assert_true(has(c, name, 7 + CARRY_ID_SENDERS_MAX + MORE - 1));
    assert_true(has(c, name, CARRY_IDS_MAX));
    same_through_a_checkpoint(c);
    carry_close(&c);
}

/* Whatever is given and forgotten: what is there is what a list would have. */
static void ids_are_found_whatever_went_before(void **state)
{
    enum { SENDERS = 5, NUMBERS = 400, STEPS = 20000 };
    static const char *const senders[SENDERS] = {"a", "b", "", "10.0.0.1", "cn=x"};
    static int64_t given[SENDERS][NUMBERS];
    struct rows_random r = {4};
    (void)state;
    struct carry *c = carry_open();
    memset(given, -1, sizeof given);
    for (int64_t time_ns = 1; time_ns <= STEPS; time_ns++) {
        uint32_t s = random_below(&r, SENDERS), n = random_below(&r, NUMBERS);
        struct carry_id id = id_of(n);
        struct buf items = {0};
        bool known = given[s][n] >= 0 || given[2][n] >= 0; /* "" is whom the rest share */
        assert_int_equal(carry_has_id(c, slice_from(senders[s]), &id), known);
        carry_put_ids(&items, slice_from(senders[s]), time_ns, &id, 1);
        assert_int_equal(carry_apply(c, buf_as_slice(&items), NULL), ERR_OK);
        buf_free(&items);
        if (given[s][n] < 0)
            given[s][n] = time_ns;
        if (time_ns % 100)
            continue;
        carry_trim(c, time_ns - 900, 0);
        for (uint32_t i = 0; i < SENDERS * NUMBERS; i++)
            if (given[i / NUMBERS][i % NUMBERS] < time_ns - 900)
                given[i / NUMBERS][i % NUMBERS] = -1;
    }
    same_through_a_checkpoint(c);
    carry_close(&c);
}

static void oldest_inputs_go_when_full(void **state)
{
    (void)state;
    struct carry *c = carry_open();
    struct buf items = {0};
    struct carry_stats stats;
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
    const char retired[] = {3, 0, 0, 0, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    assert_int_equal(carry_apply(c, slice_make(retired, sizeof retired), NULL), ERR_UNSUPPORTED);
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
        cmocka_unit_test(a_noisy_sender_loses_its_own_ids),
        cmocka_unit_test(senders_past_the_limit_share_a_place),
        cmocka_unit_test(ids_are_found_whatever_went_before),
        cmocka_unit_test(oldest_inputs_go_when_full),
        cmocka_unit_test(damaged_items_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
