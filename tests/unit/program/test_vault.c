/* Keys under a passphrase: what goes in comes out; wrong words, changed and cut bytes do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program/vault.h"

static const struct slice words = {"mot cum mat khau", 16};

static void sealed_make(struct buf *sealed)
{
    struct vault_file files[] = {{SLICE("node.key"), SLICE("secret")},
                                 {SLICE("ca.crt"), SLICE("")}};
    struct err err;
    assert_int_equal(vault_seal(files, 2, words, sealed, &err), ERR_OK);
}

static int opened(struct slice sealed, struct slice passphrase, struct buf *plain,
                  struct vault_file files[VAULT_FILES_MAX], uint32_t *count)
{
    struct err err;
    return vault_open(sealed, passphrase, plain, files, count, &err);
}

static void what_goes_in_comes_out(void **state)
{
    struct vault_file files[VAULT_FILES_MAX];
    struct buf sealed = {0}, plain = {0};
    uint32_t count = 0;
    (void)state;
    sealed_make(&sealed);
    assert_true(slice_find(buf_as_slice(&sealed), SLICE("secret")) == SLICE_NONE);
    assert_int_equal(opened(buf_as_slice(&sealed), words, &plain, files, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_true(slice_equal(files[0].name, SLICE("node.key")));
    assert_true(slice_equal(files[0].bytes, SLICE("secret")));
    assert_true(slice_equal(files[1].name, SLICE("ca.crt")));
    assert_int_equal(files[1].bytes.len, 0);
    buf_free(&sealed);
    buf_free(&plain);
}

static void the_same_is_sealed_differently(void **state)
{
    struct buf a = {0}, b = {0};
    (void)state;
    sealed_make(&a);
    sealed_make(&b);
    assert_false(slice_equal(buf_as_slice(&a), buf_as_slice(&b)));
    buf_free(&a);
    buf_free(&b);
}

static void wrong_words_open_nothing(void **state)
{
    struct vault_file files[VAULT_FILES_MAX];
    struct buf sealed = {0}, plain = {0};
    uint32_t count = 0;
    struct err err;
    (void)state;
    sealed_make(&sealed);
    assert_int_equal(
        opened(buf_as_slice(&sealed), SLICE("mot cum mat khac"), &plain, files, &count), ERR_USAGE);
    assert_int_equal(count, 0);
    assert_int_equal(vault_seal(NULL, 0, SLICE("short"), &plain, &err), ERR_USAGE);
    buf_free(&sealed);
    buf_free(&plain);
}

/* Marks, version, parameters, salt, header, body, tag: a changed bit anywhere is seen. */
static void changed_bytes_are_seen(void **state)
{
    struct vault_file files[VAULT_FILES_MAX];
    struct buf sealed = {0};
    uint32_t count;
    (void)state;
    sealed_make(&sealed);
    const size_t places[] = {0, 8, 12, 20, 28, 40, 44, 60, 80, sealed.len - 1};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct buf plain = {0};
        sealed.data[places[i]] ^= 1;
        assert_int_not_equal(opened(buf_as_slice(&sealed), words, &plain, files, &count), ERR_OK);
        sealed.data[places[i]] ^= 1;
        buf_free(&plain);
    }
    for (size_t len = 0; len < sealed.len; len += 13) {
        struct buf plain = {0};
        assert_int_not_equal(opened(slice_make(sealed.data, len), words, &plain, files, &count),
                             ERR_OK);
        buf_free(&plain);
    }
    buf_free(&sealed);
}

/* A foreign file may ask for all memory there is: it is refused before argon2id begins. */
static void greedy_parameters_are_refused(void **state)
{
    struct vault_file files[VAULT_FILES_MAX];
    struct buf sealed = {0}, plain = {0};
    uint32_t count;
    (void)state;
    sealed_make(&sealed);
    bytes_set_u64(sealed.data + 20, UINT64_MAX / 2);
    assert_int_equal(opened(buf_as_slice(&sealed), words, &plain, files, &count), ERR_SYNTAX);
    bytes_set_u64(sealed.data + 20, 64 << 20);
    bytes_set_u64(sealed.data + 12, 1000000);
    assert_int_equal(opened(buf_as_slice(&sealed), words, &plain, files, &count), ERR_SYNTAX);
    buf_free(&sealed);
    buf_free(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(the_same_is_sealed_differently),
        cmocka_unit_test(wrong_words_open_nothing),
        cmocka_unit_test(changed_bytes_are_seen),
        cmocka_unit_test(greedy_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
