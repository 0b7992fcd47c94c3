/* seccomp: which system calls a role may make, by tables of names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox_inside.h"
#include "base/sanitizers.h"

/* Allowed, whatever the arguments. may: any of these; 0: every role. */
static const struct allowed {
    unsigned may;
    const char *names;
} allowed[] = {
    {0,
     "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek close "
     "close_range dup dup2 dup3 pipe pipe2 sendfile fstat fstatfs getdents64 flock ftruncate "
     "fallocate fsync fdatasync sync_file_range fadvise64 readahead memfd_create copy_file_range"},
    {0, "poll ppoll select pselect6 epoll_create1 epoll_create epoll_ctl epoll_wait epoll_pwait "
        "epoll_pwait2 eventfd eventfd2 signalfd4 timerfd_create timerfd_settime timerfd_gettime"},
    {0, "brk munmap mremap madvise msync mincore mlock mlock2 munlock membarrier"},
    {0, "futex futex_waitv set_robust_list get_robust_list set_tid_address rseq exit exit_group "
        "restart_syscall sched_yield sched_getaffinity sched_setaffinity sched_getparam "
        "sched_getscheduler sched_setscheduler sched_getattr sched_setattr "
        "sched_get_priority_max sched_get_priority_min getpriority setpriority ioprio_set getcpu"},
    {0, "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait "
        "sigaltstack pause alarm setitimer getitimer"},
    {0, "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrandom "
        "getrusage getrlimit uname sysinfo umask"},
    {0, "getpid gettid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getresuid "
        "getresgid getgroups capget"},
    {0, "sendmsg sendto sendmmsg recvmsg recvfrom recvmmsg shutdown getsockname getpeername "
        "getsockopt setsockopt socketpair"},
    {SANDBOX_READ | SANDBOX_WRITE,
     "stat lstat statx newfstatat statfs access faccessat faccessat2 readlink readlinkat getcwd "
     "inotify_init1 inotify_add_watch inotify_rm_watch"},
    {SANDBOX_WRITE, "open openat creat mkdir mkdirat rmdir unlink unlinkat rename renameat "
                    "renameat2 link linkat truncate chmod fchmod fchmodat fchown utimensat syncfs"},
    {SANDBOX_ACCEPT, "accept accept4 listen"},
    {SANDBOX_CONNECT, "socket connect bind"},
    {SANDBOX_WRITE_EXEC, "mmap mprotect"},
    {SANDBOX_SIGNAL, "kill tkill tgkill"},
};

/* Kills, unless `unless` is among what the role may. */
static const struct killed {
    unsigned unless;
    const char *names;
} killed[] = {
    {0, "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp bpf perf_event_open "
        "userfaultfd"},
    {0, "mount umount2 pivot_root chroot move_mount open_tree fsopen fsmount fspick fsconfig "
        "mount_setattr setns unshare quotactl swapon swapoff open_by_handle_at"},
    {0, "init_module finit_module delete_module kexec_load kexec_file_load reboot iopl ioperm acct "
        "settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname"},
    {SANDBOX_CHILDREN, "execve execveat fork vfork"},
    {SANDBOX_CHILDREN, "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid "
                       "setgroups pidfd_send_signal io_uring_setup io_uring_enter "
                       "io_uring_register keyctl add_key request_key name_to_handle_at"},
    {SANDBOX_CHILDREN | SANDBOX_CONNECT, "socket connect bind"},
};

/* The leak checker stops the process from a second one and looks at it from there. */
static const char sanitizers_need[] = "ptrace clone wait4 prctl getdents";

enum { ALLOWED_ROWS = sizeof(allowed) / sizeof(allowed[0]) };
enum { KILLED_ROWS = sizeof(killed) / sizeof(killed[0]) };

const char *sandbox_calls_names(size_t row)
{
    if (row < ALLOWED_ROWS)
        return allowed[row].names;
    row -= ALLOWED_ROWS;
    return row < KILLED_ROWS ? killed[row].names : row == KILLED_ROWS ? sanitizers_need : NULL;
}

struct filter {
    scmp_filter_ctx context;
    unsigned may;
    int rc; /* of the first rule that was refused */
};

static bool words_have(const char *words, struct slice word)
{
    for (struct slice rest = slice_from(words); rest.len;)
        if (slice_equal(slice_cut(&rest, ' '), word))
            return true;
    return false;
}

static void rule_put(struct filter *f, uint32_t action, struct slice name, uint32_t count,
                     const struct scmp_arg_cmp *arguments)
{
    char text[32];
    check(name.len < sizeof(text));
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    int number = seccomp_syscall_resolve_name(text);
    if (f->rc == 0 && number != __NR_SCMP_ERROR) /* unknown: libseccomp is older than the call */
        f->rc = seccomp_rule_add_array(f->context, action, number, count, arguments);
}

static void rule_add(struct filter *f, uint32_t action, const char *name, uint32_t count,
                     const struct scmp_arg_cmp *arguments)
{
    struct slice text = slice_from(name);
    if (!(SANITIZERS && words_have(sanitizers_need, text)))
        rule_put(f, action, text, count, arguments);
}

static void rules_add(struct filter *f, uint32_t action, const char *names)
{
    for (struct slice rest = slice_from(names); rest.len;) {
        struct slice name = slice_cut(&rest, ' ');
        if (!(SANITIZERS && words_have(sanitizers_need, name)))
            rule_put(f, action, name, 0, NULL);
    }
}

/* The bits of mask, in an argument, are value. */
static struct scmp_arg_cmp bits(unsigned argument, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

static void one_bit_rule(struct filter *f, uint32_t action, const char *name,
                         struct scmp_arg_cmp test)
{
    rule_add(f, action, name, 1, &test);
}

/* Commands are 32 bits wide, whatever stands above them in the register. */
static void command_rules(struct filter *f, const char *name, unsigned argument,
                          const uint32_t *commands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        one_bit_rule(f, SCMP_ACT_ALLOW, name, bits(argument, UINT32_MAX, commands[i]));
}

static void memory_rules(struct filter *f)
{
    if (f->may & SANDBOX_WRITE_EXEC)
        return;
    static const char *const names[] = {"mmap", "mprotect"};
    for (size_t i = 0; i < 2; i++) {
        one_bit_rule(f, SCMP_ACT_ALLOW, names[i], bits(2, PROT_EXEC, 0));
        if (i == 0 && f->may & SANDBOX_CONNECT) { /* name lookups load libraries */
            const struct scmp_arg_cmp file[] = {bits(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
                                                bits(3, MAP_ANONYMOUS, 0)};
            const struct scmp_arg_cmp bare[] = {bits(2, PROT_EXEC | PROT_WRITE, PROT_EXEC),
                                                bits(3, MAP_ANONYMOUS, MAP_ANONYMOUS)};
            rule_add(f, SCMP_ACT_ALLOW, "mmap", 2, file);
            rule_add(f, SCMP_ACT_KILL_PROCESS, "mmap", 2, bare);
            one_bit_rule(f, SCMP_ACT_KILL_PROCESS, "mmap",
                         bits(2, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE));
        } else {
            one_bit_rule(f, SCMP_ACT_KILL_PROCESS, names[i], bits(2, PROT_EXEC, PROT_EXEC));
        }
    }
}

static void file_rules(struct filter *f)
{
    static const uint32_t fcntls[] = {F_GETFD,     F_SETFD,         F_GETFL,      F_SETFL,
                                      F_DUPFD,     F_DUPFD_CLOEXEC, F_GETLK,      F_SETLK,
                                      F_SETLKW,    F_OFD_GETLK,     F_OFD_SETLK,  F_OFD_SETLKW,
                                      F_ADD_SEALS, F_GET_SEALS,     F_SETPIPE_SZ, F_GETPIPE_SZ};
    static const uint32_t ioctls[] = {TCGETS,  TIOCGWINSZ, FIONREAD, FIONBIO,
                                      FIOCLEX, FIONCLEX,   TIOCOUTQ};
    command_rules(f, "fcntl", 1, fcntls, sizeof(fcntls) / sizeof(fcntls[0]));
    command_rules(f, "ioctl", 1, ioctls, sizeof(ioctls) / sizeof(ioctls[0]));
    if (!(f->may & (SANDBOX_READ | SANDBOX_WRITE))) { /* fstat is one of these with no path */
        one_bit_rule(f, SCMP_ACT_ALLOW, "newfstatat", bits(3, AT_EMPTY_PATH, AT_EMPTY_PATH));
        one_bit_rule(f, SCMP_ACT_ALLOW, "statx", bits(2, AT_EMPTY_PATH, AT_EMPTY_PATH));
    }
    const uint64_t changes = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    if (f->may & SANDBOX_READ && !(f->may & SANDBOX_WRITE)) {
        one_bit_rule(f, SCMP_ACT_ALLOW, "open", bits(1, changes, O_RDONLY));
        one_bit_rule(f, SCMP_ACT_ALLOW, "openat", bits(2, changes, O_RDONLY));
    }
}

static void process_rules(struct filter *f)
{
    /* threads, but no processes; clone3 hides its flags from a filter, and glibc does without */
    one_bit_rule(f, SCMP_ACT_ALLOW, "clone", bits(0, CLONE_THREAD, CLONE_THREAD));
    one_bit_rule(f, SCMP_ACT_KILL_PROCESS, "clone", bits(0, CLONE_THREAD, 0));
    rule_add(f, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
    static const uint32_t prctls[] = {PR_SET_NAME,      PR_GET_NAME,      PR_GET_DUMPABLE,
                                      PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_SET_TIMERSLACK,
                                      PR_CAPBSET_READ};
    command_rules(f, "prctl", 0, prctls, sizeof(prctls) / sizeof(prctls[0]));
    const struct scmp_arg_cmp own_limits[] = {bits(0, UINT32_MAX, 0), bits(2, UINT64_MAX, 0)};
    rule_add(f, SCMP_ACT_ALLOW, "prlimit64", 2, own_limits);
    if (f->may & SANDBOX_SIGNAL)
        return;
    const struct scmp_arg_cmp own = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)getpid()};
    const struct scmp_arg_cmp other = {.arg = 0, .op = SCMP_CMP_NE, .datum_a = (uint64_t)getpid()};
    static const char *const names[] = {"kill", "tgkill"};
    for (size_t i = 0; i < 2; i++) { /* to itself: abort */
        rule_add(f, SCMP_ACT_ALLOW, names[i], 1, &own);
        rule_add(f, SCMP_ACT_KILL_PROCESS, names[i], 1, &other);
    }
    rule_add(f, SCMP_ACT_KILL_PROCESS, "tkill", 0, NULL);
}

static void filter_fill(struct filter *f)
{
    if (SANITIZERS)
        f->may |= SANDBOX_READ;
    for (size_t i = 0; i < KILLED_ROWS; i++)
        if (!(f->may & killed[i].unless))
            rules_add(f, SCMP_ACT_KILL_PROCESS, killed[i].names);
    if (f->may & SANDBOX_CHILDREN)
        return;
    for (size_t i = 0; i < ALLOWED_ROWS; i++)
        if (allowed[i].may == 0 || f->may & allowed[i].may)
            rules_add(f, SCMP_ACT_ALLOW, allowed[i].names);
    memory_rules(f);
    file_rules(f);
    process_rules(f);
    for (struct slice rest = slice_from(sanitizers_need); SANITIZERS && rest.len;)
        rule_put(f, SCMP_ACT_ALLOW, slice_cut(&rest, ' '), 0, NULL);
}

bool sandbox_calls_offered(void)
{
    const uint32_t action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int sandbox_calls_enter(unsigned may, struct err *err)
{
    const uint32_t otherwise = may & SANDBOX_CHILDREN ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM);
    struct filter f = {.context = seccomp_init(otherwise), .may = may};
    if (!f.context)
        return err_set(err, ERR_IO, "seccomp has no filter to give");
    f.rc = seccomp_attr_set(f.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (f.rc == 0)
        f.rc = seccomp_attr_set(f.context, SCMP_FLTATR_CTL_TSYNC, 1);
    filter_fill(&f);
    if (f.rc == 0)
        f.rc = seccomp_load(f.context);
    seccomp_release(f.context);
    return f.rc == 0 ? ERR_OK : err_set_errno(err, -f.rc, "seccomp refuses its rules");
}
