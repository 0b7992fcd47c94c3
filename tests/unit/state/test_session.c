#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gnutls/crypto.h>

#include "state/credential.h"
#include "unit/state/people_bed.h"

static int64_t failures(struct people *p, const char *name)
{
    char sql[100];
    (void)snprintf(sql, sizeof sql, "SELECT failures FROM user WHERE name = '%s'", name);
    return bed_number(people_db(p), sql);
}

static void test_signing_in(void **state)
{
    (void)state;
    struct people p;
    struct caller caller;
    people_open(&p);
    people_make(&p);
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    struct slice session = people_result(&p, "session");
    assert_true(slice_equal(people_result(&p, "user"), SLICE("root1")));
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    assert_true(caller.everywhere && caller.kind == CALLER_SESSION);
    assert_true(caller_may(&caller, RIGHT_USERS) && !caller_may(&caller, RIGHT_SIGN));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM audit WHERE detail LIKE"
                                               " '%tre lang%' OR detail LIKE '%canh_%'"),
                     0);
    MUST(act(&p, &caller, "session.close", NULL));
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    people_close(&p);
}

/* The same sentence, and the same work, for a stranger and for a wrong password. */
static void test_a_stranger_learns_nothing(void **state)
{
    (void)state;
    struct people p;
    char known[ERR_TEXT_BYTES];
    people_open(&p);
    people_make(&p);
    uint64_t before = credential_argon_count();
    assert_int_equal(sign_in(&p, "anna", "not the password", NULL), ERR_USAGE);
    memcpy(known, p.call.err.text, sizeof known);
    assert_int_equal(credential_argon_count(), before + 1);
    assert_int_equal(sign_in(&p, "nobody", "not the password", NULL), ERR_USAGE);
    assert_string_equal(known, p.call.err.text);
    assert_int_equal(credential_argon_count(), before + 2);
    assert_int_equal(p.call.result.len, 0);
    /* without a password */
    struct caller node = caller_system();
    MUST(act(&p, &node, "user.add", "name=new", "title=N", "role=officer", NULL));
    assert_int_equal(sign_in(&p, "new", "not the password", NULL), ERR_USAGE);
    assert_string_equal(known, p.call.err.text);
    assert_int_equal(credential_argon_count(), before + 3);
    people_close(&p);
}

static void test_guessing_locks(void **state)
{
    (void)state;
    struct people p;
    people_open(&p);
    people_make(&p);
    for (int i = 1; i < SIGNIN_FAILURES_MAX; i++) {
        assert_int_equal(sign_in(&p, "anna", "not the password", NULL), ERR_USAGE);
        assert_int_equal(failures(&p, "anna"), i);
    }
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK); /* begins anew */
    assert_int_equal(failures(&p, "anna"), 0);
    for (int i = 0; i < SIGNIN_FAILURES_MAX; i++)
        assert_int_equal(sign_in(&p, "anna", "not the password", NULL), ERR_USAGE);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    assert_int_equal(failures(&p, "anna"), 0); /* while locked nothing is counted */
    p.now_ns += (SIGNIN_LOCK_S - 1) * CLOCK_SECOND_NS;
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    p.now_ns += CLOCK_SECOND_NS;
    for (int i = 0; i < SIGNIN_FAILURES_MAX; i++)
        assert_int_equal(sign_in(&p, "anna", "not the password", NULL), ERR_USAGE);
    p.now_ns += SIGNIN_LOCK_S * CLOCK_SECOND_NS; /* the second lock lasts twice as long */
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    p.now_ns += SIGNIN_LOCK_S * CLOCK_SECOND_NS;
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK);
    /* opened by a person */
    for (int i = 0; i < SIGNIN_FAILURES_MAX; i++)
        assert_int_equal(sign_in(&p, "anna", "not the password", NULL), ERR_USAGE);
    struct caller root = signed_in(&p, "root1");
    MUST(act(&p, &root, "user.unlock", "user=anna", NULL));
    (void)signed_in(&p, "anna");
    people_close(&p);
}

static void test_an_address_that_guesses_is_locked(void **state)
{
    (void)state;
    struct people p;
    struct caller nobody = {.kind = CALLER_SYSTEM, .name = {"", 0}, .from = {"10.1.1.1", 8}};
    people_open(&p);
    people_make(&p);
    assert_int_equal(database_run(people_db(&p),
                                  "INSERT INTO sign_in_address VALUES('10.9.9.9', 29,"
                                  " 1790000000000000000)",
                                  NULL),
                     ERR_OK);
    p.now_ns += CLOCK_SECOND_NS;
    assert_int_equal(sign_in(&p, "nobody", "not the password", NULL), ERR_USAGE);
    uint64_t before = credential_argon_count();
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_USAGE);
    assert_int_equal(credential_argon_count(), before);
    assert_int_equal(failures(&p, "root1"), 0);
    /* nor does it fill the audit chain: not by signing in, not by invitations that it makes up */
    int64_t rows = bed_number(people_db(&p), "SELECT count(*) FROM audit");
    struct caller guesser = nobody;
    guesser.from = SLICE("10.9.9.9");
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_USAGE);
    assert_int_equal(act(&p, &guesser, "invite.accept", "token=1-x", "password=" PASSWORD, NULL),
                     ERR_USAGE);
    assert_int_equal(act(&p, &guesser, "invite.accept", "token=1-x", NULL), ERR_USAGE);
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM audit"), rows);
    MUST(act(&p, &nobody, "session.open", "name=root1", "password=" PASSWORD, NULL));
    p.now_ns += SIGNIN_LOCK_S * CLOCK_SECOND_NS;
    assert_int_equal(sign_in(&p, "root1", PASSWORD, NULL), ERR_OK);
    people_close(&p);
}

/* Who has an IPv6 network has all its addresses. */
static void test_a_network_that_guesses_is_locked(void **state)
{
    (void)state;
    struct people p;
    struct caller guest = {.kind = CALLER_SYSTEM, .name = {"", 0}, .from = {"", 0}};
    char from[40];
    people_open(&p);
    people_make(&p);
    int64_t rows = bed_number(people_db(&p), "SELECT count(*) FROM audit");
    for (int i = 0; i < SIGNIN_ADDRESS_FAILURES_MAX + 3; i++) {
        (void)snprintf(from, sizeof from, "2001:db8:0:1::%x", 7 + i);
        guest.from = slice_from(from);
        assert_int_equal(act(&p, &guest, "invite.accept", "token=1-x", "password=" PASSWORD, NULL),
                         ERR_USAGE);
    }
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM audit"),
                     rows + SIGNIN_ADDRESS_FAILURES_MAX);
    assert_int_equal(act(&p, &guest, "session.open", "name=root1", "password=" PASSWORD, NULL),
                     ERR_USAGE);
    guest.from = SLICE("2001:db8:0:2::7");
    MUST(act(&p, &guest, "session.open", "name=root1", "password=" PASSWORD, NULL));
    people_close(&p);
}

/* A call may wait (for argon2id, for its group): what its sender lost meanwhile counts. */
static void test_a_session_that_ends_while_its_call_waits(void **state)
{
    (void)state;
    struct people p;
    struct err err;
    people_open(&p);
    people_make(&p);
    struct caller root = signed_in(&p, "root1"), anna = signed_in(&p, "anna");
    struct command_value who_goes[] = {{SLICE("user"), SLICE("anna")}};
    struct command_value whose[] = {{SLICE("user"), SLICE("anna")},
                                    {SLICE("role"), SLICE("officer")}};
    struct command_value unit[] = {
        {SLICE("name"), SLICE("a.x")}, {SLICE("title"), SLICE("X")}, {SLICE("parent"), SLICE("a")}};
    for (int way = 0; way < 2; way++) {
        struct command_call first = {
            .caller = root,
            .command = command_find(&p.table, way ? SLICE("user.remove") : SLICE("user.change")),
            .values = way ? who_goes : whose,
            .value_count = way ? 1 : 2};
        struct command_call second = {.caller = anna,
                                      .command = command_find(&p.table, SLICE("unit.add")),
                                      .values = unit,
                                      .value_count = 3};
        struct command_call *calls[2] = {&first, &second};
        assert_int_equal(state_execute(p.bed.state, calls, 2, p.now_ns, &err), ERR_OK);
        assert_int_equal(first.rc, ERR_OK);
        assert_int_equal(second.rc, way ? ERR_NOT_FOUND : ERR_USAGE);
        assert_true(second.denied && second.audit_id);
        command_call_free(&first);
        command_call_free(&second);
    }
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM unit WHERE name = 'a.x'"), 0);
    people_close(&p);
}

/* What makes the node reckon for long is asked for only by who may have it. */
static void test_who_may_make_the_node_reckon(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "user.add", "name=off", "title=O", "role=officer", "unit=a",
             "password=" PASSWORD, NULL));
    struct caller officer = signed_in(&p, "off");
    uint64_t before = credential_argon_count();
    assert_int_equal(
        act(&p, &officer, "user.password", "user=anna", "password=a new word 123", NULL),
        ERR_USAGE);
    assert_true(p.call.denied);
    assert_int_equal(credential_argon_count(), before);
    people_close(&p);
}

/* What an app shows at now. */
static void totp_code(struct people *p, const char *user, char out[8])
{
    char sql[160];
    struct buf secret = {0};
    uint8_t counter[8] = {0}, mac[20];
    uint64_t step = (uint64_t)(p->now_ns / CLOCK_SECOND_NS) / 30;
    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce(totp_id, totp_pending_id) FROM user WHERE name = '%s'", user);
    assert_int_equal(credential_get(state_credentials(p->bed.state),
                                    (uint64_t)bed_number(people_db(p), sql), CREDENTIAL_TOTP,
                                    &secret, NULL),
                     ERR_OK);
    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    assert_int_equal(gnutls_hmac_fast(GNUTLS_MAC_SHA1, secret.data, secret.len, counter, 8, mac),
                     0);
    const uint8_t *at = mac + (mac[19] & 15);
    uint32_t code =
        ((uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) %
        1000000;
    (void)snprintf(out, 8, "%06u", code);
    buf_free(&secret);
}

#define OWN "password=" PASSWORD

static void test_the_second_factor(void **state)
{
    (void)state;
    struct people p;
    char code[8], value[40];
    people_open(&p);
    people_make(&p);
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "user.recovery", OWN, NULL),
                     ERR_USAGE); /* nothing to stand in for */
    assert_int_equal(act(&p, &anna, "user.totp", "password=another word 77", NULL), ERR_USAGE);
    assert_int_equal(failures(&p, "anna"), 1);
    MUST(act(&p, &anna, "user.totp", OWN, NULL));
    assert_true(slice_starts(people_result(&p, "uri"), SLICE("otpauth://totp/Canh:anna?secret=")));
    assert_true(slice_starts(people_result(&p, "svg"), SLICE("<svg ")));
    assert_int_equal(act(&p, &anna, "user.totp-confirm", "code=000000", NULL), ERR_USAGE);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_OK); /* not on yet */
    totp_code(&p, "anna", code);
    (void)snprintf(value, sizeof value, "code=%s", code);
    MUST(act(&p, &anna, "user.totp-confirm", value, NULL));
    assert_int_equal(sign_in(&p, "anna", PASSWORD, code), ERR_USAGE); /* used to confirm */
    p.now_ns += 60 * CLOCK_SECOND_NS;
    assert_int_equal(sign_in(&p, "anna", PASSWORD, NULL), ERR_USAGE);
    assert_true(result_has(&p, "\"totp\":true"));
    assert_int_equal(sign_in(&p, "anna", "not the password", NULL), ERR_USAGE);
    assert_int_equal(p.call.result.len, 0); /* said only behind the right password */
    totp_code(&p, "anna", code);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, code), ERR_OK);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, code), ERR_USAGE); /* a replay */
    assert_int_equal(failures(&p, "anna"), 1);
    MUST(act(&p, &anna, "user.recovery", OWN, NULL));
    const char *codes = strstr(buf_text(&p.call.result), "[\"");
    assert_non_null(codes);
    char recovery[16];
    (void)snprintf(recovery, sizeof recovery, "%.14s", codes + 2);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, recovery), ERR_OK);
    assert_int_equal(sign_in(&p, "anna", PASSWORD, recovery), ERR_USAGE);
    /* off: oneself with a code, another by right */
    p.now_ns += 60 * CLOCK_SECOND_NS;
    totp_code(&p, "anna", code);
    (void)snprintf(value, sizeof value, "code=%s", code);
    assert_int_equal(act(&p, &anna, "user.totp-remove", value, NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "user.totp-remove", OWN, NULL), ERR_USAGE);
    assert_int_equal(act(&p, &anna, "user.recovery", "password=another word 77", NULL), ERR_USAGE);
    assert_int_equal(p.call.result.len, 0);
    MUST(act(&p, &anna, "user.totp-remove", value, OWN, NULL));
    MUST(act(&p, &anna, "user.totp", OWN, NULL));
    p.now_ns += 60 * CLOCK_SECOND_NS;
    totp_code(&p, "anna", code);
    (void)snprintf(value, sizeof value, "code=%s", code);
    MUST(act(&p, &anna, "user.totp-confirm", value, NULL));
    struct caller root = signed_in(&p, "root1");
    MUST(act(&p, &root, "user.totp-remove", "user=anna", NULL));
    (void)signed_in(&p, "anna");
    people_close(&p);
}

static void test_sessions_of_others(void **state)
{
    (void)state;
    struct people p;
    char value[40];
    struct caller node = caller_system(), caller;
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "user.add", "name=an", "title=An", "role=officer", "unit=b",
             "password=" PASSWORD, NULL));
    assert_int_equal(sign_in(&p, "an", PASSWORD, NULL), ERR_OK);
    struct slice session = people_result(&p, "session");
    assert_int_equal(who(&p, session, &caller), ERR_OK);
    (void)snprintf(value, sizeof value, "session=%llu", (unsigned long long)caller.session_id);
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "session.remove", value, NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "session.remove", "session=999", NULL), ERR_NOT_FOUND);
    struct caller root = signed_in(&p, "root1");
    MUST(act(&p, &root, "session.remove", value, NULL));
    assert_int_equal(who(&p, session, &caller), ERR_NOT_FOUND);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signing_in),
        cmocka_unit_test(test_a_stranger_learns_nothing),
        cmocka_unit_test(test_guessing_locks),
        cmocka_unit_test(test_an_address_that_guesses_is_locked),
        cmocka_unit_test(test_a_network_that_guesses_is_locked),
        cmocka_unit_test(test_a_session_that_ends_while_its_call_waits),
        cmocka_unit_test(test_who_may_make_the_node_reckon),
        cmocka_unit_test(test_the_second_factor),
        cmocka_unit_test(test_sessions_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
