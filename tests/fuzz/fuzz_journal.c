/* A journal of hostile bytes: no crash, no row twice, an end. The first byte says where a second
 * file begins; frames are given checksums that hold, where their magic stands, unless the second
 * byte says to leave them. */
#include <stdlib.h>

#include "base/disk_sim.h"
#include "base/bytes.h"
#include "store/journal_format.h"

static const struct journal_identity identity = {.uuid = "a store's uuid.", .epoch = 1};

static void frames_seal(char *file, size_t bytes, uint64_t number)
{
    for (size_t at = JOURNAL_SECTOR_BYTES; at + JOURNAL_FRAME_HEADER_BYTES <= bytes;
         at += JOURNAL_SECTOR_BYTES) {
        if (memcmp(file + at, "CFRM", 4) != 0)
            continue;
        const char *h = file + at;
        size_t left = bytes - at - JOURNAL_FRAME_HEADER_BYTES;
        struct journal_frame_header header = {.begin = {number, at},
                                              .first_sequence = bytes_u64(h + 24) % 1000,
                                              .commit_ns = bytes_i64(h + 32),
                                              .row_count = bytes_u32(h + 40) % 1000,
                                              .section_count = bytes_u32(h + 44),
                                              .payload_bytes = bytes_u32(h + 48)};
        if (header.payload_bytes > left)
            header.payload_bytes = (uint32_t)left;
        journal_frame_seal(file + at, &header, &identity);
    }
}

static void file_put(struct disk *disk, uint64_t number, struct slice bytes, bool seal)
{
    struct buf copy = {0};
    char name[JOURNAL_NAME_BYTES];
    buf_append(&copy, bytes.data, bytes.len);
    if (seal && copy.len >= JOURNAL_SECTOR_BYTES) {
        struct journal_header header = {
            .number = number,
            .file_bytes = copy.len,
            .first_sequence = bytes_u64(copy.data + 56) % 1000,
            .after = {bytes_u64(copy.data + 64) % 3, bytes_u64(copy.data + 72) % 8192}};
        journal_header_write(copy.data, &header, &identity);
        frames_seal(copy.data, copy.len, number);
    }
    journal_name(name, number);
    if (disk_write_file(disk, name, buf_as_slice(&copy), NULL))
        abort();
    buf_free(&copy);
}

static void damage_seen(void *context, const struct journal_damage *damage)
{
    uint64_t *count = context;
    if (damage->next_sequence < damage->first_missing)
        abort();
    (*count)++;
}

static void scan(struct disk *disk, struct journal_place from, bool whole)
{
    struct journal_scan *s;
    struct journal_frame f;
    uint64_t next = 0, damages = 0;
    if (journal_scan_open(&s, disk, &identity, from, true, NULL))
        return;
    (void)journal_scan_bytes(s);
    int rc;
    while ((rc = whole ? journal_scan_next(s, &f, damage_seen, &damages, NULL)
                       : journal_scan_skip(s, &f, damage_seen, &damages, NULL)) == ERR_OK) {
        if (f.first_sequence < next || f.begin.offset >= f.end.offset)
            abort();
        next = f.first_sequence + f.row_count;
        uint64_t sum = 0;
        for (uint32_t i = 0; i < f.section_count; i++)
            for (size_t k = 0; k < f.sections[i].len; k += 61)
                sum += (unsigned char)f.sections[i].data[k];
        damages += sum == UINT64_MAX; /* so that the bytes are read */
    }
    if (rc != ERR_END && rc != ERR_UNSUPPORTED)
        abort();
    journal_scan_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    struct disk *disk = disk_sim_open(1);
    struct slice all = slice_make((const char *)data + 2, size - 2);
    size_t first = (size_t)data[0] * JOURNAL_SECTOR_BYTES;
    bool seal = data[1] != 0;
    if (disk_make_folder(disk, JOURNAL_FOLDER, NULL))
        abort();
    file_put(disk, 1, slice_part(all, 0, first), seal);
    file_put(disk, 2, slice_part(all, first, all.len), seal);
    scan(disk, (struct journal_place){0}, true);
    scan(disk, (struct journal_place){0}, false);
    scan(disk, (struct journal_place){1, 700}, true);
    disk_sim_close(&disk);
    return 0;
}
