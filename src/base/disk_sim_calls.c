#include "base/disk_sim_inside.h"

#include <fnmatch.h>

#include "base/mem.h"

enum { SECTOR = DISK_SIM_SECTOR_BYTES, HEX_MIN = 8 /* shorter ones may be words */ };

struct sim_file {
    struct disk_file base;
    struct content *content;
    uint64_t generation;
    bool is_writable;
};

/* What becomes of a call. */
enum fate {
    FATE_DONE,
    FATE_LEFT_OUT, /* and said to be done */
    FATE_FAILS,
    FATE_CUT,  /* the power goes in it */
    FATE_DEAD, /* after the cut */
};

static const char *const call_names[] = {
    [DISK_SIM_CREATE] = "create",
    [DISK_SIM_WRITE] = "write",
    [DISK_SIM_SYNC] = "sync",
    [DISK_SIM_RESIZE] = "resize",
    [DISK_SIM_RESERVE] = "reserve",
    [DISK_SIM_RENAME] = "rename",
    [DISK_SIM_REMOVE] = "remove",
    [DISK_SIM_MAKE_FOLDER] = "make_folder",
    [DISK_SIM_SYNC_FOLDER] = "sync_folder",
    [DISK_SIM_READ] = "read",
};

static void put_class(struct buf *out, enum disk_sim_call call, const char *path)
{
    buf_printf(out, "%s ", call_names[call]);
    for (const char *at = *path ? path : "."; *at;) {
        size_t number = strspn(at, "0123456789"), hex = strspn(at, "0123456789abcdef");
        if (hex >= HEX_MIN && strcspn(at, "0123456789") < hex)
            number = hex;
        if (number)
            buf_char(out, '#');
        else
            buf_char(out, *at);
        at += number ? number : 1;
    }
}

/* Notes the class; says whether a mutation leaves the call out. */
static bool is_left_out(struct sim *sim, enum disk_sim_call call, const char *path)
{
    struct buf text = {0};
    put_class(&text, call, path);
    (void)buf_text(&text);
    size_t known = 0;
    while (known < sim->class_count && strcmp(sim->classes[known], text.data) != 0)
        known++;
    if (known == sim->class_count && known < DISK_SIM_CLASSES_MAX)
        sim->classes[sim->class_count++] = mem_copy_text(text.data, text.len);
    bool left_out = false;
    for (size_t i = 0; i < sim->mutation_count; i++)
        left_out |= fnmatch(sim->mutations[i], text.data, 0) == 0;
    buf_free(&text);
    return left_out && call != DISK_SIM_CREATE && call != DISK_SIM_MAKE_FOLDER;
}

static bool is_due(uint64_t *countdown)
{
    return *countdown > 0 && --*countdown == 0;
}

static enum fate meet(struct sim *sim, enum disk_sim_call call, const char *path)
{
    if (sim->is_cut)
        return FATE_DEAD;
    sim->counts[call]++;
    bool left_out = false;
    if (call < DISK_SIM_READ) {
        sim->changes++;
        left_out = is_left_out(sim, call, path);
        sim->is_cut = is_due(&sim->cut_at);
        if (sim->is_cut)
            return FATE_CUT;
    }
    if (is_due(&sim->fail_at[call]))
        return FATE_FAILS;
    if (sim->lies > 0 && (call == DISK_SIM_SYNC || call == DISK_SIM_SYNC_FOLDER)) {
        sim->lies--;
        return FATE_LEFT_OUT;
    }
    return left_out ? FATE_LEFT_OUT : FATE_DONE;
}

static enum fate meet_file(struct sim *sim, enum disk_sim_call call, const struct sim_file *file)
{
    return file->generation == sim->generation ? meet(sim, call, file->base.path) : FATE_DEAD;
}

/* Whether a call that cannot be done in part is done. */
static bool is_done(struct sim *sim, enum fate fate)
{
    return fate == FATE_DONE || (fate == FATE_CUT && chance_below(&sim->chance, 2) == 0);
}

/* Ends a call: leaves the lock, says what the caller is to be told. rc: of a call that was done. */
static int told(struct sim *sim, enum fate fate, int rc, const char *path, struct err *err)
{
    sim_leave(sim);
    if (fate == FATE_CUT || fate == FATE_DEAD)
        return err_set(err, ERR_CLOSED, "the simulated power is cut: %s", path);
    if (fate == FATE_FAILS)
        return err_set(err, ERR_IO, "simulated failure: %s", path);
    switch (rc) {
    case ERR_FULL:
        return err_set(err, rc, "the simulated disk is full: %s", path);
    case ERR_NOT_FOUND:
        return err_set(err, rc, "%s, or its folder, is not there", path);
    case ERR_BUSY:
        return err_set(err, rc, "%s is there already", path);
    case ERR_IO:
        return err_set(err, rc, "%s cannot be used so", path);
    default:
        return rc;
    }
}

static uint64_t in_sectors(uint64_t bytes)
{
    return (bytes + SECTOR - 1) / SECTOR * SECTOR;
}

uint64_t sim_used_bytes(const struct sim *sim)
{
    uint64_t used = 0;
    for (size_t i = 0; i < sim->names.now.count; i++)
        if (sim->names.now.items[i].content)
            used += in_sectors(sim->names.now.items[i].content->now_bytes);
    return used;
}

/* The most bytes that the file can have now. */
static uint64_t size_limit(const struct sim *sim, const struct content *content)
{
    if (sim->capacity == 0)
        return UINT64_MAX;
    uint64_t used = sim_used_bytes(sim), own = in_sectors(content->now_bytes);
    return own + (sim->capacity > used ? (sim->capacity - used) / SECTOR * SECTOR : 0);
}

static int sim_open(struct disk *disk, struct disk_file **out, const char *path,
                    enum disk_mode mode, struct err *err)
{
    struct sim *sim = sim_enter(disk);
    struct name *name = name_set_find(&sim->names.now, path);
    struct content *content = NULL;
    enum fate fate = sim->is_cut ? FATE_DEAD : FATE_DONE;
    int rc = ERR_OK;
    if (mode != DISK_CREATE)
        rc = !name ? ERR_NOT_FOUND : name->content ? ERR_OK : ERR_IO;
    else if (name)
        rc = ERR_BUSY;
    else if (!name_has_folder_of(&sim->names.now, path))
        rc = ERR_NOT_FOUND;
    if (rc == ERR_OK && mode == DISK_CREATE) {
        fate = meet(sim, DISK_SIM_CREATE, path);
        content = content_make();
        if (is_done(sim, fate))
            names_create(&sim->names, path, content);
    } else if (rc == ERR_OK) {
        content = name->content;
        content->users++;
    }
    if (rc == ERR_OK && fate == FATE_DONE) {
        struct sim_file *file = mem_zeroed(1, sizeof(*file));
        file->content = content;
        file->generation = sim->generation;
        file->is_writable = mode != DISK_READ;
        *out = &file->base;
    } else {
        content_drop(content);
    }
    return told(sim, fate, rc, path, err);
}

static void sim_close(struct disk_file *file)
{
    struct sim *sim = sim_enter(file->disk);
    content_drop(((struct sim_file *)file)->content);
    sim_leave(sim);
}

static int sim_read(struct disk_file *file, uint64_t offset, void *data, size_t len, size_t *got,
                    struct err *err)
{
    struct sim *sim = sim_enter(file->disk);
    struct sim_file *f = (struct sim_file *)file;
    enum fate fate = meet_file(sim, DISK_SIM_READ, f);
    if (fate == FATE_DONE && offset < f->content->now_bytes) {
        uint64_t rest = f->content->now_bytes - offset;
        *got = rest < len ? (size_t)rest : len;
        memcpy(data, f->content->now + offset, *got);
    }
    return told(sim, fate, ERR_OK, file->path, err);
}

static int sim_write(struct disk_file *file, uint64_t offset, const void *data, size_t len,
                     struct err *err)
{
    struct sim *sim = sim_enter(file->disk);
    struct sim_file *f = (struct sim_file *)file;
    enum fate fate = meet_file(sim, DISK_SIM_WRITE, f);
    size_t part = len;
    int rc = f->is_writable ? ERR_OK : ERR_IO;
    if (fate == FATE_FAILS || fate == FATE_CUT)
        part = chance_below(&sim->chance, 4) ? (size_t)chance_below(&sim->chance, len + 1) : len;
    uint64_t limit = size_limit(sim, f->content);
    if (offset + part > limit && offset + part > f->content->now_bytes) {
        part = offset < limit ? (size_t)chance_below(&sim->chance, limit - offset + 1) : 0;
        rc = ERR_FULL;
    }
    if (f->is_writable && fate != FATE_DEAD && fate != FATE_LEFT_OUT)
        content_write(f->content, &sim->chance, offset, slice_make(data, part));
    return told(sim, fate, rc, file->path, err);
}

static int sim_sync(struct disk_file *file, struct err *err)
{
    struct sim *sim = sim_enter(file->disk);
    struct sim_file *f = (struct sim_file *)file;
    enum fate fate = meet_file(sim, DISK_SIM_SYNC, f);
    if (is_done(sim, fate))
        content_sync(f->content);
    else if (fate == FATE_FAILS)
        content_sync_fails(f->content, &sim->chance);
    return told(sim, fate, ERR_OK, file->path, err);
}

static int sim_size(struct disk_file *file, uint64_t *size_bytes, struct err *err)
{
    struct sim *sim = sim_enter(file->disk);
    struct sim_file *f = (struct sim_file *)file;
    enum fate fate = sim->is_cut || f->generation != sim->generation ? FATE_DEAD : FATE_DONE;
    *size_bytes = f->content->now_bytes;
    return told(sim, fate, ERR_OK, file->path, err);
}

static int sim_set_size(struct disk_file *file, enum disk_sim_call call, uint64_t size_bytes,
                        struct err *err)
{
    struct sim *sim = sim_enter(file->disk);
    struct sim_file *f = (struct sim_file *)file;
    enum fate fate = meet_file(sim, call, f);
    int rc = ERR_OK;
    if (!f->is_writable)
        rc = ERR_IO;
    else if (size_bytes > f->content->now_bytes && size_bytes > size_limit(sim, f->content))
        rc = ERR_FULL;
    if (rc == ERR_OK && is_done(sim, fate)) {
        if (call == DISK_SIM_RESIZE)
            content_resize(f->content, size_bytes);
        else
            content_reserve(f->content, size_bytes);
    }
    return told(sim, fate, rc, file->path, err);
}

static int sim_resize(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    return sim_set_size(file, DISK_SIM_RESIZE, size_bytes, err);
}

static int sim_reserve(struct disk_file *file, uint64_t size_bytes, struct err *err)
{
    return sim_set_size(file, DISK_SIM_RESERVE, size_bytes, err);
}

static int sim_rename(struct disk *disk, const char *from, const char *to, struct err *err)
{
    struct sim *sim = sim_enter(disk);
    const struct name *name = name_set_find(&sim->names.now, from);
    const struct name *old = name_set_find(&sim->names.now, to);
    enum fate fate = meet(sim, DISK_SIM_RENAME, to);
    int rc = ERR_OK;
    if (!name || !name_has_folder_of(&sim->names.now, to))
        rc = ERR_NOT_FOUND;
    else if (!name->content || (old && !old->content))
        rc = ERR_IO;
    if (rc == ERR_OK && is_done(sim, fate) && strcmp(from, to) != 0)
        names_rename(&sim->names, from, to);
    return told(sim, fate, rc, from, err);
}

static int sim_remove(struct disk *disk, const char *path, struct err *err)
{
    struct sim *sim = sim_enter(disk);
    const struct name *name = name_set_find(&sim->names.now, path);
    enum fate fate = sim->is_cut ? FATE_DEAD : FATE_DONE;
    int rc = !name ? ERR_NOT_FOUND : name->content ? ERR_OK : ERR_IO;
    if (rc == ERR_OK) {
        fate = meet(sim, DISK_SIM_REMOVE, path);
        if (is_done(sim, fate))
            names_remove(&sim->names, path);
    }
    return told(sim, fate, rc, path, err);
}

static int sim_make_folder(struct disk *disk, const char *path, struct err *err)
{
    struct sim *sim = sim_enter(disk);
    const struct name *name = name_set_find(&sim->names.now, path);
    enum fate fate = sim->is_cut ? FATE_DEAD : FATE_DONE;
    int rc = name && name->content ? ERR_BUSY : ERR_OK;
    if (!name && !name_has_folder_of(&sim->names.now, path))
        rc = ERR_NOT_FOUND;
    if (!name && rc == ERR_OK) {
        fate = meet(sim, DISK_SIM_MAKE_FOLDER, path);
        if (is_done(sim, fate))
            names_create(&sim->names, path, NULL);
    }
    return told(sim, fate, rc, path, err);
}

static int sim_sync_folder(struct disk *disk, const char *path, struct err *err)
{
    struct sim *sim = sim_enter(disk);
    enum fate fate = meet(sim, DISK_SIM_SYNC_FOLDER, path);
    int rc = name_has_folder(&sim->names.now, path) ? ERR_OK : ERR_NOT_FOUND;
    if (rc == ERR_OK && is_done(sim, fate))
        names_sync(&sim->names, path);
    return told(sim, fate, rc, path, err);
}

static bool sim_exists(struct disk *disk, const char *path)
{
    struct sim *sim = sim_enter(disk);
    bool exists = !sim->is_cut && name_set_find(&sim->names.now, path);
    sim_leave(sim);
    return exists;
}

struct listed {
    char *path;
    bool is_folder;
    uint64_t size_bytes;
};

static int sim_list(struct disk *disk, const char *folder, disk_visit *visit, void *context,
                    struct err *err)
{
    struct sim *sim = sim_enter(disk);
    const struct name_set *set = &sim->names.now;
    struct listed *found = mem_zeroed(set->count + 1, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < set->count && !sim->is_cut; i++) {
        const struct name *name = &set->items[i];
        if (name_is_in(name->path, folder))
            found[count++] =
                (struct listed){mem_copy_text(name->path, strlen(name->path)), !name->content,
                                name->content ? name->content->now_bytes : 0};
    }
    int rc = told(sim, sim->is_cut ? FATE_DEAD : FATE_DONE, ERR_OK, folder, err);
    for (size_t i = 0; i < count; i++) { /* outside of the lock: it may use the disk */
        struct disk_entry entry = {found[i].path + strlen(folder) + (*folder != '\0'),
                                   found[i].is_folder, found[i].size_bytes};
        if (rc == ERR_OK)
            rc = visit(context, &entry);
        mem_free(found[i].path);
    }
    mem_free(found);
    return rc;
}

static int sim_free_bytes(struct disk *disk, uint64_t *bytes, struct err *err)
{
    struct sim *sim = sim_enter(disk);
    uint64_t used = sim_used_bytes(sim);
    *bytes = INT64_MAX;
    if (sim->capacity)
        *bytes = sim->capacity > used ? sim->capacity - used : 0;
    return told(sim, sim->is_cut ? FATE_DEAD : FATE_DONE, ERR_OK, "simulated", err);
}

const struct disk_calls sim_calls = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .size = sim_size,
    .resize = sim_resize,
    .reserve = sim_reserve,
    .rename = sim_rename,
    .remove = sim_remove,
    .make_folder = sim_make_folder,
    .sync_folder = sim_sync_folder,
    .exists = sim_exists,
    .list = sim_list,
    .free_bytes = sim_free_bytes,
};
