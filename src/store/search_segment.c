/* Looking at a block of a segment: which rows may be hits, by what their values tell. */
#include "base/mem.h"
#include "detection/indicator_set.h"
#include "store/embedded_search.h"

static void context_source(const struct row_context *c, struct event_source *out)
{
    struct slice rest = c->category;
    *out = (struct event_source){.product = c->product, .service = c->service};
    if (slice_equal(rest, SLICE("*")))
        return;
    out->categories_known = true;
    while (rest.len && out->category_count < MAPPING_CATEGORIES_MAX)
        out->categories[out->category_count++] = slice_cut(&rest, '|');
}

static bool source_same(const struct row_context *a, const struct row_context *b)
{
    return slice_equal(a->product, b->product) && slice_equal(a->category, b->category) &&
           slice_equal(a->service, b->service);
}

/* Distinct log sources get a bit each; contexts of other mappings, and those past the last bit,
 * the one of the unknown. */
static void sources_number(struct search *s, struct search_segment *g)
{
    const struct segment_about *about = segment_about(g->file);
    const struct row_context *contexts = segment_contexts(g->file);
    struct event_source sources[RETRO_SOURCES_MAX];
    uint32_t firsts[RETRO_SOURCES_MAX], count = 0;
    uint32_t rules = s->options.rules ? retro_rule_count(s->retro) : 0;
    g->context_bits = arena_alloc(&g->arena, (about->context_count + 1) * sizeof(uint64_t));
    for (uint32_t c = 0; c < about->context_count; c++) {
        uint32_t at = 0;
        while (at < count && !source_same(&contexts[firsts[at]], &contexts[c]))
            at++;
        g->context_bits[c] = SEARCH_BIT_INDICATOR;
        if (contexts[c].mapping_set != s->mapping_set || at == RETRO_SOURCES_MAX) {
            g->context_bits[c] |= SEARCH_BIT_STALE;
            continue;
        }
        if (at == count) {
            firsts[count] = c;
            context_source(&contexts[c], &sources[count++]);
        }
        g->context_bits[c] |= (uint64_t)1 << at;
    }
    g->rule_masks = arena_alloc(&g->arena, (rules + 1) * sizeof(uint64_t));
    if (!rules)
        return;
    retro_sources(s->retro, sources, count, g->rule_masks);
    for (uint32_t r = 0; r < rules; r++)
        g->rule_masks[r] |= SEARCH_BIT_STALE;
}

/* Values are only asked for rules that some log source of some segment so far does not contradict:
 * free text of other products' rules would have every value looked at. */
static void retro_widen(struct search *s, const struct search_segment *g)
{
    uint64_t stale = 0;
    bool more = false;
    for (uint32_t c = 0; c < segment_about(g->file)->context_count; c++)
        stale |= g->context_bits[c] & SEARCH_BIT_STALE;
    for (uint32_t r = 0; r < retro_rule_count(s->retro); r++) {
        uint64_t bit = (uint64_t)1 << (r % 64);
        if (!(g->rule_masks[r] & ~SEARCH_BIT_STALE) && !stale)
            continue;
        more |= !(s->retro_rules[r / 64] & bit);
        s->retro_rules[r / 64] |= bit;
    }
    if (!more)
        return;
    search_retro_open(s, s->retro_rules);
}

static uint64_t rules_mask(const struct search_segment *g, const uint32_t *rules, uint32_t count)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < count; i++)
        mask |= g->rule_masks[rules[i]];
    return mask;
}

/* The sources for which a value raises a rule. */
static uint64_t raised_mask(const struct search_segment *g, const struct retro_name *name,
                            enum value_kind kind, struct slice text)
{
    const uint32_t *rules;
    uint32_t count = retro_value(g->retro, name, kind, text, &rules);
    return rules_mask(g, rules, count);
}

struct columns_of {
    const struct segment_column *columns;
    uint32_t count;
    struct search *search;
    struct search_segment *segment;
};

static bool column_exists(void *context, struct slice name)
{
    const struct columns_of *c = context;
    for (uint32_t i = 0; i < c->count; i++)
        if ((slice_equal(c->columns[i].name, name) || i == SEGMENT_REST) &&
            c->columns[i].occurrence_count && !(c->columns[i].flags & FIELD_DERIVED))
            return true;
    return false;
}

static void always_collect(struct search *s, struct search_segment *g)
{
    const struct segment_about *about = segment_about(g->file);
    struct columns_of columns = {segment_columns(g->file), about->column_count, s, g};
    uint32_t count;
    const uint32_t *rules = retro_always(g->retro, &count);
    g->always = s->ask_all ? ~(uint64_t)0 : rules_mask(g, rules, count);
    for (uint32_t c = 0; c < about->context_count; c++)
        if (g->context_bits[c] & SEARCH_BIT_STALE) {
            (void)retro_derived(g->retro, column_exists, &columns, &count);
            if (count)
                g->always |= SEARCH_BIT_STALE;
            return;
        }
}

/* Which names mean the same under each mapping of the segment as under all of them. */
static void exact_make(struct search_segment *g)
{
    const struct segment_about *about = segment_about(g->file);
    const struct row_context *contexts = segment_contexts(g->file);
    bool known[MAPPING_COUNT_MAX + 1] = {false};
    g->context_mappings = arena_zeroed(&g->arena, about->context_count + 1, sizeof(uint16_t));
    for (uint32_t i = 0; i < about->column_count; i++)
        g->columns[i].exact = arena_zeroed(&g->arena, MAPPING_COUNT_MAX + 1, sizeof(bool));
    for (uint32_t c = 0; c < about->context_count; c++) {
        uint16_t mapping = retro_mapping(g->retro, contexts[c].mapping);
        g->context_mappings[c] = mapping;
        if (known[mapping])
            continue;
        known[mapping] = true;
        for (uint32_t i = 1; i < about->column_count; i++)
            g->columns[i].exact[mapping] = g->columns[i].name.asked && !g->columns[i].twice &&
                                           retro_name_exact(g->retro, &g->columns[i].name, mapping);
    }
}

/* What the texts of a context raise, under the names by which queries ask for them. */
static void context_masks_make(struct search *s, struct search_segment *g)
{
    const struct segment_about *about = segment_about(g->file);
    const struct row_context *contexts = segment_contexts(g->file);
    g->context_masks = arena_zeroed(&g->arena, about->context_count + 1, sizeof(uint64_t));
    g->configured = arena_zeroed(&g->arena, about->context_count + 1, sizeof(*g->configured));
    for (uint32_t c = 0; c < about->context_count; c++) {
        struct search_text texts[SEARCH_CONTEXT_TEXTS];
        g->configured[c] = search_logsource(s, contexts[c].configured);
        if (!s->options.meta || !g->retro)
            continue;
        search_context_texts(&contexts[c], texts);
        for (uint32_t t = 0; t < SEARCH_CONTEXT_TEXTS; t++) {
            struct retro_name name;
            retro_name(g->retro, texts[t].name, true, &name);
            if (name.asked && texts[t].value.len)
                g->context_masks[c] |= raised_mask(g, &name, VALUE_STRING, texts[t].value);
        }
    }
}

static bool column_has_name(void *context, uint16_t name)
{
    const struct columns_of *c = context;
    if (c->columns[SEGMENT_REST].occurrence_count)
        return true;
    for (uint32_t i = 1; i < c->count; i++)
        if (c->segment->columns[i].name.number == name)
            return true;
    return false;
}

static bool column_has_text(void *context, uint16_t name, struct slice folded)
{
    const struct columns_of *c = context;
    if (c->columns[SEGMENT_REST].occurrence_count)
        return true;
    for (uint32_t i = 1; i < c->count; i++)
        if (c->segment->columns[i].name.number == name &&
            segment_may_have(c->segment->file, c->columns[i].name, folded))
            return true;
    return false;
}

static bool column_has_number(void *context, uint16_t name, double number)
{
    const struct columns_of *c = context;
    if (c->columns[SEGMENT_REST].occurrence_count)
        return true;
    for (uint32_t i = 1; i < c->count; i++)
        if (c->segment->columns[i].name.number == name &&
            segment_may_have_number(c->segment->file, c->columns[i].name, number))
            return true;
    return false;
}

/* By the bloom and by the names there are. */
static bool segment_prunes(struct search *s, struct search_segment *g)
{
    const struct segment_about *about = segment_about(g->file);
    struct columns_of columns = {segment_columns(g->file), about->column_count, s, g};
    const struct retro_presence presence = {column_has_name, column_has_text, column_has_number,
                                            &columns};
    if (s->options.indicators || s->options.plain || g->always || !s->options.rules ||
        retro_rule_count(g->retro) > SEARCH_PRUNE_RULES_MAX)
        return false;
    for (uint32_t c = 0; c < about->context_count; c++)
        if (g->context_bits[c] & SEARCH_BIT_STALE || g->context_masks[c])
            return false;
    return retro_prunes(g->retro, &presence);
}

static bool name_wanted(const struct search *s, struct slice name)
{
    if (!s->options.fields)
        return true;
    for (uint32_t i = 0; i < s->options.field_count; i++)
        if (slice_equal(s->options.fields[i], name))
            return true;
    return false;
}

static void columns_choose(struct search *s, struct search_segment *g)
{
    const struct segment_about *about = segment_about(g->file);
    const struct segment_column *columns = segment_columns(g->file);
    uint32_t count = about->column_count;
    g->columns = arena_zeroed(&g->arena, count + 1, sizeof(*g->columns));
    g->judge_columns = arena_zeroed(&g->arena, count + 1, sizeof(bool));
    g->full_columns = arena_zeroed(&g->arena, count + 1, sizeof(bool));
    for (uint32_t i = 0; i < count; i++) {
        bool derived = columns[i].flags & FIELD_DERIVED, rest = i == SEGMENT_REST;
        if (g->retro)
            retro_name(g->retro, columns[i].name, derived, &g->columns[i].name);
        g->columns[i].by_block =
            rest || columns[i].kind == COLUMN_TEXT || columns[i].kind == COLUMN_NUMBER;
        g->judge_columns[i] = !derived && (rest || s->options.indicators ||
                                           (g->retro && retro_needs(g->retro, columns[i].name)));
        g->full_columns[i] =
            rest || name_wanted(s, columns[i].name) || (s->options.matched && g->judge_columns[i]);
    }
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = 1; k < i && g->columns[i].name.number != NAME_NONE; k++)
            if (g->columns[i].name.number == g->columns[k].name.number)
                g->columns[i].twice = g->columns[k].twice = true;
}

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

/* Whether the segment's sight arrays name any indicator; what cannot be read may hold some. */
static bool sights_hit(struct search *s, struct search_segment *g)
{
    struct segment_sights sights = {0};
    bool hit = false;
    for (unsigned kind = 0; kind < SIGHT_KINDS && !hit; kind++) {
        hit = segment_read_sights(g->file, kind, &sights, NULL) != ERR_OK;
        for (uint32_t i = 0; i < sights.count && !hit; i++)
            hit = kind == SIGHT_IP ? indicator_set_may_ip(s->indicator_set, &sights.addresses[i])
                                   : indicator_set_may(s->indicator_set, (enum sight_kind)kind,
                                                       sights.hashes[i]);
    }
    segment_sights_free(&sights);
    return hit;
}

static bool rules_asked(const struct search *s)
{
    return s->options.rules && retro_rule_count(s->retro) > 0;
}

static int segment_prepare(struct search *s, struct search_segment *g, const char *path,
                           struct err *err)
{
    int rc = segment_open(&g->file, s->store->disk, path, err);
    g->prepared = true;
    s->progress.segments++;
    if (rc) {
        g->damaged = true;
        return rc;
    }
    sources_number(s, g);
    if (s->retro) {
        retro_widen(s, g);
        g->retro = s->retro;
        retro_weigh(g->retro, g->rule_masks);
    }
    columns_choose(s, g);
    context_masks_make(s, g);
    if (s->retro) {
        always_collect(s, g);
        exact_make(g);
    }
    if (s->options.indicators && !s->options.plain)
        g->sights_hit = sights_hit(s, g);
    g->pruned = segment_prunes(s, g) ||
                (s->options.indicators && !rules_asked(s) && !s->options.plain && !g->sights_hit);
    s->progress.segments_pruned += g->pruned;
    return ERR_OK;
}

/* What one value tells: sources of rules, and the bit of indicators. */
static uint64_t value_mask(struct search *s, struct search_segment *g,
                           const struct retro_name *name, enum value_kind kind, struct slice text)
{
    uint64_t mask = 0;
    if (g->retro && name->asked)
        mask = raised_mask(g, name, kind, text);
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

static int block_candidates(struct search *s, struct search_segment *g, struct search_unit *unit,
                            struct err *err)
{
    uint32_t columns = segment_about(g->file)->column_count;
    uint64_t *row_masks = mem_zeroed(unit->rows.count + 1, sizeof(*row_masks));
    bool *marks = mem_zeroed(unit->rows.count + 1, sizeof(*marks)), damaged = false;
    int rc = ERR_OK;
    if (!g->ids)
        g->ids = mem_zeroed(columns + 1, sizeof(*g->ids));
    for (uint32_t i = 0; i < columns; i++)
        g->ids[i].count = 0;
    if ((g->retro || g->sights_hit) && !s->options.plain)
        rc = block_columns(s, g, unit, row_masks, g->ids, &damaged, err);
    if (rc == ERR_OK) {
        rows_mark(s, g, unit, row_masks, marks);
        if (g->retro && !damaged && !s->options.plain)
            search_rows_look(g, unit, row_masks, marks);
        candidates_collect(s, unit, marks);
        search_candidates_keep(s, unit);
    }
    mem_free(marks);
    mem_free(row_masks);
    return rc;
}

int search_block_look(struct search *s, struct search_unit *unit, struct err *err)
{
    struct search_segment *g = &s->segments[unit->segment];
    int rc = ERR_OK;
    if (!g->prepared)
        rc = segment_prepare(s, g, s->view.segments.items[unit->segment].path.data, err);
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
    for (uint32_t i = 0; i < count && g->ids; i++)
        segment_ids_free(&g->ids[i]);
    mem_free(g->ids);
    g->ids = NULL;
}

void search_segment_close(struct search_segment *g)
{
    search_masks_forget(g);
    g->columns = NULL;
    segment_close(&g->file);
    arena_free(&g->arena);
}
