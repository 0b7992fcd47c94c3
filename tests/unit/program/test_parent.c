/* Fixed commands and followed files, with the test in place of the engine and of intake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "program/parent.h"

struct scene {
    struct parent *p;
    struct wire *engine; /* the other end */
    char folder[64];
    struct wire_message message;
};

static void on_message(void *context, struct peer *peer, struct wire_message *message)
{
    (void)context;
    (void)peer;
    (void)message;
}

static void on_closed(void *context, struct peer *peer, const struct err *err)
{
    (void)context;
    (void)peer;
    fail_msg("%s", err->text);
}

static const struct peer_calls calls = {on_message, on_closed};

static int set_up(void **state)
{
    static struct scene scene;
    struct buf yaml = {0};
    struct err err = {0};
    int ends[2];
    scene = (struct scene){.p = mem_zeroed(1, sizeof(*scene.p))};
    (void)snprintf(scene.folder, sizeof(scene.folder), "/tmp/canh-parent-XXXXXX");
    assert_non_null(mkdtemp(scene.folder));
    buf_printf(&yaml,
               "serve: {user: \"0\", one_user: true}\n"
               "commands:\n"
               "  - {name: echo, run: [/bin/sh, -c, \"cat; exit 3\"]}\n"
               "  - {name: long, run: [/bin/sh, -c, \"yes\"], output_bytes: 100, timeout: 1s}\n"
               "  - {name: left, run: [/bin/sh, -c, \"sleep 600 & echo $!\"]}\n"
               "  - {name: none, run: [/nonexistent/program]}\n"
               "sources:\n"
               "  - {name: a, follow: [%s/x-*.log, %s/one]}\n",
               scene.folder, scene.folder);
    if (config_open_text(&scene.p->config, buf_as_slice(&yaml), &err) != ERR_OK)
        fail_msg("%s", err.text);
    buf_free(&yaml);
    assert_int_equal(uv_loop_init(&scene.p->loop), 0);
    parent_roles_init(scene.p);
    assert_int_equal(wire_pair(ends, NULL), ERR_OK);
    parent_engine(scene.p)->peer = peer_open(&scene.p->loop, ends[0], &calls, &scene);
    scene.engine = wire_open(ends[1], -1);
    *state = &scene;
    return 0;
}

static int remove_file(void *context, const char *path)
{
    (void)context;
    return unlink(path) == 0 ? ERR_OK : ERR_IO;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    wire_message_free(&s->message);
    peer_close(&parent_engine(s->p)->peer);
    (void)uv_run(&s->p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->p->loop), 0);
    wire_close(&s->engine);
    parent_files_forget(s->p);
    buf_free(&s->p->unread);
    config_close(&s->p->config);
    mem_free(s->p);
    assert_int_equal(io_walk(s->folder, remove_file, NULL, NULL, NULL), ERR_OK);
    assert_int_equal(rmdir(s->folder), 0);
    return 0;
}

/* Until RAN: its code; output goes to out. */
static uint32_t run(struct scene *s, uint32_t index, const char *input, struct buf *out)
{
    int rc;
    parent_command_run(s->p, 77, index, slice_from(input));
    while ((rc = wire_receive(s->engine, &s->message, NULL)) == ERR_END) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0)
            assert_true(parent_command_reaped(s->p, pid, status));
        parent_commands_tick(s->p, clock_monotonic_ns());
        (void)uv_run(&s->p->loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(s->message.type, MESSAGE_RAN);
    assert_int_equal(s->message.id, 77);
    struct bytes_in in = bytes_in(buf_as_slice(&s->message.payload));
    uint32_t code = bytes_take_u32(&in);
    buf_clear(out);
    buf_slice(out, message_take_long(&in, 1 << 20));
    assert_false(in.bad);
    return code;
}

static void test_a_command_gets_its_input(void **state)
{
    struct buf out = {0};
    assert_int_equal(run(*state, 0, "a message\n", &out), 3);
    assert_string_equal(buf_text(&out), "a message\n");
    buf_free(&out);
}

static void test_output_and_time_are_limited(void **state)
{
    struct buf out = {0};
    assert_int_equal(run(*state, 1, "", &out), 256 + SIGKILL);
    assert_int_equal(out.len, 100);
    buf_free(&out);
}

static void test_what_it_left_behind_is_ended(void **state)
{
    struct buf out = {0};
    uint64_t pid;
    assert_int_equal(run(*state, 2, "", &out), 0);
    assert_true(slice_to_u64(slice_trim(buf_as_slice(&out)), &pid));
    for (int i = 0; i < 6000; i++) { /* its end is init's to see */
        char path[64], text[64] = "";
        (void)snprintf(path, sizeof(path), "/proc/%lu/stat", (unsigned long)pid);
        FILE *file = fopen(path, "r");
        bool there = file && fgets(text, sizeof(text), file) && !strstr(text, ") Z");
        if (file)
            (void)fclose(file);
        if (!there)
            pid = 0;
        if (!pid)
            break;
        (void)usleep(10000);
    }
    assert_int_equal(pid, 0);
    buf_free(&out);
}

static void test_what_cannot_be_started_is_told(void **state)
{
    struct buf out = {0};
    assert_int_equal(run(*state, 3, "", &out), 1000);
    assert_non_null(strstr(buf_text(&out), "no such program"));
    assert_int_equal(run(*state, 4, "", &out), 1000);
    buf_free(&out);
}

static void put(struct scene *s, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", s->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* The files that are told of, their last names joined. */
static const char *followed(struct scene *s, bool only_new)
{
    static char names[256];
    names[0] = '\0';
    parent_files_send(s->p, peer_wire(parent_engine(s->p)->peer), only_new);
    while (wire_receive(s->engine, &s->message, NULL) == ERR_OK) {
        struct bytes_in in = bytes_in(buf_as_slice(&s->message.payload));
        struct stat about;
        assert_int_equal(s->message.type, MESSAGE_FILE);
        assert_true(slice_equal(bytes_take_text(&in, 32), SLICE("a")));
        struct slice path = bytes_take_text(&in, 4096);
        assert_int_equal(fstat(s->message.fds[0], &about), 0);
        assert_int_equal(bytes_take_u64(&in), about.st_ino);
        assert_int_equal(bytes_take_u64(&in), about.st_dev);
        assert_false(in.bad);
        path = slice_part(path, strlen(s->folder) + 1, SIZE_MAX);
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%.*s ", (int)path.len, path.data);
    }
    return names;
}

static void test_followed_files(void **state)
{
    struct scene *s = *state;
    char old[128], new[128];
    assert_string_equal(followed(s, false), "");
    put(s, "x-1.log");
    put(s, "y.log");
    assert_string_equal(followed(s, true), "x-1.log ");
    assert_string_equal(followed(s, true), "");
    put(s, "one");
    assert_string_equal(followed(s, true), "one ");
    /* a rotation within the pattern: the same file by its new name, and a new one */
    (void)snprintf(old, sizeof(old), "%s/x-1.log", s->folder);
    (void)snprintf(new, sizeof(new), "%s/x-2.log", s->folder);
    assert_int_equal(rename(old, new), 0);
    put(s, "x-1.log");
    assert_int_equal(strlen(followed(s, true)), strlen("x-1.log x-2.log "));
    assert_string_equal(followed(s, true), "");
    assert_true(strlen(followed(s, false)) == strlen("x-1.log x-2.log one "));
}

static void test_links_are_not_followed(void **state)
{
    struct scene *s = *state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/x-link.log", s->folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_string_equal(followed(s, false), "");
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_command_gets_its_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output_and_time_are_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_it_left_behind_is_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_started_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_followed_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_links_are_not_followed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
