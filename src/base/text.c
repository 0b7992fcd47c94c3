#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <utf8proc.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Simple case folding as a two-stage table: FOLD_PAGE code points a page, page 0 is identity and is
 * shared by all that fold to themselves. Nothing at or above FOLD_END has case in any Unicode
 * version. */
enum { FOLD_END = 0x20000, FOLD_PAGE = 128, FOLD_PAGES_MAX = 255 };

static uint8_t fold_page_of[FOLD_END / FOLD_PAGE];
static int32_t fold_shift[FOLD_PAGES_MAX][FOLD_PAGE]; /* target minus source */
static pthread_once_t fold_once = PTHREAD_ONCE_INIT;

static uint32_t fold_from_tables(uint32_t c)
{
    utf8proc_int32_t full[8];
    int boundary = 0;
    if (c == 0x130) /* folds only with a combining dot, or in Turkish: stays by C + S */
        return c;
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)c, full, 8, UTF8PROC_CASEFOLD, &boundary);
    if (count == 1)
        return (uint32_t)full[0];
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static void fold_fill(void)
{
    unsigned pages = 1;
    for (uint32_t c = 0; c < FOLD_END; c++) {
        const utf8proc_property_t *known = utf8proc_get_property((utf8proc_int32_t)c);
        if (known->casefold_seqindex == UINT16_MAX && known->lowercase_seqindex == UINT16_MAX)
            continue;
        uint32_t target = fold_from_tables(c);
        if (target == c)
            continue;
        uint8_t *page = &fold_page_of[c / FOLD_PAGE];
        if (*page == 0) {
            check(pages < FOLD_PAGES_MAX);
            *page = (uint8_t)pages++;
        }
        fold_shift[*page][c % FOLD_PAGE] = (int32_t)target - (int32_t)c;
    }
}

static inline uint32_t fold_look_up(uint32_t c)
{
    if (c >= FOLD_END)
        return c;
    return (uint32_t)((int32_t)c + fold_shift[fold_page_of[c / FOLD_PAGE]][c % FOLD_PAGE]);
}

uint32_t text_fold_char(uint32_t code_point)
{
    check(pthread_once(&fold_once, fold_fill) == 0);
    return fold_look_up(code_point);
}

/* Length of the well-formed sequence at data (left bytes are there), or 0; *c is its code point. */
static inline size_t char_read(const unsigned char *data, size_t left, uint32_t *c)
{
    unsigned char first = data[0];
    if (first < 0x80) {
        *c = first;
        return 1;
    }
    if (first < 0xc2 || first > 0xf4)
        return 0;
    if (first < 0xe0) {
        if (left < 2 || (data[1] & 0xc0) != 0x80)
            return 0;
        *c = (uint32_t)(first & 0x1f) << 6 | (data[1] & 0x3f);
        return 2;
    }
    if (left < 3 || (data[1] & 0xc0) != 0x80 || (data[2] & 0xc0) != 0x80)
        return 0;
    uint32_t low = (uint32_t)(data[1] & 0x3f) << 6 | (data[2] & 0x3f);
    if (first < 0xf0) {
        *c = (uint32_t)(first & 0x0f) << 12 | low;
        return *c < 0x800 || (*c >= 0xd800 && *c <= 0xdfff) ? 0 : 3;
    }
    if (left < 4 || (data[3] & 0xc0) != 0x80)
        return 0;
    *c = (uint32_t)(first & 0x07) << 18 | low << 6 | (data[3] & 0x3f);
    return *c < 0x10000 || *c > 0x10ffff ? 0 : 4;
}

uint32_t text_next_char(struct slice s, size_t *at)
{
    uint32_t c;
    size_t size = char_read((const unsigned char *)s.data + *at, s.len - *at, &c);
    if (size == 0) {
        c = TEXT_BAD_BYTE | (unsigned char)s.data[*at];
        size = 1;
    }
    *at += size;
    return c;
}

size_t text_put_char(char out[4], uint32_t code_point)
{
    if (code_point < 0x80 || (code_point & TEXT_BAD_BYTE)) {
        out[0] = (char)(code_point & 0xff);
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (code_point >> 18 & 0x07));
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}

static inline unsigned char ascii_lower(unsigned char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

#ifdef __SSE2__
static inline __m128i lower_16(__m128i v)
{
    /* shifted so that A..Z are the 26 smallest signed bytes */
    __m128i shifted = _mm_add_epi8(v, _mm_set1_epi8((char)(0x80 - 'A')));
    __m128i upper = _mm_cmplt_epi8(shifted, _mm_set1_epi8((char)(-128 + 26)));
    return _mm_or_si128(v, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
}

/* Lowers the 16 (8) bytes at from into to; a bit for each byte that is not ASCII. */
static inline unsigned fold_16(char *to, const char *from)
{
    __m128i v = _mm_loadu_si128((const __m128i_u *)(const void *)from);
    _mm_storeu_si128((__m128i_u *)(void *)to, lower_16(v));
    return (unsigned)_mm_movemask_epi8(v);
}

static inline unsigned fold_8(char *to, const char *from)
{
    __m128i v = _mm_loadl_epi64((const __m128i_u *)(const void *)from);
    _mm_storel_epi64((__m128i_u *)(void *)to, lower_16(v));
    return (unsigned)_mm_movemask_epi8(v) & 0xff;
}
#endif

/* Folds the ASCII bytes that data begins with; how many. Up to 16 bytes of out behind them may be
 * overwritten, within the room of text_fold_room. The last block overlaps the one before it. */
static inline size_t fold_ascii(char *out, const char *data, size_t len)
{
    size_t i = 0;
#ifdef __SSE2__
    unsigned bad;
    for (; i + 16 <= len; i += 16)
        if ((bad = fold_16(out + i, data + i)) != 0)
            return i + (size_t)__builtin_ctz(bad);
    if (i == len)
        return len;
    if (len >= 16) {
        i = len - 16;
        bad = fold_16(out + i, data + i);
        return bad ? i + (size_t)__builtin_ctz(bad) : len;
    }
    if (len >= 8) {
        if ((bad = fold_8(out, data)) != 0)
            return (size_t)__builtin_ctz(bad);
        i = len - 8;
        bad = fold_8(out + i, data + i);
        return bad ? i + (size_t)__builtin_ctz(bad) : len;
    }
#endif
    for (; i < len && (unsigned char)data[i] < 0x80; i++)
        out[i] = (char)ascii_lower((unsigned char)data[i]);
    return i;
}

size_t text_fold(char *out, struct slice s)
{
    size_t at = fold_ascii(out, s.data, s.len), used = at;
    if (at == s.len)
        return used;
    check(pthread_once(&fold_once, fold_fill) == 0);
    while (at < s.len) {
        uint32_t c;
        size_t size = char_read((const unsigned char *)s.data + at, s.len - at, &c);
        if (size == 0)
            out[used++] = s.data[at++];
        else {
            used += text_put_char(out + used, fold_look_up(c));
            at += size;
        }
        if (at < s.len && (unsigned char)s.data[at] < 0x80) {
            size_t run = fold_ascii(out + used, s.data + at, s.len - at);
            used += run;
            at += run;
        }
    }
    return used;
}

static bool is_combining_mark(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) ||
           (c >= 0xfe20 && c <= 0xfe2f);
}

/* Folded letters whose stroke or missing dot is no combining mark. Eth and D with tail are here
 * because their capitals are drawn as the Vietnamese letter and typed for it. */
static uint32_t plain_letter(uint32_t c)
{
    switch (c) {
    case 0x111: /* d with stroke */
    case 0xf0:  /* eth */
    case 0x256: /* d with tail */
        return 'd';
    case 0xf8: /* o with stroke */
        return 'o';
    case 0x142: /* l with stroke */
        return 'l';
    case 0x131: /* i without dot */
        return 'i';
    default:
        return c;
    }
}

enum { DECOMPOSED_MAX = 8 };

static size_t put_unaccented(char *out, uint32_t folded)
{
    utf8proc_int32_t parts[DECOMPOSED_MAX];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)folded, parts,
                                                     DECOMPOSED_MAX, UTF8PROC_DECOMPOSE, &boundary);
    size_t used = 0;
    if (count < 1 || count > DECOMPOSED_MAX) {
        parts[0] = (utf8proc_int32_t)folded;
        count = 1;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++)
        if (!is_combining_mark((uint32_t)parts[i]))
            used += text_put_char(out + used, plain_letter(fold_look_up((uint32_t)parts[i])));
    return used;
}

size_t text_unaccent(char *out, struct slice s)
{
    size_t at = 0, used = 0;
    check(pthread_once(&fold_once, fold_fill) == 0);
    while (at < s.len) {
        size_t run = fold_ascii(out + used, s.data + at, s.len - at);
        used += run;
        at += run;
        if (at == s.len)
            break;
        uint32_t c;
        size_t size = char_read((const unsigned char *)s.data + at, s.len - at, &c);
        if (size == 0)
            out[used++] = s.data[at++];
        else
            used += put_unaccented(out + used, fold_look_up(c));
        at += size;
    }
    return used;
}

/* How many ASCII bytes data begins with, at least in whole blocks. */
static inline size_t ascii_run(const char *data, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t block;
        memcpy(&block, data + i, 8);
        if (block & 0x8080808080808080u)
            break;
    }
    return i;
}

size_t text_utf8_valid(struct slice s)
{
    size_t at = 0;
    while (at < s.len) {
        at += ascii_run(s.data + at, s.len - at);
        for (size_t end = at + 8 < s.len ? at + 8 : s.len; at < end;) {
            uint32_t c;
            size_t size = char_read((const unsigned char *)s.data + at, s.len - at, &c);
            if (size == 0)
                return at;
            at += size;
        }
    }
    return at;
}

static const char base64_digits[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_nfc(struct buf *out, struct slice s)
{
    utf8proc_uint8_t *composed = NULL;
    size_t ascii = 0;
    while (ascii < s.len && (unsigned char)s.data[ascii] < 0x80)
        ascii++;
    if (ascii < s.len) {
        utf8proc_ssize_t len =
            utf8proc_map((const utf8proc_uint8_t *)s.data, (utf8proc_ssize_t)s.len, &composed,
                         UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        if (len >= 0)
            s = slice_make((const char *)composed, (size_t)len);
    }
    buf_slice(out, s);
    free(composed); /* from utf8proc's own malloc */
}

void text_base64(struct buf *out, struct slice s)
{
    const unsigned char *data = (const unsigned char *)s.data;
    buf_reserve(out, (s.len + 2) / 3 * 4);
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t group = (uint32_t)data[i] << 16;
        if (left > 1)
            group |= (uint32_t)data[i + 1] << 8;
        if (left > 2)
            group |= data[i + 2];
        buf_char(out, base64_digits[group >> 18]);
        buf_char(out, base64_digits[group >> 12 & 63]);
        buf_char(out, left > 1 ? base64_digits[group >> 6 & 63] : '=');
        buf_char(out, left > 2 ? base64_digits[group & 63] : '=');
    }
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool text_base64_decode(struct buf *out, struct slice s)
{
    size_t start = out->len, padding = 0;
    if (s.len % 4 != 0)
        return false;
    while (padding < 2 && padding < s.len && s.data[s.len - 1 - padding] == '=')
        padding++;
    uint32_t group = 0;
    for (size_t i = 0; i < s.len - padding; i++) {
        int value = base64_value(s.data[i]);
        if (value < 0)
            goto bad;
        group = group << 6 | (uint32_t)value;
        if (i % 4 == 3) {
            buf_char(out, (char)(group >> 16 & 0xff));
            buf_char(out, (char)(group >> 8 & 0xff));
            buf_char(out, (char)(group & 0xff));
            group = 0;
        }
    }
    if ((padding == 1 && (group & 3)) || (padding == 2 && (group & 15)))
        goto bad; /* bits that no encoder writes */
    if (padding == 1)
        buf_char(out, (char)(group >> 10 & 0xff));
    if (padding > 0)
        buf_char(out, (char)(padding == 1 ? group >> 2 & 0xff : group >> 4 & 0xff));
    return true;
bad:
    out->len = start;
    return false;
}

void text_hex(struct buf *out, struct slice s)
{
    static const char digits[17] = "0123456789abcdef";
    buf_reserve(out, s.len * 2);
    for (size_t i = 0; i < s.len; i++) {
        buf_char(out, digits[(unsigned char)s.data[i] >> 4]);
        buf_char(out, digits[(unsigned char)s.data[i] & 15]);
    }
}

static int hex_value(char c)
{
    unsigned char lower = (unsigned char)c | 0x20;
    if (c >= '0' && c <= '9')
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool text_hex_decode(struct buf *out, struct slice s)
{
    size_t start = out->len;
    if (s.len % 2 != 0)
        return false;
    for (size_t i = 0; i < s.len; i += 2) {
        int high = hex_value(s.data[i]), low = hex_value(s.data[i + 1]);
        if (high < 0 || low < 0) {
            out->len = start;
            return false;
        }
        buf_char(out, (char)(high << 4 | low));
    }
    return true;
}

static void put_unit(struct buf *out, uint32_t unit, bool big_endian)
{
    char low = (char)(unit & 0xff), high = (char)(unit >> 8);
    buf_char(out, big_endian ? high : low);
    buf_char(out, big_endian ? low : high);
}

void text_utf16(struct buf *out, struct slice s, bool big_endian)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t c = text_next_char(s, &at);
        if (c & TEXT_BAD_BYTE)
            c = 0xfffd;
        if (c >= 0x10000) {
            put_unit(out, 0xd800 + ((c - 0x10000) >> 10), big_endian);
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        put_unit(out, c, big_endian);
    }
}

static uint32_t get_unit(const char *data, bool big_endian)
{
    unsigned char first = (unsigned char)data[0], second = (unsigned char)data[1];
    return big_endian ? (uint32_t)first << 8 | second : (uint32_t)second << 8 | first;
}

void text_from_utf16(struct buf *out, struct slice s, bool big_endian)
{
    char bytes[4];
    for (size_t i = 0; i < s.len; i += 2) {
        uint32_t c = i + 2 <= s.len ? get_unit(s.data + i, big_endian) : 0xfffd;
        if (c >= 0xd800 && c <= 0xdfff) {
            uint32_t low = c < 0xdc00 && i + 4 <= s.len ? get_unit(s.data + i + 2, big_endian) : 0;
            if (low >= 0xdc00 && low <= 0xdfff) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            } else
                c = 0xfffd;
        }
        buf_append(out, bytes, text_put_char(bytes, c));
    }
}

enum { DISTANCE_BYTES_MAX = 255 };

static inline bool same_letter(struct slice a, size_t i, struct slice b, size_t j)
{
    return ascii_lower((unsigned char)a.data[i]) == ascii_lower((unsigned char)b.data[j]);
}

unsigned text_distance(struct slice a, struct slice b, unsigned limit)
{
    unsigned rows[3][DISTANCE_BYTES_MAX + 1];
    unsigned *row = rows[0], *above = rows[1], *above_that = rows[2];
    size_t apart = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (apart > limit || a.len > DISTANCE_BYTES_MAX || b.len > DISTANCE_BYTES_MAX)
        return slice_equal_nocase(a, b) ? 0 : limit + 1;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        unsigned *spare = above_that, best = UINT32_MAX;
        above_that = above;
        above = row;
        row = spare;
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.len; j++) {
            unsigned cost = above[j] + (same_letter(a, i, b, j) ? 0 : 1);
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            if (above[j + 1] + 1 < cost)
                cost = above[j + 1] + 1;
            if (i > 0 && j > 0 && same_letter(a, i, b, j - 1) && same_letter(a, i - 1, b, j) &&
                above_that[j - 1] + 1 < cost)
                cost = above_that[j - 1] + 1;
            row[j + 1] = cost;
            if (cost < best)
                best = cost;
        }
        if (best > limit + 1) /* a swap may still save one */
            return limit + 1;
    }
    return row[b.len] <= limit ? row[b.len] : limit + 1;
}

const char *text_nearest(struct slice word, const char *const *words)
{
    size_t third = word.len / 3;
    unsigned limit = third > 8 ? 8 : third > 0 ? (unsigned)third : word.len > 1 ? 1 : 0;
    const char *nearest = NULL;
    for (; *words; words++) {
        unsigned distance = text_distance(word, slice_from(*words), limit);
        if (distance > limit || (nearest && distance == limit))
            continue;
        nearest = *words;
        if (distance == 0)
            break;
        limit = distance;
    }
    return nearest;
}
