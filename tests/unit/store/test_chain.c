/* Merkle trees against the definition of RFC 6962, and the chain's state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/chain.h"

static struct digester *digester;

static int set_up(void **state)
{
    (void)state;
    digester = digester_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    digester_close(&digester);
    return 0;
}

static struct digest leaf_of(uint64_t number)
{
    return digest_of(digester, slice_make((const char *)&number, sizeof number));
}

/* MTH(D[n]) word for word. */
static struct digest tree_of(const struct digest *leaves, uint64_t count)
{
    if (count == 1)
        return leaves[0];
    uint64_t half = 1;
    while (half * 2 < count)
        half *= 2;
    struct digest left = tree_of(leaves, half), right = tree_of(leaves + half, count - half);
    struct buf text = {0};
    buf_char(&text, 1);
    buf_append(&text, left.bytes, DIGEST_BYTES);
    buf_append(&text, right.bytes, DIGEST_BYTES);
    struct digest root = digest_of(digester, buf_as_slice(&text));
    buf_free(&text);
    return root;
}

static struct digest climb(struct digest at, const struct merkle_step *steps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct buf text = {0};
        buf_char(&text, 1);
        buf_append(&text, steps[i].left ? steps[i].digest.bytes : at.bytes, DIGEST_BYTES);
        buf_append(&text, steps[i].left ? at.bytes : steps[i].digest.bytes, DIGEST_BYTES);
        at = digest_of(digester, buf_as_slice(&text));
        buf_free(&text);
    }
    return at;
}

static void roots_and_paths_are_those_of_the_definition(void **state)
{
    (void)state;
    struct digest leaves[70];
    struct merkle m = {.leaves = 0};
    for (uint64_t n = 1; n <= 70; n++) {
        leaves[n - 1] = leaf_of(n);
        merkle_add(&m, &leaves[n - 1], digester);
        struct digest wanted = tree_of(leaves, n), root = merkle_root(&m, digester);
        assert_memory_equal(root.bytes, wanted.bytes, DIGEST_BYTES);
        for (uint64_t i = 0; i < n; i++) {
            struct merkle_step steps[CHAIN_DEPTH_MAX];
            uint32_t count = merkle_path(leaves, n, i, steps, digester);
            struct digest top = climb(leaves[i], steps, count);
            assert_memory_equal(top.bytes, wanted.bytes, DIGEST_BYTES);
        }
    }
}

enum { SECOND = 1000000000 };

static void fill(struct chain *c, uint64_t from, uint64_t to)
{
    struct err err;
    for (uint64_t i = from; i <= to; i++) {
        struct digest d = leaf_of(i);
        assert_int_equal(chain_add(c, i % 3 ? SLICE("main") : SLICE("other"), i, &d,
                                   (int64_t)i * 7 * SECOND, &err),
                         ERR_OK);
    }
}

static void heads_follow_from_the_heads_before(void **state)
{
    (void)state;
    struct chain *c = chain_open();
    uint32_t count;
    fill(c, 1, 60);
    chain_cut(c);
    const struct chain_interval *closed = chain_closed(c, &count);
    struct digest heads[2] = {{{0}}, {{0}}};
    uint64_t rows = 0;
    assert_true(count > 10);
    for (uint32_t i = 0; i < count; i++) {
        struct digest *head = &heads[slice_equal(closed[i].partition, SLICE("main"))];
        struct buf text = {0};
        chain_root_text(&closed[i], &text);
        *head = chain_head(head, buf_as_slice(&text), digester);
        assert_memory_equal(head->bytes, closed[i].head.bytes, DIGEST_BYTES);
        rows += closed[i].row_count;
        buf_free(&text);
    }
    assert_int_equal(rows, 60);
    chain_close(&c);
}

static void a_state_read_back_goes_on_alike(void **state)
{
    (void)state;
    for (uint64_t at = 0; at <= 40; at++) {
        struct chain *whole = chain_open(), *first = chain_open(), *second = chain_open();
        struct buf saved = {0}, a = {0}, b = {0};
        struct err err;
        fill(whole, 1, 40);
        fill(first, 1, at);
        chain_write(first, &saved);
        assert_int_equal(chain_read(second, buf_as_slice(&saved), &err), ERR_OK);
        fill(second, at + 1, 40);
        chain_write(whole, &a);
        chain_write(second, &b);
        assert_true(slice_equal(buf_as_slice(&a), buf_as_slice(&b)));
        for (size_t cut = 0; cut < saved.len; cut++) {
            struct chain *broken = chain_open();
            assert_int_equal(chain_read(broken, slice_make(saved.data, cut), &err), ERR_DAMAGED);
            chain_close(&broken);
        }
        buf_free(&saved);
        buf_free(&a);
        buf_free(&b);
        chain_close(&whole);
        chain_close(&first);
        chain_close(&second);
    }
}

static void a_clock_that_goes_back_opens_no_earlier_minute(void **state)
{
    (void)state;
    struct chain *c = chain_open();
    struct err err;
    struct digest d = leaf_of(1);
    uint32_t count;
    assert_int_equal(chain_add(c, SLICE("main"), 1, &d, 600ll * SECOND, &err), ERR_OK);
    assert_int_equal(chain_add(c, SLICE("main"), 2, &d, 300ll * SECOND, &err), ERR_OK);
    (void)chain_closed(c, &count);
    assert_int_equal(count, 0);
    chain_tick(c, 660ll * SECOND);
    const struct chain_interval *closed = chain_closed(c, &count);
    assert_int_equal(count, 1);
    assert_int_equal(closed[0].row_count, 2);
    assert_true(closed[0].minute_ns == 600ll * SECOND);
    chain_close(&c);
}

static void partitions_have_a_limit(void **state)
{
    (void)state;
    struct chain *c = chain_open();
    struct err err;
    struct digest d = leaf_of(1);
    for (int i = 0; i <= CHAIN_PARTITIONS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(chain_add(c, slice_from(name), 1, &d, 0, &err),
                         i < CHAIN_PARTITIONS_MAX ? ERR_OK : ERR_LIMIT);
    }
    chain_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_and_paths_are_those_of_the_definition),
        cmocka_unit_test(heads_follow_from_the_heads_before),
        cmocka_unit_test(a_state_read_back_goes_on_alike),
        cmocka_unit_test(a_clock_that_goes_back_opens_no_earlier_minute),
        cmocka_unit_test(partitions_have_a_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
