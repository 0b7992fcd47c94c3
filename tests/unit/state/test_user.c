#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/credential.h"
#include "unit/state/people_bed.h"

static void test_nobody_gives_what_is_beyond_himself(void **state)
{
    (void)state;
    struct people p;
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    assert_false(anna.everywhere);
    assert_int_equal(anna.unit_count, 3); /* a and those under it */
    /* appoints those who watch, in her units only */
    MUST(act(&p, &anna, "user.add", "name=an", "title=An", "role=head", "unit=a1", NULL));
    assert_int_equal(act(&p, &anna, "user.add", "name=x", "title=X", "role=officer", NULL),
                     ERR_USAGE);
    assert_true(p.call.denied);
    assert_int_equal(
        act(&p, &anna, "user.add", "name=x", "title=X", "role=officer", "unit=b", NULL),
        ERR_NOT_FOUND);
    assert_int_equal(
        act(&p, &anna, "user.add", "name=x", "title=X", "role=officer", "unit=a", "unit=b", NULL),
        ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "user.change", "user=an", "everywhere=true", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "user.change", "user=anna", "everywhere=true", NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &anna, "user.change", "user=an", "unit=b", NULL), ERR_NOT_FOUND);
    /* who has more than she, also when at home in her unit */
    struct caller node = caller_system();
    MUST(act(&p, &node, "user.add", "name=both", "title=B", "role=officer", "unit=b", "home=a",
             NULL));
    assert_int_equal(act(&p, &anna, "user.password", "user=both", "password=" PASSWORD, NULL),
                     ERR_USAGE);
    assert_true(p.call.denied);
    assert_int_equal(act(&p, &anna, "user.invite", "user=both", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "user.remove", "user=both", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "user.remove", "user=root1", NULL), ERR_NOT_FOUND);
    /* an officer adds nobody; a lead makes no administrator */
    MUST(act(&p, &node, "user.password", "user=an", "password=" PASSWORD, NULL));
    struct caller an = signed_in(&p, "an");
    assert_int_equal(act(&p, &an, "user.add", "name=x", "title=X", "role=officer", "unit=a1", NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &an, "user.password", "user=anna", "password=" PASSWORD "x", NULL),
                     ERR_NOT_FOUND);
    people_close(&p);
}

static void test_a_provider_is_given_units(void **state)
{
    (void)state;
    struct people p;
    people_open(&p);
    people_make(&p);
    struct caller node = caller_system();
    assert_int_equal(act(&p, &node, "user.add", "name=p", "title=P", "role=provider", NULL),
                     ERR_USAGE);
    MUST(act(&p, &node, "user.add", "name=p", "title=P", "role=provider", "unit=a", NULL));
    assert_int_equal(act(&p, &node, "user.change", "user=p", "everywhere=true", NULL), ERR_USAGE);
    MUST(act(&p, &node, "user.add", "name=o", "title=O", "role=officer", NULL));
    assert_int_equal(act(&p, &node, "user.change", "user=o", "role=provider", NULL), ERR_USAGE);
    people_close(&p);
}

static void test_the_last_administrator_stays(void **state)
{
    (void)state;
    struct people p;
    people_open(&p);
    people_make(&p);
    struct caller node = caller_system();
    assert_int_equal(act(&p, &node, "user.remove", "user=root1", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &node, "user.change", "user=root1", "role=officer", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &node, "user.change", "user=root1", "unit=a", NULL), ERR_USAGE);
    assert_int_equal(act(&p, &node, "user.change", "user=root1", "locked=true", NULL), ERR_USAGE);
    MUST(act(&p, &node, "user.change", "user=root1", "title=Khác", NULL));
    MUST(act(&p, &node, "user.add", "name=root2", "title=R", "role=administrator",
             "password=" PASSWORD, NULL));
    MUST(act(&p, &node, "user.remove", "user=root1", NULL));
    assert_int_equal(act(&p, &node, "user.remove", "user=root2", NULL), ERR_USAGE);
    people_close(&p);
}

static void test_a_removed_user_is_gone_and_its_name_kept(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system(), caller;
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK);
    struct slice session = people_result(&p, "session");
    struct caller anna;
    assert_int_equal(who(&p, session, &anna), ERR_OK);
    MUST(act(&p, &anna, "token.add", "name=t", "right=read", "expires=1d", NULL));
    struct slice token = people_result(&p, "token");
    assert_int_equal(who(&p, token, &caller), ERR_OK);
    MUST(act(&p, &node, "user.remove", "user=anna", NULL));
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    assert_int_equal(who(&p, token, &caller), ERR_NOT_FOUND);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    assert_int_equal(act(&p, &node, "user.add", "name=anna", "title=A", "role=officer", NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &node, "user.unlock", "user=anna", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &node, "user.invite", "user=anna", NULL), ERR_NOT_FOUND);
    people_close(&p);
}

static void test_passwords_change(void **state)
{
    (void)state;
    struct people p;
    struct caller caller;
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK);
    struct slice other = people_result(&p, "session");
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "user.password", "old=wrong wrong wrong",
                         "password=mua ha nang gat 3", NULL),
                     ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "mật khẩu cũ"));
    assert_int_equal(bed_number(people_db(&p), "SELECT failures FROM user WHERE name = 'anna'"), 1);
    assert_int_equal(act(&p, &anna, "user.password", "old=" PASSWORD, "password=ngan", NULL),
                     ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "quá ngắn"));
    assert_int_equal(bed_number(people_db(&p), "SELECT failures FROM user WHERE name = 'anna'"), 1);
    MUST(act(&p, &anna, "user.password", "old=" PASSWORD, "password=mua ha nang gat 3", NULL));
    assert_int_equal(who(&p, other, &caller), ERR_NOT_FOUND); /* only this one goes on */
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM session"), 1);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    assert_int_equal(sign_in(&p, "anna", "mua ha nang gat 3", NULL), ERR_OK);
    /* by another: all end */
    struct caller root = signed_in(&p, "root1");
    MUST(act(&p, &root, "user.password", "user=anna", "password=" PASSWORD, NULL));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM session WHERE user_id ="
                                               " (SELECT id FROM user WHERE name = 'anna')"),
                     0);
    people_close(&p);
}

static void test_an_invitation_is_good_once(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system(), nobody = {.kind = CALLER_SYSTEM};
    char token[160];
    people_open(&p);
    people_make(&p);
    nobody.name = nobody.from = SLICE("");
    MUST(act(&p, &node, "user.add", "name=moi", "title=Mới", "role=officer", "unit=a", NULL));
    MUST(act(&p, &node, "user.invite", "user=moi", NULL));
    struct slice text = people_result(&p, "token");
    (void)snprintf(token, sizeof token, "token=%.*s", (int)text.len, text.data);
    uint64_t before = credential_argon_count();
    assert_int_equal(
        act(&p, &nobody, "invite.accept", "token=3-canh_no", "password=" PASSWORD, NULL),
        ERR_USAGE);
    assert_int_equal(act(&p, &nobody, "invite.accept", "token=x", "password=" PASSWORD, NULL),
                     ERR_USAGE);
    assert_int_equal(credential_argon_count(), before); /* strangers cost nothing */
    p.now_ns += 49 * 3600 * CLOCK_SECOND_NS;
    assert_int_equal(act(&p, &nobody, "invite.accept", token, "password=" PASSWORD, NULL),
                     ERR_USAGE);
    p.now_ns -= 2 * 3600 * CLOCK_SECOND_NS;
    MUST(act(&p, &nobody, "invite.accept", token, "password=" PASSWORD, NULL));
    assert_int_equal(act(&p, &nobody, "invite.accept", token, "password=" PASSWORD "x", NULL),
                     ERR_USAGE);
    (void)signed_in(&p, "moi");
    people_close(&p);
}

static void test_a_unix_user_is_bound(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system(), root = node, caller;
    people_open(&p);
    people_make(&p);
    root.kind = CALLER_UNIX;
    MUST(act(&p, &root, "user.bind", "user=anna", "unix=anna.nguyen", NULL));
    assert_int_equal(signin_find_unix(p.signin, SLICE("anna.nguyen"), &p.arena, &caller, NULL),
                     ERR_OK);
    assert_true(slice_equal(caller.name, SLICE("anna")));
    assert_int_equal(caller.kind, CALLER_UNIX);
    assert_int_equal(caller.unit_count, 3);
    MUST(act(&p, &root, "user.bind", "user=root1", "unix=anna.nguyen", NULL));
    assert_int_equal(signin_find_unix(p.signin, SLICE("anna.nguyen"), &p.arena, &caller, NULL),
                     ERR_OK);
    assert_true(slice_equal(caller.name, SLICE("root1")));
    assert_int_equal(signin_find_unix(p.signin, SLICE("x"), &p.arena, &caller, NULL),
                     ERR_NOT_FOUND);
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "user.bind", "user=anna", "unix=root", NULL), ERR_USAGE);
    /* at the socket, too, nobody takes the Unix user of somebody who stands higher */
    struct caller local = anna;
    local.kind = CALLER_UNIX;
    assert_int_equal(act(&p, &local, "user.bind", "user=anna", "unix=anna.nguyen", NULL),
                     ERR_USAGE);
    assert_true(p.call.denied);
    assert_int_equal(signin_find_unix(p.signin, SLICE("anna.nguyen"), &p.arena, &caller, NULL),
                     ERR_OK);
    assert_true(slice_equal(caller.name, SLICE("root1")));
    MUST(act(&p, &local, "user.bind", "user=anna", "unix=anna2", NULL));
    /* nor does a session unlock its own user, to go on guessing at the password */
    assert_int_equal(act(&p, &anna, "user.unlock", "user=anna", NULL), ERR_USAGE);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_gives_what_is_beyond_himself),
        cmocka_unit_test(test_a_provider_is_given_units),
        cmocka_unit_test(test_the_last_administrator_stays),
        cmocka_unit_test(test_a_removed_user_is_gone_and_its_name_kept),
        cmocka_unit_test(test_passwords_change),
        cmocka_unit_test(test_an_invitation_is_good_once),
        cmocka_unit_test(test_a_unix_user_is_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
