#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/database.h"
#include "base/disk_sim.h"

struct place {
    char folder[64];
    struct disk *disk;
};

static int open_real(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    memcpy(p->folder, "/tmp/canh-database-XXXXXX", 26);
    *state = p;
    return mkdtemp(p->folder) && disk_open_folder(&p->disk, p->folder, NULL) == ERR_OK ? 0 : -1;
}

static int open_simulated(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    *state = p;
    p->disk = disk_sim_open(1);
    return 0;
}

static int remove_entry(void *context, const struct disk_entry *entry)
{
    return disk_remove(context, entry->name, NULL);
}

static int close_place(void **state)
{
    struct place *p = *state;
    int rc = 0;
    if (disk_is_real(p->disk)) {
        (void)chmod(p->folder, 0700);
        rc = disk_list(p->disk, "", remove_entry, p->disk, NULL);
        disk_close_folder(&p->disk);
        rc |= rmdir(p->folder);
    } else {
        disk_sim_close(&p->disk);
    }
    free(p);
    return rc;
}

static struct database *open_database(struct disk *disk, enum database_mode mode)
{
    struct database *db;
    struct err err = {0};
    int rc = database_open(&db, disk, "test.db", mode, &err);
    if (rc != ERR_OK)
        print_error("%s\n", err.text);
    assert_int_equal(rc, ERR_OK);
    return db;
}

static void run(struct database *db, const char *sql)
{
    struct err err = {0};
    int rc = database_run(db, sql, &err);
    if (rc != ERR_OK)
        print_error("%s\n", err.text);
    assert_int_equal(rc, ERR_OK);
}

static uint64_t number_of(struct database *db, const char *sql)
{
    struct statement *s = statement_get(db, sql);
    assert_int_equal(statement_step(s, NULL), ERR_OK);
    uint64_t number = statement_column_u64(s, 0);
    statement_reset(s);
    return number;
}

static void test_statements(void **state)
{
    struct database *db = open_database(((struct place *)*state)->disk, DATABASE_WRITE);
    run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, bytes BLOB) STRICT;"
            "CREATE INDEX t_name ON t (name)");
    struct statement *put = statement_get(db, "INSERT INTO t VALUES (?, ?, ?)");
    statement_u64(put, 1, UINT64_MAX - 1);
    statement_text(put, 2, SLICE("tên"));
    statement_blob(put, 3, SLICE("a\0b"));
    assert_int_equal(statement_run(put, NULL), ERR_OK);
    assert_ptr_equal(statement_get(db, "INSERT INTO t VALUES (?, ?, ?)"), put);
    statement_i64(put, 1, 7);
    statement_text(put, 2, slice_make(NULL, 0));
    statement_null(put, 3);
    assert_int_equal(statement_step(put, NULL), ERR_END);
    statement_i64(put, 1, 8); /* what was bound before is forgotten */
    assert_int_equal(statement_run(put, NULL), ERR_OK);
    struct statement *get = statement_get(db, "SELECT id, name, bytes FROM t ORDER BY id");
    assert_int_equal(statement_step(get, NULL), ERR_OK);
    assert_true(statement_column_u64(get, 0) == UINT64_MAX - 1);
    assert_int_equal(statement_column_i64(get, 0), -2);
    assert_true(slice_equal(statement_column_text(get, 1), SLICE("tên")));
    assert_true(slice_equal(statement_column_text(get, 2), SLICE("a\0b")));
    assert_int_equal(statement_step(get, NULL), ERR_OK);
    assert_int_equal(statement_column_text(get, 1).len, 0);
    assert_false(statement_column_is_null(get, 1));
    assert_true(statement_column_is_null(get, 2));
    assert_int_equal(statement_column_text(get, 2).len, 0);
    assert_int_equal(statement_step(get, NULL), ERR_OK);
    assert_true(statement_column_is_null(get, 1));
    assert_int_equal(statement_step(get, NULL), ERR_END);
    assert_int_equal(statement_step(get, NULL), ERR_OK); /* from the start again */
    struct err err;
    statement_i64(put, 1, 8);
    assert_int_equal(statement_run(put, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "UNIQUE"));
    assert_int_equal(database_check(db, &err), ERR_OK);
    database_close(&db);
    assert_null(db);
    database_close(&db);
}

static void test_transactions(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct database *db = open_database(disk, DATABASE_WRITE);
    run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    assert_int_equal(database_begin(db, NULL), ERR_OK);
    run(db, "INSERT INTO t VALUES (1)");
    database_roll_back(db);
    database_roll_back(db);
    assert_int_equal(number_of(db, "SELECT count(*) FROM t"), 0);
    assert_int_equal(database_begin(db, NULL), ERR_OK);
    run(db, "INSERT INTO t VALUES (1)");
    assert_int_equal(database_commit(db, NULL), ERR_OK);
    database_close(&db);
    db = open_database(disk, DATABASE_WRITE);
    assert_int_equal(number_of(db, "SELECT count(*) FROM t"), 1);
    run(db, "PRAGMA foreign_keys"); /* rows of such a run are not read */
    assert_int_equal(number_of(db, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number_of(db, "PRAGMA synchronous"), 3);
    assert_int_equal(number_of(db, "PRAGMA temp_store"), 2);
    assert_int_equal(number_of(db, "PRAGMA trusted_schema"), 0);
    database_close(&db);
}

static void test_readers(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct database *reader;
    struct err err;
    assert_int_equal(database_open(&reader, disk, "test.db", DATABASE_READ, &err), ERR_NOT_FOUND);
    assert_null(reader);
    struct database *writer = open_database(disk, DATABASE_WRITE);
    run(writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    reader = open_database(disk, DATABASE_READ);
    assert_int_equal(number_of(reader, "SELECT count(*) FROM t"), 0);
    run(writer, "INSERT INTO t VALUES (1)");
    assert_int_equal(number_of(reader, "SELECT count(*) FROM t"), 1);
    assert_int_equal(database_run(reader, "INSERT INTO t VALUES (2)", &err), ERR_USAGE);
    assert_int_equal(database_begin(writer, NULL), ERR_OK);
    run(writer, "INSERT INTO t VALUES (3)");
    assert_int_equal(number_of(reader, "SELECT count(*) FROM t"), 1);
    assert_int_equal(database_commit(writer, NULL), ERR_OK);
    assert_int_equal(number_of(reader, "SELECT count(*) FROM t"), 2);
    database_close(&reader);
    database_close(&writer);
}

/* A view of several reads: on a real disk the writer goes on meanwhile, on a simulated one it is
 * told to wait. */
static void test_views(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct database *writer = open_database(disk, DATABASE_WRITE);
    run(writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)");
    struct database *reader = open_database(disk, DATABASE_READ);
    assert_int_equal(database_begin_read(reader, NULL), ERR_OK);
    int rc = database_run(writer, "INSERT INTO t VALUES (1)", NULL);
    assert_int_equal(rc, disk_is_real(disk) ? ERR_OK : ERR_BUSY);
    assert_int_equal(number_of(reader, "SELECT count(*) FROM t"), 0);
    database_roll_back(reader);
    if (rc != ERR_OK)
        run(writer, "INSERT INTO t VALUES (1)");
    assert_int_equal(number_of(reader, "SELECT count(*) FROM t"), 1);
    database_close(&reader);
    database_close(&writer);
}

static void test_one_writer(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct database *one = open_database(disk, DATABASE_WRITE);
    struct database *two = open_database(disk, DATABASE_WRITE);
    run(two, "PRAGMA busy_timeout=1");
    struct err err;
    assert_int_equal(database_begin(one, NULL), ERR_OK);
    assert_int_equal(database_begin(two, &err), ERR_BUSY);
    assert_non_null(strstr(err.text, "test.db"));
    database_roll_back(one);
    assert_int_equal(database_begin(two, NULL), ERR_OK);
    database_roll_back(two);
    database_close(&one);
    database_close(&two);
}

static void test_what_is_no_database(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct database *db;
    struct err err;
    char text[8192];
    memset(text, 'x', sizeof(text));
    assert_int_equal(disk_write_file(disk, "test.db", slice_make(text, sizeof(text)), NULL), 0);
    assert_int_equal(database_open(&db, disk, "test.db", DATABASE_WRITE, &err), ERR_DAMAGED);
    assert_null(db);
    assert_int_equal(database_open(&db, disk, "test.db", DATABASE_READ, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "test.db"));
    assert_int_equal(database_open(&db, disk, "none/test.db", DATABASE_WRITE, &err),
                     disk_is_real(disk) ? ERR_IO : ERR_NOT_FOUND);
    assert_int_equal(disk_remove(disk, "test.db", NULL), ERR_OK);
    db = open_database(disk, DATABASE_WRITE);
    struct statement *s = statement_get(db, "SELECT a FROM missing WHERE b = ?");
    statement_u64(s, 1, 3);
    assert_int_equal(statement_step(s, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "missing"));
    run(db, "CREATE TABLE missing (a, b)");
    s = statement_get(db, "SELECT a FROM missing WHERE b = ?");
    statement_u64(s, 1, 3);
    assert_int_equal(statement_step(s, &err), ERR_END);
    database_close(&db);
}

static void test_damage_is_found(void **state)
{
    struct disk *disk = ((struct place *)*state)->disk;
    struct database *db = open_database(disk, DATABASE_WRITE);
    run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);"
            "CREATE INDEX t_name ON t (name);"
            "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
            " INSERT INTO t SELECT i, 'name ' || i FROM n");
    assert_int_equal(database_check(db, NULL), ERR_OK);
    database_close(&db);
    struct disk_file *file;
    assert_int_equal(disk_open(disk, &file, "test.db", DISK_WRITE, NULL), ERR_OK);
    assert_int_equal(disk_write(file, 4096 + 8, "\xff\xff\xff\xff", 4, NULL), ERR_OK);
    disk_close(&file);
    db = open_database(disk, DATABASE_READ);
    struct err err;
    assert_int_equal(database_check(db, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "test.db"));
    database_close(&db);
}

/* As root every folder can be written: the reading is then done by nobody. */
static int read_as_nobody(struct place *p)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 1;
    if (access(p->folder, W_OK) == 0)
        return 2;
    struct database *db;
    if (database_open(&db, p->disk, "test.db", DATABASE_READ, NULL) != ERR_OK)
        return 3;
    struct statement *s = statement_get(db, "SELECT count(*) FROM t");
    int found = statement_step(s, NULL) == ERR_OK && statement_column_u64(s, 0) == 1;
    database_close(&db);
    return found ? 0 : 4;
}

static void test_reading_where_nothing_can_be_written(void **state)
{
    struct place *p = *state;
    struct database *db = open_database(p->disk, DATABASE_WRITE);
    run(db, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    database_close(&db);
    struct buf path = {0};
    buf_printf(&path, "%s/test.db", p->folder);
    assert_false(disk_exists(p->disk, "test.db-wal"));
    assert_int_equal(chmod(buf_text(&path), 0444), 0);
    assert_int_equal(chmod(p->folder, 0555), 0);
    buf_free(&path);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(read_as_nobody(p));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_a_query_without_end_is_ended(void **state)
{
    struct place *p = *state;
    struct database *db = open_database(p->disk, DATABASE_WRITE);
    static const char endless[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                                  " SELECT count(*) FROM n";
    struct err err = {0};
    struct statement *s = statement_open(db, endless);
    database_deadline(db, 1);
    assert_int_equal(statement_step(s, &err), ERR_CANCELED);
    assert_true(database_said(db, &err));
    err.text[0]++;
    assert_false(database_said(db, &err));
    database_deadline(db, 0);
    statement_close(&s);
    assert_null(s);
    assert_int_equal(database_run(db, "CREATE TABLE t(a)", NULL), ERR_OK);
    database_close(&db);
}

/* With a rollback journal two connections take turns. */
static void test_two_may_write(void **state)
{
    struct place *p = *state;
    struct database *one = open_database(p->disk, DATABASE_WRITE_MANY),
                    *two = open_database(p->disk, DATABASE_WRITE_MANY);
    assert_int_equal(database_run(one, "CREATE TABLE t(a)", NULL), ERR_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(database_run(one, "INSERT INTO t VALUES(1)", NULL), ERR_OK);
        assert_int_equal(database_run(two, "INSERT INTO t VALUES(2)", NULL), ERR_OK);
    }
    struct statement *s = statement_get(one, "SELECT sum(a) FROM t");
    assert_int_equal(statement_step(s, NULL), ERR_OK);
    assert_int_equal(statement_column_i64(s, 0), 15);
    statement_reset(s);
    assert_false(disk_exists(p->disk, "test.db-wal"));
    database_close(&one);
    database_close(&two);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, open_real, close_place),                                 \
        cmocka_unit_test_setup_teardown(test, open_simulated, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_statements),
        BOTH(test_transactions),
        BOTH(test_readers),
        BOTH(test_views),
        BOTH(test_one_writer),
        BOTH(test_what_is_no_database),
        BOTH(test_damage_is_found),
        BOTH(test_a_query_without_end_is_ended),
        BOTH(test_two_may_write),
        cmocka_unit_test_setup_teardown(test_reading_where_nothing_can_be_written, open_real,
                                        close_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
