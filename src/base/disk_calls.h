/* The table of calls behind disk.h: what a kind of disk offers. For disk*.c only. The front
 * (disk.c) has checked every path; it owns the path of a file and prefixes nothing. */
#pragma once
#include "base/disk.h"

struct disk_calls {
    int (*open)(struct disk *disk, struct disk_file **out, const char *path, enum disk_mode mode,
                struct err *err); /* gives a block whose first member is a struct disk_file */
    void (*close)(struct disk_file *file); /* everything but the block itself and its path */
    int (*read)(struct disk_file *file, uint64_t offset, void *data, size_t len, size_t *got,
                struct err *err);
    int (*write)(struct disk_file *file, uint64_t offset, const void *data, size_t len,
                 struct err *err);
    int (*sync)(struct disk_file *file, struct err *err);
    int (*size)(struct disk_file *file, uint64_t *size_bytes, struct err *err);
    int (*resize)(struct disk_file *file, uint64_t size_bytes, struct err *err);
    int (*reserve)(struct disk_file *file, uint64_t size_bytes, struct err *err);
    int (*rename)(struct disk *disk, const char *from, const char *to, struct err *err);
    int (*remove)(struct disk *disk, const char *path, struct err *err);
    int (*make_folder)(struct disk *disk, const char *path, struct err *err); /* one level */
    int (*sync_folder)(struct disk *disk, const char *path, struct err *err);
    bool (*exists)(struct disk *disk, const char *path);
    int (*list)(struct disk *disk, const char *folder, disk_visit *visit, void *context,
                struct err *err);
    int (*free_bytes)(struct disk *disk, uint64_t *bytes, struct err *err);
};

struct disk { /* the first member of each kind's own */
    const struct disk_calls *calls;
    char *folder;
    bool is_real;
};

struct disk_file { /* the first member of each kind's own */
    struct disk *disk;
    char *path;
};
