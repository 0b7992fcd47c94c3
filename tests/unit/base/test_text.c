#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

static void assert_folds(const char *from, const char *to)
{
    struct slice s = slice_from(from);
    char *out = mem_alloc(text_fold_room(s.len));
    size_t len = text_fold(out, s);
    assert_int_equal(len, strlen(to));
    assert_memory_equal(out, to, len);
    mem_free(out);
}

static void test_fold_known(void **state)
{
    (void)state;
    assert_folds("", "");
    assert_folds("PowerShell.EXE", "powershell.exe");
    assert_folds("@[`{AZaz", "@[`{azaz");
    assert_folds("NGUYỄN VĂN ĐỨC", "nguyễn văn đức");
    assert_folds("ΣΑΣς", "σασσ");     /* both small sigmas are one */
    assert_folds("ſK", "sk");         /* long s, Kelvin sign */
    assert_folds("Straße", "straße"); /* full folding (ss) is not simple folding */
    assert_folds("ẞ", "ß");
    assert_folds("İ", "İ");
    assert_folds("Ⱥ", "ⱥ"); /* 2 bytes to 3 */
    assert_folds("𐐀", "𐐨");
    assert_folds("A\xff\xc3Z", "a\xff\xc3z"); /* bad bytes stay */
}

static void test_fold_room_holds_the_worst(void **state)
{
    (void)state;
    struct buf in = {0};
    for (int i = 0; i < 300; i++)
        buf_string(&in, "Ⱥ");
    char *out = mem_alloc(text_fold_room(in.len));
    assert_int_equal(text_fold(out, buf_as_slice(&in)), 900);
    mem_free(out);
    buf_free(&in);
}

/* The vector way against the plain meaning: one code point after the other. */
static void test_fold_is_fold_char_of_each(void **state)
{
    (void)state;
    static const char *const pieces[] = {"A", "z",    "@",    "[", "Đ", "ư",
                                         "Σ", "\xf0", "\x80", "𐐀", "0"};
    char in[96], out[96 * 2 + 64], plain[96 * 2 + 64];
    srandom(7);
    for (int round = 0; round < 20000; round++) {
        size_t len = 0, wanted = (size_t)random() % 80;
        bool ascii = random() % 2;
        while (len < wanted) {
            const char *piece = pieces[(size_t)random() % (ascii ? 4 : 11)];
            memcpy(in + len, piece, strlen(piece));
            len += strlen(piece);
        }
        char *exact = mem_alloc(len); /* its exact size: over-reads are seen by the sanitizer */
        memcpy(exact, in, len);
        size_t expected = 0;
        for (size_t at = 0; at < len;) {
            uint32_t c = text_next_char(slice_make(exact, len), &at);
            expected += text_put_char(plain + expected, c & TEXT_BAD_BYTE ? c : text_fold_char(c));
        }
        size_t got = text_fold(out, slice_make(exact, len));
        mem_free(exact);
        assert_int_equal(got, expected);
        assert_memory_equal(out, plain, got);
    }
}

static void test_fold_is_stable(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++)
        if (text_fold_char(text_fold_char(c)) != text_fold_char(c))
            fail_msg("U+%04X folds twice", c);
}

static void assert_unaccents(const char *from, const char *to)
{
    struct slice s = slice_from(from);
    char *out = mem_alloc(text_unaccent_room(s.len));
    size_t len = text_unaccent(out, s);
    if (!slice_equal(slice_make(out, len), slice_from(to)))
        fail_msg("'%s' becomes '%.*s', not '%s'", from, (int)len, out, to);
    mem_free(out);
}

static void test_unaccent_known(void **state)
{
    (void)state;
    assert_unaccents("", "");
    assert_unaccents("Plain ASCII 123", "plain ascii 123");
    assert_unaccents("Đăng nhập thất bại", "dang nhap that bai");
    assert_unaccents("MẬT KHẨU", "mat khau");
    assert_unaccents("ÂĂÊÔƠƯĐ âăêôơưđ ẶỆỘỢỰ", "aaeooud aaeooud aeoou");
    assert_unaccents("a\xcc\x86\xcc\xa3 \xc4\x91", "a d"); /* marks on their own, d with stroke */
    assert_unaccents("Ðỗ", "do");                          /* eth for D */
    assert_unaccents("Łódź Ørsted ıİ", "lodz orsted ii");
    assert_unaccents("Straße Ω", "straße ω");
    assert_unaccents("привет", "привет");
    assert_unaccents("A\xff\xc3Z", "a\xff\xc3z");
}

static void test_unaccent_is_stable_within_its_room(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 0x30000; c++) {
        char bytes[4], *once = mem_alloc(text_unaccent_room(4)), *twice;
        struct slice s = slice_make(bytes, text_put_char(bytes, c));
        size_t len = text_unaccent(once, s), again;
        assert_true(len <= text_unaccent_room(s.len) - 64);
        twice = mem_alloc(text_unaccent_room(len));
        again = text_unaccent(twice, slice_make(once, len));
        if (!slice_equal(slice_make(once, len), slice_make(twice, again)))
            fail_msg("U+%04X", c);
        again = text_fold(twice, s);
        again = text_unaccent(once, slice_make(twice, again));
        assert_int_equal(again, len); /* folded before makes no difference */
        mem_free(once);
        mem_free(twice);
    }
}

static void test_utf8_valid(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_valid(SLICE("")), 0);
    assert_int_equal(text_utf8_valid(SLICE("0123456789abcdef tiếng Việt 𐐀 end")), 40);
    assert_int_equal(text_utf8_valid(SLICE("0123456789abcdef\xff")), 16);
    assert_int_equal(text_utf8_valid(SLICE("ab\xc0\x80")), 2);       /* overlong */
    assert_int_equal(text_utf8_valid(SLICE("a\xed\xa0\x80")), 1);    /* surrogate */
    assert_int_equal(text_utf8_valid(SLICE("\xf4\x90\x80\x80")), 0); /* above U+10FFFF */
    assert_int_equal(text_utf8_valid(SLICE("\xe0\x9f\xbf")), 0);
    assert_int_equal(text_utf8_valid(SLICE("abc\xe1\xbb")), 3); /* cut short */
}

static void test_next_char_reads_bad_bytes_as_themselves(void **state)
{
    (void)state;
    size_t at = 0;
    struct slice s = SLICE("\xe1\xbb\xa9\xe1\xbb");
    assert_int_equal(text_next_char(s, &at), 0x1ee9);
    assert_int_equal(at, 3);
    assert_int_equal(text_next_char(s, &at), TEXT_BAD_BYTE | 0xe1);
    assert_int_equal(text_next_char(s, &at), TEXT_BAD_BYTE | 0xbb);
    assert_int_equal(at, s.len);
}

static void assert_nfc(struct slice text, struct slice composed)
{
    struct buf out = {0};
    buf_string(&out, "kept");
    text_nfc(&out, text);
    assert_true(slice_equal(slice_part(buf_as_slice(&out), 4, out.len), composed));
    buf_free(&out);
}

static void test_nfc(void **state)
{
    (void)state;
    assert_nfc(SLICE(""), SLICE(""));
    assert_nfc(SLICE("plain"), SLICE("plain"));
    assert_nfc(SLICE("Vie\xcc\xa3\xcc\x82t"), SLICE("Vi\xe1\xbb\x87t"));
    assert_nfc(SLICE("Vi\xe1\xbb\x87t"), SLICE("Vi\xe1\xbb\x87t"));
    assert_nfc(SLICE("e\xcc\x81\xff"), SLICE("e\xcc\x81\xff"));
    assert_nfc(SLICE("\0e\xcc\x81"), SLICE("\0\xc3\xa9"));
}

static void assert_base64(const char *plain, const char *coded)
{
    struct buf out = {0};
    text_base64(&out, slice_from(plain));
    assert_string_equal(buf_text(&out), coded);
    buf_clear(&out);
    assert_true(text_base64_decode(&out, slice_from(coded)));
    assert_string_equal(buf_text(&out), plain);
    buf_free(&out);
}

static void test_base64(void **state)
{
    (void)state;
    assert_base64("", "");
    assert_base64("f", "Zg==");
    assert_base64("fo", "Zm8=");
    assert_base64("foo", "Zm9v");
    assert_base64("foobar?>", "Zm9vYmFyPz4=");
    static const char *const bad[] = {
        "Zg", "Zg=", "Z===", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9", "====", 0};
    struct buf out = {0};
    buf_string(&out, "kept");
    for (size_t i = 0; bad[i]; i++)
        if (text_base64_decode(&out, slice_from(bad[i])))
            fail_msg("decoded %s", bad[i]);
    assert_string_equal(buf_text(&out), "kept");
    buf_free(&out);
}

static void test_hex(void **state)
{
    (void)state;
    struct buf out = {0};
    text_hex(&out, SLICE("\x00\xff\x1a"));
    assert_string_equal(buf_text(&out), "00ff1a");
    buf_clear(&out);
    assert_true(text_hex_decode(&out, SLICE("00fF1A")));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "\x00\xff\x1a", 3);
    assert_false(text_hex_decode(&out, SLICE("0")));
    assert_false(text_hex_decode(&out, SLICE("0g")));
    assert_int_equal(out.len, 3);
    buf_free(&out);
}

static void test_utf16(void **state)
{
    (void)state;
    struct buf wide = {0}, back = {0};
    text_utf16(&wide, SLICE("aứ𐐀\xff"), false);
    assert_int_equal(wide.len, 10);
    assert_memory_equal(wide.data, "a\0\xe9\x1e\x01\xd8\x00\xdc\xfd\xff", 10);
    text_from_utf16(&back, buf_as_slice(&wide), false);
    assert_string_equal(buf_text(&back), "aứ𐐀\xef\xbf\xbd");
    buf_clear(&wide);
    buf_clear(&back);
    text_utf16(&wide, SLICE("ứ"), true);
    assert_memory_equal(wide.data, "\x1e\xe9", 2);
    text_from_utf16(&back, SLICE("\xd8\x00\x00\x61\xdc\x00\x00"), true);
    assert_string_equal(buf_text(&back), "\xef\xbf\xbd"
                                         "a"
                                         "\xef\xbf\xbd\xef\xbf\xbd");
    buf_free(&wide);
    buf_free(&back);
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(text_distance(SLICE("kitten"), SLICE("sitting"), 5), 3);
    assert_int_equal(text_distance(SLICE("kitten"), SLICE("sitting"), 2), 3);
    assert_int_equal(text_distance(SLICE("Rules"), SLICE("rules"), 2), 0);
    assert_int_equal(text_distance(SLICE("rules"), SLICE("ruels"), 2), 1);
    assert_int_equal(text_distance(SLICE(""), SLICE("ab"), 2), 2);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"rules", "mappings", "format", "threads", NULL};
    assert_string_equal(text_nearest(SLICE("ruels"), words), "rules");
    assert_string_equal(text_nearest(SLICE("rule"), words), "rules");
    assert_string_equal(text_nearest(SLICE("mapings"), words), "mappings");
    assert_null(text_nearest(SLICE("zebra"), words));
    assert_null(text_nearest(SLICE(""), words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold_known),
        cmocka_unit_test(test_fold_room_holds_the_worst),
        cmocka_unit_test(test_fold_is_fold_char_of_each),
        cmocka_unit_test(test_fold_is_stable),
        cmocka_unit_test(test_unaccent_known),
        cmocka_unit_test(test_unaccent_is_stable_within_its_room),
        cmocka_unit_test(test_utf8_valid),
        cmocka_unit_test(test_next_char_reads_bad_bytes_as_themselves),
        cmocka_unit_test(test_nfc),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_utf16),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
