#include "store/segment_writer.h"

#include "base/hash.h"
#include "base/mem.h"
#include "store/segment_writer_inside.h"
#include "base/bytes.h"
#include "store/varint.h"

struct segment_writer *segment_writer_open(const struct segment_writer_options *options)
{
    struct segment_writer *w = mem_zeroed(1, sizeof *w);
    w->options = *options;
    w->options.partition = arena_copy(&w->arena, options->partition);
    struct slice *inputs = arena_zeroed(&w->arena, options->input_count + 1, sizeof *inputs);
    check(options->input_count <= SEGMENT_INPUTS_MAX);
    for (uint32_t i = 0; i < options->input_count; i++)
        inputs[i] = arena_copy(&w->arena, options->inputs[i]);
    w->options.inputs = inputs;
    if (w->options.memory_bytes == 0)
        w->options.memory_bytes = SEGMENT_WRITER_BYTES_MAX;
    w->tools.packer = chunk_packer_open(options->compression);
    w->tools.index = value_index_open();
    w->column_capacity = 64;
    w->columns = mem_zeroed(w->column_capacity, sizeof *w->columns);
    w->names = mem_zeroed(w->column_capacity, sizeof *w->names);
    w->columns[SEGMENT_REST].rest = true;
    w->columns[SEGMENT_REST].kind = COLUMN_DICTIONARY;
    w->columns[SEGMENT_REST].name = SLICE("_rest");
    w->column_count = 1;
    return w;
}

void segment_writer_close(struct segment_writer **writer)
{
    struct segment_writer *w = *writer;
    if (!w)
        return;
    for (uint32_t i = 0; i < w->column_count; i++)
        column_free(&w->columns[i]);
    for (uint32_t i = 0; i < w->block_count; i++)
        chunk_free(&w->row_chunks[i]);
    chunk_packer_close(&w->tools.packer);
    value_index_close(&w->tools.index);
    buf_free(&w->tools.raw);
    values_entries_free(&w->tools.entries);
    mem_free(w->columns);
    mem_free(w->names);
    mem_free(w->shapes.slots);
    mem_free(w->shapes.hashes);
    mem_free(w->contexts.slots);
    mem_free(w->contexts.hashes);
    mem_free(w->shape_columns);
    mem_free(w->shape_starts);
    mem_free(w->context_items);
    mem_free(w->rows);
    mem_free(w->intervals);
    mem_free(w->row_shape);
    buf_free(&w->context_bytes);
    buf_free(&w->scratch);
    arena_free(&w->arena);
    mem_free(w);
    *writer = NULL;
}

static uint32_t *table_slot(const struct writer_table *t, uint32_t hash)
{
    uint32_t at = hash & (t->slot_count - 1);
    while (t->slots[at])
        at = (at + 1) & (t->slot_count - 1);
    return &t->slots[at];
}

static void table_grow(struct writer_table *t)
{
    mem_free(t->slots);
    t->slot_count = t->slot_count ? t->slot_count * 2 : WRITER_SHAPE_SLOTS_FIRST;
    t->slots = mem_zeroed(t->slot_count, sizeof *t->slots);
    t->hashes = mem_resize(t->hashes, t->slot_count / 2, sizeof *t->hashes);
    for (uint32_t i = 0; i < t->count; i++)
        *table_slot(t, t->hashes[i]) = i + 1;
}

uint32_t segment_writer_find(struct segment_writer *w, struct writer_table *t, uint32_t hash,
                             writer_same *same, const void *thing)
{
    if (t->count * 2 >= t->slot_count)
        table_grow(t);
    uint32_t at = hash & (t->slot_count - 1);
    for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
        uint32_t number = t->slots[at] - 1;
        if (t->hashes[number] == hash && same(w, number, thing))
            return number;
    }
    t->slots[at] = t->count + 1;
    t->hashes[t->count] = hash;
    return t->count++;
}

static bool context_same(const struct segment_writer *w, uint32_t number, const void *thing)
{
    return row_context_equal(&w->context_items[number], thing);
}

static uint32_t context_number(struct segment_writer *w, const struct row_context *c)
{
    if (w->row_count) {
        uint32_t newest = w->rows[w->row_count - 1].context;
        if (row_context_equal(&w->context_items[newest], c))
            return newest;
    }
    uint32_t before = w->contexts.count;
    uint32_t number =
        segment_writer_find(w, &w->contexts, (uint32_t)row_context_hash(c), context_same, c);
    if (number < before)
        return number;
    w->context_items =
        mem_resize(w->context_items, w->contexts.slot_count / 2, sizeof *w->context_items);
    check(slice_equal(c->partition, w->options.partition));
    struct buf *packed = &w->scratch;
    buf_clear(packed);
    row_context_write(c, packed);
    struct bytes_in in = bytes_in(arena_copy(&w->arena, buf_as_slice(packed)));
    check(row_context_read(&in, ROW_CONTEXT_2, &w->context_items[number]));
    buf_slice(&w->context_bytes, buf_as_slice(packed));
    return number;
}

static bool name_is(const struct writer_name *n, const struct field *f, uint8_t flags)
{
    return n->name.len == f->name.len && n->flags == flags &&
           memcmp(n->name.data, f->name.data, f->name.len) == 0;
}

static uint32_t column_make(struct segment_writer *w, const struct field *f, uint8_t flags)
{
    if (w->column_count == w->column_capacity) {
        w->column_capacity *= 2;
        w->columns = mem_resize(w->columns, w->column_capacity, sizeof *w->columns);
        w->names = mem_resize(w->names, w->column_capacity, sizeof *w->names);
    }
    uint32_t number = w->column_count++;
    struct slice name = arena_copy(&w->arena, f->name);
    w->columns[number] = (struct column){.name = name, .flags = flags, .kind = COLUMN_DICTIONARY};
    w->names[number] = (struct writer_name){.name = name, .flags = flags};
    return number;
}

/* previous: the column of the field before, whose successor is often the same as last time. */
static uint32_t column_of(struct segment_writer *w, const struct field *f, uint32_t previous)
{
    uint8_t flags = f->flags & (FIELD_NESTED | FIELD_DERIVED);
    uint32_t guess = w->names[previous].next;
    if (guess && name_is(&w->names[guess], f, flags))
        return guess;
    uint64_t hash = hash_slice(f->name, hash_seed() + flags);
    uint32_t at = (uint32_t)hash & (WRITER_COLUMN_SLOTS - 1);
    for (; w->column_slots[at]; at = (at + 1) & (WRITER_COLUMN_SLOTS - 1))
        if (name_is(&w->names[w->column_slots[at]], f, flags))
            return w->names[previous].next = w->column_slots[at];
    if (w->column_count == SEGMENT_COLUMNS_MAX || f->name.len > RECORD_NAME_BYTES_MAX)
        return SEGMENT_REST;
    uint32_t number = column_make(w, f, flags);
    w->column_slots[at] = (uint16_t)number;
    return w->names[previous].next = number;
}

struct shape_view {
    const uint32_t *columns;
    uint32_t count;
};

static bool shape_same(const struct segment_writer *w, uint32_t number, const void *thing)
{
    const struct shape_view *v = thing;
    uint32_t start = w->shape_starts[number];
    return w->shape_starts[number + 1] - start == v->count &&
           memcmp(w->shape_columns + start, v->columns, v->count * sizeof *v->columns) == 0;
}

static uint32_t shape_number(struct segment_writer *w, uint32_t count)
{
    const struct shape_view view = {w->row_shape, count};
    if (w->shapes.count && shape_same(w, w->newest_shape, &view))
        return w->newest_shape;
    uint32_t before = w->shapes.count;
    uint32_t hash = (uint32_t)hash_bytes(view.columns, count * sizeof *view.columns, hash_seed());
    uint32_t number = segment_writer_find(w, &w->shapes, hash, shape_same, &view);
    w->newest_shape = number;
    if (number < before)
        return number;
    w->shape_starts =
        mem_resize(w->shape_starts, w->shapes.slot_count / 2 + 1, sizeof *w->shape_starts);
    w->shape_starts[0] = 0;
    uint32_t start = w->shape_starts[number];
    while (w->shape_columns_capacity - start < count) {
        w->shape_columns_capacity = w->shape_columns_capacity * 2 + 1024;
        w->shape_columns =
            mem_resize(w->shape_columns, w->shape_columns_capacity, sizeof *w->shape_columns);
    }
    if (count)
        memcpy(w->shape_columns + start, view.columns, count * sizeof *view.columns);
    w->shape_starts[number + 1] = start + count;
    return number;
}

static void fields_add(struct segment_writer *w, const struct record *r)
{
    if (w->row_shape_capacity < r->count + 1) {
        w->row_shape_capacity = r->count + 64;
        w->row_shape = mem_resize(w->row_shape, w->row_shape_capacity, sizeof *w->row_shape);
    }
    uint32_t previous = SEGMENT_REST;
    uint64_t row = w->about.row_count + 1;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct field *f = &r->fields[i];
        uint32_t number = column_of(w, f, previous);
        struct slice value = f->value;
        if (number == SEGMENT_REST) {
            column_rest_value(&w->scratch, f);
            value = buf_as_slice(&w->scratch);
        }
        column_add(&w->columns[number], &w->tools, w->block_count, row, f->kind, value);
        w->row_shape[i] = previous = number;
        w->about.raw_bytes += f->name.len + f->value.len;
        w->unmeasured_bytes += f->value.len;
    }
}

static void rows_pack(struct segment_writer *w)
{
    struct buf *out = &w->tools.raw;
    buf_clear(out);
    buf_reserve(out, (size_t)w->row_count * 5 * VARINT_BYTES_MAX);
    for (unsigned array = 0; array < 5; array++) {
        uint64_t before = 0;
        for (uint32_t i = 0; i < w->row_count; i++) {
            const struct writer_row *r = &w->rows[i];
            const uint64_t values[] = {r->sequence, (uint64_t)r->time_ns, (uint64_t)r->received_ns,
                                       r->line, (uint64_t)r->context << 32 | r->shape};
            int64_t step = (int64_t)(values[array] - before);
            out->len += varint_put((uint8_t *)out->data + out->len, varint_zigzag(step));
            before = values[array];
        }
    }
    w->row_chunks[w->block_count] = chunk_pack(w->tools.packer, CHUNK_ROWS, buf_as_slice(out));
    w->row_chunks[w->block_count].entry_count = w->row_count;
}

void segment_writer_end_block(struct segment_writer *w)
{
    struct segment_block *b = &w->blocks[w->block_count];
    *b = (struct segment_block){.row_count = w->row_count,
                                .first_row = (uint32_t)(w->about.row_count - w->row_count),
                                .time_min_ns = INT64_MAX,
                                .time_max_ns = INT64_MIN,
                                .first_sequence = w->rows[0].sequence,
                                .last_sequence = w->rows[w->row_count - 1].sequence};
    for (uint32_t i = 0; i < w->row_count; i++) {
        const struct writer_row *r = &w->rows[i];
        int64_t time = r->time_ns == CLOCK_NONE ? r->received_ns : r->time_ns;
        b->time_min_ns = time < b->time_min_ns ? time : b->time_min_ns;
        b->time_max_ns = time > b->time_max_ns ? time : b->time_max_ns;
    }
    rows_pack(w);
    for (uint32_t i = 0; i < w->column_count; i++)
        column_end_block(&w->columns[i], &w->tools, w->block_count);
    w->block_count++;
    w->row_count = w->field_count = 0;
}

static size_t writer_measure(const struct segment_writer *w)
{
    size_t bytes = sizeof *w + w->arena.total_bytes + value_index_memory(w->tools.index) +
                   chunk_packer_memory(w->tools.packer) + w->tools.raw.capacity +
                   values_entries_memory(&w->tools.entries) + w->context_bytes.capacity +
                   w->shape_columns_capacity * sizeof *w->shape_columns +
                   w->row_capacity * sizeof *w->rows + w->scratch.capacity +
                   (w->shapes.slot_count + w->contexts.slot_count) * 3 * sizeof(uint32_t) +
                   w->contexts.slot_count / 2 * sizeof *w->context_items +
                   w->interval_capacity * sizeof *w->intervals +
                   w->column_capacity * (sizeof *w->columns + sizeof *w->names);
    for (uint32_t i = 0; i < w->column_count; i++)
        bytes += column_memory(&w->columns[i]);
    for (uint32_t i = 0; i < w->block_count; i++)
        bytes += w->row_chunks[i].stored_bytes;
    return bytes;
}

static struct column *loosest_column(struct segment_writer *w, size_t *bytes)
{
    struct column *largest = NULL;
    *bytes = COLUMN_SMALL_BYTES;
    for (uint32_t i = 0; i < w->column_count; i++) {
        size_t own = column_loose_bytes(&w->columns[i]);
        if (own > *bytes) {
            *bytes = own;
            largest = &w->columns[i];
        }
    }
    return largest;
}

/* The columns that would free most give way until a quarter of the memory is free, or none would
 * free much; so does one that takes a quarter alone, for it would double next. */
static void memory_keep(struct segment_writer *w)
{
    size_t limit = w->options.memory_bytes, bytes;
    w->memory_bytes = writer_measure(w);
    for (;;) {
        struct column *largest = loosest_column(w, &bytes);
        if (!largest || (w->memory_bytes <= limit / 4 * 3 && bytes <= limit / 4))
            break;
        column_give_way(largest, &w->tools, w->block_count);
        w->memory_bytes = writer_measure(w);
    }
    w->unmeasured_bytes = 0;
    w->unmeasured_rows = 0;
}

static void about_add(struct segment_about *a, const struct row *row)
{
    int64_t time = row_time(row);
    if (a->row_count == 0) {
        a->first_sequence = row->sequence;
        a->time_min_ns = a->time_max_ns = time;
        a->received_min_ns = a->received_max_ns = row->received_ns;
    }
    check(row->sequence > a->last_sequence);
    a->last_sequence = row->sequence;
    a->time_min_ns = time < a->time_min_ns ? time : a->time_min_ns;
    a->time_max_ns = time > a->time_max_ns ? time : a->time_max_ns;
    if (row->received_ns < a->received_min_ns)
        a->received_min_ns = row->received_ns;
    if (row->received_ns > a->received_max_ns)
        a->received_max_ns = row->received_ns;
    a->row_count++;
}

static bool block_is_full(const struct segment_writer *w, uint32_t more_fields)
{
    return w->row_count == SEGMENT_BLOCK_ROWS ||
           (w->row_count && w->field_count + more_fields > SEGMENT_BLOCK_FIELDS_MAX);
}

void segment_writer_add(struct segment_writer *w, const struct row *row)
{
    check(!segment_writer_full(w) && row->record->count <= RECORD_FIELDS_MAX);
    if (block_is_full(w, row->record->count))
        segment_writer_end_block(w);
    if (w->row_count == w->row_capacity) {
        w->row_capacity = w->row_capacity ? w->row_capacity * 2 : 256;
        w->rows = mem_resize(w->rows, w->row_capacity, sizeof *w->rows);
    }
    fields_add(w, row->record);
    struct writer_row r = {.sequence = row->sequence,
                           .line = row->line,
                           .time_ns = row->time_ns,
                           .received_ns = row->received_ns,
                           .context = context_number(w, row->context),
                           .shape = shape_number(w, row->record->count)};
    about_add(&w->about, row);
    w->rows[w->row_count++] = r;
    w->field_count += row->record->count;
    if (++w->unmeasured_rows >= WRITER_MEASURE_ROWS || w->unmeasured_bytes >= WRITER_MEASURE_BYTES)
        memory_keep(w);
}

bool segment_writer_full(const struct segment_writer *w)
{
    const uint32_t fields = w->shapes.count ? w->shape_starts[w->shapes.count] : 0;
    return (w->block_count == SEGMENT_BLOCKS_MAX - 1 && block_is_full(w, RECORD_FIELDS_MAX)) ||
           w->shapes.count >= SEGMENT_SHAPES_MAX ||
           fields > SEGMENT_SHAPE_FIELDS_MAX - RECORD_FIELDS_MAX ||
           w->contexts.count >= ROW_CONTEXTS_MAX ||
           w->interval_count >= SEGMENT_INTERVALS_MAX / 2 ||
           w->context_bytes.len > SEGMENT_CONTEXT_BYTES_MAX - WRITER_CONTEXT_BYTES_MAX ||
           w->about.raw_bytes > WRITER_RAW_BYTES_MAX || w->memory_bytes > w->options.memory_bytes;
}

uint64_t segment_writer_rows(const struct segment_writer *w)
{
    return w->about.row_count;
}

size_t segment_writer_memory(const struct segment_writer *w)
{
    return writer_measure(w);
}

void segment_writer_interval(struct segment_writer *w, const struct segment_interval *interval)
{
    check(w->interval_count < SEGMENT_INTERVALS_MAX);
    if (w->interval_count == w->interval_capacity) {
        w->interval_capacity = w->interval_capacity ? w->interval_capacity * 2 : 16;
        w->intervals = mem_resize(w->intervals, w->interval_capacity, sizeof *w->intervals);
    }
    w->intervals[w->interval_count++] = *interval;
}
