/* Rows by the values of some fields: stats and top count them, uniq lets the first of each pass. */
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/pipe_inside.h"

struct group {
    uint64_t hash;
    struct slice key;        /* the bytes that tell groups apart */
    struct pipe_cell *cells; /* of the keys, as they were seen first */
    struct pipe_aggregate *aggregates;
};

struct pipe_groups {
    const struct query_pipe *pipe;
    struct arena arena;
    struct group *groups;
    uint32_t count, capacity;
    uint32_t *slots; /* group + 1, by hash; 0: free */
    uint32_t slot_capacity;
    struct pipe_cell cells[QUERY_COLUMNS_MAX]; /* of the row at work */
};

enum { GROUPS_AT_FIRST = 16 };

/* Gives the one group of `stats` without `by`, which is there without any row. */
static struct group *group_make(struct pipe *line, struct pipe_groups *g, struct err *err,
                                int *rc);

struct pipe_groups *pipe_groups_open(struct pipe *line, const struct query_pipe *pipe)
{
    struct pipe_groups *g = mem_zeroed(1, sizeof(*g));
    int rc = ERR_OK;
    g->pipe = pipe;
    if (pipe->key_count == 0) {
        buf_clear(&line->key);
        (void)group_make(line, g, NULL, &rc);
    }
    return g;
}

void pipe_groups_close(struct pipe *line, struct pipe_groups **groups)
{
    struct pipe_groups *g = *groups;
    if (!g)
        return;
    for (uint32_t i = 0; i < g->count; i++)
        for (uint32_t k = 0; k < g->pipe->aggregate_count; k++)
            pipe_release(line,
                         pipe_aggregate_free(&g->pipe->aggregates[k], &g->groups[i].aggregates[k]));
    pipe_release(line, g->arena.total_bytes + g->capacity * sizeof(*g->groups) +
                           g->slot_capacity * sizeof(*g->slots));
    arena_free(&g->arena);
    mem_free(g->groups);
    mem_free(g->slots);
    mem_free(g);
    *groups = NULL;
}

static void slots_grow(struct pipe_groups *g)
{
    mem_free(g->slots);
    g->slot_capacity = g->capacity * 2;
    g->slots = mem_zeroed(g->slot_capacity, sizeof(*g->slots));
    for (uint32_t i = 0; i < g->count; i++) {
        uint32_t at = (uint32_t)g->groups[i].hash & (g->slot_capacity - 1);
        while (g->slots[at])
            at = (at + 1) & (g->slot_capacity - 1);
        g->slots[at] = i + 1;
    }
}

static int groups_grow(struct pipe *line, struct pipe_groups *g, struct err *err)
{
    if (g->count == PIPE_GROUPS_MAX)
        return err_set(err, ERR_LIMIT,
                       "more than %d groups: narrow the filter or the span of time, or group by "
                       "fields with fewer values",
                       PIPE_GROUPS_MAX);
    size_t before = g->capacity * sizeof(*g->groups) + g->slot_capacity * sizeof(*g->slots);
    g->capacity = g->capacity ? g->capacity * 2 : GROUPS_AT_FIRST;
    g->groups = mem_resize(g->groups, g->capacity, sizeof(*g->groups));
    slots_grow(g);
    size_t after = g->capacity * sizeof(*g->groups) + g->slot_capacity * sizeof(*g->slots);
    return pipe_charge(line, after - before, err);
}

/* A group of line->key and g->cells. */
static struct group *group_make(struct pipe *line, struct pipe_groups *g, struct err *err,
                                int *rc)
{
    const struct query_pipe *pipe = g->pipe;
    size_t before = g->arena.total_bytes;
    *rc = g->count == g->capacity ? groups_grow(line, g, err) : ERR_OK;
    if (*rc)
        return NULL;
    struct group *group = &g->groups[g->count];
    *group = (struct group){.hash = hash_bytes(line->key.data, line->key.len, hash_seed()),
                            .key = arena_copy(&g->arena, buf_as_slice(&line->key))};
    group->cells = arena_zeroed(&g->arena, pipe->key_count, sizeof(*group->cells));
    for (uint32_t i = 0; i < pipe->key_count; i++) {
        group->cells[i] = g->cells[i];
        group->cells[i].text = arena_copy(&g->arena, g->cells[i].text);
    }
    group->aggregates = arena_zeroed(&g->arena, pipe->aggregate_count, sizeof(*group->aggregates));
    uint32_t at = (uint32_t)group->hash & (g->slot_capacity - 1);
    while (g->slots[at])
        at = (at + 1) & (g->slot_capacity - 1);
    g->slots[at] = ++g->count;
    *rc = pipe_charge(line, g->arena.total_bytes - before, err);
    return group;
}

static struct group *group_find(const struct pipe_groups *g, struct slice key)
{
    if (g->count == 0)
        return NULL;
    uint64_t hash = hash_slice(key, hash_seed());
    uint32_t at = (uint32_t)hash & (g->slot_capacity - 1);
    for (; g->slots[at]; at = (at + 1) & (g->slot_capacity - 1)) {
        struct group *group = &g->groups[g->slots[at] - 1];
        if (group->hash == hash && slice_equal(group->key, key))
            return group;
    }
    return NULL;
}

/* The cells of the keys and the bytes that tell them apart; false: a value that `top` counts is
 * missing. Texts of times live in line->text until the next is read, so they are made anew. */
static bool keys_read(struct pipe *line, struct pipe_groups *g, const struct pipe_input *row)
{
    buf_clear(&line->key);
    for (uint32_t i = 0; i < g->pipe->key_count; i++) {
        g->cells[i] = pipe_key_value(line, row, &g->pipe->keys[i]);
        if (g->pipe->kind == QUERY_TOP && i >= g->pipe->group_count &&
            g->cells[i].kind == PIPE_MISSING)
            return false;
        pipe_key_append(line, &g->cells[i]);
    }
    return true;
}

static void time_texts(struct pipe_groups *g, char room[QUERY_COLUMNS_MAX][CLOCK_TEXT_BYTES])
{
    for (uint32_t i = 0; i < g->pipe->key_count; i++)
        if (g->cells[i].kind == PIPE_TIME)
            g->cells[i].text = slice_make(room[i], clock_text(room[i], g->cells[i].time_ns));
}

static struct group *group_of(struct pipe *line, struct pipe_groups *g, struct err *err,
                              bool *made, int *rc)
{
    char room[QUERY_COLUMNS_MAX][CLOCK_TEXT_BYTES];
    struct group *group = group_find(g, buf_as_slice(&line->key));
    *rc = ERR_OK;
    *made = !group;
    if (group)
        return group;
    time_texts(g, room);
    return group_make(line, g, err, rc);
}

int pipe_groups_add(struct pipe *line, struct pipe_groups *g, const struct pipe_input *row,
                    struct err *err)
{
    bool made;
    int rc;
    if (!keys_read(line, g, row))
        return ERR_OK;
    struct group *group = group_of(line, g, err, &made, &rc);
    for (uint32_t i = 0; i < g->pipe->aggregate_count && rc == ERR_OK; i++)
        rc = pipe_aggregate_add(line, &g->pipe->aggregates[i], &group->aggregates[i], row, err);
    return rc;
}

int pipe_groups_pass(struct pipe_chain *chain, uint32_t at, struct pipe_groups *g,
                     const struct pipe_input *row, struct err *err)
{
    bool made;
    int rc;
    (void)keys_read(chain->line, g, row);
    struct group *group = group_of(chain->line, g, err, &made, &rc);
    if (rc || !made)
        return rc;
    struct pipe_input out = {.cells = group->cells, .cell_count = g->pipe->key_count};
    return pipe_push(chain, at, &out, err);
}

/* --- results --- */

static int compare_cells(const struct group *a, const struct group *b, uint32_t from,
                         uint32_t until)
{
    for (uint32_t i = from; i < until; i++) {
        int order = pipe_cell_compare(&a->cells[i], &b->cells[i]);
        if (order)
            return order;
    }
    return 0;
}

/* By the keys; top: within the keys behind `by`, the highest count first. */
static int group_order(const void *a, const void *b, void *context)
{
    const struct group *const *x = a, *const *y = b;
    const struct query_pipe *pipe = context;
    int order = compare_cells(*x, *y, 0, pipe->group_count);
    if (order == 0 && pipe->kind == QUERY_TOP) {
        uint64_t left = (*x)->aggregates[0].count, right = (*y)->aggregates[0].count;
        order = (left < right) - (left > right);
    }
    if (order == 0)
        order = compare_cells(*x, *y, pipe->group_count, pipe->key_count);
    return order ? order : slice_compare((*x)->key, (*y)->key);
}

static int group_push(struct pipe_groups *g, struct group *group, struct pipe_chain *to,
                      uint32_t at, struct err *err)
{
    struct arena scratch = {0};
    struct pipe_cell cells[QUERY_COLUMNS_MAX];
    uint32_t count = g->pipe->key_count;
    if (count)
        memcpy(cells, group->cells, count * sizeof(*cells));
    for (uint32_t i = 0; i < g->pipe->aggregate_count; i++)
        cells[count++] =
            pipe_aggregate_result(&g->pipe->aggregates[i], &group->aggregates[i], &scratch);
    struct pipe_input row = {.cells = cells, .cell_count = count};
    int rc = pipe_push(to, at, &row, err);
    arena_free(&scratch);
    return rc;
}

int pipe_groups_finish(struct pipe_groups *g, struct pipe_chain *to, uint32_t at, struct err *err)
{
    const struct query_pipe *pipe = g->pipe;
    size_t bytes = g->count * sizeof(struct group *);
    int rc = pipe_charge(to->line, bytes, err);
    struct group **order = mem_alloc(bytes);
    uint64_t in_group = 0;
    for (uint32_t i = 0; i < g->count; i++)
        order[i] = &g->groups[i];
    struct query_pipe plan = *pipe;
    if (rc == ERR_OK)
        qsort_r(order, g->count, sizeof(*order), group_order, &plan);
    for (uint32_t i = 0; i < g->count && rc == ERR_OK; i++) {
        bool same = i > 0 && pipe->kind == QUERY_TOP &&
                    compare_cells(order[i], order[i - 1], 0, pipe->group_count) == 0;
        in_group = same ? in_group + 1 : 1;
        if (pipe->kind != QUERY_TOP || in_group <= pipe->limit)
            rc = group_push(g, order[i], to, at, err);
    }
    mem_free(order);
    pipe_release(to->line, bytes);
    return rc;
}
