/* Looking at a block of a segment: which rows may be hits, by what their values tell. */
#include "base/mem.h"
#include "detection/indicator_set.h"
#include "store/embedded_search.h"

struct sight_look {
    struct search *search;
    bool hit;
};

/* A host is meant by indicators for each name above it, too. */
static bool host_may(const struct indicator_set *set, struct slice name)
{
    for (size_t at = 0; at != SLICE_NONE; at = sight_parent(name, at))
        if (indicator_set_may(set, SIGHT_HOST,
                              sight_hash(SIGHT_HOST, slice_part(name, at, name.len))))
            return true;
    return false;
}

static void sight_seen(void *context, const struct sight *sight)
{
    struct sight_look *look = context;
    const struct indicator_set *set = look->search->indicator_set;
    if (look->hit)
        return;
    if (sight->kind == SIGHT_IP)
        look->hit = indicator_set_may_ip(set, &sight->address);
    else if (sight->kind == SIGHT_HOST)
        look->hit = host_may(set, sight->text);
    else
        look->hit = indicator_set_may(set, sight->kind, sight->hash);
}

/* What one value tells: sources of rules, and the bit of indicators. */
static uint64_t value_mask(struct search *s, struct search_segment *g,
                           const struct retro_name *name, enum value_kind kind, struct slice text)
{
    uint64_t mask = 0;
    if (g->retro && name->asked)
        mask = search_raised(g, name, kind, text);
    if (g->sights_hit && kind != VALUE_NULL && kind != VALUE_OBJECT) {
        struct sight_look look = {s, false};
        sight_scan(text, sight_seen, &look);
        mask |= look.hit ? SEARCH_BIT_INDICATOR : 0;
    }
    return mask;
}

/* `_rest` values have their names before them. */
static uint64_t rest_mask(struct search *s, struct search_segment *g, enum value_kind kind,
                          struct slice entry)
{
    struct slice name, value;
    uint8_t flags;
    struct retro_name known = {0};
    if (!segment_rest_split(entry, &name, &flags, &value))
        return ~(uint64_t)0;
    if (g->retro)
        retro_name(g->retro, name, flags & FIELD_DERIVED, &known);
    return value_mask(s, g, &known, kind, value);
}

struct masking {
    struct search *search;
    struct search_segment *segment;
    struct search_column *column;
    bool rest, any;
    /* values of a block: the rows they are of, and what those can raise at all */
    const uint32_t *rows, *contexts;
};

/* Whether the row of a block's value is of a log source that the column's rules could hold for. */
static bool row_matters(const struct masking *m, uint32_t entry)
{
    const struct search_segment *g = m->segment;
    if (!m->rows || m->rest || g->sights_hit)
        return true;
    return m->column->name.mask & g->context_bits[m->contexts[m->rows[entry]]];
}

static void value_visit(void *context, uint32_t entry, enum value_kind kind, struct slice text)
{
    struct masking *m = context;
    struct search_column *c = m->column;
    const uint32_t *tokens;
    uint32_t count = 0;
    c->masks[entry] = 0;
    c->starts[entry] = (uint32_t)(c->tokens.len / sizeof(uint32_t));
    if (!row_matters(m, entry))
        return;
    c->masks[entry] = m->rest ? rest_mask(m->search, m->segment, kind, text)
                              : value_mask(m->search, m->segment, &c->name, kind, text);
    if (m->segment->retro && (m->rest || c->name.asked))
        count = retro_tokens(m->segment->retro, &tokens);
    if (count)
        buf_append(&c->tokens, tokens, count * sizeof(*tokens));
    m->any |= c->masks[entry] || count;
}

/* What the masks and tokens of a column hold, for the budget. */
static size_t column_bytes(const struct search_column *c)
{
    return c->room * (sizeof(*c->masks) + sizeof(*c->starts)) + c->tokens.capacity;
}

static void column_forget(struct search_column *c)
{
    mem_free(c->masks);
    mem_free(c->starts);
    buf_free(&c->tokens);
    c->masks = NULL;
    c->starts = NULL;
    c->room = 0;
}

static int memory_check(const struct search *s, struct err *err)
{
    size_t held = 0;
    for (uint32_t i = 0; i < s->view.segments.count; i++) {
        const struct search_segment *g = &s->segments[i];
        uint32_t columns = g->file && g->columns ? segment_about(g->file)->column_count : 0;
        for (uint32_t k = 0; k < columns; k++)
            held += column_bytes(&g->columns[k]);
    }
    if (held <= s->options.memory_bytes / 2)
        return ERR_OK;
    return err_set(err, ERR_LIMIT,
                   "the search needs more than its %zu MiB of memory: narrow the time range or the "
                   "partitions, or give it more",
                   s->options.memory_bytes >> 20);
}

static int column_masks(struct search *s, struct search_segment *g, uint32_t column,
                        const struct search_unit *unit, const struct segment_ids *ids,
                        struct err *err)
{
    struct search_column *c = &g->columns[column];
    struct masking m = {.search = s, .segment = g, .column = c, .rest = column == SEGMENT_REST};
    uint32_t block = c->by_block ? unit->block : SEGMENT_NO_BLOCK;
    uint32_t count = segment_value_count(g->file, column, block);
    if (c->by_block && ids->count == count) {
        m.rows = ids->rows;
        m.contexts = unit->rows.contexts;
    }
    if (!c->masks || c->room < count) {
        column_forget(c);
        c->room = count;
        c->masks = mem_alloc(((size_t)count + 1) * sizeof(*c->masks));
        c->starts = mem_alloc(((size_t)count + 1) * sizeof(*c->starts));
    }
    buf_clear(&c->tokens);
    int rc = segment_visit_values(g->file, column, block, value_visit, &m, err);
    c->starts[count] = (uint32_t)(c->tokens.len / sizeof(uint32_t));
    if (rc || !m.any)
        column_forget(c);
    return rc ? rc : memory_check(s, err);
}

static bool column_looked_at(const struct search_segment *g, uint32_t i, uint64_t block_bits)
{
    const struct segment_column *column = &segment_columns(g->file)[i];
    if (!column->occurrence_count)
        return false;
    if (g->sights_hit && !(column->flags & FIELD_DERIVED))
        return true;
    return g->retro && (i == SEGMENT_REST ||
                        (g->columns[i].name.asked && g->columns[i].name.mask & block_bits));
}

static int block_column(struct search *s, struct search_segment *g, struct search_unit *unit,
                        uint32_t column, uint64_t *row_masks, struct segment_ids *ids,
                        struct err *err)
{
    struct search_column *c = &g->columns[column];
    if (!(segment_columns(g->file)[column].block_mask >> unit->block & 1) ||
        (!c->by_block && c->told && !c->masks))
        return ERR_OK;
    int rc = segment_read_ids(g->file, column, unit->block, &unit->rows, ids, err);
    if (rc == ERR_OK && (c->by_block || !c->told))
        rc = column_masks(s, g, column, unit, ids, err);
    c->told = rc == ERR_OK;
    if (rc || !c->masks) {
        ids->count = 0;
        return rc;
    }
    for (uint32_t i = 0; i < ids->count; i++)
        row_masks[ids->rows[i]] |= c->masks[ids->entries[i]];
    return ERR_OK;
}

/* By the first look: the values of these rows raise something for their log source. */
static void rows_mark(const struct search *s, const struct search_segment *g,
                      const struct search_unit *unit, const uint64_t *row_masks, bool *marks)
{
    bool all = s->options.plain || (!s->options.rules && !s->options.indicators);
    for (uint32_t r = 0; r < unit->rows.count; r++) {
        uint32_t context = unit->rows.contexts[r];
        uint64_t raised = row_masks[r] | g->always | g->context_masks[context];
        marks[r] = all || raised & g->context_bits[context];
    }
}

static void candidates_collect(struct search *s, struct search_unit *unit, const bool *marks)
{
    uint32_t capacity = 0;
    for (uint32_t r = 0; r < unit->rows.count; r++) {
        int64_t time_ns = unit->rows.times_ns[r] == CLOCK_NONE ? unit->rows.received_ns[r]
                                                               : unit->rows.times_ns[r];
        if (!marks[r] ||
            !search_in_range(s, time_ns, unit->rows.received_ns[r], unit->rows.sequences[r]))
            continue;
        struct search_candidate c = {time_ns, unit->rows.sequences[r], r};
        search_candidate_add(s, unit, &capacity, &c);
    }
    if (!unit->again)
        s->progress.rows_pruned += unit->rows.count - unit->candidate_count;
}

/* Asks all columns that matter; damaged: one could not be read, so its rows are all candidates, and
 * what cannot be read of them is counted when they are judged. */
static int block_columns(struct search *s, struct search_segment *g, struct search_unit *unit,
                         uint64_t *row_masks, struct segment_ids *ids, bool *damaged,
                         struct err *err)
{
    uint64_t block_bits = 0;
    for (uint32_t r = 0; r < unit->rows.count; r++)
        block_bits |= g->context_bits[unit->rows.contexts[r]];
    for (uint32_t i = 0; i < segment_about(g->file)->column_count; i++) {
        if (!column_looked_at(g, i, block_bits))
            continue;
        int rc = block_column(s, g, unit, i, row_masks, &ids[i], err);
        if (rc == ERR_LIMIT)
            return rc;
        *damaged |= rc != ERR_OK;
    }
    if (*damaged)
        memset(row_masks, 0xff, unit->rows.count * sizeof(*row_masks));
    return ERR_OK;
}

/* One set for all segments: only the block that is being looked at needs it. */
static void ids_reserve(struct search *s, uint32_t columns)
{
    if (columns <= s->ids_count)
        return;
    s->ids = mem_resize(s->ids, columns, sizeof(*s->ids));
    memset(s->ids + s->ids_count, 0, (columns - s->ids_count) * sizeof(*s->ids));
    s->ids_count = columns;
}

void search_ids_free(struct search *s)
{
    for (uint32_t i = 0; i < s->ids_count; i++)
        segment_ids_free(&s->ids[i]);
    mem_free(s->ids);
    s->ids = NULL;
    s->ids_count = 0;
}

static int block_candidates(struct search *s, struct search_segment *g, struct search_unit *unit,
                            struct err *err)
{
    uint32_t columns = segment_about(g->file)->column_count;
    uint64_t *row_masks = mem_zeroed(unit->rows.count + 1, sizeof(*row_masks));
    bool *marks = mem_zeroed(unit->rows.count + 1, sizeof(*marks)), damaged = false;
    int rc = ERR_OK;
    ids_reserve(s, columns);
    for (uint32_t i = 0; i < columns; i++)
        s->ids[i].count = 0;
    if ((g->retro || g->sights_hit) && !s->options.plain)
        rc = block_columns(s, g, unit, row_masks, s->ids, &damaged, err);
    if (rc == ERR_OK) {
        rows_mark(s, g, unit, row_masks, marks);
        if (g->retro && !damaged && !s->options.plain)
            search_rows_look(s, g, unit, row_masks, marks);
        candidates_collect(s, unit, marks);
        search_candidates_keep(s, unit);
    }
    /* a hunt looks at block after block; a query's memory is better spent on reading rows */
    if (!s->retro || retro_rule_count(s->retro) <= SEARCH_PRUNE_RULES_MAX)
        search_ids_free(s);
    mem_free(marks);
    mem_free(row_masks);
    return rc;
}

int search_block_look(struct search *s, struct search_unit *unit, struct err *err)
{
    struct search_segment *g = &s->segments[unit->segment];
    int rc = ERR_OK;
    if (!g->prepared)
        rc = search_segment_prepare(s, g, s->view.segments.items[unit->segment].path.data, err);
    if (g->pruned || g->damaged || rc) {
        s->progress.rows_pruned += g->pruned ? unit->row_count : 0;
        s->progress.damaged_rows += g->damaged ? unit->row_count : 0;
        return ERR_OK;
    }
    if (segment_read_rows(g->file, unit->block, &unit->rows, err) != ERR_OK) {
        s->progress.damaged_rows += unit->row_count;
        return ERR_OK;
    }
    rc = block_candidates(s, g, unit, err);
    segment_rows_free(&unit->rows);
    return rc;
}

void search_masks_forget(struct search_segment *g)
{
    uint32_t count = g->file && g->columns ? segment_about(g->file)->column_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        column_forget(&g->columns[i]);
        g->columns[i].told = false;
    }
}
