#include "base/sandbox_inside.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITIES_MAX = 64 };

/* All of them, also those that an exec as root would give back. */
static int capabilities_drop(struct err *err)
{
    for (int i = 0; i < CAPABILITIES_MAX; i++)
        if (prctl(PR_CAPBSET_READ, i) == 1 && prctl(PR_CAPBSET_DROP, i) != 0 && errno != EPERM)
            return err_set_errno(err, errno, "cannot give up capability %d for good", i);
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return err_set_errno(err, errno, "cannot give up ambient capabilities");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capset, &header, none) != 0)
        return err_set_errno(err, errno, "cannot give up capabilities");
    return ERR_OK;
}

static int dump_forbid(struct err *err)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return err_set_errno(err, errno, "cannot forbid core dumps");
    return ERR_OK;
}

static bool landlock_wanted(const struct sandbox *sandbox)
{
    return !getenv("CANH_WITHOUT_LANDLOCK") && !(sandbox && sandbox->without_landlock);
}

int sandbox_enter(const struct sandbox *sandbox, unsigned *layers, struct err *err)
{
    check(sandbox->path_count <= SANDBOX_PATHS_MAX);
    unsigned done = 0;
    int rc = ERR_OK, version = landlock_wanted(sandbox) ? sandbox_landlock_version() : 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set_errno(err, errno, "cannot give up getting new privileges");
    done |= SANDBOX_NO_NEW_PRIVILEGES;
    if (version > 0) {
        rc = sandbox_landlock_enter(sandbox, version, err);
        done |= SANDBOX_LANDLOCK;
    }
    if (rc == ERR_OK && !(sandbox->may & SANDBOX_CHILDREN))
        rc = capabilities_drop(err);
    if (rc == ERR_OK) {
        rc = dump_forbid(err);
        done |= SANDBOX_NO_DUMP;
    }
    if (rc == ERR_OK && sandbox_calls_offered()) { /* last: it takes away what the others need */
        rc = sandbox_calls_enter(sandbox->may, err);
        done |= SANDBOX_SECCOMP;
    }
    if (rc == ERR_OK)
        *layers = done;
    return rc;
}

unsigned sandbox_offered(int *landlock_version)
{
    int version = landlock_wanted(NULL) ? sandbox_landlock_version() : 0;
    if (landlock_version)
        *landlock_version = version;
    return SANDBOX_NO_NEW_PRIVILEGES | SANDBOX_NO_DUMP |
           (sandbox_calls_offered() ? SANDBOX_SECCOMP : 0u) | (version ? SANDBOX_LANDLOCK : 0u);
}

void sandbox_layers_text(unsigned layers, struct buf *out)
{
    static const struct {
        enum sandbox_layer layer;
        const char *name;
    } names[] = {{SANDBOX_SECCOMP, "seccomp"},
                 {SANDBOX_LANDLOCK, "landlock"},
                 {SANDBOX_NO_NEW_PRIVILEGES, "no new privileges"},
                 {SANDBOX_NO_DUMP, "no core dumps"}};
    size_t before = out->len;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (layers & names[i].layer) {
            buf_string(out, out->len > before ? ", " : "");
            buf_string(out, names[i].name);
        }
    if (out->len == before)
        buf_string(out, "none");
}
