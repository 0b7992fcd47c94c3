/* Followed files: the patterns of sources[].follow, opened for intake, which may open nothing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/parent.h"

struct looking {
    struct parent *p;
    struct wire *wire;
    struct slice source;
    bool only_new;
    const struct buf *before; /* what was not read at the look before, as UNREAD has it */
};

static void followed_free(struct parent_followed *f)
{
    mem_free(f->source);
    mem_free(f->path);
}

static struct parent_followed *followed_find(struct parent *p, struct slice source,
                                             const struct stat *about)
{
    for (uint32_t i = 0; i < p->file_count; i++) {
        struct parent_followed *f = &p->files[i];
        if (f->inode == about->st_ino && f->device == about->st_dev &&
            slice_equal(slice_from(f->source), source))
            return f;
    }
    return NULL;
}

static void file_send(const struct looking *l, const char *path, int fd, const struct stat *about)
{
    struct buf payload = {0};
    struct err err;
    bytes_put_text(&payload, l->source);
    bytes_put_text(&payload, slice_from(path));
    bytes_put_u64(&payload, about->st_ino);
    bytes_put_u64(&payload, about->st_dev);
    if (wire_send(l->wire, MESSAGE_FILE, 0, buf_as_slice(&payload), &fd, 1, &err) != ERR_OK)
        log_err(LOG_WARNING, "follow", &err);
    buf_free(&payload);
}

static bool was_told(const struct buf *told, const struct buf *row)
{
    return told->len && memmem(told->data, told->len, row->data, row->len) != NULL;
}

/* Logged when it was not so at the look before. */
static void unread_put(const struct looking *l, const char *path, const char *why, bool is_absent)
{
    struct buf *unread = &l->p->unread, row = {0};
    if (unread->len >= PARENT_UNREAD_BYTES_MAX)
        return;
    bytes_put_text(&row, l->source);
    bytes_put_text(&row, slice_from(path));
    bytes_put_text(&row, slice_from(why));
    bytes_put_u32(&row, is_absent);
    if (!was_told(l->before, &row))
        log_say(is_absent ? LOG_INFO : LOG_WARNING, "follow", "%s is not read: %s", path, why);
    buf_slice(unread, buf_as_slice(&row));
    buf_free(&row);
}

void parent_files_report(struct parent *p)
{
    parent_role_send(parent_engine(p), MESSAGE_UNREAD, 0, buf_as_slice(&p->unread), NULL, 0);
}

/* Links are not followed, so that who may write into a log folder cannot point at other files. */
static void file_look(const struct looking *l, const char *path)
{
    struct parent *p = l->p;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        unread_put(l, path,
                   errno == ELOOP ? "it is a link, and links are not followed" : strerror(errno),
                   errno == ENOENT);
        return;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        unread_put(l, path, "it is no regular file", false);
        (void)close(fd);
        return;
    }
    struct parent_followed *f = followed_find(p, l->source, &about);
    bool is_new = f == NULL;
    if (is_new && p->file_count < PARENT_FILES_MAX) {
        f = &p->files[p->file_count++];
        *f = (struct parent_followed){.source = mem_copy_text(l->source.data, l->source.len),
                                      .path = mem_copy_text(path, strlen(path)),
                                      .inode = about.st_ino,
                                      .device = about.st_dev};
    } else if (is_new) {
        unread_put(l, path, "too many files are followed", false);
    }
    if (f) {
        bool is_renamed = !f->seen && strcmp(f->path, path) != 0;
        if (is_renamed) {
            mem_free(f->path);
            f->path = mem_copy_text(path, strlen(path));
        }
        f->seen = true;
        if (is_new || is_renamed || !l->only_new)
            file_send(l, path, fd, &about);
    }
    (void)close(fd);
}

static void pattern_look(const struct looking *l, const char *pattern)
{
    const char *last = strrchr(pattern, '/') + 1;
    if (!strpbrk(last, "*?[")) {
        file_look(l, pattern);
        return;
    }
    char *folder = mem_copy_text(pattern, (size_t)(last - pattern));
    DIR *dir = opendir(folder);
    bool is_seen = false;
    if (!dir)
        unread_put(l, pattern, strerror(errno), errno == ENOENT);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct buf path = {0};
        if (fnmatch(last, entry->d_name, FNM_PERIOD) != 0)
            continue;
        is_seen = true;
        buf_printf(&path, "%s%s", folder, entry->d_name);
        file_look(l, buf_text(&path));
        buf_free(&path);
    }
    if (dir && !is_seen)
        unread_put(l, pattern, "no file matches", true);
    if (dir)
        (void)closedir(dir);
    mem_free(folder);
}

void parent_files_send(struct parent *p, struct wire *wire, bool only_new)
{
    const struct config_source *sources = p->config->sources.items;
    struct buf before = p->unread;
    p->unread = (struct buf){0};
    for (uint32_t i = 0; i < p->file_count; i++)
        p->files[i].seen = false;
    for (uint32_t i = 0; i < p->config->sources.count; i++)
        for (uint32_t j = 0; j < sources[i].follow.count; j++)
            pattern_look(&(struct looking){p, wire, sources[i].row.name, only_new, &before},
                         sources[i].follow.items[j].data);
    buf_free(&before);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->file_count; i++)
        if (p->files[i].seen)
            p->files[kept++] = p->files[i];
        else
            followed_free(&p->files[i]);
    p->file_count = kept;
    metric_set(&p->metrics[PARENT_FILES], kept);
}

void parent_files_forget(struct parent *p)
{
    while (p->file_count)
        followed_free(&p->files[--p->file_count]);
}
