#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch/rules_load.h"

static char home[64];
static const struct sigma_options no_options;

static const char *path_of(const char *name)
{
    static char path[4][256];
    static unsigned next;
    char *out = path[next++ % 4];
    (void)snprintf(out, sizeof path[0], "%s/%s", home, name);
    return out;
}

static const char *rule_text(int number)
{
    static char text[512];
    (void)snprintf(text, sizeof text,
                   "title: Rule %d\nid: 00000000-0000-4000-8000-%012d\nlevel: low\n"
                   "logsource:\n  category: test\ndetection:\n  sel:\n    a: b\n  condition: sel\n",
                   number, number);
    return text;
}

static void file_make(const char *name, const char *text)
{
    FILE *out = fopen(path_of(name), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static void member_add(struct archive *a, const char *name, const char *text)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)strlen(text));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, text, strlen(text)), (la_ssize_t)strlen(text));
    archive_entry_free(entry);
}

static void archive_make(const char *name, bool zip)
{
    struct archive *a = archive_write_new();
    if (zip) {
        archive_write_set_format_zip(a);
    } else {
        archive_write_set_format_ustar(a);
        archive_write_add_filter_gzip(a);
    }
    assert_int_equal(archive_write_open_filename(a, path_of(name)), ARCHIVE_OK);
    member_add(a, "rules/one.yml", rule_text(11));
    member_add(a, "rules/.hidden.yml", rule_text(12));
    member_add(a, "rules/README.md", "no rule");
    member_add(a, "rules/two.yaml", rule_text(13));
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

static int home_make(void **state)
{
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/canh-rules-load-XXXXXX");
    return mkdtemp(home) ? 0 : -1;
}

static int entry_remove(const char *path, const struct stat *about, int kind, struct FTW *ftw)
{
    (void)about;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int home_remove(void **state)
{
    (void)state;
    return nftw(home, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void load(struct rules_load *out, const char *path)
{
    struct option_list paths = {&path, 1};
    rules_load_paths(out, &paths, &no_options);
}

static void assert_title(const struct rules_load *load, uint32_t index, const char *title)
{
    assert_true(index < load->rules.count);
    if (!slice_equal(load->rules.rules[index]->title, slice_from(title)))
        fail_msg("rule %u is %.*s", index, (int)load->rules.rules[index]->title.len,
                 load->rules.rules[index]->title.data);
}

static void test_folder(void **state)
{
    (void)state;
    struct rules_load out = {0};
    assert_int_equal(mkdir(path_of("f"), 0700), 0);
    assert_int_equal(mkdir(path_of("f/sub"), 0700), 0);
    assert_int_equal(mkdir(path_of("f/.github"), 0700), 0);
    file_make("f/b.yml", rule_text(2));
    file_make("f/a.yaml", rule_text(1));
    file_make("f/sub/c.YML", rule_text(3));
    file_make("f/notes.txt", "title: no rule");
    file_make("f/.github/workflow.yml", "on: push");
    load(&out, path_of("f"));
    assert_int_equal(out.problems.count, 0);
    assert_int_equal(out.file_count, 3);
    assert_int_equal(out.rules.count, 3);
    assert_title(&out, 0, "Rule 1");
    assert_title(&out, 1, "Rule 2");
    assert_title(&out, 2, "Rule 3");
    assert_true(slice_ends(out.rules.rules[2]->file, SLICE("/f/sub/c.YML")));
    rules_load_free(&out);
    assert_int_equal(out.rules.count, 0);
}

static void test_named_file_of_any_name(void **state)
{
    (void)state;
    struct rules_load out = {0};
    file_make("rule.txt", rule_text(5));
    load(&out, path_of("rule.txt"));
    assert_int_equal(out.rules.count, 1);
    rules_load_free(&out);
}

static void archive_check(const char *name, bool zip)
{
    struct rules_load out = {0};
    archive_make(name, zip);
    load(&out, path_of(name));
    for (uint32_t i = 0; i < out.problems.count; i++)
        fail_msg("%.*s", (int)out.problems.items[i].text.len, out.problems.items[i].text.data);
    assert_int_equal(out.file_count, 2);
    assert_title(&out, 0, "Rule 11");
    assert_title(&out, 1, "Rule 13");
    assert_true(slice_ends(out.rules.rules[1]->file, SLICE("!rules/two.yaml")));
    rules_load_free(&out);
}

static void test_archives(void **state)
{
    (void)state;
    archive_check("a.zip", true);
    archive_check("a.tar.gz", false);
}

static void test_unreadable_goes_on(void **state)
{
    (void)state;
    struct rules_load out = {0};
    file_make("good.yml", rule_text(7));
    file_make("broken.zip", "PK\003\004 and then nothing that makes sense");
    const char *names[] = {path_of("gone.yml"), path_of("broken.zip"), path_of("good.yml")};
    struct option_list paths = {names, 3};
    rules_load_paths(&out, &paths, &no_options);
    assert_int_equal(out.rules.count, 1);
    assert_int_equal(out.unreadable_count, 2);
    assert_int_equal(out.problems.error_count, 2);
    assert_string_equal(out.problems.items[0].code, "unreadable");
    struct buf text = {0};
    rules_load_problem_text(&text, &out.problems.items[0], false);
    char expected[300];
    (void)snprintf(expected, sizeof expected, "%s: No such file or directory\n", names[0]);
    assert_string_equal(buf_text(&text), expected);
    buf_free(&text);
    rules_load_free(&out);
}

static void test_refused_rule_has_a_place(void **state)
{
    (void)state;
    struct rules_load out = {0};
    file_make("bad.yml", "title: x\nlogsource:\n  category: test\ndetection:\n  sel:\n"
                         "    a|nosuchmodifier: b\n  condition: sel\n");
    load(&out, path_of("bad.yml"));
    assert_int_equal(out.rules.count, 0);
    assert_int_equal(out.refused_count, 1);
    assert_true(out.problems.error_count > 0);
    struct buf text = {0};
    rules_load_problem_text(&text, &out.problems.items[0], false);
    if (!strstr(buf_text(&text), "bad.yml:6: ") || !strstr(buf_text(&text), "nosuchmodifier"))
        fail_msg("%s", buf_text(&text));
    buf_free(&text);
    rules_load_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_named_file_of_any_name),
        cmocka_unit_test(test_archives),
        cmocka_unit_test(test_unreadable_goes_on),
        cmocka_unit_test(test_refused_rule_has_a_place),
    };
    return cmocka_run_group_tests(tests, home_make, home_remove);
}
