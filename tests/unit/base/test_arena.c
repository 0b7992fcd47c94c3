#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_blocks_are_apart_and_aligned(void **state)
{
    (void)state;
    struct arena a = {0};
    char *blocks[2000];
    for (size_t i = 0; i < 2000; i++) {
        size_t align = (size_t)1 << i % 7;
        blocks[i] = arena_alloc_aligned(&a, 100 + i, align);
        assert_int_equal((uintptr_t)blocks[i] % align, 0);
        memset(blocks[i], (int)(i & 0x7f), 100 + i);
    }
    for (size_t i = 0; i < 2000; i++) {
        assert_int_equal(blocks[i][0], i & 0x7f);
        assert_int_equal(blocks[i][99 + i], i & 0x7f);
    }
    arena_free(&a);
    assert_int_equal(a.total_bytes, 0);
}

static void test_larger_than_a_chunk(void **state)
{
    (void)state;
    struct arena a = {0};
    char *big = arena_zeroed(&a, 1 << 10, 1 << 12);
    assert_int_equal(big[0], 0);
    assert_int_equal(big[(4 << 20) - 1], 0);
    big[(4 << 20) - 1] = 1;
    arena_free(&a);
}

static void test_copies(void **state)
{
    (void)state;
    struct arena a = {0};
    char text[] = "value";
    struct slice copy = arena_copy(&a, slice_from(text));
    text[0] = 'X';
    assert_string_equal(copy.data, "value");
    assert_int_equal(copy.len, 5);
    assert_string_equal(arena_copy(&a, slice_make(NULL, 0)).data, "");
    assert_string_equal(arena_printf(&a, "%d-%s", 7, "x").data, "7-x");
    arena_free(&a);
}

static void test_reset_keeps_one_chunk(void **state)
{
    (void)state;
    struct arena a = {0};
    arena_reset(&a); /* empty: nothing to keep */
    for (int i = 0; i < 100; i++)
        (void)arena_alloc(&a, 10000);
    arena_reset(&a);
    size_t kept = a.total_bytes;
    assert_true(kept > 0);
    (void)arena_alloc(&a, 10000);
    assert_int_equal(a.total_bytes, kept); /* no new memory */
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_apart_and_aligned),
        cmocka_unit_test(test_larger_than_a_chunk),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_reset_keeps_one_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
