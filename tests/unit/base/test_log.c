#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

static int real_stderr, captured;

/* From here on standard error goes into a file of its own. */
static int capture_begin(void **state)
{
    (void)state;
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    captured = memfd_create("stderr", MFD_CLOEXEC);
    return real_stderr < 0 || captured < 0 || dup2(captured, STDERR_FILENO) < 0 ? -1 : 0;
}

static struct buf capture_end(void)
{
    struct buf out = {0};
    if (real_stderr < 0)
        return out;
    (void)dup2(real_stderr, STDERR_FILENO);
    (void)close(real_stderr);
    real_stderr = -1;
    off_t size = lseek(captured, 0, SEEK_END);
    buf_reserve(&out, (size_t)size + 1);
    out.len = (size_t)pread(captured, out.data, (size_t)size, 0);
    (void)close(captured);
    (void)buf_text(&out);
    return out;
}

static int capture_drop(void **state)
{
    (void)state;
    struct buf out = capture_end();
    buf_free(&out);
    return 0;
}

static size_t count_of(struct slice text, const char *what)
{
    size_t count = 0, at;
    while ((at = slice_find(text, slice_from(what))) != SLICE_NONE) {
        text = slice_part(text, at + strlen(what), text.len);
        count++;
    }
    return count;
}

static void test_a_line_is_an_object(void **state)
{
    (void)state;
    log_open("engine", LOG_INFO);
    log_say(LOG_WARNING, "seal", "%d rows in %s", 5, "p1");
    struct buf out = capture_end(), wanted = {0};
    assert_true(slice_starts(buf_as_slice(&out), SLICE("{\"time\":\"20")));
    buf_printf(&wanted,
               "Z\",\"level\":\"warning\",\"role\":\"engine\",\"process\":%d,\"event\":\"seal\","
               "\"text\":\"5 rows in p1\"}\n",
               (int)getpid());
    assert_true(slice_ends(buf_as_slice(&out), buf_as_slice(&wanted)));
    assert_int_equal(count_of(buf_as_slice(&out), "\n"), 1);
    buf_free(&wanted);
    buf_free(&out);
}

static void test_what_others_sent_is_escaped(void **state)
{
    (void)state;
    log_open("web", LOG_INFO);
    log_say(LOG_INFO, "odd", "%s",
            "a\"b\\c\nd\te\x1b[31mf\x7f\xc2\x9bg \xe1\xba\xa1 \xff \xe2\x80\xae \xf0\x9f\x98\x80.");
    struct buf out = capture_end();
    assert_non_null(strstr(out.data, "\"text\":\"a\\\"b\\\\c\\nd\\te\\u001b[31mf\\u007f\\u009bg "
                                     "\xe1\xba\xa1 \\ufffd \\u202e \xf0\x9f\x98\x80.\"}\n"));
    assert_int_equal(count_of(buf_as_slice(&out), "\n"), 1);
    buf_free(&out);
}

static void test_a_long_line_is_cut(void **state)
{
    (void)state;
    char text[8000];
    log_open("web", LOG_INFO);
    for (size_t i = 0; i < 3; i++) {
        memset(text, i == 0 ? 'x' : i == 1 ? '\x01' : '\xff', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        log_say(LOG_INFO, "long", "%s", text);
    }
    memset(text, '\x01', 700); /* their escapes are long: nothing shorter comes behind the cut */
    memset(text + 700, 'x', 100);
    text[800] = '\0';
    log_say(LOG_INFO, "long", "%s", text);
    for (size_t i = 0; i + 3 < sizeof(text); i += 2) /* cut anywhere but inside a letter */
        memcpy(text + i, "\xc3\xa1", 2);
    memset(text + sizeof(text) - 2, 0, 2);
    log_say(LOG_INFO, "long", "%s", text);
    struct buf out = capture_end();
    struct slice rest = buf_as_slice(&out);
    assert_int_equal(text_utf8_valid(rest), rest.len);
    for (int i = 0; i < 5; i++) {
        struct slice line = slice_cut(&rest, '\n');
        assert_true(line.len < LOG_LINE_BYTES_MAX && line.len > 3000);
        assert_true(slice_ends(line, SLICE("\"}")));
        assert_true(i != 3 || slice_ends(line, SLICE("\\u0001...\"}")));
    }
    assert_int_equal(rest.len, 0);
    buf_free(&out);
}

static void test_levels_and_counts(void **state)
{
    (void)state;
    struct err err;
    log_open("query", LOG_INFO);
    log_say(LOG_DEBUG, "quiet", "not told");
    (void)err_set(&err, ERR_IO, "the disk is gone");
    log_err(LOG_ERROR, "disk", &err);
    assert_int_equal(log_count(LOG_DEBUG), 0);
    assert_int_equal(log_count(LOG_ERROR), 1);
    log_open("query", LOG_DEBUG);
    assert_int_equal(log_count(LOG_ERROR), 0);
    log_say(LOG_DEBUG, "quiet", "told");
    struct buf out = capture_end();
    assert_null(strstr(out.data, "not told"));
    assert_non_null(strstr(out.data, "\"level\":\"error\""));
    assert_non_null(strstr(out.data, "the disk is gone"));
    assert_non_null(strstr(out.data, "\"level\":\"debug\""));
    buf_free(&out);
}

static void test_a_burst_is_told_as_one(void **state)
{
    (void)state;
    log_open("intake", LOG_INFO);
    for (int i = 0; i < LOG_BURST + 70; i++)
        log_say(LOG_INFO, "refused", "a record");
    log_say(LOG_INFO, "other", "still told");
    assert_int_equal(log_count(LOG_INFO), LOG_BURST + 71);
    log_end();
    log_end();
    log_say(LOG_INFO, "refused", "afresh");
    struct buf out = capture_end();
    assert_int_equal(count_of(buf_as_slice(&out), "a record"), LOG_BURST);
    assert_int_equal(count_of(buf_as_slice(&out), "still told"), 1);
    assert_int_equal(count_of(buf_as_slice(&out), "70 more lines"), 1);
    assert_int_equal(count_of(buf_as_slice(&out), "held back"), 1);
    assert_int_equal(count_of(buf_as_slice(&out), "afresh"), 1);
    buf_free(&out);
}

static void test_more_events_than_there_is_room_for(void **state)
{
    (void)state;
    static char names[LOG_EVENTS_MAX + 100][16];
    log_open("intake", LOG_INFO);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        memcpy(names[i], "event-", 6);
        names[i][6] = (char)('a' + i / 26);
        names[i][7] = (char)('a' + i % 26);
        log_say(LOG_INFO, names[i], "x");
    }
    log_end();
    struct buf out = capture_end();
    size_t lines = count_of(buf_as_slice(&out), "\n");
    assert_int_equal(lines, LOG_EVENTS_MAX - 1 + LOG_BURST + 1); /* the rest share one */
    buf_free(&out);
}

static void *say_many(void *argument)
{
    for (int i = 0; i < LOG_BURST; i++)
        log_say(LOG_INFO, argument, "of a thread");
    return NULL;
}

static void test_any_thread(void **state)
{
    (void)state;
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    log_open("engine", LOG_INFO);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, say_many, names[i]), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    struct buf out = capture_end();
    assert_int_equal(count_of(buf_as_slice(&out), "\"text\":\"of a thread\"}\n"), 4 * LOG_BURST);
    buf_free(&out);
}

static void test_text_on_a_terminal(void **state)
{
    (void)state;
    int screen = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (screen < 0 || grantpt(screen) != 0 || unlockpt(screen) != 0)
        skip();
    int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    assert_true(dup2(terminal, STDERR_FILENO) >= 0);
    log_open("engine", LOG_INFO);
    log_say(LOG_INFO, "start", "say \"hello\" \x1b[2J");
    char room[512];
    ssize_t got = read(screen, room, sizeof(room) - 1);
    assert_true(got > 0);
    room[got] = '\0';
    assert_non_null(strstr(room, "Z info engine start: say \"hello\" \\u001b[2J\r\n"));
    assert_true(room[0] == '2');
    struct buf out = capture_end();
    buf_free(&out);
    (void)close(terminal);
    (void)close(screen);
    log_open("engine", LOG_INFO);
}

int main(void)
{
#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture_begin, capture_drop)
    const struct CMUnitTest tests[] = {
        CAPTURED(test_a_line_is_an_object),
        CAPTURED(test_what_others_sent_is_escaped),
        CAPTURED(test_a_long_line_is_cut),
        CAPTURED(test_levels_and_counts),
        CAPTURED(test_a_burst_is_told_as_one),
        CAPTURED(test_more_events_than_there_is_room_for),
        CAPTURED(test_any_thread),
        CAPTURED(test_text_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
