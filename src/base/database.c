#include "base/database.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/database_disk.h"
#include "base/map.h"
#include "base/mem.h"

enum { DEADLINE_STEPS = 10000 /* of SQLite's machine between two looks at the clock */ };

struct statement {
    struct database *db;
    sqlite3_stmt *prepared; /* NULL: failed holds why */
    char *sql;
    struct err failed;
    struct statement *next;
};

struct database {
    sqlite3 *sqlite;
    char *path; /* as in messages */
    struct database_disk *simulated;
    struct map by_text; /* SQL -> struct statement */
    struct statement *statements;
    uint64_t deadline_ns; /* monotonic; 0: none */
    struct err said;      /* the newest refusal */
};

static int code_of(int sqlite_code)
{
    if (sqlite_code == SQLITE_READONLY_ROLLBACK || sqlite_code == SQLITE_READONLY_RECOVERY)
        return ERR_BUSY; /* until its writer has opened it once */
    if (sqlite_code == SQLITE_READONLY)
        return ERR_USAGE;
    if (sqlite_code == SQLITE_IOERR_SHMSIZE) /* the first that a full disk refuses */
        return ERR_FULL;
    switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_ERROR: /* its schema is not the one the statement is for */
    case SQLITE_SCHEMA:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
        return ERR_DAMAGED;
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    case SQLITE_INTERRUPT:
        return ERR_CANCELED;
    case SQLITE_CONSTRAINT:
        return ERR_USAGE;
    default:
        return ERR_IO;
    }
}

/* SQLite's newest error as ours. */
static int refuse_now(const struct database *db, struct err *err, const char *what)
{
    int sqlite_code = sqlite3_extended_errcode(db->sqlite);
    int code = code_of(sqlite_code);
    const char *why = sqlite3_errmsg(db->sqlite);
    struct err below = {0};
    int disk_code = db->simulated ? database_disk_error(db->simulated, &below) : ERR_OK;
    if (disk_code != ERR_OK && (code == ERR_IO || code == ERR_FULL)) {
        code = disk_code;
        why = below.text;
    }
    if (sqlite_code == SQLITE_IOERR_SHMSIZE)
        why = "the disk is full, make room";
    if (code == ERR_BUSY)
        return err_set(err, code,
                       "cannot %s the database %s: another program holds it (%s); try again later",
                       what, db->path, why);
    return err_set(err, code, "cannot %s the database %s: %s (%d)", what, db->path, why,
                   sqlite_code);
}

static int refuse(struct database *db, struct err *err, const char *what)
{
    int rc = refuse_now(db, &db->said, what);
    return err_set(err, rc, "%s", db->said.text);
}

static int pragma(struct database *db, const char *sql, struct err *err)
{
    if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
        return ERR_OK;
    return refuse(db, err, "open");
}

/* What holds for every connection, before anything is read. EXTRA: as FULL, and the removal of a
 * rollback journal, which is the commit, is synced too. */
static int harden(struct database *db, struct err *err)
{
    sqlite3 *s = db->sqlite;
    (void)sqlite3_extended_result_codes(s, 1);
    (void)sqlite3_busy_timeout(s, DATABASE_BUSY_MS);
    (void)sqlite3_db_config(s, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(s, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(s, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(s, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    (void)sqlite3_limit(s, SQLITE_LIMIT_LENGTH, DATABASE_VALUE_BYTES_MAX);
    (void)sqlite3_limit(s, SQLITE_LIMIT_ATTACHED, 0);
    return pragma(db,
                  "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;"
                  "PRAGMA cell_size_check=ON; PRAGMA synchronous=EXTRA",
                  err);
}

/* Sets the journal mode and says whether it is this one afterwards. */
static int set_journal(struct database *db, const char *mode, struct err *err)
{
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "PRAGMA journal_mode=%s", mode);
    sqlite3_stmt *s = NULL;
    int rc = ERR_OK;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW)
        rc = refuse(db, err, "open");
    else if (sqlite3_stricmp((const char *)sqlite3_column_text(s, 0), mode) != 0)
        rc = err_set(err, ERR_IO, "the database %s cannot use the journal mode %s here", db->path,
                     mode);
    (void)sqlite3_finalize(s);
    return rc;
}

static int open_sqlite(struct database *db, const char *name, int flags, struct err *err)
{
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const char *vfs = db->simulated ? database_disk_name(db->simulated) : NULL;
    if (sqlite3_open_v2(name, &db->sqlite, flags, vfs) == SQLITE_OK)
        return harden(db, err);
    check(db->sqlite);
    return refuse(db, err, "open");
}

/* Reads its first page: only now does SQLite say whether it can. */
static int probe(struct database *db, struct err *err)
{
    return pragma(db, "SELECT count(*) FROM sqlite_schema", err);
}

static bool file_is_there(const char *path, const char *suffix)
{
    struct buf name = {0};
    buf_printf(&name, "%s%s", path, suffix);
    bool there = access(buf_text(&name), F_OK) == 0;
    buf_free(&name);
    return there;
}

/* A file: name for SQLite, every unusual byte escaped. */
static void put_uri(struct buf *out, const char *path)
{
    buf_string(out, *path == '/' ? "file://" : "file:");
    for (const char *c = path; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
                     (*c >= '0' && *c <= '9') || strchr("/._-", *c);
        if (plain)
            buf_char(out, *c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
    buf_string(out, "?immutable=1");
}

/* WAL needs its -shm file. Where it is missing and cannot be made (a copy on read-only media, a
 * folder of somebody else) and no -wal holds newer pages, the file alone is the whole database. */
static int open_unwritable(struct database *db, const char *name, struct err *err)
{
    struct buf uri = {0};
    put_uri(&uri, name);
    (void)sqlite3_close(db->sqlite);
    db->sqlite = NULL;
    int rc = open_sqlite(db, buf_text(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    if (rc == ERR_OK)
        rc = probe(db, err);
    buf_free(&uri);
    return rc;
}

static int open_reader(struct database *db, const char *name, struct err *err)
{
    int rc = open_sqlite(db, name, SQLITE_OPEN_READONLY, err);
    if (rc == ERR_OK)
        rc = probe(db, err);
    if (rc == ERR_OK || db->simulated)
        return rc;
    int why = sqlite3_errcode(db->sqlite) & 0xff;
    if ((why == SQLITE_CANTOPEN || why == SQLITE_READONLY) && !file_is_there(name, "-wal"))
        rc = open_unwritable(db, name, err);
    return rc;
}

static int open_writer(struct database *db, struct disk *disk, const char *path, const char *name,
                       bool wal, struct err *err)
{
    bool is_new = !disk_exists(disk, path);
    int rc = open_sqlite(db, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (rc == ERR_OK)
        rc = set_journal(db, wal ? "wal" : "delete", err);
    if (rc == ERR_OK)
        rc = probe(db, err);
    if (rc == ERR_OK && is_new)
        rc = disk_sync_folder_of(disk, path, err);
    return rc;
}

int database_open(struct database **out, struct disk *disk, const char *path,
                  enum database_mode mode, struct err *err)
{
    *out = NULL;
    if (mode == DATABASE_READ && !disk_exists(disk, path))
        return err_set(err, ERR_NOT_FOUND, "there is no database %s in %s", path,
                       disk_folder(disk));
    struct database *db = mem_zeroed(1, sizeof(*db));
    struct buf name = {0};
    if (disk_is_real(disk))
        buf_printf(&name, "%s/", disk_folder(disk));
    else
        db->simulated = database_disk_open(disk);
    buf_string(&name, path);
    db->path = mem_copy_text(buf_text(&name), name.len);
    int rc = mode == DATABASE_READ ? open_reader(db, name.data, err)
                                   : open_writer(db, disk, path, name.data,
                                                 mode == DATABASE_WRITE && !db->simulated, err);
    buf_free(&name);
    if (rc == ERR_OK)
        *out = db;
    else
        database_close(&db);
    return rc;
}

void database_close(struct database **db)
{
    struct database *d = *db;
    if (!d)
        return;
    for (struct statement *s = d->statements, *next; s; s = next) {
        next = s->next;
        (void)sqlite3_finalize(s->prepared);
        mem_free(s->sql);
        mem_free(s);
    }
    map_free(&d->by_text);
    check(sqlite3_close(d->sqlite) == SQLITE_OK);
    database_disk_close(&d->simulated);
    mem_free(d->path);
    mem_free(d);
    *db = NULL;
}

int database_run(struct database *db, const char *sql, struct err *err)
{
    if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
        return ERR_OK;
    return refuse(db, err, "change");
}

int database_begin(struct database *db, struct err *err)
{
    return database_run(db, "BEGIN IMMEDIATE", err);
}

int database_begin_read(struct database *db, struct err *err)
{
    /* BEGIN alone takes its view at the first read only */
    int rc = database_run(db, "BEGIN; SELECT count(*) FROM sqlite_schema", err);
    if (rc != ERR_OK)
        database_roll_back(db);
    return rc;
}

int database_commit(struct database *db, struct err *err)
{
    if (sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return ERR_OK;
    int rc = refuse(db, err, "commit to");
    database_roll_back(db);
    return rc;
}

void database_roll_back(struct database *db)
{
    if (sqlite3_get_autocommit(db->sqlite))
        return; /* an error has rolled it back */
    for (struct statement *s = db->statements; s; s = s->next)
        (void)sqlite3_reset(s->prepared);
    (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

bool database_in_transaction(const struct database *db)
{
    return !sqlite3_get_autocommit(db->sqlite);
}

bool database_said(const struct database *db, const struct err *err)
{
    return err->code != ERR_OK && db->said.code == err->code &&
           strcmp(db->said.text, err->text) == 0;
}

static int deadline_reached(void *context)
{
    const struct database *db = context;
    return clock_monotonic_ns() > db->deadline_ns;
}

void database_deadline(struct database *db, uint32_t milliseconds)
{
    db->deadline_ns = milliseconds ? clock_monotonic_ns() + milliseconds * 1000000ull : 0;
    sqlite3_progress_handler(db->sqlite, milliseconds ? DEADLINE_STEPS : 0,
                             milliseconds ? deadline_reached : NULL, db);
}

int database_checkpoint(struct database *db, bool truncate, uint64_t *pages, struct err *err)
{
    int in_log = 0, copied = 0, rc = ERR_OK;
    if (pages)
        *pages = 0;
    if (db->simulated)
        return ERR_OK;
    int got =
        sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
    if (got == SQLITE_OK && truncate && in_log == copied) {
        (void)sqlite3_busy_timeout(db->sqlite, 0); /* a reader is not waited for */
        got = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        (void)sqlite3_busy_timeout(db->sqlite, DATABASE_BUSY_MS);
    }
    if (got != SQLITE_OK && (got & 0xff) != SQLITE_BUSY)
        rc = refuse(db, err, "check the log of");
    if (pages && in_log > 0)
        *pages = (uint64_t)in_log;
    return rc;
}

static int backup_pages(struct database *db, struct database *copy, struct err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(copy->sqlite, "main", db->sqlite, "main");
    if (!b)
        return refuse(copy, err, "write to");
    int got = sqlite3_backup_step(b, -1);
    (void)sqlite3_backup_finish(b);
    return got == SQLITE_DONE ? ERR_OK : refuse(copy, err, "write to");
}

static int sync_folder_of(const char *path, struct err *err)
{
    struct buf folder = {0};
    const char *slash = strrchr(path, '/');
    buf_append(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int fd = open(buf_text(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = ERR_OK;
    if (fd < 0 || fsync(fd) != 0)
        rc = err_set_errno(err, errno, "%s", buf_text(&folder));
    if (fd >= 0)
        (void)close(fd);
    buf_free(&folder);
    return rc;
}

int database_backup(struct database *db, const char *path, unsigned mode, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == EEXIST)
        return err_set(err, ERR_BUSY, "%s is there already: name a folder without it", path);
    if (fd < 0 || fchmod(fd, mode) != 0) {
        int rc = err_set_errno(err, errno, "%s", path);
        if (fd >= 0)
            (void)close(fd);
        return rc;
    }
    struct database copy = {.path = mem_copy_text(path, strlen(path))};
    int rc = open_sqlite(&copy, path, SQLITE_OPEN_READWRITE, err);
    if (rc == ERR_OK)
        rc = backup_pages(db, &copy, err);
    if (sqlite3_close(copy.sqlite) != SQLITE_OK && rc == ERR_OK)
        rc = err_set(err, ERR_IO, "cannot close the database %s", path);
    mem_free(copy.path);
    if (rc == ERR_OK && fsync(fd) != 0)
        rc = err_set_errno(err, errno, "%s", path);
    (void)close(fd);
    if (rc == ERR_OK)
        rc = sync_folder_of(path, err);
    return rc;
}

int database_check(struct database *db, struct err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = ERR_OK;
    if (sqlite3_prepare_v2(db->sqlite, "PRAGMA integrity_check(1)", -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW) {
        rc = refuse(db, err, "check");
    } else {
        const char *found = (const char *)sqlite3_column_text(s, 0);
        if (!found || strcmp(found, "ok") != 0)
            rc = err_set(err, ERR_DAMAGED, "the database %s is damaged: %s", db->path,
                         found ? found : "nothing can be read");
    }
    (void)sqlite3_finalize(s);
    return rc;
}

/* An error that no state of the file can cause. */
static bool sql_is_wrong(const char *message)
{
    return strstr(message, "syntax error") || strstr(message, "incomplete input") ||
           strstr(message, "unrecognized token");
}

static void statement_prepare(struct statement *s, unsigned flags)
{
    struct database *db = s->db;
    if (sqlite3_prepare_v3(db->sqlite, s->sql, -1, flags, &s->prepared, NULL) != SQLITE_OK) {
        check(!sql_is_wrong(sqlite3_errmsg(db->sqlite)));
        (void)refuse(db, &s->failed, "read");
    }
    check(s->prepared || s->failed.code != ERR_OK);
}

static struct statement *statement_make(struct database *db, const char *sql)
{
    struct statement *s = mem_zeroed(1, sizeof(*s));
    s->db = db;
    s->sql = mem_copy_text(sql, strlen(sql));
    return s;
}

struct statement *statement_open(struct database *db, const char *sql)
{
    struct statement *s = statement_make(db, sql);
    statement_prepare(s, 0);
    return s;
}

void statement_close(struct statement **s)
{
    if (!*s)
        return;
    (void)sqlite3_finalize((*s)->prepared);
    mem_free((*s)->sql);
    mem_free(*s);
    *s = NULL;
}

struct statement *statement_get(struct database *db, const char *sql)
{
    struct map_entry *known = map_find(&db->by_text, slice_from(sql));
    struct statement *s;
    if (known) {
        s = (struct statement *)(uintptr_t)known->value;
        statement_reset(s);
        if (s->prepared)
            return s;
    } else {
        check(db->by_text.count < DATABASE_STATEMENTS_MAX);
        s = statement_make(db, sql);
        s->next = db->statements;
        db->statements = s;
        (void)map_put(&db->by_text, slice_from(s->sql), (uintptr_t)s, NULL);
    }
    statement_prepare(s, SQLITE_PREPARE_PERSISTENT);
    return s;
}

/* Binding fails for a parameter that is not there or for a text that is too long. */
static void bound(struct statement *s, int sqlite_code)
{
    check(sqlite_code != SQLITE_RANGE && sqlite_code != SQLITE_MISUSE);
    if (sqlite_code != SQLITE_OK)
        (void)refuse(s->db, &s->failed, "write to");
}

void statement_u64(struct statement *s, int parameter, uint64_t value)
{
    statement_i64(s, parameter, (int64_t)value);
}

void statement_i64(struct statement *s, int parameter, int64_t value)
{
    if (s->prepared)
        bound(s, sqlite3_bind_int64(s->prepared, parameter, value));
}

void statement_text(struct statement *s, int parameter, struct slice value)
{
    if (s->prepared)
        bound(s, sqlite3_bind_text64(s->prepared, parameter, value.len ? value.data : "", value.len,
                                     SQLITE_TRANSIENT, SQLITE_UTF8));
}

void statement_blob(struct statement *s, int parameter, struct slice value)
{
    if (s->prepared)
        bound(s, sqlite3_bind_blob64(s->prepared, parameter, value.len ? value.data : "", value.len,
                                     SQLITE_TRANSIENT));
}

void statement_null(struct statement *s, int parameter)
{
    if (s->prepared)
        bound(s, sqlite3_bind_null(s->prepared, parameter));
}

int statement_step(struct statement *s, struct err *err)
{
    int rc;
    if (s->failed.code != ERR_OK) {
        rc = err_set(err, s->failed.code, "%s", s->failed.text);
    } else {
        int got = sqlite3_step(s->prepared);
        if (got == SQLITE_ROW)
            return ERR_OK;
        rc = got == SQLITE_DONE
                 ? ERR_END
                 : refuse(s->db, err, sqlite3_stmt_readonly(s->prepared) ? "read" : "change");
    }
    statement_reset(s);
    return rc;
}

int statement_run(struct statement *s, struct err *err)
{
    int rc;
    do
        rc = statement_step(s, err);
    while (rc == ERR_OK);
    return rc == ERR_END ? ERR_OK : rc;
}

void statement_reset(struct statement *s)
{
    s->failed = (struct err){0};
    if (s->prepared) {
        (void)sqlite3_reset(s->prepared);
        (void)sqlite3_clear_bindings(s->prepared);
    }
}

uint64_t statement_column_u64(struct statement *s, int column)
{
    return (uint64_t)sqlite3_column_int64(s->prepared, column);
}

int64_t statement_column_i64(struct statement *s, int column)
{
    return sqlite3_column_int64(s->prepared, column);
}

struct slice statement_column_text(struct statement *s, int column)
{
    const char *data = sqlite3_column_type(s->prepared, column) == SQLITE_BLOB
                           ? sqlite3_column_blob(s->prepared, column)
                           : (const char *)sqlite3_column_text(s->prepared, column);
    int len = sqlite3_column_bytes(s->prepared, column);
    return slice_make(data ? data : "", data && len > 0 ? (size_t)len : 0);
}

bool statement_column_is_null(struct statement *s, int column)
{
    return sqlite3_column_type(s->prepared, column) == SQLITE_NULL;
}
