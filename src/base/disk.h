/* Disk: the files of a store behind one table of calls, so that the same code runs on the real disk
 * and on a simulated one that tears, loses and refuses writes.
 *
 * Paths are relative to the folder the disk was opened on and use '/'; ".." and absolute paths are
 * refused (ERR_USAGE). Nothing is retried inside: after a failed disk_sync the file is to be given
 * up (what was not synced may be lost although a second call would say otherwise). Errors: ERR_IO,
 * ERR_FULL (no room or quota), ERR_NOT_FOUND, each with the path; ERR_CLOSED after a simulated
 * power cut. Links are not followed at a path's end. Files are made with mode 0640, folders with
 * 0750. Threads: any, a disk_file's writes by one at a time. DESIGN sections 4 and 6. */
#pragma once
#include "base/str.h"

struct disk;
struct disk_file;

enum { DISK_PATH_BYTES_MAX = 1000, DISK_ENTRIES_MAX = 1 << 20 /* listed in a folder */ };

enum disk_mode {
    DISK_READ,
    DISK_WRITE,  /* exists, read and write */
    DISK_CREATE, /* must not exist (ERR_BUSY), read and write */
};

/* The real one. ERR_NOT_FOUND when the folder is not there. */
MUST_CHECK int disk_open_folder(struct disk **out, const char *folder, struct err *err);
void disk_close_folder(struct disk **disk);
const char *disk_folder(const struct disk *disk); /* as given; "simulated" for a simulated one */
/* Whether paths are files that other processes and libraries can open, too. */
bool disk_is_real(const struct disk *disk);

MUST_CHECK int disk_open(struct disk *disk, struct disk_file **out, const char *path,
                         enum disk_mode mode, struct err *err);
void disk_close(struct disk_file **file);
const char *disk_path(const struct disk_file *file);
/* Up to len bytes at offset; *got is less only at the end of the file. */
MUST_CHECK int disk_read(struct disk_file *file, uint64_t offset, void *data, size_t len,
                         size_t *got, struct err *err);
/* All of data at offset, growing the file. On an error any part of it may have been written. */
MUST_CHECK int disk_write(struct disk_file *file, uint64_t offset, const void *data, size_t len,
                          struct err *err);
/* fdatasync: contents and size are durable; the name only after disk_sync_folder. */
MUST_CHECK int disk_sync(struct disk_file *file, struct err *err);
MUST_CHECK int disk_size(struct disk_file *file, uint64_t *size_bytes, struct err *err);
MUST_CHECK int disk_resize(struct disk_file *file, uint64_t size_bytes, struct err *err);
/* Rooms for size_bytes are on the disk, zero-filled: later writes inside do not fail for want of
 * room. */
MUST_CHECK int disk_reserve(struct disk_file *file, uint64_t size_bytes, struct err *err);

/* Names. None is durable before disk_sync_folder of the folder (of both, for a rename between two).
 */
MUST_CHECK int disk_rename(struct disk *disk, const char *from, const char *to,
                           struct err *err); /* a file; a file of the new name gives way */
MUST_CHECK int disk_remove(struct disk *disk, const char *path, struct err *err); /* a file */
MUST_CHECK int disk_make_folder(struct disk *disk, const char *path,
                                struct err *err); /* and those above; fine when it exists */
MUST_CHECK int disk_sync_folder(struct disk *disk, const char *path,
                                struct err *err); /* "" : the root */
MUST_CHECK int disk_sync_folder_of(struct disk *disk, const char *path,
                                   struct err *err); /* the folder that holds path */
bool disk_exists(struct disk *disk, const char *path);

struct disk_entry {
    const char *name; /* without folder; until the callback returns */
    bool is_folder;
    uint64_t size_bytes;
};
typedef int disk_visit(void *context, const struct disk_entry *entry);
/* Files and folders (links and others are passed over), sorted by name. Fine on a folder that does
 * not exist: nothing is visited. ERR_LIMIT past DISK_ENTRIES_MAX. visit returns ERR_OK to go on. */
MUST_CHECK int disk_list(struct disk *disk, const char *folder, disk_visit *visit, void *context,
                         struct err *err);
/* Room left for unprivileged writers. */
MUST_CHECK int disk_free_bytes(struct disk *disk, uint64_t *bytes, struct err *err);

/* Small whole files. Read: appended to out, ERR_LIMIT past max_bytes. Write: by way of `path.new`,
 * synced, renamed, folder synced: afterwards either the old or the new file is there, whole. */
MUST_CHECK int disk_read_file(struct disk *disk, const char *path, size_t max_bytes,
                              struct buf *out, struct err *err);
MUST_CHECK int disk_write_file(struct disk *disk, const char *path, struct slice data,
                               struct err *err);
