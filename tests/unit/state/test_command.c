#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/sheet.h"
#include "unit/state/state_bed.h"

static int check_values(struct command_call *call, struct command_value *values, uint32_t count,
                        struct err *err)
{
    bed_call(call, &bed_add, values, count);
    *err = (struct err){0};
    return command_check(call, err);
}

static void test_values_by_their_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        int rc;
    } cases[] = {
        {"count", "1", ERR_OK},
        {"count", "10", ERR_OK},
        {"count", "0", ERR_USAGE},
        {"count", "11", ERR_USAGE},
        {"count", "", ERR_USAGE},
        {"count", "-1", ERR_USAGE},
        {"count", "99999999999999999999", ERR_USAGE},
        {"name", "so-y-te_1.x", ERR_OK},
        {"name", "", ERR_OK},
        {"name", "-a", ERR_USAGE},
        {"name", "A", ERR_USAGE},
        {"name", "12", ERR_USAGE},
        {"name", "sở", ERR_USAGE},
        {"name", "a234567890123456789012345678901234567890123456789012345678901234", ERR_OK},
        {"name", "a2345678901234567890123456789012345678901234567890123456789012345", ERR_USAGE},
        {"loud", "true", ERR_OK},
        {"loud", "yes", ERR_USAGE},
        {"color", "red", ERR_OK},
        {"color", "", ERR_USAGE},
        {"color", "red|green", ERR_USAGE},
        {"day", "2024-02-29", ERR_OK},
        {"day", "2023-02-29", ERR_USAGE},
        {"day", "2026-11-2", ERR_USAGE},
        {"day", "2026-13-01", ERR_USAGE},
        {"day", "", ERR_OK},
        {"keep", "90d", ERR_OK},
        {"keep", "5min", ERR_OK},
        {"keep", "90", ERR_USAGE},
        {"keep", "d", ERR_USAGE},
        {"keep", "9999999999y", ERR_USAGE},
        {"word", "two words ", ERR_OK},
        {"word", "a\nb", ERR_USAGE},
        {"tag", "", ERR_OK},
        {"tag", "bad \x01", ERR_USAGE},
        {"tag", "bad \xff", ERR_USAGE},
        {"tag", "bad \xe2\x80\xae", ERR_USAGE},
        {"nothing", "x", ERR_USAGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct command_value values[] = {{SLICE("text"), SLICE("x")},
                                         {slice_from(cases[i].name), slice_from(cases[i].value)}};
        struct command_call call;
        struct err err;
        int rc = check_values(&call, values, 2, &err);
        if (rc != cases[i].rc)
            fail_msg("%s=%s: %d %s", cases[i].name, cases[i].value, rc, err.text);
        assert_false(call.denied);
        if (rc != ERR_OK && strcmp(cases[i].name, "word") != 0)
            assert_non_null(strstr(err.text, cases[i].name));
        command_call_free(&call);
    }
}

static void test_secrets_are_not_in_messages(void **state)
{
    (void)state;
    char long_word[200];
    memset(long_word, 'w', sizeof(long_word));
    struct command_value values[] = {{SLICE("text"), SLICE("x")},
                                     {SLICE("word"), slice_make(long_word, sizeof(long_word))}};
    struct command_call call;
    struct err err;
    assert_int_equal(check_values(&call, values, 2, &err), ERR_LIMIT);
    assert_null(strstr(err.text, "www"));
    command_call_free(&call);
}

static void test_what_is_missing_or_too_much(void **state)
{
    (void)state;
    struct command_value none[] = {{SLICE("count"), SLICE("1")}},
                         twice[] = {{SLICE("text"), SLICE("a")}, {SLICE("text"), SLICE("b")}},
                         empty[] = {{SLICE("text"), SLICE("  ")}};
    struct command_call call;
    struct err err;
    assert_int_equal(check_values(&call, none, 1, &err), ERR_USAGE);
    assert_string_equal(err.text, "text is missing: the text");
    command_call_free(&call);
    assert_int_equal(check_values(&call, twice, 2, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "twice"));
    command_call_free(&call);
    assert_int_equal(check_values(&call, empty, 1, &err), ERR_USAGE);
    command_call_free(&call);
}

static void test_values_are_read(void **state)
{
    (void)state;
    struct command_value values[] = {{SLICE("text"), SLICE(" e\xcc\x82 ")},
                                     {SLICE("keep"), SLICE("2h")},
                                     {SLICE("tag"), SLICE("a")},
                                     {SLICE("loud"), SLICE("true")},
                                     {SLICE("tag"), SLICE("b")},
                                     {SLICE("word"), SLICE(" e\xcc\x82 ")}};
    struct command_call call;
    struct err err;
    struct slice text;
    uint32_t at = 0;
    assert_int_equal(check_values(&call, values, 6, &err), ERR_OK);
    assert_true(slice_equal(call_text(&call, "text"), SLICE("ê"))); /* NFC, trimmed */
    assert_true(slice_equal(call_text(&call, "word"), SLICE(" ê ")));
    assert_int_equal(call_number(&call, "keep"), 7200);
    assert_int_equal(call_number(&call, "count"), 0);
    assert_true(call_bool(&call, "loud"));
    assert_false(call_given(&call, "name"));
    assert_true(call_next(&call, "tag", &at, &text) && slice_equal(text, SLICE("a")));
    assert_true(call_next(&call, "tag", &at, &text) && slice_equal(text, SLICE("b")));
    assert_false(call_next(&call, "tag", &at, &text));
    assert_int_equal(command_check(&call, &err), ERR_OK); /* again: nothing changes */
    assert_true(slice_equal(call_text(&call, "text"), SLICE("ê")));
    command_call_free(&call);
}

static void test_packed_and_back(void **state)
{
    (void)state;
    struct command_value values[] = {{SLICE("text"), SLICE("x")}, {SLICE("tag"), SLICE("")}};
    struct command_call call = {0};
    struct buf bytes = {0};
    struct err err = {0};
    command_pack(SLICE("note.dry"), values, 2, true, &bytes);
    assert_int_equal(command_unpack(&bed_table, buf_as_slice(&bytes), &call, &err), ERR_OK);
    assert_ptr_equal(call.command, &bed_dry);
    assert_true(call.dry);
    assert_int_equal(call.value_count, 2);
    assert_true(slice_equal(call.values[0].text, SLICE("x")));
    command_call_free(&call);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        call = (struct command_call){0};
        assert_int_not_equal(command_unpack(&bed_table, slice_make(bytes.data, cut), &call, &err),
                             ERR_OK);
        command_call_free(&call);
    }
    buf_char(&bytes, 'x');
    assert_int_equal(command_unpack(&bed_table, buf_as_slice(&bytes), &call, &err), ERR_SYNTAX);
    command_call_free(&call);
    buf_clear(&bytes);
    command_pack(SLICE("note.none"), values, 2, true, &bytes);
    assert_int_equal(command_unpack(&bed_table, buf_as_slice(&bytes), &call, &err), ERR_NOT_FOUND);
    command_call_free(&call);
    buf_free(&bytes);
}

/* A table of rows is audited by what it was, not by what is in it. */
static void test_sheets_are_told_by_their_digest(void **state)
{
    (void)state;
    static const struct param params[] = {
        {.name = "sheet", .kind = PARAM_SHEET, .help_en = "s", .help_vi = "s"}};
    static const struct command import = {
        .name = "host.import", .params = params, .param_count = 1, .title_en = "", .title_vi = ""};
    struct buf flat = {0}, detail = {0};
    struct err err = {0};
    uint32_t count = 0;
    const struct sheet_column *columns = sheet_columns(import.name, &count);
    assert_non_null(columns);
    struct buf csv = {0};
    for (uint32_t i = 0; i < count; i++)
        buf_printf(&csv, "%s%s", i ? "," : "", columns[i].heads[0]);
    buf_string(&csv, "\n");
    for (int row = 0; row < 3; row++)
        for (uint32_t i = 0; i < count; i++)
            buf_printf(&csv, "x%s", i + 1 < count ? "," : "\n");
    if (sheet_read_csv(buf_as_slice(&csv), columns, count, false, &flat, &err) != ERR_OK)
        fail_msg("%s", err.text);
    struct command_value values[] = {{SLICE("sheet"), buf_as_slice(&flat)}};
    struct command_call call;
    bed_call(&call, &import, values, 1);
    assert_int_equal(command_check(&call, &err), ERR_OK);
    command_detail(&call, &detail);
    assert_int_equal(detail.len, strlen("{\"sheet\":{\"rows\":3,\"sha256\":\"\"}}") + 64);
    assert_true(slice_starts(buf_as_slice(&detail), SLICE("{\"sheet\":{\"rows\":3,")));
    values[0].text.len--;
    assert_int_not_equal(command_check(&call, &err), ERR_OK); /* cut short */
    command_call_free(&call);
    buf_free(&csv);
    buf_free(&flat);
    buf_free(&detail);
}

static void test_every_command_is_found(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < bed_table.count; i++)
        assert_ptr_equal(command_find(&bed_table, slice_from(bed_commands[i]->name)),
                         bed_commands[i]);
    assert_null(command_find(&bed_table, SLICE("")));
    assert_null(command_find(&bed_table, SLICE("note.z")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_by_their_kinds),
        cmocka_unit_test(test_secrets_are_not_in_messages),
        cmocka_unit_test(test_what_is_missing_or_too_much),
        cmocka_unit_test(test_values_are_read),
        cmocka_unit_test(test_packed_and_back),
        cmocka_unit_test(test_sheets_are_told_by_their_digest),
        cmocka_unit_test(test_every_command_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
