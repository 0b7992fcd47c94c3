#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/register.h"

static struct register_table *table_make(void)
{
    struct buf bytes = {0};
    struct register_table *table;
    const struct register_host web = {SLICE("web01.xa.gov.vn"), SLICE("portal"), SLICE("it")};
    const struct register_host mail = {SLICE("mail"), SLICE(""), SLICE("it")};
    const struct register_host other = {SLICE("mail"), SLICE("letters"), SLICE("office")};
    register_begin(&bytes);
    assert_true(register_put(&bytes, SLICE("Web01.xa.gov.vn"), &web));
    assert_true(register_put(&bytes, SLICE("10.0.0.5"), &web));
    assert_true(register_put(&bytes, SLICE("2001:DB8::1"), &web));
    assert_true(register_put(&bytes, SLICE("mail"), &mail));
    assert_true(register_put(&bytes, SLICE("mail"), &other));
    assert_int_equal(register_open(&table, buf_as_slice(&bytes), NULL), ERR_OK);
    buf_free(&bytes);
    return table;
}

static bool finds(const struct register_table *t, const char *name, const char *unit,
                  const char *host)
{
    struct register_host found;
    return register_find(t, slice_from(name), slice_from(unit), &found) &&
           slice_equal(found.host, slice_from(host));
}

static void names_and_addresses_are_found(void **state)
{
    (void)state;
    struct register_table *t = table_make();
    static const char *const names[] = {"web01.xa.gov.vn",   "WEB01",           "web01.xa.gov.vn.",
                                        "10.0.0.5",          "::ffff:10.0.0.5", "2001:db8:0::1",
                                        "web01.other.domain"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(finds(t, names[i], "it", "web01.xa.gov.vn"));
    assert_false(finds(t, "web02", "it", "web01.xa.gov.vn"));
    assert_false(finds(t, "10.0.0.6", "it", "web01.xa.gov.vn"));
    assert_false(finds(t, "10", "it", "web01.xa.gov.vn"));
    assert_false(finds(t, "", "it", "web01.xa.gov.vn"));
    register_unuse(&t);
}

static void a_unit_sees_its_own_hosts(void **state)
{
    (void)state;
    struct register_table *t = table_make();
    struct register_host found;
    assert_true(register_find(t, SLICE("mail"), SLICE("office"), &found));
    assert_true(slice_equal(found.system, SLICE("letters")));
    assert_true(register_find(t, SLICE("mail"), SLICE("it"), &found));
    assert_int_equal(found.system.len, 0);
    /* two hosts of that name: nobody can say which */
    assert_false(register_find(t, SLICE("mail"), SLICE(""), &found));
    assert_false(register_find(t, SLICE("web01"), SLICE("office"), &found));
    assert_true(register_find(t, SLICE("web01"), SLICE(""), &found));
    register_unuse(&t);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct buf bytes = {0};
    struct register_table *table;
    const struct register_host host = {SLICE("a"), SLICE("b"), SLICE("c")};
    register_begin(&bytes);
    assert_true(register_put(&bytes, SLICE("host.name"), &host));
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(register_open(&table, slice_part(buf_as_slice(&bytes), 0, len), NULL),
                         ERR_DAMAGED);
    buf_char(&bytes, 'x');
    assert_int_equal(register_open(&table, buf_as_slice(&bytes), NULL), ERR_DAMAGED);
    assert_null(table);
    buf_free(&bytes);
}

static void holders_keep_an_old_table(void **state)
{
    (void)state;
    struct register_share *share = register_share_open();
    assert_null(register_share_get(share));
    register_share_set(share, table_make());
    struct register_table *held = register_share_get(share);
    register_share_set(share, table_make());
    register_share_close(&share);
    assert_true(finds(held, "web01", "it", "web01.xa.gov.vn"));
    register_unuse(&held);
    assert_null(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_addresses_are_found),
        cmocka_unit_test(a_unit_sees_its_own_hosts),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(holders_keep_an_old_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
