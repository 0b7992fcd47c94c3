/* Processes: starting this program again as another role, users, signals as descriptors, limits.
 *
 * Threads: the main one. Ownership: said at each call. */
#pragma once
#include <sys/types.h>

#include "base/str.h"

enum { PROC_ARGS_MAX = 32, PROC_FDS_MAX = 8, PROC_FD_FIRST = 3 };

struct proc_user { /* whom a process runs as */
    bool change;   /* false: as this one */
    uid_t user;
    gid_t group;
    gid_t groups[8]; /* supplementary */
    uint32_t group_count;
};

struct proc_start {
    const char *path;             /* program; NULL: this one (/proc/self/exe) */
    const char *const *arguments; /* argv, ended by NULL */
    const int *fds;               /* become PROC_FD_FIRST, +1, ...; all others are closed */
    uint32_t fd_count;
    int input, output; /* standard input and output; -1: /dev/null */
    struct proc_user user;
    uint64_t descriptors;  /* limit; 0: as it is. More than the system grants is cut to that */
    uint64_t memory_bytes; /* limit of its own writable memory, stacks in full; 0: as it is */
    bool new_session;      /* its own process group, so that all of it can be ended */
    bool ends_with_parent; /* SIGKILL when this process dies */
};
/* Standard error is shared; the environment is PATH, LANG, TZ, CANH_* only; no core dumps, ever.
 * What was wrong in the child up to its exec is told here: ERR_NOT_FOUND (no such program), ERR_IO.
 */
MUST_CHECK int proc_start(const struct proc_start *start, pid_t *pid, struct err *err);
/* A child that ended, if any (ERR_END: none). status: as waitpid's. */
MUST_CHECK int proc_reap(pid_t *pid, int *status, struct err *err);
/* "ended with 3", "killed by signal 31 (SIGSYS: it tried what it may not)". */
void proc_status_text(int status, struct buf *out);

/* SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1 as a descriptor; SIGPIPE ignored. */
MUST_CHECK int proc_signals(int *fd, struct err *err);
int proc_signal_next(int fd); /* number, or 0: none there */

/* ERR_NOT_FOUND with the mend ("systemd-sysusers ..."). name may be digits. change is false when
 * this process is that user already. */
MUST_CHECK int proc_user_find(const char *name, struct proc_user *out, struct err *err);
MUST_CHECK int proc_group_find(const char *name, gid_t *out, struct err *err);

/* sd_notify(3): tells the service manager; nothing without NOTIFY_SOCKET. The first call opens what
 * later ones use: before sandbox_enter ("" will do). */
void proc_notify(const char *state); /* "READY=1", "STOPPING=1", "STATUS=...", "WATCHDOG=1" */
uint64_t proc_watchdog_ns(void);     /* how often WATCHDOG=1 is wanted; 0: not */

struct proc_usage {
    uint64_t cpu_ns, rss_bytes, pss_bytes, descriptors;
};
/* Of this process; zero where /proc does not say. The first call opens what later ones read: before
 * sandbox_enter. */
void proc_usage(struct proc_usage *out);
