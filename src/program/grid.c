#include "program/grid.h"

#include "base/mem.h"
#include "formats/json.h"
#include "program/cell.h"
#include "program/row_text.h"

enum {
    GAP = 2,
    COLUMN_MIN = 4,
    COLUMN_MAX = 60 /* where nothing says how wide the table may be */
};

struct grid {
    const struct output_options *output;
    const struct slice_list *columns;
    uint32_t *widths;
    bool *right; /* numbers */
    struct buf held;
    struct grid_cell {
        size_t start, len; /* in held */
        bool number;
    } * cells;
    uint32_t rows; /* held */
    bool settled;
};

struct grid *grid_open(const struct output_options *output, const struct slice_list *columns)
{
    struct grid *g = mem_zeroed(1, sizeof(*g));
    g->output = output;
    g->columns = columns;
    g->widths = mem_zeroed(columns->count + 1, sizeof(*g->widths));
    g->right = mem_zeroed(columns->count + 1, sizeof(*g->right));
    g->cells = mem_zeroed((size_t)GRID_HELD_MAX * (columns->count + 1), sizeof(*g->cells));
    return g;
}

void grid_close(struct grid **g)
{
    if (!*g)
        return;
    buf_free(&(*g)->held);
    mem_free((*g)->widths);
    mem_free((*g)->right);
    mem_free((*g)->cells);
    mem_free(*g);
    *g = NULL;
}

/* ---- table ---- */

static uint32_t width_of(struct slice text)
{
    struct buf scratch = {0};
    uint32_t width = cell_terminal(text, 0, &scratch);
    buf_free(&scratch);
    return width;
}

static struct slice held_text(const struct grid *g, uint32_t row, uint32_t column)
{
    const struct grid_cell *c = &g->cells[(size_t)row * g->columns->count + column];
    return slice_make(g->held.data ? g->held.data + c->start : "", c->len);
}

/* The widest columns give way until all fit. */
static void widths_fit(struct grid *g)
{
    uint32_t count = g->columns->count, total = 0;
    for (uint32_t c = 0; c < count; c++) {
        if (g->output->columns == 0 && g->widths[c] > COLUMN_MAX)
            g->widths[c] = COLUMN_MAX;
        total += g->widths[c] + (c ? GAP : 0);
    }
    while (g->output->columns && total > g->output->columns) {
        uint32_t widest = 0;
        for (uint32_t c = 1; c < count; c++)
            if (g->widths[c] >= g->widths[widest])
                widest = c;
        if (g->widths[widest] <= COLUMN_MIN)
            break;
        g->widths[widest]--;
        total--;
    }
}

static void table_cell(const struct grid *g, uint32_t column, struct slice text, struct buf *out)
{
    struct buf cell = {0};
    uint32_t width = cell_terminal(text, g->widths[column], &cell);
    uint32_t blanks = g->widths[column] > width ? g->widths[column] - width : 0;
    bool last = column + 1 == g->columns->count;
    if (g->right[column])
        cell_blanks(out, blanks);
    buf_slice(out, buf_as_slice(&cell));
    if (!last)
        cell_blanks(out, GAP + (g->right[column] ? 0 : blanks));
    buf_free(&cell);
}

static void table_settle(struct grid *g, struct buf *out)
{
    g->settled = true;
    for (uint32_t c = 0; c < g->columns->count; c++) {
        g->widths[c] = width_of(g->columns->items[c]);
        g->right[c] = g->rows > 0;
        for (uint32_t r = 0; r < g->rows; r++) {
            uint32_t width = width_of(held_text(g, r, c));
            bool empty = held_text(g, r, c).len == 0;
            g->right[c] &= empty || g->cells[(size_t)r * g->columns->count + c].number;
            g->widths[c] = width > g->widths[c] ? width : g->widths[c];
        }
    }
    widths_fit(g);
    if (g->output->colour)
        buf_string(out, "\033[1m");
    for (uint32_t c = 0; c < g->columns->count; c++)
        table_cell(g, c, g->columns->items[c], out);
    buf_string(out, g->output->colour ? "\033[0m\n" : "\n");
}

static void table_flush(struct grid *g, struct buf *out)
{
    if (!g->settled)
        table_settle(g, out);
    for (uint32_t r = 0; r < g->rows; r++) {
        for (uint32_t c = 0; c < g->columns->count; c++)
            table_cell(g, c, held_text(g, r, c), out);
        buf_char(out, '\n');
    }
    g->rows = 0;
    buf_clear(&g->held);
}

static void table_row(struct grid *g, const struct pipe_cell *cells, struct buf *out)
{
    struct grid_cell *row = &g->cells[(size_t)g->rows * g->columns->count];
    for (uint32_t c = 0; c < g->columns->count; c++) {
        row[c].start = g->held.len;
        row[c].number = cells[c].kind == PIPE_NUMBER;
        if (cells[c].capped)
            buf_char(&g->held, '~');
        if (cells[c].kind == PIPE_TIME)
            row_text_time(g->output->zone, cells[c].time_ns, &g->held);
        else
            buf_slice(&g->held, slice_part(cells[c].text, 0, GRID_CELL_BYTES_MAX));
        row[c].len = g->held.len - row[c].start;
    }
    if (++g->rows == GRID_HELD_MAX || g->settled)
        table_flush(g, out);
}

/* ---- lines ---- */

static bool is_number(struct slice text)
{
    struct json_reader r;
    json_reader_open(&r, text);
    return json_next(&r) == JSON_NUMBER && json_next(&r) == JSON_END;
}

static void json_row(const struct grid *g, const struct pipe_cell *cells, struct buf *out)
{
    struct json_writer w = {.out = out};
    bool capped = false;
    json_open_object(&w);
    for (uint32_t c = 0; c < g->columns->count; c++) {
        json_key_slice(&w, g->columns->items[c]);
        if (cells[c].kind == PIPE_MISSING)
            json_null(&w);
        else if (cells[c].kind != PIPE_NUMBER)
            json_string(&w, cells[c].text);
        else if (is_number(cells[c].text))
            json_raw(&w, cells[c].text);
        else
            json_double(&w, cells[c].number);
        capped |= cells[c].capped;
    }
    if (capped) {
        json_key(&w, "_capped");
        json_open_array(&w);
        for (uint32_t c = 0; c < g->columns->count; c++)
            if (cells[c].capped)
                json_string(&w, g->columns->items[c]);
        json_close_array(&w);
    }
    json_close_object(&w);
    buf_char(out, '\n');
}

static void csv_heading(struct grid *g, struct buf *out)
{
    g->settled = true;
    for (uint32_t c = 0; c < g->columns->count; c++) {
        if (c)
            buf_char(out, ',');
        cell_csv(g->columns->items[c], out);
    }
    buf_string(out, "\r\n");
}

static void csv_row(struct grid *g, const struct pipe_cell *cells, struct buf *out)
{
    if (!g->settled)
        csv_heading(g, out);
    for (uint32_t c = 0; c < g->columns->count; c++) {
        if (c)
            buf_char(out, ',');
        if (cells[c].kind == PIPE_NUMBER) /* a sign is no formula here */
            buf_slice(out, cells[c].text);
        else
            cell_csv(cells[c].text, out);
    }
    buf_string(out, "\r\n");
}

void grid_row(struct grid *g, const struct pipe_cell *cells, struct buf *out)
{
    if (g->output->kind == OUTPUT_TABLE)
        table_row(g, cells, out);
    else if (g->output->kind == OUTPUT_CSV)
        csv_row(g, cells, out);
    else
        json_row(g, cells, out);
}

void grid_flush(struct grid *g, struct buf *out)
{
    if (g->output->kind == OUTPUT_TABLE && g->rows)
        table_flush(g, out);
}

void grid_end(struct grid *g, struct buf *out)
{
    if (g->output->kind == OUTPUT_TABLE)
        table_flush(g, out);
    else if (g->output->kind == OUTPUT_CSV && !g->settled)
        csv_heading(g, out);
}
