#include "store/carry_item.h"

#include "store/journal.h"

enum { ITEM_HEADER_BYTES = 8, VALUE_MISSING = UINT16_MAX };

/* An item is begun, and ended when its length is known. */
static size_t item_begin(struct buf *items, enum carry_kind kind)
{
    bytes_put_u16(items, (uint16_t)kind);
    bytes_put_u16(items, 0);
    bytes_put_u32(items, 0);
    return items->len;
}

static void item_end(struct buf *items, size_t begin)
{
    bytes_set_u32(items->data + begin - 4, (uint32_t)(items->len - begin));
}

static void name_put(struct buf *items, struct slice name)
{
    bytes_put_text(items, slice_part(name, 0, CARRY_NAME_BYTES_MAX));
}

void carry_put_counters(struct buf *items, struct slice source, const uint64_t *add, uint32_t count)
{
    check(count <= CARRY_COUNTERS_MAX);
    size_t begin = item_begin(items, CARRY_COUNTERS);
    name_put(items, source);
    for (uint32_t i = 0; i < count; i++)
        bytes_put_u64(items, add[i]);
    item_end(items, begin);
}

void carry_put_cursor(struct buf *items, struct slice name, struct slice value)
{
    check(value.len <= CARRY_NAME_BYTES_MAX);
    size_t begin = item_begin(items, CARRY_CURSOR);
    name_put(items, name);
    bytes_put_text(items, value);
    item_end(items, begin);
}

void carry_put_ids(struct buf *items, struct slice sender, int64_t time_ns,
                   const struct carry_id *ids, uint32_t count)
{
    size_t begin = item_begin(items, CARRY_IDS);
    bytes_put_text(items, slice_part(sender, 0, CARRY_ID_SENDER_BYTES_MAX));
    bytes_put_i64(items, time_ns);
    if (count)
        buf_append(items, ids, count * sizeof(*ids));
    item_end(items, begin);
}

void carry_put_input(struct buf *items, const struct carry_input *input)
{
    uint32_t count = input->value_count;
    if (count > CARRY_INPUT_VALUES_MAX)
        count = CARRY_INPUT_VALUES_MAX;
    size_t begin = item_begin(items, CARRY_INPUT);
    bytes_put_u64(items, input->sequence);
    bytes_put_i64(items, input->time_ns);
    bytes_put_u64(items, input->line);
    name_put(items, input->rule);
    name_put(items, input->file);
    name_put(items, input->run);
    bytes_put_u16(items, (uint16_t)count);
    for (uint32_t i = 0; i < count; i++) {
        if (input->values[i].data)
            bytes_put_text(items, slice_part(input->values[i], 0, CARRY_VALUE_BYTES_MAX));
        else
            bytes_put_u16(items, VALUE_MISSING);
    }
    item_end(items, begin);
}

void carry_put_tick(struct buf *items, struct slice run, int64_t time_ns)
{
    size_t begin = item_begin(items, CARRY_TICK);
    bytes_put_i64(items, time_ns);
    name_put(items, run);
    item_end(items, begin);
}

void carry_put_end_run(struct buf *items, struct slice run)
{
    size_t begin = item_begin(items, CARRY_END_RUN);
    name_put(items, run);
    item_end(items, begin);
}

void carry_section(struct slice items, struct buf *out)
{
    journal_section(out, JOURNAL_CARRY, items);
}

static void numbers_read(struct bytes_in *in, struct carry_item *item, size_t size, size_t max)
{
    size_t bytes = bytes_left(in);
    item->count = (uint32_t)(bytes / size);
    item->numbers = bytes_take(in, bytes).data;
    in->bad |= bytes % size != 0 || item->count > max;
}

static void input_read(struct bytes_in *in, struct carry_item *item)
{
    struct carry_input *input = &item->input;
    input->sequence = bytes_take_u64(in);
    input->time_ns = item->time_ns = bytes_take_i64(in);
    input->line = bytes_take_u64(in);
    input->rule = bytes_take_text(in, CARRY_NAME_BYTES_MAX);
    input->file = bytes_take_text(in, CARRY_NAME_BYTES_MAX);
    input->run = item->name = bytes_take_text(in, CARRY_NAME_BYTES_MAX);
    input->value_count = bytes_take_u16(in);
    input->values = item->values;
    if (input->value_count > CARRY_INPUT_VALUES_MAX) {
        in->bad = true;
        return;
    }
    for (uint32_t i = 0; i < input->value_count; i++) {
        uint16_t len = bytes_take_u16(in);
        in->bad |= len > CARRY_VALUE_BYTES_MAX && len != VALUE_MISSING;
        item->values[i] = len == VALUE_MISSING ? (struct slice){NULL, 0} : bytes_take(in, len);
    }
}

int carry_item_read(struct bytes_in *in, struct carry_item *item, struct err *err)
{
    const char *begin = in->at;
    if (bytes_left(in) == 0)
        return err_set(err, ERR_END, "No more items.");
    uint16_t kind = bytes_take_u16(in);
    (void)bytes_take_u16(in);
    uint32_t len = bytes_take_u32(in);
    struct bytes_in inside = bytes_in(bytes_take(in, len));
    inside.bad = in->bad;
    item->kind = (enum carry_kind)kind;
    item->whole = slice_make(begin, (size_t)(in->at - begin));
    switch (kind) {
    case CARRY_COUNTERS:
        item->name = bytes_take_text(&inside, CARRY_NAME_BYTES_MAX);
        numbers_read(&inside, item, sizeof(uint64_t), CARRY_COUNTERS_MAX);
        break;
    case CARRY_CURSOR:
        item->name = bytes_take_text(&inside, CARRY_NAME_BYTES_MAX);
        item->value = bytes_take_text(&inside, CARRY_NAME_BYTES_MAX);
        break;
    case CARRY_IDS:
        item->name = bytes_take_text(&inside, CARRY_ID_SENDER_BYTES_MAX);
        item->time_ns = bytes_take_i64(&inside);
        numbers_read(&inside, item, CARRY_ID_BYTES, UINT32_MAX);
        break;
    case CARRY_INPUT:
        input_read(&inside, item);
        break;
    case CARRY_TICK:
        item->time_ns = bytes_take_i64(&inside);
        item->name = bytes_take_text(&inside, CARRY_NAME_BYTES_MAX);
        break;
    case CARRY_END_RUN:
        item->name = bytes_take_text(&inside, CARRY_NAME_BYTES_MAX);
        break;
    default:
        return in->bad ? err_set(err, ERR_DAMAGED, "The carry is cut.")
                       : err_set(err, ERR_UNSUPPORTED,
                                 "The carry has an item of kind %u that this program does not "
                                 "know: use the program that wrote it, or a newer one.",
                                 kind);
    }
    if (inside.bad || bytes_left(&inside))
        return err_set(err, ERR_DAMAGED, "An item of the carry (kind %u) does not hold.", kind);
    return ERR_OK;
}
