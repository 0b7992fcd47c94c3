/* Matching: one JSON event against a fixed set of rules, three ways that must agree: by witnesses
 * and indexes, by plain evaluation (ruleset_options.plain), and, for the pairs at the head of the
 * list, by PCRE2: of two neighbouring rules the second asks the same with a regular expression. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "detection/match.h"
#include "detection/sigma.h"
#include "formats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* condition of selection `s` */
static const char *const pairs[][2] = {
    {"a|contains: 'whoami'", "a|re|i: 'whoami'"},
    {"a|contains: '\\cmd.exe'", "a|re|i: '\\\\cmd\\.exe'"},
    {"a|contains: 'ab*cd'", "a|re|i|s: 'ab.*cd'"},
    {"a|startswith: 'x?z'", "a|re|i|s: '^x.z'"},
    {"a|endswith: '.ps1'", "a|re|i: '\\.ps1\\z'"},
    {"a|startswith: 'http'", "a|re|i: '^http'"},
    {"a: 'root'", "a|re|i: '^root\\z'"},
    {"a: 'a*b'", "a|re|i|s: '^a.*b\\z'"},
    {"a|contains: 'q'", "a|re|i: 'q'"},
    {"a|contains: 'zz'", "a|re|i: 'zz'"},
    {"a|contains: 'xyz'", "a|re|i: 'xyz'"},
    {"a|contains|cased: 'Secret'", "a|re: 'Secret'"},
    {"a|cased: 'Exact'", "a|re: '^Exact\\z'"},
};

static const char *const singles[] = {
    "b: 4688",
    "b: [1, 2, '3']",
    "b|gte: 10",
    "b|lt: -1.5",
    "b: null",
    "b|exists: true",
    "c|cidr: ['10.0.0.0/8', 'fe80::/10']",
    "c|fieldref: d",
    "c|fieldref|contains: d",
    "a|contains|all: [one, two, three]",
    "a|base64offset|contains: 'http://'",
    "a|windash|contains: ' -enc '",
    "a.b: 'deep'",
    "a|neq: 'x'",
};

enum { PAIR_COUNT = sizeof(pairs) / sizeof(pairs[0]) };

static struct arena arena;
static struct rule_list rules;
static struct matcher *fast, *plain;

static void rule_add(struct problem_list *problems, const char *selection, bool keywords)
{
    struct buf text = {0};
    struct sigma_options options = {0};
    buf_printf(&text,
               "title: t%u\nlogsource: {product: test}\nlevel: low\ndetection:\n  s:\n    %s%s\n"
               "  k: {z: 1}\n  condition: s and not k\n",
               rules.count, keywords ? "- " : "", selection);
    (void)sigma_read(&rules, problems, SLICE("fuzz"), buf_as_slice(&text), &options, &arena);
    buf_free(&text);
}

static struct matcher *matcher_make(bool is_plain)
{
    struct ruleset_options options = {.jit = !is_plain, .plain = is_plain};
    struct ruleset *set;
    struct err err;
    check(ruleset_open(&set, &rules, mapping_set_open(), &options, &err) == ERR_OK);
    return matcher_open(set);
}

static void setup(void)
{
    struct problem_list problems = {0};
    for (size_t i = 0; i < PAIR_COUNT; i++) {
        rule_add(&problems, pairs[i][0], false);
        rule_add(&problems, pairs[i][1], false);
    }
    for (size_t i = 0; i < sizeof(singles) / sizeof(singles[0]); i++)
        rule_add(&problems, singles[i], false);
    rule_add(&problems, "'mimikatz'", true);
    rule_add(&problems, "'key*word'", true);
    if (problems.error_count)
        (void)fprintf(stderr, "%.*s\n", (int)problems.items[0].text.len,
                      problems.items[0].text.data);
    check(problems.error_count == 0);
    fast = matcher_make(false);
    plain = matcher_make(true);
    problem_list_free(&problems);
}

static bool has(const uint32_t *found, uint32_t count, uint32_t rule)
{
    for (uint32_t i = 0; i < count; i++)
        if (found[i] == rule)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct record one, other;
    const uint32_t *a, *b;
    struct slice text = slice_make((const char *)data, size);
    if (!fast)
        setup();
    record_reset(&one);
    record_reset(&other);
    if (json_parse_record(&one, text, NULL) != ERR_OK)
        return 0;
    check(json_parse_record(&other, text, NULL) == ERR_OK);
    uint32_t a_count = matcher_run(fast, &one, &a), b_count = matcher_run(plain, &other, &b);
    check(a_count == b_count);
    check(a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
    for (uint32_t i = 0; i < PAIR_COUNT; i++)
        check(has(a, a_count, i * 2) == has(a, a_count, i * 2 + 1));
    return 0;
}
