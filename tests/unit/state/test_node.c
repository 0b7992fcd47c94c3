#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/state/people_bed.h"

static void test_messages_are_put_settled_and_dropped(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    struct caller root = signed_in(&p, "root1"), anna = signed_in(&p, "anna");
    assert_int_equal(
        act(&p, &anna, "outbox.send", "channel=truc", "subject=Thử", "text=Xin chào", NULL),
        ERR_USAGE); /* the node's affair: needs all units */
    for (int i = 0; i < 3; i++)
        MUST(act(&p, &root, "outbox.send", "channel=truc", "subject=Thử", "text=Xin \"chào\"",
                 NULL));
    assert_true(result_has(&p, "{\"id\":3}"));
    assert_true(bed_text_is(people_db(&p), "SELECT body FROM outbox WHERE id = 1",
                            "{\"subject\":\"Thử\",\"text\":\"Xin \\\"chào\\\"\"}"));
    MUST(act(&p, &node, "outbox.settle", "id=1", "delivered=true", NULL));
    MUST(act(&p, &node, "outbox.settle", "id=2", "delivered=false", "why=HTTP 503", NULL));
    assert_int_equal(act(&p, &root, "outbox.settle", "id=2", "delivered=true", NULL), ERR_USAGE);
    assert_true(bed_number(people_db(&p), "SELECT due_ns FROM outbox WHERE id = 2") > p.now_ns);
    MUST(act(&p, &root, "outbox.retry", "id=2", NULL));
    assert_true(bed_number(people_db(&p), "SELECT due_ns FROM outbox WHERE id = 2") == p.now_ns);
    MUST(act(&p, &root, "outbox.drop", "id=3", NULL));
    assert_int_equal(act(&p, &root, "outbox.drop", "id=3", NULL), ERR_NOT_FOUND);
    assert_int_equal(act(&p, &root, "outbox.retry", "id=1", NULL), ERR_NOT_FOUND);
    assert_int_equal(
        bed_number(people_db(&p), "SELECT count(*) FROM outbox WHERE due_ns IS NOT NULL"), 1);
    people_close(&p);
}

static void test_what_the_node_does_is_audited(void **state)
{
    (void)state;
    struct people p;
    struct caller node = caller_system();
    people_open(&p);
    people_make(&p);
    MUST(act(&p, &node, "node.note", "kind=restart", "text=role web was started again", NULL));
    assert_true(bed_text_is(people_db(&p), "SELECT detail FROM audit WHERE command = 'node.note'",
                            "{\"text\":\"role web was started again\",\"kind\":\"restart\"}"));
    struct caller root = signed_in(&p, "root1");
    assert_int_equal(act(&p, &root, "node.note", "text=x", NULL), ERR_USAGE);
    people_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_put_settled_and_dropped),
        cmocka_unit_test(test_what_the_node_does_is_audited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
