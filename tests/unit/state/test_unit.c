#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

static void test_the_tree(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    assert_int_equal(act(&p, &node, "unit.add", "name=a", "title=X", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &node, "unit.change", "unit=a", "parent=a", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &node, "unit.change", "unit=a", "parent=a1", NULL), ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "under itself"));
    MUST(act(&p, &node, "unit.change", "unit=a1", "parent=a2", "title=Đơn vị A1", NULL));
    assert_true(
        bed_text_is(people_db(&p), "SELECT search FROM unit WHERE name = 'a1'", "a1 don vi a1 "));
    char name[32], parent[32];
    (void)snprintf(parent, sizeof parent, "parent=a1"); /* stands at depth 3 */
    for (int depth = 4; depth <= 17; depth++) {
        (void)snprintf(name, sizeof name, "name=d%d", depth);
        assert_int_equal(act(&p, &node, "unit.add", name, "title=D", parent, NULL),
                         depth <= 16 ? ERR_OK : ERR_LIMIT);
        (void)snprintf(parent, sizeof parent, "parent=d%d", depth);
    }
    MUST(act(&p, &node, "unit.add", "name=c", "title=C", NULL));
    assert_int_equal(act(&p, &node, "unit.change", "unit=a", "parent=c", NULL), ERR_LIMIT);
    people_close(&p);
}

static void test_a_unit_in_use_stays(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    assert_int_equal(act(&p, &node, "unit.remove", "unit=a", NULL), ERR_USAGE);
    MUST(act(&p, &node, "user.add", "name=u", "title=U", "role=officer", "unit=b", NULL));
    assert_int_equal(act(&p, &node, "unit.remove", "unit=b", NULL), ERR_USAGE);
    MUST(act(&p, &node, "user.remove", "user=u", NULL));
    MUST(act(&p, &node, "unit.remove", "unit=b", NULL));
    MUST(act(&p, &node, "host.add", "name=h1", "unit=a1", NULL));
    assert_int_equal(act(&p, &node, "unit.remove", "unit=a1", NULL), ERR_USAGE);
    MUST(act(&p, &node, "unit.remove", "unit=a2", NULL));
    people_close(&p);
}

static void test_units_of_others(void **state)
{
    (void)state;
    struct people p;
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "unit.add", "name=x", "title=X", NULL), ERR_USAGE);
    assert_true(p.call.denied);
    assert_int_equal(act(&p, &anna, "unit.add", "name=x", "title=X", "parent=b", NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "unit.change", "unit=b", "title=X", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "unit.change", "unit=a1", "parent=b", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "unit.remove", "unit=b", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "unit.remove", "unit=a", NULL), ERR_USAGE);
    /* its place is not hers to decide */
    assert_int_equal(act(&p, &anna, "unit.change", "unit=a", "parent=a1", NULL), ERR_USAGE);
    MUST(act(&p, &anna, "unit.change", "unit=a1", "parent=a2", NULL));
    MUST(act(&p, &anna, "unit.remove", "unit=a1", NULL));
    people_close(&p);
}

/* Events are found by the names of units: nobody takes a name that canh.yaml, or a unit that is no
 * more, may have given to events of others. */
static void test_names_are_not_taken(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    MUST(act(&p, &node, "unit.change", "unit=b", "name=b-new", NULL)); /* its events are of b */
    assert_int_equal(act(&p, &anna, "unit.add", "name=b", "title=X", "parent=a", NULL), ERR_USAGE);
    assert_true(p.call.denied);
    assert_non_null(strstr(p.call.err.text, "\"a.\""));
    assert_int_equal(act(&p, &anna, "unit.add", "name=a.", "title=X", "parent=a", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "unit.change", "unit=a", "name=b", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "unit.change", "unit=a1", "name=b", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "unit.change", "unit=a1", "name=a2.x", NULL), ERR_USAGE);
    MUST(act(&p, &anna, "unit.change", "unit=a1", "name=a1", "title=Y", NULL));
    MUST(act(&p, &anna, "unit.change", "unit=a1", "name=a.one", NULL));
    MUST(act(&p, &anna, "unit.add", "name=a.three", "title=X", "parent=a", NULL));
    MUST(act(&p, &node, "unit.add", "name=b", "title=X", "parent=a", NULL));
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_tree),
        cmocka_unit_test(test_a_unit_in_use_stays),
        cmocka_unit_test(test_units_of_others),
        cmocka_unit_test(test_names_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
