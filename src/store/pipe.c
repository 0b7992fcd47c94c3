#include "store/pipe.h"

#include "base/mem.h"
#include "store/pipe_inside.h"

int pipe_charge(struct pipe *line, size_t bytes, struct err *err)
{
    struct pipe_figures *f = &line->figures;
    f->used_bytes += bytes;
    if (f->used_bytes > f->peak_bytes)
        f->peak_bytes = f->used_bytes;
    if (f->used_bytes <= line->budget_bytes)
        return ERR_OK;
    return err_set(err, ERR_LIMIT,
                   "the pipes of this query hold more than %zu MiB: narrow the filter or the span "
                   "of time, group by fewer fields, or put limit behind sort",
                   (line->budget_bytes + (1 << 20) - 1) >> 20);
}

void pipe_release(struct pipe *line, size_t bytes)
{
    check(line->figures.used_bytes >= bytes);
    line->figures.used_bytes -= bytes;
}

static void chain_open(struct pipe_chain *chain, struct pipe *line, uint32_t first,
                       pipe_emit *emit, void *context)
{
    const struct query *q = line->query;
    *chain = (struct pipe_chain){.line = line, .emit = emit, .context = context};
    for (uint32_t i = first; i < q->pipe_count; i++) {
        struct pipe_stage *stage = &chain->stages[chain->count++];
        const struct query_pipe *pipe = &q->pipes[i];
        *stage = (struct pipe_stage){.pipe = pipe};
        if (pipe->kind == QUERY_STATS || pipe->kind == QUERY_TOP || pipe->kind == QUERY_UNIQ)
            stage->groups = pipe_groups_open(line, pipe);
        else if (pipe->kind == QUERY_SORT)
            stage->sort = pipe_sort_open(line, pipe);
    }
}

static void chain_close(struct pipe_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        pipe_groups_close(chain->line, &chain->stages[i].groups);
        pipe_sort_close(chain->line, &chain->stages[i].sort);
    }
    chain->count = 0;
}

static int emit_row(struct pipe_chain *chain, const struct pipe_input *row, struct err *err)
{
    struct pipe *line = chain->line;
    bool table = line->query->columns.count > 0;
    struct pipe_result result = {.id = row->id, .time_ns = row->time_ns, .row = row->event};
    if (table) {
        result.cells = row->cells;
        result.cell_count = row->cell_count;
        for (uint32_t i = 0; i < row->cell_count; i++)
            line->figures.capped = line->figures.capped || row->cells[i].capped;
    }
    if (chain == &line->chain)
        line->figures.rows_out++;
    return chain->emit(chain->context, &result, err);
}

/* Columns of fields: several values of one are one cell. */
static int push_fields(struct pipe_chain *chain, uint32_t at, const struct query_pipe *pipe,
                       const struct pipe_input *row, struct err *err)
{
    struct arena scratch = {0};
    struct pipe_cell cells[QUERY_COLUMNS_MAX];
    for (uint32_t i = 0; i < pipe->key_count; i++) {
        cells[i] = pipe_joined(chain->line, row, pipe->keys[i].ref);
        cells[i].text = arena_copy(&scratch, cells[i].text);
    }
    struct pipe_input out = {.cells = cells, .cell_count = pipe->key_count};
    int rc = pipe_push(chain, at + 1, &out, err);
    arena_free(&scratch);
    return rc;
}

static int push_limited(struct pipe_chain *chain, uint32_t at, const struct pipe_input *row,
                        struct err *err)
{
    struct pipe_stage *stage = &chain->stages[at];
    if (stage->passed >= stage->pipe->limit)
        return PIPE_ENOUGH;
    stage->passed++;
    int rc = pipe_push(chain, at + 1, row, err);
    return rc == ERR_OK && stage->passed == stage->pipe->limit ? PIPE_ENOUGH : rc;
}

int pipe_push(struct pipe_chain *chain, uint32_t at, const struct pipe_input *row, struct err *err)
{
    if (at == chain->count)
        return emit_row(chain, row, err);
    struct pipe_stage *stage = &chain->stages[at];
    switch (stage->pipe->kind) {
    case QUERY_STATS:
    case QUERY_TOP:
        return pipe_groups_add(chain->line, stage->groups, row, err);
    case QUERY_UNIQ:
        return pipe_groups_pass(chain, at + 1, stage->groups, row, err);
    case QUERY_SORT:
        return pipe_sort_add(chain->line, stage->sort, row, err);
    case QUERY_LIMIT:
        return push_limited(chain, at, row, err);
    case QUERY_FIELDS:
        break;
    }
    return stage->pipe->table_output ? push_fields(chain, at, stage->pipe, row, err)
                                     : pipe_push(chain, at + 1, row, err);
}

/* Hands on what the stage holds; a stage that holds nothing has no more to say. */
static int stage_finish(struct pipe_stage *stage, struct pipe_chain *to, uint32_t at,
                        struct err *err)
{
    int rc = ERR_OK;
    if (stage->sort)
        rc = pipe_sort_finish(stage->sort, to, at, err);
    else if (stage->groups && stage->pipe->kind != QUERY_UNIQ)
        rc = pipe_groups_finish(stage->groups, to, at, err);
    return rc == PIPE_ENOUGH ? ERR_OK : rc;
}

static int chain_finish(struct pipe_chain *chain, struct err *err)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        int rc = stage_finish(&chain->stages[i], chain, i + 1, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

struct pipe *pipe_open(const struct query *query, size_t budget_bytes, pipe_emit *emit,
                               void *context)
{
    struct pipe *line = mem_zeroed(1, sizeof(*line));
    line->query = query;
    line->budget_bytes = budget_bytes;
    line->time_field = UINT32_MAX;
    for (uint32_t i = 0; i < query->fields.count; i++)
        if (slice_equal(query->fields.items[i], SLICE("_time")))
            line->time_field = i;
    chain_open(&line->chain, line, 0, emit, context);
    return line;
}

void pipe_close(struct pipe **pipeline)
{
    struct pipe *line = *pipeline;
    if (!line)
        return;
    chain_close(&line->chain);
    buf_free(&line->key);
    buf_free(&line->fold);
    buf_free(&line->text);
    mem_free(line);
    *pipeline = NULL;
}

int pipe_feed(struct pipe *line, const struct pipe_row *row, struct err *err)
{
    struct pipe_input input = {.event = row, .id = row->id, .time_ns = row->time_ns};
    line->figures.rows_in++;
    return pipe_push(&line->chain, 0, &input, err);
}

int pipe_end(struct pipe *line, struct err *err)
{
    return chain_finish(&line->chain, err);
}

int pipe_partial(struct pipe *line, pipe_emit *emit, void *context, struct err *err)
{
    struct pipe_chain rest;
    uint32_t first = 0;
    while (first < line->chain.count && line->query->pipes[first].kind != QUERY_STATS &&
           line->query->pipes[first].kind != QUERY_TOP &&
           line->query->pipes[first].kind != QUERY_SORT)
        first++;
    if (first == line->chain.count)
        return ERR_OK;
    chain_open(&rest, line, first + 1, emit, context);
    int rc = stage_finish(&line->chain.stages[first], &rest, 0, err);
    if (rc == ERR_OK)
        rc = chain_finish(&rest, err);
    chain_close(&rest);
    return rc;
}

void pipe_measure(const struct pipe *line, struct pipe_figures *out)
{
    *out = line->figures;
}
