/* Damaged segments: every flipped bit is found, cut files are refused, and a damaged chunk costs
 * only itself. */
#include "unit/store/segment_rows.h"

static void problem_count(void *context, const char *what)
{
    assert_true(strlen(what) > 10);
    ++*(int *)context;
}

/* Whether opening or checking says that something is wrong. */
static bool damage_seen(struct disk *disk, const char *path)
{
    struct err err = {0};
    struct segment *s;
    int told = 0;
    int rc = segment_open(&s, disk, path, &err);
    if (rc) {
        assert_true(rc == ERR_DAMAGED || rc == ERR_UNSUPPORTED);
        assert_true(strstr(err.text, path) != NULL);
        return true;
    }
    rc = segment_check(s, problem_count, &told, &err);
    segment_close(&s);
    assert_true(rc >= 0 && rc == told);
    return rc > 0;
}

static void test_every_bit(void **state)
{
    (void)state;
    struct written t;
    const struct plan plan = {.seed = 3, .rows = 4, .names = 8, .compression = 1};
    written_make(&t, &plan);
    uint64_t bytes = segment_about(t.segment)->file_bytes;
    assert_in_range(bytes, 500, 6000);
    assert_false(damage_seen(t.disk, "a.segment"));
    for (uint64_t bit = 0; bit < bytes * 8; bit++) {
        assert_true(disk_sim_flip(t.disk, "a.segment", bit));
        if (!damage_seen(t.disk, "a.segment"))
            fail_msg("bit %llu was flipped and nobody saw it", (unsigned long long)bit);
        assert_true(disk_sim_flip(t.disk, "a.segment", bit));
    }
    assert_false(damage_seen(t.disk, "a.segment"));
    written_free(&t);
}

static void test_cut_short(void **state)
{
    (void)state;
    struct written t;
    struct err err = {0};
    struct disk_file *file;
    const struct plan plan = {.seed = 4, .rows = 30, .names = 12, .compression = 1};
    written_make(&t, &plan);
    uint64_t bytes = segment_about(t.segment)->file_bytes;
    assert_int_equal(disk_open(t.disk, &file, "a.segment", DISK_WRITE, &err), ERR_OK);
    for (uint64_t size = bytes - 1; size + 1 > 0; size--) {
        struct segment *s;
        assert_int_equal(disk_resize(file, size, &err), ERR_OK);
        assert_int_equal(segment_open(&s, t.disk, "a.segment", &err), ERR_DAMAGED);
        assert_null(s);
    }
    disk_close(&file);
    written_free(&t);
}

struct losses {
    uint32_t columns, rows_with_gaps, rows;
};

/* What cannot be read of a segment that opens. */
static struct losses losses_count(struct segment *s)
{
    struct losses lost = {0};
    struct err err = {0};
    struct segment_rows rows = {0};
    struct segment_values values = {0};
    struct segment_ids ids = {0};
    if (segment_read_rows(s, 0, &rows, &err)) {
        lost.rows = segment_about(s)->row_count & UINT32_MAX;
        return lost;
    }
    for (uint32_t c = 0; c < segment_about(s)->column_count; c++) {
        int a = segment_read_values(s, c, 0, SIZE_MAX, &values, &err);
        int b = segment_read_ids(s, c, 0, &rows, &ids, &err);
        assert_true((a == ERR_OK || a == ERR_DAMAGED) && (b == ERR_OK || b == ERR_DAMAGED));
        lost.columns += a || b;
    }
    struct segment_cursor *cursor;
    assert_int_equal(segment_cursor_open(&cursor, s, 0, NULL, 1 << 20, &err), ERR_OK);
    for (uint32_t i = 0; i < rows.count; i++) {
        struct row row;
        uint32_t fields;
        int rc = segment_cursor_row(cursor, i, &row, &err);
        assert_true(rc == ERR_OK || rc == ERR_DAMAGED);
        lost.rows_with_gaps += rc != ERR_OK;
        (void)segment_shape(s, rows.shapes[i], &fields);
        assert_true(row.record->count + 3 > fields || rc == ERR_DAMAGED);
        assert_true(rc == ERR_DAMAGED || row.record->count == fields);
    }
    segment_cursor_close(&cursor);
    segment_rows_free(&rows);
    segment_values_free(&values);
    segment_ids_free(&ids);
    return lost;
}

static void test_costs_only_itself(void **state)
{
    (void)state;
    struct written t;
    struct err err = {0};
    uint32_t gaps = 0, opened = 0, whole_blocks = 0;
    const struct plan plan = {.seed = 5, .rows = 200, .names = 20, .compression = 1};
    written_make(&t, &plan);
    for (uint64_t at = 64; at < segment_about(t.segment)->file_bytes; at += 61) {
        struct segment *s;
        assert_true(disk_sim_flip(t.disk, "a.segment", at * 8 + at % 8));
        if (segment_open(&s, t.disk, "a.segment", &err) == ERR_OK) {
            struct losses lost = losses_count(s);
            assert_true(lost.columns <= 1);
            opened++;
            gaps += lost.columns;
            whole_blocks += lost.rows != 0;
            assert_true(lost.columns == 1 || lost.rows_with_gaps == 0);
        }
        segment_close(&s);
        assert_true(disk_sim_flip(t.disk, "a.segment", at * 8 + at % 8));
    }
    assert_true(opened > 10 && gaps > 10 && whole_blocks > 0);
    written_free(&t);
}

/* Puts the chunk at from where the one at to stands, if both are of columns and look alike but for
 * what they hold: that column is lost. */
static uint32_t chunks_swap(struct written *t, struct disk_file *file, const char *all, uint64_t to,
                            uint64_t from)
{
    struct err err = {0};
    struct segment *s;
    uint32_t stored;
    memcpy(&stored, all + to + 8, sizeof stored);
    if (all[to] < 5 || all[to] > 8 || memcmp(all + to, all + from, 16) != 0 ||
        memcmp(all + to + 24, all + from + 24, stored) == 0)
        return 0;
    assert_int_equal(disk_write(file, to, all + from, 24 + stored, &err), ERR_OK);
    assert_true(damage_seen(t->disk, "a.segment"));
    assert_int_equal(segment_open(&s, t->disk, "a.segment", &err), ERR_OK);
    assert_int_equal(losses_count(s).columns, 1);
    segment_close(&s);
    assert_int_equal(disk_write(file, to, all + to, 24 + stored, &err), ERR_OK);
    return 1;
}

/* A whole chunk in the place of another of the same kind and length is seen, too. */
static void test_swapped_chunks(void **state)
{
    (void)state;
    enum { CHUNKS_MAX = 200 };
    struct written t;
    struct err err = {0};
    struct disk_file *file;
    const struct plan plan = {.seed = 6, .rows = 600, .names = 20, .compression = 0};
    written_make(&t, &plan);
    uint64_t bytes = segment_about(t.segment)->file_bytes, chunks[CHUNKS_MAX];
    char *all = mem_alloc(bytes);
    size_t got, count = 0;
    assert_int_equal(disk_open(t.disk, &file, "a.segment", DISK_WRITE, &err), ERR_OK);
    assert_int_equal(disk_read(file, 0, all, bytes, &got, &err), ERR_OK);
    for (uint64_t at = 64; at + 24 < bytes - 64 && count < CHUNKS_MAX;) {
        uint32_t stored;
        memcpy(&stored, all + at + 8, sizeof stored);
        chunks[count++] = at;
        at = (at + 24 + stored + 7) & ~(uint64_t)7;
    }
    uint32_t swapped = 0;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            swapped += chunks_swap(&t, file, all, chunks[a], chunks[b]);
    assert_true(swapped > 0);
    disk_close(&file);
    mem_free(all);
    written_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_costs_only_itself),
        cmocka_unit_test(test_swapped_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
