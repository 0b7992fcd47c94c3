#include "store/identity.h"

#include <stdio.h>
#include <sys/random.h>

#include "base/text.h"

static const char identity_path[] = "STORE";
enum { IDENTITY_BYTES_MAX = 4096 };

void identity_uuid_text(const uint8_t uuid[16], char out[IDENTITY_UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        out[at++] = digits[uuid[i] >> 4];
        out[at++] = digits[uuid[i] & 15];
    }
    out[at] = '\0';
}

static bool uuid_parse(struct slice text, uint8_t out[16])
{
    char hex[32];
    size_t len = 0;
    struct buf bytes = {0};
    for (size_t i = 0; i < text.len && len < sizeof hex; i++)
        if (text.data[i] != '-')
            hex[len++] = text.data[i];
    bool ok = text.len == 36 && text_hex_decode(&bytes, slice_make(hex, len)) && bytes.len == 16;
    if (ok)
        memcpy(out, bytes.data, 16);
    buf_free(&bytes);
    return ok;
}

void identity_make(struct journal_identity *out)
{
    *out = (struct journal_identity){.epoch = 1};
    check(getrandom(out->uuid, sizeof out->uuid, 0) == sizeof out->uuid);
    out->uuid[6] = (uint8_t)((out->uuid[6] & 0x0f) | 0x40); /* RFC 9562 version 4 */
    out->uuid[8] = (uint8_t)((out->uuid[8] & 0x3f) | 0x80);
}

int identity_write(struct disk *disk, const struct journal_identity *identity, struct err *err)
{
    struct buf text = {0};
    char uuid[IDENTITY_UUID_TEXT_BYTES];
    identity_uuid_text(identity->uuid, uuid);
    buf_printf(&text, "format %d\nuuid %s\nepoch %u\n", STORE_FORMAT, uuid, identity->epoch);
    int rc = disk_write_file(disk, identity_path, buf_as_slice(&text), err);
    buf_free(&text);
    return rc;
}

int identity_read(struct disk *disk, struct journal_identity *out, struct err *err)
{
    struct buf text = {0};
    uint64_t format = 0, epoch = 0;
    bool has_uuid = false;
    *out = (struct journal_identity){0};
    if (!disk_exists(disk, identity_path))
        return err_set(err, ERR_NOT_FOUND,
                       "%s is no store: there is no file %s in it; `canh import` makes one",
                       disk_folder(disk), identity_path);
    int rc = disk_read_file(disk, identity_path, IDENTITY_BYTES_MAX, &text, err);
    struct slice rest = buf_as_slice(&text);
    while (rc == ERR_OK && rest.len) {
        struct slice line = slice_cut(&rest, '\n'), key = slice_cut(&line, ' ');
        if (slice_equal(key, SLICE("format")))
            (void)slice_to_u64(line, &format);
        else if (slice_equal(key, SLICE("uuid")))
            has_uuid = uuid_parse(line, out->uuid);
        else if (slice_equal(key, SLICE("epoch")))
            (void)slice_to_u64(line, &epoch);
    }
    buf_free(&text);
    if (rc)
        return rc;
    if (format > STORE_FORMAT)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s is a store of format %llu, this program knows %d: use the newer program",
                       disk_folder(disk), (unsigned long long)format, STORE_FORMAT);
    if (!has_uuid || format == 0 || epoch == 0 || epoch > UINT32_MAX)
        return err_set(err, ERR_DAMAGED,
                       "%s/%s is not whole: it needs the lines format, uuid and epoch; take them "
                       "from a snapshot or from the header of a segment (`canh store dump`)",
                       disk_folder(disk), identity_path);
    out->epoch = (uint32_t)epoch;
    return ERR_OK;
}
