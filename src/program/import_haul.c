#include "program/import_haul.h"

#include "base/mem.h"

struct import_haul *import_haul_open(void)
{
    return mem_zeroed(1, sizeof(struct import_haul));
}

void import_haul_close(struct import_haul **haul)
{
    struct import_haul *h = *haul;
    if (!h)
        return;
    batch_free(&h->batch);
    buf_free(&h->raw);
    mem_free(h->items);
    arena_free(&h->arena);
    mem_free(h);
    *haul = NULL;
}

void import_haul_clear(struct import_haul *h)
{
    arena_reset(&h->arena);
    buf_clear(&h->batch.section);
    buf_clear(&h->raw);
    h->batch.row_count = 0;
    h->batch.raw_bytes = 0;
    h->item_count = 0;
    h->item_bytes = 0;
    h->records = 0;
    h->refused = 0;
    h->text_bytes = 0;
}

struct import_item *import_haul_add(struct import_haul *h, enum import_item_kind kind)
{
    if (h->item_count == h->item_capacity) {
        h->item_capacity = h->item_capacity ? h->item_capacity * 2 : 64;
        h->items = mem_resize(h->items, h->item_capacity, sizeof(*h->items));
    }
    struct import_item *item = &h->items[h->item_count++];
    *item = (struct import_item){.kind = kind};
    h->item_bytes += sizeof(*item);
    return item;
}
