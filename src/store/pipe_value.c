/* Cells: reading them out of rows, comparing them, and the bytes that tell them apart. */
#include <math.h>

#include "base/text.h"
#include "store/pipe_inside.h"

static struct pipe_cell text_cell(struct slice text)
{
    struct pipe_cell cell = {.kind = PIPE_TEXT, .text = text};
    if (text.len > PIPE_CELL_BYTES_MAX)
        cell.text.len = PIPE_CELL_BYTES_MAX;
    if (predicate_number_of(text, &cell.number))
        cell.kind = PIPE_NUMBER;
    return cell;
}

static struct pipe_cell time_cell(struct pipe *line, int64_t time_ns)
{
    buf_clear(&line->text);
    buf_reserve(&line->text, CLOCK_TEXT_BYTES);
    line->text.len = clock_text(line->text.data, time_ns);
    return (struct pipe_cell){
        .kind = PIPE_TIME, .text = buf_as_slice(&line->text), .time_ns = time_ns};
}

static struct slice event_value(const struct pipe_input *row, uint16_t ref, uint32_t nth)
{
    return row->event->get(row->event->context, ref, nth);
}

struct pipe_cell pipe_value(struct pipe *line, const struct pipe_input *row, uint16_t ref,
                            uint32_t nth)
{
    bool is_event = row->event || row->index;
    if (is_event && ref == line->time_field)
        return nth == 0 && row->time_ns != CLOCK_NONE ? time_cell(line, row->time_ns)
                                                      : (struct pipe_cell){0};
    if (row->event) {
        struct slice text = event_value(row, ref, nth);
        return text.data ? text_cell(text) : (struct pipe_cell){0};
    }
    uint32_t at = row->index ? row->index[ref] : ref;
    return nth == 0 && at < row->cell_count ? row->cells[at] : (struct pipe_cell){0};
}

struct pipe_cell pipe_joined(struct pipe *line, const struct pipe_input *row, uint16_t ref)
{
    struct pipe_cell first = pipe_value(line, row, ref, 0);
    if (!row->event || first.kind == PIPE_MISSING || first.kind == PIPE_TIME ||
        !event_value(row, ref, 1).data)
        return first;
    buf_clear(&line->text);
    for (uint32_t n = 0; n < PIPE_VALUES_MAX && line->text.len < PIPE_CELL_BYTES_MAX; n++) {
        struct slice text = event_value(row, ref, n);
        if (!text.data)
            break;
        if (n > 0)
            buf_string(&line->text, ", ");
        buf_slice(&line->text, slice_part(text, 0, PIPE_CELL_BYTES_MAX));
    }
    struct slice joined = slice_part(buf_as_slice(&line->text), 0, PIPE_CELL_BYTES_MAX);
    return (struct pipe_cell){.kind = PIPE_TEXT, .text = joined};
}

/* The begin of the local span of that width that the time is in. */
static int64_t bucket_begin(const struct clock_zone *zone, int64_t time_ns, int64_t width_ns)
{
    int64_t offset = clock_zone_offset(zone, time_ns) * CLOCK_SECOND_NS;
    int64_t local, begin, result;
    if (__builtin_add_overflow(time_ns, offset, &local))
        return time_ns;
    begin = local - (local % width_ns + width_ns) % width_ns;
    return __builtin_sub_overflow(begin, offset, &result) ? time_ns : result;
}

struct pipe_cell pipe_key_value(struct pipe *line, const struct pipe_input *row,
                                const struct query_key *key)
{
    struct pipe_cell cell = pipe_value(line, row, key->ref, 0);
    if (key->bucket_ns == 0)
        return cell;
    if (cell.kind != PIPE_TIME)
        return (struct pipe_cell){0};
    return time_cell(line, bucket_begin(line->query->zone, cell.time_ns, key->bucket_ns));
}

static int compare_texts(struct slice a, struct slice b)
{
    for (size_t i = 0, j = 0; i < a.len && j < b.len;) {
        uint32_t x = text_fold_char(text_next_char(a, &i));
        uint32_t y = text_fold_char(text_next_char(b, &j));
        if (x != y)
            return x < y ? -1 : 1;
        if (i == a.len || j == b.len)
            return (j == b.len) - (i == a.len);
    }
    return (a.len > 0) - (b.len > 0);
}

static int cell_rank(const struct pipe_cell *cell)
{
    return cell->kind == PIPE_NUMBER ? 0
           : cell->kind == PIPE_TIME ? 1
           : cell->kind == PIPE_TEXT ? 2
                                     : 3;
}

int pipe_cell_compare(const struct pipe_cell *a, const struct pipe_cell *b)
{
    int x = cell_rank(a), y = cell_rank(b);
    if (x != y)
        return x < y ? -1 : 1;
    switch (a->kind) {
    case PIPE_NUMBER:
        return (a->number > b->number) - (a->number < b->number);
    case PIPE_TIME:
        return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
    case PIPE_TEXT:
        return compare_texts(a->text, b->text);
    case PIPE_MISSING:
        break;
    }
    return 0;
}

struct pipe_cell pipe_number(double number, struct arena *arena)
{
    bool whole = fabs(number) < 1e15 && floor(number) >= number;
    if (!isfinite(number))
        return (struct pipe_cell){.kind = PIPE_TEXT, .text = SLICE("out of range")};
    return (struct pipe_cell){.kind = PIPE_NUMBER,
                              .text = arena_printf(arena, whole ? "%.0f" : "%.15g", number + 0.0),
                              .number = number};
}

struct pipe_cell pipe_time(int64_t time_ns, struct arena *arena)
{
    char text[CLOCK_TEXT_BYTES];
    size_t length = clock_text(text, time_ns);
    return (struct pipe_cell){
        .kind = PIPE_TIME, .text = arena_copy(arena, slice_make(text, length)), .time_ns = time_ns};
}

void pipe_key_append(struct pipe *line, const struct pipe_cell *cell)
{
    struct buf *key = &line->key;
    if (cell->kind == PIPE_TIME) {
        buf_char(key, 't');
        buf_append(key, &cell->time_ns, sizeof(cell->time_ns));
        return;
    }
    if (cell->kind == PIPE_MISSING) {
        buf_char(key, 'm');
        return;
    }
    buf_clear(&line->fold);
    buf_reserve(&line->fold, text_fold_room(cell->text.len));
    size_t length = text_fold(line->fold.data, cell->text);
    buf_char(key, 'v');
    buf_append(key, &length, sizeof(length));
    buf_append(key, line->fold.data, length);
}
