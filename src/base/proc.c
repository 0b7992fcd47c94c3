#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

int proc_reap(pid_t *pid, int *status, struct err *err)
{
    pid_t ended;
    do
        ended = waitpid(-1, status, WNOHANG);
    while (ended < 0 && errno == EINTR);
    if (ended > 0) {
        *pid = ended;
        return ERR_OK;
    }
    if (ended == 0 || errno == ECHILD)
        return ERR_END;
    return err_set_errno(err, errno, "cannot ask for ended processes");
}

void proc_status_text(int status, struct buf *out)
{
    if (WIFEXITED(status)) {
        buf_printf(out, "ended with %d", WEXITSTATUS(status));
        return;
    }
    if (!WIFSIGNALED(status)) {
        buf_printf(out, "changed its state (%d)", status);
        return;
    }
    int number = WTERMSIG(status);
    const char *name = sigabbrev_np(number);
    buf_printf(out, "killed by signal %d", number);
    if (number == SIGSYS)
        buf_string(out, " (SIGSYS: it tried what it may not)");
    else if (name)
        buf_printf(out, " (SIG%s)", name);
}

int proc_signals(int *fd, struct err *err)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        (void)sigaddset(&wanted, numbers[i]);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigprocmask(SIG_BLOCK, &wanted, NULL) != 0)
        return err_set_errno(err, errno, "cannot set how signals are taken");
    int made = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    if (made < 0)
        return err_set_errno(err, errno, "cannot take signals as a descriptor");
    *fd = made;
    return ERR_OK;
}

int proc_signal_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t got;
    do
        got = read(fd, &info, sizeof(info));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

/* Opened once: a sandbox lets nothing be opened, but read what is open. */
static struct {
    pid_t owner; /* another one after a fork: these are the parent's */
    int statm, rollup;
    DIR *descriptors;
} usage_files;

static void usage_open(void)
{
    if (usage_files.owner == getpid())
        return;
    if (usage_files.owner != 0) {
        (void)close(usage_files.statm);
        (void)close(usage_files.rollup);
        if (usage_files.descriptors)
            (void)closedir(usage_files.descriptors);
    }
    usage_files.owner = getpid();
    usage_files.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    usage_files.rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    usage_files.descriptors = opendir("/proc/self/fd");
}

static struct slice usage_read(int fd, char *room, size_t size_bytes)
{
    ssize_t got = fd < 0 ? -1 : pread(fd, room, size_bytes, 0);
    return slice_make(room, got > 0 ? (size_t)got : 0);
}

static uint64_t usage_number(struct slice text)
{
    uint64_t value;
    text = slice_trim(text);
    return slice_to_u64(slice_cut(&text, ' '), &value) ? value : 0;
}

void proc_usage(struct proc_usage *out)
{
    char room[4096];
    usage_open();
    *out = (struct proc_usage){.cpu_ns = clock_cpu_ns()};
    struct slice text = usage_read(usage_files.statm, room, sizeof(room));
    (void)slice_cut(&text, ' '); /* the first number is what is mapped, the second what is there */
    out->rss_bytes = usage_number(text) * (uint64_t)sysconf(_SC_PAGESIZE);
    text = usage_read(usage_files.rollup, room, sizeof(room));
    while (text.len) {
        struct slice line = slice_cut(&text, '\n');
        if (slice_starts(line, SLICE("Pss:")))
            out->pss_bytes = usage_number(slice_part(line, 4, line.len)) * 1024;
    }
    if (!usage_files.descriptors)
        return;
    rewinddir(usage_files.descriptors);
    for (struct dirent *entry; (entry = readdir(usage_files.descriptors));)
        out->descriptors += entry->d_name[0] != '.';
}
