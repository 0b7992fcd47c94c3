#include "sim/sim_disk.h"

#include "base/disk_calls.h"
#include "base/mem.h"

struct passing {
    struct disk base;
    struct disk *inner;
    sim_disk_visit *visit;
    void *context;
};

struct passing_file {
    struct disk_file base;
    struct disk_file *inner;
};

static struct passing *passing_of(struct disk *disk)
{
    return (struct passing *)disk;
}

static struct disk_file *inner_of(struct disk_file *file)
{
    return ((struct passing_file *)file)->inner;
}

static void tell(struct disk *disk, const char *path)
{
    struct passing *p = passing_of(disk);
    p->visit(p->context, path);
}

static int pass_open(struct disk *disk, struct disk_file **out, const char *path,
                     enum disk_mode mode, struct err *err)
{
    struct disk_file *inner = NULL;
    if (mode == DISK_CREATE)
        tell(disk, path);
    int rc = disk_open(passing_of(disk)->inner, &inner, path, mode, err);
    if (rc)
        return rc;
    struct passing_file *file = mem_zeroed(1, sizeof(*file));
    file->inner = inner;
    *out = &file->base;
    return ERR_OK;
}

static void pass_close(struct disk_file *file)
{
    disk_close(&((struct passing_file *)file)->inner);
}

static int pass_read(struct disk_file *file, uint64_t offset, void *data, size_t len, size_t *got,
                     struct err *err)
{
    return disk_read(inner_of(file), offset, data, len, got, err);
}

static int pass_write(struct disk_file *file, uint64_t offset, const void *data, size_t len,
                      struct err *err)
{
    tell(file->disk, file->path);
    return disk_write(inner_of(file), offset, data, len, err);
}

static int pass_sync(struct disk_file *file, struct err *err)
{
    tell(file->disk, file->path);
    return disk_sync(inner_of(file), err);
}

static int pass_size(struct disk_file *file, uint64_t *size_bytes, struct err *err)
{
    return disk_size(inner_of(file), size_bytes, err);
}

static int pass_resize(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    return disk_resize(inner_of(file), size_bytes, err);
}

static int pass_reserve(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    return disk_reserve(inner_of(file), size_bytes, err);
}

static int pass_rename(struct disk *disk, const char *from, const char *to, struct err *err)
{
    tell(disk, to);
    return disk_rename(passing_of(disk)->inner, from, to, err);
}

static int pass_remove(struct disk *disk, const char *path, struct err *err)
{
    return disk_remove(passing_of(disk)->inner, path, err);
}

static int pass_make_folder(struct disk *disk, const char *path, struct err *err)
{
    return disk_make_folder(passing_of(disk)->inner, path, err);
}

static int pass_sync_folder(struct disk *disk, const char *path, struct err *err)
{
    tell(disk, path);
    return disk_sync_folder(passing_of(disk)->inner, path, err);
}

static bool pass_exists(struct disk *disk, const char *path)
{
    return disk_exists(passing_of(disk)->inner, path);
}

static int pass_list(struct disk *disk, const char *folder, disk_visit *visit, void *context,
                     struct err *err)
{
    return disk_list(passing_of(disk)->inner, folder, visit, context, err);
}

static int pass_free_bytes(struct disk *disk, uint64_t *bytes, struct err *err)
{
    return disk_free_bytes(passing_of(disk)->inner, bytes, err);
}

static const struct disk_calls passing_calls = {
    .open = pass_open,
    .close = pass_close,
    .read = pass_read,
    .write = pass_write,
    .sync = pass_sync,
    .size = pass_size,
    .resize = pass_resize,
    .reserve = pass_reserve,
    .rename = pass_rename,
    .remove = pass_remove,
    .make_folder = pass_make_folder,
    .sync_folder = pass_sync_folder,
    .exists = pass_exists,
    .list = pass_list,
    .free_bytes = pass_free_bytes,
};

struct disk *sim_disk_open(struct disk *inner, sim_disk_visit *visit, void *context)
{
    struct passing *p = mem_zeroed(1, sizeof(*p));
    p->base.calls = &passing_calls;
    p->base.folder = mem_copy_text("simulated", strlen("simulated"));
    p->inner = inner;
    p->visit = visit;
    p->context = context;
    return &p->base;
}

void sim_disk_close(struct disk **disk)
{
    if (!*disk)
        return;
    mem_free((*disk)->folder);
    mem_free(*disk);
    *disk = NULL;
}
