/* What a test build tries from inside of a role, once its sandbox is on. Each attempt is done as an
 * attacker would: by the system call itself. */
#include "program/role_inject.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/listen.h"
#include "base/log.h"

struct attempt {
    const char *name;
    bool (*try)(struct role_context *c); /* whether it came through; errno when not */
};

static bool path_of(const struct role_context *c, const char *name, char out[1024])
{
    return snprintf(out, 1024, "%s/%s", c->data, name) < 1024;
}

static bool file_opens(const struct role_context *c, const char *name, int flags)
{
    char path[1024];
    if (!path_of(c, name, path))
        return false;
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    (void)close(fd);
    if (flags & O_CREAT)
        (void)unlink(path);
    return true;
}

static bool try_socket(struct role_context *c)
{
    (void)c;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

/* To a port of this machine where nobody listens: refused by the other side is "came through". */
static bool try_connect(struct role_context *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = try_socket(c) ? socket(AF_INET, SOCK_STREAM, 0) : -1;
    return fd >= 0 &&
           (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 || errno == ECONNREFUSED);
}

static bool try_exec(struct role_context *c)
{
    char path[] = "/bin/true";
    char *const arguments[] = {path, NULL};
    (void)c;
    (void)execve(path, arguments, environ);
    return false;
}

static bool try_fork(struct role_context *c)
{
    (void)c;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0;
}

static bool try_write_store(struct role_context *c)
{
    return file_opens(c, "journal/injected", O_WRONLY | O_CREAT);
}

static bool try_write_state(struct role_context *c)
{
    return file_opens(c, "state/injected", O_WRONLY | O_CREAT);
}

static bool try_read_store(struct role_context *c)
{
    return file_opens(c, "catalog.db", O_RDONLY);
}

static bool try_read_credentials(struct role_context *c)
{
    return file_opens(c, "private/credentials.db", O_RDONLY);
}

static bool try_read_keys(struct role_context *c)
{
    return file_opens(c, "keys/node.key", O_RDONLY);
}

static bool try_ptrace(struct role_context *c)
{
    (void)c;
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

/* Signal 0 kills nobody, and is allowed where a signal would be. */
static bool try_kill(struct role_context *c)
{
    (void)c;
    return kill(getppid(), 0) == 0;
}

static bool try_write_exec(struct role_context *c)
{
    (void)c;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static bool try_mount(struct role_context *c)
{
    (void)c;
    return mount("none", "/tmp", "tmpfs", 0, NULL) == 0;
}

static bool try_setuid(struct role_context *c)
{
    (void)c;
    return syscall(SYS_setresuid, 0, 0, 0) == 0;
}

static const struct attempt attempts[] = {
    {"socket", try_socket},
    {"connect", try_connect},
    {"exec", try_exec},
    {"fork", try_fork},
    {"write_store", try_write_store},
    {"write_state", try_write_state},
    {"read_store", try_read_store},
    {"read_credentials", try_read_credentials},
    {"read_keys", try_read_keys},
    {"ptrace", try_ptrace},
    {"kill", try_kill},
    {"write_exec", try_write_exec},
    {"mount", try_mount},
    {"setuid", try_setuid},
};

void role_inject(struct role_context *c)
{
    const char *role = role_specs[c->role].name;
    role_inject_wire(c);
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        if (strcmp(attempts[i].name, c->injection) != 0)
            continue;
        log_say(LOG_INFO, "injection", "%s tries %s", role, c->injection);
        bool came_through = attempts[i].try(c);
        int reason = errno;
        if (came_through)
            log_say(LOG_ERROR, "injection", "%s %s: BROKEN", role, c->injection);
        else
            log_say(LOG_INFO, "injection", "%s %s: held (%s)", role, c->injection,
                    strerror(reason));
    }
}
