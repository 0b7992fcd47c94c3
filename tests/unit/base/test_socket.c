/* Sockets on loopback: what the kernel dropped and what was received make what was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "base/socket.h"

enum { DATAGRAM_BYTES = 1000, DATAGRAMS = 400 };

struct pair {
    int from, to;
};

static struct pair pair_open(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    struct pair p = {socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                     socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    assert_true(p.from >= 0 && p.to >= 0);
    assert_int_equal(bind(p.to, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(p.to, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(connect(p.from, (struct sockaddr *)&at, sizeof(at)), 0);
    return p;
}

static void pair_close(struct pair *p)
{
    assert_int_equal(close(p->from), 0);
    assert_int_equal(close(p->to), 0);
}

static void flood(const struct pair *p)
{
    char text[DATAGRAM_BYTES] = {0};
    for (int i = 0; i < DATAGRAMS; i++)
        assert_int_equal(send(p->from, text, sizeof(text), 0), sizeof(text));
}

static uint64_t drain(const struct pair *p, struct socket_drops *drops)
{
    char text[DATAGRAM_BYTES];
    union {
        struct cmsghdr head;
        char bytes[SOCKET_CONTROL_BYTES];
    } control;
    for (uint64_t count = 0;; count++) {
        struct iovec piece = {text, sizeof(text)};
        struct msghdr message = {.msg_iov = &piece,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof(control)};
        if (recvmsg(p->to, &message, 0) < 0) {
            assert_int_equal(errno, EAGAIN);
            return count;
        }
        (void)socket_drops_read(drops, &message);
    }
}

static void drops_are_counted(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct err err = {0};
    struct socket_drops asked = {0}, read = {0};
    size_t got;
    assert_int_equal(socket_set_nonblocking(p.to, &err), ERR_OK);
    assert_int_equal(socket_set_receive_bytes(p.to, 8192, &got, &err), ERR_OK);
    assert_int_equal(socket_drops_start(p.to, &err), ERR_OK);
    flood(&p);
    assert_int_equal(socket_drops_ask(&asked, p.to, &err), ERR_OK);
    assert_true(asked.total > 0);
    uint64_t received = drain(&p, &read);
    assert_int_equal(received + asked.total, DATAGRAMS);
    /* a message carries what was dropped before it came */
    assert_int_equal(send(p.from, "x", 1, 0), 1);
    assert_int_equal(drain(&p, &read), 1);
    assert_int_equal(read.total, asked.total);
    /* an older counter takes nothing back */
    flood(&p);
    assert_int_equal(socket_drops_ask(&asked, p.to, &err), ERR_OK);
    uint64_t before = asked.total;
    received += drain(&p, &asked);
    assert_int_equal(asked.total, before);
    assert_int_equal(received + asked.total, 2 * DATAGRAMS);
    pair_close(&p);
}

static void counters_go_on_past_32_bits(void **state)
{
    (void)state;
    struct socket_drops drops = {.total = 0xfffffff0, .newest = 0xfffffff0};
    uint32_t counter = 0x10;
    union {
        struct cmsghdr head;
        char bytes[SOCKET_CONTROL_BYTES];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(counter)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SO_RXQ_OVFL}};
    memcpy(CMSG_DATA(&control.head), &counter, sizeof(counter));
    struct msghdr message = {.msg_control = &control,
                             .msg_controllen = CMSG_SPACE(sizeof(counter))};
    assert_true(socket_drops_read(&drops, &message));
    assert_true(drops.total == 0x100000010);
    message.msg_controllen = 0;
    assert_false(socket_drops_read(&drops, &message));
}

static void buffers_are_as_large_as_asked(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct err err = {0};
    size_t got;
    assert_int_equal(socket_set_receive_bytes(p.to, 65536, &got, &err), ERR_OK);
    assert_int_equal(got, 65536);
    assert_int_equal(socket_set_receive_bytes(p.to, SIZE_MAX, &got, &err), ERR_OK);
    assert_true(got >= 65536);
    assert_int_equal(socket_set_receive_bytes(-1, 65536, &got, &err), ERR_IO);
    assert_int_equal(socket_set_nonblocking(-1, &err), ERR_IO);
    assert_int_equal(socket_drops_start(-1, &err), ERR_IO);
    struct socket_drops drops = {0};
    assert_int_equal(socket_drops_ask(&drops, -1, &err), ERR_IO);
    pair_close(&p);
}

static void assert_peer(const struct sockaddr_storage *from, const char *expected)
{
    struct ip_address address;
    uint16_t port;
    char text[SOCKET_PEER_BYTES];
    assert_true(socket_peer_read(from, &address, &port));
    assert_int_equal(socket_peer_text(text, &address, port), strlen(expected));
    assert_string_equal(text, expected);
}

static void peers_have_a_text(void **state)
{
    (void)state;
    struct sockaddr_storage from = {0};
    struct sockaddr_in in4 = {
        .sin_family = AF_INET, .sin_port = htons(514), .sin_addr = {htonl(0xc0000201)}};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(65535),
                               .sin6_addr = {{{0x20, 0x01, 0x0d, 0xb8, [15] = 1}}}};
    memcpy(&from, &in4, sizeof(in4));
    assert_peer(&from, "192.0.2.1:514");
    memcpy(&from, &in6, sizeof(in6));
    assert_peer(&from, "[2001:db8::1]:65535");
    memset(&in6.sin6_addr, 0xfe, sizeof(in6.sin6_addr));
    memcpy(&from, &in6, sizeof(in6));
    assert_peer(&from, "[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65535");
    struct ip_address address;
    uint16_t port;
    from.ss_family = AF_UNIX;
    assert_false(socket_peer_read(&from, &address, &port));
}

static bool allows(const struct socket_allow *list, const char *text)
{
    struct ip_address address;
    assert_true(ip_parse(&address, slice_from(text)));
    return socket_allow_has(list, &address);
}

static void lists_say_who_may_send(void **state)
{
    (void)state;
    struct socket_allow list = {0};
    struct err err = {0};
    assert_true(allows(&list, "192.0.2.1"));
    assert_int_equal(socket_allow_add(&list, SLICE("192.0.2.0/24"), &err), ERR_OK);
    assert_int_equal(socket_allow_add(&list, SLICE("198.51.100.7"), &err), ERR_OK);
    assert_int_equal(socket_allow_add(&list, SLICE("2001:db8::/32"), &err), ERR_OK);
    assert_int_equal(socket_allow_add(&list, SLICE("example.org"), &err), ERR_USAGE);
    assert_int_equal(socket_allow_add(&list, SLICE("192.0.2.0/33"), &err), ERR_USAGE);
    assert_int_equal(socket_allow_add(&list, SLICE(""), &err), ERR_USAGE);
    assert_int_equal(list.count, 3);
    assert_true(allows(&list, "192.0.2.255") && allows(&list, "198.51.100.7"));
    assert_true(allows(&list, "2001:db8:1::1") && allows(&list, "::ffff:192.0.2.9"));
    assert_false(allows(&list, "192.0.3.1") || allows(&list, "198.51.100.8"));
    assert_false(allows(&list, "2001:db9::1"));
    while (list.count < SOCKET_ALLOW_MAX)
        assert_int_equal(socket_allow_add(&list, SLICE("203.0.113.1"), &err), ERR_OK);
    assert_int_equal(socket_allow_add(&list, SLICE("203.0.113.2"), &err), ERR_LIMIT);
    socket_allow_free(&list);
    assert_true(allows(&list, "192.0.3.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_are_counted),
        cmocka_unit_test(counters_go_on_past_32_bits),
        cmocka_unit_test(buffers_are_as_large_as_asked),
        cmocka_unit_test(peers_have_a_text),
        cmocka_unit_test(lists_say_who_may_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
