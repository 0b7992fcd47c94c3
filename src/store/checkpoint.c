#include "store/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/bytes.h"

enum {
    MAGIC_BYTES = 8,
    VERSION = 1,
    HEADER_BYTES = 96,
    CHECKSUM_BYTES = 8,
    NAME_BYTES = 64,
    NUMBERS_MAX = 4096 /* files in the folder that are looked at */
};
static const char magic[] = "CANHCKPT";
static const char folder[] = "checkpoint";

static void name_of(char out[NAME_BYTES], const char *in_folder, uint64_t number)
{
    (void)snprintf(out, NAME_BYTES, "%s/%010" PRIu64 ".checkpoint", in_folder, number);
}

static uint64_t name_number(const char *name)
{
    struct slice rest = slice_from(name), digits = slice_cut(&rest, '.');
    uint64_t number;
    if (!slice_equal(rest, SLICE("checkpoint")) || !slice_to_u64(digits, &number) ||
        number == UINT64_MAX)
        return 0;
    return number;
}

static void checkpoint_text(const struct checkpoint *c, struct buf *out)
{
    buf_reserve(out, HEADER_BYTES + c->carry.len + c->chain.len + CHECKSUM_BYTES);
    buf_append(out, magic, MAGIC_BYTES);
    bytes_put_u32(out, VERSION);
    bytes_put_u32(out, 0);
    bytes_put_u64(out, c->number);
    buf_append(out, c->identity.uuid, sizeof c->identity.uuid);
    bytes_put_u32(out, c->identity.epoch);
    bytes_put_u32(out, 0);
    bytes_put_u64(out, c->last_sequence);
    bytes_put_u64(out, c->cut.file);
    bytes_put_u64(out, c->cut.offset);
    bytes_put_i64(out, c->commit_ns);
    bytes_put_u64(out, c->carry.len);
    bytes_put_u64(out, c->chain.len);
    if (c->carry.len)
        buf_slice(out, c->carry);
    if (c->chain.len)
        buf_slice(out, c->chain);
    bytes_put_u64(out, hash_bytes(out->data, out->len, 0));
}

int checkpoint_parse(struct slice bytes, struct checkpoint *out, struct err *err)
{
    if (bytes.len < HEADER_BYTES + CHECKSUM_BYTES || memcmp(bytes.data, magic, MAGIC_BYTES) != 0 ||
        bytes_u64(bytes.data + bytes.len - CHECKSUM_BYTES) !=
            hash_bytes(bytes.data, bytes.len - CHECKSUM_BYTES, 0))
        return err_set(err, ERR_DAMAGED, "The checkpoint is not whole.");
    struct bytes_in in =
        bytes_in(slice_part(bytes, MAGIC_BYTES, bytes.len - CHECKSUM_BYTES - MAGIC_BYTES));
    uint32_t version = bytes_take_u32(&in);
    if (version != VERSION)
        return err_set(err, ERR_UNSUPPORTED,
                       "The checkpoint has version %u, and this program reads version %d: use the "
                       "program that wrote it, or a newer one.",
                       version, VERSION);
    (void)bytes_take_u32(&in);
    out->number = bytes_take_u64(&in);
    memcpy(out->identity.uuid, in.at, sizeof out->identity.uuid);
    (void)bytes_take(&in, sizeof out->identity.uuid);
    out->identity.epoch = bytes_take_u32(&in);
    (void)bytes_take_u32(&in);
    out->last_sequence = bytes_take_u64(&in);
    out->cut.file = bytes_take_u64(&in);
    out->cut.offset = bytes_take_u64(&in);
    out->commit_ns = bytes_take_i64(&in);
    uint64_t carry = bytes_take_u64(&in), chain = bytes_take_u64(&in);
    if (carry > bytes_left(&in) || chain != bytes_left(&in) - carry)
        return err_set(err, ERR_DAMAGED, "The checkpoint's lengths do not hold.");
    out->carry = bytes_take(&in, carry);
    out->chain = bytes_take(&in, chain);
    return ERR_OK;
}

struct numbers {
    uint64_t list[NUMBERS_MAX]; /* the highest ones, rising */
    uint32_t count;
};

static int numbers_visit(void *context, const struct disk_entry *entry)
{
    struct numbers *n = context;
    uint64_t number = entry->is_folder ? 0 : name_number(entry->name);
    if (number == 0)
        return ERR_OK;
    if (n->count == NUMBERS_MAX) {
        memmove(n->list, n->list + 1, (NUMBERS_MAX - 1) * sizeof(*n->list));
        n->count--;
    }
    uint32_t at = n->count++;
    for (; at > 0 && n->list[at - 1] > number; at--)
        n->list[at] = n->list[at - 1];
    n->list[at] = number;
    return ERR_OK;
}

/* A new file in tmp/, synced. */
static int text_write(struct disk *disk, const char *path, struct slice text, struct err *err)
{
    struct disk_file *file = NULL;
    int rc = ERR_OK;
    if (disk_exists(disk, path)) /* left over by a run that was cut off */
        rc = disk_remove(disk, path, err);
    if (!rc)
        rc = disk_open(disk, &file, path, DISK_CREATE, err);
    if (!rc)
        rc = disk_write(file, 0, text.data, text.len, err);
    if (!rc)
        rc = disk_sync(file, err);
    bool made = file != NULL;
    disk_close(&file);
    if (rc && made) { /* gives its room back; when not, the next one does */
        int stays = disk_remove(disk, path, NULL);
        (void)stays;
    }
    return rc;
}

static int folders_make(struct disk *disk, struct err *err)
{
    int rc = disk_make_folder(disk, "tmp", err);
    if (!rc)
        rc = disk_make_folder(disk, folder, err);
    return rc ? rc : disk_sync_folder(disk, "", err);
}

static int old_remove(struct disk *disk, struct err *err)
{
    struct numbers numbers = {.count = 0};
    int rc = disk_list(disk, folder, numbers_visit, &numbers, err);
    for (uint32_t i = 0; !rc && i + CHECKPOINT_KEPT < numbers.count; i++) {
        char name[NAME_BYTES];
        name_of(name, folder, numbers.list[i]);
        rc = disk_remove(disk, name, err);
    }
    return rc;
}

int checkpoint_write(struct disk *disk, const struct checkpoint *c, struct err *err)
{
    check(c->number > 0);
    if (c->carry.len > CHECKPOINT_BYTES_MAX || c->chain.len > CHECKPOINT_BYTES_MAX - c->carry.len)
        return err_set(err, ERR_LIMIT, "The checkpoint would have more than %zu MB.",
                       CHECKPOINT_BYTES_MAX >> 20);
    char from[NAME_BYTES], to[NAME_BYTES];
    name_of(from, "tmp", c->number);
    name_of(to, folder, c->number);
    struct buf text = {0};
    checkpoint_text(c, &text);
    int rc = folders_make(disk, err);
    if (!rc)
        rc = text_write(disk, from, buf_as_slice(&text), err);
    if (!rc)
        rc = disk_rename(disk, from, to, err);
    if (!rc)
        rc = disk_sync_folder(disk, folder, err);
    if (!rc)
        rc = disk_sync_folder(disk, "tmp", err);
    if (!rc)
        rc = old_remove(disk, err);
    buf_free(&text);
    return rc;
}

int checkpoint_read(struct disk *disk, const struct journal_identity *identity,
                    struct checkpoint *out, uint32_t *damaged, struct err *err)
{
    *out = (struct checkpoint){0};
    uint32_t passed_over = 0;
    struct numbers numbers = {.count = 0};
    int rc = disk_list(disk, folder, numbers_visit, &numbers, err);
    for (uint32_t i = numbers.count; !rc && i-- > 0;) {
        char name[NAME_BYTES];
        name_of(name, folder, numbers.list[i]);
        buf_clear(&out->bytes);
        rc = disk_read_file(disk, name, CHECKPOINT_BYTES_MAX + HEADER_BYTES + CHECKSUM_BYTES,
                            &out->bytes, err);
        if (!rc)
            rc = checkpoint_parse(buf_as_slice(&out->bytes), out, err);
        if (!rc && out->number == numbers.list[i] &&
            memcmp(out->identity.uuid, identity->uuid, sizeof identity->uuid) == 0)
            goto out;
        if (rc == ERR_UNSUPPORTED)
            break;
        rc = ERR_OK;
        passed_over++;
    }
    checkpoint_free(out);
    if (!rc) {
        out->number = numbers.count ? numbers.list[numbers.count - 1] : 0;
        rc = err_set(err, ERR_NOT_FOUND, "There is no whole checkpoint.");
    }
out:
    if (damaged)
        *damaged = passed_over;
    return rc;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
    buf_free(&checkpoint->bytes);
    *checkpoint = (struct checkpoint){0};
}
