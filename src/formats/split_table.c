/* Files with header lines: CSV (RFC 4180) and W3C extended log files.
 *
 * CSV: a quote opens only at the start of a field and closes before a separator or a line end. A
 * row whose quote never closes, or closes elsewhere, is given up: its first line alone is refused,
 * so that one stray quote costs one line. */
#include "formats/split_state.h"

enum row_result { ROW_WHOLE, ROW_MORE, ROW_BROKEN };

/* The end of the row (its line end, or the end of the block when last). */
static enum row_result find_row_end(struct slice block, char separator, bool last, size_t *end)
{
    const char *p = block.data, *stop = p + block.len;
    while (p < stop) {
        if (*p != '"') { /* a field without quotes */
            while (p < stop && *p != separator && *p != '\n')
                p++;
        } else {
            for (p++;;) {
                const char *quote = p < stop ? memchr(p, '"', (size_t)(stop - p)) : NULL;
                if (!quote)
                    return last ? ROW_BROKEN : ROW_MORE;
                p = quote + 1;
                if (p == stop && !last)
                    return ROW_MORE;
                if (p == stop || *p != '"')
                    break;
                p++;
            }
            if (p + 1 < stop && *p == '\r' && p[1] == '\n')
                p++;
            if (p + 1 == stop && *p == '\r' && !last)
                return ROW_MORE;
            if (p < stop && *p != separator && *p != '\n' && *p != '\r')
                return ROW_BROKEN;
        }
        if (p < stop && *p == '\n') {
            *end = (size_t)(p - block.data);
            return ROW_WHOLE;
        }
        if (p < stop)
            p++;
    }
    *end = block.len;
    return last ? ROW_WHOLE : ROW_MORE;
}

/* The likeliest of the four in the header row: the one that stands there most often outside quotes.
 */
static char guess_separator(struct slice head)
{
    static const char separators[] = {',', ';', '\t', '|'};
    size_t counts[sizeof(separators)] = {0};
    bool quoted = false;
    for (size_t i = 0; i < head.len && head.data[i] != '\n'; i++) {
        if (head.data[i] == '"')
            quoted = !quoted;
        for (size_t k = 0; !quoted && k < sizeof(separators); k++)
            counts[k] += head.data[i] == separators[k];
    }
    size_t best = 0;
    for (size_t k = 1; k < sizeof(separators); k++)
        if (counts[k] > counts[best])
            best = k;
    return separators[best];
}

/* The next field of a row into the arena, without its quotes; false: there is none left. */
static bool next_column(struct arena *arena, struct slice *rest, char separator,
                        struct slice *column)
{
    if (!rest->data)
        return false;
    struct slice in = *rest;
    if (in.len == 0 || in.data[0] != '"') {
        struct slice part = slice_cut(rest, separator);
        if (part.len == in.len)
            rest->data = NULL;
        *column = arena_copy(arena, slice_trim(part));
        return true;
    }
    char *to = arena_bytes(arena, in.len);
    size_t len = 0, at = 1;
    for (; at < in.len; at++) {
        if (in.data[at] == '"' && (at + 1 == in.len || in.data[++at] != '"'))
            break;
        to[len++] = in.data[at];
    }
    *column = slice_make(to, len);
    while (at < in.len && in.data[at] != separator)
        at++;
    *rest = at < in.len ? slice_part(in, at + 1, in.len) : (struct slice){0};
    return true;
}

/* A header of the columns in row; the header before when there is no room for more. */
static bool make_header(struct split *s, struct slice row, char separator, struct slice date)
{
    struct arena *arena = &s->header_arena;
    if (arena->total_bytes > SPLIT_HEADER_BYTES_MAX || row.len > SPLIT_HEADER_BYTES_MAX / 4)
        return false;
    size_t count = 1;
    for (size_t i = 0; i < row.len; i++)
        count += row.data[i] == separator;
    if (count > RECORD_FIELDS_MAX)
        return false;
    struct format_header *header = arena_zeroed(arena, 1, sizeof(*header));
    header->columns = arena_zeroed(arena, count, sizeof(*header->columns));
    header->separator = separator;
    header->date = arena_copy(arena, date);
    struct slice column;
    while (next_column(arena, &row, separator, &column))
        if (column.len > 0 || separator != ' ')
            header->columns[header->column_count++] = column;
    s->header = header;
    return true;
}

static void take_row(struct split *s, struct slice row, char separator, struct span_list *out)
{
    uint64_t line = s->line;
    if (row.len > 0 && row.data[row.len - 1] == '\r')
        row.len--;
    if (slice_trim(row).len == 0)
        return;
    if (row.len > RECORD_BYTES_MAX) {
        split_refuse(s, line, "the row is longer than a record may be (16 MiB)");
    } else if (!s->header) {
        if (!make_header(s, row, separator, SLICE(""))) {
            split_refuse(s, line, "the header row has too many columns");
            s->ended = true;
        }
    } else {
        split_give(s, out, (struct span){.text = row, .line = line, .header = s->header});
    }
}

/* The first line of what is there is not taken; false: it has no end yet. */
static bool refuse_line(struct split *s, struct slice block, bool last, size_t *at)
{
    const char *end = memchr(block.data + *at, '\n', block.len - *at);
    if (!end && !last && block.len - *at <= RECORD_BYTES_MAX)
        return false;
    size_t len = end ? (size_t)(end - block.data) - *at : block.len - *at;
    split_refuse(s, s->line++,
                 len > RECORD_BYTES_MAX ? "the row is longer than a record may be (16 MiB)"
                                        : "a quote opens in this row and does not close rightly");
    *at = end ? (size_t)(end - block.data) + 1 : block.len;
    if (!end && !last)
        s->skip = SKIP_LINE;
    return true;
}

size_t split_csv_feed(struct split *s, struct slice block, bool last, struct span_list *out)
{
    size_t at = 0;
    while (at < block.len && !s->ended) {
        struct slice rest = slice_part(block, at, block.len);
        size_t end;
        if (s->skip == SKIP_LINE) {
            end = slice_find_char(rest, '\n');
            at += end == SLICE_NONE ? rest.len : end + 1;
            s->skip = end == SLICE_NONE ? SKIP_LINE : SKIP_NONE;
            continue;
        }
        bool line_ends = memchr(rest.data, '\n', rest.len) != NULL;
        if (!s->header && !line_ends && !last && rest.len <= RECORD_BYTES_MAX)
            return at; /* the separator shows itself in the whole first line */
        char separator = s->header ? s->header->separator : guess_separator(rest);
        enum row_result result = find_row_end(rest, separator, last, &end);
        if (result == ROW_MORE && rest.len <= RECORD_BYTES_MAX)
            return at;
        if (result != ROW_WHOLE) {
            if (!refuse_line(s, block, last, &at))
                return at;
            continue;
        }
        struct slice row = slice_part(rest, 0, end);
        take_row(s, row, separator, out);
        s->line += split_count_lines(row) + 1;
        at += end < rest.len ? end + 1 : end;
    }
    return block.len;
}

static void take_directive(struct split *s, struct slice line)
{
    static const struct slice fields = {"#Fields:", 8}, date = {"#Date:", 6};
    struct slice old_date = s->header ? s->header->date : SLICE("");
    bool made = true;
    if (slice_starts(line, fields)) {
        struct slice row = slice_trim(slice_part(line, fields.len, line.len));
        char separator = slice_find_char(row, ' ') == SLICE_NONE ? guess_separator(row) : ' ';
        if (separator == '|' || separator == ';')
            separator = ' ';
        made = make_header(s, row, separator, old_date);
    } else if (slice_starts(line, date)) {
        struct slice value = slice_trim(slice_part(line, date.len, line.len));
        if (slice_equal(value, old_date))
            return;
        struct format_header *header = NULL;
        made = s->header_arena.total_bytes <= SPLIT_HEADER_BYTES_MAX && value.len <= 64;
        if (made) {
            header = arena_zeroed(&s->header_arena, 1, sizeof(*header));
            if (s->header)
                *header = *s->header;
            header->date = arena_copy(&s->header_arena, value);
            s->header = header;
        }
    }
    if (!made)
        split_refuse(s, s->line - 1, "more or longer header lines than are kept");
}

size_t split_w3c_feed(struct split *s, struct slice block, bool last, struct span_list *out)
{
    size_t at = 0;
    struct slice line;
    while (split_next_line(s, block, last, &at, &line)) {
        uint64_t number = s->line - 1;
        if (slice_trim(line).len == 0)
            continue;
        if (line.data[0] == '#')
            take_directive(s, line);
        else if (!s->header || s->header->column_count == 0)
            split_refuse(s, number, "no #Fields line stands before this row");
        else
            split_give(s, out, (struct span){.text = line, .line = number, .header = s->header});
    }
    return at;
}
