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

/* Links are not followed, so that who may write into a log folder cannot point at other files. */
static void file_look(const struct looking *l, const char *path)
{
    struct parent *p = l->p;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        if (errno != ENOENT)
            log_say(LOG_WARNING, "follow", "%s cannot be opened: %s", path, strerror(errno));
        return;
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
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
        log_say(LOG_WARNING, "follow", "%s is not followed: there are more than %d such files",
                path, PARENT_FILES_MAX);
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
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct buf path = {0};
        if (fnmatch(last, entry->d_name, FNM_PERIOD) != 0)
            continue;
        buf_printf(&path, "%s%s", folder, entry->d_name);
        file_look(l, buf_text(&path));
        buf_free(&path);
    }
    if (dir)
        (void)closedir(dir);
    mem_free(folder);
}

void parent_files_send(struct parent *p, struct wire *wire, bool only_new)
{
    const struct config_source *sources = p->config->sources.items;
    for (uint32_t i = 0; i < p->file_count; i++)
        p->files[i].seen = false;
    for (uint32_t i = 0; i < p->config->sources.count; i++)
        for (uint32_t j = 0; j < sources[i].follow.count; j++)
            pattern_look(&(struct looking){p, wire, sources[i].row.name, only_new},
                         sources[i].follow.items[j].data);
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
