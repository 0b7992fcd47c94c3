#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/arena.h"
#include "base/mem.h"
#include "watch/health.h"

#define SECOND(n) ((int64_t)(n)*CLOCK_SECOND_NS)

struct bed {
    struct health *health;
    struct arena arena;
    struct health_change changes[8];
};

static int bed_open(void **state)
{
    struct bed *bed = mem_zeroed(1, sizeof(*bed));
    bed->health = health_open();
    *state = bed;
    return 0;
}

static int bed_close(void **state)
{
    struct bed *bed = *state;
    health_close(&bed->health);
    arena_free(&bed->arena);
    mem_free(bed);
    return 0;
}

/* A look that tells of these sources as silent. */
static uint32_t look(struct bed *bed, int64_t now_ns, enum health_kind kind, const char *const *who)
{
    health_begin(bed->health, now_ns);
    for (; *who; who++) {
        struct health_finding f = {kind, slice_from(*who), CLOCK_NONE, SLICE("is quiet"),
                                   SLICE("im lặng")};
        health_add(bed->health, &f);
        health_add(bed->health, &f);
    }
    health_end(bed->health);
    return health_changes(bed->health, bed->changes, 8, &bed->arena);
}

#define WHO(...) ((const char *const[]){__VA_ARGS__})

static void each_beginning_and_end_is_told_once(void **state)
{
    struct bed *bed = *state;
    health_settled(bed->health);
    assert_int_equal(look(bed, SECOND(10), HEALTH_SILENT, WHO("a", "b", NULL)), 2);
    assert_int_equal(health_count(bed->health), 2);
    assert_false(bed->changes[0].ends);
    assert_int_equal(bed->changes[0].at_ns, SECOND(10));
    assert_true(slice_equal(bed->changes[0].finding.subject, SLICE("a")));
    assert_int_equal(look(bed, SECOND(11), HEALTH_SILENT, WHO("a", "b", NULL)), 0); /* on its way */
    health_taken(bed->health, &bed->changes[0], true);
    health_taken(bed->health, &bed->changes[1], false);
    assert_int_equal(look(bed, SECOND(12), HEALTH_SILENT, WHO("a", "b", NULL)),
                     1); /* not durable */
    assert_true(slice_equal(bed->changes[0].finding.subject, SLICE("b")));
    health_taken(bed->health, &bed->changes[0], true);
    assert_int_equal(look(bed, SECOND(20), HEALTH_SILENT, WHO("b", NULL)), 1);
    assert_true(bed->changes[0].ends);
    assert_int_equal(bed->changes[0].at_ns, SECOND(20));
    assert_int_equal(bed->changes[0].finding.since_ns, SECOND(10));
    health_taken(bed->health, &bed->changes[0], true);
    assert_int_equal(look(bed, SECOND(21), HEALTH_SILENT, WHO("b", NULL)), 0);
    assert_int_equal(health_count_of(bed->health, HEALTH_SILENT), 1);
}

static void a_restart_repeats_nothing_and_ends_what_is_over(void **state)
{
    struct bed *bed = *state;
    struct buf name = {0}, value = {0};
    (void)look(bed, SECOND(10), HEALTH_SILENT, WHO("a/b", "c", NULL));
    health_cursor(&bed->changes[0].finding, &name, &value);
    assert_true(slice_equal(buf_as_slice(&name), SLICE("health:silent/a/b")));
    struct health *after = health_open();
    health_restore(after, buf_as_slice(&name), buf_as_slice(&value));
    health_restore(after, SLICE("health:nothing/x"), SLICE("1"));
    health_close(&bed->health);
    bed->health = after;
    assert_int_equal(look(bed, SECOND(50), HEALTH_SILENT, WHO("a/b", NULL)), 0);
    assert_int_equal(look(bed, SECOND(51), HEALTH_SILENT, WHO(NULL)), 0); /* nobody knows yet */
    health_settled(bed->health);
    assert_int_equal(look(bed, SECOND(52), HEALTH_SILENT, WHO(NULL)), 1);
    assert_true(bed->changes[0].ends);
    assert_int_equal(bed->changes[0].finding.since_ns, SECOND(10));
    buf_free(&name);
    buf_free(&value);
}

/* A role that is started again at once is no finding. */
static void some_kinds_must_last(void **state)
{
    struct bed *bed = *state;
    uint32_t hold_s = health_kinds[HEALTH_ROLE].hold_s;
    health_settled(bed->health);
    assert_int_equal(look(bed, SECOND(0), HEALTH_ROLE, WHO("web", NULL)), 0);
    assert_int_equal(health_count(bed->health), 1);
    assert_int_equal(look(bed, SECOND(1), HEALTH_ROLE, WHO(NULL)), 0);
    assert_int_equal(look(bed, SECOND(hold_s), HEALTH_ROLE, WHO("web", NULL)), 0);
    assert_int_equal(look(bed, SECOND(2 * hold_s), HEALTH_ROLE, WHO("web", NULL)), 1);
    assert_int_equal(bed->changes[0].at_ns, SECOND(hold_s));
}

static void more_than_can_be_kept_are_counted(void **state)
{
    struct bed *bed = *state;
    char name[16];
    health_begin(bed->health, 1);
    for (int i = 0; i < HEALTH_MAX + 5; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        health_add(bed->health, &(struct health_finding){.kind = HEALTH_SILENT,
                                                         .subject = slice_from(name),
                                                         .since_ns = CLOCK_NONE});
    }
    health_end(bed->health);
    assert_int_equal(health_count(bed->health), HEALTH_MAX);
    assert_int_equal(health_left_out(bed->health), 5);
}

static void every_kind_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < HEALTH_KINDS; i++) {
        assert_non_null(health_kinds[i].name);
        assert_non_null(health_kinds[i].title_en);
        assert_non_null(health_kinds[i].title_vi);
        assert_non_null(health_kinds[i].level);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_beginning_and_end_is_told_once, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(a_restart_repeats_nothing_and_ends_what_is_over, bed_open,
                                        bed_close),
        cmocka_unit_test_setup_teardown(some_kinds_must_last, bed_open, bed_close),
        cmocka_unit_test_setup_teardown(more_than_can_be_kept_are_counted, bed_open, bed_close),
        cmocka_unit_test(every_kind_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
