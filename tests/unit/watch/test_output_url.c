/* Output url: where syslog outputs send to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/output_url.h"

static void good(const char *text, enum output_transport transport, const char *host,
                 const char *port)
{
    struct output_url url;
    struct err err;
    assert_int_equal(output_url_parse(slice_from(text), &url, &err), ERR_OK);
    assert_int_equal(url.transport, transport);
    assert_string_equal(url.host, host);
    assert_string_equal(url.port, port);
}

static void whole_addresses_are_taken(void **state)
{
    (void)state;
    good("tls://siem.example.gov.vn:6514", OUTPUT_TLS, "siem.example.gov.vn", "6514");
    good("tcp://10.1.2.3:601", OUTPUT_TCP, "10.1.2.3", "601");
    good("udp://[2001:db8::1]:514", OUTPUT_UDP, "2001:db8::1", "514");
}

static void others_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "siem:514",
                                      "https://siem:514",
                                      "tcp://siem",
                                      "tcp://siem:",
                                      "tcp://siem:0",
                                      "tcp://siem:65536",
                                      "tcp://:514",
                                      "tcp://[::1:514",
                                      "tcp://[]:514",
                                      "tcp://user@siem:514",
                                      "tcp://siem/x:514",
                                      "tcp://siem:514/",
                                      "tcp://siem:5 14"};
    struct output_url url;
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(output_url_parse(slice_from(bad[i]), &url, &err), ERR_USAGE);
        assert_non_null(strstr(err.text, "tls://"));
    }
}

static void a_host_has_its_limit(void **state)
{
    struct output_url url;
    struct buf text = {0};
    struct err err;
    (void)state;
    buf_string(&text, "tcp://");
    for (int i = 0; i < OUTPUT_HOST_BYTES; i++)
        buf_char(&text, 'a');
    buf_string(&text, ":514");
    assert_int_equal(output_url_parse(buf_as_slice(&text), &url, &err), ERR_USAGE);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_addresses_are_taken),
                                       cmocka_unit_test(others_are_refused),
                                       cmocka_unit_test(a_host_has_its_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
