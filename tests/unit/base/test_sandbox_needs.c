/* What roles need must work inside a sandbox, with Landlock and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/database.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/wire.h"
#include "support/sandbox_try.h"

static struct disk *disk;
static struct database *database;

static int database_make(void **state)
{
    if (sandbox_try_make(state) != 0 ||
        disk_open_folder(&disk, sandbox_try.inside, NULL) != ERR_OK ||
        database_open(&database, disk, "state.db", DATABASE_WRITE, NULL) != ERR_OK)
        return -1;
    return database_run(database, "CREATE TABLE t (a); INSERT INTO t VALUES (42)", NULL);
}

static int database_remove(void **state)
{
    database_close(&database);
    int rc = disk_remove(disk, "state.db", NULL);
    disk_close_folder(&disk);
    return rc | sandbox_try_remove(state);
}

static void *thread_body(void *argument)
{
    char *block = mem_alloc(1 << 20);
    memset(block, 1, 1 << 20);
    *(int *)argument += block[5];
    mem_free(block);
    return NULL;
}

static int use_threads(void)
{
    pthread_t threads[4];
    int sums[4] = {0};
    for (size_t i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, thread_body, &sums[i]) != 0)
            return SANDBOX_TRY_UNWANTED;
    for (size_t i = 0; i < 4; i++)
        if (pthread_join(threads[i], NULL) != 0 || sums[i] != 1)
            return SANDBOX_TRY_UNWANTED;
    return 0;
}

static int use_wires(void)
{
    int ends[2];
    struct buf big = {0};
    struct wire_message got = {0};
    if (wire_pair(ends, NULL) != ERR_OK)
        return SANDBOX_TRY_UNWANTED;
    struct wire *a = wire_open(ends[0], -1), *b = wire_open(ends[1], -1);
    buf_reserve(&big, 1 << 20);
    big.len = 1 << 20;
    memset(big.data, 'x', big.len);
    const int fd = 1;
    int rc = wire_send(a, 1, 1, buf_as_slice(&big), &fd, 1, NULL);
    if (rc == ERR_OK)
        rc = wire_wait(b, &got, 5000, NULL);
    bool whole = rc == ERR_OK && got.payload.len == big.len && got.fd_count == 1;
    wire_message_free(&got);
    wire_close(&a);
    wire_close(&b);
    buf_free(&big);
    return whole ? 0 : SANDBOX_TRY_UNWANTED;
}

static int use_log(void)
{
    int nowhere = memfd_create("log", MFD_CLOEXEC);
    if (nowhere < 0 || dup2(nowhere, 2) != 2)
        return SANDBOX_TRY_UNWANTED;
    log_say(LOG_INFO, "test", "from a sandbox");
    return lseek(2, 0, SEEK_CUR) > 0 ? 0 : SANDBOX_TRY_UNWANTED;
}

static int read_database(void)
{
    struct disk *here;
    struct database *db;
    struct err err = {0};
    int rc = disk_open_folder(&here, sandbox_try.inside, &err);
    if (rc == ERR_OK)
        rc = database_open(&db, here, "state.db", DATABASE_READ, &err);
    if (rc != ERR_OK) {
        (void)!write(2, err.text, strlen(err.text));
        return SANDBOX_TRY_UNWANTED;
    }
    struct statement *s = statement_get(db, "SELECT sum(a) FROM t");
    int sum = statement_step(s, &err) == ERR_OK ? (int)statement_column_i64(s, 0) : 0;
    statement_reset(s);
    int changed = database_run(db, "DELETE FROM t", &err);
    database_close(&db);
    disk_close_folder(&here);
    return sum == 42 && changed != ERR_OK ? 0 : SANDBOX_TRY_UNWANTED;
}

static int write_database(void)
{
    struct disk *here;
    struct database *db;
    struct err err = {0};
    int rc = disk_open_folder(&here, sandbox_try.inside, &err);
    if (rc == ERR_OK)
        rc = database_open(&db, here, "state.db", DATABASE_WRITE, &err);
    if (rc == ERR_OK) {
        rc = database_run(db, "UPDATE t SET a = 42", &err);
        database_close(&db);
        disk_close_folder(&here);
    }
    return rc == ERR_OK ? 0 : SANDBOX_TRY_UNWANTED;
}

static int match_expression(bool by_machine_code)
{
    int number;
    size_t at;
    PCRE2_SPTR pattern = (PCRE2_SPTR) "b+c", subject = (PCRE2_SPTR) "aabbbcc";
    pcre2_code *code = pcre2_compile(pattern, 3, 0, &number, &at, NULL);
    if (by_machine_code && pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) != 0)
        return SANDBOX_TRY_UNWANTED;
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    int rc = by_machine_code ? pcre2_jit_match(code, subject, 7, 0, 0, data, NULL)
                             : pcre2_match(code, subject, 7, 0, 0, data, NULL);
    bool found = rc == 1 && pcre2_get_ovector_pointer(data)[0] == 2;
    pcre2_match_data_free(data);
    pcre2_code_free(code);
    return found ? 0 : SANDBOX_TRY_UNWANTED;
}

static int match_by_machine_code(void)
{
    return match_expression(true);
}

static int match_by_interpreter(void)
{
    return match_expression(false);
}

static int use_sockets(void)
{
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int rc = connect(other, (const struct sockaddr *)&to, sizeof(to)); /* port 0: nobody there */
    return listening >= 0 && rc < 0 && errno != EPERM && errno != EACCES ? 0 : SANDBOX_TRY_UNWANTED;
}

static int load_a_library(void) /* as dlopen does for name lookups */
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SANDBOX_TRY_UNWANTED;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    return at == MAP_FAILED ? SANDBOX_TRY_UNWANTED : 0;
}

static int usual_calls(void)
{
    struct pollfd none = {.fd = -1};
    struct rlimit limit;
    struct stat about;
    char random[16];
    sigset_t set;
    (void)sigemptyset(&set);
    return poll(&none, 1, 0) == 0 && getrlimit(RLIMIT_STACK, &limit) == 0 &&
                   syscall(SYS_getrandom, random, sizeof(random), 0) == sizeof(random) &&
                   fstat(0, &about) == 0 && sigprocmask(SIG_BLOCK, &set, NULL) == 0 &&
                   prctl(PR_SET_NAME, "canh-test") == 0 && kill(getpid(), 0) == 0 &&
                   fcntl(0, F_GETFD) >= 0 && !isatty(-1)
               ? 0
               : SANDBOX_TRY_UNWANTED;
}

static int give_up(void)
{
    abort();
}

static int signal_the_parent(void)
{
    return sandbox_try_result(kill(getppid(), 0), errno);
}

static int start_another(void)
{
    const char *const arguments[] = {"true", NULL};
    struct proc_start start = {
        .path = "/bin/true", .arguments = arguments, .input = -1, .output = -1};
    start.user.change = geteuid() == 0;
    pid_t pid;
    int status;
    return proc_start(&start, &pid, NULL) == ERR_OK && waitpid(pid, &status, 0) == pid
               ? status
               : SANDBOX_TRY_UNWANTED;
}

static const struct {
    const char *name;
    sandbox_try_body *body;
    unsigned may;
} needs[] = {
    {"threads", use_threads, 0},
    {"wires", use_wires, 0},
    {"log", use_log, 0},
    {"usual calls", usual_calls, 0},
    {"interpreter", match_by_interpreter, 0},
    {"machine code", match_by_machine_code, SANDBOX_WRITE_EXEC},
    {"reading a database that is written", read_database, SANDBOX_READ},
    {"writing a database", write_database, SANDBOX_WRITE | SANDBOX_READ},
    {"sockets", use_sockets, SANDBOX_CONNECT},
    {"signals", signal_the_parent, SANDBOX_SIGNAL},
    {"starting another", start_another, SANDBOX_CHILDREN},
    {"sockets of children", use_sockets, SANDBOX_CHILDREN},
};

static void test_what_roles_need_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        for (int landlock = 0; landlock < 2; landlock++) {
            int status = sandbox_try_run(needs[i].may, landlock, needs[i].body);
            if (status != 0)
                fail_msg("%s ended with status %x (landlock %d)", needs[i].name, (unsigned)status,
                         landlock);
        }
    assert_int_equal(sandbox_try_run(SANDBOX_CONNECT | SANDBOX_READ, false, load_a_library), 0);
    assert_int_equal(WTERMSIG(sandbox_try_run(SANDBOX_READ, false, load_a_library)), SIGSYS);
    assert_int_equal(WTERMSIG(sandbox_try_run(0, true, give_up)), SIGABRT);
}

static int usage_from_inside(void)
{
    struct proc_usage usage;
    proc_usage(&usage);
    return usage.rss_bytes > 0 && usage.descriptors > 0 ? 0 : SANDBOX_TRY_UNWANTED;
}

static void test_usage_opened_before_is_read_inside(void **state)
{
    (void)state;
    const struct sandbox sandbox = {0};
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct proc_usage usage;
        unsigned layers;
        proc_usage(&usage);
        _exit(sandbox_enter(&sandbox, &layers, NULL) == ERR_OK ? usage_from_inside()
                                                               : SANDBOX_TRY_UNWANTED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_roles_need_works),
        cmocka_unit_test(test_usage_opened_before_is_read_inside),
    };
    return cmocka_run_group_tests(tests, database_make, database_remove);
}
