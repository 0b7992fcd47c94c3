/* What a role may not must be refused or kill it, with Landlock and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/sandbox_inside.h"
#include "base/sanitizers.h"
#include "support/sandbox_try.h"

static int result(int rc)
{
    return sandbox_try_result(rc, errno);
}

/* ---- what kills ---- */

static int try_socket(void)
{
    return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_unix_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    return result(connect(0, (const struct sockaddr *)&to, sizeof(to)));
}

static int try_bind(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    return result(bind(0, (const struct sockaddr *)&to, sizeof(to)));
}

static int try_exec(void)
{
    char name[] = "true", *const arguments[] = {name, NULL};
    return result(execve("/bin/true", arguments, NULL));
}

static int try_fork(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int try_ptrace(void)
{
    return result((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_executable_memory(void)
{
    void *at =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : 0;
}

static int try_nameless_executable_memory(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? errno : 0;
}

static int try_making_memory_executable(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? SANDBOX_TRY_UNWANTED
                            : result(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int try_killing_the_parent(void)
{
    return result(kill(getppid(), 0));
}

static int try_killing_all(void)
{
    return result(kill(-1, 0));
}

static int try_a_thread_of_another(void)
{
    return result((int)syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int try_mount(void)
{
    return result(mount("none", "/mnt", "tmpfs", 0, NULL));
}

static int try_setuid(void)
{
    return result(setuid(geteuid()));
}

static int try_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}

static int try_io_uring(void)
{
    char parameters[128] = {0};
    return result((int)syscall(SYS_io_uring_setup, 8, parameters));
}

static const struct {
    const char *name;
    sandbox_try_body *body;
    unsigned allowed_by; /* everything but this is given */
    bool sanitizers_need;
} killers[] = {
    {"socket", try_socket, SANDBOX_CONNECT, false},
    {"unix socket", try_unix_socket, SANDBOX_CONNECT, false},
    {"connect", try_connect, SANDBOX_CONNECT, false},
    {"bind", try_bind, SANDBOX_CONNECT, false},
    {"exec", try_exec, 0, false},
    {"fork", try_fork, 0, true},
    {"ptrace", try_ptrace, 0, true},
    {"executable memory", try_executable_memory, SANDBOX_WRITE_EXEC, false},
    {"nameless executable memory", try_nameless_executable_memory, SANDBOX_WRITE_EXEC, false},
    {"memory made executable", try_making_memory_executable, SANDBOX_WRITE_EXEC, false},
    {"kill the parent", try_killing_the_parent, SANDBOX_SIGNAL, false},
    {"kill all", try_killing_all, SANDBOX_SIGNAL, false},
    {"kill a thread", try_a_thread_of_another, SANDBOX_SIGNAL, false},
    {"mount", try_mount, 0, false},
    {"setuid", try_setuid, 0, false},
    {"namespace", try_namespace, 0, false},
    {"io_uring", try_io_uring, 0, false},
};

static const unsigned all_of_roles = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_ACCEPT |
                                     SANDBOX_CONNECT | SANDBOX_WRITE_EXEC | SANDBOX_SIGNAL;

static void test_dangerous_calls_kill(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(killers) / sizeof(killers[0]); i++)
        for (int landlock = 0; landlock < 2; landlock++) {
            const unsigned given[] = {0, all_of_roles & ~killers[i].allowed_by};
            if (SANITIZERS && killers[i].sanitizers_need)
                continue;
            for (size_t k = 0; k < 2; k++) {
                int status = sandbox_try_run(given[k], landlock, killers[i].body);
                if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
                    fail_msg("%s ended with status %d, not by SIGSYS (given %u, landlock %d)",
                             killers[i].name, status, given[k], landlock);
            }
        }
}

/* ---- what is refused ---- */

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    return result(fd);
}

static int try_reading_inside(void)
{
    return opened(sandbox_try.inside_file.data, O_RDONLY);
}

static int try_reading_outside(void)
{
    return opened(sandbox_try.outside_file.data, O_RDONLY);
}

static int try_writing_inside(void)
{
    return opened(sandbox_try.inside_file.data, O_WRONLY);
}

static int try_updating_inside(void)
{
    return opened(sandbox_try.inside_file.data, O_RDWR);
}

static int try_truncating_by_reading(void)
{
    return opened(sandbox_try.inside_file.data, O_RDONLY | O_TRUNC);
}

static int try_making_inside(void)
{
    return opened(sandbox_try.inside_new.data, O_RDWR | O_CREAT);
}

static int try_nameless_inside(void)
{
    return opened(sandbox_try.inside, O_RDWR | O_TMPFILE);
}

static int try_writing_outside(void)
{
    return opened(sandbox_try.outside_file.data, O_WRONLY);
}

static int try_unlink_inside(void)
{
    return result(unlink(sandbox_try.inside_new.data));
}

static int try_unlink_outside(void)
{
    return result(unlink(sandbox_try.outside_file.data));
}

static int try_rename_out(void)
{
    return result(rename(sandbox_try.inside_file.data, sandbox_try.outside_file.data));
}

static int try_chmod_inside(void)
{
    return result(chmod(sandbox_try.inside_file.data, 0600));
}

static int try_mkdir_outside(void)
{
    struct buf path = {0};
    buf_printf(&path, "%s/folder", sandbox_try.outside);
    int rc = result(mkdir(buf_text(&path), 0700));
    buf_free(&path);
    return rc;
}

static int try_terminal_input(void) /* TIOCSTI types into somebody's terminal */
{
    return result(ioctl(0, 0x5412, "x"));
}

static int try_dumpable(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int try_more_descriptors(void)
{
    struct rlimit limit = {10, 10};
    return result(setrlimit(RLIMIT_NOFILE, &limit));
}

static int try_accept(void)
{
    return result(accept4(0, NULL, NULL, 0));
}

static const struct {
    const char *name;
    sandbox_try_body *body;
    unsigned may;
    int with, without; /* errno with Landlock and without it; 0: allowed */
    bool sanitizers_need;
} refusals[] = {
    {"read inside, given nothing", try_reading_inside, 0, EPERM, EPERM, true},
    {"read inside", try_reading_inside, SANDBOX_READ, 0, 0, false},
    {"read outside", try_reading_outside, SANDBOX_READ, EACCES, 0, false},
    {"write inside as a reader", try_writing_inside, SANDBOX_READ, EPERM, EPERM, false},
    {"update inside as a reader", try_updating_inside, SANDBOX_READ, EPERM, EPERM, false},
    {"truncate inside as a reader", try_truncating_by_reading, SANDBOX_READ, EPERM, EPERM, false},
    {"make inside as a reader", try_making_inside, SANDBOX_READ, EPERM, EPERM, false},
    {"nameless inside as a reader", try_nameless_inside, SANDBOX_READ, EPERM, EPERM, false},
    {"chmod inside as a reader", try_chmod_inside, SANDBOX_READ, EPERM, EPERM, false},
    {"unlink inside as a reader", try_unlink_inside, SANDBOX_READ, EPERM, EPERM, false},
    {"write inside", try_writing_inside, SANDBOX_WRITE, 0, 0, false},
    {"make inside", try_making_inside, SANDBOX_WRITE, 0, 0, false},
    {"nameless inside", try_nameless_inside, SANDBOX_WRITE, 0, 0, false},
    {"chmod inside", try_chmod_inside, SANDBOX_WRITE, 0, 0, false},
    {"write outside", try_writing_outside, SANDBOX_WRITE, EACCES, 0, false},
    {"make a folder outside", try_mkdir_outside, SANDBOX_READ, EPERM, EPERM, false},
    {"unlink outside as a reader", try_unlink_outside, SANDBOX_READ, EPERM, EPERM, false},
    {"unlink outside with Landlock", try_unlink_outside, SANDBOX_WRITE, EACCES, -1, false},
    {"rename outwards with Landlock", try_rename_out, SANDBOX_WRITE, EACCES, -1, false},
    {"type into a terminal", try_terminal_input, SANDBOX_WRITE, EPERM, EPERM, false},
    {"become dumpable again", try_dumpable, SANDBOX_WRITE, EPERM, EPERM, true},
    {"set limits", try_more_descriptors, SANDBOX_WRITE, EPERM, EPERM, false},
    {"accept", try_accept, SANDBOX_WRITE, EPERM, EPERM, false},
};

static void test_other_calls_are_refused(void **state)
{
    (void)state;
    int version;
    bool offered = sandbox_offered(&version) & SANDBOX_LANDLOCK;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        for (int landlock = 0; landlock < 2; landlock++) {
            int wanted = landlock ? refusals[i].with : refusals[i].without;
            if (wanted < 0 || (landlock && !offered) || (SANITIZERS && refusals[i].sanitizers_need))
                continue;
            int status = sandbox_try_run(refusals[i].may, landlock, refusals[i].body);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
                fail_msg("%s ended with status %x, wanted errno %d (landlock %d)", refusals[i].name,
                         (unsigned)status, wanted, landlock);
        }
}

static void test_the_parent_of_roles(void **state)
{
    (void)state;
    assert_int_equal(WTERMSIG(sandbox_try_run(SANDBOX_CHILDREN, false, try_mount)), SIGSYS);
    if (!SANITIZERS)
        assert_int_equal(WTERMSIG(sandbox_try_run(SANDBOX_CHILDREN, false, try_ptrace)), SIGSYS);
    assert_int_equal(sandbox_try_run(SANDBOX_CHILDREN, true, try_reading_outside), 0);
    if (sandbox_offered(NULL) & SANDBOX_LANDLOCK)
        assert_int_equal(WEXITSTATUS(sandbox_try_run(SANDBOX_CHILDREN, true, try_writing_outside)),
                         EACCES);
}

static int no_capabilities(void)
{
    for (int i = 0; i < 64; i++)
        if (prctl(PR_CAPBSET_READ, i) == 1 && geteuid() == 0)
            return SANDBOX_TRY_UNWANTED;
    return chown("/", (uid_t)-1, (gid_t)-1) == 0 ? 0 : errno == EPERM ? 0 : SANDBOX_TRY_UNWANTED;
}

static void test_privileges_are_gone(void **state)
{
    (void)state;
    assert_int_equal(sandbox_try_run(0, true, no_capabilities), 0);
    if (geteuid() != 0)
        skip();
    /* of another user: it takes a capability to open it */
    assert_int_equal(chown(sandbox_try.outside_file.data, 65534, 65534), 0);
    assert_int_equal(chmod(sandbox_try.outside_file.data, 0600), 0);
    assert_int_equal(WEXITSTATUS(sandbox_try_run(SANDBOX_READ, false, try_reading_outside)),
                     EACCES);
    assert_int_equal(sandbox_try_run(SANDBOX_READ | SANDBOX_CHILDREN, false, try_reading_outside),
                     0);
    assert_int_equal(chown(sandbox_try.outside_file.data, 0, 0), 0);
}

static void test_without_landlock_by_environment(void **state)
{
    (void)state;
    int version = -1;
    struct buf text = {0};
    assert_int_equal(setenv("CANH_WITHOUT_LANDLOCK", "1", 1), 0);
    unsigned offered = sandbox_offered(&version);
    assert_int_equal(offered & SANDBOX_LANDLOCK, 0);
    assert_int_equal(version, 0);
    assert_int_equal(sandbox_try_run(SANDBOX_READ, true, try_reading_outside), 0);
    assert_int_equal(unsetenv("CANH_WITHOUT_LANDLOCK"), 0);
    sandbox_layers_text(SANDBOX_SECCOMP | SANDBOX_LANDLOCK, &text);
    assert_string_equal(buf_text(&text), "seccomp, landlock");
    buf_clear(&text);
    sandbox_layers_text(0, &text);
    assert_string_equal(buf_text(&text), "none");
    buf_free(&text);
}

static int run_with(const struct sandbox *sandbox, sandbox_try_body *body)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        unsigned layers;
        _exit(sandbox_enter(sandbox, &layers, NULL) == ERR_OK ? body() : SANDBOX_TRY_UNWANTED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_paths(void **state)
{
    (void)state;
    /* one that is not there is passed over; what may be written is said path by path */
    const struct sandbox_path paths[] = {{.path = "/nonexistent/folder", .write = true},
                                         {.path = sandbox_try.inside},
                                         {.path = sandbox_try.outside_file.data, .write = true}};
    struct sandbox sandbox = {.may = SANDBOX_WRITE, .paths = paths, .path_count = 3};
    assert_int_equal(run_with(&sandbox, try_reading_inside), 0);
    assert_int_equal(run_with(&sandbox, try_writing_outside), 0);
    if (sandbox_offered(NULL) & SANDBOX_LANDLOCK)
        assert_int_equal(WEXITSTATUS(run_with(&sandbox, try_writing_inside)), EACCES);
}

static void test_the_tables_name_real_calls(void **state)
{
    (void)state;
    const char *names;
    for (size_t row = 0; (names = sandbox_calls_names(row)); row++)
        for (struct slice rest = slice_from(names); rest.len;) {
            struct slice name = slice_cut(&rest, ' ');
            char text[64] = {0};
            memcpy(text, name.data, name.len);
            if (seccomp_syscall_resolve_name(text) == __NR_SCMP_ERROR)
                fail_msg("libseccomp knows no %s", text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dangerous_calls_kill),
        cmocka_unit_test(test_other_calls_are_refused),
        cmocka_unit_test(test_the_parent_of_roles),
        cmocka_unit_test(test_privileges_are_gone),
        cmocka_unit_test(test_without_landlock_by_environment),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_the_tables_name_real_calls),
    };
    return cmocka_run_group_tests(tests, sandbox_try_make, sandbox_try_remove);
}
