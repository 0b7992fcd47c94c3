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

/* A clock that was ahead leaves neither sessions that live on nor locks that stay. */
static void test_the_clock_goes_back(void **state)
{
    const int64_t day_ns = 86400 * CLOCK_SECOND_NS;
    (void)state;
    struct people p;
    struct caller caller;
    people_open(&p);
    people_make(&p);
    int64_t begin = p.now_ns;
    p.now_ns = begin + 400 * day_ns;
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    struct slice session = arena_copy(&p.arena, people_result(&p, "session"));
    p.now_ns -= 60 * CLOCK_SECOND_NS; /* set right a little: it stays */
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    for (int i = 0; i < SIGNIN_FAILURES_MAX; i++)
        assert_int_equal(sign_in(&p, "root1", "wrong-Password-1", NULL), ERR_USAGE);
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_USAGE);
    p.now_ns = begin;
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    assert_int_equal(who(&p, people_result(&p, "session"), &caller), ERR_OK);
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

/* Units are never left out in silence: who is for more than fit is told so. */
static void test_more_units_than_fit(void **state)
{
    (void)state;
    struct people p;
    struct err err = {0};
    struct caller caller;
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(anna.unit_count, 3);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK);
    struct slice session = arena_copy(&p.arena, people_result(&p, "session"));
    assert_int_equal(
        database_run(people_db(&p),
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
                     " 4093) INSERT INTO unit(name, title, title_en, search, parent_id, kind,"
                     " made_ns) SELECT 'a.' || i || 'x', '', '', '', 1, 'other', 0 FROM n",
                     &err),
        ERR_OK);
    assert_int_equal(signin_refresh(p.signin, &err), ERR_OK);
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_int_equal(caller.unit_count, CALLER_UNITS_MAX);
    assert_int_equal(database_run(people_db(&p),
                                  "INSERT INTO unit(name, title, title_en, search, parent_id,"
                                  " kind, made_ns) VALUES('one-more', '', '', '', 1, 'other', 0)",
                                  &err),
                     ERR_OK);
    assert_int_equal(signin_refresh(p.signin, &err), ERR_OK);
    assert_int_equal(signin_find(p.signin, session, p.now_ns, &p.arena, &caller, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "4096"));
    people_close(&p);
}

/* A commit that ends sessions and cannot be read behind it lets nobody in by what was before. */
static void test_what_cannot_be_read_lets_nobody_in(void **state)
{
    (void)state;
    struct people p;
    struct err err = {0};
    struct caller caller;
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK);
    struct slice session = arena_copy(&p.arena, people_result(&p, "session"));
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_int_equal(database_run(people_db(&p), "ALTER TABLE token RENAME TO elsewhere", &err),
                     ERR_OK);
    assert_int_not_equal(signin_refresh(p.signin, &err), ERR_OK);
    assert_int_equal(who(&p, session, &caller), ERR_BUSY);
    assert_int_equal(signin_find_unix(p.signin, SLICE("x"), &p.arena, &caller, NULL), ERR_BUSY);
    assert_int_equal(database_run(people_db(&p), "ALTER TABLE elsewhere RENAME TO token", &err),
                     ERR_OK);
    assert_int_equal(signin_refresh(p.signin, &err), ERR_OK);
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_and_old_sessions_end),
        cmocka_unit_test(test_the_clock_goes_back),
        cmocka_unit_test(test_uses_are_kept),
        cmocka_unit_test(test_rights_follow_the_user),
        cmocka_unit_test(test_credentials_of_what_ended_go),
        cmocka_unit_test(test_more_units_than_fit),
        cmocka_unit_test(test_what_cannot_be_read_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
