#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "detection/stix_pattern.h"

/* one observation of one object of type t */
#define ONE(members)                                                                               \
    "{\"type\":\"observed-data\",\"first_observed\":\"2026-01-01T00:00:00Z\",\"last_observed\":"   \
    "\"2026-01-01T00:00:00Z\",\"number_observed\":1,\"objects\":{\"0\":{\"type\":\"t\"," members   \
    "}}}"
/* an object of type t with name, seen from second FIRST to second LAST, COUNT times */
#define SEEN(name, first, last, count)                                                             \
    "{\"type\":\"observed-data\",\"first_observed\":\"2026-01-01T00:00:" first                     \
    "Z\",\"last_observed\":\"2026-01-01T00:00:" last "Z\",\"number_observed\":" count              \
    ",\"objects\":{\"0\":{\"type\":\"t\",\"name\":\"" name "\"}}}"

static int match(const char *pattern, const char *observed, bool *match, struct err *err)
{
    struct stix_pattern *p;
    struct stix_observations *o;
    int code = stix_pattern_open(&p, slice_from(pattern), STIX_2_1, err);
    if (code)
        return code;
    code = stix_observations_open(&o, slice_from(observed), err);
    if (code == ERR_OK)
        code = stix_pattern_match(p, o, match, err);
    stix_observations_close(&o);
    stix_pattern_close(&p);
    return code;
}

static void assert_match(const char *pattern, const char *observed, bool expected)
{
    struct err err;
    bool found = !expected;
    if (match(pattern, observed, &found, &err) != ERR_OK)
        fail_msg("%s: %s", pattern, err.text);
    if (found != expected)
        fail_msg("%s: found %d", pattern, found);
}

struct expectation {
    const char *pattern;
    bool match;
};

static void assert_all(const struct expectation *rows, size_t count, const char *observed)
{
    for (size_t i = 0; i < count; i++)
        assert_match(rows[i].pattern, observed, rows[i].match);
}
#define ASSERT_ALL(rows, observed) assert_all(rows, sizeof(rows) / sizeof((rows)[0]), observed)

static void assert_refused(const char *pattern, int code, uint32_t column)
{
    struct err err;
    struct stix_pattern *p;
    int got = stix_pattern_open(&p, slice_from(pattern), STIX_2_1, &err);
    stix_pattern_close(&p);
    if (got != code)
        fail_msg("%s: code %d", pattern, got);
    if (column > 0 && err.column != column)
        fail_msg("%s: column %u: %s", pattern, err.column, err.text);
}

static void each_comparison_means_what_the_standard_says(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"[t:i = 5]", true},
        {"[t:i == 5]", true},
        {"[t:i = 5.0]", true},
        {"[t:i = +5]", true},
        {"[t:i != 5]", false},
        {"[t:i <> 6]", true},
        {"[t:i NOT = 5]", false},
        {"[t:i > 4.5]", true},
        {"[t:i >= 5]", true},
        {"[t:i < 5]", false},
        {"[t:i <= 5]", true},
        {"[t:i < .5]", false},
        {"[t:n = -2.5]", true},
        {"[t:big = 9007199254740993]", true},
        {"[t:big = 9007199254740992]", false},
        {"[t:i IN (1, 5.0, 7)]", true},
        {"[t:i NOT IN (1, 7)]", true},
        {"[t:i IN ()]", false},
        {"[t:i NOT IN ()]", true},
        {"[t:yes = true]", true},
        {"[t:yes = 1]", false},
        {"[t:s LIKE 'he%']", true},
        {"[t:s LIKE '_el_o']", true},
        {"[t:s LIKE 'ell']", false},
        {"[t:s LIKE 'HE%']", false},
        {"[t:s NOT LIKE 'x%']", true},
        {"[t:s MATCHES 'l+']", true},
        {"[t:s MATCHES '^l']", false},
        {"[t:s NOT MATCHES '^l']", true},
        {"[t:s MATCHES '']", true},
        {"[t:s > 'hallo']", true},
    };
    const char *observed = ONE("\"i\":5,\"n\":-2.5,\"big\":9007199254740993,\"yes\":true,"
                               "\"s\":\"hello\",\"none\":null");
    ASSERT_ALL(rows, observed);
}

static void types_that_differ_are_unequal_and_in_no_order(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"[t:i = '5']", false},
        {"[t:i != '5']", true},
        {"[t:i < '6']", false},
        {"[t:i NOT < '6']", false},
        {"[t:i LIKE '5']", false},
        {"[t:i NOT LIKE '5']", true},
        {"[t:i ISSUBSET '0.0.0.0/0']", false},
        {"[t:none = 'x']", false},
        {"[t:none != 'x']", true},
        {"[t:none < 'x']", false},
        {"[t:list = 'a']", false},
        {"[t:absent != 'x']", false},
        {"[t:absent NOT = 'x']", false},
        {"[t:i = t'2026-01-01T00:00:00Z']", false},
    };
    ASSERT_ALL(rows, ONE("\"i\":5,\"none\":null,\"list\":[\"a\"]"));
}

static void networks_hold_addresses_and_networks(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"[t:ip ISSUBSET '192.0.2.0/24']", true},
        {"[t:ip ISSUBSET '192.0.2.7']", true},
        {"[t:ip ISSUBSET '198.51.100.0/24']", false},
        {"[t:ip NOT ISSUBSET '198.51.100.0/24']", true},
        {"[t:net ISSUPERSET '192.0.2.128/25']", true},
        {"[t:net ISSUPERSET '192.0.0.0/16']", false},
        {"[t:net ISSUBSET '192.0.0.0/16']", true},
        {"[t:six ISSUBSET '2001:db8::/32']", true},
        {"[t:word ISSUBSET '192.0.2.0/24']", false},
    };
    ASSERT_ALL(rows, ONE("\"ip\":\"192.0.2.7\",\"net\":\"192.0.2.0/24\",\"six\":\"2001:db8::1\","
                         "\"word\":\"hello\""));
    assert_refused("[t:ip ISSUBSET 'hello']", ERR_SYNTAX, 16);
}

static void names_ending_in_hex_and_bin_hold_bytes(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"[t:a_hex = h'616c696365']", true},
        {"[t:a_hex = b'YWxpY2U=']", true},
        {"[t:a_bin = h'616C696365']", true},
        {"[t:a_bin = 'alice']", true},
        {"[t:a_hex != h'00']", true},
        {"[t:a_hex MATCHES '\\\\x6c']", true},
        {"[t:high_hex MATCHES '^\\\\xd4\\\\xc3$']", true},
        {"[t:high_hex = '\xc3\x94\xc3\x83']", true},
        {"[t:a_hex LIKE 'al%']", true},
        {"[t:a_hex > '\xc4\x83']", false},
        {"[t:a_hex < '\xc4\x83']", false},
        {"[t:bad_hex = 'zz']", true},
        {"[t:plain = h'616c']", true},
    };
    ASSERT_ALL(rows, ONE("\"a_hex\":\"616c696365\",\"a_bin\":\"YWxpY2U=\",\"high_hex\":\"d4c3\","
                         "\"bad_hex\":\"zz\",\"plain\":\"al\""));
}

static void times_are_compared_as_times(void **state)
{
    (void)state;
    const char *observed =
        ONE("\"at\":\"2026-02-28T23:59:59.5Z\",\"bad\":\"2026-02-30T00:00:00Z\"");
    static const struct expectation rows[] = {
        {"[t:at = t'2026-02-28T23:59:59.500Z']", true},
        {"[t:at < t'2026-02-28T23:59:59.500000001Z']", true},
        {"[t:at > t'0001-01-01T00:00:00Z']", true},
        {"[t:at < t'9999-12-31T23:59:60Z']", true},
        {"[t:at IN (t'2026-02-28T23:59:59.5Z')]", true},
    };
    struct err err;
    bool found;
    ASSERT_ALL(rows, observed);
    assert_int_equal(match("[t:bad = t'2026-02-28T00:00:00Z']", observed, &found, &err),
                     ERR_SYNTAX);
    assert_refused("[t:at = t'2026-02-30T00:00:00Z']", ERR_SYNTAX, 9);
    assert_refused("[t:at = t'2026-02-28t00:00:00Z']", ERR_SYNTAX, 9);
    assert_refused("[t:at = t'2026-02-28T00:00:00+00:00']", ERR_SYNTAX, 9);
    assert_refused("[t:at = t'2026-02-28T00:00:00.Z']", ERR_SYNTAX, 9);
}

static void like_and_matches_compare_composed_forms_and_equality_code_points(void **state)
{
    (void)state;
    static const struct expectation rows[] = {
        {"[t:s = 'e\xcc\x81']", true},         {"[t:s = '\xc3\xa9']", false},
        {"[t:s LIKE '\xc3\xa9']", true},       {"[t:s LIKE '_']", true},
        {"[t:s LIKE 'e\xcc\x81']", true},      {"[t:s MATCHES '^\xc3\xa9$']", true},
        {"[t:s MATCHES '^e\xcc\x81$']", true}, {"[t:s IN ('\xc3\xa9')]", false},
    };
    ASSERT_ALL(rows, ONE("\"s\":\"e\\u0301\""));
}

static void paths_go_through_keys_lists_and_references(void **state)
{
    (void)state;
    static const char observed[] =
        "[{\"type\":\"bundle\",\"objects\":[{\"type\":\"observed-data\",\"first_observed\":"
        "\"2026-01-01T00:00:00Z\",\"last_observed\":\"2026-01-01T00:00:00Z\",\"number_observed\":1,"
        "\"object_refs\":[\"file--1\",\"dir--1\",\"gone--1\"]},"
        "{\"type\":\"file\",\"id\":\"file--1\",\"hashes\":{\"SHA-256\":\"ab\",\"MD5\":\"cd\"},"
        "\"parent_ref\":\"dir--1\",\"extensions\":{\"pe-ext\":{\"sections\":[{\"entropy\":1},"
        "{\"entropy\":7.5}]}},\"lost_ref\":\"gone--1\",\"it's\":1},"
        "{\"type\":\"directory\",\"id\":\"dir--1\",\"path\":\"/tmp\",\"contains_refs\":"
        "[\"file--1\",\"other--1\"]},"
        "{\"type\":\"other\",\"id\":\"other--1\",\"name\":\"not referred to\"}]}]";
    static const struct expectation rows[] = {
        {"[file:hashes.'SHA-256' = 'ab']", true},
        {"[file:hashes.MD5 = 'cd']", true},
        {"[file:hashes[*] = 'cd']", true},
        {"[file:'it\\'s' = 1]", true},
        {"[file:extensions.'pe-ext'.sections[*].entropy > 7.0]", true},
        {"[file:extensions.'pe-ext'.sections[0].entropy > 7.0]", false},
        {"[file:extensions.'pe-ext'.sections[1].entropy > 7.0]", true},
        {"[file:extensions.'pe-ext'.sections[2].entropy > 0]", false},
        {"[file:parent_ref.path = '/tmp']", true},
        {"[file:parent_ref.contains_refs[*].hashes.MD5 = 'cd']", true},
        {"[file:parent_ref.contains_refs[*].name = 'not referred to']", true},
        {"[file:parent_ref = 'dir--1']", true},
        {"[file:lost_ref.name = 'x']", false},
        {"[other:name = 'not referred to']", false},
        {"[EXISTS file:hashes]", true},
        {"[EXISTS file:size]", false},
        {"[NOT EXISTS file:size]", true},
        {"[NOT EXISTS file:hashes]", false},
    };
    ASSERT_ALL(rows, observed);
    assert_refused("[file:hashes.SHA-256 = 'ab']", ERR_SYNTAX, 14);
    assert_refused("[file:a[-1] = 1]", ERR_SYNTAX, 9);
}

static void terms_of_one_bracket_hold_on_one_object(void **state)
{
    (void)state;
    static const char observed[] =
        "{\"type\":\"observed-data\",\"objects\":{\"0\":{\"type\":\"t\",\"name\":\"a\",\"age\":1},"
        "\"1\":{\"type\":\"t\",\"name\":\"b\",\"age\":2},\"2\":{\"type\":\"u\",\"name\":\"a\"}}}";
    static const struct expectation rows[] = {
        {"[t:name = 'a' AND t:age = 1]", true},
        {"[t:name = 'a' AND t:age = 2]", false},
        {"[t:name = 'a' AND u:name = 'a']", false},
        {"[t:name = 'a' OR t:age = 9 AND t:age = 8]", true},
        {"[(t:name = 'a' OR t:age = 9) AND t:age = 8]", false},
        {"[t:name = 'a'] AND [t:name = 'b']", false}, /* there is one observation only */
    };
    ASSERT_ALL(rows, observed);
}

static void operators_between_brackets_have_their_precedence(void **state)
{
    (void)state;
    const char *observed = "[" SEEN("a", "10", "10", "1") "," SEEN("b", "20", "20", "1") "," SEEN(
        "c", "30", "30", "1") "]";
    static const struct expectation rows[] = {
        {"[t:name='a'] AND [t:name='b']", true},
        {"[t:name='a'] AND [t:name='x']", false},
        {"[t:name='a'] AND [t:name='a']", false},
        {"[t:name='a'] OR [t:name='x'] AND [t:name='y']", true},
        {"([t:name='a'] OR [t:name='x']) AND [t:name='y']", false},
        {"[t:name='a'] FOLLOWEDBY [t:name='b']", true},
        {"[t:name='b'] FOLLOWEDBY [t:name='a']", false},
        {"[t:name='a'] FOLLOWEDBY [t:name='b'] FOLLOWEDBY [t:name='c']", true},
        {"[t:name='a'] FOLLOWEDBY ([t:name='c'] FOLLOWEDBY [t:name='b'])", false},
        {"[t:name='a'] OR [t:name='b'] FOLLOWEDBY [t:name='x']", false},
        {"[t:name='a'] OR ([t:name='b'] FOLLOWEDBY [t:name='x'])", true},
        {"[t:name='c'] FOLLOWEDBY [t:name='b'] AND [t:name='a']", false},
        {"([t:name='c'] OR [t:name='a']) FOLLOWEDBY [t:name='b']", true},
    };
    ASSERT_ALL(rows, observed);
}

static void qualifiers_bound_times_and_counts(void **state)
{
    (void)state;
    const char *observed = "[" SEEN("a", "10", "10", "2") "," SEEN("b", "15", "15", "1") "," SEEN(
        "a", "30", "40", "1") "]";
    static const struct expectation rows[] = {
        {"[t:name='a'] REPEATS 3 TIMES", true},
        {"[t:name='a'] REPEATS 4 TIMES", false},
        {"[t:name='a'] REPEATS 99999999999999 TIMES", false},
        {"[t:name='a'] REPEATS 3 TIMES WITHIN 20 SECONDS", true},
        {"[t:name='a'] REPEATS 3 TIMES WITHIN 19.999 SECONDS", false},
        {"([t:name='a'] AND [t:name='b']) WITHIN 5 SECONDS", true},
        {"([t:name='a'] AND [t:name='b']) WITHIN 4.9999 SECONDS", false},
        {"[t:name='a'] AND [t:name='b'] WITHIN 1 SECONDS", true},
        {"[t:name='b'] START t'2026-01-01T00:00:15Z' STOP t'2026-01-01T00:00:16Z'", true},
        {"[t:name='b'] START t'2026-01-01T00:00:14Z' STOP t'2026-01-01T00:00:15Z'", false},
        {"[t:name='b'] START t'2026-01-01T00:00:16Z' STOP t'2026-01-01T00:00:14Z'", false},
        {"[t:name='a'] START t'2026-01-01T00:00:35Z' STOP t'2026-01-01T00:00:36Z'", true},
        {"([t:name='a'] OR [t:name='b']) REPEATS 4 TIMES", true},
        {"([t:name='a'] OR [t:name='b']) REPEATS 5 TIMES", false},
        {"([t:name='a'] REPEATS 2 TIMES OR [t:name='b']) REPEATS 2 TIMES", true},
        {"([t:name='a'] REPEATS 2 TIMES OR [t:name='b']) REPEATS 3 TIMES", false},
        {"([t:name='a'] REPEATS 3 TIMES AND [t:name='b']) WITHIN 20 SECONDS", true},
        {"[t:name='a'] REPEATS 2 TIMES AND [EXISTS t:name] REPEATS 2 TIMES", true},
        {"[EXISTS t:name] REPEATS 2 TIMES AND [t:name='a'] REPEATS 2 TIMES AND [t:name='b']",
         false},
        {"[EXISTS t:name] REPEATS 1 TIMES AND [t:name='a'] REPEATS 2 TIMES AND [t:name='b']", true},
        {"([t:name='a'] FOLLOWEDBY [t:name='b']) WITHIN 5 SECONDS REPEATS 1 TIMES", true},
        {"([t:name='a'] FOLLOWEDBY [EXISTS t:name]) REPEATS 2 TIMES", true},
        {"([t:name='b'] FOLLOWEDBY [EXISTS t:name]) REPEATS 2 TIMES", false},
    };
    ASSERT_ALL(rows, observed);
}

static void the_left_side_of_followedby_ends_before_the_right_one_begins(void **state)
{
    (void)state;
    const char *observed = "[" SEEN("a", "10", "20", "1") "," SEEN("b", "15", "30", "1") "," SEEN(
        "c", "20", "30", "1") "]";
    static const struct expectation rows[] = {
        {"[t:name='a'] FOLLOWEDBY [t:name='b']", false},
        {"[t:name='a'] FOLLOWEDBY [t:name='c']", true},
        {"[t:name='b'] FOLLOWEDBY [t:name='c']", false},
        {"[t:name='a'] FOLLOWEDBY ([t:name='b'] OR [t:name='c'])", true},
        {"[t:name='a'] FOLLOWEDBY ([t:name='b'] AND [t:name='c'])", false},
    };
    ASSERT_ALL(rows, observed);
}

static void what_lacks_times_or_observed_data_can_still_match(void **state)
{
    (void)state;
    static const char observed[] =
        "[{\"type\":\"t\",\"id\":\"t--1\",\"name\":\"a\"},"
        "{\"type\":\"t\",\"id\":\"t--2\",\"name\":\"b\",\"x_ref\":\"t--1\"}]";
    static const struct expectation rows[] = {
        {"[t:name = 'a']", true},
        {"[t:name = 'a'] AND [t:name = 'b']", true},
        {"[t:x_ref.name = 'a']", true},
        {"[t:name = 'a'] WITHIN 5 SECONDS", true},
        {"([t:name = 'a'] AND [t:name = 'b']) WITHIN 5 SECONDS", false},
        {"[t:name = 'a'] FOLLOWEDBY [t:name = 'b']", false},
        {"[t:name = 'a'] START t'2000-01-01T00:00:00Z' STOP t'3000-01-01T00:00:00Z'", false},
    };
    ASSERT_ALL(rows, observed);
    assert_match("[t:name = 'a']", "[]", false);
    assert_match("[t:name = 'a']", "null", false);
}

static void wrong_observations_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"type\":",
        "",
        "{\"type\":\"observed-data\",\"objects\":{},\"number_observed\":0}",
        "{\"type\":\"observed-data\",\"objects\":{},\"number_observed\":\"1\"}",
        "{\"type\":\"observed-data\",\"objects\":{},\"first_observed\":\"yesterday\"}",
        ("{\"type\":\"observed-data\",\"objects\":{},\"first_observed\":\"2026-01-02T00:00:00Z\","
         "\"last_observed\":\"2026-01-01T00:00:00Z\"}"),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct err err;
        bool found;
        assert_int_equal(match("[t:name = 'a']", wrong[i], &found, &err), ERR_SYNTAX);
        assert_true(strlen(err.text) > 0);
    }
}

static void wrong_patterns_are_refused_at_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        uint32_t column;
    } rows[] = {
        {"", 1},
        {"t:a = 1", 1},
        {"[t:a = 1", 9},
        {"[t:a 1]", 6},
        {"[t:a = ]", 8},
        {"[t:a = 1]]", 10},
        {"[t:a = 1] [t:a = 1]", 11},
        {"[t:a = 'x]", 8},
        {"[t:a = 'x\\n']", 10},
        {"[t:a = 007]", 8},
        {"[t:a = null]", 8},
        {"[t:a < true]", 8},
        {"[t:a LIKE 5]", 11},
        {"[t:a MATCHES '(']", 0},
        {"[t:a = h'123']", 8},
        {"[t:a = b'====']", 8},
        {"[t:a IN (1, 'a')]", 13},
        {"[t:a IN (1,)]", 12},
        {"[NOT t:a = 1]", 6},
        {"[t:a = 1] REPEATS 0 TIMES", 19},
        {"[t:a = 1] REPEATS -1 TIMES", 19},
        {"[t:a = 1] REPEATS 1.5 TIMES", 19},
        {"[t:a = 1] WITHIN 0 SECONDS", 18},
        {"[t:a = 1] WITHIN 1 HOURS", 20},
        {"[t:a = 1] within 1 SECONDS", 11},
        {"[t:a = 1] WITHIN 1 SECONDS WITHIN 2 SECONDS", 28},
        {"[t:a = 1] START t'2026-01-01T00:00:00Z'", 40},
        {"[t:a = 1] START '2026-01-01T00:00:00Z' STOP '2026-01-01T00:00:00Z'", 17},
        {"[t:a = '\xff']", 9},
        {"[t:a = 1] /* open", 11},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_refused(rows[i].pattern, ERR_SYNTAX, rows[i].column);
}

static void version_2_0_has_plain_strings_for_start_and_stop(void **state)
{
    (void)state;
    static const char plain[] = "[t:a=1] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'";
    struct stix_pattern *p;
    assert_int_equal(stix_pattern_open(&p, slice_from(plain), STIX_2_0, NULL), ERR_OK);
    stix_pattern_close(&p);
    assert_int_equal(stix_pattern_open(&p, slice_from(plain), STIX_2_1, NULL), ERR_SYNTAX);
    assert_null(p);
}

static void blanks_and_comments_stand_between_all_parts(void **state)
{
    (void)state;
    assert_match("\n( [ t : name/* it */=\xc2\xa0'a'\t] // end\n ) REPEATS\n1 TIMES",
                 SEEN("a", "10", "10", "1"), true);
    assert_match("[t:name IN('a','b')]", SEEN("a", "10", "10", "1"), true);
    assert_match("[t:name MATCHES'a']", SEEN("a", "10", "10", "1"), true);
}

static void strict_refuses_a_second_repeats(void **state)
{
    (void)state;
    struct stix_pattern *p;
    struct err err;
    assert_match("[t:name='a'] REPEATS 2 TIMES REPEATS 2 TIMES", SEEN("a", "10", "10", "4"), true);
    assert_match("[t:name='a'] REPEATS 2 TIMES REPEATS 2 TIMES", SEEN("a", "10", "10", "3"), false);
    assert_int_equal(
        stix_pattern_open(&p, SLICE("[t:a=1] REPEATS 2 TIMES REPEATS 2 TIMES"), STIX_2_1, &err), 0);
    assert_int_equal(stix_pattern_strict(p, &err), ERR_SYNTAX);
    assert_int_equal(err.column, 25);
    stix_pattern_close(&p);
    assert_int_equal(
        stix_pattern_open(&p, SLICE("([t:a=1] REPEATS 2 TIMES) REPEATS 2 TIMES"), STIX_2_1, &err),
        0);
    assert_int_equal(stix_pattern_strict(p, &err), ERR_OK);
    stix_pattern_close(&p);
}

static void repeat_text(struct buf *out, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_string(out, text);
}

static void limits_are_said(void **state)
{
    (void)state;
    struct buf b = {0};
    repeat_text(&b, "(", STIX_PATTERN_DEPTH_MAX + 1);
    assert_refused(buf_text(&b), ERR_LIMIT, STIX_PATTERN_DEPTH_MAX + 1);
    buf_clear(&b);
    repeat_text(&b, "[t:a=1]OR", STIX_PATTERN_BYTES_MAX / 9);
    assert_refused(buf_text(&b), ERR_LIMIT, 0);
    buf_clear(&b);
    buf_string(&b, "[t:a");
    repeat_text(&b, ".a", 100);
    assert_refused(buf_text(&b), ERR_LIMIT, 0);
    buf_clear(&b);
    repeat_text(&b, " ", STIX_PATTERN_BYTES_MAX + 1);
    assert_refused(buf_text(&b), ERR_LIMIT, 0);
    buf_clear(&b);
    buf_string(&b, "[t:a=1]");
    repeat_text(&b, " REPEATS 1 TIMES", 100);
    assert_refused(buf_text(&b), ERR_LIMIT, 0);
    buf_free(&b);
}

/* Pairs of neighbours, each with its own window: no order of time rules most of the combinations
 * out, so that the engine has to stop by its own count. */
static void too_many_combinations_are_said_and_not_tried(void **state)
{
    (void)state;
    struct buf b = {0};
    struct err err;
    bool found = true;
    buf_char(&b, '[');
    for (unsigned i = 0; i < 60; i++)
        buf_printf(
            &b,
            "%s{\"type\":\"observed-data\",\"objects\":{\"0\":{\"type\":\"t\",\"name\":\"%c\"}},"
            "\"first_observed\":\"2026-01-01T00:00:%02uZ\"}",
            i ? "," : "", i % 3 == 0 ? 'a' : 'b', i);
    buf_char(&b, ']');
    int code = match("(([t:name='a'] FOLLOWEDBY [t:name='b']) WITHIN 1 SECONDS OR "
                     "([t:name='b'] FOLLOWEDBY [t:name='a']) WITHIN 1 SECONDS) REPEATS 25 TIMES",
                     buf_text(&b), &found, &err);
    assert_int_equal(code, ERR_LIMIT);
    assert_false(found);
    buf_free(&b);
}

static void regex_that_backtracks_without_end_is_said(void **state)
{
    (void)state;
    struct err err;
    bool found = true;
    int code = match("[t:s MATCHES '^(a+)+$']",
                     ONE("\"s\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""),
                     &found, &err);
    assert_int_equal(code, ERR_LIMIT);
    assert_false(found);
}

static void term_print(void *context, const struct stix_term *term)
{
    buf_printf(context, "%.*s|%.*s|%.*s%s;", (int)term->type.len, term->type.data,
               (int)term->path.len, term->path.data, (int)term->value.len, term->value.data,
               term->network ? "|network" : "");
}

static void assert_values(const char *pattern, bool all, const char *expected)
{
    struct stix_pattern *p;
    struct buf shown = {0};
    assert_int_equal(stix_pattern_open(&p, slice_from(pattern), STIX_2_1, NULL), ERR_OK);
    bool got = stix_pattern_values(p, term_print, &shown);
    assert_string_equal(buf_text(&shown), expected);
    if (got != all)
        fail_msg("%s: all is %d", pattern, got);
    buf_free(&shown);
    stix_pattern_close(&p);
}

static void values_tell_equalities_and_whether_they_are_all(void **state)
{
    (void)state;
    assert_values("[a:v = 'x']", true, "a|a:v|x;");
    assert_values("([file:hashes . 'SHA-256' = 'ab'])", true, "file|file:hashes.'SHA-256'|ab;");
    assert_values("[file:hashes.'MD5' = 'it\\'s']", true, "file|file:hashes.MD5|it's;");
    assert_values("[a:v = 'x' OR a:v IN ('y', 'z')] OR [b:w[*].u_ref.v = 'q']", true,
                  "a|a:v|x;a|a:v|y;a|a:v|z;b|b:w[*].u_ref.v|q;");
    assert_values("[a:v = 'x' AND b:v = 'y']", false, "a|a:v|x;b|b:v|y;");
    assert_values("[a:v = 'x'] AND [b:v = 'y']", false, "a|a:v|x;b|b:v|y;");
    assert_values("[a:v = 'x'] FOLLOWEDBY [b:v = 'y']", false, "a|a:v|x;b|b:v|y;");
    assert_values("[a:v = 'x'] REPEATS 2 TIMES", false, "a|a:v|x;");
    assert_values("[a:v = 'x'] WITHIN 5 SECONDS", false, "a|a:v|x;");
    assert_values("[a:v != 'x' OR a:v NOT = 'y' OR a:v = 'z']", false, "a|a:v|z;");
    assert_values("[a:v LIKE 'x%' OR a:v = 'y']", false, "a|a:v|y;");
    assert_values("[a:v ISSUBSET '192.0.2.0/24' OR a:v = 'y']", true,
                  "a|a:v|192.0.2.0/24|network;a|a:v|y;");
    assert_values("[a:v NOT ISSUBSET '192.0.2.0/24']", false, "");
    assert_values("[a:v = 5 OR a:v = 'y']", false, "a|a:v|y;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_comparison_means_what_the_standard_says),
        cmocka_unit_test(types_that_differ_are_unequal_and_in_no_order),
        cmocka_unit_test(networks_hold_addresses_and_networks),
        cmocka_unit_test(names_ending_in_hex_and_bin_hold_bytes),
        cmocka_unit_test(times_are_compared_as_times),
        cmocka_unit_test(like_and_matches_compare_composed_forms_and_equality_code_points),
        cmocka_unit_test(paths_go_through_keys_lists_and_references),
        cmocka_unit_test(terms_of_one_bracket_hold_on_one_object),
        cmocka_unit_test(operators_between_brackets_have_their_precedence),
        cmocka_unit_test(qualifiers_bound_times_and_counts),
        cmocka_unit_test(the_left_side_of_followedby_ends_before_the_right_one_begins),
        cmocka_unit_test(what_lacks_times_or_observed_data_can_still_match),
        cmocka_unit_test(wrong_observations_are_refused),
        cmocka_unit_test(wrong_patterns_are_refused_at_their_place),
        cmocka_unit_test(version_2_0_has_plain_strings_for_start_and_stop),
        cmocka_unit_test(blanks_and_comments_stand_between_all_parts),
        cmocka_unit_test(strict_refuses_a_second_repeats),
        cmocka_unit_test(limits_are_said),
        cmocka_unit_test(too_many_combinations_are_said_and_not_tried),
        cmocka_unit_test(regex_that_backtracks_without_end_is_said),
        cmocka_unit_test(values_tell_equalities_and_whether_they_are_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
