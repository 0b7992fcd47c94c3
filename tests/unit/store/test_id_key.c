#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/id_key.h"

static bool same(struct carry_id a, struct carry_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void test_the_key_is_kept_with_the_store(void **state)
{
    struct carry *carry = carry_open();
    struct id_key made, read;
    struct buf items = {0}, scratch = {0};
    struct err err = {0};
    (void)state;
    assert_int_equal(id_key_read(carry, &read, &err), ERR_NOT_FOUND);
    id_key_make(&made, &items);
    assert_int_equal(carry_apply(carry, buf_as_slice(&items), &err), ERR_OK);
    assert_int_equal(id_key_read(carry, &read, &err), ERR_OK);
    assert_memory_equal(made.bytes, read.bytes, ID_KEY_BYTES);
    struct carry_id id = id_key_hash(&made, SLICE("token:1"), SLICE("abc"), &scratch);
    assert_true(same(id, id_key_hash(&read, SLICE("token:1"), SLICE("abc"), &scratch)));
    assert_false(same(id, id_key_hash(&read, SLICE("token:2"), SLICE("abc"), &scratch)));
    assert_false(same(id, id_key_hash(&read, SLICE("token:1a"), SLICE("bc"), &scratch)));
    assert_false(same(id, id_key_hash(&read, SLICE(""), SLICE(""), &scratch)));
    buf_clear(&items);
    id_key_make(&read, &items); /* another store's */
    assert_false(same(id, id_key_hash(&read, SLICE("token:1"), SLICE("abc"), &scratch)));
    buf_clear(&items);
    carry_put_cursor(&items, ID_KEY_CURSOR, SLICE("short"));
    assert_int_equal(carry_apply(carry, buf_as_slice(&items), &err), ERR_OK);
    assert_int_equal(id_key_read(carry, &read, &err), ERR_DAMAGED);
    buf_free(&items);
    buf_free(&scratch);
    carry_close(&carry);
}

/* SipHash-2-4-128 of the reference: key 00..0f, message 00. */
static void test_the_hash_is_siphash_2_4_of_128_bits(void **state)
{
    static const uint8_t expected[CARRY_ID_BYTES] = {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99,
                                                     0xaf, 0x44, 0x34, 0x76, 0x59, 0x11,
                                                     0x9b, 0x22, 0xfc, 0x45};
    struct id_key key;
    struct buf scratch = {0};
    (void)state;
    for (uint8_t i = 0; i < ID_KEY_BYTES; i++)
        key.bytes[i] = i;
    struct carry_id id = id_key_hash(&key, SLICE(""), SLICE(""), &scratch);
    assert_memory_equal(id.bytes, expected, sizeof expected);
    buf_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_key_is_kept_with_the_store),
        cmocka_unit_test(test_the_hash_is_siphash_2_4_of_128_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
