#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/ip.h"

static void test_reads_and_writes(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"1.2.3.4", "1.2.3.4"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"::", "::"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"fe80::1%eth0", "fe80::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one group is not shortened */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* the longest run */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* the first of equals */
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"1::", "1::"},
        {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct ip_address a;
        char text[IP_TEXT_BYTES];
        if (!ip_parse(&a, slice_from(pairs[i][0])))
            fail_msg("%s is no address", pairs[i][0]);
        assert_int_equal(ip_text(text, &a), strlen(pairs[i][1]));
        assert_string_equal(text, pairs[i][1]);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "01.2.3.4",
                                      "1.2.3.4 ",
                                      "1.2.3.",
                                      "0x1.2.3.4",
                                      ":",
                                      ":1",
                                      "1:",
                                      "1::2::3",
                                      ":::",
                                      "1:::2",
                                      "12345::",
                                      "g::",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7",
                                      "::1.2.3",
                                      "::1.2.3.4:5",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "[::1",
                                      "[1.2.3.4]",
                                      "fe80::1%",
                                      "1:2:3:4:5:6:7:8::"};
    struct ip_address a;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (ip_parse(&a, slice_from(bad[i])))
            fail_msg("%s is taken for an address", bad[i]);
}

static bool has(const char *network, const char *address)
{
    struct ip_network n;
    struct ip_address a;
    assert_true(ip_network_parse(&n, slice_from(network)));
    assert_true(ip_parse(&a, slice_from(address)));
    return ip_network_has(&n, &a);
}

static void test_networks(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.0.1"));
    assert_false(has("10.0.0.0/8", "11.0.0.1"));
    assert_true(has("10.1.2.3/31", "10.1.2.2")); /* host bits are cleared */
    assert_false(has("10.1.2.3/31", "10.1.2.4"));
    assert_true(has("10.1.2.3", "10.1.2.3"));
    assert_false(has("10.1.2.3", "10.1.2.4"));
    assert_true(has("0.0.0.0/0", "200.1.1.1"));
    assert_false(has("0.0.0.0/0", "2001:db8::1"));
    assert_true(has("::/0", "2001:db8::1"));
    assert_true(has("2001:db8::/33", "2001:db8:7fff::"));
    assert_false(has("2001:db8::/33", "2001:db8:8000::"));
    assert_true(has("::ffff:10.0.0.0/104", "10.9.9.9"));
    static const char *const bad[] = {"10.0.0.0/33", "::/129",       "10.0.0.0/", "10.0.0.0/08",
                                      "10.0.0.0/-1", "10.0.0.0/8/8", "/8"};
    struct ip_network n;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (ip_network_parse(&n, slice_from(bad[i])))
            fail_msg("%s is taken for a network", bad[i]);
    assert_true(ip_network_parse(&n, SLICE("10.1.2.3/24")));
    assert_int_equal(n.prefix_bits, 120);
    assert_int_equal(n.base.bytes[15], 0);
    assert_true(ip_is_v4(&n.base));
}

static void test_text_reads_back(void **state)
{
    (void)state;
    srandom(11);
    for (int i = 0; i < 50000; i++) {
        struct ip_address a, back;
        char text[IP_TEXT_BYTES];
        for (int j = 0; j < 16; j += 2) { /* many zero groups */
            bool zero = random() % 2;
            a.bytes[j] = zero ? 0 : (uint8_t)random();
            a.bytes[j + 1] = zero ? 0 : (uint8_t)random();
        }
        size_t len = ip_text(text, &a);
        assert_true(ip_parse(&back, slice_make(text, len)));
        assert_memory_equal(&a, &back, sizeof(a));
    }
}

static void test_v4_is_written_as_printf_does(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1024; i++) {
        unsigned parts[4] = {i % 256, (i * 7) % 256, 255 - i % 256, (i * 31 + 9) % 256};
        struct ip_address a = {{[10] = 0xff, [11] = 0xff}};
        char text[IP_TEXT_BYTES], wanted[IP_TEXT_BYTES];
        for (int k = 0; k < 4; k++)
            a.bytes[12 + k] = (uint8_t)parts[k];
        (void)snprintf(wanted, sizeof(wanted), "%u.%u.%u.%u", parts[0], parts[1], parts[2],
                       parts[3]);
        assert_int_equal(ip_text(text, &a), strlen(wanted));
        assert_string_equal(text, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_writes),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_text_reads_back),
        cmocka_unit_test(test_v4_is_written_as_printf_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
