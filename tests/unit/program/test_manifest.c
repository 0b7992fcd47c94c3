/* Manifests: the files of a folder, none more, none less, none changed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "program/manifest.h"
#include "program/tree.h"

static char folder[4096];

static const char *at(const char *name)
{
    static char path[4200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    struct err err;
    (void)unlink(at(name));
    assert_int_equal(tree_write(at(name), slice_from(text), 0600, &err), ERR_OK);
}

static int folder_make(void **state)
{
    const char *base = getenv("TMPDIR");
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/canh-XXXXXX", base ? base : "/tmp");
    struct buf text = {0};
    struct err err;
    if (!mkdtemp(folder) || mkdir(at("inner"), 0700) != 0)
        return -1;
    put("inner/b", "abc");
    put("a", "");
    buf_string(&text, "# format: 1\n# made: 2026-11-22T10:00:00Z\n");
    int rc = manifest_make(folder, &text, &err);
    put(MANIFEST_FILE, buf_text(&text));
    buf_free(&text);
    return rc;
}

static int folder_remove(void **state)
{
    struct err err;
    (void)state;
    return tree_remove(folder, &err);
}

static int checked(void)
{
    struct buf text = {0};
    struct err err;
    int rc = manifest_check(folder, &text, &err);
    buf_free(&text);
    return rc;
}

static void lines_are_those_of_sha256sum(void **state)
{
    struct buf text = {0};
    struct err err;
    (void)state;
    assert_int_equal(manifest_make(folder, &text, &err), ERR_OK);
    assert_string_equal(
        buf_text(&text),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  inner/b\n");
    buf_clear(&text);
    assert_int_equal(manifest_check(folder, &text, &err), ERR_OK);
    assert_true(slice_equal(manifest_value(buf_as_slice(&text), SLICE("made")),
                            SLICE("2026-11-22T10:00:00Z")));
    assert_int_equal(manifest_value(buf_as_slice(&text), SLICE("none")).len, 0);
    buf_free(&text);
}

static void changes_are_seen(void **state)
{
    (void)state;
    assert_int_equal(checked(), ERR_OK);
    put("inner/b", "abd");
    assert_int_equal(checked(), ERR_DAMAGED);
    put("inner/b", "abc");
    put("inner/c", "");
    assert_int_equal(checked(), ERR_DAMAGED);
    (void)unlink(at("inner/c"));
    (void)unlink(at("a"));
    assert_int_not_equal(checked(), ERR_OK);
    put("a", "");
    assert_int_equal(checked(), ERR_OK);
    (void)unlink(at(MANIFEST_FILE));
    assert_int_equal(checked(), ERR_NOT_FOUND);
}

/* A manifest is foreign text: no path of it leads out of the folder. */
static void paths_stay_inside(void **state)
{
    static const char sum[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char *const paths[] = {"/etc/passwd", "../a", "inner/../../a", "inner//b",
                                        "./a",         "",     "a\x01"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct buf text = {0};
        buf_printf(&text, "%s  %s\n", sum, paths[i]);
        put(MANIFEST_FILE, buf_text(&text));
        assert_int_equal(checked(), ERR_SYNTAX);
        buf_free(&text);
    }
    put(MANIFEST_FILE, "no manifest at all\n");
    assert_int_equal(checked(), ERR_SYNTAX);
}

static void links_are_not_followed(void **state)
{
    struct tree_counts counts = {0};
    char to[4200];
    struct err err;
    (void)state;
    (void)snprintf(to, sizeof to, "%s/copy", folder);
    assert_int_equal(symlink("/etc/passwd", at("inner/link")), 0);
    assert_int_equal(mkdir(to, 0700), 0);
    assert_int_equal(tree_copy(at("inner"), to, 0600, &counts, &err), ERR_USAGE);
    (void)unlink(at("inner/link"));
    (void)unlink(at("copy/b"));
    counts = (struct tree_counts){0};
    assert_int_equal(tree_copy(at("inner"), to, 0600, &counts, &err), ERR_OK);
    assert_int_equal(counts.files, 1);
    assert_int_equal(counts.bytes, 3);
    assert_int_equal(tree_make_empty(to, &err), ERR_BUSY);
    assert_int_equal(tree_make_empty(at("back"), &err), ERR_OK);
    assert_int_equal(tree_move(to, at("back"), &err), ERR_OK);
    assert_int_not_equal(access(to, F_OK), 0);
    assert_int_equal(access(at("back/b"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_those_of_sha256sum, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(changes_are_seen, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(paths_stay_inside, folder_make, folder_remove),
        cmocka_unit_test_setup_teardown(links_are_not_followed, folder_make, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
