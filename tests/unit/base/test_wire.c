#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire_inside.h"

static int open_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    assert_int_equal(closedir(folder), 0);
    return count;
}

struct pair {
    struct wire *a, *b;
    struct wire_message got;
    int wake, descriptors_before;
};

static int pair_make(void **state)
{
    struct pair *p = mem_zeroed(1, sizeof(*p));
    int ends[2];
    p->descriptors_before = open_descriptors();
    p->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->wake < 0 || wire_pair(ends, NULL) != ERR_OK)
        return -1;
    p->a = wire_open(ends[0], p->wake);
    p->b = wire_open(ends[1], -1);
    *state = p;
    return 0;
}

static int pair_end(void **state)
{
    struct pair *p = *state;
    wire_message_free(&p->got);
    wire_close(&p->a);
    wire_close(&p->b);
    (void)close(p->wake);
    int leaked = open_descriptors() - p->descriptors_before;
    mem_free(p);
    return leaked;
}

static void assert_slice(struct slice got, const char *wanted)
{
    assert_int_equal(got.len, strlen(wanted));
    assert_memory_equal(got.data, wanted, got.len);
}

static void test_messages_arrive_whole_and_in_order(void **state)
{
    struct pair *p = *state;
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_END);
    assert_int_equal(wire_send(p->a, 7, 1, SLICE("first"), NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_send(p->a, 8, UINT64_MAX, SLICE(""), NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
    assert_int_equal(p->got.type, 7);
    assert_int_equal(p->got.id, 1);
    assert_int_equal(p->got.fd_count, 0);
    assert_slice(buf_as_slice(&p->got.payload), "first");
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
    assert_int_equal(p->got.type, 8);
    assert_true(p->got.id == UINT64_MAX);
    assert_int_equal(p->got.payload.len, 0);
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_END);
    assert_int_equal(wire_events(p->a), POLLIN);
}

static struct slice pattern(struct buf *out, size_t len)
{
    buf_clear(out);
    buf_reserve(out, len);
    for (size_t i = 0; i < len; i++)
        buf_char(out, (char)(i * 31 + i / 251));
    return buf_as_slice(out);
}

static void test_payloads_of_every_size(void **state)
{
    struct pair *p = *state;
    struct buf sent = {0};
    const size_t sizes[] = {1,       WIRE_INLINE_BYTES_MAX - 1, WIRE_INLINE_BYTES_MAX,
                            5 << 20, WIRE_INLINE_BYTES_MAX + 1, WIRE_BYTES_MAX};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct slice payload = pattern(&sent, sizes[i]);
        assert_int_equal(wire_send(p->a, 1, i, payload, NULL, 0, NULL), ERR_OK);
        assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
        assert_int_equal(p->got.id, i);
        assert_int_equal(p->got.fd_count, 0);
        assert_true(slice_equal(buf_as_slice(&p->got.payload), payload));
    }
    struct err err = {0};
    buf_char(&sent, 'x');
    assert_int_equal(wire_send(p->a, 1, 1, buf_as_slice(&sent), NULL, 0, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "too long"));
    buf_free(&sent);
}

static void pipe_write_and_read(int in, int out)
{
    char byte = 0;
    assert_int_equal(write(in, "x", 1), 1);
    assert_int_equal(read(out, &byte, 1), 1);
    assert_int_equal(byte, 'x');
}

static void test_descriptors_travel(void **state)
{
    struct pair *p = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct buf sent = {0};
    /* beside a payload in the datagram, and beside one in a file */
    for (int i = 0; i < 2; i++) {
        struct slice payload = pattern(&sent, i ? 100000 : 10);
        const int four[] = {ends[0], ends[1], ends[0], ends[1]};
        assert_int_equal(wire_send(p->a, 1, 1, payload, four, 4, NULL), ERR_OK);
        assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
        assert_int_equal(p->got.fd_count, 4);
        assert_true(slice_equal(buf_as_slice(&p->got.payload), payload));
        assert_int_equal(fcntl(p->got.fds[0], F_GETFD), FD_CLOEXEC);
        pipe_write_and_read(p->got.fds[1], p->got.fds[0]);
        pipe_write_and_read(p->got.fds[3], ends[0]);
        int taken = wire_take_fd(&p->got, 2);
        assert_true(taken >= 0);
        assert_int_equal(wire_take_fd(&p->got, 2), -1);
        assert_int_equal(wire_take_fd(&p->got, 4), -1);
        assert_int_equal(close(taken), 0);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    buf_free(&sent);
}

static void test_what_the_socket_does_not_take_waits(void **state)
{
    struct pair *p = *state;
    struct buf sent = {0};
    uint64_t woken = 0, next = 0;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct slice payload = pattern(&sent, 30000);
    for (uint64_t i = 0; i < 300; i++)
        assert_int_equal(wire_send(p->a, 1, i, payload, &ends[1], i % 2, NULL), ERR_OK);
    assert_int_equal(wire_events(p->a), POLLIN | POLLOUT);
    assert_int_equal(read(p->wake, &woken, sizeof(woken)), sizeof(woken));
    assert_true(woken > 0);
    while (next < 300) {
        int rc = wire_receive(p->b, &p->got, NULL);
        if (rc == ERR_END) {
            assert_int_equal(wire_flush(p->a, NULL), ERR_OK);
            continue;
        }
        assert_int_equal(rc, ERR_OK);
        assert_int_equal(p->got.id, next);
        assert_int_equal(p->got.fd_count, next % 2);
        if (p->got.fd_count)
            pipe_write_and_read(p->got.fds[0], ends[0]);
        next++;
    }
    assert_int_equal(wire_events(p->a), POLLIN);
    (void)close(ends[0]);
    (void)close(ends[1]);
    buf_free(&sent);
}

static void test_a_reader_that_does_not_read_is_told(void **state)
{
    struct pair *p = *state;
    struct err err = {0};
    int rc = ERR_OK;
    uint64_t sent = 0;
    while (rc == ERR_OK && sent < 20000)
        rc = wire_send(p->a, 1, sent++, SLICE("x"), NULL, 0, &err);
    assert_int_equal(rc, ERR_FULL);
    assert_true(sent > WIRE_QUEUE_MESSAGES_MAX);
    assert_non_null(strstr(err.text, "does not read"));
    /* bytes are bounded as messages are */
    struct buf big = {0};
    struct slice payload = pattern(&big, (size_t)30 << 20);
    struct wire *full = p->a;
    while (wire_events(full) & POLLOUT) { /* make room */
        assert_int_equal(wire_flush(full, NULL), ERR_OK);
        while (wire_receive(p->b, &p->got, NULL) == ERR_OK)
            continue;
    }
    while (!(wire_events(full) & POLLOUT))
        assert_int_equal(wire_send(full, 1, 1, SLICE("x"), NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_send(full, 1, 1, payload, NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_send(full, 1, 1, payload, NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_send(full, 1, 1, payload, NULL, 0, &err), ERR_FULL);
    buf_free(&big);
}

static void test_the_other_side_goes(void **state)
{
    struct pair *p = *state;
    struct err err = {0};
    assert_int_equal(wire_send(p->b, 3, 3, SLICE("unread"), NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_send(p->a, 4, 4, SLICE("last"), NULL, 0, NULL), ERR_OK);
    wire_close(&p->a);
    /* it left something unread, which the kernel calls a reset: what it said still arrives */
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
    assert_int_equal(p->got.id, 4);
    assert_int_equal(wire_receive(p->b, &p->got, &err), ERR_CLOSED);
    assert_int_equal(wire_send(p->b, 1, 1, SLICE("x"), NULL, 0, &err), ERR_CLOSED);
    assert_int_equal(wire_send(p->b, 1, 1, SLICE("x"), NULL, 0, &err), ERR_CLOSED);
    assert_int_equal(wire_flush(p->b, &err), ERR_CLOSED);
    assert_int_equal(wire_wait(p->b, &p->got, 1000, &err), ERR_CLOSED);
    assert_int_equal(wire_events(p->b), POLLIN);
}

static void *answer_late(void *argument)
{
    struct pair *p = argument;
    struct wire_message asked = {0};
    if (wire_wait(p->b, &asked, 10000, NULL) == ERR_OK)
        (void)!wire_send(p->b, 2, asked.id, buf_as_slice(&asked.payload), NULL, 0, NULL);
    wire_message_free(&asked);
    return NULL;
}

static void test_waiting(void **state)
{
    struct pair *p = *state;
    struct err err = {0};
    pthread_t thread;
    assert_int_equal(wire_wait(p->a, &p->got, 0, &err), ERR_BUSY);
    assert_int_equal(wire_wait(p->a, &p->got, 1, &err), ERR_BUSY);
    assert_int_equal(pthread_create(&thread, NULL, answer_late, p), 0);
    assert_int_equal(wire_send(p->a, 1, 5, SLICE("?"), NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_wait(p->a, &p->got, 10000, &err), ERR_OK);
    assert_int_equal(p->got.id, 5);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *send_many(void *argument)
{
    struct wire *wire = argument;
    for (uint64_t i = 0; i < 1000; i++)
        if (wire_send(wire, 1, i, SLICE("from a thread"), NULL, 0, NULL) != ERR_OK)
            return argument;
    return NULL;
}

static void test_any_thread_sends(void **state)
{
    struct pair *p = *state;
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, p->a), 0);
    unsigned received = 0;
    while (received < 3000) {
        assert_int_equal(wire_flush(p->a, NULL), ERR_OK);
        int rc = wire_wait(p->b, &p->got, 20, NULL);
        assert_true(rc == ERR_OK || rc == ERR_BUSY);
        if (rc == ERR_OK) {
            assert_slice(buf_as_slice(&p->got.payload), "from a thread");
            received++;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

/* What somebody else puts on the socket: bytes and descriptors as they are. */
static void raw_send(struct pair *p, struct slice bytes, const int *fds, uint32_t count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(16 * sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_len = bytes.len};
    memcpy(&part.iov_base, &bytes.data, sizeof(void *));
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(wire_fd(p->a), &message, 0), bytes.len);
}

static struct slice header(struct buf *out, uint32_t flags, uint32_t fds, uint64_t length)
{
    buf_clear(out);
    bytes_put_u32(out, WIRE_MAGIC);
    bytes_put_u16(out, WIRE_VERSION);
    bytes_put_u16(out, 1);
    bytes_put_u32(out, flags);
    bytes_put_u32(out, fds);
    bytes_put_u64(out, 1);
    bytes_put_u64(out, length);
    return buf_as_slice(out);
}

static void assert_refused(struct pair *p, struct slice bytes, const int *fds, uint32_t count)
{
    struct err err = {0};
    int before = open_descriptors();
    raw_send(p, bytes, fds, count);
    int rc = wire_receive(p->b, &p->got, &err);
    assert_true(rc == ERR_SYNTAX || rc == ERR_LIMIT);
    assert_int_equal(rc, err.code);
    assert_int_equal(p->got.fd_count, 0);
    assert_int_equal(p->got.payload.len, 0);
    assert_int_equal(open_descriptors(), before);
}

static void test_foreign_datagrams_are_refused(void **state)
{
    struct pair *p = *state;
    struct buf b = {0};
    const int many[] = {0, 0, 0, 0, 0, 0, 0, 0};
    assert_refused(p, SLICE("x"), NULL, 0);
    assert_refused(p, SLICE("GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n"), NULL, 0);
    assert_refused(p, header(&b, 0, 0, 1), NULL, 0);
    (void)header(&b, 0, 0, 1);
    buf_string(&b, "xy");
    assert_refused(p, buf_as_slice(&b), NULL, 0);
    assert_refused(p, header(&b, 0, 1, 0), NULL, 0);
    assert_refused(p, header(&b, 0, 0, 0), many, 1);
    assert_refused(p, header(&b, 0, 1, 0), many, 4);
    assert_refused(p, header(&b, 0, 5, 0), many, 5);
    assert_refused(p, header(&b, 0, 8, 0), many, 8); /* more than there is room for */
    assert_refused(p, header(&b, 2, 0, 0), NULL, 0);
    assert_refused(p, header(&b, 0, 0, WIRE_BYTES_MAX + 1), NULL, 0);
    (void)header(&b, 0, 0, 0);
    b.data[4]++; /* another version */
    assert_refused(p, buf_as_slice(&b), NULL, 0);
    struct slice longer = pattern(&b, WIRE_INLINE_BYTES_MAX + WIRE_HEADER_BYTES + 1);
    assert_refused(p, longer, NULL, 0);
    (void)header(&b, 0, 0, WIRE_INLINE_BYTES_MAX); /* right, but for a byte that is cut off */
    for (int i = 0; i < WIRE_INLINE_BYTES_MAX + 1; i++)
        buf_char(&b, 'x');
    assert_refused(p, buf_as_slice(&b), NULL, 0);
    /* and the wire goes on */
    assert_int_equal(wire_send(p->a, 7, 1, SLICE("good"), NULL, 0, NULL), ERR_OK);
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
    buf_free(&b);
}

static int file_of(size_t size, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void test_files_must_be_sealed_and_as_long_as_said(void **state)
{
    struct pair *p = *state;
    struct buf b = {0};
    enum { ALL = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, SIZE = 50000 };
    const int lacking[] = {0, ALL & ~F_SEAL_WRITE, ALL & ~F_SEAL_SHRINK, ALL & ~F_SEAL_GROW};
    for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
        int fd = file_of(SIZE, lacking[i]);
        assert_refused(p, header(&b, WIRE_FLAG_FILE, 0, SIZE), &fd, 1);
        (void)close(fd);
    }
    int fd = file_of(SIZE, ALL);
    assert_refused(p, header(&b, WIRE_FLAG_FILE, 0, SIZE + 1), &fd, 1);
    assert_refused(p, header(&b, WIRE_FLAG_FILE, 0, SIZE - 1), &fd, 1);
    assert_refused(p, header(&b, WIRE_FLAG_FILE, 1, SIZE), &fd, 1);
    assert_refused(p, header(&b, WIRE_FLAG_FILE, 0, SIZE), NULL, 0);
    raw_send(p, header(&b, WIRE_FLAG_FILE, 0, SIZE), &fd, 1);
    assert_int_equal(wire_receive(p->b, &p->got, NULL), ERR_OK);
    assert_int_equal(p->got.payload.len, SIZE);
    (void)close(fd);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_refused(p, header(&b, WIRE_FLAG_FILE, 0, 0), &ends[0], 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    buf_free(&b);
}

static void test_listening_and_connecting(void **state)
{
    (void)state;
    char folder[] = "/tmp/canh-wire-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct buf path = {0};
    struct err err = {0};
    int listening, client, second;
    buf_printf(&path, "%s/control.sock", folder);
    const char *at = buf_text(&path);
    assert_int_equal(wire_connect(at, &client, &err), ERR_NOT_FOUND);
    assert_int_equal(wire_listen(at, 0640, &listening, &err), ERR_OK);
    struct stat about;
    assert_int_equal(stat(at, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);
    assert_int_equal(wire_connect(at, &client, &err), ERR_OK);
    int accepted = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    struct wire_peer peer;
    assert_int_equal(wire_peer(accepted, &peer, &err), ERR_OK);
    assert_int_equal(peer.user_id, getuid());
    assert_int_equal(peer.group_id, getgid());
    assert_int_equal(peer.process_id, getpid());
    struct wire *a = wire_open(client, -1), *b = wire_open(accepted, -1);
    struct wire_message got = {0};
    assert_int_equal(wire_send(a, 1, 2, SLICE("hello"), NULL, 0, &err), ERR_OK);
    assert_int_equal(wire_wait(b, &got, 1000, &err), ERR_OK);
    wire_message_free(&got);
    wire_close(&a);
    wire_close(&b);
    (void)close(listening);
    assert_int_equal(wire_connect(at, &client, &err), ERR_NOT_FOUND); /* a socket nobody serves */
    assert_int_equal(wire_listen(at, 0600, &second, &err), ERR_OK);   /* is replaced */
    (void)close(second);
    assert_int_equal(unlink(at), 0);
    int file = open(at, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    (void)close(file);
    assert_int_equal(wire_listen(at, 0600, &second, &err), ERR_IO); /* a file is not */
    assert_int_equal(unlink(at), 0);
    assert_int_equal(rmdir(folder), 0);
    buf_clear(&path);
    for (int i = 0; i < 108; i++)
        buf_char(&path, 'x');
    assert_int_equal(wire_listen(buf_text(&path), 0600, &second, &err), ERR_LIMIT);
    buf_free(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_messages_arrive_whole_and_in_order, pair_make,
                                        pair_end),
        cmocka_unit_test_setup_teardown(test_payloads_of_every_size, pair_make, pair_end),
        cmocka_unit_test_setup_teardown(test_descriptors_travel, pair_make, pair_end),
        cmocka_unit_test_setup_teardown(test_what_the_socket_does_not_take_waits, pair_make,
                                        pair_end),
        cmocka_unit_test_setup_teardown(test_a_reader_that_does_not_read_is_told, pair_make,
                                        pair_end),
        cmocka_unit_test_setup_teardown(test_the_other_side_goes, pair_make, pair_end),
        cmocka_unit_test_setup_teardown(test_waiting, pair_make, pair_end),
        cmocka_unit_test_setup_teardown(test_any_thread_sends, pair_make, pair_end),
        cmocka_unit_test_setup_teardown(test_foreign_datagrams_are_refused, pair_make, pair_end),
        cmocka_unit_test_setup_teardown(test_files_must_be_sealed_and_as_long_as_said, pair_make,
                                        pair_end),
        cmocka_unit_test(test_listening_and_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
