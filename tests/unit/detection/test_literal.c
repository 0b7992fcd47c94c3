/* Literal matcher against its naive twin: memmem of each literal, over random sets and texts made
 * so that literals really occur, overlap, and stand at every alignment and at both ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "detection/literal.h"

static uint64_t random_state;
static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

enum { SETS = 300, LITERALS_MAX = 200, TEXTS = 20, TEXT_MAX = 300 };

static struct slice random_text(struct arena *arena, size_t len, uint32_t letters)
{
    char *text = arena_bytes(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + random_below(letters));
    return slice_make(text, len);
}

/* Random letters with some of the literals pasted in. The block has just LITERAL_PADDING bytes
 * more. */
static char *random_haystack(const struct literal *literals, uint32_t count, size_t *len)
{
    *len = random_below(TEXT_MAX);
    char *text = mem_alloc(*len + LITERAL_PADDING);
    memset(text + *len, 'a', LITERAL_PADDING);
    for (size_t i = 0; i < *len; i++)
        text[i] = (char)('a' + random_below(3));
    for (uint32_t paste = random_below(4); paste > 0; paste--) {
        const struct literal *l = &literals[random_below(count)];
        if (l->text.len <= *len)
            memcpy(text + random_below((uint32_t)(*len - l->text.len) + 1), l->text.data,
                   l->text.len);
    }
    return text;
}

static void same_as_memmem_for_every_literal(void **state)
{
    (void)state;
    uint32_t seen[LITERALS_MAX] = {0}, terms[LITERALS_MAX], generation = 0;
    uint64_t hits = 0;
    for (uint32_t set = 0; set < SETS; set++) {
        struct arena arena = {0};
        struct literal literals[LITERALS_MAX];
        random_state = 7919 + set;
        uint32_t count = 1 + random_below(LITERALS_MAX), longest = 1 + random_below(24);
        for (uint32_t i = 0; i < count; i++)
            literals[i] = (struct literal){
                random_text(&arena, 1 + random_below(longest), 2 + random_below(3)), i};
        struct literal_matcher *m = literal_build(literals, count, &arena);
        memset(seen, 0, sizeof(seen));
        for (int t = 0; t < TEXTS; t++) {
            size_t len;
            char *text = random_haystack(literals, count, &len);
            uint32_t found = literal_scan(m, slice_make(text, len), seen, ++generation, terms, 0),
                     wanted = 0;
            for (uint32_t i = 0; i < count; i++) {
                bool is_there =
                    len > 0 && memmem(text, len, literals[i].text.data, literals[i].text.len);
                if (is_there != (seen[i] == generation))
                    fail_msg("set seed %u text %d literal %u '%.*s'", 7919 + set, t, i,
                             (int)literals[i].text.len, literals[i].text.data);
                wanted += is_there;
            }
            assert_int_equal(found, wanted);
            hits += found;
            mem_free(text);
        }
        arena_free(&arena);
    }
    assert_true(hits > SETS * TEXTS);
}

static void every_alignment_is_found(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct literal literal = {SLICE("mimikatz.exe"), 0};
    struct literal_matcher *m = literal_build(&literal, 1, &arena);
    uint32_t seen[1] = {0}, terms[1];
    for (uint32_t at = 0; at < 64; at++) {
        char text[64 + 12 + LITERAL_PADDING];
        memset(text, '.', sizeof(text));
        memcpy(text + at, "mimikatz.exe", 12);
        assert_int_equal(literal_scan(m, slice_make(text, at + 12), seen, at + 1, terms, 0), 1);
        assert_int_equal(literal_scan(m, slice_make(text, at + 11), seen, at + 100, terms, 0), 0);
    }
    arena_free(&arena);
}

static void no_literals_make_no_matcher(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_null(literal_build(NULL, 0, &arena));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_memmem_for_every_literal),
        cmocka_unit_test(every_alignment_is_found),
        cmocka_unit_test(no_literals_make_no_matcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
