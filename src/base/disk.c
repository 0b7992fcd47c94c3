#include "base/disk_calls.h"

#include "base/mem.h"

/* One or more names between single '/', none of them "." or "..". */
static bool path_is_fit(const char *path)
{
    struct slice rest = slice_from(path);
    if (rest.len == 0 || rest.len > DISK_PATH_BYTES_MAX)
        return false;
    while (rest.len > 0) {
        bool more = slice_find_char(rest, '/') != SLICE_NONE;
        struct slice name = slice_cut(&rest, '/');
        if (name.len == 0 || slice_equal(name, SLICE(".")) || slice_equal(name, SLICE("..")))
            return false;
        if (more && rest.len == 0)
            return false;
    }
    return true;
}

static int check_path(const char *path, struct err *err)
{
    if (path_is_fit(path))
        return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "the path \"%.200s\" is not relative to the data folder: use names between "
                   "single slashes, none of them \".\" or \"..\", at most %d bytes",
                   path, DISK_PATH_BYTES_MAX);
}

static int check_folder(const char *path, struct err *err)
{
    return *path ? check_path(path, err) : ERR_OK;
}

const char *disk_folder(const struct disk *disk)
{
    return disk->folder;
}

bool disk_is_real(const struct disk *disk)
{
    return disk->is_real;
}

int disk_open(struct disk *disk, struct disk_file **out, const char *path, enum disk_mode mode,
              struct err *err)
{
    *out = NULL;
    int rc = check_path(path, err);
    if (rc == ERR_OK)
        rc = disk->calls->open(disk, out, path, mode, err);
    if (rc == ERR_OK) {
        (*out)->disk = disk;
        (*out)->path = mem_copy_text(path, strlen(path));
    }
    return rc;
}

void disk_close(struct disk_file **file)
{
    if (!*file)
        return;
    (*file)->disk->calls->close(*file);
    mem_free((*file)->path);
    mem_free(*file);
    *file = NULL;
}

const char *disk_path(const struct disk_file *file)
{
    return file->path;
}

int disk_read(struct disk_file *file, uint64_t offset, void *data, size_t len, size_t *got,
              struct err *err)
{
    *got = 0;
    return file->disk->calls->read(file, offset, data, len, got, err);
}

int disk_write(struct disk_file *file, uint64_t offset, const void *data, size_t len,
               struct err *err)
{
    return file->disk->calls->write(file, offset, data, len, err);
}

int disk_sync(struct disk_file *file, struct err *err)
{
    return file->disk->calls->sync(file, err);
}

int disk_size(struct disk_file *file, uint64_t *size_bytes, struct err *err)
{
    return file->disk->calls->size(file, size_bytes, err);
}

int disk_resize(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    return file->disk->calls->resize(file, size_bytes, err);
}

int disk_reserve(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    return file->disk->calls->reserve(file, size_bytes, err);
}

int disk_rename(struct disk *disk, const char *from, const char *to, struct err *err)
{
    int rc = check_path(from, err);
    if (rc == ERR_OK)
        rc = check_path(to, err);
    return rc == ERR_OK ? disk->calls->rename(disk, from, to, err) : rc;
}

int disk_remove(struct disk *disk, const char *path, struct err *err)
{
    int rc = check_path(path, err);
    return rc == ERR_OK ? disk->calls->remove(disk, path, err) : rc;
}

int disk_make_folder(struct disk *disk, const char *path, struct err *err)
{
    int rc = check_path(path, err);
    char *part = mem_copy_text(path, strlen(path));
    for (char *end = part; rc == ERR_OK && end;) {
        end = strchr(end, '/');
        if (end)
            *end = '\0';
        rc = disk->calls->make_folder(disk, part, err);
        if (end)
            *end++ = '/';
    }
    mem_free(part);
    return rc;
}

int disk_sync_folder(struct disk *disk, const char *path, struct err *err)
{
    int rc = check_folder(path, err);
    return rc == ERR_OK ? disk->calls->sync_folder(disk, path, err) : rc;
}

int disk_sync_folder_of(struct disk *disk, const char *path, struct err *err)
{
    const char *end = strrchr(path, '/');
    char *folder = mem_copy_text(path, end ? (size_t)(end - path) : 0);
    int rc = disk_sync_folder(disk, folder, err);
    mem_free(folder);
    return rc;
}

bool disk_exists(struct disk *disk, const char *path)
{
    return check_path(path, NULL) == ERR_OK && disk->calls->exists(disk, path);
}

int disk_list(struct disk *disk, const char *folder, disk_visit *visit, void *context,
              struct err *err)
{
    int rc = check_folder(folder, err);
    return rc == ERR_OK ? disk->calls->list(disk, folder, visit, context, err) : rc;
}

int disk_free_bytes(struct disk *disk, uint64_t *bytes, struct err *err)
{
    return disk->calls->free_bytes(disk, bytes, err);
}

int disk_read_file(struct disk *disk, const char *path, size_t max_bytes, struct buf *out,
                   struct err *err)
{
    struct disk_file *file;
    uint64_t size_bytes = 0;
    int rc = disk_open(disk, &file, path, DISK_READ, err);
    if (rc == ERR_OK)
        rc = disk_size(file, &size_bytes, err);
    if (rc == ERR_OK && size_bytes > max_bytes)
        rc = err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
    if (rc == ERR_OK && size_bytes > 0) {
        size_t got = 0;
        buf_reserve(out, (size_t)size_bytes);
        rc = disk_read(file, 0, out->data + out->len, (size_t)size_bytes, &got, err);
        if (rc == ERR_OK)
            out->len += got;
    }
    disk_close(&file);
    return rc;
}

/* The whole of a new file, synced; a file of this name left by a crash gives way. */
static int write_new(struct disk *disk, const char *path, struct slice data, struct err *err)
{
    struct disk_file *file;
    int rc = disk_remove(disk, path, err);
    if (rc == ERR_OK || rc == ERR_NOT_FOUND)
        rc = disk_open(disk, &file, path, DISK_CREATE, err);
    if (rc != ERR_OK)
        return rc;
    if (data.len > 0)
        rc = disk_write(file, 0, data.data, data.len, err);
    if (rc == ERR_OK)
        rc = disk_sync(file, err);
    disk_close(&file);
    return rc;
}

int disk_write_file(struct disk *disk, const char *path, struct slice data, struct err *err)
{
    struct buf fresh = {0};
    buf_printf(&fresh, "%s.new", path);
    int rc = write_new(disk, buf_text(&fresh), data, err);
    int left = ERR_OK;
    if (rc == ERR_OK)
        rc = disk_rename(disk, buf_text(&fresh), path, err);
    else
        left = disk_remove(disk, buf_text(&fresh), NULL);
    (void)left; /* what stays is removed by the next writer of this file */
    if (rc == ERR_OK)
        rc = disk_sync_folder_of(disk, path, err);
    buf_free(&fresh);
    return rc;
}
