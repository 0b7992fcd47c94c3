#include "formats/json_index.h"

#include "formats/json_lexeme.h"

void json_index_unicode(struct json_index *index, size_t offset, uint64_t mask)
{
    const char *end = index->text + index->len;
    for (; mask; mask &= mask - 1) {
        size_t unit = offset + (size_t)__builtin_ctzll(mask);
        if (unit == index->low_half)
            continue; /* judged with its high half */
        size_t len = json_escape_length(index->text + unit - 1, end);
        if (len == 0)
            index->bad = 1;
        else if (len == 12)
            index->low_half = unit + 6;
    }
}
