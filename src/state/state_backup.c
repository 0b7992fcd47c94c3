#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "state/state_inside.h"

enum { PATH_BYTES = 4200 };

int state_checkpoint(struct state *s, struct err *err)
{
    bool idle = !s->changed;
    s->changed = false;
    return database_checkpoint(s->db, idle, NULL, err);
}

static int folder_make(const char *folder, unsigned mode, struct err *err)
{
    if (mkdir(folder, mode) == 0 || errno == EEXIST)
        return chmod(folder, mode) == 0 ? ERR_OK : err_set_errno(err, errno, "%s", folder);
    return err_set_errno(err, errno, "%s", folder);
}

static int copy_one(struct database *db, const char *folder, const char *part, unsigned folder_mode,
                    const char *file, unsigned mode, struct err *err)
{
    char path[PATH_BYTES];
    if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
        return err_set(err, ERR_LIMIT, "the path of the backup is too long: use a shorter one");
    (void)snprintf(path, sizeof(path), "%s/%s", folder, part);
    int rc = folder_make(path, folder_mode, err);
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    return rc ? rc : database_backup(db, path, mode, err);
}

int state_backup(struct state *s, const char *folder, struct err *err)
{
    if (!disk_is_real(s->disk))
        return err_set(err, ERR_UNSUPPORTED, "a simulated disk has no backups");
    int rc = copy_one(s->credentials, folder, STATE_SECRETS, 0700, STATE_SECRET_FILE, 0600, err);
    return rc ? rc : copy_one(s->db, folder, STATE_FOLDER, 0750, STATE_FILE, 0640, err);
}
