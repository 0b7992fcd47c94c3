/* Migrations: a database file brought from any earlier version to this program's, step by numbered
 * step, in one transaction. A file of a later version is refused and left as it is.
 *
 * The number stands in PRAGMA user_version, which application it is in PRAGMA application_id.
 * Threads: the database's. */
#pragma once
#include "base/database.h"

enum { MIGRATION_TEXTS_MAX = 4 };
/* From version i to i + 1, for i its place in the table: SQL texts, run one after the other, never
 * changed once they were released. */
struct migration {
    const char *texts[MIGRATION_TEXTS_MAX]; /* NULL: no more */
};
struct migration_set {
    int32_t application_id;
    const char *name; /* "state.db", for messages */
    const struct migration *steps;
    uint32_t count; /* this program's version */
};
/* A writer's: *from (may be NULL) is the version it had. ERR_UNSUPPORTED: of a later program: says
 * which version of Canh is needed at least to read it, in numbers of the file. ERR_DAMAGED: another
 * application's. */
MUST_CHECK int migrate_up(struct database *db, const struct migration_set *set, uint32_t *from,
                          struct err *err);
/* A reader's: whether it is of this version. ERR_BUSY: an earlier one, a writer has to start first;
 * ERR_UNSUPPORTED, ERR_DAMAGED as above. */
MUST_CHECK int migrate_check(struct database *db, const struct migration_set *set, struct err *err);
