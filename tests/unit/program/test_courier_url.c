/* Where the courier may send to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "program/courier_url.h"

static void test_allowed(void **state)
{
    static const char *const urls[] = {"https://hook.example/a?b=c", "https://10.1.2.3:8443/x",
                                       "https://[2001:db8::1]/x",    "http://127.0.0.1:8080/x",
                                       "http://localhost:9/",        "http://[::1]:80/"};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_int_equal(courier_url_check(slice_from(urls[i]), NULL), ERR_OK);
}

static void test_refused(void **state)
{
    static const char *const urls[] = {"http://hook.example/",
                                       "http://127.0.0.1.evil.example/",
                                       "http://localhost.evil.example/",
                                       "http://localhost@evil.example/",
                                       "https://user:password@hook.example/",
                                       "http://[::1",
                                       "https:///path",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "HTTPS://hook.example/",
                                       "hook.example",
                                       ""};
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_int_equal(courier_url_check(slice_from(urls[i]), NULL), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_allowed),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
