#include "program/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"

struct part {
    const char *name;
    mode_t mode;      /* when it is made */
    mode_t refused;   /* bits that it may not have */
    const char *mend; /* for chmod */
    const char *group;
};
static const struct part parts[] = {
    {"", 02751, 0026, "0751", "-store"},
    {"/state", 02750, 0027, "2750", "-state"},
    {"/private", 0700, 0077, "0700", NULL},
    {"/keys", 0700, 0077, "0700", NULL},
};
/* Files that need not be there, but with no wider rights. */
static const struct part files[] = {
    {"/state/state.db", 0, 0027, "0640", NULL},
    {"/private/credentials.db", 0, 0077, "0600", NULL},
    {"/keys/notary.key", 0, 0077, "0600", NULL},
    {"/keys/ca.key", 0, 0077, "0600", NULL},
};

int folder_user(const struct config *config, const char *suffix, struct proc_user *out,
                struct err *err)
{
    char name[CONFIG_NAME_BYTES_MAX + 16];
    *out = (struct proc_user){0};
    if (geteuid() != 0)
        return ERR_OK;
    (void)snprintf(name, sizeof(name), "%s%s", config->serve.user.data,
                   config->serve.one_user ? "" : suffix);
    return proc_user_find(name, out, err);
}

/* Whether roles run as users of their own, so that groups open what is shared. */
static bool users_are_apart(const struct config *config, const struct proc_user *engine)
{
    struct proc_user named;
    return geteuid() == 0 && engine->change && !config->serve.one_user &&
           proc_user_find(config->serve.user.data, &named, NULL) == ERR_OK &&
           named.user == engine->user;
}

static int mode_check(const struct part *part, const char *path, mode_t mode, struct err *err)
{
    if (mode & part->refused)
        return err_set(err, ERR_USAGE,
                       "%s can be read or changed by others (mode %04o): run chmod %s %s", path,
                       (unsigned)(mode & 07777), part->mend, path);
    return ERR_OK;
}

static int part_check(const struct part *part, const char *path, uid_t owner, struct err *err)
{
    struct stat about;
    if (lstat(path, &about) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (!S_ISDIR(about.st_mode))
        return err_set(err, ERR_USAGE, "%s is no folder: move it away", path);
    if (about.st_uid != owner)
        return err_set(err, ERR_USAGE,
                       "%s belongs to user %lu, not to the engine's (%lu): run chown -R %lu %s",
                       path, (unsigned long)about.st_uid, (unsigned long)owner,
                       (unsigned long)owner, path);
    return mode_check(part, path, about.st_mode, err);
}

static int file_check(const struct part *file, const char *path, struct err *err)
{
    struct stat about;
    if (lstat(path, &about) != 0)
        return errno == ENOENT ? ERR_OK : err_set_errno(err, errno, "%s", path);
    return mode_check(file, path, about.st_mode, err);
}

/* A folder that this user has just made: empty, and nobody else could write there. */
static bool is_as_new(const char *path)
{
    struct stat about;
    if (lstat(path, &about) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != geteuid() ||
        about.st_mode & 0022)
        return false;
    DIR *folder = opendir(path);
    int entries = 0;
    while (folder && readdir(folder)) /* itself and the one above */
        entries++;
    return folder && closedir(folder) == 0 && entries <= 2;
}

static int part_make(const struct part *part, const char *path, const struct config *config,
                     const struct proc_user *engine, struct err *err)
{
    bool apart = users_are_apart(config, engine), is_new = mkdir(path, 0700) == 0;
    uid_t owner = engine->change ? engine->user : geteuid();
    gid_t group = engine->change ? engine->group : getegid();
    if (!is_new && errno != EEXIST)
        return err_set_errno(err, errno, "%s cannot be made", path);
    is_new = is_new || is_as_new(path);
    if (apart && part->group) {
        char name[CONFIG_NAME_BYTES_MAX + 16];
        (void)snprintf(name, sizeof(name), "%s%s", config->serve.user.data, part->group);
        int rc = proc_group_find(name, &group, err);
        if (rc != ERR_OK)
            return rc;
    }
    if (is_new && engine->change && chown(path, owner, group) != 0)
        return err_set_errno(err, errno, "%s cannot be given to the engine's user", path);
    int rc = is_new ? ERR_OK : part_check(part, path, owner, err);
    if (rc != ERR_OK)
        return rc;
    if (!is_new && !(apart && part->group))
        return ERR_OK;
    if (apart && chown(path, owner, group) != 0)
        return err_set_errno(err, errno, "%s cannot be given to its group", path);
    if (chmod(path, part->mode) != 0)
        return err_set_errno(err, errno, "%s cannot be given its mode", path);
    return ERR_OK;
}

static int path_of(const char *data, const struct part *part, char out[FOLDER_PATH_BYTES_MAX],
                   struct err *err)
{
    int len = snprintf(out, FOLDER_PATH_BYTES_MAX, "%s%s", data, part->name);
    if (len < 0 || len >= FOLDER_PATH_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "the path of the data folder is too long: %.80s...", data);
    return ERR_OK;
}

int folder_make(const struct config *config, const char *data, const struct proc_user *engine,
                struct err *err)
{
    char path[FOLDER_PATH_BYTES_MAX];
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        rc = path_of(data, &parts[i], path, err);
        if (rc == ERR_OK)
            rc = part_make(&parts[i], path, config, engine, err);
    }
    for (size_t i = 0; rc == ERR_OK && i < sizeof(files) / sizeof(files[0]); i++) {
        rc = path_of(data, &files[i], path, err);
        if (rc == ERR_OK)
            rc = file_check(&files[i], path, err);
    }
    return rc;
}

int folder_lock(const char *data, int *fd, struct err *err)
{
    char path[FOLDER_PATH_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s/run.lock", data);
    int made = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made < 0)
        return err_set_errno(err, errno, "%s", path);
    struct stat about;
    if (geteuid() == 0 && stat(data, &about) == 0 && fchown(made, about.st_uid, (gid_t)-1) != 0) {
        int rc = err_set_errno(err, errno, "%s cannot be given to the engine's user", path);
        (void)close(made);
        return rc;
    }
    uint64_t until_ns = clock_monotonic_ns() + FOLDER_LOCK_MS * UINT64_C(1000000);
    while (flock(made, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int rc = err_set_errno(err, errno, "%s cannot be locked", path);
            (void)close(made);
            return rc;
        }
        if (clock_monotonic_ns() >= until_ns) {
            (void)close(made);
            return err_set(err, ERR_BUSY,
                           "another canh has the data folder %s: stop it, or wait for it (fuser %s "
                           "names it)",
                           data, path);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    *fd = made;
    return ERR_OK;
}

static int settings_file_check(const char *path, struct err *err)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return errno == ENOENT ? ERR_OK : err_set_errno(err, errno, "%s", path);
    if (about.st_uid != 0 && about.st_uid != geteuid())
        return err_set(err, ERR_USAGE,
                       "%s belongs to user %lu, who could change what runs here: run chown root %s",
                       path, (unsigned long)about.st_uid, path);
    if (about.st_mode & 0022 && !(about.st_mode & S_ISVTX))
        return err_set(err, ERR_USAGE, "%s can be changed by others (mode %04o): run chmod go-w %s",
                       path, (unsigned)(about.st_mode & 07777), path);
    return ERR_OK;
}

static int settings_visit(void *context, const char *path)
{
    return slice_ends(slice_from(path), SLICE(".yaml")) ? settings_file_check(path, context)
                                                        : ERR_OK;
}

int folder_check_settings(const char *path, struct err *err)
{
    char folder[FOLDER_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    int rc = settings_file_check(path, err);
    int len =
        snprintf(folder, sizeof(folder), "%.*sconf.d", slash ? (int)(slash + 1 - path) : 0, path);
    if (rc != ERR_OK || len < 0 || (size_t)len >= sizeof(folder) || access(folder, F_OK) != 0)
        return rc;
    rc = settings_file_check(folder, err);
    return rc ? rc : io_walk(folder, settings_visit, NULL, err, err);
}
