#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

static void test_addresses(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "host.add", "name=dc01", "unit=a1", "address=10.0.0.1",
             "address=2001:DB8:0::1", "address=10.0.0.1", NULL));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host_address"), 2);
    assert_true(bed_text_is(people_db(&p),
                            "SELECT address FROM host_address WHERE address LIKE"
                            " '2%'",
                            "2001:db8::1"));
    assert_int_equal(act(&p, &node, "host.add", "name=x", "unit=a1", "address=10.0.0.999", NULL),
                     ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "10.0.0.999"));
    assert_int_equal(act(&p, &node, "host.add", "name=x", "unit=a1", "address=10.0.0.1", NULL),
                     ERR_USAGE);
    assert_non_null(strstr(p.call.err.text, "dc01"));
    assert_int_equal(act(&p, &node, "host.add", "name=dc01", "unit=a1", NULL), ERR_USAGE);
    MUST(act(&p, &node, "host.add", "name=dc01", "unit=b", "address=10.0.0.1", NULL));
    assert_int_equal(act(&p, &node, "host.add", "name=x", NULL), ERR_USAGE);
    /* two of that name for who has all units */
    assert_int_equal(act(&p, &node, "host.remove", "host=dc01", NULL), ERR_USAGE);
    MUST(act(&p, &node, "host.change", "host=1", "address=10.0.0.2", NULL));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host_address"), 2);
    MUST(act(&p, &node, "host.change", "host=1", "title=Máy chủ thư", NULL));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host_address"), 2);
    assert_true(bed_text_is(people_db(&p), "SELECT search FROM host WHERE id = 1",
                            "dc01 may chu thu 10.0.0.2 "));
    MUST(act(&p, &node, "host.remove", "host=1", NULL));
    assert_int_equal(bed_number(people_db(&p), "SELECT count(*) FROM host_address"), 1);
    people_close(&p);
}

static void test_hosts_of_others(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "host.add", "name=hb", "unit=b", NULL));
    MUST(act(&p, &node, "host.add", "name=ha", "unit=a1", NULL));
    struct caller anna = signed_in(&p, "anna");
    assert_int_equal(act(&p, &anna, "host.change", "host=hb", "title=X", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "host.change", "host=ha", "unit=b", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "host.remove", "host=1", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &anna, "host.add", "name=x", "unit=b", NULL), ERR_NOT_FOUND);
    MUST(act(&p, &anna, "host.change", "host=ha", "unit=a2", NULL));
    people_close(&p);
}

struct seen {
    uint32_t rows;
    struct buf json;
};

static int row_seen(void *context, const struct listing *listing,
                    const struct listing_value *values)
{
    struct seen *seen = context;
    seen->rows++;
    listing_json(listing, values, &seen->json);
    return ERR_OK;
}

/* Every listing, for who has all units and for who has some. */
static void test_listings_show_ones_own(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t root, anna;
    } rows[] = {{"units", 4, 3}, {"hosts", 2, 1},  {"systems", 0, 0},
                {"users", 2, 1}, {"tokens", 1, 0}, {"sessions", 2, 1}};
    struct people p;
    struct caller node = caller_system();
    struct listing_table table = {state_listings, state_listing_count};
    uint64_t next;
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "host.add", "name=hb", "unit=b", NULL));
    MUST(act(&p, &node, "host.add", "name=ha", "title=Máy chủ thư", "unit=a1", "address=10.0.0.7",
             NULL));
    struct caller anna = signed_in(&p, "anna"), root = signed_in(&p, "root1");
    MUST(act(&p, &root, "token.add", "name=t", "right=read", "right=users", "expires=1d", NULL));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct listing *l = listing_find(&table, slice_from(rows[i].name));
        struct seen all = {0}, some = {0};
        struct listing_ask ask = {.caller = &root};
        assert_non_null(l);
        assert_int_equal(listing_read(people_db(&p), l, &ask, row_seen, &all, &next, NULL), ERR_OK);
        ask.caller = &anna;
        assert_int_equal(listing_read(people_db(&p), l, &ask, row_seen, &some, &next, NULL),
                         ERR_OK);
        if (all.rows != rows[i].root || some.rows != rows[i].anna)
            fail_msg("%s: %u, %u", rows[i].name, all.rows, some.rows);
        assert_null(strstr(buf_text(&all.json), "canh_"));
        buf_free(&all.json);
        buf_free(&some.json);
    }
    struct seen found = {0};
    struct listing_ask ask = {.caller = &anna, .text = SLICE("may chu")};
    assert_int_equal(listing_read(people_db(&p), listing_find(&table, SLICE("hosts")), &ask,
                                  row_seen, &found, &next, NULL),
                     ERR_OK);
    assert_int_equal(found.rows, 1);
    assert_non_null(strstr(buf_text(&found.json), "\"addresses\":\"10.0.0.7\""));
    buf_free(&found.json);
    ask = (struct listing_ask){.caller = &anna};
    struct seen audit = {0};
    assert_int_equal(listing_read(people_db(&p), listing_find(&table, SLICE("audit")), &ask,
                                  row_seen, &audit, &next, NULL),
                     ERR_OK);
    assert_true(audit.rows > 0 && !strstr(buf_text(&audit.json), "host/1\""));
    buf_free(&audit.json);
    assert_int_equal(listing_read(people_db(&p), listing_find(&table, SLICE("outbox")), &ask,
                                  row_seen, &audit, &next, NULL),
                     ERR_USAGE);
    people_close(&p);
}

/* What help and completion are made of. */
static void test_every_command_and_listing_has_its_texts(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < state_command_count; i++) {
        const struct command *c = state_commands[i];
        if (i > 0)
            assert_true(strcmp(state_commands[i - 1]->name, c->name) < 0);
        assert_true(c->title_en && *c->title_en && c->title_vi && *c->title_vi && c->run);
        assert_true(c->right || (c->flags & (COMMAND_OPEN | COMMAND_INTERNAL)));
        for (uint32_t k = 0; k < c->param_count; k++) {
            const struct param *q = &c->params[k];
            assert_true(q->name && q->help_en && *q->help_en && q->help_vi && *q->help_vi);
            assert_true(q->kind != PARAM_CHOICE || q->choices);
            assert_true(q->kind != PARAM_REF || noun_find(q->ref));
        }
    }
    for (uint32_t i = 0; i < state_listing_count; i++) {
        const struct listing *l = state_listings[i];
        assert_true(l->title_en && l->title_vi && l->right && l->column_count > 0);
        assert_string_equal(l->columns[0].name, "id");
        for (uint32_t k = 0; k < l->column_count; k++)
            assert_true(*l->columns[k].title_en && *l->columns[k].title_vi);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_hosts_of_others),
        cmocka_unit_test(test_listings_show_ones_own),
        cmocka_unit_test(test_every_command_and_listing_has_its_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
