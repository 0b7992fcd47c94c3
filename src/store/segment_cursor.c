/* Whole rows of a block: one place in each wanted column that moves on with the rows, and the
 * chunks of values that were used last. */
#include "base/mem.h"
#include "store/segment_inside.h"
#include "store/values.h"

struct cursor_chunk {
    struct segment_values values;
    uint64_t used; /* by the row asked for as the used-th */
    size_t bytes;
    uint32_t first; /* number of its first entry */
    bool loaded, damaged;
};

struct cursor_column {
    bool wanted, ready, damaged;
    uint8_t number_kind;
    uint32_t *entries; /* DICTIONARY: by occurrence */
    int64_t *numbers;  /* NUMBER: by occurrence */
    uint32_t last;     /* chunk used last: the next value is often in it */
    uint32_t occurrences;
    struct segment_refs refs;
    struct cursor_chunk *chunks;
};

struct cursor_shape { /* the wanted columns of a shape, listed when a row first has it */
    const uint32_t *columns;
    uint32_t count;
};

struct segment_cursor {
    struct segment *segment;
    uint32_t block, next_row;
    struct segment_rows rows;
    struct cursor_column *columns;
    uint32_t *next; /* by column: occurrence that the next row begins with */
    struct cursor_shape *shapes;
    size_t bytes, max_bytes;
    uint64_t asked; /* rows so far */
    struct record record;
    struct arena arena; /* of shapes */
};

static void cursor_columns_open(struct segment_cursor *c, const bool *columns)
{
    struct segment *s = c->segment;
    c->columns = mem_zeroed(s->about.column_count, sizeof *c->columns);
    for (uint32_t i = 0; i < s->about.column_count; i++) {
        struct cursor_column *column = &c->columns[i];
        bool by_entry =
            s->columns[i].kind == COLUMN_DICTIONARY || s->columns[i].kind == COLUMN_CONSTANT;
        column->wanted = !columns || columns[i];
        column->occurrences = s->column_refs[i].occurrences[c->block];
        column->refs = by_entry ? s->column_refs[i].parts : s->column_refs[i].blocks[c->block];
    }
}

int segment_cursor_open(struct segment_cursor **out, struct segment *s, uint32_t block,
                        const bool *columns, size_t max_bytes, struct err *err)
{
    struct segment_cursor *c = mem_zeroed(1, sizeof *c);
    *out = NULL;
    c->segment = s;
    c->block = block;
    c->max_bytes = max_bytes;
    int rc = segment_read_rows(s, block, &c->rows, err);
    if (rc) {
        segment_cursor_close(&c);
        return rc;
    }
    c->next = mem_zeroed(s->about.column_count, sizeof *c->next);
    c->shapes = mem_zeroed(s->about.shape_count, sizeof *c->shapes);
    c->bytes = c->rows.arena.total_bytes + s->about.shape_count * sizeof *c->shapes;
    cursor_columns_open(c, columns);
    *out = c;
    return ERR_OK;
}

static void chunk_drop(struct segment_cursor *c, struct cursor_chunk *chunk)
{
    segment_values_free(&chunk->values);
    c->bytes -= chunk->bytes;
    chunk->bytes = 0;
    chunk->loaded = false;
}

void segment_cursor_close(struct segment_cursor **cursor)
{
    struct segment_cursor *c = *cursor;
    if (!c)
        return;
    for (uint32_t i = 0; c->columns && i < c->segment->about.column_count; i++) {
        struct cursor_column *column = &c->columns[i];
        for (uint32_t k = 0; column->chunks && k < column->refs.count; k++)
            segment_values_free(&column->chunks[k].values);
        mem_free(column->chunks);
        mem_free(column->entries);
        mem_free(column->numbers);
    }
    mem_free(c->columns);
    mem_free(c->next);
    mem_free(c->shapes);
    arena_free(&c->arena);
    segment_rows_free(&c->rows);
    record_free(&c->record);
    mem_free(c);
    *cursor = NULL;
}

/* The chunks not used for the longest time go, those of this row stay. */
static void cursor_make_room(struct segment_cursor *c)
{
    while (c->bytes > c->max_bytes) {
        struct cursor_chunk *oldest = NULL;
        for (uint32_t i = 0; i < c->segment->about.column_count; i++) {
            struct cursor_column *column = &c->columns[i];
            for (uint32_t k = 0; column->chunks && k < column->refs.count; k++) {
                struct cursor_chunk *chunk = &column->chunks[k];
                if (chunk->loaded && chunk->used < c->asked &&
                    (!oldest || chunk->used < oldest->used))
                    oldest = chunk;
            }
        }
        if (!oldest)
            return;
        chunk_drop(c, oldest);
    }
}

/* What every value of the column needs: its entry numbers or numbers, and the list of chunks. */
static int column_ready(struct segment_cursor *c, uint32_t number, struct err *err)
{
    struct cursor_column *column = &c->columns[number];
    enum segment_column_kind kind = c->segment->columns[number].kind;
    size_t count = (size_t)column->occurrences + 1;
    int rc = ERR_OK;
    column->ready = true;
    if (kind == COLUMN_NUMBER) {
        column->numbers = mem_alloc(count * sizeof *column->numbers);
        c->bytes += count * sizeof *column->numbers;
        rc = segment_read_numbers(c->segment, number, c->block, column->numbers,
                                  &column->number_kind, err);
    } else if (kind == COLUMN_DICTIONARY) {
        column->entries = mem_alloc(count * sizeof *column->entries);
        c->bytes += count * sizeof *column->entries;
        rc = segment_read_entry_numbers(c->segment, number, c->block, column->entries, err);
    }
    column->damaged = rc != ERR_OK;
    if (kind == COLUMN_NUMBER)
        return rc;
    column->chunks = mem_zeroed((size_t)column->refs.count + 1, sizeof *column->chunks);
    for (uint32_t i = 0, first = 0; i < column->refs.count; i++) {
        column->chunks[i].first = first;
        first += column->refs.items[i].entries;
    }
    return rc;
}

static struct cursor_chunk *chunk_of(struct cursor_column *column, uint32_t entry)
{
    uint32_t low = 0, high = column->refs.count;
    const struct cursor_chunk *last = &column->chunks[column->last];
    if (entry >= last->first && entry - last->first < column->refs.items[column->last].entries)
        return &column->chunks[column->last];
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (column->chunks[middle].first <= entry)
            low = middle;
        else
            high = middle;
    }
    column->last = low;
    return &column->chunks[low];
}

static int chunk_load(struct segment_cursor *c, uint32_t number, struct cursor_chunk *chunk,
                      struct err *err)
{
    struct cursor_column *column = &c->columns[number];
    const struct segment_refs one = {.items = &column->refs.items[chunk - column->chunks],
                                     .count = 1,
                                     .entries = column->refs.items[chunk - column->chunks].entries};
    enum chunk_kind kind =
        c->segment->columns[number].kind == COLUMN_TEXT ? CHUNK_TEXT : CHUNK_ENTRIES;
    int rc = segment_read_entries(c->segment, number, &one, kind, SIZE_MAX, &chunk->values, err);
    chunk->loaded = true;
    chunk->damaged = rc != ERR_OK;
    chunk->bytes = chunk->values.text.capacity + chunk->values.arena.total_bytes;
    c->bytes += chunk->bytes;
    chunk->used = c->asked;
    cursor_make_room(c);
    return rc;
}

static int damaged_again(const struct segment_cursor *c, uint32_t number, struct err *err)
{
    return segment_damaged(c->segment, err, "values of field %.64s in block %u are lost",
                           c->segment->columns[number].name.data, c->block);
}

/* The next value of a column. */
static int value_next(struct segment_cursor *c, uint32_t number, struct slice *value, uint8_t *kind,
                      struct err *err)
{
    struct cursor_column *column = &c->columns[number];
    int rc = column->ready ? ERR_OK : column_ready(c, number, err);
    uint32_t at = c->next[number]++;
    if (rc)
        return rc;
    if (column->damaged || at >= column->occurrences)
        return damaged_again(c, number, err);
    if (column->numbers) {
        char *text = arena_bytes(&c->record.arena, VALUES_INTEGER_BYTES);
        *value = slice_make(text, values_integer_text(text, column->numbers[at]));
        *kind = column->number_kind;
        return ERR_OK;
    }
    bool constant = c->segment->columns[number].kind == COLUMN_CONSTANT;
    uint32_t entry = column->entries ? column->entries[at] : constant ? 0 : at;
    struct cursor_chunk *chunk = chunk_of(column, entry);
    if (!chunk->loaded)
        rc = chunk_load(c, number, chunk, err);
    if (rc)
        return rc;
    if (chunk->damaged)
        return damaged_again(c, number, err);
    chunk->used = c->asked;
    *value = segment_value(&chunk->values, entry - chunk->first);
    *kind = chunk->values.kinds[entry - chunk->first];
    return ERR_OK;
}

static const struct cursor_shape *shape_of(struct segment_cursor *c, uint32_t row_in_block)
{
    const struct segment *s = c->segment;
    uint32_t number = c->rows.shapes[row_in_block];
    struct cursor_shape *shape = &c->shapes[number];
    if (shape->columns)
        return shape;
    const uint32_t *all = s->shape_columns + s->shape_starts[number];
    uint32_t count = s->shape_starts[number + 1] - s->shape_starts[number];
    uint32_t *wanted = arena_alloc(&c->arena, ((size_t)count + 1) * sizeof *wanted);
    for (uint32_t i = 0; i < count; i++)
        if (c->columns[all[i]].wanted)
            wanted[shape->count++] = all[i];
    shape->columns = wanted;
    return shape;
}

/* All that follow each other with one shape at once. */
static void rows_skip(struct segment_cursor *c, uint32_t to)
{
    const uint32_t *shapes = c->rows.shapes;
    while (c->next_row > to) {
        const struct cursor_shape *shape = shape_of(c, --c->next_row);
        for (uint32_t i = 0; i < shape->count; i++)
            c->next[shape->columns[i]]--;
    }
    while (c->next_row < to) {
        const struct cursor_shape *shape = shape_of(c, c->next_row);
        uint32_t first = c->next_row++;
        while (c->next_row < to && shapes[c->next_row] == shapes[first])
            c->next_row++;
        for (uint32_t i = 0; i < shape->count; i++)
            c->next[shape->columns[i]] += c->next_row - first;
    }
}

static int field_next(struct segment_cursor *c, uint32_t number, struct err *err)
{
    const struct segment_column *about = &c->segment->columns[number];
    struct slice name = about->name, value;
    uint8_t kind = VALUE_STRING, flags = about->flags;
    int rc = value_next(c, number, &value, &kind, err);
    if (rc)
        return rc;
    if (number == SEGMENT_REST && !segment_rest_split(value, &name, &flags, &value))
        return damaged_again(c, number, err);
    return record_add(&c->record, name, value, (enum value_kind)kind, flags, err);
}

int segment_cursor_row(struct segment_cursor *c, uint32_t row_in_block, struct row *row,
                       struct err *err)
{
    const struct segment *s = c->segment;
    check(row_in_block < c->rows.count);
    c->asked++;
    rows_skip(c, row_in_block);
    record_reset(&c->record);
    const struct cursor_shape *shape = shape_of(c, row_in_block);
    int rc = ERR_OK;
    for (uint32_t i = 0; i < shape->count; i++) {
        int failed = field_next(c, shape->columns[i], rc ? NULL : err);
        rc = rc ? rc : failed;
    }
    c->next_row = row_in_block + 1;
    *row = (struct row){.sequence = c->rows.sequences[row_in_block],
                        .time_ns = c->rows.times_ns[row_in_block],
                        .received_ns = c->rows.received_ns[row_in_block],
                        .line = c->rows.lines[row_in_block],
                        .context_number = c->rows.contexts[row_in_block],
                        .context = &s->contexts[c->rows.contexts[row_in_block]],
                        .record = &c->record};
    return rc;
}
