/* Hostile notary files: opening and reading never crash, a torn last line never counts, lines that
 * are written afterwards stand behind what was there, and reading them all gives the same again.
 * The first byte says where the second month's file begins. */
#include <stdlib.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "store/notary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_NS (1700000000 * CLOCK_SECOND_NS)
enum { INPUT_BYTES_MAX = 64 << 10 };

struct seen {
    uint64_t lines, torn, bytes;
};

static int line_seen(void *context, const struct notary_line *line)
{
    struct seen *s = context;
    check(line->word_count <= 12 && line->number > 0 && line->file);
    for (uint32_t i = 0; i < line->word_count; i++)
        check(line->words[i].len <= line->text.len);
    check(slice_find_char(line->text, '\n') == SLICE_NONE);
    s->lines += !line->torn;
    s->torn += line->torn;
    s->bytes += line->text.len;
    return ERR_OK;
}

static void lines_write(struct disk *disk, struct notary *n, struct digester *d)
{
    struct chain *chain = chain_open();
    struct seen before = {0}, after = {0};
    struct digest digest = digest_of(d, SLICE("a row"));
    const struct notary_tombstone stone = {.partition = SLICE("windows"),
                                           .path = SLICE("segments/windows/1.segment"),
                                           .first_sequence = 1,
                                           .last_sequence = 1,
                                           .row_count = 1,
                                           .reason = "age"};
    bool was_whole = notary_read(disk, line_seen, &before, NULL) == ERR_OK;
    check(chain_add(chain, SLICE("windows"), 1, &digest, NOW_NS, NULL) == ERR_OK);
    chain_cut(chain);
    bool written = notary_sign(n, chain, 1, 1, NOW_NS, NULL) == ERR_OK &&
                   notary_bury(n, &stone, NOW_NS, NULL) == ERR_OK;
    if (was_whole && written) {
        check(notary_read(disk, line_seen, &after, NULL) == ERR_OK);
        check(after.torn == 0 && after.lines > before.lines);
    }
    chain_close(&chain);
}

static void file_put(struct disk *disk, const char *path, struct slice bytes)
{
    struct disk_file *file;
    check(disk_open(disk, &file, path, DISK_CREATE, NULL) == ERR_OK);
    if (bytes.len)
        check(disk_write(file, 0, bytes.data, bytes.len, NULL) == ERR_OK);
    disk_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > INPUT_BYTES_MAX)
        return 0;
    struct disk *disk = disk_sim_open(1);
    struct digester *digester = digester_open();
    struct slice all = slice_make((const char *)data + 1, size - 1);
    size_t first = all.len * data[0] / 255;
    struct seen seen = {0};
    struct notary *n;
    check(disk_make_folder(disk, "notary", NULL) == ERR_OK);
    file_put(disk, "notary/202310.log", slice_part(all, 0, first));
    file_put(disk, "notary/202311.log", slice_part(all, first, all.len));
    int rc = notary_read(disk, line_seen, &seen, NULL);
    check(rc == ERR_OK || rc == ERR_DAMAGED);
    check(seen.bytes <= all.len);
    if (notary_open(&n, disk, NULL, digester, NULL) == ERR_OK) {
        (void)notary_time(n);
        lines_write(disk, n, digester);
        notary_close(&n);
    }
    digester_close(&digester);
    disk_sim_close(&disk);
    return 0;
}
