#include "store/store_embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* So far behind a time the clock was set back, and is not just read before another thread's. */
#define BACK_NS (60 * CLOCK_SECOND_NS)

static const char *const embedded_folders[] = {"journal", "checkpoint", "segments",
                                               "notary",  "keys",       "tmp"};
static const char key_path[] = "keys/notary.key";
static const char public_path[] = "keys/notary.pub";

/* What is added to the chain's list of closed intervals is noted here, too, until it is sealed. */
void embedded_intervals_take(struct embedded *e)
{
    uint32_t count;
    const struct chain_interval *closed = chain_closed(e->chain, &count);
    for (; e->chain_seen < count; e->chain_seen++) {
        struct embedded_intervals *u = &e->unsealed;
        if (closed[e->chain_seen].last_sequence <= e->sealed_sequence)
            continue;
        if (u->count == u->capacity) {
            u->capacity = u->capacity ? u->capacity * 2 : 64;
            u->items = mem_resize(u->items, u->capacity, sizeof(*u->items));
        }
        u->items[u->count++] = closed[e->chain_seen];
    }
}

static void embedded_lock(struct embedded *e)
{
    check(pthread_mutex_lock(&e->mutex) == 0);
}

static void embedded_unlock(struct embedded *e)
{
    check(pthread_mutex_unlock(&e->mutex) == 0);
}

static int partitions_admit(struct embedded *e, const struct store_group *group, struct err *err)
{
    for (uint32_t b = 0; b < group->batch_count; b++) {
        const struct batch *batch = &group->batches[b];
        for (uint32_t p = 0; p < batch->partition_count; p++) {
            int rc = chain_admit(e->chain, batch->partitions[p], err);
            if (rc)
                return rc;
        }
    }
    return ERR_OK;
}

static int rows_chain(struct embedded *e, const struct batch *batch, uint64_t sequence,
                      int64_t commit_ns, struct err *err)
{
    for (uint32_t i = 0; i < batch->row_count; i++) {
        int rc = chain_add(e->chain, batch->partitions[batch->partition[i]], sequence + i,
                           &batch->digests[i], commit_ns, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

/* What follows from a durable frame; partitions were admitted, so nothing in it fails. */
static int group_apply(struct embedded *e, const struct store_group *group, uint64_t sequence,
                       int64_t commit_ns, struct err *err)
{
    int rc = ERR_OK;
    chain_tick(e->chain, commit_ns);
    for (uint32_t b = 0; b < group->batch_count && rc == ERR_OK; b++) {
        const struct batch *batch = &group->batches[b];
        rc = rows_chain(e, batch, sequence, commit_ns, err);
        sequence += batch->row_count;
        e->rows_since_cut += batch->row_count;
        e->bytes_since_cut += batch->raw_bytes;
        if (batch->row_count && e->first_since_cut_ns == CLOCK_NONE)
            e->first_since_cut_ns = group->now_ns;
    }
    embedded_intervals_take(e);
    if (rc == ERR_OK && group->carry.len)
        rc = carry_apply(e->carry, group->carry, err);
    return rc;
}

static int group_write(struct embedded *e, const struct store_group *group,
                       uint64_t *first_sequence, struct err *err)
{
    struct slice *sections = mem_zeroed(group->batch_count + 1, sizeof(*sections));
    struct buf carry = {0};
    uint32_t count = 0, rows = 0;
    int64_t commit_ns = 0;
    for (uint32_t b = 0; b < group->batch_count; b++) {
        sections[count++] = buf_as_slice(&group->batches[b].section);
        rows += group->batches[b].row_count;
    }
    if (group->carry.len) {
        carry_section(group->carry, &carry);
        sections[count++] = buf_as_slice(&carry);
    }
    int64_t now_ns = group->now_ns > e->floor_ns ? group->now_ns : e->floor_ns;
    int rc =
        journal_append(e->journal, sections, count, rows, now_ns, first_sequence, &commit_ns, err);
    if (rc == ERR_OK) {
        if (e->durable)
            durable_publish(e->durable, journal_end(e->journal),
                            journal_next_sequence(e->journal) - 1);
        e->floor_ns = commit_ns;
        rc = group_apply(e, group, *first_sequence, commit_ns, err);
    }
    if (rc == ERR_IO)
        e->read_only = true;
    buf_free(&carry);
    mem_free(sections);
    return rc;
}

static int embedded_append(void *self, const struct store_group *group, uint64_t *first_sequence,
                           struct err *err)
{
    struct embedded *e = self;
    if (!e->options.write || e->read_only)
        return err_set(err, ERR_IO,
                       e->options.write
                           ? "the store is read-only since a write to its disk failed: look at the "
                             "disk, then start again"
                           : "the store was opened for reading");
    embedded_lock(e);
    int rc = partitions_admit(e, group, err);
    if (rc == ERR_OK)
        rc = group_write(e, group, first_sequence, err);
    embedded_unlock(e);
    return rc;
}

static uint64_t embedded_next_sequence(void *self)
{
    struct embedded *e = self;
    embedded_lock(e);
    uint64_t sequence = e->journal ? journal_next_sequence(e->journal) : 0;
    embedded_unlock(e);
    return sequence;
}

static uint32_t embedded_epoch(const void *self)
{
    const struct embedded *e = self;
    return e->identity.epoch;
}

static const struct carry *embedded_carry(const void *self)
{
    const struct embedded *e = self;
    return e->carry;
}

static void embedded_carry_trim(void *self, int64_t ids_before_ns, int64_t inputs_before_ns)
{
    struct embedded *e = self;
    embedded_lock(e);
    carry_trim(e->carry, ids_before_ns, inputs_before_ns);
    embedded_unlock(e);
}

int embedded_cut(struct embedded *e, int64_t now_ns, struct err *err)
{
    struct buf section = {0};
    uint64_t sequence;
    int64_t commit_ns;
    journal_section(&section, JOURNAL_CUT, SLICE(""));
    struct slice one = buf_as_slice(&section);
    int rc = journal_append(e->journal, &one, 1, 0, now_ns > e->floor_ns ? now_ns : e->floor_ns,
                            &sequence, &commit_ns, err);
    buf_free(&section);
    if (rc == ERR_IO)
        e->read_only = true;
    if (rc)
        return rc;
    if (e->durable)
        durable_publish(e->durable, journal_end(e->journal), journal_next_sequence(e->journal) - 1);
    e->floor_ns = commit_ns;
    chain_tick(e->chain, commit_ns);
    chain_cut(e->chain);
    embedded_intervals_take(e);
    return ERR_OK;
}

int embedded_sign(struct embedded *e, int64_t now_ns, struct err *err)
{
    uint32_t count;
    int rc = notary_sign(e->notary, e->chain, e->identity.epoch,
                         journal_next_sequence(e->journal) - 1, now_ns, err);
    if (rc)
        return rc;
    (void)chain_closed(e->chain, &count);
    chain_noted(e->chain, count);
    e->chain_seen = 0;
    e->signed_ns = now_ns;
    return ERR_OK;
}

static bool is_set_back(int64_t from_ns, int64_t now_ns)
{
    return now_ns < from_ns && (uint64_t)from_ns - (uint64_t)now_ns > (uint64_t)BACK_NS;
}

/* Minutes do not end while the clock is behind the newest commit, since it was set back: what came
 * is signed after the same time all the same. */
static int set_back_sign(struct embedded *e, int64_t now_ns, struct err *err)
{
    bool is_due = e->back_ns == CLOCK_NONE || now_ns < e->back_ns ||
                  now_ns - e->back_ns >= e->options.sign_ns;
    uint64_t next = journal_next_sequence(e->journal);
    if (!is_due)
        return ERR_OK;
    e->back_ns = now_ns;
    if (next == e->back_sequence)
        return ERR_OK;
    int rc = embedded_cut(e, e->floor_ns, err);
    if (rc == ERR_OK)
        rc = embedded_sign(e, e->floor_ns, err);
    if (rc == ERR_OK)
        e->back_sequence = next;
    return rc;
}

static int embedded_tick(void *self, int64_t now_ns, struct err *err)
{
    struct embedded *e = self;
    int rc = ERR_OK;
    if (!e->options.write || e->read_only)
        return ERR_OK;
    embedded_lock(e);
    if (now_ns > e->floor_ns)
        e->floor_ns = now_ns;
    chain_tick(e->chain, e->floor_ns);
    embedded_intervals_take(e);
    if (e->signed_ns == CLOCK_NONE || e->floor_ns - e->signed_ns >= e->options.sign_ns)
        rc = embedded_sign(e, e->floor_ns, err);
    else if (is_set_back(e->floor_ns, now_ns))
        rc = set_back_sign(e, now_ns, err);
    embedded_unlock(e);
    return rc;
}

static bool embedded_wants_seal(void *self, int64_t now_ns)
{
    struct embedded *e = self;
    embedded_lock(e);
    bool wants = e->rows_since_cut >= e->options.seal_rows ||
                 e->bytes_since_cut >= e->options.seal_bytes ||
                 (e->first_since_cut_ns != CLOCK_NONE &&
                  (is_set_back(e->first_since_cut_ns, now_ns) ||
                   now_ns - e->first_since_cut_ns >= e->options.seal_age_ns));
    embedded_unlock(e);
    return wants;
}

static void embedded_close(void *self)
{
    struct embedded *e = self;
    struct err err;
    /* so that all rows are under a signed head; what fails here is made up for at the next start */
    if (e->journal && !e->read_only && e->floor_ns != CLOCK_NONE &&
        embedded_cut(e, e->floor_ns, &err) == ERR_OK)
        (void)embedded_sign(e, e->floor_ns, &err);
    journal_close(&e->journal);
    durable_close(&e->durable);
    carry_close(&e->carry);
    chain_close(&e->chain);
    notary_close(&e->notary);
    catalog_close(&e->catalog);
    sign_key_close(&e->key);
    digester_close(&e->digester);
    mem_free(e->unsealed.items);
    arena_free(&e->stats_arena);
    if (e->lock_fd >= 0)
        (void)close(e->lock_fd);
    if (e->owns_disk)
        disk_close_folder(&e->disk);
    check(pthread_mutex_destroy(&e->mutex) == 0);
    check(pthread_mutex_destroy(&e->care_mutex) == 0);
    mem_free(e);
}

static void lock_path(const struct disk *disk, char *out, size_t room)
{
    (void)snprintf(out, room, "%s/lock", disk_folder(disk));
}

enum { LOCK_PATH_BYTES = 4200 };

/* An open-file-description lock: it goes with the process, however that ends. */
static int lock_take(const struct disk *disk, int *fd, struct err *err)
{
    char path[LOCK_PATH_BYTES];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!disk_is_real(disk))
        return ERR_OK;
    lock_path(disk, path, sizeof path);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (*fd < 0)
        return err_set_errno(err, errno, "%s", path);
    if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
        return ERR_OK;
    return err_set(err, ERR_BUSY,
                   "another process writes to %s (it holds %s): wait until it is done, or send the "
                   "work to it",
                   disk_folder(disk), path);
}

static int writer_lock(struct embedded *e, struct err *err)
{
    return lock_take(e->disk, &e->lock_fd, err);
}

int embedded_rebuild_folder(const char *folder, int64_t now_ns, struct store_rebuilt *out,
                            struct err *err)
{
    struct disk *disk = NULL;
    int fd = -1;
    int rc = disk_open_folder(&disk, folder, err);
    if (rc)
        return rc;
    rc = lock_take(disk, &fd, err);
    if (rc == ERR_OK)
        rc = embedded_rebuild(disk, now_ns, out, err);
    if (fd >= 0)
        (void)close(fd);
    disk_close_folder(&disk);
    return rc;
}

bool embedded_is_written(const struct disk *disk)
{
    char path[LOCK_PATH_BYTES];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    lock_path(disk, path, sizeof path);
    int fd = disk_is_real(disk) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
        return false;
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return held;
}

bool embedded_is_live(const struct embedded *e)
{
    return e->journal || embedded_is_written(e->disk);
}

/* A simulated disk keeps no keys: its heads are not signed. */
static int key_open(struct embedded *e, struct err *err)
{
    char path[LOCK_PATH_BYTES];
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct buf pem = {0};
    int rc;
    if (!e->options.sign || !disk_is_real(e->disk))
        return ERR_OK;
    (void)snprintf(path, sizeof path, "%s/%s", disk_folder(e->disk), key_path);
    if (disk_exists(e->disk, key_path)) {
        rc = sign_key_read(&e->key, path, err);
    } else {
        e->key = sign_key_make();
        rc = sign_key_write(e->key, path, err);
    }
    if (rc || disk_exists(e->disk, public_path))
        return rc;
    sign_key_public(e->key, public_key);
    sign_public_pem(public_key, &pem);
    rc = disk_write_file(e->disk, public_path, buf_as_slice(&pem), err);
    buf_free(&pem);
    return rc;
}

static int store_make(struct embedded *e, struct err *err)
{
    struct catalog *catalog = NULL;
    for (size_t i = 0; i < sizeof embedded_folders / sizeof embedded_folders[0]; i++) {
        int rc = disk_make_folder(e->disk, embedded_folders[i], err);
        if (rc)
            return rc;
    }
    int rc = disk_sync_folder(e->disk, "", err);
    if (rc == ERR_OK)
        rc = catalog_open(&catalog, e->disk, true, err);
    catalog_close(&catalog);
    if (rc)
        return rc;
    identity_make(&e->identity);
    return identity_write(e->disk, &e->identity, err);
}

/* A catalog that is not there must not be made: it would know of no segment. */
static int catalog_present(struct embedded *e, struct err *err)
{
    if (disk_exists(e->disk, "catalog.db"))
        return ERR_OK;
    return err_set(err, ERR_DAMAGED,
                   "%s has no catalog.db: `canh store rebuild` makes it again out of the segments",
                   disk_folder(e->disk));
}

static int writer_open(struct embedded *e, struct err *err)
{
    int rc = writer_lock(e, err);
    if (rc)
        return rc;
    rc = disk_exists(e->disk, "STORE") ? identity_read(e->disk, &e->identity, err)
                                       : store_make(e, err);
    if (rc)
        return rc;
    e->digester = digester_open();
    e->chain = chain_open();
    e->carry = carry_open();
    rc = key_open(e, err);
    if (rc == ERR_OK)
        rc = catalog_present(e, err);
    if (rc == ERR_OK)
        rc = catalog_open(&e->catalog, e->disk, true, err);
    if (rc == ERR_OK)
        rc = notary_open(&e->notary, e->disk, e->key, e->digester, err);
    if (rc == ERR_OK && disk_is_real(e->disk))
        rc = durable_open(&e->durable, e->disk, true, err);
    if (rc == ERR_OK)
        rc = embedded_recover(e, err);
    /* a new key is made known at once: a reader finds the public one beside the notary */
    if (rc == ERR_OK && e->key)
        rc = embedded_sign(e, e->floor_ns, err);
    e->signed_ns = CLOCK_NONE;
    return rc;
}

static void defaults_fill(struct store_options *o)
{
    o->seal_rows = o->seal_rows ? o->seal_rows : EMBEDDED_SEAL_ROWS;
    o->seal_bytes = o->seal_bytes ? o->seal_bytes : EMBEDDED_SEAL_BYTES;
    o->seal_age_ns = o->seal_age_ns ? o->seal_age_ns : EMBEDDED_SEAL_AGE_NS;
    o->query_ns = o->query_ns ? o->query_ns : EMBEDDED_QUERY_NS;
    o->sign_ns = o->sign_ns ? o->sign_ns : EMBEDDED_SIGN_NS;
}

static const struct store_calls embedded_calls = {
    .can = STORE_CAN_CHAIN | STORE_CAN_PRUNE | STORE_CAN_RETAIN | STORE_CAN_SNAPSHOT,
    .close = embedded_close,
    .append = embedded_append,
    .next_sequence = embedded_next_sequence,
    .epoch = embedded_epoch,
    .carry = embedded_carry,
    .carry_trim = embedded_carry_trim,
    .tick = embedded_tick,
    .wants_seal = embedded_wants_seal,
    .seal = embedded_seal,
    .merge = embedded_merge,
    .search = embedded_search,
    .next = embedded_next,
    .cursor_progress = embedded_cursor_progress,
    .cursor_close = embedded_cursor_close,
    .follow_open = embedded_follow_open,
    .follow_next = embedded_follow_next,
    .follow_stats = embedded_follow_stats,
    .follow_close = embedded_follow_close,
    .get = embedded_get,
    .fields = embedded_fields,
    .expire = embedded_expire,
    .verify = embedded_verify,
    .prove = embedded_prove,
    .snapshot = embedded_snapshot,
    .stat = embedded_stat,
};

int embedded_open(struct store **out, const char *folder, const struct store_options *options,
                  struct err *err)
{
    struct embedded *e = mem_zeroed(1, sizeof(*e));
    e->options = *options;
    e->disk = options->disk;
    e->lock_fd = -1;
    e->first_since_cut_ns = e->floor_ns = e->signed_ns = e->back_ns = CLOCK_NONE;
    defaults_fill(&e->options);
    check(pthread_mutex_init(&e->mutex, NULL) == 0);
    check(pthread_mutex_init(&e->care_mutex, NULL) == 0);
    int rc = ERR_OK;
    if (!e->disk && options->write && mkdir(folder, 0750) != 0 && errno != EEXIST)
        rc = err_set_errno(err, errno, "cannot make the store's folder %s", folder);
    if (!e->disk && rc == ERR_OK) {
        rc = disk_open_folder(&e->disk, folder, err);
        e->owns_disk = rc == ERR_OK;
    }
    if (rc == ERR_OK)
        rc = options->write ? writer_open(e, err) : identity_read(e->disk, &e->identity, err);
    if (rc) {
        journal_close(&e->journal);
        embedded_close(e);
        return rc;
    }
    *out = store_wrap(&embedded_calls, e);
    return ERR_OK;
}
