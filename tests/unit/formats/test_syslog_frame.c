/* Messages out of a syslog connection: the same ones in whatever blocks the bytes come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "formats/syslog_frame.h"

enum { SMALL_BYTES = 16 };

/* "number:text\n" a span, NUL as @, with + ~ ! behind the number of a first, later, unfinished
 * part. */
static void run(struct syslog_frame *f, struct slice text, size_t step, struct buf *got)
{
    struct span_list spans = {0};
    struct buf waiting = {0};
    size_t at = 0, used;
    bool last = false;
    while (!last) {
        size_t more = text.len - at < step ? text.len - at : step;
        buf_append(&waiting, text.data + at, more);
        at += more;
        last = at == text.len;
        char *block = mem_alloc(waiting.len);
        if (waiting.len > 0)
            memcpy(block, waiting.data, waiting.len);
        syslog_frame_feed(f, slice_make(block, waiting.len), last, &spans, &used);
        for (size_t i = 0; i < spans.count; i++) {
            struct span *span = &spans.spans[i];
            buf_printf(got, "%llu%.*s:", (unsigned long long)span->line, span->part != SPAN_WHOLE,
                       &" +~!"[span->part]);
            for (size_t k = 0; k < span->text.len; k++)
                buf_char(got, span->text.data[k] ? span->text.data[k] : '@');
            buf_char(got, '\n');
        }
        spans.count = 0;
        if (waiting.len > used)
            memmove(waiting.data, waiting.data + used, waiting.len - used);
        waiting.len -= used;
        assert_true(waiting.len < f->max_bytes + SYSLOG_FRAME_HEAD_BYTES);
        mem_free(block);
    }
    span_list_free(&spans);
    buf_free(&waiting);
}

struct counts {
    uint64_t count, oversized, unfinished;
};

static void assert_frames(struct slice text, const char *expected, struct counts counts)
{
    static const size_t steps[] = {1 << 20, 1, 2, 3, 5, 7, 11, 17};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct syslog_frame f = syslog_frame_start(SMALL_BYTES);
        struct buf got = {0};
        run(&f, text, steps[i], &got);
        assert_string_equal(buf_text(&got), expected);
        assert_int_equal(f.count, counts.count);
        assert_int_equal(f.oversized, counts.oversized);
        assert_int_equal(f.unfinished, counts.unfinished);
        buf_free(&got);
    }
}

static void lines_end_in_any_way(void **state)
{
    (void)state;
    assert_frames(SLICE("<1>a\n<2>b\r\n<3>c\0<4>d\n\r\n  \n\0\0\n<5>e"),
                  "1:<1>a\n2:<2>b\n3:<3>c\n4:<4>d\n5:<5>e\n", (struct counts){5, 0, 0});
    assert_frames(SLICE(""), "", (struct counts){0});
}

static void counted_messages_may_hold_line_ends(void **state)
{
    (void)state;
    assert_frames(SLICE("8 <1>a\nb\0c16 <2>aaaaaaaaaaaaa4 <3>d"),
                  "1:<1>a\nb@c\n2:<2>aaaaaaaaaaaaa\n3:<3>d\n", (struct counts){3, 0, 0});
}

static void framing_is_decided_for_each_message(void **state)
{
    (void)state;
    assert_frames(SLICE("<1>a\n4 <2>b\n<3>c\n5 <4>de4 <5>f\r\n\n<6>g\n"),
                  "1:<1>a\n2:<2>b\n3:<3>c\n4:<4>de\n5:<5>f\n6:<6>g\n", (struct counts){6, 0, 0});
}

static void a_line_may_begin_with_digits(void **state)
{
    (void)state;
    assert_frames(SLICE("12\n3 x\n2026-01-02\n012 <1>\n99999999 <1>\n123456789 <\n7"),
                  "1:12\n2:3 x\n3:2026-01-02\n4:012 <1>\n5:99999999 <1>\n6:123456789 <\n7:7\n",
                  (struct counts){7, 0, 0});
}

static void long_lines_come_in_parts(void **state)
{
    (void)state;
    assert_frames(SLICE("<1>0123456789abc\n<2>0123456789abc\r\n"),
                  "1:<1>0123456789abc\n2:<2>0123456789abc\n", (struct counts){2, 0, 0});
    assert_frames(SLICE("<1>0123456789abcd\n<2>x\n"), "1+:<1>0123456789abc\n1~:d\n2:<2>x\n",
                  (struct counts){3, 1, 0});
    assert_frames(SLICE("<1>0123456789abcdefghijklmnopqrstuvwxyz\r\n<2>x\0"),
                  "1+:<1>0123456789abc\n1~:defghijklmnopqrs\n1~:tuvwxyz\n2:<2>x\n",
                  (struct counts){4, 1, 0});
    assert_frames(SLICE("<1>0123456789ab\xe1\xba\xbf\x74\n"),
                  "1+:<1>0123456789ab\n1~:\xe1\xba\xbf\x74\n", (struct counts){2, 1, 0});
}

static void long_counted_messages_come_in_parts(void **state)
{
    (void)state;
    assert_frames(SLICE("39 <1>0123456789abcdefghi\nklmnopqrstuvwxyz4 <2>x"),
                  "1+:<1>0123456789abc\n1~:defghi\nklmnopqrs\n1~:tuvwxyz\n2:<2>x\n",
                  (struct counts){4, 1, 0});
    assert_frames(SLICE("17 <1>0123456789ab\xc4\x91zz4 <2>x"),
                  "1+:<1>0123456789ab\n1~:\xc4\x91\n2:zz4 <2>x\n", (struct counts){3, 1, 0});
}

static void a_cut_connection_gives_what_came(void **state)
{
    (void)state;
    assert_frames(SLICE("9 <1>abc"), "1!:<1>abc\n", (struct counts){1, 0, 1});
    assert_frames(SLICE("99 <1>0123456789abcdef"), "1+:<1>0123456789abc\n1~:def\n",
                  (struct counts){2, 1, 1});
    assert_frames(SLICE("99 <1>0123456789abc"), "1!:<1>0123456789abc\n", (struct counts){1, 0, 1});
}

static void a_wrong_count_costs_its_line(void **state)
{
    (void)state;
    assert_frames(SLICE("5 <1>abcd\n<2>x\n4 <3>y"), "1:<1>ab\n2:cd\n3:<2>x\n4:<3>y\n",
                  (struct counts){4, 0, 0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_in_any_way),
        cmocka_unit_test(counted_messages_may_hold_line_ends),
        cmocka_unit_test(framing_is_decided_for_each_message),
        cmocka_unit_test(a_line_may_begin_with_digits),
        cmocka_unit_test(long_lines_come_in_parts),
        cmocka_unit_test(long_counted_messages_come_in_parts),
        cmocka_unit_test(a_cut_connection_gives_what_came),
        cmocka_unit_test(a_wrong_count_costs_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
