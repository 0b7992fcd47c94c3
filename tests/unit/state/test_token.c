#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

static void test_a_token_is_a_part_of_its_user(void **state)
{
    (void)state;
    struct people p;
    struct caller caller, node = caller_system();
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "token.add", "name=t", "right=sign", "expires=1d", NULL),
                     ERR_USAGE);
    assert_true(p.call.denied);
    assert_int_equal(
        act(&p, &anna, "token.add", "name=t", "right=read", "unit=b", "expires=1d", NULL),
        ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "token.add", "name=t", "right=read", "expires=3y", NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &anna, "token.add", "name=t", "right=self", "expires=1d", NULL),
                     ERR_USAGE);
    MUST(act(&p, &anna, "token.add", "name=t", "right=read", "right=register", "unit=a1",
             "expires=1d", NULL));
    struct slice token = people_result(&p, "token");
    assert_int_equal(act(&p, &anna, "token.add", "name=t", "right=read", "expires=1d", NULL),
                     ERR_USAGE); /* its name is taken */
    assert_int_equal(who(&p, token, &caller), ERR_OK);
    assert_int_equal(caller.kind, CALLER_TOKEN);
    assert_int_equal(caller.rights, RIGHT_READ | RIGHT_REGISTER);
    assert_int_equal(caller.unit_count, 1);
    assert_int_equal(act(&p, &caller, "token.add", "name=u", "right=read", "expires=1d", NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &caller, "unit.add", "name=x", "title=X", "parent=a2", NULL),
                     ERR_NOT_FOUND);
    MUST(act(&p, &caller, "unit.add", "name=a1.x", "title=X", "parent=a1", NULL));
    /* what its user loses it loses */
    MUST(act(&p, &node, "user.change", "user=anna", "role=auditor", NULL));
    assert_int_equal(who(&p, token, &caller), ERR_OK);
    assert_int_equal(caller.rights, RIGHT_READ);
    MUST(act(&p, &node, "user.change", "user=anna", "unit=b", NULL));
    assert_int_equal(who(&p, token, &caller), ERR_OK);
    assert_int_equal(caller.unit_count, 0);
    assert_false(caller.everywhere);
    people_close(&p);
}

static void test_a_token_ends(void **state)
{
    (void)state;
    struct people p;
    struct caller caller;
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    MUST(act(&p, &anna, "token.add", "name=t", "right=read", "expires=2h", NULL));
    struct slice token = people_result(&p, "token");
    p.now_ns += 7199 * CLOCK_SECOND_NS;
    assert_int_equal(who(&p, token, &caller), ERR_OK);
    p.now_ns += CLOCK_SECOND_NS;
    assert_int_equal(who(&p, token, &caller), ERR_NOT_FOUND);
    anna = signed_in(&p, "anna"); /* the session before has ended */
    MUST(act(&p, &anna, "token.add", "name=u", "right=read", "expires=2h", NULL));
    token = people_result(&p, "token");
    struct caller root = signed_in(&p, "root1");
    assert_int_equal(act(&p, &root, "token.remove", "token=u", NULL), ERR_NOT_FOUND); /* not hers */
    MUST(act(&p, &anna, "token.remove", "token=u", NULL));
    assert_int_equal(who(&p, token, &caller), ERR_NOT_FOUND);
    people_close(&p);
}

static void test_tokens_for_machines_and_others(void **state)
{
    (void)state;
    struct people p;
    struct caller caller, node = caller_system();
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    MUST(act(&p, &node, "user.add", "name=may", "title=M", "role=machine", "unit=b", NULL));
    MUST(act(&p, &node, "user.add", "name=sep", "title=S", "role=head", "unit=a", NULL));
    MUST(act(&p, &anna, "user.add", "name=may2", "title=M", "role=machine", "unit=a1", NULL));
    assert_int_equal(
        act(&p, &anna, "token.add", "name=t", "right=ingest", "user=may", "expires=1y", NULL),
        ERR_NOT_FOUND);
    /* nobody signs as another by a token */
    assert_int_equal(
        act(&p, &anna, "token.add", "name=t", "right=sign", "user=sep", "expires=1y", NULL),
        ERR_USAGE);
    assert_int_equal(act(&p, &anna, "token.add", "name=t", "right=ingest", "unit=a2", "user=may2",
                         "expires=1y", NULL),
                     ERR_USAGE); /* not its unit */
    MUST(act(&p, &anna, "token.add", "name=t", "right=ingest", "user=may2", "expires=1y", NULL));
    assert_int_equal(who(&p, people_result(&p, "token"), &caller), ERR_OK);
    assert_int_equal(caller.rights, RIGHT_INGEST);
    assert_int_equal(caller.unit_count, 1);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_a_part_of_its_user),
        cmocka_unit_test(test_a_token_ends),
        cmocka_unit_test(test_tokens_for_machines_and_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
