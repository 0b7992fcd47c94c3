/* What store.h promises of searching and reading, held against each back end: the embedded one with
 * its rows in the journal, in segments, and the tests' double in memory. */
#include "unit/store/search_bed.h"

#include "detection/indicator.h"

enum variant { IN_MEMORY, IN_JOURNAL, IN_SEGMENTS };
static const enum variant variants[] = {IN_MEMORY, IN_JOURNAL, IN_SEGMENTS};

static int bed_setup(void **state)
{
    const enum variant *variant = *state;
    static struct search_bed bed;
    search_bed_open(&bed, *variant == IN_MEMORY, *variant == IN_SEGMENTS);
    *state = &bed;
    return 0;
}

static int bed_teardown(void **state)
{
    search_bed_close(*state);
    return 0;
}

static bool expected(const struct store_search *o, uint64_t i)
{
    bool partition = o->partition_count == 0 && bed_partition(i)[0] != '_';
    int64_t time = bed_row_time(i), received = bed_received(i);
    for (uint32_t p = 0; p < o->partition_count; p++)
        partition |= slice_equal(o->partitions[p], slice_from(bed_partition(i)));
    bool in_scope = !o->scoped;
    for (uint32_t u = 0; u < o->unit_count; u++)
        in_scope |= slice_equal(o->units[u], slice_from(bed_unit(i)));
    return partition && in_scope && i + 1 > o->after_sequence &&
           (o->from_ns == CLOCK_NONE || time >= o->from_ns) &&
           (o->until_ns == CLOCK_NONE || time < o->until_ns) &&
           (o->received_from_ns == CLOCK_NONE || received >= o->received_from_ns) &&
           (o->received_until_ns == CLOCK_NONE || received < o->received_until_ns);
}

static bool before(enum store_order order, uint64_t a, uint64_t b)
{
    int64_t p = bed_row_time(a), q = bed_row_time(b);
    if (order == STORE_SEQUENCE || p == q)
        return order == STORE_NEWEST ? a > b : a < b;
    return order == STORE_NEWEST ? p > q : p < q;
}

/* The rows are those of the ranges, each once, in the order asked for. */
static void check_search(struct search_bed *b, const struct store_search *search)
{
    uint64_t got[BED_ROWS];
    uint32_t count, wanted = 0;
    assert_int_equal(search_bed_run(b, search, got, &count, NULL), ERR_END);
    for (uint64_t i = 0; i < BED_ROWS; i++)
        wanted += expected(search, i);
    if (search->limit && wanted > search->limit)
        wanted = (uint32_t)search->limit;
    assert_int_equal(count, wanted);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(expected(search, got[i] - 1));
        if (i)
            assert_true(before(search->order, got[i - 1] - 1, got[i] - 1));
    }
    if (search->limit && count)
        for (uint64_t i = 0; i < BED_ROWS; i++)
            assert_false(expected(search, i) && before(search->order, i, got[0] - 1));
}

static void test_orders(void **state)
{
    for (int order = STORE_NEWEST; order <= STORE_SEQUENCE; order++) {
        struct store_search search = search_bed_all((enum store_order)order);
        check_search(*state, &search);
        search.limit = 4;
        check_search(*state, &search);
    }
}

static void test_ranges(void **state)
{
    for (int order = STORE_NEWEST; order <= STORE_SEQUENCE; order++) {
        struct store_search search = search_bed_all((enum store_order)order);
        search.from_ns = BED_START_NS + 5 * CLOCK_SECOND_NS;
        check_search(*state, &search);
        search.until_ns = BED_START_NS + 20 * CLOCK_SECOND_NS;
        check_search(*state, &search);
        search.until_ns = search.from_ns;
        check_search(*state, &search);
        search = search_bed_all((enum store_order)order);
        search.received_from_ns = BED_RECEIVED_NS + BED_HOUR_NS;
        check_search(*state, &search);
        search.received_until_ns = BED_RECEIVED_NS + 2 * BED_HOUR_NS;
        check_search(*state, &search);
        search = search_bed_all((enum store_order)order);
        search.after_sequence = 17;
        check_search(*state, &search);
    }
}

static void test_partitions(void **state)
{
    struct slice names[] = {SLICE("linux"), SLICE("_findings")};
    struct store_search search = search_bed_all(STORE_OLDEST);
    search.partitions = names;
    search.partition_count = 2;
    check_search(*state, &search);
    names[0] = SLICE("nowhere");
    search.partition_count = 1;
    check_search(*state, &search);
}

/* Scope holds whether rows are judged or only listed, and an empty one shows nothing. */
static void test_scope(void **state)
{
    struct search_bed *b = *state;
    struct slice units[] = {SLICE("health"), SLICE("ward-2")};
    struct store_search search = search_bed_all(STORE_OLDEST);
    search.scoped = true;
    check_search(b, &search);
    search.units = units;
    search.unit_count = 2;
    check_search(b, &search);
    search.plain = true;
    search.rules = search_bed_rules(b, "title: A\nlogsource: {category: any}\ndetection:\n"
                                       "    a: {n|gte: 0}\n    condition: a\n");
    check_search(b, &search);
    search.plain = false;
    check_search(b, &search);
}

static void test_rules(void **state)
{
    struct search_bed *b = *state;
    struct slice field = SLICE("n");
    struct store_search search = search_bed_all(STORE_SEQUENCE);
    struct store_cursor *cursor;
    struct store_item item;
    struct err err;
    uint32_t count = 0, wanted = 0;
    search.rules = search_bed_rules(b, "title: A\nlogsource: {category: any}\ndetection:\n"
                                       "    a: {user: binh}\n    condition: a\n"
                                       "---\ntitle: B\nlogsource: {category: any}\ndetection:\n"
                                       "    a: {n|lt: 10}\n    condition: a\n");
    search.matched = true;
    search.fields = &field;
    search.field_count = 1;
    assert_int_equal(store_search(b->store, &search, &cursor, &err), ERR_OK);
    while (store_next(cursor, &item, &err) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        uint64_t i = item.row->sequence - 1;
        bool binh = i % 5 == 1 || i % 5 == 4, small = i < 10;
        assert_int_equal(item.rule_count, (uint32_t)binh + small);
        assert_int_equal(item.rules[0], binh ? 0 : 1);
        assert_true(slice_equal_nocase(matcher_value(item.matcher, SLICE("user")),
                                       slice_from(bed_user(i))));
        assert_int_equal(item.row->line, i + 100);
        assert_int_equal(item.row->time_ns, bed_time(i));
        assert_true(slice_equal(record_find(item.row->record, field)->name, field));
        count++;
    }
    store_cursor_close(&cursor);
    for (uint64_t i = 0; i < BED_ROWS; i++)
        wanted += expected(&search, i) && (i % 5 == 1 || i % 5 == 4 || i < 10);
    assert_int_equal(count, wanted);
}

static void test_indicators(void **state)
{
    struct search_bed *b = *state;
    struct indicator_builder *builder = indicator_builder_open();
    struct indicator indicator = {
        .confidence = INDICATOR_CONFIDENCE_NONE, .from_ns = CLOCK_NONE, .until_ns = CLOCK_NONE};
    struct indicator_table *table;
    struct slice everywhere[] = {SLICE("windows"), SLICE("linux"), SLICE("_findings")};
    struct store_search search = search_bed_all(STORE_NEWEST);
    struct store_cursor *cursor;
    struct store_item item;
    struct arena arena = {0};
    struct buf bytes = {0};
    struct err err;
    uint32_t count = 0;
    assert_int_equal(
        indicator_parse(&indicator, SLICE("bad.example"), INDICATOR_DOMAIN, &arena, &err), ERR_OK);
    assert_int_equal(indicator_builder_add(builder, &indicator, &err), ERR_OK);
    indicator_builder_finish(builder, &bytes);
    assert_int_equal(indicator_table_open(&table, buf_as_slice(&bytes), &err), ERR_OK);
    search.indicators = table;
    search.partitions = everywhere;
    search.partition_count = 3;
    assert_int_equal(store_search(b->store, &search, &cursor, &err), ERR_OK);
    while (store_next(cursor, &item, &err) == ERR_OK) {
        if (item.kind != STORE_ROW)
            continue;
        assert_int_equal(item.row->sequence, 13);
        assert_int_equal(item.indicator_count, 1);
        assert_true(slice_equal(item.indicator_fields[0], SLICE("query")));
        assert_true(slice_equal(item.indicator_values[0], SLICE("www.bad.example")));
        count++;
    }
    assert_int_equal(count, 1);
    store_cursor_close(&cursor);
    indicator_table_close(&table);
    indicator_builder_close(&builder);
    arena_free(&arena);
    buf_free(&bytes);
}

static int row_check(void *context, const struct row *row)
{
    uint64_t i = row->sequence - 1;
    *(uint64_t *)context = row->sequence;
    assert_int_equal(row->line, i + 100);
    assert_int_equal(row->time_ns, bed_time(i));
    assert_int_equal(row->received_ns, bed_received(i));
    assert_true(slice_equal(row->context->partition, slice_from(bed_partition(i))));
    assert_true(slice_equal(row->record->fields[0].value, slice_from(bed_user(i))));
    return ERR_OK;
}

static void test_get(void **state)
{
    struct search_bed *b = *state;
    struct err err;
    for (uint64_t sequence = 1; sequence <= BED_ROWS; sequence++) {
        uint64_t seen = 0;
        assert_int_equal(store_get(b->store, sequence, row_check, &seen, &err), ERR_OK);
        assert_int_equal(seen, sequence);
    }
    assert_int_equal(store_get(b->store, BED_ROWS + 1, row_check, &(uint64_t){0}, &err),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get(b->store, 0, row_check, &(uint64_t){0}, &err), ERR_NOT_FOUND);
}

static void field_note(void *context, const struct store_field *field)
{
    struct buf *names = context;
    buf_slice(names, field->name);
    buf_char(names, ' ');
}

static void test_fields_and_stat(void **state)
{
    struct search_bed *b = *state;
    struct store_stats stats;
    struct buf names = {0};
    struct err err;
    uint64_t rows = 0;
    assert_int_equal(store_fields(b->store, field_note, &names, &err), ERR_OK);
    assert_true(slice_equal(buf_as_slice(&names), SLICE("n query user ")));
    buf_free(&names);
    assert_int_equal(store_stat(b->store, &stats, &err), ERR_OK);
    assert_int_equal(stats.next_sequence, BED_ROWS + 1);
    assert_int_equal(store_next_sequence(b->store), BED_ROWS + 1);
    for (uint32_t i = 0; i < stats.partition_count; i++)
        rows += stats.partitions[i].rows;
    assert_int_equal(rows + stats.journal_rows, BED_ROWS);
}

static void test_cancel(void **state)
{
    bool canceled = true;
    uint64_t got[BED_ROWS];
    uint32_t count;
    struct store_search search = search_bed_all(STORE_NEWEST);
    search.canceled = &canceled;
    assert_int_equal(search_bed_run(*state, &search, got, &count, NULL), ERR_CANCELED);
    assert_int_equal(count, 0);
}

int main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction test;
    } all[] = {{"orders", test_orders},
               {"ranges", test_ranges},
               {"partitions", test_partitions},
               {"scope", test_scope},
               {"rules", test_rules},
               {"indicators", test_indicators},
               {"get", test_get},
               {"fields and stat", test_fields_and_stat},
               {"cancel", test_cancel}};
    enum { TESTS = sizeof all / sizeof all[0], VARIANTS = sizeof variants / sizeof variants[0] };
    struct CMUnitTest tests[TESTS * VARIANTS];
    for (size_t i = 0; i < TESTS * VARIANTS; i++)
        tests[i] = (struct CMUnitTest){
            .name = all[i / VARIANTS].name,
            .test_func = all[i / VARIANTS].test,
            .setup_func = bed_setup,
            .teardown_func = bed_teardown,
            .initial_state = (void *)(uintptr_t)&variants[i % VARIANTS],
        };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
