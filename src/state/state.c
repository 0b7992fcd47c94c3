#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "state/credential.h"
#include "state/state_inside.h"

enum {
    FOLDER_MODE = 0750,
    SECRET_FOLDER_MODE = 0700,
    FILE_MODE = 0640,
    SECRET_FILE_MODE = 0600,
    PATH_BYTES = 4200,
    LOCK_BYTES = 32
};
static const char lock_file[] = "state/lock";

static int path_join(char out[PATH_BYTES], const char *folder, const char *name, struct err *err)
{
    int len = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return len > 0 && len < PATH_BYTES
               ? ERR_OK
               : err_set(err, ERR_LIMIT,
                         "the path of the data folder is too long: use a shorter "
                         "one");
}

/* A file or folder has no more rights than mode. */
static int mode_check(const char *path, unsigned mode, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (S_ISLNK(st.st_mode))
        return err_set(err, ERR_USAGE, "%s is a link: put the folder or file itself there", path);
    unsigned more = st.st_mode & 0777 & ~mode;
    if (more)
        return err_set(err, ERR_USAGE,
                       "%s can be used by others (mode %04o): set it with `chmod %04o %s`", path,
                       (unsigned)st.st_mode & 07777, mode, path);
    return ERR_OK;
}

static int folder_make(const char *data, const char *name, unsigned mode, struct err *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, data, name, err);
    if (rc)
        return rc;
    if (mkdir(path, mode) == 0) {
        if (chmod(path, mode) != 0) /* whatever the umask */
            return err_set_errno(err, errno, "%s", path);
    } else if (errno != EEXIST) {
        return err_set_errno(err, errno, "%s", path);
    }
    return mode_check(path, mode, err);
}

/* SQLite gives -wal and -shm the rights of the file: so it is made before, with the right ones. */
static int file_make(struct disk *disk, const char *name, unsigned mode, struct err *err)
{
    char path[PATH_BYTES];
    int rc = path_join(path, disk_folder(disk), name, err);
    if (rc)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0) {
        if (fchmod(fd, mode) != 0)
            rc = err_set_errno(err, errno, "%s", path);
        (void)close(fd);
        return rc ? rc : disk_sync_folder_of(disk, name, err);
    }
    if (errno != EEXIST)
        return err_set_errno(err, errno, "%s", path);
    return mode_check(path, mode, err);
}

/* The process that has the lock wrote its id there. */
static long lock_owner(int fd)
{
    char text[LOCK_BYTES] = "";
    uint64_t pid = 0;
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    (void)slice_to_u64(slice_trim(slice_make(text, len > 0 ? (size_t)len : 0)), &pid);
    return (long)pid;
}

static int lock_take(struct state *s, struct err *err)
{
    char path[PATH_BYTES], pid[LOCK_BYTES];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc = path_join(path, disk_folder(s->disk), lock_file, err);
    if (rc)
        return rc;
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (s->lock_fd < 0)
        return err_set_errno(err, errno, "%s", path);
    if (fcntl(s->lock_fd, F_OFD_SETLK, &lock) != 0)
        return err_set(
            err, ERR_BUSY,
            "another process has the state in %s (%s, process %ld): send it the command, "
            "or stop it first",
            disk_folder(s->disk), path, lock_owner(s->lock_fd));
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || pwrite(s->lock_fd, pid, (size_t)len, 0) != len)
        return err_set_errno(err, errno, "%s", path);
    return ERR_OK;
}

static bool lock_is_held(const char *data)
{
    char path[PATH_BYTES];
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (path_join(path, data, lock_file, NULL) != ERR_OK)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return held;
}

static int place_make(struct state *s, const struct state_options *options, struct err *err)
{
    int rc;
    if (options->disk) {
        s->disk = options->disk;
        rc = disk_make_folder(s->disk, STATE_FOLDER, err);
        if (rc == ERR_OK)
            rc = disk_make_folder(s->disk, STATE_SECRETS, err);
        return rc ? rc : disk_sync_folder(s->disk, "", err);
    }
    s->owns_disk = true;
    rc = disk_open_folder(&s->disk, options->data, err);
    if (rc == ERR_OK)
        rc = folder_make(options->data, STATE_FOLDER, FOLDER_MODE, err);
    if (rc == ERR_OK)
        rc = folder_make(options->data, STATE_SECRETS, SECRET_FOLDER_MODE, err);
    if (rc == ERR_OK)
        rc = disk_sync_folder(s->disk, "", err);
    if (rc == ERR_OK)
        rc = lock_take(s, err);
    if (rc == ERR_OK)
        rc = file_make(s->disk, STATE_FILE, FILE_MODE, err);
    if (rc == ERR_OK)
        rc = file_make(s->disk, STATE_SECRET_FILE, SECRET_FILE_MODE, err);
    return rc;
}

/* state.db: one connection writes and checkpoints (WAL). */
static int state_connect(struct state *s, struct err *err)
{
    int rc = database_open(&s->db, s->disk, STATE_FILE, DATABASE_WRITE, err);
    if (rc == ERR_OK)
        rc = database_run(s->db, "PRAGMA wal_autocheckpoint=0", err);
    if (rc == ERR_OK)
        rc = migrate_up(s->db, &state_migrations, NULL, err);
    if (rc == ERR_OK)
        rc = database_open(&s->slow_db, s->disk, STATE_FILE, DATABASE_READ, err);
    return rc;
}

/* credentials.db: the slow thread writes, too. */
static int credentials_connect(struct state *s, struct err *err)
{
    int rc = database_open(&s->credentials, s->disk, STATE_SECRET_FILE, DATABASE_WRITE_MANY, err);
    if (rc == ERR_OK)
        rc = migrate_up(s->credentials, &credential_migrations, NULL, err);
    if (rc == ERR_OK)
        rc = database_open(&s->slow_credentials, s->disk, STATE_SECRET_FILE, DATABASE_WRITE_MANY,
                           err);
    return rc;
}

static int epoch_read(struct state *s, struct err *err)
{
    struct statement *st = statement_get(s->db, "SELECT value FROM meta WHERE key = 'epoch'");
    int rc = statement_step(st, err);
    if (rc == ERR_OK)
        s->epoch = statement_column_u64(st, 0);
    statement_reset(st);
    return rc == ERR_END ? err_set(err, ERR_DAMAGED, STATE_FILE " has no epoch: restore a backup")
                         : rc;
}

static int named_read(struct state *s, struct buf *ids, struct err *err)
{
    struct statement *st = statement_get(s->db, "SELECT id FROM credential_named");
    const char *between = "";
    int rc;
    buf_char(ids, '[');
    while ((rc = statement_step(st, err)) == ERR_OK) {
        buf_printf(ids, "%s%llu", between, (unsigned long long)statement_column_u64(st, 0));
        between = ",";
    }
    buf_char(ids, ']');
    return rc == ERR_END ? ERR_OK : rc;
}

/* A crash between the two databases, or a refused command, leaves credentials that no row names. */
static int credentials_sweep(struct state *s, struct err *err)
{
    struct buf ids = {0};
    int rc = named_read(s, &ids, err);
    if (rc == ERR_OK) {
        struct statement *st =
            statement_get(s->credentials, "DELETE FROM credential WHERE id NOT IN"
                                          " (SELECT value FROM json_each(?1))");
        statement_text(st, 1, buf_as_slice(&ids));
        rc = statement_run(st, err);
    }
    buf_free(&ids);
    return rc;
}

int state_open(struct state **out, const struct state_options *options, struct err *err)
{
    struct state *s = mem_zeroed(1, sizeof(*s));
    *out = NULL;
    s->lock_fd = -1;
    s->table = options->table;
    s->key = options->key;
    int rc = place_make(s, options, err);
    if (rc == ERR_OK)
        rc = state_connect(s, err);
    if (rc == ERR_OK)
        rc = credentials_connect(s, err);
    if (rc == ERR_OK && options->new_key && options->key)
        rc = audit_change_key(s->db, options->key, options->now_ns, err);
    if (rc == ERR_OK)
        rc = audit_open(&s->audit, s->db, options->key, options->now_ns, err);
    if (rc == ERR_OK)
        rc = epoch_read(s, err);
    if (rc == ERR_OK)
        rc = credentials_sweep(s, err);
    if (rc == ERR_OK)
        *out = s;
    else
        state_close(&s);
    return rc;
}

void state_close(struct state **state)
{
    struct state *s = *state;
    if (!s)
        return;
    audit_close(&s->audit);
    database_close(&s->slow_db);
    database_close(&s->slow_credentials);
    database_close(&s->db);
    database_close(&s->credentials);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    if (s->owns_disk)
        disk_close_folder(&s->disk);
    mem_free(s);
    *state = NULL;
}

const struct command_table *state_table(const struct state *state)
{
    return state->table;
}

struct database *state_db(struct state *state)
{
    return state->db;
}

struct database *state_credentials(struct state *state)
{
    return state->credentials;
}

struct database *state_slow_db(struct state *state)
{
    return state->slow_db;
}

struct database *state_slow_credentials(struct state *state)
{
    return state->slow_credentials;
}

uint64_t state_epoch(struct state *state)
{
    return state->epoch;
}

int state_read_open(struct database **out, const char *data, struct err *err)
{
    /* a sandboxed reader may open DATA/state, not DATA: the file is looked for in there */
    static const char *const file = &STATE_FILE[sizeof STATE_FOLDER];
    struct disk *disk = NULL;
    char folder[PATH_BYTES];
    *out = NULL;
    int rc = path_join(folder, data, STATE_FOLDER, err);
    if (rc == ERR_OK)
        rc = disk_open_folder(&disk, folder, err);
    if (rc)
        return rc;
    if (!disk_exists(disk, file))
        rc = err_set(err, ERR_NOT_FOUND, "there is no state in %s: start Canh (`canh serve`) once",
                     data);
    else if (!lock_is_held(data))
        rc = err_set(err, ERR_BUSY, "the engine of %s is not running: the state is unavailable",
                     data);
    if (rc == ERR_OK)
        rc = database_open(out, disk, file, DATABASE_READ, err);
    if (rc == ERR_OK)
        rc = migrate_check(*out, &state_migrations, err);
    if (rc)
        database_close(out);
    disk_close_folder(&disk);
    return rc;
}
