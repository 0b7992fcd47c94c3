#include "program/search_run.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/cell.h"
#include "program/cli.h"
#include "program/grid.h"
#include "program/interrupt.h"
#include "program/row_text.h"

#define PARTIAL_NS  500000000ull
#define WRITE_BYTES ((size_t)64 << 10)
enum { PROGRESS_COLUMNS = 78 };

struct searching {
    const struct search_run_options *options;
    struct search_run_result *result;
    struct row_text *text;
    struct grid *grid;
    struct pipe *pipeline;
    const struct store_item *item; /* the newest row */
    struct buf out;
    uint64_t flushed_ns, partial_ns;
    uint64_t held_ns;      /* since when the grid holds rows; 0: none yet */
    unsigned screen_lines; /* of progress, to be taken away before anything else is written */
    bool enough, failed;
};

/* ---- the lines on stderr ---- */

static void screen_clear(struct searching *s)
{
    if (s->screen_lines == 0)
        return;
    (void)fprintf(stderr, "\r");
    if (s->screen_lines > 1)
        (void)fprintf(stderr, "\033[%uA", s->screen_lines - 1);
    (void)fprintf(stderr, "\033[J");
    (void)fflush(stderr);
    s->screen_lines = 0;
}

struct partial {
    struct grid *grid;
    struct buf text;
    unsigned rows;
};

static int partial_row(void *context, const struct pipe_result *row, struct err *err)
{
    struct partial *p = context;
    (void)err;
    if (p->rows++ < SEARCH_RUN_PARTIAL_ROWS)
        grid_row(p->grid, row->cells, &p->text);
    return ERR_OK;
}

/* What has been counted so far, above the line of progress. */
static void partial_put(struct searching *s, struct buf *out)
{
    const struct query *query = s->options->run->query;
    struct output_options table = *s->options->output;
    struct partial p = {0};
    if (!s->pipeline || query->columns.count == 0 || clock_monotonic_ns() < s->partial_ns)
        return;
    s->partial_ns = clock_monotonic_ns() + PARTIAL_NS;
    table.kind = OUTPUT_TABLE;
    table.columns = table.columns ? table.columns : PROGRESS_COLUMNS;
    p.grid = grid_open(&table, &query->columns);
    uint64_t start_ns = clock_monotonic_ns();
    if (pipe_partial(s->pipeline, partial_row, &p, NULL) == ERR_OK && p.rows) {
        grid_flush(p.grid, &p.text);
        buf_slice(out, buf_as_slice(&p.text));
        s->screen_lines +=
            1 + (p.rows < SEARCH_RUN_PARTIAL_ROWS ? p.rows : SEARCH_RUN_PARTIAL_ROWS);
    }
    /* large results are shown more seldom: showing them is not to cost more than searching */
    s->partial_ns += 10 * (clock_monotonic_ns() - start_ns);
    grid_close(&p.grid);
    buf_free(&p.text);
}

static void bytes_put(struct buf *out, uint64_t bytes)
{
    if (bytes >= (uint64_t)1 << 30)
        buf_printf(out, "%.1f GB", (double)bytes / (double)((uint64_t)1 << 30));
    else
        buf_printf(out, "%.1f MB", (double)bytes / (double)((uint64_t)1 << 20));
}

static void screen_show(struct searching *s)
{
    const struct store_progress *p = &s->result->progress;
    bool vi = s->options->output->vietnamese;
    struct buf out = {0}, line = {0};
    if (!s->options->progress)
        return;
    screen_clear(s);
    partial_put(s, &out);
    bytes_put(&line, p->bytes_done);
    buf_string(&line, vi ? " trên " : " of ");
    bytes_put(&line, p->bytes_total);
    if (p->bytes_total)
        buf_printf(&line, " (%u%%)", (unsigned)(p->bytes_done * 100 / p->bytes_total));
    buf_printf(&line,
               vi ? ", bỏ qua %llu/%llu phân đoạn, %llu sự kiện khớp"
                  : ", %llu of %llu segments pruned, %llu hits",
               (unsigned long long)p->segments_pruned, (unsigned long long)p->segments,
               (unsigned long long)p->hits);
    (void)cell_terminal(buf_as_slice(&line), PROGRESS_COLUMNS, &out);
    (void)fwrite(out.data, 1, out.len, stderr);
    (void)fflush(stderr);
    s->screen_lines++;
    buf_free(&line);
    buf_free(&out);
}

/* ---- rows ---- */

static void rows_write(struct searching *s)
{
    if (s->grid)
        grid_flush(s->grid, &s->out);
    s->flushed_ns = clock_monotonic_ns();
    if (s->out.len == 0)
        return;
    screen_clear(s);
    s->failed |= cli_write(&s->out, &s->result->closed) != CLI_OK;
}

static void rows_write_due(struct searching *s)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (s->grid && s->held_ns == 0)
        s->held_ns = now_ns; /* a table's widths come from more than its first row */
    uint64_t since_ns = s->held_ns > s->flushed_ns ? s->held_ns : s->flushed_ns;
    if (s->out.len >= WRITE_BYTES || now_ns - since_ns >= SEARCH_RUN_FLUSH_NS)
        rows_write(s);
}

static int fetched_show(void *context, const struct row *row)
{
    struct searching *s = context;
    row_text_row(s->text, row, NULL, 0, &s->out);
    return ERR_OK;
}

/* Counts a result row; false when no more are wanted. */
static bool row_counts(struct searching *s)
{
    if (s->options->limit && s->result->rows >= s->options->limit) {
        s->result->limited = s->enough = true;
        return false;
    }
    s->result->rows++;
    return true;
}

static int emit(void *context, const struct pipe_result *result, struct err *err)
{
    struct searching *s = context;
    int rc = ERR_OK;
    if (s->failed || s->result->closed || !row_counts(s))
        return ERR_OK;
    if (s->grid)
        grid_row(s->grid, result->cells, &s->out);
    else if (result->row)
        row_text_item(s->text, s->item, &s->out);
    else /* an event that retention removed meanwhile is left out */
        rc = store_get(s->options->store, result->id, fetched_show, s, err);
    rows_write_due(s);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static struct slice value_get(void *context, uint32_t field, uint32_t nth)
{
    struct searching *s = context;
    return query_values_get(s->options->run->values, field, nth);
}

static int row_take(struct searching *s, const struct store_item *item, struct err *err)
{
    const struct row *row = item->row;
    s->item = item;
    if (!s->pipeline) {
        if (row_counts(s))
            row_text_item(s->text, item, &s->out);
        rows_write_due(s);
        return ERR_OK;
    }
    query_values_row(s->options->run->values, row);
    struct pipe_row fed = {
        .time_ns = row_time(row), .id = row->sequence, .get = value_get, .context = s};
    int rc = pipe_feed(s->pipeline, &fed, err);
    s->enough |= rc == PIPE_ENOUGH;
    return rc == PIPE_ENOUGH ? ERR_OK : rc;
}

static bool goes_on(const struct searching *s)
{
    return !s->enough && !s->failed && !s->result->closed;
}

static int rows_read(struct searching *s, struct err *err)
{
    struct store_cursor *cursor = NULL;
    struct store_item item;
    int rc = store_search(s->options->store, &s->options->run->search, &cursor, err);
    if (rc)
        return rc;
    while (rc == ERR_OK && goes_on(s)) {
        rc = interrupt_came() ? err_set(err, ERR_CANCELED, "the search was stopped")
                              : store_next(cursor, &item, err);
        if (rc)
            break;
        s->result->progress = item.progress;
        if (item.kind == STORE_ROW) {
            rc = row_take(s, &item, err);
        } else {
            rows_write(s);
            screen_show(s);
        }
    }
    store_cursor_progress(cursor, &s->result->progress);
    store_cursor_close(&cursor);
    return rc == ERR_END ? ERR_OK : rc;
}

static void searching_open(struct searching *s)
{
    const struct search_run_options *o = s->options;
    const struct query *query = o->run->query;
    struct row_text_options text = {.output = o->output,
                                    .mappings = o->run->mappings,
                                    .set = o->run->set,
                                    .hidden = &query->hidden};
    if (query->pipe_count)
        s->pipeline = pipe_open(
            query, o->run->search.memory_bytes ? o->run->search.memory_bytes : STORE_QUERY_BYTES,
            emit, s);
    if (query_run_gives_events(o->run)) {
        s->text = row_text_open(&text);
        if (!o->no_heading)
            row_text_heading(s->text, &s->out);
    } else {
        s->grid = grid_open(o->output, &query->columns);
    }
    s->partial_ns = clock_monotonic_ns() + PARTIAL_NS;
}

static bool is_partial(int rc)
{
    return rc == ERR_CANCELED || rc == ERR_LIMIT;
}

int search_run(const struct search_run_options *options, struct search_run_result *result,
               struct err *err)
{
    struct searching s = {.options = options, .result = result};
    struct pipe_figures figures = {0};
    searching_open(&s);
    int rc = options->run->query->nothing ? ERR_OK : rows_read(&s, err);
    result->stopped = is_partial(rc);
    if (s.pipeline && (rc == ERR_OK || result->stopped) && !s.failed && !result->closed) {
        struct err own;
        int end = pipe_end(s.pipeline, result->stopped ? &own : err);
        rc = result->stopped ? rc : end;
        result->stopped |= is_partial(end);
    }
    if (s.pipeline)
        pipe_measure(s.pipeline, &figures);
    result->skipped_values = figures.skipped_values;
    result->capped = figures.capped;
    if (s.grid && (rc == ERR_OK || result->stopped))
        grid_end(s.grid, &s.out);
    if (!s.failed && !result->closed)
        rows_write(&s);
    screen_clear(&s);
    row_text_close(&s.text);
    grid_close(&s.grid);
    pipe_close(&s.pipeline);
    buf_free(&s.out);
    if (s.failed)
        return ERR_IO;
    return result->stopped ? ERR_OK : rc;
}
