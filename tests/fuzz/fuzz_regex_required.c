/* Whenever PCRE2 matches, one of the required literals is in the folded subject; machine code and
 * interpreter agree. Input: one byte of flags, pattern, newline, subject. */
#include "base/mem.h"
#include "base/text.h"
#include "detection/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_one(struct slice subject, const struct slice *literals, uint32_t count)
{
    char *room = mem_alloc(text_fold_room(subject.len));
    struct slice folded = slice_make(room, text_fold(room, subject));
    bool found = false;
    for (uint32_t i = 0; i < count && !found; i++)
        found = slice_find(folded, literals[i]) != SLICE_NONE;
    mem_free(room);
    return found;
}

struct twins {
    struct regex *interpreted, *compiled;
    struct regex_scratch *scratch;
    struct slice literals[16];
    uint32_t count;
};

static void try_subject(const struct twins *t, struct slice subject)
{
    int answer = regex_match(t->interpreted, t->scratch, subject);
    int again = regex_match(t->compiled, t->scratch, subject);
    check(answer == again || answer == REGEX_LIMIT || again == REGEX_LIMIT);
    if (answer == REGEX_YES && t->count > 0)
        check(has_one(subject, t->literals, t->count));
}

/* The pattern's own letters often match it: as they are, and without what is syntax. */
static void try_own_text(const struct twins *t, struct slice pattern)
{
    char *kept = mem_alloc(pattern.len + 1);
    size_t length = 0;
    try_subject(t, pattern);
    for (size_t i = 0; i < pattern.len; i++)
        if (!memchr("\\^$.|?*+()[]{}", pattern.data[i], 14))
            kept[length++] = pattern.data[i];
    try_subject(t, slice_make(kept, length));
    for (size_t start = 0; start < length && start < 12; start++)
        for (size_t end = start; end <= length && end < start + 12; end++)
            try_subject(t, slice_make(kept + start, end - start));
    mem_free(kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 512)
        return 0;
    struct slice subject = slice_make((const char *)data + 1, size - 1);
    struct slice pattern = slice_cut(&subject, '\n');
    unsigned flags = data[0] & 7;
    struct twins t = {0};
    struct arena arena = {0};
    t.count = regex_required(pattern, flags, t.literals, 16, &arena);
    check(t.count <= 16);
    for (uint32_t i = 0; i < t.count; i++)
        check(t.literals[i].len > 0);
    if (regex_open(&t.interpreted, pattern, flags, false, NULL) == ERR_OK) {
        check(regex_open(&t.compiled, pattern, flags, true, NULL) == ERR_OK);
        t.scratch = regex_scratch_open();
        try_subject(&t, subject);
        try_own_text(&t, pattern);
        regex_scratch_close(&t.scratch);
        regex_close(&t.compiled);
    }
    regex_close(&t.interpreted);
    arena_free(&arena);
    return 0;
}
