#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/option.h"

struct settings {
    bool quiet;
    const char *format, *output;
    struct option_list rules;
    uint64_t threads;
};

static const struct option options[] = {
    {.name = "rules",
     .letter = 'r',
     .kind = OPTION_LIST,
     .offset = offsetof(struct settings, rules),
     .value = "PATH",
     .help_en = "rules to load",
     .help_vi = "quy tắc cần nạp"},
    {.name = "quiet",
     .letter = 'q',
     .kind = OPTION_FLAG,
     .offset = offsetof(struct settings, quiet),
     .help_en = "say nothing"},
    {.name = "threads",
     .kind = OPTION_NUMBER,
     .offset = offsetof(struct settings, threads),
     .value = "N",
     .min = 1,
     .max = 64,
     .help_en = "threads",
     .help_vi = "số luồng"},
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_CHOICE,
     .offset = offsetof(struct settings, output),
     .value = "auto|table|ndjson",
     .help_en =
         "a long help that has to be wrapped because it does not fit into the room that is left "
         "on the line"},
    {.name = "format",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct settings, format),
     .value = "F",
     .help_en = "input"},
};
enum { COUNT = sizeof(options) / sizeof(options[0]), ARGUMENTS_MAX = 16 };

struct parsed {
    struct settings settings;
    struct option_list operands;
    struct err err;
    int rc;
};

static void parse(struct parsed *p, const char *line)
{
    static char text[256];
    char *argv[ARGUMENTS_MAX];
    int argc = 0;
    struct slice rest = slice_from(line);
    char *at = text;
    *p = (struct parsed){0};
    while (rest.len > 0) {
        struct slice word = slice_cut(&rest, ' ');
        memcpy(at, word.data, word.len);
        at[word.len] = '\0';
        argv[argc++] = at;
        at += word.len + 1;
    }
    p->rc = option_parse(options, COUNT, argc, argv, &p->settings, &p->operands, &p->err);
}

static void release(struct parsed *p)
{
    option_list_free(&p->settings.rules);
    option_list_free(&p->operands);
}

static void test_every_kind(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "-r a --rules=b in1 --threads 4 -q - --output=table --format -24h -- --rules -q");
    assert_int_equal(p.rc, ERR_OK);
    assert_int_equal(p.settings.rules.count, 2);
    assert_string_equal(p.settings.rules.items[0], "a");
    assert_string_equal(p.settings.rules.items[1], "b");
    assert_int_equal(p.settings.threads, 4);
    assert_true(p.settings.quiet);
    assert_string_equal(p.settings.output, "table");
    assert_string_equal(p.settings.format, "-24h");
    assert_int_equal(p.operands.count, 4);
    assert_string_equal(p.operands.items[0], "in1");
    assert_string_equal(p.operands.items[1], "-");
    assert_string_equal(p.operands.items[2], "--rules");
    assert_string_equal(p.operands.items[3], "-q");
    release(&p);
    parse(&p, "--format=a=b");
    assert_string_equal(p.settings.format, "a=b");
    release(&p);
}

static void assert_refused(const char *line, const char *words)
{
    struct parsed p;
    parse(&p, line);
    if (p.rc != ERR_USAGE || !strstr(p.err.text, words))
        fail_msg("%s: %d %s", line, p.rc, p.err.text);
    release(&p);
}

static void test_refusals_help_on(void **state)
{
    (void)state;
    assert_refused("--rulse x", "--rules");
    assert_refused("--thread=4", "--threads");
    assert_refused("--zzzzzz", "--help");
    assert_refused("-z", "-z");
    assert_refused("-qr", "-qr");
    assert_refused("--rules", "needs a value");
    assert_refused("--quiet=yes", "takes no value");
    assert_refused("--threads 0", "from 1 to 64");
    assert_refused("--threads 65", "from 1 to 64");
    assert_refused("--threads 4x", "from 1 to 64");
    assert_refused("--output tabel", "did you mean table");
    assert_refused("--output xml", "auto|table|ndjson");
}

static void test_help_in_two_columns(void **state)
{
    (void)state;
    struct buf out = {0};
    option_help(options, COUNT, false, &out);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "  -r, --rules PATH  rules to load"));
    assert_non_null(strstr(text, "      --threads N   threads"));
    assert_non_null(strstr(text, "  -o, --output auto|table|ndjson"));
    for (struct slice rest = buf_as_slice(&out); rest.len > 0;)
        assert_true(slice_cut(&rest, '\n').len <= 100);
    buf_clear(&out);
    option_help(options, COUNT, true, &out);
    text = buf_text(&out);
    assert_non_null(strstr(text, "quy tắc cần nạp"));
    assert_non_null(strstr(text, "say nothing")); /* English where there is no other text */
    assert_null(strstr(text, "rules to load"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_refusals_help_on),
        cmocka_unit_test(test_help_in_two_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
