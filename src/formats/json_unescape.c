#include "formats/json_unescape.h"

#include <stdatomic.h>

#include "formats/json_lexeme.h"

size_t json_unicode_put(char *out, const char *at, const char *end, size_t *used)
{
    int32_t unit = json_escape_unit(at, end);
    if (unit < 0) { /* no reader lets this through: kept as it is, never read past */
        *out = *at;
        *used = 1;
        return 1;
    }
    uint32_t code = (uint32_t)unit;
    *used = 6;
    if (code >= 0xd800 && code <= 0xdbff) {
        int32_t low = json_escape_unit(at + 6, end);
        if (low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            *used = 12;
        }
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

char json_escape_char(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

size_t json_unescape_portable(char *out, struct slice in)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    const char *at = in.data, *end = in.data + in.len;
    char *to = out;
    while (at < end) {
        if (end - at >= 8) { /* out is never ahead of in: eight bytes have room there too */
            uint64_t word = json_load8(at), found = word ^ ones * '\\';
            found = (found - ones) & ~found & highs;
            memcpy(to, at, 8);
            size_t plain = found ? (size_t)__builtin_ctzll(found) >> 3 : 8;
            at += plain;
            to += plain;
            if (!found)
                continue;
        } else if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        if (end - at >= 2 && at[1] != 'u') {
            *to++ = json_escape_char(at[1]);
            at += 2;
        } else {
            size_t used;
            to += json_unicode_put(to, at, end, &used);
            at += used;
        }
    }
    return (size_t)(to - out);
}

typedef size_t unescape(char *out, struct slice in);

static unescape *unescape_choose(void)
{
#if defined(__x86_64__)
    if (json_unescape_avx512_usable())
        return json_unescape_avx512;
#endif
    return json_unescape_portable;
}

size_t json_unescape(char *out, struct slice in)
{
    static _Atomic(unescape *) chosen;
    unescape *run = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (__builtin_expect(!run, 0)) { /* threads that come here at once choose alike */
        run = unescape_choose();
        atomic_store_explicit(&chosen, run, memory_order_relaxed);
    }
    return run(out, in);
}
