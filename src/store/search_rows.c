/* The closer look at a block's candidates: by what all values of a row tell together, before the
 * row is put together at all. */
#include "base/mem.h"
#include "store/embedded_search.h"

struct row_value { /* a value of a candidate that has tokens */
    uint32_t column, entry;
};

/* Rows that are judged whatever their values tell. */
static bool row_is_sure(const struct search_segment *g, const struct search_unit *unit,
                        uint32_t row, uint64_t row_mask)
{
    uint32_t context = unit->rows.contexts[row];
    uint64_t bits = g->context_bits[context];
    return bits & SEARCH_BIT_STALE || row_mask & SEARCH_BIT_INDICATOR ||
           (g->always | g->context_masks[context]) & bits;
}

typedef void value_found(void *context, uint32_t row, struct row_value value);

static void values_walk(const struct search *s, const struct search_segment *g, const bool *wanted,
                        value_found *found, void *context)
{
    for (uint32_t column = 0; column < segment_about(g->file)->column_count; column++) {
        const struct search_column *c = &g->columns[column];
        const struct segment_ids *ids = &s->ids[column];
        for (uint32_t i = 0; c->starts && i < ids->count; i++) {
            uint32_t entry = ids->entries[i], row = ids->rows[i];
            if (wanted[row] && c->starts[entry + 1] > c->starts[entry])
                found(context, row, (struct row_value){column, entry});
        }
    }
}

struct gathering {
    uint32_t *starts; /* by row; while filling: where its next value goes */
    struct row_value *values;
};

static void value_count(void *context, uint32_t row, struct row_value value)
{
    struct gathering *g = context;
    (void)value;
    g->starts[row]++;
}

static void value_fill(void *context, uint32_t row, struct row_value value)
{
    struct gathering *g = context;
    g->values[g->starts[row]++] = value;
}

static bool row_possible(const struct search_segment *g, const struct row_value *values,
                         uint32_t count, uint32_t context)
{
    uint16_t mapping = g->context_mappings[context];
    retro_row_begin(g->retro);
    for (uint32_t i = 0; i < count; i++) {
        const struct search_column *c = &g->columns[values[i].column];
        const uint32_t *tokens = (const uint32_t *)(const void *)c->tokens.data;
        uint32_t first = c->starts[values[i].entry];
        retro_row_add(g->retro, tokens + first, c->starts[values[i].entry + 1] - first,
                      c->exact[mapping]);
    }
    return retro_row_possible(g->retro, g->rule_masks, g->context_bits[context]);
}

void search_rows_look(const struct search *s, const struct search_segment *g,
                      const struct search_unit *unit, const uint64_t *row_masks, bool *candidates)
{
    uint32_t rows = unit->rows.count, total = 0;
    bool *unsure = mem_zeroed(rows + 1, sizeof(*unsure));
    struct gathering gathering = {.starts = mem_zeroed(rows + 2, sizeof(uint32_t))};
    for (uint32_t r = 0; r < rows; r++)
        unsure[r] = candidates[r] && !row_is_sure(g, unit, r, row_masks[r]);
    values_walk(s, g, unsure, value_count, &gathering);
    for (uint32_t r = 0; r <= rows; r++) {
        uint32_t count = gathering.starts[r];
        gathering.starts[r] = total;
        total += count;
    }
    gathering.values = mem_alloc(((size_t)total + 1) * sizeof(*gathering.values));
    values_walk(s, g, unsure, value_fill, &gathering);
    for (uint32_t r = 0; r < rows; r++) {
        if (!unsure[r])
            continue;
        uint32_t first = r ? gathering.starts[r - 1] : 0;
        candidates[r] = row_possible(g, gathering.values + first, gathering.starts[r] - first,
                                     unit->rows.contexts[r]);
    }
    mem_free(gathering.values);
    mem_free(gathering.starts);
    mem_free(unsure);
}
