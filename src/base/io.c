#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

int io_read_file(struct buf *out, const char *path, size_t max_bytes, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    size_t start = out->len;
    int rc = ERR_OK;
    for (;;) {
        buf_reserve(out, 32768);
        ssize_t got = read(fd, out->data + out->len, out->capacity - out->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            rc = err_set_errno(err, errno, "%s", path);
        if (got <= 0)
            break;
        out->len += (size_t)got;
        if (out->len - start > max_bytes) {
            rc = err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
            break;
        }
    }
    (void)close(fd);
    return rc;
}

int io_map_descriptor(struct io_map *out, int fd, const char *path, size_t max_bytes,
                      struct err *err)
{
    struct stat about;
    out->bytes = SLICE("");
    if (fstat(fd, &about) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (!S_ISREG(about.st_mode))
        return err_set(err, ERR_UNSUPPORTED, "%s: no regular file", path);
    if ((uint64_t)about.st_size > max_bytes)
        return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max_bytes);
    if (about.st_size == 0)
        return ERR_OK;
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return err_set_errno(err, errno, "%s", path);
    out->bytes = slice_make(at, (size_t)about.st_size);
    return ERR_OK;
}

int io_map_file(struct io_map *out, const char *path, size_t max_bytes, struct err *err)
{
    out->bytes = SLICE("");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(err, ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    int rc = io_map_descriptor(out, fd, path, max_bytes, err);
    (void)close(fd);
    return rc;
}

void io_unmap(struct io_map *map)
{
    if (map->bytes.len) {
        void *at;
        memcpy(&at, &map->bytes.data, sizeof at); /* a const pointer, given back as it came */
        (void)munmap(at, map->bytes.len);
    }
    map->bytes = SLICE("");
}

int io_write_all(int fd, const void *data, size_t len, struct err *err)
{
    const char *at = data;
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno == EPIPE)
            return err_set(err, ERR_CLOSED, "the reader of the output went away");
        if (put < 0)
            return err_set_errno(err, errno, "cannot write the output");
        at += put;
        len -= (size_t)put;
    }
    return ERR_OK;
}

struct walk {
    io_visit *visit;
    io_unreadable *unreadable;
    void *context;
};

static int name_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted; NULL and err when it cannot be read. */
static char **folder_names(const char *path, size_t *count, struct err *err)
{
    DIR *folder = opendir(path);
    if (!folder) {
        (void)err_set_errno(err, errno, "%s", path);
        return NULL;
    }
    size_t capacity = 16;
    char **names = mem_zeroed(capacity, sizeof(*names));
    *count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (*count == capacity) {
            capacity *= 2;
            names = mem_resize(names, capacity, sizeof(*names));
        }
        names[(*count)++] = mem_copy_text(entry->d_name, strlen(entry->d_name));
    }
    (void)closedir(folder);
    qsort(names, *count, sizeof(*names), name_order);
    return names;
}

static int walk_folder(const struct walk *walk, const char *path, int depth);

static int walk_entry(const struct walk *walk, const char *path, int depth)
{
    struct stat link, target;
    if (lstat(path, &link) != 0 || stat(path, &target) != 0) {
        struct err why;
        (void)err_set_errno(&why, errno, "%s", path);
        if (walk->unreadable)
            walk->unreadable(walk->context, path, &why);
        return ERR_OK;
    }
    if (S_ISDIR(target.st_mode))
        return S_ISLNK(link.st_mode) ? ERR_OK : walk_folder(walk, path, depth + 1);
    return S_ISREG(target.st_mode) ? walk->visit(walk->context, path) : ERR_OK;
}

static int walk_folder(const struct walk *walk, const char *path, int depth)
{
    struct err why;
    size_t count = 0;
    char **names = NULL;
    if (depth > IO_DEPTH_MAX)
        (void)err_set(&why, ERR_LIMIT, "%s: more than %d folders deep", path, IO_DEPTH_MAX);
    else
        names = folder_names(path, &count, &why);
    if (!names) {
        if (walk->unreadable)
            walk->unreadable(walk->context, path, &why);
        return ERR_OK;
    }
    int rc = ERR_OK;
    struct buf child = {0};
    for (size_t i = 0; i < count; i++) {
        if (rc == ERR_OK) {
            buf_clear(&child);
            buf_printf(&child, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", names[i]);
            rc = walk_entry(walk, buf_text(&child), depth);
        }
        mem_free(names[i]);
    }
    buf_free(&child);
    mem_free(names);
    return rc;
}

int io_walk(const char *path, io_visit *visit, io_unreadable *unreadable, void *context,
            struct err *err)
{
    struct walk walk = {visit, unreadable, context};
    struct stat about;
    if (stat(path, &about) != 0)
        return err_set_errno(err, errno, "%s", path);
    return S_ISDIR(about.st_mode) ? walk_folder(&walk, path, 0) : visit(context, path);
}
