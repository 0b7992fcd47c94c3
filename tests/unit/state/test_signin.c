#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

static void test_idle_and_old_sessions_end(void **state)
{
    (void)state;
    struct people p;
    struct caller caller;
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    struct slice session = people_result(&p, "session");
    int64_t begin = p.now_ns;
    p.now_ns += SIGNIN_IDLE_NS - 1;
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    p.now_ns += SIGNIN_IDLE_NS - 1; /* used meanwhile */
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    p.now_ns += SIGNIN_IDLE_NS;
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    p.now_ns = begin;
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    session = people_result(&p, "session");
    while (p.now_ns + SIGNIN_IDLE_NS / 2 < begin + SIGNIN_SESSION_NS) {
        p.now_ns += SIGNIN_IDLE_NS / 2;
        assert_int_equal(who(&p, session, &caller), ERR_OK);
    }
    p.now_ns = begin + SIGNIN_SESSION_NS;
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    assert_int_equal(who(&p, SLICE("canh_x"), &caller), ERR_NOT_FOUND);
    assert_int_equal(who(&p, SLICE(""), &caller), ERR_NOT_FOUND);
    people_close(&p);
}

static void test_uses_are_kept(void **state)
{
    (void)state;
    struct people p;
    struct caller caller, node = caller_system();
    struct command_value *values;
    char seen[80];
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    struct slice session = people_result(&p, "session");
    assert_int_equal(signin_touched(p.signin, &p.arena, &values), 0);
    p.now_ns += 50 * 60 * CLOCK_SECOND_NS;
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_int_equal(signin_touched(p.signin, &p.arena, &values), 1);
    (void)snprintf(seen, sizeof seen, "seen=%.*s", (int)values[0].text.len, values[0].text.data);
    assert_int_equal(signin_touched(p.signin, &p.arena, &values), 0);
    MUST(act(&p, &node, "session.touch", seen, NULL));
    signin_close(&p.signin); /* a restart */
    assert_int_equal(signin_open(&p.signin, p.bed.state, NULL), ERR_OK);
    p.now_ns += 50 * 60 * CLOCK_SECOND_NS;
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_int_equal(act(&p, &node, "session.touch", "seen=x1:2", NULL), ERR_SYNTAX);
    struct caller root = signed_in(&p, "root1");
    assert_int_equal(act(&p, &root, "session.touch", "seen=s1:2", NULL), ERR_USAGE);
    people_close(&p);
}

static void test_rights_follow_the_user(void **state)
{
    (void)state;
    struct people p;
    struct caller caller, node = caller_system();
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK);
    struct slice session = people_result(&p, "session");
    MUST(act(&p, &node, "user.change", "user=anna", "role=officer", "unit=a2", NULL));
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_false(caller_may(&caller, RIGHT_USERS));
    assert_int_equal(caller.unit_count, 1);
    MUST(act(&p, &node, "unit.add", "name=a21", "title=T", "parent=a2", NULL));
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_int_equal(caller.unit_count, 2); /* a unit added under it is in it */
    MUST(act(&p, &node, "user.change", "user=anna", "locked=true", NULL));
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    MUST(act(&p, &node, "user.unlock", "user=anna", NULL));
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    (void)signed_in(&p, "anna");
    people_close(&p);
}

static void test_credentials_of_what_ended_go(void **state)
{
    (void)state;
    struct people p;
    people_open(&p);
    people_make(&p);
    struct database *credentials = state_credentials(p.bed.state);
    int64_t before = bed_number(credentials, "SELECT count(*) FROM credential");
    struct caller root = signed_in(&p, "root1");
    assert_int_equal(bed_number(credentials, "SELECT count(*) FROM credential"), before + 1);
    MUST(act(&p, &root, "session.close", NULL));
    assert_int_equal(bed_number(credentials, "SELECT count(*) FROM credential"), before);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_and_old_sessions_end),
        cmocka_unit_test(test_uses_are_kept),
        cmocka_unit_test(test_rights_follow_the_user),
        cmocka_unit_test(test_credentials_of_what_ended_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
