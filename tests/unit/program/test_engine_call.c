/* Calls through the engine: who may, what is answered, what is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/syscall.h>

#include "unit/program/engine_bed.h"

static void signed_in(struct bed *bed, struct wire *root, struct wire *web, char *secret,
                      size_t size)
{
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "so-y-te", "title", "Sở Y tế"));
    assert_int_equal(r.rc, ERR_OK);
    r = bed_call(bed, root, "", "unit.add", BED_VALUES("name", "other", "title", "Other"));
    assert_int_equal(r.rc, ERR_OK);
    r = bed_call(bed, root, "", "user.add",
                 BED_VALUES("name", "lan", "title", "Lan", "role", "officer", "unit", "so-y-te",
                            "password", "tre xanh bao boc 9"));
    assert_int_equal(r.rc, ERR_OK);
    r = bed_call(bed, web, "", "session.open",
                 BED_VALUES("name", "lan", "password", "tre xanh bao boc 9"));
    assert_int_equal(r.rc, ERR_OK);
    (void)bed_member(r.json, "session", secret, size);
}

static void test_root_is_heard(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed);
    struct arena arena = {0};
    struct caller who = {0};
    (void)state;
    assert_int_equal(bed_who(bed, root, "", &arena, &who), ERR_OK);
    assert_int_equal(who.kind, CALLER_UNIX);
    assert_true(who.everywhere);
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "a", "title", "A"));
    assert_int_equal(r.rc, ERR_OK);
    uint64_t first = r.audit_id;
    assert_true(first > 0);
    r = bed_call(bed, root, "", "unit.add", BED_VALUES("name", "a", "title", "A"));
    assert_int_equal(r.rc, ERR_USAGE);
    assert_true(r.error.len > 0);
    r = bed_call(bed, root, "", "no.such", BED_VALUES("name", "a"));
    assert_int_equal(r.rc, ERR_NOT_FOUND);
    r = bed_call(bed, root, "", "node.note", BED_VALUES("kind", "a", "text", "b"));
    assert_int_equal(r.flags & RESULT_DENIED, RESULT_DENIED);
    wire_close(&root);
    bed_stop(bed);
    bed_start(bed); /* what was acknowledged is there */
    root = bed_control(bed);
    r = bed_call(bed, root, "", "unit.add", BED_VALUES("name", "a", "title", "A"));
    assert_int_equal(r.rc, ERR_USAGE);
    wire_close(&root);
    arena_free(&arena);
    bed_close(bed);
}

enum { MANY = 300, NOBODY = 65534 };

/* Good and bad ones in one stream: each has its own outcome, each good one its own audit row. */
static void test_many_each_their_own(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed);
    static bool seen[4 * MANY];
    char name[32];
    (void)state;
    memset(seen, 0, sizeof(seen));
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i % 3 == 2 ? i - 2 : i);
        bed_call_send(bed, root, i + 1, "", "unit.add", BED_VALUES("name", name, "title", name));
    }
    for (uint32_t i = 0; i < MANY; i++) {
        struct bed_result r = bed_result(bed, root, 0);
        uint64_t id = bed->message.id;
        assert_in_range(id, 1, MANY);
        assert_int_equal(r.rc, (id - 1) % 3 == 2 ? ERR_USAGE : ERR_OK);
        if (r.rc != ERR_OK)
            continue;
        assert_in_range(r.audit_id, 1, 4 * MANY - 1);
        assert_false(seen[r.audit_id]);
        seen[r.audit_id] = true;
    }
    wire_close(&root);
    bed_close(bed);
}

static void test_scope_is_live(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *web = bed_peer(bed, ROLE_WEB, 0);
    struct arena arena = {0};
    struct caller who = {0};
    char secret[128];
    (void)state;
    signed_in(bed, root, web, secret, sizeof(secret));
    assert_int_equal(bed_who(bed, web, secret, &arena, &who), ERR_OK);
    assert_false(who.everywhere);
    assert_int_equal(who.unit_count, 1);
    assert_int_equal(who.kind, CALLER_SESSION);
    struct bed_result r =
        bed_call(bed, web, secret, "unit.add", BED_VALUES("name", "x", "title", "X"));
    assert_int_equal(r.flags & RESULT_DENIED, RESULT_DENIED);
    r = bed_call(bed, root, "", "user.change", BED_VALUES("user", "lan", "unit", "other"));
    assert_int_equal(r.rc, ERR_OK);
    uint64_t before = who.units[0];
    assert_int_equal(bed_who(bed, web, secret, &arena, &who), ERR_OK);
    assert_int_equal(who.unit_count, 1);
    assert_true(who.units[0] != before);
    r = bed_call(bed, root, "", "user.remove", BED_VALUES("user", "lan"));
    assert_int_equal(r.rc, ERR_OK);
    assert_int_equal(bed_who(bed, web, secret, &arena, &who), ERR_NOT_FOUND);
    wire_close(&root);
    wire_close(&web);
    arena_free(&arena);
    bed_close(bed);
}

static void test_unknown_sessions(void **state)
{
    struct bed *bed = bed_open();
    struct wire *web = bed_peer(bed, ROLE_WEB, 0);
    struct arena arena = {0};
    struct caller who = {0};
    (void)state;
    static const char *const secrets[] = {"", "nobody", "canh_0123456789"};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        assert_int_equal(bed_who(bed, web, secrets[i], &arena, &who), ERR_NOT_FOUND);
        struct bed_result r =
            bed_call(bed, web, secrets[i], "unit.add", BED_VALUES("name", "x", "title", "X"));
        assert_int_equal(r.rc, ERR_NOT_FOUND);
        assert_int_equal(r.flags, RESULT_DENIED | RESULT_UNKNOWN);
        assert_int_equal(r.audit_id, 0);
    }
    /* web may not act as a Unix user, whatever it says */
    struct bed_result r = bed_call(bed, web, "", "node.backup", BED_VALUES(NULL));
    assert_int_equal(r.flags & RESULT_UNKNOWN, RESULT_UNKNOWN);
    wire_close(&web);
    arena_free(&arena);
    bed_close(bed);
}

enum { GUESSES = 60 };

/* argon2id is computed one at a time: the queue for it is short, and says so. */
static void test_too_many_passwords(void **state)
{
    struct bed *bed = bed_open();
    struct wire *web = bed_peer(bed, ROLE_WEB, 0), *root = bed_control(bed);
    uint32_t busy = 0, refused = 0;
    char name[32];
    (void)state;
    for (uint32_t i = 0; i < GUESSES; i++) {
        (void)snprintf(name, sizeof(name), "guess%u", i);
        bed_call_send(bed, web, i + 1, "", "session.open",
                      BED_VALUES("name", name, "password", "not the password"));
    }
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "quick", "title", "Quick"));
    assert_int_equal(r.rc, ERR_OK); /* others do not wait for it */
    for (uint32_t i = 0; i < GUESSES; i++) {
        r = bed_result(bed, web, 0);
        assert_int_not_equal(r.rc, ERR_OK);
        assert_true(r.error.len > 0);
        busy += r.rc == ERR_BUSY;
        refused += r.rc != ERR_BUSY;
    }
    assert_true(busy > 0);
    assert_true(refused > 0);
    wire_close(&web);
    wire_close(&root);
    bed_close(bed);
}

/* Calls of a wire that ends are done all the same; their answers go nowhere. */
static void test_caller_leaves(void **state)
{
    struct bed *bed = bed_open();
    struct wire *gone = bed_control(bed), *root = bed_control(bed);
    char name[32];
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "gone%u", i);
        bed_call_send(bed, gone, i + 1, "", "unit.add", BED_VALUES("name", name, "title", name));
    }
    (void)bed_result(bed, gone, 0);
    wire_close(&gone);
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "here", "title", "Here"));
    assert_int_equal(r.rc, ERR_OK);
    wire_close(&root);
    bed_close(bed);
}

/* A client as another Unix user: credentials of this thread alone, while it connects. */
static struct wire *control_as_nobody(struct bed *bed)
{
    assert_int_equal(syscall(SYS_setresuid, -1, NOBODY, -1), 0);
    struct wire *wire = bed_control(bed);
    assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
    return wire;
}

static void test_unix_users(void **state)
{
    struct arena arena = {0};
    struct caller who = {0};
    char secret[128];
    (void)state;
    if (geteuid() != 0)
        skip();
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed), *web = bed_peer(bed, ROLE_WEB, 0);
    assert_int_equal(chmod(bed->folder, 0711), 0);
    bed_control_for_all(bed);
    struct wire *nobody = control_as_nobody(bed);
    assert_int_equal(bed_who(bed, nobody, "", &arena, &who), ERR_NOT_FOUND);
    struct bed_result r =
        bed_call(bed, nobody, "", "unit.add", BED_VALUES("name", "x", "title", "X"));
    assert_int_equal(r.rc, ERR_NOT_FOUND);
    assert_true(slice_find(r.error, SLICE("canh user bind")) != SLICE_NONE);
    signed_in(bed, root, web, secret, sizeof(secret));
    /* a session's secret does not help at the control socket */
    assert_int_equal(bed_who(bed, nobody, secret, &arena, &who), ERR_NOT_FOUND);
    r = bed_call(bed, root, "", "user.bind", BED_VALUES("user", "lan", "unix", "nobody"));
    assert_int_equal(r.rc, ERR_OK);
    assert_int_equal(bed_who(bed, nobody, "", &arena, &who), ERR_OK);
    assert_true(slice_equal(who.name, SLICE("lan")));
    assert_false(who.everywhere);
    r = bed_call(bed, nobody, "", "node.backup", BED_VALUES(NULL));
    assert_int_equal(r.flags & RESULT_DENIED, RESULT_DENIED);
    wire_close(&nobody);
    wire_close(&web);
    wire_close(&root);
    arena_free(&arena);
    bed_close(bed);
}

/* What one Unix user has under way leaves room for web and root. */
static void test_a_unix_user_takes_little_room(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct bed *bed = bed_open();
    uint32_t busy = 0, unknown = 0;
    assert_int_equal(chmod(bed->folder, 0711), 0);
    bed_control_for_all(bed);
    struct wire *nobody = control_as_nobody(bed), *root = bed_control(bed);
    for (uint32_t i = 0; i < MANY; i++)
        bed_call_send(bed, nobody, i + 1, "", "unit.add", BED_VALUES("name", "x", "title", "X"));
    for (uint32_t i = 0; i < MANY; i++) {
        struct bed_result r = bed_result(bed, nobody, 0);
        busy += r.rc == ERR_BUSY;
        unknown += r.rc == ERR_NOT_FOUND;
    }
    assert_int_equal(busy + unknown, MANY);
    assert_true(unknown > 0 && busy > 0);
    struct bed_result r =
        bed_call(bed, root, "", "unit.add", BED_VALUES("name", "y", "title", "Y"));
    assert_int_equal(r.rc, ERR_OK);
    wire_close(&root);
    wire_close(&nobody);
    bed_close(bed);
}

static void test_backup(void **state)
{
    struct bed *bed = bed_open();
    struct wire *root = bed_control(bed);
    char folder[512], path[600];
    struct stat about;
    (void)state;
    struct bed_result r = bed_call(bed, root, "", "node.backup", BED_VALUES(NULL));
    assert_int_equal(r.rc, ERR_OK);
    (void)bed_member(r.json, "folder", folder, sizeof(folder));
    static const char *const parts[] = {"state/state.db", "private/credentials.db", "store"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, parts[i]);
        assert_int_equal(stat(path, &about), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/keys", folder);
    assert_int_not_equal(stat(path, &about), 0);
    wire_close(&root);
    bed_close(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root_is_heard),
        cmocka_unit_test(test_many_each_their_own),
        cmocka_unit_test(test_scope_is_live),
        cmocka_unit_test(test_unknown_sessions),
        cmocka_unit_test(test_too_many_passwords),
        cmocka_unit_test(test_caller_leaves),
        cmocka_unit_test(test_backup),
        cmocka_unit_test(test_unix_users),
        cmocka_unit_test(test_a_unix_user_takes_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
