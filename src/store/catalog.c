#include "store/catalog.h"

#include "base/map.h"
#include "base/mem.h"

enum { CATALOG_VERSION = 1 };
static const char catalog_path[] = "catalog.db";

struct catalog {
    struct database *db;
};

static const char catalog_tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('version', 1), ('sealed_sequence', 0);"
    "CREATE TABLE segment(id INTEGER PRIMARY KEY AUTOINCREMENT, partition TEXT NOT NULL,"
    " path TEXT NOT NULL UNIQUE, first_sequence INTEGER NOT NULL, last_sequence INTEGER NOT NULL,"
    " rows INTEGER NOT NULL, file_bytes INTEGER NOT NULL, raw_bytes INTEGER NOT NULL,"
    " time_min INTEGER NOT NULL, time_max INTEGER NOT NULL, received_min INTEGER NOT NULL,"
    " received_max INTEGER NOT NULL, generation INTEGER NOT NULL) STRICT;"
    "CREATE INDEX segment_sequence ON segment(first_sequence);"
    "CREATE TABLE gone(path TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

static int damaged(struct err *err, const char *what)
{
    return err_set(err, ERR_DAMAGED, "catalog.db %s: make it again with `canh store rebuild`",
                   what);
}

/* Only files of segments are named: what is listed as gone is removed. */
static bool path_ok(struct slice path)
{
    return slice_starts(path, SLICE("segments/")) && slice_ends(path, SLICE(".segment")) &&
           path.len < DISK_PATH_BYTES_MAX && slice_find_char(path, '\0') == SLICE_NONE;
}

static int meta_get(struct catalog *c, const char *key, uint64_t *value, struct err *err)
{
    struct statement *s = statement_get(c->db, "SELECT value FROM meta WHERE key = ?1");
    statement_text(s, 1, slice_from(key));
    int rc = statement_step(s, err);
    if (rc == ERR_OK) {
        *value = statement_column_u64(s, 0);
        statement_reset(s);
    }
    return rc == ERR_END ? damaged(err, "lacks a number") : rc;
}

static int tables_make(struct catalog *c, struct err *err)
{
    struct statement *s =
        statement_get(c->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'");
    int rc = statement_step(s, err);
    if (rc)
        return rc;
    bool there = statement_column_u64(s, 0) > 0;
    statement_reset(s);
    if (there)
        return ERR_OK;
    rc = database_begin(c->db, err);
    if (rc == ERR_OK)
        rc = database_run(c->db, catalog_tables, err);
    if (rc == ERR_OK)
        rc = database_commit(c->db, err);
    if (rc)
        database_roll_back(c->db);
    return rc;
}

int catalog_open(struct catalog **out, struct disk *disk, bool write, struct err *err)
{
    struct catalog *c = mem_zeroed(1, sizeof(*c));
    uint64_t version = 0;
    *out = NULL;
    int rc = database_open(&c->db, disk, catalog_path, write ? DATABASE_WRITE : DATABASE_READ, err);
    if (rc == ERR_OK && write)
        rc = tables_make(c, err);
    if (rc == ERR_OK)
        rc = meta_get(c, "version", &version, err);
    if (rc == ERR_OK && version > CATALOG_VERSION)
        rc = err_set(err, ERR_UNSUPPORTED,
                     "catalog.db is of version %llu, this program knows %d: use the newer program",
                     (unsigned long long)version, CATALOG_VERSION);
    if (rc) {
        catalog_close(&c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

void catalog_close(struct catalog **catalog)
{
    if (!*catalog)
        return;
    database_close(&(*catalog)->db);
    mem_free(*catalog);
    *catalog = NULL;
}

static void list_add(struct catalog_list *list, uint32_t *capacity, struct statement *s)
{
    if (list->count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 256;
        list->items = mem_resize(list->items, *capacity, sizeof(*list->items));
    }
    list->items[list->count++] =
        (struct catalog_segment){.id = statement_column_u64(s, 0),
                                 .partition = arena_copy(&list->arena, statement_column_text(s, 1)),
                                 .path = arena_copy(&list->arena, statement_column_text(s, 2)),
                                 .first_sequence = statement_column_u64(s, 3),
                                 .last_sequence = statement_column_u64(s, 4),
                                 .row_count = statement_column_u64(s, 5),
                                 .file_bytes = statement_column_u64(s, 6),
                                 .raw_bytes = statement_column_u64(s, 7),
                                 .time_min_ns = statement_column_i64(s, 8),
                                 .time_max_ns = statement_column_i64(s, 9),
                                 .received_min_ns = statement_column_i64(s, 10),
                                 .received_max_ns = statement_column_i64(s, 11),
                                 .generation = (uint32_t)statement_column_u64(s, 12)};
}

static bool segment_ok(const struct catalog_segment *g, uint64_t sealed_sequence)
{
    return path_ok(g->path) && row_partition_name_ok(g->partition) && g->first_sequence > 0 &&
           g->first_sequence <= g->last_sequence && g->last_sequence <= sealed_sequence &&
           sealed_sequence <= INT64_MAX && g->row_count > 0 && g->row_count <= SEGMENT_ROWS_MAX &&
           g->row_count - 1 <= g->last_sequence - g->first_sequence && g->file_bytes <= INT64_MAX &&
           g->raw_bytes <= INT64_MAX;
}

/* What a reader and a merge rely on: of a partition no two segments share a sequence. */
static int list_check(const struct catalog_list *list, struct err *err)
{
    struct map ends = {0}; /* by partition: the last sequence so far */
    bool ok = true;
    for (uint32_t i = 0; i < list->count && ok; i++) {
        const struct catalog_segment *g = &list->items[i];
        ok = segment_ok(g, list->sealed_sequence);
        if (!ok)
            break;
        struct map_entry *end = map_put(&ends, g->partition, 0, NULL);
        ok = end->value < g->first_sequence;
        end->value = g->last_sequence;
    }
    map_free(&ends);
    return ok ? ERR_OK : damaged(err, "lists segments that do not fit together");
}

int catalog_read(struct catalog *c, struct catalog_list *out, struct err *err)
{
    uint32_t capacity = 0;
    *out = (struct catalog_list){0};
    int rc = database_begin_read(c->db, err);
    if (rc)
        return rc;
    rc = meta_get(c, "sealed_sequence", &out->sealed_sequence, err);
    if (rc == ERR_OK) {
        struct statement *s = statement_get(
            c->db, "SELECT id, partition, path, first_sequence, last_sequence, rows, file_bytes,"
                   " raw_bytes, time_min, time_max, received_min, received_max, generation"
                   " FROM segment ORDER BY first_sequence, id");
        while ((rc = statement_step(s, err)) == ERR_OK)
            list_add(out, &capacity, s);
        if (rc == ERR_END)
            rc = list_check(out, err);
    }
    database_roll_back(c->db);
    if (rc)
        catalog_list_free(out);
    return rc;
}

void catalog_list_free(struct catalog_list *list)
{
    mem_free(list->items);
    arena_free(&list->arena);
    *list = (struct catalog_list){0};
}

static int segment_insert(struct catalog *c, const struct catalog_segment *g, struct err *err)
{
    struct statement *s = statement_get(
        c->db, "INSERT INTO segment(partition, path, first_sequence, last_sequence, rows,"
               " file_bytes, raw_bytes, time_min, time_max, received_min, received_max, generation)"
               " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
    statement_text(s, 1, g->partition);
    statement_text(s, 2, g->path);
    statement_u64(s, 3, g->first_sequence);
    statement_u64(s, 4, g->last_sequence);
    statement_u64(s, 5, g->row_count);
    statement_u64(s, 6, g->file_bytes);
    statement_u64(s, 7, g->raw_bytes);
    statement_i64(s, 8, g->time_min_ns);
    statement_i64(s, 9, g->time_max_ns);
    statement_i64(s, 10, g->received_min_ns);
    statement_i64(s, 11, g->received_max_ns);
    statement_u64(s, 12, g->generation);
    return statement_run(s, err);
}

static int segment_remove(struct catalog *c, uint64_t id, int64_t now_ns, struct err *err)
{
    struct statement *s = statement_get(
        c->db, "INSERT OR REPLACE INTO gone SELECT path, ?2 FROM segment WHERE id = ?1");
    statement_u64(s, 1, id);
    statement_i64(s, 2, now_ns);
    int rc = statement_run(s, err);
    if (rc)
        return rc;
    s = statement_get(c->db, "DELETE FROM segment WHERE id = ?1");
    statement_u64(s, 1, id);
    return statement_run(s, err);
}

static int sealed_set(struct catalog *c, uint64_t sequence, struct err *err)
{
    struct statement *s =
        statement_get(c->db, "UPDATE meta SET value = ?1 WHERE key = 'sealed_sequence'");
    statement_u64(s, 1, sequence);
    return statement_run(s, err);
}

int catalog_change(struct catalog *c, const struct catalog_segment *add, uint32_t add_count,
                   const uint64_t *remove, uint32_t remove_count, uint64_t sealed_sequence,
                   int64_t now_ns, struct err *err)
{
    int rc = database_begin(c->db, err);
    for (uint32_t i = 0; i < add_count && rc == ERR_OK; i++)
        rc = segment_insert(c, &add[i], err);
    for (uint32_t i = 0; i < remove_count && rc == ERR_OK; i++)
        rc = segment_remove(c, remove[i], now_ns, err);
    if (rc == ERR_OK && sealed_sequence)
        rc = sealed_set(c, sealed_sequence, err);
    if (rc == ERR_OK)
        rc = database_commit(c->db, err);
    if (rc)
        database_roll_back(c->db);
    return rc;
}

int catalog_disown(struct catalog *c, const struct slice *paths, uint32_t count, int64_t now_ns,
                   struct err *err)
{
    int rc = database_begin(c->db, err);
    for (uint32_t i = 0; i < count && rc == ERR_OK; i++) {
        struct statement *s = statement_get(c->db, "INSERT OR REPLACE INTO gone VALUES(?1, ?2)");
        statement_text(s, 1, paths[i]);
        statement_i64(s, 2, now_ns);
        rc = statement_run(s, err);
    }
    if (rc == ERR_OK)
        rc = database_commit(c->db, err);
    if (rc)
        database_roll_back(c->db);
    return rc;
}

enum { GONE_BATCH = 64 };

int catalog_gone(struct catalog *c, int64_t before_ns, catalog_gone_visit *visit, void *context,
                 struct err *err)
{
    int rc = ERR_OK;
    uint32_t count = GONE_BATCH;
    while (rc == ERR_OK && count == GONE_BATCH) {
        struct arena arena = {0};
        struct slice paths[GONE_BATCH];
        count = 0;
        struct statement *s =
            statement_get(c->db, "SELECT path FROM gone WHERE at < ?1 ORDER BY path LIMIT 64");
        statement_i64(s, 1, before_ns);
        while ((rc = statement_step(s, err)) == ERR_OK && count < GONE_BATCH)
            paths[count++] = arena_copy(&arena, statement_column_text(s, 0));
        rc = rc == ERR_END ? ERR_OK : rc;
        statement_reset(s);
        for (uint32_t i = 0; i < count && rc == ERR_OK; i++) {
            rc = path_ok(paths[i]) ? visit(context, paths[i])
                                   : damaged(err, "has a file to remove that is no segment");
            if (rc)
                break;
            s = statement_get(c->db, "DELETE FROM gone WHERE path = ?1");
            statement_text(s, 1, paths[i]);
            rc = statement_run(s, err);
        }
        arena_free(&arena);
    }
    return rc;
}

int catalog_knows(struct catalog *c, struct slice path, bool *known, struct err *err)
{
    struct statement *s =
        statement_get(c->db, "SELECT EXISTS(SELECT 1 FROM segment WHERE path = ?1)"
                             " OR EXISTS(SELECT 1 FROM gone WHERE path = ?1)");
    statement_text(s, 1, path);
    int rc = statement_step(s, err);
    if (rc)
        return rc;
    *known = statement_column_u64(s, 0) != 0;
    statement_reset(s);
    return ERR_OK;
}

void catalog_segment_of(const struct segment *s, struct slice path, struct catalog_segment *out)
{
    const struct segment_about *about = segment_about(s);
    *out = (struct catalog_segment){.partition = about->partition,
                                    .path = path,
                                    .first_sequence = about->first_sequence,
                                    .last_sequence = about->last_sequence,
                                    .row_count = about->row_count,
                                    .file_bytes = about->file_bytes,
                                    .raw_bytes = about->raw_bytes,
                                    .time_min_ns = about->time_min_ns,
                                    .time_max_ns = about->time_max_ns,
                                    .received_min_ns = about->received_min_ns,
                                    .received_max_ns = about->received_max_ns,
                                    .generation = about->generation};
}
