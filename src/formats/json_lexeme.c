#include "formats/json_lexeme.h"

const char *json_number_end(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    const char *behind = json_digits_end(at, end);
    if (behind == at || (*at == '0' && behind - at > 1))
        return NULL;
    at = behind;
    if (at < end && *at == '.') {
        behind = json_digits_end(at + 1, end);
        if (behind == at + 1)
            return NULL;
        at = behind;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        behind = json_digits_end(at, end);
        if (behind == at)
            return NULL;
        at = behind;
    }
    return at;
}

const char *json_plain_end(const char *at, const char *end)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    while (end - at >= 8) {
        uint64_t word = json_load8(at);
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
        uint64_t special = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                           ((word - ones * ' ') & ~word) | word;
        special &= highs; /* borrows may set wrong bits, but only over the lowest right one */
        if (special)
            return at + (__builtin_ctzll(special) >> 3);
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= ' ' &&
           (unsigned char)*at < 0x80)
        at++;
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int32_t json_escape_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

size_t json_escape_length(const char *at, const char *end)
{
    if (end - at < 2)
        return 0;
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    default:
        break;
    }
    int32_t unit = json_escape_unit(at, end);
    if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return 0;
    if (unit < 0xd800 || unit > 0xdbff)
        return 6;
    int32_t low = json_escape_unit(at + 6, end);
    return low >= 0xdc00 && low <= 0xdfff ? 12 : 0;
}

size_t json_utf8_length(const char *at, const char *end)
{
    size_t left = (size_t)(end - at), len;
    if (left == 0)
        return 0;
    unsigned char lead = (unsigned char)at[0], least = 0x80, most = 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf) {
        len = 2;
    } else if (lead >= 0xe0 && lead <= 0xef) {
        len = 3;
        if (lead == 0xe0)
            least = 0xa0; /* shorter forms exist below */
        else if (lead == 0xed)
            most = 0x9f; /* surrogates above */
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        len = 4;
        if (lead == 0xf0)
            least = 0x90;
        else if (lead == 0xf4)
            most = 0x8f; /* past U+10FFFF above */
    } else {
        return 0;
    }
    if (left < len || (unsigned char)at[1] < least || (unsigned char)at[1] > most)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (((unsigned char)at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}
