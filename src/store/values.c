#include "store/values.h"

#include "formats/record.h"
#include "store/varint.h"

enum { KIND_EACH = 255, ENTRIES_HEAD_BYTES = 6, NUMBERS_HEAD_BYTES = 5 };

bool values_integer(struct slice text, int64_t *out)
{
    bool minus = text.len && text.data[0] == '-';
    struct slice digits = slice_part(text, minus, text.len);
    uint64_t value = 0;
    if (digits.len == 0 || digits.len > 19 || (digits.data[0] == '0' && text.len > 1))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.data[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX)
        return false;
    *out = minus ? -(int64_t)value : (int64_t)value;
    return true;
}

size_t values_integer_text(char out[VALUES_INTEGER_BYTES], int64_t value)
{
    char digits[VALUES_INTEGER_BYTES];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    memcpy(out, digits + at, sizeof digits - at);
    return sizeof digits - at;
}

static void u32_append(struct buf *out, uint32_t value)
{
    buf_append(out, &value, sizeof value);
}

static uint32_t u32_at(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

void values_entries_add(struct values_entries *e, uint8_t kind, struct slice value)
{
    buf_char(&e->kinds, (char)kind);
    varint_append(&e->lengths, value.len);
    buf_slice(&e->text, value);
    e->count++;
}

void values_entries_mask(struct values_entries *e, uint16_t mask)
{
    buf_append(&e->masks, &mask, sizeof mask);
}

void values_entries_pack(const struct values_entries *e, struct buf *out)
{
    bool alike = true;
    for (size_t i = 1; alike && i < e->kinds.len; i++)
        alike = e->kinds.data[i] == e->kinds.data[0];
    buf_clear(out);
    buf_reserve(out, ENTRIES_HEAD_BYTES + values_entries_memory(e));
    u32_append(out, e->count);
    buf_char(out, e->count && alike ? e->kinds.data[0] : (char)KIND_EACH);
    buf_char(out, e->masks.len ? 1 : 0);
    if (!(e->count && alike))
        buf_slice(out, buf_as_slice(&e->kinds));
    buf_slice(out, buf_as_slice(&e->lengths));
    buf_slice(out, buf_as_slice(&e->masks));
    buf_slice(out, buf_as_slice(&e->text));
}

size_t values_entries_memory(const struct values_entries *e)
{
    return e->kinds.capacity + e->lengths.capacity + e->masks.capacity + e->text.capacity;
}

void values_entries_clear(struct values_entries *e)
{
    buf_clear(&e->kinds);
    buf_clear(&e->lengths);
    buf_clear(&e->masks);
    buf_clear(&e->text);
    e->count = 0;
}

void values_entries_free(struct values_entries *e)
{
    buf_free(&e->kinds);
    buf_free(&e->lengths);
    buf_free(&e->masks);
    buf_free(&e->text);
    *e = (struct values_entries){0};
}

static bool kinds_hold(const struct values_view *v)
{
    if (!v->kinds)
        return v->kind <= VALUE_OBJECT;
    for (uint32_t i = 0; i < v->count; i++)
        if (v->kinds[i] > VALUE_OBJECT)
            return false;
    return true;
}

bool values_view_open(struct values_view *v, struct slice raw)
{
    *v = (struct values_view){0};
    if (raw.len < ENTRIES_HEAD_BYTES)
        return false;
    v->count = u32_at(raw.data);
    v->kind = (uint8_t)raw.data[4];
    uint8_t masks = (uint8_t)raw.data[5];
    struct varint_walk walk = varint_walk_make(slice_part(raw, ENTRIES_HEAD_BYTES, raw.len));
    if (v->count > VALUES_PER_CHUNK_MAX || masks > 1)
        return false;
    if (v->kind == KIND_EACH)
        v->kinds = (const uint8_t *)varint_next_bytes(&walk, v->count).data;
    const uint8_t *lengths = walk.at;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < v->count && !walk.failed; i++)
        bytes += varint_next_max(&walk, UINT32_MAX);
    v->lengths = slice_make((const char *)lengths, (size_t)(walk.at - lengths));
    v->masks = varint_next_bytes(&walk, masks ? (size_t)v->count * 2 : 0);
    v->text = varint_rest(&walk);
    return !walk.failed && bytes == v->text.len && kinds_hold(v);
}

void values_numbers_pack(uint8_t kind, const int64_t *numbers, uint32_t count, struct buf *out)
{
    buf_clear(out);
    buf_reserve(out, NUMBERS_HEAD_BYTES + (size_t)count * VARINT_BYTES_MAX);
    u32_append(out, count);
    buf_char(out, (char)kind);
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t step = (int64_t)((uint64_t)numbers[i] - before);
        out->len += varint_put((uint8_t *)out->data + out->len, varint_zigzag(step));
        before = (uint64_t)numbers[i];
    }
}

bool values_numbers_count(struct slice raw, uint32_t *count, uint8_t *kind)
{
    if (raw.len < NUMBERS_HEAD_BYTES)
        return false;
    *count = u32_at(raw.data);
    *kind = (uint8_t)raw.data[4];
    return *count <= raw.len - NUMBERS_HEAD_BYTES && *kind <= VALUE_OBJECT;
}

bool values_numbers_unpack(struct slice raw, int64_t *numbers)
{
    uint32_t count = u32_at(raw.data);
    struct varint_walk walk = varint_walk_make(slice_part(raw, NUMBERS_HEAD_BYTES, raw.len));
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        before += (uint64_t)varint_next_signed(&walk);
        numbers[i] = (int64_t)before;
    }
    return !walk.failed && walk.at == walk.end;
}

void values_ids_pack(const uint32_t *ids, uint32_t count, struct buf *out)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < count; i++)
        all |= ids[i];
    unsigned width = all > UINT16_MAX ? 4 : all > UINT8_MAX ? 2 : 1;
    buf_clear(out);
    buf_reserve(out, 1 + (size_t)count * width);
    buf_char(out, (char)width);
    for (unsigned plane = 0; plane < width; plane++) {
        uint8_t *to = (uint8_t *)out->data + out->len;
        for (uint32_t i = 0; i < count; i++)
            to[i] = (uint8_t)(ids[i] >> 8 * plane);
        out->len += count;
    }
}

bool values_ids_unpack(struct slice raw, uint32_t *ids, uint32_t count, uint32_t limit)
{
    unsigned width = raw.len ? (unsigned char)raw.data[0] : 0;
    if ((width != 1 && width != 2 && width != 4) || raw.len != 1 + (size_t)count * width)
        return false;
    const uint8_t *planes[4];
    for (unsigned i = 0; i < 4; i++)
        planes[i] = (const uint8_t *)raw.data + 1 + (size_t)(i < width ? i : 0) * count;
    uint32_t highest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = planes[0][i];
        if (width > 1)
            id |= (uint32_t)planes[1][i] << 8;
        if (width > 2)
            id |= (uint32_t)planes[2][i] << 16 | (uint32_t)planes[3][i] << 24;
        ids[i] = id;
        highest = id > highest ? id : highest;
    }
    return count == 0 || highest < limit;
}

void values_planes_pack(const void *items, uint32_t count, uint32_t item_bytes, struct buf *out)
{
    const uint8_t *from = items;
    buf_clear(out);
    buf_reserve(out, (size_t)count * item_bytes + 1);
    for (uint32_t plane = 0; plane < item_bytes; plane++)
        for (uint32_t i = 0; i < count; i++)
            out->data[out->len++] = (char)from[(size_t)i * item_bytes + plane];
}

bool values_planes_unpack(struct slice raw, void *items, uint32_t count, uint32_t item_bytes)
{
    uint8_t *to = items;
    if (raw.len != (size_t)count * item_bytes)
        return false;
    for (uint32_t plane = 0; plane < item_bytes; plane++)
        for (uint32_t i = 0; i < count; i++)
            to[(size_t)i * item_bytes + plane] = (uint8_t)raw.data[(size_t)plane * count + i];
    return true;
}
