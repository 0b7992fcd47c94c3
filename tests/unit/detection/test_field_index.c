/* Field index: each kind of term at its edges, numbers by value, each term once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "detection/field_index.h"

enum { TERMS = 16 };

struct fixture {
    struct arena arena;
    struct field_index *index;
    uint32_t seen[TERMS], terms[TERMS], generation, count;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    f.index = field_index_open(&f.arena);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_free(&f->arena);
    return 0;
}

static void scan(struct fixture *f, const char *text)
{
    char room[256] = {0};
    size_t len = strlen(text);
    assert_true(len + LITERAL_PADDING <= sizeof(room));
    memcpy(room, text, len);
    f->count =
        field_index_scan(f->index, slice_make(room, len), f->seen, ++f->generation, f->terms, 0);
}

static bool found(const struct fixture *f, uint32_t term)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (f->terms[i] == term)
            return true;
    return false;
}

static void heads_and_tails_of_every_length(void **state)
{
    struct fixture *f = *state;
    const char *whole = "abcdefghijklm";
    for (uint32_t len = 1; len <= 13; len++)
        field_index_add(f->index, PREDICATE_STARTSWITH, slice_make(whole, len), len - 1);
    field_index_add(f->index, PREDICATE_ENDSWITH, SLICE("m"), 13);
    field_index_add(f->index, PREDICATE_ENDSWITH, SLICE("fghijklm"), 14);
    field_index_add(f->index, PREDICATE_ENDSWITH, SLICE("Xfghijklm"), 15);
    field_index_finish(f->index, &f->arena);
    scan(f, "abcdefghijklm");
    assert_int_equal(f->count, 15);
    assert_false(found(f, 15));
    scan(f, "abcdX");
    assert_int_equal(f->count, 4);
    scan(f, "m");
    assert_int_equal(f->count, 1);
    assert_true(found(f, 13));
    scan(f, "");
    assert_int_equal(f->count, 0);
}

static void equality_is_of_the_whole(void **state)
{
    struct fixture *f = *state;
    field_index_add(f->index, PREDICATE_EQUALS, SLICE(""), 0);
    field_index_add(f->index, PREDICATE_EQUALS, SLICE("a"), 1);
    field_index_add(f->index, PREDICATE_EQUALS, SLICE("same head 1 same tail"), 2);
    field_index_add(f->index, PREDICATE_EQUALS, SLICE("same head 2 same tail"), 3);
    field_index_finish(f->index, &f->arena);
    scan(f, "");
    assert_true(f->count == 1 && found(f, 0));
    scan(f, "a");
    assert_true(f->count == 1 && found(f, 1));
    scan(f, "same head 2 same tail");
    assert_true(f->count == 1 && found(f, 3));
    scan(f, "same head 3 same tail");
    assert_int_equal(f->count, 0);
}

static void numbers_are_found_by_value(void **state)
{
    struct fixture *f = *state;
    field_index_add(f->index, PREDICATE_NUMBER, SLICE("4688"), 0);
    field_index_add(f->index, PREDICATE_NUMBER, SLICE("0.5"), 1);
    field_index_finish(f->index, &f->arena);
    const char *const same[] = {"4688", "4688.0", "004688", "4.688e3", "46880e-1"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        scan(f, same[i]);
        assert_int_equal(f->count, 1);
    }
    const char *const other[] = {"0x1250", "4688 ", "46881", "4688a", "-4688", ""};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        scan(f, other[i]);
        assert_int_equal(f->count, 0);
    }
    scan(f, "5e-1");
    assert_true(f->count == 1 && found(f, 1));
}

static void a_term_is_reported_once_a_generation(void **state)
{
    struct fixture *f = *state;
    field_index_add(f->index, PREDICATE_CONTAINS, SLICE("abcdefgh"), 0);
    field_index_add(f->index, PREDICATE_CONTAINS, SLICE("bc"), 1);
    field_index_finish(f->index, &f->arena);
    scan(f, "abcdefgh abcdefgh bc");
    assert_int_equal(f->count, 2);
    scan(f, "abcdefgh");
    assert_int_equal(f->count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(heads_and_tails_of_every_length, setup, teardown),
        cmocka_unit_test_setup_teardown(equality_is_of_the_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_are_found_by_value, setup, teardown),
        cmocka_unit_test_setup_teardown(a_term_is_reported_once_a_generation, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
