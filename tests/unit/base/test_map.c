#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

static void test_put_find_remove(void **state)
{
    (void)state;
    struct map m = {0};
    bool made;
    assert_null(map_find(&m, SLICE("a")));
    assert_false(map_remove(&m, SLICE("a")));
    assert_int_equal(map_put(&m, SLICE("a"), 1, &made)->value, 1);
    assert_true(made);
    assert_int_equal(map_put(&m, SLICE("a"), 2, &made)->value, 1); /* what is there stays */
    assert_false(made);
    map_find(&m, SLICE("a"))->value = 3;
    assert_int_equal(map_find(&m, SLICE("a"))->value, 3);
    (void)map_put(&m, slice_make(NULL, 0), 9, NULL); /* the empty key is a key */
    assert_int_equal(map_find(&m, SLICE(""))->value, 9);
    assert_int_equal(m.count, 2);
    assert_true(map_remove(&m, SLICE("a")));
    assert_null(map_find(&m, SLICE("a")));
    map_free(&m);
    assert_int_equal(m.count, 0);
}

/* Against a plain table of flags. */
static void test_random_work(void **state)
{
    (void)state;
    enum { KEYS = 3000, STEPS = 60000 };
    static char names[KEYS][16];
    static bool present[KEYS];
    struct map m = {0};
    size_t count = 0;
    srandom(42);
    for (int i = 0; i < KEYS; i++)
        (void)snprintf(names[i], sizeof(names[i]), "k%d", i);
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)random() % KEYS;
        struct slice key = slice_from(names[i]);
        if (random() % 2) {
            bool made;
            (void)map_put(&m, key, i, &made);
            assert_int_equal(made, !present[i]);
            count += !present[i];
            present[i] = true;
        } else {
            assert_int_equal(map_remove(&m, key), present[i]);
            count -= present[i];
            present[i] = false;
        }
        assert_int_equal(m.count, count);
    }
    size_t seen = 0;
    for (struct map_entry *e = NULL; (e = map_next(&m, e)); seen++)
        assert_true(present[e->value] && slice_equal(e->key, slice_from(names[e->value])));
    assert_int_equal(seen, count);
    for (uint32_t i = 0; i < KEYS; i++)
        assert_int_equal(map_find(&m, slice_from(names[i])) != NULL, present[i]);
    map_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find_remove),
        cmocka_unit_test(test_random_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
