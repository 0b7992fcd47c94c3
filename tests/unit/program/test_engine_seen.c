#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "program/engine_seen.h"

static void group(struct engine_seen *seen, struct carry *carry, bool durable)
{
    struct buf items = {0};
    engine_seen_put(seen, &items);
    if (durable)
        assert_int_equal(carry_apply(carry, buf_as_slice(&items), NULL), ERR_OK);
    engine_seen_settle(seen, durable);
    buf_free(&items);
}

static void expect(struct engine_seen *seen, const char *source, const char *place,
                   const struct engine_seen_figures *wanted)
{
    struct engine_seen_figures f;
    engine_seen_of(seen, slice_from(source), slice_from(place), &f);
    assert_int_equal(f.stored, wanted->stored);
    assert_int_equal(f.stored_since_start, wanted->stored_since_start);
    assert_int_equal(f.newest_ns, wanted->newest_ns);
}

static void figures_stand_and_fall_with_their_group(void **state)
{
    struct carry *carry = carry_open();
    struct engine_seen *seen = engine_seen_open(carry);
    (void)state;
    expect(seen, "app", "in", &(struct engine_seen_figures){0, 0, CLOCK_NONE});
    engine_seen_add(seen, SLICE("app"), SLICE("in"), 3, 10);
    engine_seen_add(seen, SLICE("app"), SLICE("in"), 2, 11);
    engine_seen_add(seen, SLICE("app"), SLICE("/a/b"), 4, 12);
    engine_seen_add(seen, SLICE("app"), SLICE("empty"), 0, 13);
    expect(seen, "app", "", &(struct engine_seen_figures){0, 0, CLOCK_NONE});
    group(seen, carry, true);
    expect(seen, "app", "", &(struct engine_seen_figures){9, 9, 12});
    expect(seen, "app", "in", &(struct engine_seen_figures){5, 5, 11});
    expect(seen, "app", "/a/b", &(struct engine_seen_figures){4, 4, 12});
    expect(seen, "app", "empty", &(struct engine_seen_figures){0, 0, CLOCK_NONE});
    engine_seen_add(seen, SLICE("app"), SLICE("in"), 100, 20);
    group(seen, carry, false);
    expect(seen, "app", "in", &(struct engine_seen_figures){5, 5, 11});
    engine_seen_close(&seen);
    seen = engine_seen_open(carry); /* the engine starts again */
    expect(seen, "app", "", &(struct engine_seen_figures){9, 0, 12});
    expect(seen, "app", "/a/b", &(struct engine_seen_figures){4, 0, 12});
    engine_seen_close(&seen);
    carry_close(&carry);
}

static void silent_places_make_room(void **state)
{
    struct carry *carry = carry_open();
    struct engine_seen *seen = engine_seen_open(carry);
    struct carry_stats stats;
    char path[32];
    const int files = ENGINE_SEEN_ROWS_MAX + 10;
    (void)state;
    for (int i = 0; i < files; i++) {
        (void)snprintf(path, sizeof(path), "/log/%d", i);
        engine_seen_add(seen, SLICE("app"), slice_from(path), 1, i + 1);
        group(seen, carry, true);
    }
    expect(seen, "app", "", &(struct engine_seen_figures){(uint64_t)files, (uint64_t)files, files});
    expect(seen, "app", "/log/0", &(struct engine_seen_figures){0, 0, CLOCK_NONE});
    expect(seen, "app", path, &(struct engine_seen_figures){1, 1, files});
    carry_stats(carry, &stats);
    assert_int_equal(stats.cursors, ENGINE_SEEN_ROWS_MAX);
    engine_seen_close(&seen);
    carry_close(&carry);
}

static void name_keep(void *context, struct slice place, const struct engine_seen_figures *figures)
{
    buf_slice(context, place);
    buf_printf(context, "=%lu ", (unsigned long)figures->stored);
}

static void places_are_of_their_source(void **state)
{
    struct carry *carry = carry_open();
    struct engine_seen *seen = engine_seen_open(carry);
    struct buf names = {0};
    (void)state;
    engine_seen_add(seen, SLICE("app"), SLICE("in"), 1, 1);
    engine_seen_add(seen, SLICE("apple"), SLICE("/x"), 2, 1);
    engine_seen_add(seen, SLICE("app"), SLICE("/x"), 3, 1);
    group(seen, carry, true);
    engine_seen_places(seen, SLICE("app"), name_keep, &names);
    assert_string_equal(buf_text(&names), "in=1 /x=3 ");
    buf_free(&names);
    engine_seen_close(&seen);
    carry_close(&carry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_stand_and_fall_with_their_group),
        cmocka_unit_test(silent_places_make_room),
        cmocka_unit_test(places_are_of_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
