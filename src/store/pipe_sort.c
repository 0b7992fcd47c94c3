/* Sort: holds rows, or only the first of them when a limit follows at once. A row is one block: its
 * keys, the cells that later pipes read, and their texts. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/pipe_inside.h"

struct sort_row {
    size_t bytes;
    uint64_t number; /* order of arrival, for equal keys */
    uint64_t id;
    int64_t time_ns;
    struct pipe_cell cells[]; /* keys, then what is kept */
};

struct pipe_sort {
    const struct query_pipe *pipe;
    struct sort_row **rows;
    uint64_t count, capacity, arrived;
    uint64_t keep;       /* 0: all */
    uint16_t *kept_refs; /* fields of events, or columns, that later pipes read */
    uint32_t kept_count;
    uint16_t *index; /* events: field number -> place among the kept */
};

enum { SORT_ROWS_AT_FIRST = 64 };

static void keep_ref(struct pipe_sort *s, uint16_t ref)
{
    if (ref == QUERY_NO_REF || s->index[ref] != UINT16_MAX)
        return;
    s->index[ref] = (uint16_t)s->kept_count;
    s->kept_refs[s->kept_count++] = ref;
}

/* What is read behind this sort, up to the pipe that makes a table. */
static void keep_event_fields(struct pipe_sort *s, const struct query *q)
{
    s->kept_refs = mem_zeroed(q->fields.count + 1, sizeof(*s->kept_refs));
    s->index = mem_alloc((q->fields.count + 1) * sizeof(*s->index));
    memset(s->index, 0xff, (q->fields.count + 1) * sizeof(*s->index));
    for (const struct query_pipe *p = s->pipe + 1; p < q->pipes + q->pipe_count; p++) {
        for (uint32_t i = 0; i < p->key_count; i++)
            keep_ref(s, p->keys[i].ref);
        for (uint32_t i = 0; i < p->aggregate_count; i++)
            keep_ref(s, p->aggregates[i].ref);
        if (p->table_output)
            break;
    }
}

struct pipe_sort *pipe_sort_open(struct pipe *line, const struct query_pipe *pipe)
{
    const struct query *q = line->query;
    struct pipe_sort *s = mem_zeroed(1, sizeof(*s));
    s->pipe = pipe;
    if (pipe + 1 < q->pipes + q->pipe_count && pipe[1].kind == QUERY_LIMIT)
        s->keep = pipe[1].limit;
    if (!pipe->table_input) {
        keep_event_fields(s, q);
        return s;
    }
    s->kept_count = pipe->columns.count;
    s->kept_refs = mem_zeroed(s->kept_count + 1, sizeof(*s->kept_refs));
    for (uint32_t i = 0; i < s->kept_count; i++)
        s->kept_refs[i] = (uint16_t)i;
    return s;
}

static void row_free(struct pipe *line, struct sort_row *row)
{
    pipe_release(line, row->bytes);
    mem_free(row);
}

void pipe_sort_close(struct pipe *line, struct pipe_sort **sort)
{
    struct pipe_sort *s = *sort;
    if (!s)
        return;
    for (uint64_t i = 0; i < s->count; i++)
        row_free(line, s->rows[i]);
    pipe_release(line, s->capacity * sizeof(struct sort_row *));
    mem_free(s->rows);
    mem_free(s->kept_refs);
    mem_free(s->index);
    mem_free(s);
    *sort = NULL;
}

/* Missing values are last in both directions. */
static int row_order(const void *a, const void *b, void *context)
{
    const struct sort_row *const *x = a, *const *y = b;
    const struct query_pipe *pipe = context;
    for (uint32_t i = 0; i < pipe->key_count; i++) {
        const struct pipe_cell *left = &(*x)->cells[i], *right = &(*y)->cells[i];
        int order = pipe_cell_compare(left, right);
        bool missing = left->kind == PIPE_MISSING || right->kind == PIPE_MISSING;
        if (order)
            return pipe->keys[i].descending && !missing ? -order : order;
    }
    return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static void rows_order(struct pipe_sort *s)
{
    struct query_pipe plan = *s->pipe;
    if (s->count > 1)
        qsort_r(s->rows, s->count, sizeof(struct sort_row *), row_order, &plan);
}

static struct pipe_cell row_cell(struct pipe *line, const struct pipe_sort *s,
                                 const struct pipe_input *row, uint32_t number)
{
    if (number < s->pipe->key_count)
        return pipe_value(line, row, s->pipe->keys[number].ref, 0);
    return pipe_joined(line, row, s->kept_refs[number - s->pipe->key_count]);
}

/* Texts are gathered in line->fold first, because reading the next cell may overwrite them. */
static struct sort_row *row_make(struct pipe *line, struct pipe_sort *s,
                                 const struct pipe_input *row)
{
    uint32_t cells = s->pipe->key_count + s->kept_count;
    size_t head = sizeof(struct sort_row) + cells * sizeof(struct pipe_cell), at = head;
    struct pipe_cell found[QUERY_COLUMNS_MAX], *read = found;
    if (cells > QUERY_COLUMNS_MAX)
        read = mem_alloc(cells * sizeof(*read));
    buf_clear(&line->fold);
    for (uint32_t i = 0; i < cells; i++) {
        read[i] = row_cell(line, s, row, i);
        buf_slice(&line->fold, read[i].text);
    }
    struct sort_row *kept = mem_alloc(head + line->fold.len);
    *kept = (struct sort_row){.bytes = head + line->fold.len,
                              .number = s->arrived++,
                              .id = row->id,
                              .time_ns = row->time_ns};
    if (line->fold.len)
        memcpy((char *)kept + head, line->fold.data, line->fold.len);
    for (uint32_t i = 0; i < cells; i++) {
        read[i].text.data = (char *)kept + at;
        at += read[i].text.len;
        kept->cells[i] = read[i];
    }
    if (read != found)
        mem_free(read);
    return kept;
}

static void rows_cut(struct pipe *line, struct pipe_sort *s)
{
    rows_order(s);
    while (s->count > s->keep)
        row_free(line, s->rows[--s->count]);
}

int pipe_sort_add(struct pipe *line, struct pipe_sort *s, const struct pipe_input *row,
                  struct err *err)
{
    int rc = ERR_OK;
    if (s->count == s->capacity) {
        uint64_t more = s->capacity ? s->capacity : SORT_ROWS_AT_FIRST;
        s->capacity += more;
        s->rows = mem_resize(s->rows, s->capacity, sizeof(struct sort_row *));
        rc = pipe_charge(line, more * sizeof(struct sort_row *), err);
    }
    struct sort_row *kept = row_make(line, s, row);
    int charged = pipe_charge(line, kept->bytes, err);
    s->rows[s->count++] = kept;
    if (s->keep && s->count >= s->keep * 2 && s->count >= SORT_ROWS_AT_FIRST)
        rows_cut(line, s);
    return rc ? rc : charged;
}

int pipe_sort_finish(struct pipe_sort *s, struct pipe_chain *to, uint32_t at, struct err *err)
{
    int rc = ERR_OK;
    rows_order(s);
    for (uint64_t i = 0; i < s->count && rc == ERR_OK; i++) {
        const struct sort_row *row = s->rows[i];
        struct pipe_input out = {.cells = row->cells + s->pipe->key_count,
                                 .index = s->index,
                                 .cell_count = s->kept_count,
                                 .id = row->id,
                                 .time_ns = row->time_ns};
        rc = pipe_push(to, at, &out, err);
    }
    return rc;
}
