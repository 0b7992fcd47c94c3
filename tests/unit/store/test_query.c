/* Queries: what right ones mean, what wrong ones are told, limits, and that the engine of the rules
 * judges their filters. The lists are in tests/golden/query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "detection/match.h"
#include "formats/json.h"
#include "store/query.h"

static struct slice known_items[] = {{"Image", 5},         {"CommandLine", 11}, {"ParentImage", 11},
                                     {"EventID", 7},       {"User", 4},         {"bytes", 5},
                                     {"src_ip", 6},        {"dst_ip", 6},       {"message", 7},
                                     {"process.name", 12}, {"status", 6},       {"ThreatName", 10}};
static const struct slice_list known = {known_items, sizeof(known_items) / sizeof(*known_items)};

static struct clock_zone *zone;

static int setup(void **state)
{
    (void)state;
    return clock_zone_open(&zone, SLICE("+07:00"), NULL);
}

static int teardown(void **state)
{
    (void)state;
    clock_zone_close(&zone);
    return 0;
}

static struct query_options options_for(const struct slice_list *fields)
{
    return (struct query_options){.now_ns =
                                      clock_parse(SLICE("2026-11-22T10:36:00Z"), NULL, CLOCK_NONE),
                                  .zone = zone,
                                  .known_fields = fields};
}

static struct query *good(struct slice text)
{
    struct query_options options = options_for(NULL);
    struct query *query;
    struct err err;
    if (query_parse(&query, text, &options, &err))
        fail_msg("'%.*s': column %u: %s", (int)text.len, text.data, err.column, err.text);
    return query;
}

static int wrong(struct slice text, struct err *err)
{
    struct query_options options = options_for(&known);
    struct query *query;
    int rc = query_parse(&query, text, &options, err);
    if (rc == ERR_OK)
        fail_msg("'%.*s' is read", (int)text.len, text.data);
    assert_null(query);
    assert_int_equal(rc, err->code);
    return rc;
}

/* Calls visit with each line of a file of tests/golden/query that is no comment. */
static void each_line(const char *file, void (*visit)(struct slice line), uint32_t at_least)
{
    struct buf path = {0}, text = {0};
    uint32_t count = 0;
    buf_printf(&path, "%s/tests/golden/query/%s", CANH_SOURCE, file);
    assert_int_equal(io_read_file(&text, buf_text(&path), 1 << 20, NULL), ERR_OK);
    for (struct slice rest = buf_as_slice(&text); rest.len > 0;) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len == 0 || line.data[0] == '#')
            continue;
        visit(line);
        count++;
    }
    assert_true(count >= at_least);
    buf_free(&path);
    buf_free(&text);
}

static void judge_right(struct slice line)
{
    struct query_options options = options_for(&known);
    struct slice text = slice_cut(&line, '\t');
    struct buf found = {0};
    struct query *query;
    struct err err;
    if (query_parse(&query, text, &options, &err))
        fail_msg("'%.*s': column %u: %s", (int)text.len, text.data, err.column, err.text);
    query_describe(query, &found);
    if (!slice_equal(buf_as_slice(&found), line))
        fail_msg("'%.*s' means\n%s\nnot\n%.*s", (int)text.len, text.data, buf_text(&found),
                 (int)line.len, line.data);
    buf_free(&found);
    query_close(&query);
}

static void judge_wrong(struct slice line)
{
    struct slice text = slice_cut(&line, '\t'), column = slice_cut(&line, '\t');
    uint64_t number;
    struct err err;
    assert_true(slice_to_u64(column, &number));
    (void)wrong(text, &err);
    if (err.column != number || err.line != 1 ||
        slice_find(slice_from(err.text), line) == SLICE_NONE)
        fail_msg("'%.*s': column %u: %s", (int)text.len, text.data, err.column, err.text);
}

static void right_queries_mean_what_is_written(void **state)
{
    (void)state;
    each_line("right.tsv", judge_right, 100);
}

static void wrong_queries_are_told_where_and_why(void **state)
{
    (void)state;
    each_line("wrong.tsv", judge_wrong, 60);
}

/* Read from memory of its exact size, so that a look behind the end is seen. */
static void try_text(struct slice text)
{
    struct query_options options = options_for(NULL);
    struct query *query;
    struct err err;
    char *copy = mem_alloc(text.len);
    if (text.len)
        memcpy(copy, text.data, text.len);
    int rc = query_parse(&query, slice_make(copy, text.len), &options, &err);
    mem_free(copy);
    if (rc)
        assert_true(err.column >= 1 && err.column <= text.len + 1 && err.text[0]);
    query_close(&query);
}

static void cut_everywhere(struct slice line)
{
    struct slice text = slice_cut(&line, '\t');
    for (size_t i = 0; i <= text.len; i++) {
        try_text(slice_part(text, 0, i));
        try_text(slice_part(text, i, SIZE_MAX));
    }
}

static void every_part_of_a_query_is_read_or_refused(void **state)
{
    (void)state;
    each_line("right.tsv", cut_everywhere, 100);
    each_line("wrong.tsv", cut_everywhere, 60);
}

static void nothing_is_asked_by_an_empty_text(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(wrong(SLICE(""), &err), ERR_SYNTAX);
    assert_int_equal(wrong(SLICE(" \t\n"), &err), ERR_SYNTAX);
    assert_non_null(strstr(err.text, "* asks for every event"));
    assert_int_equal(wrong(SLICE("a\0b"), &err), ERR_SYNTAX);
    assert_int_equal(err.column, 2);
}

static void repeat(struct buf *out, const char *text, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++)
        buf_string(out, text);
}

static void limits_are_errors(void **state)
{
    (void)state;
    struct buf text = {0};
    struct err err;
    repeat(&text, "a", QUERY_BYTES_MAX + 1);
    assert_int_equal(wrong(buf_as_slice(&text), &err), ERR_LIMIT);
    buf_clear(&text);
    repeat(&text, "(", QUERY_DEPTH_MAX + 1);
    assert_int_equal(wrong(buf_as_slice(&text), &err), ERR_LIMIT);
    buf_clear(&text);
    repeat(&text, "NOT ", QUERY_DEPTH_MAX + 1);
    buf_string(&text, "a");
    assert_int_equal(wrong(buf_as_slice(&text), &err), ERR_LIMIT);
    buf_clear(&text);
    repeat(&text, "a ", QUERY_TERMS_MAX + 1);
    assert_int_equal(wrong(buf_as_slice(&text), &err), ERR_LIMIT);
    buf_clear(&text);
    buf_string(&text, "User:(a");
    repeat(&text, ",a", QUERY_VALUES_MAX);
    buf_string(&text, ")");
    assert_int_equal(wrong(buf_as_slice(&text), &err), ERR_LIMIT);
    buf_clear(&text);
    buf_string(&text, "*");
    repeat(&text, "|limit 1", QUERY_PIPES_MAX + 1);
    assert_int_equal(wrong(buf_as_slice(&text), &err), ERR_LIMIT);
    buf_free(&text);
}

static void what_stands_side_by_side_is_not_deep(void **state)
{
    (void)state;
    struct buf text = {0};
    repeat(&text, "NOT a (b) ", QUERY_DEPTH_MAX * 2);
    struct query *query = good(buf_as_slice(&text));
    assert_int_equal(query->filter->child_count, QUERY_DEPTH_MAX * 4);
    query_close(&query);
    buf_free(&text);
}

static uint32_t expr_depth(const struct expr *e)
{
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < e->child_count; i++) {
        uint32_t depth = expr_depth(e->children[i]);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

static void the_deepest_query_is_a_condition_that_rules_may_have(void **state)
{
    (void)state;
    struct buf text = {0};
    repeat(&text, "(a b OR c ", QUERY_DEPTH_MAX);
    buf_string(&text, "User|contains|neq|all:(x, y)");
    repeat(&text, ")", QUERY_DEPTH_MAX);
    struct query *query = good(buf_as_slice(&text));
    assert_true(expr_depth(query->filter) <= RULE_DEPTH_MAX);
    assert_true(expr_depth(query->filter) > QUERY_DEPTH_MAX);
    query_close(&query);
    buf_free(&text);
}

static bool has_field(const struct query *query, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < query->fields.count; i++)
        count += slice_equal(query->fields.items[i], slice_from(name));
    assert_true(count <= 1);
    return count == 1;
}

static void fields_that_are_asked_for_are_listed_once(void **state)
{
    (void)state;
    struct query *query = good(SLICE("a:1 b|fieldref:c NOT (a:2 OR _source:x) word | "
                                     "stats sum(d) by _time:1h, a | sort sum(d)"));
    assert_int_equal(query->fields.count, 6);
    assert_true(has_field(query, "a") && has_field(query, "b") && has_field(query, "c"));
    assert_true(has_field(query, "_source") && has_field(query, "d") && has_field(query, "_time"));
    assert_true(query->asks_keywords && query->asks_meta);
    assert_int_equal(query->columns.count, 3);
    assert_true(slice_equal(query->columns.items[0], SLICE("_time")));
    query_close(&query);
    query = good(SLICE("a:1 | fields -b"));
    assert_false(query->asks_keywords || query->asks_meta);
    assert_int_equal(query->columns.count, 0);
    assert_int_equal(query->hidden.count, 1);
    query_close(&query);
}

static void without_known_fields_any_name_is_accepted(void **state)
{
    (void)state;
    struct query *query = good(SLICE("frobnicated:1 | top 3 other"));
    assert_true(has_field(query, "frobnicated") && has_field(query, "other"));
    query_close(&query);
}

/* --- filters through the engine of the rules --- */

static bool holds_by(const char *text, const char *json, bool plain)
{
    struct query *query = good(slice_from(text));
    struct rule rule = {.kind = RULE_DETECTION, .condition = query->filter};
    struct rule_list rules = {0};
    struct mapping_set *mappings = mapping_set_open();
    struct ruleset_options options = {.jit = true, .plain = plain};
    struct ruleset *set;
    struct record record = {0};
    const uint32_t *found;
    rule_list_add(&rules, &rule);
    assert_non_null(query->filter);
    assert_int_equal(ruleset_open(&set, &rules, mappings, &options, NULL), ERR_OK);
    struct matcher *matcher = matcher_open(set);
    assert_int_equal(json_parse_record(&record, slice_from(json), NULL), ERR_OK);
    bool yes = matcher_run(matcher, &record, &found) == 1;
    matcher_close(&matcher);
    ruleset_close(&set);
    mapping_set_close(&mappings);
    record_free(&record);
    rule_list_free(&rules);
    query_close(&query);
    return yes;
}

static bool holds(const char *text, const char *json)
{
    bool yes = holds_by(text, json, false);
    assert_int_equal(holds_by(text, json, true), yes);
    return yes;
}

#define EVENT                                                                                      \
    "{\"Image\":\"C:\\\\Windows\\\\System32\\\\cmd.exe\",\"bytes\":1500,\"User\":\"Bob\","         \
    "\"src_ip\":\"10.1.2.3\",\"message\":\"Đăng nhập thất bại: sai mật khẩu\",\"empty\":null}"

static void filters_are_judged_as_rules_are(void **state)
{
    (void)state;
    assert_true(holds("Image:*\\cmd.exe", EVENT));
    assert_true(holds("Image|endswith:\"\\\\CMD.exe\" User:bob", EVENT));
    assert_false(holds("Image|endswith:cmd.exe NOT User:bob", EVENT));
    assert_true(holds("User:(alice OR bob) bytes:[1500 TO 1600]", EVENT));
    assert_false(holds("bytes:(1500 TO 1600]", EVENT));
    assert_true(holds("src_ip|cidr:10.0.0.0/8 AND bytes:>1e3", EVENT));
    assert_true(holds("system32 \"thất bại\"", EVENT));
    assert_false(holds("User", EVENT)); /* names are no free text */
    assert_true(holds("missing:x OR User|re:\"^B\"", EVENT));
    assert_true(holds("User:* NOT missing:* empty:*", EVENT));
    assert_true(holds("empty:null missing:null", EVENT));
}

static void unaccented_text_is_found_with_and_without_diacritics(void **state)
{
    (void)state;
    assert_true(holds("unaccented(\"mat khau\")", EVENT));
    assert_true(holds("unaccented(\"MẬT KHẨU\")", EVENT));
    assert_true(holds("_any|unaccented:\"dang nhap\"", EVENT));
    assert_true(holds("message|contains|unaccented:\"that bai\"", EVENT));
    assert_true(holds("message|startswith|unaccented:Dang", EVENT));
    assert_true(holds("message|unaccented:\"*dang*khau\"", EVENT));
    assert_false(holds("message|unaccented:\"dang nhap\"", EVENT));
    assert_false(holds("message|contains:\"mat khau\"", EVENT));
    assert_false(holds("\"mat khau\"", EVENT));
    /* the event without, the query with; and letters of the other composition */
    assert_true(holds("m|unaccented:\"đăng nhập\"", "{\"m\":\"dang nhap\"}"));
    assert_true(holds("unaccented(dang)", "{\"m\":\"\\u0111a\\u0306ng\"}"));
    assert_true(holds("NOT unaccented(khac)", EVENT));
    assert_true(holds("unaccented(cmd, khac) m:null", EVENT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_queries_mean_what_is_written),
        cmocka_unit_test(wrong_queries_are_told_where_and_why),
        cmocka_unit_test(every_part_of_a_query_is_read_or_refused),
        cmocka_unit_test(nothing_is_asked_by_an_empty_text),
        cmocka_unit_test(limits_are_errors),
        cmocka_unit_test(what_stands_side_by_side_is_not_deep),
        cmocka_unit_test(the_deepest_query_is_a_condition_that_rules_may_have),
        cmocka_unit_test(fields_that_are_asked_for_are_listed_once),
        cmocka_unit_test(without_known_fields_any_name_is_accepted),
        cmocka_unit_test(filters_are_judged_as_rules_are),
        cmocka_unit_test(unaccented_text_is_found_with_and_without_diacritics),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
