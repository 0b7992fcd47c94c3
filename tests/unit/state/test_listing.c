#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/listing.h"
#include "unit/state/state_bed.h"

static const struct listing_column note_columns[] = {
    {"id", "t.id", LISTING_NUMBER, true, false, "id", "mã"},
    {"text", "t.text", LISTING_TEXT, true, false, "text", "nội dung"},
    {"unit", "t.unit_id", LISTING_NUMBER, true, false, "unit", "đơn vị"},
    {"even", "t.id % 2 = 0", LISTING_BOOL, true, false, "even", "chẵn"},
    {"time", "t.id * 1000000000", LISTING_TIME, true, false, "time", "lúc"},
    {"hidden", "NULL", LISTING_TEXT, false, false, "hidden", "ẩn"},
};
#define NOTE_COLUMNS                                                                               \
    .columns = note_columns, .column_count = sizeof(note_columns) / sizeof(note_columns[0])
static const struct listing notes = {.name = "notes",
                                     .noun = "note",
                                     .from = "note t",
                                     .unit = "t.unit_id",
                                     .text = "t.text",
                                     .right = RIGHT_READ,
                                     NOTE_COLUMNS},
                            newest = {.name = "newest",
                                      .noun = "new",
                                      .from = "note t",
                                      .right = RIGHT_READ,
                                      .newest_first = true,
                                      NOTE_COLUMNS},
                            owned = {.name = "owned",
                                     .noun = "own",
                                     .from = "(SELECT id, text, unit_id, unit_id user_id"
                                             " FROM note) t",
                                     .right = RIGHT_READ,
                                     .own = true,
                                     NOTE_COLUMNS};
static const struct listing *const note_listings[] = {&notes, &newest, &owned, NULL};
static const struct listing_table note_table = {note_listings, 3};
static const uint64_t unit_two[] = {2, 4};
static const struct caller all = {.rights = RIGHT_READ | RIGHT_USERS, .everywhere = true},
                           two = {.rights = RIGHT_READ,
                                  .units = unit_two,
                                  .unit_count = 2,
                                  .user_id = 3},
                           none = {.rights = RIGHT_SELF, .everywhere = true};

enum { NOTES = 250 };

/* Note n belongs to unit n % 5. */
static void filled(struct bed *b)
{
    bed_open_state(b);
    assert_int_equal(
        database_run(state_db(b->state),
                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)"
                     " INSERT INTO note SELECT i, 'ghi chu ' || i, i % 5 FROM n",
                     NULL),
        ERR_OK);
}

struct page {
    uint32_t count;
    uint64_t ids[LISTING_PAGE_MAX];
    struct buf json;
};

static int take(void *context, const struct listing *listing, const struct listing_value *values)
{
    struct page *p = context;
    p->ids[p->count++] = (uint64_t)values[0].number;
    buf_clear(&p->json);
    listing_json(listing, values, &p->json);
    return ERR_OK;
}

static int read_page(struct bed *b, const struct listing *l, const struct listing_ask *ask,
                     struct page *p, uint64_t *next)
{
    struct err err = {0};
    p->count = 0;
    int rc = listing_read(state_db(b->state), l, ask, take, p, next, &err);
    if (rc != ERR_OK && rc != ERR_USAGE)
        fail_msg("%s", err.text);
    return rc;
}

static void test_pages_reach_every_row_once(void **state)
{
    (void)state;
    struct bed b;
    static struct page p;
    uint64_t next = 0;
    filled(&b);
    for (int way = 0; way < 3; way++) {
        const struct listing *l = way == 1 ? &newest : &notes;
        struct listing_ask ask = {.caller = way == 2 ? &two : &all, .limit = 60};
        uint32_t seen = 0, pages = 0;
        uint64_t last = 0;
        do {
            assert_int_equal(read_page(&b, l, &ask, &p, &next), ERR_OK);
            for (uint32_t i = 0; i < p.count; i++) {
                assert_true(!last || (way == 1 ? p.ids[i] < last : p.ids[i] > last));
                last = p.ids[i];
                assert_true(way != 2 || last % 5 == 2 || last % 5 == 4);
            }
            seen += p.count;
            pages++;
            ask.after = next;
        } while (next);
        assert_int_equal(seen, way == 2 ? 100 : NOTES);
        assert_int_equal(pages, way == 2 ? 2 : 5);
    }
    assert_int_equal(read_page(&b, &notes, &(struct listing_ask){.caller = &all}, &p, &next),
                     ERR_OK);
    assert_int_equal(p.count, 100);
    buf_free(&p.json);
    bed_close(&b);
}

static void test_who_may_read_what(void **state)
{
    (void)state;
    struct bed b;
    static struct page p;
    uint64_t next;
    filled(&b);
    struct listing_ask ask = {.caller = &none};
    assert_int_equal(read_page(&b, &notes, &ask, &p, &next), ERR_USAGE);
    ask.caller = &two;
    assert_int_equal(read_page(&b, &newest, &ask, &p, &next), ERR_USAGE); /* node-wide */
    assert_int_equal(read_page(&b, &owned, &ask, &p, &next), ERR_OK);
    assert_int_equal(p.count, 50); /* user 3's */
    assert_int_equal(p.ids[0] % 5, 3);
    ask.caller = &all;
    assert_int_equal(read_page(&b, &owned, &ask, &p, &next), ERR_OK);
    assert_int_equal(p.count, 100);
    buf_free(&p.json);
    bed_close(&b);
}

static void test_filters(void **state)
{
    (void)state;
    struct bed b;
    static struct page p;
    uint64_t next;
    filled(&b);
    static const struct {
        const char *column, *value;
        int rc;
        uint32_t count;
    } cases[] = {
        {"text", "GHI CHU 7", ERR_OK, 1}, {"unit", "2", ERR_OK, 50},
        {"unit", "x", ERR_USAGE, 0},      {"even", "true", ERR_OK, 125},
        {"even", "1", ERR_USAGE, 0},      {"time", "1970-01-01T00:04:00Z", ERR_OK, 11},
        {"time", "soon", ERR_USAGE, 0},   {"hidden", "x", ERR_USAGE, 0},
        {"none", "x", ERR_USAGE, 0},      {"unit", "1 OR 1", ERR_USAGE, 0},
        {"text", "' OR 1=1", ERR_OK, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct listing_filter filter = {slice_from(cases[i].column), slice_from(cases[i].value)};
        struct listing_ask ask = {
            .caller = &all, .limit = 1000, .filters = &filter, .filter_count = 1};
        assert_int_equal(read_page(&b, &notes, &ask, &p, &next), cases[i].rc);
        assert_int_equal(p.count, cases[i].count);
    }
    struct listing_ask ask = {.caller = &all, .limit = 1000, .text = SLICE("CHÚ 12")};
    assert_int_equal(read_page(&b, &notes, &ask, &p, &next), ERR_OK);
    assert_int_equal(p.count, 11); /* 12, 120 to 129 */
    assert_string_equal(buf_text(&p.json),
                        "{\"id\":129,\"text\":\"ghi chu 129\",\"unit\":4,\"even\":false,"
                        "\"time\":\"1970-01-01T00:02:09Z\",\"hidden\":null}");
    assert_int_equal(read_page(&b, &newest, &ask, &p, &next), ERR_USAGE); /* has no text */
    ask = (struct listing_ask){.caller = &all, .limit = LISTING_PAGE_MAX + 1};
    assert_int_equal(read_page(&b, &notes, &ask, &p, &next), ERR_USAGE);
    buf_free(&p.json);
    bed_close(&b);
}

/* A page is found by its id, whatever else is asked: no scan from the start, no sorting. */
static void test_how_a_page_is_found(void **state)
{
    (void)state;
    struct bed b;
    filled(&b);
    struct listing_filter filter = {SLICE("unit"), SLICE("2")};
    const struct listing_ask asks[] = {{.caller = &all},
                                       {.caller = &two},
                                       {.caller = &all, .text = SLICE("x")},
                                       {.caller = &two, .filters = &filter, .filter_count = 1}};
    for (size_t i = 0; i < 2 * sizeof(asks) / sizeof(asks[0]); i++) {
        const struct listing_ask *ask = &asks[i / 2];
        const struct listing *l = i % 2 && ask->caller == &all && !ask->text.len ? &newest : &notes;
        struct buf sql = {0};
        bool searched = false;
        buf_string(&sql, "EXPLAIN QUERY PLAN ");
        assert_int_equal(listing_sql(l, ask, &sql, NULL), ERR_OK);
        struct statement *s = statement_open(state_db(b.state), buf_text(&sql));
        while (statement_step(s, NULL) == ERR_OK) {
            struct slice step = statement_column_text(s, 3);
            searched |= slice_starts(step, SLICE("SEARCH t USING INTEGER PRIMARY KEY (rowid"));
            if (slice_starts(step, SLICE("SCAN t")) ||
                slice_find(step, SLICE("ORDER BY")) != SLICE_NONE)
                fail_msg("%s: %.*s", buf_text(&sql), (int)step.len, step.data);
        }
        assert_true(searched);
        statement_close(&s);
        buf_free(&sql);
    }
    bed_close(&b);
}

static void test_they_are_found(void **state)
{
    (void)state;
    assert_ptr_equal(listing_find(&note_table, SLICE("newest")), &newest);
    assert_ptr_equal(listing_of_noun(&note_table, SLICE("own")), &owned);
    assert_null(listing_find(&note_table, SLICE("new")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_reach_every_row_once),
        cmocka_unit_test(test_who_may_read_what),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_how_a_page_is_found),
        cmocka_unit_test(test_they_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
