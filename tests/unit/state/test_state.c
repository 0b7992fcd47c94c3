#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/state_bed.h"

#define NOTES "SELECT count(*) FROM note"
#define ROWS  "SELECT count(*) FROM audit"

static void test_a_command_is_done_and_audited(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    bed_units(&b);
    struct command_value values[] = {{SLICE("text"), SLICE("  chào \"em\"  ")},
                                     {SLICE("unit"), SLICE("so-y-te")},
                                     {SLICE("count"), SLICE("3")},
                                     {SLICE("loud"), SLICE("true")},
                                     {SLICE("tag"), SLICE("a")},
                                     {SLICE("tag"), SLICE("b")},
                                     {SLICE("word"), SLICE("open sesame")}};
    struct command_call call;
    bed_call(&call, &bed_add, values, 7);
    assert_int_equal(bed_run(&b, &call), ERR_OK);
    assert_true(slice_equal(buf_as_slice(&call.result), SLICE("{\"done\":true}")));
    assert_int_equal(call.audit_id, 2); /* the first row says which key */
    assert_true(bed_text_is(state_db(b.state), "SELECT text FROM note", "chào \"em\""));
    assert_true(bed_text_is(state_db(b.state), "SELECT detail FROM audit WHERE id = 2",
                            "{\"text\":\"chào \\\"em\\\"\",\"count\":3,\"loud\":true,"
                            "\"word\":\"***\",\"unit\":\"so-y-te\",\"unit_id\":2,"
                            "\"tag\":[\"a\",\"b\"]}"));
    assert_true(bed_text_is(state_db(b.state), "SELECT object FROM audit WHERE id = 2", "unit/2"));
    assert_int_equal(bed_number(state_db(b.state), "SELECT unit_id FROM audit WHERE id = 2"), 2);
    command_call_free(&call);
    bed_stop(&b);
    bed_start(&b);
    assert_int_equal(bed_number(state_db(b.state), NOTES), 1);
    bed_close(&b);
}

static void test_a_group_stands_or_falls_one_by_one(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    struct command_value one[] = {{SLICE("text"), SLICE("one")}},
                         two[] = {{SLICE("text"), SLICE("two")}},
                         three[] = {{SLICE("text"), SLICE("three")}},
                         four[] = {{SLICE("text"), SLICE("four")}},
                         wrong[] = {{SLICE("txt"), SLICE("x")}};
    struct command_call calls[6], *group[6];
    bed_call(&calls[0], &bed_add, one, 1);
    bed_call(&calls[1], &bed_fail, two, 1);   /* rolled back, no row */
    bed_call(&calls[2], &bed_add, one, 1);    /* the same text again */
    bed_call(&calls[3], &bed_kept, three, 1); /* refused, and kept */
    bed_call(&calls[4], &bed_add, wrong, 1);
    bed_call(&calls[5], &bed_add, four, 1);
    calls[1].caller.vietnamese = true;
    for (int i = 0; i < 6; i++)
        group[i] = &calls[i];
    assert_int_equal(state_execute(b.state, group, 6, STATE_BED_NOW_NS, NULL), ERR_OK);
    assert_int_equal(calls[0].rc, ERR_OK);
    assert_int_equal(calls[1].rc, ERR_USAGE);
    assert_string_equal(calls[1].err.text, "không: 7");
    assert_int_equal(calls[2].rc, ERR_USAGE);
    assert_non_null(strstr(calls[2].err.text, "contradicts what is stored"));
    assert_int_equal(calls[3].rc, ERR_USAGE);
    assert_string_equal(calls[3].err.text, "no: 7");
    assert_int_equal(calls[4].rc, ERR_USAGE);
    assert_non_null(strstr(calls[4].err.text, "did you mean \"text\""));
    assert_int_equal(calls[5].rc, ERR_OK);
    assert_int_equal(bed_number(state_db(b.state), NOTES), 3);
    assert_int_equal(bed_number(state_db(b.state), ROWS), 4);
    assert_int_equal(calls[1].audit_id, 0);
    assert_int_equal(calls[3].audit_id, 3);
    assert_int_equal(bed_number(state_db(b.state), "SELECT code FROM audit WHERE id = 3"),
                     ERR_USAGE);
    for (int i = 0; i < 6; i++)
        command_call_free(&calls[i]);
    bed_close(&b);
}

static void test_a_dry_run_leaves_nothing(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    struct command_value values[] = {{SLICE("text"), SLICE("one")}};
    struct command_call call;
    bed_call(&call, &bed_dry, values, 1);
    call.dry = true;
    assert_int_equal(bed_run(&b, &call), ERR_OK);
    assert_int_equal(call.result.len, 13);
    assert_int_equal(call.audit_id, 0);
    command_call_free(&call);
    bed_call(&call, &bed_add, values, 1);
    call.dry = true;
    assert_int_equal(bed_run(&b, &call), ERR_USAGE); /* has none */
    command_call_free(&call);
    assert_int_equal(bed_number(state_db(b.state), NOTES), 0);
    assert_int_equal(bed_number(state_db(b.state), ROWS), 1);
    bed_close(&b);
}

static void test_who_may_not_is_refused_and_noted(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    bed_units(&b);
    static const uint64_t units[] = {2};
    struct command_value plain[] = {{SLICE("text"), SLICE("one")}},
                         foreign[] = {{SLICE("text"), SLICE("s3cret")},
                                      {SLICE("unit"), SLICE("so-tttt")}},
                         own[] = {{SLICE("text"), SLICE("mine")}, {SLICE("unit"), SLICE("2")}},
                         nobody[] = {{SLICE("text"), SLICE("one")}, {SLICE("unit"), SLICE("99")}};
    const struct {
        const struct command *command;
        struct command_value *values;
        uint32_t count;
        int rc;
        bool denied;
    } cases[] = {
        {&bed_inside, plain, 1, ERR_USAGE, true},    {&bed_local, plain, 1, ERR_USAGE, true},
        {&bed_node, plain, 1, ERR_USAGE, true},      {&bed_add, foreign, 2, ERR_NOT_FOUND, true},
        {&bed_add, nobody, 2, ERR_NOT_FOUND, false}, {&bed_add, own, 2, ERR_OK, false},
        {&bed_open, plain, 1, ERR_USAGE, false},
    };
    char foreign_text[ERR_TEXT_BYTES] = "";
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct command_call call;
        bed_call(&call, cases[i].command, cases[i].values, cases[i].count);
        call.caller = (struct caller){.kind = CALLER_SESSION,
                                      .user_id = 5,
                                      .name = SLICE("an"),
                                      .from = SLICE("10.0.0.9"),
                                      .rights = RIGHT_READ | RIGHT_SETTINGS,
                                      .units = units,
                                      .unit_count = 1};
        assert_int_equal(bed_run(&b, &call), cases[i].rc);
        assert_int_equal(call.denied, cases[i].denied);
        if (cases[i].values == foreign)
            memcpy(foreign_text, call.err.text, sizeof(foreign_text));
        command_call_free(&call);
    }
    assert_null(strstr(foreign_text, "right")); /* reads as if it were not there */
    struct database *db = state_db(b.state);
    assert_int_equal(bed_number(db, ROWS), 1 + 4 + 1); /* key; denied; done */
    assert_int_equal(bed_number(db, NOTES), 1);
    assert_int_equal(bed_number(db, "SELECT count(*) FROM audit WHERE code <> 0 AND user_id = 5"),
                     4);
    assert_int_equal(bed_number(db, "SELECT count(*) FROM audit WHERE object = 'unit/3' AND "
                                    "unit_id = 3 AND code = -4 AND detail = '{}'"),
                     1);
    bed_close(&b);
}

static void test_prepare_goes_before(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    struct command_value values[] = {{SLICE("text"), SLICE("one")},
                                     {SLICE("word"), SLICE("secret")}};
    struct command_call call;
    bed_call(&call, &bed_slow, values, 2);
    assert_int_equal(bed_run(&b, &call), ERR_OK);
    assert_null(call.secret.data);
    command_call_free(&call);
    bed_call(&call, &bed_slow, values, 1);
    assert_int_equal(bed_run(&b, &call), ERR_USAGE);
    assert_string_equal(call.err.text, "no word");
    command_call_free(&call);
    assert_int_equal(bed_number(state_db(b.state), NOTES), 1);
    bed_close(&b);
}

static unsigned mode_of(const struct bed *b, const char *name)
{
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", b->folder, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void mode_set(const struct bed *b, const char *name, unsigned mode)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", b->folder, name);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_rights_of_files(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    mode_t mask = umask(0);
    bed_open_state(&b);
    (void)umask(mask);
    assert_int_equal(bed_note(&b, "one"), ERR_OK);
    assert_int_equal(mode_of(&b, "state"), 0750);
    assert_int_equal(mode_of(&b, "private"), 0700);
    assert_int_equal(mode_of(&b, "state/state.db"), 0640);
    assert_int_equal(mode_of(&b, "state/state.db-wal"), 0640);
    assert_int_equal(mode_of(&b, "private/credentials.db"), 0600);
    bed_stop(&b);
    static const struct {
        const char *name;
        unsigned wrong, right;
    } cases[] = {{"private", 0750, 0700},
                 {"private/credentials.db", 0640, 0600},
                 {"state", 0755, 0750},
                 {"state/state.db", 0644, 0640}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char mend[64];
        (void)snprintf(mend, sizeof(mend), "chmod %04o", cases[i].right);
        mode_set(&b, cases[i].name, cases[i].wrong);
        assert_int_equal(state_open(&b.state, &b.options, &err), ERR_USAGE);
        assert_non_null(strstr(err.text, mend));
        mode_set(&b, cases[i].name, cases[i].right);
    }
    bed_start(&b);
    bed_close(&b);
}

static void test_one_writer_and_readers(void **state)
{
    (void)state;
    struct bed b;
    struct state *second;
    struct database *reader;
    struct err err = {0};
    char pid[32];
    bed_folder(&b);
    assert_int_equal(state_read_open(&reader, b.folder, &err), ERR_NOT_FOUND);
    bed_start(&b);
    (void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    assert_int_equal(state_open(&second, &b.options, &err), ERR_BUSY);
    assert_non_null(strstr(err.text, pid));
    assert_int_equal(state_read_open(&reader, b.folder, &err), ERR_OK);
    assert_int_equal(bed_note(&b, "one"), ERR_OK);
    assert_int_equal(bed_number(reader, NOTES), 1);
    assert_int_equal(database_run(reader, "DELETE FROM note", NULL), ERR_USAGE);
    database_close(&reader);
    bed_stop(&b);
    assert_int_equal(state_read_open(&reader, b.folder, &err), ERR_BUSY);
    bed_close(&b);
}

static int64_t log_bytes(const struct bed *b)
{
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/state/state.db-wal", b->folder);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

static void test_only_checkpoints_shorten_the_log(void **state)
{
    (void)state;
    struct bed b;
    char text[40];
    bed_open_state(&b);
    for (int i = 0; i < 600; i++) {
        (void)snprintf(text, sizeof(text), "note %d", i);
        assert_int_equal(bed_note(&b, text), ERR_OK);
    }
    assert_true(log_bytes(&b) > 2000 * 4096); /* SQLite alone would have copied it by now */
    assert_int_equal(state_checkpoint(b.state, NULL), ERR_OK);
    assert_true(log_bytes(&b) > 0);
    assert_int_equal(state_checkpoint(b.state, NULL), ERR_OK); /* idle since */
    assert_int_equal(log_bytes(&b), 0);
    assert_int_equal(bed_note(&b, "more"), ERR_OK);
    assert_int_equal(bed_number(state_db(b.state), NOTES), 601);
    bed_close(&b);
}

static void test_a_backup_is_whole(void **state)
{
    (void)state;
    struct bed b, copy;
    struct err err = {0};
    bed_open_state(&b);
    for (int i = 0; i < 20; i++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "note %d", i);
        assert_int_equal(bed_note(&b, text), ERR_OK);
    }
    char folder[128];
    (void)snprintf(folder, sizeof(folder), "%s/backup", b.folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(state_backup(b.state, folder, &err), ERR_OK);
    assert_int_equal(state_backup(b.state, folder, &err), ERR_BUSY);
    assert_int_equal(mode_of(&b, "backup/private/credentials.db"), 0600);
    assert_int_equal(mode_of(&b, "backup/private"), 0700);
    assert_int_equal(bed_note(&b, "later"), ERR_OK);
    copy = b;
    copy.options.data = folder;
    bed_start(&copy);
    assert_int_equal(bed_number(state_db(copy.state), NOTES), 20);
    assert_int_equal(bed_note(&copy, "in the copy"), ERR_OK);
    bed_stop(&copy);
    (void)snprintf(folder, sizeof(folder), "%s/backup/state/lock", b.folder);
    assert_int_equal(unlink(folder), 0);
    bed_close(&b);
}

static void test_credentials_nobody_names_go(void **state)
{
    (void)state;
    struct bed b;
    bed_open_state(&b);
    assert_int_equal(database_run(state_credentials(b.state),
                                  "INSERT INTO credential(kind, secret, made_ns) VALUES"
                                  " (1, x'00', 0), (1, x'01', 0)",
                                  NULL),
                     ERR_OK);
    assert_int_equal(
        database_run(state_db(b.state),
                     "INSERT INTO user(name, title, role, password_id, search, made_ns)"
                     " VALUES('an', 'An', 'officer', 2, 'an', 0)",
                     NULL),
        ERR_OK);
    bed_stop(&b);
    bed_start(&b);
    assert_int_equal(bed_number(state_credentials(b.state), "SELECT sum(id) FROM credential"), 2);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_is_done_and_audited),
        cmocka_unit_test(test_a_group_stands_or_falls_one_by_one),
        cmocka_unit_test(test_a_dry_run_leaves_nothing),
        cmocka_unit_test(test_who_may_not_is_refused_and_noted),
        cmocka_unit_test(test_prepare_goes_before),
        cmocka_unit_test(test_rights_of_files),
        cmocka_unit_test(test_one_writer_and_readers),
        cmocka_unit_test(test_only_checkpoints_shorten_the_log),
        cmocka_unit_test(test_a_backup_is_whole),
        cmocka_unit_test(test_credentials_nobody_names_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
