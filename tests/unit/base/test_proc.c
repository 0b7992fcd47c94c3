/* Starts itself: with an argument it is the child and does what its name says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sanitizers.h"

extern char **environ;

/* ---- the child's part ---- */

static int child_tell_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(folder));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "2") != 0)
            (void)dprintf(1, "%s ",
                          strtol(entry->d_name, NULL, 10) == dirfd(folder) ? "" : entry->d_name);
    return closedir(folder);
}

static int child_tell_user(void)
{
    gid_t groups[64];
    int count = getgroups(64, groups);
    uid_t real, effective, saved;
    (void)getresuid(&real, &effective, &saved);
    (void)dprintf(1, "%u %u %u %u %d", real, effective, saved, getegid(), count);
    return 0;
}

static int child_tell_limits(void)
{
    struct rlimit core, files, data;
    (void)getrlimit(RLIMIT_CORE, &core);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_DATA, &data);
    (void)dprintf(1, "%ju %ju %ju %ju", (uintmax_t)core.rlim_max, (uintmax_t)files.rlim_cur,
                  (uintmax_t)files.rlim_max, (uintmax_t)data.rlim_max);
    return 0;
}

static int child_tell_signals(void)
{
    sigset_t blocked;
    struct sigaction pipes;
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    (void)sigaction(SIGPIPE, NULL, &pipes);
    (void)dprintf(1, "%d %d %d", sigismember(&blocked, SIGTERM), pipes.sa_handler == SIG_DFL,
                  getsid(0) == getpid());
    return 0;
}

/* Starts a child of its own that is to die with it, tells its number, and ends. */
static int child_parent_of_another(void)
{
    const char *const arguments[] = {"grandchild", "wait", NULL};
    const int stdout_too = 1;
    struct proc_start start = {.arguments = arguments,
                               .input = -1,
                               .output = 1,
                               .fds = &stdout_too,
                               .fd_count = 1,
                               .ends_with_parent = true};
    pid_t pid;
    if (proc_start(&start, &pid, NULL) != ERR_OK)
        return 1;
    (void)dprintf(1, "%d", (int)pid);
    return 0;
}

static int child_replaced(const char *self)
{
    const char *const arguments[] = {"again", "echo", NULL};
    struct proc_start start = {.arguments = arguments, .input = 0, .output = 1};
    pid_t pid;
    int status, fd;
    if (unlink(self) != 0 || (fd = open(self, O_CREAT | O_WRONLY | O_CLOEXEC, 0700)) < 0 ||
        write(fd, "#!/bin/false\n", 13) != 13)
        return 1;
    (void)close(fd);
    if (proc_start(&start, &pid, NULL) != ERR_OK)
        return 2;
    return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 3;
}

static int child_main(int argc, char **argv)
{
    const char *what = argv[1];
    char byte;
    if (strcmp(what, "echo") == 0)
        while (read(0, &byte, 1) == 1)
            if (write(1, &byte, 1) != 1)
                return 1;
    if (strcmp(what, "echo") == 0)
        return 0;
    if (strcmp(what, "descriptors") == 0)
        return child_tell_descriptors();
    if (strcmp(what, "user") == 0)
        return child_tell_user();
    if (strcmp(what, "limits") == 0)
        return child_tell_limits();
    if (strcmp(what, "signals") == 0)
        return child_tell_signals();
    if (strcmp(what, "environment") == 0)
        for (char **e = environ; *e; e++)
            (void)dprintf(1, "%s\n", *e);
    if (strcmp(what, "environment") == 0)
        return 0;
    if (strcmp(what, "relay") == 0) { /* from the second to the first that it was given */
        while (read(PROC_FD_FIRST + 1, &byte, 1) == 1)
            if (write(PROC_FD_FIRST, &byte, 1) != 1)
                return 1;
        return 0;
    }
    if (strcmp(what, "parent") == 0)
        return child_parent_of_another();
    if (strcmp(what, "replaced") == 0)
        return child_replaced(argc > 2 ? argv[2] : "");
    if (strcmp(what, "wait") == 0)
        for (;;)
            (void)pause();
    return (int)strtol(what, NULL, 10);
}

/* ---- the tests ---- */

/* Starts this program as a child, gives what it writes to its output and its status. */
static int child_run(struct proc_start start, const char *what, struct buf *out)
{
    const char *const arguments[] = {"child", what, NULL};
    int ends[2], status;
    pid_t pid;
    struct err err = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    start.arguments = arguments;
    start.output = ends[1];
    int rc = proc_start(&start, &pid, &err);
    if (rc != ERR_OK)
        fail_msg("%s", err.text);
    (void)close(ends[1]);
    char room[512];
    ssize_t got;
    buf_clear(out);
    while ((got = read(ends[0], room, sizeof(room))) > 0)
        buf_append(out, room, (size_t)got);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)buf_text(out);
    return status;
}

static const struct proc_start plain = {.input = -1, .output = -1};

static void test_only_the_given_descriptors(void **state)
{
    (void)state;
    struct buf out = {0};
    int ends[2], stray = open("/dev/null", O_RDONLY); /* without close-on-exec */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(child_run(plain, "descriptors", &out), 0);
    assert_string_equal(out.data, "0 1  ");
    struct proc_start start = plain;
    start.fds = ends;
    start.fd_count = 2;
    assert_int_equal(child_run(start, "descriptors", &out), 0);
    assert_string_equal(out.data, "0 1 3 4  ");
    (void)close(stray);
    (void)close(ends[0]);
    (void)close(ends[1]);
    buf_free(&out);
}

/* The given ones stand at each other's places. */
static void test_descriptors_do_not_overwrite_each_other(void **state)
{
    (void)state;
    enum { FIRST = PROC_FD_FIRST, SECOND = PROC_FD_FIRST + 1 };
    int to_child[2], from_child[2];
    assert_int_equal(pipe2(from_child, O_CLOEXEC), 0);
    assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
    int input = fcntl(to_child[1], F_DUPFD_CLOEXEC, 20);
    int output = fcntl(from_child[0], F_DUPFD_CLOEXEC, 20);
    int child_input = fcntl(to_child[0], F_DUPFD_CLOEXEC, 20);
    int child_output = fcntl(from_child[1], F_DUPFD_CLOEXEC, 20);
    for (int i = 0; i < 2; i++) {
        (void)close(to_child[i]);
        (void)close(from_child[i]);
    }
    assert_int_equal(dup3(child_output, SECOND, O_CLOEXEC), SECOND);
    assert_int_equal(dup3(child_input, FIRST, O_CLOEXEC), FIRST);
    const int crossed[2] = {SECOND, FIRST};
    const char *const arguments[] = {"child", "relay", NULL};
    struct proc_start start = plain;
    start.fds = crossed;
    start.fd_count = 2;
    start.arguments = arguments;
    pid_t pid;
    int status;
    assert_int_equal(proc_start(&start, &pid, NULL), ERR_OK);
    const int given[] = {SECOND, FIRST, child_input, child_output};
    for (size_t i = 0; i < 4; i++)
        (void)close(given[i]);
    assert_int_equal(write(input, "hello", 5), 5);
    (void)close(input);
    char room[16] = {0};
    size_t len = 0;
    ssize_t got;
    while ((got = read(output, room + len, sizeof(room) - 1 - len)) > 0)
        len += (size_t)got;
    assert_string_equal(room, "hello");
    (void)close(output);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_the_environment_is_small(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(setenv("LD_PRELOAD_LIKE", "x", 1), 0);
    assert_int_equal(setenv("CANH_TEST_VALUE", "kept", 1), 0);
    assert_int_equal(setenv("TZ", "Asia/Ho_Chi_Minh", 1), 0);
    assert_int_equal(child_run(plain, "environment", &out), 0);
    assert_non_null(strstr(out.data, "CANH_TEST_VALUE=kept\n"));
    assert_non_null(strstr(out.data, "TZ=Asia/Ho_Chi_Minh\n"));
    assert_null(strstr(out.data, "LD_PRELOAD_LIKE"));
    assert_int_equal(unsetenv("LD_PRELOAD_LIKE") + unsetenv("CANH_TEST_VALUE") + unsetenv("TZ"), 0);
    buf_free(&out);
}

static void test_limits(void **state)
{
    (void)state;
    struct buf out = {0}, wanted = {0};
    struct proc_start start = plain;
    start.descriptors = 100;
    start.memory_bytes = 64 << 20;
    assert_int_equal(child_run(start, "limits", &out), 0);
    buf_printf(&wanted, "0 100 100 %ju",
               SANITIZERS ? (uintmax_t)RLIM_INFINITY : (uintmax_t)start.memory_bytes);
    assert_string_equal(out.data, buf_text(&wanted));
    buf_free(&wanted);
    buf_free(&out);
}

static void test_signals_are_as_usual_in_the_child(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err err = {0};
    int fd;
    sigset_t before;
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &before), 0);
    assert_int_equal(proc_signals(&fd, &err), ERR_OK);
    struct proc_start start = plain;
    assert_int_equal(child_run(start, "signals", &out), 0);
    assert_string_equal(out.data, "0 1 0");
    start.new_session = true;
    assert_int_equal(child_run(start, "signals", &out), 0);
    assert_string_equal(out.data, "0 1 1");
    while (proc_signal_next(fd))
        continue;
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(proc_signal_next(fd), SIGTERM);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(proc_signal_next(fd), SIGHUP);
    assert_int_equal(proc_signal_next(fd), 0);
    assert_int_equal(kill(getpid(), SIGPIPE), 0); /* ignored */
    (void)close(fd);
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    buf_free(&out);
}

static void test_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct buf out = {0};
    struct err err = {0};
    struct proc_start start = plain;
    assert_int_equal(proc_user_find("65534", &start.user, &err), ERR_OK);
    assert_true(start.user.change);
    assert_int_equal(child_run(start, "user", &out), 0);
    assert_true(slice_starts(buf_as_slice(&out), SLICE("65534 65534 65534 ")));
    start.user.group = 65533;
    start.user.groups[0] = 65532;
    start.user.group_count = 1;
    assert_int_equal(child_run(start, "user", &out), 0);
    assert_string_equal(out.data, "65534 65534 65534 65533 1");
    buf_free(&out);
}

static void test_looking_up_users(void **state)
{
    (void)state;
    struct err err = {0};
    struct proc_user user;
    gid_t group = 77;
    assert_int_equal(proc_user_find("root", &user, &err), ERR_OK);
    assert_int_equal(user.user, 0);
    assert_int_equal(user.change, geteuid() != 0);
    assert_int_equal(proc_user_find("4000000", &user, &err), ERR_OK);
    assert_int_equal(user.user, 4000000);
    assert_int_equal(user.group, 4000000);
    assert_int_equal(user.group_count, 0);
    assert_int_equal(proc_user_find("canh-nobody-has-this", &user, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "systemd-sysusers"));
    assert_int_equal(proc_user_find("4294967295", &user, &err), ERR_NOT_FOUND);
    assert_int_equal(proc_group_find("root", &group, &err), ERR_OK);
    assert_int_equal(group, 0);
    assert_int_equal(proc_group_find("123", &group, &err), ERR_OK);
    assert_int_equal(group, 123);
    assert_int_equal(proc_group_find("canh-nobody-has-this", &group, &err), ERR_NOT_FOUND);
}

static void test_what_fails_before_exec_is_told(void **state)
{
    (void)state;
    const char *const arguments[] = {"x", NULL};
    struct err err = {0};
    pid_t pid = 0;
    struct proc_start start = plain;
    start.arguments = arguments;
    start.path = "/nonexistent/program";
    assert_int_equal(proc_start(&start, &pid, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nonexistent/program"));
    start.path = "/dev/null";
    assert_int_equal(proc_start(&start, &pid, &err), ERR_IO);
    assert_non_null(strstr(err.text, "cannot run the program: Permission denied"));
    if (geteuid() != 0) {
        start.path = NULL;
        start.user = (struct proc_user){.change = true};
        assert_int_equal(proc_start(&start, &pid, &err), ERR_IO);
        assert_non_null(strstr(err.text, "cannot change to its user"));
    }
    int bad = 900;
    start.path = NULL;
    start.user = (struct proc_user){0};
    start.fds = &bad;
    start.fd_count = 1;
    assert_int_equal(proc_start(&start, &pid, &err), ERR_IO);
    assert_non_null(strstr(err.text, "cannot place its descriptors"));
    assert_int_equal(pid, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left behind */
    assert_int_equal(errno, ECHILD);
}

static void test_reaping(void **state)
{
    (void)state;
    const char *const seven[] = {"child", "7", NULL}, *const waits[] = {"child", "wait", NULL};
    struct proc_start start = plain;
    struct buf text = {0};
    pid_t pid, ended;
    int status;
    assert_int_equal(proc_reap(&ended, &status, NULL), ERR_END);
    start.arguments = seven;
    assert_int_equal(proc_start(&start, &pid, NULL), ERR_OK);
    int rc;
    while ((rc = proc_reap(&ended, &status, NULL)) == ERR_END)
        (void)poll(NULL, 0, 5);
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(ended, pid);
    proc_status_text(status, &text);
    assert_string_equal(buf_text(&text), "ended with 7");
    const int signals[] = {SIGKILL, SIGSYS};
    const char *const texts[] = {"killed by signal 9 (SIGKILL)",
                                 "killed by signal 31 (SIGSYS: it tried what it may not)"};
    for (size_t i = 0; i < 2; i++) {
        start.arguments = waits;
        assert_int_equal(proc_start(&start, &pid, NULL), ERR_OK);
        assert_int_equal(proc_reap(&ended, &status, NULL), ERR_END);
        assert_int_equal(kill(pid, signals[i]), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        buf_clear(&text);
        proc_status_text(status, &text);
        assert_string_equal(buf_text(&text), texts[i]);
    }
    buf_free(&text);
}

/* The grandchild holds the pipe's end: it is closed when it was killed. */
static void test_a_child_ends_with_its_parent(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(child_run(plain, "parent", &out), 0);
    assert_true(out.len > 0);
    buf_free(&out);
}

static void copy_of_this_program(char *path)
{
    struct buf all = {0};
    assert_int_equal(io_read_file(&all, "/proc/self/exe", (size_t)256 << 20, NULL), ERR_OK);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, all.data, all.len, NULL), ERR_OK);
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(close(fd), 0);
    buf_free(&all);
}

static void test_the_running_program_even_when_replaced(void **state)
{
    (void)state;
    char path[] = "/tmp/canh-proc-XXXXXX";
    copy_of_this_program(path);
    const char *const arguments[] = {"child", "replaced", path, NULL};
    struct proc_start start = plain;
    start.path = path;
    start.arguments = arguments;
    pid_t pid;
    int status;
    assert_int_equal(proc_start(&start, &pid, NULL), ERR_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(unlink(path), 0);
}

/* The first notice decides about the socket, so this is the only test that sends any. */
static void test_notices_reach_the_service_manager(void **state)
{
    (void)state;
    char name[] = "@canh-test-notify-0000000000";
    int service = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(service >= 0);
    (void)snprintf(name + 18, sizeof(name) - 18, "%010d", (int)getpid());
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    proc_notify("READY=1"); /* nobody wants to know */
    assert_int_equal(bind(service, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    proc_notify("");
    proc_notify("READY=1\nSTATUS=watching");
    char got[64] = {0};
    assert_int_equal(recv(service, got, sizeof(got) - 1, MSG_DONTWAIT), 23);
    assert_string_equal(got, "READY=1\nSTATUS=watching");
    (void)close(service);
    proc_notify("STOPPING=1"); /* nobody is there any more: no harm */
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void test_watchdog(void **state)
{
    (void)state;
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_int_equal(proc_watchdog_ns(), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
    assert_true(proc_watchdog_ns() == 15000000000u);
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_true(proc_watchdog_ns() == 15000000000u);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    assert_int_equal(proc_watchdog_ns(), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "often", 1), 0);
    assert_int_equal(proc_watchdog_ns(), 0);
    assert_int_equal(unsetenv("WATCHDOG_USEC") + unsetenv("WATCHDOG_PID"), 0);
}

static void test_usage(void **state)
{
    (void)state;
    struct proc_usage before, after;
    proc_usage(&before);
    assert_true(before.cpu_ns > 0);
    assert_true(before.rss_bytes > 100000);
    assert_true(before.descriptors >= 3);
    size_t size = 16 << 20;
    char *block = mem_alloc(size);
    memset(block, 1, size);
    int fd = dup(0);
    proc_usage(&after);
    assert_true(after.rss_bytes >= before.rss_bytes + size / 2);
    assert_true(before.pss_bytes == 0 || after.pss_bytes >= before.pss_bytes + size / 2);
    assert_int_equal(after.descriptors, before.descriptors + 1);
    assert_int_equal(block[size / 2], 1);
    (void)close(fd);
    mem_free(block);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_given_descriptors),
        cmocka_unit_test(test_descriptors_do_not_overwrite_each_other),
        cmocka_unit_test(test_the_environment_is_small),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_signals_are_as_usual_in_the_child),
        cmocka_unit_test(test_another_user),
        cmocka_unit_test(test_looking_up_users),
        cmocka_unit_test(test_what_fails_before_exec_is_told),
        cmocka_unit_test(test_reaping),
        cmocka_unit_test(test_a_child_ends_with_its_parent),
        cmocka_unit_test(test_the_running_program_even_when_replaced),
        cmocka_unit_test(test_notices_reach_the_service_manager),
        cmocka_unit_test(test_watchdog),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
