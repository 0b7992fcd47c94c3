/* Bundles of rules on the disk, in memory for other roles, and what the state says of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/database.h"
#include "base/io.h"
#include "program/engine_rules_inside.h"

enum { PATH_BYTES = LIVE_VERSION_BYTES + 32 };
#define RULES_FOLDER "rules"
#define SEALS        (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static void path_of(char out[PATH_BYTES], const char *version)
{
    (void)snprintf(out, PATH_BYTES, RULES_FOLDER "/%s.bundle", version);
}

int engine_rules_read(struct disk *disk, const char *version, struct buf *out, struct err *err)
{
    char path[PATH_BYTES], found[LIVE_VERSION_BYTES];
    path_of(path, version);
    buf_clear(out);
    int rc = disk_read_file(disk, path, BUNDLE_BYTES_MAX, out, err);
    if (rc)
        return rc;
    struct digester *d = digester_open();
    struct digest digest = digest_of(d, buf_as_slice(out));
    digester_close(&d);
    live_version_text(found, &digest);
    if (strcmp(found, version) != 0)
        return err_set(err, ERR_DAMAGED, "%s is damaged: its contents are not what its name says",
                       path);
    return ERR_OK;
}

int engine_rules_write(struct disk *disk, const char *version, struct slice bytes, struct err *err)
{
    char path[PATH_BYTES];
    path_of(path, version);
    if (disk_exists(disk, path))
        return ERR_OK;
    int rc = disk_make_folder(disk, RULES_FOLDER, err);
    return rc ? rc : disk_write_file(disk, path, bytes, err);
}

int engine_rules_memory(struct slice bytes, int *fd, struct err *err)
{
    int made = memfd_create("canh-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return err_set_errno(err, errno, "cannot make memory for the rules");
    int rc = io_write_all(made, bytes.data, bytes.len, err);
    if (rc == ERR_OK && fcntl(made, F_ADD_SEALS, SEALS) != 0)
        rc = err_set_errno(err, errno, "cannot seal the memory of the rules");
    if (rc) {
        (void)close(made);
        return rc;
    }
    *fd = made;
    return ERR_OK;
}

bool engine_rules_active(struct database *db, char version[LIVE_VERSION_BYTES])
{
    struct err err;
    struct statement *s =
        statement_get(db, "SELECT version FROM rules_active ORDER BY id DESC LIMIT 1");
    bool found = statement_step(s, &err) == ERR_OK;
    struct slice text = found ? statement_column_text(s, 0) : SLICE("");
    found = text.len == LIVE_VERSION_BYTES - 1;
    if (found) {
        memcpy(version, text.data, text.len);
        version[text.len] = '\0';
    }
    statement_reset(s);
    return found;
}

int64_t engine_rules_updated(struct database *db)
{
    struct err err;
    int64_t made_ns = 0;
    struct statement *s =
        statement_get(db, "SELECT coalesce(max(made_ns), 0) FROM rules_version WHERE imported");
    if (statement_step(s, &err) == ERR_OK)
        made_ns = statement_column_i64(s, 0);
    statement_reset(s);
    return made_ns;
}
