#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "formats/archive.h"

enum { OLD_ROWS = 330, NEW_ROWS = 40 };
#define OLD_START_NS (1790000000 * CLOCK_SECOND_NS)
#define DAY_NS       (86400 * CLOCK_SECOND_NS)

struct packed {
    struct buf bytes;
    size_t at;
};

static int64_t packed_read(void *context, char *to, size_t room, struct err *err)
{
    struct packed *p = context;
    (void)err;
    struct slice part = slice_part(buf_as_slice(&p->bytes), p->at, room);
    memcpy(to, part.data, part.len);
    p->at += part.len;
    return (int64_t)part.len;
}

static void folders_make(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        (void)mkdir(path, 0700);
        *at = '/';
    }
}

static void member_write(struct archive_stream *a, struct slice name, const char *folder)
{
    struct err err = {0};
    char path[1024], room[8192];
    (void)slice_cut(&name, '/'); /* the archive's own folder */
    (void)snprintf(path, sizeof path, "%s/%.*s", folder, (int)name.len, name.data);
    folders_make(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    int64_t got;
    while ((got = archive_read(a, room, sizeof room, &err)) > 0)
        assert_int_equal(fwrite(room, 1, (size_t)got, file), got);
    assert_int_equal(got, 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0); /* the key's */
}

/* The store of an earlier version, in a folder of its own. */
static void old_open(struct store_make *m, const char *name)
{
    struct err err = {0};
    struct packed p = {0};
    struct archive_source source = {.context = &p, .read = packed_read};
    struct archive_stream *a;
    struct slice member;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/unit/store/versions/%s", CANH_SOURCE, name);
    if (io_read_file(&p.bytes, path, 1 << 20, &err) != ERR_OK)
        fail_msg("%s", err.text);
    store_make_folder(m, 1);
    assert_int_equal(archive_open(&a, &source, &err), ERR_OK);
    while (archive_next(a, &member, &err) == ERR_OK)
        member_write(a, member, m->folder);
    archive_close(&a);
    buf_free(&p.bytes);
    m->now_ns = OLD_START_NS + 1000 * CLOCK_SECOND_NS;
    store_make_start(m, true);
}

static void new_rows(struct store_make *m)
{
    struct err err = {0};
    struct row_context about = {.partition = SLICE("windows"),
                                .source = SLICE("dc01"),
                                .file = SLICE("a.ndjson"),
                                .host = SLICE("srv-web"),
                                .sender = SLICE("token:7"),
                                .flags = ROW_DRILL};
    batch_begin(m->writer, m->now_ns, true);
    for (uint64_t i = 0; i < NEW_ROWS; i++) {
        uint32_t context, index;
        record_reset(&m->record);
        assert_int_equal(record_add(&m->record, SLICE("Number"), SLICE("7"), VALUE_NUMBER, 0, &err),
                         ERR_OK);
        assert_int_equal(batch_context(m->writer, &about, &context, &err), ERR_OK);
        assert_int_equal(batch_add(m->writer, context, m->now_ns, i, &m->record, &index, &err),
                         ERR_OK);
    }
    batch_end(m->writer, &m->batch);
    struct store_group group = {.batches = &m->batch, .batch_count = 1, .now_ns = m->now_ns};
    uint64_t sequence;
    assert_int_equal(store_append(m->store, &group, &sequence, &err), ERR_OK);
    assert_int_equal(sequence, OLD_ROWS + 1);
    m->now_ns += CLOCK_SECOND_NS;
}

static int old_row_check(void *context, const struct row *row)
{
    const struct row_context *c = row->context;
    char number[32];
    (void)context;
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)row->sequence - 1);
    assert_true(slice_equal(row->record->fields[1].value, slice_from(number)));
    assert_true(slice_equal(c->unit, SLICE("so-tttt")));
    assert_true(slice_equal(c->configured, SLICE("windows//sysmon")));
    assert_int_equal(c->host.len + c->sender.len, 0);
    assert_int_equal(c->flags, row->sequence % 10 ? ROW_HISTORICAL : ROW_INTERNAL);
    struct buf text = {0};
    row_canonical(row, &text);
    assert_true(slice_starts(buf_as_slice(&text), SLICE("canh-event 1\n")));
    buf_free(&text);
    return ERR_OK;
}

static int new_row_check(void *context, const struct row *row)
{
    (void)context;
    assert_true(slice_equal(row->context->host, SLICE("srv-web")));
    assert_true(slice_equal(row->context->sender, SLICE("token:7")));
    assert_int_equal(row->context->flags, ROW_DRILL);
    return ERR_OK;
}

static void all_there(struct store_make *m, uint64_t new_count)
{
    struct err err = {0};
    struct store_search search = {.from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE,
                                  .received_from_ns = CLOCK_NONE,
                                  .received_until_ns = CLOCK_NONE,
                                  .internal = true,
                                  .order = STORE_SEQUENCE};
    struct store_cursor *cursor;
    struct store_item item;
    uint64_t sequence = 0;
    assert_int_equal(store_search(m->store, &search, &cursor, &err), ERR_OK);
    while (store_next(cursor, &item, &err) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        assert_int_equal(item.row->sequence, ++sequence);
        if (sequence <= OLD_ROWS)
            (void)old_row_check(NULL, item.row);
        else
            (void)new_row_check(NULL, item.row);
    }
    store_cursor_close(&cursor);
    assert_int_equal(sequence, OLD_ROWS + new_count);
    assert_int_equal(store_get(m->store, 160, old_row_check, NULL, &err), ERR_OK);
    assert_int_equal(store_make_problems(m->store, true), 0);
}

static void test_a_store_of_version_1_is_read_verified_and_merged_with_new_rows(void **state)
{
    struct store_make m;
    struct err err = {0};
    uint64_t merged;
    (void)state;
    old_open(&m, "1.tar.xz");
    assert_true(slice_equal(carry_cursor(store_carry(m.store), SLICE("a.ndjson")), SLICE("330")));
    all_there(&m, 0);
    new_rows(&m);
    all_there(&m, NEW_ROWS);
    store_make_seal(&m);
    all_there(&m, NEW_ROWS);
    m.now_ns += 2 * DAY_NS;
    assert_int_equal(store_merge(m.store, m.now_ns, &merged, &err), ERR_OK);
    assert_int_equal(merged, 6); /* three of each partition: two old ones, one new one */
    all_there(&m, NEW_ROWS);
    store_make_stop(&m);
    store_make_start(&m, true);
    all_there(&m, NEW_ROWS);
    store_make_close(&m);
}

static void test_a_reader_and_a_rebuild_know_version_1(void **state)
{
    struct store_make m;
    struct store_rebuilt rebuilt;
    struct err err = {0};
    (void)state;
    old_open(&m, "1.tar.xz");
    store_make_stop(&m);
    assert_int_equal(store_rebuild(m.folder, m.now_ns, &rebuilt, &err), ERR_OK);
    assert_int_equal(rebuilt.segments, 4);
    assert_int_equal(rebuilt.damaged + rebuilt.dropped, 0);
    store_make_start(&m, false);
    all_there(&m, 0);
    store_make_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_of_version_1_is_read_verified_and_merged_with_new_rows),
        cmocka_unit_test(test_a_reader_and_a_rebuild_know_version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
