#include "program/cell.h"

#include "base/text.h"

/* Columns of a code point on a terminal. */
static uint32_t char_columns(uint32_t c)
{
    if (c < 0x300)
        return 1;
    if (c <= 0x36f || (c >= 0x200b && c <= 0x200d) || c == 0xfeff || (c >= 0xfe00 && c <= 0xfe0f))
        return 0;
    if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
        (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
        (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
        (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
        return 2;
    return 1;
}

bool cell_is_unsafe(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & TEXT_BAD_BYTE) ||
           (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

uint32_t cell_terminal(struct slice text, uint32_t columns, struct buf *out)
{
    uint32_t width = 0, width_before = 0;
    size_t at = 0, len_before = out->len; /* where one more column is still free */
    while (at < text.len) {
        char bytes[4];
        uint32_t c = text_next_char(text, &at);
        if (c == '\t' || c == '\n' || c == '\r')
            c = ' ';
        else if (cell_is_unsafe(c))
            c = 0xfffd;
        uint32_t more = char_columns(c);
        if (columns && width + more > columns) {
            out->len = len_before;
            buf_string(out, "…");
            return width_before + 1;
        }
        buf_append(out, bytes, text_put_char(bytes, c));
        width += more;
        if (width < columns) {
            width_before = width;
            len_before = out->len;
        }
    }
    return width;
}

void cell_blanks(struct buf *out, uint32_t count)
{
    while (count-- > 0)
        buf_char(out, ' ');
}

void cell_csv(struct slice text, struct buf *out)
{
    bool formula = text.len && memchr("=+-@\t\r", text.data[0], 6);
    bool quote = formula;
    for (size_t i = 0; i < text.len && !quote; i++)
        quote = text.data[i] == '"' || text.data[i] == ',' || text.data[i] == '\n' ||
                text.data[i] == '\r';
    if (!quote) {
        buf_slice(out, text);
        return;
    }
    buf_char(out, '"');
    if (formula)
        buf_char(out, '\'');
    for (struct slice rest = text; rest.len;) {
        size_t at = slice_find_char(rest, '"');
        if (at == SLICE_NONE) {
            buf_slice(out, rest);
            break;
        }
        buf_append(out, rest.data, at + 1);
        buf_char(out, '"');
        rest = slice_part(rest, at + 1, rest.len);
    }
    buf_char(out, '"');
}
