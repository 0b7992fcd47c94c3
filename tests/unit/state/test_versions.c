/* State files of every earlier version (versions/N.sql: what this program's migrations made of a
 * new file when N was the newest, with some rows) are brought up, and nothing of them is lost. A
 * version that was released gets its file here, once, and neither file nor migration is changed
 * any more (versions/make.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "state/audit.h"
#include "unit/state/state_bed.h"

static const char marks[] = "PRAGMA user_version";

/* DATA/state/state.db as the dump of a version has it; false: there is none. */
static bool file_make(struct bed *b, uint32_t version)
{
    char path[256];
    struct buf sql = {0};
    struct disk *disk;
    struct database *db;
    struct err err = {0};
    bed_folder(b);
    b->options.key = NULL;
    (void)snprintf(path, sizeof(path), "%s/tests/unit/state/versions/%u.sql", CANH_SOURCE, version);
    if (access(path, R_OK) != 0)
        return false;
    assert_int_equal(io_read_file(&sql, path, 1 << 20, &err), ERR_OK);
    (void)snprintf(path, sizeof(path), "%s/state", b->folder);
    assert_int_equal(mkdir(path, 0750), 0);
    assert_int_equal(disk_open_folder(&disk, b->folder, &err), ERR_OK);
    mode_t mask = umask(027);
    assert_int_equal(database_open(&db, disk, STATE_FILE, DATABASE_WRITE, &err), ERR_OK);
    (void)umask(mask);
    if (database_run(db, buf_text(&sql), &err) != ERR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(bed_number(db, marks), version);
    database_close(&db);
    disk_close_folder(&disk);
    buf_free(&sql);
    return true;
}

static void test_every_version_is_brought_up(void **state)
{
    (void)state;
    for (uint32_t version = 1; version <= state_migrations.count; version++) {
        struct bed b;
        struct audit_verified v;
        if (!file_make(&b, version))
            fail_msg("versions/%u.sql is missing", version);
        bed_start(&b);
        struct database *db = state_db(b.state);
        assert_int_equal(bed_number(db, marks), state_migrations.count);
        assert_int_equal(database_check(db, NULL), ERR_OK);
        assert_true(bed_text_is(db, "SELECT title FROM unit WHERE name = 'so-y-te'", "Sở Y tế"));
        assert_true(bed_text_is(db, "SELECT role FROM user WHERE name = 'an'", "officer"));
        assert_true(bed_text_is(db, "SELECT subject FROM outbox", "s"));
        assert_int_equal(audit_verify(db, NULL, SLICE(""), NULL, NULL, &v, NULL), ERR_OK);
        assert_int_equal(v.problems, 1); /* no key: the only one */
        assert_int_equal(v.rows, 3);
        assert_int_equal(bed_note(&b, "goes on"), ERR_OK);
        bed_close(&b);
    }
}

/* The same tables, whether made at once or step by step. */
static void test_schemas_come_out_the_same(void **state)
{
    (void)state;
    static const char schema[] =
        "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE name NOT LIKE "
        "'note%' AND name NOT LIKE '%note%' ORDER BY name)";
    struct bed fresh;
    struct arena arena = {0};
    bed_open_state(&fresh);
    struct statement *s = statement_open(state_db(fresh.state), schema);
    assert_int_equal(statement_step(s, NULL), ERR_OK);
    const char *expected = arena_copy(&arena, statement_column_text(s, 0)).data;
    statement_close(&s);
    for (uint32_t version = 1; version <= state_migrations.count; version++) {
        struct bed b;
        assert_true(file_make(&b, version));
        bed_start(&b);
        assert_true(bed_text_is(state_db(b.state), schema, expected));
        bed_close(&b);
    }
    arena_free(&arena);
    bed_close(&fresh);
}

static void test_a_later_file_is_left_as_it_is(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    struct database *db;
    struct disk *disk;
    assert_true(file_make(&b, state_migrations.count));
    assert_int_equal(disk_open_folder(&disk, b.folder, &err), ERR_OK);
    assert_int_equal(database_open(&db, disk, STATE_FILE, DATABASE_WRITE, &err), ERR_OK);
    assert_int_equal(database_run(db, "PRAGMA user_version=99", &err), ERR_OK);
    database_close(&db);
    assert_int_equal(state_open(&b.state, &b.options, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "version 99"));
    assert_int_equal(database_open(&db, disk, STATE_FILE, DATABASE_READ, &err), ERR_OK);
    assert_int_equal(bed_number(db, marks), 99);
    assert_int_equal(bed_number(db, "SELECT count(*) FROM audit"), 3);
    database_close(&db);

    assert_int_equal(database_open(&db, disk, STATE_FILE, DATABASE_WRITE, &err), ERR_OK);
    assert_int_equal(database_run(db, "PRAGMA user_version=1; PRAGMA application_id=7", &err),
                     ERR_OK);
    database_close(&db);
    assert_int_equal(state_open(&b.state, &b.options, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "another program"));
    disk_close_folder(&disk);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_version_is_brought_up),
        cmocka_unit_test(test_schemas_come_out_the_same),
        cmocka_unit_test(test_a_later_file_is_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
