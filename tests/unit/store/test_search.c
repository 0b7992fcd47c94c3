/* Searching the embedded back end: what only it has: budgets, damage, meta fields, readers in other
 * processes, rows that were read with other mappings. */
#include "unit/store/search_bed.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULE(item)                                                                                 \
    "title: A\nlogsource: {category: any}\ndetection:\n    a: {" item "}\n    condition: a\n"

static struct search_bed bed;

static void test_memory_is_limited(void **state)
{
    (void)state;
    uint64_t got[BED_ROWS];
    uint32_t count;
    struct store_search search = search_bed_all(STORE_NEWEST);
    search_bed_open(&bed, false, true);
    search.rules = search_bed_rules(&bed, RULE("user|contains: 'n'"));
    search.memory_bytes = 16;
    assert_int_equal(search_bed_run(&bed, &search, got, &count, NULL), ERR_LIMIT);
    search.rules = NULL;
    search.memory_bytes = (size_t)64 << 20;
    assert_int_equal(search_bed_run(&bed, &search, got, &count, NULL), ERR_END);
    assert_int_equal(count, 20);
    search_bed_close(&bed);
}

static void test_cpu_is_limited(void **state)
{
    (void)state;
    uint64_t got[BED_ROWS];
    uint32_t count;
    struct store_search search = search_bed_all(STORE_NEWEST);
    search_bed_open(&bed, false, true);
    search.cpu_ns = 1;
    assert_int_equal(search_bed_run(&bed, &search, got, &count, NULL), ERR_LIMIT);
    search_bed_close(&bed);
}

static void meta_search(const char *rule, enum store_order order, uint64_t *got, uint32_t *count)
{
    struct store_search search = search_bed_all(order);
    search.rules = search_bed_rules(&bed, rule);
    search.meta = true;
    assert_int_equal(search_bed_run(&bed, &search, got, count, NULL), ERR_END);
    search.plain = true;
    uint64_t plain[BED_ROWS];
    uint32_t plain_count;
    assert_int_equal(search_bed_run(&bed, &search, plain, &plain_count, NULL), ERR_END);
    assert_int_equal(*count, plain_count);
    assert_memory_equal(got, plain, *count * sizeof *got);
}

static void test_meta_fields(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        uint64_t got[BED_ROWS];
        uint32_t count;
        search_bed_open(&bed, false, sealed);
        meta_search(RULE("_source: dc01"), STORE_SEQUENCE, got, &count);
        assert_int_equal(count, 10); /* odd rows, without those of _findings */
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(got[i] % 2, 0);
        meta_search(RULE("_partition: linux, user: an"), STORE_SEQUENCE, got, &count);
        for (uint32_t i = 0; i < count; i++)
            assert_true((got[i] - 1) % 3 == 1 && (got[i] - 1) % 5 == 0);
        assert_int_equal(count, 2);
        meta_search(RULE("_id: '1:5'"), STORE_NEWEST, got, &count);
        assert_int_equal(count, 1);
        assert_int_equal(got[0], 5);
        meta_search(RULE("_line: 110"), STORE_NEWEST, got, &count);
        assert_int_equal(count, 1);
        assert_int_equal(got[0], 11);
        meta_search(RULE("_source: nowhere"), STORE_NEWEST, got, &count);
        assert_int_equal(count, 0);
        meta_search(RULE("_registered: srv-web, _partition: [linux, windows]"), STORE_SEQUENCE, got,
                    &count);
        assert_int_equal(count, 10);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal((got[i] - 1) % 3, 0);
        meta_search(RULE("_sender: 10.0.0.1, _drill: 'true'"), STORE_SEQUENCE, got, &count);
        assert_int_equal(count, 1);
        assert_int_equal(got[0], 1); /* 0 and 35 divide by five and seven */
        search_bed_close(&bed);
    }
}

static void test_reader_sees_what_is_appended(void **state)
{
    (void)state;
    struct search_bed reader = {0};
    struct store_options options = {0};
    struct store_search search = search_bed_all(STORE_SEQUENCE);
    uint64_t got[BED_ROWS];
    uint32_t count;
    struct err err;
    search_bed_open(&bed, false, false);
    assert_int_equal(store_open(&reader.store, bed.make.folder, &options, &err), ERR_OK);
    assert_int_equal(search_bed_run(&reader, &search, got, &count, NULL), ERR_END);
    assert_int_equal(count, 20);
    assert_int_equal(store_seal(bed.store, bed_received(BED_ROWS - 1), &err), ERR_OK);
    assert_int_equal(search_bed_run(&reader, &search, got, &count, NULL), ERR_END);
    assert_int_equal(count, 20);
    store_close(&reader.store);
    search_bed_close(&bed);
}

/* A cursor goes on over what it saw, though the writer seals in between. */
static void test_cursor_outlives_a_seal(void **state)
{
    (void)state;
    struct store_search search = search_bed_all(STORE_SEQUENCE);
    struct store_cursor *cursor;
    struct store_item item;
    struct err err;
    uint32_t count = 0;
    search_bed_open(&bed, false, false);
    assert_int_equal(store_search(bed.store, &search, &cursor, &err), ERR_OK);
    while (store_next(cursor, &item, &err) == ERR_OK)
        if (item.kind == STORE_ROW && ++count == 3)
            assert_int_equal(store_seal(bed.store, bed_received(BED_ROWS - 1), &err), ERR_OK);
    assert_int_equal(count, 20);
    store_cursor_close(&cursor);
    search_bed_close(&bed);
}

static char segment_path[512];

static int segment_find(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    size_t len = strlen(path);
    if (kind == FTW_F && len > 8 && strcmp(path + len - 8, ".segment") == 0)
        (void)snprintf(segment_path, sizeof segment_path, "%s", path);
    return 0;
}

static void byte_flip(int fd, off_t at)
{
    char c;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c = (char)(c ^ 0x20);
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

/* What is missing is counted as damaged, and what is given is whole and right. */
static void damage_check(void)
{
    struct store_search search = search_bed_all(STORE_NEWEST);
    struct store_cursor *cursor;
    struct store_item item;
    struct store_progress progress;
    struct err err;
    uint32_t count = 0;
    int rc = store_search(bed.store, &search, &cursor, &err);
    assert_int_equal(rc, ERR_OK);
    while ((rc = store_next(cursor, &item, &err)) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        uint64_t i = item.row->sequence - 1;
        count++;
        for (uint32_t f = 0; f < item.row->record->count; f++)
            if (slice_equal(item.row->record->fields[f].name, SLICE("user")))
                assert_true(
                    slice_equal(item.row->record->fields[f].value, slice_from(bed_user(i))));
    }
    assert_int_equal(rc, ERR_END);
    store_cursor_progress(cursor, &progress);
    assert_true(count <= 20 && count + progress.damaged_rows >= 20);
    store_cursor_close(&cursor);
}

static void test_damage_is_counted(void **state)
{
    (void)state;
    struct stat st;
    search_bed_open(&bed, false, true);
    assert_int_equal(nftw(bed.make.folder, segment_find, 16, FTW_PHYS), 0);
    assert_int_equal(stat(segment_path, &st), 0);
    assert_true(st.st_size > 100);
    for (off_t at = 0; at < st.st_size; at += 1 + st.st_size / 150) {
        int fd = open(segment_path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        byte_flip(fd, at);
        damage_check();
        byte_flip(fd, at);
        (void)close(fd);
    }
    search_bed_close(&bed);
}

/* Rows that were read with other mappings: no value of theirs tells what today's would derive. */
static void test_other_mappings(void **state)
{
    (void)state;
    static const char mapping[] = "id: later\nversion: 1\ntitle: Later\npriority: 1\n"
                                  "when: [{user: '*'}]\nlogsource: {product: later}\n"
                                  "alias: {Account: [user]}\n";
    static const char rule[] = "title: A\nlogsource: {product: later}\ndetection:\n"
                               "    a: {Account: chi}\n    condition: a\n";
    struct ruleset_options options = {.routing = true};
    struct mapping_set *mappings = mapping_set_open();
    struct store_search search = search_bed_all(STORE_SEQUENCE);
    struct ruleset *set;
    uint64_t got[BED_ROWS];
    uint32_t count;
    struct err err;
    search_bed_open(&bed, false, true);
    (void)search_bed_rules(&bed, rule);
    assert_int_equal(mapping_set_add(mappings, SLICE("later.yaml"), slice_from(mapping), &err),
                     ERR_OK);
    assert_int_equal(ruleset_open(&set, &bed.rules, mappings, &options, &err), ERR_OK);
    search.rules = set;
    assert_int_equal(search_bed_run(&bed, &search, got, &count, NULL), ERR_END);
    assert_int_equal(count, 4); /* rows 2, 7, 12 ... without those of _findings */
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal((got[i] - 1) % 5, 2);
    ruleset_close(&set);
    mapping_set_close(&mappings);
    search_bed_close(&bed);
}

/* A rule that nothing can satisfy has whole segments pruned, and their rows counted so. */
static void test_pruning_is_counted(void **state)
{
    (void)state;
    struct store_search search = search_bed_all(STORE_SEQUENCE);
    struct store_progress progress;
    uint64_t got[BED_ROWS];
    uint32_t count;
    search_bed_open(&bed, false, true);
    search.rules = search_bed_rules(&bed, RULE("user: nobody"));
    assert_int_equal(search_bed_run(&bed, &search, got, &count, &progress), ERR_END);
    assert_int_equal(count, 0);
    assert_int_equal(progress.rows_judged, 0);
    assert_int_equal(progress.rows_pruned, 20);
    assert_true(progress.segments_pruned > 0);
    search.plain = true;
    assert_int_equal(search_bed_run(&bed, &search, got, &count, &progress), ERR_END);
    assert_int_equal(progress.rows_judged, 20);
    assert_int_equal(progress.rows_pruned, 0);
    search_bed_close(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_limited),
        cmocka_unit_test(test_cpu_is_limited),
        cmocka_unit_test(test_meta_fields),
        cmocka_unit_test(test_reader_sees_what_is_appended),
        cmocka_unit_test(test_cursor_outlives_a_seal),
        cmocka_unit_test(test_damage_is_counted),
        cmocka_unit_test(test_other_mappings),
        cmocka_unit_test(test_pruning_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
