/* Packed bodies: whole, in several parts, cut, damaged, with something behind them, and bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "formats/unpack.h"

enum { GZIP = 15 + 16, ZLIB = 15, RAW = -15, BOMB_BYTES = 64 << 20, CAP_BYTES = 1 << 20 };

static const enum unpack_kind packed_kinds[] = {UNPACK_GZIP, UNPACK_DEFLATE, UNPACK_ZSTD,
                                                UNPACK_SNAPPY};
enum { KINDS = sizeof(packed_kinds) / sizeof(*packed_kinds) };

static void pack_zlib(struct buf *out, struct slice text, int window)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text.data, .avail_in = (uInt)text.len};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, text.len);
    buf_reserve(out, room);
    z.next_out = (Bytef *)out->data + out->len;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += room - z.avail_out;
    (void)deflateEnd(&z);
}

static void pack(struct buf *out, enum unpack_kind kind, struct slice text)
{
    size_t room = ZSTD_compressBound(text.len) + snappy_max_compressed_length(text.len);
    switch (kind) {
    case UNPACK_GZIP:
        pack_zlib(out, text, GZIP);
        return;
    case UNPACK_DEFLATE:
        pack_zlib(out, text, ZLIB);
        return;
    case UNPACK_ZSTD:
        buf_reserve(out, room);
        room = ZSTD_compress(out->data + out->len, room, text.data, text.len, 3);
        assert_false(ZSTD_isError(room));
        break;
    case UNPACK_SNAPPY:
        buf_reserve(out, room);
        assert_int_equal(snappy_compress(text.data, text.len, out->data + out->len, &room),
                         SNAPPY_OK);
        break;
    case UNPACK_NONE:
    case UNPACK_UNKNOWN:
        room = 0;
    }
    out->len += room;
}

/* Unpacks behind "head:", which stays. */
static void assert_unpacks(enum unpack_kind kind, struct slice packed, size_t max, int wanted,
                           struct slice text)
{
    struct buf out = {0};
    struct err err = {0};
    buf_string(&out, "head:");
    int rc = unpack_run(kind, packed, max, &out, &err);
    assert_int_equal(rc, wanted);
    assert_true(slice_starts(buf_as_slice(&out), SLICE("head:")));
    if (rc == ERR_OK)
        assert_true(slice_equal(slice_part(buf_as_slice(&out), 5, SIZE_MAX), text));
    else
        assert_true(err.text[0] && err.code == wanted);
    assert_true(out.len <= max + 5);
    buf_free(&out);
}

static struct slice some_text(struct buf *text)
{
    for (unsigned i = 0; i < 20000; i++)
        buf_printf(text, "{\"n\":%u,\"x\":\"%x\"}\n", i, i * 2654435761U);
    return buf_as_slice(text);
}

static void every_kind_unpacks(void **state)
{
    (void)state;
    struct buf text = {0};
    struct slice whole = some_text(&text);
    for (size_t i = 0; i < KINDS; i++) {
        struct buf packed = {0}, nothing = {0};
        pack(&packed, packed_kinds[i], whole);
        pack(&nothing, packed_kinds[i], SLICE(""));
        assert_unpacks(packed_kinds[i], buf_as_slice(&packed), whole.len, ERR_OK, whole);
        assert_unpacks(packed_kinds[i], buf_as_slice(&packed), CAP_BYTES, ERR_OK, whole);
        assert_unpacks(packed_kinds[i], buf_as_slice(&packed), whole.len - 1, ERR_LIMIT, whole);
        assert_unpacks(packed_kinds[i], buf_as_slice(&packed), 0, ERR_LIMIT, whole);
        assert_unpacks(packed_kinds[i], buf_as_slice(&nothing), 0, ERR_OK, SLICE(""));
        buf_free(&packed);
        buf_free(&nothing);
    }
    struct buf raw = {0};
    pack_zlib(&raw, whole, RAW);
    assert_unpacks(UNPACK_DEFLATE, buf_as_slice(&raw), CAP_BYTES, ERR_OK, whole);
    assert_unpacks(UNPACK_NONE, whole, CAP_BYTES, ERR_OK, whole);
    assert_unpacks(UNPACK_NONE, whole, whole.len - 1, ERR_LIMIT, whole);
    buf_free(&raw);
    buf_free(&text);
}

static void several_members_follow_one_another(void **state)
{
    (void)state;
    static const enum unpack_kind kinds[] = {UNPACK_GZIP, UNPACK_ZSTD};
    for (size_t i = 0; i < 2; i++) {
        struct buf packed = {0};
        pack(&packed, kinds[i], SLICE("one\n"));
        pack(&packed, kinds[i], SLICE(""));
        pack(&packed, kinds[i], SLICE("two\n"));
        assert_unpacks(kinds[i], buf_as_slice(&packed), 8, ERR_OK, SLICE("one\ntwo\n"));
        assert_unpacks(kinds[i], buf_as_slice(&packed), 7, ERR_LIMIT, SLICE(""));
        buf_free(&packed);
    }
}

static void what_is_cut_or_damaged_is_refused(void **state)
{
    (void)state;
    struct buf text = {0};
    struct slice whole = some_text(&text);
    for (size_t i = 0; i < KINDS; i++) {
        enum unpack_kind kind = packed_kinds[i];
        struct buf packed = {0};
        pack(&packed, kind, whole);
        size_t len = packed.len;
        for (size_t cut = 0; cut < len; cut += cut < 40 ? 1 : 4999)
            assert_unpacks(kind, slice_make(packed.data, cut), CAP_BYTES, ERR_SYNTAX, SLICE(""));
        assert_unpacks(kind, slice_make(packed.data, len - 1), CAP_BYTES, ERR_SYNTAX, SLICE(""));
        buf_string(&packed, "garbage");
        assert_unpacks(kind, buf_as_slice(&packed), CAP_BYTES, ERR_SYNTAX, SLICE(""));
        buf_free(&packed);
        assert_unpacks(kind, SLICE("{\"message\":\"not packed at all\"}"), CAP_BYTES, ERR_SYNTAX,
                       SLICE(""));
    }
    buf_free(&text);
}

static void a_wrong_checksum_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf packed = {0};
        pack(&packed, packed_kinds[i], SLICE("some text that is packed"));
        packed.data[packed.len - (i == 0 ? 5 : 1)] ^= 1;
        assert_unpacks(packed_kinds[i], buf_as_slice(&packed), CAP_BYTES, ERR_SYNTAX, SLICE(""));
        buf_free(&packed);
    }
}

static void bombs_end_at_the_limit(void **state)
{
    (void)state;
    char *zeros = mem_zeroed(BOMB_BYTES, 1);
    for (size_t i = 0; i < KINDS; i++) {
        struct buf packed = {0}, out = {0};
        struct err err = {0};
        pack(&packed, packed_kinds[i], slice_make(zeros, BOMB_BYTES));
        assert_int_equal(unpack_run(packed_kinds[i], buf_as_slice(&packed), CAP_BYTES, &out, &err),
                         ERR_LIMIT);
        assert_true(out.capacity <= 4 * (size_t)CAP_BYTES);
        buf_free(&packed);
        buf_free(&out);
    }
    mem_free(zeros);
}

static void a_snappy_length_that_cannot_be_is_refused_at_once(void **state)
{
    (void)state;
    struct buf out = {0};
    struct err err = {0};
    assert_int_equal(unpack_run(UNPACK_SNAPPY, SLICE("\xff\xff\xff\x1f\x00z"), 1 << 30, &out, &err),
                     ERR_SYNTAX);
    assert_int_equal(out.capacity, 0);
    buf_free(&out);
}

static void zstd_windows_have_a_limit(void **state)
{
    (void)state;
    /* magic, no single segment, window of 16 MiB; then an empty last block */
    assert_unpacks(UNPACK_ZSTD, SLICE("\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00"), CAP_BYTES,
                   ERR_UNSUPPORTED, SLICE(""));
    assert_unpacks(UNPACK_ZSTD, SLICE("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00"), CAP_BYTES, ERR_OK,
                   SLICE(""));
    /* dictionary 7 */
    assert_unpacks(UNPACK_ZSTD, SLICE("\x28\xb5\x2f\xfd\x01\x58\x07\x01\x00\x00"), CAP_BYTES,
                   ERR_UNSUPPORTED, SLICE(""));
}

static void encodings_have_names(void **state)
{
    (void)state;
    assert_int_equal(unpack_of_encoding(SLICE("")), UNPACK_NONE);
    assert_int_equal(unpack_of_encoding(slice_from(NULL)), UNPACK_NONE);
    assert_int_equal(unpack_of_encoding(SLICE("identity")), UNPACK_NONE);
    assert_int_equal(unpack_of_encoding(SLICE(" GZip ")), UNPACK_GZIP);
    assert_int_equal(unpack_of_encoding(SLICE("x-gzip")), UNPACK_GZIP);
    assert_int_equal(unpack_of_encoding(SLICE("deflate")), UNPACK_DEFLATE);
    assert_int_equal(unpack_of_encoding(SLICE("zstd")), UNPACK_ZSTD);
    assert_int_equal(unpack_of_encoding(SLICE("snappy")), UNPACK_SNAPPY);
    assert_int_equal(unpack_of_encoding(SLICE("br")), UNPACK_UNKNOWN);
    assert_int_equal(unpack_of_encoding(SLICE("gzip, gzip")), UNPACK_UNKNOWN);
    assert_unpacks(UNPACK_UNKNOWN, SLICE("x"), CAP_BYTES, ERR_UNSUPPORTED, SLICE(""));
}

static void first_bytes_tell_the_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct buf packed = {0};
        pack(&packed, packed_kinds[i], SLICE("{\"version\":\"1.1\"}"));
        assert_int_equal(unpack_of_magic(buf_as_slice(&packed)),
                         packed_kinds[i] == UNPACK_SNAPPY ? UNPACK_NONE : packed_kinds[i]);
        buf_free(&packed);
    }
    assert_int_equal(unpack_of_magic(SLICE("{\"version\"")), UNPACK_NONE);
    assert_int_equal(unpack_of_magic(SLICE("xy")), UNPACK_NONE);
    assert_int_equal(unpack_of_magic(SLICE("\x1f")), UNPACK_NONE);
    assert_int_equal(unpack_of_magic(SLICE("")), UNPACK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_unpacks),
        cmocka_unit_test(several_members_follow_one_another),
        cmocka_unit_test(what_is_cut_or_damaged_is_refused),
        cmocka_unit_test(a_wrong_checksum_is_seen),
        cmocka_unit_test(bombs_end_at_the_limit),
        cmocka_unit_test(a_snappy_length_that_cannot_be_is_refused_at_once),
        cmocka_unit_test(zstd_windows_have_a_limit),
        cmocka_unit_test(encodings_have_names),
        cmocka_unit_test(first_bytes_tell_the_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
