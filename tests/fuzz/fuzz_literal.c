/* Literal matcher against memmem: the first line of the input is the literals, separated by '|',
 * the rest is the text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "detection/literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LITERALS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct slice rest = slice_make((const char *)data, size);
    struct slice line = slice_cut(&rest, '\n');
    struct literal literals[LITERALS_MAX];
    uint32_t count = 0, seen[LITERALS_MAX] = {0}, terms[LITERALS_MAX];
    while (line.len > 0 && count < LITERALS_MAX) {
        struct slice text = slice_cut(&line, '|');
        if (text.len > 0) {
            literals[count] = (struct literal){text, count};
            count++;
        }
    }
    struct literal_matcher *m = literal_build(literals, count, &arena);
    if (m) {
        char *text = mem_zeroed(1, rest.len + LITERAL_PADDING);
        if (rest.len)
            memcpy(text, rest.data, rest.len);
        uint32_t found = literal_scan(m, slice_make(text, rest.len), seen, 1, terms, 0), wanted = 0;
        for (uint32_t i = 0; i < count; i++) {
            bool is_there =
                rest.len && memmem(text, rest.len, literals[i].text.data, literals[i].text.len);
            check(is_there == (seen[i] == 1));
            wanted += is_there;
        }
        check(found == wanted);
        mem_free(text);
    }
    arena_free(&arena);
    return 0;
}
