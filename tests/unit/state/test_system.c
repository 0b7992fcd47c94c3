#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

static void test_a_system_is_kept(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "system.add", "name=dvc", "title=Cổng dịch vụ công", "unit=a1", "level=3",
             "personal_data=true", "owner=UBND", "response_plan=2026-03-01", NULL));
    assert_int_equal(act(&p, &node, "system.add", "name=dvc", "title=X", "unit=b", NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &node, "system.add", "name=x", "title=X", "unit=b", "level=6", NULL),
                     ERR_USAGE);
    MUST(act(&p, &node, "host.add", "name=web1", "system=dvc", "address=10.0.0.1", NULL));
    MUST(act(&p, &node, "system.change", "system=dvc", "unit=b", "level=4", NULL));
    assert_int_equal(bed_number(people_db(&p), "SELECT level * 10 + personal_data FROM system"),
                     41);
    /* its hosts go with it */
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host h JOIN host_address a"
                                               " ON a.host_id = h.id JOIN unit u ON"
                                               " u.id = h.unit_id AND u.id = a.unit_id"
                                               " WHERE u.name = 'b'"),
                     1);
    assert_int_equal(act(&p, &node, "system.remove", "system=dvc", NULL), ERR_USAGE);
    MUST(act(&p, &node, "host.remove", "host=web1", NULL));
    MUST(act(&p, &node, "system.remove", "system=dvc", NULL));
    people_close(&p);
}

static void test_systems_of_others(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "system.add", "name=sb", "title=B", "unit=b", NULL));
    MUST(act(&p, &node, "system.add", "name=sa", "title=A", "unit=a2", NULL));
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "system.add", "name=x", "title=X", "unit=b", NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "system.change", "system=sb", "level=1", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "system.change", "system=sa", "unit=b", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "system.remove", "system=sb", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "host.add", "name=h", "system=sb", NULL), ERR_NOT_FOUND);
    assert_int_equal(act_sheet(&p, &anna, "host.import", "host,system\nh,sb\n", NULL), ERR_USAGE);
    assert_int_equal(act_sheet(&p, &anna, "host.import", "host,unit\nh,b\n", NULL), ERR_USAGE);
    assert_int_equal(act_sheet(&p, &anna, "system.import", "code,title\nsb,X\n", "unit=a", NULL),
                     ERR_USAGE);
    assert_int_equal(act_sheet(&p, &anna, "system.import", "title\nX\n", "unit=b", NULL),
                     ERR_NOT_FOUND);
    assert_true(bed_text_is(people_db(&p), "SELECT title FROM system WHERE name = 'sb'", "B"));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host"), 0);
    MUST(act(&p, &anna, "system.change", "system=sa", "level=1", NULL));
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_system_is_kept),
        cmocka_unit_test(test_systems_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
