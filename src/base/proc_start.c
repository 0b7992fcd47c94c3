#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/sanitizers.h"

enum { PLACES_MAX = PROC_FD_FIRST + PROC_FDS_MAX, OUT_OF_THE_WAY = 64 };

/* What the child does on its way to exec; told to the parent with the reason when it fails. */
enum step { STEP_DESCRIPTORS, STEP_SESSION, STEP_LIMITS, STEP_USER, STEP_PARENT, STEP_EXEC };

static const char *const step_texts[] = {
    "cannot place its descriptors", "cannot begin its own session",       "cannot set its limits",
    "cannot change to its user",    "cannot tie it to its parent's life", "cannot run the program",
};

struct report {
    int step, reason;
};

/* All that the child needs, made before the fork: behind it nothing may allocate. */
struct plan {
    const struct proc_start *start;
    const char *path;
    char **arguments, **environment;
    int sources[PLACES_MAX]; /* of descriptors 0, 1, ... */
    uint32_t source_count;
    int report;
    pid_t parent;
};

static bool environment_kept(const char *entry)
{
    static const char *const heads[] = {"PATH=", "LANG=", "TZ=", "CANH_"};
    static const char *const of_sanitizers[] = {
        "ASAN_OPTIONS=", "LSAN_OPTIONS=", "TSAN_OPTIONS=", "UBSAN_OPTIONS="};
    struct slice text = slice_from(entry);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        if (slice_starts(text, slice_from(heads[i])))
            return true;
    for (size_t i = 0; SANITIZERS && i < sizeof(of_sanitizers) / sizeof(of_sanitizers[0]); i++)
        if (slice_starts(text, slice_from(of_sanitizers[i])))
            return true;
    return false;
}

static char **environment_make(void)
{
    size_t count = 0, kept = 0;
    while (environ && environ[count])
        count++;
    char **made = mem_zeroed(count + 1, sizeof(*made));
    for (size_t i = 0; i < count; i++)
        if (environment_kept(environ[i]))
            made[kept++] = environ[i];
    return made;
}

static char **arguments_make(const char *const *arguments)
{
    size_t count = 0;
    while (arguments[count])
        count++;
    check(count > 0 && count <= PROC_ARGS_MAX);
    char **made = mem_zeroed(count + 1, sizeof(*made));
    memcpy(made, arguments, count * sizeof(*made)); /* exec only reads them */
    return made;
}

/* First all out of the way, then each to its place, so that none is overwritten that is still
 * wanted. */
static bool child_descriptors(struct plan *plan)
{
    for (uint32_t i = 0; i < plan->source_count; i++) {
        plan->sources[i] = fcntl(plan->sources[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
        if (plan->sources[i] < 0)
            return false;
    }
    for (uint32_t i = 0; i < plan->source_count; i++)
        if (dup2(plan->sources[i], (int)i) < 0)
            return false;
    return close_range(plan->source_count, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool child_limit(int which, uint64_t wanted)
{
    struct rlimit limit;
    if (wanted == 0)
        return true;
    if (getrlimit((__rlimit_resource_t)which, &limit) != 0)
        return false;
    struct rlimit new_limit = {wanted, wanted};
    if (setrlimit((__rlimit_resource_t)which, &new_limit) == 0)
        return true;
    if (errno != EPERM || limit.rlim_max > wanted)
        return false;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)which, &limit) == 0;
}

static bool child_limits(const struct proc_start *start)
{
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none) == 0 && child_limit(RLIMIT_NOFILE, start->descriptors) &&
           child_limit(RLIMIT_DATA, SANITIZERS ? 0 : start->memory_bytes);
}

static bool child_user(const struct proc_user *user)
{
    if (!user->change)
        return true;
    return setgroups(user->group_count, user->groups) == 0 &&
           setresgid(user->group, user->group, user->group) == 0 &&
           setresuid(user->user, user->user, user->user) == 0;
}

/* Behind the change of user, which would undo it. */
static bool child_parent(const struct plan *plan)
{
    if (!plan->start->ends_with_parent)
        return true;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return false;
    if (getppid() != plan->parent) /* it died in between: nobody would tell */
        _exit(127);
    return true;
}

static void child_signals(void)
{
    const struct sigaction as_usual = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &as_usual, NULL); /* what is ignored would stay so over exec */
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void child_fail(const struct plan *plan, enum step step)
{
    struct report report = {(int)step, errno};
    (void)!write(plan->report, &report, sizeof(report));
    _exit(127);
}

__attribute__((noreturn)) static void child_run(struct plan *plan)
{
    child_signals();
    plan->report = fcntl(plan->report, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    if (plan->report < 0)
        _exit(127);
    if (!child_descriptors(plan))
        child_fail(plan, STEP_DESCRIPTORS);
    if (plan->start->new_session && setsid() < 0)
        child_fail(plan, STEP_SESSION);
    if (!child_limits(plan->start))
        child_fail(plan, STEP_LIMITS);
    if (!child_user(&plan->start->user))
        child_fail(plan, STEP_USER);
    if (!child_parent(plan))
        child_fail(plan, STEP_PARENT);
    (void)execve(plan->path, plan->arguments, plan->environment);
    child_fail(plan, STEP_EXEC);
}

/* Waits for the child's exec or for its report. */
static int child_await(const struct plan *plan, int reports, pid_t child, struct err *err)
{
    struct report report;
    ssize_t got;
    do
        got = read(reports, &report, sizeof(report));
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return ERR_OK;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (got != (ssize_t)sizeof(report) || report.step < 0 || report.step > STEP_EXEC)
        return err_set(err, ERR_IO, "%s: cannot be started", plan->arguments[0]);
    if (report.step == STEP_EXEC && (report.reason == ENOENT || report.reason == ENOTDIR))
        return err_set(err, ERR_NOT_FOUND, "%s: there is no such program", plan->path);
    return err_set_errno(err, report.reason, "%s: %s", plan->path, step_texts[report.step]);
}

static int plan_run(struct plan *plan, pid_t *pid, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_set_errno(err, errno, "%s: cannot be started", plan->arguments[0]);
    plan->report = ends[1];
    pid_t child = fork();
    if (child == 0)
        child_run(plan);
    int reason = errno;
    (void)close(ends[1]);
    int rc = child < 0 ? err_set_errno(err, reason, "%s: cannot be started", plan->arguments[0])
                       : child_await(plan, ends[0], child, err);
    (void)close(ends[0]);
    if (rc == ERR_OK)
        *pid = child;
    return rc;
}

int proc_start(const struct proc_start *start, pid_t *pid, struct err *err)
{
    check(start->fd_count <= PROC_FDS_MAX);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0)
        return err_set_errno(err, errno, "/dev/null");
    /* the link leads to the program that runs, even when another one was put into its place */
    struct plan plan = {.start = start,
                        .path = start->path ? start->path : "/proc/self/exe",
                        .arguments = arguments_make(start->arguments),
                        .environment = environment_make(),
                        .source_count = PROC_FD_FIRST + start->fd_count,
                        .parent = getpid()};
    plan.sources[0] = start->input >= 0 ? start->input : nothing;
    plan.sources[1] = start->output >= 0 ? start->output : nothing;
    plan.sources[2] = STDERR_FILENO;
    for (uint32_t i = 0; i < start->fd_count; i++)
        plan.sources[PROC_FD_FIRST + i] = start->fds[i];
    int rc = plan_run(&plan, pid, err);
    (void)close(nothing);
    mem_free(plan.arguments);
    mem_free(plan.environment);
    return rc;
}
