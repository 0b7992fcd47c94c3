#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "watch/intake_stream.h"

#include "intake_bed.h"

static struct intake_stream *started(struct intake_bed *bed)
{
    struct intake_stream *s = NULL;
    if (intake_stream_open(&s, &bed->queue, &bed->listener, bed->metrics, &bed->err) != ERR_OK)
        fail_msg("%s", bed->err.text);
    return s;
}

static void ended(struct intake_bed *bed, struct intake_stream *s)
{
    bed_end(bed);
    intake_stream_join(s);
    intake_queue_close(&bed->queue);
    intake_stream_close(&s);
    bed_close(bed);
}

/* Each byte on its own, both framings, two senders in turn. */
static void messages_are_cut(void **state)
{
    (void)state;
    static const char text[] = "<13>one\n9 <13>two\nx<13>three\r\n";
    struct intake_bed *bed = bed_open("syslog-tcp", "");
    struct intake_stream *s = started(bed);
    int a = bed_connect(bed, SOCK_STREAM, "127.0.0.1"),
        b = bed_connect(bed, SOCK_STREAM, "127.0.0.2");
    for (const char *c = text; *c; c++) {
        bed_put(a, (char[]){*c, '\0'});
        (void)usleep(1000);
    }
    assert_string_equal(bed_records(bed, 3),
                        "127.0.0.1 <13>one|127.0.0.1 <13>two\nx|127.0.0.1 <13>three|");
    bed_put(b, "<13>four\n");
    assert_string_equal(bed_records(bed, 1), "127.0.0.2 <13>four|");
    (void)close(a);
    (void)close(b);
    ended(bed, s);
}

static void an_unfinished_message_is_marked(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-tcp", "");
    struct intake_stream *s = started(bed);
    int fd = bed_connect(bed, SOCK_STREAM, "127.0.0.1");
    bed_put(fd, "<13>whole\n100 <13>half");
    assert_string_equal(bed_records(bed, 1), "127.0.0.1 <13>whole|");
    (void)close(fd);
    assert_string_equal(bed_records(bed, 1), "127.0.0.1 <13>half#3|");
    ended(bed, s);
}

/* The other side sees the end. */
static void expect_end(int fd)
{
    char c;
    ssize_t rc = recv(fd, &c, 1, 0);
    assert_true(rc == 0 || (rc < 0 && errno == ECONNRESET));
    (void)close(fd);
}

static void a_message_that_never_ends_is_given_up(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-tcp", ", timeout: 1s");
    struct intake_stream *s = started(bed);
    int idle = bed_connect(bed, SOCK_STREAM, "127.0.0.1"),
        slow = bed_connect(bed, SOCK_STREAM, "127.0.0.1");
    bed_put(idle, "<13>idle\n");
    bed_put(slow, "20 <13>slow");
    (void)bed_records(bed, 2);
    assert_non_null(strstr(buf_text(&bed->got), "127.0.0.1 <13>idle|"));
    assert_non_null(strstr(buf_text(&bed->got), "127.0.0.1 <13>slow#3|"));
    expect_end(slow);
    bed_put(idle, "<13>still there\n");
    assert_string_equal(bed_records(bed, 1), "127.0.0.1 <13>still there|");
    (void)close(idle);
    ended(bed, s);
}

static void connections_are_limited(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open(
        "syslog-tcp", ", connections: 2, connections_per_address: 1, allow: [127.0.0.0/29]");
    struct intake_stream *s = started(bed);
    int first = bed_connect(bed, SOCK_STREAM, "127.0.0.1");
    bed_put(first, "<13>first\n");
    assert_string_equal(bed_records(bed, 1), "127.0.0.1 <13>first|");
    expect_end(bed_connect(bed, SOCK_STREAM, "127.0.0.1"));
    int second = bed_connect(bed, SOCK_STREAM, "127.0.0.2");
    bed_put(second, "<13>second\n");
    assert_string_equal(bed_records(bed, 1), "127.0.0.2 <13>second|");
    expect_end(bed_connect(bed, SOCK_STREAM, "127.0.0.3"));
    expect_end(bed_connect(bed, SOCK_STREAM, "127.0.0.9"));
    assert_int_equal(metric_value(&bed->metrics[INLET_REFUSED_LIMIT]), 2);
    assert_int_equal(metric_value(&bed->metrics[INLET_REFUSED_ADDRESS]), 1);
    assert_int_equal(metric_value(&bed->metrics[INLET_CONNECTIONS]), 2);
    (void)close(first);
    (void)close(second);
    ended(bed, s);
}

/* While nobody judges, the sender waits; then all is there. */
static void senders_wait_and_nothing_is_lost(void **state)
{
    (void)state;
    enum { LINE_BYTES = 1000, BLOCKED = 20, BLOCKED_MAX = 3000 };
    const uint64_t least = (INTAKE_INLET_PARCELS - 1) * INTAKE_PARCEL_BYTES;
    char line[LINE_BYTES + 1];
    uint64_t sent = 0;
    struct intake_bed *bed = bed_open("syslog-tcp", "");
    struct intake_stream *s = started(bed);
    int fd = bed_connect(bed, SOCK_STREAM, "127.0.0.1");
    memset(line, 'x', sizeof(line));
    line[LINE_BYTES - 1] = '\n';
    /* a reader that only has no processor for a while is not yet one that does not want more */
    for (int blocked = 0; blocked < BLOCKED || (sent < least && blocked < BLOCKED_MAX);) {
        ssize_t rc = send(fd, line + sent % LINE_BYTES, LINE_BYTES - sent % LINE_BYTES,
                          MSG_NOSIGNAL | MSG_DONTWAIT);
        if (rc > 0)
            sent += (uint64_t)rc;
        blocked = rc > 0 ? 0 : blocked + 1;
        if (rc <= 0)
            (void)usleep(20000);
        assert_true(sent < (uint64_t)200 << 20);
    }
    assert_true(sent >= least);
    (void)close(fd);
    uint64_t records = (sent + LINE_BYTES - 1) / LINE_BYTES;
    (void)bed_records(bed, records);
    assert_int_equal(bed->records, records);
    assert_true(metric_value(&bed->metrics[INLET_HELD]) > 0);
    ended(bed, s);
}

static void draining_reads_what_is_there(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-tcp", "");
    struct intake_stream *s = started(bed);
    int fd = bed_connect(bed, SOCK_STREAM, "127.0.0.1");
    bed_put(fd, "<13>one\n");
    (void)bed_records(bed, 1);
    bed_put(fd, "<13>two\n50 <13>begun");
    intake_stream_drain(s);
    while (!intake_stream_has_ended(s))
        (void)usleep(1000);
    (void)bed_records(bed, 2);
    assert_non_null(strstr(buf_text(&bed->got), "127.0.0.1 <13>two|"));
    assert_non_null(strstr(buf_text(&bed->got), "127.0.0.1 <13>begun#3|"));
    expect_end(fd);
    ended(bed, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_cut),
        cmocka_unit_test(an_unfinished_message_is_marked),
        cmocka_unit_test(a_message_that_never_ends_is_given_up),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(senders_wait_and_nothing_is_lost),
        cmocka_unit_test(draining_reads_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
