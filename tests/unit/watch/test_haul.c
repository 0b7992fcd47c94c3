#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/haul.h"

enum { RULES = 7, ROWS = 3, ROOM = 1 << 20 };

struct made {
    struct haul_head head;
    struct harvest *haul;
    struct batch_writer *writer;
    struct buf packed;
};

static struct slice rows_make(struct batch_writer *w)
{
    struct record record = {0};
    struct row_context context = {.partition = SLICE("main"), .source = SLICE("app")};
    uint32_t number, index;
    batch_begin(w, 1000, false);
    assert_int_equal(batch_context(w, &context, &number, NULL), ERR_OK);
    for (uint64_t i = 0; i < ROWS; i++) {
        record_reset(&record);
        assert_int_equal(record_add(&record, SLICE("user"), SLICE("an"), VALUE_STRING, 0, NULL),
                         ERR_OK);
        assert_int_equal(batch_add(w, number, 5, i + 1, &record, &index, NULL), ERR_OK);
    }
    record_free(&record);
    return batch_raw(w);
}

static void items_make(struct harvest *haul)
{
    static const struct finding_field fields[] = {{{"user", 4}, {"an", 2}}, {{"", 0}, {"x", 1}}};
    static const struct slice values[] = {{"an", 2}, {NULL, 0}, {"", 0}};
    struct harvest_item *item = harvest_add(haul, HARVEST_FINDING);
    item->rule = 6;
    item->row = 2;
    item->line = 3;
    item->time_ns = 5;
    item->host = SLICE("host");
    item->mapping = (struct finding_mapping){SLICE("named"), 7};
    item->fields = fields;
    item->count = 2;
    item = harvest_add(haul, HARVEST_INPUT);
    item->rule = 1;
    item->values = values;
    item->count = 3;
    item = harvest_add(haul, HARVEST_REFUSED);
    item->time_ns = CLOCK_NONE;
    item->reason = SLICE("no JSON");
    item->text = SLICE("{");
    item->why = LEDGER_REFUSED_SPLIT;
    haul->refused = haul->figures.counts[LEDGER_REFUSED_SPLIT] = 1;
}

static void made_open(struct made *m)
{
    *m = (struct made){.haul = harvest_open(), .writer = batch_writer_open()};
    m->head = (struct haul_head){
        .rules = 42,
        .figures = {.counts = {[LEDGER_RECEIVED] = ROWS + 1, [LEDGER_BYTES] = 99}},
        .source = SLICE("app"),
        .listener = SLICE("in"),
        .received_ns = 1000,
        .cursors = {{SLICE("follow:/x"), SLICE("1 2 3")}},
        .cursor_count = 1};
    items_make(m->haul);
    assert_int_equal(haul_pack(&m->head, rows_make(m->writer), m->haul, ROOM, &m->packed, NULL),
                     ERR_OK);
}

static void made_close(struct made *m)
{
    harvest_close(&m->haul);
    batch_writer_close(&m->writer);
    buf_free(&m->packed);
}

static void all_comes_back(void **state)
{
    struct made m;
    struct haul_head head;
    struct slice raw;
    struct harvest *haul = harvest_open();
    struct batch_reader reader = {0};
    (void)state;
    made_open(&m);
    assert_int_equal(haul_unpack(buf_as_slice(&m.packed), RULES, &head, &raw, haul, NULL), ERR_OK);
    assert_int_equal(head.rules, 42);
    assert_int_equal(head.figures.counts[LEDGER_RECEIVED], ROWS + 1);
    assert_int_equal(head.cursor_count, 1);
    assert_true(slice_equal(head.cursors[0].value, SLICE("1 2 3")));
    assert_true(slice_equal(head.source, SLICE("app")));
    assert_true(slice_equal(head.listener, SLICE("in")));
    assert_int_equal(haul->item_count, 3);
    assert_int_equal(haul->refused, 1);
    const struct harvest_item *item = &haul->items[0];
    assert_int_equal(item->rule, 6);
    assert_int_equal(item->row, 2);
    assert_int_equal(item->count, 2);
    assert_true(slice_equal(item->host, SLICE("host")));
    assert_true(slice_equal(item->mapping.id, SLICE("named")));
    assert_int_equal(item->mapping.version, 7);
    assert_true(slice_equal(item->fields[0].name, SLICE("user")));
    assert_true(slice_equal(item->fields[1].value, SLICE("x")));
    item = &haul->items[1];
    assert_int_equal(item->count, 3);
    assert_null(item->values[1].data);
    assert_non_null(item->values[2].data);
    assert_true(slice_equal(haul->items[2].reason, SLICE("no JSON")));
    assert_int_equal(batch_reader_open(&reader, raw, NULL), ERR_OK);
    assert_int_equal(reader.row_count, ROWS);
    batch_reader_free(&reader);
    harvest_close(&haul);
    made_close(&m);
}

static void every_truncation_is_refused(void **state)
{
    struct made m;
    struct haul_head head;
    struct slice raw;
    struct harvest *haul = harvest_open();
    struct err err;
    (void)state;
    made_open(&m);
    for (size_t len = 0; len < m.packed.len; len++)
        assert_int_equal(haul_unpack(slice_part(buf_as_slice(&m.packed), 0, len), RULES, &head,
                                     &raw, haul, &err),
                         ERR_DAMAGED);
    buf_char(&m.packed, 'x');
    assert_int_equal(haul_unpack(buf_as_slice(&m.packed), RULES, &head, &raw, haul, &err),
                     ERR_DAMAGED);
    harvest_close(&haul);
    made_close(&m);
}

/* Whatever one bit says: items name rules and rows that there are, or it is refused. */
static void flipped_bits_stay_within_bounds(void **state)
{
    struct made m;
    struct haul_head head;
    struct slice raw;
    struct harvest *haul = harvest_open();
    (void)state;
    made_open(&m);
    for (size_t bit = 0; bit < m.packed.len * 8; bit++) {
        char *at = &m.packed.data[bit / 8];
        *at = (char)(*at ^ (1 << bit % 8));
        int rc = haul_unpack(buf_as_slice(&m.packed), RULES, &head, &raw, haul, NULL);
        for (size_t i = 0; rc == ERR_OK && i < haul->item_count; i++)
            if (haul->items[i].kind != HARVEST_REFUSED) {
                assert_true(haul->items[i].rule < RULES);
                assert_true(raw.len >= BATCH_HEADER_BYTES);
            }
        *at = (char)(*at ^ (1 << bit % 8));
    }
    harvest_close(&haul);
    made_close(&m);
}

static void rules_and_rows_that_are_not_there_are_refused(void **state)
{
    struct made m;
    struct haul_head head;
    struct slice raw;
    struct harvest *haul = harvest_open();
    struct err err;
    (void)state;
    made_open(&m);
    assert_int_equal(haul_unpack(buf_as_slice(&m.packed), 6, &head, &raw, haul, &err), ERR_DAMAGED);
    buf_clear(&m.packed);
    m.haul->items[1].row = ROWS;
    assert_int_equal(haul_pack(&m.head, batch_raw(m.writer), m.haul, ROOM, &m.packed, NULL),
                     ERR_OK);
    assert_int_equal(haul_unpack(buf_as_slice(&m.packed), RULES, &head, &raw, haul, &err),
                     ERR_DAMAGED);
    harvest_close(&haul);
    made_close(&m);
}

static void what_does_not_fit_leaves_nothing(void **state)
{
    struct made m;
    struct buf out = {0};
    struct err err;
    (void)state;
    made_open(&m);
    buf_string(&out, "before");
    assert_int_equal(haul_pack(&m.head, batch_raw(m.writer), m.haul, m.packed.len - 1, &out, &err),
                     ERR_LIMIT);
    assert_true(slice_equal(buf_as_slice(&out), SLICE("before")));
    buf_free(&out);
    made_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_comes_back),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(flipped_bits_stay_within_bounds),
        cmocka_unit_test(rules_and_rows_that_are_not_there_are_refused),
        cmocka_unit_test(what_does_not_fit_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
