/* A hostile catalog.db in a store that is whole otherwise: reading it, searching, verifying, going
 * on writing and making the catalog again never crash, no file outside of segments/ is lost, and a
 * rebuild finds every row again.
 *
 * The first byte says what the rest is: 0 the file itself; 1 patches of the good file (offset u16,
 * length u8, bytes); else changes of rows (table and column u8, row u8, length u8, bytes). */
#include <stdio.h>
#include <stdlib.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "base/bytes.h"
#include "store/store_embedded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 96 << 10, ROWS = 60, ROWS_SEALED = 40, FILES_MAX = 32, CHANGES_MAX = 16 };
#define NOW_NS (1700000000 * CLOCK_SECOND_NS)
#define DAY_NS (86400 * CLOCK_SECOND_NS)

/* Errors are fine here, crashes are not. */
static void ignore(int rc)
{
    check(rc <= ERR_OK);
}

/* The good store, made once. */
static struct good_file {
    char path[128];
    struct buf bytes;
} good[FILES_MAX];
static uint32_t good_count;

static void rows_append(struct store *store, uint32_t rows, int64_t now_ns)
{
    static const char *const partitions[] = {"linux", "windows"};
    struct batch_writer *w = batch_writer_open();
    struct batch batch = {0};
    struct record record = {0};
    uint64_t sequence;
    batch_begin(w, now_ns, true);
    for (uint32_t i = 0; i < rows; i++) {
        struct row_context about = {.partition = slice_from(partitions[i % 2])};
        uint32_t context, index;
        char text[16];
        record_reset(&record);
        (void)snprintf(text, sizeof text, "u%u", i % 7);
        if (record_add(&record, SLICE("User"), slice_from(text), VALUE_STRING, 0, NULL) ||
            batch_context(w, &about, &context, NULL) ||
            batch_add(w, context, now_ns + i, i, &record, &index, NULL))
            abort();
    }
    batch_end(w, &batch);
    struct store_group group = {.batches = &batch, .batch_count = 1, .now_ns = now_ns};
    int rc = store_append(store, &group, &sequence, NULL);
    if (rc && rc != ERR_IO && rc != ERR_LIMIT)
        abort();
    record_free(&record);
    batch_free(&batch);
    batch_writer_close(&w);
}

static void file_keep(struct disk *disk, const char *folder, const char *name)
{
    check(good_count < FILES_MAX);
    struct good_file *f = &good[good_count++];
    check(snprintf(f->path, sizeof f->path, "%s%s%s", folder, *folder ? "/" : "", name) <
          (int)sizeof f->path);
    check(disk_read_file(disk, f->path, (size_t)64 << 20, &f->bytes, NULL) == ERR_OK);
}

struct keeping {
    struct disk *disk;
    char folder[128];
};

static int entry_keep(void *context, const struct disk_entry *entry)
{
    const struct keeping *k = context;
    struct keeping inner = {.disk = k->disk};
    if (!entry->is_folder) {
        file_keep(k->disk, k->folder, entry->name);
        return ERR_OK;
    }
    check(snprintf(inner.folder, sizeof inner.folder, "%s%s%s", k->folder, *k->folder ? "/" : "",
                   entry->name) < (int)sizeof inner.folder);
    return disk_list(k->disk, inner.folder, entry_keep, &inner, NULL);
}

static struct store *store_at(struct disk *disk, bool write)
{
    struct store *store = NULL;
    struct store_options options = {
        .write = write, .disk = disk, .journal_file_bytes = (uint64_t)64 << 10, .query_ns = 1};
    return store_open(&store, "simulated", &options, NULL) == ERR_OK ? store : NULL;
}

static void good_make(void)
{
    struct disk *disk = disk_sim_open(1);
    struct keeping k = {.disk = disk};
    struct store *store = store_at(disk, true);
    check(store);
    for (uint32_t i = 0; i < 2; i++) {
        rows_append(store, ROWS_SEALED / 2, NOW_NS + i * CLOCK_SECOND_NS);
        check(store_seal(store, NOW_NS + i * CLOCK_SECOND_NS, NULL) == ERR_OK);
    }
    rows_append(store, ROWS - ROWS_SEALED, NOW_NS + 2 * CLOCK_SECOND_NS);
    store_close(&store);
    check(disk_list(disk, "", entry_keep, &k, NULL) == ERR_OK);
    disk_sim_close(&disk);
}

static struct disk *good_copy(void)
{
    struct disk *disk = disk_sim_open(1);
    for (uint32_t i = 0; i < good_count; i++) {
        struct disk_file *file;
        char folder[sizeof good[i].path];
        memcpy(folder, good[i].path, sizeof folder);
        char *end = strrchr(folder, '/');
        if (end) {
            *end = '\0';
            check(disk_make_folder(disk, folder, NULL) == ERR_OK);
        }
        check(disk_open(disk, &file, good[i].path, DISK_CREATE, NULL) == ERR_OK);
        check(disk_write(file, 0, good[i].bytes.data, good[i].bytes.len, NULL) == ERR_OK);
        disk_close(&file);
    }
    return disk;
}

static void catalog_put(struct disk *disk, struct slice bytes)
{
    struct disk_file *file;
    check(disk_open(disk, &file, "catalog.db", DISK_WRITE, NULL) == ERR_OK);
    check(disk_resize(file, 0, NULL) == ERR_OK);
    check(disk_write(file, 0, bytes.data, bytes.len, NULL) == ERR_OK);
    disk_close(&file);
}

static void catalog_patch(struct disk *disk, struct slice patches)
{
    struct buf bytes = {0};
    check(disk_read_file(disk, "catalog.db", (size_t)1 << 20, &bytes, NULL) == ERR_OK);
    while (patches.len > 3) {
        size_t at = bytes_u16(patches.data) % bytes.len, len = (unsigned char)patches.data[2];
        struct slice part = slice_part(patches, 3, len);
        len = part.len < bytes.len - at ? part.len : bytes.len - at;
        if (len)
            memcpy(bytes.data + at, part.data, len);
        patches = slice_part(patches, 3 + part.len, patches.len);
    }
    catalog_put(disk, buf_as_slice(&bytes));
    buf_free(&bytes);
}

static void row_change(struct database *db, unsigned what, unsigned row, struct slice value)
{
    static const char *const changes[] = {
        "UPDATE segment SET path = ?1 WHERE id = ?2",
        "UPDATE segment SET partition = ?1 WHERE id = ?2",
        "INSERT OR REPLACE INTO gone VALUES(?1, ?2)",
        "UPDATE segment SET first_sequence = ?1 WHERE id = ?2",
        "UPDATE segment SET last_sequence = ?1 WHERE id = ?2",
        "UPDATE segment SET rows = ?1 WHERE id = ?2",
        "UPDATE segment SET file_bytes = ?1, raw_bytes = -?1 WHERE id = ?2",
        "UPDATE segment SET time_min = ?1, received_min = ?1 WHERE id = ?2",
        "UPDATE segment SET time_max = ?1, received_max = ?1 WHERE id = ?2",
        "UPDATE segment SET generation = ?1 WHERE id = ?2",
        "UPDATE segment SET id = ?1 WHERE id = ?2",
        "UPDATE meta SET value = ?1 WHERE key = 'sealed_sequence' AND ?2 = ?2",
        "UPDATE meta SET value = ?1 WHERE key = 'version' AND ?2 = ?2",
        "INSERT INTO segment SELECT ?1, partition, path || ?1, first_sequence, last_sequence, rows,"
        " file_bytes, raw_bytes, time_min, time_max, received_min, received_max, generation"
        " FROM segment WHERE id = ?2",
        "DELETE FROM segment WHERE id = ?2 AND ?1 = ?1"};
    enum { TEXT_CHANGES = 3 };
    what %= sizeof changes / sizeof changes[0];
    struct statement *s = statement_get(db, changes[what]);
    if (what < TEXT_CHANGES) {
        statement_text(s, 1, value);
    } else {
        char number[8] = {0};
        memcpy(number, value.data, value.len < sizeof number ? value.len : sizeof number);
        statement_i64(s, 1, bytes_i64(number));
    }
    statement_u64(s, 2, row);
    int rc = statement_run(s, NULL);
    if (rc != ERR_OK && rc != ERR_USAGE && rc != ERR_DAMAGED)
        abort();
}

static void rows_change(struct disk *disk, struct slice changes)
{
    struct database *db;
    check(database_open(&db, disk, "catalog.db", DATABASE_WRITE, NULL) == ERR_OK);
    for (unsigned i = 0; i < CHANGES_MAX && changes.len > 3; i++) {
        struct slice value = slice_part(changes, 3, (unsigned char)changes.data[2]);
        row_change(db, (unsigned char)changes.data[0], (unsigned char)changes.data[1], value);
        changes = slice_part(changes, 3 + value.len, changes.len);
    }
    database_close(&db);
}

static struct disk *hostile_copy(const uint8_t *data, size_t size)
{
    struct disk *disk = good_copy();
    struct slice rest = slice_make((const char *)data + 1, size - 1);
    if (data[0] == 0)
        catalog_put(disk, rest);
    else if (data[0] == 1)
        catalog_patch(disk, rest);
    else
        rows_change(disk, rest);
    return disk;
}

static void problem_seen(void *context, const char *problem)
{
    check(problem[0] != '\0');
    ++*(uint64_t *)context;
}

static int row_seen(void *context, const struct row *row)
{
    check(row->record->count == 1);
    ++*(uint64_t *)context;
    return ERR_OK;
}

static void field_seen(void *context, const struct store_field *field)
{
    check(field->name.len > 0);
    ++*(uint64_t *)context;
}

static uint64_t rows_search(struct store *store, enum store_order order)
{
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .order = order};
    struct store_cursor *cursor;
    struct store_item item;
    uint64_t rows = 0;
    if (store_search(store, &search, &cursor, NULL))
        return 0;
    while (store_next(cursor, &item, NULL) == ERR_OK) {
        check(++rows < 1000000);
        if (item.kind == STORE_ROW)
            check(item.row->record->count == 1);
    }
    struct store_progress progress;
    store_cursor_progress(cursor, &progress);
    store_cursor_close(&cursor);
    return progress.hits;
}

static void store_read(struct store *store)
{
    struct store_verified verified;
    struct store_stats stats;
    uint64_t seen = 0;
    for (int order = STORE_NEWEST; order <= STORE_SEQUENCE; order++)
        seen += rows_search(store, (enum store_order)order);
    ignore(store_verify(store, SLICE(""), problem_seen, &seen, &verified, NULL));
    for (uint64_t sequence = 0; sequence < ROWS + 2; sequence += 7)
        ignore(store_get(store, sequence, row_seen, &seen, NULL));
    ignore(store_fields(store, field_seen, &seen, NULL));
    ignore(store_stat(store, &stats, NULL));
}

static bool is_kept(const char *path)
{
    return !slice_starts(slice_from(path), SLICE("segments/")) &&
           !slice_starts(slice_from(path), SLICE("journal/")) &&
           !slice_starts(slice_from(path), SLICE("checkpoint/")) && strcmp(path, "catalog.db") != 0;
}

static void writer_goes_on(const uint8_t *data, size_t size)
{
    struct disk *disk = hostile_copy(data, size);
    struct store *store = store_at(disk, true);
    if (store) {
        uint64_t merged;
        rows_append(store, 3, NOW_NS + DAY_NS);
        ignore(store_seal(store, NOW_NS + DAY_NS, NULL));
        ignore(store_merge(store, NOW_NS + 2 * DAY_NS, &merged, NULL));
        store_close(&store);
    }
    for (uint32_t i = 0; i < good_count; i++)
        if (is_kept(good[i].path))
            check(disk_exists(disk, good[i].path));
    disk_sim_close(&disk);
}

static void rebuild_finds_all(struct disk *disk)
{
    struct store_rebuilt out;
    struct store_verified verified;
    uint64_t problems = 0;
    check(embedded_rebuild(disk, NOW_NS + DAY_NS, &out, NULL) == ERR_OK);
    check(out.rows == ROWS_SEALED && out.damaged == 0);
    struct store *store = store_at(disk, false);
    check(store);
    check(rows_search(store, STORE_SEQUENCE) == ROWS);
    check(store_verify(store, SLICE(""), problem_seen, &problems, &verified, NULL) == ERR_OK);
    check(problems == 0);
    store_close(&store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > INPUT_BYTES_MAX)
        return 0;
    if (good_count == 0)
        good_make();
    struct disk *disk = hostile_copy(data, size);
    struct store *store = store_at(disk, false);
    if (store)
        store_read(store);
    store_close(&store);
    rebuild_finds_all(disk);
    disk_sim_close(&disk);
    writer_goes_on(data, size);
    return 0;
}
