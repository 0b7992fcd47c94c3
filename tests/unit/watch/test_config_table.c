/* The table of settings itself, and docs/config.md, which shows each of its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "watch/config_table.h"

static void test_rows_are_whole(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < config_table.count; i++) {
        const struct config_section *section = &config_table.sections[i];
        assert_true(section->help_en[0] && section->help_vi[0]);
        for (uint32_t j = 0; j < section->key_count; j++) {
            const struct config_key *key = &section->keys[j];
            assert_true(key->help_en[0] && key->help_vi[0]);
            assert_true(key->offset >= sizeof(struct config_row));
            assert_true(key->offset + config_value_bytes(key->kind) <= section->row_bytes);
            for (uint32_t k = 0; k < j; k++) {
                assert_string_not_equal(section->keys[k].name, key->name);
                assert_int_not_equal(section->keys[k].offset, key->offset);
            }
        }
    }
}

/* A row of the table in docs/config.md. */
static void row_write(const struct config_key *key, struct buf *out)
{
    buf_printf(out, "| `%s` | %s |", key->name, config_kind_name(key->kind, false));
    if (key->fallback)
        buf_printf(out, " `%s` |", key->fallback);
    else
        buf_string(out, " |");
    if (key->min && key->max)
        buf_printf(out, " `%s` to `%s` |", key->min, key->max);
    else
        buf_string(out, " |");
    buf_printf(out, " %s |\n", key->help_en);
}

static void test_the_document_shows_each_row(void **state)
{
    (void)state;
    struct buf document = {0}, row = {0};
    size_t rows = 0, shown = 0;
    assert_int_equal(io_read_file(&document, CANH_SOURCE "/docs/config.md", 1 << 20, NULL), ERR_OK);
    for (uint32_t i = 0; i < config_table.count; i++) {
        const struct config_section *section = &config_table.sections[i];
        buf_clear(&row);
        buf_printf(&row, "\n## `%s`: %s\n", section->name, section->help_en);
        size_t at = slice_find(buf_as_slice(&document), buf_as_slice(&row));
        if (at == SLICE_NONE)
            fail_msg("docs/config.md lacks: %s", buf_text(&row) + 1);
        struct slice rest = slice_part(buf_as_slice(&document), at + 1, SIZE_MAX);
        size_t end = slice_find(rest, SLICE("\n## "));
        rest = slice_part(rest, 0, end == SLICE_NONE ? rest.len : end + 1);
        for (uint32_t j = 0; j < section->key_count; j++, rows++) {
            buf_clear(&row);
            row_write(&section->keys[j], &row);
            if (slice_find(rest, buf_as_slice(&row)) == SLICE_NONE)
                fail_msg("docs/config.md lacks under %s: %s", section->name, buf_text(&row));
        }
    }
    struct slice rest = buf_as_slice(&document);
    while (rest.len > 0)
        shown += slice_starts(slice_cut(&rest, '\n'), SLICE("| `"));
    assert_int_equal(shown, rows); /* none that the table does not have */
    buf_free(&document);
    buf_free(&row);
}

/* A table as a later section may have it. */
struct post {
    struct config_row row;
    struct slice server, password;
    struct config_list recipients;
};

struct letters {
    struct post post;
};

static const struct config_key post_keys[] = {
    {"server", CONFIG_TEXT, offsetof(struct post, server), NULL, NULL, NULL, "a", "b"},
    {"password_file", CONFIG_SECRET, offsetof(struct post, password), NULL, NULL, NULL, "a", "b"},
    {"recipients", CONFIG_LIST, offsetof(struct post, recipients), NULL, NULL, NULL, "a", "b"},
};
static const struct config_section letter_sections[] = {
    {"post", CONFIG_ONE, offsetof(struct letters, post), sizeof(struct post), 1, post_keys, 3, "a",
     "b"},
};
static const struct config_table letter_table = {letter_sections, 1};

struct read_letters {
    struct letters letters;
    struct arena arena;
    struct buf problems;
    struct config_reader reader;
};

static void letters_open(struct read_letters *r)
{
    *r = (struct read_letters){0};
    r->reader = (struct config_reader){.table = &letter_table,
                                       .config = &r->letters,
                                       .arena = &r->arena,
                                       .problems = &r->problems};
    config_read_begin(&r->reader);
}

static void letters_close(struct read_letters *r)
{
    arena_free(&r->arena);
    buf_free(&r->problems);
}

static void test_secrets_are_in_files_of_their_own(void **state)
{
    (void)state;
    struct read_letters r;
    letters_open(&r);
    config_read_text(&r.reader, "f", SLICE("post:\n  password_file: /etc/canh/post\n"));
    assert_int_equal(r.reader.problem_count, 0);
    assert_true(slice_equal(r.letters.post.password, SLICE("/etc/canh/post")));
    config_read_text(&r.reader, "f", SLICE("post:\n  password: verysecret\n"));
    assert_string_equal(buf_text(&r.problems),
                        "f:2:3: secrets are not written here: put \"password\" into a file of its "
                        "own and name it by password_file\n");
    letters_close(&r);
}

static void test_lists_from_the_environment(void **state)
{
    (void)state;
    struct read_letters r;
    char *environment[] = {(char[]){"CANH_POST_RECIPIENTS=a@x, b@x"}, NULL};
    letters_open(&r);
    config_read_text(&r.reader, "f", SLICE("post: {recipients: [c@x]}"));
    config_read_environment(&r.reader, environment);
    assert_int_equal(r.reader.problem_count, 0);
    assert_int_equal(r.letters.post.recipients.count, 2);
    assert_true(slice_equal(r.letters.post.recipients.items[1], SLICE("b@x")));
    environment[0] = (char[]){"CANH_POST_RECIPIENTS=a@x,,b@x"};
    config_read_environment(&r.reader, environment);
    assert_int_equal(r.reader.problem_count, 1);
    letters_close(&r);
}

static void test_lists_and_problems_have_an_end(void **state)
{
    (void)state;
    struct read_letters r;
    struct buf text = {0};
    size_t lines = 0;
    letters_open(&r);
    buf_string(&text, "post:\n  recipients: [");
    for (int i = 0; i <= CONFIG_LIST_MAX; i++)
        buf_string(&text, "a,");
    buf_string(&text, "a]\n");
    for (int i = 0; i < 2 * CONFIG_PROBLEMS_MAX; i++)
        buf_printf(&text, "  key%d: 1\n", i);
    config_read_text(&r.reader, "f", buf_as_slice(&text));
    assert_int_equal(r.reader.problem_count, 2 * CONFIG_PROBLEMS_MAX + 1);
    for (struct slice rest = buf_as_slice(&r.problems); rest.len > 0; lines++)
        (void)slice_cut(&rest, '\n');
    assert_int_equal(lines, CONFIG_PROBLEMS_MAX);
    assert_true(r.letters.post.recipients.count == 0);
    buf_free(&text);
    letters_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_the_document_shows_each_row),
        cmocka_unit_test(test_secrets_are_in_files_of_their_own),
        cmocka_unit_test(test_lists_from_the_environment),
        cmocka_unit_test(test_lists_and_problems_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
