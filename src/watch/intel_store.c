#include "watch/intel_store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/mem.h"
#include "watch/intel_gather.h"

static const char *const file_paths[] = {
    [INTEL_STORE_INDICATORS] = "intel/indicators.table",
    [INTEL_STORE_EXCEPTIONS] = "intel/exceptions.table",
};

enum { FOLDER_MODE = 0750, LOCK_MODE = 0640 };

struct intel_store {
    struct disk *disk;
    char *data;
    int lock;
};

int intel_store_open_path(struct intel_store_table *out, const char *path, struct err *err)
{
    *out = (struct intel_store_table){.map.bytes = SLICE("")};
    int rc = io_map_file(&out->map, path, INTEL_STORE_BYTES_MAX, err);
    if (rc)
        return rc;
    rc = indicator_table_open(&out->table, out->map.bytes, err);
    if (rc) {
        io_unmap(&out->map);
        (void)err_prefix(err, "%s", path);
    }
    return rc;
}

int intel_store_open_table(struct intel_store_table *out, const char *data,
                           enum intel_store_file file, struct err *err)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", data, file_paths[file]);
    int rc = intel_store_open_path(out, buf_text(&path), err);
    buf_free(&path);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

void intel_store_close_table(struct intel_store_table *t)
{
    indicator_table_close(&t->table);
    io_unmap(&t->map);
}

/* The folder and those above it. */
static int make_data(const char *data, struct err *err)
{
    char *path = mem_copy_text(data, strlen(data));
    int rc = ERR_OK;
    for (size_t i = 1; rc == ERR_OK && i <= strlen(data); i++) {
        if (data[i] != '/' && data[i] != '\0')
            continue;
        path[i] = '\0';
        if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
            rc = err_set_errno(err, errno, "cannot make the folder %s", path);
        path[i] = data[i];
    }
    mem_free(path);
    return rc;
}

static int take_lock(struct intel_store *s, struct err *err)
{
    struct buf path = {0};
    int rc = ERR_OK;
    buf_printf(&path, "%s/intel/lock", s->data);
    s->lock = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
    if (s->lock < 0)
        rc = err_set_errno(err, errno, "%s", buf_text(&path));
    else if (flock(s->lock, LOCK_EX | LOCK_NB) != 0)
        rc = errno == EWOULDBLOCK
                 ? err_set(err, ERR_BUSY,
                           "another import into %s is running: wait until it is done", s->data)
                 : err_set_errno(err, errno, "%s", buf_text(&path));
    buf_free(&path);
    return rc;
}

int intel_store_open(struct intel_store **out, const char *data, struct err *err)
{
    struct intel_store *s = mem_zeroed(1, sizeof(*s));
    s->lock = -1;
    s->data = mem_copy_text(data, strlen(data));
    int rc = make_data(data, err);
    if (rc == ERR_OK)
        rc = disk_open_folder(&s->disk, data, err);
    if (rc == ERR_OK)
        rc = disk_make_folder(s->disk, "intel", err);
    if (rc == ERR_OK)
        rc = disk_sync_folder(s->disk, "", err);
    if (rc == ERR_OK)
        rc = take_lock(s, err);
    if (rc != ERR_OK)
        intel_store_close(&s);
    *out = s;
    return rc;
}

void intel_store_close(struct intel_store **store)
{
    struct intel_store *s = *store;
    if (!s)
        return;
    if (s->lock >= 0)
        (void)close(s->lock);
    disk_close_folder(&s->disk);
    mem_free(s->data);
    mem_free(s);
    *store = NULL;
}

/* Whether an older entry stays. */
static bool stays(struct intel_store_change *c, const struct indicator *i, struct buf *key)
{
    if (c->now_ns != CLOCK_NONE && i->until_ns != CLOCK_NONE && i->until_ns <= c->now_ns) {
        c->expired++;
        return false;
    }
    if (c->sources && map_find(c->sources, i->source))
        return false;
    return !c->ids || !i->id.len || !map_find(c->ids, intel_gather_key(key, i->source, i->id));
}

static uint64_t count_of(const struct indicator_table *t)
{
    return t ? indicator_table_count(t) : 0;
}

static int add_all(struct indicator_builder *b, const struct indicator_table *t,
                   struct intel_store_change *older, struct err *err)
{
    uint64_t count = count_of(t);
    struct buf key = {0};
    int rc = ERR_OK;
    for (uint64_t n = 0; n < count && rc == ERR_OK; n++) {
        struct indicator i;
        indicator_table_get(t, n, &i);
        if (!older || stays(older, &i, &key))
            rc = indicator_builder_add(b, &i, err);
    }
    buf_free(&key);
    return rc;
}

/* The exceptions as a table of their own in bytes, and built into indicators. */
static int build_exceptions(struct intel_store_change *c, const struct indicator_table *old,
                            struct indicator_builder *indicators, struct buf *bytes,
                            struct err *err)
{
    struct indicator_builder *b = indicator_builder_open();
    struct indicator_table *table = NULL;
    int rc = add_all(b, old, c, err);
    if (rc == ERR_OK)
        rc = add_all(b, c->exceptions, NULL, err);
    indicator_builder_finish(b, bytes);
    indicator_builder_close(&b);
    if (rc == ERR_OK)
        rc = indicator_table_open(&table, buf_as_slice(bytes), err);
    c->exception_count = rc == ERR_OK ? indicator_table_count(table) : 0;
    for (uint64_t n = 0; n < c->exception_count && rc == ERR_OK; n++) {
        struct indicator i;
        indicator_table_get(table, n, &i);
        rc = indicator_builder_add_exception(indicators, &i, i.source, err);
    }
    indicator_table_close(&table);
    return rc;
}

static int build_tables(struct intel_store_change *c, const struct indicator_table *old,
                        const struct indicator_table *old_exceptions, struct buf tables[2],
                        struct err *err)
{
    struct indicator_builder *b = indicator_builder_open();
    struct indicator_table *table = NULL;
    int rc = add_all(b, old, c, err);
    if (rc == ERR_OK)
        rc = add_all(b, c->indicators, NULL, err);
    if (rc == ERR_OK)
        rc = build_exceptions(c, old_exceptions, b, &tables[INTEL_STORE_EXCEPTIONS], err);
    if (rc == ERR_OK)
        indicator_builder_finish(b, &tables[INTEL_STORE_INDICATORS]);
    indicator_builder_close(&b);
    if (rc == ERR_OK)
        rc = indicator_table_open(&table, buf_as_slice(&tables[INTEL_STORE_INDICATORS]), err);
    c->indicator_count = count_of(table);
    indicator_table_close(&table);
    return rc;
}

/* The exceptions first: the other table is what is matched, and has them built in. */
static int write_tables(struct intel_store *s, const struct buf tables[2], struct err *err)
{
    int rc = disk_write_file(s->disk, file_paths[INTEL_STORE_EXCEPTIONS],
                             buf_as_slice(&tables[INTEL_STORE_EXCEPTIONS]), err);
    if (rc == ERR_OK)
        rc = disk_write_file(s->disk, file_paths[INTEL_STORE_INDICATORS],
                             buf_as_slice(&tables[INTEL_STORE_INDICATORS]), err);
    return rc;
}

int intel_store_change(struct intel_store *s, struct intel_store_change *c, struct err *err)
{
    struct intel_store_table old = {.map.bytes = SLICE("")}, exceptions = old;
    struct buf tables[2] = {0};
    int rc = intel_store_open_table(&old, s->data, INTEL_STORE_INDICATORS, err);
    if (rc == ERR_OK)
        rc = intel_store_open_table(&exceptions, s->data, INTEL_STORE_EXCEPTIONS, err);
    if (rc == ERR_OK)
        rc = build_tables(c, old.table, exceptions.table, tables, err);
    if (rc == ERR_OK)
        rc = write_tables(s, tables, err);
    if (rc == ERR_OK)
        c->replaced = count_of(old.table) + count_of(exceptions.table) + count_of(c->indicators) +
                      count_of(c->exceptions) - c->expired - c->indicator_count -
                      c->exception_count;
    buf_free(&tables[0]);
    buf_free(&tables[1]);
    intel_store_close_table(&exceptions);
    intel_store_close_table(&old);
    return rc;
}
