/* Files, read whole with a cap, mapped, and written whole; folder walks. What a store writes goes
 * through disk.h. Threads: any. */
#pragma once
#include "base/str.h"

/* Reads a whole file into out (appended). ERR_LIMIT past max_bytes, ERR_IO with the reason. */
MUST_CHECK int io_read_file(struct buf *out, const char *path, size_t max_bytes, struct err *err);
/* Writes all of data to fd. ERR_CLOSED when the reader went away (EPIPE), else ERR_IO. */
MUST_CHECK int io_write_all(int fd, const void *data, size_t len, struct err *err);

/* A file's bytes for reading, shared with every other process that maps it. Whoever changes such a
 * file replaces it by a new one (disk_write_file): the map goes on showing the old one. */
struct io_map {
    struct slice bytes; /* at the start of a page */
};
/* ERR_NOT_FOUND, ERR_LIMIT past max_bytes, ERR_UNSUPPORTED for what is no regular file, ERR_IO. An
 * empty file gives the empty slice. */
MUST_CHECK int io_map_file(struct io_map *out, const char *path, size_t max_bytes, struct err *err);
/* The same of an open file, which stays the caller's; name: for errors. */
MUST_CHECK int io_map_descriptor(struct io_map *out, int fd, const char *name, size_t max_bytes,
                                 struct err *err);
void io_unmap(struct io_map *map); /* leaves the empty slice */

/* Every regular file under path (path itself when it is a file; links to files are followed, links
 * to folders are not), sorted by name within a folder so that runs repeat. visit returns ERR_OK to
 * go on. Folders that cannot be read are given to unreadable (may be NULL) and the walk goes on.
 * Limits: IO_DEPTH_MAX levels. */
enum { IO_DEPTH_MAX = 64 };
typedef int io_visit(void *context, const char *path);
typedef void io_unreadable(void *context, const char *path, const struct err *err);
MUST_CHECK int io_walk(const char *path, io_visit *visit, io_unreadable *unreadable, void *context,
                       struct err *err);
