/* A hostile segment file: the checksums of trailer, header and chunks are made to hold, so that
 * what lies behind them is reached; then everything is read, checked and dumped. What can be read
 * must be within bounds and the same by each way. */
#include "base/disk_sim.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    INPUT_BYTES_MAX = 64 << 10,
    EDGE_BYTES = 64,
    HEAD_BYTES = 24,
    VALUES_BYTES_MAX = 1 << 20,
    SIGHT_KINDS_TRIED = 8
};

static void sum_put(uint8_t *at, uint64_t sum)
{
    memcpy(at, &sum, sizeof sum);
}

/* As chunk_head makes it. */
static uint64_t chunk_mend(uint8_t *file, uint64_t at, uint64_t limit)
{
    uint32_t stored;
    memcpy(&stored, file + at + 8, sizeof stored);
    if (stored > limit - at - HEAD_BYTES)
        return 0;
    sum_put(file + at + 16,
            hash_bytes(file + at + HEAD_BYTES, stored, hash_bytes(file + at, 16, at)));
    return (at + HEAD_BYTES + stored + 7) & ~(uint64_t)7;
}

static void file_mend(uint8_t *file, size_t size)
{
    uint64_t end = size - EDGE_BYTES, footer;
    uint8_t *trailer = file + end;
    memcpy(file, "CANHSEG1\1\0\0\0", 12);
    sum_put(file + EDGE_BYTES - 8, hash_bytes(file, EDGE_BYTES - 8, 0));
    memcpy(&footer, trailer, sizeof footer);
    for (uint64_t at = EDGE_BYTES; at && at + HEAD_BYTES <= end;)
        at = chunk_mend(file, at, end);
    if (footer >= EDGE_BYTES && footer <= end - HEAD_BYTES) {
        uint32_t bytes = (uint32_t)(end - footer), stored = bytes - HEAD_BYTES;
        memcpy(trailer + 8, &bytes, sizeof bytes);
        memcpy(file + footer + 8, &stored, sizeof stored);
        (void)chunk_mend(file, footer, end);
    }
    memset(trailer + 12, 0, 4);
    sum_put(trailer + 48, hash_bytes(trailer, 48, 0));
    memcpy(trailer + 56, "CANHSEG.", 8);
}

static void column_read(struct segment *s, uint32_t column, uint32_t block,
                        const struct segment_rows *rows)
{
    struct err err = {0};
    struct segment_values values = {0};
    struct segment_ids ids = {0};
    uint64_t total = 0;
    int rc = segment_read_values(s, column, block, VALUES_BYTES_MAX, &values, &err);
    for (uint32_t i = 0; rc == ERR_OK && i < values.count; i++) {
        struct slice v = segment_value(&values, i);
        check(values.kinds[i] <= VALUE_OBJECT);
        for (size_t b = 0; b < v.len; b++)
            total += (unsigned char)v.data[b];
    }
    check(total < UINT64_MAX);
    if (segment_read_ids(s, column, block, rows, &ids, &err) == ERR_OK)
        for (uint32_t i = 0; i < ids.count; i++) {
            check(ids.rows[i] < rows->count);
            check(rc != ERR_OK || ids.entries[i] < values.count);
        }
    segment_values_free(&values);
    segment_ids_free(&ids);
}

static void block_read(struct segment *s, uint32_t block)
{
    struct err err = {0};
    struct segment_rows rows = {0};
    struct segment_cursor *cursor;
    if (segment_read_rows(s, block, &rows, &err) == ERR_OK)
        for (uint32_t c = 0; c < segment_about(s)->column_count; c++)
            column_read(s, c, block, &rows);
    if (segment_cursor_open(&cursor, s, block, NULL, 1 << 16, &err) == ERR_OK)
        for (uint32_t i = 0; i < rows.count && i < 2000; i += 1 + i / 100) {
            struct row row;
            uint32_t fields;
            int rc = segment_cursor_row(cursor, i, &row, &err);
            (void)segment_shape(s, rows.shapes[i], &fields);
            check(rc != ERR_OK || row.record->count == fields);
            check(row.record->count <= fields);
        }
    segment_cursor_close(&cursor);
    segment_rows_free(&rows);
}

static void problem_seen(void *context, const char *what)
{
    check(what[0] != '\0');
    ++*(int *)context;
}

static void segment_use(struct segment *s)
{
    struct err err = {0};
    struct buf text = {0};
    int seen = 0;
    for (uint32_t b = 0; b < segment_about(s)->block_count; b++)
        block_read(s, b);
    (void)segment_may_have(s, SLICE("Image"), SLICE("cmd.exe"));
    (void)segment_may_have_number(s, SLICE("Port"), 443);
    for (unsigned kind = 0; kind < SIGHT_KINDS_TRIED; kind++) {
        struct segment_sights sights = {0};
        if (segment_read_sights(s, kind, &sights, &err))
            check(sights.count == 0);
        segment_sights_free(&sights);
    }
    int rc = segment_check(s, problem_seen, &seen, &err);
    check(rc < 0 || rc == seen);
    if (segment_about(s)->row_count < 5000)
        check(segment_dump(s, true, &text, &err) <= ERR_OK);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct segment *s;
    struct disk_file *file;
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct disk *disk = disk_sim_open(1);
    uint8_t *copy = mem_alloc(size);
    memcpy(copy, data, size);
    if (size >= 2 * EDGE_BYTES + HEAD_BYTES)
        file_mend(copy, size);
    check(disk_open(disk, &file, "f.segment", DISK_CREATE, &err) == ERR_OK);
    check(disk_write(file, 0, copy, size, &err) == ERR_OK);
    disk_close(&file);
    if (segment_open(&s, disk, "f.segment", &err) == ERR_OK)
        segment_use(s);
    segment_close(&s);
    mem_free(copy);
    disk_sim_close(&disk);
    return 0;
}
