#include "base/migrate.h"

#include <stdio.h>

/* What a file says of itself. */
struct mark {
    int64_t application_id, version;
    bool empty; /* no table yet */
};

static int number_read(struct database *db, const char *sql, int64_t *out, struct err *err)
{
    struct statement *s = statement_open(db, sql);
    int rc = statement_step(s, err);
    if (rc == ERR_OK)
        *out = statement_column_i64(s, 0);
    statement_close(&s);
    return rc;
}

static int mark_read(struct database *db, struct mark *out, struct err *err)
{
    int64_t tables = 0;
    int rc = number_read(db, "PRAGMA application_id", &out->application_id, err);
    if (rc == ERR_OK)
        rc = number_read(db, "PRAGMA user_version", &out->version, err);
    if (rc == ERR_OK)
        rc = number_read(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    out->empty = tables == 0;
    return rc;
}

/* A file that this program may work with, of its version or of an earlier one. */
static int mark_check(const struct migration_set *set, const struct mark *mark, struct err *err)
{
    if (mark->empty && mark->application_id == 0 && mark->version == 0)
        return ERR_OK;
    if (mark->application_id != set->application_id || mark->version < 1)
        return err_set(err, ERR_DAMAGED,
                       "%s is another program's database: move it away, or name another data "
                       "folder",
                       set->name);
    if (mark->version > set->count)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s has version %lld, this Canh knows versions up to %u: it was left as it "
                       "is; use the newer Canh that wrote it, or restore a backup made before",
                       set->name, (long long)mark->version, set->count);
    return ERR_OK;
}

static int foreign_keys_check(struct database *db, const struct migration_set *set, struct err *err)
{
    struct statement *s = statement_open(db, "PRAGMA foreign_key_check");
    int rc = statement_step(s, err);
    statement_close(&s);
    if (rc == ERR_OK)
        return err_set(err, ERR_DAMAGED,
                       "%s holds rows that name others that are not there: restore a backup",
                       set->name);
    return rc == ERR_END ? ERR_OK : rc;
}

static int steps_run(struct database *db, const struct migration_set *set, uint32_t from,
                     struct err *err)
{
    char marks[96];
    int rc = ERR_OK;
    for (uint32_t i = from; rc == ERR_OK && i < set->count; i++) {
        const char *const *texts = set->steps[i].texts;
        for (uint32_t t = 0; rc == ERR_OK && t < MIGRATION_TEXTS_MAX && texts[t]; t++)
            rc = database_run(db, texts[t], err);
        if (rc)
            (void)err_prefix(err, "%s, from version %u to %u", set->name, i, i + 1);
    }
    if (rc == ERR_OK && from > 0)
        rc = foreign_keys_check(db, set, err);
    (void)snprintf(marks, sizeof(marks), "PRAGMA user_version=%u; PRAGMA application_id=%d",
                   set->count, set->application_id);
    return rc == ERR_OK ? database_run(db, marks, err) : rc;
}

int migrate_up(struct database *db, const struct migration_set *set, uint32_t *from,
               struct err *err)
{
    struct mark mark = {0};
    int rc = database_begin(db, err);
    if (rc)
        return rc;
    rc = mark_read(db, &mark, err);
    if (rc == ERR_OK)
        rc = mark_check(set, &mark, err);
    if (rc == ERR_OK && from)
        *from = (uint32_t)mark.version;
    if (rc == ERR_OK && mark.version < set->count) {
        rc = steps_run(db, set, (uint32_t)mark.version, err);
        if (rc == ERR_OK)
            return database_commit(db, err);
    }
    database_roll_back(db);
    return rc;
}

int migrate_check(struct database *db, const struct migration_set *set, struct err *err)
{
    struct mark mark = {0};
    int rc = mark_read(db, &mark, err);
    if (rc == ERR_OK)
        rc = mark_check(set, &mark, err);
    if (rc == ERR_OK && mark.version < set->count)
        rc = err_set(err, ERR_BUSY,
                     "%s is of version %lld and is to be brought to %u first: start Canh (`canh "
                     "serve`) once",
                     set->name, (long long)mark.version, set->count);
    return rc;
}
