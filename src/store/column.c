#include "store/column.h"

#include "base/mem.h"

enum { TEXT_VALUES_MAX = 1 << 16 /* in one chunk: empty ones take no bytes */ };

static void index_add(const struct column *c, struct column_tools *t, uint8_t kind,
                      struct slice value)
{
    struct slice name = c->name;
    uint8_t flags;
    if (c->rest)
        check(segment_rest_split(value, &name, &flags, &value));
    value_index_add(t->index, name, kind, value);
}

static void index_entries(struct column *c, struct column_tools *t)
{
    for (; c->indexed < c->dictionary.count; c->indexed++)
        index_add(c, t, c->dictionary.entries[c->indexed].kind,
                  dictionary_value(&c->dictionary, c->indexed));
}

static void chunk_keep(struct chunk **list, uint32_t *count, uint32_t *capacity, struct chunk chunk)
{
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1;
        *list = mem_resize(*list, *capacity, sizeof **list);
    }
    (*list)[(*count)++] = chunk;
}

static void block_keep(struct column *c, unsigned block, struct chunk chunk, uint32_t entries)
{
    struct column_block *b = &c->blocks[block];
    chunk.entry_count = entries;
    chunk_keep(&b->chunks, &b->chunk_count, &b->chunk_capacity, chunk);
    b->occurrence_count += entries;
    c->packed_bytes += sizeof chunk + chunk.stored_bytes;
}

static void text_pack(struct column *c, struct column_tools *t, unsigned block)
{
    if (c->texts.count == 0)
        return;
    values_entries_pack(&c->texts, &t->raw);
    block_keep(c, block, chunk_pack(t->packer, CHUNK_TEXT, buf_as_slice(&t->raw)), c->texts.count);
    values_entries_clear(&c->texts);
}

static void pending_room(struct column *c)
{
    if (c->pending < c->capacity)
        return;
    c->capacity = c->capacity ? c->capacity * 2 : 16;
    if (c->kind == COLUMN_NUMBER)
        c->numbers = mem_resize(c->numbers, c->capacity, sizeof *c->numbers);
    else
        c->ids = mem_resize(c->ids, c->capacity, sizeof *c->ids);
}

static void column_become(struct column *c, struct column_tools *t, unsigned block,
                          enum segment_column_kind kind);

static void value_put(struct column *c, struct column_tools *t, unsigned block, uint8_t kind,
                      struct slice value)
{
    int64_t number;
    if (c->kind == COLUMN_NUMBER && (kind != c->number_kind || !values_integer(value, &number)))
        column_become(c, t, block, COLUMN_TEXT);
    if (c->kind == COLUMN_TEXT) {
        values_entries_add(&c->texts, kind, value);
        if (c->texts.text.len >= COLUMN_TEXT_BYTES || c->texts.count >= TEXT_VALUES_MAX)
            text_pack(c, t, block);
        return;
    }
    pending_room(c);
    if (c->kind == COLUMN_NUMBER)
        c->numbers[c->pending++] = number;
    else
        c->ids[c->pending++] = dictionary_put(&c->dictionary, kind, value, block);
}

static void old_numbers_put(struct column *c, struct column_tools *t, unsigned block, uint8_t kind,
                            const int64_t *numbers, uint32_t count)
{
    char text[VALUES_INTEGER_BYTES];
    for (uint32_t i = 0; i < count; i++)
        value_put(c, t, block, kind, slice_make(text, values_integer_text(text, numbers[i])));
}

static void old_ids_put(struct column *c, struct column_tools *t, unsigned block,
                        const struct dictionary *d, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        value_put(c, t, block, d->entries[ids[i]].kind, dictionary_value(d, ids[i]));
}

static void old_chunk_put(struct column *c, struct column_tools *t, unsigned block,
                          const struct column *old, const struct chunk *chunk)
{
    struct buf raw = {0};
    chunk_unpack(t->packer, chunk, &raw);
    if (old->kind == COLUMN_NUMBER) {
        int64_t *numbers = mem_alloc(chunk->entry_count * sizeof *numbers);
        check(values_numbers_unpack(buf_as_slice(&raw), numbers));
        old_numbers_put(c, t, block, old->number_kind, numbers, chunk->entry_count);
        mem_free(numbers);
    } else {
        uint32_t *ids = mem_alloc(chunk->entry_count * sizeof *ids);
        check(
            values_ids_unpack(buf_as_slice(&raw), ids, chunk->entry_count, old->dictionary.count));
        old_ids_put(c, t, block, &old->dictionary, ids, chunk->entry_count);
        mem_free(ids);
    }
    buf_free(&raw);
}

static void blocks_free(struct column_block *blocks)
{
    for (unsigned b = 0; b < SEGMENT_BLOCKS_MAX; b++) {
        for (uint32_t i = 0; i < blocks[b].chunk_count; i++)
            chunk_free(&blocks[b].chunks[i]);
        mem_free(blocks[b].chunks);
        blocks[b] = (struct column_block){0};
    }
}

static void pending_pack(struct column *c, struct column_tools *t, unsigned block)
{
    if (c->pending == 0)
        return;
    if (c->kind == COLUMN_NUMBER)
        values_numbers_pack(c->number_kind, c->numbers, c->pending, &t->raw);
    else
        values_ids_pack(c->ids, c->pending, &t->raw);
    enum chunk_kind kind = c->kind == COLUMN_NUMBER ? CHUNK_NUMBERS : CHUNK_IDS;
    block_keep(c, block, chunk_pack(t->packer, kind, buf_as_slice(&t->raw)), c->pending);
    c->pending = 0;
}

/* Packed blocks first, then what waits of this one; the index has all of it already. */
static void column_become(struct column *c, struct column_tools *t, unsigned block,
                          enum segment_column_kind kind)
{
    struct column old = *c;
    c->kind = kind;
    c->dictionary = (struct dictionary){0};
    c->ids = NULL;
    c->numbers = NULL;
    c->pending = c->capacity = 0;
    memset(c->blocks, 0, sizeof c->blocks);
    c->packed_bytes = 0;
    for (unsigned b = 0; b < block; b++) {
        for (uint32_t i = 0; i < old.blocks[b].chunk_count; i++)
            old_chunk_put(c, t, b, &old, &old.blocks[b].chunks[i]);
        text_pack(c, t, b);
        pending_pack(c, t, b);
    }
    if (old.kind == COLUMN_NUMBER)
        old_numbers_put(c, t, block, old.number_kind, old.numbers, old.pending);
    else
        old_ids_put(c, t, block, &old.dictionary, old.ids, old.pending);
    blocks_free(old.blocks);
    dictionary_free(&old.dictionary);
    mem_free(old.ids);
    mem_free(old.numbers);
}

static bool dictionary_is_integers(const struct dictionary *d)
{
    int64_t number;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->entries[i].kind != d->entries[0].kind ||
            !values_integer(dictionary_value(d, i), &number))
            return false;
    return true;
}

size_t column_loose_bytes(const struct column *c)
{
    return dictionary_memory(&c->dictionary) + values_entries_memory(&c->texts);
}

void column_give_way(struct column *c, struct column_tools *t, unsigned block)
{
    if (c->kind == COLUMN_TEXT) {
        text_pack(c, t, block);
        values_entries_free(&c->texts);
    }
    if (c->kind != COLUMN_DICTIONARY || c->dictionary.count == 0)
        return;
    index_entries(c, t);
    bool integers = dictionary_is_integers(&c->dictionary);
    c->number_kind = c->dictionary.entries[0].kind;
    column_become(c, t, block, integers ? COLUMN_NUMBER : COLUMN_TEXT);
}

void column_add(struct column *c, struct column_tools *t, unsigned block, uint64_t row,
                uint8_t kind, struct slice value)
{
    c->repeated |= c->last_row == row;
    c->last_row = row;
    c->raw_bytes += value.len;
    c->occurrence_count++;
    if (c->kind != COLUMN_DICTIONARY)
        index_add(c, t, kind, value);
    value_put(c, t, block, kind, value);
}

void column_end_block(struct column *c, struct column_tools *t, unsigned block)
{
    if (c->kind == COLUMN_DICTIONARY && c->occurrence_count >= COLUMN_SETTLE_FROM &&
        (uint64_t)c->dictionary.count * 2 > c->occurrence_count)
        column_give_way(c, t, block);
    index_entries(c, t);
    text_pack(c, t, block);
    pending_pack(c, t, block);
}

static void part_pack(struct column *c, struct column_tools *t)
{
    if (t->entries.count == 0)
        return;
    values_entries_pack(&t->entries, &t->raw);
    struct chunk chunk = chunk_pack(t->packer, CHUNK_ENTRIES, buf_as_slice(&t->raw));
    chunk.entry_count = t->entries.count;
    chunk_keep(&c->parts, &c->part_count, &c->part_capacity, chunk);
    values_entries_clear(&t->entries);
}

static bool column_is_constant(const struct column *c, const uint32_t *block_rows,
                               unsigned block_count)
{
    if (c->dictionary.count != 1 || c->repeated)
        return false;
    for (unsigned b = 0; b < block_count; b++)
        if (c->blocks[b].occurrence_count != block_rows[b])
            return false;
    return true;
}

void column_finish(struct column *c, struct column_tools *t, const uint32_t *block_rows,
                   unsigned block_count)
{
    if (c->kind != COLUMN_DICTIONARY)
        return;
    const struct dictionary *d = &c->dictionary;
    for (uint32_t i = 0; i < d->count; i++) {
        values_entries_add(&t->entries, d->entries[i].kind, dictionary_value(d, i));
        if (block_count > 1)
            values_entries_mask(&t->entries, d->entries[i].blocks);
        if (t->entries.text.len >= SEGMENT_PART_BYTES || t->entries.count >= TEXT_VALUES_MAX)
            part_pack(c, t);
    }
    part_pack(c, t);
    if (!column_is_constant(c, block_rows, block_count))
        return;
    c->kind = COLUMN_CONSTANT;
    for (unsigned b = 0; b < block_count; b++) {
        for (uint32_t i = 0; i < c->blocks[b].chunk_count; i++)
            chunk_free(&c->blocks[b].chunks[i]);
        c->blocks[b].chunk_count = 0;
    }
}

size_t column_memory(const struct column *c)
{
    return c->packed_bytes + column_loose_bytes(c) +
           c->capacity * (c->numbers ? sizeof *c->numbers : sizeof *c->ids);
}

void column_free(struct column *c)
{
    blocks_free(c->blocks);
    dictionary_free(&c->dictionary);
    values_entries_free(&c->texts);
    for (uint32_t i = 0; i < c->part_count; i++)
        chunk_free(&c->parts[i]);
    mem_free(c->parts);
    mem_free(c->ids);
    mem_free(c->numbers);
}

void column_rest_value(struct buf *out, const struct field *f)
{
    uint16_t length = (uint16_t)f->name.len;
    check(f->name.len <= UINT16_MAX);
    buf_clear(out);
    buf_append(out, &length, sizeof length);
    buf_char(out, (char)(f->flags & (FIELD_NESTED | FIELD_DERIVED)));
    buf_slice(out, f->name);
    buf_slice(out, f->value);
}
