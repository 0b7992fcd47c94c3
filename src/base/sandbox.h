/* Sandbox: what a role gives up before it reads what others wrote: system calls (seccomp, by
 * libseccomp), files (Landlock, by system call), privileges (no new ones, capabilities, core
 * dumps).
 *
 * With SANDBOX_CHILDREN, which all children inherit, only what no program of ours ever does (mount,
 * ptrace, kernel modules, ...) kills, capabilities stay, and Landlock holds back writing alone:
 * `paths` are those that any child may write. /dev/null is always among the paths.
 *
 * A layer that the kernel lacks never stops the start: it is left out of `layers` and told as a
 * partial sandbox. After sandbox_enter nothing can be taken back. Dangerous calls (execve, ptrace,
 * mount, socket where it is not allowed, ...) kill the process with SIGSYS, so that the parent sees
 * and reports it; all others that are not allowed fail with EPERM. Threads: called before there is
 * any other. DESIGN section 4, docs/process-model.md. */
#pragma once
#include "base/str.h"

enum sandbox_may {
    SANDBOX_READ = 1,        /* open files for reading, below the paths that allow it */
    SANDBOX_WRITE = 2,       /* read, make, change, rename, remove files, below such paths */
    SANDBOX_ACCEPT = 4,      /* take connections of sockets that it was given */
    SANDBOX_CONNECT = 8,     /* make sockets and connect them */
    SANDBOX_WRITE_EXEC = 16, /* writable and executable memory (PCRE2-JIT) */
    SANDBOX_SIGNAL = 32,     /* signals to other processes */
    SANDBOX_CHILDREN = 64    /* start others: the parent only */
};

enum sandbox_layer {
    SANDBOX_NO_NEW_PRIVILEGES = 1,
    SANDBOX_SECCOMP = 2,
    SANDBOX_LANDLOCK = 4,
    SANDBOX_NO_DUMP = 8,
    SANDBOX_LAYERS_ALL = 15
};

enum { SANDBOX_PATHS_MAX = 64 };
struct sandbox_path {
    const char *path; /* file or folder; one that is not there is passed over */
    bool write;
    bool names_only; /* a folder: what is in it may be listed, not read */
};
struct sandbox {
    unsigned may; /* enum sandbox_may */
    const struct sandbox_path *paths;
    uint32_t path_count;
    bool without_landlock; /* as if the kernel had none (tests); CANH_WITHOUT_LANDLOCK in the
                              environment does the same */
};
/* *layers: enum sandbox_layer that hold now. ERR_IO: a layer that is there refused: do not go on.
 */
MUST_CHECK int sandbox_enter(const struct sandbox *sandbox, unsigned *layers, struct err *err);
/* What this kernel offers, without entering anything; *landlock_version 0: none. */
unsigned sandbox_offered(int *landlock_version);
void sandbox_layers_text(unsigned layers, struct buf *out); /* "seccomp, landlock" or "none" */
