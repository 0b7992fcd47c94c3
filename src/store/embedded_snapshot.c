/* A copy of a store at one instant, in a folder of its own: segments are linked where that can be,
 * all else is copied; the file STORE comes last, so that a copy that was not finished is none.
 *
 * The order is that of a view, so that a writer may be at work: notary, journal files (opened),
 * checkpoint, catalog, then what the files hold. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/journal_format.h"
#include "store/store_embedded.h"

enum { COPY_BYTES = 1 << 20, SNAPSHOT_FILES_MAX = 65536 };
#define NOTARY_FILE_BYTES_MAX ((size_t)1 << 30)

struct snapshot {
    struct embedded *e;
    struct disk *to;
    struct err *err;
    struct disk_file **journal; /* open, so that sealing cannot take them away */
    uint32_t journal_count;
    char *buffer;
};

static int file_copy_open(struct snapshot *s, struct disk_file *from, const char *path)
{
    struct disk_file *to = NULL;
    uint64_t at = 0, size = 0, written = 0;
    size_t got = COPY_BYTES;
    int rc = disk_size(from, &size, s->err);
    if (rc == ERR_OK)
        rc = disk_open(s->to, &to, path, DISK_CREATE, s->err);
    while (rc == ERR_OK && at < size && got) {
        rc = disk_read(from, at, s->buffer, COPY_BYTES, &got, s->err);
        bool zeros = got && s->buffer[0] == 0 && memcmp(s->buffer, s->buffer + 1, got - 1) == 0;
        if (rc == ERR_OK && got && !zeros) {
            rc = disk_write(to, at, s->buffer, got, s->err);
            written = at + got;
        }
        at += got;
    }
    if (rc == ERR_OK && written < at) /* the rest is zeros: no room is taken for them */
        rc = disk_resize(to, at, s->err);
    if (rc == ERR_OK)
        rc = disk_sync(to, s->err);
    disk_close(&to);
    return rc;
}

static int file_copy(struct snapshot *s, const char *path)
{
    struct disk_file *from = NULL;
    int rc = disk_open(s->e->disk, &from, path, DISK_READ, s->err);
    if (rc == ERR_OK)
        rc = file_copy_open(s, from, path);
    disk_close(&from);
    return rc;
}

static int segment_copy(struct snapshot *s, const char *path)
{
    struct buf from = {0}, to = {0}, folder = {0};
    buf_printf(&from, "%s/%s", disk_folder(s->e->disk), path);
    buf_printf(&to, "%s/%s", disk_folder(s->to), path);
    buf_append(&folder, path, (size_t)(strrchr(path, '/') - path));
    int rc = disk_make_folder(s->to, buf_text(&folder), s->err);
    if (rc == ERR_OK && link(buf_text(&from), buf_text(&to)) != 0)
        rc = file_copy(s, path); /* another file system, or one without links */
    if (rc == ERR_OK)
        rc = disk_sync_folder(s->to, buf_text(&folder), s->err);
    buf_free(&from);
    buf_free(&to);
    buf_free(&folder);
    return rc;
}

/* Whole lines only: the writer may be in the middle of one. */
static int notary_copy(void *context, const struct disk_entry *entry)
{
    struct snapshot *s = context;
    struct buf text = {0};
    char path[64];
    if (entry->is_folder || !slice_ends(slice_from(entry->name), SLICE(".log")) ||
        snprintf(path, sizeof path, "notary/%s", entry->name) >= (int)sizeof path)
        return ERR_OK;
    int rc = disk_read_file(s->e->disk, path, NOTARY_FILE_BYTES_MAX, &text, s->err);
    while (text.len && text.data[text.len - 1] != '\n')
        text.len--;
    if (rc == ERR_OK)
        rc = disk_write_file(s->to, path, buf_as_slice(&text), s->err);
    buf_free(&text);
    return rc;
}

static int journal_hold(void *context, const struct disk_entry *entry)
{
    struct snapshot *s = context;
    char path[JOURNAL_NAME_BYTES];
    uint64_t number = entry->is_folder ? 0 : journal_name_number(entry->name);
    if (number == 0)
        return ERR_OK;
    if (s->journal_count == SNAPSHOT_FILES_MAX)
        return err_set(s->err, ERR_LIMIT, "the journal has more than %d files: seal it first",
                       SNAPSHOT_FILES_MAX);
    journal_name(path, number);
    int rc = disk_open(s->e->disk, &s->journal[s->journal_count], path, DISK_READ, s->err);
    if (rc == ERR_NOT_FOUND)
        return ERR_OK; /* sealed since the folder was listed */
    s->journal_count += rc == ERR_OK;
    return rc;
}

static int checkpoint_copy(struct snapshot *s)
{
    struct checkpoint c = {0};
    int rc = checkpoint_read(s->e->disk, &s->e->identity, &c, NULL, s->err);
    if (rc == ERR_OK)
        rc = checkpoint_write(s->to, &c, s->err);
    else if (rc == ERR_NOT_FOUND)
        rc = ERR_OK;
    checkpoint_free(&c);
    return rc;
}

static int catalog_copy(struct snapshot *s)
{
    struct catalog *from = NULL, *to = NULL;
    struct catalog_list list = {0};
    int rc = catalog_open(&from, s->e->disk, false, s->err);
    if (rc == ERR_OK)
        rc = catalog_read(from, &list, s->err);
    catalog_close(&from);
    for (uint32_t i = 0; i < list.count && rc == ERR_OK; i++)
        rc = segment_copy(s, list.items[i].path.data);
    if (rc == ERR_OK)
        rc = catalog_open(&to, s->to, true, s->err);
    if (rc == ERR_OK)
        rc = catalog_change(to, list.items, list.count, NULL, 0, list.sealed_sequence, 0, s->err);
    catalog_close(&to);
    catalog_list_free(&list);
    return rc;
}

static int contents_copy(struct snapshot *s)
{
    struct embedded *e = s->e;
    int rc = disk_list(e->disk, "notary", notary_copy, s, s->err);
    if (rc == ERR_OK)
        rc = disk_list(e->disk, "journal", journal_hold, s, s->err);
    if (rc == ERR_OK)
        rc = checkpoint_copy(s);
    if (rc == ERR_OK)
        rc = catalog_copy(s);
    for (uint32_t i = 0; i < s->journal_count && rc == ERR_OK; i++)
        rc = file_copy_open(s, s->journal[i], disk_path(s->journal[i]));
    if (rc == ERR_OK && disk_exists(e->disk, "keys/notary.pub"))
        rc = file_copy(s, "keys/notary.pub");
    return rc;
}

static int copy_make(struct snapshot *s)
{
    static const char *const folders[] = {"journal", "checkpoint", "segments",
                                          "notary",  "keys",       "tmp"};
    size_t count = sizeof folders / sizeof folders[0];
    struct journal_identity identity = s->e->identity;
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++)
        rc = disk_make_folder(s->to, folders[i], s->err);
    if (rc == ERR_OK)
        rc = contents_copy(s);
    for (size_t i = 0; i < count && rc == ERR_OK; i++)
        rc = disk_sync_folder(s->to, folders[i], s->err);
    if (rc == ERR_OK)
        rc = disk_sync_folder(s->to, "", s->err);
    identity.epoch++;
    return rc ? rc : identity_write(s->to, &identity, s->err);
}

static int folder_visit(void *context, const struct disk_entry *entry)
{
    *(bool *)context = true;
    (void)entry;
    return ERR_END;
}

static int folder_open(struct snapshot *s, const char *folder)
{
    bool used = false;
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return err_set_errno(s->err, errno, "cannot make the folder %s", folder);
    int rc = disk_open_folder(&s->to, folder, s->err);
    if (rc == ERR_OK)
        rc = disk_list(s->to, "", folder_visit, &used, s->err);
    if (used)
        return err_set(s->err, ERR_BUSY,
                       "%s is not empty: name a folder that is empty or not there", folder);
    return rc;
}

int embedded_snapshot(void *self, const char *folder, struct err *err)
{
    struct embedded *e = self;
    struct snapshot s = {.e = e, .err = err};
    if (!disk_is_real(e->disk))
        return err_set(err, ERR_UNSUPPORTED, "a simulated disk cannot be copied to a folder");
    int rc = folder_open(&s, folder);
    if (rc == ERR_OK && e->journal && !e->read_only) {
        check(pthread_mutex_lock(&e->mutex) == 0);
        int64_t now_ns = e->floor_ns;
        check(pthread_mutex_unlock(&e->mutex) == 0);
        rc = embedded_seal(e, now_ns, err);
    }
    if (rc == ERR_OK) {
        s.journal = mem_zeroed(SNAPSHOT_FILES_MAX, sizeof(struct disk_file *));
        s.buffer = mem_alloc(COPY_BYTES);
        check(pthread_mutex_lock(&e->care_mutex) == 0);
        rc = copy_make(&s);
        check(pthread_mutex_unlock(&e->care_mutex) == 0);
    }
    for (uint32_t i = 0; i < s.journal_count; i++)
        disk_close(&s.journal[i]);
    mem_free(s.journal);
    mem_free(s.buffer);
    if (s.to)
        disk_close_folder(&s.to);
    return rc;
}
