#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "formats/yaml.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static const struct yaml_node *parse_one(const char *text)
{
    struct yaml_documents documents;
    struct err err = {0};
    if (yaml_parse(&documents, slice_from(text), &arena, &err))
        fail_msg("%s", err.text);
    assert_int_equal(documents.count, 1);
    return documents.roots[0];
}

static void expect_error(const char *text, int code, uint64_t line, uint32_t column,
                         const char *part)
{
    struct yaml_documents documents;
    struct err err = {0};
    assert_int_equal(yaml_parse(&documents, slice_from(text), &arena, &err), code);
    assert_int_equal(documents.count, 0);
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    if (!strstr(err.text, part))
        fail_msg("'%s' lacks '%s'", err.text, part);
}

static void assert_text(struct slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}

static void maps_and_lists_keep_order_and_places(void **state)
{
    (void)state;
    const struct yaml_node *root =
        parse_one("title: One\nlist:\n    - a\n    - b: 1\n      c: 2\n");
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->child_count, 2);
    const struct yaml_node *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->child_count, 2);
    assert_int_equal(list->key_line, 2);
    assert_int_equal(list->key_column, 1);
    assert_text(list->child->text, "a");
    assert_int_equal(list->child->line, 3);
    assert_int_equal(list->child->column, 7);
    const struct yaml_node *c = yaml_get(list->child->next, "c");
    assert_text(yaml_text(c), "2");
    assert_int_equal(c->line, 5);
    assert_int_equal(c->column, 10);
    assert_null(c->next);
    assert_null(yaml_get(root, "none"));
    assert_null(yaml_get(list, "title"));
    assert_null(yaml_get(NULL, "title"));
}

static void expect_kind(const char *value, enum yaml_kind kind)
{
    char text[100];
    (void)snprintf(text, sizeof(text), "k: %s\n", value);
    const struct yaml_node *node = yaml_get(parse_one(text), "k");
    if (node->kind != kind)
        fail_msg("%s: kind %d, not %d", value, (int)node->kind, (int)kind);
}

static void plain_scalars_get_core_types(void **state)
{
    (void)state;
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    static const char *const integers[] = {"0", "4688", "-1", "+7", "007"};
    static const char *const floats[] = {"1.5", ".5", "5.", "-1.5e3", "1e3", "1E-3"};
    static const char *const texts[] = {
        "0x17",  "0o17", "yes",  "no",    "on", "1_000", "+",          ".",          "1e",
        "1.2.3", "nul",  ".inf", "12:30", "e1", "TRue",  "10.0.0.0/8", "2024-01-01", "a b"};
    for (size_t i = 0; i < sizeof(nulls) / sizeof(*nulls); i++)
        expect_kind(nulls[i], YAML_NULL);
    for (size_t i = 0; i < sizeof(bools) / sizeof(*bools); i++)
        expect_kind(bools[i], YAML_BOOL);
    for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++)
        expect_kind(integers[i], YAML_INT);
    for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++)
        expect_kind(floats[i], YAML_FLOAT);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        expect_kind(texts[i], YAML_TEXT);
}

static void quoted_scalars_are_text(void **state)
{
    (void)state;
    static const char *const texts[] = {"''", "'4688'", "\"true\"", "'null'", "\"\"", "'~'"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        expect_kind(texts[i], YAML_TEXT);
    assert_text(yaml_text(yaml_get(parse_one("k: 'a\\b''c'"), "k")), "a\\b'c");
    assert_text(yaml_text(yaml_get(parse_one("k: \"a\\\\b\\n\\u1EC7\""), "k")),
                "a\\b\n\xe1\xbb\x87");
    assert_text(yaml_text(yaml_get(parse_one("k: |\n    a\n    b\n"), "k")), "a\nb\n");
    assert_text(yaml_text(yaml_get(parse_one("k: |\n    12\n"), "k")), "12\n");
    assert_int_equal(yaml_get(parse_one("k: >-\n    12\n"), "k")->kind, YAML_TEXT);
}

static void text_of_what_is_no_scalar_is_empty(void **state)
{
    (void)state;
    const struct yaml_node *root = parse_one("a: [1]\nb: null\nc: {d: e}\nf: true\n");
    assert_int_equal(yaml_text(yaml_get(root, "a")).len, 0);
    assert_int_equal(yaml_text(yaml_get(root, "b")).len, 0);
    assert_int_equal(yaml_text(yaml_get(root, "c")).len, 0);
    assert_text(yaml_text(yaml_get(root, "f")), "true");
    assert_int_equal(yaml_text(NULL).len, 0);
    assert_non_null(yaml_text(NULL).data);
}

static void several_documents_without_the_empty_ones(void **state)
{
    (void)state;
    struct yaml_documents documents;
    struct err err;
    const char *text = "---\na: 1\n---\n---\nb: 2\n...\n---\n";
    assert_int_equal(yaml_parse(&documents, slice_from(text), &arena, &err), ERR_OK);
    assert_int_equal(documents.count, 2);
    assert_non_null(yaml_get(documents.roots[1], "b"));
    assert_int_equal(documents.roots[1]->line, 5);
    assert_int_equal(yaml_parse(&documents, slice_from("# nothing\n"), &arena, &err), ERR_OK);
    assert_int_equal(documents.count, 0);
    assert_int_equal(yaml_parse(&documents, slice_from(""), &arena, &err), ERR_OK);
    assert_int_equal(documents.count, 0);
}

static void anchors_aliases_and_tags_are_refused(void **state)
{
    (void)state;
    expect_error("a: &x 1\nb: 2\n", ERR_SYNTAX, 1, 4, "anchors and aliases");
    expect_error("a: 1\nb: *x\n", ERR_SYNTAX, 2, 4, "anchors and aliases");
    expect_error("a: !!str 1\n", ERR_SYNTAX, 1, 4, "tags");
    expect_error("a: &x [1]\n", ERR_SYNTAX, 1, 4, "anchors");
    expect_error("a: !x {b: c}\n", ERR_SYNTAX, 1, 4, "tags");
}

static void doubled_keys_are_refused(void **state)
{
    (void)state;
    expect_error("a: 1\nb: 2\na: 3\n", ERR_SYNTAX, 3, 1, "'a' is there twice");
    struct buf text = {0};
    for (int i = 0; i < 40; i++)
        buf_printf(&text, "key%d: 1\n", i);
    size_t without = text.len;
    for (int again = 0; again < 40; again += 13) {
        text.len = without;
        buf_printf(&text, "key%d: 2\n", again);
        expect_error(buf_text(&text), ERR_SYNTAX, 41, 1, "is there twice");
    }
    text.len = without;
    assert_int_equal(parse_one(buf_text(&text))->child_count, 40);
    buf_free(&text);
}

static void keys_must_be_text(void **state)
{
    (void)state;
    expect_error("? [a]\n: b\n", ERR_SYNTAX, 1, 3, "a key must be one text");
    assert_non_null(yaml_get(parse_one("4688: a\n"), "4688"));
}

static void mistakes_say_where_and_what(void **state)
{
    (void)state;
    expect_error("a: 1\n\tb: 2\n", ERR_SYNTAX, 2, 1, "tab");
    expect_error("a: %x\n", ERR_SYNTAX, 1, 4, "quotes");
    expect_error("a: 'x\n", ERR_SYNTAX, 2, 1, "quoted scalar");
    expect_error("a: [1\nb: 2\n", ERR_SYNTAX, 2, 2, "that began on line 1");
    expect_error("a: 1\nb: \xff\n", ERR_SYNTAX, 2, 4, "UTF-8");
}

static void depth_size_and_count_have_limits(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < YAML_DEPTH_MAX; i++)
        buf_char(&text, '[');
    for (int i = 0; i < YAML_DEPTH_MAX; i++)
        buf_char(&text, ']');
    assert_int_equal(parse_one(buf_text(&text))->kind, YAML_LIST);
    buf_clear(&text);
    for (int i = 0; i < 100000; i++)
        buf_char(&text, '[');
    expect_error(buf_text(&text), ERR_LIMIT, 1, YAML_DEPTH_MAX + 1, "levels");
    buf_clear(&text);
    buf_string(&text, "[");
    for (int i = 0; i < YAML_NODES_MAX; i++)
        buf_string(&text, "1,");
    buf_string(&text, "]");
    expect_error(buf_text(&text), ERR_LIMIT, 1, (uint32_t)YAML_NODES_MAX * 2, "more than");
    buf_clear(&text);
    buf_string(&text, "a: ");
    for (size_t i = 0; i < YAML_BYTES_MAX; i++)
        buf_char(&text, 'a');
    expect_error(buf_text(&text), ERR_LIMIT, 1, 1, "longer than");
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(maps_and_lists_keep_order_and_places, teardown),
        cmocka_unit_test_teardown(plain_scalars_get_core_types, teardown),
        cmocka_unit_test_teardown(quoted_scalars_are_text, teardown),
        cmocka_unit_test_teardown(text_of_what_is_no_scalar_is_empty, teardown),
        cmocka_unit_test_teardown(several_documents_without_the_empty_ones, teardown),
        cmocka_unit_test_teardown(anchors_aliases_and_tags_are_refused, teardown),
        cmocka_unit_test_teardown(doubled_keys_are_refused, teardown),
        cmocka_unit_test_teardown(keys_must_be_text, teardown),
        cmocka_unit_test_teardown(mistakes_say_where_and_what, teardown),
        cmocka_unit_test_teardown(depth_size_and_count_have_limits, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
