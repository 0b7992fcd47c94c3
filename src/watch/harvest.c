#include "watch/harvest.h"

#include "base/clock.h"
#include "base/mem.h"

struct harvest *harvest_open(void)
{
    return mem_zeroed(1, sizeof(struct harvest));
}

void harvest_close(struct harvest **haul)
{
    struct harvest *h = *haul;
    if (!h)
        return;
    batch_free(&h->batch);
    buf_free(&h->raw);
    mem_free(h->items);
    mem_free(h->positions);
    arena_free(&h->arena);
    mem_free(h);
    *haul = NULL;
}

void harvest_clear(struct harvest *h)
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
    h->figures = (struct ledger_figures){0};
    h->text_bytes = 0;
}

struct harvest_item *harvest_add(struct harvest *h, enum harvest_kind kind)
{
    if (h->item_count == h->item_capacity) {
        h->item_capacity = h->item_capacity ? h->item_capacity * 2 : 64;
        h->items = mem_resize(h->items, h->item_capacity, sizeof(*h->items));
    }
    struct harvest_item *item = &h->items[h->item_count++];
    *item = (struct harvest_item){.kind = kind};
    h->item_bytes += sizeof(*item);
    return item;
}

void harvest_refuse(struct harvest *h, enum ledger_count why, uint64_t line, struct slice reason,
                    struct slice text)
{
    struct harvest_item *item = harvest_add(h, HARVEST_REFUSED);
    item->why = why;
    item->line = line;
    item->time_ns = CLOCK_NONE;
    item->reason = arena_copy(&h->arena, reason);
    item->text = arena_copy(&h->arena, slice_part(text, 0, HARVEST_REFUSED_BYTES_MAX));
    h->item_bytes += item->text.len + item->reason.len;
    h->refused++;
    h->figures.counts[why]++;
}

void harvest_position(struct harvest *h, uint32_t row, size_t position)
{
    if (row >= h->position_capacity) {
        h->position_capacity = row < 1024 ? 1024 : 2 * (size_t)row;
        h->positions = mem_resize(h->positions, h->position_capacity, sizeof(*h->positions));
    }
    h->positions[row] = (uint32_t)position;
}

static bool bit_is_set(struct slice bits, uint32_t at)
{
    return at / 8 < bits.len && ((unsigned char)bits.data[at / 8] >> (at % 8) & 1);
}

/* Rows that stay, written again; numbers: their new places. */
static int rows_again(struct harvest *h, struct batch_writer *writer, struct slice out_rows,
                      uint32_t *numbers, struct err *err)
{
    struct batch_reader reader = {0};
    struct row row;
    uint32_t at = 0, context;
    int rc = batch_reader_open(&reader, buf_as_slice(&h->raw), err);
    if (rc == ERR_OK)
        batch_begin(writer, reader.received_ns, false);
    for (; rc == ERR_OK && batch_next(&reader, &row); at++) {
        numbers[at] = UINT32_MAX;
        if (bit_is_set(out_rows, at))
            continue;
        rc = batch_context(writer, row.context, &context, err);
        if (rc == ERR_OK)
            rc = batch_add(writer, context, row.time_ns, row.line, row.record, &numbers[at], err);
        if (rc == ERR_OK)
            h->positions[numbers[at]] = h->positions[at];
    }
    batch_reader_free(&reader);
    return rc;
}

int harvest_without(struct harvest *h, struct batch_writer *writer, struct slice out_rows,
                    struct err *err)
{
    size_t kept = 0;
    uint32_t *numbers = mem_zeroed(BATCH_ROWS_MAX, sizeof(*numbers));
    int rc = rows_again(h, writer, out_rows, numbers, err);
    for (size_t i = 0; rc == ERR_OK && i < h->item_count; i++) {
        struct harvest_item item = h->items[i];
        if (item.kind != HARVEST_REFUSED && numbers[item.row] == UINT32_MAX)
            continue;
        if (item.kind != HARVEST_REFUSED)
            item.row = numbers[item.row];
        h->items[kept++] = item;
    }
    if (rc == ERR_OK) {
        h->item_count = kept;
        buf_clear(&h->raw);
        if (batch_rows(writer))
            buf_slice(&h->raw, batch_raw(writer));
    }
    mem_free(numbers);
    return rc;
}
