#include "program/parent_rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* To end roles of other users, to become them, to read keys and followed files, to open ports below
 * 1024 when settings are read again. */
static const int kept[] = {CAP_KILL, CAP_SETUID, CAP_SETGID, CAP_DAC_READ_SEARCH,
                           CAP_NET_BIND_SERVICE};
enum { CAPABILITIES_MAX = 64 };

static bool is_kept(int capability)
{
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (kept[i] == capability)
            return true;
    return false;
}

static int capabilities_drop(struct err *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0)
        return err_set_errno(err, errno, "cannot read this process's capabilities");
    for (int i = 0; i < CAPABILITIES_MAX; i++) {
        if (is_kept(i))
            continue;
        if (prctl(PR_CAPBSET_READ, i) == 1 && prctl(PR_CAPBSET_DROP, i) != 0 && errno != EPERM)
            return err_set_errno(err, errno, "cannot give up capability %d", i);
    }
    for (int word = 0; word < _LINUX_CAPABILITY_U32S_3; word++) {
        uint32_t mask = 0;
        for (int bit = 0; bit < 32; bit++)
            mask |= is_kept(word * 32 + bit) ? UINT32_C(1) << bit : 0;
        data[word].effective &= mask;
        data[word].permitted &= mask;
        data[word].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) != 0)
        return err_set_errno(err, errno, "cannot give up capabilities");
    return ERR_OK;
}

int parent_rights_drop(unsigned *layers, struct err *err)
{
    /* Landlock would be handed down to fixed commands, whose files nobody knows */
    const struct sandbox sandbox = {.may = SANDBOX_CHILDREN, .without_landlock = true};
    int rc = geteuid() == 0 ? capabilities_drop(err) : ERR_OK;
    return rc ? rc : sandbox_enter(&sandbox, layers, err);
}
