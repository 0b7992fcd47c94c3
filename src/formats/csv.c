#include "formats/csv.h"

#include "formats/probe.h"

/* The next cell of *s up to its separator, which goes too. *more says whether there was one,
 * *doubled whether "" stands in it. */
static int take_cell(struct slice *s, char separator, struct slice *cell, bool *doubled, bool *more)
{
    *doubled = false;
    size_t end;
    if (s->len && s->data[0] == '"') {
        size_t i = 1;
        while (i < s->len && (s->data[i] != '"' || (i + 1 < s->len && s->data[i + 1] == '"'))) {
            bool pair = s->data[i] == '"';
            *doubled = *doubled || pair;
            i += pair ? 2 : 1;
        }
        if (i >= s->len)
            return ERR_SYNTAX;
        *cell = slice_part(*s, 1, i - 1);
        end = i + 1;
        if (end < s->len && s->data[end] != separator)
            return ERR_SYNTAX;
    } else {
        size_t at = slice_find_char(*s, separator);
        end = at == SLICE_NONE ? s->len : at;
        *cell = slice_part(*s, 0, end);
    }
    *more = end < s->len;
    *s = slice_part(*s, end + 1, s->len);
    return ERR_OK;
}

static struct slice undouble(struct record *r, struct slice s)
{
    char *out = arena_bytes(&r->arena, s.len);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        out[len++] = s.data[i];
        if (s.data[i] == '"')
            i++;
    }
    return slice_make(out, len);
}

static struct slice without_end(struct slice s)
{
    if (s.len && s.data[s.len - 1] == '\n')
        s.len--;
    if (s.len && s.data[s.len - 1] == '\r')
        s.len--;
    return s;
}

static int add_cell(struct record *r, struct slice name, struct slice value, struct err *err)
{
    if (name.len > RECORD_NAME_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "a column name is longer than %d bytes",
                       RECORD_NAME_BYTES_MAX);
    return record_add(r, name, value, VALUE_STRING, 0, err);
}

int csv_parse(struct record *r, struct slice text, const struct format_header *header,
              struct err *err)
{
    if (!header || header->column_count == 0)
        return err_set(err, ERR_SYNTAX, "the CSV file has no header row that names its columns");
    text = without_end(text);
    size_t total = text.len;
    uint64_t cells = 0;
    for (bool more = true; more; cells++) {
        struct slice cell;
        bool doubled;
        size_t at = total - text.len;
        if (take_cell(&text, header->separator, &cell, &doubled, &more))
            return err_set_at(err, ERR_SYNTAX, 0, (uint32_t)(at + 1),
                              "the quotes of cell %llu do not close before the next '%c'",
                              (unsigned long long)cells + 1, header->separator);
        if (cells >= header->column_count)
            continue;
        int rc = add_cell(r, header->columns[cells], doubled ? undouble(r, cell) : cell, err);
        if (rc)
            return rc;
    }
    if (cells != header->column_count)
        return err_set(err, ERR_SYNTAX, "the row has %llu cells, its header has %u columns",
                       (unsigned long long)cells, header->column_count);
    return ERR_OK;
}

enum { PROBE_ROWS = 4 };

/* Number of cells of a row, 0 when it is not one or has a cell that no header has. */
static uint32_t count_cells(struct slice row, char separator, bool is_header)
{
    uint32_t cells = 0;
    for (bool more = true; more; cells++) {
        struct slice cell;
        bool doubled;
        if (take_cell(&row, separator, &cell, &doubled, &more))
            return 0;
        if (is_header &&
            (cell.len == 0 || cell.len > 100 || slice_find_char(cell, '=') != SLICE_NONE))
            return 0;
    }
    return cells;
}

static int probe_separator(struct slice head, char separator)
{
    struct slice row;
    bool whole = true;
    if (!probe_line(&head, &row, &whole) || strchr("{[<#", row.data[0]))
        return 0;
    uint32_t columns = count_cells(row, separator, true);
    if (columns < 2)
        return 0;
    int rows = 0;
    while (rows < PROBE_ROWS && probe_line(&head, &row, &whole) && whole) {
        if (count_cells(row, separator, false) != columns)
            return 0;
        rows++;
    }
    if (rows == 0)
        return columns > 2 ? 30 : 10;
    return columns > 2 ? 70 : 40;
}

int csv_probe(struct slice head)
{
    if (slice_starts(head, SLICE("\xef\xbb\xbf")))
        head = slice_part(head, 3, head.len);
    int best = 0;
    for (const char *separator = ",;\t|"; *separator; separator++) {
        int sure = probe_separator(head, *separator);
        best = sure > best ? sure : best;
    }
    return best;
}
