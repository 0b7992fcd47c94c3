/* pattern_match against a twin that tries everything, straight from the pattern's text.
 * Input: pattern, newline, text. */
#include "base/text.h"
#include "detection/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATTERN_BYTES = 64, TEXT_BYTES = 128 };

struct twin {
    struct slice pattern, text;
    signed char known[PATTERN_BYTES + 1][TEXT_BYTES + 1]; /* 0: not tried, 1: yes, -1: no */
};

static bool twin_match(struct twin *t, size_t i, size_t j)
{
    if (t->known[i][j])
        return t->known[i][j] > 0;
    size_t next = j;
    if (j < t->text.len)
        (void)text_next_char(t->text, &next);
    bool yes;
    char c = i < t->pattern.len ? t->pattern.data[i] : '\0';
    if (i == t->pattern.len) {
        yes = j == t->text.len;
    } else if (c == '*') {
        yes = twin_match(t, i + 1, j) || (j < t->text.len && twin_match(t, i, next));
    } else if (c == '?') {
        yes = j < t->text.len && twin_match(t, i + 1, next);
    } else {
        size_t step = 1;
        if (c == '\\' && i + 1 < t->pattern.len && memchr("*?\\", t->pattern.data[i + 1], 3)) {
            c = t->pattern.data[i + 1];
            step = 2;
        }
        yes = j < t->text.len && t->text.data[j] == c && twin_match(t, i + step, j + 1);
    }
    t->known[i][j] = yes ? 1 : -1;
    return yes;
}

static struct twin twin;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct slice source = slice_cut(&text, '\n');
    if (source.len > PATTERN_BYTES || text.len > TEXT_BYTES || text_utf8_valid(source) < source.len)
        return 0;
    struct arena arena = {0};
    struct pattern p;
    if (pattern_parse(&p, source, &arena, NULL) == ERR_OK) {
        memset(&twin, 0, sizeof(twin));
        twin.pattern = source;
        twin.text = text;
        check(pattern_match(&p, text) == twin_match(&twin, 0, 0));
        pattern_open(&p, true, true, &arena);
        pattern_fold(&p, &arena);
        (void)pattern_match(&p, text);
    }
    arena_free(&arena);
    return 0;
}
