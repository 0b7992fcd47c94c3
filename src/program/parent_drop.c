/* Drop folders: a file that somebody puts there, and that no longer changes, is given to the engine
 * as an import of its source, then moved to processed or failed below. One at a time.
 *
 * Links, hidden files and what has a second name elsewhere are left alone: who may write there must
 * not be able to point at other files. A node that is killed in between imports the file again, and
 * its cursor says what is stored already. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "program/parent.h"

enum {
    SEEN_MAX = 1024, /* files in all folders; further ones wait */
    TRIES_MAX = 3,   /* of a file whose reader died */
    NAME_BYTES = 256,
    NUMBERS_MAX = 100000 /* NAME.1, NAME.2 ... */
};
#define LOOK_NS  (2 * PARENT_SECOND_NS)
#define PAUSE_NS (5 * PARENT_SECOND_NS)   /* before a further try */
#define STAYS_NS (600 * PARENT_SECOND_NS) /* of a file that cannot be moved */

struct drop_file {
    char source[CONFIG_NAME_BYTES_MAX + 1], name[NAME_BYTES];
    uint64_t inode, device, size_bytes;
    struct timespec changed;
    bool is_still, is_seen, was_told;
    uint32_t tries;
    uint64_t next_ns;
};

struct parent_drops {
    struct drop_file files[SEEN_MAX];
    uint32_t count;
    uint64_t looked_ns;
    struct drop_file current; /* being imported */
    uint64_t id;              /* of its IMPORT; 0: none */
    uint64_t next_id;
    bool has_failed[CONFIG_SOURCES_MAX]; /* told that its folder cannot be used */
};

/* ---- folders ---- */

static const struct config_source *source_of(const struct parent *p, const char *name)
{
    const struct config_source *source = config_source(p->config, slice_from(name));
    return source && source->drop.len ? source : NULL;
}

static int folder_open(const struct config_source *source, struct err *err)
{
    struct stat about;
    int fd = open(source->drop.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        (void)err_set_errno(err, errno, "the drop folder %s cannot be opened", source->drop.data);
        return -1;
    }
    if (fstat(fd, &about) != 0 || (about.st_uid != 0 && about.st_uid != geteuid()) ||
        about.st_mode & S_IWOTH) {
        (void)err_set(err, ERR_USAGE,
                      "the drop folder %s must be root's or the user's that runs Canh, and not "
                      "writable for others: chown root %s; chmod o-w %s",
                      source->drop.data, source->drop.data, source->drop.data);
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int below_open(int folder, const char *name, struct err *err)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && mkdirat(folder, name, 0750) == 0)
        fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        (void)err_set_errno(err, errno, "the folder %s in the drop folder cannot be made or opened",
                            name);
    return fd;
}

/* The first name that is free: NAME, NAME.1, NAME.2 ... */
static bool name_free(int folder, const char *name, char out[NAME_BYTES])
{
    struct stat about;
    (void)snprintf(out, NAME_BYTES, "%s", name);
    for (int i = 1; i <= NUMBERS_MAX; i++) {
        if (fstatat(folder, out, &about, AT_SYMLINK_NOFOLLOW) != 0)
            return errno == ENOENT;
        (void)snprintf(out, NAME_BYTES, "%.*s.%d", NAME_BYTES - 10, name, i);
    }
    return false;
}

static bool is_same(int folder, const struct drop_file *f)
{
    struct stat about;
    return fstatat(folder, f->name, &about, AT_SYMLINK_NOFOLLOW) == 0 && about.st_ino == f->inode &&
           about.st_dev == f->device;
}

/* Another file that has taken its name by now stays, and is the next one. */
static int file_move(const struct parent *p, const struct drop_file *f, const char *below,
                     struct err *err)
{
    const struct config_source *source = source_of(p, f->source);
    char name[NAME_BYTES];
    int folder = source ? folder_open(source, err) : -1, to = -1, rc = ERR_OK;
    if (!source)
        return err_set(err, ERR_NOT_FOUND, "its source has no drop folder any more");
    if (folder >= 0)
        to = below_open(folder, below, err);
    if (to < 0)
        rc = err->code;
    else if (!is_same(folder, f))
        rc = err_set(err, ERR_NOT_FOUND, "it is not there any more");
    else if (!name_free(to, f->name, name))
        rc = err_set(err, ERR_LIMIT, "too many files of that name were there");
    else if (renameat(folder, f->name, to, name) != 0)
        rc = err_set_errno(err, errno, "it cannot be moved to %s/%s", source->drop.data, below);
    if (to >= 0)
        (void)close(to);
    if (folder >= 0)
        (void)close(folder);
    return rc;
}

/* ---- files ---- */

static struct drop_file *seen_find(struct parent_drops *d, const char *source, const char *name)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (strcmp(d->files[i].source, source) == 0 && strcmp(d->files[i].name, name) == 0)
            return &d->files[i];
    return NULL;
}

static bool has_changed(const struct drop_file *f, const struct stat *about)
{
    return f->inode != about->st_ino || f->device != about->st_dev ||
           f->size_bytes != (uint64_t)about->st_size ||
           f->changed.tv_sec != about->st_mtim.tv_sec ||
           f->changed.tv_nsec != about->st_mtim.tv_nsec;
}

static void file_see(struct parent_drops *d, const char *source, int folder, const char *name)
{
    struct stat about;
    if (name[0] == '.' || strlen(name) >= NAME_BYTES ||
        fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode) ||
        about.st_nlink != 1)
        return;
    struct drop_file *f = seen_find(d, source, name);
    if (!f && d->count == SEEN_MAX)
        return;
    if (!f) {
        f = &d->files[d->count++];
        *f = (struct drop_file){0};
        (void)snprintf(f->source, sizeof(f->source), "%s", source);
        (void)snprintf(f->name, sizeof(f->name), "%s", name);
    }
    f->is_seen = true;
    f->is_still = !has_changed(f, &about);
    if (f->is_still)
        return;
    f->inode = about.st_ino;
    f->device = about.st_dev;
    f->size_bytes = (uint64_t)about.st_size;
    f->changed = about.st_mtim;
    f->tries = 0;
}

static void folder_look(struct parent *p, uint32_t index)
{
    const struct config_source *source =
        (const struct config_source *)p->config->sources.items + index;
    bool *has_failed = &p->drops->has_failed[index];
    struct err err;
    int fd = folder_open(source, &err), copy = fd < 0 ? -1 : dup(fd);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (fd < 0 && !*has_failed) {
        log_err(LOG_WARNING, "drop", &err);
        parent_note(p, "drop", "%s", err.text);
    }
    *has_failed = fd < 0;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        file_see(p->drops, source->row.name.data, fd, entry->d_name);
    if (dir)
        (void)closedir(dir);
    else if (copy >= 0)
        (void)close(copy);
    if (fd >= 0)
        (void)close(fd);
}

static void folders_look(struct parent *p)
{
    struct parent_drops *d = p->drops;
    const struct config_source *sources = p->config->sources.items;
    for (uint32_t i = 0; i < d->count; i++)
        d->files[i].is_seen = false;
    for (uint32_t i = 0; i < p->config->sources.count; i++)
        if (sources[i].drop.len)
            folder_look(p, i);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->files[i].is_seen)
            d->files[kept++] = d->files[i];
    d->count = kept;
}

/* ---- one after the other ---- */

static void finish(struct parent *p, const char *below, const char *text)
{
    struct parent_drops *d = p->drops;
    const struct drop_file *done = &d->current;
    struct drop_file *f = seen_find(d, done->source, done->name);
    struct err err = {0};
    int rc = file_move(p, done, below, &err);
    if (!f || !f->was_told) {
        log_say(strcmp(below, "failed") == 0 ? LOG_WARNING : LOG_INFO, "drop", "%s: %s: %s",
                done->name, below, text);
        parent_note(p, "drop", "%s: %s: %s: %s", done->source, done->name, below, text);
    }
    if (rc)
        log_say(LOG_WARNING, "drop", "%s: %s", done->name, err.text);
    if (f) { /* one that cannot be moved stays, and is passed over when it is looked at again */
        f->was_told = rc != ERR_OK;
        f->is_still = false;
        f->next_ns = rc ? clock_monotonic_ns() + STAYS_NS : 0;
    }
    d->id = 0;
}

static int file_open(const struct parent *p, const struct drop_file *f, struct err *err)
{
    const struct config_source *source = source_of(p, f->source);
    struct stat about;
    int folder = source ? folder_open(source, err) : -1;
    if (folder < 0)
        return -1;
    int fd = openat(folder, f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        (void)err_set_errno(err, errno, "it cannot be opened");
    (void)close(folder);
    if (fd >= 0 && (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink != 1 ||
                    has_changed(f, &about))) {
        (void)err_set(err, ERR_BUSY, "it changed");
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static void file_hand(struct parent *p, struct drop_file *f)
{
    struct parent_drops *d = p->drops;
    struct buf payload = {0}, path = {0};
    struct err err = {0};
    int fd = file_open(p, f, &err);
    f->next_ns = clock_monotonic_ns() + PAUSE_NS;
    if (fd < 0) {
        if (err.code != ERR_BUSY && f->tries++ == 0)
            log_say(LOG_WARNING, "drop", "%s: %s", f->name, err.text);
        return;
    }
    d->current = *f;
    d->id = ++d->next_id;
    buf_printf(&path, "%s/%s", source_of(p, f->source)->drop.data, f->name);
    bytes_put_text(&payload, slice_from(f->source));
    bytes_put_text(&payload, buf_as_slice(&path));
    parent_role_send(parent_engine(p), MESSAGE_IMPORT, d->id, buf_as_slice(&payload), &fd, 1);
    (void)close(fd);
    buf_free(&path);
    buf_free(&payload);
}

void parent_drops_tick(struct parent *p, uint64_t now_ns)
{
    struct parent_drops *d = p->drops;
    if (!d) {
        d = p->drops = mem_zeroed(1, sizeof(*d));
        d->next_id = now_ns; /* an answer to another life is none to this one */
    }
    if (now_ns - d->looked_ns < LOOK_NS)
        return;
    d->looked_ns = now_ns;
    folders_look(p);
    for (uint32_t i = 0; i < d->count && !d->id; i++) {
        struct drop_file *f = &d->files[i];
        if (parent_engine(p)->state == ROLE_READY && f->is_still && now_ns >= f->next_ns)
            file_hand(p, f);
    }
}

void parent_drops_engine_gone(struct parent *p)
{
    if (p->drops)
        p->drops->id = 0;
}

/* The reader died, or the node was not able to: it may be no fault of the file's. */
static void try_again(struct parent *p, const char *why)
{
    struct parent_drops *d = p->drops;
    struct drop_file *f = seen_find(d, d->current.source, d->current.name);
    d->id = 0;
    if (!f)
        return;
    f->next_ns = clock_monotonic_ns() + PAUSE_NS;
    log_say(LOG_INFO, "drop", "%s is tried again: %s", f->name, why);
}

bool parent_drops_imported(struct parent *p, uint64_t id, struct bytes_in *in)
{
    struct parent_drops *d = p->drops;
    struct buf text = {0};
    int rc = (int32_t)bytes_take_u32(in);
    struct slice why = bytes_take_text(in, ERR_TEXT_BYTES);
    uint64_t stored = bytes_take_u64(in), refused = bytes_take_u64(in);
    uint64_t findings = bytes_take_u64(in), passed_over = bytes_take_u64(in);
    if (in->bad || bytes_left(in))
        return false;
    if (!d || !d->id || d->id != id || p->stopping || parent_engine(p)->state != ROLE_READY)
        return true; /* the next engine, or the next start, gets it again */
    buf_printf(&text, "%llu events stored, %llu records refused, %llu findings",
               (unsigned long long)stored, (unsigned long long)refused,
               (unsigned long long)findings);
    if (passed_over)
        buf_printf(&text, ", %llu files imported before", (unsigned long long)passed_over);
    if (rc)
        buf_printf(&text, ": %.*s", (int)why.len, why.data);
    struct drop_file *f = seen_find(d, d->current.source, d->current.name);
    if (rc == ERR_OK)
        finish(p, "processed", buf_text(&text));
    else if (rc != ERR_BUSY && (rc == ERR_DAMAGED || !f || ++f->tries >= TRIES_MAX))
        finish(p, "failed", buf_text(&text));
    else
        try_again(p, buf_text(&text));
    buf_free(&text);
    return true;
}

void parent_drops_free(struct parent *p)
{
    mem_free(p->drops);
    p->drops = NULL;
}
