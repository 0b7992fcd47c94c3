#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"

enum { ENTRY_BYTES = 64 << 10 };
enum { GROUPS_MAX = sizeof(((struct proc_user *)0)->groups) / sizeof(gid_t) };

static bool number_from(const char *name, uint32_t *out)
{
    uint64_t value;
    if (!slice_to_u64(slice_from(name), &value) || value >= UINT32_MAX) /* the last means "none" */
        return false;
    *out = (uint32_t)value;
    return true;
}

static int user_groups(const char *name, struct proc_user *user, struct err *err)
{
    int count = GROUPS_MAX;
    if (getgrouplist(name, user->group, user->groups, &count) < 0)
        return err_set(err, ERR_LIMIT, "user %s is in more than %d groups: use one of its own",
                       name, (int)GROUPS_MAX);
    user->group_count = (uint32_t)count;
    return ERR_OK;
}

int proc_user_find(const char *name, struct proc_user *out, struct err *err)
{
    char *room = mem_alloc(ENTRY_BYTES);
    struct passwd entry, *found = NULL;
    uint32_t number = 0;
    bool is_number = number_from(name, &number);
    int reason = is_number ? getpwuid_r(number, &entry, room, ENTRY_BYTES, &found)
                           : getpwnam_r(name, &entry, room, ENTRY_BYTES, &found);
    int rc = ERR_OK;
    struct proc_user user = {0};
    if (found) {
        user.user = found->pw_uid;
        user.group = found->pw_gid;
        rc = user_groups(found->pw_name, &user, err);
    } else if (is_number) { /* a user of a container, without a name */
        user.user = number;
        user.group = number;
    } else if (reason == 0 || reason == ENOENT) {
        rc = err_set(
            err, ERR_NOT_FOUND,
            "there is no user %s: run systemd-sysusers (the package brings its settings), "
            "or make it with useradd --system %s; to try it out, run it as an ordinary user",
            name, name);
    } else {
        rc = err_set_errno(err, reason, "cannot look up user %s", name);
    }
    mem_free(room);
    if (rc != ERR_OK)
        return rc;
    user.change = user.user != geteuid() || user.group != getegid();
    *out = user;
    return ERR_OK;
}

int proc_group_find(const char *name, gid_t *out, struct err *err)
{
    if (number_from(name, out))
        return ERR_OK;
    char *room = mem_alloc(ENTRY_BYTES);
    struct group entry, *found = NULL;
    int reason = getgrnam_r(name, &entry, room, ENTRY_BYTES, &found);
    int rc = ERR_OK;
    if (found)
        *out = found->gr_gid;
    else if (reason == 0 || reason == ENOENT)
        rc =
            err_set(err, ERR_NOT_FOUND,
                    "there is no group %s: run systemd-sysusers (the package brings its settings), "
                    "or make it with groupadd --system %s",
                    name, name);
    else
        rc = err_set_errno(err, reason, "cannot look up group %s", name);
    mem_free(room);
    return rc;
}
