#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "detection/window.h"

enum { NUMBERS = 3000 };

static int number_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_rank_is_a_sorted_list(void **state)
{
    (void)state;
    const unsigned seed = 5;
    static double sorted[NUMBERS];
    uint32_t count = 0;
    struct window_rank rank = {0};
    srandom(seed);
    for (int step = 0; step < NUMBERS * 3; step++) {
        double number = (double)(random() % 200) / 4;
        if (count < NUMBERS && random() % 5 < 3) {
            window_rank_insert(&rank, number);
            sorted[count++] = number;
            qsort(sorted, count, sizeof(*sorted), number_order);
        } else {
            double *found = bsearch(&number, sorted, count, sizeof(*sorted), number_order);
            assert_true(window_rank_remove(&rank, number) == (found != NULL));
            if (found)
                memmove(found, found + 1, (size_t)(sorted + --count - found) * sizeof(*found));
        }
        assert_int_equal(window_rank_count(&rank), count);
        if (count) {
            uint32_t at = (uint32_t)random() % count;
            assert_true(window_rank_nth(&rank, at) == sorted[at]);
        }
    }
    window_rank_clear(&rank);
    assert_int_equal(window_rank_count(&rank), 0);
    window_rank_free(&rank);
}

static void test_rank_of_equal_numbers(void **state)
{
    (void)state;
    struct window_rank rank = {0};
    for (int i = 0; i < 20000; i++)
        window_rank_insert(&rank, 7);
    assert_true(window_rank_percentile(&rank, 99) == 7);
    for (int i = 0; i < 20000; i++)
        assert_true(window_rank_remove(&rank, 7));
    assert_false(window_rank_remove(&rank, 7));
    assert_true(window_rank_percentile(&rank, 50) == 0);
    window_rank_free(&rank);
}

static void test_percentile_between_ranks(void **state)
{
    (void)state;
    struct window_rank rank = {0};
    for (int i = 1; i <= 5; i++)
        window_rank_insert(&rank, i * 10);
    assert_true(window_rank_percentile(&rank, 0) == 10);
    assert_true(window_rank_percentile(&rank, 100) == 50);
    assert_true(window_rank_percentile(&rank, 50) == 30);
    assert_true(window_rank_percentile(&rank, 60) > 33.999 &&
                window_rank_percentile(&rank, 60) < 34.001);
    window_rank_free(&rank);
}

static enum window_place insert(struct window *w, const struct window_form *form, int64_t time_ns,
                                uint32_t *index, uint32_t *dropped)
{
    struct window_entry e = {.time_ns = time_ns, .hash = (uint64_t)time_ns | 1};
    return window_insert(w, form, &e, index, dropped);
}

static void test_distinct_values_come_and_go(void **state)
{
    (void)state;
    struct window_form form = {.kind = WINDOW_DISTINCT, .timespan_ns = 1800};
    struct window w = {0};
    uint32_t index, dropped;
    for (int64_t t = 1; t <= 20001; t += 2) {
        assert_int_equal(insert(&w, &form, t, &index, &dropped), WINDOW_NEWEST);
        assert_int_equal(w.total.distinct, t < 1800 ? (t + 1) / 2 : 900);
        assert_int_equal(w.total.count, w.count - w.start);
    }
    assert_int_equal(window_total_of(&w.total, 20001), 1);
    assert_int_equal(window_total_of(&w.total, 2001), 0);
    window_free(&w);
}

static void test_old_entries_are_forgotten(void **state)
{
    (void)state;
    struct window_form form = {.kind = WINDOW_COUNT, .timespan_ns = CLOCK_SECOND_NS};
    struct window w = {0};
    uint32_t index, dropped, kept = 0;
    for (int64_t t = 0; t < 3 * WINDOW_REPLAY_MAX; t++) { /* a hundred a second */
        (void)insert(&w, &form, t * CLOCK_SECOND_NS / 100, &index, &dropped);
        kept += 1 - dropped;
        assert_int_equal(w.count, kept);
        assert_true(w.count <= WINDOW_REPLAY_MAX);
    }
    assert_int_equal(w.total.count, 100);
    assert_true(window_is_whole(&w, &form, w.count - 1));
    assert_false(window_is_whole(&w, &form, 5));
    (void)insert(&w, &form, 10000 * CLOCK_SECOND_NS, &index, &dropped);
    assert_int_equal(w.count, 1);
    window_free(&w);
}

static void test_late_entries(void **state)
{
    (void)state;
    struct window_form form = {.kind = WINDOW_COUNT, .timespan_ns = 10};
    struct window w = {0};
    uint32_t index, dropped;
    (void)insert(&w, &form, 100, &index, &dropped);
    (void)insert(&w, &form, 120, &index, &dropped);
    assert_int_equal(insert(&w, &form, 111, &index, &dropped), WINDOW_INSIDE);
    assert_int_equal(index, 1);
    assert_int_equal(w.total.count, 2);
    assert_int_equal(insert(&w, &form, 110, &index, &dropped),
                     WINDOW_INSIDE); /* before the window */
    assert_int_equal(index, 1);
    assert_int_equal(w.total.count, 2);
    assert_int_equal(window_first(&w, &form, 1), 1); /* 100 is not in (100, 110] */
    assert_int_equal(insert(&w, &form, 120, &index, &dropped), WINDOW_NEWEST);
    assert_int_equal(insert(&w, &form, 119 - WINDOW_LATE_MAX_NS, &index, &dropped),
                     WINDOW_TOO_LATE);
    assert_int_equal(insert(&w, &form, 120 - WINDOW_LATE_MAX_NS, &index, &dropped), WINDOW_INSIDE);
    window_free(&w);
}

static void test_steps_back_are_bounded(void **state)
{
    (void)state;
    struct window_form form = {.kind = WINDOW_COUNT, .timespan_ns = WINDOW_LATE_MAX_NS};
    struct window w = {0};
    uint32_t index, dropped;
    for (int i = 0; i < WINDOW_LATE_STEPS_MAX; i++)
        (void)insert(&w, &form, 10, &index, &dropped);
    assert_int_equal(insert(&w, &form, 9, &index, &dropped), WINDOW_INSIDE);
    (void)insert(&w, &form, 10, &index, &dropped);
    assert_int_equal(insert(&w, &form, 9, &index, &dropped), WINDOW_TOO_LATE);
    window_free(&w);
}

static void test_times_at_the_ends_of_the_range(void **state)
{
    (void)state;
    struct window_form form = {.kind = WINDOW_COUNT, .timespan_ns = INT64_MAX};
    struct window w = {0};
    uint32_t index, dropped;
    (void)insert(&w, &form, INT64_MIN + 1, &index, &dropped);
    (void)insert(&w, &form, INT64_MAX, &index, &dropped);
    assert_int_equal(w.total.count, 1);
    assert_int_equal(insert(&w, &form, INT64_MIN + 1, &index, &dropped), WINDOW_TOO_LATE);
    window_free(&w);
}

static void test_dropping_keeps_totals(void **state)
{
    (void)state;
    struct window_form form = {.kind = WINDOW_DISTINCT, .timespan_ns = 1000};
    struct window w = {0};
    uint32_t index, dropped;
    for (int64_t t = 1; t <= 9; t += 2)
        (void)insert(&w, &form, t, &index, &dropped);
    window_drop(&w, &form, 2);
    assert_int_equal(w.total.distinct, 3);
    assert_int_equal(window_at(&w, 0)->time_ns, 5);
    window_drop(&w, &form, 9);
    assert_int_equal(w.count, 0);
    assert_int_equal(w.total.distinct, 0);
    window_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank_is_a_sorted_list),
        cmocka_unit_test(test_rank_of_equal_numbers),
        cmocka_unit_test(test_percentile_between_ranks),
        cmocka_unit_test(test_distinct_values_come_and_go),
        cmocka_unit_test(test_old_entries_are_forgotten),
        cmocka_unit_test(test_late_entries),
        cmocka_unit_test(test_steps_back_are_bounded),
        cmocka_unit_test(test_times_at_the_ends_of_the_range),
        cmocka_unit_test(test_dropping_keeps_totals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
