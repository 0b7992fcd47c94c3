#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "watch/ledger.h"

#define SECOND CLOCK_SECOND_NS
#define HOUR   (3600 * SECOND)
#define DAY0   (20000 * 24 * HOUR)

static void group(struct ledger *l, struct carry *carry, bool durable)
{
    struct buf items = {0};
    ledger_put(l, &items);
    if (durable)
        assert_int_equal(carry_apply(carry, buf_as_slice(&items), NULL), ERR_OK);
    ledger_settle(l, durable);
    buf_free(&items);
}

static void add(struct ledger *l, const char *source, uint64_t stored, int64_t at_ns)
{
    struct ledger_figures f = {0};
    f.counts[LEDGER_RECEIVED] = f.counts[LEDGER_STORED] = stored;
    ledger_add(l, slice_from(source), &f, at_ns);
}

struct closed {
    struct ledger_cell cells[16];
    uint32_t count, refuse;
    char sources[16][32];
};

static bool close_row(void *context, const struct ledger_cell *cell)
{
    struct closed *c = context;
    if (c->refuse) {
        c->refuse--;
        return false;
    }
    assert_true(c->count < 16);
    (void)snprintf(c->sources[c->count], sizeof(c->sources[0]), "%.*s", (int)cell->source.len,
                   cell->source.data);
    c->cells[c->count++] = *cell;
    return true;
}

static bool sum_row(void *context, const struct ledger_cell *cell)
{
    *(uint64_t *)context += cell->figures.counts[LEDGER_RECEIVED];
    return true;
}

static void count_cell(void *context, const struct ledger_cell *cell)
{
    (void)cell;
    ++*(uint32_t *)context;
}

static uint32_t open_cells(struct ledger *l, const char *source)
{
    uint32_t count = 0;
    ledger_each_cell(l, slice_from(source), count_cell, &count);
    return count;
}

static uint64_t received(struct ledger *l, const char *source)
{
    struct ledger_totals t;
    (void)ledger_of(l, slice_from(source), &t);
    return t.ever.counts[LEDGER_RECEIVED];
}

static void figures_stand_and_fall_with_their_group(void **state)
{
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    struct ledger_totals t;
    (void)state;
    assert_false(ledger_of(l, SLICE("app"), &t));
    assert_true(t.newest_ns == CLOCK_NONE);
    add(l, "app", 3, DAY0);
    add(l, "app", 2, DAY0 + 5 * SECOND);
    assert_false(ledger_of(l, SLICE("app"), &t));
    group(l, carry, true);
    add(l, "app", 100, DAY0 + 9 * SECOND);
    add(l, "gone", 1, DAY0);
    group(l, carry, false);
    assert_false(ledger_of(l, SLICE("gone"), &t));
    assert_true(ledger_of(l, SLICE("app"), &t));
    assert_int_equal(t.ever.counts[LEDGER_STORED], 5);
    assert_int_equal(t.since_start.counts[LEDGER_STORED], 5);
    assert_int_equal(t.first_ns, DAY0);
    assert_int_equal(t.newest_ns, DAY0 + 5 * SECOND);
    assert_int_equal(open_cells(l, ""), 1);
    ledger_close(&l);
    l = ledger_open(carry); /* the engine starts again */
    assert_true(ledger_of(l, SLICE("app"), &t));
    assert_int_equal(t.ever.counts[LEDGER_STORED], 5);
    assert_int_equal(t.since_start.counts[LEDGER_STORED], 0);
    assert_int_equal(t.newest_ns, DAY0 + 5 * SECOND);
    assert_int_equal(open_cells(l, "app"), 1);
    ledger_sum(l, &t);
    assert_int_equal(t.ever.counts[LEDGER_RECEIVED], 5);
    ledger_close(&l);
    carry_close(&carry);
}

static void every_outcome_is_in_the_sum_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < LEDGER_COUNTS; i++) {
        struct ledger_figures f = {0};
        enum ledger_class of = ledger_names[i].of;
        assert_non_null(ledger_names[i].name);
        assert_true(strlen(ledger_names[i].title_en) && strlen(ledger_names[i].title_vi));
        f.counts[i] = 7;
        assert_int_equal(ledger_unaccounted(&f), of == LEDGER_CLASS_RECEIVED ? 7
                                                 : of == LEDGER_CLASS_BESIDE ? 0
                                                                             : -7);
        assert_int_equal(ledger_class_sum(&f, of), 7);
    }
    assert_int_equal(ledger_refused_by(ERR_SYNTAX), LEDGER_REFUSED_PARSE);
    assert_int_equal(ledger_refused_by(ERR_CANCELED), LEDGER_REFUSED_OTHER);
}

static void an_ended_hour_closes_once_and_its_cursor_goes(void **state)
{
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    struct closed closed = {0};
    struct carry_stats stats;
    (void)state;
    add(l, "app", 4, DAY0 + HOUR - 1);
    add(l, "app", 1, DAY0 + HOUR);
    group(l, carry, true);
    int64_t over = DAY0 + HOUR + LEDGER_GRACE_S * SECOND;
    assert_int_equal(ledger_close_hours(l, over - 1, close_row, &closed), 0);
    closed.refuse = 1;
    assert_int_equal(ledger_close_hours(l, over, close_row, &closed), 0);
    assert_int_equal(ledger_close_hours(l, over, close_row, &closed), 1);
    assert_int_equal(ledger_close_hours(l, over, close_row, &closed), 0);
    group(l, carry, false); /* the row was not stored: the cell is open still */
    assert_int_equal(open_cells(l, "app"), 2);
    closed.count = 0;
    add(l, "app", 2, DAY0 + HOUR - 1); /* in the same group, before it closes */
    assert_int_equal(ledger_close_hours(l, over, close_row, &closed), 1);
    assert_int_equal(closed.cells[0].figures.counts[LEDGER_STORED], 6);
    assert_int_equal(closed.cells[0].hour, DAY0 / HOUR);
    assert_string_equal(closed.sources[0], "app");
    add(l, "app", 5, DAY0 + HOUR - 1); /* and after */
    group(l, carry, true);
    assert_int_equal(open_cells(l, "app"), 2);
    ledger_close(&l);
    l = ledger_open(carry);
    assert_int_equal(ledger_close_hours(l, over, close_row, &closed), 1);
    assert_int_equal(closed.cells[1].figures.counts[LEDGER_STORED], 5); /* rows add up */
    group(l, carry, true);
    assert_int_equal(open_cells(l, ""), 1);
    assert_int_equal(received(l, "app"), 12);
    carry_stats(carry, &stats);
    assert_int_equal(stats.cursors, 2); /* the hour that is open, and what came since ever */
    ledger_close(&l);
    carry_close(&carry);
}

static void a_clock_that_is_set_back_loses_nothing(void **state)
{
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    struct closed closed = {0};
    struct ledger_totals t;
    (void)state;
    add(l, "app", 1, DAY0 + 1000 * HOUR);
    add(l, "app", 2, DAY0 - 5 * HOUR);
    add(l, "app", 3, -5);
    assert_int_equal(ledger_close_hours(l, DAY0 - 5 * HOUR, close_row, &closed), 2);
    group(l, carry, true);
    assert_int_equal(open_cells(l, ""), 1);
    add(l, "app", 4, DAY0 - 4 * HOUR);
    group(l, carry, true);
    assert_int_equal(ledger_close_hours(l, DAY0 - 4 * HOUR, close_row, &closed), 0);
    assert_int_equal(received(l, "app"), 10);
    (void)ledger_of(l, SLICE("app"), &t);
    assert_int_equal(t.newest_ns, DAY0 - 4 * HOUR);
    ledger_close(&l);
    carry_close(&carry);
}

static void gaps_are_between_seconds_with_arrivals(void **state)
{
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    struct closed closed = {0};
    static const int seconds[] = {10, 10, 11, 13, 20, 1020, 3500, 3605, 3610};
    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
        add(l, "app", 50, DAY0 + seconds[i] * SECOND);
    (void)ledger_close_hours(l, DAY0 + 3 * HOUR, close_row, &closed);
    assert_int_equal(closed.count, 2);
    bool is_first = closed.cells[0].hour == DAY0 / HOUR;
    const struct ledger_cell *a = &closed.cells[!is_first], *b = &closed.cells[is_first];
    assert_int_equal(ledger_cell_gaps(a), 5);
    assert_true(a->gaps[0] == 1 && a->gaps[1] == 1 && a->gaps[2] == 1 && a->gaps[9] == 1 &&
                a->gaps[11] == 1);
    assert_int_equal(a->longest_s, 2480);
    assert_int_equal(a->first_ns, DAY0 + 10 * SECOND);
    assert_int_equal(a->newest_ns, DAY0 + 3500 * SECOND);
    assert_int_equal(ledger_cell_gaps(b), 2);
    assert_int_equal(b->longest_s, 5);
    group(l, carry, true);
    ledger_close(&l);
    l = ledger_open(carry); /* who knows what the node missed meanwhile: no gap */
    add(l, "app", 1, DAY0 + 100 * HOUR);
    closed.count = 0;
    (void)ledger_close_hours(l, DAY0 + 200 * HOUR, close_row, &closed);
    assert_int_equal(ledger_cell_gaps(&closed.cells[0]), 0);
    ledger_close(&l);
    carry_close(&carry);
}

static void a_gap_begins_with_what_was_stored(void **state)
{
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    struct closed closed = {0};
    (void)state;
    add(l, "app", 1, DAY0);
    group(l, carry, true);
    add(l, "app", 1, DAY0 + 10 * SECOND);
    group(l, carry, false);
    add(l, "app", 1, DAY0 + 20 * SECOND);
    (void)ledger_close_hours(l, DAY0 + 3 * HOUR, close_row, &closed);
    assert_int_equal(closed.cells[0].longest_s, 20);
    ledger_close(&l);
    carry_close(&carry);
}

struct field_walk {
    struct ledger_cell cell;
    uint32_t count;
};

static void take_field(void *context, const char *name, uint64_t value)
{
    struct field_walk *w = context;
    char text[32];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    ledger_cell_take(&w->cell, slice_from(name), slice_from(text));
    w->count++;
}

static void a_cell_comes_back_from_its_fields(void **state)
{
    struct ledger_cell cell;
    struct field_walk walk = {0};
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    (void)state;
    ledger_cell_begin(&cell, 7, SLICE("app"));
    ledger_cell_begin(&walk.cell, 7, cell.source);
    ledger_cell_fields(&cell, take_field, &walk);
    assert_int_equal(walk.count, 2); /* received and stored are always told */
    for (size_t i = 0; i < LEDGER_COUNTS; i++)
        cell.figures.counts[i] = UINT64_MAX - i;
    for (size_t i = 0; i < LEDGER_GAPS; i++)
        cell.gaps[i] = UINT64_MAX / (i + 1);
    cell.figures.ahead_max_s = cell.figures.behind_max_s = cell.longest_s = UINT64_MAX;
    cell.first_ns = INT64_MAX - 1;
    cell.newest_ns = INT64_MAX;
    ledger_cell_fields(&cell, take_field, &walk);
    assert_memory_equal(&cell, &walk.cell, sizeof(cell));
    ledger_cell_take(&walk.cell, SLICE("received"), SLICE("-1"));
    ledger_cell_take(&walk.cell, SLICE("another"), SLICE("1"));
    assert_memory_equal(&cell, &walk.cell, sizeof(cell));
    ledger_add(l, SLICE("app"), &cell.figures, DAY0); /* the longest cursor can be carried */
    group(l, carry, true);
    assert_int_equal(received(l, "app"), UINT64_MAX);
    ledger_close(&l);
    carry_close(&carry);
}

static void skew_is_counted_in_classes(void **state)
{
    struct ledger_figures f = {0};
    (void)state;
    ledger_figures_time(&f, CLOCK_NONE, DAY0);
    ledger_figures_time(&f, DAY0 + 300 * SECOND, DAY0);
    ledger_figures_time(&f, DAY0 + 301 * SECOND, DAY0);
    ledger_figures_time(&f, DAY0 - HOUR, DAY0);
    ledger_figures_time(&f, DAY0 - HOUR - SECOND, DAY0);
    ledger_figures_time(&f, DAY0 - 24 * HOUR - SECOND, DAY0);
    ledger_figures_time(&f, INT64_MIN + 1, INT64_MAX);
    assert_int_equal(f.counts[LEDGER_TIMELESS], 1);
    assert_int_equal(f.counts[LEDGER_AHEAD], 1);
    assert_int_equal(f.counts[LEDGER_LATE], 1);
    assert_int_equal(f.counts[LEDGER_OLD], 2);
    assert_int_equal(f.ahead_max_s, 301);
    assert_int_equal(ledger_unaccounted(&f), 0);
}

static void beyond_its_limits_all_is_added_up_for_the_others(void **state)
{
    struct carry *carry = carry_open();
    struct ledger *l = ledger_open(carry);
    struct ledger_totals t;
    char name[32];
    const uint32_t sources = LEDGER_SOURCES_MAX + 20;
    (void)state;
    for (uint32_t i = 0; i < sources; i++) {
        (void)snprintf(name, sizeof(name), "s%u", i);
        for (uint32_t hour = 0; hour < 5; hour++)
            add(l, name, 1, DAY0 + hour * HOUR);
    }
    add(l, "", 1, DAY0);
    for (uint32_t hour = 0; hour < 1000; hour++)
        add(l, "s1", 1, DAY0 + (1000 + hour) * HOUR);
    group(l, carry, true);
    ledger_sum(l, &t);
    assert_int_equal(t.ever.counts[LEDGER_RECEIVED], sources * 5 + 1001);
    assert_int_equal(received(l, "(others)"), 20 * 5 + 1);
    assert_int_equal(received(l, "s1"), 1005);
    assert_true(open_cells(l, "") <= LEDGER_CELLS_MAX + 64);
    ledger_close(&l);
    l = ledger_open(carry);
    ledger_sum(l, &t);
    assert_int_equal(t.ever.counts[LEDGER_RECEIVED], sources * 5 + 1001);
    uint64_t in_rows = 0;
    while (ledger_close_hours(l, DAY0 + 9000 * HOUR, sum_row, &in_rows) > 0)
        group(l, carry, true);
    assert_int_equal(in_rows, sources * 5 + 1001);
    ledger_close(&l);
    carry_close(&carry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_stand_and_fall_with_their_group),
        cmocka_unit_test(every_outcome_is_in_the_sum_and_nothing_else),
        cmocka_unit_test(an_ended_hour_closes_once_and_its_cursor_goes),
        cmocka_unit_test(a_clock_that_is_set_back_loses_nothing),
        cmocka_unit_test(gaps_are_between_seconds_with_arrivals),
        cmocka_unit_test(a_gap_begins_with_what_was_stored),
        cmocka_unit_test(a_cell_comes_back_from_its_fields),
        cmocka_unit_test(skew_is_counted_in_classes),
        cmocka_unit_test(beyond_its_limits_all_is_added_up_for_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
