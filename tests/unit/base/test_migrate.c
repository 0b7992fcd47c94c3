#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/disk_sim.h"
#include "base/migrate.h"

enum { APPLICATION = 0x43616e54 };
static const struct migration steps[] = {
    {{"CREATE TABLE a(id INTEGER PRIMARY KEY, b INTEGER) STRICT; INSERT INTO a VALUES(1, 7);",
      "CREATE TABLE c(a_id INTEGER REFERENCES a(id)) STRICT"}},
    {{"ALTER TABLE a ADD COLUMN d TEXT NOT NULL DEFAULT 'x'"}},
    {{"UPDATE a SET b = b + 1", "INSERT INTO a(id, b) VALUES(2, 2)"}},
};
static const struct migration bad_steps[] = {
    {{"CREATE TABLE a(id INTEGER PRIMARY KEY, b INTEGER) STRICT"}},
    {{"UPDATE a SET b = 1", "INSERT INTO nothing VALUES(1)"}},
};

static struct migration_set set_of(uint32_t count)
{
    return (struct migration_set){APPLICATION, "test.db", steps, count};
}

static struct database *db_open(struct disk *disk)
{
    struct database *db;
    assert_int_equal(database_open(&db, disk, "test.db", DATABASE_WRITE, NULL), ERR_OK);
    return db;
}

static int64_t number(struct database *db, const char *sql)
{
    struct statement *s = statement_open(db, sql);
    assert_int_equal(statement_step(s, NULL), ERR_OK);
    int64_t n = statement_column_i64(s, 0);
    statement_close(&s);
    return n;
}

static void test_from_every_version(void **state)
{
    (void)state;
    for (uint32_t first = 0; first <= 3; first++) {
        struct disk *disk = disk_sim_open(1);
        struct database *db = db_open(disk);
        struct migration_set old = set_of(first), new = set_of(3);
        uint32_t from = 99;
        if (first > 0)
            assert_int_equal(migrate_up(db, &old, NULL, NULL), ERR_OK);
        struct err err = {0};
        assert_int_equal(migrate_check(db, &new, &err), first < 3 ? ERR_BUSY : ERR_OK);
        assert_int_equal(migrate_up(db, &new, &from, NULL), ERR_OK);
        assert_int_equal(from, first);
        assert_int_equal(number(db, "SELECT sum(b) FROM a"), 10);
        assert_int_equal(number(db, "SELECT count(*) FROM a WHERE d = 'x'"), 2);
        assert_int_equal(number(db, "PRAGMA user_version"), 3);
        assert_int_equal(number(db, "PRAGMA application_id"), APPLICATION);
        assert_int_equal(migrate_up(db, &new, &from, NULL), ERR_OK); /* nothing to do */
        assert_int_equal(from, 3);
        assert_int_equal(number(db, "SELECT sum(b) FROM a"), 10);
        database_close(&db);
        disk_sim_close(&disk);
    }
}

static void test_later_and_foreign_files_are_left(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct database *db = db_open(disk);
    struct migration_set old = set_of(2), new = set_of(3), other = set_of(3);
    struct err err = {0};
    other.application_id++;
    assert_int_equal(migrate_up(db, &new, NULL, NULL), ERR_OK);
    assert_int_equal(migrate_up(db, &old, NULL, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "version 3"));
    assert_int_equal(migrate_check(db, &old, NULL), ERR_UNSUPPORTED);
    assert_int_equal(migrate_up(db, &other, NULL, &err), ERR_DAMAGED);
    assert_int_equal(migrate_check(db, &other, NULL), ERR_DAMAGED);
    assert_int_equal(number(db, "PRAGMA user_version"), 3);
    assert_int_equal(number(db, "SELECT sum(b) FROM a"), 10);
    database_close(&db);
    disk_sim_close(&disk);

    disk = disk_sim_open(1);
    db = db_open(disk); /* one with tables, of nobody we know */
    assert_int_equal(database_run(db, "CREATE TABLE a(x)", NULL), ERR_OK);
    assert_int_equal(migrate_up(db, &new, NULL, NULL), ERR_DAMAGED);
    database_close(&db);
    disk_sim_close(&disk);
}

static void test_a_failed_step_leaves_the_old_version(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct database *db = db_open(disk);
    struct migration_set one = {APPLICATION, "test.db", bad_steps, 1},
                         two = {APPLICATION, "test.db", bad_steps, 2};
    struct err err = {0};
    assert_int_equal(migrate_up(db, &one, NULL, NULL), ERR_OK);
    assert_int_equal(database_run(db, "INSERT INTO a VALUES(1, 5)", NULL), ERR_OK);
    assert_int_not_equal(migrate_up(db, &two, NULL, &err), ERR_OK);
    assert_non_null(strstr(err.text, "from version 1 to 2"));
    assert_false(database_in_transaction(db));
    assert_int_equal(number(db, "PRAGMA user_version"), 1);
    assert_int_equal(number(db, "SELECT b FROM a"), 5);
    database_close(&db);
    disk_sim_close(&disk);
}

/* Rows that name rows that are not there, made by a step or there before. */
static void test_references_are_checked(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct database *db = db_open(disk);
    struct migration_set old = set_of(2), new = set_of(3);
    assert_int_equal(migrate_up(db, &old, NULL, NULL), ERR_OK);
    assert_int_equal(database_run(db, "PRAGMA foreign_keys=OFF; INSERT INTO c VALUES(77)", NULL),
                     ERR_OK);
    assert_int_equal(migrate_up(db, &new, NULL, NULL), ERR_DAMAGED);
    assert_int_equal(number(db, "PRAGMA user_version"), 2);
    database_close(&db);
    disk_sim_close(&disk);
}

/* Power goes while it is brought up: then it is of the old version or of the new one, whole. */
static void test_a_cut_at_every_point(void **state)
{
    (void)state;
    bool more = true;
    for (uint64_t n = 1; more; n++) {
        struct disk *disk = disk_sim_open(n);
        struct database *db = db_open(disk);
        struct migration_set old = set_of(1), new = set_of(3);
        assert_int_equal(migrate_up(db, &old, NULL, NULL), ERR_OK);
        disk_sim_cut_at(disk, n);
        int rc = migrate_up(db, &new, NULL, NULL);
        more = disk_sim_is_cut(disk);
        assert_int_equal(rc != ERR_OK, more);
        database_close(&db);
        disk_sim_restart(disk, DISK_SIM_POWER);
        db = db_open(disk);
        int64_t version = number(db, "PRAGMA user_version");
        assert_true(version == 1 || version == 3);
        assert_int_equal(migrate_up(db, &new, NULL, NULL), ERR_OK);
        assert_int_equal(number(db, "SELECT sum(b) FROM a"), 10);
        database_close(&db);
        disk_sim_close(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_every_version),
        cmocka_unit_test(test_later_and_foreign_files_are_left),
        cmocka_unit_test(test_a_failed_step_leaves_the_old_version),
        cmocka_unit_test(test_references_are_checked),
        cmocka_unit_test(test_a_cut_at_every_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
