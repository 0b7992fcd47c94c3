/* The audit chain: whatever is done to its rows is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "state/audit.h"
#include "unit/state/state_bed.h"

enum { NOTES = 12, ROWS = NOTES + 1 };

struct told {
    uint32_t count;
    uint64_t first;
    char text[200];
};

static void tell(void *context, uint64_t id, const char *problem)
{
    struct told *t = context;
    if (t->count++ == 0) {
        t->first = id;
        (void)snprintf(t->text, sizeof(t->text), "%s", problem);
    }
}

static void filled(struct bed *b)
{
    bed_open_state(b);
    for (int i = 0; i < NOTES; i++) {
        char text[40];
        (void)snprintf(text, sizeof(text), "note %d", i);
        assert_int_equal(bed_note(b, text), ERR_OK);
    }
}

static uint64_t verify(struct bed *b, const char *head, struct told *told,
                       struct audit_verified *out)
{
    uint8_t key[SIGN_PUBLIC_BYTES];
    struct err err = {0};
    *told = (struct told){0};
    sign_key_public(b->key, key);
    if (audit_verify(state_db(b->state), key, slice_from(head), tell, told, out, &err) != ERR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(told->count, out->problems);
    return out->problems;
}

static void test_a_whole_chain(void **state)
{
    (void)state;
    struct bed b;
    struct told told;
    struct audit_verified v;
    char head[AUDIT_HEAD_TEXT_BYTES];
    filled(&b);
    assert_int_equal(verify(&b, "", &told, &v), 0);
    assert_int_equal(v.rows, ROWS);
    assert_true(v.is_signed);
    assert_false(v.anchored);
    assert_int_equal(v.head_ns, STATE_BED_NOW_NS);
    audit_head_text(&v.head, head);
    assert_int_equal(bed_note(&b, "more"), ERR_OK);
    assert_int_equal(verify(&b, head, &told, &v), 0);
    assert_true(v.anchored);
    assert_int_equal(audit_verify(state_db(b.state), NULL, SLICE("zz"), NULL, NULL, &v, NULL),
                     ERR_USAGE);
    assert_int_equal(audit_verify(state_db(b.state), NULL, SLICE(""), NULL, NULL, &v, NULL),
                     ERR_OK);
    assert_int_equal(v.problems, 1); /* the signature could not be checked */
    bed_close(&b);
}

/* Each change as somebody with the file, but without the key, would make it. */
static void test_every_change_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        uint64_t first; /* row of the first problem */
        bool refused;   /* the engine does not start on it either */
    } cases[] = {
        {"UPDATE audit SET actor = 'other' WHERE id = 5", 5, false},
        {"UPDATE audit SET sent_from = 'other' WHERE id = 5", 5, false},
        {"UPDATE audit SET time_ns = time_ns + 1 WHERE id = 5", 5, false},
        {"UPDATE audit SET user_id = 1 WHERE id = 5", 5, false},
        {"UPDATE audit SET command = 'x' WHERE id = 5", 5, false},
        {"UPDATE audit SET object = 'x' WHERE id = 5", 5, false},
        {"UPDATE audit SET unit_id = 3 WHERE id = 5", 5, false},
        {"UPDATE audit SET code = -6 WHERE id = 5", 5, false},
        {"UPDATE audit SET detail = '{}' WHERE id = 1", 1, false},
        {"UPDATE audit SET hash = x'00' WHERE id = 5", 5, false},
        {"UPDATE audit SET hash = zeroblob(32) WHERE id = 5", 5, false},
        {"UPDATE audit SET detail = '{}' WHERE id = 13", 13, true},
        {"UPDATE audit SET hash = zeroblob(32) WHERE id = 13", 13, true},
        {"DELETE FROM audit WHERE id = 1", 2, false},
        {"DELETE FROM audit WHERE id = 6", 7, false},
        {"DELETE FROM audit WHERE id = 13", 13, true},
        {"DELETE FROM audit WHERE id > 4", 13, true},
        {"DELETE FROM audit", 13, true},
        {"DELETE FROM audit_head", 13, true},
        {"UPDATE audit SET id = 0 WHERE id = 5; UPDATE audit SET id = 5 WHERE id = 6;"
         "UPDATE audit SET id = 6 WHERE id = 0",
         5, false},
        {"DELETE FROM audit WHERE id = 13; UPDATE audit_head SET audit_id = 12,"
         " hash = (SELECT hash FROM audit WHERE id = 12)",
         12, true},
        {"UPDATE audit_head SET time_ns = time_ns + 1", 13, true},
        {"UPDATE audit_head SET signature = zeroblob(64)", 13, true},
        {"UPDATE audit_head SET signature = NULL, key_id = NULL", 13, true},
        {"INSERT INTO audit SELECT 14, time_ns, actor, sent_from, user_id, command, object,"
         " unit_id, code, detail, hash FROM audit WHERE id = 13",
         14, true},
        {"UPDATE meta SET value = 'another' WHERE key = 'node'", 13, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b;
        struct told told;
        struct audit_verified v;
        struct err err = {0};
        filled(&b);
        assert_int_equal(database_run(state_db(b.state), cases[i].sql, &err), ERR_OK);
        if (verify(&b, "", &told, &v) == 0 || told.first != cases[i].first)
            fail_msg("%s: %u problems, first at %d: %s", cases[i].sql, told.count, (int)told.first,
                     told.text);
        bed_stop(&b);
        int rc = state_open(&b.state, &b.options, &err);
        if ((rc != ERR_OK) != cases[i].refused || (rc != ERR_OK && rc != ERR_DAMAGED))
            fail_msg("%s: opened with %d: %s", cases[i].sql, rc, err.text);
        if (rc == ERR_DAMAGED)
            assert_non_null(strstr(err.text, "canh audit verify"));
        bed_close(&b);
    }
}

static void test_problems_say_what_happened(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"DELETE FROM audit WHERE id = 6", "rows 6 to 6 are missing"},
        {"DELETE FROM audit WHERE id > 4", "the end was cut"},
        {"UPDATE audit_head SET audit_id = 12, hash = (SELECT hash FROM audit WHERE id = 12)",
         "behind the signed head"},
        {"UPDATE audit SET code = -6 WHERE id = 5", "its contents"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b;
        struct told told;
        struct audit_verified v;
        filled(&b);
        assert_int_equal(database_run(state_db(b.state), cases[i].sql, NULL), ERR_OK);
        assert_int_not_equal(verify(&b, "", &told, &v), 0);
        if (!strstr(told.text, cases[i].says))
            fail_msg("%s: %s", cases[i].sql, told.text);
        bed_close(&b);
    }
}

/* A chain that was made anew, by somebody with a key of his own, and even with the node's. */
static void test_another_chain(void **state)
{
    (void)state;
    struct bed b;
    struct told told;
    struct audit_verified v;
    char head[AUDIT_HEAD_TEXT_BYTES];
    filled(&b);
    assert_int_equal(verify(&b, "", &told, &v), 0);
    audit_head_text(&v.head, head);
    bed_stop(&b);

    struct sign_key *own = b.key, *other = sign_key_make();
    b.options.key = other;
    struct err err = {0};
    assert_int_equal(state_open(&b.state, &b.options, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "another key"));

    char path[128];
    (void)snprintf(path, sizeof(path), "%s/state/state.db", b.folder);
    assert_int_equal(unlink(path), 0);
    bed_start(&b);
    assert_int_equal(bed_note(&b, "forged"), ERR_OK);
    assert_int_not_equal(verify(&b, "", &told, &v), 0); /* not the node's key */
    bed_stop(&b);
    b.options.key = own;
    assert_int_equal(state_open(&b.state, &b.options, &err), ERR_DAMAGED);

    assert_int_equal(unlink(path), 0);
    bed_start(&b);
    assert_int_equal(bed_note(&b, "forged"), ERR_OK);
    assert_int_equal(verify(&b, "", &told, &v), 0); /* nothing can be seen in it alone */
    assert_int_equal(verify(&b, head, &told, &v), 1);
    assert_false(v.anchored);
    sign_key_close(&other);
    bed_close(&b);
}

static void test_a_key_is_changed(void **state)
{
    (void)state;
    struct bed b;
    struct told told;
    struct audit_verified v;
    struct buf hex = {0};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    filled(&b);
    bed_stop(&b);
    sign_key_close(&b.key);
    b.key = sign_key_make();
    b.options.key = b.key;
    b.options.new_key = true;
    bed_start(&b);
    assert_int_equal(verify(&b, "", &told, &v), 0);
    assert_int_equal(v.rows, ROWS + 1);
    assert_int_equal(bed_number(state_db(b.state), "SELECT count(*) FROM node_key"), 2);
    sign_key_public(b.key, public_key);
    buf_string(&hex, "{\"public\":\"");
    text_hex(&hex, slice_make((const char *)public_key, sizeof(public_key)));
    buf_string(&hex, "\"}");
    assert_true(bed_text_is(state_db(b.state),
                            "SELECT detail FROM audit WHERE command = 'node.key' AND id = 14",
                            buf_text(&hex)));
    buf_free(&hex);
    bed_stop(&b);
    b.options.new_key = false;
    bed_start(&b);
    assert_int_equal(bed_note(&b, "goes on"), ERR_OK);
    assert_int_equal(verify(&b, "", &told, &v), 0);
    bed_close(&b);
}

/* The canonical form, byte by byte: it may never change. */
static void test_the_canonical_form(void **state)
{
    (void)state;
    struct digester *digester = digester_open();
    struct digest before = {{1, 2, 3}};
    struct audit_row row = {.id = 0x0102,
                            .time_ns = 3,
                            .actor = SLICE("a"),
                            .from = SLICE("bc"),
                            .user_id = 4,
                            .command = SLICE("d.e"),
                            .object = SLICE(""),
                            .unit_id = 5,
                            .code = -6,
                            .detail = SLICE("{}")};
    static const char bytes[] = "\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "canh audit row v1\n"
                                "\2\1\0\0\0\0\0\0"
                                "\3\0\0\0\0\0\0\0"
                                "\4\0\0\0\0\0\0\0"
                                "\5\0\0\0\0\0\0\0"
                                "\372\377\377\377\377\377\377\377"
                                "\1\0\0\0a"
                                "\2\0\0\0bc"
                                "\3\0\0\0d.e"
                                "\0\0\0\0"
                                "\2\0\0\0{}";
    struct digest expected = digest_of(digester, SLICE(bytes));
    struct digest got = audit_hash(digester, &before, &row);
    assert_memory_equal(&expected, &got, sizeof(got));
    digester_close(&digester);
}

/* Whoever owns web says where a request came from, in any bytes: the chain still verifies. */
static void test_odd_bytes_do_no_harm(void **state)
{
    (void)state;
    struct bed b;
    struct told told;
    struct audit_verified v;
    filled(&b);
    struct command_value values[] = {{SLICE("text"), SLICE("odd")}};
    struct command_call call;
    bed_call(&call, &bed_add, values, 1);
    call.caller.name = slice_make("an\0other", 8);
    call.caller.from = slice_make("10.0.0.1\0'\n\xff\xfe;", 14);
    assert_int_equal(bed_run(&b, &call), ERR_OK);
    command_call_free(&call);
    assert_int_equal(bed_note(&b, "behind it"), ERR_OK);
    assert_int_equal(verify(&b, "", &told, &v), 0);
    bed_close(&b);
}

static void test_time_never_goes_back(void **state)
{
    (void)state;
    struct bed b;
    struct told told;
    struct audit_verified v;
    filled(&b);
    struct command_value values[] = {{SLICE("text"), SLICE("early")}};
    struct command_call call, *one = &call;
    bed_call(&call, &bed_add, values, 1);
    assert_int_equal(state_execute(b.state, &one, 1, 1000, NULL), ERR_OK);
    command_call_free(&call);
    assert_int_equal(bed_number(state_db(b.state), "SELECT time_ns FROM audit WHERE id = 14"),
                     STATE_BED_NOW_NS);
    assert_int_equal(verify(&b, "", &told, &v), 0);
    bed_close(&b);
}

static void test_long_details_are_kept_as_digests(void **state)
{
    (void)state;
    struct bed b;
    struct command_value values[40] = {{SLICE("text"), SLICE("x")}};
    char long_text[4000];
    memset(long_text, 'q', sizeof(long_text));
    bed_open_state(&b);
    values[1] = (struct command_value){SLICE("tag"), slice_make(long_text, sizeof(long_text))};
    values[2] = values[1];
    struct command_call call;
    bed_call(&call, &bed_add, values, 3);
    assert_int_equal(bed_run(&b, &call), ERR_OK);
    command_call_free(&call);
    assert_int_equal(bed_number(state_db(b.state), "SELECT json_extract(detail, '$.bytes') FROM"
                                                   " audit WHERE id = 2"),
                     8026);
    assert_int_equal(
        bed_number(state_db(b.state),
                   "SELECT length(json_extract(detail, '$.sha256')) FROM audit WHERE id = 2"),
        64);
    bed_close(&b);
}

static int last_id(void *context, const struct audit_row *row)
{
    *(uint64_t *)context = row->id;
    return ERR_OK;
}

static void test_rows_are_read_in_pages(void **state)
{
    (void)state;
    struct bed b;
    uint64_t last = 0;
    filled(&b);
    assert_int_equal(audit_read(state_db(b.state), 3, 4, last_id, &last, NULL), ERR_OK);
    assert_int_equal(last, 7);
    assert_int_equal(audit_read(state_db(b.state), 12, 4, last_id, &last, NULL), ERR_OK);
    assert_int_equal(last, 13);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_chain),
        cmocka_unit_test(test_every_change_is_found),
        cmocka_unit_test(test_problems_say_what_happened),
        cmocka_unit_test(test_another_chain),
        cmocka_unit_test(test_a_key_is_changed),
        cmocka_unit_test(test_the_canonical_form),
        cmocka_unit_test(test_odd_bytes_do_no_harm),
        cmocka_unit_test(test_time_never_goes_back),
        cmocka_unit_test(test_long_details_are_kept_as_digests),
        cmocka_unit_test(test_rows_are_read_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
