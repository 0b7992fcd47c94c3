#include "base/hash.h"
#include "detection/host.h"
#include "detection/sight_inside.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK_BYTES = 16 };

#define NAME  SIGHT_CHAR_NAME
#define FILE_ SIGHT_CHAR_FILE
#define LOCAL SIGHT_CHAR_LOCAL
#define END   SIGHT_CHAR_END
#define WEAK  SIGHT_CHAR_WEAK
#define WORD  (NAME | FILE_ | LOCAL | SIGHT_CHAR_WORD)
const unsigned char sight_chars[256] = {
    [0 ... ' '] = END,
    ['!'] = FILE_,
    ['"'] = END,
    ['#'] = FILE_,
    ['$'] = FILE_,
    ['%'] = FILE_ | LOCAL,
    ['&'] = FILE_ | LOCAL,
    ['\''] = WEAK,
    ['('] = FILE_,
    [')'] = FILE_,
    ['+'] = FILE_ | LOCAL,
    ['-'] = NAME | FILE_ | LOCAL,
    ['.'] = NAME | FILE_ | LOCAL,
    ['0' ... '9'] = WORD | SIGHT_CHAR_HEX,
    ['<'] = END,
    ['>'] = END,
    ['A' ... 'F'] = WORD | SIGHT_CHAR_HEX,
    ['G' ... 'Z'] = WORD,
    ['['] = FILE_,
    ['\\'] = WEAK,
    [']'] = FILE_,
    ['^'] = FILE_ | WEAK,
    ['_'] = NAME | FILE_ | LOCAL,
    ['`'] = WEAK,
    ['a' ... 'f'] = WORD | SIGHT_CHAR_HEX,
    ['g' ... 'z'] = WORD,
    ['{'] = FILE_ | WEAK,
    ['|'] = WEAK,
    ['}'] = FILE_ | WEAK,
    ['~'] = FILE_ | LOCAL,
    [0x7f] = END,
    [0x80 ... 0xff] = FILE_ | SIGHT_CHAR_FOREIGN,
};
#undef NAME
#undef FILE_
#undef LOCAL
#undef END
#undef WEAK
#undef WORD

uint64_t sight_hash(enum sight_kind kind, struct slice text)
{
    static const uint64_t seed = 0x63616e6873696768ull; /* part of stored formats */
    return hash_slice(text, seed + (uint64_t)kind);
}

void sight_give(struct sight_scanner *s, enum sight_kind kind, struct slice text)
{
    if (!sight_wanted(s, kind))
        return;
    struct sight sight = {.kind = kind, .text = text, .hash = sight_hash(kind, text)};
    s->visit(s->context, &sight);
}

uint16_t sight_port(const struct sight_scanner *s, size_t *end)
{
    struct slice v = s->value;
    unsigned port = 0;
    size_t at = *end + 1;
    if (*end >= v.len || v.data[*end] != ':')
        return 0;
    for (; at < v.len && at < *end + 6 && v.data[at] >= '0' && v.data[at] <= '9'; at++)
        port = port * 10 + (unsigned)(v.data[at] - '0');
    bool more = at < v.len && (sight_is(s, at, SIGHT_CHAR_WORD) || v.data[at] == ':');
    if (more || port > UINT16_MAX || port == 0)
        return 0;
    *end = at;
    return (uint16_t)port;
}

void sight_give_ip(struct sight_scanner *s, const struct ip_address *address, struct slice text,
                   uint16_t port)
{
    if (!sight_wanted(s, SIGHT_IP))
        return;
    struct sight sight = {.kind = SIGHT_IP,
                          .text = text,
                          .hash = sight_hash(SIGHT_IP, text),
                          .address = *address,
                          .port = port};
    s->visit(s->context, &sight);
}

void sight_give_path(struct sight_scanner *s, struct slice path)
{
    size_t query = slice_find_char(path, '?');
    if (path.len < 2 || path.data[1] == '/')
        return;
    sight_give(s, SIGHT_URL_PATH, path);
    if (query != SLICE_NONE && query > 1)
        sight_give(s, SIGHT_URL_PATH, slice_part(path, 0, query));
}

/* Where the URL that begins at begin ends. */
static size_t url_end(const struct sight_scanner *s, size_t begin)
{
    unsigned ends = SIGHT_CHAR_END | (begin > 0 ? SIGHT_CHAR_WEAK : 0u);
    size_t end = begin, open = 0;
    while (end < s->value.len && !sight_is(s, end, ends))
        open += s->value.data[end++] == '(';
    if (begin == 0 && end == s->value.len)
        return end;
    while (end > begin) {
        char c = s->value.data[end - 1];
        if (!memchr(".,;:!?'\"", c, 8) && (c != ')' || open > 0))
            break;
        end--;
    }
    return end;
}

void sight_give_url(struct sight_scanner *s, size_t begin)
{
    struct url url;
    if (!(s->kinds & (1u << SIGHT_URL | 1u << SIGHT_URL_PATH)) || s->urls == SIGHT_URLS_MAX)
        return;
    struct slice text = slice_part(s->value, begin, url_end(s, begin) - begin);
    text.len = text.len < SIGHT_TEXT_BYTES_MAX ? text.len : SIGHT_TEXT_BYTES_MAX;
    s->urls++;
    if (!url_read(&url, text, s->foreign < SIGHT_FOREIGN_MAX, s->room) || url_is_network(&url))
        return;
    if (sight_wanted(s, SIGHT_URL)) {
        struct sight sight = {.kind = SIGHT_URL,
                              .text = url.text,
                              .authority = url.authority,
                              .hash = sight_hash(SIGHT_URL, url.text)};
        s->visit(s->context, &sight);
    }
    sight_give_path(s, url.path);
}

/* Eight groups, or fewer and `::`. From a colon at `at`; what is looked at is done. */
static void look_v6(struct sight_scanner *s, size_t at)
{
    struct slice v = s->value;
    size_t begin = at, end = at, colons = 0;
    struct ip_address address;
    char text[IP_TEXT_BYTES];
    while (begin > s->done && at - begin < 4 && sight_is(s, begin - 1, SIGHT_CHAR_HEX))
        begin--;
    while (end < v.len && (v.data[end] == ':' || sight_is(s, end, SIGHT_CHAR_HEX)))
        colons += v.data[end++] == ':';
    size_t hex_end = end;
    if (colons >= 2 && end < v.len && v.data[end] == '.')
        while (end < v.len && (v.data[end] == '.' || (v.data[end] >= '0' && v.data[end] <= '9')))
            end++;
    s->done = hex_end;
    bool beside = (begin > 0 && sight_is(s, begin - 1, SIGHT_CHAR_WORD)) ||
                  (end < v.len && sight_is(s, end, SIGHT_CHAR_WORD));
    if (colons < 2 || colons > 8 || end - begin < 3 || end - begin > 45 || beside ||
        !ip_parse(&address, slice_part(v, begin, end - begin)))
        return;
    struct slice given = slice_make(text, ip_text(text, &address));
    bool bracket = begin > 0 && v.data[begin - 1] == '[' && end < v.len && v.data[end] == ']';
    end += bracket;
    sight_give_ip(s, &address, given, bracket ? sight_port(s, &end) : 0);
    s->done = end;
}

static void look_colon(struct sight_scanner *s, size_t at)
{
    struct slice v = s->value;
    if (v.len - at > 3 && v.data[at + 1] == '/' && v.data[at + 2] == '/') {
        size_t begin = at;
        while (begin > 0 && at - begin < 16 &&
               (sight_is(s, begin - 1, SIGHT_CHAR_WORD) || v.data[begin - 1] == '+' ||
                v.data[begin - 1] == '-'))
            begin--;
        while (begin < at && (unsigned char)((v.data[begin] | 0x20) - 'a') > 25)
            begin++;
        if (at - begin >= 2)
            sight_give_url(s, begin);
        s->done = at + 3;
    } else if (sight_wanted(s, SIGHT_IP)) {
        look_v6(s, at);
    }
}

/* Any run of 32 digits or more covers one of the places that are looked at, and 15 on one side of
 * it. */
static void look_hashes(struct sight_scanner *s)
{
    size_t floor = 0, at = 31;
    while (at < s->value.len) {
        size_t begin = at, end = at;
        bool before = sight_is(s, at - 8, SIGHT_CHAR_HEX), after = at + 8 < s->value.len;
        if (!sight_is(s, at, SIGHT_CHAR_HEX) ||
            !(before || (after && sight_is(s, at + 8, SIGHT_CHAR_HEX)))) {
            at += 32;
            continue;
        }
        while (begin > floor && sight_is(s, begin - 1, SIGHT_CHAR_HEX))
            begin--;
        while (end < s->value.len && sight_is(s, end, SIGHT_CHAR_HEX))
            end++;
        size_t len = end - begin;
        bool beside = (begin > 0 && sight_is(s, begin - 1, SIGHT_CHAR_WORD)) ||
                      (end < s->value.len && sight_is(s, end, SIGHT_CHAR_WORD));
        if (!beside && (len == 32 || len == 40 || len == 64)) {
            host_lower(s->room, s->value.data + begin, len);
            sight_give(s,
                       len == 32   ? SIGHT_MD5
                       : len == 40 ? SIGHT_SHA1
                                   : SIGHT_SHA256,
                       slice_make(s->room, len));
        }
        floor = end;
        at = end + 32;
    }
}

/* A bit for each dot and colon of a block that has something behind it: no control, blank, quote or
 * other sign before `/`, no backslash. Without branches: which blocks have any cannot be foreseen.
 */
#ifdef __SSE2__
static inline uint32_t marks_in(__m128i bytes, __m128i next)
{
    __m128i dots = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('.'));
    __m128i colons = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(':'));
    __m128i good = _mm_cmpeq_epi8(_mm_max_epu8(next, _mm_set1_epi8('/')), next);
    good = _mm_andnot_si128(_mm_cmpeq_epi8(next, _mm_set1_epi8('\\')), good);
    return (uint32_t)_mm_movemask_epi8(_mm_and_si128(_mm_or_si128(dots, colons), good));
}

/* Reads one byte past the block. */
static inline uint32_t marks_of(const char *data)
{
    return marks_in(_mm_loadu_si128((const __m128i *)(const void *)data),
                    _mm_loadu_si128((const __m128i *)(const void *)(data + 1)));
}

static inline uint32_t marks_of_words(uint64_t low, uint64_t high)
{
    __m128i bytes = _mm_set_epi64x((int64_t)high, (int64_t)low);
    return marks_in(bytes, _mm_srli_si128(bytes, 1));
}
#else
static inline uint32_t marks_of(const char *data)
{
    uint32_t marks = 0;
    for (uint32_t i = 0; i < BLOCK_BYTES; i++) {
        unsigned char next = (unsigned char)data[i + 1];
        bool good = next >= '/' && next != '\\';
        marks |= (uint32_t)((data[i] == '.' || data[i] == ':') && good) << i;
    }
    return marks;
}

static inline uint32_t marks_of_words(uint64_t low, uint64_t high)
{
    char data[BLOCK_BYTES + 1] = {0};
    memcpy(data, &low, 8);
    memcpy(data + 8, &high, 8);
    return marks_of(data);
}
#endif

static inline void look_block(struct sight_scanner *s, uint64_t marks, size_t base)
{
    for (; marks; marks &= marks - 1) {
        size_t at = base + (size_t)__builtin_ctzll(marks);
        if (at < s->done)
            continue;
        if (s->value.data[at] == '.')
            sight_look_dot(s, at);
        else
            look_colon(s, at);
    }
}

/* 3 to 16 bytes as two words, with zeros behind them. */
static uint32_t marks_of_short(struct slice value)
{
    const char *data = value.data;
    size_t len = value.len;
    uint64_t low = 0, high = 0;
    uint32_t head, tail;
    if (len >= 8) {
        memcpy(&low, data, 8);
        memcpy(&high, data + len - 8, 8);
        high = len > 8 ? high >> (16 - len) * 8 : 0;
    } else if (len >= 4) {
        memcpy(&head, data, 4);
        memcpy(&tail, data + len - 4, 4);
        low = head | (uint64_t)tail << (len - 4) * 8;
    } else {
        memcpy(&low, data, 3);
    }
    return marks_of_words(low, high);
}

/* The last byte is never a mark: nothing is behind it. */
static void look_marks(struct sight_scanner *s)
{
    const char *data = s->value.data;
    size_t len = s->value.len, base = 0;
    if (len <= BLOCK_BYTES) {
        look_block(s, marks_of_short(s->value), 0);
        return;
    }
    for (; base + 4 * BLOCK_BYTES < len; base += 4 * BLOCK_BYTES) {
        uint64_t low = marks_of(data + base) | marks_of(data + base + BLOCK_BYTES) << 16;
        uint64_t high =
            marks_of(data + base + 2 * BLOCK_BYTES) | marks_of(data + base + 3 * BLOCK_BYTES) << 16;
        look_block(s, low | high << 32, base);
    }
    for (; base + BLOCK_BYTES < len; base += BLOCK_BYTES)
        look_block(s, marks_of(data + base), base);
    size_t last = len - BLOCK_BYTES - 1;
    look_block(s, marks_of(data + last) >> (base - last), base);
}

void sight_scan_kinds(struct slice value, unsigned kinds, sight_visit *visit, void *context)
{
    struct sight_scanner s;
    if (value.len < 3)
        return;
    s.value = slice_part(value, 0, SIGHT_SCAN_BYTES_MAX);
    s.kinds = kinds;
    s.visit = visit;
    s.context = context;
    s.done = s.file_done = s.file_given = 0;
    s.urls = s.foreign = 0;
    if (value.len >= 32 && (kinds & (1u << SIGHT_MD5 | 1u << SIGHT_SHA1 | 1u << SIGHT_SHA256)))
        look_hashes(&s);
    look_marks(&s);
    if (kinds & (1u << SIGHT_FILE_NAME | 1u << SIGHT_URL_PATH))
        sight_look_whole(&s);
}

void sight_scan(struct slice value, sight_visit *visit, void *context)
{
    sight_scan_kinds(value, SIGHT_ALL, visit, context);
}

size_t sight_parent(struct slice name, size_t at)
{
    size_t dot = slice_find_char(slice_part(name, at, name.len), '.');
    if (dot == SLICE_NONE)
        return SLICE_NONE;
    size_t next = at + dot + 1;
    bool one_label = slice_find_char(slice_part(name, next, name.len), '.') == SLICE_NONE;
    return one_label ? SLICE_NONE : next;
}
