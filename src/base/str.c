#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/mem.h"

static unsigned char ascii_lower(unsigned char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower((unsigned char)a.data[i]) != ascii_lower((unsigned char)b.data[i]))
            return false;
    return true;
}

static size_t find_by_libc(struct slice s, struct slice needle, size_t from)
{
    const char *hit = memmem(s.data + from, s.len - from, needle.data, needle.len);
    return hit ? (size_t)(hit - s.data) : SLICE_NONE;
}

#if defined(__SSE2__)
enum { FIND_BLOCK = 16, FIND_COMPARED_FREE = 256 };

/* Of the 16 places from `at` on, the first that holds the needle, or SLICE_NONE. Only those whose
 * first and last byte are the needle's are compared: *compared counts bytes. */
static inline size_t find_in_block(struct slice s, struct slice needle, size_t at, size_t *compared)
{
    const char *data = s.data + at;
    __m128i first = _mm_set1_epi8(needle.data[0]);
    __m128i final = _mm_set1_epi8(needle.data[needle.len - 1]);
    __m128i heads = _mm_loadu_si128((const __m128i *)(const void *)data);
    __m128i tails = _mm_loadu_si128((const __m128i *)(const void *)(data + needle.len - 1));
    __m128i both = _mm_and_si128(_mm_cmpeq_epi8(heads, first), _mm_cmpeq_epi8(tails, final));
    for (uint32_t hits = (uint32_t)_mm_movemask_epi8(both); hits; hits &= hits - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(hits);
        *compared += needle.len;
        if (memcmp(data + i, needle.data, needle.len) == 0)
            return at + i;
    }
    return SLICE_NONE;
}

/* Sixteen places at a time; the last block overlaps the one before it. A text in which too much
 * looks like the needle goes on by memmem, so that the time stays linear. */
size_t slice_find(struct slice s, struct slice needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return SLICE_NONE;
    size_t places = s.len - needle.len + 1, compared = 0;
    if (places < FIND_BLOCK)
        return find_by_libc(s, needle, 0);
    for (size_t at = 0; at < places; at += FIND_BLOCK) {
        if (compared > FIND_COMPARED_FREE + 4 * at)
            return find_by_libc(s, needle, at);
        if (at + FIND_BLOCK > places)
            at = places - FIND_BLOCK;
        size_t found = find_in_block(s, needle, at, &compared);
        if (found != SLICE_NONE)
            return found;
    }
    return SLICE_NONE;
}
#else
size_t slice_find(struct slice s, struct slice needle)
{
    if (needle.len == 0)
        return 0;
    return s.len < needle.len ? SLICE_NONE : find_by_libc(s, needle, 0);
}
#endif

size_t slice_find_char(struct slice s, char c)
{
    const char *hit = s.len ? memchr(s.data, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.data) : SLICE_NONE;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice s)
{
    while (s.len && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct slice slice_cut(struct slice *rest, char c)
{
    size_t at = slice_find_char(*rest, c);
    struct slice head = *rest;
    if (at == SLICE_NONE) {
        *rest = slice_make(rest->data + rest->len, 0);
        return head;
    }
    head.len = at;
    *rest = slice_make(rest->data + at + 1, rest->len - at - 1);
    return head;
}

bool slice_to_u64(struct slice s, uint64_t *out)
{
    if (s.len == 0 || s.len > 20)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

/* Longest number text handed to strtod; longer lexemes keep their leading digits only, which decide
 * the double anyway unless the exponent is beyond, so they are refused instead. */
enum { NUMBER_TEXT_MAX = 400 };

bool slice_to_double(struct slice s, double *out)
{
    char text[NUMBER_TEXT_MAX + 1];
    if (s.len == 0 || s.len > NUMBER_TEXT_MAX)
        return false;
    size_t i = 0, digits = 0;
    if (s.data[i] == '-' || s.data[i] == '+')
        i++;
    for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++)
        digits++;
    if (i < s.len && s.data[i] == '.')
        for (i++; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++)
            digits++;
    if (digits == 0)
        return false;
    if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
        i++;
        if (i < s.len && (s.data[i] == '-' || s.data[i] == '+'))
            i++;
        size_t exponent_start = i;
        while (i < s.len && s.data[i] >= '0' && s.data[i] <= '9')
            i++;
        if (i == exponent_start)
            return false;
    }
    if (i != s.len)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    *out = strtod(text, NULL);
    return true;
}

void buf_reserve(struct buf *b, size_t more_bytes)
{
    if (b->capacity - b->len >= more_bytes)
        return;
    check(more_bytes <= BUF_BYTES_MAX && b->len <= BUF_BYTES_MAX - more_bytes);
    size_t wanted = b->capacity ? b->capacity : 256;
    while (wanted - b->len < more_bytes)
        wanted += wanted;
    b->data = mem_resize(b->data, wanted, 1);
    b->capacity = wanted;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    buf_reserve(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    check(needed >= 0);
    buf_reserve(b, (size_t)needed + 1);
    (void)vsnprintf(b->data + b->len, (size_t)needed + 1, format, again);
    va_end(again);
    b->len += (size_t)needed;
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}

const char *buf_text(struct buf *b)
{
    buf_reserve(b, 1);
    b->data[b->len] = '\0';
    return b->data;
}
