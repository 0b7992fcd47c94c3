#include "unit/store/segment_rows.h"

#include "detection/indicator.h"

static void rows_compare(struct written *t, size_t max_bytes, uint32_t step)
{
    struct err err = {0};
    struct buf said = {0};
    const struct segment_about *about = segment_about(t->segment);
    assert_int_equal(about->row_count, t->row_count);
    for (uint32_t b = 0; b < about->block_count; b++) {
        const struct segment_block *block = &segment_blocks(t->segment)[b];
        struct segment_cursor *cursor;
        assert_int_equal(segment_cursor_open(&cursor, t->segment, b, NULL, max_bytes, &err),
                         ERR_OK);
        for (uint32_t i = 0; i < block->row_count; i += step) {
            struct row row;
            if (segment_cursor_row(cursor, i, &row, &err))
                fail_msg("%s", err.text);
            buf_clear(&said);
            row_describe(&row, &said);
            size_t n = block->first_row + i, start = n ? t->ends[n - 1] : 0;
            assert_int_equal(said.len, t->ends[n] - start);
            assert_memory_equal(said.data, t->text.data + start, said.len);
        }
        segment_cursor_close(&cursor);
    }
    buf_free(&said);
}

static void problem_print(void *context, const char *what)
{
    (void)context;
    print_error("%s\n", what);
}

static void round_trip(const struct plan *plan)
{
    struct written t;
    struct err err = {0};
    written_make(&t, plan);
    rows_compare(&t, (size_t)64 << 20, 1);
    rows_compare(&t, 1, 7);
    assert_int_equal(segment_check(t.segment, problem_print, NULL, &err), 0);
    written_free(&t);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct plan plans[] = {
        {.seed = 1, .rows = 1, .names = 20},
        {.seed = 2, .rows = 2, .names = 3},
        {.seed = 3, .rows = 300, .names = 20},
        {.seed = 4, .rows = 3000, .names = 20},
        {.seed = 5, .rows = 70000, .names = 12},
        {.seed = 6, .rows = 400, .names = 3000},
        {.seed = 7, .rows = 3000, .names = 20, .long_values = true},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        plans[i].compression = (int)(i % 3);
        round_trip(&plans[i]);
    }
}

/* Little memory: dictionaries give way in the middle of blocks. */
static void test_little_memory(void **state)
{
    (void)state;
    const struct plan plan = {.seed = 9, .rows = 68000, .names = 14, .memory_bytes = 18 << 20};
    round_trip(&plan);
}

static const struct segment_column *column_find(const struct segment *s, const char *name,
                                                uint32_t *number)
{
    for (*number = 0; *number < segment_about(s)->column_count; ++*number)
        if (slice_equal(segment_columns(s)[*number].name, slice_from(name)))
            return &segment_columns(s)[*number];
    return NULL;
}

/* Values and ids of every column give the same as whole rows. */
static void test_columns(void **state)
{
    (void)state;
    struct written t;
    struct err err = {0};
    struct plan plan = {.seed = 11, .rows = 5000, .names = 20};
    written_make(&t, &plan);
    struct segment_rows rows = {0};
    struct segment_values values = {0};
    struct segment_ids ids = {0};
    assert_int_equal(segment_read_rows(t.segment, 0, &rows, &err), ERR_OK);
    assert_int_equal(rows.count, plan.rows);
    uint32_t seen[COLUMN_NUMBER + 1] = {0};
    for (uint32_t c = 0; c < segment_about(t.segment)->column_count; c++) {
        const struct segment_column *column = &segment_columns(t.segment)[c];
        seen[column->kind]++;
        bool *wanted = mem_zeroed(segment_about(t.segment)->column_count, sizeof *wanted);
        wanted[c] = true;
        assert_int_equal(segment_read_ids(t.segment, c, 0, &rows, &ids, &err), ERR_OK);
        assert_int_equal(ids.count, column->occurrence_count);
        assert_int_equal(segment_read_values(t.segment, c, 0, (size_t)64 << 20, &values, &err),
                         ERR_OK);
        struct segment_cursor *cursor;
        assert_int_equal(segment_cursor_open(&cursor, t.segment, 0, wanted, 1 << 20, &err), 0);
        struct row row = {0};
        for (uint32_t i = 0, nth = 0, before = UINT32_MAX; i < ids.count; i++) {
            if (ids.rows[i] != before) {
                assert_int_equal(segment_cursor_row(cursor, ids.rows[i], &row, &err), ERR_OK);
                nth = 0;
            }
            before = ids.rows[i];
            const struct field *f = &row.record->fields[nth++];
            assert_true(slice_equal(segment_value(&values, ids.entries[i]), f->value));
            assert_int_equal(values.kinds[ids.entries[i]], f->kind);
            assert_true(slice_equal(column->name, f->name));
        }
        segment_cursor_close(&cursor);
        mem_free(wanted);
    }
    assert_true(seen[COLUMN_DICTIONARY] && seen[COLUMN_TEXT] && seen[COLUMN_NUMBER]);
    segment_rows_free(&rows);
    segment_values_free(&values);
    segment_ids_free(&ids);
    written_free(&t);
}

static void test_about(void **state)
{
    (void)state;
    struct written t;
    struct plan plan = {.seed = 12, .rows = 70000, .names = 4};
    written_make(&t, &plan);
    const struct segment_about *a = segment_about(t.segment);
    assert_true(slice_equal(a->partition, SLICE("windows")));
    assert_int_equal(a->block_count, 2);
    assert_int_equal(segment_blocks(t.segment)[1].first_row, SEGMENT_BLOCK_ROWS);
    assert_int_equal(segment_blocks(t.segment)[1].row_count, 70000 - SEGMENT_BLOCK_ROWS);
    assert_int_equal(a->seal_after, 1000);
    assert_int_equal(a->seal_through, 999999);
    assert_int_equal(a->interval_count, 1);
    assert_int_equal(segment_intervals(t.segment)[0].number, 4);
    assert_int_equal(segment_intervals(t.segment)[0].root.bytes[0], 7);
    uint32_t number;
    const struct segment_column *c = column_find(t.segment, "field.1", &number);
    assert_non_null(c);
    assert_int_equal(c->kind, COLUMN_DICTIONARY);
    assert_int_equal(c->block_mask, 3);
    assert_int_equal(c->entry_count, 30);
    written_free(&t);
}

static struct row_context simple_context(void)
{
    return (struct row_context){.partition = SLICE("fw"), .source = SLICE("asa")};
}

/* A record of one field a pair of texts, NULL at the end. */
static void row_add(struct segment_writer *w, uint64_t sequence, const char *const *pairs)
{
    static struct row_context context;
    struct err err;
    struct record record = {0};
    context = simple_context();
    for (; *pairs; pairs += 2)
        assert_int_equal(
            record_add(&record, slice_from(pairs[0]), slice_from(pairs[1]), VALUE_STRING, 0, &err),
            ERR_OK);
    struct row row = {.sequence = sequence,
                      .received_ns = 5,
                      .time_ns = CLOCK_NONE,
                      .context = &context,
                      .record = &record};
    segment_writer_add(w, &row);
    record_free(&record);
}

static struct segment *segment_of(struct disk *disk, struct segment_writer *w)
{
    struct err err = {0};
    struct segment *s = NULL;
    if (segment_writer_end(w, disk, "s.segment", &err) || segment_open(&s, disk, "s.segment", &err))
        fail_msg("%s", err.text);
    return s;
}

static bool sights_have(struct segment *s, enum sight_kind kind, const char *text)
{
    struct err err;
    struct segment_sights sights = {0};
    uint64_t hash = sight_hash(kind, slice_from(text));
    struct ip_address address;
    bool found = false;
    assert_int_equal(segment_read_sights(s, kind, &sights, &err), ERR_OK);
    if (kind == SIGHT_IP)
        assert_true(ip_parse(&address, slice_from(text)));
    for (uint32_t i = 0; i < sights.count; i++)
        found |= kind == SIGHT_IP ? memcmp(&sights.addresses[i], &address, sizeof address) == 0
                                  : sights.hashes[i] == hash;
    segment_sights_free(&sights);
    return found;
}

static void test_index(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    const char *const first[] = {
        "Image", "C:\\X\\CMD.EXE", "Port", "443",
        "Rate",  "1.50",           "Url",  "http://a.b.evil.example.com/x?y=1",
        NULL};
    const char *const second[] = {
        "Dst",  "10.1.2.3",
        "Port", "9007199254740993",
        "Note", "MD5=0123456789abcdef0123456789abcdef to me@mail.example.org",
        NULL};
    row_add(w, 1, first);
    row_add(w, 2, second);
    struct segment *s = segment_of(disk, w);
    assert_true(segment_may_have(s, SLICE("Image"), SLICE("c:\\x\\cmd.exe")));
    assert_false(segment_may_have(s, SLICE("Image"), SLICE("c:\\x\\cmd.ex")));
    assert_false(segment_may_have(s, SLICE("image"), SLICE("c:\\x\\cmd.exe")));
    assert_true(segment_may_have(s, SLICE("Port"), SLICE("443")));
    assert_true(segment_may_have_number(s, SLICE("Port"), 443));
    assert_false(segment_may_have_number(s, SLICE("Port"), 444));
    assert_true(segment_may_have_number(s, SLICE("Port"), 9007199254740992.0));
    assert_true(segment_may_have_number(s, SLICE("Rate"), 1.5));
    assert_false(segment_may_have_number(s, SLICE("Rate"), 1.25));
    assert_true(sights_have(s, SIGHT_HOST, "a.b.evil.example.com"));
    assert_true(sights_have(s, SIGHT_HOST, "evil.example.com"));
    assert_true(sights_have(s, SIGHT_HOST, "example.com"));
    assert_false(sights_have(s, SIGHT_HOST, "com"));
    assert_false(sights_have(s, SIGHT_HOST, "other.example.com"));
    assert_true(sights_have(s, SIGHT_IP, "10.1.2.3"));
    assert_false(sights_have(s, SIGHT_IP, "10.1.2.4"));
    assert_true(sights_have(s, SIGHT_MD5, "0123456789abcdef0123456789abcdef"));
    assert_true(sights_have(s, SIGHT_EMAIL, "me@mail.example.org"));
    segment_close(&s);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

/* Of all values that are there the index says so, of nearly all others that they are not. */
static void test_index_many(void **state)
{
    (void)state;
    enum { VALUES = 20000 };
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    char value[32];
    const char *const pairs[] = {"Guid", value, NULL};
    for (uint32_t i = 0; i < VALUES; i++) {
        (void)snprintf(value, sizeof value, "guid-%u", i);
        row_add(w, i + 1, pairs);
    }
    struct segment *s = segment_of(disk, w);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < VALUES; i++) {
        (void)snprintf(value, sizeof value, "guid-%u", i);
        assert_true(segment_may_have(s, SLICE("Guid"), slice_from(value)));
        (void)snprintf(value, sizeof value, "guid-%u", i + VALUES);
        wrong += segment_may_have(s, SLICE("Guid"), slice_from(value));
    }
    assert_in_range(wrong, 0, VALUES / 25);
    segment_close(&s);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

/* Names beyond the last column, and a field that is called as the column of the rest. */
static void test_rest(void **state)
{
    (void)state;
    enum { ROWS = 1500 };
    struct err err = {0};
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    char name[32], value[32];
    const char *const pairs[] = {"_rest", "own", name, value, NULL};
    for (uint32_t i = 0; i < ROWS; i++) {
        (void)snprintf(name, sizeof name, "name.%u", i);
        (void)snprintf(value, sizeof value, "Value %u", i);
        row_add(w, i + 1, pairs);
    }
    struct segment *s = segment_of(disk, w);
    assert_int_equal(segment_about(s)->column_count, SEGMENT_COLUMNS_MAX);
    const struct segment_column *rest = &segment_columns(s)[SEGMENT_REST];
    assert_int_equal(rest->occurrence_count, ROWS - (SEGMENT_COLUMNS_MAX - 2));
    struct segment_cursor *cursor;
    assert_int_equal(segment_cursor_open(&cursor, s, 0, NULL, 1 << 20, &err), ERR_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct row row;
        assert_int_equal(segment_cursor_row(cursor, i, &row, &err), ERR_OK);
        (void)snprintf(name, sizeof name, "name.%u", i);
        (void)snprintf(value, sizeof value, "Value %u", i);
        assert_int_equal(row.record->count, 2);
        assert_true(slice_equal(row.record->fields[0].name, SLICE("_rest")));
        assert_true(slice_equal(row.record->fields[0].value, SLICE("own")));
        assert_true(slice_equal(row.record->fields[1].name, slice_from(name)));
        assert_true(slice_equal(row.record->fields[1].value, slice_from(value)));
    }
    segment_cursor_close(&cursor);
    assert_true(segment_may_have(s, SLICE("name.1400"), SLICE("value 1400")));
    assert_false(segment_may_have(s, SLICE("name.1400"), SLICE("value 1401")));
    segment_close(&s);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

/* Each row has a shape of its own: the writer says that it is full, and the file is whole. */
static void test_full_of_shapes(void **state)
{
    (void)state;
    struct err err = {0};
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    uint64_t rows = 0;
    while (!segment_writer_full(w)) {
        const char *pairs[13] = {0};
        uint64_t digits = rows;
        for (size_t i = 0; i < 6; i++, digits /= 9) {
            pairs[i * 2] = names[digits % 9];
            pairs[i * 2 + 1] = "x";
        }
        row_add(w, ++rows, pairs);
        assert_true(rows <= SEGMENT_SHAPES_MAX);
    }
    assert_int_equal(rows, SEGMENT_SHAPES_MAX);
    struct segment *s = segment_of(disk, w);
    assert_int_equal(segment_about(s)->shape_count, rows);
    assert_int_equal(segment_check(s, problem_print, NULL, &err), 0);
    segment_close(&s);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

/* Columns that look like one kind for blocks and then turn out to be another. */
static void changing_values(uint32_t row, char a[32], char b[32], char c[32])
{
    bool late = row >= SEGMENT_BLOCK_ROWS;
    (void)snprintf(a, 32, row == 100000 ? "0%u" : "%u", row * 7);
    (void)snprintf(b, 32, "value %u", late ? row * 3 : row % 100);
    (void)snprintf(c, 32, "%d", late ? -(int)row * 5 : (int)row % 100);
}

static void test_changes_of_kind(void **state)
{
    (void)state;
    enum { ROWS = 2 * SEGMENT_BLOCK_ROWS + 9000 };
    struct err err = {0};
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    char a[32], b[32], c[32];
    const char *const pairs[] = {"a", a, "b", b, "c", c, NULL};
    for (uint32_t i = 0; i < ROWS; i++) {
        changing_values(i, a, b, c);
        row_add(w, i + 1, pairs);
    }
    struct segment *s = segment_of(disk, w);
    uint32_t number;
    assert_int_equal(column_find(s, "a", &number)->kind, COLUMN_TEXT);
    assert_int_equal(column_find(s, "b", &number)->kind, COLUMN_TEXT);
    assert_int_equal(column_find(s, "c", &number)->kind, COLUMN_NUMBER);
    for (uint32_t i = 0, block = 0; block < 3; block++) {
        struct segment_cursor *cursor;
        assert_int_equal(segment_cursor_open(&cursor, s, block, NULL, 1 << 20, &err), ERR_OK);
        for (uint32_t r = 0; r < segment_blocks(s)[block].row_count; r++, i++) {
            struct row row;
            changing_values(i, a, b, c);
            assert_int_equal(segment_cursor_row(cursor, r, &row, &err), ERR_OK);
            assert_int_equal(row.record->count, 3);
            for (uint32_t f = 0; f < 3; f++)
                assert_true(slice_equal(row.record->fields[f].value, slice_from(pairs[f * 2 + 1])));
        }
        segment_cursor_close(&cursor);
    }
    assert_int_equal(segment_check(s, problem_print, NULL, &err), 0);
    assert_true(segment_may_have(s, SLICE("a"), SLICE("0700000")));
    assert_true(segment_may_have(s, SLICE("b"), SLICE("value 99")));
    assert_true(segment_may_have_number(s, SLICE("c"), -5.0 * (ROWS - 1)));
    segment_close(&s);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

static void test_constant(void **state)
{
    (void)state;
    struct err err = {0};
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    const char *const pairs[] = {"Always", "x", "Twice", "y", "Twice", "y", NULL};
    const char *const fewer[] = {"Always", "x", NULL};
    for (uint32_t i = 0; i < 10; i++)
        row_add(w, i + 1, i % 2 ? pairs : fewer);
    struct segment *s = segment_of(disk, w);
    uint32_t number;
    assert_int_equal(column_find(s, "Always", &number)->kind, COLUMN_CONSTANT);
    assert_int_equal(column_find(s, "Twice", &number)->kind, COLUMN_DICTIONARY);
    assert_int_equal(column_find(s, "Twice", &number)->occurrence_count, 10);
    assert_int_equal(segment_check(s, problem_print, NULL, &err), 0);
    segment_close(&s);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

static void test_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct disk *disk = disk_sim_open(1);
    struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
    struct segment_writer *w = segment_writer_open(&options);
    struct segment *s;
    assert_int_equal(segment_writer_end(w, disk, "s.segment", &err), ERR_USAGE);
    assert_int_equal(segment_open(&s, disk, "s.segment", &err), ERR_NOT_FOUND);
    segment_writer_close(&w);
    disk_sim_close(&disk);
}

/* What the disk refuses is said, by each of the calls that can. */
static void test_disk_refuses(void **state)
{
    (void)state;
    static const struct {
        enum disk_sim_call call;
        uint64_t capacity;
        int code;
    } cases[] = {{DISK_SIM_CREATE, 0, ERR_IO},
                 {DISK_SIM_WRITE, 0, ERR_IO},
                 {DISK_SIM_SYNC, 0, ERR_IO},
                 {DISK_SIM_READ, 1, ERR_FULL}};
    const char *const pairs[] = {"a", "b", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {0};
        struct disk *disk = disk_sim_open(1);
        struct segment_writer_options options = {.partition = SLICE("fw"), .compression = 1};
        struct segment_writer *w = segment_writer_open(&options);
        row_add(w, 1, pairs);
        disk_sim_fail_at(disk, cases[i].call, 1);
        disk_sim_capacity(disk, cases[i].capacity);
        assert_int_equal(segment_writer_end(w, disk, "s.segment", &err), cases[i].code);
        assert_true(err.text[0] != '\0');
        segment_writer_close(&w);
        disk_sim_close(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_columns),    cmocka_unit_test(test_about),
        cmocka_unit_test(test_index),      cmocka_unit_test(test_index_many),
        cmocka_unit_test(test_rest),       cmocka_unit_test(test_full_of_shapes),
        cmocka_unit_test(test_constant),   cmocka_unit_test(test_changes_of_kind),
        cmocka_unit_test(test_nothing),    cmocka_unit_test(test_disk_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
