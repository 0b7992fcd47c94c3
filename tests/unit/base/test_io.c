#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

static char folder[] = "/tmp/canh-io-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static struct buf path_of(const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", folder, name);
    (void)buf_text(&path);
    return path;
}

static void write_file(const char *name, const char *text)
{
    struct buf path = path_of(name);
    int fd = open(path.data, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, text, strlen(text), NULL), ERR_OK);
    assert_int_equal(close(fd), 0);
    buf_free(&path);
}

static void make_sub_folder(const char *name)
{
    struct buf path = path_of(name);
    assert_int_equal(mkdir(path.data, 0700), 0);
    buf_free(&path);
}

static const char *const names[] = {"a.txt",          "b.txt",    "sub/a.txt",
                                    "sub/deep/z.txt", "sub/link", "sub/deep",
                                    "sub/loop",       "sub",      "broken"};

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buf path = path_of(names[i]);
        if (unlink(path.data) != 0)
            (void)rmdir(path.data);
        buf_free(&path);
    }
    return rmdir(folder);
}

static void test_reading(void **state)
{
    (void)state;
    struct buf out = {0}, path = path_of("a.txt");
    struct err err = {0};
    write_file("a.txt", "0123456789");
    buf_string(&out, "> ");
    assert_int_equal(io_read_file(&out, path.data, 10, &err), ERR_OK);
    assert_string_equal(buf_text(&out), "> 0123456789");
    buf_clear(&out);
    assert_int_equal(io_read_file(&out, path.data, 9, &err), ERR_LIMIT);
    assert_int_equal(io_read_file(&out, folder, 9, &err), ERR_IO);
    buf_string(&path, "-missing");
    assert_int_equal(io_read_file(&out, buf_text(&path), 9, &err), ERR_IO);
    assert_non_null(strstr(err.text, "a.txt-missing: No such file"));
    buf_free(&path);
    buf_free(&out);
}

static void test_writing_to_a_closed_pipe(void **state)
{
    (void)state;
    int ends[2];
    struct err err = {0};
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(io_write_all(ends[1], "x", 1, &err), ERR_CLOSED);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(io_write_all(-1, "x", 1, &err), ERR_IO);
    (void)signal(SIGPIPE, before);
}

struct visits {
    struct buf paths;
    int stop_after, unreadable;
};

static int visit(void *context, const char *path)
{
    struct visits *v = context;
    buf_printf(&v->paths, "%s\n", path + strlen(folder));
    return --v->stop_after == 0 ? ERR_LIMIT : ERR_OK;
}

static void unreadable(void *context, const char *path, const struct err *err)
{
    struct visits *v = context;
    (void)path;
    assert_true(err->text[0] != '\0');
    v->unreadable++;
}

static void test_walking(void **state)
{
    (void)state;
    struct visits v = {0};
    write_file("b.txt", "");
    write_file("a.txt", "");
    make_sub_folder("sub");
    make_sub_folder("sub/deep");
    write_file("sub/deep/z.txt", "");
    write_file("sub/a.txt", "");
    struct buf link_path = path_of("sub/link"), loop_path = path_of("sub/loop"),
               broken = path_of("broken");
    assert_int_equal(symlink("../b.txt", link_path.data), 0);
    assert_int_equal(symlink("..", loop_path.data), 0);
    assert_int_equal(symlink("nowhere", broken.data), 0);
    assert_int_equal(io_walk(folder, visit, unreadable, &v, NULL), ERR_OK);
    assert_string_equal(buf_text(&v.paths),
                        "/a.txt\n/b.txt\n/sub/a.txt\n/sub/deep/z.txt\n/sub/link\n");
    assert_int_equal(v.unreadable, 1); /* the broken link; the loop is not followed */
    buf_clear(&v.paths);
    v.stop_after = 2;
    assert_int_equal(io_walk(folder, visit, NULL, &v, NULL), ERR_LIMIT);
    assert_string_equal(buf_text(&v.paths), "/a.txt\n/b.txt\n");
    buf_clear(&v.paths);
    assert_int_equal(io_walk(link_path.data, visit, NULL, &v, NULL), ERR_OK);
    assert_string_equal(buf_text(&v.paths), "/sub/link\n");
    struct err err = {0};
    buf_string(&link_path, "-missing");
    assert_int_equal(io_walk(buf_text(&link_path), visit, NULL, &v, &err), ERR_IO);
    buf_free(&link_path);
    buf_free(&loop_path);
    buf_free(&broken);
    buf_free(&v.paths);
}

static void test_map(void **state)
{
    (void)state;
    struct io_map map;
    struct err err;
    struct buf path = path_of("a.txt"), folder_path = path_of("sub"), none = path_of("none");
    write_file("a.txt", "contents");
    make_sub_folder("sub");
    assert_int_equal(io_map_file(&map, path.data, 8, &err), ERR_OK);
    assert_true(slice_equal(map.bytes, SLICE("contents")));
    /* who replaces the file leaves the map as it was */
    assert_int_equal(unlink(path.data), 0);
    write_file("a.txt", "");
    assert_true(slice_equal(map.bytes, SLICE("contents")));
    io_unmap(&map);
    assert_int_equal(map.bytes.len, 0);
    assert_int_equal(io_map_file(&map, path.data, 8, &err), ERR_OK);
    assert_int_equal(map.bytes.len, 0);
    io_unmap(&map);
    write_file("a.txt", "contents");
    assert_int_equal(io_map_file(&map, path.data, 7, &err), ERR_LIMIT);
    assert_int_equal(io_map_file(&map, folder_path.data, 8, &err), ERR_UNSUPPORTED);
    assert_int_equal(io_map_file(&map, none.data, 8, &err), ERR_NOT_FOUND);
    io_unmap(&map);
    buf_free(&path);
    buf_free(&folder_path);
    buf_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reading, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_map, make_folder, remove_folder),
        cmocka_unit_test(test_writing_to_a_closed_pipe),
        cmocka_unit_test_setup_teardown(test_walking, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
