#include "base/database_disk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"

struct database_disk {
    sqlite3_vfs vfs;
    struct disk *disk;
    struct err newest;
    char name[48];
};

/* What the connections of this process hold of one file. */
struct lock {
    const struct disk *disk;
    char *path;
    const void *reserved; /* the file that will write, or writes */
    bool is_pending, is_exclusive;
    unsigned shared, files;
    struct lock *next;
};
static pthread_mutex_t locks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct lock *locks;

struct vfs_file {
    sqlite3_file base;
    struct database_disk *d;
    struct disk_file *file;
    struct lock *lock;
    int level;
    bool is_new; /* its name is not synced yet */
    bool delete_on_close;
};

enum { SECTOR_BYTES = 512 };

/* Notes the error for database_disk_error, gives SQLite the code it is to see. */
static int told(struct database_disk *d, int rc, const struct err *err, int sqlite_code)
{
    if (rc == ERR_OK)
        return SQLITE_OK;
    d->newest = *err;
    return rc == ERR_FULL ? SQLITE_FULL : sqlite_code;
}

static struct lock *lock_get(const struct disk *disk, const char *path)
{
    pthread_mutex_lock(&locks_mutex);
    struct lock *lock = locks;
    while (lock && (lock->disk != disk || strcmp(lock->path, path) != 0))
        lock = lock->next;
    if (!lock) {
        lock = mem_zeroed(1, sizeof(*lock));
        lock->disk = disk;
        lock->path = mem_copy_text(path, strlen(path));
        lock->next = locks;
        locks = lock;
    }
    lock->files++;
    pthread_mutex_unlock(&locks_mutex);
    return lock;
}

static void lock_drop(struct lock *lock)
{
    pthread_mutex_lock(&locks_mutex);
    if (--lock->files == 0) {
        struct lock **at = &locks;
        while (*at != lock)
            at = &(*at)->next;
        *at = lock->next;
        mem_free(lock->path);
        mem_free(lock);
    }
    pthread_mutex_unlock(&locks_mutex);
}

static int lock_raise(struct vfs_file *f, int level)
{
    struct lock *lock = f->lock;
    if (level == SQLITE_LOCK_SHARED) {
        if (lock->is_pending || lock->is_exclusive)
            return SQLITE_BUSY;
        lock->shared++;
    } else {
        if (lock->reserved && lock->reserved != f)
            return SQLITE_BUSY;
        lock->reserved = f;
        if (level == SQLITE_LOCK_EXCLUSIVE) {
            lock->is_pending = true;
            f->level = SQLITE_LOCK_PENDING;
            if (lock->shared > 1)
                return SQLITE_BUSY;
            lock->is_exclusive = true;
        }
    }
    f->level = level;
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *file, int level)
{
    struct vfs_file *f = (struct vfs_file *)file;
    pthread_mutex_lock(&locks_mutex);
    int rc = level > f->level ? lock_raise(f, level) : SQLITE_OK;
    pthread_mutex_unlock(&locks_mutex);
    return rc;
}

static int vfs_unlock(sqlite3_file *file, int level)
{
    struct vfs_file *f = (struct vfs_file *)file;
    pthread_mutex_lock(&locks_mutex);
    if (level < f->level) {
        if (f->lock->reserved == f) {
            f->lock->reserved = NULL;
            f->lock->is_pending = f->lock->is_exclusive = false;
        }
        if (level == SQLITE_LOCK_NONE)
            f->lock->shared--;
        f->level = level;
    }
    pthread_mutex_unlock(&locks_mutex);
    return SQLITE_OK;
}

static int vfs_reserved(sqlite3_file *file, int *out)
{
    const struct vfs_file *f = (const struct vfs_file *)file;
    pthread_mutex_lock(&locks_mutex);
    *out = f->lock->reserved != NULL;
    pthread_mutex_unlock(&locks_mutex);
    return SQLITE_OK;
}

static int vfs_close(sqlite3_file *file)
{
    struct vfs_file *f = (struct vfs_file *)file;
    if (f->lock) {
        (void)vfs_unlock(file, SQLITE_LOCK_NONE);
        lock_drop(f->lock);
    }
    struct err err = {0};
    int rc = ERR_OK;
    if (f->delete_on_close)
        rc = disk_remove(f->d->disk, disk_path(f->file), &err);
    disk_close(&f->file);
    return told(f->d, rc, &err, SQLITE_IOERR_CLOSE);
}

static int vfs_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct err err = {0};
    size_t got;
    int rc = disk_read(f->file, (uint64_t)offset, data, (size_t)len, &got, &err);
    if (rc != ERR_OK)
        return told(f->d, rc, &err, SQLITE_IOERR_READ);
    if (got == (size_t)len)
        return SQLITE_OK;
    memset((char *)data + got, 0, (size_t)len - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct err err = {0};
    int rc = disk_write(f->file, (uint64_t)offset, data, (size_t)len, &err);
    return told(f->d, rc, &err, SQLITE_IOERR_WRITE);
}

static int vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct err err = {0};
    int rc = disk_resize(f->file, (uint64_t)size, &err);
    return told(f->d, rc, &err, SQLITE_IOERR_TRUNCATE);
}

static int vfs_sync(sqlite3_file *file, int flags)
{
    struct vfs_file *f = (struct vfs_file *)file;
    (void)flags; /* disk_sync is the stronger kind always */
    struct err err = {0};
    int rc = disk_sync(f->file, &err);
    if (rc != ERR_OK)
        return told(f->d, rc, &err, SQLITE_IOERR_FSYNC);
    if (!f->is_new)
        return SQLITE_OK;
    rc = disk_sync_folder_of(f->d->disk, disk_path(f->file), &err);
    f->is_new = rc != ERR_OK;
    return told(f->d, rc, &err, SQLITE_IOERR_DIR_FSYNC);
}

static int vfs_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct vfs_file *f = (struct vfs_file *)file;
    struct err err = {0};
    uint64_t size_bytes = 0;
    int rc = disk_size(f->file, &size_bytes, &err);
    *size = (sqlite3_int64)size_bytes;
    return told(f->d, rc, &err, SQLITE_IOERR_FSTAT);
}

static int vfs_control(sqlite3_file *file, int operation, void *argument)
{
    (void)file, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int vfs_sector_bytes(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int vfs_character(sqlite3_file *file)
{
    (void)file;
    return 0; /* promises nothing */
}

static const sqlite3_io_methods file_calls = {
    .iVersion = 1,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector_bytes,
    .xDeviceCharacteristics = vfs_character,
};

static int open_or_make(struct vfs_file *f, const char *name, int flags, struct err *err)
{
    struct disk *disk = f->d->disk;
    enum disk_mode mode = flags & SQLITE_OPEN_READWRITE ? DISK_WRITE : DISK_READ;
    bool make = flags & SQLITE_OPEN_CREATE;
    int rc = ERR_NOT_FOUND;
    if (!(flags & SQLITE_OPEN_EXCLUSIVE))
        rc = disk_open(disk, &f->file, name, mode, err);
    if (rc == ERR_NOT_FOUND && make) {
        rc = disk_open(disk, &f->file, name, DISK_CREATE, err);
        f->is_new = true;
    }
    return rc;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    struct vfs_file *f = (struct vfs_file *)file;
    memset(f, 0, sizeof(*f));
    f->d = vfs->pAppData;
    if (!name)
        return SQLITE_CANTOPEN; /* temporary files are in memory */
    struct err err = {0};
    int rc = open_or_make(f, name, flags, &err);
    if (rc != ERR_OK)
        return told(f->d, rc, &err, SQLITE_CANTOPEN);
    f->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
    if (flags & SQLITE_OPEN_MAIN_DB)
        f->lock = lock_get(f->d->disk, name);
    if (out_flags)
        *out_flags = flags;
    f->base.pMethods = &file_calls;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct database_disk *d = vfs->pAppData;
    struct err err = {0};
    int rc = disk_remove(d->disk, name, &err);
    if (rc == ERR_NOT_FOUND)
        return SQLITE_IOERR_DELETE_NOENT;
    if (rc == ERR_OK && sync_folder)
        rc = disk_sync_folder_of(d->disk, name, &err);
    return told(d, rc, &err, SQLITE_IOERR_DELETE);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    struct database_disk *d = vfs->pAppData;
    (void)flags;
    *out = disk_exists(d->disk, name);
    return SQLITE_OK;
}

static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)room, "%s", name) < room ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    memset(out, 0, (size_t)len);
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = 2460000.5;
    return SQLITE_OK;
}

static int vfs_error(sqlite3_vfs *vfs, int len, char *out)
{
    const struct database_disk *d = vfs->pAppData;
    (void)snprintf(out, len > 0 ? (size_t)len : 0, "%s", d->newest.text);
    return 0;
}

struct database_disk *database_disk_open(struct disk *disk)
{
    static atomic_uint opened;
    struct database_disk *d = mem_zeroed(1, sizeof(*d));
    d->disk = disk;
    (void)snprintf(d->name, sizeof(d->name), "canh-%u", atomic_fetch_add(&opened, 1));
    d->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct vfs_file),
        .mxPathname = DISK_PATH_BYTES_MAX,
        .zName = d->name,
        .pAppData = d,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_name,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };
    (void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, NULL); /* a run repeats */
    check(sqlite3_vfs_register(&d->vfs, 0) == SQLITE_OK);
    return d;
}

void database_disk_close(struct database_disk **d)
{
    if (!*d)
        return;
    (void)sqlite3_vfs_unregister(&(*d)->vfs);
    mem_free(*d);
    *d = NULL;
}

const char *database_disk_name(const struct database_disk *d)
{
    return d->name;
}

int database_disk_error(struct database_disk *d, struct err *err)
{
    *err = d->newest;
    d->newest = (struct err){0};
    return err->code;
}
