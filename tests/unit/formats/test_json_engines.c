/* The vector engines against naive twins: a byte-by-byte index under the same walker, and the
 * portable reader, on texts made to put every event at every place of a block and of a window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "formats/json_lexeme.h"
#include "formats/json_record.h"
#include "formats/json_unescape.h"

/* Memory whose last byte is followed by a page that nobody may touch: vector loads and stores past
 * the end are seen also where the address sanitizer does not look. */
enum { GUARDED_BYTES = 1 << 20, GUARD_BYTES = 1 << 16 };
static char *guarded_in, *guarded_out;

static char *guarded_open(void)
{
    char *block = mmap(NULL, GUARDED_BYTES + GUARD_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    assert_int_equal(mprotect(block + GUARDED_BYTES, GUARD_BYTES, PROT_NONE), 0);
    return block;
}

static int setup(void **state)
{
    (void)state;
    guarded_in = guarded_open();
    guarded_out = guarded_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)munmap(guarded_in, GUARDED_BYTES + GUARD_BYTES);
    (void)munmap(guarded_out, GUARDED_BYTES + GUARD_BYTES);
    return 0;
}

static struct slice guarded_copy(struct slice text)
{
    assert_true(text.len <= GUARDED_BYTES);
    char *copy = guarded_in + GUARDED_BYTES - text.len;
    memcpy(copy, text.data, text.len);
    return slice_make(copy, text.len);
}

/* What json_index.h describes, one byte after the other. */
static void naive_fill(struct json_index *index)
{
    index->window = index->at;
    for (size_t block = 0; block < JSON_WINDOW_BLOCKS && index->at < index->len; block++) {
        index->escaped[block] = 0;
        for (size_t i = 0; i < JSON_BLOCK_BYTES && index->at + i < index->len; i++) {
            size_t at = index->at + i;
            const char *c = index->text + at, *end = index->text + index->len;
            if (index->escape) {
                index->escape = 0;
                if (index->inside && at != index->low_half) {
                    size_t len = json_escape_length(c - 1, end);
                    if (len == 0)
                        index->bad = 1;
                    if (len == 12)
                        index->low_half = at + 6;
                }
                continue;
            }
            if (index->inside && (unsigned char)*c < ' ')
                index->bad = 1;
            index->escape = *c == '\\';
            index->escapes |= index->inside && *c == '\\';
            if (*c == '"') {
                if (index->escapes)
                    index->escaped[block] |= 1ull << i;
                index->escapes = 0;
                index->inside = ~index->inside;
                index->quotes[index->count++] = (uint32_t)at;
            }
        }
        index->at += JSON_BLOCK_BYTES;
    }
    struct slice seen = slice_make(index->text, index->len);
    if (text_utf8_valid(seen) != index->len)
        index->bad = 1;
}

static void assert_same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        assert_true(slice_equal(a->fields[i].name, b->fields[i].name));
        assert_true(slice_equal(a->fields[i].value, b->fields[i].value));
        assert_int_equal(a->fields[i].name_hash, b->fields[i].name_hash);
        assert_int_equal(a->fields[i].kind, b->fields[i].kind);
        assert_int_equal(a->fields[i].flags, b->fields[i].flags);
    }
}

static unsigned accepted_count, refused_count;

/* text begins with an object's brace: all engines and the naive twin must agree on it. */
static void engines_agree(struct slice text)
{
    text = guarded_copy(text);
    struct record portable = {0}, naive = {0}, fast = {0};
    bool accepted = json_record_portable(&portable, text, NULL) == ERR_OK;
    *(accepted ? &accepted_count : &refused_count) += 1;
    assert_int_equal(json_walk(&naive, text, naive_fill), accepted);
    assert_same(&naive, &portable);
    for (size_t i = 0; i < json_engine_count; i++) {
        if (!json_engines[i].usable() || !json_engines[i].fill)
            continue;
        assert_int_equal(json_walk(&fast, text, json_engines[i].fill), accepted);
        assert_same(&fast, &portable);
        record_reset(&fast);
    }
    record_free(&portable);
    record_free(&naive);
    record_free(&fast);
}

static uint64_t random_state;
static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % limit;
}

static void test_every_place_of_a_block(void **state)
{
    (void)state;
    static const struct slice PIECES[] = {
        {"\\\\", 2},
        {"\\\"", 2},
        {"\\\\\\\\\\\\", 6},
        {"\\u00e9", 6},
        {"\\ud83d\\ude00", 12},
        {"\xc3\xa9", 2},
        {"\xe1\xba\xbf", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\\ud83d", 6},
        {"\\ude00", 6},
        {"\\x", 2},
        {"\x01", 1},
        {"\x80", 1},
        {"\xc3", 1},
        {"\xe1\xba", 2},
        {"\xf0\x9f\x98", 3},
        {"\xc0\xaf", 2},
        {"\xed\xa0\x80", 3},
        {"\xf4\x90\x80\x80", 4},
        {"\\", 1},
        {"\"", 1},
        {"\xe0\x80\x80", 3},
        {"\\ud83d\\u0041", 12},
        {"\0", 1},
        {"\xc3\xa9\xa9", 3},
        {"\\\xc3\xa9", 3},
        {"\xf0\x80\x80\x80", 4},
        {"\\u12G4", 6},
    };
    struct buf text = {0};
    for (size_t piece = 0; piece < sizeof(PIECES) / sizeof(PIECES[0]); piece++) {
        for (size_t before = 0; before < 140; before++) {
            for (size_t after = 0; after < 3; after++) {
                buf_clear(&text);
                buf_string(&text, "{\"a\":\"");
                for (size_t i = 0; i < before; i++)
                    buf_char(&text, 'x');
                buf_slice(&text, PIECES[piece]);
                for (size_t i = 0; i < after * 29; i++)
                    buf_char(&text, 'y');
                buf_string(&text, "\",\"b\":\"\",\"c\":\"\\n\",\"d\":1}");
                engines_agree(buf_as_slice(&text));
            }
        }
    }
    buf_free(&text);
}

static void test_every_place_of_a_window(void **state)
{
    (void)state;
    struct buf text = {0};
    for (size_t around = JSON_WINDOW_BYTES - 24; around < JSON_WINDOW_BYTES + 8; around++) {
        for (int kind = 0; kind < 3; kind++) {
            buf_clear(&text);
            buf_string(&text, "{");
            while (text.len < around)
                buf_char(&text, ' ');
            buf_string(&text, "\"a\\\\\":\"");
            for (size_t i = 0; kind > 0 && i < JSON_WINDOW_BYTES * 2; i++)
                buf_char(&text, 'x');
            buf_string(&text, kind == 2 ? "\\\"\",\"b\":\"\xe1\xba\xbf\"}" : "\",\"b\":[\"\"]}");
            engines_agree(buf_as_slice(&text));
        }
    }
    buf_clear(&text);
    buf_char(&text, '{');
    for (int i = 0; i < 3000; i++)
        buf_string(&text, i ? ",\"\":\"\"" : "\"\":\"\"");
    buf_char(&text, '}');
    engines_agree(buf_as_slice(&text));
    buf_free(&text);
}

static void value_make(struct buf *text, unsigned depth)
{
    static const char *const SCALARS[] = {"\"\"",
                                          "1",
                                          "-0.5e3",
                                          "true",
                                          "false",
                                          "null",
                                          "\"C:\\\\Windows\\\\System32\\\\cmd.exe\"",
                                          "\"Ti\xe1\xba\xbfng Vi\xe1\xbb\x87t\"",
                                          "\"\\u0111\\ud83d\\ude00\"",
                                          "1234567890123",
                                          "\"\\\"\""};
    uint32_t choice = random_below(depth < 4 ? 16 : 11);
    if (choice < 11) {
        buf_string(text, SCALARS[choice]);
        return;
    }
    bool object = choice < 14;
    buf_char(text, object ? '{' : '[');
    for (uint32_t i = 0, count = random_below(5); i < count; i++) {
        if (i)
            buf_string(text, random_below(4) ? "," : " ,\n");
        if (object)
            buf_printf(text, "\"k%u%s\":", random_below(3), random_below(8) ? "" : "\\t");
        value_make(text, depth + 1);
    }
    buf_char(text, object ? '}' : ']');
}

static void test_made_texts_and_their_mutations(void **state)
{
    (void)state;
    random_state = 20261122;
    accepted_count = refused_count = 0;
    struct buf text = {0};
    for (int round = 0; round < 3000; round++) {
        buf_clear(&text);
        buf_char(&text, '{');
        for (uint32_t i = 0, count = random_below(12); i < count; i++) {
            buf_printf(&text, "%s\"name%u\":", i ? "," : "", i);
            value_make(&text, 1);
        }
        buf_char(&text, '}');
        engines_agree(buf_as_slice(&text));
        for (int i = 0; i < 6; i++) {
            size_t place = 1 + random_below((uint32_t)text.len - 1);
            char old = text.data[place];
            text.data[place] = "\"\\{}[]:, 0u\n\x01\x80\xc3\xe1\xff-"[random_below(18)];
            engines_agree(buf_as_slice(&text));
            text.data[place] = old;
        }
        engines_agree(slice_make(text.data, 1 + random_below((uint32_t)text.len)));
    }
    assert_true(accepted_count > 3000 && refused_count > 3000);
    buf_free(&text);
}

/* One escape after the other, as RFC 8259 section 7 says. */
static size_t naive_unescape(char *out, struct slice in)
{
    char *to = out;
    for (size_t i = 0; i < in.len;) {
        size_t used = 1;
        if (in.data[i] != '\\')
            *to++ = in.data[i];
        else if (in.data[i + 1] == 'u')
            to += json_unicode_put(to, in.data + i, in.data + in.len, &used);
        else
            *to++ = json_escape_char(in.data[i + used++]);
        i += used;
    }
    return (size_t)(to - out);
}

static void unescapes_agree(struct slice text)
{
    text = guarded_copy(text);
    char *expected = mem_alloc(text.len), *out = guarded_out + GUARDED_BYTES - text.len;
    size_t len = naive_unescape(expected, text);
    assert_int_equal(json_unescape_portable(out, text), len);
    assert_memory_equal(out, expected, len);
    memset(out, 0, text.len);
    assert_int_equal(json_unescape(out, text), len);
    assert_memory_equal(out, expected, len);
    mem_free(expected);
}

static void test_unescape_of_made_texts(void **state)
{
    (void)state;
    static const char *const PIECES[] = {"\\\\",
                                         "\\n",
                                         "\\\"",
                                         "\\/",
                                         "\\b",
                                         "\\f",
                                         "\\r",
                                         "\\t",
                                         "\\u00e9",
                                         "u",
                                         "x",
                                         "\xc3\xa9",
                                         "\\ud83d\\ude00",
                                         "System32",
                                         "\\u0041",
                                         "n"};
    struct buf text = {0};
    random_state = 7;
    for (int round = 0; round < 20000; round++) {
        buf_clear(&text);
        for (uint32_t i = 0, count = 1 + random_below(40); i < count; i++)
            buf_string(&text, PIECES[random_below(round % 2 ? 16 : 4)]);
        unescapes_agree(buf_as_slice(&text));
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_place_of_a_block),
        cmocka_unit_test(test_every_place_of_a_window),
        cmocka_unit_test(test_made_texts_and_their_mutations),
        cmocka_unit_test(test_unescape_of_made_texts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
