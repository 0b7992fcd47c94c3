#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "watch/config.h"

/* A folder of its own for each test, with canh.yaml in it. */
struct folder {
    char path[64], file[96];
    struct buf problems;
    struct config *config;
};

static void put(const struct folder *f, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/conf.d", f->path);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    static struct folder f;
    f = (struct folder){0};
    (void)snprintf(f.path, sizeof(f.path), "/tmp/canh-config-XXXXXX");
    assert_non_null(mkdtemp(f.path));
    (void)snprintf(f.file, sizeof(f.file), "%s/canh.yaml", f.path);
    *state = &f;
    return 0;
}

static int remove_file(void *context, const char *path)
{
    (void)context;
    return unlink(path) == 0 ? ERR_OK : ERR_IO;
}

static int tear_down(void **state)
{
    struct folder *f = *state;
    char path[96];
    config_close(&f->config);
    assert_int_equal(io_walk(f->path, remove_file, NULL, NULL, NULL), ERR_OK);
    (void)snprintf(path, sizeof(path), "%s/conf.d", f->path);
    (void)rmdir(path);
    assert_int_equal(rmdir(f->path), 0);
    buf_free(&f->problems);
    return 0;
}

static void good(struct folder *f, const char *text, char *const *environment)
{
    struct err err = {0};
    config_close(&f->config);
    put(f, "canh.yaml", text);
    if (config_open(&f->config, f->file, environment, &f->problems, &err))
        fail_msg("%s", err.text);
}

/* The problems are these lines, each without the folder. */
static void bad(struct folder *f, const char *text, char *const *environment, const char *expected)
{
    struct err err = {0};
    struct buf shown = {0};
    put(f, "canh.yaml", text);
    buf_clear(&f->problems);
    assert_int_equal(config_open(&f->config, f->file, environment, &f->problems, &err), ERR_USAGE);
    assert_null(f->config);
    for (struct slice rest = buf_as_slice(&f->problems), line; rest.len > 0;) {
        line = slice_cut(&rest, '\n');
        size_t at = slice_find(line, slice_from(f->path));
        if (at != SLICE_NONE) {
            buf_append(&shown, line.data, at);
            line = slice_part(line, at + strlen(f->path) + 1, SIZE_MAX);
        }
        at = slice_find(line, slice_from(f->path));
        buf_append(&shown, line.data, at == SLICE_NONE ? line.len : at);
        if (at != SLICE_NONE)
            buf_slice(&shown, slice_part(line, at + strlen(f->path) + 1, SIZE_MAX));
        buf_char(&shown, '\n');
    }
    assert_string_equal(buf_text(&shown), expected);
    buf_free(&shown);
}

static void assert_text(struct slice text, const char *expected)
{
    assert_string_equal(text.data ? text.data : "", expected);
    assert_int_equal(text.len, strlen(expected));
}

static void test_defaults(void **state)
{
    struct folder *f = *state;
    good(f, "", NULL);
    const struct config_store *s = &f->config->store;
    assert_text(s->data, "/var/lib/canh");
    assert_int_equal(s->seal_rows, 1048576);
    assert_int_equal(s->seal_bytes, 256 << 20);
    assert_int_equal(s->seal_age_ns, 900 * CLOCK_SECOND_NS);
    assert_int_equal(s->query_ns, 600 * CLOCK_SECOND_NS);
    assert_int_equal(s->reserve_bytes, 256 << 20);
    assert_text(s->timezone, "Asia/Ho_Chi_Minh");
    const struct config_partition *p = config_partition(f->config, SLICE("any"));
    assert_int_equal(p->keep_ns, 365 * 86400 * CLOCK_SECOND_NS);
    assert_int_equal(p->keep_bytes, 0);
    assert_false(p->hold);
    assert_null(config_source(f->config, SLICE("any")));
    assert_null(config_source_of_path(f->config, "/any"));
}

static void test_values(void **state)
{
    struct folder *f = *state;
    good(f,
         "store:\n"
         "  data: /data/kho 1\n"
         "  seal_rows: 5\n"
         "  seal_bytes: 10 MB\n"
         "  seal_age: 90s\n"
         "  journal_file_bytes: 65536\n"
         "  reserve_bytes: 1gib\n"
         "  timezone: '+07:00'\n"
         "  partitions:\n"
         "    web: {keep: 2w, keep_bytes: 10GB}\n"
         "    held:\n"
         "      hold: true\n"
         "    7: {keep: 1d}\n"
         "    empty:\n"
         "sources:\n"
         "- name: portal\n"
         "  partition: web\n"
         "  match: ['/var/log/nginx/*.log', access.log]\n"
         "  format: weblog\n"
         "  product: nginx\n"
         "  system: Cổng dịch vụ công\n"
         "- name: other\n"
         "  match: '*.evtx'\n",
         NULL);
    const struct config *c = f->config;
    assert_text(c->store.data, "/data/kho 1");
    assert_int_equal(c->store.seal_rows, 5);
    assert_int_equal(c->store.seal_bytes, 10000000);
    assert_int_equal(c->store.seal_age_ns, 90 * CLOCK_SECOND_NS);
    assert_int_equal(c->store.journal_file_bytes, 65536);
    assert_int_equal(c->store.reserve_bytes, 1 << 30);
    assert_text(c->store.timezone, "+07:00");
    assert_int_equal(config_partition(c, SLICE("web"))->keep_ns, 14 * 86400 * CLOCK_SECOND_NS);
    assert_int_equal(config_partition(c, SLICE("web"))->keep_bytes, 10000000000);
    assert_true(config_partition(c, SLICE("held"))->hold);
    assert_int_equal(config_partition(c, SLICE("7"))->keep_ns, 86400 * CLOCK_SECOND_NS);
    assert_int_equal(c->partitions.count, 4);
    const struct config_source *portal = config_source(c, SLICE("portal"));
    assert_text(portal->partition, "web");
    assert_text(portal->system, "Cổng dịch vụ công");
    assert_text(portal->timezone, "");
    assert_int_equal(portal->match.count, 2);
    assert_ptr_equal(config_source_of_path(c, "/var/log/nginx/a.log"), portal);
    assert_null(config_source_of_path(c, "/var/log/nginx/b/a.log"));
    assert_ptr_equal(config_source_of_path(c, "/elsewhere/access.log"), portal);
    const struct config_source *other = config_source_of_path(c, "a/b.evtx");
    assert_ptr_equal(other, config_source(c, SLICE("other")));
    assert_text(other->partition, "main");
    assert_text(other->format, "");
}

static void test_partitions_take_over_from_default(void **state)
{
    struct folder *f = *state;
    good(f,
         "store:\n"
         "  partitions:\n"
         "    web: {keep_bytes: 1GB}\n"
         "    default: {keep: 2y, hold: true}\n"
         "    mail: {keep: 1w, hold: false}\n",
         NULL);
    const struct config_partition *web = config_partition(f->config, SLICE("web"));
    const struct config_partition *mail = config_partition(f->config, SLICE("mail"));
    const struct config_partition *any = config_partition(f->config, SLICE("any"));
    assert_int_equal(web->keep_ns, 730 * 86400 * CLOCK_SECOND_NS);
    assert_int_equal(web->keep_bytes, 1000000000);
    assert_true(web->hold);
    assert_int_equal(mail->keep_ns, 7 * 86400 * CLOCK_SECOND_NS);
    assert_false(mail->hold);
    assert_int_equal(any->keep_ns, web->keep_ns);
    assert_int_equal(any->keep_bytes, 0);
    assert_true(any->hold);
}

static void test_wrong_keys(void **state)
{
    struct folder *f = *state;
    bad(f,
        "store:\n"
        "  seal_row: 5\n"
        "  partition: {}\n"
        "  zzz: 1\n"
        "  partitions:\n"
        "    web: {kep: 1y}\n"
        "    Web: {keep: 1y}\n"
        "stores: {}\n"
        "store.partitions: {}\n"
        "sources:\n"
        "- name: a\n"
        "  formats: cef\n",
        NULL,
        "canh.yaml:2:3: there is no key \"seal_row\" in store: did you mean \"seal_rows\"?\n"
        "canh.yaml:3:3: there is no key \"partition\" in store: did you mean \"partitions\"?\n"
        "canh.yaml:4:3: there is no key \"zzz\" in store: canh config print --defaults shows which "
        "there are\n"
        "canh.yaml:6:11: there is no key \"kep\" in store.partitions: did you mean \"keep\"?\n"
        "canh.yaml:7:5: store.partitions: \"Web\" is no name: write 1 to 32 of a-z, 0-9, - and _, "
        "a letter or a digit first\n"
        "canh.yaml:8:1: there is no key \"stores\" in the configuration: did you mean \"store\"?\n"
        "canh.yaml:9:1: there is no key \"store.partitions\" in the configuration: canh config "
        "print --defaults shows which there are\n"
        "canh.yaml:12:3: there is no key \"formats\" in sources: did you mean \"format\"?\n");
}

static void test_wrong_values(void **state)
{
    struct folder *f = *state;
    bad(f,
        "store:\n"
        "  data: kho\n"
        "  seal_rows: many\n"
        "  seal_bytes: 5 parsecs\n"
        "  seal_age: 15\n"
        "  journal_file_bytes: 1kB\n"
        "  reserve_bytes: 2TiB\n"
        "  query_memory_bytes: [1MiB]\n"
        "  query_seconds: 99999999999999999999s\n"
        "  timezone: Hanoi/Ba Đình\n"
        "  sign_every:\n"
        "  partitions:\n"
        "    a: {hold: perhaps, keep: {days: 1}, keep_bytes: -1}\n"
        "    b: 5\n"
        "sources:\n"
        "- name: a\n"
        "  format: word\n"
        "  product: true\n"
        "  match: [a, [b]]\n"
        "  unit: \"a\\tb\"\n"
        "  system: ''\n",
        NULL,
        "canh.yaml:2:9: store.data: \"kho\" is not a whole path: begin it with /\n"
        "canh.yaml:3:14: store.seal_rows: \"many\" is not a number: it begins with digits, such as "
        "1000\n"
        "canh.yaml:4:15: store.seal_bytes: \"5 parsecs\" has an unknown unit: write it as in 64MiB "
        "(B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)\n"
        "canh.yaml:5:13: store.seal_age: 15 has no unit: write it as in 15min (ms, s, min, h, d, "
        "w, y)\n"
        "canh.yaml:6:23: store.journal_file_bytes: 1kB is too small: the least is 64KiB\n"
        "canh.yaml:7:18: store.reserve_bytes: 2TiB is too large: the most is 1TiB\n"
        "canh.yaml:8:23: store.query_memory_bytes: here is a list where one size is wanted\n"
        "canh.yaml:9:18: store.query_seconds: \"99999999999999999999s\" is not a duration: it "
        "begins with digits, such as 15min\n"
        "canh.yaml:10:13: store.timezone: \"Hanoi/Ba Đình\" is no time zone: write +07:00, or a "
        "name such as Asia/Ho_Chi_Minh\n"
        "canh.yaml:11:14: store.sign_every: there is no value: write one, or leave the key out\n"
        "canh.yaml:13:15: store.partitions.hold: \"perhaps\" is neither true nor false: write one "
        "of them\n"
        "canh.yaml:13:30: store.partitions.keep: here are keys and values where a duration is "
        "wanted\n"
        "canh.yaml:13:53: store.partitions.keep_bytes: \"-1\" is not a size: it begins with "
        "digits, such as 64MiB\n"
        "canh.yaml:14:8: store.partitions.b: here is a value where keys and values are wanted\n"
        "canh.yaml:17:11: sources.format: \"word\" is no format: docs/formats.md lists them\n"
        "canh.yaml:18:12: sources.product: here is true or false where a text is wanted: put a "
        "text between quotes\n"
        "canh.yaml:19:10: sources.match: item 2 of the list is no text\n"
        "canh.yaml:20:9: sources.unit: the value holds a control character, or is not UTF-8: take "
        "it out\n"
        "canh.yaml:21:11: sources.system: the value is empty: write one, or leave the key out\n");
}

static void test_wrong_form(void **state)
{
    struct folder *f = *state;
    bad(f, "just a text\n", NULL,
        "canh.yaml:1:1: here are no keys: a section and its keys are written as in \"store:\"\n");
    bad(f, "store: [1]\n", NULL, "canh.yaml:1:8: store: here keys and values are wanted\n");
    bad(f, "sources: {a: 1}\n", NULL, "canh.yaml:1:10: sources: here a list of rows is wanted\n");
    bad(f, "sources:\n- partition: a\n- 5\n- name: a\n- name: a\n", NULL,
        "canh.yaml:2:3: sources: this row has no name: add one, as in \"name: web\"\n"
        "canh.yaml:3:3: sources: here is a value where keys and values are wanted, each row "
        "beginning with \"- name:\"\n"
        "canh.yaml:5:9: sources: \"a\" is already there (canh.yaml:4): give each its own name\n");
    bad(f, "store: {}\n---\nstore: {}\n", NULL,
        "canh.yaml:3:1: a second document begins here: keep to one, without ---\n");
    struct err err = {0};
    put(f, "canh.yaml", "store: [\n");
    assert_int_equal(config_open(&f->config, f->file, NULL, NULL, &err), ERR_USAGE);
    assert_true(err.line > 0);
}

static void test_conf_d_is_merged_in_order(void **state)
{
    struct folder *f = *state;
    put(f, "conf.d/20-b.yaml", "store: {seal_rows: 20, partitions: {web: {keep_bytes: 1GB}}}\n");
    put(f, "conf.d/10-a.yaml",
        "store: {seal_rows: 10, seal_age: 1h}\nsources:\n- {name: b, partition: two}\n");
    put(f, "conf.d/passed.over", "not: [yaml\n");
    good(f,
         "store: {seal_rows: 1, seal_age: 1s, partitions: {web: {keep: 1w}}}\n"
         "sources:\n- name: a\n",
         NULL);
    assert_int_equal(f->config->store.seal_rows, 20);
    assert_int_equal(f->config->store.seal_age_ns, 3600 * CLOCK_SECOND_NS);
    const struct config_partition *web = config_partition(f->config, SLICE("web"));
    assert_int_equal(web->keep_ns, 7 * 86400 * CLOCK_SECOND_NS);
    assert_int_equal(web->keep_bytes, 1000000000);
    assert_int_equal(f->config->sources.count, 2);
    assert_text(config_source(f->config, SLICE("b"))->partition, "two");
    config_close(&f->config);
    put(f, "conf.d/30-c.yaml", "sources:\n- name: a\n");
    bad(f, "sources:\n- name: a\n", NULL,
        "conf.d/30-c.yaml:2:9: sources: \"a\" is already there (canh.yaml:2): give each its own "
        "name\n");
}

static void test_environment(void **state)
{
    struct folder *f = *state;
    char *environment[] = {(char[]){"CANH_STORE_SEAL_ROWS=7"}, (char[]){"CANH_OTHER=1"},
                           (char[]){"HOME=/root"}, (char[]){"CANH_STORE_DATA=/elsewhere"}, NULL};
    struct buf printed = {0};
    good(f, "store: {seal_rows: 5, seal_age: 2h}\n", environment);
    assert_int_equal(f->config->store.seal_rows, 7);
    assert_int_equal(f->config->store.seal_age_ns, 7200 * CLOCK_SECOND_NS);
    assert_text(f->config->store.data, "/elsewhere");
    config_print(f->config, &printed);
    assert_non_null(strstr(buf_text(&printed), "  seal_rows: 7 # environment\n"));
    assert_non_null(strstr(buf_text(&printed), "  seal_age: 2h\n"));
    assert_non_null(strstr(buf_text(&printed), "  seal_bytes: 256MiB # default\n"));
    buf_free(&printed);
    config_close(&f->config);
    environment[0] = (char[]){"CANH_STORE_SEAL_ROW=7"};
    environment[3] = (char[]){"CANH_STORE_SEAL_AGE=7"};
    bad(f, "", environment,
        "environment: there is no setting CANH_STORE_SEAL_ROW: did you mean "
        "CANH_STORE_SEAL_ROWS?\n"
        "CANH_STORE_SEAL_AGE: 7 has no unit: write it as in 15min (ms, s, min, h, d, w, y)\n");
}

static void test_the_file_is_named_by_the_environment(void **state)
{
    struct folder *f = *state;
    struct err err = {0};
    char variable[128];
    char *environment[] = {variable, NULL};
    put(f, "canh.yaml", "store: {seal_rows: 5}\n");
    (void)snprintf(variable, sizeof(variable), "CANH_CONFIG=%s", f->file);
    assert_int_equal(config_open(&f->config, NULL, environment, NULL, &err), ERR_OK);
    assert_int_equal(f->config->store.seal_rows, 5);
    config_close(&f->config);
    (void)snprintf(variable, sizeof(variable), "CANH_CONFIG=%s/none.yaml", f->path);
    assert_int_equal(config_open(&f->config, NULL, environment, NULL, &err), ERR_IO);
    assert_null(f->config);
}

static void test_what_is_printed_can_be_read(void **state)
{
    struct folder *f = *state;
    struct buf first = {0}, second = {0};
    good(f,
         "store:\n"
         "  data: \"/a 'b' \\\"c\\\": {d} # e\"\n"
         "  reserve_bytes: 0\n"
         "  partitions: {'12': {keep: 36h, hold: true}, null: {keep: 1d}}\n"
         "sources:\n"
         "- {name: '12', match: ['*.log', 'a, b'], unit: 'true', system: '- x', product: 5}\n",
         NULL);
    config_print(f->config, &first);
    good(f, buf_text(&first), NULL);
    config_print(f->config, &second);
    const char *text = buf_text(&second);
    assert_non_null(strstr(text, "data: \"/a 'b' \\\"c\\\": {d} # e\"\n"));
    assert_non_null(strstr(text, "reserve_bytes: 0\n"));
    assert_non_null(strstr(text, "keep: 36h\n"));
    assert_non_null(strstr(text, "unit: \"true\"\n"));
    assert_non_null(strstr(text, "match: [\"*.log\", \"a, b\"]\n"));
    assert_null(strstr(text, "seal_age: 15min # default"));
    buf_free(&first);
    buf_free(&second);
}

static void test_what_is_printed_reads_back(void **state)
{
    struct folder *f = *state;
    struct buf first = {0}, second = {0}, third = {0};
    struct config *copy = NULL, *copy_of_copy = NULL, *none = NULL;
    uint32_t index = 99;
    struct err err = {0};
    good(f,
         "store: {timezone: '+07:00', partitions: {default: {keep: 2y}, 7: {keep: 1d}}}\n"
         "web: {listen: none, name: \"canh.example\"}\n"
         "sources:\n- {name: a, follow: [/var/log/x-*.log], match: ['a \"b\" ñ']}\n"
         "listeners:\n- {name: in, source: a, listen: '[::1]:80'}\n"
         "channels:\n- {name: horn, kind: command, command: bell}\n"
         "- {name: hook, url: 'https://x.example/?a=1&b=#c'}\n"
         "commands:\n- {name: logger, run: [/bin/logger, -t, 'a b']}\n"
         "- {name: bell, run: [/bin/bell]}\n",
         NULL);
    config_print(f->config, &first);
    if (config_open_text(&copy, buf_as_slice(&first), &err) != ERR_OK)
        fail_msg("%s", err.text);
    config_print(copy, &second);
    assert_int_equal(config_open_text(&copy_of_copy, buf_as_slice(&second), NULL), ERR_OK);
    config_print(copy_of_copy, &third);
    assert_string_equal(buf_text(&second), buf_text(&third));
    assert_false(config_has_web(copy));
    assert_text(config_channel(copy, SLICE("hook"))->url, "https://x.example/?a=1&b=#c");
    assert_null(config_channel(copy, SLICE("none")));
    assert_text(config_command(copy, SLICE("bell"), &index)->run.items[0], "/bin/bell");
    assert_int_equal(index, 1);
    assert_null(config_command(copy, SLICE("none"), &index));
    assert_int_equal(config_partition(copy, SLICE("any"))->keep_ns,
                     2 * 365 * 86400 * CLOCK_SECOND_NS);
    assert_int_equal(config_open_text(&none, SLICE("web: {listn: x}\n"), &err), ERR_USAGE);
    config_close(&copy);
    config_close(&copy_of_copy);
    buf_free(&first);
    buf_free(&second);
    buf_free(&third);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_what_is_printed_reads_back),
        TEST(test_values),
        TEST(test_partitions_take_over_from_default),
        TEST(test_wrong_keys),
        TEST(test_wrong_values),
        TEST(test_wrong_form),
        TEST(test_conf_d_is_merged_in_order),
        TEST(test_environment),
        TEST(test_the_file_is_named_by_the_environment),
        TEST(test_what_is_printed_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
