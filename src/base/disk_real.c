#include "base/disk_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"

enum { FILE_MODE = 0640, FOLDER_MODE = 0750, ZEROS_BYTES = 1 << 16 };

struct real_disk {
    struct disk base;
    int fd;
};

struct real_file {
    struct disk_file base;
    int fd;
};

static int disk_fd(const struct disk *disk)
{
    return ((const struct real_disk *)disk)->fd;
}

static int file_fd(const struct disk_file *file)
{
    return ((const struct real_file *)file)->fd;
}

static int refuse(struct err *err, int why, const char *what, const char *path)
{
    (void)err_set_errno(err, why, "cannot %s %s", what, path);
    int code = ERR_IO;
    if (why == ENOSPC || why == EDQUOT)
        code = ERR_FULL;
    else if (why == ENOENT)
        code = ERR_NOT_FOUND;
    else if (why == EEXIST)
        code = ERR_BUSY;
    if (err)
        err->code = code;
    return code;
}

static int real_open(struct disk *disk, struct disk_file **out, const char *path,
                     enum disk_mode mode, struct err *err)
{
    static const int flags[] = {
        [DISK_READ] = O_RDONLY, [DISK_WRITE] = O_RDWR, [DISK_CREATE] = O_RDWR | O_CREAT | O_EXCL};
    /* O_NONBLOCK: a pipe of this name must not hold us */
    int fd =
        openat(disk_fd(disk), path, flags[mode] | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
    if (fd < 0)
        return refuse(err, errno, mode == DISK_CREATE ? "make" : "open", path);
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return err_set(err, ERR_IO, "cannot open %s: not a file", path);
    }
    struct real_file *file = mem_zeroed(1, sizeof(*file));
    file->fd = fd;
    *out = &file->base;
    return ERR_OK;
}

static void real_close(struct disk_file *file)
{
    (void)close(file_fd(file));
}

static int real_read(struct disk_file *file, uint64_t offset, void *data, size_t len, size_t *got,
                     struct err *err)
{
    while (*got < len) {
        ssize_t n = pread(file_fd(file), (char *)data + *got, len - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(err, errno, "read", file->path);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return ERR_OK;
}

static int real_write(struct disk_file *file, uint64_t offset, const void *data, size_t len,
                      struct err *err)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n =
            pwrite(file_fd(file), (const char *)data + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return refuse(err, n < 0 ? errno : EIO, "write to", file->path);
        done += (size_t)n;
    }
    return ERR_OK;
}

static int real_sync(struct disk_file *file, struct err *err)
{
    if (fdatasync(file_fd(file)) != 0)
        return refuse(err, errno, "sync", file->path);
    return ERR_OK;
}

static int real_size(struct disk_file *file, uint64_t *size_bytes, struct err *err)
{
    struct stat info;
    if (fstat(file_fd(file), &info) != 0)
        return refuse(err, errno, "tell the size of", file->path);
    *size_bytes = (uint64_t)info.st_size;
    return ERR_OK;
}

static int real_resize(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    if (ftruncate(file_fd(file), (off_t)size_bytes) != 0)
        return refuse(err, errno, "resize", file->path);
    return ERR_OK;
}

static int write_zeros(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    uint64_t at = 0;
    int rc = real_size(file, &at, err);
    char *zeros = mem_zeroed(1, ZEROS_BYTES);
    while (rc == ERR_OK && at < size_bytes) {
        size_t part = size_bytes - at < ZEROS_BYTES ? (size_t)(size_bytes - at) : ZEROS_BYTES;
        rc = real_write(file, at, zeros, part, err);
        at += part;
    }
    mem_free(zeros);
    return rc;
}

static int real_reserve(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    int rc;
    do
        rc = size_bytes ? fallocate(file_fd(file), 0, 0, (off_t)size_bytes) : 0;
    while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return ERR_OK;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return write_zeros(file, size_bytes, err);
    return refuse(err, errno, "reserve room for", file->path);
}

static int real_rename(struct disk *disk, const char *from, const char *to, struct err *err)
{
    if (renameat(disk_fd(disk), from, disk_fd(disk), to) != 0)
        return refuse(err, errno, "rename", from);
    return ERR_OK;
}

static int real_remove(struct disk *disk, const char *path, struct err *err)
{
    if (unlinkat(disk_fd(disk), path, 0) != 0)
        return refuse(err, errno, "remove", path);
    return ERR_OK;
}

static int real_make_folder(struct disk *disk, const char *path, struct err *err)
{
    if (mkdirat(disk_fd(disk), path, FOLDER_MODE) == 0)
        return ERR_OK;
    int why = errno;
    struct stat info;
    if (why == EEXIST && fstatat(disk_fd(disk), path, &info, 0) == 0 && S_ISDIR(info.st_mode))
        return ERR_OK;
    return refuse(err, why, "make the folder", path);
}

static int open_folder(const struct disk *disk, const char *path)
{
    return openat(disk_fd(disk), *path ? path : ".",
                  O_RDONLY | O_DIRECTORY | O_CLOEXEC | (*path ? O_NOFOLLOW : 0));
}

static int real_sync_folder(struct disk *disk, const char *path, struct err *err)
{
    int fd = open_folder(disk, path);
    int why = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0)
        (void)close(fd);
    return why ? refuse(err, why, "sync the folder", *path ? path : disk->folder) : ERR_OK;
}

static bool real_exists(struct disk *disk, const char *path)
{
    struct stat info;
    return fstatat(disk_fd(disk), path, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

struct names {
    char **items;
    size_t count, capacity;
};

static int name_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(DIR *dir, const char *folder, struct names *names, struct err *err)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names->count == DISK_ENTRIES_MAX)
            return err_set(err, ERR_LIMIT, "%s: more than %d entries", folder, DISK_ENTRIES_MAX);
        if (names->count == names->capacity) {
            names->capacity = names->capacity ? names->capacity * 2 : 64;
            names->items = mem_resize(names->items, names->capacity, sizeof(*names->items));
        }
        names->items[names->count++] = mem_copy_text(entry->d_name, strlen(entry->d_name));
    }
    return errno ? refuse(err, errno, "list", folder) : ERR_OK;
}

static int visit_names(int fd, const struct names *names, disk_visit *visit, void *context)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < names->count; i++) {
        struct stat info;
        if (fstatat(fd, names->items[i], &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)))
            continue; /* gone meanwhile, or none of ours */
        struct disk_entry entry = {
            .name = names->items[i],
            .is_folder = S_ISDIR(info.st_mode),
            .size_bytes = S_ISDIR(info.st_mode) ? 0 : (uint64_t)info.st_size,
        };
        rc = visit(context, &entry);
    }
    return rc;
}

static int real_list(struct disk *disk, const char *folder, disk_visit *visit, void *context,
                     struct err *err)
{
    int fd = open_folder(disk, folder);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return why == ENOENT ? ERR_OK : refuse(err, why, "list", folder);
    }
    struct names names = {0};
    int rc = read_names(dir, folder, &names, err);
    if (rc == ERR_OK && names.count > 0) {
        qsort(names.items, names.count, sizeof(*names.items), name_order);
        rc = visit_names(fd, &names, visit, context);
    }
    for (size_t i = 0; i < names.count; i++)
        mem_free(names.items[i]);
    mem_free(names.items);
    (void)closedir(dir);
    return rc;
}

static int real_free_bytes(struct disk *disk, uint64_t *bytes, struct err *err)
{
    struct statvfs info;
    if (fstatvfs(disk_fd(disk), &info) != 0)
        return refuse(err, errno, "tell the free room of", disk->folder);
    *bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return ERR_OK;
}

static const struct disk_calls real_calls = {
    .open = real_open,
    .close = real_close,
    .read = real_read,
    .write = real_write,
    .sync = real_sync,
    .size = real_size,
    .resize = real_resize,
    .reserve = real_reserve,
    .rename = real_rename,
    .remove = real_remove,
    .make_folder = real_make_folder,
    .sync_folder = real_sync_folder,
    .exists = real_exists,
    .list = real_list,
    .free_bytes = real_free_bytes,
};

int disk_open_folder(struct disk **out, const char *folder, struct err *err)
{
    *out = NULL;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return refuse(err, errno, "open the folder", folder);
    struct real_disk *disk = mem_zeroed(1, sizeof(*disk));
    disk->base.calls = &real_calls;
    disk->base.folder = mem_copy_text(folder, strlen(folder));
    disk->base.is_real = true;
    disk->fd = fd;
    *out = &disk->base;
    return ERR_OK;
}

void disk_close_folder(struct disk **disk)
{
    if (!*disk)
        return;
    check((*disk)->is_real);
    (void)close(disk_fd(*disk));
    mem_free((*disk)->folder);
    mem_free(*disk);
    *disk = NULL;
}
