#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/text.h"

static void assert_digest(struct digest digest, const char *hex)
{
    struct buf text = {0};
    text_hex(&text, slice_make((const char *)digest.bytes, DIGEST_BYTES));
    assert_string_equal(buf_text(&text), hex);
    buf_free(&text);
}

/* FIPS 180-4, the examples of NIST. */
static void test_known_answers(void **state)
{
    (void)state;
    struct digester *d = digester_open();
    assert_digest(digester_end(d),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_digest(digest_of(d, SLICE("abc")),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digester_add(d, "abcdbcdecdefdefgefghfghi", 24);
    digester_add(d, NULL, 0);
    digester_add(d, "ghijhijkijkljklmklmnlmnomnopnopq", 32);
    assert_digest(digester_end(d),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for (int i = 0; i < 1000000 / 50; i++)
        digester_add(d, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 50);
    assert_digest(digester_end(d),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_digest(digest_of(d, SLICE("abc")),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digester_close(&d);
    assert_null(d);
    digester_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
