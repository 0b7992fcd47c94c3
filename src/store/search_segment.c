/* Making a segment ready to be looked at: its log sources, its columns, whether it can be passed
 * over. */
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

uint64_t search_raised(const struct search_segment *g, const struct retro_name *name,
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
        struct row_judge_text texts[ROW_JUDGE_TEXTS];
        g->configured[c] = search_logsource(s, contexts[c].configured);
        if (!s->options.meta || !g->retro)
            continue;
        row_judge_texts(&contexts[c], texts);
        for (uint32_t t = 0; t < ROW_JUDGE_TEXTS; t++) {
            struct retro_name name;
            retro_name(g->retro, texts[t].name, true, &name);
            if (name.asked && texts[t].value.len)
                g->context_masks[c] |= search_raised(g, &name, VALUE_STRING, texts[t].value);
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

int search_segment_prepare(struct search *s, struct search_segment *g, const char *path,
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

void search_segment_close(struct search_segment *g)
{
    search_masks_forget(g);
    g->columns = NULL;
    segment_close(&g->file);
    arena_free(&g->arena);
}
