/* Text: folding stays within its promised room and agrees with the plain way, one code point after
 * the other; decoders undo encoders. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

static void require(bool good)
{
    if (!good)
        abort();
}

static void fold_twice(struct slice s)
{
    char *folded = mem_alloc(text_fold_room(s.len)), *plain = mem_alloc(text_fold_room(s.len));
    size_t len = text_fold(folded, s), used = 0;
    for (size_t at = 0; at < s.len;) {
        uint32_t c = text_next_char(s, &at);
        used += text_put_char(plain + used, c & TEXT_BAD_BYTE ? c : text_fold_char(c));
    }
    require(len == used && (len == 0 || memcmp(folded, plain, len) == 0));
    mem_free(folded);
    mem_free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = slice_make((const char *)data, size);
    struct buf coded = {0}, back = {0};
    fold_twice(s);
    text_base64(&coded, s);
    require(text_base64_decode(&back, buf_as_slice(&coded)));
    require(slice_equal(buf_as_slice(&back), s));
    buf_clear(&coded);
    if (text_base64_decode(&coded, s)) {
        buf_clear(&back);
        text_base64(&back, buf_as_slice(&coded));
        require(slice_equal(buf_as_slice(&back), s));
    }
    buf_clear(&back);
    (void)text_hex_decode(&back, s);
    buf_clear(&coded);
    buf_clear(&back);
    text_utf16(&coded, s, size % 2);
    text_from_utf16(&back, buf_as_slice(&coded), size % 2);
    bool valid = text_utf8_valid(s) == s.len;
    require(!valid || slice_equal(buf_as_slice(&back), s));
    require(text_utf8_valid(buf_as_slice(&back)) == back.len);
    buf_clear(&back);
    text_from_utf16(&back, s, false);
    (void)text_distance(slice_part(s, 0, size / 2), slice_part(s, size / 2, size), 5);
    buf_free(&coded);
    buf_free(&back);
    return 0;
}
