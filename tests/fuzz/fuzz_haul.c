/* Hauls from a hostile intake: no crash, and what is taken names only rules and rows there are. */
#include <stdlib.h>

#include "watch/haul.h"

enum { RULES = 16 };

static void walk(const struct harvest *haul, uint32_t rows)
{
    for (size_t i = 0; i < haul->item_count; i++) {
        const struct harvest_item *item = &haul->items[i];
        if (item->kind != HARVEST_REFUSED && (item->rule >= RULES || item->row >= rows))
            abort();
        for (uint32_t k = 0; item->kind == HARVEST_FINDING && k < item->count; k++)
            if (item->fields[k].value.len && !item->fields[k].value.data)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct harvest *haul;
    struct haul_head head;
    struct slice raw;
    struct batch_reader reader = {0};
    if (!haul)
        haul = harvest_open();
    if (haul_unpack(slice_make((const char *)data, size), RULES, &head, &raw, haul, NULL))
        return 0;
    if (raw.len == 0)
        walk(haul, 0);
    else if (batch_reader_open(&reader, raw, NULL) == ERR_OK)
        walk(haul, reader.row_count);
    batch_reader_free(&reader);
    return 0;
}
