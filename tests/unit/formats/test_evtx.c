/* EVTX files of the shared data against the JSON beside each: the same events, fields and values,
 * but for what the other tool changed: braces of GUIDs, digits of times, letter case and blanks at
 * the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/io.h"
#include "base/map.h"
#include "base/mem.h"
#include "formats/archive.h"
#include "formats/evtx.h"
#include "formats/split.h"

enum { SKIPPED = 77, PAIRS = 101, EVENTS = 118 };

static struct arena files_arena;
static struct map files; /* name -> struct buf */

static int64_t read_fd(void *context, char *to, size_t room, struct err *err)
{
    ssize_t got = read(*(int *)context, to, room);
    return got < 0 ? err_set(err, ERR_IO, "cannot read") : (int64_t)got;
}

static void keep_member(struct archive_stream *a, struct slice name)
{
    char room[65536];
    int64_t got;
    struct buf *data = arena_zeroed(&files_arena, 1, sizeof(*data));
    while ((got = archive_read(a, room, sizeof(room), NULL)) > 0)
        buf_append(data, room, (size_t)got);
    assert_int_equal(got, 0);
    (void)map_put(&files, arena_copy(&files_arena, name), (uint64_t)(uintptr_t)data, NULL);
}

static bool load_files(void)
{
    char path[4096];
    const char *shared = getenv("CANH_SHARED");
    (void)snprintf(path, sizeof(path), "%s/sigma/regression-dev.tar.zst",
                   shared ? shared : CANH_SOURCE "/../shared");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct archive_source source = {.context = &fd, .read = read_fd};
    struct archive_stream *a;
    struct slice name;
    int rc = archive_open(&a, &source, NULL);
    while (rc == ERR_OK && (rc = archive_next(a, &name, NULL)) == ERR_OK)
        if (slice_ends(name, SLICE(".evtx")) || slice_ends(name, SLICE(".json")))
            keep_member(a, name);
    archive_close(&a);
    (void)close(fd);
    return rc == ERR_END;
}

struct evtx_file {
    char path[64];
    struct evtx *evtx;
    int fd;
    int rc;
};

static void open_evtx(struct evtx_file *f, struct slice data, struct err *err)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/canh-evtx-XXXXXX");
    int fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, data.data, data.len, NULL), ERR_OK);
    assert_int_equal(unlink(f->path), 0);
    f->fd = fd;
    f->rc = evtx_open(&f->evtx, fd, err);
}

/* For comparing: without braces, blanks at the end, and the digits below seconds of a time. */
static struct slice bare(struct slice value, bool is_time)
{
    value = slice_trim(value);
    if (value.len > 2 && value.data[0] == '{' && value.data[value.len - 1] == '}')
        value = slice_part(value, 1, value.len - 2);
    return is_time ? slice_part(value, 0, 19) : value;
}

static void assert_same_fields(struct record *x, struct record *j)
{
    assert_int_equal(x->count, j->count);
    for (uint32_t i = 0; i < j->count; i++) {
        struct field *theirs = &j->fields[i], *ours = record_find(x, theirs->name);
        bool is_time = slice_equal(theirs->name, SLICE("TimeCreated")) ||
                       slice_equal(theirs->name, SLICE("SystemTime"));
        if (!ours)
            fail_msg("no field %.*s", (int)theirs->name.len, theirs->name.data);
        struct slice a = bare(record_text(x, ours), is_time);
        struct slice b = bare(record_text(j, theirs), is_time);
        if (!slice_equal_nocase(a, b))
            fail_msg("%.*s: %.*s, not %.*s", (int)theirs->name.len, theirs->name.data, (int)a.len,
                     a.data, (int)b.len, b.data);
    }
}

/* Returns the number of events. */
static size_t compare_pair(struct slice evtx_data, struct slice json_data)
{
    struct evtx_file f;
    struct record x = {0}, j = {0};
    struct buf xml = {0}, padded = {0};
    struct arena arena = {0};
    struct span_list spans = {0};
    struct err err = {0};
    uint64_t number;
    size_t used, count = 0;
    buf_slice(&padded, json_data);
    buf_reserve(&padded, 64);
    memset(padded.data + padded.len, 0, 64);
    struct split *split = split_open(format_find(SLICE("json")));
    split_feed(split, buf_as_slice(&padded), true, &arena, &spans, &used);
    open_evtx(&f, evtx_data, &err);
    assert_int_equal(f.rc, ERR_OK);
    for (; evtx_next(f.evtx, &xml, &number, &err) == ERR_OK; count++) {
        const struct format *evtx = format_find(SLICE("evtx")), *json = format_find(SLICE("json"));
        assert_true(count < spans.count);
        assert_int_equal(evtx->parse(&x, buf_as_slice(&xml), NULL, &err), ERR_OK);
        assert_int_equal(json->parse(&j, spans.spans[count].text, NULL, &err), ERR_OK);
        assert_same_fields(&x, &j);
        assert_true(number > 0);
        record_reset(&x);
        record_reset(&j);
        buf_clear(&xml);
    }
    assert_int_equal(err.code, ERR_END);
    assert_int_equal(count, spans.count);
    evtx_close(&f.evtx);
    (void)close(f.fd);
    split_close(&split);
    span_list_free(&spans);
    arena_free(&arena);
    record_free(&x);
    record_free(&j);
    buf_free(&xml);
    buf_free(&padded);
    return count;
}

static struct slice file_data(const struct map_entry *e)
{
    return buf_as_slice((const struct buf *)(uintptr_t)e->value);
}

static void evtx_and_json_of_an_event_come_out_alike(void **state)
{
    (void)state;
    size_t pairs = 0, events = 0;
    for (struct map_entry *e = NULL; (e = map_next(&files, e));) {
        char json[1024];
        if (!slice_ends(e->key, SLICE(".evtx")))
            continue;
        (void)snprintf(json, sizeof(json), "%.*sjson", (int)e->key.len - 4, e->key.data);
        struct map_entry *other = map_find(&files, slice_from(json));
        if (!other)
            continue;
        pairs++;
        events += compare_pair(file_data(e), file_data(other));
    }
    assert_int_equal(pairs, PAIRS);
    assert_int_equal(events, EVENTS);
}

static void damaged_files_give_what_can_be_read(void **state)
{
    (void)state;
    struct map_entry *e = NULL;
    while ((e = map_next(&files, e)) && !slice_ends(e->key, SLICE(".evtx")))
        continue;
    assert_non_null(e);
    struct slice whole = file_data(e);
    struct buf changed = {0}, xml = {0};
    for (size_t at = 0; at < whole.len; at += at < 6000 ? 37 : 997) {
        struct evtx_file f;
        struct err err = {0};
        uint64_t number;
        buf_clear(&changed);
        buf_slice(&changed, at % 2 ? whole : slice_part(whole, 0, at));
        if (at < changed.len)
            changed.data[at] = (char)~changed.data[at];
        open_evtx(&f, buf_as_slice(&changed), &err);
        if (f.rc != ERR_OK) {
            assert_null(f.evtx);
            assert_true(err.text[0] != '\0');
            continue;
        }
        int rc;
        while ((rc = evtx_next(f.evtx, &xml, &number, &err)) != ERR_END)
            assert_true(rc == ERR_OK || rc == ERR_SYNTAX || rc == ERR_LIMIT);
        buf_clear(&xml);
        evtx_close(&f.evtx);
        (void)close(f.fd);
    }
    buf_free(&changed);
    buf_free(&xml);
}

static void what_is_no_evtx_file_is_refused(void **state)
{
    (void)state;
    struct evtx_file f;
    struct err err = {0};
    open_evtx(&f, SLICE("{\"a\":1}"), &err);
    assert_int_equal(f.rc, ERR_SYNTAX);
    assert_null(f.evtx);
    assert_false(evtx_signature(SLICE("ElfFile")));
    assert_true(evtx_signature((struct slice){"ElfFile\0x", 9}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_evtx_file_is_refused),
        cmocka_unit_test(evtx_and_json_of_an_event_come_out_alike),
        cmocka_unit_test(damaged_files_give_what_can_be_read),
    };
    if (!load_files()) {
        printf("skipped: shared data not found\n");
        return SKIPPED;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (struct map_entry *e = NULL; (e = map_next(&files, e));)
        buf_free((struct buf *)(uintptr_t)e->value);
    map_free(&files);
    arena_free(&files_arena);
    return failed;
}
