#include "formats/json_walk.h"

#include "formats/json_levels.h"
#include "formats/json_lexeme.h"

/* The text that is walked ends with '}', and that byte is read only as a bracket: so long as the
 * brackets read are fewer, there is a byte at `at`, and blanks and digits end before the text. */
struct walk {
    struct record *r;
    const char *end;
    json_index_fill *fill;
    uint32_t next; /* in index.quotes */
    struct json_index index;
    struct json_levels levels;
};

static bool quotes_more(struct walk *w)
{
    struct json_index *index = &w->index;
    uint32_t left = index->count - w->next;
    if (left)
        index->quotes[0] = index->quotes[w->next];
    index->count = left;
    w->next = 0;
    while (index->count < 2 && index->at < index->len)
        w->fill(index);
    return index->count >= 2;
}

/* The string whose opening quote is at `at`; gives what is behind it, or NULL. */
static inline const char *string_take(struct walk *w, const char *at, struct slice *string,
                                      unsigned *escaped)
{
    const struct json_index *index = &w->index;
    if (__builtin_expect(w->next + 2 > index->count, 0) && !quotes_more(w))
        return NULL;
    uint32_t open = index->quotes[w->next], close = index->quotes[w->next + 1];
    w->next += 2;
    if (index->text + open != at)
        return NULL;
    uint32_t place = close - (uint32_t)index->window;
    *escaped = (unsigned)(index->escaped[place / 64] >> (place % 64)) & FIELD_ESCAPED;
    *string = slice_make(at + 1, close - open - 1);
    return index->text + close + 1;
}

static inline const char *blank_pass(const char *at)
{
    while (json_is_blank(*at))
        at++;
    return at;
}

/* What the next value is called. The newest of levels has it too where json_levels_* need it. */
struct label {
    struct slice name;
    unsigned flags;
};

static inline const char *literal_take(struct walk *w, const char *at, const struct label *label,
                                       struct slice text)
{
    if ((size_t)(w->end - at) <= text.len || memcmp(at, text.data, text.len) != 0)
        return NULL;
    bool null = text.data[0] == 'n';
    struct slice value = null ? slice_make(at + 4, 0) : slice_make(at, text.len);
    if (record_add(w->r, label->name, value, null ? VALUE_NULL : VALUE_BOOL, label->flags, NULL))
        return NULL;
    return at + text.len;
}

static inline const char *number_take(struct walk *w, const char *at, const struct label *label)
{
    const char *behind = json_digits_end(at, w->end);
    if (behind == at || *at == '0' || *behind == '.' || (*behind | 0x20) == 'e') {
        behind = json_number_end(at, w->end);
        if (!behind)
            return NULL;
    }
    struct slice lexeme = slice_make(at, (size_t)(behind - at));
    if (record_add(w->r, label->name, lexeme, VALUE_NUMBER, label->flags, NULL))
        return NULL;
    return behind;
}

/* The value at `at`, when it is no object or array. */
static inline const char *scalar_take(struct walk *w, const char *at, const struct label *label)
{
    if (__builtin_expect(*at == '"', 1)) {
        struct slice value;
        unsigned escaped;
        at = string_take(w, at, &value, &escaped);
        if (!at || record_add(w->r, label->name, value, VALUE_STRING, label->flags | escaped, NULL))
            return NULL;
        return at;
    }
    switch (*at) {
    case 't':
        return literal_take(w, at, label, SLICE("true"));
    case 'f':
        return literal_take(w, at, label, SLICE("false"));
    case 'n':
        return literal_take(w, at, label, SLICE("null"));
    default:
        return number_take(w, at, label);
    }
}

/* The member's name and colon at `at`; gives where its value is. */
static inline const char *key_take(struct walk *w, const char *at, struct label *label)
{
    struct slice key;
    unsigned escaped;
    if (*at != '"')
        return NULL;
    at = string_take(w, at, &key, &escaped);
    if (!at)
        return NULL;
    if (__builtin_expect(w->levels.depth == 1 && !escaped && key.len <= RECORD_NAME_BYTES_MAX, 1)) {
        label->name = key;
        label->flags = 0;
    } else {
        if (json_levels_key(&w->levels, w->r, key, escaped, NULL) != ERR_OK)
            return NULL;
        label->name = w->levels.name;
        label->flags = w->levels.name_flags;
    }
    if (__builtin_expect(*at != ':', 0)) {
        at = blank_pass(at);
        if (*at != ':')
            return NULL;
    }
    return blank_pass(at + 1);
}

/* Reads on behind the bracket at `at`; NULL: too deep, or too many fields. */
static const char *level_start(struct walk *w, const char *at, const struct label *label)
{
    if (w->levels.depth == JSON_DEPTH_MAX)
        return NULL;
    w->levels.name = label->name;
    w->levels.name_flags = (uint8_t)label->flags;
    if (json_levels_open(&w->levels, w->r, at, *at == '{', NULL) != ERR_OK)
        return NULL;
    return blank_pass(at + 1);
}

static inline char level_bracket(const struct walk *w)
{
    return w->levels.open[w->levels.depth].object ? '}' : ']';
}

/* Closes what closes at `at`; gives what is behind, which is the text's end or no closing bracket.
 */
static const char *levels_end(struct walk *w, const char *at, struct label *label)
{
    for (;;) {
        at = blank_pass(at);
        if (*at != level_bracket(w))
            break;
        json_levels_close(&w->levels, w->r, ++at);
        if (w->levels.depth == 0 || at == w->end)
            break;
    }
    label->name = w->levels.name;
    label->flags = w->levels.name_flags;
    return at;
}

static bool object_walk(struct walk *w, const char *at)
{
    struct label label = {slice_make(at, 0), 0};
    for (;;) { /* at is at a value */
        if (__builtin_expect(*at == '{' || *at == '[', 0)) {
            at = level_start(w, at, &label);
            if (!at)
                return false;
            char bracket = level_bracket(w);
            if (*at != bracket) {
                if (bracket == '}' && !(at = key_take(w, at, &label)))
                    return false;
                continue;
            }
        } else {
            at = scalar_take(w, at, &label);
            if (!at)
                return false;
        }
        if (__builtin_expect(*at != ',', 0)) {
            at = levels_end(w, at, &label);
            if (w->levels.depth == 0 || at == w->end)
                return w->levels.depth == 0 && at == w->end;
            if (*at != ',')
                return false;
        }
        at = blank_pass(at + 1);
        if (w->levels.open[w->levels.depth].object && !(at = key_take(w, at, &label)))
            return false;
    }
}

bool json_walk(struct record *r, struct slice text, json_index_fill *fill)
{
    if (text.len == 0 || text.len > JSON_INDEX_TEXT_MAX)
        return false;
    const char *end = text.data + text.len;
    const char *at = json_blank_end(json_mark_end(text.data, end), end);
    while (end > at && json_is_blank(end[-1]))
        end--;
    if (end - at < 2 || *at != '{' || end[-1] != '}')
        return false;
    struct walk w;
    w.r = r;
    w.end = end;
    w.fill = fill;
    w.next = 0;
    w.index.text = at;
    w.index.len = (size_t)(end - at);
    w.index.at = w.index.window = 0;
    w.index.escape = w.index.inside = w.index.escapes = w.index.high = w.index.bad = 0;
    w.index.low_half = SIZE_MAX;
    w.index.count = 0;
    json_levels_start(&w.levels, slice_make(at, w.index.len), slice_make(at, 0));
    uint32_t first = r->count;
    if (object_walk(&w, at) && w.index.bad == 0)
        return true;
    r->count = first;
    return false;
}
