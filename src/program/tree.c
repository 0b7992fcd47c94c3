#include "program/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

enum { PIECE_BYTES = 1 << 20, PATH_BYTES = 4400 };

struct copying {
    unsigned file_mode, folder_mode;
    char *piece;
    struct tree_counts *counts;
    struct err *err;
};
typedef int entry_visit(void *context, const char *path, const char *name,
                        const struct stat *about);

static int path_join(char out[PATH_BYTES], const char *folder, const char *name, struct err *err)
{
    if (snprintf(out, PATH_BYTES, "%s/%s", folder, name) >= PATH_BYTES)
        return err_set(err, ERR_LIMIT, "%s: the path is too long", folder);
    return ERR_OK;
}

static int each_entry(const char *folder, entry_visit *visit, void *context, struct err *err)
{
    char path[PATH_BYTES];
    struct stat about;
    struct dirent *entry;
    int rc = ERR_OK;
    DIR *dir = opendir(folder);
    if (!dir)
        return err_set_errno(err, errno, "%s", folder);
    while (rc == ERR_OK && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = path_join(path, folder, entry->d_name, err);
        if (rc == ERR_OK && lstat(path, &about) != 0)
            rc = err_set_errno(err, errno, "%s", path);
        if (rc == ERR_OK && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode))
            rc = err_set(err, ERR_USAGE, "%s is neither a file nor a folder: move it away", path);
        if (rc == ERR_OK)
            rc = visit(context, path, entry->d_name, &about);
    }
    (void)closedir(dir);
    return rc;
}

static int refuse_any(void *context, const char *path, const char *name, const struct stat *about)
{
    (void)path;
    (void)name;
    (void)about;
    *(bool *)context = true;
    return ERR_OK;
}

int tree_make_empty(const char *folder, struct err *err)
{
    bool used = false;
    if (mkdir(folder, 0700) == 0)
        return ERR_OK;
    if (errno != EEXIST)
        return err_set_errno(err, errno, "cannot make the folder %s", folder);
    int rc = each_entry(folder, refuse_any, &used, err);
    if (rc == ERR_USAGE || used)
        rc = err_set(err, ERR_BUSY, "%s is not empty: name a folder that is empty or not there",
                     folder);
    return rc;
}

static int folder_sync(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", folder);
    int rc = fsync(fd) != 0 && errno != EINVAL ? err_set_errno(err, errno, "%s", folder) : ERR_OK;
    (void)close(fd);
    return rc;
}

/* As root: whoever has the folder has what is in it. */
static int owner_take(int fd, const char *path, struct err *err)
{
    struct stat about;
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (geteuid() != 0)
        return ERR_OK;
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1,
                   slash ? path : ".");
    if (stat(folder, &about) != 0 || fchown(fd, about.st_uid, about.st_gid) != 0)
        return err_set_errno(err, errno, "%s: its owner cannot be set", path);
    return ERR_OK;
}

static int file_make(const char *path, unsigned mode, int *fd, struct err *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return err_set_errno(err, errno, "%s cannot be made", path);
    int rc = owner_take(*fd, path, err);
    if (rc == ERR_OK && fchmod(*fd, mode) != 0)
        rc = err_set_errno(err, errno, "%s", path);
    return rc;
}

static int file_end(int fd, const char *path, int rc, struct err *err)
{
    if (rc == ERR_OK && fsync(fd) != 0 && errno != EINVAL)
        rc = err_set_errno(err, errno, "%s cannot be written", path);
    if (fd >= 0 && close(fd) != 0 && rc == ERR_OK)
        rc = err_set_errno(err, errno, "%s cannot be written", path);
    return rc;
}

int tree_write(const char *path, struct slice bytes, unsigned mode, struct err *err)
{
    int fd = -1;
    int rc = file_make(path, mode, &fd, err);
    if (rc == ERR_OK)
        rc = io_write_all(fd, bytes.data, bytes.len, err);
    return file_end(fd, path, rc, err);
}

static int file_copy(struct copying *c, const char *from, const char *to)
{
    ssize_t got;
    int out = -1, in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0)
        return err_set_errno(c->err, errno, "%s", from);
    int rc = file_make(to, c->file_mode, &out, c->err);
    while (rc == ERR_OK &&
           ((got = read(in, c->piece, PIECE_BYTES)) > 0 || (got < 0 && errno == EINTR))) {
        if (got > 0)
            rc = io_write_all(out, c->piece, (size_t)got, c->err);
        c->counts->bytes += got > 0 ? (uint64_t)got : 0;
    }
    if (rc == ERR_OK && got < 0)
        rc = err_set_errno(c->err, errno, "%s", from);
    (void)close(in);
    c->counts->files++;
    return file_end(out, to, rc, c->err);
}

static int folder_make(struct copying *c, const char *path)
{
    int rc = ERR_OK;
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? ERR_OK : err_set_errno(c->err, errno, "%s cannot be made", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_set_errno(c->err, errno, "%s", path);
    rc = owner_take(fd, path, c->err);
    if (rc == ERR_OK && fchmod(fd, c->folder_mode) != 0)
        rc = err_set_errno(c->err, errno, "%s", path);
    (void)close(fd);
    return rc;
}

struct copy_level {
    struct copying *copying;
    const char *to;
    uint32_t depth;
};

static int entry_copy(void *context, const char *path, const char *name, const struct stat *about)
{
    struct copy_level *level = context;
    struct copying *c = level->copying;
    char *to = mem_alloc(PATH_BYTES);
    struct copy_level below = {c, to, level->depth + 1};
    int rc = path_join(to, level->to, name, c->err);
    if (rc == ERR_OK && S_ISREG(about->st_mode)) {
        rc = file_copy(c, path, to);
    } else if (rc == ERR_OK) {
        rc = below.depth > IO_DEPTH_MAX
                 ? err_set(c->err, ERR_LIMIT, "%s: folders are nested too deeply", path)
                 : folder_make(c, to);
        if (rc == ERR_OK)
            rc = each_entry(path, entry_copy, &below, c->err);
        if (rc == ERR_OK)
            rc = folder_sync(to, c->err);
    }
    mem_free(to);
    return rc;
}

int tree_copy(const char *from, const char *to, unsigned file_mode, struct tree_counts *counts,
              struct err *err)
{
    struct stat about;
    if (stat(to, &about) != 0)
        return err_set_errno(err, errno, "%s", to);
    struct copying c = {.file_mode = file_mode,
                        .folder_mode = about.st_mode & 07770,
                        .piece = mem_alloc(PIECE_BYTES),
                        .counts = counts,
                        .err = err};
    struct copy_level level = {&c, to, 0};
    int rc = each_entry(from, entry_copy, &level, err);
    if (rc == ERR_OK)
        rc = folder_sync(to, err);
    mem_free(c.piece);
    return rc;
}

static int entry_remove(void *context, const char *path, const char *name, const struct stat *about)
{
    struct err *err = context;
    (void)name;
    if (S_ISDIR(about->st_mode))
        return tree_remove(path, err);
    return unlink(path) == 0 ? ERR_OK : err_set_errno(err, errno, "%s cannot be removed", path);
}

int tree_remove(const char *path, struct err *err)
{
    int rc = each_entry(path, entry_remove, err, err);
    if (rc == ERR_OK && rmdir(path) != 0)
        rc = err_set_errno(err, errno, "%s cannot be removed", path);
    return rc;
}

struct moving {
    const char *to;
    bool across; /* another file system */
    struct err *err;
};

static int entry_move(void *context, const char *path, const char *name, const struct stat *about)
{
    struct moving *m = context;
    char to[PATH_BYTES];
    (void)about;
    int rc = path_join(to, m->to, name, m->err);
    if (rc == ERR_OK && rename(path, to) != 0) {
        m->across = errno == EXDEV;
        rc = m->across ? ERR_OK : err_set_errno(m->err, errno, "%s cannot be moved", path);
    }
    return rc;
}

int tree_move(const char *from, const char *to, struct err *err)
{
    struct moving m = {.to = to, .err = err};
    struct tree_counts counts = {0};
    int rc = each_entry(from, entry_move, &m, err);
    if (rc == ERR_OK && m.across)
        rc = tree_copy(from, to, 0600, &counts, err);
    if (rc == ERR_OK)
        rc = folder_sync(to, err);
    return rc ? rc : tree_remove(from, err);
}

static int entry_count(void *context, const char *path)
{
    struct tree_counts *counts = context;
    struct stat about;
    if (stat(path, &about) == 0)
        counts->bytes += (uint64_t)about.st_size;
    counts->files++;
    return ERR_OK;
}

int tree_count(const char *folder, struct tree_counts *counts, struct err *err)
{
    return io_walk(folder, entry_count, NULL, counts, err);
}
