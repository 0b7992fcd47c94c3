#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/intake_datagram.h"
#include "watch/intake_gelf.h"

#include "intake_bed.h"

static struct intake_datagram *started(struct intake_bed *bed)
{
    struct intake_datagram *d = NULL;
    if (intake_datagram_open(&d, &bed->queue, &bed->listener, bed->metrics, &bed->err) != ERR_OK)
        fail_msg("%s", bed->err.text);
    return d;
}

static void ended(struct intake_bed *bed, struct intake_datagram *d)
{
    bed_end(bed);
    intake_datagram_join(d);
    intake_queue_close(&bed->queue);
    intake_datagram_close(&d);
    bed_close(bed);
}

static void a_datagram_is_a_record(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-udp", "");
    struct intake_datagram *d = started(bed);
    int one = bed_connect(bed, SOCK_DGRAM, "127.0.0.1"),
        two = bed_connect(bed, SOCK_DGRAM, "127.0.0.2");
    bed_put(one, "<13>first");
    bed_put(one, "\n");
    bed_put(two, "<13>second\nwith a line\r\n");
    bed_put(one, "<13>third");
    assert_string_equal(bed_records(bed, 3), "127.0.0.1 <13>first|127.0.0.2 <13>second\nwith a "
                                             "line|127.0.0.1 <13>third|");
    (void)close(one);
    (void)close(two);
    ended(bed, d);
}

static void a_long_one_comes_in_parts(void **state)
{
    (void)state;
    char text[2100];
    struct intake_bed *bed = bed_open("syslog-udp", ", message_bytes: 1KiB");
    struct intake_datagram *d = started(bed);
    int fd = bed_connect(bed, SOCK_DGRAM, "127.0.0.1");
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text + 1022, "\xe1\xba\xbf", 3); /* a character across the border */
    text[sizeof(text) - 1] = '\0';
    bed_put(fd, text);
    const char *got = bed_records(bed, 3);
    assert_non_null(strstr(got, "#1|127.0.0.1 \xe1\xba\xbfx"));
    assert_int_equal(strlen(got), strlen(text) + 3 * strlen("127.0.0.1 #1|"));
    (void)close(fd);
    ended(bed, d);
}

static void who_is_not_allowed_is_counted(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-udp", ", allow: [127.0.0.2/31]");
    struct intake_datagram *d = started(bed);
    int bad = bed_connect(bed, SOCK_DGRAM, "127.0.0.1"),
        good = bed_connect(bed, SOCK_DGRAM, "127.0.0.3");
    bed_put(bad, "<13>bad");
    bed_put(bad, "<13>bad");
    bed_put(good, "<13>good");
    assert_string_equal(bed_records(bed, 1), "127.0.0.3 <13>good|");
    assert_int_equal(metric_value(&bed->metrics[INLET_REFUSED_ADDRESS]), 2);
    (void)close(bad);
    (void)close(good);
    ended(bed, d);
}

enum { FLOOD = 4000 };

/* Before anybody reads, into a small buffer. */
static void flood(struct intake_bed *bed)
{
    const int small = 1;
    int fd = bed_connect(bed, SOCK_DGRAM, "127.0.0.1");
    assert_int_equal(setsockopt(bed->listener.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < FLOOD; i++)
        bed_put(fd, "<13>one of many");
    (void)close(fd);
}

static void what_the_kernel_dropped_is_told(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-udp", "");
    flood(bed);
    bed_resume(bed);
    struct intake_datagram *d = started(bed);
    while (bed->records + bed->dropped < FLOOD)
        bed_take(bed);
    assert_int_equal(bed->records + bed->dropped, FLOOD);
    assert_true(bed->dropped > 0);
    assert_int_equal(metric_value(&bed->metrics[INLET_DROPPED]), bed->dropped);
    ended(bed, d);
}

/* What an intake before this one told of is in a cursor. */
static void drops_are_told_once(void **state)
{
    (void)state;
    uint64_t cookie = 0;
    socklen_t size = sizeof(cookie);
    struct buf value = {0};
    struct intake_bed *bed = bed_open("syslog-udp", "");
    assert_int_equal(getsockopt(bed->listener.fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    flood(bed);
    bed_resume(bed);
    buf_printf(&value, "%llu 1000", (unsigned long long)cookie);
    intake_shared_cursor_set(bed->shared, SLICE("dropped:in"), buf_as_slice(&value));
    struct intake_datagram *d = started(bed);
    while (bed->records + bed->dropped < FLOOD - 1000)
        bed_take(bed);
    assert_int_equal(bed->records + bed->dropped, FLOOD - 1000);
    buf_free(&value);
    ended(bed, d);
}

static void draining_reads_what_is_there(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("syslog-udp", "");
    int fd = bed_connect(bed, SOCK_DGRAM, "127.0.0.1");
    for (int i = 0; i < 100; i++)
        bed_put(fd, "<13>x");
    struct intake_datagram *d = started(bed);
    intake_datagram_drain(d);
    while (!intake_datagram_has_ended(d))
        (void)usleep(1000);
    (void)bed_records(bed, 100);
    assert_int_equal(bed->records, 100);
    assert_true(intake_queue_is_idle(&bed->queue));
    (void)close(fd);
    ended(bed, d);
}

static void gelf_is_put_together(void **state)
{
    (void)state;
    struct intake_bed *bed = bed_open("gelf-udp", ", message_bytes: 1KiB");
    struct intake_datagram *d = started(bed);
    int fd = bed_connect(bed, SOCK_DGRAM, "127.0.0.1");
    static char longer[1100];
    memset(longer, ' ', sizeof(longer) - 1);
    bed_put(fd, "{\"short_message\":1}");
    assert_int_equal(send(fd,
                          "\x1e\x0f"
                          "abcdefgh\x01\x02world",
                          17, 0),
                     17);
    assert_int_equal(send(fd,
                          "\x1e\x0f"
                          "abcdefgh\x00\x02hello",
                          17, 0),
                     17);
    assert_int_equal(send(fd, "\x1f\x8b no gzip", 10, 0), 10);
    assert_int_equal(send(fd,
                          "\x1e\x0f"
                          "abcdefgh\x05\x02hello",
                          17, 0),
                     17);
    bed_put(fd, longer);
    const char *got = bed_records(bed, 5);
    assert_non_null(strstr(got, "127.0.0.1 {\"short_message\":1}|127.0.0.1 helloworld|"));
    assert_non_null(strstr(got, "refused: a packed GELF message is damaged|"));
    assert_non_null(strstr(got, "is no chunk of its message|"));
    assert_non_null(strstr(got, "longer than the listener's message_bytes|"));
    (void)close(fd);
    ended(bed, d);
}

/* A stream, in pieces of every length. */
static void gelf_streams_are_cut(void **state)
{
    (void)state;
    static const char stream[] =
        "{\"a\":1}\0\n{\"b\":2}\0\0  \0this one is longer than allowed\0{}";
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        struct intake_parcel *p = intake_parcel_open(NULL, 0);
        struct intake_gelf_cut cut = {.max_bytes = 20};
        struct buf texts = {0};
        size_t at = 0, used, end = 0;
        do {
            end = end + piece < sizeof(stream) - 1 ? end + piece : sizeof(stream) - 1;
            bool last = end == sizeof(stream) - 1;
            intake_gelf_feed(&cut, slice_make(stream + at, end - at), last, p, &used);
            at += used;
            assert_true(last || end - at <= cut.max_bytes);
        } while (end < sizeof(stream) - 1);
        for (size_t i = 0; i < p->spans.count; i++)
            buf_printf(&texts, "%.*s%s|", (int)p->spans.spans[i].text.len,
                       p->spans.spans[i].text.data, p->spans.spans[i].part ? "#" : "");
        assert_string_equal(buf_text(&texts), "{\"a\":1}|{\"b\":2}|{}#|");
        assert_int_equal(p->refusal_count, 1);
        buf_free(&texts);
        intake_parcel_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_is_a_record),
        cmocka_unit_test(a_long_one_comes_in_parts),
        cmocka_unit_test(who_is_not_allowed_is_counted),
        cmocka_unit_test(what_the_kernel_dropped_is_told),
        cmocka_unit_test(drops_are_told_once),
        cmocka_unit_test(draining_reads_what_is_there),
        cmocka_unit_test(gelf_is_put_together),
        cmocka_unit_test(gelf_streams_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
