#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "state/right.h"

static void test_rights_have_names(void **state)
{
    (void)state;
    unsigned all = 0;
    struct buf text = {0};
    for (uint32_t i = 0; i < RIGHT_COUNT; i++) {
        assert_int_equal(right_find(slice_from(right_table[i].name)), right_table[i].right);
        assert_true(right_table[i].title_en[0] && right_table[i].title_vi[0]);
        assert_false(all & right_table[i].right);
        all |= right_table[i].right;
    }
    assert_int_equal(all, RIGHT_ALL);
    assert_int_equal(right_find(SLICE("rule")), 0);
    right_text(RIGHT_WATCH | RIGHT_READ, &text);
    assert_string_equal(buf_text(&text), "read, watch");
    buf_free(&text);
}

static void test_roles(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ROLE_COUNT; i++) {
        const struct role_row *role = &role_table[i];
        assert_ptr_equal(role_find(slice_from(role->name)), role);
        assert_true(role->title_en[0] && role->title_vi[0]);
        assert_true(role->rights & RIGHT_READ);
        assert_int_equal(role->given_units, strcmp(role->name, "provider") == 0);
        /* only the administrator gives rights; he who audits, changes nothing */
        bool administers = strcmp(role->name, "administrator") == 0;
        assert_int_equal((role->rights & (RIGHT_USERS | RIGHT_SETTINGS)) != 0, administers);
    }
    assert_int_equal(role_find(SLICE("auditor"))->rights &
                         (RIGHT_REGISTER | RIGHT_WATCH | RIGHT_INCIDENT | RIGHT_SIGN),
                     0);
    assert_null(role_find(SLICE("root")));
}

static void test_units(void **state)
{
    (void)state;
    static const uint64_t units[] = {2, 5, 9};
    struct caller c = {.units = units, .unit_count = 3};
    for (uint64_t id = 0; id < 12; id++)
        assert_int_equal(caller_has_unit(&c, id), id == 2 || id == 5 || id == 9);
    c.unit_count = 0;
    assert_false(caller_has_unit(&c, 0));
    c.everywhere = true;
    assert_true(caller_has_unit(&c, 77));
    assert_true(caller_may(&(struct caller){.rights = 3}, 2));
    assert_false(caller_may(&(struct caller){.rights = 3}, 6));
}

static void test_packed_and_back(void **state)
{
    (void)state;
    static const uint64_t units[] = {2, 5, 9}, doubled[] = {2, 2};
    struct caller c = {.kind = CALLER_TOKEN,
                       .user_id = 3,
                       .session_id = 4,
                       .name = SLICE("an"),
                       .from = SLICE("10.0.0.1"),
                       .rights = RIGHT_READ | RIGHT_SELF,
                       .units = units,
                       .unit_count = 3,
                       .vietnamese = true};
    struct arena arena = {0};
    struct buf bytes = {0};
    struct caller back;
    caller_pack(&c, &bytes);
    struct bytes_in in = bytes_in(buf_as_slice(&bytes));
    assert_int_equal(caller_unpack(&in, &arena, &back, NULL), ERR_OK);
    assert_int_equal(bytes_left(&in), 0);
    assert_true(back.kind == c.kind && back.user_id == 3 && back.session_id == 4);
    assert_true(slice_equal(back.name, c.name) && slice_equal(back.from, c.from));
    assert_true(back.rights == c.rights && back.vietnamese && !back.everywhere);
    assert_int_equal(back.unit_count, 3);
    assert_memory_equal(back.units, units, sizeof(units));
    for (size_t cut = 0; cut < bytes.len; cut++) {
        in = bytes_in(slice_make(bytes.data, cut));
        assert_int_equal(caller_unpack(&in, &arena, &back, NULL), ERR_DAMAGED);
        assert_int_equal(back.rights, 0);
    }
    const struct caller bad[] = {{.rights = RIGHT_ALL + 1},
                                 {.units = doubled, .unit_count = 2},
                                 {.kind = (enum caller_kind)(CALLER_TOKEN + 1)}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_clear(&bytes);
        caller_pack(&bad[i], &bytes);
        in = bytes_in(buf_as_slice(&bytes));
        assert_int_equal(caller_unpack(&in, &arena, &back, NULL), ERR_DAMAGED);
    }
    buf_free(&bytes);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights_have_names),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_packed_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
