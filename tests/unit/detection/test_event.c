/* Names and events: numbers, blanks, chains of one name, flat before nested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "detection/event.h"

static void add(struct record *r, const char *name, const char *value, unsigned flags)
{
    assert_int_equal(record_add(r, slice_from(name), slice_from(value), VALUE_STRING, flags, NULL),
                     ERR_OK);
}

static void names_are_exact_but_for_blanks(void **state)
{
    (void)state;
    struct name_table *table = name_table_open();
    uint16_t threat = name_add(table, SLICE("Threat Name"));
    assert_int_not_equal(threat, NAME_NONE);
    assert_int_equal(name_find(table, SLICE("ThreatName")), threat);
    assert_int_equal(name_find(table, SLICE("Threat Name")), threat);
    assert_int_equal(name_find(table, SLICE("threatname")), NAME_NONE);
    assert_int_equal(name_add(table, SLICE("ThreatName")), threat);
    for (int i = 0; i < 5000; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "field%d", i);
        uint16_t number = name_add(table, slice_from(text));
        assert_int_equal(name_find(table, slice_from(text)), number);
    }
    assert_int_equal(name_find(table, SLICE("field5000")), NAME_NONE);
    assert_true(slice_equal(name_text(table, threat), SLICE("ThreatName")));
    name_table_close(&table);
}

static void values_of_one_name_form_a_chain(void **state)
{
    (void)state;
    struct name_table *table = name_table_open();
    uint16_t a = name_add(table, SLICE("a")), b = name_add(table, SLICE("b"));
    struct event e;
    struct record r = {0};
    event_open(&e, table);
    add(&r, "a", "1", 0);
    add(&r, "x", "2", 0);
    add(&r, "a", "3", 0);
    event_bind(&e, &r);
    uint32_t field = event_first(&e, a);
    assert_int_equal(field, 0);
    assert_int_equal(event_next(&e, field), 2);
    assert_int_equal(event_next(&e, 2), EVENT_NO_FIELD);
    assert_int_equal(event_first(&e, b), EVENT_NO_FIELD);
    assert_null(event_text(&e, b).data);
    record_reset(&r);
    add(&r, "b", "4", 0);
    event_bind(&e, &r);
    assert_int_equal(event_first(&e, a), EVENT_NO_FIELD);
    assert_true(slice_equal(event_text(&e, b), SLICE("4")));
    event_close(&e);
    record_free(&r);
    name_table_close(&table);
}

static void a_flat_key_hides_nested_ones(void **state)
{
    (void)state;
    struct name_table *table = name_table_open();
    uint16_t name = name_add(table, SLICE("user.type"));
    struct event e;
    struct record r = {0};
    event_open(&e, table);
    for (int flat_first = 0; flat_first < 2; flat_first++) {
        record_reset(&r);
        add(&r, "user.type", flat_first ? "flat" : "nested", flat_first ? 0 : FIELD_NESTED);
        add(&r, "user.type", flat_first ? "nested" : "flat", flat_first ? FIELD_NESTED : 0);
        event_bind(&e, &r);
        assert_true(slice_equal(event_text(&e, name), SLICE("flat")));
        assert_int_equal(event_next(&e, event_first(&e, name)), EVENT_NO_FIELD);
        assert_int_equal(e.field_names[flat_first ? 1 : 0], NAME_NONE);
    }
    event_close(&e);
    record_free(&r);
    name_table_close(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_exact_but_for_blanks),
        cmocka_unit_test(values_of_one_name_form_a_chain),
        cmocka_unit_test(a_flat_key_hides_nested_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
