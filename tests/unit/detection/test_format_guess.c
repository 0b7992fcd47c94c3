/* The format for one message of a syslog sender: every recorded line of the products whose mappings
 * are shipped, and every line of the samples, comes to the same mapping by it as by the format of
 * its file, alone and behind a syslog header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/mem.h"
#include "formats/format.h"
#include "unit/detection/mapping_bench.h"

enum { FILE_BYTES_MAX = 16 << 20, NAME_BYTES = 64 };

struct guess {
    struct bench bench;
    const struct format *format; /* of the file that is looked at */
    uint64_t lines, mapped;
};

static int add_mapping(void *context, const char *path)
{
    struct guess *g = context;
    struct buf text = {0};
    struct err err = {0};
    assert_int_equal(io_read_file(&text, path, FILE_BYTES_MAX, &err), ERR_OK);
    if (slice_ends(slice_from(path), SLICE(".yaml")))
        assert_int_equal(mapping_set_add(g->bench.set, slice_from(path), buf_as_slice(&text), &err),
                         ERR_OK);
    buf_free(&text);
    return ERR_OK;
}

static int guess_open(void **state)
{
    static struct guess g;
    struct err err = {0};
    g = (struct guess){.bench = {.set = mapping_set_open()}};
    assert_int_equal(io_walk(CANH_SOURCE "/mappings", add_mapping, NULL, &g, &err), ERR_OK);
    bench_bind(&g.bench);
    *state = &g;
    return 0;
}

static int guess_close(void **state)
{
    struct guess *g = *state;
    bench_close(&g->bench);
    return 0;
}

/* The id of the mapping that reads the text in this format; "-" none, "!" it is no such record. */
static void mapping_of(struct guess *g, const struct format *format, struct slice text,
                       char out[NAME_BYTES])
{
    struct bench *b = &g->bench;
    struct err err = {0};
    record_reset(&b->record);
    struct slice id = SLICE("!");
    if (format->parse(&b->record, text, NULL, &err) == ERR_OK) {
        event_bind(&b->event, &b->record);
        const struct mapping *m = mapping_select(b->set, &b->event);
        id = m ? m->id : SLICE("-");
    }
    (void)snprintf(out, NAME_BYTES, "%.*s", (int)id.len, id.data);
}

static void look_at_line(struct guess *g, struct slice line)
{
    static const char *const headers[] = {
        "", "<13>Nov 22 11:58:47 gw01 relay: ", "<13>1 2026-11-22T11:58:47.1Z gw01 relay 7 - - "};
    char wanted[NAME_BYTES], got[NAME_BYTES];
    bool has_header =
        g->format == format_find(SLICE("syslog")) || g->format == format_find(SLICE("text"));
    mapping_of(g, g->format, line, wanted);
    g->lines++;
    g->mapped += wanted[0] != '-' && wanted[0] != '!';
    for (size_t i = 0; i < (has_header ? 1 : 3) && wanted[0] != '!'; i++) {
        struct buf text = {0};
        buf_string(&text, headers[i]);
        buf_slice(&text, line);
        size_t len = text.len;
        (void)buf_text(&text);
        buf_reserve(&text, 64);
        memset(text.data + len, 0, 64);
        struct slice message = slice_make(text.data, len);
        mapping_of(g, format_guess_record(message), message, got);
        if (strcmp(got, wanted) != 0)
            print_error("%s\n", text.data);
        assert_string_equal(got, wanted);
        buf_free(&text);
    }
}

static int look_at_file(void *context, const char *path)
{
    struct guess *g = context;
    struct buf text = {0};
    struct err err = {0};
    assert_int_equal(io_read_file(&text, path, FILE_BYTES_MAX, &err), ERR_OK);
    const char *dot = strrchr(path, '.'), *base = strrchr(path, '/') + 1;
    bool golden = strncmp(base, "lines.", 6) == 0;
    bool sample = strstr(path, "/samples/") && !slice_ends(slice_from(path), SLICE(".md"));
    g->format = golden ? format_find(slice_from(dot + 1)) : format_guess(buf_as_slice(&text));
    struct slice rest = buf_as_slice(&text);
    bool by_line = g->format && g->format->split != SPLIT_W3C && g->format->split != SPLIT_CSV;
    while ((golden || sample) && by_line && rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        if (slice_trim(line).len > 0)
            look_at_line(g, line);
    }
    buf_free(&text);
    return ERR_OK;
}

static void recorded_lines_keep_their_mapping(void **state)
{
    struct guess *g = *state;
    struct err err = {0};
    assert_int_equal(io_walk(CANH_SOURCE "/tests/golden/mappings", look_at_file, NULL, g, &err),
                     ERR_OK);
    assert_true(g->mapped > 150);
    assert_int_equal(io_walk(CANH_SOURCE "/samples", look_at_file, NULL, g, &err), ERR_OK);
    assert_true(g->mapped > 1000);
    print_message("%llu lines, %llu of them mapped\n", (unsigned long long)g->lines,
                  (unsigned long long)g->mapped);
}

static void assert_guess(const char *text, const char *format)
{
    assert_string_equal(format_guess_record(slice_from(text))->name, format);
}

static void only_the_beginning_decides(void **state)
{
    (void)state;
    assert_guess("", "syslog");
    assert_guess("<", "syslog");
    assert_guess("plain text", "syslog");
    assert_guess("<34>Oct 11 22:14:15 host su: 'su root' failed", "syslog");
    assert_guess("<34>Oct 11 22:14:15 host CEF:0|a|b|1|2|n|3|", "syslog");
    assert_guess("CEF:0|a|b|1|2|n|3|", "cef");
    assert_guess("LEEF:1.0|a|b|1|2|k=v", "cef");
    assert_guess("{\"a\":1}", "json");
    assert_guess("{a}", "syslog");
    assert_guess("{\"a\":1", "syslog");
    assert_guess("[{\"a\":1}]", "syslog");
    assert_guess("<Event xmlns='x'><System/></Event>", "winxml");
    assert_guess("<Eventful>", "syslog");
    assert_guess("type=USER_AUTH msg=audit(1.1:7): pid=1", "auditd");
    assert_guess("192.0.2.1 - - [22/Nov/2026:12:04:55 +0000] \"GET / HTTP/1.1\" 200 1", "weblog");
    assert_guess("Invalid user x [22/Nov/2026:12:04:55 +0000] \"GET / HTTP/1.1\" 200 1", "syslog");
    assert_guess("sshd[7]: Invalid user CEF:0|a|b|1|2|n|3| from 192.0.2.1", "syslog");
}

static void contents_of_messages_do_not_hide_their_sender(void **state)
{
    struct guess *g = *state;
    static const char *const texts[] = {
        "<38>Nov 22 11:58:47 h sshd[7]: Invalid user CEF:0|a|b|1|2|n|3| from 192.0.2.1 port 2",
        "<38>Nov 22 11:58:47 h sshd[7]: Invalid user {\"event_type\":\"x\"} from 192.0.2.1 port 2",
        "<38>Nov 22 11:58:47 h sshd[7]: 192.0.2.1 - - [22/Nov/2026:12:04:55 +0000] \"GET /\" 200 1",
        "<38>Nov 22 11:58:47 h sshd[7]: logid=1 devid=2 type=3"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char id[NAME_BYTES];
        struct slice text = slice_from(texts[i]);
        mapping_of(g, format_guess_record(text), text, id);
        assert_string_equal(id, "sshd");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_lines_keep_their_mapping),
        cmocka_unit_test(only_the_beginning_decides),
        cmocka_unit_test(contents_of_messages_do_not_hide_their_sender),
    };
    return cmocka_run_group_tests(tests, guess_open, guess_close);
}
