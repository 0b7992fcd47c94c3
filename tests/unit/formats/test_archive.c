#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "formats/archive.h"
#include "unit/formats/pack.h"

struct memory {
    struct slice all;
    size_t at;
};

static int64_t memory_read(void *context, char *to, size_t room, struct err *err)
{
    struct memory *m = context;
    (void)err;
    struct slice part = slice_part(m->all, m->at, room < 1000 ? room : 1000);
    memcpy(to, part.data, part.len);
    m->at += part.len;
    return (int64_t)part.len;
}

static int memory_seek(void *context, uint64_t offset, struct err *err)
{
    struct memory *m = context;
    (void)err;
    m->at = (size_t)offset;
    return ERR_OK;
}

static struct archive_source memory_source(struct memory *m, bool seek)
{
    return (struct archive_source){.context = m,
                                   .read = memory_read,
                                   .seek = seek ? memory_seek : NULL,
                                   .size_bytes = m->all.len};
}

static int64_t read_all(struct archive_stream *a, struct buf *out, struct err *err)
{
    char room[5000];
    int64_t got;
    while ((got = archive_read(a, room, sizeof(room), err)) > 0)
        buf_append(out, room, (size_t)got);
    return got;
}

/* "name=data;" a member, "(ERR code)" where it ends badly */
static void assert_members(struct slice packed, bool seek, const char *expected)
{
    struct memory m = {packed, 0};
    struct archive_source source = memory_source(&m, seek);
    struct archive_stream *a;
    struct err err = {0};
    struct buf out = {0};
    struct slice name;
    int rc = archive_open(&a, &source, &err);
    while (rc == ERR_OK &&
           ((rc = archive_next(a, &name, &err)) == ERR_OK || rc == ERR_UNSUPPORTED)) {
        if (rc == ERR_OK) {
            buf_printf(&out, "%.*s=", (int)name.len, name.data);
            if (read_all(a, &out, &err) == 0)
                buf_char(&out, ';');
        } else {
            buf_printf(&out, "(%d)", rc);
        }
        rc = ERR_OK;
    }
    if (rc != ERR_END)
        buf_printf(&out, "(%d)", rc);
    assert_string_equal(buf_text(&out), expected);
    archive_close(&a);
    buf_free(&out);
}

static const struct pack_member two[] = {{"a.json", {"{}", 2}}, {"d/b\n.log", {"text", 4}}};

static void single_files_are_unpacked(void **state)
{
    (void)state;
    static const char *const filters[] = {"gzip", "zstd", "xz", "bzip2", "lz4"};
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        struct buf packed = {0};
        pack(&packed, "raw", filters[i], NULL, two, 1);
        assert_true(archive_signature(buf_as_slice(&packed)));
        assert_members(buf_as_slice(&packed), false, "={};");
        buf_free(&packed);
    }
}

static void archives_give_their_members(void **state)
{
    (void)state;
    static const char *const filters[] = {NULL, "gzip", "zstd", "xz"};
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        struct buf packed = {0};
        pack(&packed, "ustar", filters[i], NULL, two, 2);
        assert_true(archive_signature(buf_as_slice(&packed)));
        assert_members(buf_as_slice(&packed), false, "a.json={};d/b?.log=text;");
        buf_free(&packed);
    }
    struct buf zip = {0};
    pack(&zip, "zip", NULL, NULL, two, 2);
    assert_true(archive_signature(buf_as_slice(&zip)));
    assert_members(buf_as_slice(&zip), true, "a.json={};d/b?.log=text;");
    assert_members(buf_as_slice(&zip), false, "a.json={};d/b?.log=text;");
    buf_free(&zip);
}

static void encrypted_members_are_refused_and_the_rest_is_read(void **state)
{
    (void)state;
    struct buf zip = {0};
    pack(&zip, "zip", NULL, "secret", two, 2);
    assert_members(buf_as_slice(&zip), true, "(-5)(-5)");
    buf_free(&zip);
}

static void damaged_archives_end_with_a_reason(void **state)
{
    (void)state;
    struct buf packed = {0}, plain = {0}, out = {0};
    for (unsigned i = 0; i < 200000; i++)
        buf_printf(&plain, "%u\n", i * 2654435761u);
    struct pack_member member = {"x", buf_as_slice(&plain)};
    pack(&packed, "raw", "gzip", NULL, &member, 1);
    struct memory m = {slice_part(buf_as_slice(&packed), 0, packed.len / 2), 0};
    struct archive_source source = memory_source(&m, false);
    struct archive_stream *a;
    struct slice name;
    struct err err = {0};
    assert_int_equal(archive_open(&a, &source, &err), ERR_OK);
    assert_int_equal(archive_next(a, &name, &err), ERR_OK);
    assert_int_equal(read_all(a, &out, &err), ERR_SYNTAX);
    assert_true(out.len > plain.len / 4);
    assert_memory_equal(out.data, plain.data, out.len);
    archive_close(&a);
    buf_free(&packed);
    buf_free(&plain);
    buf_free(&out);
    assert_members(SLICE("PK\3\4 not a zip"), false, "(-1)");
}

static void bombs_are_stopped(void **state)
{
    (void)state;
    size_t len = (size_t)200 << 20;
    char *text = mem_alloc(len);
    memset(text, 'x', len);
    struct pack_member bomb = {"z", {text, len}};
    struct buf packed = {0}, out = {0};
    pack(&packed, "raw", "zstd", NULL, &bomb, 1);
    assert_true(packed.len < 100000);
    struct memory m = {buf_as_slice(&packed), 0};
    struct archive_source source = memory_source(&m, false);
    struct archive_stream *a;
    struct slice name;
    struct err err = {0};
    assert_int_equal(archive_open(&a, &source, &err), ERR_OK);
    assert_int_equal(archive_next(a, &name, &err), ERR_OK);
    assert_int_equal(read_all(a, &out, &err), ERR_LIMIT);
    assert_true(out.len < ((size_t)164 << 20));
    char byte;
    assert_int_equal(archive_read(a, &byte, 1, &err), ERR_LIMIT);
    assert_int_equal(archive_next(a, &name, &err), ERR_END); /* it was said already */
    archive_close(&a);
    buf_free(&packed);
    buf_free(&out);
    mem_free(text);
}

static void compressed_members_open_once_more(void **state)
{
    (void)state;
    struct buf inner = {0}, outer = {0}, out = {0};
    pack(&inner, "raw", "gzip", NULL, &two[1], 1);
    struct pack_member member = {"b.gz", buf_as_slice(&inner)};
    pack(&outer, "zip", NULL, NULL, &member, 1);
    struct memory m = {buf_as_slice(&outer), 0};
    struct archive_source source = memory_source(&m, true);
    struct archive_stream *a, *b, *c;
    struct slice name;
    char head[5];
    struct err err = {0};
    assert_int_equal(archive_open(&a, &source, &err), ERR_OK);
    assert_int_equal(archive_next(a, &name, &err), ERR_OK);
    assert_int_equal(archive_read(a, head, sizeof(head), &err), sizeof(head));
    assert_int_equal(archive_open_member(&b, a, slice_make(head, sizeof(head)), &err), ERR_OK);
    assert_int_equal(archive_next(b, &name, &err), ERR_OK);
    assert_int_equal(read_all(b, &out, &err), 0);
    assert_string_equal(buf_text(&out), "text");
    assert_int_equal(archive_open_member(&c, b, SLICE(""), &err), ERR_UNSUPPORTED);
    archive_close(&b);
    archive_close(&a);
    buf_free(&inner);
    buf_free(&outer);
    buf_free(&out);
}

static void double_compression_is_refused(void **state)
{
    (void)state;
    struct buf inner = {0}, outer = {0};
    pack(&inner, "raw", "gzip", NULL, two, 1);
    struct pack_member member = {"x", buf_as_slice(&inner)};
    pack(&outer, "raw", "gzip", NULL, &member, 1);
    assert_members(buf_as_slice(&outer), false, "(-5)");
    buf_free(&inner);
    buf_free(&outer);
}

static int64_t failing_read(void *context, char *to, size_t room, struct err *err)
{
    (void)context, (void)to, (void)room;
    return err_set(err, ERR_IO, "the disk is gone");
}

static void a_failing_source_is_told_in_its_own_words(void **state)
{
    (void)state;
    struct archive_source source = {.read = failing_read};
    struct archive_stream *a;
    struct err err = {0};
    assert_int_equal(archive_open(&a, &source, &err), ERR_IO);
    assert_string_equal(err.text, "the disk is gone");
    assert_null(a);
}

static void other_bytes_are_no_archive(void **state)
{
    (void)state;
    assert_false(archive_signature(SLICE("")));
    assert_false(archive_signature(SLICE("{\"a\":1}")));
    assert_false(archive_signature(SLICE("PK")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_files_are_unpacked),
        cmocka_unit_test(archives_give_their_members),
        cmocka_unit_test(encrypted_members_are_refused_and_the_rest_is_read),
        cmocka_unit_test(damaged_archives_end_with_a_reason),
        cmocka_unit_test(bombs_are_stopped),
        cmocka_unit_test(compressed_members_open_once_more),
        cmocka_unit_test(double_compression_is_refused),
        cmocka_unit_test(a_failing_source_is_told_in_its_own_words),
        cmocka_unit_test(other_bytes_are_no_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
