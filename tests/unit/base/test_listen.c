#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listen.h"

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint16_t port;
        bool loopback;
    } good[] = {
        {"127.0.0.1:8480", 8480, true},
        {"127.9.9.9:1", 1, true},
        {"[::1]:65535", 65535, true},
        {"0.0.0.0:0", 0, false},
        {"[::]:80", 80, false},
        {"10.1.2.3:443", 443, false},
        {"[2001:db8::1]:8480", 8480, false},
    };
    static const char *const bad[] = {
        "",       ":80",   "127.0.0.1",    "127.0.0.1:",        "localhost:80", "127.0.0.1:65536",
        "::1:80", "[::1]", "127.0.0.1:8x", "[fe80::1%eth0]:80", "127.0.0.1:-1"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct listen_address where;
        struct err err = {0};
        if (listen_parse(slice_from(good[i].text), &where, &err) != ERR_OK)
            fail_msg("%s", err.text);
        assert_int_equal(where.port, good[i].port);
        assert_int_equal(where.loopback, good[i].loopback);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct listen_address where;
        if (listen_parse(slice_from(bad[i]), &where, NULL) != ERR_USAGE)
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void test_a_taken_port_is_named(void **state)
{
    (void)state;
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    char text[32], named[32];
    int first, second;
    struct err err;
    assert_int_equal(listen_open(SLICE("127.0.0.1:0"), &first, &err), ERR_OK);
    assert_int_equal(getsockname(first, (struct sockaddr *)&at, &size), 0);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(at.sin_port));
    (void)snprintf(named, sizeof(named), "port %u ", ntohs(at.sin_port));
    assert_int_equal(listen_open(slice_from(text), &second, &err), ERR_BUSY);
    assert_non_null(strstr(err.text, named));
    assert_non_null(strstr(err.text, "ss -ltnp"));
    assert_int_equal(close(first), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_a_taken_port_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
