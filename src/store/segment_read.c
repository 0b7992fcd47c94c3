/* Reading rows, values and ids of a segment: each chunk is verified, then walked with bounds. */
#include "base/mem.h"
#include "store/segment_inside.h"
#include "store/values.h"
#include "store/varint.h"

enum { ROW_ARRAYS = 5 };

static bool row_arrays_parse(const struct segment *s, struct segment_rows *out, struct slice raw)
{
    struct varint_walk w = varint_walk_make(raw);
    for (unsigned array = 0; array < ROW_ARRAYS; array++) {
        uint64_t value = 0;
        for (uint32_t i = 0; i < out->count; i++) {
            value += (uint64_t)varint_next_signed(&w);
            switch (array) {
            case 0:
                out->sequences[i] = value;
                break;
            case 1:
                out->times_ns[i] = (int64_t)value;
                break;
            case 2:
                out->received_ns[i] = (int64_t)value;
                break;
            case 3:
                out->lines[i] = value;
                break;
            default:
                out->contexts[i] = (uint32_t)(value >> 32);
                out->shapes[i] = (uint32_t)value;
                if (out->contexts[i] >= s->about.context_count ||
                    out->shapes[i] >= s->about.shape_count)
                    return false;
            }
        }
    }
    return !w.failed && w.at == w.end;
}

static bool sequences_rise(const struct segment_block *b, const uint64_t *sequences)
{
    for (uint32_t i = 1; i < b->row_count; i++)
        if (sequences[i] <= sequences[i - 1])
            return false;
    return sequences[0] == b->first_sequence && sequences[b->row_count - 1] == b->last_sequence;
}

int segment_read_rows(struct segment *s, uint32_t block, struct segment_rows *out, struct err *err)
{
    check(block < s->about.block_count);
    uint32_t count = s->blocks[block].row_count;
    arena_reset(&out->arena);
    out->count = 0;
    int rc = segment_read_chunk(s, &s->row_refs[block], CHUNK_ROWS,
                                (size_t)count * ROW_ARRAYS * VARINT_BYTES_MAX, &s->raw, err);
    if (rc)
        return rc;
    out->count = count;
    out->sequences = arena_alloc(&out->arena, count * sizeof *out->sequences);
    out->lines = arena_alloc(&out->arena, count * sizeof *out->lines);
    out->times_ns = arena_alloc(&out->arena, count * sizeof *out->times_ns);
    out->received_ns = arena_alloc(&out->arena, count * sizeof *out->received_ns);
    out->contexts = arena_alloc(&out->arena, count * sizeof *out->contexts);
    out->shapes = arena_alloc(&out->arena, count * sizeof *out->shapes);
    if (row_arrays_parse(s, out, buf_as_slice(&s->raw)) &&
        sequences_rise(&s->blocks[block], out->sequences))
        return ERR_OK;
    out->count = 0;
    return segment_damaged(s, err, "the rows of block %u do not fit together", block);
}

void segment_rows_free(struct segment_rows *rows)
{
    arena_free(&rows->arena);
    *rows = (struct segment_rows){0};
}

/* Adds the entries of one chunk at number first; text is appended. */
static bool entries_parse(struct segment_values *out, uint32_t first, const struct segment_ref *ref,
                          struct slice raw, uint16_t all_blocks)
{
    struct values_view v;
    if (!values_view_open(&v, raw) || v.count != ref->entries ||
        out->text.len + v.text.len > UINT32_MAX)
        return false;
    struct varint_walk lengths = varint_walk_make(v.lengths);
    uint32_t start = (uint32_t)out->text.len;
    for (uint32_t i = 0; i < v.count; i++) {
        out->kinds[first + i] = v.kinds ? v.kinds[i] : v.kind;
        start += (uint32_t)varint_next(&lengths);
        out->starts[first + i + 1] = start;
    }
    buf_slice(&out->text, v.text);
    if (out->block_masks && v.masks.len)
        memcpy(out->block_masks + first, v.masks.data, v.masks.len);
    else if (out->block_masks)
        for (uint32_t i = 0; i < v.count; i++)
            out->block_masks[first + i] = all_blocks;
    return true;
}

static int over_limit(const struct segment *s, uint32_t column, size_t max_bytes, struct err *err)
{
    return err_set(err, ERR_LIMIT,
                   "%s: the values of field %.64s do not fit into %zu bytes of memory; give the "
                   "query more.",
                   s->path, s->columns[column].name.data, max_bytes);
}

/* Room for the entries of refs; all counts come from a checked footer. */
static void values_room(struct segment_values *out, uint32_t count, bool masks)
{
    arena_reset(&out->arena);
    buf_clear(&out->text);
    buf_reserve(&out->text, 1); /* values of no bytes point somewhere, too */
    out->count = count;
    out->kinds = arena_alloc(&out->arena, (size_t)count + 1);
    out->starts = arena_alloc(&out->arena, ((size_t)count + 1) * sizeof *out->starts);
    out->starts[0] = 0;
    out->block_masks =
        masks ? arena_alloc(&out->arena, ((size_t)count + 1) * sizeof *out->block_masks) : NULL;
}

int segment_read_entries(struct segment *s, uint32_t column, const struct segment_refs *refs,
                         enum chunk_kind kind, size_t max_bytes, struct segment_values *out,
                         struct err *err)
{
    size_t held = (size_t)refs->entries * (sizeof(uint32_t) + sizeof(uint16_t) + 1);
    if (held > max_bytes)
        return over_limit(s, column, max_bytes, err);
    values_room(out, refs->entries, kind == CHUNK_ENTRIES);
    uint32_t first = 0;
    for (uint32_t i = 0; i < refs->count; i++) {
        int rc = segment_read_chunk(s, &refs->items[i], kind, CHUNK_BYTES_MAX, &s->raw, err);
        if (rc)
            return rc;
        if (held + out->text.len + s->raw.len > max_bytes)
            return over_limit(s, column, max_bytes, err);
        if (!entries_parse(out, first, &refs->items[i], buf_as_slice(&s->raw),
                           s->columns[column].block_mask))
            return segment_damaged(s, err, "values of field %.64s do not fit together",
                                   s->columns[column].name.data);
        first += refs->items[i].entries;
    }
    return ERR_OK;
}

int segment_read_numbers(struct segment *s, uint32_t column, uint32_t block, int64_t *numbers,
                         uint8_t *kind, struct err *err)
{
    const struct segment_refs *refs = &s->column_refs[column].blocks[block];
    uint32_t count = 0;
    *kind = VALUE_NUMBER;
    if (refs->count == 0)
        return ERR_OK;
    int rc = segment_read_chunk(s, refs->items, CHUNK_NUMBERS, CHUNK_BYTES_MAX, &s->raw, err);
    if (rc)
        return rc;
    struct slice raw = buf_as_slice(&s->raw);
    if (!values_numbers_count(raw, &count, kind) || count != refs->entries ||
        !values_numbers_unpack(raw, numbers))
        return segment_damaged(s, err, "numbers of field %.64s do not fit together",
                               s->columns[column].name.data);
    return ERR_OK;
}

static int numbers_read(struct segment *s, uint32_t column, uint32_t block, size_t max_bytes,
                        struct segment_values *out, struct err *err)
{
    uint8_t kind;
    uint32_t count = s->column_refs[column].occurrences[block];
    if ((uint64_t)count * (VALUES_INTEGER_BYTES + 13) > max_bytes)
        return over_limit(s, column, max_bytes, err);
    values_room(out, count, false);
    int64_t *numbers = arena_alloc(&out->arena, ((size_t)count + 1) * sizeof *numbers);
    int rc = segment_read_numbers(s, column, block, numbers, &kind, err);
    if (rc)
        return rc;
    buf_reserve(&out->text, (size_t)count * VALUES_INTEGER_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        out->text.len += values_integer_text(out->text.data + out->text.len, numbers[i]);
        out->starts[i + 1] = (uint32_t)out->text.len;
    }
    memset(out->kinds, kind, count);
    return ERR_OK;
}

int segment_read_values(struct segment *s, uint32_t column, uint32_t block, size_t max_bytes,
                        struct segment_values *out, struct err *err)
{
    check(column < s->about.column_count);
    const struct segment_column_refs *refs = &s->column_refs[column];
    enum segment_column_kind kind = s->columns[column].kind;
    int rc;
    if (kind == COLUMN_CONSTANT || kind == COLUMN_DICTIONARY) {
        rc = segment_read_entries(s, column, &refs->parts, CHUNK_ENTRIES, max_bytes, out, err);
    } else {
        check(block < s->about.block_count);
        rc = kind == COLUMN_TEXT ? segment_read_entries(s, column, &refs->blocks[block], CHUNK_TEXT,
                                                        max_bytes, out, err)
                                 : numbers_read(s, column, block, max_bytes, out, err);
    }
    if (rc)
        out->count = 0;
    return rc;
}

static const struct segment_refs *values_refs(const struct segment *s, uint32_t column,
                                              uint32_t block)
{
    const struct segment_column_refs *refs = &s->column_refs[column];
    enum segment_column_kind kind = s->columns[column].kind;
    bool whole = kind == COLUMN_CONSTANT || kind == COLUMN_DICTIONARY;
    check(whole || block < s->about.block_count);
    return whole ? &refs->parts : &refs->blocks[block];
}

uint32_t segment_value_count(const struct segment *s, uint32_t column, uint32_t block)
{
    return s->columns[column].kind == COLUMN_NUMBER ? s->column_refs[column].occurrences[block]
                                                    : values_refs(s, column, block)->entries;
}

static int chunk_visit(struct segment *s, const struct segment_ref *ref, uint32_t *entry,
                       segment_value_visit *visit, void *context)
{
    struct values_view v;
    if (!values_view_open(&v, buf_as_slice(&s->raw)) || v.count != ref->entries)
        return ERR_DAMAGED;
    struct varint_walk lengths = varint_walk_make(v.lengths);
    size_t at = 0;
    for (uint32_t i = 0; i < v.count; i++) {
        struct slice text = slice_part(v.text, at, varint_next(&lengths));
        at += text.len;
        visit(context, (*entry)++, (enum value_kind)(v.kinds ? v.kinds[i] : v.kind), text);
    }
    return ERR_OK;
}

static int numbers_visit(struct segment *s, uint32_t column, uint32_t block,
                         segment_value_visit *visit, void *context, struct err *err)
{
    struct segment_values values = {0};
    int rc = numbers_read(s, column, block, SIZE_MAX, &values, err);
    for (uint32_t i = 0; i < values.count && rc == ERR_OK; i++)
        visit(context, i, (enum value_kind)values.kinds[i], segment_value(&values, i));
    segment_values_free(&values);
    return rc;
}

int segment_visit_values(struct segment *s, uint32_t column, uint32_t block,
                         segment_value_visit *visit, void *context, struct err *err)
{
    check(column < s->about.column_count);
    if (s->columns[column].kind == COLUMN_NUMBER)
        return numbers_visit(s, column, block, visit, context, err);
    const struct segment_refs *refs = values_refs(s, column, block);
    enum chunk_kind kind = s->columns[column].kind == COLUMN_TEXT ? CHUNK_TEXT : CHUNK_ENTRIES;
    uint32_t entry = 0;
    for (uint32_t i = 0; i < refs->count; i++) {
        int rc = segment_read_chunk(s, &refs->items[i], kind, CHUNK_BYTES_MAX, &s->raw, err);
        if (rc)
            return rc;
        if (chunk_visit(s, &refs->items[i], &entry, visit, context) != ERR_OK)
            return segment_damaged(s, err, "values of field %.64s do not fit together",
                                   s->columns[column].name.data);
    }
    return ERR_OK;
}

void segment_values_free(struct segment_values *v)
{
    buf_free(&v->text);
    arena_free(&v->arena);
    *v = (struct segment_values){0};
}

bool segment_rest_split(struct slice entry, struct slice *name, uint8_t *flags, struct slice *value)
{
    uint16_t length;
    if (entry.len < sizeof length + 1)
        return false;
    memcpy(&length, entry.data, sizeof length);
    if (length > entry.len - sizeof length - 1)
        return false;
    *flags = (uint8_t)entry.data[sizeof length];
    *name = slice_part(entry, sizeof length + 1, length);
    *value = slice_part(entry, sizeof length + 1 + length, entry.len);
    return (*flags & ~(FIELD_NESTED | FIELD_DERIVED)) == 0;
}

/* Sorts the block's rows by shape, for columns that few of them have. */
static void rows_by_shape(struct segment *s, uint32_t block, const struct segment_rows *rows)
{
    uint32_t shapes = s->about.shape_count;
    if (s->placed_block == block)
        return;
    if (!s->shape_rows) {
        s->shape_rows = mem_zeroed(SEGMENT_BLOCK_ROWS, sizeof *s->shape_rows);
        s->shape_row_ends = mem_zeroed((size_t)shapes + 2, sizeof *s->shape_row_ends);
        s->row_bits = mem_zeroed(SEGMENT_BLOCK_ROWS / 64, sizeof *s->row_bits);
    }
    memset(s->shape_row_ends, 0, ((size_t)shapes + 2) * sizeof *s->shape_row_ends);
    for (uint32_t row = 0; row < rows->count; row++)
        s->shape_row_ends[rows->shapes[row] + 2]++;
    for (uint32_t shape = 2; shape < shapes + 2; shape++)
        s->shape_row_ends[shape] += s->shape_row_ends[shape - 1];
    for (uint32_t row = 0; row < rows->count; row++)
        s->shape_rows[s->shape_row_ends[rows->shapes[row] + 1]++] = row;
    s->placed_block = block;
}

/* The rows of the shapes that have the column, marked and then taken in order. False: a row has it
 * more than once, or the number is not the one of the occurrences. */
static bool few_place(struct segment *s, uint32_t column, struct segment_ids *out)
{
    const uint32_t *shapes = s->list_shapes;
    uint32_t total = 0, at = 0;
    for (uint32_t i = s->list_starts[column]; i < s->list_starts[column + 1]; i++) {
        total += s->shape_row_ends[shapes[i] + 1] - s->shape_row_ends[shapes[i]];
        if (i > s->list_starts[column] && shapes[i] == shapes[i - 1])
            return false;
    }
    if (total != out->count)
        return false;
    for (uint32_t i = s->list_starts[column]; i < s->list_starts[column + 1]; i++)
        for (uint32_t k = s->shape_row_ends[shapes[i]]; k < s->shape_row_ends[shapes[i] + 1]; k++)
            s->row_bits[s->shape_rows[k] / 64] |= (uint64_t)1 << s->shape_rows[k] % 64;
    for (uint32_t word = 0; word < SEGMENT_BLOCK_ROWS / 64; word++) {
        for (uint64_t bits = s->row_bits[word]; bits; bits &= bits - 1)
            out->rows[at++] = word * 64 + (uint32_t)__builtin_ctzll(bits);
        s->row_bits[word] = 0;
    }
    return true;
}

/* The row of each occurrence, by the shapes of the rows: most columns are at most once in a row,
 * many in few rows. */
static bool occurrences_place(struct segment *s, uint32_t column, uint32_t block,
                              const struct segment_rows *rows, struct segment_ids *out)
{
    const uint32_t *counts = segment_shape_counts(s, column);
    uint32_t at = 0, few = rows->count / 4;
    if (out->count < few && s->list_starts[column + 1] - s->list_starts[column] < few) {
        rows_by_shape(s, block, rows);
        if (few_place(s, column, out))
            return true;
    }
    for (uint32_t row = 0; row < rows->count; row++) {
        uint32_t count = counts[rows->shapes[row]];
        if (count > out->count - at)
            return false;
        out->rows[at] = row; /* there is room for one behind the last */
        at += count;
        for (uint32_t i = 1; i < count; i++)
            out->rows[at - i] = row;
    }
    return at == out->count;
}

int segment_read_entry_numbers(struct segment *s, uint32_t column, uint32_t block,
                               uint32_t *entries, struct err *err)
{
    const struct segment_column *c = &s->columns[column];
    const struct segment_refs *refs = &s->column_refs[column].blocks[block];
    uint32_t count = s->column_refs[column].occurrences[block];
    if (c->kind == COLUMN_CONSTANT)
        memset(entries, 0, count * sizeof *entries);
    if (c->kind == COLUMN_TEXT || c->kind == COLUMN_NUMBER)
        for (uint32_t i = 0; i < count; i++)
            entries[i] = i;
    if (c->kind != COLUMN_DICTIONARY || refs->count == 0)
        return ERR_OK;
    int rc = segment_read_chunk(s, refs->items, CHUNK_IDS, 1 + (size_t)count * 4, &s->raw, err);
    if (rc)
        return rc;
    if (!values_ids_unpack(buf_as_slice(&s->raw), entries, count, c->entry_count))
        return segment_damaged(s, err, "ids of field %.64s in block %u do not fit together",
                               c->name.data, block);
    return ERR_OK;
}

int segment_read_ids(struct segment *s, uint32_t column, uint32_t block,
                     const struct segment_rows *rows, struct segment_ids *out, struct err *err)
{
    check(column < s->about.column_count && block < s->about.block_count);
    out->count = s->column_refs[column].occurrences[block];
    if (out->count >= out->room) { /* exactly: a search holds those of hundreds of columns */
        out->room = out->count + 1;
        mem_free(out->entries);
        out->entries = mem_alloc((size_t)out->room * 2 * sizeof *out->entries);
        out->rows = out->entries + out->room;
    }
    int rc = segment_read_entry_numbers(s, column, block, out->entries, err);
    if (rc == ERR_OK && !occurrences_place(s, column, block, rows, out))
        rc = segment_damaged(s, err, "field %.64s does not fit the rows of block %u",
                             s->columns[column].name.data, block);
    if (rc)
        out->count = 0;
    return rc;
}

void segment_ids_free(struct segment_ids *ids)
{
    mem_free(ids->entries);
    *ids = (struct segment_ids){0};
}
