/* Makes a state file as a version of the schema had it, with a row or two of what version 1 knew:
 * state_version FOLDER VERSION. For tests/unit/state/versions (make.sh there). */
#include <stdio.h>

#include "state/audit.h"
#include "state/outbox.h"
#include "state/state.h"

#define NOW_NS (1790000000 * CLOCK_SECOND_NS)

static int rows_make(struct database *db, struct err *err)
{
    static const char *const commands[] = {"unit.add", "user.add", "user.change"};
    struct audit *audit = NULL;
    int rc = database_run(db,
                          "INSERT INTO unit(name, title, kind, search, made_ns)"
                          " VALUES('so-y-te', 'Sở Y tế', 'department', 'so y te ', 5);"
                          "INSERT INTO user(name, title, role, unit_id, search, made_ns)"
                          " VALUES('an', 'An', 'officer', 1, 'an ', 6)",
                          err);
    if (rc == ERR_OK)
        rc = outbox_put(db, SLICE("duty"), SLICE("s"), SLICE("{}"), NOW_NS, NULL, err);
    if (rc == ERR_OK)
        rc = audit_open(&audit, db, NULL, NOW_NS, err);
    if (rc == ERR_OK)
        rc = database_begin(db, err);
    for (uint32_t i = 0; rc == ERR_OK && i < 3; i++) {
        struct audit_row row = {.time_ns = NOW_NS + i,
                                .actor = SLICE("unix:root"),
                                .command = slice_from(commands[i]),
                                .object = SLICE("unit/1"),
                                .unit_id = 1,
                                .detail = SLICE("{\"name\":\"so-y-te\"}")};
        rc = audit_add(audit, &row, err);
    }
    if (rc == ERR_OK)
        rc = audit_seal(audit, NOW_NS + 3, err);
    if (rc == ERR_OK)
        rc = database_commit(db, err);
    audit_close(&audit);
    return rc;
}

int main(int argc, char **argv)
{
    struct disk *disk = NULL;
    struct database *db = NULL;
    struct err err = {0};
    struct migration_set set = state_migrations;
    uint64_t version = 0;
    if (argc != 3 || !slice_to_u64(slice_from(argv[2]), &version) || version == 0 ||
        version > set.count) {
        fprintf(stderr, "usage: state_version FOLDER VERSION\n");
        return 2;
    }
    set.count = (uint32_t)version;
    int rc = disk_open_folder(&disk, argv[1], &err);
    if (rc == ERR_OK)
        rc = database_open(&db, disk, "state.db", DATABASE_WRITE, &err);
    if (rc == ERR_OK)
        rc = migrate_up(db, &set, NULL, &err);
    if (rc == ERR_OK)
        rc = rows_make(db, &err);
    database_close(&db);
    disk_close_folder(&disk);
    if (rc != ERR_OK)
        fprintf(stderr, "state_version: %s\n", err.text);
    return rc == ERR_OK ? 0 : 1;
}
