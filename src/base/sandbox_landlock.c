/* Landlock (Documentation/userspace-api/landlock.rst of Linux): the numbers are the kernel's, since
 * the headers of Debian 12 know version 2 only. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox_inside.h"
#include "base/sanitizers.h"

enum { RULE_PATH_BENEATH = 1, CREATE_RULESET_VERSION = 1 };

enum file_right {
    RIGHT_EXECUTE = 1 << 0,
    RIGHT_WRITE_FILE = 1 << 1,
    RIGHT_READ_FILE = 1 << 2,
    RIGHT_READ_DIR = 1 << 3,
    RIGHT_REMOVE_DIR = 1 << 4,
    RIGHT_REMOVE_FILE = 1 << 5,
    RIGHT_MAKE_CHAR = 1 << 6,
    RIGHT_MAKE_DIR = 1 << 7,
    RIGHT_MAKE_REG = 1 << 8,
    RIGHT_MAKE_SOCK = 1 << 9,
    RIGHT_MAKE_FIFO = 1 << 10,
    RIGHT_MAKE_BLOCK = 1 << 11,
    RIGHT_MAKE_SYM = 1 << 12,
    RIGHT_REFER = 1 << 13,    /* from version 2: renames between folders */
    RIGHT_TRUNCATE = 1 << 14, /* 3 */
    RIGHT_IOCTL_DEV = 1 << 15 /* 5 */
};
enum { NET_BIND_TCP = 1, NET_CONNECT_TCP = 2 };     /* 4 */
enum { SCOPE_ABSTRACT_UNIX = 1, SCOPE_SIGNAL = 2 }; /* 6 */

enum {
    RIGHTS_READ = RIGHT_READ_FILE | RIGHT_READ_DIR,
    RIGHTS_WRITE = RIGHT_WRITE_FILE | RIGHT_REMOVE_DIR | RIGHT_REMOVE_FILE | RIGHT_MAKE_DIR |
                   RIGHT_MAKE_REG | RIGHT_MAKE_SOCK | RIGHT_REFER | RIGHT_TRUNCATE,
    RIGHTS_NEVER = RIGHT_MAKE_CHAR | RIGHT_MAKE_FIFO | RIGHT_MAKE_BLOCK | RIGHT_MAKE_SYM,
    RIGHTS_OF_FILES =
        RIGHT_EXECUTE | RIGHT_WRITE_FILE | RIGHT_READ_FILE | RIGHT_TRUNCATE | RIGHT_IOCTL_DEV
};

struct ruleset_attr {
    uint64_t files, net, scopes;
};
struct path_attr {
    uint64_t files;
    int32_t parent;
} __attribute__((packed));

int sandbox_landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

/* What is governed, and so refused where no rule allows it. */
static struct ruleset_attr ruleset_of(unsigned may, int version)
{
    struct ruleset_attr r = {.files = RIGHTS_WRITE | RIGHTS_NEVER};
    if (!(may & SANDBOX_CHILDREN)) {
        r.files |= RIGHTS_READ | RIGHT_EXECUTE | RIGHT_IOCTL_DEV;
        r.net = may & SANDBOX_CONNECT ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP;
        r.scopes = may & SANDBOX_SIGNAL ? SCOPE_ABSTRACT_UNIX : SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    }
    if (version < 2)
        r.files &= ~(uint64_t)RIGHT_REFER;
    if (version < 3)
        r.files &= ~(uint64_t)RIGHT_TRUNCATE;
    if (version < 4)
        r.net = 0;
    if (version < 5)
        r.files &= ~(uint64_t)RIGHT_IOCTL_DEV;
    if (version < 6)
        r.scopes = 0;
    return r;
}

static int path_allow(int ruleset, uint64_t governed, const char *path, uint64_t rights,
                      struct err *err)
{
    struct stat about;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
        return ERR_OK; /* what cannot be reached needs no leave */
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    int rc = ERR_OK;
    rights &= governed;
    if (fstat(fd, &about) == 0 && !S_ISDIR(about.st_mode))
        rights &= RIGHTS_OF_FILES;
    struct path_attr attr = {.files = rights, .parent = fd};
    if (rights && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &attr, 0) != 0)
        rc = err_set_errno(err, errno, "%s: Landlock refuses the path", path);
    (void)close(fd);
    return rc;
}

static int paths_allow(int ruleset, const struct sandbox *sandbox, uint64_t governed,
                       struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < sandbox->path_count && rc == ERR_OK; i++) {
        const struct sandbox_path *p = &sandbox->paths[i];
        uint64_t rights = 0;
        if (sandbox->may & (SANDBOX_READ | SANDBOX_WRITE | SANDBOX_CHILDREN))
            rights |= p->names_only ? (uint64_t)RIGHT_READ_DIR : RIGHTS_READ;
        if (p->write && sandbox->may & (SANDBOX_WRITE | SANDBOX_CHILDREN))
            rights |= RIGHTS_WRITE;
        rc = path_allow(ruleset, governed, p->path, rights, err);
    }
    if (rc == ERR_OK) /* where what a child has no use for goes */
        rc = path_allow(ruleset, governed, "/dev/null", RIGHTS_READ | RIGHTS_WRITE, err);
    if (rc == ERR_OK && SANITIZERS)
        rc = path_allow(ruleset, governed, "/proc", RIGHTS_READ, err);
    return rc;
}

int sandbox_landlock_enter(const struct sandbox *sandbox, int version, struct err *err)
{
    struct ruleset_attr attr = ruleset_of(sandbox->may, version);
    /* kernels of lower versions take the longer struct as long as what they lack is zero */
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (ruleset < 0)
        return err_set_errno(err, errno, "Landlock refuses its rules");
    int rc = paths_allow(ruleset, sandbox, attr.files, err);
    if (rc == ERR_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        rc = err_set_errno(err, errno, "Landlock refuses to hold this process");
    (void)close(ruleset);
    return rc;
}
