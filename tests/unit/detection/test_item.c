/* Items outside rules: the same as items of rules, and what is said of wrong ones. */
#include "detection/item.h"
#include "sigma_case.h"

static struct arena arena;
static struct item_reader *reader;

static int setup(void **state)
{
    (void)state;
    arena = (struct arena){0};
    reader = item_reader_open(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    item_reader_close(&reader);
    arena_free(&arena);
    return 0;
}

static struct expr *read_item(const char *key, const struct item_value *values, uint32_t count)
{
    struct expr *e;
    struct err err;
    if (item_read(reader, slice_from(key), 1, values, count, &e, &err))
        fail_msg("%s: %s", key, err.text);
    return e;
}

static void assert_reads(const char *key, const char *value, bool quoted, const char *meaning)
{
    struct item_value one = {.text = slice_from(value), .quoted = quoted, .column = 9};
    struct expr *e = read_item(key, &one, 1);
    struct buf text = {0};
    if (e->kind == EXPR_NOT) {
        buf_string(&text, "NOT ");
        e = e->children[0];
    }
    assert_int_equal(e->kind, EXPR_PREDICATE);
    predicate_describe(e->predicate, &text);
    assert_string_equal(buf_text(&text), meaning);
    buf_free(&text);
}

static void assert_refuses(const char *key, const char *value, uint32_t column, const char *part)
{
    struct item_value one = {.text = slice_from(value), .column = 9};
    struct expr *e;
    struct err err;
    assert_int_equal(item_read(reader, slice_from(key), 3, &one, 1, &e, &err), ERR_SYNTAX);
    assert_null(e);
    assert_int_equal(err.column, column);
    if (!strstr(err.text, part))
        fail_msg("%s lacks %s", err.text, part);
}

static void items_mean_what_they_mean_in_rules(void **state)
{
    (void)state;
    assert_reads("A", "Bob", false, "A: 'bob'");
    assert_reads("A", "4625", false, "A: 4625");
    assert_reads("A", "4625", true, "A: '4625'");
    assert_reads("A", "null", false, "A: null");
    assert_reads("A", "null", true, "A: 'null'");
    assert_reads("A b|endswith", "\\x", false, "Ab|endswith: '\\x'");
    assert_reads("A|neq", "x*", false, "NOT A|startswith: 'x'");
    assert_reads("|contains", "x", true, "keyword: 'x'");
    assert_reads("A|unaccented", "Đỏ", true, "A|unaccented: 'do'");
    assert_reads("A|unaccented", "7", false, "A: 7");
}

static void values_are_joined(void **state)
{
    (void)state;
    struct item_value two[] = {{.text = SLICE("a")}, {.text = SLICE("b")}};
    struct expr *e = read_item("A|contains", two, 2);
    assert_true(e->kind == EXPR_OR && e->child_count == 2);
    e = read_item("A|contains|all", two, 2);
    assert_true(e->kind == EXPR_AND && e->child_count == 2);
}

static void wrong_items_say_where(void **state)
{
    (void)state;
    assert_refuses("A|frob", "x", 3, "no modifier 'frob'");
    assert_refuses("A|gt", "x", 9, "needs a number");
    assert_refuses("A|re", "(", 9, "regular expression");
    assert_refuses("A|cased|unaccented", "x", 3, "cannot stand with");
    assert_refuses("A|base64|unaccented", "x", 3, "cannot stand with");
    assert_refuses("A|expand", "%x%", 3, "no modifier 'expand'");
    assert_reads("A", "x", false, "A: 'x'"); /* the next is read as if nothing had been */
}

static void rules_do_not_know_what_only_queries_offer(void **state)
{
    (void)state;
    item_refuses("A|unaccented: x", "unknown-modifier", "docs/sigma.md");
}

static void all_items_of_a_reader_share_their_limit(void **state)
{
    (void)state;
    struct item_value many[1000];
    struct expr *e;
    struct err err;
    int rc = ERR_OK;
    uint32_t read = 0;
    for (uint32_t i = 0; i < 1000; i++)
        many[i] = (struct item_value){.text = SLICE("x")};
    for (; rc == ERR_OK && read < 100; read++)
        rc = item_read(reader, SLICE("A"), 1, many, 1000, &e, &err);
    assert_int_equal(rc, ERR_SYNTAX);
    assert_int_equal(read, RULE_PREDICATES_MAX / 1000 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(items_mean_what_they_mean_in_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_joined, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_items_say_where, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_do_not_know_what_only_queries_offer, setup, teardown),
        cmocka_unit_test_setup_teardown(all_items_of_a_reader_share_their_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
